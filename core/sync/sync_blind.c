/* Blind work on its way: sealed when it was saved, handed in like all else, dropped when a head
 * names it. A relay that does not know our place gets all of it again. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/blind.h"

static bool is_under_way(const veld_sync *sync, const veld_hash *change)
{
    for (size_t i = 0; i < sync->outs_count; i++) {
        const sync_out *out = &sync->outs[i];
        if (out->changes_count == 1 && !out->is_done && veld_hash_equal(&out->changes[0], change))
            return true;
    }
    return false;
}

static veld_status collect(void *context, const veld_blind *blind, veld_error *err)
{
    veld_sync *sync = context;
    veld_handover step;
    sync_out *out = NULL;
    veld_status status;
    if (is_under_way(sync, &blind->change))
        return VELD_OK;
    VELD_TRY(veld_handover_get(sync->config.desk->store, &blind->change, &step, err));
    if (step.seq != 0 && (sync->phase != SYNC_OFFERING || sync->has_offered))
        goto done;
    VELD_TRY(sync_new_out(sync, VELD_FRAME_ENVELOPE, blind->envelope, &out, err));
    out->priority = blind->priority;
    out->case_id = blind->case_id;
    out->changes = veld_allocate(sizeof *out->changes);
    if (out->changes == NULL) {
        out->is_done = true;
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a change");
        goto done;
    }
    out->changes[0] = blind->change;
    out->changes_count = 1;
done:
    return status;
}

veld_status sync_collect_blind(veld_sync *sync, veld_error *err)
{
    return veld_blind_each(sync->config.desk->store, sync, collect, err);
}

static veld_status mark(veld_sync *sync, const veld_head *head, const veld_hash *ids, size_t count,
    size_t *taken, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_store *store = sync->config.desk->store;
    for (size_t i = 0; i < count; i++) {
        veld_handover step;
        bool was_here;
        VELD_TRY(veld_blind_drop(store, &head->case_id, &ids[i], &was_here, err));
        if (!was_here)
            continue;
        VELD_TRY(veld_handover_get(store, &ids[i], &step, err));
        step.taken_in_utc_ms = head->utc_ms;
        VELD_TRY(veld_handover_put(store, &ids[i], &step, err));
        ++*taken;
    }
done:
    return status;
}

/* Whether anything waits: heads are many, blind work is rare. */
static veld_status found_one(void *context, const veld_blind *blind, veld_error *err)
{
    const veld_head *head = context;
    (void)err;
    return veld_id_equal(&head->case_id, &blind->case_id) ? VELD_E_EXISTS : VELD_OK;
}

veld_status sync_take_blind(veld_sync *sync, const veld_head *head, veld_error *err)
{
    size_t taken = 0;
    veld_head copy = *head;
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_blind_each(store, &copy, found_one, err);
    if (status != VELD_E_EXISTS)
        return status;
    VELD_TRY(veld_store_begin(store, err));
    status = mark(sync, head, head->heads, head->heads_count, &taken, err);
    if (status == VELD_OK)
        status = mark(sync, head, head->chain_ends, head->chain_ends_count, &taken, err);
    status = veld_store_end(store, status, err);
    if (status != VELD_OK || taken == 0)
        goto done;
    sync->result.taken_in += taken;
    sync_tell(sync,
        &(veld_sync_event){.kind = VELD_SYNC_TAKEN_IN, .case_id = head->case_id, .count = taken});
done:
    return status;
}
