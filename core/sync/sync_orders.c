/* Orders, as the merger gives them: it numbers and posts them, and hears of each what the device
 * did. How a device does them is in sync_orders_do.c. */
#include <string.h>

#include "order_row.h"
#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"
#include "veldkit/signed_part.h"

#define GIVEN  "orders"        /* by device and serial */
#define BEFORE "orders.before" /* likewise: its ids as keys of before signed it */

enum { BEFORE_BYTES_MAX = 4 * VELD_AGENCY_FORMER_MAX * VELD_HASH_BYTES };

typedef struct given_name {
    uint8_t bytes[1 + VELD_ID_BYTES + ORDER_SERIAL_BYTES]; /* the first one for the post */
} given_name;

static given_name name_of(char first, const veld_id *device, uint64_t serial)
{
    given_name name;
    name.bytes[0] = (uint8_t)first;
    memcpy(name.bytes + 1, device->bytes, VELD_ID_BYTES);
    veld_put_u64(name.bytes + 1 + VELD_ID_BYTES, serial);
    return name;
}

static veld_span row_name(const given_name *name)
{
    return veld_span_of(name->bytes + 1, sizeof name->bytes - 1);
}

static veld_status post_order(veld_sync *sync, veld_order *order, veld_error *err)
{
    veld_status status;
    order_row row;
    veld_store *store = sync->config.desk->store;
    order_row_init(&row);
    VELD_TRY(order_last_get(store, &order->device, &order->previous, err));
    VELD_TRY(sync_next_serial(sync, &order->serial, err));
    VELD_TRY(veld_order_make(order, &sync->config.desk->signer, &row.bytes, err));
    const given_name name = name_of('o', &order->device, order->serial);
    VELD_TRY(order_row_put(store, GIVEN, row_name(&name), &row, err));
    VELD_TRY(order_last_put(store, &order->device, order->serial, err));
    status = sync_post(sync, veld_span_of(name.bytes, sizeof name.bytes), VELD_FRAME_ORDER,
        veld_buf_span(&row.bytes), err);
done:
    veld_buf_release(&row.bytes);
    return status;
}

veld_status veld_sync_post_order(veld_sync *sync, const veld_id *device, veld_order_kind kind,
    const veld_id *case_id, veld_order_reason reason, uint64_t *serial, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    VELD_ASSERT((case_id == NULL) == (kind == VELD_ORDER_WIPE));
    veld_store *store = sync->config.desk->store;
    bool own = !veld_store_in_transaction(store);
    veld_order order = {.device = *device,
        .kind = kind,
        .reason = reason,
        .utc_ms = veld_env_now(sync->config.desk->env).wall_utc_ms};
    if (case_id != NULL)
        order.case_id = *case_id;
    veld_status status = own ? veld_store_begin(store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = post_order(sync, &order, err);
    if (own)
        status = veld_store_end(store, status, err);
    if (status == VELD_OK && serial != NULL)
        *serial = order.serial;
    veld_sync_wake(sync);
    return status;
}

static bool is_active(veld_sync *sync, const veld_id *device)
{
    veld_directory_entry entry;
    return veld_directory_find(sync->config.desk->store, device, &entry, NULL) == VELD_OK &&
           entry.state == VELD_DEVICE_ACTIVE;
}

static veld_status unassign(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    veld_order_reason reason, bool with_order, veld_error *err)
{
    veld_status status;
    size_t count, kept = 0;
    veld_id *keep = NULL;
    veld_assignment *rest = NULL;
    veld_store *store = sync->config.desk->store;
    VELD_TRY(veld_assignment_remove(store, case_id, device, err));
    VELD_TRY(sync_mark_ended(sync, case_id, device, true, err));
    VELD_TRY(veld_assignments_of_case(store, case_id, &rest, &count, err));
    keep = veld_allocate((count + 1) * sizeof *keep);
    if (keep == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu devices", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        if (is_active(sync, &rest[i].device))
            keep[kept++] = rest[i].device;
    }
    VELD_TRY(veld_sync_post_epoch(sync, case_id, keep, kept, NULL, err));
    if (with_order)
        status =
            veld_sync_post_order(sync, device, VELD_ORDER_WITHDRAW, case_id, reason, NULL, err);
done:
    veld_release(keep);
    veld_release(rest);
    return status;
}

veld_status veld_sync_unassign(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    veld_order_reason reason, bool with_order, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    bool own = !veld_store_in_transaction(store);
    veld_status status = own ? veld_store_begin(store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = unassign(sync, case_id, device, reason, with_order, err);
    return own ? veld_store_end(store, status, err) : status;
}

veld_status veld_order_each(veld_store *store, const veld_id *device, void *context,
    veld_status (*each)(void *context, const veld_order_state *state, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    order_row row;
    veld_store_cursor *cursor = NULL;
    order_row_init(&row);
    VELD_TRY(veld_store_values(store, GIVEN, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_order_state state = {0};
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || (device != NULL && memcmp(value.name.data, device->bytes, VELD_ID_BYTES) != 0))
            continue;
        VELD_TRY(order_row_read(value.body, &row, err));
        VELD_TRY(order_row_order(&row, &state.order, err));
        state.confirmed_utc_ms = row.confirmed_utc_ms;
        memcpy(state.incarnation, row.incarnation, sizeof state.incarnation);
        state.last_number = row.last_number;
        VELD_TRY(each(context, &state, err));
    }
done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&row.bytes);
    return status;
}

veld_status sync_order_again(veld_sync *sync, veld_span bytes, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_hash before;
    order_row row, read;
    veld_order order;
    veld_buf all;
    const veld_desk *desk = sync->config.desk;
    veld_buf_init(&all, BEFORE_BYTES_MAX);
    order_row_init(&row);
    order_row_init(&read);
    VELD_TRY(veld_buf_append_span(&read.bytes, bytes));
    VELD_TRY(order_row_order(&read, &order, err));
    const given_name name = name_of('o', &order.device, order.serial);
    VELD_TRY(order_row_get(desk->store, GIVEN, row_name(&name), &row, err));
    if (row.confirmed_utc_ms != 0)
        goto done;
    status = veld_store_get_value(desk->store, BEFORE, row_name(&name), &all, err);
    if (status != VELD_E_NOT_FOUND)
        VELD_TRY(status);
    VELD_TRY(veld_sha256(bytes, &before, err));
    VELD_TRY(veld_buf_append_span(&all, veld_hash_span(&before)));
    veld_buf_clear(&row.bytes);
    VELD_TRY(veld_signed_again(&desk->signer, VELD_NAMESPACE_ORDER, bytes, &row.bytes, err));
    VELD_TRY(veld_store_put_value(desk->store, BEFORE, row_name(&name), veld_buf_span(&all), err));
    VELD_TRY(order_row_put(desk->store, GIVEN, row_name(&name), &row, err));
    status = veld_buf_append_span(out, veld_buf_span(&row.bytes));
done:
    veld_buf_release(&all);
    veld_buf_release(&row.bytes);
    veld_buf_release(&read.bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* Is this the order that is confirmed: as it is signed now, or as it was before? */
static veld_status is_same_order(veld_sync *sync, const given_name *name, const order_row *row,
    const veld_hash *confirmed, bool *out, veld_error *err)
{
    veld_hash id;
    veld_buf before;
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_sha256(veld_buf_span(&row->bytes), &id, err);
    *out = status == VELD_OK && veld_hash_equal(&id, confirmed);
    if (status != VELD_OK || *out)
        return status;
    veld_buf_init(&before, BEFORE_BYTES_MAX);
    status = veld_store_get_value(store, BEFORE, row_name(name), &before, err);
    for (size_t at = 0; at + VELD_HASH_BYTES <= before.len && !*out; at += VELD_HASH_BYTES)
        *out = memcmp(before.data + at, confirmed->bytes, VELD_HASH_BYTES) == 0;
    veld_buf_release(&before);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status judge_confirmation(veld_sync *sync, veld_span body,
    const veld_confirmation *confirmation, order_row *row, veld_order *order, veld_error *why)
{
    veld_status status;
    bool is_same;
    veld_directory_entry entry;
    const veld_desk *desk = sync->config.desk;
    const given_name name = name_of('o', &confirmation->device, confirmation->serial);
    VELD_TRY(veld_directory_find(desk->store, &confirmation->device, &entry, why));
    VELD_TRY(veld_confirmation_verify(body, &desk->verifier, &entry.sign_key, why));
    VELD_TRY(order_row_get(desk->store, GIVEN, row_name(&name), row, why));
    VELD_TRY(order_row_order(row, order, why));
    VELD_TRY(is_same_order(sync, &name, row, &confirmation->order, &is_same, why));
    if (!is_same)
        status = veld_fail(why, VELD_E_FORGED, "it confirms another order");
    else if (confirmation->stand_in.len > 0 && order->kind != VELD_ORDER_WIPE)
        status = veld_fail(why, VELD_E_FORGED, "a locked tablet confirms a wipe and nothing else");
done:
    return status;
}

typedef struct done_before {
    veld_sync *sync;
    const veld_order *wipe;
    const veld_confirmation *confirmation;
    veld_buf serials;
} done_before;

static veld_status note_open(void *context, const veld_order_state *state, veld_error *err)
{
    done_before *by = context;
    uint8_t serial[ORDER_SERIAL_BYTES];
    (void)err;
    if (state->confirmed_utc_ms != 0 || state->order.serial > by->wipe->serial)
        return VELD_OK;
    veld_put_u64(serial, state->order.serial);
    return veld_buf_append(&by->serials, serial, sizeof serial);
}

static veld_status keep_confirmed(const done_before *by, uint64_t serial, veld_error *err)
{
    order_row row;
    veld_status status;
    veld_order order;
    veld_store *store = by->sync->config.desk->store;
    const given_name name = name_of('o', &by->wipe->device, serial);
    order_row_init(&row);
    VELD_TRY(order_row_get(store, GIVEN, row_name(&name), &row, err));
    VELD_TRY(order_row_order(&row, &order, err));
    row.confirmed_utc_ms = veld_env_now(by->sync->config.desk->env).wall_utc_ms;
    memcpy(row.incarnation, by->confirmation->incarnation, sizeof row.incarnation);
    row.last_number = by->confirmation->last_number;
    VELD_TRY(order_row_put(store, GIVEN, row_name(&name), &row, err));
    sync_tell(by->sync,
        &(veld_sync_event){
            .kind = VELD_SYNC_ORDER_CONFIRMED, .case_id = order.case_id, .order = &order});
done:
    veld_buf_release(&row.bytes);
    return status;
}

/* Who wiped all has given back each case too: a locked tablet says only the first. */
static veld_status keep_confirmation(veld_sync *sync, const veld_order *order,
    const veld_confirmation *confirmation, veld_error *err)
{
    veld_status status;
    done_before by = {.sync = sync, .wipe = order, .confirmation = confirmation};
    veld_buf_init(&by.serials, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(keep_confirmed(&by, order->serial, err));
    if (order->kind == VELD_ORDER_WIPE)
        VELD_TRY(veld_order_each(sync->config.desk->store, &order->device, &by, note_open, err));
    for (size_t at = 0; at < by.serials.len; at += ORDER_SERIAL_BYTES)
        VELD_TRY(keep_confirmed(&by, veld_get_u64(by.serials.data + at), err));
done:
    veld_buf_release(&by.serials);
    return status;
}

veld_status sync_take_confirmation(veld_sync *sync, veld_span body, veld_error *err)
{
    order_row row;
    veld_error why = {0};
    veld_confirmation confirmation;
    veld_order order = {0};
    order_row_init(&row);
    veld_status status = veld_confirmation_read(body, &confirmation, &why);
    if (status == VELD_OK)
        status = judge_confirmation(sync, body, &confirmation, &row, &order, &why);
    if (status == VELD_OK && row.confirmed_utc_ms == 0)
        status = keep_confirmation(sync, &order, &confirmation, &why);
    veld_buf_release(&row.bytes);
    return sync_pass_over(sync, &order.case_id, status, &why, err);
}
