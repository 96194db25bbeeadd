/* Who is at the other end. Mbed TLS has proved that the peer holds the key of the certificate that
 * it showed; here we decide what that certificate is worth. Three ways: a client that has the CA
 * (checked in the handshake already), a client that has only its pin, and a server. */
#include "tls_peer.h"

#include <string.h>

#include "veldkit/assert.h"

veld_tls_reason veld_tls_reason_of_flags(uint32_t flags)
{
    if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0)
        return VELD_TLS_OTHER_AGENCY;
    if ((flags & ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH) == 0)
        return VELD_TLS_OTHER_HOST;
    return VELD_TLS_BAD_PEER;
}

static veld_span der_of(const mbedtls_x509_crt *crt)
{
    return veld_span_of(crt->raw.p, crt->raw.len);
}

/* The CA among those the server showed whose key has the pinned hash; not a bridge to it. */
static veld_status find_pinned(const veld_tls_identity *identity, const mbedtls_x509_crt *chain,
    veld_span *out, veld_error *err)
{
    for (const mbedtls_x509_crt *crt = chain->next; crt != NULL; crt = crt->next) {
        veld_x509_facts facts;
        veld_status status = veld_x509_read(der_of(crt), &facts, err);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
            return status;
        if (status == VELD_OK && facts.kind == VELD_X509_CA &&
            memcmp(facts.key_hash.bytes, identity->pin, VELD_X509_PIN_BYTES) == 0 &&
            memcmp(facts.issuer, identity->pin, VELD_X509_PIN_BYTES) == 0) {
            *out = der_of(crt);
            return VELD_OK;
        }
    }
    return veld_fail(err, VELD_E_FORGED, "the server is of another agency");
}

/* The library wants certificates it may write to, so both are parsed once more. */
static veld_status check_against(
    veld_span leaf, veld_span ca, const char *host, veld_tls_reason *reason, veld_error *err)
{
    mbedtls_x509_crt crt;
    mbedtls_x509_crt root;
    mbedtls_x509_crt_init(&crt);
    mbedtls_x509_crt_init(&root);
    uint32_t flags = 0;
    veld_status status;
    VELD_TRY(veld_mbed_certificate(leaf, &crt, err));
    VELD_TRY(veld_mbed_certificate(ca, &root, err));
    int failed = mbedtls_x509_crt_verify_with_profile(
        &crt, &root, NULL, &veld_mbed_profile, host, &flags, veld_mbed_ignore_time, NULL);
    if (failed == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        *reason = veld_tls_reason_of_flags(flags);
        VELD_TRY(veld_fail(err, VELD_E_FORGED, "the server's certificate does not hold"));
    }
    if (failed != 0)
        VELD_TRY(veld_mbed_fail(err, failed, "checking a certificate"));
done:
    mbedtls_x509_crt_free(&root);
    mbedtls_x509_crt_free(&crt);
    return status;
}

static veld_status judge_by_pin(const veld_tls_identity *identity, const mbedtls_x509_crt *chain,
    const char *host, veld_buf *ca, veld_tls_reason *reason, veld_error *err)
{
    veld_span pinned = {0};
    veld_status status;
    *reason = VELD_TLS_OTHER_AGENCY;
    VELD_TRY(find_pinned(identity, chain, &pinned, err));
    *reason = VELD_TLS_BAD_PEER;
    VELD_TRY(check_against(der_of(chain), pinned, host, reason, err));
    VELD_TRY(veld_buf_append_span(ca, pinned));
done:
    return status;
}

veld_status veld_tls_judge(const veld_tls_identity *identity, const mbedtls_ssl_context *ssl,
    const char *host, veld_tls_peer *peer, veld_buf *ca, veld_tls_reason *reason, veld_error *err)
{
    const mbedtls_x509_crt *chain = mbedtls_ssl_get_peer_cert(ssl);
    if (chain == NULL) {
        if (identity->server)
            return VELD_OK;
        *reason = VELD_TLS_BAD_PEER;
        return veld_fail(err, VELD_E_FORGED, "the server showed no certificate");
    }
    veld_status status;
    if (!identity->has_ca) {
        VELD_TRY(judge_by_pin(identity, chain, host, ca, reason, err));
    } else {
        const uint32_t flags = mbedtls_ssl_get_verify_result(ssl);
        if (flags != 0) {
            *reason = veld_tls_reason_of_flags(flags);
            VELD_TRY(veld_fail(err, VELD_E_FORGED, "the peer's certificate does not hold"));
        }
        if (!identity->server)
            VELD_TRY(veld_buf_append_span(ca, der_of(&identity->ca)));
    }
    *reason = VELD_TLS_BAD_PEER;
    veld_x509_facts facts;
    status = veld_x509_read(der_of(chain), &facts, err);
    if (status == VELD_E_FORM || status == VELD_E_LIMIT ||
        (status == VELD_OK &&
            facts.kind != (identity->server ? VELD_X509_CLIENT : VELD_X509_SERVER)))
        status = veld_fail(err, VELD_E_FORGED, "the peer's certificate is not for its role");
    if (status == VELD_OK)
        *peer = (veld_tls_peer){.known = true, .facts = facts};
done:
    if (status == VELD_OK)
        *reason = VELD_TLS_NO_REASON;
    return status;
}
