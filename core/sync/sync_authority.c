/* Who may still make changes, as the merger judges it when it hears of one: by what it knows at
 * that place in its order and by the place in the relay's journal, never by a date. What it sets
 * aside comes in again when a person admits it. And what follows from contact: new leases. */
#include <string.h>

#include "runs.h"
#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/commit.h"
#include "veldkit/quarantine.h"

enum { CHANGE_NAME_BYTES = 1 + VELD_HASH_BYTES };

static veld_status is_admitted(veld_sync *sync, const veld_hash *change, bool *out, veld_error *err)
{
    veld_buf body;
    veld_quarantined one = {0};
    veld_status status = veld_quarantine_get(sync->config.desk->store, change, &body, &one, err);
    *out = status == VELD_OK && one.verdict == VELD_QUARANTINE_ADMITTED;
    veld_buf_wipe(&body);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- setting aside ---- */

/* Who made it may destroy its own from now on: it is kept here. Once is enough, also when the
 * change comes again; to another relay all that was posted goes by itself. */
veld_status sync_post_aside(veld_sync *sync, const veld_change *change, veld_error *err)
{
    veld_status status;
    bool is_posted;
    veld_buf bytes;
    uint8_t name[CHANGE_NAME_BYTES] = {'q'};
    const veld_desk *desk = sync->config.desk;
    const veld_aside aside = {.device = change->device,
        .case_id = change->case_id,
        .change = change->id,
        .utc_ms = veld_env_now(desk->env).wall_utc_ms};
    memcpy(name + 1, change->id.bytes, VELD_HASH_BYTES);
    veld_span named = veld_span_of(name, sizeof name);
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    VELD_TRY(sync_is_posted(sync, named, &is_posted, err));
    if (is_posted)
        goto done;
    VELD_TRY(veld_aside_make(&aside, &desk->signer, &bytes, err));
    status = sync_post(sync, named, VELD_FRAME_ASIDE, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

veld_status sync_take_aside(veld_sync *sync, veld_span body, veld_error *err)
{
    veld_aside aside;
    veld_handover step;
    veld_error why = {0};
    const veld_desk *desk = sync->config.desk;
    veld_status status = veld_aside_read(body, &aside, &why);
    if (status == VELD_OK)
        status = veld_aside_verify(body, &sync->now, &sync->config.agency->merger_key, &why);
    if (status == VELD_OK && !veld_id_equal(&aside.device, veld_store_device(desk->store)))
        status = veld_fail(&why, VELD_E_NOT_ALLOWED, "a word about another device's change");
    if (status == VELD_OK)
        status = veld_handover_get(desk->store, &aside.change, &step, &why);
    if (status == VELD_OK && step.aside_utc_ms == 0) {
        step.aside_utc_ms = aside.utc_ms;
        status = veld_handover_put(desk->store, &aside.change, &step, &why);
    }
    return sync_pass_over(sync, &aside.case_id, status, &why, err);
}

/* A change in the office's name, by a key that it changed: all that it signed with that is here. */
static veld_status refuse_former(
    veld_sync *sync, const veld_change *change, bool *refused, veld_error *err)
{
    const veld_desk *desk = sync->config.desk;
    veld_status status =
        veld_keyring_is_former(&desk->keyring, &desk->verifier, change, refused, err);
    if (status == VELD_OK && *refused)
        sync_tell_refused(sync, &change->case_id, VELD_E_FORGED,
            "signed with a key that the agency changed since");
    return status;
}

veld_status sync_set_aside(veld_sync *sync, veld_case *opened, veld_change *change, uint64_t place,
    bool *aside, veld_error *err)
{
    veld_status status;
    bool admitted, in_time;
    veld_directory_entry author;
    const veld_desk *desk = sync->config.desk;
    *aside = false;
    if (veld_graph_has(veld_case_graph(opened), &change->id))
        return VELD_OK;
    status = veld_directory_find(desk->store, &change->device, &author, err);
    if (status == VELD_E_NOT_FOUND) /* the office itself, or nobody that is known */
        return refuse_former(sync, change, aside, err);
    VELD_TRY(status);
    if (author.state != VELD_DEVICE_REVOKED)
        goto done;
    VELD_TRY(sync_is_in_time(sync, &change->device, place, &in_time, err));
    VELD_TRY(is_admitted(sync, &change->id, &admitted, err));
    if (admitted || in_time)
        goto done;
    status = veld_commit_verify(change, &author.sign_key, &desk->verifier, err);
    if (status == VELD_E_FORGED || status == VELD_E_INVALID)
        return VELD_OK; /* it is left out for that */
    VELD_TRY(status);
    VELD_TRY(veld_quarantine_put(
        desk->store, change, VELD_QUARANTINE_REVOKED, veld_env_now(desk->env).wall_utc_ms, err));
    VELD_TRY(sync_post_aside(sync, change, err));
    *aside = true;
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_SET_ASIDE,
                        .case_id = change->case_id,
                        .change = change->id,
                        .count = 1});
done:
    return status;
}

/* ---- admitting ---- */

/* The change as an envelope of the merger's, under the newest key of the case. */
static veld_status post_envelope(void *context, veld_priority priority, const veld_change *changes,
    size_t count, veld_span bytes, veld_error *err)
{
    veld_sync *sync = context;
    uint8_t name[CHANGE_NAME_BYTES] = {'e'};
    (void)priority;
    VELD_ASSERT(count == 1);
    memcpy(name + 1, changes[0].id.bytes, VELD_HASH_BYTES);
    return sync_post(sync, veld_span_of(name, sizeof name), VELD_FRAME_ENVELOPE, bytes, err);
}

static veld_status join(veld_sync *sync, const veld_quarantined *one, veld_error *err)
{
    veld_status status;
    veld_change change;
    veld_taken taken;
    veld_arena arena;
    veld_case *opened = NULL;
    const run_sink sink = {.context = sync, .envelope = post_envelope};
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_change_decode(one->body, VELD_CHANGE_WIRE, &arena, &change, err));
    VELD_TRY(veld_case_open(sync->config.desk, &one->case_id, &opened, err));
    VELD_TRY(veld_case_take(opened, &change, 1, &taken, err));
    const veld_node *node = veld_graph_get(veld_case_graph(opened), &one->change);
    if (node == NULL || !node->here) {
        status = veld_fail(err, VELD_E_DAMAGED, "the change could not be joined");
        goto done;
    }
    VELD_TRY(runs_seal(opened, &node, 1, &sink, err));
    status = sync_set_dirty(sync, &one->case_id, err);
done:
    veld_case_close(opened);
    veld_arena_release(&arena);
    return status;
}

static veld_status join_kept(veld_sync *sync, const veld_hash *change, veld_error *err)
{
    veld_buf body;
    veld_quarantined one;
    veld_status status = veld_quarantine_get(sync->config.desk->store, change, &body, &one, err);
    if (status == VELD_OK)
        status = join(sync, &one, err);
    veld_buf_wipe(&body);
    return status;
}

veld_status veld_sync_decide(
    veld_sync *sync, const veld_hash *change, bool admit, veld_span why, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_status status;
    veld_store *store = sync->config.desk->store;
    VELD_TRY(veld_store_begin(store, err));
    status = veld_quarantine_decide(
        store, change, admit ? VELD_QUARANTINE_ADMITTED : VELD_QUARANTINE_REFUSED, why, err);
    if (status == VELD_OK && admit)
        status = join_kept(sync, change, err);
    status = veld_store_end(store, status, err);
    veld_sync_wake(sync);
done:
    return status;
}

/* ---- contact ---- */

/* Half over; where the profile says until when, not again for a few minutes. */
static veld_status is_due(
    veld_sync *sync, const veld_assignment *a, int64_t now_ms, bool *out, veld_error *err)
{
    enum { WORTH_MS = 600000 };
    bool is_in = true;
    int64_t until_ms = INT64_MAX;
    *out = a->lease_ms != 0 && a->lease_end_utc_ms - now_ms <= a->lease_ms / 2;
    if (!*out || sync->config.pack == NULL || a->purpose != VELD_GRANT_ASSIGNED)
        return VELD_OK;
    veld_status status =
        sync->config.pack(sync->config.context, &a->case_id, &a->device, &is_in, &until_ms, err);
    *out = is_in && until_ms > now_ms &&
           (a->lease_end_utc_ms <= now_ms || until_ms - WORTH_MS > a->lease_end_utc_ms);
    return status;
}

veld_status veld_sync_renew_case(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_assignment *all = NULL;
    veld_store *store = sync->config.desk->store;
    int64_t now_ms = veld_env_now(sync->config.desk->env).wall_utc_ms;
    VELD_TRY(veld_assignments_of_case(store, case_id, &all, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool due;
        veld_directory_entry entry;
        VELD_TRY(is_due(sync, &all[i], now_ms, &due, err));
        if (!due)
            continue;
        VELD_TRY(veld_directory_find(store, &all[i].device, &entry, err));
        if (entry.state == VELD_DEVICE_ACTIVE)
            VELD_TRY(
                veld_sync_post_grant(sync, case_id, &entry, all[i].purpose, all[i].lease_ms, err));
    }
done:
    veld_release(all);
    return status;
}

veld_status veld_sync_renew(
    veld_sync *sync, const veld_id *device, size_t *renewed, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_directory_entry entry;
    veld_assignment *all = NULL;
    veld_store *store = sync->config.desk->store;
    int64_t now_ms = veld_env_now(sync->config.desk->env).wall_utc_ms;
    *renewed = 0;
    VELD_TRY(veld_directory_find(store, device, &entry, err));
    if (entry.state != VELD_DEVICE_ACTIVE)
        goto done;
    VELD_TRY(veld_assignments_of_device(store, device, &all, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool due;
        VELD_TRY(is_due(sync, &all[i], now_ms, &due, err));
        if (!due)
            continue;
        VELD_TRY(veld_sync_post_grant(
            sync, &all[i].case_id, &entry, all[i].purpose, all[i].lease_ms, err));
        (*renewed)++;
    }
done:
    veld_release(all);
    return status;
}

/* ---- revoking ---- */

static veld_status post_revoked(
    veld_sync *sync, const veld_directory_entry *device, veld_error *err)
{
    veld_status status;
    veld_buf bytes;
    const veld_desk *desk = sync->config.desk;
    veld_directory_entry entry = *device;
    veld_buf_init(&bytes, VELD_DIRECTORY_BYTES_MAX);
    entry.state = VELD_DEVICE_REVOKED;
    memset(entry.worker, 0, sizeof entry.worker);
    VELD_TRY(veld_directory_next(desk->store, &entry.position, err));
    VELD_TRY(veld_directory_make(&entry, &desk->signer, &bytes, err));
    VELD_TRY(veld_directory_put(desk->store, &desk->verifier, &sync->config.agency->merger_key,
        veld_buf_span(&bytes), NULL, err));
    status = veld_sync_post_entry(sync, &entry.device, veld_buf_span(&bytes), err);
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status revoke(
    veld_sync *sync, const veld_directory_entry *device, bool wipe, size_t *cases, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_assignment *all = NULL;
    VELD_TRY(
        veld_assignments_of_device(sync->config.desk->store, &device->device, &all, &count, err));
    VELD_TRY(post_revoked(sync, device, err));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(veld_sync_unassign(
            sync, &all[i].case_id, &device->device, VELD_ORDER_REVOKED, !wipe, err));
    if (wipe)
        VELD_TRY(veld_sync_post_order(
            sync, &device->device, VELD_ORDER_WIPE, NULL, VELD_ORDER_LOST, NULL, err));
    *cases = count;
done:
    veld_release(all);
    return status;
}

veld_status veld_sync_revoke(
    veld_sync *sync, const veld_directory_entry *device, bool wipe, size_t *cases, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    veld_status status = veld_store_begin(store, err);
    *cases = 0;
    if (status != VELD_OK)
        return status;
    status = revoke(sync, device, wipe, cases, err);
    if (status == VELD_OK && sync->is_waiting)
        status = veld_buf_append_span(&sync->revoked_meanwhile, veld_id_span(&device->device));
    return veld_store_end(store, status, err);
}
