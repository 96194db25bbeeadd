/* hpke_internal.h: the steps of HPKE with suite and ephemeral key given, for the vectors. */
#ifndef VELD_CRYPTO_HPKE_INTERNAL_H
#define VELD_CRYPTO_HPKE_INTERNAL_H

#include "veldkit/bytes.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

enum { VELD_HPKE_SCHEDULE_BYTES = 1 + 32 + 32 };

typedef struct veld_hpke_suite {
    uint16_t aead;
    size_t key_bytes;
} veld_hpke_suite;

extern const veld_hpke_suite veld_hpke_aes_256_gcm;

typedef struct veld_hpke_keys {
    veld_secret key;
    veld_secret nonce; /* base nonce */
} veld_hpke_keys;

/* veld_hpke_shared: the KEM's shared secret, for either side: `enc` is the ephemeral public key and
 * `recipient` the long-term one. Expects: as veld_p256_agree. Owns: `out` is initialised here. */
veld_status veld_hpke_shared(const veld_p256_private *mine, const veld_p256_public *theirs,
    const veld_p256_public *enc, const veld_p256_public *recipient, veld_secret *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_hpke_schedule: key and base nonce. Owns: `out` is initialised here; release it. */
veld_status veld_hpke_schedule(const veld_hpke_suite *suite, const veld_secret *shared,
    veld_span info, veld_hpke_keys *out, veld_error *err) VELD_MUST_CHECK;
void veld_hpke_keys_release(veld_hpke_keys *keys);

/* Seal and open whole messages: `out` has exactly plain.len + VELD_HPKE_OVERHEAD_BYTES, or that
 * much less than `sealed`. */
veld_status veld_hpke_seal_with(const veld_hpke_suite *suite, const veld_p256_private *ephemeral,
    const veld_p256_public *to, veld_span info, veld_span aad, veld_span plain, uint8_t *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_hpke_open_with(const veld_hpke_suite *suite, const veld_p256_private *mine,
    veld_span info, veld_span aad, veld_span sealed, uint8_t *out, veld_error *err) VELD_MUST_CHECK;

#endif
