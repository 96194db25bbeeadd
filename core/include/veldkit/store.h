/* store.h: everything a device keeps, sealed, in one SQLite file, HOME/store.db.
 *
 * Bodies are opaque here: what a change means is not this room's to know. Every body is sealed and
 * bound to its place; rows are found by keyed hashes; nothing on disk is readable without the vault
 * but the number and the sizes of rows.
 *
 * One process owns a store. One save is one transaction: what was acknowledged survives power loss,
 * what was not leaves nothing behind.
 *
 * After VELD_E_IO, VELD_E_FULL or VELD_E_DAMAGED from SQLite the handle is poisoned: every call
 * that touches the file returns that status until veld_store_reopen has closed, opened and verified
 * the file. An open transaction is then gone. (security.md 4, rule 5)
 *
 * Expects, all that touch the file: VELD_E_IO, VELD_E_FULL, VELD_E_DAMAGED (a row that does not
 * open, too), VELD_E_MEMORY, VELD_E_CRYPTO; below only what is particular is listed.
 * Thread:  one thread at a time per store, cursors and cases included. Source: design.md 4. */
#ifndef VELDKIT_STORE_H
#define VELDKIT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/seal.h"
#include "veldkit/status.h"
#include "veldkit/vault.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_STORE_SCHEMA = 4 };

typedef struct veld_store veld_store;

/* ---- life ---- */
/* veld_store_create: a new store beside the vault, with the device's two private keys and its first
 * incarnation, in one transaction. A file that a crash left without content is taken over.
 * Owns:    borrows `env` and `vault`, which must outlive the store; copies `home`. Close `out`.
 * Expects: VELD_E_EXISTS, VELD_E_BUSY, VELD_E_NOT_FOUND (no such folder). */
veld_status veld_store_create(const veld_env *env, const char *home, const veld_vault *vault,
    veld_store **out, veld_error *err) VELD_MUST_CHECK;

/* veld_store_open: migrates an older schema. Renews the incarnation when the file is not its own
 * continuation (see veld_store_incarnation).
 * Owns:    as above.
 * Expects: VELD_E_NOT_FOUND (no store), VELD_E_BUSY (the text names the process that has it),
 *          VELD_E_NEWER (schema), VELD_E_WRONG_DEVICE (sealed by another vault),
 *          VELD_E_UNSUPPORTED (SQLite does not take a setting we need: the text says which). */
veld_status veld_store_open(const veld_env *env, const char *home, const veld_vault *vault,
    veld_store **out, veld_error *err) VELD_MUST_CHECK;

/* veld_store_close: rolls back what is open. Cursors and cases of the store must be closed before.
 * NULL is fine. */
void veld_store_close(veld_store *store);

/* veld_store_reopen: after a poisoning error: close, open again and verify the file. Cursors must
 * be closed before; cases and the index stay valid. Also fine on a healthy store.
 * Expects: as veld_store_open. When it fails the store stays poisoned. */
veld_status veld_store_reopen(veld_store *store, veld_error *err) VELD_MUST_CHECK;

/* ---- who we are ---- */
/* Borrowed, for the life of the store. */
const veld_id *veld_store_device(const veld_store *store);
const veld_vault *veld_store_vault(const veld_store *store);
veld_p256_private *veld_store_signing_key(veld_store *store);
veld_p256_private *veld_store_seal_key(veld_store *store);

/* Keys can be changed, by an agency (agency.h). A seal key of before stays until it is forgotten,
 * at most VELD_STORE_FORMER_MAX of them, so that what is sealed to it opens.
 * veld_store_seal_key_at: 0 is the present one, then those of before, the newest first; NULL when
 * there are no more. Borrowed until the next change.
 * veld_store_change_*: in a transaction of the caller; after a rollback the store has to be closed.
 * Expects: VELD_E_LIMIT (too many former ones), as put below. */
enum { VELD_STORE_FORMER_MAX = 8 };
const veld_p256_private *veld_store_seal_key_at(const veld_store *store, size_t index);
veld_status veld_store_change_seal_key(
    veld_store *store, const veld_p256_private *next, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_change_signing_key(
    veld_store *store, const veld_p256_private *next, veld_error *err) VELD_MUST_CHECK;
/* veld_store_forget_seal_keys: all of before, for good. */
veld_status veld_store_forget_seal_keys(veld_store *store, veld_error *err) VELD_MUST_CHECK;

/* veld_store_incarnation: 8 random bytes, made with the store and renewed when it finds itself
 * restored: a copy of store.db that is older than HOME/continuity says, or one without it.
 * A copy of the whole folder looks like its original: that fork shows only at the server, which
 * then asks for veld_store_renew. Borrowed; the bytes change with a renewal. */
const uint8_t *veld_store_incarnation(const veld_store *store);
/* veld_store_was_renewed: true when this opening renewed the incarnation; tell the user. */
bool veld_store_was_renewed(const veld_store *store);
/* veld_store_renew: a new incarnation now (a fork was reported). Not inside a transaction. */
veld_status veld_store_renew(veld_store *store, veld_error *err) VELD_MUST_CHECK;

/* ---- transactions ---- */
/* Every call below that writes is a transaction of its own, durable on return, unless it stands
 * between begin and commit. Transactions do not nest. When a writing call fails between them,
 * commit rolls back and returns that call's status, except after VELD_E_EXISTS, VELD_E_NOT_FOUND
 * and VELD_E_LIMIT, which wrote nothing. */
veld_status veld_store_begin(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* veld_store_commit: on an error nothing of the transaction is stored, with one exception that no
 * store can rule out: after VELD_E_IO it is known only when the store is opened again whether the
 * disk has it all or nothing of it (veld_store_has_change tells). */
veld_status veld_store_commit(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* veld_store_rollback: never fails; does nothing when no transaction is open. A walk that is open
 * over a rollback may end with VELD_E_INTERRUPTED. */
void veld_store_rollback(veld_store *store);
/* veld_store_end: commit when `status`, of what was done since begin, is VELD_OK, else roll back;
 * what came of it all. */
veld_status veld_store_end(veld_store *store, veld_status status, veld_error *err) VELD_MUST_CHECK;
bool veld_store_in_transaction(const veld_store *store);

/* ---- cases: keys and summary ---- */
/* An opened case (a compartment): its keys, unwrapped. Owned by who opened it. */
typedef struct veld_store_case veld_store_case;

/* veld_store_put_case_key: keep the case key of (case, epoch), wrapped. The first key ever put for
 * a case also is the root of its rows at rest. Epochs count from 1. A case that is new here appears
 * in the list of cases, with an empty summary. Open handles do not see the new key.
 * Units:   `key` 32 bytes. Expects: VELD_E_EXISTS (this case has this epoch; nothing is changed).
 */
veld_status veld_store_put_case_key(veld_store *store, const veld_id *case_id, uint32_t epoch,
    veld_span key, veld_error *err) VELD_MUST_CHECK;
/* veld_store_case_open: unwrap the keys of a case.
 * Owns:    close `out` before the store.  Expects: VELD_E_NOT_FOUND (no key of this case). */
veld_status veld_store_case_open(veld_store *store, const veld_id *case_id, veld_store_case **out,
    veld_error *err) VELD_MUST_CHECK;
void veld_store_case_close(veld_store_case *opened);
const veld_id *veld_store_case_id(const veld_store_case *opened);
/* veld_store_case_epoch: get the newest epoch that we hold a key of. */
uint32_t veld_store_case_epoch(const veld_store_case *opened);
/* veld_store_case_key: get the case key of an epoch, to wrap it for another device; borrowed.
 * Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_case_key(
    const veld_store_case *opened, uint32_t epoch, veld_span *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_case_message_sealer: get the sealer for envelopes of an epoch; made at first use, kept
 * by the handle; borrowed.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_case_message_sealer(veld_store_case *opened, uint32_t epoch,
    const veld_sealer **out, veld_error *err) VELD_MUST_CHECK;

/* veld_store_put_summary: what the cases room wants to know of a case without opening it (title,
 * counts), sealed under the vault.  Units: up to VELD_STORE_BODY_BYTES_MAX.
 * Expects: VELD_E_NOT_FOUND (no such case), VELD_E_LIMIT. */
veld_status veld_store_put_summary(
    veld_store *store, const veld_id *case_id, veld_span summary, veld_error *err) VELD_MUST_CHECK;
/* veld_store_get_summary: appends to `out`; empty when none was put.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_get_summary(
    veld_store *store, const veld_id *case_id, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_store_erase_case: destroy the keys of a case and remove all rows of it, unsent ones too, and
 * the index snapshot. The write-ahead log is emptied before return, so that no old page stays.
 * Who calls it has made sure of the right to. Close handles of the case before. Not inside a
 * transaction.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_erase_case(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* ---- changes ---- */
enum { VELD_STORE_UNSENT = 1 }; /* flag: the server does not have it yet */

typedef struct veld_store_change {
    uint64_t seq;   /* order of arrival in this store, from 1, never used twice */
    veld_hash id;   /* the change id */
    veld_span body; /* borrowed until the cursor's next step or close */
} veld_store_change;

/* veld_store_put_change: append one change row, and its outbox row with VELD_STORE_UNSENT.
 * Owns:    keeps nothing of the caller's. `seq` (may be NULL) is set on success.
 * Expects: VELD_E_EXISTS (this change id is stored; nothing is changed), VELD_E_LIMIT (body over
 *          VELD_STORE_BODY_BYTES_MAX). On any error nothing is stored. */
veld_status veld_store_put_change(veld_store *store, const veld_store_case *opened,
    const veld_hash *id, veld_span body, unsigned flags, uint64_t *seq,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_has_change(
    veld_store *store, const veld_hash *id, bool *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_get_change: appends the body to `out`.
 * Expects: VELD_E_NOT_FOUND, VELD_E_DAMAGED (also: it is of another case). */
veld_status veld_store_get_change(veld_store *store, const veld_store_case *opened,
    const veld_hash *id, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_drop_changes: remove the rows of these changes; those that are in the outbox stay, and
 * ids that have none are passed over. What they said must be here otherwise, or come again. */
veld_status veld_store_drop_changes(
    veld_store *store, const veld_hash *ids, size_t count, veld_error *err) VELD_MUST_CHECK;
/* veld_store_count_changes / _count_unsent: of one case; of all cases when `case_id` is NULL. */
veld_status veld_store_count_changes(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_count_unsent(
    veld_store *store, const veld_id *case_id, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_last_seq: the highest seq given so far; 0 when none. */
uint64_t veld_store_last_seq(const veld_store *store);

/* veld_store_mark_sent: remove the outbox rows of these changes; ids that have none are passed
 * over.
 */
veld_status veld_store_mark_sent(
    veld_store *store, const veld_hash *ids, size_t count, veld_error *err) VELD_MUST_CHECK;

/* ---- the base of a case: what stands for changes that are not here any more, or never were ----
 * One for each case; opaque here, sealed by the case. */
/* veld_store_put_base: keep or replace.  Expects: VELD_E_LIMIT (VELD_STORE_BODY_BYTES_MAX).
 * veld_store_get_base: appends to `out`.  Expects: VELD_E_NOT_FOUND.
 * veld_store_drop_base: fine when there is none. */
veld_status veld_store_put_base(veld_store *store, const veld_store_case *opened, veld_span body,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_get_base(veld_store *store, const veld_store_case *opened, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_drop_base(
    veld_store *store, const veld_store_case *opened, veld_error *err) VELD_MUST_CHECK;

/* ---- cursors ---- */
/* A walk over rows. Rows that are put or removed during a walk may or may not be seen. `next` sets
 * *more to false, and nothing else, at the end. Close every cursor; NULL is fine. */
typedef struct veld_store_cursor veld_store_cursor;
void veld_store_cursor_close(veld_store_cursor *cursor);

/* The changes of a case in order of seq, those with seq > `after_seq`. `opened` must stay open. */
veld_status veld_store_changes(veld_store *store, const veld_store_case *opened, uint64_t after_seq,
    veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_changes_next(
    veld_store_cursor *cursor, bool *more, veld_store_change *out, veld_error *err) VELD_MUST_CHECK;

/* The outbox, oldest first. */
typedef struct veld_store_unsent {
    uint64_t seq;
    veld_id case_id;
    veld_hash id;
} veld_store_unsent;
veld_status veld_store_outbox(
    veld_store *store, veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_outbox_next(
    veld_store_cursor *cursor, bool *more, veld_store_unsent *out, veld_error *err) VELD_MUST_CHECK;

/* The cases of this store with their summaries, in no order that means anything. */
typedef struct veld_store_summary {
    veld_id case_id;
    veld_span summary; /* borrowed until the next step or close */
} veld_store_summary;
veld_status veld_store_cases(
    veld_store *store, veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_cases_next(veld_store_cursor *cursor, bool *more, veld_store_summary *out,
    veld_error *err) VELD_MUST_CHECK;

/* ---- drafts: what is being typed, local to the device ---- */
typedef struct veld_store_draft {
    veld_id id;
    veld_id case_id; /* zero = not of a case yet */
    veld_span body;  /* borrowed until the next step or close */
} veld_store_draft;

/* veld_store_put_draft: keep or replace a draft.  Expects: VELD_E_LIMIT. */
veld_status veld_store_put_draft(
    veld_store *store, const veld_store_draft *draft, veld_error *err) VELD_MUST_CHECK;
/* veld_store_get_draft: appends the body to `out`; `case_id` may be NULL.
 * Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_get_draft(veld_store *store, const veld_id *id, veld_id *case_id,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_delete_draft: Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_delete_draft(
    veld_store *store, const veld_id *id, veld_error *err) VELD_MUST_CHECK;
/* The drafts of a case; all drafts when `case_id` is NULL. */
veld_status veld_store_drafts(veld_store *store, const veld_id *case_id, veld_store_cursor **out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_drafts_next(
    veld_store_cursor *cursor, bool *more, veld_store_draft *out, veld_error *err) VELD_MUST_CHECK;

/* ---- values: small things under a name: counters, contacts, settings ---- */
typedef struct veld_store_value {
    veld_span name; /* both borrowed until the next step or close */
    veld_span body;
} veld_store_value;

/* veld_store_put_value: keep or replace the value `name` of `group`. The group is a constant of the
 * caller's room ("cards", "settings"); the name is any 1 to VELD_STORE_NAME_BYTES_MAX bytes.
 * Expects: VELD_E_LIMIT. */
veld_status veld_store_put_value(veld_store *store, const char *group, veld_span name,
    veld_span body, veld_error *err) VELD_MUST_CHECK;
/* veld_store_get_value: appends to `out`.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_get_value(veld_store *store, const char *group, veld_span name,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_delete_value: Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_delete_value(
    veld_store *store, const char *group, veld_span name, veld_error *err) VELD_MUST_CHECK;
/* All values of a group. */
veld_status veld_store_values(
    veld_store *store, const char *group, veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_values_next(
    veld_store_cursor *cursor, bool *more, veld_store_value *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_value_names: append the names of a group, or of what `wants` wants of it, as they are
 * now: for who changes the group while she goes over it, with veld_store_next_name from `*at` 0 on.
 * veld_store_value_ids: the same of a group whose names are ids; others are passed over. The list
 * is the caller's (veld_release). */
veld_status veld_store_value_names(veld_store *store, const char *group, void *context,
    bool (*wants)(void *context, const veld_store_value *value), veld_buf *names,
    veld_error *err) VELD_MUST_CHECK;
bool veld_store_next_name(const veld_buf *names, size_t *at, veld_span *out);
veld_status veld_store_value_ids(veld_store *store, const char *group, veld_id **out, size_t *count,
    veld_error *err) VELD_MUST_CHECK;

/* ---- access log: entries in chains, one for each device; bodies are opaque here ---- */
typedef struct veld_store_access {
    uint64_t seq; /* order of arrival; filled by a walk */
    veld_id chain;
    uint64_t number; /* on the chain, from 1 */
    veld_span body;  /* borrowed until the next step or close */
} veld_store_access;

/* What an entry is found by besides its chain. */
typedef struct veld_store_access_keys {
    veld_id case_id; /* zero: of no case */
    veld_span user;  /* empty: of nobody */
    int64_t day;     /* since 1970 */
} veld_store_access_keys;

/* veld_store_put_access: append a row; `keys` NULL: found by its chain only. Two rows with one
 * number are both kept: that is a fork, and for who reads to judge.  Expects: VELD_E_LIMIT. */
veld_status veld_store_put_access(veld_store *store, const veld_store_access *entry,
    const veld_store_access_keys *keys, veld_error *err) VELD_MUST_CHECK;
/* veld_store_trim_access: remove the rows of a chain up to `number` and keep that entry's hash, so
 * that the chain goes on from it.  veld_store_access_head: what was kept so; 0 when nothing was. */
veld_status veld_store_trim_access(veld_store *store, const veld_id *chain, uint64_t number,
    const veld_hash *hash, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_access_head(veld_store *store, const veld_id *chain, uint64_t *number,
    veld_hash *hash, veld_error *err) VELD_MUST_CHECK;
/* veld_store_count_access: rows of one chain; all when NULL. */
veld_status veld_store_count_access(
    veld_store *store, const veld_id *chain, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

typedef enum veld_store_access_by {
    VELD_STORE_ACCESS_ALL,      /* as they came */
    VELD_STORE_ACCESS_OF_CHAIN, /* `id` is the device; by number, from `from_number` on */
    VELD_STORE_ACCESS_LAST,     /* the one with the highest number of chain `id` */
    VELD_STORE_ACCESS_OF_CASE,  /* `id` is the case; as they came */
    VELD_STORE_ACCESS_OF_USER,
    VELD_STORE_ACCESS_OF_DAY,
    VELD_STORE_ACCESS_CHAINS /* the first that came of each chain */
} veld_store_access_by;
typedef struct veld_store_access_search {
    veld_store_access_by by;
    veld_id id;
    uint64_t from_number;
    veld_span user;
    int64_t day;
} veld_store_access_search;

veld_status veld_store_walk_access(veld_store *store, const veld_store_access_search *search,
    veld_store_cursor **out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_store_access_next(
    veld_store_cursor *cursor, bool *more, veld_store_access *out, veld_error *err) VELD_MUST_CHECK;

/* ---- objects: a cache of git objects, which may be dropped at any time ---- */
/* veld_store_put_object: keep an object of a case; one that is there already stays as it is. `type`
 * is the caller's number (git's: commit 1, tree 2, blob 3).  Expects: VELD_E_LIMIT. */
veld_status veld_store_put_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, uint8_t type, veld_span body, veld_error *err) VELD_MUST_CHECK;
/* veld_store_get_object: appends to `out`; `type` may be NULL.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_store_get_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, uint8_t *type, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_has_object: is it in the cache? */
veld_status veld_store_has_object(veld_store *store, const veld_store_case *opened,
    const veld_git_oid *oid, bool *out, veld_error *err) VELD_MUST_CHECK;
/* veld_store_purge_objects: of one case; of all when `case_id` is NULL. */
veld_status veld_store_purge_objects(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* ---- fsck ---- */
typedef struct veld_store_report {
    uint64_t changes, bases, unsent, cases, case_keys, drafts, values, objects, access;
    uint64_t damaged; /* rows that do not open, or pages that SQLite complains about */
} veld_store_report;

/* veld_store_fsck: check the pages, open every row and count. Goes on after a damaged row;
 * `finding` (may be NULL) is called for each with a line that names the place, never content.
 * Expects: VELD_E_DAMAGED only when the file cannot be walked at all; a damaged row is in the
 * report.
 */
veld_status veld_store_fsck(veld_store *store, veld_store_report *out,
    void (*finding)(void *context, const char *text), void *context,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
