/* What hangs on a seal key that the agency changed: at a tablet its blind work that the agency did
 * not sign for, at the office all that lies somewhere and opens with no other key. */
#include "veldkit/seal_end.h"

#include "intake_inner.h"
#include "sync_inner.h"
#include "veldkit/access.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/envelope.h"
#include "veldkit/quarantine.h"

/* ---- device ---- */

typedef struct here {
    veld_store *store;
    veld_hash key; /* fingerprint of the present one */
    size_t count;
} here;

static veld_status count_here(void *context, const veld_blind *blind, veld_error *err)
{
    here *by = context;
    veld_handover step;
    if (veld_hash_equal(&blind->sealed_to, &by->key))
        return VELD_OK;
    veld_status status = veld_handover_get(by->store, &blind->change, &step, err);
    by->count += status == VELD_OK && step.aside_utc_ms == 0;
    return status;
}

veld_status veld_seal_count_here(
    veld_store *store, const veld_agency *agency, size_t *out, veld_error *err)
{
    here by = {.store = store};
    *out = 0;
    veld_status status = veld_p256_fingerprint(&agency->seal_key, &by.key, err);
    if (status == VELD_OK)
        status = veld_blind_each(store, &by, count_here, err);
    if (status == VELD_OK)
        *out = by.count;
    return status;
}

/* ---- what one item hangs on ---- */

/* By the place of the key that opens it: 0 is the present one. None does: `*out` is false. */
static veld_status grant_hangs(
    const veld_sync *sync, veld_span body, const veld_p256_private *key, bool *out, veld_error *err)
{
    veld_grant grant;
    veld_secret opened = {0};
    veld_status status = veld_grant_read(body, &grant, err);
    if (status == VELD_OK && !veld_id_equal(&grant.terms.recipient, &sync->agency.id))
        return VELD_OK;
    if (status == VELD_OK)
        status = veld_grant_open(&grant, key, &opened, err);
    *out = status == VELD_OK;
    veld_secret_release(&opened);
    return status;
}

static veld_status access_hangs(
    veld_span body, const veld_p256_private *key, bool *out, veld_error *err)
{
    veld_access_item item;
    veld_access_batch batch;
    veld_arena arena;
    veld_arena_init(&arena, 2 * VELD_ACCESS_BATCH_BYTES_MAX);
    veld_status status = veld_access_item_read(body, &item, err);
    bool is_batch = status == VELD_OK && item.form == VELD_ACCESS_BATCH;
    if (is_batch)
        status = veld_access_batch_open(&item, key, &arena, &batch, err);
    *out = is_batch && status == VELD_OK;
    veld_arena_release(&arena);
    return status;
}

static veld_status opens(const veld_sync *sync, veld_frame_type type, veld_span body,
    const veld_p256_private *key, bool *out, veld_error *err)
{
    *out = false;
    if (type == VELD_FRAME_GRANT)
        return grant_hangs(sync, body, key, out, err);
    if (type == VELD_FRAME_ACCESS)
        return access_hangs(body, key, out, err);
    return type == VELD_FRAME_ENVELOPE ? intake_opens_blind(sync->config.desk, body, key, out, err)
                                       : VELD_OK;
}

/* What stops the looking; else the item is no such, or not for this key. */
static bool is_grave(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO ||
           status == VELD_E_DAMAGED;
}

static veld_status hangs_on_former(
    const veld_sync *sync, veld_frame_type type, veld_span body, bool *out, veld_error *err)
{
    const veld_store *store = sync->config.desk->store;
    const veld_p256_private *key;
    bool is_open = false;
    size_t at = 0;
    veld_error why = {0};
    *out = false;
    for (; !is_open && (key = veld_store_seal_key_at(store, at)) != NULL; at++) {
        veld_status status = opens(sync, type, body, key, &is_open, &why);
        if (is_grave(status))
            return veld_fail(err, status, "%s", why.text);
    }
    *out = is_open && at > 1;
    return VELD_OK;
}

/* ---- the journal ---- */

/* Is the merger's place one in this journal, as it is? */
static veld_status is_behind(
    const veld_sync *sync, const veld_journal *journal, bool *out, veld_error *err)
{
    veld_log_head there;
    const exchange_cursor *cursor = &sync->cursor;
    *out = sync->phase != SYNC_STEADY || sync->must_compare;
    if (*out || veld_id_is_zero(&cursor->journal))
        return VELD_OK;
    *out = !veld_id_equal(&cursor->journal, &journal->id) ||
           cursor->log.size > journal->size(journal->context);
    if (*out)
        return VELD_OK;
    veld_status status = veld_log_root(&journal->log, cursor->log.size, &there, err);
    *out = status == VELD_OK && !veld_hash_equal(&there.root, &cursor->log.root);
    return status;
}

/* Can it be sealed to the agency at all? Of what was heard already only what may wait is looked at:
 * blind work is a chain of its own each, and the agency's own grants it does not need. */
static bool is_to_be_read(const veld_sync *sync, const veld_journal_item *item)
{
    bool is_heard = item->seq <= sync->cursor.seq;
    if (item->kind == VELD_FRAME_ENVELOPE)
        return item->number == 1 && item->count == 1;
    if (item->kind == VELD_FRAME_GRANT)
        return !item->access && veld_id_equal(&item->device, &sync->agency.id);
    return item->kind == VELD_FRAME_ACCESS && !is_heard;
}

static veld_status look_at(veld_sync *sync, const veld_journal *journal,
    const veld_journal_item *item, veld_seal_left *left, veld_error *err)
{
    bool hangs = false, is_heard = item->seq <= sync->cursor.seq, waits = !is_heard;
    veld_buf bytes;
    veld_status status = VELD_OK;
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    if (is_heard)
        VELD_TRY(sync_is_item_waiting(sync, &item->id, &item->case_id, &waits, err));
    if (!waits)
        goto done;
    VELD_TRY(journal->load(journal->context, item->seq, NULL, &bytes, err));
    VELD_TRY(hangs_on_former(sync, item->kind, veld_buf_span(&bytes), &hangs, err));
    left->unread += hangs && !is_heard;
    left->waiting += hangs && is_heard;
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status look_through(
    veld_sync *sync, const veld_journal *journal, veld_seal_left *left, veld_error *err)
{
    bool more = true;
    veld_journal_item item = {0};
    veld_status status = journal->begin(journal->context, err);
    if (status != VELD_OK)
        return status;
    while (more) {
        VELD_TRY(journal->next(journal->context, item.seq, &item, &more, err));
        if (more && is_to_be_read(sync, &item))
            VELD_TRY(look_at(sync, journal, &item, left, err));
    }
done:
    journal->rollback(journal->context);
    return status;
}

/* ---- the quarantine ---- */

typedef struct counting {
    const veld_sync *sync;
    size_t count;
} counting;

/* Of a revoked device it holds the change itself, of an erased case what came. */
static veld_status count_kept(void *context, const veld_quarantined *one, veld_error *err)
{
    counting *by = context;
    bool hangs = false;
    if (one->reason != VELD_QUARANTINE_ERASED || one->verdict != VELD_QUARANTINE_WAITING)
        return VELD_OK;
    veld_status status = hangs_on_former(by->sync, VELD_FRAME_ENVELOPE, one->body, &hangs, err);
    by->count += hangs;
    return status;
}

veld_status veld_seal_left_at(
    veld_sync *sync, const veld_journal *journal, veld_seal_left *out, veld_error *err)
{
    counting kept = {.sync = sync};
    veld_status status;
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    *out = (veld_seal_left){0};
    VELD_TRY(is_behind(sync, journal, &out->is_behind, err));
    if (!out->is_behind)
        VELD_TRY(look_through(sync, journal, out, err));
    VELD_TRY(veld_quarantine_each(sync->config.desk->store, &kept, count_kept, err));
    out->quarantined = kept.count;
done:
    return status;
}
