/* parcel.h: work that goes on being handed in while the vault is locked.
 *
 *   unlocked:  veld_sync_pack ---> parcel: sealed envelopes as ready requests, the way to the
 * relay, the carrier (TLS) key locked:    a process that has the parcel and nothing else sends page
 * after page and keeps the relay's receipts unlocked:  veld_sync_unpack <--- receipts: what came
 * through need not be sent again
 *
 * A parcel opens nothing: its envelopes are sealed to keys that are not in it, the carrier key only
 * says who carries, and its requests ask the relay for a receipt and nothing else. Which lines and
 * changes are in an item stays in the vault (values "packed"); the parcel knows how many. What else
 * that process listens for says locked.h.
 *
 *   parcel  = [format 1, address, certificate, ca, carrier key, relay key, watch (locked.h), pages]
 *   pages   = a sequence of [request body, [[envelope id, changes]...]]
 *   receipts = a sequence of byte strings, each the body of a receipt frame
 * All CBOR. Source: design.md 6, "Lock keeps sending". */
#ifndef VELDKIT_PARCEL_H
#define VELDKIT_PARCEL_H

#include "veldkit/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a parcel's sender needs besides the pages. Spans are borrowed. */
typedef struct veld_parcel {
    veld_span address;     /* text */
    veld_span certificate; /* DER, of the carrier key */
    veld_span ca;          /* DER */
    veld_span carrier_key; /* VELD_P256_PRIVATE_BYTES; a secret */
    veld_p256_public relay_key;
    veld_span watch; /* of veld_locked_pack */
    veld_span pages;
} veld_parcel;

/* veld_sync_pack: seal all that no receipt is here for, and append it to `pages`. Cases that are
 * not sealed by `until_ms` (monotonic) are left out: locking comes first. Expects: as
 * veld_sync_begin; VELD_E_LIMIT (the maximum of `pages`). */
veld_status veld_sync_pack(
    veld_sync *sync, int64_t until_ms, veld_buf *pages, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_unpack: take in the receipts that a sender kept. What is not a receipt of this agency's
 * relay, or of no envelope of ours, has no effect.
 * Expects: as the store. */
veld_status veld_sync_unpack(const veld_desk *desk, const veld_agency *agency, veld_span receipts,
    size_t *changes, veld_error *err) VELD_MUST_CHECK;

/* veld_parcel_write: appended to `out`, which the caller wipes.  Expects: VELD_E_LIMIT, _MEMORY. */
veld_status veld_parcel_write(
    const veld_parcel *parcel, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_parcel_read: views into `bytes`.  Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER. */
veld_status veld_parcel_read(veld_span bytes, veld_parcel *out, veld_error *err) VELD_MUST_CHECK;

typedef struct veld_parcel_page {
    veld_span body;  /* of `POST /v1/exchange` */
    veld_span items; /* CBOR; for veld_parcel_receipt */
} veld_parcel_page;

/* veld_parcel_next: take the first page off `*pages`; `*have` is false at their end.
 * Expects: VELD_E_FORM, VELD_E_LIMIT. */
veld_status veld_parcel_next(
    veld_span *pages, veld_parcel_page *out, bool *have, veld_error *err) VELD_MUST_CHECK;
/* veld_parcel_receipt: how many changes of `page` the relay's answer is a receipt for. The receipt
 * is appended to `receipts`.
 * Expects: VELD_E_FORM, VELD_E_FORGED, VELD_E_DAMAGED (cut), VELD_E_LIMIT, VELD_E_CRYPTO, _MEMORY.
 */
veld_status veld_parcel_receipt(const veld_parcel *parcel, const veld_parcel_page *page,
    veld_span answer, veld_buf *receipts, size_t *changes, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
