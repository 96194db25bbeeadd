/* What is asked for by its id: the first of what waits. It comes in turn, as much as goes in an
 * answer; what had no room in it is asked for again. */
#include "sync_answer.h"

#include <string.h>

#include "veldkit/hash.h"

static veld_status put_ids(const veld_sync *sync, veld_buf *body, veld_error *err)
{
    veld_hash *ids = veld_allocate(sync->wanted_count * sizeof *ids);
    if (ids == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", sync->wanted_count);
    for (size_t i = 0; i < sync->wanted_count; i++)
        ids[i] = sync->wanted[i].id;
    veld_status status = exchange_put_hashes(ids, sync->wanted_count, body, err);
    veld_release(ids);
    return status;
}

veld_status sync_write_wanted(veld_sync *sync, veld_frame_writer *writer, veld_error *err)
{
    veld_status status;
    veld_buf body;
    size_t most = sync->phase == SYNC_LISTING ? 0 : VELD_EXCHANGE_WANTS_MAX; /* it lists, no more */
    sync->wanted_count = sync->retry_count < most ? sync->retry_count : most;
    if (sync->wanted_count == 0)
        return VELD_OK;
    memcpy(sync->wanted, sync->pending.items, sync->wanted_count * sizeof *sync->wanted);
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    VELD_TRY(put_ids(sync, &body, err));
    status = veld_frame_writer_add(writer, VELD_FRAME_WANT, veld_buf_span(&body), err);
done:
    veld_buf_release(&body);
    return status;
}

/* ---- in the list of what waits ---- */

static veld_status mark_come(const veld_sync *sync, bool *has_come, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < sync->frames_count && status == VELD_OK; i++) {
        veld_hash id;
        const veld_frame *frame = &sync->frames[i];
        if (frame->type != VELD_FRAME_GRANT && frame->type != VELD_FRAME_ENVELOPE &&
            frame->type != VELD_FRAME_CHECKPOINT && frame->type != VELD_FRAME_ACCESS)
            continue;
        status = veld_sha256(frame->body, &id, err);
        for (size_t k = 0; k < sync->wanted_count && status == VELD_OK; k++)
            has_come[k] = has_come[k] || veld_hash_equal(&sync->wanted[k].id, &id);
    }
    return status;
}

veld_status sync_forget_wanted(veld_sync *sync, sync_answer *in, veld_error *err)
{
    bool has_come[VELD_EXCHANGE_WANTS_MAX] = {false};
    bool more = (in->cursor.flags & CURSOR_MORE) != 0;
    size_t count = sync->wanted_count;
    sync_waiting_list *pending = &sync->pending;
    in->still_wanted = 0;
    if (count == 0)
        return VELD_OK;
    veld_status status = more ? mark_come(sync, has_come, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    for (size_t i = 0; i < count && more; i++) {
        if (!has_come[i])
            pending->items[in->still_wanted++] = sync->wanted[i];
    }
    size_t gone = count - in->still_wanted;
    memmove(pending->items + in->still_wanted, pending->items + count,
        (pending->count - count) * sizeof *pending->items);
    pending->count -= gone;
    sync->retry_count -= gone;
    return VELD_OK;
}

void sync_recall_wanted(veld_sync *sync, const sync_answer *in, size_t waiting)
{
    size_t count = sync->wanted_count;
    size_t gone = count - in->still_wanted;
    sync_waiting_list *pending = &sync->pending;
    pending->count = waiting + gone;
    if (count == 0)
        return;
    memmove(pending->items + count, pending->items + in->still_wanted,
        (waiting - in->still_wanted) * sizeof *pending->items);
    memcpy(pending->items, sync->wanted, count * sizeof *pending->items);
    sync->retry_count += gone;
}
