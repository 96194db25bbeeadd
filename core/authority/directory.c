/* The form of the entries of devices, and what all forms of the directory share. */
#include "directory_inner.h"

#include <string.h>

#include "veldkit/context.h"

enum { KEY_SIGN = 3, KEY_DEVICE_SEAL, KEY_STATE, KEY_POSITION, DEVICE_KEYS };

static bool name_is_valid(veld_span name, bool may_be_empty)
{
    if (name.len > VELD_CARD_NAME_BYTES_MAX || (name.len == 0 && !may_be_empty))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] < 0x20 || name.data[i] == 0x7F)
            return false;
    return veld_cbor_text_is_valid(name);
}

bool directory_name_is_valid(const char *name, size_t size, bool may_be_empty)
{
    return memchr(name, 0, size) != NULL && name_is_valid(veld_span_text(name), may_be_empty);
}

void directory_put_key(veld_cbor_writer *writer, uint64_t key, const veld_p256_public *value)
{
    veld_cbor_put_uint(writer, key);
    veld_cbor_put_bytes(writer, veld_p256_public_span(value));
}

void directory_put_start(
    veld_cbor_writer *writer, size_t keys, uint64_t format, const veld_id *id, const char *name)
{
    veld_cbor_put_map(writer, keys);
    veld_cbor_put_uint(writer, DIRECTORY_KEY_FORMAT);
    veld_cbor_put_uint(writer, format);
    veld_cbor_put_uint(writer, DIRECTORY_KEY_ID);
    veld_cbor_put_bytes(writer, veld_id_span(id));
    veld_cbor_put_uint(writer, DIRECTORY_KEY_NAME);
    veld_cbor_put_text(writer, veld_span_text(name));
}

veld_status directory_sign(veld_cbor_writer *writer, const veld_signer *signer,
    const veld_buf *body, veld_buf *out, veld_error *err)
{
    veld_status status = veld_cbor_writer_finish(writer, err);
    if (status != VELD_OK)
        return status;
    return veld_signed_write(signer, VELD_NAMESPACE_DIRECTORY, veld_buf_span(body), out, err);
}

veld_status veld_directory_make(
    const veld_directory_entry *entry, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    if (!directory_name_is_valid(entry->worker, sizeof entry->worker, true))
        return veld_fail(err, VELD_E_INVALID, "the worker's name is not plain text");
    veld_buf body;
    veld_buf_init(&body, VELD_DIRECTORY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    directory_put_start(
        &writer, DEVICE_KEYS, DIRECTORY_FORMAT_DEVICE, &entry->device, entry->worker);
    directory_put_key(&writer, KEY_SIGN, &entry->sign_key);
    directory_put_key(&writer, KEY_DEVICE_SEAL, &entry->seal_key);
    veld_cbor_put_uint(&writer, KEY_STATE);
    veld_cbor_put_uint(&writer, (uint64_t)entry->state);
    veld_cbor_put_uint(&writer, KEY_POSITION);
    veld_cbor_put_uint(&writer, entry->position);
    veld_status status = directory_sign(&writer, merger, &body, out, err);
    veld_buf_release(&body);
    return status;
}

/* ---- reading ---- */

void directory_read_format(veld_cbor_reader *reader, uint64_t expected)
{
    uint64_t format = veld_cbor_uint(reader);
    if (format >= DIRECTORY_FORMATS)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    else if (format != expected)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

void directory_read_name(veld_cbor_reader *reader, bool may_be_empty, char *out)
{
    veld_span name = veld_cbor_text(reader);
    if (!name_is_valid(name, may_be_empty))
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    else if (name.len > 0)
        memcpy(out, name.data, name.len);
}

void directory_read_point(veld_cbor_reader *reader, veld_p256_public *out)
{
    uint8_t bytes[VELD_P256_PUBLIC_BYTES];
    veld_cbor_fixed(reader, bytes, sizeof bytes);
    if (reader->status != VELD_OK)
        return;
    veld_status status = veld_p256_public_read(veld_span_of(bytes, sizeof bytes), out, NULL);
    if (status != VELD_OK)
        veld_cbor_reader_fail(reader, status);
}

void directory_read_position(veld_cbor_reader *reader, uint64_t *out)
{
    *out = veld_cbor_uint(reader);
    if (*out == 0)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static void read_device_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    uint64_t number;
    veld_directory_entry *out = to;
    switch (key) {
    case DIRECTORY_KEY_FORMAT:
        directory_read_format(reader, DIRECTORY_FORMAT_DEVICE);
        break;
    case DIRECTORY_KEY_ID:
        veld_cbor_fixed(reader, out->device.bytes, sizeof out->device.bytes);
        break;
    case DIRECTORY_KEY_NAME:
        directory_read_name(reader, true, out->worker);
        break;
    case KEY_SIGN:
        directory_read_point(reader, &out->sign_key);
        break;
    case KEY_DEVICE_SEAL:
        directory_read_point(reader, &out->seal_key);
        break;
    case KEY_STATE:
        number = veld_cbor_uint(reader);
        if (number < VELD_DEVICE_ACTIVE)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        else if (number > VELD_DEVICE_REVOKED)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        out->state = (veld_device_state)number;
        break;
    default:
        directory_read_position(reader, &out->position);
        break;
    }
}

static const veld_signed_form DEVICE_FORM = {
    VELD_NAMESPACE_DIRECTORY, VELD_DIRECTORY_BYTES_MAX, DEVICE_KEYS, DEVICE_KEYS, read_device_key};

veld_status veld_directory_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_directory_entry *out, veld_error *err)
{
    veld_status status;
    veld_directory_entry entry = {0};
    *out = (veld_directory_entry){0};
    VELD_TRY(veld_signed_decode(bytes, &DEVICE_FORM, &entry, err));
    VELD_TRY(veld_signed_verify_at(
        bytes, &DEVICE_FORM, verifier, key, (veld_sign_place){.position = entry.position}, err));
    *out = entry;
done:
    return status;
}
