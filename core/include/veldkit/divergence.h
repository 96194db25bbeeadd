/* divergence.h: a tablet that holds the same changes as the agency, and has another state.
 *
 * The state follows from the set of changes, so this cannot be unless a program or a row of the
 * store is wrong. It is said and kept, the rows are checked and what does not fit is fetched again,
 * and the agency hears of it through the access log. No change is refused or lost for it.
 *
 * Kept in the store, values "divergence": on a device by case; at the agency by case and device.
 * Expects, all: as store.h. Thread: as the store. Source: design, versions; proto/WIRE.md, "Head".
 */
#ifndef VELDKIT_DIVERGENCE_H
#define VELDKIT_DIVERGENCE_H

#include "veldkit/id.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The event of its lines in the access log: failed when it was found, done when it was over. */
#define VELD_DIVERGENCE_EVENT "divergence"

typedef struct veld_divergence {
    veld_id case_id;
    veld_id device;      /* at the agency: who has it; zero on a device: itself */
    int64_t utc_ms;      /* when it was found, by the best time the device knew */
    veld_hash office_id; /* state ids; zero at the agency, whose lines have them as text */
    veld_hash own_id;
    veld_hash held;   /* the set of changes for which that was so */
    uint64_t dropped; /* rows that did not fit and are fetched again */
} veld_divergence;

/* veld_divergence_each: all that are not over; stops when `each` returns another status than
 * VELD_OK, and returns it. */
veld_status veld_divergence_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_divergence *found, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
