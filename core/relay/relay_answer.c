/* The answer: a receipt, what was refused, and a page of what the peer may see and has not. */
#include "relay_page.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/frame.h"

/* ---- writing ---- */

static veld_status put_small(veld_frame_writer *writer, veld_frame_type type, veld_status made,
    veld_buf *body, veld_error *err)
{
    if (made == VELD_OK)
        made = veld_frame_writer_add(writer, type, veld_buf_span(body), err);
    veld_buf_clear(body);
    return made;
}

static veld_status write_listed(
    const relay_page *by, size_t first, veld_frame_writer *writer, veld_buf *body, veld_error *err)
{
    veld_status status = VELD_OK;
    exchange_holding *list = veld_allocate(VELD_EXCHANGE_HOLDINGS_MAX * sizeof *list);
    if (list == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a listing");
    for (size_t at = first; status == VELD_OK && at < by->count;) {
        size_t count = 0;
        for (; count < VELD_EXCHANGE_HOLDINGS_MAX && at < by->count; at++, count++) {
            const veld_journal_item *item = &by->entries[at].item;
            list[count] = (exchange_holding){
                .id = item->id,
                .case_id = item->case_id,
                .device = item->device,
                .number = item->number,
                .count = item->count,
                .change_id = item->change_id,
            };
            memcpy(list[count].incarnation, item->incarnation, sizeof item->incarnation);
        }
        status = put_small(
            writer, VELD_FRAME_HOLDINGS, exchange_put_holdings(list, count, body, err), body, err);
    }
    veld_release(list);
    return status;
}

/* Where it lies in the log of the receipt: the merger believes no place that is not proved. */
static veld_status write_place(const relay_page *by, const veld_journal_item *item, uint64_t size,
    veld_frame_writer *writer, veld_buf *small, veld_error *err)
{
    exchange_place place = {.id = item->id, .seq = item->seq};
    if (!relay_page_proves(by) || item->kind != VELD_FRAME_ENVELOPE)
        return VELD_OK;
    veld_status status = veld_log_prove_entry(
        &by->relay->config.journal->log, item->seq - 1, size, &place.proof, err);
    return status == VELD_OK ? put_small(writer, VELD_FRAME_PLACE,
                                   exchange_put_place(&place, small, err), small, err)
                             : status;
}

static veld_status write_page(const relay_page *by, uint64_t size, veld_frame_writer *writer,
    veld_buf *small, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    size_t i = 0;
    veld_buf body;
    veld_buf_init(&body, VELD_FRAME_BYTES_MAX);
    for (; i < by->count && by->entries[i].rank < RELAY_RANK_LISTED; i++) {
        const veld_journal_item *item = &by->entries[i].item;
        VELD_TRY(write_place(by, item, size, writer, small, err));
        VELD_TRY(journal->load(journal->context, item->seq, NULL, &body, err));
        VELD_TRY(veld_frame_writer_add(writer, item->kind, veld_buf_span(&body), err));
        veld_buf_clear(&body);
    }
    status = write_listed(by, i, writer, small, err);
done:
    veld_buf_release(&body);
    return status;
}

static veld_status write_receipt(const veld_relay *relay, const veld_relay_turn *turn,
    const veld_log_head *log, veld_frame_writer *writer, veld_error *err)
{
    veld_buf body;
    const veld_receipt receipt = {
        .journal = relay->config.journal->id,
        .log = *log,
        .server_utc_ms = veld_env_now(relay->config.env).wall_utc_ms,
        .items = turn->items,
        .count = turn->items_count,
    };
    veld_buf_init(&body, VELD_FRAME_BYTES_MAX);
    veld_status status = put_small(writer, VELD_FRAME_RECEIPT,
        veld_receipt_make(&receipt, &relay->config.signer, &body, err), &body, err);
    veld_buf_release(&body);
    return status;
}

/* That the log goes on from the one the peer saw. */
static veld_status write_growth(const veld_relay *relay, const veld_relay_turn *turn, uint64_t size,
    veld_frame_writer *writer, veld_buf *small, veld_error *err)
{
    veld_log_proof proof;
    const veld_log_head *old = &turn->cursor.log;
    if (turn->was_reset || old->size == 0 || old->size == size)
        return VELD_OK;
    veld_status status =
        veld_log_prove_growth(&relay->config.journal->log, old->size, size, &proof, err);
    if (status != VELD_OK)
        return status;
    return put_small(writer, VELD_FRAME_GROWTH,
        exchange_put_hashes(proof.hashes, proof.count, small, err), small, err);
}

static bool has_later_statement(const veld_relay *relay, const veld_relay_turn *turn)
{
    const veld_agency *agency = relay->config.agency;
    return agency != NULL && !turn->peer.is_merger && turn->edition < agency->edition &&
           (turn->cursor.flags & CURSOR_HAND_IN) == 0;
}

/* Whoever may hand in may hear of the keys: they are public, and signed by the root. */
static veld_status write_statement(const veld_relay *relay, const veld_relay_turn *turn,
    veld_frame_writer *writer, veld_error *err)
{
    return has_later_statement(relay, turn)
               ? veld_frame_writer_add(writer, VELD_FRAME_DIRECTORY, relay->config.statement, err)
               : VELD_OK;
}

static veld_status write_enrolments(
    veld_relay *relay, const veld_relay_turn *turn, veld_frame_writer *writer, veld_error *err)
{
    veld_status status = VELD_OK;
    size_t at = 0;
    int64_t now_ms = veld_env_now(relay->config.env).monotonic_ms;
    enrol_waiting *one = turn->peer.is_merger ? relay_enrol_next(relay, now_ms, &at) : NULL;
    for (; status == VELD_OK && one != NULL; one = relay_enrol_next(relay, now_ms, &at)) {
        one->told_ms = now_ms;
        status = veld_frame_writer_add(
            writer, VELD_FRAME_ENROL_REQUEST, veld_buf_span(&one->request), err);
    }
    return status;
}

static veld_status write_answer(relay_page *by, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_log_head log;
    veld_relay *relay = by->relay;
    const veld_journal *journal = relay->config.journal;
    size_t start = out->len;
    veld_frame_writer writer = {0};
    veld_buf small;
    veld_buf_init(&small, EXCHANGE_SMALL_BYTES_MAX);
    VELD_TRY(veld_log_root(&journal->log, journal->size(journal->context), &log, err));
    VELD_TRY(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, relay->config.program, out, err));
    VELD_TRY(write_statement(relay, by->turn, &writer, err));
    VELD_TRY(write_receipt(relay, by->turn, &log, &writer, err));
    VELD_TRY(write_growth(relay, by->turn, log.size, &writer, &small, err));
    for (size_t i = 0; i < by->turn->refusals_count; i++)
        VELD_TRY(put_small(&writer, VELD_FRAME_REFUSAL,
            exchange_put_refusal(&by->turn->refusals[i], &small, err), &small, err));
    by->next.log = (veld_log_head){0};
    by->next.page_bytes = by->next.wait_ms = 0;
    exchange_cursor next = by->next;
    next.flags &= ~(uint64_t)(CURSOR_LOCKED | CURSOR_PLACES);
    next.flags |= by->is_full ? CURSOR_MORE : 0;
    next.flags |= by->turn->was_reset ? CURSOR_RESET : 0;
    VELD_TRY(put_small(
        &writer, VELD_FRAME_CURSOR, exchange_put_cursor(&next, &small, err), &small, err));
    VELD_TRY(write_page(by, log.size, &writer, &small, err));
    if (!veld_id_is_zero(&by->told.case_id))
        VELD_TRY(put_small(
            &writer, VELD_FRAME_TOLD, exchange_put_told(&by->told, &small, err), &small, err));
    VELD_TRY(write_enrolments(relay, by->turn, &writer, err));
    status = veld_frame_writer_end(&writer, err);
done:
    veld_frame_writer_abort(&writer);
    veld_buf_release(&small);
    if (status != VELD_OK)
        out->len = start;
    return status;
}

/* ---- the turn ---- */

/* A place in another journal, or in one that was restored, is no place in this one. */
static bool is_hand_in(const veld_relay_turn *turn)
{
    return (turn->cursor.flags & CURSOR_HAND_IN) != 0;
}

static veld_status check_cursor(veld_relay *relay, veld_relay_turn *turn, veld_error *err)
{
    veld_log_head log;
    const veld_journal *journal = relay->config.journal;
    exchange_cursor *cursor = &turn->cursor;
    uint64_t size = journal->size(journal->context);
    bool is_ours = veld_id_equal(&cursor->journal, &journal->id);
    if (is_hand_in(turn)) {
        *cursor = (exchange_cursor){.journal = journal->id, .flags = CURSOR_HAND_IN};
        return VELD_OK;
    }
    cursor->flags &= relay_is_locked(turn) ? CURSOR_LOCKED : CURSOR_COMPARE | CURSOR_PLACES;
    if (veld_id_is_zero(&cursor->journal) && cursor->seq == 0 && cursor->log.size == 0) {
        cursor->journal = journal->id;
        return VELD_OK;
    }
    if (is_ours && cursor->log.size <= size && cursor->seq <= size) {
        veld_status status = veld_log_root(&journal->log, cursor->log.size, &log, err);
        if (status != VELD_OK || veld_hash_equal(&log.root, &cursor->log.root))
            return status;
    }
    *cursor = (exchange_cursor){
        .journal = journal->id,
        .flags = relay_is_locked(turn) ? CURSOR_LOCKED : CURSOR_COMPARE,
        .page_bytes = cursor->page_bytes,
    };
    turn->was_reset = true;
    turn->wants_count = 0;
    return VELD_OK;
}

static bool has_news(const relay_page *by)
{
    const veld_relay_turn *turn = by->turn;
    int64_t now_ms = veld_env_now(by->relay->config.env).monotonic_ms;
    return by->count > 0 || by->is_full || turn->items_count > 0 || turn->refusals_count > 0 ||
           turn->wants_count > 0 || turn->has_ask || turn->was_reset || relay_page_compares(by) ||
           has_later_statement(by->relay, turn) || now_ms >= turn->deadline_ms ||
           (turn->peer.is_merger && relay_enrol_due(by->relay) <= now_ms);
}

void veld_relay_turn_judge(veld_relay_turn *turn, const veld_relay_peer *peer)
{
    VELD_ASSERT(veld_id_equal(&turn->peer.device, &peer->device) &&
                turn->peer.is_merger == peer->is_merger);
    turn->peer = *peer;
}

int64_t veld_relay_turn_deadline_ms(const veld_relay_turn *turn)
{
    return turn->look_ms;
}

/* The merger hears of an enrolment again after a while: a person may have approved it. */
static int64_t look_again_ms(const veld_relay *relay, const veld_relay_turn *turn)
{
    int64_t due_ms = turn->peer.is_merger ? relay_enrol_due(relay) : INT64_MAX;
    return due_ms < turn->deadline_ms ? due_ms : turn->deadline_ms;
}

veld_status veld_relay_answer(
    veld_relay *relay, veld_relay_turn *turn, veld_buf *out, bool *parked, veld_error *err)
{
    veld_status status;
    relay_page by = {.relay = relay, .turn = turn};
    *parked = false;
    VELD_TRY(check_cursor(relay, turn, err));
    by.next = turn->cursor;
    if (!is_hand_in(turn))
        VELD_TRY(relay_page_fill(&by, err));
    if (!is_hand_in(turn) && !has_news(&by)) {
        turn->cursor.seq = by.next.seq;
        turn->cursor.inside = 0;
        turn->look_ms = look_again_ms(relay, turn);
        *parked = true;
        goto done;
    }
    relay_page_order(&by);
    status = write_answer(&by, out, err);
done:
    veld_release(by.entries);
    return status;
}
