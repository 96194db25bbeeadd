/* The rows of what was opened in an emergency. */
#include "veldkit/emergency.h"

#include <string.h>

#include "veldkit/cbor.h"

#define GROUP "emergency"

enum { FORMAT = 0, ITEMS = 5, ROW_BYTES_MAX = VELD_ACCESS_REASON_BYTES_MAX + 64 };

static veld_status read_row(veld_span body, veld_emergency *out, veld_error *err)
{
    veld_emergency row = {0};
    veld_cbor_reader reader = veld_cbor_read(body);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_cbor_fixed(&reader, row.case_id.bytes, sizeof row.case_id.bytes);
    row.opened_utc_ms = veld_cbor_int(&reader);
    row.until_utc_ms = veld_cbor_int(&reader);
    veld_span reason = veld_cbor_text(&reader);
    if (reason.len >= sizeof row.reason)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    else if (reason.len > 0)
        memcpy(row.reason, reason.data, reason.len);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = row;
    return status;
}

veld_status veld_emergency_get(
    veld_store *store, const veld_id *case_id, veld_emergency *out, veld_error *err)
{
    veld_buf row;
    *out = (veld_emergency){0};
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(case_id), &row, err);
    if (status == VELD_OK)
        status = read_row(veld_buf_span(&row), out, err);
    veld_buf_release(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_emergency_put(veld_store *store, const veld_emergency *emergency, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_bytes(&writer, veld_id_span(&emergency->case_id));
    veld_cbor_put_int(&writer, emergency->opened_utc_ms);
    veld_cbor_put_int(&writer, emergency->until_utc_ms);
    veld_cbor_put_text(&writer, veld_span_text(emergency->reason));
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            store, GROUP, veld_id_span(&emergency->case_id), veld_buf_span(&row), err);
    veld_buf_release(&row);
    return status;
}

veld_status veld_emergency_drop(veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status = veld_store_delete_value(store, GROUP, veld_id_span(case_id), err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_emergency_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_emergency *emergency, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_emergency row;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(read_row(value.body, &row, err));
        VELD_TRY(each(context, &row, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}
