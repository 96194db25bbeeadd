/* seal.h: symmetric sealing: XAES-256-GCM with a hedged nonce, and with key commitment where a
 * message travels.
 *
 * Two layers. veld_xaes_* is the cipher as C2SP wrote it, for who manages nonces. veld_sealer holds
 * the keys that follow from one root key, makes the nonce itself, and comes in two shapes:
 *
 *   message   veld_sealer_seal_message: an envelope; nonce and commitment are fields of its own
 *   row       veld_sealer_seal_row: nonce | ciphertext | tag in one, bound to where it is stored
 *
 * Hedged nonce: HMAC over fresh random bytes and the very bytes that are sealed. A machine whose
 * random bytes repeat (cloned, restored, forked) makes the same nonce only for the same message.
 * Source: security.md 3; https://c2sp.org/XAES-256-GCM */
#ifndef VELDKIT_SEAL_H
#define VELDKIT_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_SEAL_KEY_BYTES = 32,
    VELD_NONCE_BYTES = 24,
    VELD_TAG_BYTES = 16,
    VELD_COMMIT_BYTES = 32,
    VELD_ROW_OVERHEAD_BYTES = VELD_NONCE_BYTES + VELD_TAG_BYTES,
    VELD_KEY_CHECK_BYTES = 16
};

/* ---- the cipher ---- */
/* veld_xaes_seal: write ciphertext and tag, exactly plain.len + VELD_TAG_BYTES, to `out`.
 * A (key, nonce) pair seals one message ever: this is the caller's promise.
 * Units:   key 32 bytes, nonce 24 bytes. `out` must not overlap the inputs.
 * Expects: VELD_E_LIMIT (over VELD_SEAL_BYTES_MAX), VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread:  any. */
veld_status veld_xaes_seal(veld_span key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err) VELD_MUST_CHECK;
/* veld_xaes_open: write the plaintext, exactly sealed.len - VELD_TAG_BYTES, to `out`; nothing but
 * zeros is left there on an error.
 * Expects: VELD_E_FORM (shorter than a tag), VELD_E_FORGED (key, nonce, aad or any bit differs),
 *          VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_xaes_open(veld_span key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err) VELD_MUST_CHECK;

/* ---- the sealer ---- */
typedef struct veld_sealer veld_sealer;

/* What a sealer is for decides the names its keys are derived with, so that no two uses share one.
 */
typedef enum veld_sealer_kind {
    VELD_SEALER_CASE_MESSAGE,   /* root = case key: envelopes; has a commitment key */
    VELD_SEALER_CASE_ROW,       /* root = case key: the case's rows at rest */
    VELD_SEALER_CHUNK,          /* root = key of one attachment: its chunks */
    VELD_SEALER_VAULT_ROW,      /* root = vault key: rows that belong to no case */
    VELD_SEALER_VAULT_LOG,      /* root = vault key: local access log */
    VELD_SEALER_VAULT_WRAP,     /* root = vault key: the device's private keys */
    VELD_SEALER_VAULT_SNAPSHOT, /* root = vault key: the index snapshot */
    VELD_SEALER_UNLOCK_WRAP,    /* root = unlock key KEK: the vault key itself */
    VELD_SEALER_STAFF_WRAP      /* root = key from the PIN of a person of the office: her key */
} veld_sealer_kind;

/* veld_sealer_new: derive the keys of `kind` from `root` (32 bytes) and keep them inside the
 * library. `hedge` is the 32-byte nonce hedge key of the vault (VELD_CONTEXT_VAULT_HEDGE), or of
 * the process; opening alone needs none: with an empty hedge the sealer opens only.
 * Owns:    copies the keys and `*env`; what env->context points to must outlive the sealer. Free
 *          with veld_sealer_free, which destroys every copy.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread:  a sealer may be used by any number of threads at once: seal and open change nothing. */
veld_status veld_sealer_new(veld_sealer_kind kind, veld_span root, veld_span hedge,
    const veld_env *env, veld_sealer **out, veld_error *err) VELD_MUST_CHECK;
void veld_sealer_free(veld_sealer *sealer);

/* A sealed message apart from its header: what the envelope carries besides. */
typedef struct veld_message_proof {
    uint8_t nonce[VELD_NONCE_BYTES];
    uint8_t commit[VELD_COMMIT_BYTES];
} veld_message_proof;

/* veld_sealer_seal_message: for VELD_SEALER_CASE_MESSAGE only.
 *   nonce  = HMAC-SHA256(hedge key, random 32 | hedge_more | SHA256(hdr) | SHA256(plain)) [0..23]
 *   commit = HMAC-SHA256(Kcommit, hdr | nonce)
 *   sealed = XAES-256-GCM(Kenc, nonce, plain, AAD = hdr | commit)
 * `plain` is what is sealed, so already compressed and padded: the nonce is bound to the bytes that
 * the cipher sees. `hedge_more` = incarnation (8) | number (8).
 * Owns:    appends plain.len + VELD_TAG_BYTES to `sealed`; inputs must not lie in it.
 * Expects: VELD_E_LIMIT (plain over VELD_SEAL_BYTES_MAX, hdr over VELD_SEAL_AAD_BYTES_MAX less 32),
 *          VELD_E_CRYPTO, VELD_E_MEMORY. On error `sealed` is as it was. */
veld_status veld_sealer_seal_message(const veld_sealer *sealer, veld_span hdr, veld_span hedge_more,
    veld_span plain, veld_message_proof *proof, veld_buf *sealed, veld_error *err) VELD_MUST_CHECK;

/* veld_sealer_open_message: the commitment is checked first, then the tag.
 * Owns:    appends the plaintext to `plain`; the caller wipes it.
 * Expects: VELD_E_FORM (shorter than a tag), VELD_E_FORGED, VELD_E_LIMIT, VELD_E_CRYPTO,
 *          VELD_E_MEMORY. On error `plain` is as it was. */
veld_status veld_sealer_open_message(const veld_sealer *sealer, veld_span hdr,
    const veld_message_proof *proof, veld_span sealed, veld_buf *plain,
    veld_error *err) VELD_MUST_CHECK;

/* veld_sealer_seal_row: for every other kind. Appends nonce | ciphertext | tag, so
 * plain.len + VELD_ROW_OVERHEAD_BYTES, to `sealed`.
 * `place` says where the row lives, for example {store, table, keyed id, type} or {attachment id,
 * index, last flag}; each part goes into the AAD with its length, so no two places read the same.
 * A row has no commitment: its key is never chosen by another party.
 * Expects: VELD_E_LIMIT (plain, or the parts with 4 bytes each over VELD_SEAL_AAD_BYTES_MAX),
 *          VELD_E_CRYPTO, VELD_E_MEMORY. On error `sealed` is as it was. */
veld_status veld_sealer_seal_row(const veld_sealer *sealer, const veld_span *place, size_t count,
    veld_span plain, veld_buf *sealed, veld_error *err) VELD_MUST_CHECK;

/* veld_sealer_open_row: Expects: as veld_sealer_open_message. */
veld_status veld_sealer_open_row(const veld_sealer *sealer, const veld_span *place, size_t count,
    veld_span sealed, veld_buf *plain, veld_error *err) VELD_MUST_CHECK;

/* veld_key_check: a public value that tells whether a key is the right one and nothing else about
 * it. `context` is VELD_CONTEXT_CASE_KEY_CHECK or VELD_CONTEXT_VAULT_KEY_CHECK.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_key_check(veld_span key, const char *context, uint8_t out[VELD_KEY_CHECK_BYTES],
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
