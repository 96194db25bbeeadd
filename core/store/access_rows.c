/* The rows of the access log: opaque entries in chains, one chain for each device. Sealed with the
 * vault's log key. A tablet has its own chain and needs no index; the agency has all of them, found
 * by keyed hashes of case, user and day.
 *
 * A row: device 16 | entry. A chain's head, for when its last rows were handed over and removed: a
 * value of group "access", number u64 | hash 32. */
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum { PLACE_BYTES = sizeof(veld_row_id) + 8, HEAD_BYTES = 8 + VELD_HASH_BYTES, DAY_BYTES = 8 };

static const char table[] = "access";
static const char head_group[] = "access";

static veld_status chain_row(
    const veld_store *store, const veld_id *chain, veld_row_id *out, veld_error *err)
{
    veld_span part = veld_id_span(chain);
    return store_row_id(store, "access-chain", &part, 1, out, err);
}

static veld_status key_row(
    const veld_store *store, const char *name, veld_span part, veld_row_id *out, veld_error *err)
{
    return store_row_id(store, name, &part, 1, out, err);
}

static veld_status day_row(const veld_store *store, int64_t day, veld_row_id *out, veld_error *err)
{
    uint8_t bytes[DAY_BYTES];
    veld_put_u64(bytes, (uint64_t)day);
    return key_row(store, "access-day", veld_span_of(bytes, sizeof bytes), out, err);
}

static const veld_sealer *log_sealer(const veld_store *store)
{
    return veld_vault_sealer(store->vault, VELD_SEALER_VAULT_LOG);
}

static void place_of(const veld_row_id *chain, uint64_t number, uint8_t out[PLACE_BYTES])
{
    memcpy(out, chain->bytes, sizeof chain->bytes);
    veld_put_u64(out + sizeof chain->bytes, number);
}

/* ---- putting ---- */

static int bind_optional(sqlite3_stmt *statement, int at, bool given, const veld_row_id *id)
{
    return given ? sqlite3_bind_blob(statement, at, id->bytes, sizeof id->bytes, SQLITE_TRANSIENT)
                 : sqlite3_bind_null(statement, at);
}

static veld_status bind_keys(
    veld_store *store, sqlite3_stmt *statement, const veld_store_access_keys *keys, veld_error *err)
{
    veld_row_id kase, user, day;
    veld_status status = VELD_OK;
    bool has_case = keys != NULL && !veld_id_is_zero(&keys->case_id);
    bool has_user = keys != NULL && keys->user.len > 0;
    if (has_case)
        VELD_TRY(store_case_row(store, &keys->case_id, &kase, err));
    if (has_user)
        VELD_TRY(key_row(store, "access-user", keys->user, &user, err));
    if (keys != NULL)
        VELD_TRY(day_row(store, keys->day, &day, err));
    if (bind_optional(statement, 4, has_case, &kase) != SQLITE_OK ||
        bind_optional(statement, 5, has_user, &user) != SQLITE_OK ||
        bind_optional(statement, 6, keys != NULL, &day) != SQLITE_OK)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
done:
    return status;
}

static veld_status put(veld_store *store, const veld_store_access *entry,
    const veld_store_access_keys *keys, veld_error *err)
{
    veld_row_id chain;
    uint8_t place[PLACE_BYTES];
    sqlite3_stmt *statement = NULL;
    bool row;
    veld_span parts[] = {veld_id_span(&entry->chain), entry->body};
    veld_buf sealed;
    veld_status status;
    veld_buf_init(&sealed, VELD_ID_BYTES + entry->body.len + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(chain_row(store, &entry->chain, &chain, err));
    place_of(&chain, entry->number, place);
    VELD_TRY(store_seal(store, log_sealer(store), table, veld_span_of(place, sizeof place), parts,
        2, &sealed, err));
    VELD_TRY(store_statement(store, STORE_ACCESS_PUT, &statement, err));
    if (sql_bind_span(statement, 1, store_row_span(&chain)) != SQLITE_OK ||
        sqlite3_bind_int64(statement, 2, (sqlite3_int64)entry->number) != SQLITE_OK ||
        sql_bind_span(statement, 3, veld_buf_span(&sealed)) != SQLITE_OK)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
    if (status == VELD_OK)
        status = bind_keys(store, statement, keys, err);
    if (status == VELD_OK)
        status = store_step(store, statement, &row, err);
done:
    store_statement_done(statement);
    veld_buf_wipe(&sealed);
    return status;
}

veld_status veld_store_put_access(veld_store *store, const veld_store_access *entry,
    const veld_store_access_keys *keys, veld_error *err)
{
    VELD_ASSERT(entry->number > 0 && entry->number <= INT64_MAX);
    bool own = false;
    if (entry->body.len > VELD_STORE_BODY_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a line of the access log is too long");
    veld_status status = store_write_begin(store, &own, err);
    if (status == VELD_OK)
        status = put(store, entry, keys, err);
    return store_write_end(store, own, status, err);
}

/* ---- heads and trimming ---- */

veld_status veld_store_access_head(
    veld_store *store, const veld_id *chain, uint64_t *number, veld_hash *hash, veld_error *err)
{
    veld_buf value;
    *number = 0;
    *hash = (veld_hash){0};
    veld_buf_init(&value, HEAD_BYTES);
    veld_status status = veld_store_get_value(store, head_group, veld_id_span(chain), &value, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
    } else if (status == VELD_OK && value.len != HEAD_BYTES) {
        status = veld_fail(err, VELD_E_DAMAGED, "the head of an access log is not readable");
    } else if (status == VELD_OK) {
        *number = veld_get_u64(value.data);
        memcpy(hash->bytes, value.data + 8, sizeof hash->bytes);
    }
    veld_buf_release(&value);
    return status;
}

veld_status veld_store_trim_access(veld_store *store, const veld_id *chain, uint64_t number,
    const veld_hash *hash, veld_error *err)
{
    veld_row_id row = {{0}};
    veld_span id = store_row_span(&row);
    uint8_t head[HEAD_BYTES];
    bool own = false;
    veld_status status;
    VELD_ASSERT(number > 0);
    veld_put_u64(head, number);
    memcpy(head + 8, hash->bytes, sizeof hash->bytes);
    VELD_TRY(store_write_begin(store, &own, err));
    VELD_TRY(chain_row(store, chain, &row, err));
    VELD_TRY(store_run_with_seq(store, STORE_ACCESS_TRIM, &id, 1, number, err));
    VELD_TRY(store_value_put(
        store, head_group, veld_id_span(chain), veld_span_of(head, sizeof head), err));
done:
    return store_write_end(store, own, status, err);
}

veld_status veld_store_count_access(
    veld_store *store, const veld_id *chain, uint64_t *out, veld_error *err)
{
    veld_row_id row = {{0}};
    veld_span id = store_row_span(&row);
    if (chain == NULL)
        return store_count(store, STORE_ACCESS_COUNT_ALL, NULL, out, err);
    veld_status status = chain_row(store, chain, &row, err);
    return status == VELD_OK ? store_count(store, STORE_ACCESS_COUNT, &id, out, err) : status;
}

/* ---- walking ---- */

#define COLUMNS "SELECT seq, chain, number, body FROM access "

static const char *const walks[] = {
    [VELD_STORE_ACCESS_ALL] = COLUMNS "ORDER BY seq",
    [VELD_STORE_ACCESS_OF_CHAIN] = COLUMNS "WHERE chain = ?1 AND number >= ?2 ORDER BY number, seq",
    [VELD_STORE_ACCESS_LAST] = COLUMNS "WHERE chain = ?1 ORDER BY number DESC, seq DESC LIMIT 1",
    [VELD_STORE_ACCESS_OF_CASE] = COLUMNS "WHERE kase = ?1 ORDER BY seq",
    [VELD_STORE_ACCESS_OF_USER] = COLUMNS "WHERE usr = ?1 ORDER BY seq",
    [VELD_STORE_ACCESS_OF_DAY] = COLUMNS "WHERE day = ?1 ORDER BY seq",
    [VELD_STORE_ACCESS_CHAINS] = "SELECT min(seq), chain, number, body FROM access GROUP BY chain",
};

static veld_status search_row(
    veld_store *store, const veld_store_access_search *search, veld_row_id *out, veld_error *err)
{
    switch (search->by) {
    case VELD_STORE_ACCESS_OF_CHAIN:
    case VELD_STORE_ACCESS_LAST:
        return chain_row(store, &search->id, out, err);
    case VELD_STORE_ACCESS_OF_CASE:
        return store_case_row(store, &search->id, out, err);
    case VELD_STORE_ACCESS_OF_USER:
        return key_row(store, "access-user", search->user, out, err);
    case VELD_STORE_ACCESS_OF_DAY:
        return day_row(store, search->day, out, err);
    default:
        return VELD_OK;
    }
}

veld_status veld_store_walk_access(veld_store *store, const veld_store_access_search *search,
    veld_store_cursor **out, veld_error *err)
{
    veld_row_id row = {{0}};
    veld_store_cursor *cursor = NULL;
    veld_status status;
    bool has_key = search->by != VELD_STORE_ACCESS_ALL && search->by != VELD_STORE_ACCESS_CHAINS;
    VELD_TRY(search_row(store, search, &row, err));
    VELD_TRY(store_cursor_new(store, STORE_WALK_ACCESS, walks[search->by], &cursor, err));
    if ((has_key && sqlite3_bind_blob(cursor->statement, 1, row.bytes, sizeof row.bytes,
                        SQLITE_TRANSIENT) != SQLITE_OK) ||
        (search->by == VELD_STORE_ACCESS_OF_CHAIN &&
            sqlite3_bind_int64(cursor->statement, 2, (sqlite3_int64)search->from_number) !=
                SQLITE_OK))
        status = veld_fail(err, VELD_E_MEMORY, "no memory to read the access log");
    if (status == VELD_OK)
        *out = cursor;
    else
        veld_store_cursor_close(cursor);
done:
    return status;
}

veld_status veld_store_access_next(
    veld_store_cursor *cursor, bool *more, veld_store_access *out, veld_error *err)
{
    uint8_t place[PLACE_BYTES];
    veld_status status = store_cursor_step(cursor, STORE_WALK_ACCESS, more, err);
    if (status != VELD_OK || !*more)
        return status;
    sqlite3_stmt *statement = cursor->statement;
    veld_span chain = sql_column_span(statement, 1);
    uint64_t number = (uint64_t)sqlite3_column_int64(statement, 2);
    if (chain.len != sizeof(veld_row_id))
        return veld_fail(err, VELD_E_DAMAGED, "a row of %s does not open", table);
    memcpy(place, chain.data, chain.len);
    veld_put_u64(place + chain.len, number);
    status = store_open(cursor->store, log_sealer(cursor->store), table,
        veld_span_of(place, sizeof place), sql_column_span(statement, 3), VELD_ID_BYTES,
        &cursor->plain, err);
    if (status != VELD_OK)
        return status;
    out->seq = (uint64_t)sqlite3_column_int64(statement, 0);
    out->number = number;
    memcpy(out->chain.bytes, cursor->plain.data, VELD_ID_BYTES);
    out->body = veld_span_of(cursor->plain.data + VELD_ID_BYTES, cursor->plain.len - VELD_ID_BYTES);
    return VELD_OK;
}
