/* known.h: what a device could have shown of a case at a moment in the past.
 *
 * A change proves what its author had: its past. So for a device D and a moment T
 *   certain    the changes that D made up to T, and their pasts
 *   possible   these, and what existed at T of what D's first change after T has in its past: it
 * may have come before T or after it. When D made no change after T: all that existed at T. D had
 * at least the first and at most the second, as far as this replica knows the case.
 *
 * A change existed at T when the best time known of it is not after T: the time of its arrival
 * here, or the time by which it is read (veld_anchor_reading_ms: server time where the author's
 * device had one, else her own clock).
 *
 * Thread: as the case. Source: design, versions. */
#ifndef VELDKIT_KNOWN_H
#define VELDKIT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/case.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_known {
    veld_state *certain, *possible;
    size_t certain_count, possible_count; /* changes */
    const veld_node *last;                /* D's last change up to T; NULL: nothing is certain */
    const veld_node *next; /* D's first change after T that has a past; NULL: none is here */
} veld_known;

/* veld_known_at: Owns: release `out` with veld_known_release, whatever is returned; its nodes live
 * as long as the case.
 * Expects: VELD_E_NOT_FOUND (no change of the device in this case), as veld_case_state_at. */
veld_status veld_known_at(veld_case *opened, const veld_id *device, int64_t at_utc_ms,
    veld_known *out, veld_error *err) VELD_MUST_CHECK;
void veld_known_release(veld_known *known);

#ifdef __cplusplus
}
#endif
#endif
