/* The readable index: a table of cases and a word index over it, in memory. All writing happens in
 * one transaction that only a snapshot ends: word lists are then built in batches, which is many
 * times faster than per case. An error in the middle of a write leaves the index unfit for use, and
 * every later call says so: it is made anew from the store, never repaired. */
#include "veldkit/index.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "inner.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

typedef enum statement_id {
    FIND,
    INSERT,
    REMOVE,
    WORDS_ADD,
    WORDS_DROP,
    UNSENT,
    LIST_BY_UPDATE,
    LIST_BY_TITLE,
    SEARCH,
    STATEMENTS
} statement_id;

#define COLUMNS "e.grp, e.title, e.records, e.unsent, e.updated"
#define GROUPS                                                                                     \
    "SELECT grp, max(title) AS title, sum(records), sum(unsent), max(updated) AS updated FROM "    \
    "entry"                                                                                        \
    " GROUP BY grp "

static const char *const texts[STATEMENTS] = {
    [FIND] = "SELECT n, title, text FROM entry WHERE id = ?1",
    [INSERT] = "INSERT INTO entry(id, title, text, records, unsent, updated, grp) "
               "VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [REMOVE] = "DELETE FROM entry WHERE n = ?1",
    [WORDS_ADD] = "INSERT INTO words(rowid, title, text) VALUES(?1, ?2, ?3)",
    [WORDS_DROP] = "INSERT INTO words(words, rowid, title, text) VALUES('delete', ?1, ?2, ?3)",
    [UNSENT] = "UPDATE entry SET unsent = ?2 WHERE id = ?1",
    [LIST_BY_UPDATE] = GROUPS "ORDER BY updated DESC, grp",
    [LIST_BY_TITLE] = GROUPS "ORDER BY title COLLATE NOCASE, grp",
    [SEARCH] = "SELECT " COLUMNS " FROM words JOIN entry e ON e.n = words.rowid "
               "WHERE words MATCH ?1 ORDER BY rank LIMIT ?2",
};

static const char schema[] =
    "CREATE TABLE entry(n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, title TEXT NOT NULL,"
    " text TEXT NOT NULL, records INTEGER, unsent INTEGER, updated INTEGER, grp BLOB NOT NULL);"
    "CREATE VIRTUAL TABLE words USING fts5(title, text, content = 'entry', content_rowid = 'n',"
    " tokenize = 'unicode61 remove_diacritics 2');";

struct veld_index {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    veld_status broken;
    veld_id *dirty;
    size_t dirty_count;
};

static veld_status broken(veld_index *index, int code, const char *what, veld_error *err)
{
    index->broken = sql_fail(code, what, err);
    return index->broken;
}

static veld_status usable(const veld_index *index, veld_error *err)
{
    if (index->broken == VELD_OK)
        return VELD_OK;
    return veld_fail(err, index->broken, "the index has to be opened again after an error");
}

static veld_status statement_of(
    veld_index *index, statement_id id, sqlite3_stmt **out, veld_error *err)
{
    if (index->statements[id] == NULL) {
        int code = sqlite3_prepare_v3(
            index->db, texts[id], -1, SQLITE_PREPARE_PERSISTENT, &index->statements[id], NULL);
        if (code != SQLITE_OK)
            return broken(index, code, "index: prepare", err);
    }
    *out = index->statements[id];
    return VELD_OK;
}

static int bind_text(sqlite3_stmt *statement, int at, veld_span text)
{
    return sqlite3_bind_text64(statement, at, text.len > 0 ? (const char *)text.data : "", text.len,
        SQLITE_STATIC, SQLITE_UTF8);
}

/* Step a statement that gives no row; `code` is what binding gave. */
static veld_status run(veld_index *index, sqlite3_stmt *statement, int code, veld_error *err)
{
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    store_statement_done(statement);
    return code == SQLITE_DONE ? VELD_OK : broken(index, code, "index: write", err);
}

static veld_status run_words(veld_index *index, statement_id id, int64_t row, veld_span title,
    veld_span text, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = statement_of(index, id, &statement, err);
    if (status != VELD_OK)
        return status;
    int code = sqlite3_bind_int64(statement, 1, row);
    code |= bind_text(statement, 2, title);
    code |= bind_text(statement, 3, text);
    return run(index, statement, code, err);
}

static void drop_dirty(veld_index *index, const veld_id *case_id)
{
    for (size_t i = 0; i < index->dirty_count; i++) {
        if (veld_id_equal(&index->dirty[i], case_id)) {
            index->dirty[i] = index->dirty[--index->dirty_count];
            return;
        }
    }
}

const veld_id *veld_index_dirty(const veld_index *index, size_t *count)
{
    *count = index->dirty_count;
    return index->dirty;
}

veld_status veld_index_remove(veld_index *index, const veld_id *case_id, veld_error *err)
{
    sqlite3_stmt *find = NULL, *statement = NULL;
    veld_status status = VELD_OK;
    int code = SQLITE_OK;
    int64_t row;
    VELD_TRY(usable(index, err));
    VELD_TRY(statement_of(index, FIND, &find, err));
    code = sql_bind_span(find, 1, veld_id_span(case_id));
    if (code == SQLITE_OK)
        code = sqlite3_step(find);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = broken(index, code, "index: find", err);
    if (status != VELD_OK || code == SQLITE_DONE)
        goto done;
    row = sqlite3_column_int64(find, 0);
    VELD_TRY(
        run_words(index, WORDS_DROP, row, sql_column_span(find, 1), sql_column_span(find, 2), err));
    store_statement_done(find);
    find = NULL;
    VELD_TRY(statement_of(index, REMOVE, &statement, err));
    VELD_TRY(run(index, statement, sqlite3_bind_int64(statement, 1, row), err));
done:
    store_statement_done(find);
    if (status == VELD_OK)
        drop_dirty(index, case_id);
    return status;
}

veld_status veld_index_put(veld_index *index, const veld_index_entry *entry, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (entry->title.len > VELD_INDEX_TEXT_BYTES_MAX || entry->text.len > VELD_INDEX_TEXT_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "title or text of a case is too long for the index");
    veld_status status = veld_index_remove(index, &entry->case_id, err);
    if (status == VELD_OK)
        status = statement_of(index, INSERT, &statement, err);
    if (status != VELD_OK)
        return status;
    int code = sql_bind_span(statement, 1, veld_id_span(&entry->case_id));
    code |= bind_text(statement, 2, entry->title);
    code |= bind_text(statement, 3, entry->text);
    code |= sqlite3_bind_int64(statement, 4, (sqlite3_int64)entry->records);
    code |= sqlite3_bind_int64(statement, 5, (sqlite3_int64)entry->unsent);
    code |= sqlite3_bind_int64(statement, 6, entry->updated_utc_ms);
    code |= sql_bind_span(statement, 7,
        veld_id_span(veld_id_is_zero(&entry->group) ? &entry->case_id : &entry->group));
    status = run(index, statement, code, err);
    if (status != VELD_OK)
        return status;
    return run_words(
        index, WORDS_ADD, sqlite3_last_insert_rowid(index->db), entry->title, entry->text, err);
}

/* Hand every row of a bound statement to the visitor. */
static veld_status visit_rows(
    sqlite3_stmt *statement, veld_index_visit visit, void *context, veld_error *err)
{
    veld_status status = VELD_OK;
    int code = SQLITE_ROW;
    while (status == VELD_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        veld_index_entry entry = {.title = sql_column_span(statement, 1),
            .records = (uint64_t)sqlite3_column_int64(statement, 2),
            .unsent = (uint64_t)sqlite3_column_int64(statement, 3),
            .updated_utc_ms = sqlite3_column_int64(statement, 4)};
        veld_span id = sql_column_span(statement, 0);
        VELD_ASSERT(id.len == VELD_ID_BYTES);
        memcpy(entry.case_id.bytes, id.data, VELD_ID_BYTES);
        entry.group = entry.case_id;
        status = visit(context, &entry);
    }
    store_statement_done(statement);
    if (status == VELD_OK && code != SQLITE_DONE)
        status = sql_fail(code, "index: read", err);
    return status;
}

veld_status veld_index_list(veld_index *index, veld_index_order order, veld_index_visit visit,
    void *context, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = usable(index, err);
    if (status == VELD_OK)
        status = statement_of(
            index, order == VELD_INDEX_BY_TITLE ? LIST_BY_TITLE : LIST_BY_UPDATE, &statement, err);
    return status == VELD_OK ? visit_rows(statement, visit, context, err) : status;
}

/* A word is a run of letters, digits and non-ASCII bytes, so nothing of a query is ever an
 * operator: each becomes "word"*, and all have to be found. */
static bool is_word_byte(uint8_t c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static veld_status match_of(veld_span query, veld_buf *out, size_t *words)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < query.len && *words < VELD_INDEX_WORDS_MAX;) {
        size_t len = 0;
        while (i + len < query.len && is_word_byte(query.data[i + len]))
            len++;
        if (len > 0) {
            VELD_TRY(veld_buf_append_text(out, *words > 0 ? " AND \"" : "\""));
            VELD_TRY(veld_buf_append(out, query.data + i, len));
            VELD_TRY(veld_buf_append_text(out, "\"*"));
            ++*words;
        }
        i += len + 1;
    }
done:
    return status;
}

veld_status veld_index_search(veld_index *index, veld_span query, size_t limit,
    veld_index_visit visit, void *context, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    size_t words = 0;
    veld_buf match;
    veld_status status = VELD_OK;
    veld_buf_init(&match, VELD_INDEX_TEXT_BYTES_MAX);
    VELD_TRY(usable(index, err));
    status = match_of(query, &match, &words);
    if (status != VELD_OK)
        status = veld_fail(err, status, "the search is too long");
    if (status != VELD_OK || words == 0)
        goto done;
    VELD_TRY(statement_of(index, SEARCH, &statement, err));
    if (bind_text(statement, 1, veld_buf_span(&match)) != SQLITE_OK ||
        sqlite3_bind_int64(statement, 2, limit > INT32_MAX ? INT32_MAX : (int64_t)limit) !=
            SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to search");
        goto done;
    }
    status = visit_rows(statement, visit, context, err);
done:
    store_statement_done(statement);
    veld_buf_wipe(&match);
    return status;
}

/* The cases written since `covered`: their list is what the caller has to put. */
static veld_status find_dirty(
    veld_index *index, veld_store *store, uint64_t covered, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_store_summary summary;
    bool more = true;
    size_t capacity = 0;
    veld_status status = VELD_OK;
    VELD_TRY(store_cursor_new(store, STORE_WALK_CASES,
        "SELECT id, body FROM cases WHERE id IN (SELECT id FROM cases WHERE seq > ?1 "
        "UNION SELECT kase FROM changes WHERE seq > ?1)",
        &cursor, err));
    if (sqlite3_bind_int64(cursor->statement, 1, (sqlite3_int64)covered) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the index");
        goto done;
    }
    for (;;) {
        status = veld_store_cases_next(cursor, &more, &summary, err);
        if (status == VELD_E_DAMAGED && store->poisoned == VELD_OK) {
            veld_env_log(store->env, VELD_LOG_WARNING, "a row of cases does not open: see fsck");
            continue; /* one bad row does not keep the others from being seen */
        }
        if (status != VELD_OK || !more)
            goto done;
        if (index->dirty_count == capacity) {
            capacity = capacity * 2 + 16;
            veld_id *grown = veld_resize(index->dirty, capacity * sizeof *grown);
            if (grown == NULL) {
                status = veld_fail(err, VELD_E_MEMORY, "no memory for the index");
                goto done;
            }
            index->dirty = grown;
        }
        index->dirty[index->dirty_count++] = summary.case_id;
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* What is unsent changes without a change row: it is counted anew. */
static veld_status count_unsent(veld_index *index, veld_store *store, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_store_unsent unsent;
    sqlite3_stmt *statement = NULL;
    bool more = true;
    veld_status status = sql_run(index->db, "UPDATE entry SET unsent = 0 WHERE unsent <> 0", err);
    VELD_TRY(status);
    VELD_TRY(statement_of(index, UNSENT, &statement, err));
    VELD_TRY(store_cursor_new(store, STORE_WALK_OUTBOX,
        "SELECT kase, body, min(seq), count(*) FROM outbox GROUP BY kase", &cursor, err));
    for (;;) {
        VELD_TRY(veld_store_outbox_next(cursor, &more, &unsent, err));
        if (!more)
            break;
        int code = sql_bind_span(statement, 1, veld_id_span(&unsent.case_id));
        code |= sqlite3_bind_int64(statement, 2, sqlite3_column_int64(cursor->statement, 3));
        VELD_TRY(run(index, statement, code, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* Rows of the outbox that the snapshot knew only go, when they were sent: as long as none went, its
 * counts hold, and ten thousand cases need not be counted again. */
static veld_status unsent_is_known(
    veld_index *index, veld_store *store, uint64_t covered, bool *out, veld_error *err)
{
    char sql[80];
    int64_t counted = 0;
    int64_t there = 0;
    veld_status status = VELD_OK;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM outbox WHERE seq <= %" PRIu64, covered);
    VELD_TRY(sql_number(index->db, "SELECT coalesce(sum(unsent), 0) FROM entry", &counted, err));
    VELD_TRY(sql_number(store->db, sql, &there, err));
    *out = counted == there;
done:
    return status;
}

static veld_status load(veld_index *index, veld_store *store, veld_error *err)
{
    bool known = false;
    uint8_t *image = NULL;
    size_t bytes = 0;
    uint64_t covered = 0;
    veld_status status = VELD_OK;
    VELD_TRY(store_snapshot_get(store, &covered, &image, &bytes, err));
    if (image != NULL) {
        int code = sqlite3_deserialize(index->db, "main", image, (sqlite3_int64)bytes,
            (sqlite3_int64)bytes, SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE);
        if (code != SQLITE_OK)
            status = sql_fail(code, "index: load", err);
    }
    if (status == VELD_OK)
        status = sql_run(index->db, "BEGIN", err);
    if (status == VELD_OK && image == NULL)
        status = sql_run(index->db, schema, err);
    VELD_TRY(status);
    VELD_TRY(find_dirty(index, store, covered, err));
    VELD_TRY(unsent_is_known(index, store, covered, &known, err));
    if (!known)
        VELD_TRY(count_unsent(index, store, err));
done:
    return status;
}

veld_status veld_index_open(veld_store *store, veld_index **out, veld_error *err)
{
    veld_index *index = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(store_ready(store, err));
    index = veld_allocate(sizeof *index);
    if (index == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the index");
        goto done;
    }
    int code = sqlite3_open_v2(":memory:", &index->db,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        NULL);
    if (code != SQLITE_OK) {
        status = sql_fail(code, "index: open", err);
        goto done;
    }
    VELD_TRY(sql_run(index->db, "PRAGMA temp_store = MEMORY", err));
    VELD_TRY(load(index, store, err));
    *out = index;
    index = NULL;
done:
    veld_index_close(index);
    return status;
}

void veld_index_close(veld_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(index->statements[i]);
    int code = sqlite3_close(index->db);
    VELD_ASSERT(code == SQLITE_OK);
    veld_release(index->dirty);
    veld_release(index);
}

veld_status veld_index_save(veld_index *index, veld_store *store, veld_error *err)
{
    sqlite3_int64 bytes = 0;
    uint8_t *image = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(usable(index, err));
    if (index->dirty_count > 0) {
        status = veld_fail(err, VELD_E_STALE, "%zu cases of the index were not brought up to date",
            index->dirty_count);
        goto done;
    }
    VELD_TRY(sql_run(index->db, "COMMIT", err));
    image = sqlite3_serialize(index->db, "main", &bytes, 0);
    if (image == NULL)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a snapshot");
    else
        status = store_snapshot_put(
            store, veld_store_last_seq(store), veld_span_of(image, (size_t)bytes), err);
    sqlite3_free(image);
    if (sqlite3_get_autocommit(index->db) != 0 && sql_run(index->db, "BEGIN", NULL) != VELD_OK)
        index->broken = VELD_E_MEMORY;
done:
    return status;
}
