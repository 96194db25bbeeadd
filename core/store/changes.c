/* Change rows, the truth that all else is made from, and the outbox that says which of them the
 * server does not have. A change row: change id 32 | body, sealed by the case. An outbox row: case
 * 16 | change id 32, sealed under the vault, so that what to send is known without opening a case.
 */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"

static const char table[] = "changes";
static const char outbox_table[] = "outbox";

static veld_status change_row(
    const veld_store *store, const veld_hash *id, veld_row_id *out, veld_error *err)
{
    veld_span part = veld_hash_span(id);
    return store_row_id(store, table, &part, 1, out, err);
}

static veld_status put_outbox(veld_store *store, const veld_store_case *opened, const veld_hash *id,
    uint64_t seq, veld_error *err)
{
    veld_span parts[] = {veld_id_span(&opened->id), veld_hash_span(id)};
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, VELD_ID_BYTES + VELD_HASH_BYTES + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_seal(store, store_vault_row_sealer(store), outbox_table,
        store_row_span(&opened->kase), parts, 2, &sealed, err));
    veld_span values[] = {store_row_span(&opened->kase), veld_buf_span(&sealed)};
    VELD_TRY(store_run_with_seq(store, STORE_OUTBOX_PUT, values, 2, seq, err));
done:
    veld_buf_release(&sealed);
    return status;
}

static veld_status put(veld_store *store, const veld_store_case *opened, const veld_hash *id,
    veld_span body, unsigned flags, veld_error *err)
{
    veld_row_id row;
    bool there;
    uint64_t seq = store->continuity.last_seq + 1;
    veld_span parts[] = {veld_hash_span(id), body};
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, VELD_HASH_BYTES + body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(change_row(store, id, &row, err));
    VELD_TRY(store_has(store, STORE_CHANGE_HAS, &row, &there, err));
    if (there) {
        status = veld_fail(err, VELD_E_EXISTS, "the change is stored already");
        goto done;
    }
    VELD_TRY(store_seal(store, opened->row, table, store_row_span(&row), parts, 2, &sealed, err));
    veld_span values[] = {
        store_row_span(&row), store_row_span(&opened->kase), veld_buf_span(&sealed)};
    VELD_TRY(store_run_with_seq(store, STORE_CHANGE_PUT, values, 3, seq, err));
    if ((flags & VELD_STORE_UNSENT) != 0)
        VELD_TRY(put_outbox(store, opened, id, seq, err));
    store->continuity.last_seq = seq;
done:
    veld_buf_release(&sealed);
    return status;
}

veld_status veld_store_put_change(veld_store *store, const veld_store_case *opened,
    const veld_hash *id, veld_span body, unsigned flags, uint64_t *seq, veld_error *err)
{
    VELD_ASSERT(opened->store == store && (flags & ~(unsigned)VELD_STORE_UNSENT) == 0);
    bool own = false;
    if (body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the change is too long to store");
    veld_status status = store_write_begin(store, &own, err);
    if (status == VELD_OK)
        status = put(store, opened, id, body, flags, err);
    status = store_write_end(store, own, status, err);
    if (status == VELD_OK && seq != NULL)
        *seq = store->continuity.last_seq;
    return status;
}

veld_status veld_store_has_change(
    veld_store *store, const veld_hash *id, bool *out, veld_error *err)
{
    veld_row_id row;
    veld_status status = change_row(store, id, &row, err);
    return status == VELD_OK ? store_has(store, STORE_CHANGE_HAS, &row, out, err) : status;
}

veld_status veld_store_get_change(veld_store *store, const veld_store_case *opened,
    const veld_hash *id, veld_buf *out, veld_error *err)
{
    veld_row_id row;
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, VELD_HASH_BYTES + VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(change_row(store, id, &row, err));
    VELD_TRY(
        store_get(store, STORE_CHANGE_GET, opened->row, table, &row, VELD_HASH_BYTES, &plain, err));
    status = veld_buf_append(out, plain.data + VELD_HASH_BYTES, plain.len - VELD_HASH_BYTES);
    if (status != VELD_OK)
        veld_fail(err, status, "no room for a change");
done:
    veld_buf_wipe(&plain);
    return status;
}

static veld_status count_rows(veld_store *store, const veld_id *case_id, store_statement_id one,
    store_statement_id all, uint64_t *out, veld_error *err)
{
    veld_row_id kase = {{0}};
    veld_span id = store_row_span(&kase);
    if (case_id == NULL)
        return store_count(store, all, NULL, out, err);
    veld_status status = store_case_row(store, case_id, &kase, err);
    return status == VELD_OK ? store_count(store, one, &id, out, err) : status;
}

veld_status veld_store_count_changes(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err)
{
    return count_rows(store, case_id, STORE_CHANGES_COUNT, STORE_CHANGES_COUNT_ALL, out, err);
}

veld_status veld_store_count_unsent(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err)
{
    return count_rows(store, case_id, STORE_OUTBOX_COUNT, STORE_OUTBOX_COUNT_ALL, out, err);
}

static veld_status run_for_each(veld_store *store, store_statement_id statement,
    const veld_hash *ids, size_t count, veld_error *err)
{
    veld_row_id row = {{0}};
    veld_span id = store_row_span(&row);
    bool own = false;
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(change_row(store, &ids[i], &row, err));
        VELD_TRY(store_run(store, statement, &id, 1, err));
    }
done:
    return store_write_end(store, own, status, err);
}

veld_status veld_store_mark_sent(
    veld_store *store, const veld_hash *ids, size_t count, veld_error *err)
{
    return run_for_each(store, STORE_OUTBOX_DELETE, ids, count, err);
}

veld_status veld_store_drop_changes(
    veld_store *store, const veld_hash *ids, size_t count, veld_error *err)
{
    return run_for_each(store, STORE_CHANGE_DROP, ids, count, err);
}

veld_status veld_store_changes(veld_store *store, const veld_store_case *opened, uint64_t after_seq,
    veld_store_cursor **out, veld_error *err)
{
    VELD_ASSERT(opened->store == store);
    veld_store_cursor *cursor = NULL;
    veld_status status = store_cursor_new(store, STORE_WALK_CHANGES,
        "SELECT id, body, seq FROM changes WHERE kase = ?1 AND seq > ?2 ORDER BY seq", &cursor,
        err);
    if (status != VELD_OK)
        return status;
    cursor->opened = opened;
    if (sql_bind_span(cursor->statement, 1, store_row_span(&opened->kase)) != SQLITE_OK ||
        sqlite3_bind_int64(cursor->statement, 2, (sqlite3_int64)after_seq) != SQLITE_OK) {
        veld_store_cursor_close(cursor);
        return veld_fail(err, VELD_E_MEMORY, "no memory to read changes");
    }
    *out = cursor;
    return VELD_OK;
}

veld_status veld_store_changes_next(
    veld_store_cursor *cursor, bool *more, veld_store_change *out, veld_error *err)
{
    veld_status status = store_cursor_step(cursor, STORE_WALK_CHANGES, more, err);
    if (status != VELD_OK || !*more)
        return status;
    status =
        store_open(cursor->store, cursor->opened->row, table, sql_column_span(cursor->statement, 0),
            sql_column_span(cursor->statement, 1), VELD_HASH_BYTES, &cursor->plain, err);
    if (status != VELD_OK)
        return status;
    out->seq = (uint64_t)sqlite3_column_int64(cursor->statement, 2);
    memcpy(out->id.bytes, cursor->plain.data, VELD_HASH_BYTES);
    out->body =
        veld_span_of(cursor->plain.data + VELD_HASH_BYTES, cursor->plain.len - VELD_HASH_BYTES);
    return VELD_OK;
}

veld_status veld_store_outbox(veld_store *store, veld_store_cursor **out, veld_error *err)
{
    return store_cursor_new(
        store, STORE_WALK_OUTBOX, "SELECT kase, body, seq FROM outbox ORDER BY seq", out, err);
}

veld_status veld_store_outbox_next(
    veld_store_cursor *cursor, bool *more, veld_store_unsent *out, veld_error *err)
{
    veld_status status = store_cursor_step(cursor, STORE_WALK_OUTBOX, more, err);
    if (status != VELD_OK || !*more)
        return status;
    status = store_open(cursor->store, store_vault_row_sealer(cursor->store), outbox_table,
        sql_column_span(cursor->statement, 0), sql_column_span(cursor->statement, 1),
        VELD_ID_BYTES + VELD_HASH_BYTES, &cursor->plain, err);
    if (status != VELD_OK)
        return status;
    out->seq = (uint64_t)sqlite3_column_int64(cursor->statement, 2);
    memcpy(out->case_id.bytes, cursor->plain.data, VELD_ID_BYTES);
    memcpy(out->id.bytes, cursor->plain.data + VELD_ID_BYTES, VELD_HASH_BYTES);
    return VELD_OK;
}
