/* The form of heads. */
#include "veldkit/head.h"

#include "veldkit/context.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_CASE,
    KEY_EPOCH,
    KEY_TIME,
    KEY_STATE,
    KEY_HEADS,
    KEY_ENDS,
    KEYS_MIN,
    KEY_HELD = KEYS_MIN,
    KEY_ADMITTED, /* only behind the one before */
    KEYS,
    BYTES_MAX = 1024 + 40 * VELD_HEAD_CHANGES_MAX
};

static void put_ids(veld_cbor_writer *writer, const veld_hash *ids, size_t count)
{
    veld_cbor_put_array(writer, count);
    for (size_t i = 0; i < count; i++)
        veld_cbor_put_bytes(writer, veld_hash_span(&ids[i]));
}

static veld_status encode(const veld_head *head, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    bool has_held = !veld_hash_is_zero(&head->held);
    bool has_admitted = has_held && head->admitted_count > 0;
    veld_cbor_put_map(&writer, has_admitted ? KEYS : has_held ? KEY_ADMITTED : KEYS_MIN);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_CASE);
    veld_cbor_put_bytes(&writer, veld_id_span(&head->case_id));
    veld_cbor_put_uint(&writer, KEY_EPOCH);
    veld_cbor_put_uint(&writer, head->epoch);
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, head->utc_ms);
    veld_cbor_put_uint(&writer, KEY_STATE);
    veld_cbor_put_bytes(&writer, veld_hash_span(&head->state_id));
    veld_cbor_put_uint(&writer, KEY_HEADS);
    put_ids(&writer, head->heads, head->heads_count);
    veld_cbor_put_uint(&writer, KEY_ENDS);
    put_ids(&writer, head->chain_ends, head->chain_ends_count);
    if (has_held) {
        veld_cbor_put_uint(&writer, KEY_HELD);
        veld_cbor_put_bytes(&writer, veld_hash_span(&head->held));
    }
    if (has_admitted) {
        veld_cbor_put_uint(&writer, KEY_ADMITTED);
        put_ids(&writer, head->admitted, head->admitted_count);
    }
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_head_make(
    const veld_head *head, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_buf body;
    if (head->heads_count > VELD_HEAD_CHANGES_MAX ||
        head->chain_ends_count > VELD_HEAD_CHANGES_MAX - head->heads_count ||
        head->admitted_count > VELD_HEAD_CHANGES_MAX - head->heads_count - head->chain_ends_count)
        return veld_fail(err, VELD_E_LIMIT, "a head of %zu changes", head->heads_count);
    veld_buf_init(&body, BYTES_MAX);
    VELD_TRY(encode(head, &body, err));
    status = veld_signed_write(signer, VELD_NAMESPACE_HEAD, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static void read_ids(
    veld_cbor_reader *reader, veld_arena *arena, const veld_hash **out, size_t *out_count)
{
    size_t count = veld_cbor_array(reader, VELD_HEAD_CHANGES_MAX);
    veld_hash *ids = veld_arena_get(arena, count, sizeof *ids);
    if (ids == NULL) {
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        veld_cbor_fixed(reader, ids[i].bytes, sizeof ids[i].bytes);
        if (i > 0 && veld_hash_compare(&ids[i - 1], &ids[i]) >= 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
    }
    *out = ids;
    *out_count = count;
}

/* A head while it is read, and where its lists go. */
typedef struct reading {
    veld_arena *arena;
    veld_head head;
} reading;

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    reading *in = to;
    veld_arena *arena = in->arena;
    veld_head *out = &in->head;
    uint64_t number;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_CASE:
        veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
        break;
    case KEY_EPOCH:
        number = veld_cbor_uint(reader);
        if (number == 0 || number > UINT32_MAX)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        out->epoch = (uint32_t)number;
        break;
    case KEY_TIME:
        out->utc_ms = veld_cbor_int(reader);
        break;
    case KEY_STATE:
        veld_cbor_fixed(reader, out->state_id.bytes, sizeof out->state_id.bytes);
        break;
    case KEY_HEADS:
        read_ids(reader, arena, &out->heads, &out->heads_count);
        break;
    case KEY_ENDS:
        read_ids(reader, arena, &out->chain_ends, &out->chain_ends_count);
        break;
    case KEY_HELD:
        veld_cbor_fixed(reader, out->held.bytes, sizeof out->held.bytes);
        if (reader->status == VELD_OK && veld_hash_is_zero(&out->held))
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    default:
        read_ids(reader, arena, &out->admitted, &out->admitted_count);
        if (reader->status == VELD_OK && out->admitted_count == 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    }
}

static const veld_signed_form FORM = {VELD_NAMESPACE_HEAD, BYTES_MAX, KEYS_MIN, KEYS, read_key};

veld_status veld_head_read(veld_span bytes, veld_arena *arena, veld_head *out, veld_error *err)
{
    reading in = {.arena = arena};
    *out = (veld_head){0};
    veld_status status = veld_signed_decode(bytes, &FORM, &in, err);
    if (status == VELD_OK && veld_id_is_zero(&in.head.case_id))
        status = veld_fail(err, VELD_E_FORM, "a head without a case");
    if (status == VELD_OK)
        *out = in.head;
    return status;
}

veld_status veld_head_verify(
    veld_span bytes, const veld_verifier *verifier, const veld_p256_public *key, veld_error *err)
{
    return veld_signed_verify(bytes, &FORM, verifier, key, err);
}
