/* What the engine keeps between exchanges. The cursor is kept only after all before it was taken
 * in, so a crash means hearing something twice and never missing it. A comparison that was cut by a
 * crash begins anew. */
#include "sync_inner.h"

#include <string.h>

#include "veldkit/number.h"

#define CURSOR_NAME  "cursor"
#define PENDING_NAME "waiting"
#define EARLIER_NAME "pending" /* ids alone, by programs of before */
#define SERIAL_NAME  "serial"

enum { CURSOR_BYTES_MAX = 256 };

static veld_status get(veld_sync *sync, const char *name, veld_buf *out, veld_error *err)
{
    veld_status status =
        veld_store_get_value(sync->config.desk->store, SYNC_GROUP, veld_span_text(name), out, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put(veld_sync *sync, const char *name, veld_span body, veld_error *err)
{
    return veld_store_put_value(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(name), body, err);
}

static veld_status keep_pending(veld_sync *sync, veld_error *err)
{
    return put(sync, PENDING_NAME,
        veld_span_of(sync->pending.items, sync->pending.count * sizeof *sync->pending.items), err);
}

/* What an earlier program kept is taken over once, in one transaction. */
static veld_status load_earlier(veld_sync *sync, veld_buf *value, veld_error *err)
{
    veld_status status;
    veld_store *store = sync->config.desk->store;
    veld_buf_clear(value);
    VELD_TRY(get(sync, EARLIER_NAME, value, err));
    if (value->len == 0)
        goto done;
    for (size_t at = 0; at + VELD_HASH_BYTES <= value->len; at += VELD_HASH_BYTES) {
        veld_hash id;
        memcpy(id.bytes, value->data + at, sizeof id.bytes);
        VELD_TRY(sync_add_pending(sync, &id, &(veld_id){{0}}, err));
    }
    VELD_TRY(veld_store_begin(store, err));
    status = keep_pending(sync, err);
    if (status == VELD_OK)
        status = veld_store_delete_value(store, SYNC_GROUP, veld_span_text(EARLIER_NAME), err);
    status = veld_store_end(store, status, err);
done:
    return status;
}

veld_status sync_load(veld_sync *sync, veld_error *err)
{
    veld_status status;
    veld_buf value;
    veld_buf_init(&value, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(get(sync, CURSOR_NAME, &value, err));
    if (value.len > 0)
        VELD_TRY(exchange_read_cursor(veld_buf_span(&value), &sync->cursor, err));
    if ((sync->cursor.flags & CURSOR_COMPARE) != 0) {
        sync->phase = SYNC_LISTING;
        sync->cursor.seq = sync->cursor.inside = 0;
    }
    veld_buf_clear(&value);
    VELD_TRY(get(sync, PENDING_NAME, &value, err));
    for (size_t at = 0; at + sizeof(sync_waiting) <= value.len; at += sizeof(sync_waiting)) {
        sync_waiting one;
        memcpy(&one, value.data + at, sizeof one);
        VELD_TRY(sync_add_pending(sync, &one.id, &one.case_id, err));
    }
    status = load_earlier(sync, &value, err);
done:
    veld_buf_release(&value);
    return status;
}

veld_status sync_keep(veld_sync *sync, int64_t server_utc_ms, veld_error *err)
{
    veld_status status;
    veld_buf value;
    exchange_cursor cursor = sync->cursor;
    cursor.flags = sync->phase == SYNC_STEADY ? 0 : CURSOR_COMPARE;
    cursor.page_bytes = cursor.wait_ms = 0;
    veld_buf_init(&value, CURSOR_BYTES_MAX);
    VELD_TRY(exchange_put_cursor(&cursor, &value, err));
    VELD_TRY(veld_store_begin(sync->config.desk->store, err));
    status = put(sync, CURSOR_NAME, veld_buf_span(&value), err);
    if (status == VELD_OK)
        status = keep_pending(sync, err);
    if (status == VELD_OK)
        status = sync_keep_parked(sync, err);
    if (status == VELD_OK && sync->config.anchor != NULL) {
        veld_now now = veld_env_now(sync->config.desk->env);
        status = veld_anchor_set(sync->config.anchor, sync->config.desk->store, &now, server_utc_ms,
            cursor.log.size, &cursor.log.root, err);
    }
    status = veld_store_end(sync->config.desk->store, status, err);
    if (status == VELD_OK)
        sync_forget_parked(sync);
done:
    veld_buf_release(&value);
    return status;
}

veld_status sync_compare_anew(veld_store *store, veld_error *err)
{
    exchange_cursor cursor;
    veld_buf value;
    veld_buf_init(&value, CURSOR_BYTES_MAX);
    const veld_span name = veld_span_text(CURSOR_NAME);
    veld_status status = veld_store_get_value(store, SYNC_GROUP, name, &value, err);
    if (status == VELD_E_NOT_FOUND) { /* it begins at the beginning anyway */
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(exchange_read_cursor(veld_buf_span(&value), &cursor, err));
    cursor.flags |= CURSOR_COMPARE;
    veld_buf_clear(&value);
    VELD_TRY(exchange_put_cursor(&cursor, &value, err));
    status = veld_store_put_value(store, SYNC_GROUP, name, veld_buf_span(&value), err);
done:
    veld_buf_release(&value);
    return status;
}

veld_status sync_set_dirty(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    return veld_store_put_value(
        sync->config.desk->store, SYNC_DIRTY, veld_id_span(case_id), veld_id_span(case_id), err);
}

/* The clock makes the number rise over a restored backup too; the counter makes it rise when the
 * clock does not. */
veld_status sync_next_serial(veld_sync *sync, uint64_t *out, veld_error *err)
{
    veld_status status;
    veld_buf value;
    uint8_t number[8];
    int64_t now_ms = veld_env_now(sync->config.desk->env).wall_utc_ms;
    uint64_t next = now_ms > 0 ? (uint64_t)now_ms : 1;
    veld_buf_init(&value, sizeof number);
    VELD_TRY(get(sync, SERIAL_NAME, &value, err));
    if (value.len == sizeof number && veld_get_u64(value.data) >= next)
        next = veld_get_u64(value.data) + 1;
    veld_put_u64(number, next);
    VELD_TRY(put(sync, SERIAL_NAME, veld_span_of(number, sizeof number), err));
    *out = next;
done:
    veld_buf_release(&value);
    return status;
}
