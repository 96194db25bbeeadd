/* What cannot be opened yet. It is kept by its id and asked for again when a key of its case came,
 * and not before: who sends what nobody can open would else be heard again with each thing that
 * another sends. What is over VELD_SYNC_PENDING_MAX is parked: it lies in the store, by case, so
 * that no number of items stops an exchange, and comes back with a key of its case. */
#include "sync_inner.h"

#include <stdio.h>
#include <string.h>

#define PARKED "sync.parked." /* and a case id: names and values are ids of items */

enum { GROUP_BYTES = sizeof PARKED + VELD_ID_TEXT_SIZE };

static void name_group(const veld_id *case_id, char out[GROUP_BYTES])
{
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(case_id, id);
    (void)snprintf(out, GROUP_BYTES, PARKED "%s", id);
}

static veld_status add(
    sync_waiting_list *list, const veld_hash *id, const veld_id *case_id, veld_error *err)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : list->capacity * 2;
        sync_waiting *grown = veld_resize(list->items, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", capacity);
        list->items = grown;
        list->capacity = capacity;
    }
    list->items[list->count++] = (sync_waiting){.id = *id, .case_id = *case_id};
    return VELD_OK;
}

veld_status sync_add_pending(
    veld_sync *sync, const veld_hash *id, const veld_id *case_id, veld_error *err)
{
    return add(&sync->pending, id, case_id, err);
}

veld_status sync_wait_for_key(
    veld_sync *sync, const veld_hash *id, const veld_id *case_id, veld_error *err)
{
    bool is_full = sync->pending.count >= VELD_SYNC_PENDING_MAX;
    return add(is_full ? &sync->parked : &sync->pending, id, case_id, err);
}

veld_status sync_note_key(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    size_t count = sync->keyed.count;
    if (count > 0 && veld_id_equal(&sync->keyed.items[count - 1].case_id, case_id))
        return VELD_OK;
    return add(&sync->keyed, &(veld_hash){{0}}, case_id, err);
}

static bool is_of(const sync_waiting_list *list, const veld_id *case_id)
{
    bool found = false;
    for (size_t i = 0; i < list->count && !found; i++)
        found = veld_id_equal(&list->items[i].case_id, case_id);
    return found;
}

veld_status sync_is_waiting(veld_sync *sync, const veld_id *case_id, bool *out, veld_error *err)
{
    char group[GROUP_BYTES];
    veld_store_value value;
    veld_store_cursor *cursor = NULL;
    veld_status status = VELD_OK;
    *out = is_of(&sync->pending, case_id) || is_of(&sync->pending, &(veld_id){{0}}) ||
           is_of(&sync->parked, case_id);
    if (*out)
        return VELD_OK;
    name_group(case_id, group);
    VELD_TRY(veld_store_values(sync->config.desk->store, group, &cursor, err));
    status = veld_store_values_next(cursor, out, &value, err);
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status sync_is_item_waiting(
    veld_sync *sync, const veld_hash *id, const veld_id *case_id, bool *out, veld_error *err)
{
    char group[GROUP_BYTES];
    veld_buf value;
    veld_status status = VELD_E_NOT_FOUND;
    *out = false;
    for (size_t i = 0; i < sync->pending.count && !*out; i++)
        *out = veld_hash_equal(&sync->pending.items[i].id, id);
    if (*out)
        return VELD_OK;
    veld_buf_init(&value, VELD_HASH_BYTES);
    name_group(case_id, group);
    status = veld_store_get_value(sync->config.desk->store, group, veld_hash_span(id), &value, err);
    *out = status == VELD_OK;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- a key came ---- */

static void swap(sync_waiting *a, sync_waiting *b)
{
    sync_waiting one = *a;
    *a = *b;
    *b = one;
}

/* To the front of what is asked for: what waits there may be very much. Those of which it is not
 * known of which case they are take turns behind it. */
static void bring_forward(veld_sync *sync)
{
    size_t first = 0, unknown = 0;
    sync_waiting *items = sync->pending.items;
    for (size_t i = 0; i < sync->pending.count; i++) {
        bool is_keyed = is_of(&sync->keyed, &items[i].case_id);
        unknown += veld_id_is_zero(&items[i].case_id);
        if (!is_keyed && (!veld_id_is_zero(&items[i].case_id) || unknown > VELD_EXCHANGE_WANTS_MAX))
            continue;
        size_t place = i;
        if (place >= sync->retry_count) {
            place = sync->retry_count++;
            swap(&items[i], &items[place]);
        }
        if (is_keyed)
            swap(&items[place], &items[first++]);
    }
}

/* So many at a time as there are places; others wait for the next key or start. */
static veld_status unpark(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    char group[GROUP_BYTES];
    bool more = true;
    veld_store_cursor *cursor = NULL;
    veld_status status;
    name_group(case_id, group);
    VELD_TRY(veld_store_values(sync->config.desk->store, group, &cursor, err));
    while (sync->unparked.count < VELD_SYNC_PENDING_MAX) {
        veld_hash id;
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        if (value.body.len != sizeof id.bytes) {
            status = veld_fail(err, VELD_E_DAMAGED, "a parked item has no id");
            goto done;
        }
        memcpy(id.bytes, value.body.data, sizeof id.bytes);
        VELD_TRY(add(&sync->unparked, &id, case_id, err));
        VELD_TRY(add(&sync->pending, &id, case_id, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* Those that this answer parked are not in the store yet. */
static veld_status unpark_fresh(veld_sync *sync, veld_error *err)
{
    size_t kept = 0;
    veld_status status = VELD_OK;
    for (size_t i = 0; i < sync->parked.count && status == VELD_OK; i++) {
        const sync_waiting one = sync->parked.items[i];
        if (is_of(&sync->keyed, &one.case_id))
            status = add(&sync->pending, &one.id, &one.case_id, err);
        else
            sync->parked.items[kept++] = one;
    }
    if (status == VELD_OK)
        sync->parked.count = kept;
    return status;
}

veld_status sync_ask_again(veld_sync *sync, bool all, veld_error *err)
{
    veld_status status = sync->keyed.count > 0 ? unpark_fresh(sync, err) : VELD_OK;
    for (size_t i = 0; i < sync->keyed.count && status == VELD_OK; i++)
        status = unpark(sync, &sync->keyed.items[i].case_id, err);
    if (status == VELD_OK && sync->keyed.count > 0)
        bring_forward(sync);
    if (status == VELD_OK && all)
        sync->retry_count = sync->pending.count;
    sync->keyed.count = 0;
    return status;
}

/* ---- kept ---- */

veld_status sync_keep_parked(veld_sync *sync, veld_error *err)
{
    char group[GROUP_BYTES];
    veld_status status = VELD_OK;
    veld_store *store = sync->config.desk->store;
    for (size_t i = 0; i < sync->parked.count; i++) {
        const sync_waiting *one = &sync->parked.items[i];
        name_group(&one->case_id, group);
        VELD_TRY(veld_store_put_value(
            store, group, veld_hash_span(&one->id), veld_hash_span(&one->id), err));
    }
    for (size_t i = 0; i < sync->unparked.count; i++) {
        const sync_waiting *one = &sync->unparked.items[i];
        name_group(&one->case_id, group);
        status = veld_store_delete_value(store, group, veld_hash_span(&one->id), err);
        if (status != VELD_E_NOT_FOUND)
            VELD_TRY(status);
        status = VELD_OK;
    }
done:
    return status;
}

void sync_forget_parked(veld_sync *sync)
{
    if (sync->parked.count > 0)
        sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_PARKED, .count = sync->parked.count});
    sync->parked.count = sync->unparked.count = 0;
}

void sync_release_pending(veld_sync *sync)
{
    veld_release(sync->pending.items);
    veld_release(sync->parked.items);
    veld_release(sync->unparked.items);
    veld_release(sync->keyed.items);
}
