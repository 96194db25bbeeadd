/* Saving: writes become one signed change, the change becomes one durable row. Others decide how
 * many heads there are: where one change cannot name them all, it names as many as it can. */
#include "case_inner.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/summary.h"

/* The heads, or as many as a change can name: the others are left for the next one. */
static veld_status set_parents(
    veld_case *opened, veld_arena *arena, veld_change *change, veld_error *err)
{
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    if (count > VELD_CHANGE_PARENTS_MAX)
        count = VELD_CHANGE_PARENTS_MAX;
    veld_parent *parents = veld_arena_get(arena, count, sizeof *parents);
    if (heads == NULL || parents == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu parents", count);
    change->commit_utc_s = veld_commit_author_s(change->time.wall_utc_ms);
    for (size_t i = 0; i < count; i++) {
        parents[i] = (veld_parent){.id = heads[i]->id, .git = heads[i]->git};
        if (heads[i]->commit_utc_s > change->commit_utc_s)
            change->commit_utc_s = heads[i]->commit_utc_s;
    }
    change->parents = parents;
    change->parents_count = count;
    return VELD_OK;
}

/* What is known of the time, and the last log of the server that was seen. The hybrid clock never
 * goes back within a case. */
static void set_time(const veld_case *opened, veld_change *change)
{
    const veld_anchor *anchor = opened->desk.anchor;
    veld_now now = veld_env_now(opened->desk.env);
    veld_change_time *time = &change->time;
    veld_anchor_time(anchor, &now, time);
    if (anchor != NULL) {
        change->log_size = anchor->log_size;
        change->log_root = anchor->log_root;
    }
    if (time->hybrid_ms > opened->hybrid_ms)
        return;
    /* Somebody said so: then the next ms, and at the end of all time no further. */
    bool full = opened->hybrid_count == UINT32_MAX;
    bool last = full && opened->hybrid_ms >= VELD_CHANGE_TIME_MS_MAX;
    time->hybrid_ms = opened->hybrid_ms + (full && !last ? 1 : 0);
    time->hybrid_count = last ? UINT32_MAX : full ? 0 : opened->hybrid_count + 1;
}

/* The author's tree when not all that is here is in the change's past: some lack their own past and
 * cannot be parents yet, or there are too many heads. It is that of the parents and this change. */
static veld_status tree_of_parents(
    veld_case *opened, const veld_change *change, veld_tree_name *root, veld_error *err)
{
    veld_status status;
    case_changes changes = {0};
    veld_state *state = NULL;
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    veld_tree *tree = veld_tree_new();
    if (heads == NULL || tree == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
        goto done;
    }
    VELD_TRY(case_changes_load(opened, &changes, err));
    VELD_TRY(case_past_state(opened, &changes, heads, change->parents_count, &state, err));
    VELD_TRY(veld_state_apply(state, change, NULL, err));
    VELD_TRY(tree_follow(state, tree, NULL, err));
    VELD_TRY(veld_tree_root(tree, root, err));
done:
    veld_tree_free(tree);
    veld_state_free(state);
    case_changes_release(&changes);
    return status;
}

/* Whether all that is here is in the past of the change. */
static bool sees_all(veld_case *opened, const veld_change *change)
{
    size_t count;
    return veld_graph_incomplete_count(opened->graph) == 0 &&
           veld_graph_heads(opened->graph, &count) != NULL && count == change->parents_count;
}

/* Everything of the change but its writes, then its tree and signature. `applied` tells whether the
 * case's state has it already. */
static veld_status finish_change(
    veld_case *opened, veld_arena *arena, veld_change *change, bool *applied, veld_error *err)
{
    veld_status status;
    veld_tree_name root;
    change->format = VELD_CHANGE_FORMAT;
    change->case_id = opened->id;
    change->device = *veld_store_device(opened->desk.store);
    memcpy(change->incarnation, opened->incarnation, sizeof change->incarnation);
    change->number = opened->last_number + 1;
    set_time(opened, change);
    VELD_TRY(set_parents(opened, arena, change, err));
    VELD_TRY(veld_env_random(opened->desk.env, change->salt, sizeof change->salt, err));
    VELD_TRY(veld_change_check_form(change, err));
    VELD_TRY(veld_change_derive(change, err));
    *applied = sees_all(opened, change);
    if (*applied) {
        VELD_TRY(veld_state_apply(opened->state, change, NULL, err));
        VELD_TRY(case_tree(opened, &root, err));
    } else {
        VELD_TRY(tree_of_parents(opened, change, &root, err));
    }
    change->tree_git = root.git;
    change->tree = root.hash;
    VELD_TRY(veld_commit_sign(change, &opened->desk.signer, err));
    if (*applied)
        veld_state_name(opened->state, &change->core, &change->id);
done:
    return status;
}

/* A restored store goes on under a new incarnation, with a chain of its own. */
static void follow_incarnation(veld_case *opened)
{
    const uint8_t *now = veld_store_incarnation(opened->desk.store);
    if (memcmp(opened->incarnation, now, sizeof opened->incarnation) == 0)
        return;
    memcpy(opened->incarnation, now, sizeof opened->incarnation);
    opened->last_number = 0;
}

veld_status case_save_row(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *id, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_change change = {0};
    bool applied = false;
    *id = (veld_hash){0};
    VELD_ASSERT(veld_store_in_transaction(opened->desk.store));
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    follow_incarnation(opened);
    VELD_TRY(case_writes(opened, &arena, edits, count, &change, err));
    if (change.writes_count == 0)
        goto done;
    status = finish_change(opened, &arena, &change, &applied, err);
    if (status == VELD_OK)
        status = case_join(opened, &change, applied, err);
    if (status == VELD_OK)
        status = case_put_row(opened, &change, VELD_STORE_UNSENT, err);
    if (status == VELD_OK)
        status = veld_summary_put(opened, err);
    if (status == VELD_OK && opened->desk.watch.saving != NULL)
        status = opened->desk.watch.saving(opened->desk.watch.context, &opened->id,
            change.number == 1 && change.parents_count == 0, err);
    if (status != VELD_OK)
        case_break(opened, status);
    else
        *id = change.id;
done:
    veld_arena_release(&arena);
    return status;
}

veld_status case_commit(veld_case *opened, veld_status status, veld_error *err)
{
    veld_store *store = opened->desk.store;
    if (status != VELD_OK) {
        veld_store_rollback(store);
        return status;
    }
    status = veld_store_commit(store, err);
    return status == VELD_OK ? status : case_break(opened, status);
}

veld_status veld_case_save(
    veld_case *opened, const veld_edit *edits, size_t count, veld_hash *change, veld_error *err)
{
    veld_status status;
    *change = (veld_hash){0};
    VELD_TRY(case_begun(opened, err));
    VELD_TRY(veld_store_begin(opened->desk.store, err));
    status = case_save_row(opened, edits, count, change, err);
    status = case_commit(opened, status, err);
    if (status != VELD_OK)
        *change = (veld_hash){0};
done:
    return status;
}

veld_status case_found_row(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_hash *change, veld_error *err)
{
    veld_status status;
    bool is_ours;
    veld_store_case *keys = NULL;
    veld_secret key;
    status = veld_founder_fits(case_id, veld_store_device(desk->store), &is_ours, err);
    if (status != VELD_OK)
        return status;
    if (!is_ours)
        return veld_fail(err, VELD_E_INVALID, "this id is not of a case that is founded here");
    status = veld_secret_init(&key, VELD_SEAL_KEY_BYTES);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a key");
    VELD_TRY(veld_env_random(desk->env, key.data, key.len, err));
    VELD_TRY(veld_store_put_case_key(desk->store, case_id, 1, veld_secret_span(&key), err));
    VELD_TRY(veld_store_case_open(desk->store, case_id, &keys, err));
    VELD_TRY(case_new(desk, case_id, keys, out, err));
    VELD_TRY(case_save_row(*out, edits, count, change, err));
    if (veld_hash_is_zero(change))
        status = veld_fail(err, VELD_E_INVALID, "a case begins with a record that says something");
done:
    veld_secret_release(&key);
    return status;
}

veld_status veld_case_found(const veld_desk *desk, const veld_id *case_id, const veld_edit *edits,
    size_t count, veld_case **out, veld_error *err)
{
    veld_status status;
    veld_hash change;
    *out = NULL;
    VELD_TRY(veld_store_begin(desk->store, err));
    status = case_found_row(desk, case_id, edits, count, out, &change, err);
    status = veld_store_end(desk->store, status, err);
    if (status != VELD_OK) {
        veld_case_close(*out);
        *out = NULL;
    }
done:
    return status;
}
