/* A device's side of checkpoints: what the agency signed is opened, read, and shown to be what was
 * signed; then it is the base of the case, and rows that are here already are joined to it as at
 * any opening. What the base holds is never applied again. */
#include "intake.h"

#include <string.h>

#include "veldkit/checkpoint.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/compact.h"
#include "veldkit/limits.h"
#include "veldkit/past.h"
#include "veldkit/tree.h"

/* The checkpoint in memory. */
typedef struct arrived {
    veld_checkpoint_item item;
    veld_buf content;
    veld_state *state;
    veld_graph *graph;
} arrived;

static void arrived_release(arrived *a)
{
    veld_buf_wipe(&a->content);
    veld_state_free(a->state);
    veld_graph_free(a->graph);
}

/* What was signed beside it must follow from the content. */
static veld_status prove(const arrived *a, veld_error *err)
{
    veld_status status;
    veld_hash held, state_id;
    VELD_TRY(veld_graph_held_hash(a->graph, &held, err));
    VELD_TRY(veld_checkpoint_state_id(a->state, &state_id, err));
    if (!veld_hash_equal(&held, &a->item.head.held) ||
        !veld_hash_equal(&state_id, &a->item.head.state_id))
        status = veld_fail(err, VELD_E_FORGED, "a checkpoint that is not what was signed");
    else if (veld_graph_incomplete_count(a->graph) > 0)
        status = veld_fail(err, VELD_E_FORM, "a checkpoint with changes that miss their past");
done:
    return status;
}

static veld_status open_item(
    const intake *by, veld_case *opened, veld_span body, arrived *a, veld_error *err)
{
    veld_status status;
    const veld_sealer *sealer;
    const veld_desk *desk = by->desk;
    VELD_TRY(veld_checkpoint_item_read(body, &a->item, err));
    VELD_TRY(
        veld_checkpoint_verify(a->item.signed_part, &desk->verifier, &by->agency->merger_key, err));
    VELD_TRY(
        veld_store_case_message_sealer(veld_case_keys(opened), a->item.head.epoch, &sealer, err));
    VELD_TRY(veld_checkpoint_item_open(&a->item, sealer, &a->content, err));
    VELD_TRY(
        veld_checkpoint_read(desk->env, veld_buf_span(&a->content), &a->state, &a->graph, err));
    status = prove(a, err);
done:
    return status;
}

/* Has it what is not here? And all that the base here has? */
static void compare(veld_case *opened, veld_graph *graph, bool *is_more, bool *is_all)
{
    size_t here_count, count;
    veld_graph *here = veld_case_graph(opened);
    const veld_node *const *mine = veld_graph_order(here, &here_count);
    const veld_node *const *theirs = veld_graph_order(graph, &count);
    *is_more = false;
    *is_all = mine != NULL && theirs != NULL;
    for (size_t i = 0; *is_all && i < count && !*is_more; i++)
        *is_more = !veld_graph_has(here, &theirs[i]->id);
    for (size_t i = 0; *is_all && i < here_count; i++)
        *is_all = !mine[i]->early || veld_graph_has(graph, &mine[i]->id);
}

/* What it stands for comes as a base; where the base here has what it has not, one by one. */
static veld_status take_in(
    intake *by, veld_case *opened, const arrived *a, bool *changed, veld_error *err)
{
    bool is_more, is_all;
    const veld_case_base base = {
        .utc_ms = a->item.head.utc_ms, .from_agency = true, .state_id = a->item.head.state_id};
    compare(opened, a->graph, &is_more, &is_all);
    if (!is_more)
        return VELD_OK;
    if (!is_all)
        return veld_past_want(by->desk, veld_case_id(opened), err);
    veld_status status =
        veld_case_set_base(opened, &base, a->item.signed_part, veld_buf_span(&a->content), err);
    *changed = status == VELD_OK;
    by->taken.added += *changed ? veld_graph_count(a->graph) : 0;
    return status;
}

veld_status intake_checkpoint(
    intake *by, veld_case *opened, const intake_part *part, bool *changed, veld_error *err)
{
    arrived a = {0};
    veld_error why = {0};
    *changed = false;
    if (by->agency == NULL || by->is_office)
        return VELD_OK;
    veld_buf_init(&a.content, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = open_item(by, opened, part->body, &a, &why);
    if (status == VELD_OK) {
        status = take_in(by, opened, &a, changed, &why);
    } else if (status == VELD_E_NOT_FOUND) { /* no key of that epoch yet */
        by->leave_out(by->context, part, true, "checkpoint", &why);
        status = VELD_OK;
    } else if (status == VELD_E_FORGED || status == VELD_E_FORM || status == VELD_E_LIMIT ||
               status == VELD_E_NEWER) {
        by->leave_out(by->context, part, false, "checkpoint", &why);
        status = VELD_OK;
    }
    if (status != VELD_OK)
        status = veld_fail(err, status, "%s", why.text);
    arrived_release(&a);
    return status;
}

veld_status veld_base_verify(veld_case *opened, const veld_verifier *verifier,
    const veld_p256_public *merger_key, bool *fits, veld_error *err)
{
    veld_status status;
    veld_hash content;
    veld_checkpoint_head head;
    veld_buf signed_by, checkpoint;
    *fits = false;
    veld_buf_init(&signed_by, VELD_STORE_BODY_BYTES_MAX);
    veld_buf_init(&checkpoint, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_case_base_proof(opened, &signed_by, &checkpoint, err));
    if (!veld_case_get_base(opened)->from_agency) {
        *fits = true;
        goto done;
    }
    VELD_TRY(veld_checkpoint_content(veld_buf_span(&checkpoint), &content, err));
    status = veld_checkpoint_head_read(veld_buf_span(&signed_by), &head, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_verify(veld_buf_span(&signed_by), verifier, merger_key, NULL);
    *fits = status == VELD_OK && veld_hash_equal(&content, &head.content) &&
            veld_id_equal(&head.case_id, veld_case_id(opened));
    if (status == VELD_E_FORGED || status == VELD_E_FORM || status == VELD_E_LIMIT)
        status = VELD_OK;
    else if (status != VELD_OK)
        veld_fail(err, status, "the base of the case could not be checked");
done:
    veld_buf_release(&signed_by);
    veld_buf_wipe(&checkpoint);
    return status;
}
