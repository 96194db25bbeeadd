/* Keys and certificates in the form that Mbed TLS's X.509 and TLS take them. A private key goes
 * into PSA's key store for signing only and is never in the heap of this room. */
#include "mbed.h"

#include <mbedtls/error.h>
#include <psa/crypto.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"

const uint8_t veld_spki_head[VELD_SPKI_HEAD_BYTES] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
    0x03, 0x42, 0x00};

const mbedtls_x509_crt_profile veld_mbed_profile = {
    .allowed_mds = MBEDTLS_X509_ID_FLAG(MBEDTLS_MD_SHA256),
    .allowed_pks = MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECKEY) | MBEDTLS_X509_ID_FLAG(MBEDTLS_PK_ECDSA),
    .allowed_curves = MBEDTLS_X509_ID_FLAG(MBEDTLS_ECP_DP_SECP256R1),
    .rsa_min_bitlen = 0,
};

int veld_mbed_ignore_time(void *context, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
    (void)context;
    (void)crt;
    (void)depth;
    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    return 0;
}

/* An error number is a low-level one (of ASN.1, of memory) added to that of the module. */
static bool means_no_memory(int native)
{
    const int number = -native;
    const int low = number & 0x7f;
    return low == -MBEDTLS_ERR_ASN1_ALLOC_FAILED || number == -MBEDTLS_ERR_X509_ALLOC_FAILED ||
           number == -MBEDTLS_ERR_PK_ALLOC_FAILED || number == -MBEDTLS_ERR_ECP_ALLOC_FAILED ||
           native == PSA_ERROR_INSUFFICIENT_MEMORY;
}

veld_status veld_mbed_fail(veld_error *err, int native, const char *what)
{
    veld_status status = means_no_memory(native) ? VELD_E_MEMORY : VELD_E_CRYPTO;
    return veld_fail_native(err, status, VELD_DOMAIN_TLS, native, "%s failed", what);
}

veld_status veld_mbed_key_open(const veld_p256_private *key, veld_mbed_key *out, veld_error *err)
{
    *out = (veld_mbed_key){0};
    mbedtls_pk_init(&out->pk);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_algorithm(&attributes, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    psa_key_id_t id = PSA_KEY_ID_NULL;
    psa_status_t native = psa_import_key(&attributes, key->scalar.data, key->scalar.len, &id);
    if (native != PSA_SUCCESS)
        return veld_mbed_fail(err, native, "taking in a key");
    out->psa = id;
    int failed = mbedtls_pk_setup_opaque(&out->pk, id);
    if (failed != 0) {
        veld_mbed_key_close(out);
        return veld_mbed_fail(err, failed, "preparing a key");
    }
    return VELD_OK;
}

void veld_mbed_key_close(veld_mbed_key *key)
{
    mbedtls_pk_free(&key->pk);
    if (key->psa != 0) {
        psa_status_t native = psa_destroy_key(key->psa);
        VELD_ASSERT(native == PSA_SUCCESS);
    }
    key->psa = 0;
}

veld_status veld_mbed_certificate(veld_span der, mbedtls_x509_crt *out, veld_error *err)
{
    if (der.len > VELD_CERTIFICATE_BYTES_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a certificate of more than %u bytes", VELD_CERTIFICATE_BYTES_MAX);
    if (der.len == 0)
        return veld_fail(err, VELD_E_FORM, "no certificate");
    int failed = mbedtls_x509_crt_parse_der(out, der.data, der.len);
    if (failed != 0 && means_no_memory(failed))
        return veld_mbed_fail(err, failed, "reading a certificate");
    if (failed != 0)
        return veld_fail_native(
            err, VELD_E_FORM, VELD_DOMAIN_TLS, failed, "these bytes are no certificate of ours");
    if (out->raw.len != der.len)
        return veld_fail(err, VELD_E_FORM, "bytes behind the certificate");
    return VELD_OK;
}
