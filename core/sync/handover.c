/* The two steps of handing in, one small value for each own change. */
#include "veldkit/sync.h"

#include <string.h>

#include "veldkit/cbor.h"

#define GROUP "receipts"

enum { ITEMS = 4, VALUE_BYTES_MAX = 64 };

static veld_status decode(veld_span row, veld_handover *out, veld_error *err)
{
    veld_handover read;
    veld_cbor_reader reader = veld_cbor_read(row);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    read.seq = veld_cbor_uint(&reader);
    read.received_utc_ms = veld_cbor_int(&reader);
    read.taken_in_utc_ms = veld_cbor_int(&reader);
    read.aside_utc_ms = veld_cbor_int(&reader);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = read;
    return status;
}

veld_status veld_handover_get(
    veld_store *store, const veld_hash *change, veld_handover *out, veld_error *err)
{
    veld_buf value;
    *out = (veld_handover){0};
    veld_buf_init(&value, VALUE_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_hash_span(change), &value, err);
    if (status == VELD_OK)
        status = decode(veld_buf_span(&value), out, err);
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_handover_each(veld_store *store, void *context,
    veld_status (*each)(
        void *context, const veld_hash *change, const veld_handover *step, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_hash change;
        veld_handover step;
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != sizeof change.bytes)
            continue;
        memcpy(change.bytes, value.name.data, sizeof change.bytes);
        VELD_TRY(decode(value.body, &step, err));
        VELD_TRY(each(context, &change, &step, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_handover_put(
    veld_store *store, const veld_hash *change, const veld_handover *value, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, VALUE_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&bytes);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, value->seq);
    veld_cbor_put_int(&writer, value->received_utc_ms);
    veld_cbor_put_int(&writer, value->taken_in_utc_ms);
    veld_cbor_put_int(&writer, value->aside_utc_ms);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_hash_span(change), veld_buf_span(&bytes), err);
    veld_buf_release(&bytes);
    return status;
}
