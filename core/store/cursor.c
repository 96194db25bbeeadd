/* Walks over rows. Each has a statement of its own, so that several may be open at once; that of a
 * closed one is kept for the next, because reading it anew costs more than most walks do. What they
 * open is in one buffer, wiped at every step. */
#include "inner.h"

#include <string.h>

#include "veldkit/limits.h"

static int take_statement(veld_store *store, store_walk walk, const char *sql, sqlite3_stmt **out)
{
    sqlite3_stmt *kept = store->walked[walk];
    if (kept == NULL || strcmp(sqlite3_sql(kept), sql) != 0)
        return sqlite3_prepare_v2(store->db, sql, -1, out, NULL);
    store->walked[walk] = NULL;
    *out = kept;
    return SQLITE_OK;
}

static void give_statement(veld_store *store, store_walk walk, sqlite3_stmt *statement)
{
    store_statement_done(statement);
    if (store->walked[walk] == NULL)
        store->walked[walk] = statement;
    else
        sqlite3_finalize(statement);
}

veld_status store_cursor_new(
    veld_store *store, store_walk walk, const char *sql, veld_store_cursor **out, veld_error *err)
{
    veld_status status = store_ready(store, err);
    if (status != VELD_OK)
        return status;
    veld_store_cursor *cursor = veld_allocate(sizeof *cursor);
    if (cursor == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory to walk over rows");
    int code = take_statement(store, walk, sql, &cursor->statement);
    if (code != SQLITE_OK) {
        veld_release(cursor);
        return store_sql_fail(store, code, "prepare", err);
    }
    cursor->store = store;
    cursor->walk = walk;
    veld_buf_init(&cursor->plain, VELD_STORE_BODY_BYTES_MAX + 4096);
    store->cursors++;
    *out = cursor;
    return VELD_OK;
}

veld_status store_cursor_step(
    veld_store_cursor *cursor, store_walk walk, bool *more, veld_error *err)
{
    VELD_ASSERT(cursor->walk == walk);
    veld_status status = store_ready(cursor->store, err);
    if (status != VELD_OK)
        return status;
    if (cursor->plain.len > 0)
        veld_wipe(cursor->plain.data, cursor->plain.len);
    veld_buf_clear(&cursor->plain);
    return store_step(cursor->store, cursor->statement, more, err);
}

void veld_store_cursor_close(veld_store_cursor *cursor)
{
    if (cursor == NULL)
        return;
    VELD_ASSERT(cursor->store->cursors > 0);
    cursor->store->cursors--;
    give_statement(cursor->store, cursor->walk, cursor->statement);
    veld_buf_wipe(&cursor->plain);
    veld_release(cursor);
}
