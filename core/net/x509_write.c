/* Making certificates. Names of issuer and subject are built from keys and ids, never from text of
 * a person, so nothing has to be escaped and nothing can be smuggled in. */
#include "veldkit/x509.h"

#include <stdio.h>
#include <string.h>

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include "mbed.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/time.h"

enum { SERIAL_BYTES = 16, NAME_SIZE = 64, TIME_SIZE = 15, IP_BYTES_MAX = 16 };
static const int64_t UTC_S_MAX = 253402300799;

/* What differs between the three kinds. */
typedef struct wanted {
    veld_x509_kind kind;
    const veld_p256_public *subject_key;
    const char *subject;
    const mbedtls_x509_san_list *names; /* of a server */
    veld_x509_period period;
} wanted;

static void ca_name(const veld_hash *key_hash, char out[NAME_SIZE])
{
    char hex[2 * VELD_X509_PIN_BYTES + 1];
    veld_hex_encode(veld_span_of(key_hash->bytes, VELD_X509_PIN_BYTES), hex, sizeof hex);
    snprintf(out, NAME_SIZE, "CN=veldkit-ca-%s", hex);
}

/* YYYYMMDDhhmmss */
static void time_text(int64_t utc_s, char out[TIME_SIZE])
{
    const veld_date date = veld_date_from_days(utc_s / 86400);
    const unsigned second = (unsigned)(utc_s % 86400);
    snprintf(out, TIME_SIZE, "%04u%02u%02u%02u%02u%02u", (unsigned)date.year % 10000u,
        (unsigned)date.month % 100u, (unsigned)date.day % 100u, second / 3600u % 24u,
        second / 60u % 60u, second % 60u);
}

static veld_status check_period(veld_x509_period period, veld_error *err)
{
    if (period.not_before_utc_s < 0 || period.not_after_utc_s > UTC_S_MAX ||
        period.not_before_utc_s > period.not_after_utc_s)
        return veld_fail(err, VELD_E_INVALID, "a certificate's period must be within 1970 to 9999");
    return VELD_OK;
}

static int set_usage(mbedtls_x509write_cert *writer, veld_x509_kind kind)
{
    if (kind == VELD_X509_CA) {
        int failed = mbedtls_x509write_crt_set_basic_constraints(writer, 1, -1);
        return failed != 0 ? failed
                           : mbedtls_x509write_crt_set_key_usage(
                                 writer, MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN);
    }
    mbedtls_asn1_sequence usage = {.buf.tag = MBEDTLS_ASN1_OID};
    if (kind == VELD_X509_SERVER)
        usage.buf.p = (unsigned char *)(uintptr_t)MBEDTLS_OID_SERVER_AUTH;
    else
        usage.buf.p = (unsigned char *)(uintptr_t)MBEDTLS_OID_CLIENT_AUTH;
    usage.buf.len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH);
    int failed = mbedtls_x509write_crt_set_basic_constraints(writer, 0, -1);
    if (failed == 0)
        failed = mbedtls_x509write_crt_set_key_usage(writer, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    if (failed == 0)
        failed = mbedtls_x509write_crt_set_ext_key_usage(writer, &usage);
    return failed;
}

static int set_fields(mbedtls_x509write_cert *writer, const wanted *want, const char *issuer,
    const uint8_t serial[SERIAL_BYTES])
{
    char from[TIME_SIZE];
    char until[TIME_SIZE];
    unsigned char number[SERIAL_BYTES];
    time_text(want->period.not_before_utc_s, from);
    time_text(want->period.not_after_utc_s, until);
    /* Positive and of full length, so every serial number has one encoding of one size. */
    memcpy(number, serial, sizeof number);
    number[0] = (unsigned char)((number[0] & 0x3f) | 0x40);

    mbedtls_x509write_crt_set_version(writer, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(writer, MBEDTLS_MD_SHA256);
    int failed = mbedtls_x509write_crt_set_serial_raw(writer, number, sizeof number);
    if (failed == 0)
        failed = mbedtls_x509write_crt_set_validity(writer, from, until);
    if (failed == 0)
        failed = mbedtls_x509write_crt_set_issuer_name(writer, issuer);
    if (failed == 0)
        failed = mbedtls_x509write_crt_set_subject_name(writer, want->subject);
    if (failed == 0)
        failed = set_usage(writer, want->kind);
    if (failed == 0 && want->names != NULL)
        failed = mbedtls_x509write_crt_set_subject_alternative_name(writer, want->names);
    return failed;
}

static int set_subject_key(mbedtls_pk_context *pk, const veld_p256_public *key)
{
    uint8_t spki[VELD_SPKI_BYTES];
    memcpy(spki, veld_spki_head, VELD_SPKI_HEAD_BYTES);
    memcpy(spki + VELD_SPKI_HEAD_BYTES, key->bytes, sizeof key->bytes);
    return mbedtls_pk_parse_public_key(pk, spki, sizeof spki);
}

static veld_status write_certificate(const veld_env *env, const veld_p256_private *signing_key,
    const wanted *want, veld_buf *out, veld_error *err)
{
    uint8_t der[VELD_CERTIFICATE_BYTES_MAX];
    uint8_t serial[SERIAL_BYTES];
    char issuer[NAME_SIZE];
    veld_hash issuer_hash;
    veld_mbed_key signer = {0};
    mbedtls_pk_context subject;
    mbedtls_x509write_cert writer;
    mbedtls_pk_init(&subject);
    mbedtls_x509write_crt_init(&writer);
    veld_status status;
    VELD_TRY(check_period(want->period, err));
    VELD_TRY(veld_env_random(env, serial, sizeof serial, err));
    VELD_TRY(veld_x509_key_hash(&signing_key->public_key, &issuer_hash, err));
    VELD_TRY(veld_mbed_key_open(signing_key, &signer, err));
    ca_name(&issuer_hash, issuer);
    int written = set_subject_key(&subject, want->subject_key);
    if (written == 0) {
        mbedtls_x509write_crt_set_subject_key(&writer, &subject);
        mbedtls_x509write_crt_set_issuer_key(&writer, &signer.pk);
        written = set_fields(&writer, want, issuer, serial);
    }
    /* The library asks for a random source and does not use it: the signature is deterministic. */
    if (written == 0)
        written = mbedtls_x509write_crt_der(&writer, der, sizeof der, NULL, NULL);
    if (written < 0)
        VELD_TRY(veld_mbed_fail(err, written, "making a certificate"));
    VELD_ASSERT(written > 0 && (size_t)written <= sizeof der);
    VELD_TRY(veld_buf_append(out, der + sizeof der - written, (size_t)written));
done:
    mbedtls_x509write_crt_free(&writer);
    mbedtls_pk_free(&subject);
    veld_mbed_key_close(&signer);
    return status;
}

veld_status veld_x509_make_ca(const veld_env *env, const veld_p256_private *key,
    veld_x509_period period, veld_buf *out, veld_error *err)
{
    char name[NAME_SIZE];
    veld_hash hash;
    veld_status status = veld_x509_key_hash(&key->public_key, &hash, err);
    if (status != VELD_OK)
        return status;
    ca_name(&hash, name);
    const wanted want = {
        .kind = VELD_X509_CA, .subject_key = &key->public_key, .subject = name, .period = period};
    return write_certificate(env, key, &want, out, err);
}

/* The key and the certificate of an issuer must be one, or nobody would accept what it issues. */
static veld_status check_issuer(
    const veld_x509_issuer *issuer, veld_x509_facts *facts, veld_error *err)
{
    veld_status status = veld_x509_read(issuer->certificate, facts, err);
    if (status != VELD_OK)
        return status;
    if (facts->kind != VELD_X509_CA ||
        !veld_p256_public_equal(&facts->key, &issuer->key->public_key))
        return veld_fail(err, VELD_E_INVALID, "the issuer's key and certificate are not one CA");
    return VELD_OK;
}

veld_status veld_x509_issue_bridge(const veld_env *env, const veld_x509_issuer *before,
    const veld_p256_public *key, veld_x509_period period, veld_buf *out, veld_error *err)
{
    char name[NAME_SIZE];
    veld_hash hash;
    veld_x509_facts facts;
    veld_status status = check_issuer(before, &facts, err);
    if (status == VELD_OK && !facts.may_follow)
        status = veld_fail(err, VELD_E_UNSUPPORTED, "the CA before may sign no other CA");
    if (status == VELD_OK)
        status = veld_x509_key_hash(key, &hash, err);
    if (status != VELD_OK)
        return status;
    ca_name(&hash, name);
    const wanted want = {
        .kind = VELD_X509_CA, .subject_key = key, .subject = name, .period = period};
    return write_certificate(env, before->key, &want, out, err);
}

static bool is_host_name(const char *name)
{
    const size_t len = strlen(name);
    return len > 0 && len <= VELD_CERTIFICATE_NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == len;
}

/* One name as a SAN: an address when it reads as one. `ip` holds its bytes. */
static bool set_name(mbedtls_x509_san_list *entry, const char *name, uint8_t ip[IP_BYTES_MAX])
{
    *entry = (mbedtls_x509_san_list){0};
    const size_t ip_bytes = mbedtls_x509_crt_parse_cn_inet_pton(name, ip);
    mbedtls_x509_buf *value = &entry->node.san.unstructured_name;
    entry->node.type = ip_bytes > 0 ? MBEDTLS_X509_SAN_IP_ADDRESS : MBEDTLS_X509_SAN_DNS_NAME;
    value->p = ip_bytes > 0 ? ip : (unsigned char *)(uintptr_t)name;
    value->len = ip_bytes > 0 ? ip_bytes : strlen(name);
    return ip_bytes > 0 || is_host_name(name);
}

veld_status veld_x509_issue_server(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, const char *const *names, size_t names_count,
    veld_x509_period period, veld_buf *out, veld_error *err)
{
    mbedtls_x509_san_list list[VELD_CERTIFICATE_NAMES_MAX];
    uint8_t addresses[VELD_CERTIFICATE_NAMES_MAX][IP_BYTES_MAX];
    if (names_count == 0 || names_count > VELD_CERTIFICATE_NAMES_MAX)
        return veld_fail(
            err, VELD_E_INVALID, "a server has 1 to %u names", VELD_CERTIFICATE_NAMES_MAX);
    for (size_t i = 0; i < names_count; i++) {
        if (!set_name(&list[i], names[i], addresses[i]))
            return veld_fail(err, VELD_E_INVALID, "name %zu of the server is no host name", i + 1);
        if (i > 0)
            list[i - 1].next = &list[i];
    }
    veld_x509_facts facts;
    veld_status status = check_issuer(issuer, &facts, err);
    if (status != VELD_OK)
        return status;
    const wanted want = {.kind = VELD_X509_SERVER,
        .subject_key = key,
        .subject = "CN=veldkit-server",
        .names = list,
        .period = period};
    return write_certificate(env, issuer->key, &want, out, err);
}

veld_status veld_x509_issue_client(const veld_env *env, const veld_x509_issuer *issuer,
    const veld_p256_public *key, const veld_id *device, veld_x509_period period, veld_buf *out,
    veld_error *err)
{
    char id[VELD_ID_TEXT_SIZE];
    char name[NAME_SIZE];
    veld_id_format(device, id);
    snprintf(name, sizeof name, "CN=%s", id);
    veld_x509_facts facts;
    veld_status status = check_issuer(issuer, &facts, err);
    if (status != VELD_OK)
        return status;
    const wanted want = {
        .kind = VELD_X509_CLIENT, .subject_key = key, .subject = name, .period = period};
    return write_certificate(env, issuer->key, &want, out, err);
}
