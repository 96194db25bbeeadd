/* Proof: the case as a repository that stock tools can check, and our own check of every signature
 * and every tree from the rows up. */
#include "case_inner.h"

#include <stdio.h>
#include <string.h>

#include "veldkit/commit.h"
#include "veldkit/export.h"
#include "veldkit/limits.h"

/* ---- export ---- */

typedef struct exporter {
    const veld_desk *desk;
    veld_export *export_;
    veld_exported done;
} exporter;

static veld_status export_file(void *context, const veld_state_record *record, veld_span bytes,
    veld_tree_name *name, veld_error *err)
{
    (void)record;
    return veld_export_blob(((exporter *)context)->export_, bytes, name, err);
}

/* Its tree is what follows from its past, and is given to the export. */
static veld_status export_tree(
    exporter *to, const veld_replay_step *step, bool *fits, veld_error *err)
{
    veld_tree_name root;
    veld_status status = veld_tree_root(step->tree, &root, err);
    *fits = status == VELD_OK && veld_hash_equal(&root.hash, &step->change->tree) &&
            memcmp(&root.git, &step->change->tree_git, sizeof root.git) == 0;
    return *fits ? veld_export_tree(to->export_, step->tree, err) : status;
}

static veld_status export_step(void *context, const veld_replay_step *step, veld_error *err)
{
    exporter *to = context;
    bool fits = true;
    veld_p256_public key;
    veld_status status =
        veld_keyring_signer(&to->desk->keyring, &to->desk->verifier, step->change, &key, err);
    bool is_known = status != VELD_E_NOT_FOUND;
    if (is_known)
        VELD_TRY(status);
    if (is_known && step->whole_past)
        VELD_TRY(export_tree(to, step, &fits, err));
    status = VELD_OK;
    if (!is_known || !fits) {
        to->done.left_out++;
    } else if (step->whole_past) {
        status = veld_export_commit(to->export_, step->change, &key, err);
    } else {
        to->done.apart++;
        status = veld_export_apart(to->export_, step->change, &key, err);
    }
done:
    return status;
}

/* The tree in which all complete lines of history meet, its files given to the export. */
static veld_status merged_tree(veld_case *opened, exporter *to, veld_tree **out, veld_error *err)
{
    veld_status status;
    case_changes changes = {0};
    veld_state *state = NULL;
    veld_replay files = {.context = to, .file = export_file};
    size_t count;
    const veld_node *const *heads = veld_graph_heads(opened->graph, &count);
    *out = veld_tree_new();
    if (heads == NULL || *out == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
    VELD_TRY(case_changes_load(opened, &changes, err));
    VELD_TRY(case_past_state(opened, &changes, heads, count, &state, err));
    VELD_TRY(tree_follow(state, *out, &files, err));
done:
    veld_state_free(state);
    case_changes_release(&changes);
    return status;
}

veld_status veld_case_export(
    veld_case *opened, const char *dir, veld_exported *out, veld_error *err)
{
    veld_status status;
    veld_tree *merged = NULL;
    exporter to = {.desk = &opened->desk};
    veld_replay replay = {.context = &to, .file = export_file, .step = export_step};
    VELD_TRY(case_usable(opened, err));
    VELD_TRY(veld_export_open(dir, &to.export_, err));
    VELD_TRY(veld_case_replay(opened, &replay, err));
    VELD_TRY(merged_tree(opened, &to, &merged, err));
    VELD_TRY(veld_export_finish(to.export_, merged, err));
    if (out != NULL)
        *out = to.done;
done:
    veld_tree_free(merged);
    veld_export_close(to.export_);
    return status;
}

/* ---- verify ---- */

typedef struct prover {
    veld_case *opened;
    veld_proof *proof;
    void (*finding)(void *context, const char *text);
    void *context;
} prover;

static void tell(prover *by, const veld_change *change, const char *what)
{
    char id[VELD_HASH_TEXT_SIZE];
    char text[VELD_ERROR_TEXT_BYTES_MAX + 1];
    by->proof->findings++;
    if (by->finding == NULL)
        return;
    veld_hash_format(&change->id, id);
    snprintf(text, sizeof text, "change %s: %s", id, what);
    by->finding(by->context, text);
}

/* The names are derived again and the signature checked; what the row said must come out. */
static veld_status prove_signature(prover *by, const veld_change *change, veld_error *err)
{
    veld_p256_public key;
    veld_change again = *change;
    const veld_desk *desk = &by->opened->desk;
    veld_status status = veld_keyring_signer(&desk->keyring, &desk->verifier, change, &key, err);
    if (status == VELD_E_NOT_FOUND) {
        tell(by, change, "its device is not known here");
        return VELD_OK;
    }
    if (status == VELD_OK)
        status = veld_change_derive(&again, err);
    if (status == VELD_OK)
        status = veld_commit_verify(&again, &key, &desk->verifier, err);
    if (status == VELD_E_FORGED || status == VELD_E_INVALID) {
        tell(by, change, "its signature does not fit");
        return VELD_OK;
    }
    if (status != VELD_OK)
        return status;
    if (!veld_hash_equal(&again.id, &change->id) || !veld_hash_equal(&again.core, &change->core))
        tell(by, change, "its row says another name than follows from its content");
    else
        by->proof->signatures++;
    return VELD_OK;
}

static veld_status prove_step(void *context, const veld_replay_step *step, veld_error *err)
{
    veld_status status;
    prover *by = context;
    veld_tree_name root;
    by->proof->changes++;
    VELD_TRY(prove_signature(by, step->change, err));
    if (!step->whole_past) {
        by->proof->partial++;
        goto done;
    }
    VELD_TRY(veld_tree_root(step->tree, &root, err));
    if (veld_hash_equal(&root.hash, &step->change->tree))
        by->proof->trees++;
    else
        tell(by, step->change, "its tree does not follow from its past");
done:
    return status;
}

veld_status veld_case_verify(veld_case *opened, veld_proof *out,
    void (*finding)(void *context, const char *text), void *context, veld_error *err)
{
    *out = (veld_proof){0};
    prover by = {.opened = opened, .proof = out, .finding = finding, .context = context};
    veld_replay replay = {.context = &by, .step = prove_step};
    out->before = opened->has_base ? (size_t)opened->base.changes : 0;
    return veld_case_replay(opened, &replay, err);
}
