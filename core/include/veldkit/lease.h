/* lease.h: what a device was told with the agency's newest grant of a case: how long it may use the
 * key to read, and why it has it. The key of a case whose lease is over stays, so that unsent work
 * can still be handed in and a new lease opens the case again; it is not used to show anything.
 *
 *   none        no grant of the agency: founded here, or given by a colleague; no lease
 *   valid       until end_utc_ms
 *   over        by the best time known: server time and monotonic clock
 *   unsure      the device restarted and its clock says less than was known before: as over
 *   emergency   an emergency grant: not used until a person breaks the glass (break_glass.h)
 *   emergency over   it was broken, and the time for reading is over
 *
 * A clock that goes back never makes a lease longer: the highest time that was ever known is kept.
 * The monotonic clock does not run over a restart, so a restart and a clock set to that same time
 * can stop a lease from running; only hardware could tell (SECURITY.md says so).
 *
 * Kept in the store, values: "lease" (by case), "withdrawn" (by case: the serial of the order).
 * Expects, all that touch the store: as the store. Thread: as the store. Source: security.md 2. */
#ifndef VELDKIT_LEASE_H
#define VELDKIT_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/anchor.h"
#include "veldkit/env.h"
#include "veldkit/grant.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_lease {
    uint64_t serial; /* of the newest grant */
    veld_grant_purpose purpose;
    int64_t end_utc_ms;   /* 0 = until withdrawn */
    int64_t since_utc_ms; /* the last server time known when it came; 0 = none */
    /* BREAK_GLASS: until when it is read after the glass was broken; 0 = it was not. */
    int64_t opened_until_utc_ms;
} veld_lease;

typedef enum veld_lease_state {
    VELD_LEASE_NONE = 0,
    VELD_LEASE_VALID,
    VELD_LEASE_OVER,
    VELD_LEASE_UNSURE,
    VELD_LEASE_EMERGENCY,
    VELD_LEASE_EMERGENCY_OVER
} veld_lease_state;

/* veld_lease_get: all zero when there is none.  veld_lease_drop: fine when there is none.
 * veld_lease_each: all of them, in no order that means anything; stops when `each` returns another
 * status than VELD_OK, and returns it. `each` may not change leases. */
veld_status veld_lease_get(
    veld_store *store, const veld_id *case_id, veld_lease *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_lease_drop(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
veld_status veld_lease_each(veld_store *store, void *context,
    veld_status (*each)(
        void *context, const veld_id *case_id, const veld_lease *lease, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
/* veld_lease_take: the terms of a grant that the agency signed for this device. One whose serial is
 * not above that of the newest grant changes nothing.
 * Expects: VELD_E_STALE (not above that of the order that withdrew the case: nothing is changed).
 */
veld_status veld_lease_take(veld_store *store, const veld_anchor *anchor,
    const veld_grant_terms *terms, veld_error *err) VELD_MUST_CHECK;
/* veld_lease_withdraw: from now on only grants above this serial count; what was opened in an
 * emergency is closed. */
veld_status veld_lease_withdraw(
    veld_store *store, const veld_id *case_id, uint64_t serial, veld_error *err) VELD_MUST_CHECK;

/* veld_lease_time: the time by which leases are judged: the server's last time and the monotonic
 * clock since; after a restart the device's clock, never below the highest time that was known
 * before, which is kept here. `sure` is false when that clock says clearly less than that. `anchor`
 * may be NULL: the device's clock. What was opened in an emergency by a clock that was ahead is
 * corrected here (emergency.h): ask for the time first, then for the lease. */
veld_status veld_lease_time(veld_store *store, const veld_anchor *anchor, const veld_now *now,
    int64_t *utc_ms, bool *sure, veld_error *err) VELD_MUST_CHECK;
/* veld_lease_state_at: `sure` and `utc_ms` from veld_lease_time. */
veld_lease_state veld_lease_state_at(const veld_lease *lease, int64_t utc_ms, bool sure);

#ifdef __cplusplus
}
#endif
#endif
