/* The journal's items and the nodes of its log: one statement for each function of the interface.
 * Columns are in the order of ITEM_COLUMNS in journal.c. */
#include <string.h>

#include "journal_inner.h"
#include "veldkit/assert.h"

enum { ACCESS_HELD = 2 }; /* in the column `access`, of an envelope */

static int bind_bytes(sqlite3_stmt *statement, int at, const void *data, size_t len)
{
    return sqlite3_bind_blob64(statement, at, len > 0 ? data : "", len, SQLITE_STATIC);
}

/* Ends a statement that was stepped to `code`; ROW and DONE are fine. */
static veld_status end(
    srv_journal *journal, sqlite3_stmt *statement, int code, const char *what, veld_error *err)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE)
        return VELD_OK;
    return journal_fail(journal, code, what, err);
}

static uint64_t size(void *context)
{
    const srv_journal *journal = context;
    return journal->size;
}

static veld_status begin(void *context, veld_error *err)
{
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    VELD_ASSERT(!journal->in_transaction);
    int code = sqlite3_exec(journal->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return journal_fail(journal, code, "begin", err);
    journal->in_transaction = true;
    return VELD_OK;
}

static veld_status commit(void *context, veld_error *err)
{
    srv_journal *journal = context;
    VELD_ASSERT(journal->in_transaction);
    int code = sqlite3_exec(journal->db, "COMMIT", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return journal_fail(journal, code, "commit", err);
    journal->in_transaction = false;
    journal->committed = journal->size;
    /* What was forgotten stays in no old page either. A failure here is one of the next commit. */
    if (journal->to_empty && sqlite3_wal_checkpoint_v2(journal->db, NULL,
                                 SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) == SQLITE_OK)
        journal->to_empty = false;
    return VELD_OK;
}

static void rollback(void *context)
{
    srv_journal *journal = context;
    if (!journal->in_transaction)
        return;
    if (journal->db != NULL && sqlite3_get_autocommit(journal->db) == 0 &&
        sqlite3_exec(journal->db, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK)
        journal->poisoned = true;
    journal->in_transaction = false;
    journal->size = journal->committed;
}

static veld_status append(void *context, veld_journal_item *item, veld_span bytes, veld_error *err)
{
    srv_journal *journal = context;
    sqlite3_stmt *statement = journal->statements[QUERY_APPEND];
    VELD_ASSERT(journal->in_transaction && bytes.len == item->len);
    item->seq = journal->size + 1;
    bool bound =
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)item->seq) == SQLITE_OK &&
        bind_bytes(statement, 2, item->id.bytes, sizeof item->id.bytes) == SQLITE_OK &&
        sqlite3_bind_int(statement, 3, (int)item->kind) == SQLITE_OK &&
        bind_bytes(statement, 4, item->case_id.bytes, sizeof item->case_id.bytes) == SQLITE_OK &&
        bind_bytes(statement, 5, item->device.bytes, sizeof item->device.bytes) == SQLITE_OK &&
        bind_bytes(statement, 6, item->carrier.bytes, sizeof item->carrier.bytes) == SQLITE_OK &&
        sqlite3_bind_int(statement, 7, item->held ? ACCESS_HELD : item->access) == SQLITE_OK &&
        bind_bytes(statement, 8, item->incarnation, sizeof item->incarnation) == SQLITE_OK &&
        sqlite3_bind_int64(statement, 9, (sqlite3_int64)item->number) == SQLITE_OK &&
        sqlite3_bind_int(statement, 10, item->count) == SQLITE_OK &&
        sqlite3_bind_int(statement, 11, item->priority) == SQLITE_OK &&
        bind_bytes(statement, 12, item->change_id.bytes, sizeof item->change_id.bytes) ==
            SQLITE_OK &&
        sqlite3_bind_int64(statement, 13, item->len) == SQLITE_OK &&
        bind_bytes(statement, 14, bytes.data, bytes.len) == SQLITE_OK;
    int code = bound ? sqlite3_step(statement) : SQLITE_NOMEM;
    veld_status status = end(journal, statement, code, "append", err);
    if (status == VELD_OK)
        journal->size = item->seq;
    return status;
}

static void take_bytes(sqlite3_stmt *statement, int at, void *out, size_t len)
{
    const void *data = sqlite3_column_blob(statement, at);
    if (data != NULL && sqlite3_column_bytes(statement, at) == (int)len)
        memcpy(out, data, len);
}

static void take_item(sqlite3_stmt *statement, veld_journal_item *out)
{
    *out = (veld_journal_item){.seq = (uint64_t)sqlite3_column_int64(statement, 0),
        .kind = (veld_frame_type)sqlite3_column_int(statement, 2),
        .access = sqlite3_column_int(statement, 6) == 1,
        .held = sqlite3_column_int(statement, 6) == ACCESS_HELD,
        .number = (uint64_t)sqlite3_column_int64(statement, 8),
        .count = (uint16_t)sqlite3_column_int(statement, 9),
        .priority = (uint8_t)sqlite3_column_int(statement, 10),
        .len = (uint32_t)sqlite3_column_int64(statement, 12)};
    take_bytes(statement, 1, out->id.bytes, sizeof out->id.bytes);
    take_bytes(statement, 3, out->case_id.bytes, sizeof out->case_id.bytes);
    take_bytes(statement, 4, out->device.bytes, sizeof out->device.bytes);
    take_bytes(statement, 5, out->carrier.bytes, sizeof out->carrier.bytes);
    take_bytes(statement, 7, out->incarnation, sizeof out->incarnation);
    take_bytes(statement, 11, out->change_id.bytes, sizeof out->change_id.bytes);
}

static veld_status find(
    void *context, const veld_hash *id, bool *found, uint64_t *seq, veld_error *err)
{
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_FIND];
    int code = bind_bytes(statement, 1, id->bytes, sizeof id->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *seq = (uint64_t)sqlite3_column_int64(statement, 0);
    return end(journal, statement, code, "find", err);
}

static veld_status walk(srv_journal *journal, journal_query query, const veld_id *case_id,
    uint64_t after, veld_journal_item *out, bool *more, veld_error *err)
{
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[query];
    int code = sqlite3_bind_int64(statement, 1, (sqlite3_int64)after);
    if (code == SQLITE_OK && case_id != NULL)
        code = bind_bytes(statement, 2, case_id->bytes, sizeof case_id->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *more = code == SQLITE_ROW;
    if (*more)
        take_item(statement, out);
    return end(journal, statement, code, "next", err);
}

static veld_status next(
    void *context, uint64_t after, veld_journal_item *out, bool *more, veld_error *err)
{
    return walk(context, QUERY_NEXT, NULL, after, out, more, err);
}

static veld_status next_in_case(void *context, const veld_id *case_id, uint64_t after,
    veld_journal_item *out, bool *more, veld_error *err)
{
    return walk(context, QUERY_NEXT_IN_CASE, case_id, after, out, more, err);
}

static veld_status first_access(void *context, const veld_id *case_id, const veld_id *device,
    bool *found, uint64_t *seq, veld_error *err)
{
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_FIRST_ACCESS];
    int code = bind_bytes(statement, 1, device->bytes, sizeof device->bytes);
    if (code == SQLITE_OK)
        code = bind_bytes(statement, 2, case_id->bytes, sizeof case_id->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 3, VELD_FRAME_GRANT);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 4, VELD_FRAME_ORDER);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    if (*found)
        *seq = (uint64_t)sqlite3_column_int64(statement, 0);
    return end(journal, statement, code, "access", err);
}

static veld_status wrote(
    void *context, const veld_id *case_id, const veld_id *device, bool *found, veld_error *err)
{
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_WROTE];
    int code = bind_bytes(statement, 1, device->bytes, sizeof device->bytes);
    if (code == SQLITE_OK)
        code = bind_bytes(statement, 2, case_id->bytes, sizeof case_id->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 3, VELD_FRAME_ENVELOPE);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *found = code == SQLITE_ROW;
    return end(journal, statement, code, "wrote", err);
}

static veld_status load(
    void *context, uint64_t seq, veld_journal_item *item, veld_buf *out, veld_error *err)
{
    enum { BYTES = 13 };
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_LOAD];
    int code = sqlite3_bind_int64(statement, 1, (sqlite3_int64)seq);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    veld_journal_item found = {0};
    status = VELD_OK;
    if (code == SQLITE_ROW) {
        take_item(statement, &found);
        const void *data = sqlite3_column_blob(statement, BYTES);
        size_t len = (size_t)sqlite3_column_bytes(statement, BYTES);
        status = len == found.len && (data != NULL || len == 0)
                     ? veld_buf_append(out, data, len)
                     : veld_fail(err, VELD_E_DAMAGED, "journal: an item is not whole");
    } else if (code == SQLITE_DONE) {
        status = veld_fail(err, VELD_E_DAMAGED, "journal: an item is missing");
    }
    veld_status ended = end(journal, statement, code, "load", err);
    if (item != NULL)
        *item = found;
    return status != VELD_OK ? status : ended;
}

static veld_status forget(void *context, const veld_id *case_id, uint64_t upto, veld_error *err)
{
    srv_journal *journal = context;
    sqlite3_stmt *statement = journal->statements[QUERY_FORGET];
    VELD_ASSERT(journal->in_transaction);
    int code = bind_bytes(statement, 1, case_id->bytes, sizeof case_id->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 2, VELD_FRAME_ENVELOPE);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 3, VELD_FRAME_GRANT);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 4, VELD_FRAME_HEAD);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 5, (sqlite3_int64)upto);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int(statement, 6, VELD_FRAME_CHECKPOINT);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    journal->to_empty = journal->to_empty || code == SQLITE_DONE;
    return end(journal, statement, code, "forget", err);
}

/* ---- nodes of the log ---- */
static veld_status put_node(
    void *context, unsigned level, uint64_t place, const veld_hash *hash, veld_error *err)
{
    srv_journal *journal = context;
    sqlite3_stmt *statement = journal->statements[QUERY_PUT_NODE];
    VELD_ASSERT(journal->in_transaction);
    int code = sqlite3_bind_int64(statement, 1, level);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, (sqlite3_int64)place);
    if (code == SQLITE_OK)
        code = bind_bytes(statement, 3, hash->bytes, sizeof hash->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    return end(journal, statement, code, "put node", err);
}

static veld_status get_node(
    void *context, unsigned level, uint64_t place, veld_hash *out, veld_error *err)
{
    srv_journal *journal = context;
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_GET_NODE];
    int code = sqlite3_bind_int64(statement, 1, level);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, (sqlite3_int64)place);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *out = (veld_hash){0};
    if (code == SQLITE_ROW)
        take_bytes(statement, 0, out->bytes, sizeof out->bytes);
    bool missing = code == SQLITE_DONE;
    status = end(journal, statement, code, "get node", err);
    if (status == VELD_OK && missing)
        status = veld_fail(err, VELD_E_DAMAGED, "journal: a node of the log is missing");
    return status;
}

veld_journal journal_face(srv_journal *journal)
{
    return (veld_journal){.context = journal,
        .log = {.context = journal, .put = put_node, .get = get_node},
        .size = size,
        .begin = begin,
        .commit = commit,
        .rollback = rollback,
        .append = append,
        .find = find,
        .next = next,
        .next_in_case = next_in_case,
        .first_access = first_access,
        .wrote = wrote,
        .load = load,
        .forget = forget};
}

/* ---- what the relay notes besides ---- */
veld_status srv_journal_entries(srv_journal *journal, uint64_t after, void *context,
    veld_status (*each)(void *context, uint64_t seq, veld_span bytes, veld_error *err),
    veld_error *err)
{
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_ENTRIES];
    int code = sqlite3_bind_int(statement, 1, VELD_FRAME_DIRECTORY);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, (sqlite3_int64)after);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    while (code == SQLITE_ROW && status == VELD_OK) {
        const void *data = sqlite3_column_blob(statement, 1);
        int len = sqlite3_column_bytes(statement, 1);
        status = each(context, (uint64_t)sqlite3_column_int64(statement, 0),
            veld_span_of(data, data != NULL ? (size_t)len : 0), err);
        if (status == VELD_OK)
            code = sqlite3_step(statement);
    }
    veld_status ended = end(journal, statement, code, "entries", err);
    return status != VELD_OK ? status : ended;
}

veld_status srv_journal_seen(
    srv_journal *journal, const veld_id *device, int64_t utc_ms, veld_error *err)
{
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_SEEN];
    int code = bind_bytes(statement, 1, device->bytes, sizeof device->bytes);
    if (code == SQLITE_OK)
        code = sqlite3_bind_int64(statement, 2, utc_ms);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    return end(journal, statement, code, "seen", err);
}

veld_status srv_journal_each_seen(srv_journal *journal, void *context,
    veld_status (*each)(void *context, const veld_id *device, int64_t utc_ms, veld_error *err),
    veld_error *err)
{
    veld_status status = journal_ready(journal, err);
    if (status != VELD_OK)
        return status;
    sqlite3_stmt *statement = journal->statements[QUERY_EACH_SEEN];
    int code = sqlite3_step(statement);
    while (code == SQLITE_ROW && status == VELD_OK) {
        veld_id device = {0};
        take_bytes(statement, 0, device.bytes, sizeof device.bytes);
        status = each(context, &device, sqlite3_column_int64(statement, 1), err);
        if (status == VELD_OK)
            code = sqlite3_step(statement);
    }
    veld_status ended = end(journal, statement, code, "each seen", err);
    return status != VELD_OK ? status : ended;
}
