/* Who we are in TLS: own certificate and key, the agency we accept, and the one set of parameters
 * (security.md 4, rule 1). Made once, then only read, so connections on several threads share it.
 */
#include <string.h>

#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>

#include "tls_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

static const int ciphers[] = {
    MBEDTLS_TLS1_3_AES_256_GCM_SHA384, MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256, 0};
static const uint16_t groups[] = {
    MBEDTLS_SSL_IANA_TLS_GROUP_X25519, MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0};
static const uint16_t signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_NONE};
/* The library takes the list as writable and only reads it. */
static const char *protocols[] = {"h2", NULL};

static veld_status configure(veld_tls_identity *identity, veld_error *err)
{
    mbedtls_ssl_config *config = &identity->config;
    int failed = mbedtls_ssl_config_defaults(config,
        identity->server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
        MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (failed == 0)
        failed = mbedtls_ssl_conf_alpn_protocols(config, protocols);
    if (failed == 0 && identity->own.raw.len > 0)
        failed = mbedtls_ssl_conf_own_cert(config, &identity->own, &identity->key.pk);
    if (failed != 0)
        return veld_mbed_fail(err, failed, "preparing TLS");
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_ciphersuites(config, ciphers);
    mbedtls_ssl_conf_groups(config, groups);
    mbedtls_ssl_conf_sig_algs(config, signatures);
    mbedtls_ssl_conf_cert_profile(config, &veld_mbed_profile);
    mbedtls_ssl_conf_verify(config, veld_mbed_ignore_time, NULL);
    /* A server looks at the result itself, since no certificate is fine and a wrong one is not. A
     * client that knows only the pin finds the CA in what the server shows, after the handshake. */
    if (identity->has_ca)
        mbedtls_ssl_conf_ca_chain(config, &identity->ca, NULL);
    if (identity->server)
        mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_OPTIONAL);
    else
        mbedtls_ssl_conf_authmode(
            config, identity->has_ca ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
    return VELD_OK;
}

static veld_status check_others(const veld_tls_settings *settings, veld_error *err)
{
    veld_x509_facts facts;
    veld_status status = VELD_OK;
    if (settings->others_count > VELD_TLS_CAS_MAX || settings->bridges_count > VELD_TLS_CAS_MAX)
        return veld_fail(err, VELD_E_INVALID, "more than %u CAs of before", VELD_TLS_CAS_MAX);
    for (size_t i = 0; i < settings->others_count; i++)
        VELD_TRY(
            veld_x509_check(settings->others[i], settings->others[i], VELD_X509_CA, &facts, err));
    for (size_t i = 0; i < settings->bridges_count; i++) {
        VELD_TRY(veld_x509_read(settings->bridges[i], &facts, err));
        if (facts.kind != VELD_X509_CA)
            VELD_TRY(veld_fail(err, VELD_E_INVALID, "a bridge that is no CA"));
    }
done:
    return status;
}

static veld_status check_settings(const veld_tls_settings *settings, veld_error *err)
{
    veld_x509_facts facts;
    veld_status status = VELD_OK;
    if (settings->ca.len == 0) {
        if (settings->server || settings->pin.len != VELD_X509_PIN_BYTES)
            return veld_fail(err, VELD_E_INVALID, "neither a CA nor its pin");
        /* Who is not sure of the agency yet shows it no certificate. */
        if (settings->certificate.len > 0)
            return veld_fail(err, VELD_E_INVALID, "a certificate of ours needs the CA");
        return VELD_OK;
    }
    VELD_TRY(veld_x509_check(settings->ca, settings->ca, VELD_X509_CA, &facts, err));
    VELD_TRY(check_others(settings, err));
    if (settings->certificate.len == 0)
        return settings->server ? veld_fail(err, VELD_E_INVALID, "a server needs a certificate")
                                : VELD_OK;
    VELD_TRY(veld_x509_check(settings->certificate,
        settings->own_ca.len > 0 ? settings->own_ca : settings->ca,
        settings->server ? VELD_X509_SERVER : VELD_X509_CLIENT, &facts, err));
    if (settings->key == NULL || !veld_p256_public_equal(&facts.key, &settings->key->public_key))
        return veld_fail(err, VELD_E_INVALID, "the certificate is not for this key");
done:
    return status;
}

/* Behind what is in `chain` already. */
static veld_status add_certificate(mbedtls_x509_crt *chain, veld_span der, veld_error *err)
{
    int failed = mbedtls_x509_crt_parse_der(chain, der.data, der.len);
    return failed == 0 ? VELD_OK : veld_mbed_fail(err, failed, "preparing certificates");
}

static veld_status fill(
    veld_tls_identity *identity, const veld_tls_settings *settings, veld_error *err)
{
    veld_status status = VELD_OK;
    if (settings->ca.len > 0) {
        VELD_TRY(veld_mbed_certificate(settings->ca, &identity->ca, err));
        identity->has_ca = true;
        for (size_t i = 0; i < settings->others_count; i++)
            VELD_TRY(add_certificate(&identity->ca, settings->others[i], err));
    } else {
        memcpy(identity->pin, settings->pin.data, VELD_X509_PIN_BYTES);
    }
    if (settings->certificate.len > 0) {
        VELD_TRY(veld_mbed_certificate(settings->certificate, &identity->own, err));
        VELD_TRY(veld_mbed_key_open(settings->key, &identity->key, err));
    }
    /* A server shows the CA too: a device that enrols knows only the hash of its key. Bridges come
     * before it, since who builds a way takes the first that fits and does not turn back. */
    for (size_t i = 0; settings->server && i < settings->bridges_count; i++)
        VELD_TRY(add_certificate(&identity->own, settings->bridges[i], err));
    if (settings->server)
        VELD_TRY(add_certificate(&identity->own, settings->ca, err));
    VELD_TRY(configure(identity, err));
done:
    return status;
}

veld_status veld_tls_identity_new(
    const veld_tls_settings *settings, veld_tls_identity **out, veld_error *err)
{
    veld_tls_identity *made = NULL;
    veld_status status;
    VELD_TRY(check_settings(settings, err));
    made = veld_allocate(sizeof *made);
    if (made == NULL)
        VELD_TRY(veld_fail(err, VELD_E_MEMORY, "no memory for TLS"));
    made->server = settings->server;
    mbedtls_ssl_config_init(&made->config);
    mbedtls_x509_crt_init(&made->ca);
    mbedtls_x509_crt_init(&made->own);
    VELD_TRY(fill(made, settings, err));
    *out = made;
    made = NULL;
done:
    veld_tls_identity_free(made);
    return status;
}

void veld_tls_identity_free(veld_tls_identity *identity)
{
    if (identity == NULL)
        return;
    mbedtls_ssl_config_free(&identity->config);
    mbedtls_x509_crt_free(&identity->own);
    mbedtls_x509_crt_free(&identity->ca);
    veld_mbed_key_close(&identity->key);
    veld_release(identity);
}
