/* Reading and checking certificates of the agency. What is not exactly one of the three kinds is
 * refused here, so nobody else has to think about what else X.509 allows. */
#include "veldkit/x509.h"

#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include "mbed.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/time.h"

static int64_t seconds_of(const mbedtls_x509_time *time)
{
    const veld_date date = {time->year, time->mon, time->day};
    return veld_date_to_days(date) * 86400 + time->hour * 3600 + time->min * 60 + time->sec;
}

static bool has_usage(const mbedtls_x509_crt *crt, const char *oid, size_t oid_bytes)
{
    return mbedtls_x509_crt_has_ext_type(crt, MBEDTLS_X509_EXT_EXTENDED_KEY_USAGE) &&
           mbedtls_x509_crt_check_extended_key_usage(crt, oid, oid_bytes) == 0;
}

static veld_x509_kind kind_of(const mbedtls_x509_crt *crt)
{
    bool ca = mbedtls_x509_crt_get_ca_istrue(crt) == 1;
    bool server =
        has_usage(crt, MBEDTLS_OID_SERVER_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH));
    bool client =
        has_usage(crt, MBEDTLS_OID_CLIENT_AUTH, MBEDTLS_OID_SIZE(MBEDTLS_OID_CLIENT_AUTH));
    if (ca && !server && !client)
        return VELD_X509_CA;
    if (server && !client && !ca)
        return VELD_X509_SERVER;
    if (client && !server && !ca)
        return VELD_X509_CLIENT;
    return 0;
}

static veld_status read_key(const mbedtls_x509_crt *crt, veld_x509_facts *facts, veld_error *err)
{
    const mbedtls_x509_buf raw = crt->pk_raw;
    if (raw.len != VELD_SPKI_BYTES || memcmp(raw.p, veld_spki_head, VELD_SPKI_HEAD_BYTES) != 0)
        return veld_fail(err, VELD_E_FORM, "a certificate for a key that is not P-256");
    const veld_span point =
        veld_span_of(raw.p + VELD_SPKI_HEAD_BYTES, raw.len - VELD_SPKI_HEAD_BYTES);
    veld_status status;
    VELD_TRY(veld_p256_public_read(point, &facts->key, err));
    VELD_TRY(veld_sha256(veld_span_of(raw.p, raw.len), &facts->key_hash, err));
    VELD_TRY(veld_sha256(veld_span_of(crt->raw.p, crt->raw.len), &facts->fingerprint, err));
done:
    return status;
}

/* A client's subject is one CN that is a UUID, and nothing else. */
static veld_status read_device(const mbedtls_x509_name *subject, veld_id *out, veld_error *err)
{
    if (subject->next != NULL || MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &subject->oid) != 0 ||
        veld_id_parse(veld_span_of(subject->val.p, subject->val.len), out) != VELD_OK)
        return veld_fail(err, VELD_E_FORM, "a client certificate that names no device");
    return VELD_OK;
}

/* Our CAs are named after their key. Another name is none of ours: then it stays zero. */
static void read_issuer(const mbedtls_x509_name *issuer, uint8_t out[VELD_X509_PIN_BYTES])
{
    static const char head[] = "veldkit-ca-";
    enum { HEAD = sizeof head - 1 };
    if (issuer->next == NULL && issuer->val.len == HEAD + 2 * VELD_X509_PIN_BYTES &&
        memcmp(issuer->val.p, head, HEAD) == 0 &&
        veld_hex_decode(veld_span_of(issuer->val.p + HEAD, 2 * VELD_X509_PIN_BYTES), out,
            VELD_X509_PIN_BYTES) != VELD_OK)
        memset(out, 0, VELD_X509_PIN_BYTES);
}

static veld_status read_facts(const mbedtls_x509_crt *crt, veld_x509_facts *out, veld_error *err)
{
    veld_x509_facts facts = {.kind = kind_of(crt)};
    if (crt->version != 3 || facts.kind == 0)
        return veld_fail(err, VELD_E_FORM, "a certificate that is neither CA, server nor client");
    facts.may_follow = facts.kind == VELD_X509_CA && crt->MBEDTLS_PRIVATE(max_pathlen) != 1;
    facts.period.not_before_utc_s = seconds_of(&crt->valid_from);
    facts.period.not_after_utc_s = seconds_of(&crt->valid_to);
    veld_status status;
    read_issuer(&crt->issuer, facts.issuer);
    VELD_TRY(read_key(crt, &facts, err));
    if (facts.kind == VELD_X509_CLIENT)
        VELD_TRY(read_device(&crt->subject, &facts.device, err));
    *out = facts;
done:
    return status;
}

veld_status veld_x509_read(veld_span certificate, veld_x509_facts *out, veld_error *err)
{
    mbedtls_x509_crt crt;
    mbedtls_x509_crt_init(&crt);
    veld_status status;
    VELD_TRY(veld_mbed_certificate(certificate, &crt, err));
    VELD_TRY(read_facts(&crt, out, err));
done:
    mbedtls_x509_crt_free(&crt);
    return status;
}

static veld_status check_signed(mbedtls_x509_crt *crt, mbedtls_x509_crt *ca, veld_error *err)
{
    uint32_t flags = 0;
    int failed = mbedtls_x509_crt_verify_with_profile(
        crt, ca, NULL, &veld_mbed_profile, NULL, &flags, veld_mbed_ignore_time, NULL);
    if (failed == 0)
        return VELD_OK;
    if (failed == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
        return veld_fail_native(err, VELD_E_FORGED, VELD_DOMAIN_TLS, (int)flags,
            "the certificate is of another agency");
    return veld_mbed_fail(err, failed, "checking a certificate");
}

veld_status veld_x509_check(
    veld_span certificate, veld_span ca, veld_x509_kind kind, veld_x509_facts *out, veld_error *err)
{
    mbedtls_x509_crt crt;
    mbedtls_x509_crt root;
    mbedtls_x509_crt_init(&crt);
    mbedtls_x509_crt_init(&root);
    veld_x509_facts facts;
    veld_x509_facts root_facts;
    veld_status status;
    VELD_TRY(veld_mbed_certificate(certificate, &crt, err));
    VELD_TRY(read_facts(&crt, &facts, err));
    VELD_TRY(veld_mbed_certificate(ca, &root, err));
    VELD_TRY(read_facts(&root, &root_facts, err));
    if (facts.kind != kind || root_facts.kind != VELD_X509_CA)
        VELD_TRY(veld_fail(err, VELD_E_INVALID, "a certificate of another kind"));
    if (kind == VELD_X509_CA && !veld_span_equal(certificate, ca))
        VELD_TRY(veld_fail(err, VELD_E_FORGED, "another agency's CA"));
    VELD_TRY(check_signed(&crt, &root, err));
    *out = facts;
done:
    mbedtls_x509_crt_free(&root);
    mbedtls_x509_crt_free(&crt);
    return status;
}

veld_status veld_x509_key_hash(const veld_p256_public *key, veld_hash *out, veld_error *err)
{
    uint8_t spki[VELD_SPKI_BYTES];
    memcpy(spki, veld_spki_head, VELD_SPKI_HEAD_BYTES);
    memcpy(spki + VELD_SPKI_HEAD_BYTES, key->bytes, sizeof key->bytes);
    return veld_sha256(veld_span_of(spki, sizeof spki), out, err);
}

bool veld_x509_covers(const veld_x509_facts *facts, int64_t utc_s)
{
    return utc_s >= facts->period.not_before_utc_s && utc_s <= facts->period.not_after_utc_s;
}
