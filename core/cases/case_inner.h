/* case_inner.h: what is behind an opened case, shared by the files that open, save, take, replay
 * and prove. */
#ifndef VELD_CASES_CASE_INNER_H
#define VELD_CASES_CASE_INNER_H

#include "map.h"
#include "veldkit/arena.h"
#include "veldkit/case.h"

struct veld_case {
    veld_desk desk;
    veld_id id;
    veld_store_case *keys;
    veld_state *state;
    veld_graph *graph;
    veld_tree *tree; /* lags behind the state by its dirty records */
    veld_status broken;

    /* what came with a checkpoint; its heads are those it had */
    bool has_base;
    veld_case_base base;
    veld_hash *base_heads;
    size_t base_heads_count;

    /* the own chain */
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t last_number;

    /* the highest hybrid clock seen in the case */
    int64_t hybrid_ms;
    uint32_t hybrid_count;
    int64_t newest_utc_ms; /* wall time of the change that set it */
};

/* case_new: an opened case without changes. Owns `keys`, also on failure. */
veld_status case_new(const veld_desk *desk, const veld_id *case_id, veld_store_case *keys,
    veld_case **out, veld_error *err) VELD_MUST_CHECK;

/* case_usable: the status that made the case unusable, or VELD_OK. */
veld_status case_usable(const veld_case *opened, veld_error *err) VELD_MUST_CHECK;
/* case_begun: usable, and with a change to go on from. */
veld_status case_begun(const veld_case *opened, veld_error *err) VELD_MUST_CHECK;
/* case_break: the memory no longer says what the store says; nothing is done with it any more. */
veld_status case_break(veld_case *opened, veld_status status);

/* case_join: a change that is stored joins state, graph, chain and clock. `applied`: the state has
 * it already. */
veld_status case_join(
    veld_case *opened, const veld_change *change, bool applied, veld_error *err) VELD_MUST_CHECK;

/* ---- case_base.c ---- */
/* case_load_base: begin the case with its base, when it has one. case_base_state: the state of the
 * base alone, for who goes through what came after it; the caller frees it. */
veld_status case_load_base(veld_case *opened, veld_error *err) VELD_MUST_CHECK;
veld_status case_base_state(veld_case *opened, veld_state **out, veld_error *err) VELD_MUST_CHECK;
/* case_put_base: inside a transaction. `signed_by` is empty for a base of this device. */
veld_status case_put_base(veld_case *opened, const veld_case_base *base, veld_span signed_by,
    veld_span checkpoint, veld_error *err) VELD_MUST_CHECK;
void case_note_chain(veld_case *opened, const veld_id *device,
    const uint8_t incarnation[VELD_INCARNATION_BYTES], uint64_t number);
void case_note_clock(veld_case *opened, const veld_change_time *time);

/* case_put_row: the change's row. Inside a transaction. */
veld_status case_put_row(
    veld_case *opened, const veld_change *change, unsigned flags, veld_error *err) VELD_MUST_CHECK;

/* case_writes: what `edits` write on the case as it stands, into `change`, from `arena`. Edits that
 * change nothing write nothing. */
veld_status case_writes(veld_case *opened, veld_arena *arena, const veld_edit *edits, size_t count,
    veld_change *change, veld_error *err) VELD_MUST_CHECK;

/* case_save_row: cut, join and store one change of `edits`; a transaction is open. `id` is zero
 * when the edits change nothing. case_commit: end that transaction, well or, after a failure, not.
 */
veld_status case_save_row(veld_case *opened, const veld_edit *edits, size_t count, veld_hash *id,
    veld_error *err) VELD_MUST_CHECK;
/* case_found_row: key and first change of a new case, inside a transaction. Close `out` whatever is
 * returned.  Expects: VELD_E_INVALID (no edits), as veld_case_save. */
veld_status case_found_row(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_hash *change, veld_error *err) VELD_MUST_CHECK;
veld_status case_commit(veld_case *opened, veld_status status, veld_error *err) VELD_MUST_CHECK;

/* case_tree: bring the tree up to the state. */
veld_status case_tree(veld_case *opened, veld_tree_name *root, veld_error *err) VELD_MUST_CHECK;

/* tree_follow: put the files of the records that changed in `state` into `tree`. `replay` may be
 * NULL, or name each file. */
veld_status tree_follow(
    veld_state *state, veld_tree *tree, const veld_replay *replay, veld_error *err) VELD_MUST_CHECK;

/* All changes of a case in memory, for what needs to go through history. */
typedef struct case_changes {
    veld_arena arena;
    map by_id; /* change id -> veld_change */
} case_changes;

veld_status case_changes_load(
    veld_case *opened, case_changes *out, veld_error *err) VELD_MUST_CHECK;
void case_changes_release(case_changes *changes);
const veld_change *case_changes_get(const case_changes *changes, const veld_hash *id);

/* case_past_state: a new state of the past of `nodes` (and of themselves). The caller frees. */
veld_status case_past_state(veld_case *opened, const case_changes *changes,
    const veld_node *const *nodes, size_t count, veld_state **out, veld_error *err) VELD_MUST_CHECK;

#endif
