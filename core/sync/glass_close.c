/* Closing what was opened in an emergency and is over: all of the case becomes envelopes again, and
 * its keys and rows are destroyed. A case with which that does not go well ends all the same, and
 * holds up no other. */
#include <string.h>

#include "glass_inner.h"
#include "runs.h"
#include "sync_inner.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"
#include "veldkit/lease.h"

static veld_status keep_envelope(void *context, veld_priority priority, const veld_change *changes,
    size_t count, veld_span bytes, veld_error *err)
{
    (void)priority;
    (void)count;
    return glass_put_envelope(context, &changes[0].case_id, bytes, false, err);
}

/* All of the case as envelopes, own changes too, instead of those that came: what came since the
 * time was over is among them. What a checkpoint brought stays held as the checkpoint. */
static veld_status seal_again(veld_case *opened, const veld_desk *desk, veld_error *err)
{
    veld_status status;
    size_t count, kept = 0;
    const run_sink sink = {.context = desk->store, .envelope = keep_envelope};
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    const veld_node **nodes = veld_allocate((count + 1) * sizeof *nodes);
    if (order == NULL || nodes == NULL) {
        veld_release(nodes);
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!order[i]->early)
            nodes[kept++] = order[i];
    }
    VELD_TRY(veld_store_begin(desk->store, err));
    status = glass_drop_envelopes(desk->store, veld_case_id(opened), err);
    if (status == VELD_OK && kept > 0)
        status = runs_seal(opened, nodes, kept, &sink, err);
    status = veld_store_end(desk->store, status, err);
done:
    veld_release(nodes);
    return status;
}

static veld_status has_draft(veld_store *store, const veld_id *case_id, bool *out, veld_error *err)
{
    veld_store_draft draft;
    veld_store_cursor *cursor = NULL;
    veld_status status = veld_store_drafts(store, case_id, &cursor, err);
    if (status == VELD_OK)
        status = veld_store_drafts_next(cursor, out, &draft, err);
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status seal(const veld_desk *desk, const veld_id *case_id, veld_error *err)
{
    veld_agency agency;
    veld_case *opened = NULL;
    veld_status status;
    VELD_TRY(veld_agency_get(desk->store, &desk->verifier, &agency, err));
    VELD_TRY(glass_take_held(desk, &agency, case_id, err));
    VELD_TRY(veld_case_open(desk, case_id, &opened, err));
    status = seal_again(opened, desk, err);
done:
    veld_case_close(opened);
    return status;
}

/* Another attempt would end as this one did: the case is at fault, and not the machine. */
static bool is_of_case(veld_status status)
{
    return status != VELD_OK && status != VELD_E_MEMORY && status != VELD_E_CRYPTO &&
           status != VELD_E_IO && status != VELD_E_FULL && status != VELD_E_BUSY;
}

/* Keys and rows may not outlive their time because they cannot be sealed. The agency has all of it;
 * the next exchange brings it again. Own work among it may be gone until then: a new incarnation
 * gives none of its numbers twice. */
static veld_status drop(const veld_desk *desk, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    VELD_TRY(sync_compare_anew(desk->store, err));
    VELD_TRY(veld_store_renew(desk->store, err));
    status = veld_store_erase_case(desk->store, case_id, err);
done:
    return status;
}

/* What is unsent stays until it is taken in; it is not read meanwhile. */
static veld_status close_one(const veld_desk *desk, const veld_id *case_id,
    const veld_glass_trouble *trouble, veld_error *err)
{
    glass_standing now;
    bool is_open, waits;
    uint64_t unsent;
    veld_error why = {0};
    veld_status status;
    VELD_TRY(glass_look(desk, case_id, &now, err));
    VELD_TRY(glass_is_open(desk->store, case_id, &is_open, err));
    if (now.state != VELD_LEASE_EMERGENCY_OVER || !is_open)
        goto done;
    VELD_TRY(veld_store_count_unsent(desk->store, case_id, &unsent, err));
    VELD_TRY(has_draft(desk->store, case_id, &waits, err));
    if (unsent > 0 || waits)
        goto done;
    status = seal(desk, case_id, &why);
    if (status == VELD_OK) {
        status = veld_store_erase_case(desk->store, case_id, err);
    } else if (is_of_case(status)) {
        VELD_TRY(drop(desk, case_id, err));
        if (trouble != NULL)
            trouble->tell(trouble->context, case_id, true, &why);
    } else {
        status = veld_fail(err, status, "%s", why.text);
    }
done:
    return status;
}

static veld_status list_one(void *context, const veld_emergency *row, veld_error *err)
{
    veld_status status = veld_buf_append_span(context, veld_id_span(&row->case_id));
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for a list of cases");
}

/* A disk that fails is an error of the store and of every verb; all else is of one case. */
static veld_status close_or_tell(const veld_desk *desk, const veld_id *case_id,
    const veld_glass_trouble *trouble, veld_error *err)
{
    veld_error why = {0};
    veld_status status = close_one(desk, case_id, trouble, &why);
    if (status == VELD_E_IO || status == VELD_E_FULL)
        return veld_fail(err, status, "%s", why.text);
    if (status != VELD_OK && trouble != NULL)
        trouble->tell(trouble->context, case_id, false, &why);
    return VELD_OK;
}

veld_status veld_glass_close_over(
    const veld_desk *desk, const veld_glass_trouble *trouble, veld_error *err)
{
    veld_buf ids;
    veld_status status;
    const veld_desk quiet = veld_desk_quiet(desk);
    veld_buf_init(&ids, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_emergency_each(desk->store, &ids, list_one, err));
    for (size_t at = 0; at < ids.len; at += VELD_ID_BYTES) {
        veld_id case_id;
        memcpy(case_id.bytes, ids.data + at, sizeof case_id.bytes);
        VELD_TRY(close_or_tell(&quiet, &case_id, trouble, err));
    }
done:
    veld_buf_release(&ids);
    return status;
}
