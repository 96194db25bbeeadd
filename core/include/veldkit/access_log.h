/* access_log.h: writing the access log of a device, and what is judged of the chains that came in.
 *
 *   begin(what is being done) ----> cases are opened, saved ----> flush ----> the answer is given
 *
 * A program begins once for each thing that a person does, hands the log's watch to its desk, and
 * flushes before it answers. Which cases were read or changed is then told by where they are opened
 * and saved, and no part of a program can forget it. Lines wait in memory: those of a save lie in
 * the save's own transaction, all others in one at the flush. So a line is on the disk before
 * anybody sees what it is about, and a read costs one small insert. What cannot be logged is not
 * answered. A scope that lets content leave before its end (`at_once`) is flushed at each opening.
 *
 * Expects, all that store: as store.h; VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread: as the store. Source: security.md 4, rule 9; core/DESIGN.md, "Access log". */
#ifndef VELDKIT_ACCESS_LOG_H
#define VELDKIT_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/access.h"
#include "veldkit/anchor.h"
#include "veldkit/case.h"
#include "veldkit/limits.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_access_log veld_access_log;

/* All is borrowed and must outlive the log. */
typedef struct veld_access_config {
    const veld_env *env;
    veld_store *store;
    const veld_anchor *anchor; /* NULL: the device's own clock is the agency's */
    bool is_office;            /* entries are found by case, user and day, and are never trimmed */
    /* by_emergency: is the case here by the right of an emergency, and why? Its lines say so then,
     * with that reason. NULL: never. */
    void *context;
    veld_status (*by_emergency)(void *context, const veld_id *case_id, bool *out,
        char reason[VELD_ACCESS_REASON_BYTES_MAX + 1], veld_error *err);
} veld_access_config;

/* veld_access_log_new: Owns: free with veld_access_log_free (what waits is dropped); NULL is fine.
 */
veld_status veld_access_log_new(
    const veld_access_config *config, veld_access_log **out, veld_error *err) VELD_MUST_CHECK;
void veld_access_log_free(veld_access_log *log);
/* veld_access_log_watch: for a desk (case.h). */
veld_case_watch veld_access_log_watch(veld_access_log *log);

/* What is being done, and by whom. Texts are copied; longer ones are cut. */
typedef struct veld_access_scope {
    const char *event; /* the verb */
    const char *user;
    uint8_t kind; /* of opening a case: VELD_ACCESS_READ, _EXPORT, _TRANSFER, ... */
    veld_access_basis basis;
    const char *reason; /* may be NULL */
    bool at_once;       /* content leaves before the scope ends */
} veld_access_scope;

/* veld_access_begin: what still waits is of a scope that could not be logged and so was not
 * answered: it is dropped. */
void veld_access_begin(veld_access_log *log, const veld_access_scope *scope);
/* veld_access_end: the answer was given or refused; what is opened until the next begin is opened
 * by the program for itself and is nobody's reading. So it is before the first begin. */
void veld_access_end(veld_access_log *log);

/* veld_access_add: a line that no case's opening tells: a search, a login, a key that was given.
 * `case_id` and `subject` may be NULL. Nothing is stored before the flush. The same twice in one
 * scope is one line.  Expects: VELD_E_MEMORY; of a full list as veld_access_flush. */
veld_status veld_access_add(veld_access_log *log, uint8_t kind, const veld_id *case_id,
    const veld_id *subject, veld_error *err) VELD_MUST_CHECK;
/* veld_access_add_failed: the same for what did not go as it should. */
veld_status veld_access_add_failed(
    veld_access_log *log, uint8_t kind, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* veld_access_add_refused: the same for who was not let in or may not; what it was about was not
 * looked at. */
veld_status veld_access_add_refused(
    veld_access_log *log, uint8_t kind, veld_error *err) VELD_MUST_CHECK;
/* veld_access_flush: store what waits, durable on return. Inside a transaction of the caller it
 * joins that one; call it again after the commit.
 * Expects: on an error all that waited waits still. */
veld_status veld_access_flush(veld_access_log *log, veld_error *err) VELD_MUST_CHECK;

/* veld_access_tail: the last entry of a chain: 0 and zero when it has none. */
veld_status veld_access_tail(veld_store *store, const veld_id *chain, uint64_t *number,
    veld_hash *hash, veld_error *err) VELD_MUST_CHECK;

/* ---- what came from others ---- */
/* veld_access_keep: store an entry of another device, found by all its keys; `*is_new` is false
 * when these bytes are here already.  Expects: VELD_E_FORM and what else decoding gives. */
veld_status veld_access_keep(
    veld_store *store, veld_span entry, bool *is_new, veld_error *err) VELD_MUST_CHECK;

typedef enum veld_access_fault_kind {
    VELD_ACCESS_GAP = 1,  /* entries from `number` to `until` are missing */
    VELD_ACCESS_FORK,     /* two entries have this number */
    VELD_ACCESS_LINK,     /* the entry does not name the hash of the one before it */
    VELD_ACCESS_RESTORED, /* a chain that was set back went on from here: a new incarnation took
                             numbers again */
    VELD_ACCESS_DAMAGED   /* the row does not open, or says another place than its own */
} veld_access_fault_kind;

typedef struct veld_access_fault {
    veld_access_fault_kind kind;
    veld_id device;
    uint64_t number;
    uint64_t until;
} veld_access_fault;

typedef struct veld_access_proof {
    uint64_t chains, entries, faults;
} veld_access_proof;

/* One chain as it was found. */
typedef struct veld_access_chain {
    veld_id device;
    uint64_t first, last; /* numbers */
    veld_hash head;       /* of the last */
    uint64_t entries, faults;
} veld_access_chain;

/* What a check tells; either may be NULL. Another status than VELD_OK ends the check. */
typedef struct veld_access_checker {
    void *context;
    veld_status (*fault)(void *context, const veld_access_fault *fault, veld_error *err);
    veld_status (*chain)(void *context, const veld_access_chain *chain, veld_error *err);
} veld_access_checker;

/* veld_access_check: every chain from its first entry here to its last: numbers, hashes, forms. A
 * chain that was trimmed begins where its kept head ends. Memory: one entry at a time.
 * Expects: nothing of what is found: that is told. */
veld_status veld_access_check(veld_store *store, const veld_access_checker *checker,
    veld_access_proof *out, veld_error *err) VELD_MUST_CHECK;

/* ---- looking ---- */
typedef struct veld_access_query {
    const veld_id *cases; /* one of these, each once; NULL: any */
    size_t cases_count;
    veld_id device;            /* zero: any */
    const char *user;          /* NULL: anybody */
    uint8_t kind;              /* 0: any */
    int64_t from_ms, until_ms; /* by the best time the device knew; until is not included */
    size_t limit;              /* at most so many, the newest */
} veld_access_query;

typedef struct veld_access_found {
    veld_access_entry entry; /* views into `bytes` */
    veld_span bytes;
    uint64_t seq;
} veld_access_found;

/* veld_access_fits: is the entry one of what is asked for? The limit does not count. */
bool veld_access_fits(const veld_access_query *query, const veld_access_entry *entry);
/* veld_access_find: what fits, oldest first; `*all` counts what fits beyond the limit too. It goes
 * by the narrowest of case, device, user, and days when they are few; else over all.
 * Owns:    `found` lives in `arena`, at most `limit` of VELD_ACCESS_ENTRY_BYTES_MAX each.
 * Expects: VELD_E_MEMORY when the arena is full; a row that does not open is passed over and
 *          counted in `damaged`. */
veld_status veld_access_find(veld_store *store, const veld_access_query *query, veld_arena *arena,
    veld_access_found **found, size_t *count, uint64_t *all, uint64_t *damaged,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
