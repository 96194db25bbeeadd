/* case.h: one case (a compartment) on this device: its changes in the store, its state in memory,
 * saving, taking in what others made, and proving both.
 *
 *     open ----> save, take ----> close          the rows of the store are the truth; state, graph
 *       \           |                            and tree are made from them and kept up to date
 *        \          v
 *         <----- broken (a failed save or take: what was stored before is safe, open again)
 *
 * Saving is strict and durable: what veld_case_save acknowledged survives power loss. Taking is
 * total: a change with a valid signature is joined whatever it says.
 *
 * Expects, all that store or load: what store.h says of every call; VELD_E_MEMORY, VELD_E_CRYPTO.
 * After an error of save or take the case is broken: every call returns that status until it is
 * closed; opening it again shows what is stored.
 * Thread: one at a time for all cases of a store. Needs veld_crypto_init and veld_history_init.
 * Source: design, versions and storage. */
#ifndef VELDKIT_CASE_H
#define VELDKIT_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/anchor.h"
#include "veldkit/change.h"
#include "veldkit/edit.h"
#include "veldkit/env.h"
#include "veldkit/founder.h"
#include "veldkit/graph.h"
#include "veldkit/schema.h"
#include "veldkit/sign.h"
#include "veldkit/state.h"
#include "veldkit/store.h"
#include "veldkit/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_case veld_case;

/* Whose signature counts for a device: VELD_E_NOT_FOUND when the device is not known here. Whether
 * it may sign for this case is judged by whoever fills the keyring. */
typedef struct veld_keyring {
    void *context;
    veld_status (*find)(
        void *context, const veld_id *device, veld_p256_public *out, veld_error *err);
    /* The key that this device had before its present one (`back` 1), before that one (2), and so
     * on; VELD_E_NOT_FOUND when there is none. May be NULL. */
    veld_status (*former)(
        void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err);
} veld_keyring;

/* veld_keyring_signer: the key with which its device signed this change, of those that it had: the
 * change's name for git depends on it. When none fits it is the present one.
 * Expects: as `find`; VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_keyring_signer(const veld_keyring *keyring, const veld_verifier *verifier,
    const veld_change *change, veld_p256_public *out, veld_error *err) VELD_MUST_CHECK;

/* veld_keyring_is_former: did its device sign this change with a key that it has no more? Who has
 * such a key can still sign with it, so what comes in now by it needs another's word.
 * Expects: as veld_keyring_signer; a device that is not known has no former key. */
veld_status veld_keyring_is_former(const veld_keyring *keyring, const veld_verifier *verifier,
    const veld_change *change, bool *out, veld_error *err) VELD_MUST_CHECK;

/* Who is told when a case is opened or saved: the access log of the person who asked for it. What
 * an engine does by itself (exchange, checking the store) is done on a desk without one.
 * opened: before an opened case is handed out, and when it could not be opened (`outcome`).
 * saving: inside the transaction of a save. An error of either is the error of the call. */
typedef struct veld_case_watch {
    void *context;
    veld_status (*opened)(
        void *context, const veld_id *case_id, veld_status outcome, veld_error *err);
    veld_status (*saving)(void *context, const veld_id *case_id, bool founded, veld_error *err);
} veld_case_watch;

/* Where the cases of one vault live. All is borrowed and must outlive the cases. */
typedef struct veld_desk {
    const veld_env *env;
    veld_store *store;
    veld_signer signer; /* the device's own */
    veld_verifier verifier;
    veld_keyring keyring; /* knows the own device too */
    const veld_schema_set *schemas;
    const veld_anchor *anchor;      /* server time, for saving; NULL: none was ever seen */
    const veld_p256_public *office; /* the agency's seal key, for blind.h; NULL: of no agency */
    veld_case_watch watch;          /* all NULL: nobody is told */
} veld_desk;

/* veld_desk_quiet: the same desk, and nobody is told: for work that shows nothing to a person. */
veld_desk veld_desk_quiet(const veld_desk *desk);

/* ---- life ---- */
/* veld_case_found: a new case: a fresh key for epoch 1 and the first change, in one transaction.
 * `case_id` is one of veld_founder_new_id (founder.h) for the desk's device.
 * Owns:    close `out`; NULL on error, and nothing is stored then.
 * Expects: VELD_E_INVALID (no edits, or an id that is not of this device), as veld_case_save. */
veld_status veld_case_found(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_error *err) VELD_MUST_CHECK;

/* veld_case_open: read and join all changes of the case.
 * Owns:    close `out`.
 * Expects: VELD_E_NOT_FOUND (no key of this case), VELD_E_DAMAGED (a row that does not open, or
 *          does not say what a row says). */
veld_status veld_case_open(const veld_desk *desk, const veld_id *case_id, veld_case **out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_case_close: wipes what was readable. NULL is fine. */
void veld_case_close(veld_case *opened);

const veld_id *veld_case_id(const veld_case *opened);
const veld_desk *veld_case_desk(const veld_case *opened);
veld_store_case *veld_case_keys(veld_case *opened);
/* veld_case_state / veld_case_graph: get what is joined now; borrowed, read only but for the
 * listings that sort on demand. */
veld_state *veld_case_state(veld_case *opened);
/* veld_case_schemas: those of the desk, borrowed. */
const veld_schema_set *veld_case_schemas(const veld_case *opened);
veld_graph *veld_case_graph(veld_case *opened);

/* veld_case_state_id: the hash of the tree of all that is joined: equal on replicas that hold the
 * same changes. */
veld_status veld_case_state_id(veld_case *opened, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* ---- the base: what stands for changes whose rows are not here ---- */
typedef struct veld_case_base {
    uint64_t changes; /* that it stands for */
    int64_t utc_ms;   /* when it was made */
    bool
        from_agency; /* the case began here with the agency's checkpoint; else it was folded here */
    veld_hash state_id; /* of the base */
} veld_case_base;

/* veld_case_get_base: borrowed; NULL when all changes of the case are here as rows. */
const veld_case_base *veld_case_get_base(const veld_case *opened);

/* veld_case_set_base: a checkpoint that was proved to be what the agency signed (`signed_by`) is
 * the base from now on; rows that are here are joined to it. Afterwards close the case.
 * veld_case_base_proof: what was signed of the base (nothing of one that was folded here), and its
 * checkpoint, appended; it holds case content: wipe it.  Expects: VELD_E_NOT_FOUND (no base). */
veld_status veld_case_set_base(veld_case *opened, const veld_case_base *base, veld_span signed_by,
    veld_span checkpoint, veld_error *err) VELD_MUST_CHECK;
veld_status veld_case_base_proof(
    veld_case *opened, veld_buf *signed_by, veld_buf *checkpoint, veld_error *err) VELD_MUST_CHECK;

/* veld_case_keep_past: of changes that the base holds, those whose signatures fit are kept as rows
 * beside it; others are passed over. One transaction, or part of the caller's.
 * veld_case_unfold: all changes of the base are here as rows: without it the case is the same, so
 * the base goes. Afterwards the case is stale: close it.
 * Expects: unfolding VELD_E_DAMAGED (it would be another case; nothing is changed then). */
veld_status veld_case_keep_past(
    veld_case *opened, veld_change *changes, size_t count, veld_error *err) VELD_MUST_CHECK;
veld_status veld_case_unfold(veld_case *opened, veld_error *err) VELD_MUST_CHECK;

/* veld_case_fold: replace the rows of these changes (ids rising, each with its whole past among
 * them or in the base) by a checkpoint, in one transaction. Kept besides what checkpoint.h says is
 * each write that a change that stays names. It is proved before anything is dropped that base and
 * the rest give the same state. Rows in the outbox stay. Afterwards the case is stale: close it.
 * Expects: VELD_E_INVALID (a past that is not whole), VELD_E_LIMIT (the base would not fit a row),
 *          VELD_E_DAMAGED (it would not be the same): nothing is changed then. */
veld_status veld_case_fold(veld_case *opened, const veld_hash *ids, size_t count, int64_t utc_ms,
    veld_error *err) VELD_MUST_CHECK;

/* ---- saving ---- */
/* veld_case_save: cut one change from `edits` (already checked against the schema), sign it and
 * store it with its outbox row in one transaction. Each write replaces exactly what is visible on
 * its field now. Edits that change nothing are left out; when none is left nothing is stored and
 * `change` is all zero.
 * Owns:    keeps nothing of the caller's. `change` gets the id.
 * Expects: VELD_E_LIMIT (more than VELD_CHANGE_WRITES_MAX writes), VELD_E_NOT_FOUND (removing or
 *          restoring a record that is not there; a case of which only the key is here: who saves
 *          into it would pass for its founder), what the signer returns. */
veld_status veld_case_save(veld_case *opened, const veld_edit *edits, size_t count,
    veld_hash *change, veld_error *err) VELD_MUST_CHECK;

/* ---- taking in ---- */
typedef struct veld_taken {
    size_t added;
    size_t known;          /* were here already */
    size_t other_tree;     /* joined, but the author's tree is not what follows from its past */
    size_t unknown_device; /* left out: no key for the device; offer them again later */
    size_t forged;         /* left out: the signature does not fit */
} veld_taken;

/* veld_case_take: join changes that came from elsewhere, in any order, in one transaction: its own,
 * or the caller's that is open, who then ends it and closes the case when it did not go through.
 * One bad change never keeps the others out. `changes` need all that travels; id, git and the time
 * of arrival are filled here.
 * Expects: VELD_E_INVALID (a change of another case). */
veld_status veld_case_take(veld_case *opened, veld_change *changes, size_t count, veld_taken *taken,
    veld_error *err) VELD_MUST_CHECK;
/* veld_case_take_blind: the same at the agency for changes that were sealed to it: what is added
 * goes into the outbox too, so that it is sealed again for those who have the case. */
veld_status veld_case_take_blind(veld_case *opened, veld_change *changes, size_t count,
    veld_taken *taken, veld_error *err) VELD_MUST_CHECK;

/* ---- history ---- */
/* One step of a replay: the change, and what its author had before the eyes with it. All borrowed
 * for the call. */
typedef struct veld_replay_step {
    const veld_change *change;
    veld_state *state;
    veld_tree *tree;
    bool whole_past; /* false: parents are missing, so the author's tree cannot be known */
} veld_replay_step;

/* Called for the file of each record that differs from the step before, then once for the step; of
 * a step without its whole past no file is told. Any other status than VELD_OK ends the replay.
 * `file` may be NULL. */
typedef struct veld_replay {
    void *context;
    veld_status (*file)(void *context, const veld_state_record *record, veld_span bytes,
        veld_tree_name *name, veld_error *err);
    veld_status (*step)(void *context, const veld_replay_step *step, veld_error *err);
} veld_replay;

/* veld_case_replay: go through all changes, parents first, one line of history after the other.
 * Cost: as long as history is a line, that of the changes; where lines meet or part, the state is
 * made anew from the line's past. */
veld_status veld_case_replay(
    veld_case *opened, const veld_replay *replay, veld_error *err) VELD_MUST_CHECK;

/* veld_case_change: one stored change.
 * Owns:    lives in `arena`.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_case_change(veld_case *opened, const veld_hash *id, veld_arena *arena,
    veld_change *out, veld_error *err) VELD_MUST_CHECK;
/* veld_case_find_change: by the first hex digits of its id (4 or more).
 * Expects: VELD_E_NOT_FOUND, VELD_E_INVALID (more than one begins so), VELD_E_FORM. */
veld_status veld_case_find_change(
    veld_case *opened, veld_span prefix, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_case_state_at: the state that the author of a change had with it: its past and itself.
 * Owns:    the caller frees `out`.
 * Expects: VELD_E_NOT_FOUND, VELD_E_STALE (of its past only a base is here that it did not have
 *          before it as a whole). */
veld_status veld_case_state_at(
    veld_case *opened, const veld_hash *change, veld_state **out, veld_error *err) VELD_MUST_CHECK;

/* veld_case_export: the case as a plain git repository (export.h says what is in it). Changes
 * without their whole past here lie apart in it. Left out, one by one, are those of a device that
 * is not known, and those whose author claimed another tree than follows from the past
 * (veld_case_verify names them). Changes that follow on one of them are kept as in a shallow clone,
 * and so are those that follow on the base; what it stands for is not in the repository. `out` (may
 * be NULL) counts them. Expects: as veld_export_open; VELD_E_NOT_FOUND (nothing is left to export).
 */
typedef struct veld_exported {
    size_t apart;
    size_t left_out;
} veld_exported;
veld_status veld_case_export(
    veld_case *opened, const char *dir, veld_exported *out, veld_error *err) VELD_MUST_CHECK;

typedef struct veld_proof {
    size_t changes;
    size_t signatures; /* that fit */
    size_t trees;      /* that follow from their past */
    size_t partial;    /* changes without their whole past: tree not checked */
    size_t before;     /* changes that the base stands for: nothing of them can be checked here */
    size_t findings;
} veld_proof;

/* veld_case_verify: check every signature and every tree again, from the rows up. `finding` (may be
 * NULL) gets a line with ids for each that does not fit.
 * Expects: nothing of what is found: that is in `out`. */
veld_status veld_case_verify(veld_case *opened, veld_proof *out,
    void (*finding)(void *context, const char *text), void *context,
    veld_error *err) VELD_MUST_CHECK;

/* veld_case_rebuild: check every row of the case against its author's signature, believing none of
 * the names that are kept beside it, and drop those of other devices that do not fit, so that they
 * can be fetched again. Close the case before and open it again afterwards.
 * Expects: VELD_E_NOT_FOUND (no key of this case), VELD_E_DAMAGED (a row that does not open). */
veld_status veld_case_rebuild(const veld_desk *desk, const veld_id *case_id, size_t *dropped,
    veld_error *err) VELD_MUST_CHECK;

/* ---- drafts ---- */
/* veld_case_put_draft: keep what is being typed, durable on return; `draft` names it, and putting
 * it again replaces it.  Expects: VELD_E_LIMIT. */
veld_status veld_case_put_draft(veld_case *opened, const veld_id *draft, const veld_edit *edits,
    size_t count, veld_error *err) VELD_MUST_CHECK;
/* veld_case_get_draft: what was kept.  Owns: `edits` live in `arena`.  Expects: VELD_E_NOT_FOUND.
 */
veld_status veld_case_get_draft(veld_case *opened, const veld_id *draft, veld_arena *arena,
    veld_edit **edits, size_t *count, veld_error *err) VELD_MUST_CHECK;
/* veld_case_cut_draft: save the draft as one change and remove it, in one transaction. */
veld_status veld_case_cut_draft(
    veld_case *opened, const veld_id *draft, veld_hash *change, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
