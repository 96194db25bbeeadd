/* Taking a request: frame by frame into the journal, within one transaction that ends only when the
 * whole request was right. The relay judges form, never content: who judges content has the keys.
 */
#include "relay_inner.h"

#include <string.h>

#include "veldkit/access.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/directory_head.h"
#include "veldkit/envelope.h"
#include "veldkit/erase.h"
#include "veldkit/frame.h"
#include "veldkit/grant.h"
#include "veldkit/hash.h"
#include "veldkit/head.h"
#include "veldkit/introduction.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"

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

static veld_status describe_envelope(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_envelope_header header;
    veld_status status = veld_envelope_read_header(body, &header, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = header.case_id;
    item->device = header.device;
    memcpy(item->incarnation, header.incarnation, sizeof item->incarnation);
    item->number = header.number;
    item->count = header.count;
    item->priority = (uint8_t)header.priority;
    item->change_id = header.change_id;
    item->held = peer->is_revoked;
    return VELD_OK;
}

/* By the agency's key of now or of before. */
static veld_status verify_grant(const veld_relay *relay, const veld_grant *grant, bool *out)
{
    const veld_relay_config *config = &relay->config;
    bool is_agency = true;
    *out = false;
    veld_status status =
        config->agency == NULL
            ? veld_grant_verify(grant, &config->verifier, &config->merger_key, NULL)
            : veld_agency_gave(config->agency, &config->verifier, grant, &is_agency, NULL);
    *out = status == VELD_OK && is_agency;
    return status == VELD_E_FORGED ? VELD_OK : status;
}

static veld_status describe_grant(const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    veld_grant grant;
    veld_status status = veld_grant_read(body, &grant, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = grant.terms.case_id;
    item->device = grant.terms.recipient;
    item->number = grant.terms.serial;
    status = verify_grant(relay, &grant, &item->access);
    return status;
}

static veld_status describe_order(const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    veld_order order;
    veld_status status =
        veld_order_read(body, &relay->config.verifier, &relay->config.merger_key, &order, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = order.case_id;
    item->device = order.device;
    item->number = order.serial;
    item->access = true;
    return VELD_OK;
}

/* Only the device itself says what it did; that it signed it is the merger's to check. */
static veld_status describe_confirmation(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_confirmation confirmation;
    veld_status status = veld_confirmation_read(body, &confirmation, NULL);
    if (status != VELD_OK)
        return status;
    item->device = confirmation.device;
    return veld_id_equal(&confirmation.device, &peer->device) ? VELD_OK : VELD_E_NOT_ALLOWED;
}

/* Lines of a device come from itself only; that the merger keeps them comes from the merger only,
 * and goes to that device. */
static veld_status describe_access(
    const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    veld_access_item access;
    veld_status status = veld_access_item_read(body, &access, NULL);
    if (status != VELD_OK)
        return status;
    item->device = access.device;
    item->access = access.form == VELD_ACCESS_KEPT;
    if (item->access)
        return peer->is_merger ? VELD_OK : VELD_E_NOT_ALLOWED;
    return veld_id_equal(&access.device, &peer->device) ? VELD_OK : VELD_E_NOT_ALLOWED;
}

/* For the device whose change it is, and for no other. */
static veld_status describe_aside(veld_span body, veld_journal_item *item)
{
    veld_aside aside;
    veld_status status = veld_aside_read(body, &aside, NULL);
    if (status == VELD_OK)
        item->device = aside.device;
    return status;
}

/* From the merger only, for one device. */
static veld_status describe_introduction(veld_span body, veld_journal_item *item)
{
    veld_introduction introduction;
    veld_status status = veld_introduction_read(body, &introduction, NULL);
    item->device = introduction.recipient;
    item->access = true;
    return status;
}

static veld_status describe_head(veld_span body, veld_journal_item *item)
{
    veld_head head;
    veld_arena arena;
    veld_arena_init(&arena, 2 * VELD_HEAD_CHANGES_MAX * sizeof(veld_hash));
    veld_status status = veld_head_read(body, &arena, &head, NULL);
    if (status == VELD_OK)
        item->case_id = head.case_id;
    veld_arena_release(&arena);
    return status;
}

/* Whether somebody's log is the beginning of ours. A journal that came back from a copy has the
 * same name and another past. */
static veld_status goes_on_from(const veld_relay *relay, const veld_id *journal_id,
    const veld_log_head *old, bool *out, veld_error *err)
{
    veld_log_head log;
    const veld_journal *journal = relay->config.journal;
    *out = false;
    if (!veld_id_equal(journal_id, &journal->id) || old->size > journal->size(journal->context))
        return VELD_OK;
    veld_status status = veld_log_root(&journal->log, old->size, &log, err);
    *out = status == VELD_OK && veld_hash_equal(&log.root, &old->root);
    return status;
}

/* Of another log its place says nothing: then all of the case goes besides. */
static veld_status describe_checkpoint(
    const veld_relay *relay, veld_span body, veld_journal_item *item)
{
    bool fits = false;
    veld_checkpoint_item checkpoint;
    const veld_relay_config *config = &relay->config;
    veld_status status = veld_checkpoint_item_read(body, &checkpoint, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_verify(
            checkpoint.signed_part, &config->verifier, &config->merger_key, NULL);
    if (status != VELD_OK)
        return status;
    item->case_id = checkpoint.head.case_id;
    const veld_checkpoint_head *head = &checkpoint.head;
    const veld_log_head log = {.size = head->log_size, .root = head->log_root};
    status = goes_on_from(relay, &head->journal, &log, &fits, NULL);
    if (fits && head->position <= log.size)
        item->number = head->position;
    return status;
}

/* What of an item may be known without a key. */
static veld_status describe(
    const veld_relay *relay, const veld_relay_peer *peer, veld_span body, veld_journal_item *item)
{
    if (body.len == 0)
        return VELD_E_FORM;
    if (item->kind == VELD_FRAME_ENVELOPE)
        return describe_envelope(peer, body, item);
    if (item->kind == VELD_FRAME_GRANT)
        return describe_grant(relay, body, item);
    if (item->kind == VELD_FRAME_CONFIRMATION)
        return describe_confirmation(peer, body, item);
    if (item->kind == VELD_FRAME_ACCESS)
        return describe_access(peer, body, item);
    if (!peer->is_merger)
        return VELD_E_NOT_ALLOWED;
    if (item->kind == VELD_FRAME_ORDER)
        return describe_order(relay, body, item);
    if (item->kind == VELD_FRAME_ASIDE)
        return describe_aside(body, item);
    if (item->kind == VELD_FRAME_FORGET)
        return veld_forget_read(
            body, &relay->config.verifier, &relay->config.merger_key, &item->case_id, NULL);
    if (item->kind == VELD_FRAME_HEAD)
        return describe_head(body, item);
    if (item->kind == VELD_FRAME_CHECKPOINT)
        return describe_checkpoint(relay, body, item);
    if (item->kind == VELD_FRAME_INTRODUCTION)
        return describe_introduction(body, item);
    size_t most = item->kind == VELD_FRAME_DIRECTORY_HEAD ? VELD_DIRECTORY_HEAD_BYTES_MAX
                                                          : VELD_DIRECTORY_BYTES_MAX;
    return body.len <= most ? VELD_OK : VELD_E_LIMIT;
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
        status = goes_on_from(relay, &cursor->journal, &cursor->log, &fits, err);
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
    uint64_t seq, upto;
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
    status = describe(relay, &turn->peer, frame->body, &item);
    if (is_fatal(status))
        return veld_fail(err, status, "an item could not be checked");
    if (status == VELD_OK && frame->body.len > turn->peer.quota_bytes - turn->counts.bytes)
        status = VELD_E_LIMIT;
    if (status != VELD_OK)
        return refuse(turn, &item.id, status, err);
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
    VELD_TRY(journal->begin(journal->context, err));
    status = take_frames(relay, made, request, err);
    if (status == VELD_OK)
        status = journal->commit(journal->context, err);
    else
        journal->rollback(journal->context);
    if (status == VELD_OK && made->counts.stored > 0)
        relay->generation++;
done:
    if (status == VELD_OK)
        *turn = made;
    else
        veld_relay_turn_free(made);
    return status;
}
