/* erase.h: a case that is erased: its keys, rows and wraps are destroyed at the agency, the relay
 * forgets what it carried, tablets are ordered to destroy theirs, and a signed stub remains, so
 * that the case cannot come back unseen.
 *
 * It begins with one transaction: stub, orders, the word to the relay. From then on the case is
 * erased whatever crashes: what is left of it is destroyed at the next start.
 *
 * Kept in the merger's store, values: "erased" (by case: the stub), "erasing" (by case: begun and
 * not ended), "erased.late" (by case: how much came in afterwards).
 * Thread: as the engine. Source: security.md 3, "Erasure". */
#ifndef VELDKIT_ERASE_H
#define VELDKIT_ERASE_H

#include <stdbool.h>

#include "veldkit/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_sync_erase: erase a case here, with the stub that remains. No case of the store is open.
 * Expects: VELD_E_NOT_FOUND (no such case here), VELD_E_EXISTS (it is erased already), as the
 *          store. After an error of the first transaction nothing has happened. */
veld_status veld_sync_erase(
    veld_sync *sync, const veld_id *case_id, veld_span stub, veld_error *err) VELD_MUST_CHECK;

/* veld_erased_get: append the stub of an erased case.  Expects: VELD_E_NOT_FOUND.
 * veld_erased_late: how many items of it came in afterwards and were not taken. */
veld_status veld_erased_get(
    veld_store *store, const veld_id *case_id, veld_buf *stub, veld_error *err) VELD_MUST_CHECK;
veld_status veld_erased_late(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* veld_forget_make: the merger's word to the relay that what it carried of a case is to be
 * forgotten: [body, signature], namespace "veldkit-forget-1".  veld_forget_read: checked.
 * Expects: as signed parts. */
veld_status veld_forget_make(const veld_id *case_id, const veld_signer *merger, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_forget_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
