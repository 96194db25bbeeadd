/* Divergence: found where a head comes in, over when the states are equal again. What is kept and
 * the line for the agency are one transaction, so neither is without the other. */
#include "veldkit/divergence.h"

#include <stdio.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/access_log.h"
#include "veldkit/cbor.h"

#define GROUP "divergence"

enum { FORMAT = 0, ITEMS = 6, ROW_BYTES_MAX = 192, NAME_BYTES = 2 * VELD_ID_BYTES };

/* ---- what is kept ---- */

static veld_status read_row(const veld_store_value *value, veld_divergence *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(value->body);
    *out = (veld_divergence){0};
    if ((value->name.len != VELD_ID_BYTES && value->name.len != NAME_BYTES) ||
        veld_cbor_array(&reader, ITEMS) != ITEMS || veld_cbor_uint(&reader) != FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    out->utc_ms = veld_cbor_int(&reader);
    veld_cbor_fixed(&reader, out->office_id.bytes, sizeof out->office_id.bytes);
    veld_cbor_fixed(&reader, out->own_id.bytes, sizeof out->own_id.bytes);
    veld_cbor_fixed(&reader, out->held.bytes, sizeof out->held.bytes);
    out->dropped = veld_cbor_uint(&reader);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status != VELD_OK)
        return status;
    memcpy(out->case_id.bytes, value->name.data, VELD_ID_BYTES);
    if (value->name.len == NAME_BYTES)
        memcpy(out->device.bytes, value->name.data + VELD_ID_BYTES, VELD_ID_BYTES);
    return VELD_OK;
}

typedef struct row_name {
    uint8_t bytes[NAME_BYTES];
    size_t len;
} row_name;

static row_name name_of(const veld_divergence *found)
{
    row_name name = {.len = veld_id_is_zero(&found->device) ? VELD_ID_BYTES : NAME_BYTES};
    memcpy(name.bytes, found->case_id.bytes, VELD_ID_BYTES);
    memcpy(name.bytes + VELD_ID_BYTES, found->device.bytes, VELD_ID_BYTES);
    return name;
}

static veld_status put_row(veld_store *store, const veld_divergence *found, veld_error *err)
{
    const row_name name = name_of(found);
    veld_buf row;
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&row);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_int(&writer, found->utc_ms);
    veld_cbor_put_bytes(&writer, veld_hash_span(&found->office_id));
    veld_cbor_put_bytes(&writer, veld_hash_span(&found->own_id));
    veld_cbor_put_bytes(&writer, veld_hash_span(&found->held));
    veld_cbor_put_uint(&writer, found->dropped);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            store, GROUP, veld_span_of(name.bytes, name.len), veld_buf_span(&row), err);
    veld_buf_release(&row);
    return status;
}

static veld_status drop_row(veld_store *store, const veld_divergence *found, veld_error *err)
{
    const row_name name = name_of(found);
    veld_status status =
        veld_store_delete_value(store, GROUP, veld_span_of(name.bytes, name.len), err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_divergence_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_divergence *found, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_divergence found;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(read_row(&value, &found, err));
        VELD_TRY(each(context, &found, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status get_row(
    veld_store *store, const veld_id *case_id, veld_divergence *out, bool *there, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(case_id), &row, err);
    *there = status == VELD_OK;
    if (status == VELD_OK)
        status = read_row(
            &(veld_store_value){.name = veld_id_span(case_id), .body = veld_buf_span(&row)}, out,
            err);
    veld_buf_release(&row);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- device ---- */

/* The line that tells the agency. It has ids and no content. Inside a transaction. */
static veld_status put_line(
    veld_sync *sync, const veld_divergence *found, bool is_over, veld_error *err)
{
    veld_status status;
    const veld_desk *desk = sync->config.desk;
    const veld_access_config config = {
        .env = desk->env, .store = desk->store, .anchor = desk->anchor};
    veld_access_log *log = NULL;
    char own[VELD_HASH_TEXT_SIZE], office[VELD_HASH_TEXT_SIZE], reason[256];
    veld_hash_format(&found->own_id, own);
    veld_hash_format(&found->office_id, office);
    (void)snprintf(reason, sizeof reason, "stand %s, kantoor %s", own, office);
    VELD_TRY(veld_access_log_new(&config, &log, err));
    veld_access_begin(log, &(veld_access_scope){.event = VELD_DIVERGENCE_EVENT,
                               .user = "",
                               .kind = VELD_ACCESS_SYNC,
                               .basis = VELD_ACCESS_BASIS_HELD,
                               .reason = reason});
    if (is_over)
        VELD_TRY(veld_access_add(log, VELD_ACCESS_SYNC, &found->case_id, NULL, err));
    else
        VELD_TRY(veld_access_add_failed(log, VELD_ACCESS_SYNC, &found->case_id, err));
    status = veld_access_flush(log, err);
done:
    veld_access_log_free(log);
    return status;
}

static veld_status keep(
    veld_sync *sync, const veld_divergence *found, bool is_over, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_store_begin(store, err);
    if (status != VELD_OK)
        return status;
    status = is_over ? drop_row(store, found, err) : put_row(store, found, err);
    if (status == VELD_OK)
        status = put_line(sync, found, is_over, err);
    return veld_store_end(store, status, err);
}

static void tell(veld_sync *sync, const veld_divergence *found, bool is_over)
{
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_DIVERGED,
                        .case_id = found->case_id,
                        .count = (size_t)found->dropped,
                        .status = is_over ? VELD_OK : VELD_E_DAMAGED});
}

/* What the agency says of the same changes: has it another state? */
static veld_status is_other(veld_case *opened, const veld_hash *held, const veld_hash *office,
    veld_hash *own, bool *is_same_set, bool *out, veld_error *err)
{
    veld_hash here;
    veld_status status;
    *out = *is_same_set = false;
    VELD_TRY(veld_graph_held_hash(veld_case_graph(opened), &here, err));
    *is_same_set = !veld_hash_is_zero(held) && veld_hash_equal(&here, held);
    if (!*is_same_set)
        return VELD_OK;
    VELD_TRY(veld_case_state_id(opened, own, err));
    *out = !veld_hash_equal(own, office);
done:
    return status;
}

/* The rows are checked and the case is made from them anew; what was dropped is asked for again. */
static veld_status rebuild(
    veld_sync *sync, veld_divergence *found, veld_case **opened, veld_error *err)
{
    size_t dropped = 0;
    veld_status status;
    const veld_desk *desk = sync->config.desk;
    veld_case_close(*opened);
    *opened = NULL;
    VELD_TRY(veld_case_rebuild(desk, &found->case_id, &dropped, err));
    VELD_TRY(veld_case_open(desk, &found->case_id, opened, err));
    if (dropped == 0)
        goto done;
    found->dropped = dropped;
    sync->must_compare = true;
    status = put_row(desk->store, found, err);
done:
    return status;
}

veld_status sync_check_state(
    veld_sync *sync, veld_case **opened, const veld_head *head, veld_error *err)
{
    bool same_set, other, there;
    veld_status status;
    veld_divergence before,
        found = {.case_id = head->case_id, .office_id = head->state_id, .held = head->held};
    VELD_TRY(
        is_other(*opened, &head->held, &head->state_id, &found.own_id, &same_set, &other, err));
    VELD_TRY(get_row(sync->config.desk->store, &head->case_id, &before, &there, err));
    if (same_set && !other && there) {
        VELD_TRY(keep(sync, &found, true, err));
        tell(sync, &found, true);
    }
    if (!other || (there && veld_hash_equal(&before.held, &head->held)))
        goto done;
    veld_now now = veld_env_now(sync->config.desk->env);
    veld_change_time time;
    veld_anchor_time(sync->config.desk->anchor, &now, &time);
    found.utc_ms = time.hybrid_ms;
    VELD_TRY(keep(sync, &found, false, err));
    VELD_TRY(rebuild(sync, &found, opened, err));
    tell(sync, &found, false);
done:
    return status;
}

/* ---- device: is it over? ---- */

typedef struct found_list {
    veld_buf bytes; /* veld_divergence each */
} found_list;

static veld_status add_found(void *context, const veld_divergence *found, veld_error *err)
{
    found_list *list = context;
    (void)err;
    return veld_buf_append(&list->bytes, found, sizeof *found);
}

static veld_status settle_one(veld_sync *sync, veld_divergence *found, veld_error *err)
{
    bool same_set, other;
    veld_case *opened = NULL;
    veld_status status = veld_case_open(sync->config.desk, &found->case_id, &opened, err);
    if (status == VELD_E_NOT_FOUND) /* it was taken from this device */
        return drop_row(sync->config.desk->store, found, err);
    if (status == VELD_E_DAMAGED) /* a difference it is */
        return VELD_OK;
    if (status != VELD_OK)
        return status;
    VELD_TRY(
        is_other(opened, &found->held, &found->office_id, &found->own_id, &same_set, &other, err));
    if (same_set && !other) {
        VELD_TRY(keep(sync, found, true, err));
        tell(sync, found, true);
    }
done:
    veld_case_close(opened);
    return status;
}

veld_status sync_settle_divergences(veld_sync *sync, veld_error *err)
{
    veld_status status;
    found_list list;
    veld_buf_init(&list.bytes, 64u << 20);
    VELD_TRY(veld_divergence_each(sync->config.desk->store, &list, add_found, err));
    for (size_t at = 0; at < list.bytes.len; at += sizeof(veld_divergence)) {
        veld_divergence found;
        memcpy(&found, list.bytes.data + at, sizeof found);
        VELD_TRY(settle_one(sync, &found, err));
    }
done:
    veld_buf_release(&list.bytes);
    return status;
}

/* ---- merger ---- */

veld_status sync_note_divergence(veld_sync *sync, veld_span line, veld_error *err)
{
    veld_access_entry entry;
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_access_decode(line, &entry, err);
    if (status != VELD_OK || entry.kind != VELD_ACCESS_SYNC ||
        !veld_span_equal(entry.event, veld_span_text(VELD_DIVERGENCE_EVENT)))
        return status;
    const veld_divergence found = {
        .case_id = entry.case_id, .device = entry.device, .utc_ms = entry.time.hybrid_ms};
    bool is_over = entry.outcome == VELD_ACCESS_DONE;
    status = is_over ? drop_row(store, &found, err) : put_row(store, &found, err);
    if (status == VELD_OK)
        tell(sync, &found, is_over);
    return status;
}
