/* The whole store looked at: SQLite's own check of the pages, then every row opened. What belongs
 * to no case that opens counts as damaged: it can never be read. */
#include <inttypes.h>
#include <stdio.h>

#include "inner.h"
#include "veldkit/limits.h"

typedef struct check {
    veld_store *store;
    veld_store_report *report;
    void (*finding)(void *context, const char *text);
    void *context;
    veld_error *err;
} check;

static void found(const check *on, uint64_t rows, const char *text)
{
    on->report->damaged += rows;
    if (rows > 0 && on->finding != NULL)
        on->finding(on->context, text);
}

static veld_status check_pages(const check *on)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    bool row = true;
    int code =
        sqlite3_prepare_v2(on->store->db, "PRAGMA integrity_check(20)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return store_sql_fail(on->store, code, "check", on->err);
    while (row) {
        VELD_TRY(store_step(on->store, statement, &row, on->err));
        char text[256];
        const char *said = row ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        if (said == NULL || sqlite3_stricmp(said, "ok") == 0)
            continue;
        snprintf(text, sizeof text, "the file of the store: %.200s", said);
        found(on, 1, text);
    }
done:
    sqlite3_finalize(statement);
    return status;
}

/* One step of a walk. A row that does not open is a finding, and the walk goes on. */
static veld_status walk_on(
    const check *on, veld_status step, const char *name, uint64_t *count, bool *more)
{
    if (step == VELD_E_DAMAGED && on->store->poisoned == VELD_OK) {
        char text[96];
        snprintf(text, sizeof text, "a row of %s does not open", name);
        found(on, 1, text);
        *more = true;
        step = VELD_OK;
    }
    if (step == VELD_OK && *more)
        ++*count;
    return step;
}

static veld_status check_changes(const check *on, const veld_store_case *opened)
{
    veld_store_cursor *cursor = NULL;
    veld_store_change change;
    bool more = true;
    veld_status status = veld_store_changes(on->store, opened, 0, &cursor, on->err);
    while (status == VELD_OK && more) {
        more = false;
        veld_status step = veld_store_changes_next(cursor, &more, &change, on->err);
        status = walk_on(on, step, "changes", &on->report->changes, &more);
    }
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status check_objects(const check *on, const veld_store_case *opened)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status = store_cursor_new(on->store, STORE_WALK_OBJECTS,
        "SELECT id, body FROM objects WHERE kase = ?1", &cursor, on->err);
    if (status == VELD_OK &&
        sql_bind_span(cursor->statement, 1, store_row_span(&opened->kase)) != SQLITE_OK)
        status = veld_fail(on->err, VELD_E_MEMORY, "no memory to check objects");
    while (status == VELD_OK && more) {
        veld_status step = store_cursor_step(cursor, STORE_WALK_OBJECTS, &more, on->err);
        if (step == VELD_OK && more)
            step =
                store_open(on->store, opened->row, "objects", sql_column_span(cursor->statement, 0),
                    sql_column_span(cursor->statement, 1), 1, &cursor->plain, on->err);
        status = walk_on(on, step, "objects", &on->report->objects, &more);
    }
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status check_base(const check *on, const veld_store_case *opened)
{
    veld_buf body;
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_base(on->store, opened, &body, on->err);
    veld_buf_wipe(&body);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    bool more = true;
    return walk_on(on, status, "bases", &on->report->bases, &more);
}

static veld_status check_case(const check *on, const veld_id *case_id)
{
    veld_store_case *opened = NULL;
    veld_status status = veld_store_case_open(on->store, case_id, &opened, on->err);
    if (on->store->poisoned == VELD_OK &&
        (status == VELD_E_DAMAGED || status == VELD_E_NOT_FOUND)) {
        char text[96], id[VELD_ID_TEXT_SIZE];
        veld_id_format(case_id, id);
        snprintf(text, sizeof text, "the keys of case %s do not open", id);
        found(on, 1, text);
        return VELD_OK;
    }
    if (status != VELD_OK)
        return status;
    on->report->case_keys += opened->count;
    status = check_changes(on, opened);
    if (status == VELD_OK)
        status = check_objects(on, opened);
    if (status == VELD_OK)
        status = check_base(on, opened);
    veld_store_case_close(opened);
    return status;
}

static veld_status check_cases(const check *on)
{
    veld_store_cursor *cursor = NULL;
    veld_store_summary summary;
    bool more = true;
    veld_status status = veld_store_cases(on->store, &cursor, on->err);
    while (status == VELD_OK && more) {
        more = false;
        veld_status step = veld_store_cases_next(cursor, &more, &summary, on->err);
        bool opens = step == VELD_OK && more;
        status = walk_on(on, step, "cases", &on->report->cases, &more);
        if (status == VELD_OK && opens)
            status = check_case(on, &summary.case_id);
    }
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status check_outbox(const check *on)
{
    veld_store_cursor *cursor = NULL;
    veld_store_unsent unsent;
    bool more = true;
    veld_status status = veld_store_outbox(on->store, &cursor, on->err);
    while (status == VELD_OK && more) {
        more = false;
        veld_status step = veld_store_outbox_next(cursor, &more, &unsent, on->err);
        bool there = step == VELD_OK && more;
        status = walk_on(on, step, "outbox", &on->report->unsent, &more);
        if (status == VELD_OK && there)
            status = veld_store_has_change(on->store, &unsent.id, &there, on->err);
        if (status == VELD_OK && step == VELD_OK && more && !there)
            found(on, 1, "a row of outbox names a change that is not stored");
    }
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status check_sealed_by_vault(
    const check *on, const char *sql, const char *table, uint64_t *count)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status = store_cursor_new(on->store, STORE_WALK_VALUES, sql, &cursor, on->err);
    while (status == VELD_OK && more) {
        veld_status step = store_cursor_step(cursor, STORE_WALK_VALUES, &more, on->err);
        if (step == VELD_OK && more)
            step = store_open(on->store, store_vault_row_sealer(on->store), table,
                sql_column_span(cursor->statement, 0), sql_column_span(cursor->statement, 1), 0,
                &cursor->plain, on->err);
        status = walk_on(on, step, table, count, &more);
    }
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status check_access(const check *on)
{
    const veld_store_access_search all = {.by = VELD_STORE_ACCESS_ALL};
    veld_store_cursor *cursor = NULL;
    veld_store_access entry;
    bool more = true;
    veld_status status = veld_store_walk_access(on->store, &all, &cursor, on->err);
    while (status == VELD_OK && more) {
        more = false;
        veld_status step = veld_store_access_next(cursor, &more, &entry, on->err);
        status = walk_on(on, step, "access", &on->report->access, &more);
    }
    veld_store_cursor_close(cursor);
    return status;
}

/* Rows whose case is not in the list are in no walk above. */
static veld_status check_orphans(const check *on, const char *table, uint64_t seen)
{
    char sql[64], text[96];
    int64_t all = 0;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table);
    veld_status status = sql_number(on->store->db, sql, &all, on->err);
    if (status != VELD_OK || (uint64_t)all <= seen)
        return status;
    snprintf(text, sizeof text, "%" PRIu64 " rows of %s belong to no case that opens",
        (uint64_t)all - seen, table);
    found(on, (uint64_t)all - seen, text);
    return VELD_OK;
}

veld_status veld_store_fsck(veld_store *store, veld_store_report *out,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    *out = (veld_store_report){0};
    const check on = {store, out, finding, context, err};
    veld_status status = store_ready(store, err);
    VELD_TRY(status);
    VELD_TRY(check_pages(&on));
    VELD_TRY(check_cases(&on));
    VELD_TRY(check_outbox(&on));
    VELD_TRY(check_sealed_by_vault(&on, "SELECT id, body FROM drafts", "drafts", &out->drafts));
    VELD_TRY(check_sealed_by_vault(&on, "SELECT id, body FROM vals", "vals", &out->values));
    VELD_TRY(check_access(&on));
    VELD_TRY(check_orphans(&on, "changes", out->changes));
    VELD_TRY(check_orphans(&on, "bases", out->bases));
    VELD_TRY(check_orphans(&on, "objects", out->objects));
    VELD_TRY(check_orphans(&on, "case_keys", out->case_keys));
done:
    return status;
}
