/* Sealing of rows and their names. A row is bound to this store, its table, its keyed id and the
 * version of its body, so that a row that was moved, copied or renamed does not open. */
#include "inner.h"

#include "veldkit/limits.h"

#define BODY_VERSION "1"

veld_status store_row_id(const veld_store *store, const char *table, const veld_span *parts,
    size_t count, veld_row_id *out, veld_error *err)
{
    return veld_vault_row_id(store->vault, table, parts, count, out, err);
}

veld_status store_case_row(
    const veld_store *store, const veld_id *case_id, veld_row_id *out, veld_error *err)
{
    veld_span part = veld_id_span(case_id);
    return store_row_id(store, "cases", &part, 1, out, err);
}

veld_span store_row_span(const veld_row_id *id)
{
    return veld_span_of(id->bytes, sizeof id->bytes);
}

const veld_sealer *store_vault_row_sealer(const veld_store *store)
{
    return veld_vault_sealer(store->vault, VELD_SEALER_VAULT_ROW);
}

veld_status store_seal(const veld_store *store, const veld_sealer *sealer, const char *table,
    veld_span id, const veld_span *parts, size_t count, veld_buf *out, veld_error *err)
{
    veld_span place[] = {veld_id_span(veld_vault_device(store->vault)), veld_span_text(table), id,
        veld_span_text(BODY_VERSION)};
    veld_buf plain;
    veld_status status = VELD_OK;
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += parts[i].len;
    veld_buf_init(&plain, total + 1);
    status = veld_buf_reserve(&plain, total);
    for (size_t i = 0; i < count && status == VELD_OK; i++)
        status = veld_buf_append_span(&plain, parts[i]);
    if (status != VELD_OK) {
        veld_fail(err, status, "no memory to seal a row of %s", table);
        goto done;
    }
    VELD_TRY(veld_sealer_seal_row(
        sealer, place, sizeof place / sizeof place[0], veld_buf_span(&plain), out, err));
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status store_open(const veld_store *store, const veld_sealer *sealer, const char *table,
    veld_span id, veld_span sealed, size_t least_bytes, veld_buf *plain, veld_error *err)
{
    veld_span place[] = {veld_id_span(veld_vault_device(store->vault)), veld_span_text(table), id,
        veld_span_text(BODY_VERSION)};
    size_t before = plain->len;
    veld_status status =
        veld_sealer_open_row(sealer, place, sizeof place / sizeof place[0], sealed, plain, err);
    if (status == VELD_E_FORGED || status == VELD_E_FORM ||
        (status == VELD_OK && plain->len - before < least_bytes))
        return veld_fail(err, VELD_E_DAMAGED, "a row of %s does not open", table);
    return status;
}

veld_status store_get(veld_store *store, store_statement_id statement_id, const veld_sealer *sealer,
    const char *table, const veld_row_id *id, size_t least_bytes, veld_buf *plain, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    veld_status status = VELD_OK;
    VELD_TRY(store_ready(store, err));
    VELD_TRY(store_statement(store, statement_id, &statement, err));
    if (sql_bind_span(statement, 1, store_row_span(id)) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to find a row of %s", table);
        goto done;
    }
    VELD_TRY(store_step(store, statement, &row, err));
    if (!row) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "no such row in %s", table);
        goto done;
    }
    VELD_TRY(store_open(store, sealer, table, store_row_span(id), sql_column_span(statement, 0),
        least_bytes, plain, err));
done:
    store_statement_done(statement);
    return status;
}

veld_status store_has(veld_store *store, store_statement_id statement_id, const veld_row_id *id,
    bool *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(store_ready(store, err));
    VELD_TRY(store_statement(store, statement_id, &statement, err));
    if (sql_bind_span(statement, 1, store_row_span(id)) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to find a row");
        goto done;
    }
    VELD_TRY(store_step(store, statement, out, err));
done:
    store_statement_done(statement);
    return status;
}
