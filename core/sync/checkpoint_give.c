/* The merger's side of checkpoints: one goes out before the grant of a case to a device that does
 * not have it, so that the device need not hear how the case came to be, and gets no key older than
 * the one the checkpoint is sealed with. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/assignment.h"
#include "veldkit/cbor.h"
#include "veldkit/checkpoint.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/directory_head.h"
#include "veldkit/founder.h"
#include "veldkit/number.h"

#define FLOORS "checkpoint.floor" /* case | device, or case alone: the lowest epoch given */
#define LAST   "checkpoint.last"  /* case: [epoch, changes] of the last one that went out */

enum { EPOCH_BYTES = 4, LAST_BYTES = 12 };

/* ---- floors ---- */

typedef struct floor_name {
    uint8_t bytes[2 * VELD_ID_BYTES];
    size_t len;
} floor_name;

static floor_name name_floor(const veld_id *case_id, const veld_id *device)
{
    floor_name name = {.len = device == NULL ? VELD_ID_BYTES : 2 * VELD_ID_BYTES};
    memcpy(name.bytes, case_id->bytes, VELD_ID_BYTES);
    if (device != NULL)
        memcpy(name.bytes + VELD_ID_BYTES, device->bytes, VELD_ID_BYTES);
    return name;
}

veld_status sync_floor(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, uint32_t *out, veld_error *err)
{
    veld_buf value;
    const floor_name name = name_floor(case_id, device);
    *out = 1;
    veld_buf_init(&value, EPOCH_BYTES);
    veld_status status = veld_store_get_value(
        sync->config.desk->store, FLOORS, veld_span_of(name.bytes, name.len), &value, err);
    if (status == VELD_OK && value.len == EPOCH_BYTES)
        *out = veld_get_u32(value.data);
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_floor(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, uint32_t epoch, veld_error *err)
{
    uint8_t bytes[EPOCH_BYTES];
    const floor_name name = name_floor(case_id, device);
    veld_put_u32(bytes, epoch);
    return veld_store_put_value(sync->config.desk->store, FLOORS,
        veld_span_of(name.bytes, name.len), veld_span_of(bytes, sizeof bytes), err);
}

/* ---- is one wanted? ---- */

static veld_status is_new_to(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, bool *out, veld_error *err)
{
    veld_assignment there;
    bool founded = false;
    veld_status status =
        veld_assignment_get(sync->config.desk->store, case_id, device, &there, err);
    *out = status == VELD_E_NOT_FOUND;
    if (status == VELD_E_NOT_FOUND)
        status = veld_founder_fits(case_id, device, &founded, err);
    *out = *out && !founded;
    return status;
}

/* While something of the case waits at the merger, or the relay's log is being compared, it is not
 * sure that all up to its place in the journal is taken in. A change without its past is in no
 * checkpoint. */
static veld_status is_sure(veld_sync *sync, veld_case *opened, bool *out, veld_error *err)
{
    bool waits = true;
    veld_status status = sync_is_waiting(sync, veld_case_id(opened), &waits, err);
    *out = !waits && sync->phase == SYNC_STEADY && sync->cursor.seq > 0 &&
           veld_graph_incomplete_count(veld_case_graph(opened)) == 0;
    return status;
}

/* The last one that went out is good enough while the key is the same and little came after it. */
static veld_status is_fresh(veld_sync *sync, const veld_id *case_id, uint32_t epoch, size_t changes,
    bool *out, veld_error *err)
{
    veld_buf value;
    *out = false;
    veld_buf_init(&value, LAST_BYTES);
    veld_status status =
        veld_store_get_value(sync->config.desk->store, LAST, veld_id_span(case_id), &value, err);
    if (status == VELD_OK && value.len == LAST_BYTES) {
        uint64_t before = veld_get_u64(value.data + EPOCH_BYTES);
        *out = veld_get_u32(value.data) == epoch && changes >= before &&
               changes - before <= before / 4;
    }
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status put_last(
    veld_sync *sync, const veld_id *case_id, uint32_t epoch, size_t changes, veld_error *err)
{
    uint8_t bytes[LAST_BYTES];
    veld_put_u32(bytes, epoch);
    veld_put_u64(bytes + EPOCH_BYTES, changes);
    return veld_store_put_value(sync->config.desk->store, LAST, veld_id_span(case_id),
        veld_span_of(bytes, sizeof bytes), err);
}

/* ---- making one ---- */

static veld_status make(veld_sync *sync, veld_case *opened, veld_buf *out, veld_error *err)
{
    veld_status status;
    veld_buf content;
    const veld_sealer *sealer;
    const veld_desk *desk = sync->config.desk;
    veld_checkpoint_head head = {.case_id = *veld_case_id(opened),
        .epoch = veld_store_case_epoch(veld_case_keys(opened)),
        .utc_ms = veld_env_now(desk->env).wall_utc_ms,
        .journal = sync->cursor.journal,
        .position = sync->cursor.seq,
        .log_size = sync->cursor.log.size,
        .log_root = sync->cursor.log.root};
    veld_buf_init(&content, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_directory_size(desk->store, &head.directory, err));
    VELD_TRY(veld_case_state_id(opened, &head.state_id, err));
    VELD_TRY(veld_graph_held_hash(veld_case_graph(opened), &head.held, err));
    VELD_TRY(veld_checkpoint_write(
        veld_case_state(opened), veld_case_graph(opened), desk->schemas, &content, err));
    VELD_TRY(veld_store_case_message_sealer(veld_case_keys(opened), head.epoch, &sealer, err));
    status =
        veld_checkpoint_item_make(&head, sealer, veld_buf_span(&content), &desk->signer, out, err);
done:
    veld_buf_wipe(&content);
    return status;
}

static veld_status post(veld_sync *sync, veld_case *opened, veld_error *err)
{
    veld_status status;
    veld_buf item;
    const veld_id *case_id = veld_case_id(opened);
    size_t changes = veld_graph_count(veld_case_graph(opened));
    uint32_t epoch = veld_store_case_epoch(veld_case_keys(opened));
    uint8_t name[1 + VELD_ID_BYTES] = {'c'};
    bool fresh;
    memcpy(name + 1, case_id->bytes, VELD_ID_BYTES);
    veld_buf_init(&item, VELD_CHECKPOINT_ITEM_BYTES_MAX);
    VELD_TRY(is_fresh(sync, case_id, epoch, changes, &fresh, err));
    if (fresh)
        goto done;
    VELD_TRY(make(sync, opened, &item, err));
    VELD_TRY(sync_post(
        sync, veld_span_of(name, sizeof name), VELD_FRAME_CHECKPOINT, veld_buf_span(&item), err));
    status = put_last(sync, case_id, epoch, changes, err);
done:
    veld_buf_release(&item);
    return status;
}

/* Inside a transaction. */
veld_status sync_begin_at_checkpoint(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, veld_error *err)
{
    veld_status status;
    bool is_new;
    veld_case *opened = NULL;
    veld_error why = {0};
    size_t least =
        sync->config.checkpoint_min == 0 ? VELD_SYNC_CHECKPOINT_MIN : sync->config.checkpoint_min;
    VELD_TRY(is_new_to(sync, case_id, device, &is_new, err));
    if (!is_new)
        goto done;
    VELD_TRY(veld_case_open(sync->config.desk, case_id, &opened, err));
    uint32_t epoch = veld_store_case_epoch(veld_case_keys(opened));
    uint32_t floor = 1;
    bool is_worth_it = veld_graph_count(veld_case_graph(opened)) >= least;
    if (is_worth_it)
        VELD_TRY(is_sure(sync, opened, &is_worth_it, err));
    if (is_worth_it) {
        status = post(sync, opened, &why);
        floor = status == VELD_OK ? epoch : 1;
        if (status == VELD_E_LIMIT) /* too large to travel: then the whole past goes */
            status = VELD_OK;
        if (status != VELD_OK) {
            status = veld_fail(err, status, "%s", why.text);
            goto done;
        }
    }
    VELD_TRY(put_floor(sync, case_id, device, floor, err));
    if (floor > 1)
        status = put_floor(sync, case_id, NULL, floor, err);
done:
    veld_case_close(opened);
    return status;
}
