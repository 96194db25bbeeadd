/* locked.h: what a tablet hears while its vault is locked: one thing, an order to wipe it.
 *
 *   unlocked:  veld_locked_pack ---> watch: public keys, a place in the relay's journal, the orders
 *              that were heard already, and what the agency still has to sign for
 *   locked:    veld_locked_request ---> relay ---> veld_locked_take, over and over
 *              veld_locked_must_wipe: an order of the agency to this device, the next one after the
 *              last it did, and all that was made here is with the office: the keys may go
 *              veld_locked_confirm ---> page: the device's word, signed with the carrier key
 *
 * The order counts as it counts in an open vault (order.h): once, for this device, in its turn, by
 * the agency's key. And so does what goes before it: for each change the agency signed a head or an
 * aside, for the lines of the access log that it keeps them. What was not sealed when the vault was
 * locked, and drafts, can only be handed in by who opens it: then nothing is wiped before.
 *
 * It opens nothing and changes no file; both is left to the caller. Thread: one at a time.
 * Source: design.md 6, "Seal, then purge"; proto/WIRE.md, "Order". */
#ifndef VELDKIT_LOCKED_H
#define VELDKIT_LOCKED_H

#include "veldkit/order.h"
#include "veldkit/parcel.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_locked_pack: after veld_sync_pack, before anything else is done with `sync`: append the
 * watch of this vault. `carrier` is the key with which a wipe may be confirmed. Expects: as
 * veld_sync_pack, as the store. */
veld_status veld_locked_pack(veld_sync *sync, const veld_p256_public *carrier, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

typedef struct veld_locked veld_locked;

/* veld_locked_new: from the watch of a parcel; keeps nothing of its bytes.
 * Owns:    free with veld_locked_free; NULL is fine.
 * Expects: VELD_E_FORM, VELD_E_NEWER, VELD_E_LIMIT, VELD_E_FORGED (the statement), VELD_E_CRYPTO,
 *          VELD_E_MEMORY. */
veld_status veld_locked_new(veld_span watch, veld_locked **out, veld_error *err) VELD_MUST_CHECK;
void veld_locked_free(veld_locked *locked);

/* veld_locked_request: append a request for what is new; the relay may hold its answer back for
 * `wait_ms`.  Expects: VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_locked_request(const veld_locked *locked, const char *program, uint32_t wait_ms,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_locked_take: the whole answer. `*more`: ask again at once. `*lost`: the relay is another
 * one, or lacks what it had: what was handed in is to be handed in again. An item that proves
 * nothing has no effect. Expects: VELD_E_FORM, VELD_E_DAMAGED (cut), VELD_E_FORGED (no receipt of
 * this relay), VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY: nothing was taken then. */
veld_status veld_locked_take(
    veld_locked *locked, veld_span answer, bool *more, bool *lost, veld_error *err) VELD_MUST_CHECK;
/* veld_locked_must_wipe: `all_sent`: each page has its receipt. `out` is then the order. */
bool veld_locked_must_wipe(const veld_locked *locked, bool all_sent, veld_order *out);
/* veld_locked_confirm: append a page, as in a parcel: it is handed in when its receipt counts one
 * change. Only when veld_locked_must_wipe said so.
 * Expects: what the signer returns, VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_locked_confirm(const veld_locked *locked, const veld_signer *carrier,
    const char *program, veld_buf *page, veld_error *err) VELD_MUST_CHECK;
/* veld_locked_relay_key: whose receipts count now; borrowed. */
const veld_p256_public *veld_locked_relay_key(const veld_locked *locked);

#ifdef __cplusplus
}
#endif
#endif
