/* The journal's file: made, opened, checked, poisoned and opened again. What is said to SQLite once
 * is here; what is said for each item is in journal_items.c. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "journal_inner.h"
#include "veldkit/assert.h"
#include "veldkit/bytes.h"

#define JOURNAL_SCHEMA "1"

static const char schema[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE item(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,"
    " case_id BLOB NOT NULL, device BLOB NOT NULL, carrier BLOB NOT NULL,"
    " access INTEGER NOT NULL, incarnation BLOB NOT NULL, number INTEGER NOT NULL,"
    " count INTEGER NOT NULL, priority INTEGER NOT NULL, change_id BLOB NOT NULL,"
    " len INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;"
    "CREATE INDEX item_case ON item(case_id, seq);"
    "CREATE INDEX item_access ON item(device, case_id, seq) WHERE access = 1;"
    "CREATE INDEX item_author ON item(device, case_id, kind);"
    "CREATE INDEX item_kind ON item(kind, seq);"
    "CREATE TABLE node(level INTEGER NOT NULL, place INTEGER NOT NULL, hash BLOB NOT NULL,"
    " PRIMARY KEY(level, place)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE device(device BLOB PRIMARY KEY, seen INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "PRAGMA user_version = " JOURNAL_SCHEMA ";";

#define ITEM_COLUMNS                                                                               \
    "seq, id, kind, case_id, device, carrier, access, incarnation, number, count, priority, "      \
    "change_id, len"

static const char *const queries[QUERY_COUNT] = {
    [QUERY_APPEND] = "INSERT INTO item(" ITEM_COLUMNS ", bytes)"
                     " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [QUERY_FIND] = "SELECT seq FROM item WHERE id = ?1",
    [QUERY_NEXT] = "SELECT " ITEM_COLUMNS " FROM item WHERE seq > ?1 ORDER BY seq LIMIT 1",
    [QUERY_NEXT_IN_CASE] =
        "SELECT " ITEM_COLUMNS " FROM item WHERE case_id = ?2 AND seq > ?1 ORDER BY seq LIMIT 1",
    [QUERY_FIRST_ACCESS] =
        "SELECT seq FROM item WHERE device = ?1 AND case_id = ?2 AND access = 1 AND kind = ?3"
        " AND number > coalesce((SELECT max(number) FROM item WHERE device = ?1 AND case_id = ?2"
        " AND access = 1 AND kind = ?4), -1) ORDER BY seq LIMIT 1",
    [QUERY_WROTE] = "SELECT 1 FROM item WHERE device = ?1 AND case_id = ?2 AND kind = ?3"
                    " LIMIT 1",
    [QUERY_LOAD] = "SELECT " ITEM_COLUMNS ", bytes FROM item WHERE seq = ?1",
    [QUERY_FORGET] = "UPDATE item SET bytes = x'', len = 0, access = 0"
                     " WHERE case_id = ?1 AND ((kind = ?2 AND seq <= ?5) OR kind IN (?3, ?4, ?6))",
    [QUERY_PUT_NODE] = "INSERT OR REPLACE INTO node(level, place, hash) VALUES(?1, ?2, ?3)",
    [QUERY_GET_NODE] = "SELECT hash FROM node WHERE level = ?1 AND place = ?2",
    [QUERY_ENTRIES] = "SELECT seq, bytes FROM item WHERE kind = ?1 AND seq > ?2 ORDER BY seq",
    [QUERY_SEEN] = "INSERT INTO device(device, seen) VALUES(?1, ?2)"
                   " ON CONFLICT(device) DO UPDATE SET seen = excluded.seen"
                   " WHERE excluded.seen >= device.seen + 60000",
    [QUERY_EACH_SEEN] = "SELECT device, seen FROM device",
};

static veld_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return VELD_E_MEMORY;
    case SQLITE_FULL:
        return VELD_E_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return VELD_E_DAMAGED;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return VELD_E_BUSY;
    case SQLITE_CANTOPEN:
        return VELD_E_NOT_FOUND;
    default:
        return VELD_E_IO;
    }
}

veld_status journal_fail(srv_journal *journal, int code, const char *what, veld_error *err)
{
    veld_status status = status_of(code);
    journal->poisoned = status != VELD_E_MEMORY && status != VELD_E_BUSY;
    return veld_fail_native(
        err, status, VELD_DOMAIN_SQLITE, code, "journal: %s: %s", what, sqlite3_errstr(code));
}

static veld_status run(srv_journal *journal, const char *script, veld_error *err)
{
    int code = sqlite3_exec(journal->db, script, NULL, NULL, NULL);
    return code == SQLITE_OK
               ? VELD_OK
               : journal_fail(journal, sqlite3_extended_errcode(journal->db), "script", err);
}

/* A setting is believed when it is read back: SQLite answers and does otherwise at times. */
static veld_status check(
    srv_journal *journal, const char *query, const char *expected, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    int code = sqlite3_prepare_v2(journal->db, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    const char *answer =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    if (code != SQLITE_ROW)
        status = journal_fail(journal, code, query, err);
    else if (answer == NULL || strcmp(answer, expected) != 0)
        status = veld_fail(err, VELD_E_UNSUPPORTED, "journal: %s answers %s", query,
            answer != NULL ? answer : "nothing");
    sqlite3_finalize(statement);
    return status;
}

static veld_status connect_file(srv_journal *journal, int flags, veld_error *err)
{
    veld_status status;
    int code = sqlite3_open_v2(journal->path, &journal->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return journal_fail(journal, code, "open", err);
    (void)sqlite3_extended_result_codes(journal->db, 1);
    (void)sqlite3_db_config(journal->db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    VELD_TRY(run(journal,
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; "
        "PRAGMA cell_size_check = ON;",
        err));
    VELD_TRY(check(journal, "PRAGMA journal_mode", "wal", err));
    VELD_TRY(check(journal, "PRAGMA synchronous", "2", err));
    VELD_TRY(check(journal, "PRAGMA secure_delete", "1", err));
    VELD_TRY(check(journal, "PRAGMA locking_mode", "exclusive", err));

done:
    return status;
}

static void disconnect(srv_journal *journal)
{
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        sqlite3_finalize(journal->statements[i]);
        journal->statements[i] = NULL;
    }
    int code = sqlite3_close(journal->db);
    VELD_ASSERT(code == SQLITE_OK);
    journal->db = NULL;
    journal->in_transaction = false;
}

static veld_status read_number(
    srv_journal *journal, const char *query, uint64_t *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    int code = sqlite3_prepare_v2(journal->db, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(statement, 0);
    else
        status = journal_fail(journal, code, query, err);
    sqlite3_finalize(statement);
    return status;
}

static veld_status read_id(srv_journal *journal, veld_id *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    int code = sqlite3_prepare_v2(
        journal->db, "SELECT value FROM meta WHERE name = 'journal'", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == (int)sizeof out->bytes)
        memcpy(out->bytes, sqlite3_column_blob(statement, 0), sizeof out->bytes);
    else
        status = veld_fail(err, VELD_E_DAMAGED, "journal: no name of its own");
    sqlite3_finalize(statement);
    return status;
}

/* The numbers have no gaps: what is missing in the middle was not taken out by us. */
static veld_status attach(srv_journal *journal, veld_error *err)
{
    uint64_t version = 0, count = 0;
    veld_status status;
    VELD_TRY(connect_file(journal, SQLITE_OPEN_READWRITE, err));
    VELD_TRY(read_number(journal, "PRAGMA user_version", &version, err));
    if (version != 1) {
        status = veld_fail(err, version > 1 ? VELD_E_NEWER : VELD_E_DAMAGED,
            "journal: the file has form %llu", (unsigned long long)version);
        goto done;
    }
    VELD_TRY(run(journal, "PRAGMA wal_checkpoint(TRUNCATE)", err)); /* see forget */
    VELD_TRY(check(journal, "PRAGMA quick_check(1)", "ok", err));
    VELD_TRY(read_number(journal, "SELECT coalesce(max(seq), 0) FROM item", &journal->size, err));
    VELD_TRY(read_number(journal, "SELECT count(*) FROM item", &count, err));
    if (count != journal->size) {
        status = veld_fail(err, VELD_E_DAMAGED, "journal: items are missing");
        goto done;
    }
    VELD_TRY(read_id(journal, &journal->face.id, err));
    for (size_t i = 0; i < QUERY_COUNT; i++) {
        int code = sqlite3_prepare_v3(
            journal->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &journal->statements[i], NULL);
        if (code != SQLITE_OK) {
            status = journal_fail(journal, code, "statement", err);
            goto done;
        }
    }
    journal->committed = journal->size;
    journal->poisoned = false;

done:
    if (status != VELD_OK)
        disconnect(journal);
    return status;
}

veld_status journal_ready(srv_journal *journal, veld_error *err)
{
    if (!journal->poisoned && journal->db != NULL)
        return VELD_OK;
    if (journal->db != NULL)
        disconnect(journal);
    journal->poisoned = true;
    return attach(journal, err);
}

static veld_status new_journal(const char *path, srv_journal **out, veld_error *err)
{
    srv_journal *journal = veld_allocate(sizeof *journal);
    size_t len = strlen(path);
    if (journal != NULL)
        journal->path = veld_allocate(len + 1);
    if (journal == NULL || journal->path == NULL) {
        veld_release(journal);
        veld_fail(err, VELD_E_MEMORY, "no memory for the journal");
        return VELD_E_MEMORY;
    }
    memcpy(journal->path, path, len + 1);
    journal->face = journal_face(journal);
    *out = journal;
    return VELD_OK;
}

veld_status srv_journal_create(const veld_env *env, const char *path, veld_error *err)
{
    srv_journal *journal = NULL;
    sqlite3_stmt *statement = NULL;
    veld_id id;
    veld_status status;
    if (access(path, F_OK) == 0)
        return veld_fail(err, VELD_E_EXISTS, "journal: there is one already");
    VELD_TRY(veld_env_random(env, id.bytes, sizeof id.bytes, err));
    VELD_TRY(new_journal(path, &journal, err));
    VELD_TRY(connect_file(journal, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err));
    VELD_TRY(run(journal, "BEGIN IMMEDIATE", err));
    VELD_TRY(run(journal, schema, err));
    int code = sqlite3_prepare_v2(
        journal->db, "INSERT INTO meta VALUES('journal', ?1)", -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_bind_blob(statement, 1, id.bytes, (int)sizeof id.bytes, SQLITE_STATIC);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_DONE) {
        status = journal_fail(journal, code, "name", err);
        goto done;
    }
    VELD_TRY(run(journal, "COMMIT", err));

done:
    srv_journal_close(journal);
    return status;
}

veld_status srv_journal_open(const char *path, srv_journal **out, veld_error *err)
{
    srv_journal *journal = NULL;
    veld_status status;
    *out = NULL;
    VELD_TRY(new_journal(path, &journal, err));
    VELD_TRY(attach(journal, err));
    *out = journal;
    journal = NULL;

done:
    srv_journal_close(journal);
    return status;
}

void srv_journal_close(srv_journal *journal)
{
    if (journal == NULL)
        return;
    if (journal->db != NULL)
        disconnect(journal);
    veld_release(journal->path);
    veld_release(journal);
}

const veld_journal *srv_journal_get(srv_journal *journal)
{
    return &journal->face;
}
