/* Taking a request: frame by frame into the journal, within one transaction that ends only when the
 * whole request was right. */
#include "relay_inner.h"

#include "veldkit/frame.h"
#include "veldkit/hash.h"

veld_status veld_relay_new(const veld_relay_config *config, veld_relay **out, veld_error *err)
{
    *out = veld_allocate(sizeof **out);
    if (*out == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a relay");
    (*out)->config = *config;
    if (config->agency != NULL) {
        (*out)->check = (veld_agency_check){.agency = config->agency, .inner = config->verifier};
        (*out)->config.verifier = veld_agency_verifier(&(*out)->check);
    }
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        veld_buf_init(&(*out)->waiting[i].request, VELD_ENROL_REQUEST_BYTES_MAX);
        veld_buf_init(&(*out)->waiting[i].answer, VELD_ENROL_ANSWER_BYTES_MAX);
    }
    return VELD_OK;
}

void veld_relay_free(veld_relay *relay)
{
    if (relay == NULL)
        return;
    for (size_t i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        veld_buf_release(&relay->waiting[i].request);
        veld_buf_release(&relay->waiting[i].answer);
    }
    relay_quota_release(relay);
    veld_release(relay);
}

uint64_t veld_relay_generation(const veld_relay *relay)
{
    return relay->generation;
}

void veld_relay_turn_free(veld_relay_turn *turn)
{
    if (turn == NULL)
        return;
    veld_release(turn->items);
    veld_release(turn->refusals);
    veld_release(turn);
}

veld_relay_counts veld_relay_turn_counts(const veld_relay_turn *turn)
{
    return turn->counts;
}

/* ---- one item ---- */

static veld_status grow(void **list, size_t count, size_t *capacity, size_t size, veld_error *err)
{
    if (count < *capacity)
        return VELD_OK;
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *grown = veld_resize(*list, wanted * size);
    if (grown == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", wanted);
    *list = grown;
    *capacity = wanted;
    return VELD_OK;
}

static veld_status add_receipt(
    veld_relay_turn *turn, const veld_hash *id, uint64_t seq, veld_error *err)
{
    veld_status status = grow(
        (void **)&turn->items, turn->items_count, &turn->items_capacity, sizeof *turn->items, err);
    if (status == VELD_OK)
        turn->items[turn->items_count++] = (veld_receipt_item){.id = *id, .seq = seq};
    return status;
}

static veld_status refuse(
    veld_relay_turn *turn, const veld_hash *id, veld_status why, veld_error *err)
{
    veld_status status = grow((void **)&turn->refusals, turn->refusals_count,
        &turn->refusals_capacity, sizeof *turn->refusals, err);
    if (status == VELD_OK)
        turn->refusals[turn->refusals_count++] = (exchange_refusal){.id = *id, .status = why};
    turn->counts.refused++;
    return status;
}

static veld_status append(veld_relay *relay, veld_relay_turn *turn, veld_journal_item *item,
    veld_span body, veld_error *err)
{
    veld_status status;
    veld_hash leaf;
    const veld_journal *journal = relay->config.journal;
    uint64_t size = journal->size(journal->context);
    VELD_TRY(veld_log_leaf((uint8_t)item->kind, &item->id, &leaf, err));
    VELD_TRY(journal->append(journal->context, item, body, err));
    VELD_TRY(veld_log_append(&journal->log, size, &leaf, err));
    turn->counts.stored++;
    turn->counts.bytes += body.len;
    status = add_receipt(turn, &item->id, item->seq, err);
done:
    return status;
}

/* Up to where the merger has heard what the relay holds: what came after that it does not know of,
 * and it would be lost unseen. */
static veld_status known_place(
    const veld_relay *relay, const veld_relay_turn *turn, uint64_t *out, veld_error *err)
{
    bool fits = false;
    const veld_journal *journal = relay->config.journal;
    const exchange_cursor *cursor = &turn->cursor;
    veld_status status = VELD_OK;
    *out = 0;
    if (turn->has_cursor && cursor->seq <= journal->size(journal->context))
        status = relay_goes_on_from(relay, &cursor->journal, &cursor->log, &fits, err);
    if (fits)
        *out = cursor->seq;
    return status;
}

/* Of ours, not of the item. */
static bool is_fatal(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO ||
           status == VELD_E_DAMAGED;
}

static veld_status take_item(
    veld_relay *relay, veld_relay_turn *turn, const veld_frame *frame, veld_error *err)
{
    veld_status status;
    bool found;
    uint64_t seq, upto = 0;
    const veld_journal *journal = relay->config.journal;
    veld_journal_item item = {
        .kind = (veld_frame_type)frame->type,
        .carrier = turn->peer.device,
        .len = (uint32_t)frame->body.len,
    };
    if (++turn->counts.items > VELD_EXCHANGE_ITEMS_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a request of more than %u items",
            (unsigned)VELD_EXCHANGE_ITEMS_MAX);
    VELD_TRY(veld_sha256(frame->body, &item.id, err));
    VELD_TRY(journal->find(journal->context, &item.id, &found, &seq, err));
    if (found)
        return add_receipt(turn, &item.id, seq, err);
    status = relay_describe(relay, &turn->peer, frame->body, &item);
    if (is_fatal(status))
        return veld_fail(err, status, "an item could not be checked");
    if (status == VELD_OK && (turn->counts.stored >= turn->room_items ||
                                 frame->body.len > turn->room_bytes - turn->counts.bytes))
        status = VELD_E_LIMIT;
    if (status != VELD_OK)
        return refuse(turn, &item.id, status, err);
    if (item.kind == VELD_FRAME_FORGET)
        VELD_TRY(known_place(relay, turn, &upto, err));
    VELD_TRY(append(relay, turn, &item, frame->body, err));
    if (item.kind == VELD_FRAME_FORGET)
        status = journal->forget(journal->context, &item.case_id, upto, err);
done:
    return status;
}

/* ---- the request ---- */

static veld_status take_cursor(
    veld_relay *relay, veld_relay_turn *turn, veld_span body, veld_error *err)
{
    veld_status status = exchange_read_cursor(body, &turn->cursor, err);
    if (status != VELD_OK)
        return status;
    uint64_t wait_ms = turn->cursor.wait_ms;
    if (wait_ms > VELD_EXCHANGE_WAIT_MS_MAX)
        wait_ms = VELD_EXCHANGE_WAIT_MS_MAX;
    if (turn->cursor.page_bytes < VELD_EXCHANGE_PAGE_BYTES_MIN)
        turn->cursor.page_bytes = VELD_EXCHANGE_PAGE_BYTES_MIN;
    if (turn->cursor.page_bytes > VELD_EXCHANGE_PAGE_BYTES_MAX)
        turn->cursor.page_bytes = VELD_EXCHANGE_PAGE_BYTES_MAX;
    turn->has_cursor = true;
    turn->deadline_ms = veld_env_now(relay->config.env).monotonic_ms + (int64_t)wait_ms;
    return VELD_OK;
}

static veld_status take_frame(
    veld_relay *relay, veld_relay_turn *turn, const veld_frame *frame, veld_error *err)
{
    veld_hash id;
    veld_span answer;
    veld_status status = VELD_OK;
    switch (frame->type) {
    case VELD_FRAME_CURSOR:
        if (turn->has_cursor)
            return veld_fail(err, VELD_E_FORM, "two cursors in a request");
        return take_cursor(relay, turn, frame->body, err);
    case VELD_FRAME_EDITION:
        return exchange_read_edition(frame->body, &turn->edition, err);
    case VELD_FRAME_WANT:
        return exchange_read_hashes(
            frame->body, turn->wants, VELD_EXCHANGE_WANTS_MAX, &turn->wants_count, err);
    case VELD_FRAME_ENROL_ANSWER:
        if (!turn->peer.is_merger)
            return VELD_OK;
        status = exchange_read_enrol(frame->body, &id, &answer, err);
        return status == VELD_OK ? relay_enrol_answered(relay, &id, answer, err) : status;
    case VELD_FRAME_ASK:
        turn->has_ask = true;
        return exchange_read_ask(frame->body, &turn->ask, err);
    case VELD_FRAME_ENVELOPE:
    case VELD_FRAME_GRANT:
    case VELD_FRAME_HEAD:
    case VELD_FRAME_CHECKPOINT:
    case VELD_FRAME_ORDER:
    case VELD_FRAME_CONFIRMATION:
    case VELD_FRAME_ASIDE:
    case VELD_FRAME_ACCESS:
    case VELD_FRAME_DIRECTORY_HEAD:
    case VELD_FRAME_INTRODUCTION:
    case VELD_FRAME_FORGET:
    case VELD_FRAME_DIRECTORY:
        return take_item(relay, turn, frame, err);
    default:
        return VELD_OK;
    }
}

static veld_status take_frames(
    veld_relay *relay, veld_relay_turn *turn, veld_span request, veld_error *err)
{
    enum { PIECE = 1 << 18 };
    veld_status status;
    veld_frame_reader reader = {0};
    VELD_TRY(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, err));
    for (size_t at = 0; at < request.len; at += PIECE) {
        size_t len = request.len - at < PIECE ? request.len - at : PIECE;
        VELD_TRY(veld_frame_reader_add(&reader, veld_span_part(request, at, len), err));
        for (;;) {
            veld_frame frame;
            bool have = false;
            VELD_TRY(veld_frame_reader_next(&reader, &frame, &have, err));
            if (!have)
                break;
            VELD_TRY(take_frame(relay, turn, &frame, err));
        }
    }
    VELD_TRY(veld_frame_reader_finish(&reader, err));
    if (!turn->has_cursor)
        status = veld_fail(err, VELD_E_FORM, "a request without a cursor");
done:
    veld_frame_reader_release(&reader);
    return status;
}

veld_status veld_relay_take(veld_relay *relay, const veld_relay_peer *peer, veld_span request,
    veld_relay_turn **turn, veld_error *err)
{
    veld_status status;
    const veld_journal *journal = relay->config.journal;
    *turn = NULL;
    if (request.len > VELD_EXCHANGE_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "a request has at most %u MiB",
            (unsigned)(VELD_EXCHANGE_BYTES_MAX >> 20));
    veld_relay_turn *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a request");
    made->peer = *peer;
    made->edition = 1;
    VELD_TRY(relay_quota_ask(relay, made, err));
    VELD_TRY(journal->begin(journal->context, err));
    status = take_frames(relay, made, request, err);
    if (status == VELD_OK)
        status = journal->commit(journal->context, err);
    else
        journal->rollback(journal->context);
    if (status == VELD_OK && made->counts.stored > 0) {
        relay_quota_note(relay, made);
        relay->generation++;
    }
done:
    if (status == VELD_OK)
        *turn = made;
    else
        veld_relay_turn_free(made);
    return status;
}
