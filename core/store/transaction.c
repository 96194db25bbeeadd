/* Transactions: the caller's, and those that a single call makes for itself. Every commit carries
 * the store's continuity row, so a copy of the file that is older than its folder can be told. */
#include "inner.h"

static veld_status run(veld_store *store, store_statement_id id, veld_error *err)
{
    return store_run(store, id, NULL, 0, err);
}

/* The statements that end it are read first: when memory runs out in a transaction, none may be
 * left to read them. */
static veld_status start(veld_store *store, veld_error *err)
{
    sqlite3_stmt *end;
    veld_status status = sql_reserve(err);
    if (status == VELD_OK)
        status = store_statement(store, STORE_ROLLBACK, &end, err);
    if (status == VELD_OK)
        status = store_statement(store, STORE_COMMIT, &end, err);
    return status == VELD_OK ? run(store, STORE_BEGIN, err) : status;
}

/* Undo as far as there is something to undo; an error that undid it already is no error. What could
 * not be undone is not to be read as if it were stored: then the file has to be opened again. */
static void undo(veld_store *store)
{
    veld_error why;
    veld_status status = VELD_OK;
    if (store->db != NULL && sqlite3_get_autocommit(store->db) == 0)
        status = run(store, STORE_ROLLBACK, &why);
    if (status != VELD_OK && sqlite3_get_autocommit(store->db) == 0 && store->poisoned == VELD_OK) {
        store->poisoned = VELD_E_IO;
        store->poison_code = SQLITE_NOMEM;
    }
    store->continuity = store->committed;
}

static veld_status finish(veld_store *store, veld_error *err)
{
    veld_status status = store_continuity_before_commit(store, err);
    sql_use_reserve(true);
    if (status == VELD_OK)
        status = run(store, STORE_COMMIT, err);
    sql_use_reserve(false);
    if (status != VELD_OK) {
        undo(store);
        return status;
    }
    store->committed = store->continuity;
    store_continuity_after_commit(store);
    return VELD_OK;
}

veld_status veld_store_begin(veld_store *store, veld_error *err)
{
    veld_status status = store_ready(store, err);
    if (status != VELD_OK)
        return status;
    VELD_ASSERT(!store->in_transaction);
    status = start(store, err);
    if (status == VELD_OK) {
        store->in_transaction = true;
        store->write_failed = VELD_OK;
    }
    return status;
}

veld_status veld_store_commit(veld_store *store, veld_error *err)
{
    if (store->poisoned != VELD_OK) {
        veld_store_rollback(store);
        return store_ready(store, err);
    }
    VELD_ASSERT(store->in_transaction);
    if (store->write_failed != VELD_OK) {
        veld_status status =
            veld_fail(err, store->write_failed, "nothing was saved, because a part could not be");
        veld_store_rollback(store);
        return status;
    }
    store->in_transaction = false;
    return finish(store, err);
}

void veld_store_rollback(veld_store *store)
{
    if (!store->in_transaction)
        return;
    store->in_transaction = false;
    store->write_failed = VELD_OK;
    undo(store);
}

veld_status veld_store_end(veld_store *store, veld_status status, veld_error *err)
{
    if (status == VELD_OK)
        return veld_store_commit(store, err);
    veld_store_rollback(store);
    return status;
}

bool veld_store_in_transaction(const veld_store *store)
{
    return store->in_transaction;
}

veld_status store_write_begin(veld_store *store, bool *own, veld_error *err)
{
    *own = false;
    veld_status status = store_ready(store, err);
    if (status != VELD_OK || store->in_transaction)
        return status;
    status = start(store, err);
    *own = status == VELD_OK;
    return status;
}

veld_status store_write_end(veld_store *store, bool own, veld_status status, veld_error *err)
{
    if (own && status == VELD_OK)
        return finish(store, err);
    if (own) {
        undo(store);
    } else if (store->in_transaction && status != VELD_OK && status != VELD_E_EXISTS &&
               status != VELD_E_NOT_FOUND && status != VELD_E_LIMIT &&
               store->write_failed == VELD_OK) {
        store->write_failed = status;
    }
    return status;
}
