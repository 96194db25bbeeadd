/* emergency.h: what this device opened in an emergency: when, until when, and why. The row is the
 * act itself: it is durable before any key of the case is used (break_glass.h), and it stays when
 * the time is over, so that who saw the case can still add to it.
 *
 * Kept in the store, values "emergency", by case.
 * Expects, all: as the store, VELD_E_MEMORY. Thread: as the store. Source: security.md 1, T8. */
#ifndef VELDKIT_EMERGENCY_H
#define VELDKIT_EMERGENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long a case is read after the glass was broken; never longer than its emergency grant. */
#define VELD_EMERGENCY_MS (4LL * 60 * 60 * 1000)

typedef struct veld_emergency {
    veld_id case_id;
    int64_t opened_utc_ms, until_utc_ms; /* by the time of leases (lease.h) */
    veld_id boot;                        /* of the device then; zero = not known */
    int64_t monotonic_ms;                /* of the device then */
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1];
} veld_emergency;

/* veld_emergency_get: all zero when it was never opened.  veld_emergency_put: keep or replace.
 * veld_emergency_drop: fine when there is none.  Expects: VELD_E_DAMAGED. */
veld_status veld_emergency_get(veld_store *store, const veld_id *case_id, veld_emergency *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_emergency_put(
    veld_store *store, const veld_emergency *emergency, veld_error *err) VELD_MUST_CHECK;
veld_status veld_emergency_drop(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* veld_emergency_correct: at `utc_ms`, by the time of leases, and `monotonic_ms` of this `boot`,
 * none began later than it can have: one that did was opened by a clock that was ahead, or has been
 * set back since. It gets the begin that the monotonic clock says, or after a restart, when
 * `is_known` (the server's time is), this moment; and so it is over VELD_EMERGENCY_MS after that at
 * the latest.
 */
veld_status veld_emergency_correct(veld_store *store, const veld_id *boot, int64_t monotonic_ms,
    int64_t utc_ms, bool is_known, veld_error *err) VELD_MUST_CHECK;
/* veld_emergency_each: all of them, in no order that means anything; stops when `each` returns
 * another status than VELD_OK, and returns it. */
veld_status veld_emergency_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_emergency *emergency, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
