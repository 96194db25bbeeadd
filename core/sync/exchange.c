/* The small frames of an exchange, writing and reading side by side. */
#include "exchange.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/limits.h"

enum {
    CURSOR_ITEMS = 8,
    ASK_ITEMS = 2,
    TOLD_ITEMS = 3,
    PLACE_ITEMS = 3,
    REFUSAL_ITEMS = 2,
    EDITION_ITEMS = 1,
    HOLDING_ITEMS = 7,
    MORE_ITEMS = 8
};

/* The head of an array of at least `count` items; how many more there are. */
static size_t open_array(veld_cbor_reader *reader, size_t count)
{
    size_t there = veld_cbor_array(reader, count + MORE_ITEMS);
    if (there < count)
        veld_cbor_reader_fail(reader, VELD_E_FORM);
    return there < count ? 0 : there - count;
}

static void skip(veld_cbor_reader *reader, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)veld_cbor_skip(reader);
}

veld_status exchange_put_cursor(const exchange_cursor *cursor, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, CURSOR_ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&cursor->journal));
    veld_cbor_put_uint(&writer, cursor->seq);
    veld_cbor_put_uint(&writer, cursor->inside);
    veld_cbor_put_uint(&writer, cursor->log.size);
    veld_cbor_put_bytes(&writer, veld_hash_span(&cursor->log.root));
    veld_cbor_put_uint(&writer, cursor->flags);
    veld_cbor_put_uint(&writer, cursor->page_bytes);
    veld_cbor_put_uint(&writer, cursor->wait_ms);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_cursor(veld_span bytes, exchange_cursor *out, veld_error *err)
{
    exchange_cursor cursor = {0};
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, CURSOR_ITEMS);
    veld_cbor_fixed(&reader, cursor.journal.bytes, sizeof cursor.journal.bytes);
    cursor.seq = veld_cbor_uint(&reader);
    cursor.inside = veld_cbor_uint(&reader);
    cursor.log.size = veld_cbor_uint(&reader);
    veld_cbor_fixed(&reader, cursor.log.root.bytes, sizeof cursor.log.root.bytes);
    cursor.flags = veld_cbor_uint(&reader);
    cursor.page_bytes = veld_cbor_uint(&reader);
    cursor.wait_ms = veld_cbor_uint(&reader);
    skip(&reader, more);
    *out = (exchange_cursor){0};
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = cursor;
    return status;
}

veld_status exchange_put_edition(uint64_t edition, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, EDITION_ITEMS);
    veld_cbor_put_uint(&writer, edition);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_edition(veld_span bytes, uint64_t *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, EDITION_ITEMS);
    uint64_t edition = veld_cbor_uint(&reader);
    if (edition == 0)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    skip(&reader, more);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = edition;
    return status;
}

veld_status exchange_put_refusal(const exchange_refusal *refusal, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, REFUSAL_ITEMS);
    veld_cbor_put_bytes(&writer, veld_hash_span(&refusal->id));
    veld_cbor_put_int(&writer, refusal->status);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_refusal(veld_span bytes, exchange_refusal *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, REFUSAL_ITEMS);
    veld_cbor_fixed(&reader, out->id.bytes, sizeof out->id.bytes);
    int64_t status = veld_cbor_int(&reader);
    if (status >= 0 || status < INT16_MIN)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    skip(&reader, more);
    out->status = (veld_status)status;
    return veld_cbor_reader_finish(&reader, err);
}

veld_status exchange_put_holdings(
    const exchange_holding *holdings, size_t count, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, count);
    for (size_t i = 0; i < count; i++) {
        const exchange_holding *h = &holdings[i];
        veld_cbor_put_array(&writer, HOLDING_ITEMS);
        veld_cbor_put_bytes(&writer, veld_hash_span(&h->id));
        veld_cbor_put_bytes(&writer, veld_id_span(&h->case_id));
        veld_cbor_put_bytes(&writer, veld_id_span(&h->device));
        veld_cbor_put_bytes(&writer, veld_span_of(h->incarnation, sizeof h->incarnation));
        veld_cbor_put_uint(&writer, h->number);
        veld_cbor_put_uint(&writer, h->count);
        veld_cbor_put_bytes(&writer, veld_hash_span(&h->change_id));
    }
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_holdings(
    veld_span bytes, exchange_holding *out, size_t *count, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t all = veld_cbor_array(&reader, VELD_EXCHANGE_HOLDINGS_MAX);
    for (size_t i = 0; i < all && reader.status == VELD_OK; i++) {
        exchange_holding *h = &out[i];
        size_t more = open_array(&reader, HOLDING_ITEMS);
        veld_cbor_fixed(&reader, h->id.bytes, sizeof h->id.bytes);
        veld_cbor_fixed(&reader, h->case_id.bytes, sizeof h->case_id.bytes);
        veld_cbor_fixed(&reader, h->device.bytes, sizeof h->device.bytes);
        veld_cbor_fixed(&reader, h->incarnation, sizeof h->incarnation);
        h->number = veld_cbor_uint(&reader);
        h->count = veld_cbor_uint(&reader);
        veld_cbor_fixed(&reader, h->change_id.bytes, sizeof h->change_id.bytes);
        if (h->number == 0 || h->number > INT64_MAX || h->count == 0 ||
            h->count > VELD_ENVELOPE_CHANGES_MAX)
            veld_cbor_reader_fail(&reader, VELD_E_FORM);
        skip(&reader, more);
    }
    veld_status status = veld_cbor_reader_finish(&reader, err);
    *count = status == VELD_OK ? all : 0;
    return status;
}

veld_status exchange_put_hashes(
    const veld_hash *hashes, size_t count, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, count);
    for (size_t i = 0; i < count; i++)
        veld_cbor_put_bytes(&writer, veld_hash_span(&hashes[i]));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_hashes(
    veld_span bytes, veld_hash *out, size_t max, size_t *count, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t all = veld_cbor_array(&reader, max);
    for (size_t i = 0; i < all; i++)
        veld_cbor_fixed(&reader, out[i].bytes, sizeof out[i].bytes);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    *count = status == VELD_OK ? all : 0;
    return status;
}

veld_status exchange_put_enrol(
    const veld_hash *id, veld_span answer, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, veld_hash_span(id));
    veld_cbor_put_bytes(&writer, answer);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_enrol(veld_span bytes, veld_hash *id, veld_span *answer, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, 2);
    veld_cbor_fixed(&reader, id->bytes, sizeof id->bytes);
    *answer = veld_cbor_bytes(&reader);
    if (answer->len > VELD_ENROL_ANSWER_BYTES_MAX)
        veld_cbor_reader_fail(&reader, VELD_E_LIMIT);
    skip(&reader, more);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status exchange_put_ask(const exchange_ask *ask, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, ASK_ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&ask->case_id));
    veld_cbor_put_uint(&writer, ask->after);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_ask(veld_span bytes, exchange_ask *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, ASK_ITEMS);
    veld_cbor_fixed(&reader, out->case_id.bytes, sizeof out->case_id.bytes);
    out->after = veld_cbor_uint(&reader);
    skip(&reader, more);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status exchange_put_told(const exchange_told *told, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, TOLD_ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&told->case_id));
    veld_cbor_put_uint(&writer, told->after);
    veld_cbor_put_boolean(&writer, told->more);
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_told(veld_span bytes, exchange_told *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, TOLD_ITEMS);
    veld_cbor_fixed(&reader, out->case_id.bytes, sizeof out->case_id.bytes);
    out->after = veld_cbor_uint(&reader);
    out->more = veld_cbor_boolean(&reader);
    skip(&reader, more);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status exchange_put_place(const exchange_place *place, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, PLACE_ITEMS);
    veld_cbor_put_bytes(&writer, veld_hash_span(&place->id));
    veld_cbor_put_uint(&writer, place->seq);
    veld_cbor_put_array(&writer, place->proof.count);
    for (size_t i = 0; i < place->proof.count; i++)
        veld_cbor_put_bytes(&writer, veld_hash_span(&place->proof.hashes[i]));
    return veld_cbor_writer_finish(&writer, err);
}

veld_status exchange_read_place(veld_span bytes, exchange_place *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    size_t more = open_array(&reader, PLACE_ITEMS);
    *out = (exchange_place){0};
    veld_cbor_fixed(&reader, out->id.bytes, sizeof out->id.bytes);
    out->seq = veld_cbor_uint(&reader);
    if (out->seq == 0)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    size_t count = veld_cbor_array(&reader, VELD_LOG_PROOF_HASHES_MAX);
    for (size_t i = 0; i < count; i++)
        veld_cbor_fixed(&reader, out->proof.hashes[i].bytes, sizeof out->proof.hashes[i].bytes);
    out->proof.count = count;
    skip(&reader, more);
    return veld_cbor_reader_finish(&reader, err);
}
