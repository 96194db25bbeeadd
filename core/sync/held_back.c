/* A device's own judgement of who may still make changes: what comes of a revoked device, or of the
 * office with a key that was changed since, is joined only when a head of the agency says that it
 * was taken in. An honest relay gives nothing else to a device; another one is not believed. Until
 * then the change lies here, sealed with the vault. */
#include <stdlib.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/commit.h"
#include "veldkit/quarantine.h"

enum { NAMES_BYTES_MAX = 64 << 20 };

static veld_status was_revoked(
    const veld_desk *desk, veld_change *change, bool *out, veld_error *err)
{
    veld_directory_entry author;
    veld_status status = veld_directory_find(desk->store, &change->device, &author, err);
    *out = false;
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    VELD_TRY(status);
    if (author.state != VELD_DEVICE_REVOKED)
        goto done;
    status = veld_commit_verify(change, &author.sign_key, &desk->verifier, err);
    if (status == VELD_E_FORGED || status == VELD_E_INVALID)
        return VELD_OK; /* it is left out for that */
    *out = status == VELD_OK;
done:
    return status;
}

/* The office has all that it ever signed: a key of before gives it nothing that it did not have. */
veld_status intake_hold_back(
    const veld_desk *desk, veld_case *opened, veld_change *change, bool *aside, veld_error *err)
{
    veld_status status;
    bool is_former;
    bool is_own = veld_id_equal(&change->device, veld_store_device(desk->store));
    *aside = false;
    if (veld_graph_has(veld_case_graph(opened), &change->id))
        return VELD_OK;
    VELD_TRY(veld_keyring_is_former(&desk->keyring, &desk->verifier, change, &is_former, err));
    *aside = is_former;
    if (is_own)
        goto done;
    if (!is_former)
        VELD_TRY(was_revoked(desk, change, aside, err));
    if (*aside)
        status = veld_quarantine_put(desk->store, change,
            is_former ? VELD_QUARANTINE_FORMER : VELD_QUARANTINE_REVOKED,
            veld_env_now(desk->env).wall_utc_ms, err);
done:
    return status;
}

/* ---- what a head covers is held back no longer ---- */

typedef struct held {
    const veld_id *case_id;
    veld_buf names; /* ids of changes */
    bool *is_covered;
    size_t count;
} held;

static veld_status note_held(void *context, const veld_quarantined *one, veld_error *err)
{
    held *by = context;
    (void)err;
    return veld_id_equal(&one->case_id, by->case_id)
               ? veld_buf_append_span(&by->names, veld_hash_span(&one->change))
               : VELD_OK;
}

static int by_hash(const void *a, const void *b)
{
    return veld_hash_compare(a, b);
}

static veld_status look(
    veld_store *store, veld_case *opened, const veld_head *head, held *by, veld_error *err)
{
    veld_status status;
    veld_buf_clear(&by->names);
    veld_release(by->is_covered);
    by->is_covered = NULL;
    VELD_TRY(veld_quarantine_each(store, by, note_held, err));
    by->count = by->names.len / VELD_HASH_BYTES;
    if (by->count == 0)
        goto done;
    by->is_covered = veld_allocate(by->count * sizeof *by->is_covered);
    if (by->is_covered == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for what was held back");
        goto done;
    }
    qsort(by->names.data, by->count, VELD_HASH_BYTES, by_hash);
    status = veld_head_covers(
        opened, head, (const veld_hash *)by->names.data, by->count, by->is_covered, err);
done:
    return status;
}

static veld_status join_one(
    const veld_desk *desk, veld_case *opened, const veld_hash *id, veld_error *err)
{
    veld_status status;
    veld_buf body;
    veld_arena arena;
    veld_taken taken;
    veld_change change;
    veld_quarantined one;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_quarantine_get(desk->store, id, &body, &one, err));
    VELD_TRY(veld_change_decode(one.body, VELD_CHANGE_WIRE, &arena, &change, err));
    VELD_TRY(veld_case_take(opened, &change, 1, &taken, err));
    status = veld_quarantine_forget(desk->store, id, err);
done:
    veld_buf_wipe(&body);
    veld_arena_release(&arena);
    return status;
}

/* Those that are covered now. What they make known of their past may cover more. */
static veld_status join_covered(
    const veld_desk *desk, veld_case *opened, const held *by, size_t *joined, veld_error *err)
{
    veld_status status;
    const veld_hash *ids = (const veld_hash *)by->names.data;
    size_t count = 0;
    VELD_TRY(veld_store_begin(desk->store, err));
    for (size_t i = 0; status == VELD_OK && i < by->count; i++) {
        if (!by->is_covered[i])
            continue;
        status = join_one(desk, opened, &ids[i], err);
        count += status == VELD_OK;
    }
    status = veld_store_end(desk->store, status, err);
    *joined = count;
done:
    return status;
}

static veld_status join_held(const veld_desk *desk, veld_case *opened, const veld_head *head,
    size_t *joined, veld_error *err)
{
    size_t now = 1;
    held by = {.case_id = veld_case_id(opened)};
    veld_status status = VELD_OK;
    *joined = 0;
    veld_buf_init(&by.names, NAMES_BYTES_MAX);
    while (now > 0) {
        VELD_TRY(look(desk->store, opened, head, &by, err));
        now = 0;
        for (size_t i = 0; i < by.count && now == 0; i++)
            now = by.is_covered[i];
        if (now > 0)
            VELD_TRY(join_covered(desk, opened, &by, &now, err));
        *joined += now;
    }
done:
    veld_release(by.is_covered);
    veld_buf_release(&by.names);
    return status;
}

veld_status intake_join_held(
    const veld_desk *desk, const veld_id *case_id, size_t *joined, veld_error *err)
{
    bool there;
    veld_head head;
    veld_arena arena;
    veld_case *opened = NULL;
    *joined = 0;
    veld_arena_init(&arena, VELD_STATE_BYTES_MAX);
    veld_status status = sync_last_head(desk->store, case_id, &arena, &head, &there, err);
    if (status == VELD_OK && there) {
        status = veld_case_open(desk, case_id, &opened, err);
        if (status == VELD_OK)
            status = join_held(desk, opened, &head, joined, err);
        veld_case_close(opened);
    }
    veld_arena_release(&arena);
    return status;
}

static void tell_joined(veld_sync *sync, const veld_id *case_id, size_t joined)
{
    sync->result.received += joined;
    if (joined > 0)
        sync_tell(sync, &(veld_sync_event){
                            .kind = VELD_SYNC_CASE_CHANGED, .case_id = *case_id, .count = joined});
}

veld_status sync_join_held(
    veld_sync *sync, veld_case *opened, const veld_head *head, veld_error *err)
{
    size_t joined;
    veld_status status = join_held(sync->config.desk, opened, head, &joined, err);
    if (status == VELD_OK)
        tell_joined(sync, veld_case_id(opened), joined);
    return status;
}

veld_status sync_join_held_of(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    size_t joined;
    veld_status status = intake_join_held(sync->config.desk, case_id, &joined, err);
    if (status == VELD_OK)
        tell_joined(sync, case_id, joined);
    return status;
}

/* ---- what was joined before the revocation, or the change of a key, was heard ---- */

/* Does its author's device have a key of before? */
static veld_status has_former(
    const veld_desk *desk, const veld_id *device, bool *out, veld_error *err)
{
    veld_p256_public former;
    veld_status status = VELD_E_NOT_FOUND;
    if (desk->keyring.former != NULL)
        status = desk->keyring.former(desk->keyring.context, device, 1, &former, err);
    *out = status == VELD_OK;
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static veld_status is_to_be_covered(
    const veld_desk *desk, const veld_node *node, bool *out, veld_error *err)
{
    veld_directory_entry author;
    *out = false;
    if (!node->here || node->early)
        return VELD_OK;
    veld_status status = veld_directory_find(desk->store, &node->chain.device, &author, err);
    *out = status == VELD_OK && author.state == VELD_DEVICE_REVOKED;
    return status == VELD_E_NOT_FOUND ? has_former(desk, &node->chain.device, out, err) : status;
}

/* Of the office only what a former key signed: the head may be on its way. */
static veld_status is_in_doubt(
    const veld_desk *desk, veld_case *opened, const veld_hash *id, bool *out, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_change change;
    bool is_office;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_case_change(opened, id, &arena, &change, err));
    VELD_TRY(has_former(desk, &change.device, &is_office, err));
    *out = !is_office;
    if (is_office)
        status = veld_keyring_is_former(&desk->keyring, &desk->verifier, &change, out, err);
done:
    veld_arena_release(&arena);
    return status;
}

static veld_status list_to_be_covered(
    const veld_desk *desk, veld_case *opened, veld_buf *out, veld_error *err)
{
    size_t count;
    bool is_one;
    veld_status status = VELD_OK;
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    if (order == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the changes of a case");
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(is_to_be_covered(desk, order[i], &is_one, err));
        if (is_one)
            VELD_TRY(veld_buf_append_span(out, veld_hash_span(&order[i]->id)));
    }
done:
    return status;
}

veld_status veld_sync_doubtful(
    const veld_desk *desk, veld_case *opened, veld_buf *out, veld_error *err)
{
    veld_head head;
    veld_arena arena;
    veld_buf all;
    bool there = false, *covered = NULL;
    veld_status status;
    veld_arena_init(&arena, VELD_STATE_BYTES_MAX);
    veld_buf_init(&all, NAMES_BYTES_MAX);
    VELD_TRY(list_to_be_covered(desk, opened, &all, err));
    size_t count = all.len / VELD_HASH_BYTES;
    if (count == 0)
        goto done;
    qsort(all.data, count, VELD_HASH_BYTES, by_hash);
    covered = veld_allocate(count * sizeof *covered); /* zeroed */
    if (covered == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
        goto done;
    }
    VELD_TRY(sync_last_head(desk->store, veld_case_id(opened), &arena, &head, &there, err));
    if (there)
        VELD_TRY(veld_head_covers(opened, &head, (const veld_hash *)all.data, count, covered, err));
    for (size_t i = 0; i < count; i++) {
        const veld_hash *id = (const veld_hash *)all.data + i;
        bool is_in = !covered[i];
        if (is_in)
            VELD_TRY(is_in_doubt(desk, opened, id, &is_in, err));
        if (is_in)
            VELD_TRY(veld_buf_append_span(out, veld_hash_span(id)));
    }
done:
    veld_release(covered);
    veld_buf_release(&all);
    veld_arena_release(&arena);
    return status;
}
