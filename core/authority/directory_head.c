/* The form of a directory head. */
#include "directory_inner.h"
#include "veldkit/context.h"
#include "veldkit/frame.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_SIZE,
    KEY_ROOT,
    KEY_GROWTH,
    KEY_ENTRY,
    KEY_PLACE,
    LEAST,
    KEY_BRIDGES = LEAST,
    KEYS
};

static void put_hashes(veld_cbor_writer *writer, const veld_log_proof *proof)
{
    veld_cbor_put_array(writer, proof->count);
    for (size_t i = 0; i < proof->count; i++)
        veld_cbor_put_bytes(writer, veld_hash_span(&proof->hashes[i]));
}

static void put_proof(veld_cbor_writer *writer, uint64_t key, const veld_log_proof *proof)
{
    veld_cbor_put_uint(writer, key);
    put_hashes(writer, proof);
}

static void put_bridges(veld_cbor_writer *writer, const veld_directory_head *head)
{
    veld_cbor_put_uint(writer, KEY_BRIDGES);
    veld_cbor_put_array(writer, head->bridges_count);
    for (size_t i = 0; i < head->bridges_count; i++) {
        veld_cbor_put_array(writer, 2);
        veld_cbor_put_uint(writer, head->bridges[i].from);
        put_hashes(writer, &head->bridges[i].growth);
    }
}

veld_status directory_head_write(
    const veld_directory_head *head, const veld_signer *merger, veld_buf *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_DIRECTORY_HEAD_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_map(&writer, head->bridges_count > 0 ? KEYS : LEAST);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_SIZE);
    veld_cbor_put_uint(&writer, head->log.size);
    veld_cbor_put_uint(&writer, KEY_ROOT);
    veld_cbor_put_bytes(&writer, veld_hash_span(&head->log.root));
    put_proof(&writer, KEY_GROWTH, &head->growth);
    veld_cbor_put_uint(&writer, KEY_ENTRY);
    veld_cbor_put_bytes(&writer, veld_hash_span(&head->entry));
    put_proof(&writer, KEY_PLACE, &head->place);
    if (head->bridges_count > 0)
        put_bridges(&writer, head);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_signed_write(
            merger, VELD_NAMESPACE_DIRECTORY_HEAD, veld_buf_span(&body), out, err);
    veld_buf_release(&body);
    return status;
}

static void read_proof(veld_cbor_reader *reader, veld_log_proof *out)
{
    size_t count = veld_cbor_array(reader, VELD_DIRECTORY_PROOF_MAX);
    for (size_t i = 0; i < count && reader->status == VELD_OK; i++)
        veld_cbor_fixed(reader, out->hashes[i].bytes, VELD_HASH_BYTES);
    out->count = count;
}

static void read_bridges(veld_cbor_reader *reader, veld_directory_head *out)
{
    size_t count = veld_cbor_array(reader, VELD_DIRECTORY_BRIDGES_MAX);
    for (size_t i = 0; i < count && reader->status == VELD_OK; i++) {
        veld_directory_bridge *bridge = &out->bridges[i];
        if (veld_cbor_array(reader, 2) != 2)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        bridge->from = veld_cbor_uint(reader);
        if (bridge->from == 0 || bridge->from >= out->log.size)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        read_proof(reader, &bridge->growth);
    }
    out->bridges_count = count;
}

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    veld_directory_head *out = to;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) != FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_SIZE:
        out->log.size = veld_cbor_uint(reader);
        if (out->log.size == 0 || out->log.size > INT64_MAX)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    case KEY_ROOT:
        veld_cbor_fixed(reader, out->log.root.bytes, VELD_HASH_BYTES);
        break;
    case KEY_GROWTH:
        read_proof(reader, &out->growth);
        break;
    case KEY_ENTRY:
        veld_cbor_fixed(reader, out->entry.bytes, VELD_HASH_BYTES);
        break;
    case KEY_PLACE:
        read_proof(reader, &out->place);
        break;
    default:
        read_bridges(reader, out);
        break;
    }
}

static const veld_signed_form FORM = {
    VELD_NAMESPACE_DIRECTORY_HEAD, VELD_DIRECTORY_HEAD_BYTES_MAX, LEAST, KEYS, read_key};

veld_status veld_directory_head_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_directory_head *out, veld_error *err)
{
    veld_directory_head head = {0};
    veld_hash leaf;
    veld_status status;
    *out = (veld_directory_head){0};
    VELD_TRY(veld_signed_decode(bytes, &FORM, &head, err));
    VELD_TRY(veld_signed_verify_at(
        bytes, &FORM, verifier, key, (veld_sign_place){.position = head.log.size}, err));
    VELD_TRY(veld_log_leaf(VELD_FRAME_DIRECTORY, &head.entry, &leaf, err));
    VELD_TRY(veld_log_check_entry(&leaf, head.log.size - 1, &head.log, &head.place, err));
    *out = head;
done:
    return status;
}

veld_status directory_head_decode(veld_span bytes, veld_directory_head *out, veld_error *err)
{
    *out = (veld_directory_head){0};
    return veld_signed_decode(bytes, &FORM, out, err);
}

veld_status veld_directory_head_size(veld_span bytes, uint64_t *out, veld_error *err)
{
    veld_directory_head head;
    veld_status status = directory_head_decode(bytes, &head, err);
    *out = head.log.size;
    return status;
}
