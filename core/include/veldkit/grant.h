/* grant.h: a case's key for one recipient: sealed to its public key, signed by who gives it.
 *
 * Travels outside and before envelopes. Whether the signer may give is the directory's to say, not
 * this room's: an epoch is used only when its grant is signed by the agency, or by the device that
 * founded the case for epoch 1. Source: security.md 2; proto/WIRE.md, "Grant". */
#ifndef VELDKIT_GRANT_H
#define VELDKIT_GRANT_H

#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/hpke.h"
#include "veldkit/id.h"
#include "veldkit/seal.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Why the recipient gets the key. The numbers are stable. */
typedef enum veld_grant_purpose {
    VELD_GRANT_ASSIGNED = 1,  /* to a tablet whose worker has the case */
    VELD_GRANT_AGENCY = 2,    /* to the agency's seal key: each case key is */
    VELD_GRANT_RECOVERY = 3,  /* to the offline recovery key */
    VELD_GRANT_COLLEAGUE = 4, /* on site, by the founder, to a colleague's tablet */
    VELD_GRANT_BREAK_GLASS = 5
} veld_grant_purpose;

typedef struct veld_grant_terms {
    veld_id case_id;
    uint32_t epoch;    /* from 1 */
    veld_id recipient; /* device; for the agency and recovery, the agency's id */
    veld_grant_purpose purpose;
    int64_t lease_end_utc_ms; /* 0 = until withdrawn */
    /* The agency's counter over all its grants and orders, so that neither repeats nor undoes a
     * later one; 0 when a device gives. */
    uint64_t serial;
} veld_grant_terms;

typedef struct veld_grant {
    veld_grant_terms terms;
    uint8_t key_check[VELD_KEY_CHECK_BYTES];
    veld_hash recipient_key; /* fingerprint of the seal key that opens it */
    veld_hash signer;        /* fingerprint of the key that signed */
    veld_signature signature;
    veld_span wrap; /* HPKE: enc | ciphertext | tag; a view into the bytes that were read */
    veld_span body; /* the signed bytes; a view too */
} veld_grant;

/* veld_grant_make: seal `case_key` (32 bytes) to `to`, sign, append the grant to `out`.
 * Owns:    keeps nothing.
 * Expects: VELD_E_FORM (`to` is no point of the curve), what the signer returns, VELD_E_LIMIT (the
 *          buffer's maximum), VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_grant_make(const veld_env *env, const veld_grant_terms *terms, veld_span case_key,
    const veld_p256_public *to, const veld_signer *signer, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_grant_again: the same grant, by `signer`; the wrap stays as it is. Append to `out`.
 * Expects: as veld_grant_read, as veld_grant_make. */
veld_status veld_grant_again(
    veld_span bytes, const veld_signer *signer, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_grant_read: take a grant apart; nothing is proved.
 * Owns:    `out` has views into `bytes`.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (a purpose or part this program does not know).
 */
veld_status veld_grant_read(veld_span bytes, veld_grant *out, veld_error *err) VELD_MUST_CHECK;

/* veld_grant_verify: did the owner of `key` sign it?
 * Expects: VELD_E_FORGED (no, or `key` is not the signer it names), VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_grant_verify(const veld_grant *grant, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_grant_open: the case's key, compared with the key check. Verify first.
 * Owns:    `case_key` is initialised here, 32 bytes; the caller releases it. Untouched on error.
 * Expects: VELD_E_NOT_FOUND (sealed to another key), VELD_E_FORGED, VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_grant_open(const veld_grant *grant, const veld_p256_private *key,
    veld_secret *case_key, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
