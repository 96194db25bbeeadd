/* Grants: a case key under HPKE, bound to its terms twice: they are the AAD of the seal and part of
 * what is signed. So a wrap cannot be moved to other terms by a relay, nor by a recipient who signs
 * anew. */
#include "veldkit/grant.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"
#include "veldkit/sshsig.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_CASE,
    KEY_EPOCH,
    KEY_CHECK,
    KEY_RECIPIENT,
    KEY_RECIPIENT_KEY,
    KEY_PURPOSE,
    KEY_LEASE,
    KEY_WRAP,
    KEY_SIGNER,
    KEY_SERIAL,
    KEYS,
    AAD_ITEMS = 8,
    AAD_BYTES_MAX = 256,
    WRAP_BYTES = VELD_SEAL_KEY_BYTES + VELD_HPKE_OVERHEAD_BYTES
};

static const char *hpke_info(veld_grant_purpose purpose)
{
    return purpose == VELD_GRANT_RECOVERY ? VELD_HPKE_RECOVERY : VELD_HPKE_CASE_KEY;
}

/* terms_aad: all that the wrap is bound to, as one CBOR array. */
static veld_status terms_aad(const veld_grant *grant, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, AAD_ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&grant->terms.case_id));
    veld_cbor_put_uint(&writer, grant->terms.epoch);
    veld_cbor_put_bytes(&writer, veld_span_of(grant->key_check, sizeof grant->key_check));
    veld_cbor_put_bytes(&writer, veld_id_span(&grant->terms.recipient));
    veld_cbor_put_bytes(&writer, veld_hash_span(&grant->recipient_key));
    veld_cbor_put_uint(&writer, (uint64_t)grant->terms.purpose);
    veld_cbor_put_int(&writer, grant->terms.lease_end_utc_ms);
    veld_cbor_put_uint(&writer, grant->terms.serial);
    return veld_cbor_writer_finish(&writer, err);
}

static veld_status encode_body(const veld_grant *grant, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_CASE);
    veld_cbor_put_bytes(&writer, veld_id_span(&grant->terms.case_id));
    veld_cbor_put_uint(&writer, KEY_EPOCH);
    veld_cbor_put_uint(&writer, grant->terms.epoch);
    veld_cbor_put_uint(&writer, KEY_CHECK);
    veld_cbor_put_bytes(&writer, veld_span_of(grant->key_check, sizeof grant->key_check));
    veld_cbor_put_uint(&writer, KEY_RECIPIENT);
    veld_cbor_put_bytes(&writer, veld_id_span(&grant->terms.recipient));
    veld_cbor_put_uint(&writer, KEY_RECIPIENT_KEY);
    veld_cbor_put_bytes(&writer, veld_hash_span(&grant->recipient_key));
    veld_cbor_put_uint(&writer, KEY_PURPOSE);
    veld_cbor_put_uint(&writer, (uint64_t)grant->terms.purpose);
    veld_cbor_put_uint(&writer, KEY_LEASE);
    veld_cbor_put_int(&writer, grant->terms.lease_end_utc_ms);
    veld_cbor_put_uint(&writer, KEY_WRAP);
    veld_cbor_put_bytes(&writer, grant->wrap);
    veld_cbor_put_uint(&writer, KEY_SIGNER);
    veld_cbor_put_bytes(&writer, veld_hash_span(&grant->signer));
    veld_cbor_put_uint(&writer, KEY_SERIAL);
    veld_cbor_put_uint(&writer, grant->terms.serial);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_grant_make(const veld_env *env, const veld_grant_terms *terms, veld_span case_key,
    const veld_p256_public *to, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(case_key.len == VELD_SEAL_KEY_BYTES && terms->epoch > 0);
    VELD_ASSERT(terms->purpose >= VELD_GRANT_ASSIGNED && terms->purpose <= VELD_GRANT_BREAK_GLASS);
    VELD_ASSERT(!veld_id_is_zero(&terms->case_id) && terms->lease_end_utc_ms >= 0);
    VELD_ASSERT(terms->serial <= INT64_MAX);
    veld_status status;
    veld_grant grant = {.terms = *terms};
    veld_buf aad;
    veld_buf wrap;
    veld_buf body;
    veld_buf_init(&aad, AAD_BYTES_MAX);
    veld_buf_init(&wrap, WRAP_BYTES);
    veld_buf_init(&body, VELD_GRANT_BYTES_MAX);
    VELD_TRY(veld_key_check(case_key, VELD_CONTEXT_CASE_KEY_CHECK, grant.key_check, err));
    VELD_TRY(veld_p256_fingerprint(to, &grant.recipient_key, err));
    VELD_TRY(veld_p256_fingerprint(&signer->public_key, &grant.signer, err));
    VELD_TRY(terms_aad(&grant, &aad, err));
    VELD_TRY(veld_hpke_seal(
        env, to, hpke_info(terms->purpose), veld_buf_span(&aad), case_key, &wrap, err));
    grant.wrap = veld_buf_span(&wrap);
    VELD_TRY(encode_body(&grant, &body, err));
    status = veld_signed_write(signer, VELD_NAMESPACE_GRANT, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    veld_buf_release(&wrap);
    veld_buf_release(&aad);
    return status;
}

veld_status veld_grant_again(
    veld_span bytes, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_grant grant;
    veld_buf body;
    veld_buf_init(&body, VELD_GRANT_BYTES_MAX);
    VELD_TRY(veld_grant_read(bytes, &grant, err));
    VELD_TRY(veld_p256_fingerprint(&signer->public_key, &grant.signer, err));
    VELD_TRY(encode_body(&grant, &body, err));
    status = veld_signed_write(signer, VELD_NAMESPACE_GRANT, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static void read_purpose(veld_cbor_reader *reader, veld_grant *out)
{
    uint64_t purpose = veld_cbor_uint(reader);
    if (purpose > VELD_GRANT_BREAK_GLASS)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    else if (purpose < VELD_GRANT_ASSIGNED)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    out->terms.purpose = (veld_grant_purpose)purpose;
}

static void read_numbered(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_grant *out = to;
    uint64_t number = veld_cbor_uint(reader);
    if (key == KEY_FORMAT && number > FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    if (key == KEY_EPOCH && (number == 0 || number > UINT32_MAX))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    if ((key == KEY_LEASE || key == KEY_SERIAL) && number > INT64_MAX)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    if (key == KEY_EPOCH)
        out->terms.epoch = (uint32_t)number;
    else if (key == KEY_LEASE)
        out->terms.lease_end_utc_ms = (int64_t)number;
    else if (key == KEY_SERIAL)
        out->terms.serial = number;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_grant *out = to;
    switch (key) {
    case KEY_FORMAT:
    case KEY_EPOCH:
    case KEY_LEASE:
    case KEY_SERIAL:
        read_numbered(reader, key, out);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->terms.case_id.bytes, sizeof out->terms.case_id.bytes);
        break;
    case KEY_CHECK:
        veld_cbor_fixed(reader, out->key_check, sizeof out->key_check);
        break;
    case KEY_RECIPIENT:
        veld_cbor_fixed(reader, out->terms.recipient.bytes, sizeof out->terms.recipient.bytes);
        break;
    case KEY_RECIPIENT_KEY:
        veld_cbor_fixed(reader, out->recipient_key.bytes, sizeof out->recipient_key.bytes);
        break;
    case KEY_PURPOSE:
        read_purpose(reader, out);
        break;
    case KEY_WRAP:
        out->wrap = veld_cbor_bytes(reader);
        if (out->wrap.len != WRAP_BYTES)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    default:
        veld_cbor_fixed(reader, out->signer.bytes, sizeof out->signer.bytes);
        break;
    }
}

veld_status veld_grant_read(veld_span bytes, veld_grant *out, veld_error *err)
{
    *out = (veld_grant){0};
    veld_grant grant = {0};
    veld_status status =
        veld_signed_read(bytes, VELD_GRANT_BYTES_MAX, &grant.body, &grant.signature, err);
    if (status != VELD_OK)
        return status;
    status = veld_signed_body(grant.body, KEYS, KEYS, read_key, &grant, err);
    if (status == VELD_OK && veld_id_is_zero(&grant.terms.case_id))
        status = veld_fail(err, VELD_E_FORM, "a grant without a case");
    if (status == VELD_OK)
        *out = grant;
    return status;
}

veld_status veld_grant_verify(const veld_grant *grant, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err)
{
    veld_hash fingerprint;
    veld_status status = veld_p256_fingerprint(key, &fingerprint, err);
    if (status != VELD_OK)
        return status;
    if (!veld_hash_equal(&fingerprint, &grant->signer))
        return veld_fail(err, VELD_E_FORGED, "the grant names another signer");
    const veld_verifier_bound bound = {.inner = *verifier, .place.serial = grant->terms.serial};
    const veld_verifier at = veld_verifier_at(&bound);
    return veld_sshsig_verify(&at, key, VELD_NAMESPACE_GRANT, grant->body, &grant->signature, err);
}

/* accept_key: the opened bytes are the key that the grant says. */
static veld_status accept_key(
    const veld_grant *grant, veld_span opened, veld_secret *case_key, veld_error *err)
{
    uint8_t check[VELD_KEY_CHECK_BYTES];
    veld_status status = veld_key_check(opened, VELD_CONTEXT_CASE_KEY_CHECK, check, err);
    if (status != VELD_OK)
        return status;
    if (!veld_span_equal_secret(veld_span_of(check, sizeof check),
            veld_span_of(grant->key_check, sizeof grant->key_check)))
        return veld_fail(err, VELD_E_FORGED, "the grant holds another key than it says");
    status = veld_secret_copy(case_key, opened);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "no memory for the key");
}

veld_status veld_grant_open(
    const veld_grant *grant, const veld_p256_private *key, veld_secret *case_key, veld_error *err)
{
    veld_status status;
    veld_hash fingerprint;
    veld_buf aad;
    veld_buf opened;
    veld_buf_init(&aad, AAD_BYTES_MAX);
    veld_buf_init(&opened, VELD_SEAL_KEY_BYTES);
    VELD_TRY(veld_p256_fingerprint(&key->public_key, &fingerprint, err));
    if (!veld_hash_equal(&fingerprint, &grant->recipient_key)) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "the grant is for another key");
        goto done;
    }
    VELD_TRY(terms_aad(grant, &aad, err));
    VELD_TRY(veld_hpke_open(
        key, hpke_info(grant->terms.purpose), veld_buf_span(&aad), grant->wrap, &opened, err));
    status = accept_key(grant, veld_buf_span(&opened), case_key, err);
done:
    veld_buf_wipe(&opened);
    veld_buf_release(&aad);
    return status;
}
