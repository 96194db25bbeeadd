/* What became of what was sent: the relay's receipt and its refusals, and the agency's word that it
 * took changes in. */
#include "sync_inner.h"

#include <stdio.h>

#include "veldkit/hash.h"
#include "veldkit/head.h"
#include "veldkit/lease.h"

static veld_status keep_receipt(
    veld_sync *sync, int64_t utc_ms, const sync_out *out, uint64_t seq, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_store *store = sync->config.desk->store;
    for (size_t i = 0; i < out->changes_count; i++) {
        veld_handover step;
        VELD_TRY(veld_handover_get(store, &out->changes[i], &step, err));
        bool is_first = step.seq == 0;
        if (is_first)
            step.received_utc_ms = utc_ms;
        step.seq = seq;
        VELD_TRY(veld_handover_put(store, &out->changes[i], &step, err));
        if (sync->config.role == VELD_SYNC_MERGER)
            VELD_TRY(veld_store_mark_sent(store, &out->changes[i], 1, err));
        sync->result.sent++;
        sync->result.receipts += is_first;
        if (is_first)
            sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_RECEIVED,
                                .case_id = out->case_id,
                                .change = out->changes[i],
                                .count = 1});
    }
done:
    return status;
}

static veld_status acknowledge(
    veld_sync *sync, int64_t utc_ms, sync_out *out, uint64_t seq, veld_error *err)
{
    veld_status status;
    veld_store *store = sync->config.desk->store;
    if (out->name.len > 0) {
        VELD_TRY(
            sync_move_posted(sync, veld_buf_span(&out->name), veld_buf_span(&out->bytes), err));
    } else if (out->type == VELD_FRAME_ACCESS) {
        VELD_TRY(sync_access_received(sync, out, err));
    } else {
        VELD_TRY(veld_store_begin(store, err));
        status = keep_receipt(sync, utc_ms, out, seq, err);
        status = veld_store_end(store, status, err);
    }
    out->is_done = status == VELD_OK;
done:
    return status;
}

/* The log that a receipt is of is kept before what was received: after a crash in between, a server
 * that comes back without it would else not be seen to be another one. */
static veld_status keep_log(
    veld_sync *sync, const veld_receipt *receipt, bool is_reset, veld_error *err)
{
    if (receipt->count == 0 || is_reset)
        return VELD_OK;
    sync->cursor.journal = receipt->journal;
    sync->cursor.log = receipt->log;
    return sync_keep(sync, receipt->server_utc_ms, err);
}

static uint64_t place_in(const veld_receipt *receipt, const veld_hash *id)
{
    for (size_t i = 0; i < receipt->count; i++) {
        if (veld_hash_equal(&receipt->items[i].id, id))
            return receipt->items[i].seq;
    }
    return 0;
}

veld_status sync_take_receipt(
    veld_sync *sync, const veld_receipt *receipt, bool is_reset, veld_error *err)
{
    veld_status status;
    VELD_TRY(keep_log(sync, receipt, is_reset, err));
    for (size_t i = 0; i < sync->outs_count; i++) {
        sync_out *out = &sync->outs[i];
        if (out->is_sent && out->type == VELD_FRAME_DIRECTORY)
            VELD_TRY(sync_note_cut(sync, veld_buf_span(&out->bytes), &receipt->journal,
                place_in(receipt, &out->id), err));
        uint64_t seq = out->is_sent && !out->is_done ? place_in(receipt, &out->id) : 0;
        if (seq != 0)
            VELD_TRY(acknowledge(sync, receipt->server_utc_ms, out, seq, err));
        if (out->is_sent && out->type == VELD_FRAME_ENROL_ANSWER)
            out->is_done = true;
        out->is_sent = false;
    }
done:
    return status;
}

void sync_tell_refused(
    veld_sync *sync, const veld_id *case_id, veld_status status, const char *what)
{
    sync->result.refused += status != VELD_E_STALE; /* a repetition costs nothing */
    sync_tell(
        sync, &(veld_sync_event){
                  .kind = VELD_SYNC_REFUSED, .case_id = *case_id, .status = status, .text = what});
}

veld_status sync_pass_over(veld_sync *sync, const veld_id *case_id, veld_status status,
    const veld_error *why, veld_error *err)
{
    if (status == VELD_OK)
        return VELD_OK;
    if (status != VELD_E_FORGED && status != VELD_E_FORM && status != VELD_E_NEWER &&
        status != VELD_E_LIMIT && status != VELD_E_NOT_ALLOWED && status != VELD_E_NOT_FOUND &&
        status != VELD_E_STALE)
        return veld_fail(err, status, "%s", why->text);
    sync_tell_refused(sync, case_id, status, why->text);
    return VELD_OK;
}

static const char *name_of(veld_frame_type type)
{
    switch (type) {
    case VELD_FRAME_DIRECTORY:
        return "an entry of the directory";
    case VELD_FRAME_DIRECTORY_HEAD:
        return "a head of the directory";
    case VELD_FRAME_INTRODUCTION:
        return "an introduction";
    case VELD_FRAME_ORDER:
        return "an order";
    case VELD_FRAME_CONFIRMATION:
        return "the confirmation of an order";
    case VELD_FRAME_GRANT:
        return "a key";
    case VELD_FRAME_HEAD:
        return "a head";
    case VELD_FRAME_ACCESS:
        return "lines of the access log";
    default:
        return "changes";
    }
}

/* No word of the relay makes that something is not offered any more: nobody signed it, and another
 * relay may take it. What it goes on refusing is offered ever less often, so that the rest goes. */
static void wait_after_refusal(veld_sync *sync, sync_out *out, veld_status why)
{
    enum { DOUBLINGS_MAX = 6 };
    unsigned doublings = 0;
    if (why != VELD_E_LIMIT) {
        doublings = out->refusals < DOUBLINGS_MAX ? out->refusals : DOUBLINGS_MAX;
        out->refusals++;
        out->is_refused = true;
    }
    out->not_before_ms = veld_env_now(sync->config.desk->env).monotonic_ms +
                         ((int64_t)VELD_SYNC_IDLE_MS << doublings);
}

size_t veld_sync_refused(const veld_sync *sync)
{
    size_t count = 0;
    for (size_t i = 0; i < sync->outs_count; i++)
        count += sync->outs[i].is_refused && !sync->outs[i].is_done;
    return count;
}

veld_status sync_take_refusal(veld_sync *sync, veld_span body, veld_error *err)
{
    veld_status status;
    exchange_refusal refusal;
    char text[VELD_ERROR_TEXT_BYTES_MAX];
    VELD_TRY(exchange_read_refusal(body, &refusal, err));
    for (size_t i = 0; i < sync->outs_count; i++) {
        sync_out *out = &sync->outs[i];
        if (!veld_hash_equal(&out->id, &refusal.id) || out->is_done)
            continue;
        wait_after_refusal(sync, out, refusal.status);
        if (refusal.status == VELD_E_LIMIT) {
            sync->result.refused++;
            sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_NO_ROOM, .case_id = out->case_id});
            continue;
        }
        snprintf(text, sizeof text, "%s refused by the relay; kept, and offered again",
            name_of(out->type));
        sync_tell_refused(sync, &out->case_id, refusal.status, text);
    }
done:
    return status;
}

/* When the glass of the case is broken the head says what of a revoked device is taken in. */
static veld_status keep_for_emergency(
    veld_sync *sync, const veld_head *head, veld_span body, veld_error *err)
{
    veld_lease lease;
    veld_status status = veld_lease_get(sync->config.desk->store, &head->case_id, &lease, err);
    if (status == VELD_OK && lease.purpose == VELD_GRANT_BREAK_GLASS)
        status = sync_keep_head(sync, head, body, err);
    return status;
}

veld_status sync_take_head(veld_sync *sync, veld_span body, veld_error *err)
{
    veld_status status;
    uint64_t unsent;
    size_t marked = 0;
    veld_head head;
    veld_case *opened = NULL;
    const veld_desk *desk = sync->config.desk;
    veld_error why = {0};
    status = veld_head_read(body, &sync->arena, &head, &why);
    if (status == VELD_OK)
        status = veld_head_verify(body, &sync->now, &sync->config.agency->merger_key, &why);
    if (status != VELD_OK)
        return sync_pass_over(sync, &head.case_id, status, &why, err);
    VELD_TRY(sync_take_blind(sync, &head, err));
    VELD_TRY(veld_store_count_unsent(desk->store, &head.case_id, &unsent, err));
    status = veld_case_open(desk, &head.case_id, &opened, err);
    if (status == VELD_E_NOT_FOUND && unsent == 0) /* may not be read any more, or not yet */
        return keep_for_emergency(sync, &head, body, err);
    if (status == VELD_E_DAMAGED) { /* the others go on; what it says is kept for when it is read */
        sync_tell_refused(sync, &head.case_id, status, "the case cannot be read here");
        return sync_keep_head(sync, &head, body, err);
    }
    VELD_TRY(status);
    VELD_TRY(sync_join_held(sync, opened, &head, err));
    VELD_TRY(veld_head_mark_taken(desk, opened, &head, &marked, err));
    VELD_TRY(sync_keep_head(sync, &head, body, err));
    VELD_TRY(sync_check_state(sync, &opened, &head, err));
    sync->result.taken_in += marked;
    if (marked > 0)
        sync_tell(sync, &(veld_sync_event){
                            .kind = VELD_SYNC_TAKEN_IN, .case_id = head.case_id, .count = marked});
done:
    veld_case_close(opened);
    return status;
}
