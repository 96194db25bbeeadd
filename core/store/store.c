/* The life of a store and the way every call speaks to SQLite: cached statements, and the rule that
 * after a write that may have gone wrong nothing is done with the handle but reopening it. */
#include "veldkit/store.h"

#include "file.h"
#include "inner.h"
#include "veldkit/crypto.h"

static const char *const statement_texts[] = {
#define STORE_STATEMENT_TEXT(name, sql) sql,
    STORE_STATEMENT_LIST(STORE_STATEMENT_TEXT)
#undef STORE_STATEMENT_TEXT
};

static veld_status store_make(const veld_env *env, const char *home, const veld_vault *vault,
    bool create, veld_store **out, veld_error *err)
{
    VELD_ASSERT(env != NULL && home != NULL && vault != NULL && out != NULL);
    veld_store *store = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(sql_start(err));
    VELD_TRY(veld_crypto_init(err));
    store = veld_allocate(sizeof *store);
    if (store == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the store");
        goto done;
    }
    store->env = env;
    store->vault = vault;
    store->owner_fd = -1;
    store->continuity_fd = -1;
    VELD_TRY(store_file_path(home, ".", &store->home, err));
    VELD_TRY(store_owner_take(store, err));
    VELD_TRY(store_connect(store, create, err));
    *out = store;
    store = NULL;
done:
    veld_store_close(store);
    return status;
}

veld_status veld_store_create(const veld_env *env, const char *home, const veld_vault *vault,
    veld_store **out, veld_error *err)
{
    return store_make(env, home, vault, true, out, err);
}

veld_status veld_store_open(const veld_env *env, const char *home, const veld_vault *vault,
    veld_store **out, veld_error *err)
{
    return store_make(env, home, vault, false, out, err);
}

void veld_store_close(veld_store *store)
{
    if (store == NULL)
        return;
    VELD_ASSERT(store->cursors == 0);
    store_disconnect(store);
    store_owner_release(store);
    veld_p256_release(&store->signing_key);
    veld_p256_release(&store->seal_key);
    for (size_t i = 0; i < store->former_count; i++)
        veld_p256_release(&store->former[i]);
    veld_release(store->home);
    veld_release(store);
}

veld_status veld_store_reopen(veld_store *store, veld_error *err)
{
    VELD_ASSERT(store->cursors == 0);
    veld_status before = store->poisoned;
    int code = store->poison_code;
    store_disconnect(store);
    store->poisoned = VELD_OK;
    veld_status status = store_connect(store, false, err);
    bool well = false;
    if (status == VELD_OK)
        status = sql_answers(store->db, "PRAGMA quick_check(1)", "ok", &well, err);
    if (status == VELD_OK && !well)
        status = veld_fail(err, VELD_E_DAMAGED, "the store's file is damaged");
    if (status != VELD_OK) {
        store_disconnect(store);
        store->poisoned = before != VELD_OK ? before : status;
        store->poison_code = code;
    }
    return status;
}

const veld_id *veld_store_device(const veld_store *store)
{
    return veld_vault_device(store->vault);
}

const veld_vault *veld_store_vault(const veld_store *store)
{
    return store->vault;
}

veld_p256_private *veld_store_signing_key(veld_store *store)
{
    return &store->signing_key;
}

veld_p256_private *veld_store_seal_key(veld_store *store)
{
    return &store->seal_key;
}

veld_status store_ready(const veld_store *store, veld_error *err)
{
    VELD_ASSERT(store != NULL);
    if (store->poisoned == VELD_OK)
        return VELD_OK;
    return veld_fail_native(err, store->poisoned, VELD_DOMAIN_SQLITE, store->poison_code,
        "the store has to be opened again after an error of the disk");
}

veld_status store_sql_fail(veld_store *store, int code, const char *what, veld_error *err)
{
    veld_status status = sql_fail(code, what, err);
    int plain = code & 0xff;
    if (plain == SQLITE_IOERR || plain == SQLITE_FULL || plain == SQLITE_CORRUPT ||
        plain == SQLITE_NOTADB || plain == SQLITE_CANTOPEN) {
        store->poisoned = status;
        store->poison_code = code;
    }
    return status;
}

veld_status store_statement(
    veld_store *store, store_statement_id id, sqlite3_stmt **out, veld_error *err)
{
    VELD_ASSERT(id < STORE_STATEMENTS && store->db != NULL);
    if (store->statements[id] == NULL) {
        int code = sqlite3_prepare_v3(store->db, statement_texts[id], -1, SQLITE_PREPARE_PERSISTENT,
            &store->statements[id], NULL);
        if (code != SQLITE_OK)
            return store_sql_fail(store, code, "prepare", err);
    }
    *out = store->statements[id];
    return VELD_OK;
}

void store_statement_done(sqlite3_stmt *statement)
{
    if (statement == NULL)
        return;
    (void)sqlite3_reset(statement); /* the step has told of its error already */
    (void)sqlite3_clear_bindings(statement);
}

veld_status store_step(veld_store *store, sqlite3_stmt *statement, bool *row, veld_error *err)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return store_sql_fail(store, code, "step", err);
    *row = code == SQLITE_ROW;
    return VELD_OK;
}

/* Bind the spans to 1.. and, when it is not 0, `seq` behind them; step once. */
veld_status store_run_with_seq(veld_store *store, store_statement_id id, const veld_span *spans,
    size_t count, uint64_t seq, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row;
    veld_status status = store_statement(store, id, &statement, err);
    if (status != VELD_OK)
        return status;
    int code = SQLITE_OK;
    for (size_t i = 0; i < count && code == SQLITE_OK; i++)
        code = sql_bind_span(statement, (int)i + 1, spans[i]);
    if (code == SQLITE_OK && seq != 0)
        code = sqlite3_bind_int64(statement, (int)count + 1, (sqlite3_int64)seq);
    status = code == SQLITE_OK ? store_step(store, statement, &row, err)
                               : store_sql_fail(store, code, "bind", err);
    store_statement_done(statement);
    return status;
}

veld_status store_run(
    veld_store *store, store_statement_id id, const veld_span *spans, size_t count, veld_error *err)
{
    return store_run_with_seq(store, id, spans, count, 0, err);
}

veld_status store_count(
    veld_store *store, store_statement_id id, const veld_span *span, uint64_t *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    bool row = false;
    veld_status status = store_ready(store, err);
    VELD_TRY(status);
    VELD_TRY(store_statement(store, id, &statement, err));
    if (span != NULL && sql_bind_span(statement, 1, *span) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to count");
        goto done;
    }
    VELD_TRY(store_step(store, statement, &row, err));
    *out = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
done:
    store_statement_done(statement);
    return status;
}
