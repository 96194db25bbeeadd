/* mbed.h: what the files of this room share of Mbed TLS: keys as it wants them, and what its error
 * numbers mean. Not installed. */
#ifndef VELD_NET_MBED_H
#define VELD_NET_MBED_H

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "veldkit/bytes.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

/* SubjectPublicKeyInfo of a P-256 key: 26 fixed bytes, then the uncompressed point. */
enum { VELD_SPKI_HEAD_BYTES = 26, VELD_SPKI_BYTES = VELD_SPKI_HEAD_BYTES + VELD_P256_PUBLIC_BYTES };
extern const uint8_t veld_spki_head[VELD_SPKI_HEAD_BYTES];

/* veld_mbed_fail: a failed call as a status: VELD_E_MEMORY or VELD_E_CRYPTO. */
veld_status veld_mbed_fail(veld_error *err, int native, const char *what);

/* A private key inside the library's key store, wrapped for its X.509 and TLS. */
typedef struct veld_mbed_key {
    mbedtls_pk_context pk;
    uint32_t psa; /* 0 is none */
} veld_mbed_key;

/* veld_mbed_key_open: on error nothing is left open; a zeroed struct may be closed. */
veld_status veld_mbed_key_open(
    const veld_p256_private *key, veld_mbed_key *out, veld_error *err) VELD_MUST_CHECK;
void veld_mbed_key_close(veld_mbed_key *key);

/* veld_mbed_certificate: parse one certificate, P-256 only; `out` must be initialised.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_mbed_certificate(
    veld_span der, mbedtls_x509_crt *out, veld_error *err) VELD_MUST_CHECK;

/* The one profile of signatures and keys, and the callback that leaves time to the application. */
extern const mbedtls_x509_crt_profile veld_mbed_profile;
int veld_mbed_ignore_time(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags);

#endif
