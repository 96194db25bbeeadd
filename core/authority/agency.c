/* The form of the agency's statement: the first edition is the oldest form that was ever given out
 * and stays as it is; what came with changes of keys is in the later form only. */
#include "veldkit/agency.h"

#include <string.h>

#include "directory_inner.h"
#include "veldkit/context.h"

enum {
    KEY_ROOT = 3,
    KEY_MERGER,
    KEY_SEAL,
    KEY_RELAY,
    KEY_CA,
    FIRST_KEYS, /* so many in the first edition */
    KEY_EDITION = FIRST_KEYS,
    KEY_FORMER,
    KEY_CERTIFICATE,
    LATER_KEYS,

    FORMER_ITEMS = 4
};

/* ---- writing ---- */
static veld_span former_key(const veld_agency_former *former)
{
    return former->kind == VELD_AGENCY_CA ? veld_hash_span(&former->ca_hash)
                                          : veld_p256_public_span(&former->key);
}

static void put_later(veld_cbor_writer *writer, const veld_agency *agency)
{
    veld_cbor_put_uint(writer, KEY_EDITION);
    veld_cbor_put_uint(writer, agency->edition);
    veld_cbor_put_uint(writer, KEY_FORMER);
    veld_cbor_put_array(writer, agency->former_count);
    for (size_t i = 0; i < agency->former_count; i++) {
        const veld_agency_former *former = &agency->former[i];
        veld_cbor_put_array(writer, FORMER_ITEMS);
        veld_cbor_put_uint(writer, (uint64_t)former->kind);
        veld_cbor_put_bytes(writer, former_key(former));
        veld_cbor_put_uint(writer, former->serial);
        veld_cbor_put_uint(writer, former->position);
    }
    veld_cbor_put_uint(writer, KEY_CERTIFICATE);
    veld_cbor_put_bytes(writer, veld_span_of(agency->ca, agency->ca_len));
}

veld_status veld_agency_make(
    const veld_agency *agency, const veld_signer *root, veld_buf *out, veld_error *err)
{
    bool is_later = agency->edition > 1;
    veld_buf body;
    if (!directory_name_is_valid(agency->name, sizeof agency->name, false))
        return veld_fail(err, VELD_E_INVALID, "the agency's name is empty or not plain text");
    if (agency->former_count > VELD_AGENCY_FORMER_MAX ||
        agency->ca_len > VELD_AGENCY_CA_BYTES_MAX ||
        (!is_later && (agency->former_count > 0 || agency->ca_len > 0)))
        return veld_fail(err, VELD_E_INVALID, "the first statement knows no former keys");
    veld_buf_init(&body, VELD_DIRECTORY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    directory_put_start(&writer, is_later ? LATER_KEYS : FIRST_KEYS,
        is_later ? DIRECTORY_FORMAT_KEYS : DIRECTORY_FORMAT_AGENCY, &agency->id, agency->name);
    directory_put_key(&writer, KEY_ROOT, &root->public_key);
    directory_put_key(&writer, KEY_MERGER, &agency->merger_key);
    directory_put_key(&writer, KEY_SEAL, &agency->seal_key);
    directory_put_key(&writer, KEY_RELAY, &agency->relay_key);
    veld_cbor_put_uint(&writer, KEY_CA);
    veld_cbor_put_bytes(&writer, veld_hash_span(&agency->ca_hash));
    if (is_later)
        put_later(&writer, agency);
    veld_status status = directory_sign(&writer, root, &body, out, err);
    veld_buf_release(&body);
    return status;
}

/* ---- reading ---- */
/* The two forms begin alike; this is the first value of both. */
static bool read_form(veld_span body, uint64_t *form)
{
    veld_cbor_reader reader = veld_cbor_read(body);
    uint64_t last = VELD_CBOR_NO_KEY;
    (void)veld_cbor_map(&reader, VELD_SIGNED_KEYS_MAX);
    uint64_t key = veld_cbor_key(&reader, &last);
    *form = veld_cbor_uint(&reader);
    return reader.status == VELD_OK && key == DIRECTORY_KEY_FORMAT;
}

bool veld_agency_is_statement(veld_span entry)
{
    veld_span body = {0};
    veld_signature signature;
    uint64_t form = 0;
    return veld_signed_read(entry, VELD_DIRECTORY_BYTES_MAX, &body, &signature, NULL) == VELD_OK &&
           read_form(body, &form) &&
           (form == DIRECTORY_FORMAT_AGENCY || form == DIRECTORY_FORMAT_KEYS);
}

static void read_former(veld_cbor_reader *reader, veld_agency_former *out)
{
    if (veld_cbor_array(reader, FORMER_ITEMS) != FORMER_ITEMS)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    uint64_t kind = veld_cbor_uint(reader);
    if (kind < VELD_AGENCY_MERGER)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    else if (kind > VELD_AGENCY_CA)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    out->kind = (veld_agency_key)kind;
    if (kind == VELD_AGENCY_CA)
        veld_cbor_fixed(reader, out->ca_hash.bytes, sizeof out->ca_hash.bytes);
    else
        directory_read_point(reader, &out->key);
    out->serial = veld_cbor_uint(reader);
    out->position = veld_cbor_uint(reader);
    if (kind != VELD_AGENCY_MERGER && (out->serial != 0 || out->position != 0))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static void read_later(veld_cbor_reader *reader, uint64_t key, veld_agency *out)
{
    veld_span bytes;
    switch (key) {
    case KEY_EDITION:
        out->edition = veld_cbor_uint(reader);
        if (out->edition < 2 || out->edition > INT64_MAX)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    case KEY_FORMER:
        out->former_count = veld_cbor_array(reader, VELD_AGENCY_FORMER_MAX);
        for (size_t i = 0; i < out->former_count && reader->status == VELD_OK; i++)
            read_former(reader, &out->former[i]);
        break;
    default:
        bytes = veld_cbor_bytes(reader);
        if (bytes.len > sizeof out->ca) {
            veld_cbor_reader_fail(reader, VELD_E_LIMIT);
        } else if (bytes.len > 0) {
            memcpy(out->ca, bytes.data, bytes.len);
            out->ca_len = bytes.len;
        }
        break;
    }
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_agency *out = to;
    switch (key) {
    case DIRECTORY_KEY_FORMAT:
        directory_read_format(
            reader, out->edition == 1 ? DIRECTORY_FORMAT_AGENCY : DIRECTORY_FORMAT_KEYS);
        break;
    case DIRECTORY_KEY_ID:
        veld_cbor_fixed(reader, out->id.bytes, sizeof out->id.bytes);
        break;
    case DIRECTORY_KEY_NAME:
        directory_read_name(reader, false, out->name);
        break;
    case KEY_ROOT:
        directory_read_point(reader, &out->root_key);
        break;
    case KEY_MERGER:
        directory_read_point(reader, &out->merger_key);
        break;
    case KEY_SEAL:
        directory_read_point(reader, &out->seal_key);
        break;
    case KEY_RELAY:
        directory_read_point(reader, &out->relay_key);
        break;
    case KEY_CA:
        veld_cbor_fixed(reader, out->ca_hash.bytes, sizeof out->ca_hash.bytes);
        break;
    default:
        read_later(reader, key, out);
        break;
    }
}

/* A statement names the key that it is signed by. */
static const veld_signed_form FIRST_FORM = {
    VELD_NAMESPACE_DIRECTORY, VELD_DIRECTORY_BYTES_MAX, FIRST_KEYS, FIRST_KEYS, read_key};
static const veld_signed_form LATER_FORM = {
    VELD_NAMESPACE_DIRECTORY, VELD_DIRECTORY_BYTES_MAX, LATER_KEYS, LATER_KEYS, read_key};

veld_status veld_agency_read(
    veld_span bytes, const veld_verifier *verifier, veld_agency *out, veld_error *err)
{
    veld_status status;
    veld_agency agency = {0};
    veld_span body = {0};
    veld_signature signature;
    uint64_t form = 0;
    *out = (veld_agency){0};
    VELD_TRY(veld_signed_read(bytes, VELD_DIRECTORY_BYTES_MAX, &body, &signature, err));
    bool is_later = read_form(body, &form) && form == DIRECTORY_FORMAT_KEYS;
    const veld_signed_form *as = is_later ? &LATER_FORM : &FIRST_FORM;
    agency.edition = is_later ? 0 : 1;
    VELD_TRY(veld_signed_decode(bytes, as, &agency, err));
    VELD_TRY(veld_signed_verify(bytes, as, verifier, &agency.root_key, err));
    *out = agency;
done:
    return status;
}

/* ---- former keys ---- */
veld_status veld_agency_signed_by(const veld_agency *agency, const veld_hash *fingerprint,
    uint64_t serial, bool *out, veld_p256_public *key, veld_error *err)
{
    veld_hash one;
    veld_status status;
    VELD_TRY(veld_p256_fingerprint(&agency->merger_key, &one, err));
    *key = agency->merger_key;
    *out = veld_hash_equal(&one, fingerprint);
    for (size_t i = 0; i < agency->former_count && !*out; i++) {
        const veld_agency_former *former = &agency->former[i];
        if (former->kind != VELD_AGENCY_MERGER || serial > former->serial)
            continue;
        VELD_TRY(veld_p256_fingerprint(&former->key, &one, err));
        *key = former->key;
        *out = veld_hash_equal(&one, fingerprint);
    }
done:
    return status;
}

veld_status veld_agency_former_key(const veld_agency *agency, const veld_id *device, size_t back,
    veld_p256_public *out, veld_error *err)
{
    size_t seen = 0;
    for (size_t i = 0; i < agency->former_count && veld_id_equal(&agency->id, device); i++)
        if (agency->former[i].kind == VELD_AGENCY_MERGER && ++seen == back) {
            *out = agency->former[i].key;
            return VELD_OK;
        }
    return veld_fail(err, VELD_E_NOT_FOUND, "the device had no such key");
}

veld_status veld_agency_gave(const veld_agency *agency, const veld_verifier *verifier,
    const veld_grant *grant, bool *out, veld_error *err)
{
    veld_p256_public key;
    veld_status status =
        veld_agency_signed_by(agency, &grant->signer, grant->terms.serial, out, &key, err);
    return status == VELD_OK && *out ? veld_grant_verify(grant, verifier, &key, err) : status;
}

veld_status veld_agency_gives(const veld_agency *agency, const veld_verifier *now,
    const veld_grant *grant, bool *out, veld_error *err)
{
    veld_hash present;
    veld_status status;
    VELD_TRY(veld_agency_gave(agency, now, grant, out, err));
    VELD_TRY(veld_p256_fingerprint(&agency->merger_key, &present, err));
    if (*out && !veld_hash_equal(&present, &grant->signer))
        status = veld_fail(err, VELD_E_STALE, "given with a key that the agency changed since");
done:
    return status;
}

/* The inner verifier may be of this kind too, with an older statement. */
static veld_status verify_at(void *context, const veld_p256_public *key,
    const veld_sign_place *place, const veld_hash *digest, const veld_signature *signature,
    veld_error *err)
{
    const veld_agency_check *check = context;
    const veld_agency *agency = check->agency;
    veld_status status = veld_verify_digest_at(&check->inner, key, place, digest, signature, err);
    bool is_merger = veld_p256_public_equal(key, &agency->merger_key);
    bool is_relay = veld_p256_public_equal(key, &agency->relay_key);
    for (size_t i = 0; i < agency->former_count && status == VELD_E_FORGED; i++) {
        const veld_agency_former *former = &agency->former[i];
        bool is_in_time = place->position <= former->position && place->serial <= former->serial;
        if ((is_merger && former->kind == VELD_AGENCY_MERGER && is_in_time) ||
            (is_relay && former->kind == VELD_AGENCY_RELAY))
            status =
                veld_verify_digest_at(&check->inner, &former->key, place, digest, signature, err);
    }
    return status;
}

static bool is_before(const veld_agency_check *check, const veld_p256_public *key,
    const veld_hash *digest, const veld_signature *signature)
{
    bool is = false;
    const veld_agency *agency = check->agency;
    for (size_t i = 0; i < agency->former_count && !is; i++)
        is = agency->former[i].kind == VELD_AGENCY_MERGER &&
             veld_p256_public_equal(key, &agency->merger_key) &&
             veld_verify_digest_at(&check->inner, &agency->former[i].key, &VELD_SIGN_PLACE_NOW,
                 digest, signature, NULL) == VELD_OK;
    return is;
}

static veld_status verify_now(void *context, const veld_p256_public *key, const veld_hash *digest,
    const veld_signature *signature, veld_error *err)
{
    const veld_agency_check *check = context;
    veld_status status =
        veld_verify_digest_at(&check->inner, key, &VELD_SIGN_PLACE_NOW, digest, signature, err);
    if (status == VELD_E_FORGED && is_before(check, key, digest, signature))
        status = veld_fail(err, VELD_E_STALE, "signed with a key that the agency changed since");
    return status;
}

static veld_status verify_anywhere(void *context, const veld_p256_public *key,
    const veld_hash *digest, const veld_signature *signature, veld_error *err)
{
    const veld_sign_place nowhere = {0};
    return verify_at(context, key, &nowhere, digest, signature, err);
}

veld_verifier veld_agency_verifier(veld_agency_check *check)
{
    return (veld_verifier){.context = check, .verify = verify_anywhere, .verify_at = verify_at};
}

veld_verifier veld_agency_verifier_now(veld_agency_check *check)
{
    return (veld_verifier){.context = check, .verify = verify_now};
}
