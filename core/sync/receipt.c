/* Receipts. Small on purpose: one signature for all that came in with one request. */
#include "veldkit/receipt.h"

#include "veldkit/context.h"
#include "veldkit/limits.h"
#include "veldkit/signed_part.h"

enum {
    FORMAT = 0,
    KEY_FORMAT = 0,
    KEY_JOURNAL,
    KEY_SIZE,
    KEY_ROOT,
    KEY_TIME,
    KEY_ITEMS,
    KEYS,
    ITEM_BYTES_MAX = 64,
    BYTES_MAX = 1024 + VELD_EXCHANGE_ITEMS_MAX * ITEM_BYTES_MAX
};

static veld_status encode(const veld_receipt *receipt, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_map(&writer, KEYS);
    veld_cbor_put_uint(&writer, KEY_FORMAT);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, KEY_JOURNAL);
    veld_cbor_put_bytes(&writer, veld_id_span(&receipt->journal));
    veld_cbor_put_uint(&writer, KEY_SIZE);
    veld_cbor_put_uint(&writer, receipt->log.size);
    veld_cbor_put_uint(&writer, KEY_ROOT);
    veld_cbor_put_bytes(&writer, veld_hash_span(&receipt->log.root));
    veld_cbor_put_uint(&writer, KEY_TIME);
    veld_cbor_put_int(&writer, receipt->server_utc_ms);
    veld_cbor_put_uint(&writer, KEY_ITEMS);
    veld_cbor_put_array(&writer, receipt->count);
    for (size_t i = 0; i < receipt->count; i++) {
        veld_cbor_put_array(&writer, 2);
        veld_cbor_put_bytes(&writer, veld_hash_span(&receipt->items[i].id));
        veld_cbor_put_uint(&writer, receipt->items[i].seq);
    }
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_receipt_make(
    const veld_receipt *receipt, const veld_signer *signer, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_buf body;
    if (receipt->count > VELD_EXCHANGE_ITEMS_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a receipt over %zu items", receipt->count);
    veld_buf_init(&body, BYTES_MAX);
    VELD_TRY(encode(receipt, &body, err));
    status = veld_signed_write(signer, VELD_NAMESPACE_RECEIPT, veld_buf_span(&body), out, err);
done:
    veld_buf_release(&body);
    return status;
}

static void read_items(veld_cbor_reader *reader, veld_arena *arena, veld_receipt *out)
{
    size_t count = veld_cbor_array(reader, VELD_EXCHANGE_ITEMS_MAX);
    veld_receipt_item *items = veld_arena_get(arena, count, sizeof *items);
    if (items == NULL) {
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (veld_cbor_array(reader, 2) != 2)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        veld_cbor_fixed(reader, items[i].id.bytes, sizeof items[i].id.bytes);
        items[i].seq = veld_cbor_uint(reader);
        if (items[i].seq == 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
    }
    out->items = items;
    out->count = count;
}

/* A receipt while it is read, and where its list goes. */
typedef struct reading {
    veld_arena *arena;
    veld_receipt receipt;
} reading;

static void read_key(veld_cbor_reader *reader, uint64_t key, void *to)
{
    reading *in = to;
    veld_receipt *out = &in->receipt;
    switch (key) {
    case KEY_FORMAT:
        if (veld_cbor_uint(reader) > FORMAT)
            veld_cbor_reader_fail(reader, VELD_E_NEWER);
        break;
    case KEY_JOURNAL:
        veld_cbor_fixed(reader, out->journal.bytes, sizeof out->journal.bytes);
        break;
    case KEY_SIZE:
        out->log.size = veld_cbor_uint(reader);
        break;
    case KEY_ROOT:
        veld_cbor_fixed(reader, out->log.root.bytes, sizeof out->log.root.bytes);
        break;
    case KEY_TIME:
        out->server_utc_ms = veld_cbor_int(reader);
        if (out->server_utc_ms <= 0)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        break;
    default:
        read_items(reader, in->arena, out);
        break;
    }
}

static const veld_signed_form FORM = {VELD_NAMESPACE_RECEIPT, BYTES_MAX, KEYS, KEYS, read_key};

veld_status veld_receipt_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_arena *arena, veld_receipt *out, veld_error *err)
{
    veld_status status;
    reading in = {.arena = arena};
    *out = (veld_receipt){0};
    VELD_TRY(veld_signed_decode(bytes, &FORM, &in, err));
    VELD_TRY(veld_signed_verify(bytes, &FORM, verifier, key, err));
    *out = in.receipt;
done:
    return status;
}
