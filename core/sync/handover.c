/* The two steps of handing in, one small value for each own change. */
#include "veldkit/sync.h"

#include "veldkit/cbor.h"

#define GROUP "receipts"

enum { ITEMS = 3, VALUE_BYTES_MAX = 64 };

veld_status veld_handover_get(
    veld_store *store, const veld_hash *change, veld_handover *out, veld_error *err)
{
    veld_buf value;
    *out = (veld_handover){0};
    veld_buf_init(&value, VALUE_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_hash_span(change), &value, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
    } else if (status == VELD_OK) {
        veld_handover read;
        veld_cbor_reader reader = veld_cbor_read(veld_buf_span(&value));
        if (veld_cbor_array(&reader, ITEMS) != ITEMS)
            veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
        read.seq = veld_cbor_uint(&reader);
        read.received_utc_ms = veld_cbor_int(&reader);
        read.taken_in_utc_ms = veld_cbor_int(&reader);
        status = veld_cbor_reader_finish(&reader, err);
        if (status == VELD_OK)
            *out = read;
    }
    veld_buf_release(&value);
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
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_hash_span(change), veld_buf_span(&bytes), err);
    veld_buf_release(&bytes);
    return status;
}
