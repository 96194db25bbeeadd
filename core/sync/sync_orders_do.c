/* Orders, as a device hears and does them. It keeps an order when it hears it and does it as soon
 * as the office has signed for all that it made in the case: taken in, or kept for review. That the
 * relay has it is not enough: a relay that is put back from an old copy lacks what the office did
 * not fetch. What the device has to remember over a crash lies in the order's own row until it is
 * confirmed. */
#include <string.h>

#include "order_row.h"
#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/break_glass.h"
#include "veldkit/hash.h"
#include "veldkit/lease.h"
#include "veldkit/number.h"
#include "veldkit/quarantine.h"

#define TODO "orders.todo" /* by serial */

veld_status sync_take_order(veld_sync *sync, veld_span body, veld_error *err)
{
    uint64_t done;
    order_row row;
    veld_order order;
    veld_error why = {0};
    uint8_t name[ORDER_SERIAL_BYTES];
    const veld_desk *desk = sync->config.desk;
    order_row_init(&row);
    veld_status status =
        veld_order_read(body, &sync->now, &sync->config.agency->merger_key, &order, &why);
    if (status == VELD_OK && !veld_id_equal(&order.device, veld_store_device(desk->store)))
        status = veld_fail(&why, VELD_E_NOT_ALLOWED, "an order for another device");
    if (status == VELD_OK)
        status = order_last_get(desk->store, &order.device, &done, &why);
    veld_put_u64(name, order.serial);
    veld_span named = veld_span_of(name, sizeof name);
    if (status == VELD_OK && order.serial > done &&
        order_row_get(desk->store, TODO, named, &row, NULL) == VELD_E_NOT_FOUND) {
        status = veld_buf_append_span(&row.bytes, body);
        if (status == VELD_OK)
            status = order_row_put(desk->store, TODO, named, &row, &why);
    }
    veld_buf_release(&row.bytes);
    return sync_pass_over(sync, &order.case_id, status, &why, err);
}

typedef struct doing {
    veld_sync *sync;
    veld_store *store;
    order_row row;
    veld_order order;
    veld_buf cases; /* ids that it concerns */
    bool waits;     /* blind work that it concerns is not with the office */
} doing;

/* The order with the lowest serial. */
static veld_status load_first(doing *by, bool *found, veld_error *err)
{
    veld_status status;
    bool more = true;
    uint64_t lowest = UINT64_MAX;
    veld_store_cursor *cursor = NULL;
    *found = false;
    VELD_TRY(veld_store_values(by->store, TODO, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != ORDER_SERIAL_BYTES ||
            veld_get_u64(value.name.data) >= lowest)
            continue;
        lowest = veld_get_u64(value.name.data);
        VELD_TRY(order_row_read(value.body, &by->row, err));
        *found = true;
    }
    if (*found)
        status = order_row_order(&by->row, &by->order, err);
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status load_cases(doing *by, veld_error *err)
{
    veld_buf_clear(&by->cases);
    if (by->order.kind == VELD_ORDER_WIPE)
        return sync_list_cases(by->sync, &by->cases, err);
    return veld_buf_append_span(&by->cases, veld_id_span(&by->order.case_id));
}

static veld_id case_at(const doing *by, size_t at)
{
    veld_id case_id;
    memcpy(case_id.bytes, by->cases.data + at, sizeof case_id.bytes);
    return case_id;
}

/* What was being typed is work too: it becomes changes, which are then handed in. */
static veld_status cut_drafts(doing *by, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    veld_case *opened = NULL;
    bool more = true;
    veld_buf ids;
    veld_store_cursor *cursor = NULL;
    veld_buf_init(&ids, 1 << 20);
    VELD_TRY(veld_store_drafts(by->store, case_id, &cursor, err));
    while (more) {
        veld_store_draft draft;
        VELD_TRY(veld_store_drafts_next(cursor, &more, &draft, err));
        if (more)
            VELD_TRY(veld_buf_append_span(&ids, veld_id_span(&draft.id)));
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    if (ids.len > 0)
        VELD_TRY(veld_case_open(by->sync->config.desk, case_id, &opened, err));
    for (size_t at = 0; at < ids.len; at += VELD_ID_BYTES) {
        veld_id draft;
        veld_hash change;
        memcpy(draft.bytes, ids.data + at, sizeof draft.bytes);
        VELD_TRY(veld_case_cut_draft(opened, &draft, &change, err));
        by->sync->has_leftover = true;
    }
done:
    veld_store_cursor_close(cursor);
    veld_case_close(opened);
    veld_buf_release(&ids);
    return status;
}

/* Has the office signed for it? Work in an erased case it takes in no more: the relay's receipt is
 * all that there will be. What was taken in is in the outbox no more. */
static veld_status is_settled(const doing *by, const veld_hash *change, bool *out, veld_error *err)
{
    veld_handover step;
    veld_status status = veld_handover_get(by->store, change, &step, err);
    *out = step.aside_utc_ms != 0 || (by->order.kind == VELD_ORDER_ERASE && step.seq != 0);
    return status;
}

static bool is_concerned(const doing *by, const veld_id *case_id)
{
    return by->order.kind == VELD_ORDER_WIPE || veld_id_equal(case_id, &by->order.case_id);
}

static veld_status is_outbox_settled(doing *by, bool *out, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    *out = true;
    VELD_TRY(veld_store_outbox(by->store, &cursor, err));
    while (more && *out) {
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, err));
        if (more && is_concerned(by, &row.case_id))
            VELD_TRY(is_settled(by, &row.id, out, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status look_at_blind(void *context, const veld_blind *blind, veld_error *err)
{
    bool settled = true;
    doing *by = context;
    veld_status status = VELD_OK;
    if (is_concerned(by, &blind->case_id))
        status = is_settled(by, &blind->change, &settled, err);
    by->waits = by->waits || !settled;
    return status;
}

/* Does the office have all that was made here of what is to be destroyed? With the vault goes its
 * access log too. */
static veld_status is_all_settled(doing *by, bool *out, veld_error *err)
{
    veld_status status;
    uint64_t lines = 0;
    by->waits = false;
    VELD_TRY(is_outbox_settled(by, out, err));
    VELD_TRY(veld_blind_each(by->store, by, look_at_blind, err));
    if (by->order.kind == VELD_ORDER_WIPE)
        VELD_TRY(veld_store_count_access(by->store, veld_store_device(by->store), &lines, err));
    *out = *out && !by->waits && lines == 0;
done:
    return status;
}

static veld_status prepare(doing *by, bool *ready, veld_error *err)
{
    for (size_t at = 0; at < by->cases.len; at += VELD_ID_BYTES) {
        veld_id case_id = case_at(by, at);
        veld_error why = {0};
        veld_status status = cut_drafts(by, &case_id, &why);
        if (status == VELD_E_DAMAGED) { /* drafts of a case that cannot be read: they wait here */
            *ready = false;
            return VELD_OK;
        }
        /* not found: no such case here, or only its key */
        if (status != VELD_OK && status != VELD_E_NOT_FOUND)
            return veld_fail(err, status, "%s", why.text);
    }
    return is_all_settled(by, ready, err);
}

/* The last change of this device in the case: kept before the case goes, for the confirmation. */
static veld_status note_last(doing *by, veld_error *err)
{
    size_t count;
    veld_case *opened = NULL;
    const veld_id *device = veld_store_device(by->store);
    uint8_t name[ORDER_SERIAL_BYTES];
    if (by->order.kind == VELD_ORDER_WIPE || by->row.last_number > 0)
        return VELD_OK;
    veld_status status = veld_case_open(by->sync->config.desk, &by->order.case_id, &opened, err);
    if (status == VELD_E_NOT_FOUND || status == VELD_E_DAMAGED) /* it goes all the same */
        return VELD_OK;
    if (status != VELD_OK)
        return status;
    memcpy(by->row.incarnation, veld_store_incarnation(by->store), sizeof by->row.incarnation);
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    for (size_t i = 0; order != NULL && i < count; i++) {
        const veld_node *node = order[i];
        if (veld_id_equal(&node->chain.device, device) &&
            memcmp(node->chain.incarnation, by->row.incarnation, VELD_INCARNATION_BYTES) == 0 &&
            node->number > by->row.last_number)
            by->row.last_number = node->number;
    }
    veld_case_close(opened);
    veld_put_u64(name, by->order.serial);
    return order_row_put(by->store, TODO, veld_span_of(name, sizeof name), &by->row, err);
}

static veld_status destroy(doing *by, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t at = 0; at < by->cases.len; at += VELD_ID_BYTES) {
        veld_id case_id = case_at(by, at);
        status = veld_store_erase_case(by->store, &case_id, err);
        if (status == VELD_OK || status == VELD_E_NOT_FOUND)
            status = veld_glass_forget(by->store, &case_id, err);
        if (status == VELD_OK)
            status = veld_quarantine_drop(by->store, &case_id, err); /* what was held back */
        if (status == VELD_OK && by->order.kind == VELD_ORDER_ERASE)
            status = sync_drop_posts(by->store, &case_id, err);
        if (status != VELD_OK)
            return status;
    }
    return VELD_OK;
}

typedef struct blind_list {
    const veld_id *case_id;
    veld_buf changes;
} blind_list;

static veld_status note_blind(void *context, const veld_blind *blind, veld_error *err)
{
    blind_list *list = context;
    veld_status status = VELD_OK;
    if (veld_id_equal(&blind->case_id, list->case_id))
        status = veld_buf_append_span(&list->changes, veld_hash_span(&blind->change));
    return status == VELD_OK ? status : veld_fail(err, status, "too much blind work in a case");
}

/* What shows later that the case is erased and by whom: the order itself. No head will name what
 * was sealed to the agency in this case, so nothing waits for one. */
static veld_status keep_erased(doing *by, veld_error *err)
{
    const veld_id *case_id = &by->order.case_id;
    blind_list list = {.case_id = case_id};
    bool was_here;
    veld_status status;
    veld_buf_init(&list.changes, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_blind_each(by->store, &list, note_blind, err));
    for (size_t at = 0; at < list.changes.len; at += VELD_HASH_BYTES) {
        veld_hash change;
        memcpy(change.bytes, list.changes.data + at, sizeof change.bytes);
        VELD_TRY(veld_blind_drop(by->store, case_id, &change, &was_here, err));
    }
    status = veld_store_put_value(
        by->store, SYNC_ERASED, veld_id_span(case_id), veld_buf_span(&by->row.bytes), err);
done:
    veld_buf_release(&list.changes);
    return status;
}

static veld_status confirm(doing *by, bool is_hers, veld_error *err)
{
    veld_status status;
    veld_buf bytes;
    veld_change_time time;
    const veld_desk *desk = by->sync->config.desk;
    uint8_t name[1 + ORDER_SERIAL_BYTES] = {'c'};
    veld_now now = veld_env_now(desk->env);
    veld_anchor_time(desk->anchor, &now, &time);
    veld_confirmation confirmation = {.device = by->order.device,
        .serial = by->order.serial,
        .utc_ms = time.hybrid_ms,
        .last_number = by->row.last_number};
    memcpy(confirmation.incarnation, by->row.incarnation, sizeof confirmation.incarnation);
    veld_put_u64(name + 1, by->order.serial);
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    VELD_TRY(veld_sha256(veld_buf_span(&by->row.bytes), &confirmation.order, err));
    VELD_TRY(veld_confirmation_make(&confirmation, &desk->signer, &bytes, err));
    VELD_TRY(sync_post(by->sync, veld_span_of(name, sizeof name), VELD_FRAME_CONFIRMATION,
        veld_buf_span(&bytes), err));
    if (by->order.kind == VELD_ORDER_WIPE)
        VELD_TRY(veld_store_put_value(by->store, SYNC_GROUP, veld_span_text(SYNC_WIPE),
            veld_span_of(name, sizeof name), err));
    else if (!is_hers) /* else a newer grant is here, and no older one counts beside it */
        VELD_TRY(veld_lease_withdraw(by->store, &by->order.case_id, by->order.serial, err));
    if (by->order.kind == VELD_ORDER_ERASE)
        VELD_TRY(keep_erased(by, err));
    VELD_TRY(order_last_put(by->store, &by->order.device, by->order.serial, err));
    status =
        veld_store_delete_value(by->store, TODO, veld_span_of(name + 1, ORDER_SERIAL_BYTES), err);
done:
    veld_buf_release(&bytes);
    return status;
}

/* The case was given anew after the order, and that was heard before the order was done: what is
 * here now is hers. */
static veld_status is_given_anew(doing *by, bool *out, veld_error *err)
{
    veld_lease lease = {0};
    veld_status status = VELD_OK;
    if (by->order.kind == VELD_ORDER_WITHDRAW)
        status = veld_lease_get(by->store, &by->order.case_id, &lease, err);
    *out = lease.serial > by->order.serial;
    return status;
}

static veld_status do_order(doing *by, veld_error *err)
{
    bool is_hers;
    veld_status status;
    VELD_TRY(note_last(by, err));
    VELD_TRY(is_given_anew(by, &is_hers, err));
    if (!is_hers)
        VELD_TRY(destroy(by, err));
    VELD_TRY(veld_store_begin(by->store, err));
    status = confirm(by, is_hers, err);
    status = veld_store_end(by->store, status, err);
    if (status == VELD_OK && !is_hers)
        sync_tell(by->sync,
            &(veld_sync_event){
                .kind = VELD_SYNC_ORDER_DONE, .case_id = by->order.case_id, .order = &by->order});
done:
    return status;
}

veld_status sync_do_orders(veld_sync *sync, veld_error *err)
{
    veld_status status;
    uint64_t done;
    bool found = true, ready = true;
    doing by = {.sync = sync, .store = sync->config.desk->store};
    order_row_init(&by.row);
    veld_buf_init(&by.cases, 64u << 20);
    while (found && ready) {
        VELD_TRY(load_first(&by, &found, err));
        VELD_TRY(order_last_get(by.store, veld_store_device(by.store), &done, err));
        if (!found || by.order.previous > done) /* the one before was kept back */
            break;
        VELD_TRY(load_cases(&by, err));
        VELD_TRY(prepare(&by, &ready, err));
        if (ready)
            VELD_TRY(do_order(&by, err));
    }
    status = VELD_OK;
done:
    veld_buf_release(&by.cases);
    veld_buf_release(&by.row.bytes);
    return status;
}

veld_status sync_put_todo(veld_store *store, veld_cbor_writer *writer, veld_error *err)
{
    veld_status status;
    bool more = true;
    size_t count = 0;
    order_row row;
    veld_buf all;
    veld_store_cursor *cursor = NULL;
    order_row_init(&row);
    veld_buf_init(&all, VELD_STORE_BODY_BYTES_MAX);
    veld_cbor_writer orders = veld_cbor_write(&all);
    VELD_TRY(veld_store_values(store, TODO, &cursor, err));
    while (more) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(order_row_read(value.body, &row, err));
        veld_cbor_put_bytes(&orders, veld_buf_span(&row.bytes));
        count++;
    }
    VELD_TRY(veld_cbor_writer_finish(&orders, err));
    veld_cbor_put_array(writer, count);
    veld_cbor_put_raw(writer, veld_buf_span(&all));
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&row.bytes);
    veld_buf_release(&all);
    return status;
}

veld_status veld_sync_has_orders(veld_store *store, bool *out, veld_error *err)
{
    veld_store_value value;
    veld_store_cursor *cursor = NULL;
    veld_status status = veld_store_values(store, TODO, &cursor, err);
    *out = false;
    if (status == VELD_OK)
        status = veld_store_values_next(cursor, out, &value, err);
    veld_store_cursor_close(cursor);
    return status;
}

veld_status veld_sync_must_wipe(veld_store *store, bool *out, veld_error *err)
{
    veld_buf name, item;
    *out = false;
    veld_buf_init(&name, 1 + ORDER_SERIAL_BYTES);
    veld_buf_init(&item, VELD_FRAME_BYTES_MAX + 16);
    veld_status status =
        veld_store_get_value(store, SYNC_GROUP, veld_span_text(SYNC_WIPE), &name, err);
    if (status == VELD_OK) {
        status = veld_store_get_value(store, SYNC_POSTED, veld_buf_span(&name), &item, err);
        *out = status == VELD_OK; /* the relay signed that it has the confirmation */
    }
    veld_buf_release(&name);
    veld_buf_release(&item);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}
