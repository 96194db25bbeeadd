/* x509.h: the agency's own small certificate authority: P-256 only, one level, three kinds.
 *
 *   CA      self-signed; who holds it takes part in the agency's network. A CA that follows on
 *           another is also signed by that one (a bridge), so that who knows the older one only
 *           comes from it to the certificates of the new one
 *   server  signed by the CA; names hosts (SAN) and may act as TLS server only
 *   client  signed by the CA; subject CN is the device's UUID; may act as TLS client only
 *
 * Certificates are DER, in buffers of the caller. No text that a person chose is in them: a
 * certificate says agency by key and device by id.
 *
 * Time: clocks of devices may be years off, so no peer judges notBefore and notAfter in a
 * handshake. Who accepts a client reads `not_after_utc_s` of its certificate and judges it by its
 * own clock (expired: may hand in only).
 *
 * All functions need veld_crypto_init. Thread: any. Expects, all: VELD_E_CRYPTO, VELD_E_MEMORY.
 * Source: RFC 5280; security.md 2. */
#ifndef VELDKIT_X509_H
#define VELDKIT_X509_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_X509_PIN_BYTES = 6 /* of the hash of the CA's key: what an enrolment code carries */
};

typedef enum veld_x509_kind { VELD_X509_CA = 1, VELD_X509_SERVER, VELD_X509_CLIENT } veld_x509_kind;

/* Seconds since 1970 UTC, both inclusive. 0 to 253402300799 (the end of year 9999). */
typedef struct veld_x509_period {
    int64_t not_before_utc_s;
    int64_t not_after_utc_s;
} veld_x509_period;

/* What a certificate says. */
typedef struct veld_x509_facts {
    veld_x509_kind kind;
    veld_p256_public key;
    veld_hash key_hash;                  /* SHA-256 of SubjectPublicKeyInfo */
    veld_hash fingerprint;               /* SHA-256 of the whole certificate */
    veld_id device;                      /* of a client; zero otherwise */
    uint8_t issuer[VELD_X509_PIN_BYTES]; /* whose name it has as issuer: the pin of that CA's key */
    veld_x509_period period;
    bool may_follow; /* of a CA: another one may be signed by it */
} veld_x509_facts;

/* Who issues: the CA's key and its certificate. Borrowed. */
typedef struct veld_x509_issuer {
    const veld_p256_private *key;
    veld_span certificate;
} veld_x509_issuer;

/* The makers add one certificate in DER to `out`, at most VELD_CERTIFICATE_BYTES_MAX; serial
 * numbers are random. On error `out` is as it was.
 * Expects: VELD_E_INVALID (period ends before it begins or out of range), VELD_E_LIMIT (`out`). */

/* veld_x509_make_ca: a self-signed CA for `key`. */
veld_status veld_x509_make_ca(const veld_env *env, const veld_p256_private *key,
    veld_x509_period period, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_x509_issue_bridge: the CA `key`, signed by the CA before it.
 * Expects: VELD_E_UNSUPPORTED (the CA before may sign certificates of servers and devices only). */
veld_status veld_x509_issue_bridge(const veld_env *env, const veld_x509_issuer *before,
    const veld_p256_public *key, veld_x509_period period, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_x509_issue_server: `names` are 1 to VELD_CERTIFICATE_NAMES_MAX host names or IP addresses
 * (v4 or v6 as text), under which clients will look for the server.
 * Expects: VELD_E_INVALID too (a name that is empty, too long, or of other characters than a host
 * name has). */
veld_status veld_x509_issue_server(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, const char *const *names, size_t names_count,
    veld_x509_period period, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_x509_issue_client: for a device's carrier key. */
veld_status veld_x509_issue_client(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, const veld_id *device, veld_x509_period period, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_x509_read: take apart one certificate from untrusted bytes. Says what it claims; who signed
 * it is not looked at.
 * Expects: VELD_E_FORM (not one DER certificate, or none of the three kinds), VELD_E_LIMIT. */
veld_status veld_x509_read(
    veld_span certificate, veld_x509_facts *out, veld_error *err) VELD_MUST_CHECK;

/* veld_x509_check: is this certificate of `kind` and signed by `ca`? A CA is checked against
 * itself. Times are not judged.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_INVALID (another kind), VELD_E_FORGED (another CA). */
veld_status veld_x509_check(veld_span certificate, veld_span ca, veld_x509_kind kind,
    veld_x509_facts *out, veld_error *err) VELD_MUST_CHECK;

/* veld_x509_key_hash: SHA-256 of the SubjectPublicKeyInfo of `key`; the pin is its first
 * VELD_X509_PIN_BYTES. */
veld_status veld_x509_key_hash(
    const veld_p256_public *key, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_x509_covers: is `utc_s` within the period? For the application's own judgement. */
bool veld_x509_covers(const veld_x509_facts *facts, int64_t utc_s);

#ifdef __cplusplus
}
#endif
#endif
