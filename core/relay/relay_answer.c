/* The answer: a receipt, what was refused, and a page of what the peer may see and has not. What a
 * device may see follows from the merger's grants in the journal and from nothing else. */
#include "relay_inner.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/frame.h"
#include "veldkit/head.h"

enum { SCAN_ITEMS_MAX = 20000, RANK_LISTED = 100 };

/* A page under way. */
typedef struct page_entry {
    veld_journal_item item;
    unsigned rank;  /* what goes first */
    int64_t utc_ms; /* head: when it was signed */
} page_entry;

typedef struct page {
    veld_relay *relay;
    veld_relay_turn *turn;
    page_entry *entries;
    size_t count, capacity;
    size_t bytes;
    size_t scanned;
    bool is_full;
    exchange_cursor next;
    exchange_told told;

    /* what was found of the case that was asked for last */
    veld_id case_id;
    bool may_fetch, has_written;
    uint64_t access_seq;
} page;

static unsigned rank_of(const veld_journal_item *item)
{
    switch (item->kind) {
    case VELD_FRAME_DIRECTORY:
    case VELD_FRAME_DIRECTORY_HEAD:
    case VELD_FRAME_INTRODUCTION:
    case VELD_FRAME_ORDER:
    case VELD_FRAME_CONFIRMATION:
        return 0;
    case VELD_FRAME_GRANT:
    case VELD_FRAME_CHECKPOINT:
        return 1;
    case VELD_FRAME_ACCESS:
        return 2u + VELD_PRIORITY_ACCESS;
    case VELD_FRAME_ENVELOPE:
        return 2u + item->priority;
    default:
        return 50;
    }
}

static bool is_compare(const page *by)
{
    return (by->next.flags & CURSOR_COMPARE) != 0;
}

/* A request that was given up may arrive late, so that the last head in the journal need not be the
 * last that was signed. */
static veld_status signed_at(page *by, uint64_t seq, int64_t *out, veld_error *err)
{
    veld_status status;
    const veld_journal *journal = by->relay->config.journal;
    veld_buf bytes;
    veld_arena arena;
    veld_head head;
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    veld_arena_init(&arena, VELD_FRAME_BYTES_MAX);
    VELD_TRY(journal->load(journal->context, seq, NULL, &bytes, err));
    VELD_TRY(veld_head_read(veld_buf_span(&bytes), &arena, &head, err));
    *out = head.utc_ms;
done:
    veld_arena_release(&arena);
    veld_buf_release(&bytes);
    return status;
}

static veld_status add_entry(page *by, const veld_journal_item *item, veld_error *err)
{
    enum { LISTED_BYTES = 128 };
    unsigned rank = rank_of(item);
    size_t len = item->len;
    if (is_compare(by) && item->kind == VELD_FRAME_ENVELOPE) {
        rank = RANK_LISTED;
        len = LISTED_BYTES;
    }
    if (by->count > 0 && by->bytes + len > by->turn->cursor.page_bytes) {
        by->is_full = true;
        return VELD_OK;
    }
    if (by->count == by->capacity) {
        size_t capacity = by->capacity == 0 ? 32 : by->capacity * 2;
        page_entry *grown = veld_resize(by->entries, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", capacity);
        by->entries = grown;
        by->capacity = capacity;
    }
    page_entry made = {.item = *item, .rank = rank};
    if (item->kind == VELD_FRAME_HEAD) {
        veld_status status = signed_at(by, item->seq, &made.utc_ms, err);
        if (status != VELD_OK)
            return status;
    }
    by->entries[by->count++] = made;
    by->bytes += len;
    return VELD_OK;
}

/* ---- what the peer may see ---- */

static veld_status look_up_case(page *by, const veld_id *case_id, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    const veld_id *device = &by->turn->peer.device;
    if (veld_id_equal(case_id, &by->case_id))
        return VELD_OK;
    by->may_fetch = false;
    VELD_TRY(journal->first_access(
        journal->context, case_id, device, &by->may_fetch, &by->access_seq, err));
    by->may_fetch = by->may_fetch && by->turn->peer.may_fetch;
    VELD_TRY(journal->wrote(journal->context, case_id, device, &by->has_written, err));
    by->case_id = *case_id;
done:
    return status;
}

static bool was_handed_in(const veld_relay_turn *turn, uint64_t seq)
{
    for (size_t i = 0; i < turn->items_count; i++) {
        if (turn->items[i].seq == seq)
            return true;
    }
    return false;
}

static bool merger_sees(const page *by, const veld_journal_item *item)
{
    if (item->kind == VELD_FRAME_ENVELOPE && is_compare(by))
        return true;
    if (item->kind == VELD_FRAME_ACCESS)
        return !item->access;
    return (item->kind == VELD_FRAME_ENVELOPE || item->kind == VELD_FRAME_GRANT ||
               item->kind == VELD_FRAME_CONFIRMATION) &&
           !veld_id_equal(&item->carrier, &by->turn->peer.device);
}

static bool is_locked(const veld_relay_turn *turn)
{
    return (turn->cursor.flags & CURSOR_LOCKED) != 0;
}

/* A locked tablet can keep nothing: it hears what it is to do, and what the agency signed for. */
static bool locked_sees(const page *by, const veld_journal_item *item)
{
    if (item->kind == VELD_FRAME_HEAD)
        return by->has_written;
    return (item->kind == VELD_FRAME_ORDER || item->kind == VELD_FRAME_ASIDE ||
               (item->kind == VELD_FRAME_ACCESS && item->access)) &&
           veld_id_equal(&item->device, &by->turn->peer.device);
}

/* Needs look_up_case. Before a case's grant its items are not told one by one: the grant brings
 * them. A comparison tells all of the case. */
static bool device_sees(const page *by, const veld_journal_item *item)
{
    bool in_turn = by->may_fetch && (is_compare(by) || item->seq > by->access_seq);
    switch (item->kind) {
    case VELD_FRAME_DIRECTORY: /* who concerns a device is introduced to it, with proof */
        return false;
    case VELD_FRAME_DIRECTORY_HEAD: /* hashes only; who misses one could follow no further */
        return true;
    case VELD_FRAME_INTRODUCTION:
    case VELD_FRAME_GRANT:
        return item->access && by->turn->peer.may_fetch &&
               veld_id_equal(&item->device, &by->turn->peer.device);
    case VELD_FRAME_ORDER: /* also to who may no longer fetch: it is how such a device is told */
    case VELD_FRAME_ASIDE:
        return veld_id_equal(&item->device, &by->turn->peer.device);
    case VELD_FRAME_ACCESS: /* what the agency keeps of its own log */
        return item->access && veld_id_equal(&item->device, &by->turn->peer.device);
    case VELD_FRAME_ENVELOPE:
        return (in_turn && !item->held) ||
               (is_compare(by) && veld_id_equal(&item->carrier, &by->turn->peer.device));
    case VELD_FRAME_HEAD:
        return in_turn || by->has_written;
    default:
        return false;
    }
}

static veld_status sees(page *by, const veld_journal_item *item, bool *out, veld_error *err)
{
    *out = false;
    if (item->len == 0) /* forgotten */
        return VELD_OK;
    if (was_handed_in(by->turn, item->seq) && !is_compare(by))
        return VELD_OK;
    if (by->turn->peer.is_merger) {
        *out = merger_sees(by, item);
        return VELD_OK;
    }
    veld_status status = look_up_case(by, &item->case_id, err);
    if (status == VELD_OK)
        *out = is_locked(by->turn) ? locked_sees(by, item) : device_sees(by, item);
    return status;
}

/* ---- going through the journal ---- */

/* The last checkpoint of the case before the grant; seq 0 when there is none. */
static veld_status find_checkpoint(
    page *by, const veld_journal_item *grant, veld_journal_item *out, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    bool more = true;
    uint64_t at = 0;
    *out = (veld_journal_item){0};
    while (more) {
        veld_journal_item item;
        VELD_TRY(journal->next_in_case(journal->context, &grant->case_id, at, &item, &more, err));
        if (!more || item.seq >= grant->seq)
            break;
        at = item.seq;
        if (item.kind == VELD_FRAME_CHECKPOINT && item.len > 0)
            *out = item;
    }
done:
    return status;
}

/* It goes with its grant, also when the page is larger by it: else it would never go. */
static veld_status add_checkpoint(
    page *by, const veld_journal_item *grant, veld_journal_item *out, veld_error *err)
{
    veld_status status = find_checkpoint(by, grant, out, err);
    if (status != VELD_OK || out->seq == 0)
        return status;
    veld_journal_item item = *out;
    item.len = 0; /* what is written is loaded by its seq */
    by->bytes = by->bytes < by->turn->cursor.page_bytes ? by->bytes : 0;
    status = add_entry(by, &item, err);
    by->bytes += out->len;
    return status;
}

/* What of a case lies before the grant that has just come: all of it, or a checkpoint and what came
 * after the place that it speaks for. */
static veld_status add_case_before(page *by, const veld_journal_item *grant, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    bool more = true;
    veld_journal_item checkpoint;
    if (by->next.inside == 0)
        VELD_TRY(add_checkpoint(by, grant, &checkpoint, err));
    else
        VELD_TRY(find_checkpoint(by, grant, &checkpoint, err));
    while (!by->is_full) {
        veld_journal_item item;
        VELD_TRY(journal->next_in_case(
            journal->context, &grant->case_id, by->next.inside, &item, &more, err));
        if (!more || item.seq >= grant->seq)
            break;
        bool is_covered = item.seq <= checkpoint.number;
        bool is_wanted = (item.kind == VELD_FRAME_ENVELOPE && !item.held && !is_covered) ||
                         (item.kind == VELD_FRAME_HEAD && !by->has_written);
        if (is_wanted && item.len > 0 && !was_handed_in(by->turn, item.seq))
            VELD_TRY(add_entry(by, &item, err));
        if (!by->is_full)
            by->next.inside = item.seq;
    }
done:
    return status;
}

static veld_status add_next(page *by, const veld_journal_item *item, veld_error *err)
{
    bool visible;
    veld_status status = sees(by, item, &visible, err);
    if (status != VELD_OK || !visible)
        return status;
    veld_journal_item checkpoint;
    VELD_TRY(add_entry(by, item, err));
    if (item->kind != VELD_FRAME_GRANT || by->turn->peer.is_merger || by->is_full ||
        item->seq != by->access_seq)
        goto done;
    if (is_compare(by)) /* the grant may have no key for what the checkpoint stands for */
        status = add_checkpoint(by, item, &checkpoint, err);
    else
        status = add_case_before(by, item, err);
done:
    return status;
}

/* A page for the merger does not reach over an entry of the directory: so it can tell, of what a
 * device handed in, whether that was before its revocation stood in the journal. */
static bool ends_before(const page *by, const veld_journal_item *item)
{
    return item->kind == VELD_FRAME_DIRECTORY && by->turn->peer.is_merger && by->count > 0;
}

static veld_status fill(page *by, veld_error *err)
{
    veld_status status = VELD_OK;
    bool more = true;
    const veld_journal *journal = by->relay->config.journal;
    while (!by->is_full) {
        veld_journal_item item;
        VELD_TRY(journal->next(journal->context, by->next.seq, &item, &more, err));
        if (!more)
            break;
        if (ends_before(by, &item))
            by->is_full = true;
        else
            VELD_TRY(add_next(by, &item, err));
        if (by->is_full)
            break;
        by->next.seq = item.seq;
        by->next.inside = 0;
        if (++by->scanned == SCAN_ITEMS_MAX)
            by->is_full = true;
    }
done:
    return status;
}

/* The past of a case that is asked for, in the room that is left. */
static veld_status add_asked(page *by, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    const exchange_ask *ask = &by->turn->ask;
    bool was_full = by->is_full, more = true;
    by->told = (exchange_told){.case_id = ask->case_id, .after = ask->after};
    VELD_TRY(look_up_case(by, &ask->case_id, err));
    while (by->may_fetch && !by->is_full) {
        veld_journal_item item;
        VELD_TRY(journal->next_in_case(
            journal->context, &ask->case_id, by->told.after, &item, &more, err));
        if (!more)
            break;
        if (item.kind == VELD_FRAME_ENVELOPE && !item.held && item.len > 0)
            VELD_TRY(add_entry(by, &item, err));
        if (!by->is_full)
            by->told.after = item.seq;
    }
    by->told.more = by->may_fetch && by->is_full;
done:
    by->is_full = was_full;
    return status;
}

static veld_status add_wanted(page *by, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    const veld_relay_turn *turn = by->turn;
    for (size_t i = 0; i < turn->wants_count; i++) {
        bool found;
        uint64_t seq;
        bool more = false;
        veld_journal_item item = {0};
        VELD_TRY(journal->find(journal->context, &turn->wants[i], &found, &seq, err));
        if (found)
            VELD_TRY(journal->next(journal->context, seq - 1, &item, &more, err));
        if (!more || item.len == 0)
            continue;
        if (!turn->peer.is_merger)
            VELD_TRY(look_up_case(by, &item.case_id, err));
        if (turn->peer.is_merger ||
            ((item.kind == VELD_FRAME_ENVELOPE || item.kind == VELD_FRAME_CHECKPOINT) &&
                by->may_fetch && !item.held))
            VELD_TRY(add_entry(by, &item, err));
        by->is_full = false; /* wanted items all fit: a page may be over its size by them */
    }
done:
    return status;
}

/* By its place and by the merger's clock: where they disagree neither head is passed over. */
static bool is_newer(const page_entry *a, const page_entry *b)
{
    return a->item.seq > b->item.seq && a->utc_ms >= b->utc_ms;
}

/* Only the newest head of a case says more than the others. */
static void drop_old_heads(page *by)
{
    for (size_t i = 0; i < by->count; i++) {
        page_entry *old = &by->entries[i];
        for (size_t k = 0; old->item.kind == VELD_FRAME_HEAD && k < by->count; k++) {
            const page_entry *other = &by->entries[k];
            if (other->item.kind == VELD_FRAME_HEAD && is_newer(other, old) &&
                veld_id_equal(&other->item.case_id, &old->item.case_id)) {
                *old = by->entries[--by->count];
                i--;
                break;
            }
        }
    }
}

static int by_rank(const void *a, const void *b)
{
    const page_entry *left = a;
    const page_entry *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->item.seq > right->item.seq) - (left->item.seq < right->item.seq);
}

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
    const page *by, size_t first, veld_frame_writer *writer, veld_buf *body, veld_error *err)
{
    veld_status status = VELD_OK;
    exchange_holding *list = veld_allocate(HOLDINGS_PER_FRAME * sizeof *list);
    if (list == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a listing");
    for (size_t at = first; status == VELD_OK && at < by->count;) {
        size_t count = 0;
        for (; count < HOLDINGS_PER_FRAME && at < by->count; at++, count++) {
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

static veld_status write_page(
    const page *by, veld_frame_writer *writer, veld_buf *small, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    size_t i = 0;
    veld_buf body;
    veld_buf_init(&body, VELD_FRAME_BYTES_MAX);
    for (; i < by->count && by->entries[i].rank < RANK_LISTED; i++) {
        const veld_journal_item *item = &by->entries[i].item;
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

static veld_status write_answer(page *by, veld_buf *out, veld_error *err)
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
    by->next.flags &= ~(uint64_t)CURSOR_LOCKED;
    by->next.flags |= by->is_full ? CURSOR_MORE : 0;
    by->next.flags |= by->turn->was_reset ? CURSOR_RESET : 0;
    VELD_TRY(put_small(
        &writer, VELD_FRAME_CURSOR, exchange_put_cursor(&by->next, &small, err), &small, err));
    VELD_TRY(write_page(by, &writer, &small, err));
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
    cursor->flags &= is_locked(turn) ? CURSOR_LOCKED : CURSOR_COMPARE;
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
        .flags = is_locked(turn) ? CURSOR_LOCKED : CURSOR_COMPARE,
        .page_bytes = cursor->page_bytes,
    };
    turn->was_reset = true;
    turn->wants_count = 0;
    return VELD_OK;
}

static bool has_news(const page *by)
{
    const veld_relay_turn *turn = by->turn;
    int64_t now_ms = veld_env_now(by->relay->config.env).monotonic_ms;
    return by->count > 0 || by->is_full || turn->items_count > 0 || turn->refusals_count > 0 ||
           turn->wants_count > 0 || turn->has_ask || turn->was_reset || is_compare(by) ||
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
    page by = {.relay = relay, .turn = turn};
    *parked = false;
    VELD_TRY(check_cursor(relay, turn, err));
    by.next = turn->cursor;
    if (!is_hand_in(turn)) {
        VELD_TRY(add_wanted(&by, err));
        VELD_TRY(fill(&by, err));
        if (turn->has_ask && !is_compare(&by))
            VELD_TRY(add_asked(&by, err));
    }
    if (!is_hand_in(turn) && !has_news(&by)) {
        turn->cursor.seq = by.next.seq;
        turn->cursor.inside = 0;
        turn->look_ms = look_again_ms(relay, turn);
        *parked = true;
        goto done;
    }
    drop_old_heads(&by);
    if (by.count > 1)
        qsort(by.entries, by.count, sizeof *by.entries, by_rank);
    status = write_answer(&by, out, err);
done:
    veld_release(by.entries);
    return status;
}
