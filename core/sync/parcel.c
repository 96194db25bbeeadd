/* Packing what is unsent for a process that has no keys, and taking in what it brought back. */
#include "veldkit/parcel.h"

#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

/* By the item's id: case id and the ids of its changes; of access log lines the number of the last.
 */
#define PACKED "packed"

enum {
    FORMAT = 1,
    PARCEL_ITEMS = 8,
    PAGE_BYTES = 1 << 20,
    ADDRESS_BYTES_MAX = 256,
    PACKED_BYTES_MAX = 1 << 16,
    LINES_BYTES = 8
};

/* ---- packing ---- */
static veld_status write_body(
    const char *program, sync_out *const *outs, size_t count, veld_buf *out, veld_error *err)
{
    veld_frame_writer writer = {0};
    veld_buf cursor;
    const exchange_cursor hand_in = {.flags = CURSOR_HAND_IN};
    veld_status status;
    veld_buf_init(&cursor, EXCHANGE_SMALL_BYTES_MAX);
    VELD_TRY(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, program, out, err));
    VELD_TRY(exchange_put_cursor(&hand_in, &cursor, err));
    VELD_TRY(veld_frame_writer_add(&writer, VELD_FRAME_CURSOR, veld_buf_span(&cursor), err));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(
            veld_frame_writer_add(&writer, outs[i]->type, veld_buf_span(&outs[i]->bytes), err));
    status = veld_frame_writer_end(&writer, err);

done:
    veld_frame_writer_abort(&writer);
    veld_buf_release(&cursor);
    return status;
}

static veld_status remember(veld_sync *sync, const sync_out *out, veld_error *err)
{
    veld_buf value;
    uint8_t lines[LINES_BYTES];
    veld_status status = VELD_OK;
    if (out->changes_count == 0 && out->access_last == 0)
        return VELD_OK;
    veld_buf_init(&value, PACKED_BYTES_MAX);
    if (out->changes_count > 0)
        VELD_TRY(veld_buf_append_span(&value, veld_id_span(&out->case_id)));
    for (size_t i = 0; i < out->changes_count; i++)
        VELD_TRY(veld_buf_append_span(&value, veld_hash_span(&out->changes[i])));
    veld_put_u64(lines, out->access_last);
    if (out->access_last > 0)
        VELD_TRY(veld_buf_append(&value, lines, sizeof lines));
    status = veld_store_put_value(
        sync->config.desk->store, PACKED, veld_hash_span(&out->id), veld_buf_span(&value), err);

done:
    veld_buf_release(&value);
    return status;
}

veld_status parcel_put_page(
    const char *program, sync_out *const *outs, size_t count, veld_buf *pages, veld_error *err)
{
    veld_buf body;
    veld_status status;
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    VELD_TRY(write_body(program, outs, count, &body, err));
    veld_cbor_writer writer = veld_cbor_write(pages);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, veld_buf_span(&body));
    veld_cbor_put_array(&writer, count);
    for (size_t i = 0; i < count; i++) {
        veld_cbor_put_array(&writer, 2);
        veld_cbor_put_bytes(&writer, veld_hash_span(&outs[i]->id));
        veld_cbor_put_uint(&writer, outs[i]->changes_count);
    }
    status = veld_cbor_writer_finish(&writer, err);

done:
    veld_buf_release(&body);
    return status;
}

static veld_status write_pages(veld_sync *sync, veld_buf *pages, veld_error *err)
{
    sync_out **order = NULL;
    size_t count = 0, first = 0;
    veld_status status;
    VELD_TRY(sync_order(sync, &order, &count, err));
    while (first < count) {
        size_t last = first + 1, bytes = order[first]->bytes.len;
        while (last < count && bytes + order[last]->bytes.len <= PAGE_BYTES) {
            bytes += order[last]->bytes.len;
            last++;
        }
        VELD_TRY(parcel_put_page(sync->config.program, order + first, last - first, pages, err));
        for (; first < last; first++)
            VELD_TRY(remember(sync, order[first], err));
    }

done:
    veld_release(order);
    return status;
}

veld_status veld_sync_pack(veld_sync *sync, int64_t until_ms, veld_buf *pages, veld_error *err)
{
    VELD_ASSERT(!sync->is_waiting);
    veld_store *store = sync->config.desk->store;
    veld_status status;
    VELD_TRY(sync_collect_unsent(sync, until_ms, err));
    VELD_TRY(veld_store_begin(store, err));
    status = write_pages(sync, pages, err);
    status = veld_store_end(store, status, err);

done:
    return status;
}

/* ---- the parcel ---- */
veld_status veld_parcel_write(const veld_parcel *parcel, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, PARCEL_ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_text(&writer, parcel->address);
    veld_cbor_put_bytes(&writer, parcel->certificate);
    veld_cbor_put_bytes(&writer, parcel->ca);
    veld_cbor_put_bytes(&writer, parcel->carrier_key);
    veld_cbor_put_bytes(&writer, veld_p256_public_span(&parcel->relay_key));
    veld_cbor_put_bytes(&writer, parcel->watch);
    veld_cbor_put_bytes(&writer, parcel->pages);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status veld_parcel_read(veld_span bytes, veld_parcel *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    *out = (veld_parcel){0};
    if (veld_cbor_array(&reader, PARCEL_ITEMS) != PARCEL_ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    if (veld_cbor_uint(&reader) > FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    out->address = veld_cbor_text(&reader);
    out->certificate = veld_cbor_bytes(&reader);
    out->ca = veld_cbor_bytes(&reader);
    out->carrier_key = veld_cbor_bytes(&reader);
    veld_cbor_fixed(&reader, out->relay_key.bytes, sizeof out->relay_key.bytes);
    out->watch = veld_cbor_bytes(&reader);
    out->pages = veld_cbor_bytes(&reader);
    if (out->address.len > ADDRESS_BYTES_MAX || out->certificate.len > VELD_CERTIFICATE_BYTES_MAX ||
        out->ca.len > VELD_CERTIFICATE_BYTES_MAX || out->carrier_key.len != VELD_P256_PRIVATE_BYTES)
        veld_cbor_reader_fail(&reader, VELD_E_LIMIT);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status != VELD_OK)
        *out = (veld_parcel){0};
    return status;
}

veld_status veld_parcel_next(veld_span *pages, veld_parcel_page *out, bool *have, veld_error *err)
{
    *have = pages->len > 0;
    *out = (veld_parcel_page){0};
    if (!*have)
        return VELD_OK;
    veld_cbor_reader reader = veld_cbor_read(*pages);
    if (veld_cbor_array(&reader, 2) != 2)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    out->body = veld_cbor_bytes(&reader);
    out->items = veld_cbor_skip(&reader);
    if (reader.status != VELD_OK)
        return veld_fail(err, reader.status, "a page of a parcel that is none");
    *pages = veld_span_part(*pages, reader.at, pages->len - reader.at);
    return VELD_OK;
}

/* ---- the relay's answer, where nothing is opened ---- */
typedef struct answer_reading {
    veld_frame_reader frames;
    veld_buf receipt;
} answer_reading;

static veld_status find_receipt(answer_reading *r, veld_span answer, veld_error *err)
{
    bool have = true;
    veld_status status;
    VELD_TRY(veld_frame_reader_init(&r->frames, VELD_FRAME_STREAM, err));
    VELD_TRY(veld_frame_reader_add(&r->frames, answer, err));
    while (have) {
        veld_frame frame;
        VELD_TRY(veld_frame_reader_next(&r->frames, &frame, &have, err));
        if (have && frame.type == VELD_FRAME_RECEIPT && r->receipt.len == 0)
            VELD_TRY(veld_buf_append_span(&r->receipt, frame.body));
    }
    VELD_TRY(veld_frame_reader_finish(&r->frames, err));
    if (r->receipt.len == 0)
        status = veld_fail(err, VELD_E_FORM, "an answer without a receipt");

done:
    return status;
}

static bool is_in(const veld_receipt *receipt, const veld_hash *id, uint64_t *seq)
{
    for (size_t i = 0; i < receipt->count; i++) {
        if (veld_hash_equal(&receipt->items[i].id, id)) {
            *seq = receipt->items[i].seq;
            return true;
        }
    }
    return false;
}

static veld_status count_changes(
    const veld_receipt *receipt, veld_span items, size_t *changes, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(items);
    size_t count = veld_cbor_array(&reader, VELD_EXCHANGE_ITEMS_MAX);
    for (size_t i = 0; i < count && reader.status == VELD_OK; i++) {
        veld_hash id = {{0}};
        uint64_t seq;
        if (veld_cbor_array(&reader, 2) != 2)
            veld_cbor_reader_fail(&reader, VELD_E_FORM);
        veld_cbor_fixed(&reader, id.bytes, sizeof id.bytes);
        uint64_t inside = veld_cbor_uint(&reader);
        if (inside > VELD_ENVELOPE_CHANGES_MAX)
            veld_cbor_reader_fail(&reader, VELD_E_LIMIT);
        if (is_in(receipt, &id, &seq))
            *changes += (size_t)inside;
    }
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_parcel_receipt(const veld_parcel *parcel, const veld_parcel_page *page,
    veld_span answer, veld_buf *receipts, size_t *changes, veld_error *err)
{
    answer_reading r = {0};
    veld_receipt receipt;
    veld_arena arena;
    const veld_verifier verifier = veld_verifier_p256();
    veld_status status;
    *changes = 0;
    veld_arena_init(&arena, VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&r.receipt, VELD_FRAME_BYTES_MAX);
    VELD_TRY(find_receipt(&r, answer, err));
    VELD_TRY(veld_receipt_read(
        veld_buf_span(&r.receipt), &verifier, &parcel->relay_key, &arena, &receipt, err));
    VELD_TRY(count_changes(&receipt, page->items, changes, err));
    veld_cbor_writer writer = veld_cbor_write(receipts);
    veld_cbor_put_bytes(&writer, veld_buf_span(&r.receipt));
    status = veld_cbor_writer_finish(&writer, err);

done:
    veld_frame_reader_release(&r.frames);
    veld_buf_release(&r.receipt);
    veld_arena_release(&arena);
    return status;
}

/* ---- unpacking ---- */
static veld_status keep_item(const veld_desk *desk, const veld_receipt *receipt,
    const veld_receipt_item *item, size_t *changes, veld_error *err)
{
    veld_buf value;
    veld_status status;
    veld_buf_init(&value, PACKED_BYTES_MAX);
    status = veld_store_get_value(desk->store, PACKED, veld_hash_span(&item->id), &value, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    if (value.len == LINES_BYTES)
        VELD_TRY(sync_access_sent(desk->store, veld_get_u64(value.data), err));
    for (size_t at = VELD_ID_BYTES; at + VELD_HASH_BYTES <= value.len; at += VELD_HASH_BYTES) {
        veld_hash change;
        veld_handover step;
        memcpy(change.bytes, value.data + at, sizeof change.bytes);
        VELD_TRY(veld_handover_get(desk->store, &change, &step, err));
        if (step.seq != 0)
            continue;
        step.seq = item->seq;
        step.received_utc_ms = receipt->server_utc_ms;
        VELD_TRY(veld_handover_put(desk->store, &change, &step, err));
        (*changes)++;
    }
    status = veld_store_delete_value(desk->store, PACKED, veld_hash_span(&item->id), err);

done:
    veld_buf_release(&value);
    return status;
}

static veld_status keep_receipt(const veld_desk *desk, const veld_agency *agency, veld_span bytes,
    size_t *changes, veld_error *err)
{
    veld_arena arena;
    veld_receipt receipt;
    veld_status status;
    veld_arena_init(&arena, VELD_EXCHANGE_BYTES_MAX);
    status = veld_receipt_read(bytes, &desk->verifier, &agency->relay_key, &arena, &receipt, NULL);
    for (size_t i = 0; status == VELD_OK && i < receipt.count; i++)
        VELD_TRY(keep_item(desk, &receipt, &receipt.items[i], changes, err));
    /* What is no receipt, or not of this relay, says nothing. */
    if (status != VELD_E_MEMORY && status != VELD_E_CRYPTO)
        status = VELD_OK;

done:
    veld_arena_release(&arena);
    return status;
}

veld_status veld_sync_unpack(const veld_desk *desk, const veld_agency *agency, veld_span receipts,
    size_t *changes, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(receipts);
    veld_status status;
    *changes = 0;
    VELD_TRY(veld_store_begin(desk->store, err));
    while (status == VELD_OK && reader.status == VELD_OK && reader.at < receipts.len) {
        veld_span one = veld_cbor_bytes(&reader);
        if (reader.status == VELD_OK)
            status = keep_receipt(desk, agency, one, changes, err);
    }
    status = veld_store_end(desk->store, status, err);

done:
    return status;
}
