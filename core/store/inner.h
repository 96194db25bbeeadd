/* What the files of the store share. Private to the room.
 *
 * A call that touches the file has this shape: store_ready, then store_write_begin when it writes,
 * then statements through store_statement and store_step, then store_write_end, which commits,
 * rolls back or leaves that to the caller's transaction. */
#ifndef STORE_INNER_H
#define STORE_INNER_H

#include <sqlite3.h>
#include <stdbool.h>

#include "sqlite.h"
#include "statements.h"
#include "veldkit/assert.h"
#include "veldkit/store.h"

enum { STORE_APPLICATION_ID = 0x564B5354, /* "VKST" */ STORE_SESSION_BYTES = 8 };

/* What the store says of itself, in the row "continuity" and, in part, in HOME/continuity. */
typedef struct store_continuity {
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint8_t session[STORE_SESSION_BYTES];  /* of the last opening that wrote */
    uint8_t previous[STORE_SESSION_BYTES]; /* of the one before */
    uint64_t commits;                      /* ever made */
    uint64_t last_seq;                     /* highest seq ever given */
} store_continuity;

typedef enum store_walk {
    STORE_WALK_CHANGES,
    STORE_WALK_OUTBOX,
    STORE_WALK_CASES,
    STORE_WALK_DRAFTS,
    STORE_WALK_VALUES,
    STORE_WALK_OBJECTS,
    STORE_WALK_ACCESS,
    STORE_WALK_SNAPSHOT,
    STORE_WALKS
} store_walk;

struct veld_store {
    const veld_env *env;
    char *home;
    const veld_vault *vault;
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENTS];
    int owner_fd;      /* holds the lock of HOME/owner */
    int continuity_fd; /* HOME/continuity */
    veld_status poisoned;
    int poison_code;
    bool in_transaction;      /* of the caller, by veld_store_begin */
    veld_status write_failed; /* inside it */
    store_continuity continuity;
    store_continuity committed; /* as of the last commit: what a rollback goes back to */
    bool session_written;       /* this opening has put its session into the row */
    bool renewed;
    veld_row_id continuity_row;
    veld_p256_private signing_key;
    veld_p256_private seal_key;
    veld_p256_private former[VELD_STORE_FORMER_MAX]; /* seal keys of before, the oldest first */
    size_t former_count;
    size_t cursors;
    sqlite3_stmt *walked[STORE_WALKS]; /* of closed walks, to be walked again */
};

typedef struct store_case_key {
    uint32_t epoch;
    veld_secret key;
    veld_sealer *message; /* made at first use */
} store_case_key;

struct veld_store_case {
    veld_store *store;
    veld_id id;
    veld_row_id kase; /* keyed id of the case */
    veld_sealer *row;
    store_case_key *keys; /* by epoch, ascending */
    size_t count;
};

struct veld_store_cursor {
    veld_store *store;
    const veld_store_case *opened; /* of the walks over rows that a case sealed */
    store_walk walk;
    sqlite3_stmt *statement;
    veld_buf plain;
};

/* ---- store.c ---- */
/* store_ready: VELD_OK, or the error that poisoned the handle. */
veld_status store_ready(const veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* store_sql_fail: as sql_fail; poisons the handle where security.md 4 rule 5 asks for it. */
veld_status store_sql_fail(veld_store *store, int code, const char *what, veld_error *err);
/* store_statement: a cached statement, ready to be bound; give it back with store_statement_done.
 */
veld_status store_statement(
    veld_store *store, store_statement_id id, sqlite3_stmt **out, veld_error *err) VELD_MUST_CHECK;
void store_statement_done(sqlite3_stmt *statement);
/* store_step: *row tells whether there is one. */
veld_status store_step(
    veld_store *store, sqlite3_stmt *statement, bool *row, veld_error *err) VELD_MUST_CHECK;
/* store_run: bind the spans to 1.. and step once, for statements that give no row. */
veld_status store_run(veld_store *store, store_statement_id id, const veld_span *spans,
    size_t count, veld_error *err) VELD_MUST_CHECK;
/* store_run_with_seq: as store_run, with `seq` (not 0) bound behind the spans. */
veld_status store_run_with_seq(veld_store *store, store_statement_id id, const veld_span *spans,
    size_t count, uint64_t seq, veld_error *err) VELD_MUST_CHECK;
/* store_count: the number that a statement with one optional span gives. */
veld_status store_count(veld_store *store, store_statement_id id, const veld_span *span,
    uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* ---- transaction.c ---- */
veld_status store_write_begin(veld_store *store, bool *own, veld_error *err) VELD_MUST_CHECK;
veld_status store_write_end(
    veld_store *store, bool own, veld_status status, veld_error *err) VELD_MUST_CHECK;

/* ---- row.c ---- */
/* store_get: the body that `statement_id` finds by the row id `id`, opened and appended to `plain`.
 * Expects: VELD_E_NOT_FOUND, VELD_E_DAMAGED. */
veld_status store_get(veld_store *store, store_statement_id statement_id, const veld_sealer *sealer,
    const char *table, const veld_row_id *id, size_t least_bytes, veld_buf *plain,
    veld_error *err) VELD_MUST_CHECK;
/* store_has: does `statement_id` find the row id? */
veld_status store_has(veld_store *store, store_statement_id statement_id, const veld_row_id *id,
    bool *out, veld_error *err) VELD_MUST_CHECK;
/* store_row_id: the keyed id of `parts` in `table`. */
veld_status store_row_id(const veld_store *store, const char *table, const veld_span *parts,
    size_t count, veld_row_id *out, veld_error *err) VELD_MUST_CHECK;
/* store_case_row: the keyed id under which every table knows a case. */
veld_status store_case_row(const veld_store *store, const veld_id *case_id, veld_row_id *out,
    veld_error *err) VELD_MUST_CHECK;
veld_span store_row_span(const veld_row_id *id);
/* store_seal: seal the joined parts for {store, table, id, version of the body}, appended to `out`.
 */
veld_status store_seal(const veld_store *store, const veld_sealer *sealer, const char *table,
    veld_span id, const veld_span *parts, size_t count, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
/* store_open: open what store_seal made; VELD_E_DAMAGED when it does not open or is shorter than
 * `least_bytes`. Appends to `plain`. */
veld_status store_open(const veld_store *store, const veld_sealer *sealer, const char *table,
    veld_span id, veld_span sealed, size_t least_bytes, veld_buf *plain,
    veld_error *err) VELD_MUST_CHECK;
const veld_sealer *store_vault_row_sealer(const veld_store *store);

/* ---- connection.c ---- */
/* store_connect: open the file with every setting, read back; migrate; read who we are. */
veld_status store_connect(veld_store *store, bool create, veld_error *err) VELD_MUST_CHECK;
void store_disconnect(veld_store *store);

/* ---- schema.c ---- */
veld_status store_migrate(veld_store *store, bool create, veld_error *err) VELD_MUST_CHECK;

/* ---- own.c: the rows that say who we are ---- */
veld_status store_own_create(veld_store *store, veld_error *err) VELD_MUST_CHECK;
veld_status store_own_load(veld_store *store, veld_error *err) VELD_MUST_CHECK;

/* ---- continuity.c ---- */
/* store_continuity_create: the first incarnation, inside the creating transaction. */
veld_status store_continuity_create(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* store_continuity_load: read the row, compare with the file, renew when they do not fit. */
veld_status store_continuity_load(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* store_continuity_before_commit: put the row of the commit that follows. */
veld_status store_continuity_before_commit(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* store_continuity_after_commit: tell the file; a failure is logged only, it costs detection. */
void store_continuity_after_commit(veld_store *store);
/* store_continuity_close: sync and close the file. */
void store_continuity_close(veld_store *store);

/* ---- owner.c ---- */
veld_status store_owner_take(veld_store *store, veld_error *err) VELD_MUST_CHECK;
void store_owner_release(veld_store *store);

/* ---- cases.c ---- */
/* store_case_put: the row of a case with its summary, whether it is there or not, under a new seq:
 * that is how the index finds it. */
veld_status store_case_put(veld_store *store, const veld_id *case_id, const veld_row_id *kase,
    veld_span summary, veld_error *err) VELD_MUST_CHECK;

/* ---- values.c ---- */
/* store_value_put: as veld_store_put_value, inside a transaction of the room and in its bounds. */
veld_status store_value_put(veld_store *store, const char *group, veld_span name, veld_span body,
    veld_error *err) VELD_MUST_CHECK;

/* ---- cursor.c ---- */
veld_status store_cursor_new(veld_store *store, store_walk walk, const char *sql,
    veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
/* store_cursor_step: the next row, with the plaintext buffer emptied. */
veld_status store_cursor_step(
    veld_store_cursor *cursor, store_walk walk, bool *more, veld_error *err) VELD_MUST_CHECK;

/* ---- snapshot.c: the sealed copy of the index ---- */
/* store_snapshot_put: replace the snapshot by `image`, which covers everything up to `covered`. */
veld_status store_snapshot_put(
    veld_store *store, uint64_t covered, veld_span image, veld_error *err) VELD_MUST_CHECK;
/* store_snapshot_get: the image in memory of SQLite (sqlite3_free), or NULL and `covered` 0 when
 * there is none that opens. */
veld_status store_snapshot_get(veld_store *store, uint64_t *covered, uint8_t **image,
    size_t *image_bytes, veld_error *err) VELD_MUST_CHECK;

#endif
