/* Fetching the past of a case. What is kept: [format, state, time, place], the place being how far
 * in the relay's journal the case was asked for. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/cbor.h"
#include "veldkit/past.h"

#define GROUP "past"

enum { FORMAT = 0, ITEMS = 4, ROW_BYTES_MAX = 64 };

typedef struct past_row {
    veld_past_state state;
    int64_t utc_ms;
    uint64_t after;
} past_row;

static veld_status read_row(veld_span bytes, past_row *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    out->state = (veld_past_state)veld_cbor_uint(&reader);
    out->utc_ms = veld_cbor_int(&reader);
    out->after = veld_cbor_uint(&reader);
    return veld_cbor_reader_finish(&reader, err);
}

static veld_status put_row(
    veld_store *store, const veld_id *case_id, const past_row *row, veld_error *err)
{
    veld_buf bytes;
    veld_buf_init(&bytes, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&bytes);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_uint(&writer, (uint64_t)row->state);
    veld_cbor_put_int(&writer, row->utc_ms);
    veld_cbor_put_uint(&writer, row->after);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, GROUP, veld_id_span(case_id), veld_buf_span(&bytes), err);
    veld_buf_release(&bytes);
    return status;
}

static veld_status get_row(
    veld_store *store, const veld_id *case_id, past_row *out, veld_error *err)
{
    veld_buf bytes;
    *out = (past_row){0};
    veld_buf_init(&bytes, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(case_id), &bytes, err);
    if (status == VELD_OK)
        status = read_row(veld_buf_span(&bytes), out, err);
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_past_get(veld_store *store, const veld_id *case_id, veld_past_state *out,
    int64_t *utc_ms, veld_error *err)
{
    past_row row;
    veld_status status = get_row(store, case_id, &row, err);
    *out = row.state;
    if (utc_ms != NULL)
        *utc_ms = row.utc_ms;
    return status;
}

static int64_t best_time(const veld_desk *desk)
{
    veld_change_time time;
    veld_now now = veld_env_now(desk->env);
    veld_anchor_time(desk->anchor, &now, &time);
    return time.hybrid_ms;
}

veld_status veld_past_want(const veld_desk *desk, const veld_id *case_id, veld_error *err)
{
    past_row row;
    veld_status status = get_row(desk->store, case_id, &row, err);
    if (status != VELD_OK || row.state == VELD_PAST_WANTED)
        return status;
    row = (past_row){.state = VELD_PAST_WANTED, .utc_ms = best_time(desk)};
    return put_row(desk->store, case_id, &row, err);
}

/* ---- asking ---- */

veld_status sync_next_past(veld_sync *sync, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    sync->asks_past = false;
    if (sync->config.role != VELD_SYNC_DEVICE || sync->phase != SYNC_STEADY)
        return VELD_OK;
    VELD_TRY(veld_store_values(sync->config.desk->store, GROUP, &cursor, err));
    while (more && !sync->asks_past) {
        past_row row = {0};
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != VELD_ID_BYTES)
            continue;
        VELD_TRY(read_row(value.body, &row, err));
        sync->asks_past = row.state == VELD_PAST_WANTED;
        memcpy(sync->past.case_id.bytes, value.name.data, VELD_ID_BYTES);
        sync->past.after = row.after;
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* ---- taking ---- */

static veld_status has_all_rows(veld_case *opened, bool *out, veld_error *err)
{
    size_t count;
    veld_status status = VELD_OK;
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    *out = order != NULL;
    for (size_t i = 0; status == VELD_OK && *out && i < count; i++)
        if (order[i]->early)
            status = veld_store_has_change(veld_case_desk(opened)->store, &order[i]->id, out, err);
    return status;
}

/* The base goes when the rows alone are the same case. */
static veld_status end_past(veld_sync *sync, past_row *row, veld_error *err)
{
    veld_status status;
    bool all = false;
    veld_case *opened = NULL;
    const veld_desk *desk = sync->config.desk;
    status = veld_case_open(desk, &sync->past.case_id, &opened, err);
    if (status == VELD_E_NOT_FOUND)
        return veld_store_delete_value(desk->store, GROUP, veld_id_span(&sync->past.case_id), err);
    VELD_TRY(status);
    VELD_TRY(has_all_rows(opened, &all, err));
    if (all && veld_case_get_base(opened) != NULL) {
        status = veld_case_unfold(opened, err);
        all = status == VELD_OK;
        status = status == VELD_E_DAMAGED ? VELD_OK : status;
    }
    row->state = all ? VELD_PAST_WHOLE : VELD_PAST_PARTLY;
    row->utc_ms = best_time(desk);
done:
    veld_case_close(opened);
    return status;
}

veld_status sync_take_told(veld_sync *sync, veld_span body, veld_error *err)
{
    past_row row;
    exchange_told told;
    veld_status status = exchange_read_told(body, &told, err);
    if (status != VELD_OK || !sync->asks_past || !veld_id_equal(&told.case_id, &sync->past.case_id))
        return status;
    VELD_TRY(get_row(sync->config.desk->store, &told.case_id, &row, err));
    row.after = told.after > row.after ? told.after : row.after;
    if (!told.more)
        VELD_TRY(end_past(sync, &row, err));
    else if (told.after <= sync->past.after) /* no room in this answer */
        goto done;
    if (row.state != VELD_PAST_NONE)
        status = put_row(sync->config.desk->store, &told.case_id, &row, err);
    sync->has_more_past = told.more;
done:
    return status;
}
