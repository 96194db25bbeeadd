/* receipt.h: what the relay signs, once for each answer: this journal has these items, at this
 * time. It is what a worker sees as "ontvangen", and the one server time a device believes.
 *
 * Format: [body, signature], namespace "veldkit-receipt-1".
 * Thread: any. Source: security.md 2; proto/WIRE.md, "Receipt". */
#ifndef VELDKIT_RECEIPT_H
#define VELDKIT_RECEIPT_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/log.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/* An item that was handed in: its id (SHA-256 of its bytes) and its place in the journal. */
typedef struct veld_receipt_item {
    veld_hash id;
    uint64_t seq; /* from 1 */
} veld_receipt_item;

typedef struct veld_receipt {
    veld_id journal;
    veld_log_head log; /* of the whole journal, the items among it */
    int64_t server_utc_ms;
    const veld_receipt_item *items;
    size_t count;
} veld_receipt;

/* veld_receipt_make: sign and append to `out`.
 * Expects: what the signer returns, VELD_E_LIMIT (over VELD_EXCHANGE_ITEMS_MAX items, or the
 *          buffer's maximum), VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_receipt_make(const veld_receipt *receipt, const veld_signer *signer, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_receipt_read: take apart and check the signature against the relay's `key`.
 * Owns:    items live in `arena`. `*out` is zero on error.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_FORGED, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_receipt_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_arena *arena, veld_receipt *out,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
