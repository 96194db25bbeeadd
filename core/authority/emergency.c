/* The rows of what was opened in an emergency. */
#include "veldkit/emergency.h"

#include <string.h>

#include "veldkit/cbor.h"

#define GROUP "emergency"

/* Format 0, of programs of before, has no boot and monotonic time. */
enum {
    FORMAT = 1,
    ITEMS = 7,
    ITEMS_OF_BEFORE = 5,
    ROW_BYTES_MAX = VELD_ACCESS_REASON_BYTES_MAX + 96,
    SLACK_MS = 60 * 1000 /* clocks of one device drift a little */
};

static veld_status read_row(veld_span body, veld_emergency *out, veld_error *err)
{
    veld_emergency row = {0};
    veld_cbor_reader reader = veld_cbor_read(body);
    const size_t items = veld_cbor_array(&reader, ITEMS);
    const uint64_t format = veld_cbor_uint(&reader);
    if (items != (format == FORMAT ? ITEMS : ITEMS_OF_BEFORE) || format > FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_cbor_fixed(&reader, row.case_id.bytes, sizeof row.case_id.bytes);
    row.opened_utc_ms = veld_cbor_int(&reader);
    row.until_utc_ms = veld_cbor_int(&reader);
    veld_span reason = veld_cbor_text(&reader);
    if (reason.len >= sizeof row.reason)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    else if (reason.len > 0)
        memcpy(row.reason, reason.data, reason.len);
    if (format == FORMAT) {
        veld_cbor_fixed(&reader, row.boot.bytes, sizeof row.boot.bytes);
        row.monotonic_ms = veld_cbor_int(&reader);
    }
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
    veld_cbor_put_bytes(&writer, veld_id_span(&emergency->boot));
    veld_cbor_put_int(&writer, emergency->monotonic_ms);
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

typedef struct correcting {
    veld_id boot;
    int64_t monotonic_ms, utc_ms;
    bool is_known;
    veld_emergency row; /* the first that is wrong */
    bool is_wrong;
} correcting;

/* When it can have begun at the latest, by what is known now. */
static int64_t latest_begin(const correcting *by, const veld_emergency *row)
{
    bool is_same_boot = !veld_id_is_zero(&row->boot) && veld_id_equal(&row->boot, &by->boot) &&
                        by->monotonic_ms >= row->monotonic_ms;
    if (is_same_boot)
        return by->utc_ms - (by->monotonic_ms - row->monotonic_ms);
    return by->is_known ? by->utc_ms : INT64_MAX - SLACK_MS;
}

static veld_status look_at(void *context, const veld_emergency *row, veld_error *err)
{
    correcting *by = context;
    (void)err;
    const int64_t begin = latest_begin(by, row);
    if (by->is_wrong || row->opened_utc_ms <= begin + SLACK_MS)
        return VELD_OK;
    by->is_wrong = true;
    by->row = *row;
    by->row.opened_utc_ms = begin;
    if (by->row.until_utc_ms > begin + VELD_EMERGENCY_MS)
        by->row.until_utc_ms = begin + VELD_EMERGENCY_MS;
    return VELD_OK;
}

/* A walk may not see what is changed during it: one at a time, and each becomes right by that. */
veld_status veld_emergency_correct(veld_store *store, const veld_id *boot, int64_t monotonic_ms,
    int64_t utc_ms, bool is_known, veld_error *err)
{
    veld_status status;
    correcting by = {
        .boot = *boot, .monotonic_ms = monotonic_ms, .utc_ms = utc_ms, .is_known = is_known};
    do {
        by.is_wrong = false;
        VELD_TRY(veld_emergency_each(store, &by, look_at, err));
        if (by.is_wrong)
            VELD_TRY(veld_emergency_put(store, &by.row, err));
    } while (by.is_wrong);
done:
    return status;
}
