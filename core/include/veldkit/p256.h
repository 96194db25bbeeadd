/* p256.h: keys on NIST P-256, for signing (sign.h) and sealing (hpke.h).
 *
 * A key is used for one of the two, never for both: who stores it says which. A private key is a
 * plain object around a secret; no handle of the library stays open between calls. */
#ifndef VELDKIT_P256_H
#define VELDKIT_P256_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_P256_PUBLIC_BYTES = 65, VELD_P256_PRIVATE_BYTES = 32 };

/* Uncompressed point: 0x04 | X | Y. */
typedef struct veld_p256_public {
    uint8_t bytes[VELD_P256_PUBLIC_BYTES];
} veld_p256_public;

typedef struct veld_p256_private {
    veld_secret scalar; /* 32 bytes, big-endian, 1 to n-1 */
    veld_p256_public public_key;
} veld_p256_private;

/* veld_p256_generate: a new key from the environment's random bytes.
 * Owns:    `out` is initialised here; release it. Untouched on error.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY.  Thread: any. */
veld_status veld_p256_generate(
    const veld_env *env, veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;

/* veld_p256_import: the key of a raw scalar; exporting is reading `scalar`.
 * Owns:    copies `scalar`; `out` as above.
 * Expects: VELD_E_FORM (not 32 bytes, zero, or not below the order), VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_p256_import(
    veld_span scalar, veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;

/* veld_p256_release: wipe and free; fine on a zeroed struct and twice. */
void veld_p256_release(veld_p256_private *key);

/* veld_p256_public_read: take a public key from untrusted bytes. A point that is not on the curve,
 * the point at infinity and a compressed point are refused.
 * Expects: VELD_E_FORM, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_p256_public_read(
    veld_span bytes, veld_p256_public *out, veld_error *err) VELD_MUST_CHECK;
bool veld_p256_public_equal(const veld_p256_public *a, const veld_p256_public *b);
veld_span veld_p256_public_span(const veld_p256_public *key);

/* veld_p256_fingerprint: SHA-256 of the key in OpenSSH's form: the hash that `ssh-keygen -l` shows
 * in base64. The one name of a key in Veldkit.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_p256_fingerprint(
    const veld_p256_public *key, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_p256_agree: ECDH, the X coordinate of the shared point, 32 bytes. Raw: only ever the input
 * of a KDF, as hpke.h does.
 * Owns:    `out` is initialised here; release it. Untouched on error.
 * Expects: VELD_E_FORM (the peer's point is not on the curve), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_p256_agree(const veld_p256_private *mine, const veld_p256_public *theirs,
    veld_secret *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
