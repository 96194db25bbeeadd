/* What the store and the index share of SQLite: start, errors, small steps. Private to the room. */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

/* sql_start: once per process: SQLite takes its memory from veld_allocate and wipes what it frees.
 * Expects: VELD_E_UNSUPPORTED (SQLite was started before by somebody else), VELD_E_MEMORY.
 * Thread:  the first call alone, as veld_crypto_init of a program. */
veld_status sql_start(veld_error *err) VELD_MUST_CHECK;

/* sql_reserve: before a transaction: memory for what SQLite needs after its commit is on the disk.
 * sql_use_reserve: from now on, or no more, it may take that.  Expects: VELD_E_MEMORY. */
veld_status sql_reserve(veld_error *err) VELD_MUST_CHECK;
void sql_use_reserve(bool committing);

/* sql_fail: the status that fits a result code; the text names `what` and the code, no content. */
veld_status sql_fail(int code, const char *what, veld_error *err);

/* sql_set_text_pragma / sql_set_pragma: set, read back, refuse a difference.
 * Expects: VELD_E_UNSUPPORTED, and what sql_fail gives. */
veld_status sql_set_pragma(sqlite3 *db, const char *set, const char *get, const char *expected,
    veld_error *err) VELD_MUST_CHECK;

/* sql_answers: whether the first column of the first row of `query` is this text. A pragma is asked
 * as itself: not every SQLite has it as a table too. */
veld_status sql_answers(sqlite3 *db, const char *query, const char *expected, bool *out,
    veld_error *err) VELD_MUST_CHECK;

/* sql_number: the first column of the first row of `query`. */
veld_status sql_number(
    sqlite3 *db, const char *query, int64_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status sql_run(sqlite3 *db, const char *script, veld_error *err) VELD_MUST_CHECK;

/* sql_bind_span: bind bytes that outlive the step. An empty span is an empty blob, not NULL. */
int sql_bind_span(sqlite3_stmt *statement, int at, veld_span bytes);
/* sql_column_span: borrowed until the next step. */
veld_span sql_column_span(sqlite3_stmt *statement, int at);

#endif
