/* Taking an answer in. First what the relay signed is checked, then each part proves itself. The
 * cursor moves last. */
#include "sync_answer.h"

#include <string.h>

#include "veldkit/hash.h"

/* ---- what the relay says ---- */

static veld_status read_own_frame(
    veld_sync *sync, const veld_frame *frame, sync_answer *in, veld_error *err)
{
    const veld_sync_config *config = &sync->config;
    switch (frame->type) {
    case VELD_FRAME_RECEIPT:
        in->has_receipt = true;
        return veld_receipt_read(frame->body, &config->desk->verifier, &config->agency->relay_key,
            &sync->arena, &in->receipt, err);
    case VELD_FRAME_CURSOR:
        in->has_cursor = true;
        return exchange_read_cursor(frame->body, &in->cursor, err);
    case VELD_FRAME_GROWTH:
        return exchange_read_hashes(
            frame->body, in->growth.hashes, VELD_LOG_PROOF_HASHES_MAX, &in->growth.count, err);
    default:
        return VELD_OK;
    }
}

static veld_status check_log(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status = VELD_OK;
    const exchange_cursor *old = &sync->cursor;
    in->is_reset = (in->cursor.flags & CURSOR_RESET) != 0;
    if (!veld_id_equal(&in->cursor.journal, &in->receipt.journal))
        return veld_fail(err, VELD_E_FORGED, "cursor and receipt are of two journals");
    if (in->cursor.seq > in->receipt.log.size)
        return veld_fail(err, VELD_E_FORGED, "a place beyond the end of the journal");
    if (in->is_reset)
        return VELD_OK;
    if (!veld_id_is_zero(&old->journal) && !veld_id_equal(&old->journal, &in->cursor.journal))
        status = veld_fail(err, VELD_E_FORGED, "the relay changed its journal unsaid");
    else if (in->cursor.seq < old->seq)
        status = veld_fail(err, VELD_E_FORGED, "the relay went back in its journal unsaid");
    else
        status = veld_log_check_growth(&old->log, &in->receipt.log, &in->growth, err);
    if (status == VELD_E_FORGED)
        sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_LOG_BROKEN,
                            .status = status,
                            .text = "the server's log does not go on from the one seen before"});
    return status;
}

static veld_status read_own(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status = sync_take_statements(sync, err);
    for (size_t i = 0; status == VELD_OK && i < sync->frames_count; i++)
        status = read_own_frame(sync, &sync->frames[i], in, err);
    if (status == VELD_OK && (!in->has_receipt || !in->has_cursor))
        status = veld_fail(err, VELD_E_FORM, "an answer without receipt or cursor");
    return status == VELD_OK ? check_log(sync, in, err) : status;
}

/* ---- what came ---- */

/* Who is who goes before what they wrote. */
static veld_status take_introductions(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status;
    bool changed = false;
    size_t heads;
    VELD_TRY(sync_take_directory_heads(sync, &heads, err));
    for (size_t i = 0; i < sync->frames_count; i++) {
        if (sync->frames[i].type != VELD_FRAME_INTRODUCTION)
            continue;
        VELD_TRY(sync_take_introduction(sync, sync->frames[i].body, &changed, err));
        in->has_key = in->has_key || changed;
    }
    if (heads > 0)
        VELD_TRY(sync_retry_introductions(sync, &changed, err));
    in->has_key = in->has_key || changed;
done:
    return status;
}

static veld_status take_others(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < sync->frames_count; i++) {
        const veld_frame *frame = &sync->frames[i];
        if (frame->type == VELD_FRAME_REFUSAL)
            status = sync_take_refusal(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_ORDER && sync->config.role == VELD_SYNC_DEVICE)
            status = sync_take_order(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_ASIDE && sync->config.role == VELD_SYNC_DEVICE)
            status = sync_take_aside(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_CONFIRMATION && sync->config.role == VELD_SYNC_MERGER)
            status = sync_take_confirmation(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_ACCESS)
            status = sync_take_access(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_HOLDINGS)
            status = sync_take_holdings(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_GRANT || frame->type == VELD_FRAME_ENVELOPE ||
                 frame->type == VELD_FRAME_CHECKPOINT)
            status = sync_add_part(sync, in, frame, err);
    }
    return status;
}

/* ---- enrolments ---- */

/* Nothing that comes later makes an answer to it: the relay is told so, and keeps it no longer. */
static bool is_no_request(veld_status status)
{
    return status == VELD_E_FORM || status == VELD_E_LIMIT || status == VELD_E_NEWER ||
           status == VELD_E_FORGED || status == VELD_E_INVALID || status == VELD_E_NOT_ALLOWED;
}

static veld_status answer_enrolment(veld_sync *sync, veld_span request, veld_error *err)
{
    veld_status status = VELD_OK;
    sync_out *out;
    veld_hash id;
    veld_error why = {0};
    veld_buf reply, body;
    if (sync->config.enrol == NULL)
        return VELD_OK;
    veld_buf_init(&reply, VELD_ENROL_ANSWER_BYTES_MAX);
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    status = sync->config.enrol(sync->config.context, request, &reply, &why);
    bool is_none = is_no_request(status);
    if (status != VELD_OK)
        sync_tell_refused(sync, &(veld_id){{0}}, status, why.text);
    status = VELD_OK;
    if (is_none)
        veld_buf_clear(&reply);
    else if (reply.len == 0)
        goto done;
    VELD_TRY(veld_sha256(request, &id, err));
    VELD_TRY(exchange_put_enrol(&id, veld_buf_span(&reply), &body, err));
    status = sync_new_out(sync, VELD_FRAME_ENROL_ANSWER, veld_buf_span(&body), &out, err);
done:
    veld_buf_wipe(&reply);
    veld_buf_wipe(&body);
    return status;
}

static veld_status take_last(veld_sync *sync, veld_error *err)
{
    veld_status status = VELD_OK;
    sync->has_more_past = false;
    for (size_t i = 0; status == VELD_OK && i < sync->frames_count; i++) {
        const veld_frame *frame = &sync->frames[i];
        if (frame->type == VELD_FRAME_HEAD && sync->config.role == VELD_SYNC_DEVICE)
            status = sync_take_head(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_TOLD && sync->config.role == VELD_SYNC_DEVICE)
            status = sync_take_told(sync, frame->body, err);
        else if (frame->type == VELD_FRAME_ENROL_REQUEST && sync->config.role == VELD_SYNC_MERGER)
            status = answer_enrolment(sync, frame->body, err);
    }
    return status;
}

static bool is_all_sent(const veld_sync *sync)
{
    for (size_t i = 0; i < sync->outs_count; i++) {
        if (!sync->outs[i].is_refused && !sync->outs[i].is_done)
            return false;
    }
    return true;
}

static veld_status move_on(veld_sync *sync, const sync_answer *in, veld_error *err)
{
    bool more = (in->cursor.flags & CURSOR_MORE) != 0;
    sync->cursor.journal = in->cursor.journal;
    sync->cursor.seq = in->cursor.seq;
    sync->cursor.inside = in->cursor.inside;
    sync->cursor.log = in->receipt.log;
    sync->has_more = more;
    if (sync->must_compare && sync->phase == SYNC_STEADY) {
        sync->phase = SYNC_LISTING;
        sync->cursor.seq = sync->cursor.inside = 0;
        sync->held_count = 0;
        sync->has_offered = sync->must_compare = false;
        return VELD_OK;
    }
    veld_status status = sync_ask_again(sync, in->has_key, err);
    if (status != VELD_OK)
        return status;
    if (sync->phase == SYNC_OFFERING && sync->has_offered && is_all_sent(sync)) {
        sync->phase = SYNC_STEADY;
        sync->held_count = 0;
    }
    if (sync->phase == SYNC_LISTING && !more) {
        status = sync_want_missing(sync, err);
        if (status != VELD_OK)
            return status;
        sync->phase = SYNC_OFFERING;
    }
    return VELD_OK;
}

/* What the sync_answer brings. Where that fails what was asked for is asked for again. */
static veld_status take_all(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status = sync_forget_wanted(sync, in, err);
    if (status != VELD_OK)
        return status;
    size_t waiting = sync->pending.count, parked = sync->parked.count;
    sync->keyed.count = 0;
    if (sync->config.role == VELD_SYNC_DEVICE)
        VELD_TRY(take_introductions(sync, in, err));
    VELD_TRY(take_others(sync, in, err));
    VELD_TRY(sync_take_cases(sync, in, err));
    VELD_TRY(take_last(sync, err));
    sync_drop_done(sync);
    if (sync->config.role == VELD_SYNC_DEVICE)
        VELD_TRY(sync_settle_divergences(sync, err));
done:
    if (status != VELD_OK) {
        sync_recall_wanted(sync, in, waiting);
        sync->parked.count = parked;
    }
    return status;
}

veld_status sync_take(veld_sync *sync, veld_error *err)
{
    veld_status status;
    sync_answer in = {0};
    in.parts = veld_allocate((sync->frames_count + 1) * sizeof *in.parts);
    if (in.parts == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", sync->frames_count);
    VELD_TRY(read_own(sync, &in, err));
    VELD_TRY(sync_take_receipt(sync, &in.receipt, in.is_reset, err));
    if (in.is_reset)
        VELD_TRY(sync_start_comparing(sync, err));
    VELD_TRY(sync_take_places(sync, &in, err));
    sync->journal_now = in.receipt.journal;
    VELD_TRY(take_all(sync, &in, err));
    VELD_TRY(move_on(sync, &in, err));
    VELD_TRY(sync_keep(sync, in.receipt.server_utc_ms, err));
    if (sync->config.role == VELD_SYNC_DEVICE)
        status = sync_do_orders(sync, err);
done:
    veld_release(in.places);
    veld_release(in.parts);
    return status;
}
