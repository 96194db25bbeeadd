/* The list of cases, each with the summary that the cases room wants to have without opening it;
 * and the end of a case.
 *
 * A row: case 16 | summary, sealed under the vault. */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"

static const char table[] = "cases";

veld_status store_case_put(veld_store *store, const veld_id *case_id, const veld_row_id *kase,
    veld_span summary, veld_error *err)
{
    veld_span parts[] = {veld_id_span(case_id), summary};
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, VELD_ID_BYTES + summary.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_seal(
        store, store_vault_row_sealer(store), table, store_row_span(kase), parts, 2, &sealed, err));
    veld_span values[] = {store_row_span(kase), veld_buf_span(&sealed)};
    VELD_TRY(
        store_run_with_seq(store, STORE_CASE_PUT, values, 2, store->continuity.last_seq + 1, err));
    store->continuity.last_seq++;
done:
    veld_buf_release(&sealed);
    return status;
}

veld_status veld_store_put_summary(
    veld_store *store, const veld_id *case_id, veld_span summary, veld_error *err)
{
    veld_row_id kase;
    bool own = false, there;
    veld_status status = VELD_OK;
    if (summary.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the summary of a case is too long");
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(store_case_row(store, case_id, &kase, err));
    VELD_TRY(store_has(store, STORE_CASE_GET, &kase, &there, err));
    if (!there) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "there is no such case here");
        goto done;
    }
    VELD_TRY(store_case_put(store, case_id, &kase, summary, err));
done:
    return store_write_end(store, own, status, err);
}

veld_status veld_store_get_summary(
    veld_store *store, const veld_id *case_id, veld_buf *out, veld_error *err)
{
    veld_row_id kase;
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, VELD_ID_BYTES + VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(store_case_row(store, case_id, &kase, err));
    VELD_TRY(store_get(store, STORE_CASE_GET, store_vault_row_sealer(store), table, &kase,
        VELD_ID_BYTES, &plain, err));
    status = veld_buf_append(out, plain.data + VELD_ID_BYTES, plain.len - VELD_ID_BYTES);
    if (status != VELD_OK)
        veld_fail(err, status, "no room for the summary of a case");
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status veld_store_cases(veld_store *store, veld_store_cursor **out, veld_error *err)
{
    return store_cursor_new(store, STORE_WALK_CASES, "SELECT id, body FROM cases", out, err);
}

veld_status veld_store_cases_next(
    veld_store_cursor *cursor, bool *more, veld_store_summary *out, veld_error *err)
{
    veld_status status = store_cursor_step(cursor, STORE_WALK_CASES, more, err);
    if (status != VELD_OK || !*more)
        return status;
    status = store_open(cursor->store, store_vault_row_sealer(cursor->store), table,
        sql_column_span(cursor->statement, 0), sql_column_span(cursor->statement, 1), VELD_ID_BYTES,
        &cursor->plain, err);
    if (status != VELD_OK)
        return status;
    memcpy(out->case_id.bytes, cursor->plain.data, VELD_ID_BYTES);
    out->summary =
        veld_span_of(cursor->plain.data + VELD_ID_BYTES, cursor->plain.len - VELD_ID_BYTES);
    return VELD_OK;
}

/* Nothing refers to the keys any more when they go, and no copy of what they opened stays. */
static const store_statement_id erasing[] = {STORE_ERASE_OUTBOX, STORE_ERASE_CHANGES,
    STORE_BASE_DELETE, STORE_ERASE_DRAFTS, STORE_OBJECTS_PURGE, STORE_ERASE_CASE_KEYS,
    STORE_ERASE_CASE};

veld_status veld_store_erase_case(veld_store *store, const veld_id *case_id, veld_error *err)
{
    VELD_ASSERT(!store->in_transaction);
    veld_row_id kase = {{0}};
    veld_span id = store_row_span(&kase);
    bool own = false, there;
    veld_status status = VELD_OK;
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(store_case_row(store, case_id, &kase, err));
    VELD_TRY(store_has(store, STORE_CASE_GET, &kase, &there, err));
    if (!there) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "there is no such case here");
        goto done;
    }
    for (size_t i = 0; i < sizeof erasing / sizeof erasing[0]; i++)
        VELD_TRY(store_run(store, erasing[i], &id, 1, err));
    VELD_TRY(store_run(store, STORE_SNAPSHOT_DROP, NULL, 0, err));
done:
    status = store_write_end(store, own, status, err);
    if (status != VELD_OK)
        return status;
    int code = sqlite3_wal_checkpoint_v2(store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return code == SQLITE_OK ? VELD_OK : store_sql_fail(store, code, "empty the log", err);
}
