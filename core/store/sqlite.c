/* SQLite as this room uses it. Its memory goes through the library's allocator, so that the tests
 * see every allocation, and is wiped when it is freed, since pages of the index are plain text. */
#include "sqlite.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"

/* Each block has its size in front, at the alignment that malloc gives. */
enum { FRONT = 16 };

/* What SQLite asks for after a commit is on the disk: a page of its index of the log, which with
 * one connection lies in memory, and the list of those pages, of 8 bytes each. Found missing there
 * it would call a commit a failure that a restart brings back. */
enum { RESERVES = 2, LOG_INDEX_PAGE_BYTES = 32768, LOG_INDEX_LIST_BYTES_MAX = 1024 };
static _Thread_local uint8_t *reserves[RESERVES];
static _Thread_local bool is_committing;

static size_t reserve_bytes(size_t i)
{
    return i == 0 ? LOG_INDEX_LIST_BYTES_MAX : LOG_INDEX_PAGE_BYTES;
}

static uint8_t *take_reserve(int bytes)
{
    size_t i = bytes > LOG_INDEX_LIST_BYTES_MAX;
    uint8_t *block = reserves[i];
    if (!is_committing || (i == 1 && bytes != LOG_INDEX_PAGE_BYTES))
        return NULL;
    reserves[i] = NULL;
    return block;
}

veld_status sql_reserve(veld_error *err)
{
    for (size_t i = 0; i < RESERVES; i++) {
        if (reserves[i] == NULL)
            reserves[i] = veld_allocate(reserve_bytes(i) + FRONT);
        if (reserves[i] == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for a transaction");
    }
    return VELD_OK;
}

void sql_use_reserve(bool committing)
{
    is_committing = committing;
}

static void *memory_allocate(int bytes)
{
    if (bytes <= 0)
        return NULL;
    uint8_t *block = veld_allocate((size_t)bytes + FRONT);
    if (block == NULL)
        block = take_reserve(bytes);
    if (block == NULL)
        return NULL;
    memcpy(block, &bytes, sizeof bytes);
    return block + FRONT;
}

static int memory_size(void *memory)
{
    int bytes = 0;
    if (memory != NULL)
        memcpy(&bytes, (uint8_t *)memory - FRONT, sizeof bytes);
    return bytes;
}

static void memory_release(void *memory)
{
    if (memory == NULL)
        return;
    memset(memory, 0, (size_t)memory_size(memory));
    __asm__ __volatile__("" : : "r"(memory) : "memory"); /* the compiler may not leave it out */
    veld_release((uint8_t *)memory - FRONT);
}

static void *memory_resize(void *memory, int bytes)
{
    void *moved = memory_allocate(bytes);
    if (moved == NULL)
        return NULL;
    int before = memory_size(memory);
    memcpy(moved, memory, (size_t)(before < bytes ? before : bytes));
    memory_release(memory);
    return moved;
}

static int memory_round_up(int bytes)
{
    return (bytes + 7) & ~7;
}

static int memory_start(void *context)
{
    (void)context;
    return SQLITE_OK;
}

static void memory_stop(void *context)
{
    (void)context;
}

veld_status sql_start(veld_error *err)
{
    static bool started;
    static const sqlite3_mem_methods methods = {memory_allocate, memory_release, memory_resize,
        memory_size, memory_round_up, memory_start, memory_stop, NULL};
    if (started)
        return VELD_OK;
    int code = sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
    if (code == SQLITE_OK)
        code = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (code == SQLITE_MISUSE)
        return veld_fail(err, VELD_E_UNSUPPORTED, "sqlite was started before the store");
    if (code == SQLITE_OK)
        code = sqlite3_initialize();
    if (code != SQLITE_OK)
        return sql_fail(code, "start", err);
    started = true;
    return VELD_OK;
}

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
    case SQLITE_TOOBIG:
        return VELD_E_LIMIT;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return VELD_E_NOT_ALLOWED;
    case SQLITE_ABORT:
    case SQLITE_INTERRUPT:
        return VELD_E_INTERRUPTED;
    case SQLITE_IOERR:
        return code == SQLITE_IOERR_NOMEM ? VELD_E_MEMORY : VELD_E_IO;
    default:
        return VELD_E_IO;
    }
}

veld_status sql_fail(int code, const char *what, veld_error *err)
{
    return veld_fail_native(err, status_of(code), VELD_DOMAIN_SQLITE, code, "store: %s: %s", what,
        sqlite3_errstr(code));
}

veld_status sql_answers(
    sqlite3 *db, const char *query, const char *expected, bool *out, veld_error *err)
{
    veld_status status = VELD_OK;
    sqlite3_stmt *statement = NULL;
    *out = false;
    int code = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *answer = (const char *)sqlite3_column_text(statement, 0);
        if (answer == NULL)
            status = veld_fail(err, VELD_E_MEMORY, "no memory for an answer of sqlite");
        else
            *out = strcmp(answer, expected) == 0;
    } else {
        status = sql_fail(code, query, err);
    }
    sqlite3_finalize(statement);
    return status;
}

veld_status sql_set_pragma(
    sqlite3 *db, const char *set, const char *get, const char *expected, veld_error *err)
{
    bool same = false;
    veld_status status = sql_run(db, set, err);
    if (status == VELD_OK)
        status = sql_answers(db, get, expected, &same, err);
    if (status == VELD_OK && !same)
        status = veld_fail(err, VELD_E_UNSUPPORTED, "sqlite does not take: %s", set);
    return status;
}

veld_status sql_number(sqlite3 *db, const char *query, int64_t *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = VELD_OK;
    int code = sqlite3_prepare_v2(db, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    else
        status = sql_fail(code, query, err);
    sqlite3_finalize(statement);
    return status;
}

veld_status sql_run(sqlite3 *db, const char *script, veld_error *err)
{
    int code = sqlite3_exec(db, script, NULL, NULL, NULL);
    return code == SQLITE_OK ? VELD_OK : sql_fail(code, "script", err);
}

int sql_bind_span(sqlite3_stmt *statement, int at, veld_span bytes)
{
    return sqlite3_bind_blob64(
        statement, at, bytes.len > 0 ? (const void *)bytes.data : "", bytes.len, SQLITE_STATIC);
}

veld_span sql_column_span(sqlite3_stmt *statement, int at)
{
    const void *data = sqlite3_column_blob(statement, at);
    int len = sqlite3_column_bytes(statement, at);
    return veld_span_of(data, data != NULL && len > 0 ? (size_t)len : 0);
}
