/* The access log on its way: a device hands in its lines in order, one batch under way at a time;
 * the merger keeps them and says up to where it has all; the device then forgets those. What the
 * merger signs never covers a line that it does not have, so a carrier that keeps a batch back
 * makes nothing be forgotten. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/access_log.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

#define GROUP_KEPT "access.kept" /* merger, by device: all up to this number is here */
#define NAME_SENT  "access-sent" /* device: all up to this number was receipted */

enum { NUMBER_BYTES = 8, BATCH_BYTES = 384 << 10 };

static veld_status get_number(
    veld_store *store, const char *group, veld_span name, uint64_t *out, veld_error *err)
{
    veld_buf value;
    *out = 0;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status = veld_store_get_value(store, group, name, &value, err);
    if (status == VELD_OK && value.len == NUMBER_BYTES)
        *out = veld_get_u64(value.data);
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_number(
    veld_store *store, const char *group, veld_span name, uint64_t number, veld_error *err)
{
    uint8_t bytes[NUMBER_BYTES];
    veld_put_u64(bytes, number);
    return veld_store_put_value(store, group, name, veld_span_of(bytes, sizeof bytes), err);
}

/* ---- device: out ---- */

/* Up to where batches are under way; 0 = none is. */
static uint64_t last_under_way(const veld_sync *sync)
{
    uint64_t last = 0;
    for (size_t i = 0; i < sync->outs_count; i++)
        if (sync->outs[i].type == VELD_FRAME_ACCESS && !sync->outs[i].is_done &&
            sync->outs[i].access_last > last)
            last = sync->outs[i].access_last;
    return last;
}

/* The lines after `*last`, which becomes the last of them. */
static veld_status load_batch(veld_sync *sync, veld_arena *arena, veld_span *entries,
    veld_access_batch *batch, uint64_t *last, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_store_access_search from = {.by = VELD_STORE_ACCESS_OF_CHAIN,
        .id = *veld_store_device(store),
        .from_number = *last + 1};
    veld_store_cursor *cursor = NULL;
    size_t bytes = 0;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_walk_access(store, &from, &cursor, err));
    while (batch->count < VELD_ACCESS_BATCH_ENTRIES_MAX && bytes < BATCH_BYTES) {
        veld_store_access row;
        VELD_TRY(veld_store_access_next(cursor, &more, &row, err));
        if (!more || (batch->count > 0 && row.number != *last + 1))
            break;
        if (veld_arena_copy(arena, row.body, &entries[batch->count]) != VELD_OK) {
            status = veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
            goto done;
        }
        bytes += row.body.len;
        batch->count++;
        *last = row.number;
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status collect_batch(veld_sync *sync, uint64_t last, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    veld_access_batch batch = {.device = *veld_store_device(desk->store)};
    veld_span *entries = NULL;
    sync_out *out = NULL;
    veld_arena arena;
    veld_buf bytes;
    veld_status status = VELD_OK;
    veld_arena_init(&arena, 2 * VELD_ACCESS_BATCH_BYTES_MAX);
    veld_buf_init(&bytes, VELD_ACCESS_BATCH_BYTES_MAX);
    entries = veld_arena_get(&arena, VELD_ACCESS_BATCH_ENTRIES_MAX, sizeof *entries);
    if (entries == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the access log");
        goto done;
    }
    batch.entries = entries;
    VELD_TRY(load_batch(sync, &arena, entries, &batch, &last, err));
    if (batch.count == 0)
        goto done;
    VELD_TRY(veld_access_batch_make(
        desk->env, &batch, &sync->config.agency->seal_key, &desk->signer, &bytes, err));
    VELD_TRY(sync_new_out(sync, VELD_FRAME_ACCESS, veld_buf_span(&bytes), &out, err));
    VELD_ASSERT(out != NULL);
    out->priority = VELD_PRIORITY_ACCESS;
    out->access_last = last;
done:
    veld_buf_release(&bytes);
    veld_arena_release(&arena);
    return status;
}

veld_status sync_collect_access(veld_sync *sync, veld_error *err)
{
    uint64_t sent;
    if (sync->config.role != VELD_SYNC_DEVICE || last_under_way(sync) > 0)
        return VELD_OK;
    veld_status status =
        get_number(sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_SENT), &sent, err);
    return status == VELD_OK ? collect_batch(sync, sent, err) : status;
}

veld_status sync_collect_all_access(veld_sync *sync, int64_t until_ms, veld_error *err)
{
    veld_status status = sync_collect_access(sync, err);
    size_t count = 0;
    while (status == VELD_OK && count != sync->outs_count &&
           veld_env_now(sync->config.desk->env).monotonic_ms <= until_ms) {
        uint64_t last = last_under_way(sync);
        count = sync->outs_count;
        if (last > 0)
            status = collect_batch(sync, last, err);
    }
    return status;
}

veld_status sync_access_received(veld_sync *sync, const sync_out *out, veld_error *err)
{
    return put_number(
        sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_SENT), out->access_last, err);
}

veld_status sync_access_sent(veld_store *store, uint64_t number, veld_error *err)
{
    uint64_t sent;
    veld_status status = get_number(store, SYNC_GROUP, veld_span_text(NAME_SENT), &sent, err);
    if (status == VELD_OK && number > sent)
        status = put_number(store, SYNC_GROUP, veld_span_text(NAME_SENT), number, err);
    return status;
}

/* To another server all goes that is still here, from the first line on: a batch under way may go
 * on from what only the server before has. */
veld_status sync_access_again(veld_sync *sync, veld_error *err)
{
    for (size_t i = 0; i < sync->outs_count; i++)
        sync->outs[i].is_done = sync->outs[i].is_done || sync->outs[i].type == VELD_FRAME_ACCESS;
    return sync->config.role == VELD_SYNC_DEVICE
               ? put_number(sync->config.desk->store, SYNC_GROUP, veld_span_text(NAME_SENT), 0, err)
               : VELD_OK;
}

veld_status veld_sync_unsent_access(veld_store *store, uint64_t *out, veld_error *err)
{
    uint64_t sent, last, here;
    veld_hash hash;
    veld_status status;
    *out = 0;
    VELD_TRY(get_number(store, SYNC_GROUP, veld_span_text(NAME_SENT), &sent, err));
    VELD_TRY(veld_access_tail(store, veld_store_device(store), &last, &hash, err));
    VELD_TRY(veld_store_count_access(store, veld_store_device(store), &here, err));
    *out = last > sent ? last - sent : 0;
    if (*out > here) /* the agency has the others, whatever this relay says */
        *out = here;
done:
    return status;
}

veld_status sync_has_access(veld_sync *sync, bool *out, veld_error *err)
{
    uint64_t unsent = 0;
    veld_status status = VELD_OK;
    if (sync->config.role == VELD_SYNC_DEVICE)
        status = veld_sync_unsent_access(sync->config.desk->store, &unsent, err);
    *out = unsent > 0;
    return status;
}

/* ---- device: in ---- */

static veld_status find_own(
    veld_store *store, uint64_t number, bool *found, veld_hash *hash, veld_error *err)
{
    const veld_store_access_search place = {
        .by = VELD_STORE_ACCESS_OF_CHAIN, .id = *veld_store_device(store), .from_number = number};
    veld_store_cursor *cursor = NULL;
    veld_store_access row;
    bool more = false;
    veld_status status;
    VELD_TRY(veld_store_walk_access(store, &place, &cursor, err));
    VELD_TRY(veld_store_access_next(cursor, &more, &row, err));
    *found = more && row.number == number;
    if (*found)
        status = veld_access_hash(row.body, hash, err);
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* A line of ours that the agency has under another hash was written by a copy of this vault. */
static veld_status forget_kept(veld_sync *sync, const veld_access_kept *kept, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_hash hash, last_hash;
    uint64_t last;
    bool found = false;
    veld_status status;
    VELD_TRY(find_own(store, kept->number, &found, &hash, err));
    VELD_TRY(veld_access_tail(store, veld_store_device(store), &last, &last_hash, err));
    if (found && veld_hash_equal(&hash, &kept->hash))
        status =
            veld_store_trim_access(store, veld_store_device(store), kept->number, &kept->hash, err);
    else if (found || kept->number > last)
        sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_REFUSED,
                            .status = VELD_E_FORGED,
                            .text = "the agency has another access log of this device: was the "
                                    "vault copied or set back?"});
done:
    return status;
}

/* ---- merger: in ---- */

/* So far all is here: from what was there before, or from the beginning. */
static veld_status end_of_row(
    veld_store *store, const veld_id *device, uint64_t *number, veld_hash *hash, veld_error *err)
{
    const veld_store_access_search from = {
        .by = VELD_STORE_ACCESS_OF_CHAIN, .id = *device, .from_number = *number + 1};
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_walk_access(store, &from, &cursor, err));
    for (;;) {
        veld_store_access row;
        VELD_TRY(veld_store_access_next(cursor, &more, &row, err));
        if (!more || row.number > *number + 1)
            break;
        *number = row.number;
        VELD_TRY(veld_access_hash(row.body, hash, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status post_kept(veld_sync *sync, veld_access_kept *kept, veld_error *err)
{
    uint8_t name[1 + VELD_ID_BYTES] = {'k'};
    veld_buf bytes;
    veld_status status;
    memcpy(name + 1, kept->device.bytes, VELD_ID_BYTES);
    kept->utc_ms = veld_env_now(sync->config.desk->env).wall_utc_ms;
    veld_buf_init(&bytes, VELD_ACCESS_BATCH_BYTES_MAX);
    VELD_TRY(veld_access_kept_make(kept, &sync->config.desk->signer, &bytes, err));
    status = sync_post(
        sync, veld_span_of(name, sizeof name), VELD_FRAME_ACCESS, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

/* Inside a transaction. */
static veld_status keep_batch(veld_sync *sync, const veld_access_batch *batch, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_access_kept kept = {.device = batch->device};
    veld_access_entry first;
    uint64_t before;
    bool is_new;
    veld_status status;
    for (size_t i = 0; i < batch->count; i++) {
        VELD_TRY(veld_access_keep(store, batch->entries[i], &is_new, err));
        if (is_new)
            VELD_TRY(sync_note_divergence(sync, batch->entries[i], err));
    }
    VELD_TRY(veld_access_decode(batch->entries[0], &first, err));
    VELD_TRY(veld_access_hash(batch->entries[batch->count - 1], &kept.hash, err));
    VELD_TRY(get_number(store, GROUP_KEPT, veld_id_span(&batch->device), &before, err));
    if (first.number > before + 1) /* what lies between may still come */
        goto done;
    kept.number = first.number + batch->count - 1;
    if (kept.number > before) {
        VELD_TRY(end_of_row(store, &batch->device, &kept.number, &kept.hash, err));
        VELD_TRY(put_number(store, GROUP_KEPT, veld_id_span(&batch->device), kept.number, err));
    }
    status = post_kept(sync, &kept, err);
done:
    return status;
}

static veld_status open_batch(
    veld_sync *sync, const veld_access_item *item, veld_access_batch *batch, veld_error *why)
{
    const veld_desk *desk = sync->config.desk;
    veld_directory_entry author;
    const veld_p256_private *key;
    veld_status status;
    VELD_TRY(veld_directory_find(desk->store, &item->device, &author, why));
    VELD_TRY(veld_access_item_verify(item, &desk->verifier, &author.sign_key, why));
    status = VELD_E_FORGED; /* it may be sealed to a key of before */
    for (size_t i = 0; status == VELD_E_FORGED && (key = veld_store_seal_key_at(desk->store, i));
         i++)
        status = veld_access_batch_open(item, key, &sync->arena, batch, why);
done:
    return status;
}

static veld_status take_batch(veld_sync *sync, const veld_access_item *item, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_access_batch batch;
    veld_status status;
    VELD_TRY(open_batch(sync, item, &batch, err));
    VELD_TRY(veld_store_begin(store, err));
    status = keep_batch(sync, &batch, err);
    status = veld_store_end(store, status, err);
done:
    return status;
}

static veld_status take_kept(veld_sync *sync, const veld_access_item *item, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    veld_status status;
    VELD_TRY(veld_access_item_verify(item, &sync->now, &sync->config.agency->merger_key, err));
    if (veld_id_equal(&item->device, veld_store_device(desk->store)))
        status = forget_kept(sync, &item->kept, err);
done:
    return status;
}

veld_status sync_take_access(veld_sync *sync, veld_span body, veld_error *err)
{
    veld_access_item item;
    veld_error why = {0};
    veld_hash id;
    bool is_merger = sync->config.role == VELD_SYNC_MERGER;
    veld_status status = veld_access_item_read(body, &item, &why);
    if (status == VELD_OK && is_merger != (item.form == VELD_ACCESS_BATCH))
        return VELD_OK;
    if (status == VELD_OK)
        status = is_merger ? take_batch(sync, &item, &why) : take_kept(sync, &item, &why);
    switch (status) {
    case VELD_OK:
    case VELD_E_STALE: /* the agency has said it again with its present key */
        return VELD_OK;
    case VELD_E_NOT_FOUND: /* of a device, or in a form, that may be known later */
    case VELD_E_NEWER:
        status = veld_sha256(body, &id, err);
        return status == VELD_OK ? sync_wait_for_key(sync, &id, &(veld_id){{0}}, err) : status;
    case VELD_E_FORM:
    case VELD_E_FORGED:
    case VELD_E_LIMIT:
        sync->result.refused++;
        sync_tell(sync,
            &(veld_sync_event){.kind = VELD_SYNC_REFUSED, .status = status, .text = why.text});
        return VELD_OK;
    default:
        return veld_fail(err, status, "%s", why.text);
    }
}
