/* What goes out: changes that no receipt is here for, with the agency's grant of a case that was
 * founded here; what was posted; the merger's heads. While comparing: all that the relay lacks. */
#include "sync_inner.h"

#include <stdlib.h>
#include <string.h>

#include "runs.h"
#include "veldkit/hash.h"

veld_status sync_new_out(
    veld_sync *sync, veld_frame_type type, veld_span bytes, sync_out **out, veld_error *err)
{
    veld_status status;
    if (sync->outs_count == sync->outs_capacity) {
        size_t capacity = sync->outs_capacity == 0 ? 16 : sync->outs_capacity * 2;
        sync_out *grown = veld_resize(sync->outs, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu items", capacity);
        sync->outs = grown;
        sync->outs_capacity = capacity;
    }
    sync_out *made = &sync->outs[sync->outs_count];
    *made = (sync_out){.type = type, .priority = VELD_PRIORITY_TEXT};
    veld_buf_init(&made->bytes, VELD_FRAME_BYTES_MAX);
    veld_buf_init(&made->name, VELD_STORE_NAME_BYTES_MAX);
    VELD_TRY(veld_sha256(bytes, &made->id, err));
    status = veld_buf_append_span(&made->bytes, bytes);
    if (status != VELD_OK)
        veld_fail(err, status, "no memory for an item of %zu bytes", bytes.len);
done:
    if (status != VELD_OK) {
        veld_buf_release(&made->bytes);
        return status;
    }
    sync->outs_count++;
    *out = made;
    return VELD_OK;
}

static void release_out(sync_out *out)
{
    veld_buf_release(&out->bytes);
    veld_buf_release(&out->name);
    veld_release(out->changes);
}

void sync_drop_done(veld_sync *sync)
{
    size_t kept = 0;
    for (size_t i = 0; i < sync->outs_count; i++) {
        if (sync->outs[i].is_done)
            release_out(&sync->outs[i]);
        else
            sync->outs[kept++] = sync->outs[i];
    }
    sync->outs_count = kept;
}

void sync_release_outs(veld_sync *sync)
{
    for (size_t i = 0; i < sync->outs_count; i++)
        release_out(&sync->outs[i]);
    veld_release(sync->outs);
    sync->outs = NULL;
    sync->outs_count = sync->outs_capacity = 0;
}

/* ---- changes ---- */

/* Each change is collected once, so it is looked for among what was there before. */
static bool is_under_way(const veld_sync *sync, const veld_hash *change)
{
    for (size_t i = 0; i < sync->outs_before; i++) {
        for (size_t k = 0; k < sync->outs[i].changes_count; k++) {
            if (veld_hash_equal(&sync->outs[i].changes[k], change))
                return true;
        }
    }
    return false;
}

static veld_status keep_envelope(void *context, veld_priority priority, const veld_change *changes,
    size_t count, veld_span bytes, veld_error *err)
{
    veld_sync *sync = context;
    sync_out *out;
    veld_status status = sync_new_out(sync, VELD_FRAME_ENVELOPE, bytes, &out, err);
    if (status != VELD_OK)
        return status;
    out->priority = priority;
    out->case_id = changes[0].case_id;
    out->changes = veld_allocate(count * sizeof *out->changes);
    if (out->changes == NULL) {
        out->is_done = true;
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
    }
    for (size_t i = 0; i < count; i++)
        out->changes[i] = changes[i].id;
    out->changes_count = count;
    return VELD_OK;
}

/* Which changes of an opened case are to go. `has_floor`: somebody got no key older than a
 * checkpoint's. */
static veld_status is_wanted(veld_sync *sync, veld_case *opened, const veld_node *node,
    bool has_floor, const veld_hash *unsent, size_t unsent_count, bool *out, veld_error *err)
{
    veld_handover step;
    *out = false;
    if (node->early || is_under_way(sync, &node->id)) /* its row is not here; the agency has it */
        return VELD_OK;
    if (sync->phase == SYNC_OFFERING) {
        *out = sync_lacks(sync, veld_case_id(opened), veld_case_graph(opened), node, has_floor);
        return VELD_OK;
    }
    for (size_t i = 0; i < unsent_count; i++) {
        if (!veld_hash_equal(&unsent[i], &node->id))
            continue;
        veld_status status = veld_handover_get(sync->config.desk->store, &node->id, &step, err);
        *out = status == VELD_OK && step.seq == 0;
        return status;
    }
    return VELD_OK;
}

static bool is_founded_here(const veld_sync *sync, const veld_id *case_id)
{
    bool fits = false;
    veld_status status =
        veld_founder_fits(case_id, veld_store_device(sync->config.desk->store), &fits, NULL);
    return status == VELD_OK && fits;
}

static veld_status collect_case(veld_sync *sync, const veld_id *case_id, const veld_hash *unsent,
    size_t unsent_count, veld_error *err)
{
    veld_status status;
    size_t count, wanted = 0;
    uint32_t floor = 1;
    veld_case *opened = NULL;
    const veld_node **nodes = NULL;
    const run_sink sink = {.context = sync, .envelope = keep_envelope};
    VELD_TRY(veld_case_open(sync->config.desk, case_id, &opened, err));
    if (sync->config.role == VELD_SYNC_MERGER)
        VELD_TRY(sync_floor(sync, case_id, NULL, &floor, err));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    nodes = veld_allocate((count + 1) * sizeof *nodes);
    if (order == NULL || nodes == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_one;
        VELD_TRY(is_wanted(sync, opened, order[i], floor > 1, unsent, unsent_count, &is_one, err));
        if (is_one)
            nodes[wanted++] = order[i];
    }
    if (wanted > 0 && sync->config.role == VELD_SYNC_DEVICE && is_founded_here(sync, case_id))
        VELD_TRY(sync_grant_founded(sync, veld_case_keys(opened), err));
    if (wanted > 0)
        status = runs_seal(opened, nodes, wanted, &sink, err);
done:
    veld_release(nodes);
    veld_case_close(opened);
    return status;
}

/* A case that cannot be read is told, and stops no other. */
static veld_status collect_or_tell(veld_sync *sync, const veld_id *case_id, const veld_hash *unsent,
    size_t unsent_count, veld_error *err)
{
    veld_error why = {0};
    veld_status status = collect_case(sync, case_id, unsent, unsent_count, &why);
    if (status == VELD_OK)
        return VELD_OK;
    if (status != VELD_E_NOT_FOUND && status != VELD_E_DAMAGED)
        return veld_fail(err, status, "%s", why.text);
    sync_tell(sync,
        &(veld_sync_event){
            .kind = VELD_SYNC_REFUSED, .case_id = *case_id, .status = status, .text = why.text});
    return VELD_OK;
}

/* ---- over all cases ---- */

typedef struct outbox {
    veld_store_unsent *rows;
    size_t count;
} outbox;

int sync_by_case(const void *a, const void *b)
{
    const veld_store_unsent *left = a;
    const veld_store_unsent *right = b;
    int order = veld_id_compare(&left->case_id, &right->case_id);
    return order != 0 ? order : (left->seq > right->seq) - (left->seq < right->seq);
}

static veld_status load_outbox(veld_sync *sync, outbox *out, veld_error *err)
{
    veld_status status;
    uint64_t most;
    bool more = true;
    veld_store *store = sync->config.desk->store;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_count_unsent(store, NULL, &most, err));
    out->rows = veld_allocate((most + 1) * sizeof *out->rows);
    if (out->rows == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the outbox");
        goto done;
    }
    VELD_TRY(veld_store_outbox(store, &cursor, err));
    while (more && out->count < most) {
        veld_handover step;
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, err));
        if (!more || is_under_way(sync, &row.id))
            continue;
        VELD_TRY(veld_handover_get(store, &row.id, &step, err));
        if (step.seq == 0)
            out->rows[out->count++] = row;
    }
    qsort(out->rows, out->count, sizeof *out->rows, sync_by_case);
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status collect_outbox(veld_sync *sync, int64_t until_ms, veld_error *err)
{
    veld_status status;
    outbox all = {0};
    veld_hash *ids = NULL;
    VELD_TRY(load_outbox(sync, &all, err));
    ids = veld_allocate((all.count + 1) * sizeof *ids);
    if (ids == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the outbox");
        goto done;
    }
    for (size_t at = 0; at < all.count;) {
        size_t count = 0;
        if (veld_env_now(sync->config.desk->env).monotonic_ms > until_ms)
            break;
        veld_id case_id = all.rows[at].case_id;
        for (; at < all.count && veld_id_equal(&all.rows[at].case_id, &case_id); at++)
            ids[count++] = all.rows[at].id;
        VELD_TRY(collect_or_tell(sync, &case_id, ids, count, err));
    }
done:
    veld_release(all.rows);
    veld_release(ids);
    return status;
}

veld_status sync_list_cases(veld_sync *sync, veld_buf *ids, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_cases(sync->config.desk->store, &cursor, err));
    while (more) {
        veld_store_summary row;
        VELD_TRY(veld_store_cases_next(cursor, &more, &row, err));
        if (more)
            VELD_TRY(veld_buf_append(ids, row.case_id.bytes, sizeof row.case_id.bytes));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status collect_all(veld_sync *sync, veld_error *err)
{
    veld_status status;
    veld_buf ids;
    veld_buf_init(&ids, 64u << 20);
    VELD_TRY(sync_list_cases(sync, &ids, err));
    for (size_t at = 0; at < ids.len; at += VELD_ID_BYTES) {
        veld_id case_id;
        memcpy(case_id.bytes, ids.data + at, sizeof case_id.bytes);
        VELD_TRY(collect_or_tell(sync, &case_id, NULL, 0, err));
        if (sync->config.role == VELD_SYNC_MERGER)
            VELD_TRY(sync_set_dirty(sync, &case_id, err));
    }
done:
    veld_buf_release(&ids);
    return status;
}

/* ---- all that goes ---- */

veld_status sync_collect(veld_sync *sync, veld_error *err)
{
    veld_status status = VELD_OK;
    sync->outs_before = sync->outs_count;
    if (sync->phase == SYNC_OFFERING && !sync->has_offered)
        VELD_TRY(collect_all(sync, err));
    else if (sync->phase == SYNC_STEADY)
        VELD_TRY(collect_outbox(sync, INT64_MAX, err));
    if (sync->config.role == VELD_SYNC_MERGER)
        VELD_TRY(sync_post_heads(sync, err));
    if (sync->config.role == VELD_SYNC_MERGER)
        VELD_TRY(sync_post_directory_heads(sync, err));
    else if (sync->phase != SYNC_LISTING)
        VELD_TRY(sync_collect_blind(sync, err));
    VELD_TRY(sync_collect_posts(sync, err));
    VELD_TRY(sync_collect_access(sync, err));
    sync->has_offered = sync->phase == SYNC_OFFERING;
    sync_drop_done(sync);
done:
    return status;
}

veld_status sync_collect_unsent(veld_sync *sync, int64_t until_ms, veld_error *err)
{
    veld_status status;
    sync->outs_before = sync->outs_count;
    VELD_TRY(collect_outbox(sync, until_ms, err));
    VELD_TRY(sync_collect_posts(sync, err));
    VELD_TRY(sync_collect_blind(sync, err));
    VELD_TRY(sync_collect_all_access(sync, until_ms, err));
    sync_drop_done(sync);
done:
    return status;
}

/* ---- what is handed in besides ---- */

veld_status veld_sync_post_entry(
    veld_sync *sync, const veld_id *device, veld_span entry, veld_error *err)
{
    uint8_t name[1 + VELD_ID_BYTES] = {'d'};
    memcpy(name + 1, device->bytes, VELD_ID_BYTES);
    veld_sync_wake(sync);
    veld_status status;
    VELD_TRY(veld_directory_append(sync->config.desk->store, entry, err));
    VELD_TRY(sync_introduce_entry(sync, device, entry, err));
    status = sync_post(sync, veld_span_of(name, sizeof name), VELD_FRAME_DIRECTORY, entry, err);
done:
    return status;
}

veld_status veld_sync_post_head(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_sync_wake(sync);
    return sync_set_dirty(sync, case_id, err);
}
