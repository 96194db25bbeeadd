/* Taking an answer in. First what the relay signed is checked, then each part proves itself; what
 * cannot be opened yet is asked for again by its id when a key came. The cursor moves last. */
#include "sync_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/directory_head.h"
#include "veldkit/hash.h"
#include "veldkit/head.h"

/* The answer's own parts. */
typedef struct answer {
    veld_receipt receipt;
    exchange_cursor cursor;
    veld_log_proof growth;
    bool has_receipt, has_cursor;
    intake_part *parts;
    size_t parts_count;
    bool is_reset;
    bool has_key;   /* a key or a device came that may open what waits */
    bool has_later; /* something fresh has to wait */
} answer;

typedef struct taking {
    veld_sync *sync;
    answer *in;
    veld_status status; /* of a callback that cannot return one */
} taking;

/* ---- what the relay says ---- */

static veld_status read_own_frame(
    veld_sync *sync, const veld_frame *frame, answer *in, veld_error *err)
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

static veld_status check_log(veld_sync *sync, answer *in, veld_error *err)
{
    veld_status status = VELD_OK;
    const exchange_cursor *old = &sync->cursor;
    in->is_reset = (in->cursor.flags & CURSOR_RESET) != 0;
    if (!veld_id_equal(&in->cursor.journal, &in->receipt.journal))
        return veld_fail(err, VELD_E_FORGED, "cursor and receipt are of two journals");
    if (in->is_reset)
        return VELD_OK;
    if (!veld_id_is_zero(&old->journal) && !veld_id_equal(&old->journal, &in->cursor.journal))
        status = veld_fail(err, VELD_E_FORGED, "the relay changed its journal unsaid");
    else
        status = veld_log_check_growth(&old->log, &in->receipt.log, &in->growth, err);
    if (status == VELD_E_FORGED)
        sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_LOG_BROKEN,
                            .status = status,
                            .text = "the server's log does not go on from the one seen before"});
    return status;
}

static veld_status read_own(veld_sync *sync, answer *in, veld_error *err)
{
    veld_status status = sync_take_statements(sync, err);
    for (size_t i = 0; status == VELD_OK && i < sync->frames_count; i++)
        status = read_own_frame(sync, &sync->frames[i], in, err);
    if (status == VELD_OK && (!in->has_receipt || !in->has_cursor))
        status = veld_fail(err, VELD_E_FORM, "an answer without receipt or cursor");
    return status == VELD_OK ? check_log(sync, in, err) : status;
}

/* ---- what came ---- */

static bool was_wanted(const veld_sync *sync, const veld_hash *id)
{
    for (size_t i = 0; i < sync->wanted_count; i++) {
        if (veld_hash_equal(&sync->wanted[i].id, id))
            return true;
    }
    return false;
}

static void leave_out(
    void *context, const intake_part *part, bool later, const char *what, const veld_error *why)
{
    taking *by = context;
    veld_sync *sync = by->sync;
    veld_hash id;
    char text[2 * VELD_ERROR_TEXT_BYTES_MAX];
    if (!later) {
        snprintf(text, sizeof text, "%s: %s", what, why->text);
        sync_tell_refused(sync, &part->case_id, why->status, text);
        return;
    }
    if (by->status == VELD_OK)
        by->status = veld_sha256(part->body, &id, NULL);
    if (by->status != VELD_OK)
        return;
    by->in->has_later = by->in->has_later || !was_wanted(sync, &id);
    by->status = sync_add_pending(sync, &id, &part->case_id, NULL);
}

static veld_status before_change(void *context, const veld_id *case_id, veld_error *err)
{
    taking *by = context;
    return by->sync->config.role == VELD_SYNC_MERGER ? sync_set_dirty(by->sync, case_id, err)
                                                     : VELD_OK;
}

static veld_status set_aside(
    void *context, veld_case *opened, veld_change *change, bool *aside, veld_error *err)
{
    taking *by = context;
    veld_sync *sync = by->sync;
    if (sync->config.role == VELD_SYNC_MERGER)
        return sync_set_aside(sync, opened, change, aside, err);
    veld_status status = intake_hold_back(sync->config.desk, opened, change, aside, err);
    sync->has_held_back = sync->has_held_back || *aside;
    return status;
}

typedef struct sized_head {
    uint64_t size;
    veld_span body;
} sized_head;

static int by_size(const void *a, const void *b)
{
    const sized_head *left = a;
    const sized_head *right = b;
    return (left->size > right->size) - (left->size < right->size);
}

/* In the order of the log, whatever the order in the journal. */
static veld_status take_directory_heads(veld_sync *sync, size_t *count, veld_error *err)
{
    veld_status status = VELD_OK;
    sized_head *heads = veld_allocate((sync->frames_count + 1) * sizeof *heads);
    *count = 0;
    if (heads == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", sync->frames_count);
    for (size_t i = 0; i < sync->frames_count; i++) {
        sized_head *head = &heads[*count];
        if (sync->frames[i].type != VELD_FRAME_DIRECTORY_HEAD)
            continue;
        *head = (sized_head){.body = sync->frames[i].body};
        (void)!veld_directory_head_size(head->body, &head->size, NULL); /* told when it is taken */
        ++*count;
    }
    qsort(heads, *count, sizeof *heads, by_size);
    for (size_t i = 0; status == VELD_OK && i < *count; i++)
        status = sync_take_directory_head(sync, heads[i].body, err);
    veld_release(heads);
    return status;
}

/* Who is who goes before what they wrote. */
static veld_status take_introductions(veld_sync *sync, answer *in, veld_error *err)
{
    veld_status status;
    bool changed = false;
    size_t heads;
    VELD_TRY(take_directory_heads(sync, &heads, err));
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

static veld_status collect_part(
    veld_sync *sync, answer *in, const veld_frame *frame, veld_error *err)
{
    veld_error why = {0};
    intake_part *part = &in->parts[in->parts_count];
    veld_status status = intake_read((veld_frame_type)frame->type, frame->body, part, &why);
    if (status == VELD_OK) {
        in->parts_count++;
        return VELD_OK;
    }
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
        return veld_fail(err, status, "%s", why.text);
    sync_tell_refused(sync, &part->case_id, status, why.text);
    return VELD_OK;
}

static veld_status take_others(veld_sync *sync, answer *in, veld_error *err)
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
            status = collect_part(sync, in, frame, err);
    }
    return status;
}

/* A key of the case came, or somebody's first change of it, which may come long after its key. That
 * the case is new here would say too little: after a crash in the midst of taking it in it comes
 * again and is new no more. */
static bool may_tell_founder(const intake_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        veld_envelope_header header;
        if (parts[i].type == VELD_FRAME_GRANT ||
            (veld_envelope_read_header(parts[i].body, &header, NULL) == VELD_OK &&
                header.number == 1))
            return true;
    }
    return false;
}

static veld_status take_cases(veld_sync *sync, answer *in, veld_error *err)
{
    veld_status status = VELD_OK;
    taking by = {.sync = sync, .in = in};
    intake into = {
        .desk = sync->config.desk,
        .agency = sync->config.agency,
        .now = &sync->now,
        .context = &by,
        .is_office = sync->config.role == VELD_SYNC_MERGER,
        .leave_out = leave_out,
        .before = before_change,
        .set_aside = set_aside,
    };
    VELD_TRY(intake_sort(in->parts, in->parts_count, err));
    for (size_t first = 0, len; first < in->parts_count; first += len) {
        const intake_part *parts = in->parts + first;
        size_t added = into.taken.added;
        size_t new_cases = into.new_cases;
        veld_sync_event event = {.case_id = parts->case_id};
        len = intake_length(in->parts, in->parts_count, first);
        bool is_erased = false, is_held = false;
        if (sync->config.role == VELD_SYNC_MERGER)
            VELD_TRY(sync_is_erased(sync, &event.case_id, &is_erased, err));
        if (is_erased) {
            VELD_TRY(sync_take_late(sync, parts, len, err));
            continue;
        }
        if (sync->config.role == VELD_SYNC_DEVICE)
            VELD_TRY(sync_hold(sync, &into, parts, len, &is_held, err));
        else
            VELD_TRY(sync_floor(sync, &event.case_id, NULL, &into.reseal_below, err));
        into.wants_past = sync->asks_past && veld_id_equal(&event.case_id, &sync->past.case_id);
        if (!is_held)
            VELD_TRY(intake_case(&into, parts, len, err));
        VELD_TRY(by.status);
        if (sync->has_held_back)
            VELD_TRY(sync_join_held_of(sync, &event.case_id, err));
        sync->has_held_back = false;
        in->has_key = in->has_key || into.keys > 0;
        event.kind = into.new_cases > new_cases ? VELD_SYNC_CASE_NEW : VELD_SYNC_CASE_CHANGED;
        event.count = into.taken.added - added;
        if (sync->config.role == VELD_SYNC_MERGER && may_tell_founder(parts, len))
            VELD_TRY(sync_assign_to_founder(sync, &event.case_id, err));
        if (event.count > 0 || into.new_cases > new_cases)
            sync_tell(sync, &event);
    }
    sync->result.received += into.taken.added;
    sync->result.refused += into.taken.forged;
done:
    return status;
}

/* ---- heads, enrolments ---- */

static veld_status take_head(veld_sync *sync, veld_span body, veld_error *err)
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
    if (status == VELD_E_NOT_FOUND && unsent == 0) /* of a case that may not be read any more */
        return VELD_OK;
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
    if (status != VELD_OK) {
        sync_tell_refused(sync, &(veld_id){{0}}, status, why.text);
        status = VELD_OK;
        goto done;
    }
    if (reply.len == 0)
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
            status = take_head(sync, frame->body, err);
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

static veld_status move_on(veld_sync *sync, const answer *in, veld_error *err)
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
    if (in->has_key || in->has_later)
        sync->retry_count = sync->pending_count;
    if (sync->phase == SYNC_OFFERING && sync->has_offered && is_all_sent(sync)) {
        sync->phase = SYNC_STEADY;
        sync->held_count = 0;
    }
    if (sync->phase == SYNC_LISTING && !more) {
        veld_status status = sync_want_missing(sync, err);
        if (status != VELD_OK)
            return status;
        sync->phase = SYNC_OFFERING;
    }
    return VELD_OK;
}

/* Those that were asked for leave the list; who still cannot be opened comes back to it. */
static void forget_wanted(veld_sync *sync)
{
    size_t count = sync->wanted_count;
    if (count == 0)
        return;
    memmove(sync->pending, sync->pending + count,
        (sync->pending_count - count) * sizeof *sync->pending);
    sync->pending_count -= count;
    sync->retry_count -= count;
}

/* The list as it was before they left it: the first `waiting` are those that stayed. */
static void recall_wanted(veld_sync *sync, size_t waiting)
{
    size_t count = sync->wanted_count;
    sync->pending_count = waiting + count;
    if (count == 0)
        return;
    memmove(sync->pending + count, sync->pending, waiting * sizeof *sync->pending);
    memcpy(sync->pending, sync->wanted, count * sizeof *sync->pending);
    sync->retry_count += count;
}

/* What the answer brings. Where that fails what was asked for is asked for again. */
static veld_status take_all(veld_sync *sync, answer *in, veld_error *err)
{
    veld_status status;
    forget_wanted(sync);
    size_t waiting = sync->pending_count;
    if (sync->config.role == VELD_SYNC_DEVICE)
        VELD_TRY(take_introductions(sync, in, err));
    VELD_TRY(take_others(sync, in, err));
    VELD_TRY(take_cases(sync, in, err));
    VELD_TRY(take_last(sync, err));
    sync_drop_done(sync);
    if (sync->config.role == VELD_SYNC_DEVICE)
        VELD_TRY(sync_settle_divergences(sync, err));
done:
    if (status != VELD_OK)
        recall_wanted(sync, waiting);
    return status;
}

veld_status sync_take(veld_sync *sync, veld_error *err)
{
    veld_status status;
    answer in = {0};
    in.parts = veld_allocate((sync->frames_count + 1) * sizeof *in.parts);
    if (in.parts == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", sync->frames_count);
    VELD_TRY(read_own(sync, &in, err));
    VELD_TRY(sync_take_receipt(sync, &in.receipt, in.is_reset, err));
    if (in.is_reset)
        VELD_TRY(sync_start_comparing(sync, err));
    sync->upto = (exchange_cursor){.journal = in.cursor.journal, .seq = in.cursor.seq};
    sync->is_in_turn = sync->phase == SYNC_STEADY && sync->wanted_count == 0;
    VELD_TRY(take_all(sync, &in, err));
    VELD_TRY(move_on(sync, &in, err));
    VELD_TRY(sync_keep(sync, in.receipt.server_utc_ms, err));
    if (sync->config.role == VELD_SYNC_DEVICE)
        status = sync_do_orders(sync, err);
done:
    veld_release(in.parts);
    return status;
}
