/* What an answer brings of cases: grants, checkpoints and envelopes, case by case. What cannot be
 * opened yet is noted, to be asked for again by its id when a key came. */
#include "sync_answer.h"

#include <stdio.h>

#include "veldkit/envelope.h"
#include "veldkit/hash.h"

typedef struct taking {
    veld_sync *sync;
    veld_status status; /* of a callback that cannot return one */
} taking;

static void leave_out(
    void *context, const intake_part *part, bool later, const char *what, const veld_error *why)
{
    taking *by = context;
    veld_sync *sync = by->sync;
    veld_hash id;
    char text[2 * VELD_ERROR_TEXT_BYTES_MAX];
    if (!later) {
        snprintf(text, sizeof text, "%s: %s", what, why->text);
        sync_tell_refused(sync, &part->case_id, why->status, text);
        return;
    }
    if (why->status == VELD_E_DAMAGED)
        sync_tell_refused(sync, &part->case_id, why->status, why->text);
    if (by->status == VELD_OK)
        by->status = veld_sha256(part->body, &id, NULL);
    if (by->status == VELD_OK)
        by->status = sync_wait_for_key(sync, &id, &part->case_id, NULL);
}

static veld_status before_change(void *context, const veld_id *case_id, veld_error *err)
{
    taking *by = context;
    return by->sync->config.role == VELD_SYNC_MERGER ? sync_set_dirty(by->sync, case_id, err)
                                                     : VELD_OK;
}

static veld_status set_aside(void *context, veld_case *opened, veld_change *change, uint64_t place,
    bool *aside, veld_error *err)
{
    taking *by = context;
    veld_sync *sync = by->sync;
    if (sync->config.role == VELD_SYNC_MERGER)
        return sync_set_aside(sync, opened, change, place, aside, err);
    veld_status status = intake_hold_back(sync->config.desk, opened, change, aside, err);
    sync->has_held_back = sync->has_held_back || *aside;
    return status;
}

veld_status sync_add_part(
    veld_sync *sync, sync_answer *in, const veld_frame *frame, veld_error *err)
{
    veld_error why = {0};
    intake_part *part = &in->parts[in->parts_count];
    veld_status status = intake_read((veld_frame_type)frame->type, frame->body, part, &why);
    if (status == VELD_OK) {
        in->parts_count++;
        return sync_find_place(in, part->body, &part->place, err);
    }
    if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO)
        return veld_fail(err, status, "%s", why.text);
    sync_tell_refused(sync, &part->case_id, status, why.text);
    return VELD_OK;
}

/* A key of the case came, or somebody's first change of it, which may come long after its key. That
 * the case is new here would say too little: after a crash in the midst of taking it in it comes
 * again and is new no more. */
static bool may_tell_founder(const intake_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        veld_envelope_header header;
        if (parts[i].type == VELD_FRAME_GRANT ||
            (veld_envelope_read_header(parts[i].body, &header, NULL) == VELD_OK &&
                header.number == 1))
            return true;
    }
    return false;
}

veld_status sync_take_cases(veld_sync *sync, sync_answer *in, veld_error *err)
{
    veld_status status = VELD_OK;
    taking by = {.sync = sync};
    intake into = {
        .desk = sync->config.desk,
        .agency = sync->config.agency,
        .now = &sync->now,
        .context = &by,
        .is_office = sync->config.role == VELD_SYNC_MERGER,
        .leave_out = leave_out,
        .before = before_change,
        .set_aside = set_aside,
    };
    VELD_TRY(intake_sort(in->parts, in->parts_count, err));
    for (size_t first = 0, len; first < in->parts_count; first += len) {
        const intake_part *parts = in->parts + first;
        size_t added = into.taken.added;
        size_t new_cases = into.new_cases, keys = into.keys;
        veld_sync_event event = {.case_id = parts->case_id};
        len = intake_length(in->parts, in->parts_count, first);
        bool is_erased = false, is_held = false;
        if (sync->config.role == VELD_SYNC_MERGER)
            VELD_TRY(sync_is_erased(sync, &event.case_id, &is_erased, err));
        if (is_erased) {
            VELD_TRY(sync_take_late(sync, parts, len, err));
            continue;
        }
        if (sync->config.role == VELD_SYNC_DEVICE)
            VELD_TRY(sync_hold(sync, &into, parts, len, &is_held, err));
        else
            VELD_TRY(sync_floor(sync, &event.case_id, NULL, &into.reseal_below, err));
        into.wants_past = sync->asks_past && veld_id_equal(&event.case_id, &sync->past.case_id);
        if (!is_held)
            VELD_TRY(intake_case(&into, parts, len, err));
        VELD_TRY(by.status);
        if (sync->has_held_back)
            VELD_TRY(sync_join_held_of(sync, &event.case_id, err));
        sync->has_held_back = false;
        if (into.keys > keys)
            VELD_TRY(sync_note_key(sync, &event.case_id, err));
        event.kind = into.new_cases > new_cases ? VELD_SYNC_CASE_NEW : VELD_SYNC_CASE_CHANGED;
        event.count = into.taken.added - added;
        if (sync->config.role == VELD_SYNC_MERGER && may_tell_founder(parts, len))
            VELD_TRY(sync_assign_to_founder(sync, &event.case_id, err));
        if (event.count > 0 || into.new_cases > new_cases)
            sync_tell(sync, &event);
    }
    sync->result.received += into.taken.added;
    sync->result.refused += into.taken.forged;
done:
    return status;
}
