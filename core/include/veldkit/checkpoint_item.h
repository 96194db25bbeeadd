/* checkpoint_item.h: a case's checkpoint as it travels: what the agency signs of it, and the
 * checkpoint itself, sealed with the key of an epoch of the case. The relay reads what is signed:
 * of which case it is, and up to where in its journal a reader needs nothing but this.
 *
 * Format: [signed part, sealed], the signed part [body, signature], namespace
 * "veldkit-checkpoint-1". The body has the hashes of both what is sealed and what was: so the one
 * is bound to the signature before it is opened, and the other can be checked when it lies in a
 * store. Thread: any. Source: design, versions; proto/WIRE.md, "Checkpoint". */
#ifndef VELDKIT_CHECKPOINT_ITEM_H
#define VELDKIT_CHECKPOINT_ITEM_H

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/seal.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_checkpoint_head {
    veld_id case_id;
    uint32_t epoch;  /* whose key seals it */
    int64_t utc_ms;  /* when it was made */
    veld_id journal; /* of the relay, and up to where in it all is here */
    uint64_t position;
    uint64_t log_size; /* of that journal when it was made; 0 = not told */
    veld_hash log_root;
    uint64_t directory; /* entries of the directory that the maker had */
    veld_hash state_id;
    veld_hash held;    /* veld_graph_held_hash */
    veld_hash content; /* H("veldkit/hash/checkpoint/1", checkpoint) */
    veld_hash sealed;  /* SHA-256 of the sealed part */
} veld_checkpoint_head;

/* An item taken apart: views. */
typedef struct veld_checkpoint_item {
    veld_checkpoint_head head;
    veld_span signed_part;
    veld_span sealed;
} veld_checkpoint_item;

/* veld_checkpoint_item_make: pack and seal `checkpoint`, sign, append. `content` and `sealed` of
 * `head` are filled here.
 * Expects: VELD_E_LIMIT (over VELD_CHECKPOINT_ITEM_BYTES_MAX), what the signer returns,
 *          VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_checkpoint_item_make(veld_checkpoint_head *head, const veld_sealer *sealer,
    veld_span checkpoint, const veld_signer *signer, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_checkpoint_item_read: take apart; nothing is proved.
 * veld_checkpoint_head_read: the signed part alone, as a store keeps it.
 * veld_checkpoint_verify: did the owner of `key` sign this part?
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER; verifying VELD_E_FORGED, VELD_E_CRYPTO. */
veld_status veld_checkpoint_item_read(
    veld_span bytes, veld_checkpoint_item *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_checkpoint_head_read(
    veld_span signed_part, veld_checkpoint_head *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_checkpoint_verify(veld_span signed_part, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_checkpoint_item_open: append the checkpoint to `out`; both its hashes fit then. It holds
 * case content: wipe it.
 * Expects: VELD_E_FORGED, VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_checkpoint_item_open(const veld_checkpoint_item *item, const veld_sealer *sealer,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_checkpoint_content: the hash of a checkpoint, as a head has it. */
veld_status veld_checkpoint_content(
    veld_span checkpoint, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
