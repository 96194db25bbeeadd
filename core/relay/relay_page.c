/* What a peer may see, and the page of it that goes next. What a device may see follows from the
 * merger's grants in the journal and from nothing else. */
#include "relay_page.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/head.h"

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

bool relay_page_compares(const relay_page *by)
{
    return (by->next.flags & CURSOR_COMPARE) != 0;
}

bool relay_page_proves(const relay_page *by)
{
    return by->turn->peer.is_merger && (by->next.flags & CURSOR_PLACES) != 0;
}

/* A request that was given up may arrive late, so that the last head in the journal need not be the
 * last that was signed. */
static veld_status signed_at(relay_page *by, uint64_t seq, int64_t *out, veld_error *err)
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

/* `anyway`: also when the page is larger by it, since nothing else would go before it. */
static veld_status add_entry(
    relay_page *by, const veld_journal_item *item, bool anyway, veld_error *err)
{
    enum { LISTED_BYTES = 128, PLACE_BYTES = 1024 };
    unsigned rank = rank_of(item);
    size_t len = item->len;
    if (relay_page_compares(by) && item->kind == VELD_FRAME_ENVELOPE) {
        rank = RELAY_RANK_LISTED;
        len = LISTED_BYTES;
    } else if (relay_page_proves(by) && item->kind == VELD_FRAME_ENVELOPE) {
        len += PLACE_BYTES;
    }
    if (by->count > 0 && !anyway && by->bytes + len > by->turn->cursor.page_bytes) {
        by->is_full = true;
        return VELD_OK;
    }
    if (by->count == by->capacity) {
        size_t capacity = by->capacity == 0 ? 32 : by->capacity * 2;
        relay_page_entry *grown = veld_resize(by->entries, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", capacity);
        by->entries = grown;
        by->capacity = capacity;
    }
    relay_page_entry made = {.item = *item, .rank = rank};
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

static veld_status look_up_case(relay_page *by, const veld_id *case_id, veld_error *err)
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

static bool merger_sees(const relay_page *by, const veld_journal_item *item)
{
    if (item->kind == VELD_FRAME_ENVELOPE && relay_page_compares(by))
        return true;
    if (item->kind == VELD_FRAME_ACCESS)
        return !item->access;
    return (item->kind == VELD_FRAME_ENVELOPE || item->kind == VELD_FRAME_GRANT ||
               item->kind == VELD_FRAME_CONFIRMATION) &&
           !veld_id_equal(&item->carrier, &by->turn->peer.device);
}

bool relay_is_locked(const veld_relay_turn *turn)
{
    return (turn->cursor.flags & CURSOR_LOCKED) != 0;
}

/* A locked tablet can keep nothing: it hears what it is to do, and what the agency signed for. */
static bool locked_sees(const relay_page *by, const veld_journal_item *item)
{
    if (item->kind == VELD_FRAME_HEAD)
        return by->has_written;
    return (item->kind == VELD_FRAME_ORDER || item->kind == VELD_FRAME_ASIDE ||
               (item->kind == VELD_FRAME_ACCESS && item->access)) &&
           veld_id_equal(&item->device, &by->turn->peer.device);
}

/* Needs look_up_case. Before a case's grant its items are not told one by one: the grant brings
 * them, in a comparison too, which may be under way already when a case is given. */
static bool device_sees(const relay_page *by, const veld_journal_item *item)
{
    bool in_turn = by->may_fetch && item->seq > by->access_seq;
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
               (relay_page_compares(by) && veld_id_equal(&item->carrier, &by->turn->peer.device));
    case VELD_FRAME_HEAD:
        return in_turn || by->has_written;
    default:
        return false;
    }
}

static veld_status sees(relay_page *by, const veld_journal_item *item, bool *out, veld_error *err)
{
    *out = false;
    if (item->len == 0) /* forgotten */
        return VELD_OK;
    if (was_handed_in(by->turn, item->seq) && !relay_page_compares(by))
        return VELD_OK;
    if (by->turn->peer.is_merger) {
        *out = merger_sees(by, item);
        return VELD_OK;
    }
    veld_status status = look_up_case(by, &item->case_id, err);
    if (status == VELD_OK)
        *out = relay_is_locked(by->turn) ? locked_sees(by, item) : device_sees(by, item);
    return status;
}

/* ---- going through the journal ---- */

/* The last checkpoint of the case before the grant; seq 0 when there is none. */
static veld_status find_checkpoint(
    relay_page *by, const veld_journal_item *grant, veld_journal_item *out, veld_error *err)
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

/* It goes with its grant. */
static veld_status add_checkpoint(
    relay_page *by, const veld_journal_item *grant, veld_journal_item *out, veld_error *err)
{
    veld_status status = find_checkpoint(by, grant, out, err);
    return status == VELD_OK && out->seq != 0 ? add_entry(by, out, true, err) : status;
}

/* Of what lies before its grant: not what a checkpoint stands for, but a comparison names that too,
 * as the grant may have no key for the checkpoint; what the device handed in itself it named in its
 * place. */
static bool is_brought(
    const relay_page *by, const veld_journal_item *item, const veld_journal_item *checkpoint)
{
    if (item->len == 0)
        return false;
    if (item->kind == VELD_FRAME_HEAD)
        return !by->has_written && !was_handed_in(by->turn, item->seq);
    if (item->kind != VELD_FRAME_ENVELOPE || item->held)
        return false;
    return relay_page_compares(by)
               ? !veld_id_equal(&item->carrier, &by->turn->peer.device)
               : item->seq > checkpoint->number && !was_handed_in(by->turn, item->seq);
}

/* What of a case lies before the grant that has just come: all of it, or a checkpoint and what came
 * after the place that it speaks for. */
static veld_status add_case_before(relay_page *by, const veld_journal_item *grant, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    bool more = true;
    bool is_alone = by->count == 1; /* the grant, which is told each time */
    veld_journal_item checkpoint;
    if (by->next.inside == 0)
        VELD_TRY(add_checkpoint(by, grant, &checkpoint, err));
    else
        VELD_TRY(find_checkpoint(by, grant, &checkpoint, err));
    size_t before = by->count;
    while (!by->is_full) {
        veld_journal_item item;
        VELD_TRY(journal->next_in_case(
            journal->context, &grant->case_id, by->next.inside, &item, &more, err));
        if (!more || item.seq >= grant->seq)
            break;
        if (is_brought(by, &item, &checkpoint))
            VELD_TRY(add_entry(by, &item, is_alone && by->count == before, err));
        if (!by->is_full)
            by->next.inside = item.seq;
    }
done:
    return status;
}

static veld_status add_next(relay_page *by, const veld_journal_item *item, veld_error *err)
{
    bool visible;
    veld_status status = sees(by, item, &visible, err);
    if (status != VELD_OK || !visible)
        return status;
    VELD_TRY(add_entry(by, item, false, err));
    if (item->kind == VELD_FRAME_GRANT && !by->turn->peer.is_merger && !by->is_full &&
        item->seq == by->access_seq)
        status = add_case_before(by, item, err);
done:
    return status;
}

/* A page for the merger does not reach over an entry of the directory: so it can tell, of what a
 * device handed in, whether that was before its revocation stood in the journal. */
static bool ends_before(const relay_page *by, const veld_journal_item *item)
{
    return item->kind == VELD_FRAME_DIRECTORY && by->turn->peer.is_merger && by->count > 0;
}

static veld_status fill(relay_page *by, veld_error *err)
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
        if (++by->scanned == VELD_EXCHANGE_SCAN_ITEMS_MAX)
            by->is_full = true;
    }
done:
    return status;
}

/* The past of a case that is asked for, in the room that is left. */
static veld_status add_asked(relay_page *by, veld_error *err)
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
            VELD_TRY(add_entry(by, &item, false, err));
        if (!by->is_full)
            by->told.after = item.seq;
    }
    by->told.more = by->may_fetch && by->is_full;
done:
    by->is_full = was_full;
    return status;
}

/* What there is no room for is asked for again, as the cursor says that there is more. */
static veld_status add_wanted(relay_page *by, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_journal *journal = by->relay->config.journal;
    const veld_relay_turn *turn = by->turn;
    for (size_t i = 0; i < turn->wants_count && !by->is_full; i++) {
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
            VELD_TRY(add_entry(by, &item, false, err));
    }
done:
    return status;
}

/* By its place and by the merger's clock: where they disagree neither head is passed over, nor
 * where the clock says the same: one is then the other again, by another key, and either may come
 * last. */
static bool is_newer(const relay_page_entry *a, const relay_page_entry *b)
{
    return a->item.seq > b->item.seq && a->utc_ms > b->utc_ms;
}

/* Only the newest head of a case says more than the others. */
static void drop_old_heads(relay_page *by)
{
    for (size_t i = 0; i < by->count; i++) {
        relay_page_entry *old = &by->entries[i];
        for (size_t k = 0; old->item.kind == VELD_FRAME_HEAD && k < by->count; k++) {
            const relay_page_entry *other = &by->entries[k];
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
    const relay_page_entry *left = a;
    const relay_page_entry *right = b;
    if (left->rank != right->rank)
        return left->rank < right->rank ? -1 : 1;
    return (left->item.seq > right->item.seq) - (left->item.seq < right->item.seq);
}

veld_status relay_page_fill(relay_page *out, veld_error *err)
{
    veld_status status;
    VELD_TRY(add_wanted(out, err));
    VELD_TRY(fill(out, err));
    if (out->turn->has_ask && !relay_page_compares(out))
        status = add_asked(out, err);
done:
    return status;
}

void relay_page_order(relay_page *by)
{
    drop_old_heads(by);
    if (by->count > 1)
        qsort(by->entries, by->count, sizeof *by->entries, by_rank);
}
