/* primitive.h: what the files of this room share: keys inside the library, and the primitives that
 * have no use of their own outside. Not installed; the unit tests reach the vectors through it. */
#ifndef VELD_CRYPTO_PRIMITIVE_H
#define VELD_CRYPTO_PRIMITIVE_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

/* ---- a key inside the library ---- */
typedef uint32_t veld_key; /* a volatile PSA key; 0 is none */

typedef enum veld_key_use {
    VELD_KEY_CMAC, /* AES, 16 or 32 bytes */
    VELD_KEY_GCM,  /* AES, 16 or 32 bytes */
    VELD_KEY_HMAC_SHA256,
    VELD_KEY_ECDH,  /* P-256 scalar */
    VELD_KEY_SIGN,  /* P-256 scalar */
    VELD_KEY_VERIFY /* P-256 point */
} veld_key_use;

enum { VELD_HMAC_KEY_BYTES_MAX = 1024 };

/* veld_key_open: copy `bytes` into the library for one use; close it on every path.
 * Expects: VELD_E_FORM (bytes that can be no such key), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_key_open(
    veld_key_use use, veld_span bytes, veld_key *out, veld_error *err) VELD_MUST_CHECK;
/* veld_key_close: destroy the library's copy and set to 0; fine on 0. */
void veld_key_close(veld_key *key);

/* veld_psa_fail: a failed PSA call as a status: memory, or VELD_E_CRYPTO. */
veld_status veld_psa_fail(veld_error *err, int32_t native, const char *what);

/* ---- primitives ---- */
enum { VELD_GCM_NONCE_BYTES = 12, VELD_GCM_TAG_BYTES = 16, VELD_CMAC_BYTES = 16 };

/* veld_gcm_seal / veld_gcm_open: AES-GCM with a nonce of 12 bytes and a tag of 16. `out` has
 * exactly the size of the result. Opening: VELD_E_FORGED, and `out` is zero. */
veld_status veld_gcm_seal(veld_key key, const uint8_t nonce[VELD_GCM_NONCE_BYTES], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_gcm_open(veld_key key, const uint8_t nonce[VELD_GCM_NONCE_BYTES], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err) VELD_MUST_CHECK;

/* veld_cmac: AES-CMAC (NIST SP 800-38B) of one message. */
veld_status veld_cmac(
    veld_key key, veld_span message, uint8_t out[VELD_CMAC_BYTES], veld_error *err) VELD_MUST_CHECK;

/* veld_hmac_with: HMAC-SHA256 with a key that is in the library already. */
veld_status veld_hmac_with(veld_key key, const veld_span *parts, size_t count, veld_hash *out,
    veld_error *err) VELD_MUST_CHECK;

enum { VELD_SHA512_BYTES = 64 };
veld_status veld_sha512(
    veld_span bytes, uint8_t out[VELD_SHA512_BYTES], veld_error *err) VELD_MUST_CHECK;

/* ---- XAES with the outer key in the library (VELD_KEY_CMAC) ---- */
veld_status veld_xaes_seal_with(veld_key key, const uint8_t nonce[24], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_xaes_open_with(veld_key key, const uint8_t nonce[24], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err) VELD_MUST_CHECK;

#endif
