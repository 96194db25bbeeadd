/* erase.h: a case that is erased: its keys, rows and wraps are destroyed at the agency, the relay
 * forgets what it carried, tablets are ordered to destroy theirs, and a signed stub remains, so
 * that the case cannot come back unseen.
 *
 * It begins with one transaction: stub, orders, the word to the relay. From then on the case is
 * erased whatever crashes: what is left of it is destroyed at the next start.
 *
 * What comes for it afterwards and was not here before goes to the quarantine as it came, for a
 * person to see that it exists: keys never, and what a relay brings again that was put back from an
 * old copy neither.
 *
 * Kept in the merger's store, values: "erased" (by case: the stub), "erasing" (by case: begun and
 * not ended), "erased.known" (by case: ids of its changes, rising), "erased.late" (by case: how
 * much came in afterwards). On a device: "erased" (by case: the order).
 * Thread: as the engine. Source: security.md 3, "Erasure". */
#ifndef VELDKIT_ERASE_H
#define VELDKIT_ERASE_H

#include <stdbool.h>

#include "veldkit/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_sync_erase: erase a case here, with the stub that remains. No case of the store is open. In
 * a transaction of the caller's it only begins; veld_sync_end_erasure is to follow the commit, and
 * does so at the next start if it did not.
 * Expects: VELD_E_NOT_FOUND (no such case here), VELD_E_EXISTS (it is erased already), as the
 *          store. After an error of the first transaction nothing has happened. */
veld_status veld_sync_erase(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_end_erasure(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_follow_anew: who has `old` gets `anew`, in which it goes on without a part
 * (veld_part_found_anew), on the same terms. Inside the transaction that founds and erases.
 * Expects: as veld_sync_post_grant. */
veld_status veld_sync_follow_anew(
    veld_sync *sync, const veld_id *old, const veld_id *anew, veld_error *err) VELD_MUST_CHECK;

/* veld_erased_get: append what is kept of an erased case: at the agency the stub, on a device the
 * order by which it was destroyed.  Expects: VELD_E_NOT_FOUND.
 * veld_erased_order: the latter, checked.  Expects: VELD_E_NOT_FOUND, VELD_E_FORGED, as an order.
 * veld_erased_each: every case that was erased here, in no order that means anything; stops when
 * `each` returns another status than VELD_OK, and returns it.
 * veld_erased_late: how many envelopes of it came in afterwards and went to the quarantine. */
veld_status veld_erased_get(
    veld_store *store, const veld_id *case_id, veld_buf *stub, veld_error *err) VELD_MUST_CHECK;
veld_status veld_erased_order(veld_store *store, const veld_id *case_id,
    const veld_verifier *verifier, const veld_p256_public *merger, veld_order *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_erased_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_id *case_id, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_erased_late(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* veld_forget_make: the merger's word to the relay that what it carried of a case is to be
 * forgotten: [body, signature], namespace "veldkit-forget-1"; `serial` makes each another item.
 * veld_forget_read: checked.
 * Expects: as signed parts. */
veld_status veld_forget_make(const veld_id *case_id, uint64_t serial, const veld_signer *merger,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_forget_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
