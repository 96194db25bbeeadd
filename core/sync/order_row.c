#include "order_row.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

#define LAST "orders.last" /* merger: by device; the device itself: what it did last */

enum { ROW_ITEMS = 4, ROW_BYTES_MAX = VELD_ORDER_BYTES_MAX + 64 };

void order_row_init(order_row *row)
{
    memset(row, 0, sizeof *row);
    veld_buf_init(&row->bytes, VELD_ORDER_BYTES_MAX);
}

veld_status order_row_put(
    veld_store *store, const char *group, veld_span name, const order_row *row, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_array(&writer, ROW_ITEMS);
    veld_cbor_put_bytes(&writer, veld_buf_span(&row->bytes));
    veld_cbor_put_int(&writer, row->confirmed_utc_ms);
    veld_cbor_put_bytes(&writer, veld_span_of(row->incarnation, sizeof row->incarnation));
    veld_cbor_put_uint(&writer, row->last_number);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(store, group, name, veld_buf_span(&body), err);
    veld_buf_release(&body);
    return status;
}

veld_status order_row_read(veld_span body, order_row *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(body);
    if (veld_cbor_array(&reader, ROW_ITEMS) != ROW_ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_span bytes = veld_cbor_bytes(&reader);
    out->confirmed_utc_ms = veld_cbor_int(&reader);
    veld_cbor_fixed(&reader, out->incarnation, sizeof out->incarnation);
    out->last_number = veld_cbor_uint(&reader);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    veld_buf_clear(&out->bytes);
    return status == VELD_OK ? veld_buf_append_span(&out->bytes, bytes) : status;
}

veld_status order_row_get(
    veld_store *store, const char *group, veld_span name, order_row *out, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, group, name, &body, err);
    if (status == VELD_OK)
        status = order_row_read(veld_buf_span(&body), out, err);
    veld_buf_release(&body);
    return status;
}

veld_status order_last_get(veld_store *store, const veld_id *device, uint64_t *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, ORDER_SERIAL_BYTES);
    veld_status status = veld_store_get_value(store, LAST, veld_id_span(device), &value, err);
    *out = status == VELD_OK && value.len == ORDER_SERIAL_BYTES ? veld_get_u64(value.data) : 0;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status order_last_put(
    veld_store *store, const veld_id *device, uint64_t serial, veld_error *err)
{
    uint8_t number[ORDER_SERIAL_BYTES];
    veld_put_u64(number, serial);
    return veld_store_put_value(
        store, LAST, veld_id_span(device), veld_span_of(number, sizeof number), err);
}

veld_status order_row_order(const order_row *row, veld_order *out, veld_error *err)
{
    const veld_verifier kept = veld_verifier_kept();
    const veld_p256_public any = {{0}};
    return veld_order_read(veld_buf_span(&row->bytes), &kept, &any, out, err);
}
