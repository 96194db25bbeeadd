/* Drafts: what is being typed. They belong to the device and not to the history, so they are
 * replaced and deleted. A row: draft 16 | case 16 (zero: none) | body, sealed under the vault. */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"

enum { FRONT = 2 * VELD_ID_BYTES };

static const char table[] = "drafts";

static veld_status draft_row(
    const veld_store *store, const veld_id *id, veld_row_id *out, veld_error *err)
{
    veld_span part = veld_id_span(id);
    return store_row_id(store, table, &part, 1, out, err);
}

veld_status veld_store_put_draft(veld_store *store, const veld_store_draft *draft, veld_error *err)
{
    veld_row_id row, kase;
    bool own = false;
    veld_span parts[] = {veld_id_span(&draft->id), veld_id_span(&draft->case_id), draft->body};
    veld_buf sealed;
    veld_status status = VELD_OK;
    if (draft->body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the draft is too long");
    veld_buf_init(&sealed, FRONT + draft->body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(draft_row(store, &draft->id, &row, err));
    /* The keyed id of the zero id stands for "no case": a NULL would tell them apart on disk. */
    VELD_TRY(store_case_row(store, &draft->case_id, &kase, err));
    VELD_TRY(store_seal(
        store, store_vault_row_sealer(store), table, store_row_span(&row), parts, 3, &sealed, err));
    veld_span values[] = {store_row_span(&row), store_row_span(&kase), veld_buf_span(&sealed)};
    VELD_TRY(store_run(store, STORE_DRAFT_PUT, values, 3, err));
done:
    veld_buf_release(&sealed);
    return store_write_end(store, own, status, err);
}

veld_status veld_store_get_draft(
    veld_store *store, const veld_id *id, veld_id *case_id, veld_buf *out, veld_error *err)
{
    veld_row_id row;
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, FRONT + VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(draft_row(store, id, &row, err));
    VELD_TRY(store_get(
        store, STORE_DRAFT_GET, store_vault_row_sealer(store), table, &row, FRONT, &plain, err));
    status = veld_buf_append(out, plain.data + FRONT, plain.len - FRONT);
    if (status != VELD_OK)
        veld_fail(err, status, "no room for a draft");
    else if (case_id != NULL)
        memcpy(case_id->bytes, plain.data + VELD_ID_BYTES, VELD_ID_BYTES);
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status veld_store_delete_draft(veld_store *store, const veld_id *id, veld_error *err)
{
    veld_row_id row = {{0}};
    bool own = false;
    veld_span span = store_row_span(&row);
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(draft_row(store, id, &row, err));
    VELD_TRY(store_run(store, STORE_DRAFT_DELETE, &span, 1, err));
    if (sqlite3_changes(store->db) == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "there is no such draft");
done:
    return store_write_end(store, own, status, err);
}

veld_status veld_store_drafts(
    veld_store *store, const veld_id *case_id, veld_store_cursor **out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_row_id kase;
    veld_status status = store_cursor_new(store, STORE_WALK_DRAFTS,
        "SELECT id, body FROM drafts WHERE ?1 IS NULL OR kase = ?1", &cursor, err);
    if (status != VELD_OK)
        return status;
    if (case_id != NULL) {
        VELD_TRY(store_case_row(store, case_id, &kase, err));
        if (sqlite3_bind_blob(
                cursor->statement, 1, kase.bytes, sizeof kase.bytes, SQLITE_TRANSIENT) != SQLITE_OK)
            status = veld_fail(err, VELD_E_MEMORY, "no memory to list drafts");
    }
done:
    if (status == VELD_OK)
        *out = cursor;
    else
        veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_store_drafts_next(
    veld_store_cursor *cursor, bool *more, veld_store_draft *out, veld_error *err)
{
    veld_status status = store_cursor_step(cursor, STORE_WALK_DRAFTS, more, err);
    if (status != VELD_OK || !*more)
        return status;
    status = store_open(cursor->store, store_vault_row_sealer(cursor->store), table,
        sql_column_span(cursor->statement, 0), sql_column_span(cursor->statement, 1), FRONT,
        &cursor->plain, err);
    if (status != VELD_OK)
        return status;
    memcpy(out->id.bytes, cursor->plain.data, VELD_ID_BYTES);
    memcpy(out->case_id.bytes, cursor->plain.data + VELD_ID_BYTES, VELD_ID_BYTES);
    out->body = veld_span_of(cursor->plain.data + FRONT, cursor->plain.len - FRONT);
    return VELD_OK;
}
