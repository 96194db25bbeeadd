/* pin.h: from what a person types to a key: Argon2id, and the key that wraps the vault key.
 *
 *   Kpin = Argon2id(PIN or passphrase, salt 16, parameters)
 *   KEK  = HKDF-SHA256(salt = Khw, ikm = Kpin, info = "veldkit/unlock/1" | device id)
 *
 * How weak a PIN may be is decided elsewhere, with the keystore. Source: security.md 2. */
#ifndef VELDKIT_PIN_H
#define VELDKIT_PIN_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_PIN_SALT_BYTES = 16,
    VELD_PIN_KEY_BYTES = 32,
    VELD_PIN_HARDWARE_KEY_BYTES = 32,
    VELD_PIN_PARAMS_BYTES = 12
};

/* The cost. The floor is 1 pass over 46 MiB in 1 lane (OWASP's smallest Argon2id setting). */
typedef struct veld_pin_params {
    uint32_t passes;
    uint32_t memory_kib;
    uint32_t lanes;
} veld_pin_params;

/* veld_pin_params_check: Expects: VELD_E_WEAK (below the floor), VELD_E_LIMIT (over the caps of
 * limits.h: parameters come from a file that someone may have changed). */
veld_status veld_pin_params_check(const veld_pin_params *params, veld_error *err) VELD_MUST_CHECK;

/* veld_pin_params_write: passes u32 | memory_kib u32 | lanes u32, big-endian: the form in which
 * they are stored and authenticated (part of the place of the wrapped vault key). */
void veld_pin_params_write(const veld_pin_params *params, uint8_t out[VELD_PIN_PARAMS_BYTES]);
/* veld_pin_params_read: Expects: as veld_pin_params_check. */
veld_status veld_pin_params_read(
    const uint8_t in[VELD_PIN_PARAMS_BYTES], veld_pin_params *out, veld_error *err) VELD_MUST_CHECK;

/* veld_pin_calibrate: parameters that take about 0.4 s (0.3 to 0.5) on this machine, by the
 * environment's monotonic clock; on a slow machine the floor, however long that takes. Takes two to
 * three seconds, once per vault.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_pin_calibrate(
    const veld_env *env, veld_pin_params *out, veld_error *err) VELD_MUST_CHECK;

/* veld_pin_stretch: Kpin. `pin` is 1 to VELD_PIN_BYTES_MAX bytes, as typed (UTF-8, NFC).
 * Owns:    `out` is initialised here, 32 bytes; the caller releases it. Untouched on error. The
 *          working memory is wiped.
 * Expects: VELD_E_WEAK, VELD_E_LIMIT (parameters or PIN), VELD_E_MEMORY, VELD_E_CRYPTO.
 * Thread:  any; takes memory_kib and the time that was calibrated. */
veld_status veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err) VELD_MUST_CHECK;

/* veld_unlock_key: KEK, 32 bytes, from Kpin and the keystore's key (both 32 bytes).
 * Owns:    `out` as above.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_unlock_key(veld_span pin_key, veld_span hardware_key, const veld_id *device,
    veld_secret *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
