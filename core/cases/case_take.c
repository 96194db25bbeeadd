/* Taking in what others made. Total: whatever has a valid signature is joined; a change that cannot
 * be checked is left out alone and never keeps others out. All signatures are checked before an own
 * transaction begins, since they take longest. */
#include "case_inner.h"

#include <string.h>

#include "veldkit/commit.h"
#include "veldkit/summary.h"

typedef enum verdict { JOIN, KNOWN, UNKNOWN_DEVICE, FORGED } verdict;

/* Which of the changes may be joined; fills id and git of those. */
static veld_status judge(veld_case *opened, veld_change *change, verdict *out, veld_error *err)
{
    veld_p256_public key;
    const veld_keyring *keyring = &opened->desk.keyring;
    veld_status status = veld_keyring_signer(keyring, &opened->desk.verifier, change, &key, err);
    if (status == VELD_E_NOT_FOUND) {
        *out = UNKNOWN_DEVICE;
        return VELD_OK;
    }
    if (status == VELD_OK)
        status = veld_commit_ids(change, &key, err);
    if (status == VELD_OK && veld_graph_has(opened->graph, &change->id)) {
        *out = KNOWN;
        return VELD_OK;
    }
    if (status == VELD_OK)
        status = veld_commit_verify(change, &key, &opened->desk.verifier, err);
    /* What the commit's text cannot hold was never signed in this form either. */
    if (status == VELD_E_FORGED || status == VELD_E_INVALID) {
        *out = FORGED;
        return VELD_OK;
    }
    *out = JOIN;
    return status;
}

static veld_status judge_all(veld_case *opened, veld_change *changes, size_t count,
    verdict *verdicts, veld_taken *taken, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count; i++) {
        if (!veld_id_equal(&changes[i].case_id, &opened->id))
            return veld_fail(err, VELD_E_INVALID, "change %zu is of another case", i);
        VELD_TRY(judge(opened, &changes[i], &verdicts[i], err));
        taken->known += verdicts[i] == KNOWN;
        taken->unknown_device += verdicts[i] == UNKNOWN_DEVICE;
        taken->forged += verdicts[i] == FORGED;
    }
done:
    return status;
}

/* Whether the author saw exactly what is here, so that her tree can be compared at once. */
static bool is_next(veld_case *opened, const veld_change *change)
{
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    if (heads == NULL || veld_graph_incomplete_count(opened->graph) > 0 ||
        count != change->parents_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!veld_hash_equal(&heads[i]->id, &change->parents[i].id))
            return false;
    }
    return true;
}

static int64_t best_time(const veld_case *opened)
{
    veld_change_time time;
    veld_now now = veld_env_now(opened->desk.env);
    veld_anchor_time(opened->desk.anchor, &now, &time);
    return time.hybrid_ms;
}

/* What all changes of one delivery share. */
typedef struct delivery {
    int64_t arrived_utc_ms;
    unsigned flags; /* of their rows */
} delivery;

static veld_status join(veld_case *opened, veld_change *change, const delivery *with,
    veld_taken *taken, veld_error *err)
{
    veld_status status;
    bool next = is_next(opened, change);
    change->arrived_utc_ms = with->arrived_utc_ms;
    VELD_TRY(case_put_row(opened, change, with->flags, err));
    VELD_TRY(case_join(opened, change, false, err));
    taken->added++;
    if (next) {
        veld_tree_name root;
        VELD_TRY(case_tree(opened, &root, err));
        taken->other_tree += !veld_hash_equal(&root.hash, &change->tree);
    }
done:
    return status;
}

static veld_status take(veld_case *opened, veld_change *changes, size_t count, unsigned flags,
    veld_taken *taken, veld_error *err)
{
    veld_status status;
    verdict *verdicts = NULL;
    bool own = !veld_store_in_transaction(opened->desk.store);
    *taken = (veld_taken){0};
    VELD_TRY(case_usable(opened, err));
    verdicts = veld_allocate((count + 1) * sizeof *verdicts);
    if (verdicts == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
        goto done;
    }
    VELD_TRY(judge_all(opened, changes, count, verdicts, taken, err));
    const delivery with = {.arrived_utc_ms = best_time(opened), .flags = flags};
    if (own)
        VELD_TRY(veld_store_begin(opened->desk.store, err));
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        if (verdicts[i] != JOIN)
            continue;
        if (veld_graph_has(opened->graph, &changes[i].id))
            taken->known++; /* twice in one delivery */
        else
            status = join(opened, &changes[i], &with, taken, err);
    }
    if (status == VELD_OK && taken->added > 0)
        status = veld_summary_put(opened, err);
    if (status != VELD_OK)
        case_break(opened, status);
    if (own)
        status = case_commit(opened, status, err);
done:
    if (status != VELD_OK)
        *taken = (veld_taken){0};
    veld_release(verdicts);
    return status;
}

veld_status veld_case_take(
    veld_case *opened, veld_change *changes, size_t count, veld_taken *taken, veld_error *err)
{
    return take(opened, changes, count, 0, taken, err);
}

veld_status veld_case_take_blind(
    veld_case *opened, veld_change *changes, size_t count, veld_taken *taken, veld_error *err)
{
    return take(opened, changes, count, VELD_STORE_UNSENT, taken, err);
}

/* ---- what the base holds ---- */

static veld_status keep_early(veld_case *opened, veld_change *change, veld_error *err)
{
    veld_status status;
    bool there;
    veld_p256_public key;
    const veld_keyring *keyring = &opened->desk.keyring;
    status = veld_keyring_signer(keyring, &opened->desk.verifier, change, &key, err);
    if (status == VELD_OK)
        status = veld_commit_verify(change, &key, &opened->desk.verifier, err);
    if (status == VELD_E_NOT_FOUND || status == VELD_E_FORGED || status == VELD_E_INVALID)
        return VELD_OK;
    VELD_TRY(status);
    const veld_node *node = veld_graph_get(opened->graph, &change->id);
    if (node == NULL || !node->early)
        goto done;
    VELD_TRY(veld_store_has_change(opened->desk.store, &change->id, &there, err));
    change->arrived_utc_ms = best_time(opened);
    if (!there)
        status = case_put_row(opened, change, 0, err);
done:
    return status;
}

veld_status veld_case_keep_past(
    veld_case *opened, veld_change *changes, size_t count, veld_error *err)
{
    bool own = !veld_store_in_transaction(opened->desk.store);
    veld_status status = case_usable(opened, err);
    if (status == VELD_OK && own)
        status = veld_store_begin(opened->desk.store, err);
    if (status != VELD_OK)
        return status;
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        if (veld_id_equal(&changes[i].case_id, &opened->id))
            status = keep_early(opened, &changes[i], err);
    return own ? case_commit(opened, status, err) : status;
}
