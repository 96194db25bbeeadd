/* Listening while the vault is locked (locked.h). Everything that comes has to prove itself: what
 * does not is as if it had not come, since nobody is there who could be told. */
#include "veldkit/locked.h"

#include <stdlib.h>
#include <string.h>

#include "locked_watch.h"
#include "sync_inner.h"
#include "veldkit/access.h"
#include "veldkit/assert.h"
#include "veldkit/cbor.h"
#include "veldkit/hash.h"
#include "veldkit/quarantine.h"

typedef struct awaited {
    veld_id case_id;
    veld_hash change;
    bool alone, is_settled;
} awaited;

typedef struct heard {
    veld_order order;
    veld_hash id;
} heard;

struct veld_locked {
    veld_id device;
    veld_agency agency;
    veld_agency_check check;
    veld_verifier verifier, now; /* the latter for what comes in: sign.h */
    veld_buf stand_in;
    exchange_cursor cursor;
    uint64_t done; /* serial of the last order that the vault did */
    heard *orders; /* rising by serial */
    size_t orders_count, orders_capacity;
    bool is_whole;
    awaited *awaited;
    size_t awaited_count;
    uint64_t lines_last; /* of the access log; 0 = the agency keeps all */
    veld_hash lines_hash;
    int64_t server_utc_ms;
};

/* ---- the watch ---- */
static bool is_fatal(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO;
}

static veld_status keep_order(veld_locked *l, const veld_order *order, veld_span body)
{
    veld_hash id;
    size_t at = l->orders_count;
    veld_status status = veld_sha256(body, &id, NULL);
    if (status != VELD_OK)
        return status;
    while (at > 0 && l->orders[at - 1].order.serial >= order->serial)
        at--;
    if ((at < l->orders_count && l->orders[at].order.serial == order->serial) ||
        l->orders_count == WATCH_ORDERS_MAX)
        return VELD_OK;
    if (l->orders_count == l->orders_capacity) {
        size_t capacity = l->orders_capacity == 0 ? 8 : l->orders_capacity * 2;
        heard *grown = veld_resize(l->orders, capacity * sizeof *grown);
        if (grown == NULL)
            return VELD_E_MEMORY;
        l->orders = grown;
        l->orders_capacity = capacity;
    }
    memmove(&l->orders[at + 1], &l->orders[at], (l->orders_count - at) * sizeof *l->orders);
    l->orders[at] = (heard){.order = *order, .id = id};
    l->orders_count++;
    return VELD_OK;
}

static veld_status take_order(veld_locked *l, const veld_verifier *verifier, veld_span body)
{
    veld_order order;
    veld_status status = veld_order_read(body, verifier, &l->agency.merger_key, &order, NULL);
    if (status == VELD_OK && veld_id_equal(&order.device, &l->device) && order.serial > l->done)
        status = keep_order(l, &order, body);
    return is_fatal(status) ? status : VELD_OK;
}

static veld_status read_keys(veld_locked *l, veld_span statement, veld_span stand_in)
{
    const veld_verifier plain = veld_verifier_p256();
    veld_status status;
    veld_buf_init(&l->stand_in, VELD_ORDER_BYTES_MAX);
    VELD_TRY(veld_agency_read(statement, &plain, &l->agency, NULL));
    l->check = (veld_agency_check){.agency = &l->agency, .inner = plain};
    l->verifier = veld_agency_verifier(&l->check);
    l->now = veld_agency_verifier_now(&l->check);
    status = veld_buf_append_span(&l->stand_in, stand_in);
done:
    return status;
}

static void read_awaited(veld_locked *l, veld_cbor_reader *reader)
{
    size_t count = veld_cbor_array(reader, WATCH_AWAITED_MAX);
    if (reader->status != VELD_OK || count > reader->bytes.len - reader->at) {
        veld_cbor_reader_fail(reader, VELD_E_FORM);
        return;
    }
    l->awaited = veld_allocate((count + 1) * sizeof *l->awaited);
    if (l->awaited == NULL) {
        veld_cbor_reader_fail(reader, VELD_E_MEMORY);
        return;
    }
    for (; l->awaited_count < count && reader->status == VELD_OK; l->awaited_count++) {
        awaited *one = &l->awaited[l->awaited_count];
        if (veld_cbor_array(reader, WATCH_AWAITED_ITEMS) != WATCH_AWAITED_ITEMS)
            veld_cbor_reader_fail(reader, VELD_E_FORM);
        veld_cbor_fixed(reader, one->case_id.bytes, sizeof one->case_id.bytes);
        veld_cbor_fixed(reader, one->change.bytes, sizeof one->change.bytes);
        one->alone = veld_cbor_boolean(reader);
    }
}

static veld_status read_watch(veld_locked *l, veld_span watch, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_cbor_reader reader = veld_cbor_read(watch);
    if (veld_cbor_array(&reader, WATCH_ITEMS) != WATCH_ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_FORM);
    if (veld_cbor_uint(&reader) > WATCH_FORMAT)
        veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    veld_cbor_fixed(&reader, l->device.bytes, sizeof l->device.bytes);
    veld_span statement = veld_cbor_bytes(&reader);
    veld_span stand_in = veld_cbor_bytes(&reader);
    veld_span place = veld_cbor_bytes(&reader);
    l->done = veld_cbor_uint(&reader);
    VELD_TRY(reader.status);
    VELD_TRY(read_keys(l, statement, stand_in));
    VELD_TRY(exchange_read_cursor(place, &l->cursor, NULL));
    size_t orders = veld_cbor_array(&reader, WATCH_ORDERS_MAX);
    for (size_t i = 0; i < orders && reader.status == VELD_OK; i++)
        VELD_TRY(take_order(l, &l->verifier, veld_cbor_bytes(&reader)));
    l->is_whole = veld_cbor_boolean(&reader);
    read_awaited(l, &reader);
    l->lines_last = veld_cbor_uint(&reader);
    veld_cbor_fixed(&reader, l->lines_hash.bytes, sizeof l->lines_hash.bytes);
    status = veld_cbor_reader_finish(&reader, NULL);
done:
    return status == VELD_OK ? status : veld_fail(err, status, "what is to be heard is unreadable");
}

veld_status veld_locked_new(veld_span watch, veld_locked **out, veld_error *err)
{
    veld_locked *made = veld_allocate(sizeof *made);
    *out = NULL;
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory to listen with");
    veld_status status = read_watch(made, watch, err);
    if (status == VELD_OK)
        *out = made;
    else
        veld_locked_free(made);
    return status;
}

void veld_locked_free(veld_locked *locked)
{
    if (locked == NULL)
        return;
    veld_buf_release(&locked->stand_in);
    veld_release(locked->orders);
    veld_release(locked->awaited);
    veld_release(locked);
}

const veld_p256_public *veld_locked_relay_key(const veld_locked *locked)
{
    return &locked->agency.relay_key;
}

/* ---- asking ---- */
veld_status veld_locked_request(const veld_locked *locked, const char *program, uint32_t wait_ms,
    veld_buf *out, veld_error *err)
{
    veld_frame_writer writer = {0};
    exchange_cursor cursor = locked->cursor;
    size_t start = out->len;
    veld_buf body;
    veld_status status;
    VELD_ASSERT(wait_ms <= VELD_EXCHANGE_WAIT_MS_MAX);
    cursor.flags = CURSOR_LOCKED;
    cursor.page_bytes = VELD_EXCHANGE_PAGE_BYTES_MAX;
    cursor.wait_ms = wait_ms;
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    VELD_TRY(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, program, out, err));
    VELD_TRY(exchange_put_cursor(&cursor, &body, err));
    VELD_TRY(veld_frame_writer_add(&writer, VELD_FRAME_CURSOR, veld_buf_span(&body), err));
    veld_buf_clear(&body);
    if (locked->agency.edition > 1) {
        VELD_TRY(exchange_put_edition(locked->agency.edition, &body, err));
        VELD_TRY(veld_frame_writer_add(&writer, VELD_FRAME_EDITION, veld_buf_span(&body), err));
    }
    status = veld_frame_writer_end(&writer, err);
done:
    veld_frame_writer_abort(&writer);
    veld_buf_release(&body);
    if (status != VELD_OK)
        out->len = start;
    return status;
}

/* ---- the answer ---- */
static veld_status take_statement(veld_locked *l, veld_span body)
{
    veld_agency came;
    const veld_verifier plain = veld_verifier_p256();
    veld_status status = veld_agency_is_statement(body)
                             ? veld_agency_later(&l->agency, &plain, body, &came, NULL)
                             : VELD_E_FORM;
    if (status == VELD_OK && came.edition > l->agency.edition)
        l->agency = came;
    return is_fatal(status) ? status : VELD_OK;
}

static veld_status take_aside(veld_locked *l, veld_span body)
{
    veld_aside aside;
    veld_status status = veld_aside_read(body, &aside, NULL);
    if (status == VELD_OK)
        status = veld_aside_verify(body, &l->now, &l->agency.merger_key, NULL);
    for (size_t i = 0; status == VELD_OK && i < l->awaited_count; i++)
        l->awaited[i].is_settled =
            l->awaited[i].is_settled || (veld_id_equal(&aside.device, &l->device) &&
                                            veld_id_equal(&aside.case_id, &l->awaited[i].case_id) &&
                                            veld_hash_equal(&aside.change, &l->awaited[i].change));
    return is_fatal(status) ? status : VELD_OK;
}

static bool is_among(const veld_hash *ids, size_t count, const veld_hash *id)
{
    for (size_t i = 0; i < count; i++)
        if (veld_hash_equal(&ids[i], id))
            return true;
    return false;
}

/* What a head names is taken in with all before it; what was admitted is by itself. */
static void settle(veld_locked *l, const veld_head *head)
{
    bool is_before = false;
    for (size_t i = l->awaited_count; i-- > 0;) {
        awaited *one = &l->awaited[i];
        if (!veld_id_equal(&one->case_id, &head->case_id))
            continue;
        bool is_named = is_among(head->heads, head->heads_count, &one->change) ||
                        is_among(head->chain_ends, head->chain_ends_count, &one->change);
        is_before = is_before || (is_named && !one->alone);
        one->is_settled = one->is_settled || is_named || (is_before && !one->alone) ||
                          is_among(head->admitted, head->admitted_count, &one->change);
    }
}

static veld_status take_head(veld_locked *l, veld_span body, veld_arena *arena)
{
    veld_head head;
    veld_status status = veld_head_read(body, arena, &head, NULL);
    if (status == VELD_OK)
        status = veld_head_verify(body, &l->now, &l->agency.merger_key, NULL);
    if (status == VELD_OK)
        settle(l, &head);
    return is_fatal(status) ? status : VELD_OK;
}

static veld_status take_kept(veld_locked *l, veld_span body)
{
    veld_access_item item;
    veld_status status = veld_access_item_read(body, &item, NULL);
    if (status == VELD_OK &&
        (item.form != VELD_ACCESS_KEPT || !veld_id_equal(&item.device, &l->device)))
        return VELD_OK;
    if (status == VELD_OK)
        status = veld_access_item_verify(&item, &l->now, &l->agency.merger_key, NULL);
    if (status == VELD_OK && item.kept.number == l->lines_last &&
        veld_hash_equal(&item.kept.hash, &l->lines_hash))
        l->lines_last = 0;
    return is_fatal(status) ? status : VELD_OK;
}

static veld_status take_frame(veld_locked *l, const veld_frame *frame, veld_arena *arena)
{
    if (frame->type == VELD_FRAME_ORDER)
        return take_order(l, &l->now, frame->body);
    if (frame->type == VELD_FRAME_ASIDE)
        return take_aside(l, frame->body);
    if (frame->type == VELD_FRAME_HEAD)
        return take_head(l, frame->body, arena);
    return frame->type == VELD_FRAME_ACCESS ? take_kept(l, frame->body) : VELD_OK;
}

typedef struct answer {
    veld_receipt receipt;
    exchange_cursor cursor;
    bool has_receipt, has_cursor;
} answer;

static veld_status take_own(
    veld_locked *l, const veld_frame *frame, veld_arena *arena, answer *in, veld_error *err)
{
    if (frame->type == VELD_FRAME_DIRECTORY)
        return take_statement(l, frame->body);
    if (frame->type == VELD_FRAME_CURSOR) {
        in->has_cursor = true;
        return exchange_read_cursor(frame->body, &in->cursor, err);
    }
    if (frame->type != VELD_FRAME_RECEIPT)
        return VELD_OK;
    in->has_receipt = true;
    return veld_receipt_read(
        frame->body, &l->verifier, &l->agency.relay_key, arena, &in->receipt, err);
}

/* First all of it, so that a cut answer has no effect; then what the relay signed; then the rest.
 */
static veld_status walk(
    veld_locked *l, veld_span bytes, veld_arena *arena, answer *in, unsigned pass, veld_error *err)
{
    bool have = true;
    veld_frame_reader frames = {0};
    veld_status status;
    VELD_TRY(veld_frame_reader_init(&frames, VELD_FRAME_STREAM, err));
    VELD_TRY(veld_frame_reader_add(&frames, bytes, err));
    while (have) {
        veld_frame frame;
        VELD_TRY(veld_frame_reader_next(&frames, &frame, &have, err));
        if (have && pass == 1)
            VELD_TRY(take_own(l, &frame, arena, in, err));
        if (have && pass == 2)
            VELD_TRY(take_frame(l, &frame, arena));
    }
    status = veld_frame_reader_finish(&frames, err);
done:
    veld_frame_reader_release(&frames);
    return status;
}

veld_status veld_locked_take(
    veld_locked *locked, veld_span bytes, bool *more, bool *lost, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    answer in = {0};
    *more = *lost = false;
    veld_arena_init(&arena, VELD_EXCHANGE_BYTES_MAX);
    VELD_TRY(walk(locked, bytes, &arena, &in, 0, err));
    VELD_TRY(walk(locked, bytes, &arena, &in, 1, err));
    if (!in.has_receipt || !in.has_cursor ||
        !veld_id_equal(&in.cursor.journal, &in.receipt.journal)) {
        status = veld_fail(err, VELD_E_FORM, "an answer without receipt or cursor");
        goto done;
    }
    VELD_TRY(walk(locked, bytes, &arena, &in, 2, err));
    *more = (in.cursor.flags & CURSOR_MORE) != 0;
    *lost = (in.cursor.flags & CURSOR_RESET) != 0;
    locked->cursor = (exchange_cursor){
        .journal = in.cursor.journal, .seq = in.cursor.seq, .log = in.receipt.log};
    locked->server_utc_ms = in.receipt.server_utc_ms;
done:
    veld_arena_release(&arena);
    return status;
}

/* ---- what follows ---- */

/* The orders that are in turn, up to the wipe; NULL when there is none, or one before it is kept
 * back. */
static const heard *find_wipe(const veld_locked *l)
{
    uint64_t at = l->done;
    for (size_t i = 0; i < l->orders_count && l->orders[i].order.previous <= at; i++) {
        at = l->orders[i].order.serial;
        if (l->orders[i].order.kind == VELD_ORDER_WIPE)
            return &l->orders[i];
    }
    return NULL;
}

/* Of an erased case the agency takes in no more: that the relay has it is all that there will be.
 */
static bool is_erased(const veld_locked *l, const heard *wipe, const veld_id *case_id)
{
    for (const heard *one = l->orders; one < wipe; one++)
        if (one->order.kind == VELD_ORDER_ERASE && veld_id_equal(&one->order.case_id, case_id))
            return true;
    return false;
}

bool veld_locked_must_wipe(const veld_locked *locked, bool all_sent, veld_order *out)
{
    const heard *wipe = find_wipe(locked);
    *out = (veld_order){0};
    if (wipe == NULL || !locked->is_whole || locked->lines_last != 0)
        return false;
    for (size_t i = 0; i < locked->awaited_count; i++) {
        const awaited *one = &locked->awaited[i];
        if (!one->is_settled && !(all_sent && is_erased(locked, wipe, &one->case_id)))
            return false;
    }
    *out = wipe->order;
    return true;
}

veld_status veld_locked_confirm(const veld_locked *locked, const veld_signer *carrier,
    const char *program, veld_buf *page, veld_error *err)
{
    veld_status status;
    sync_out item = {.type = VELD_FRAME_CONFIRMATION, .changes_count = 1};
    sync_out *const items[] = {&item};
    const heard *wipe = find_wipe(locked);
    VELD_ASSERT(wipe != NULL);
    const veld_confirmation confirmation = {.device = locked->device,
        .serial = wipe->order.serial,
        .order = wipe->id,
        .utc_ms = locked->server_utc_ms,
        .stand_in = veld_buf_span(&locked->stand_in)};
    veld_buf_init(&item.bytes, VELD_ORDER_BYTES_MAX);
    VELD_TRY(veld_confirmation_make(&confirmation, carrier, &item.bytes, err));
    VELD_TRY(veld_sha256(veld_buf_span(&item.bytes), &item.id, err));
    status = parcel_put_page(program, items, 1, page, err);
done:
    veld_buf_release(&item.bytes);
    return status;
}
