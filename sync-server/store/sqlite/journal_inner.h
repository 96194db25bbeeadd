/* journal_inner.h: the SQLite journal, between its two sources: the file and its statements. */
#ifndef SRV_JOURNAL_INNER_H
#define SRV_JOURNAL_INNER_H

#include <sqlite3.h>
#include <stdbool.h>

#include "../srv_journal.h"

typedef enum journal_query {
    QUERY_APPEND,
    QUERY_FIND,
    QUERY_NEXT,
    QUERY_NEXT_IN_CASE,
    QUERY_FIRST_ACCESS,
    QUERY_WROTE,
    QUERY_LOAD,
    QUERY_FORGET,
    QUERY_PUT_NODE,
    QUERY_GET_NODE,
    QUERY_ENTRIES,
    QUERY_SEEN,
    QUERY_EACH_SEEN,
    QUERY_COUNT
} journal_query;

struct srv_journal {
    char *path;
    sqlite3 *db;
    sqlite3_stmt *statements[QUERY_COUNT];
    uint64_t size;      /* of what is committed and of the open transaction */
    uint64_t committed; /* of what is committed */
    bool in_transaction;
    bool to_empty; /* something was forgotten, and the write-ahead log still has it */
    bool poisoned; /* the file failed: open again before the next use */
    veld_journal face;
};

/* journal_fail: the status of a code of SQLite; poisons the journal when the file failed. */
veld_status journal_fail(srv_journal *journal, int code, const char *what, veld_error *err);
/* journal_ready: opens again what was poisoned. */
veld_status journal_ready(srv_journal *journal, veld_error *err) VELD_MUST_CHECK;
/* journal_face: the functions of the interface. */
veld_journal journal_face(srv_journal *journal);

#endif
