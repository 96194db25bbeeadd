/* The form of an introduction. */
#include "veldkit/introduction.h"

#include <string.h>

#include "veldkit/context.h"
#include "veldkit/directory_head.h"
#include "veldkit/frame.h"
#include "veldkit/hash.h"
#include "veldkit/hpke.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_RECIPIENT,
    KEY_ENTRY,
    KEY_INDEX,
    KEY_SIZE,
    KEY_ROOT,
    KEY_PLACE,
    KEY_NAME,
    KEYS,
    AAD_BYTES = VELD_ID_BYTES + VELD_HASH_BYTES,
    NAME_BYTES_MAX = VELD_CARD_NAME_BYTES_MAX + VELD_HPKE_OVERHEAD_BYTES
};

/* The name of one device is not moved to another, nor to who else is told. */
static veld_status bind_name(
    const veld_introduction *introduction, uint8_t out[AAD_BYTES], veld_error *err)
{
    veld_hash entry;
    veld_status status = veld_sha256(introduction->entry, &entry, err);
    memcpy(out, introduction->recipient.bytes, VELD_ID_BYTES);
    memcpy(out + VELD_ID_BYTES, entry.bytes, VELD_HASH_BYTES);
    return status;
}

static veld_status write_body(
    const veld_introduction *introduction, veld_span sealed, veld_buf *out, veld_error *err)
{
    const veld_log_proof *place = &introduction->place;
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_RECIPIENT);
    veld_cbor_put_bytes(&writer, veld_id_span(&introduction->recipient));
    veld_cbor_put_uint(&writer, KEY_ENTRY);
    veld_cbor_put_bytes(&writer, introduction->entry);
    veld_cbor_put_uint(&writer, KEY_INDEX);
    veld_cbor_put_uint(&writer, introduction->index);
    veld_cbor_put_uint(&writer, KEY_SIZE);
    veld_cbor_put_uint(&writer, introduction->log.size);
    veld_cbor_put_uint(&writer, KEY_ROOT);
    veld_cbor_put_bytes(&writer, veld_hash_span(&introduction->log.root));
    veld_cbor_put_uint(&writer, KEY_PLACE);
    veld_cbor_put_array(&writer, place->count);
    for (size_t i = 0; i < place->count; i++)
        veld_cbor_put_bytes(&writer, veld_hash_span(&place->hashes[i]));
    veld_cbor_put_uint(&writer, KEY_NAME);
    veld_cbor_put_bytes(&writer, sealed);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_introduction_make(const veld_env *env, const veld_introduction *introduction,
    const char *name, const veld_p256_public *to, const veld_signer *merger, veld_buf *out,
    veld_error *err)
{
    veld_status status;
    uint8_t aad[AAD_BYTES];
    veld_buf sealed, body;
    veld_buf_init(&sealed, NAME_BYTES_MAX);
    veld_buf_init(&body, VELD_INTRODUCTION_BYTES_MAX);
    VELD_TRY(bind_name(introduction, aad, err));
    if (name[0] != '\0')
        VELD_TRY(veld_hpke_seal(env, to, VELD_HPKE_NAME, veld_span_of(aad, sizeof aad),
            veld_span_text(name), &sealed, err));
    VELD_TRY(write_body(introduction, veld_buf_span(&sealed), &body, err));
    status = veld_signed_write(merger, VELD_NAMESPACE_INTRODUCTION, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    veld_buf_release(&sealed);
    return status;
}

/* ---- reading ---- */

static void read_number(veld_cbor_reader *reader, uint64_t least, uint64_t *out)
{
    *out = veld_cbor_uint(reader);
    if (*out < least || *out > INT64_MAX)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
}

static void read_place(veld_cbor_reader *reader, veld_log_proof *out)
{
    size_t count = veld_cbor_array(reader, VELD_DIRECTORY_PROOF_MAX);
    for (size_t i = 0; i < count && reader->status == VELD_OK; i++)
        veld_cbor_fixed(reader, out->hashes[i].bytes, VELD_HASH_BYTES);
    out->count = count;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_introduction *out = to;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_RECIPIENT:
        veld_cbor_fixed(reader, out->recipient.bytes, sizeof out->recipient.bytes);
        break;
    case KEY_ENTRY:
        out->entry = veld_cbor_bytes(reader);
        break;
    case KEY_INDEX:
        read_number(reader, 0, &out->index);
        break;
    case KEY_SIZE:
        read_number(reader, 1, &out->log.size);
        if (out->index >= out->log.size)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    case KEY_ROOT:
        veld_cbor_fixed(reader, out->log.root.bytes, VELD_HASH_BYTES);
        break;
    case KEY_PLACE:
        read_place(reader, &out->place);
        break;
    default:
        out->name = veld_cbor_bytes(reader);
        if (out->name.len > NAME_BYTES_MAX)
            veld_cbor_reader_fail(reader, VELD_E_LIMIT);
        break;
    }
}

static const veld_signed_form FORM = {
    VELD_NAMESPACE_INTRODUCTION, VELD_INTRODUCTION_BYTES_MAX, KEYS, KEYS, read_key};

veld_status veld_introduction_read(veld_span bytes, veld_introduction *out, veld_error *err)
{
    veld_introduction made = {0};
    veld_status status = veld_signed_decode(bytes, &FORM, &made, err);
    *out = status == VELD_OK ? made : (veld_introduction){0};
    return status;
}

veld_status veld_introduction_verify(veld_span bytes, const veld_introduction *introduction,
    const veld_verifier *verifier, const veld_p256_public *key, veld_error *err)
{
    veld_status status;
    veld_hash entry, leaf;
    VELD_TRY(veld_signed_verify_at(
        bytes, &FORM, verifier, key, (veld_sign_place){.position = introduction->log.size}, err));
    VELD_TRY(veld_sha256(introduction->entry, &entry, err));
    VELD_TRY(veld_log_leaf(VELD_FRAME_DIRECTORY, &entry, &leaf, err));
    status = veld_log_check_entry(
        &leaf, introduction->index, &introduction->log, &introduction->place, err);
done:
    return status;
}

veld_status veld_introduction_name(const veld_introduction *introduction,
    const veld_p256_private *key, char out[VELD_CARD_NAME_BYTES_MAX + 1], veld_error *err)
{
    veld_status status = VELD_OK;
    uint8_t aad[AAD_BYTES];
    veld_buf name;
    memset(out, 0, VELD_CARD_NAME_BYTES_MAX + 1);
    veld_buf_init(&name, VELD_CARD_NAME_BYTES_MAX);
    if (introduction->name.len == 0)
        return VELD_OK;
    VELD_TRY(bind_name(introduction, aad, err));
    VELD_TRY(veld_hpke_open(
        key, VELD_HPKE_NAME, veld_span_of(aad, sizeof aad), introduction->name, &name, err));
    if (memchr(name.data, 0, name.len) != NULL)
        status = veld_fail(err, VELD_E_FORM, "a name with a zero in it");
    else if (name.len > 0)
        memcpy(out, name.data, name.len);
done:
    veld_buf_wipe(&name);
    return status;
}
