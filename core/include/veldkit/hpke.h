/* hpke.h: seal to a public key: RFC 9180, base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256,
 * AES-256-GCM, one message per encapsulation. Nothing is negotiated.
 *
 * Base mode says nothing about who sealed: a grant or a change is signed besides. */
#ifndef VELDKIT_HPKE_H
#define VELDKIT_HPKE_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* enc (65) | ciphertext (as long as the plaintext) | tag (16) */
enum { VELD_HPKE_ENC_BYTES = 65, VELD_HPKE_TAG_BYTES = 16, VELD_HPKE_OVERHEAD_BYTES = 65 + 16 };

/* veld_hpke_seal: append the sealed bytes to `out`. `info` is a name of context.h (VELD_HPKE_...),
 * `aad` binds what travels openly beside it and may be empty.
 * Owns:    keeps nothing; inputs must not lie in `out`.
 * Expects: VELD_E_LIMIT (over VELD_SEAL_BYTES_MAX or the buffer's maximum), VELD_E_FORM (`to` is no
 *          point of the curve), VELD_E_CRYPTO, VELD_E_MEMORY. On error `out` is as it was.
 * Thread:  any.   Source: RFC 9180 section 5.1.1, 6.1. */
veld_status veld_hpke_seal(const veld_env *env, const veld_p256_public *to, const char *info,
    veld_span aad, veld_span plain, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_hpke_open: append the plaintext to `out`.
 * Owns:    as above; the caller wipes `out`.
 * Expects: VELD_E_FORM (too short to be one), VELD_E_FORGED (anything else that is not exactly what
 *          was sealed to this key with this info and aad), VELD_E_LIMIT, VELD_E_CRYPTO,
 *          VELD_E_MEMORY. On error `out` is as it was. */
veld_status veld_hpke_open(const veld_p256_private *key, const char *info, veld_span aad,
    veld_span sealed, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
