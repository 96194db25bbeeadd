/* The forms of enrolment: request and answer, writing and reading side by side. Nothing is proved
 * here. */
#include "enrol_inner.h"

#include <string.h>

#include "veldkit/hash.h"
#include "veldkit/limits.h"

enum {
    KEY_FORMAT = 0,
    KEY_INVITATION = 1,
    /* request */
    KEY_CARD = 2,
    KEY_CARRIER,
    KEY_NONCE,
    REQUEST_KEYS,
    /* answer */
    KEY_STATUS = 2,
    KEY_STATEMENT,
    KEY_CERTIFICATE,
    KEY_CA,
    KEY_ENTRY,
    KEY_OFFICE_NONCE,
    REPLY_KEYS
};

veld_status enrol_mac(const enrol_secret *key, const char *context, veld_span before,
    veld_span body, veld_hash *out, veld_error *err)
{
    const veld_span parts[] = {
        veld_span_text(context),
        veld_span_of(key->ca, sizeof key->ca),
        before,
        body,
    };
    return veld_hmac_sha256(veld_span_of(key->secret, sizeof key->secret), parts, 4, out, err);
}

veld_status enrol_put_pair(veld_span body, veld_span mac, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, body);
    veld_cbor_put_bytes(&writer, mac);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status enrol_read_pair(
    veld_span bytes, size_t max, veld_span *body, veld_span *mac, veld_error *err)
{
    if (bytes.len > max)
        return veld_fail(err, VELD_E_LIMIT, "over %zu bytes", max);
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    *body = veld_cbor_bytes(&reader);
    *mac = veld_cbor_bytes(&reader);
    if (mac->len != 0 && mac->len != ENROL_MAC_BYTES)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    return veld_cbor_reader_finish(&reader, err);
}

static void put_start(veld_cbor_writer *writer, size_t keys, const veld_enrol_invitation *id)
{
    veld_cbor_put_map(writer, keys);
    veld_cbor_put_uint(writer, KEY_FORMAT);
    veld_cbor_put_uint(writer, ENROL_FORMAT);
    veld_cbor_put_uint(writer, KEY_INVITATION);
    veld_cbor_put_bytes(writer, veld_span_of(id->bytes, sizeof id->bytes));
}

static void put_bytes(veld_cbor_writer *writer, uint64_t key, veld_span bytes)
{
    veld_cbor_put_uint(writer, key);
    veld_cbor_put_bytes(writer, bytes);
}

/* All keys in order; both sides of an enrolment are of one agency and version. */
static void read_start(
    veld_cbor_reader *reader, uint64_t *last, size_t keys, veld_enrol_invitation *id)
{
    if (veld_cbor_map(reader, keys) != keys || veld_cbor_key(reader, last) != KEY_FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    if (veld_cbor_uint(reader) > ENROL_FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    (void)veld_cbor_key(reader, last);
    veld_cbor_fixed(reader, id->bytes, sizeof id->bytes);
}

static veld_span read_bytes(veld_cbor_reader *reader, uint64_t *last, size_t max)
{
    (void)veld_cbor_key(reader, last);
    veld_span bytes = veld_cbor_bytes(reader);
    if (bytes.len > max)
        veld_cbor_reader_fail(reader, VELD_E_LIMIT);
    return bytes;
}

veld_status enrol_write_request(const enrol_request *request, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    put_start(&writer, REQUEST_KEYS, &request->invitation);
    put_bytes(&writer, KEY_CARD, request->card);
    put_bytes(&writer, KEY_CARRIER, veld_p256_public_span(&request->carrier));
    put_bytes(&writer, KEY_NONCE, veld_span_of(request->nonce, sizeof request->nonce));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status enrol_read_request(veld_span bytes, enrol_request *out, veld_error *err)
{
    uint64_t last = VELD_CBOR_NO_KEY;
    *out = (enrol_request){0};
    veld_status status =
        enrol_read_pair(bytes, VELD_ENROL_REQUEST_BYTES_MAX, &out->body, &out->mac, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_reader reader = veld_cbor_read(out->body);
    read_start(&reader, &last, REQUEST_KEYS, &out->invitation);
    out->card = read_bytes(&reader, &last, VELD_CARD_BYTES_MAX);
    (void)veld_cbor_key(&reader, &last);
    veld_cbor_fixed(&reader, out->carrier.bytes, sizeof out->carrier.bytes);
    (void)veld_cbor_key(&reader, &last);
    veld_cbor_fixed(&reader, out->nonce, sizeof out->nonce);
    if (last != KEY_NONCE)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    VELD_TRY(veld_cbor_reader_finish(&reader, err));
    veld_p256_public checked;
    status = veld_p256_public_read(veld_p256_public_span(&out->carrier), &checked, err);
done:
    return status;
}

veld_status enrol_write_reply(const enrol_reply *reply, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    put_start(&writer, REPLY_KEYS, &reply->invitation);
    veld_cbor_put_uint(&writer, KEY_STATUS);
    veld_cbor_put_int(&writer, reply->status);
    put_bytes(&writer, KEY_STATEMENT, reply->statement);
    put_bytes(&writer, KEY_CERTIFICATE, reply->certificate);
    put_bytes(&writer, KEY_CA, reply->ca);
    put_bytes(&writer, KEY_ENTRY, reply->entry);
    put_bytes(&writer, KEY_OFFICE_NONCE, veld_span_of(reply->nonce, sizeof reply->nonce));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status enrol_read_reply(veld_span bytes, enrol_reply *out, veld_error *err)
{
    uint64_t last = VELD_CBOR_NO_KEY;
    *out = (enrol_reply){0};
    veld_status status =
        enrol_read_pair(bytes, VELD_ENROL_ANSWER_BYTES_MAX, &out->body, &out->mac, err);
    if (status != VELD_OK)
        return status;
    veld_cbor_reader reader = veld_cbor_read(out->body);
    read_start(&reader, &last, REPLY_KEYS, &out->invitation);
    (void)veld_cbor_key(&reader, &last);
    int64_t number = veld_cbor_int(&reader);
    if (number > 0 || number < INT16_MIN)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    out->status = (veld_status)number;
    out->statement = read_bytes(&reader, &last, VELD_DIRECTORY_BYTES_MAX);
    out->certificate = read_bytes(&reader, &last, VELD_CERTIFICATE_BYTES_MAX);
    out->ca = read_bytes(&reader, &last, VELD_CERTIFICATE_BYTES_MAX);
    out->entry = read_bytes(&reader, &last, VELD_DIRECTORY_BYTES_MAX);
    (void)veld_cbor_key(&reader, &last);
    veld_cbor_fixed(&reader, out->nonce, sizeof out->nonce);
    if (last != KEY_OFFICE_NONCE)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    return veld_cbor_reader_finish(&reader, err);
}
