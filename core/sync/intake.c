/* Taking a case in: first its keys, then its checkpoints, then its changes. What its parts lack is
 * told and comes again. */
#include "intake_inner.h"
#include "veldkit/commit.h"
#include "veldkit/envelope.h"
#include "veldkit/founder.h"
#include "veldkit/limits.h"
#include "veldkit/summary.h"

typedef veld_status (*take)(
    veld_case *opened, veld_change *changes, size_t count, veld_taken *taken, veld_error *err);

static veld_status take_changes(
    intake *by, veld_case *opened, take how, intake_changes *list, veld_error *err)
{
    veld_taken taken = {0};
    veld_status status = VELD_OK;
    if (list->count > 0)
        status = how(opened, list->changes, list->count, &taken, err);
    by->taken.added += taken.added;
    by->taken.known += taken.known;
    by->taken.other_tree += taken.other_tree;
    by->taken.unknown_device += taken.unknown_device;
    by->taken.forged += taken.forged;
    return status;
}

/* ---- a case ---- */

static veld_status drop_aside(intake *by, veld_case *opened, intake_changes *list, veld_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; by->set_aside != NULL && i < list->count; i++) {
        bool aside;
        veld_status status =
            by->set_aside(by->context, opened, &list->changes[i], list->places[i], &aside, err);
        if (status != VELD_OK)
            return status;
        if (!aside)
            list->changes[kept++] = list->changes[i];
    }
    if (by->set_aside != NULL)
        list->count = kept;
    return VELD_OK;
}

static veld_status take_envelopes(
    intake *by, const intake_part *parts, size_t count, const intake_keys *state, veld_error *err)
{
    veld_status status;
    intake_changes list = {0}, blind = {0};
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    veld_arena_init(&blind.arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(intake_open(by, parts, count, veld_case_keys(state->opened), &list, &blind, err));
    if (by->is_office)
        VELD_TRY(intake_open(by, parts, count, NULL, &blind, &blind, err));
    VELD_TRY(drop_aside(by, state->opened, &list, err));
    VELD_TRY(drop_aside(by, state->opened, &blind, err));
    if (by->before != NULL && list.count + blind.count > 0)
        VELD_TRY(by->before(by->context, &parts[0].case_id, err));
    if (by->wants_past && list.count > 0)
        VELD_TRY(veld_case_keep_past(state->opened, list.changes, list.count, err));
    VELD_TRY(take_changes(by, state->opened, veld_case_take, &list, err));
    VELD_TRY(take_changes(by, state->opened, veld_case_take_blind, &blind, err));
    by->cases++;
    by->new_cases += state->is_new;
done:
    intake_changes_release(&list);
    intake_changes_release(&blind);
    return status;
}

/* ---- a case that was founded blind ---- */

/* A change that the case's founder signed and sealed to us: only she can make one, so nobody else
 * makes the office choose a key for a case whose own is still on its way. */
static bool is_from_founder(const intake *by, veld_change *change)
{
    bool fits;
    veld_p256_public key;
    const veld_keyring *keyring = &by->desk->keyring;
    return change->parents_count == 0 &&
           veld_founder_fits(&change->case_id, &change->device, &fits, NULL) == VELD_OK && fits &&
           veld_keyring_signer(keyring, &by->desk->verifier, change, &key, NULL) == VELD_OK &&
           veld_commit_verify(change, &key, &by->desk->verifier, NULL) == VELD_OK;
}

static bool is_founded_blind(const intake *by, const intake_part *parts, size_t count)
{
    bool found = false;
    intake_changes list = {0};
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    for (size_t i = 0; i < count && !found && by->is_office; i++) {
        veld_change *changes;
        uint16_t changes_count = 0;
        if (!intake_is_blind(&parts[i]) || intake_open_one(by, NULL, parts[i].body, &list, &changes,
                                               &changes_count, NULL) != VELD_OK)
            continue;
        for (uint16_t k = 0; k < changes_count && !found; k++)
            found = is_from_founder(by, &changes[k]);
    }
    intake_changes_release(&list);
    return found;
}

/* The office chooses the key: no device ever had one. */
static veld_status found_case(
    intake *by, const veld_id *case_id, intake_keys *state, veld_error *err)
{
    veld_status status;
    veld_secret key;
    VELD_TRY(veld_secret_init(&key, VELD_SEAL_KEY_BYTES));
    status = veld_env_random(by->desk->env, key.data, key.len, err);
    if (status == VELD_OK)
        status = veld_store_begin(by->desk->store, err);
    state->has_begun = status == VELD_OK;
    if (status == VELD_OK)
        status = veld_store_put_case_key(by->desk->store, case_id, 1, veld_secret_span(&key), err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            by->desk->store, INTAKE_FOUNDED, veld_id_span(case_id), veld_id_span(case_id), err);
    if (status == VELD_OK)
        status = veld_case_open(by->desk, case_id, &state->opened, err);
    state->is_new = status == VELD_OK;
    by->keys += status == VELD_OK;
    veld_secret_release(&key);
done:
    return status;
}

static void leave_out_all(intake *by, const intake_part *parts, size_t count)
{
    veld_error why = {0};
    veld_fail(&why, VELD_E_NOT_FOUND, "no key of this case is here");
    for (size_t i = 0; i < count; i++) {
        if (parts[i].type == VELD_FRAME_CHECKPOINT)
            by->leave_out(by->context, &parts[i], true, "checkpoint", &why);
        if (parts[i].type == VELD_FRAME_ENVELOPE && (by->is_office || !intake_is_blind(&parts[i])))
            by->leave_out(by->context, &parts[i], true, "envelope", &why);
    }
}

/* What the checkpoints of the case hold need not be heard again. */
static veld_status take_checkpoints(
    intake *by, const intake_part *parts, size_t count, intake_keys *state, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count; i++) {
        bool changed;
        if (parts[i].type != VELD_FRAME_CHECKPOINT)
            continue;
        VELD_TRY(intake_checkpoint(by, state->opened, &parts[i], &changed, err));
        if (!changed)
            continue;
        veld_case_close(state->opened);
        state->opened = NULL;
        VELD_TRY(veld_case_open(by->desk, &parts[i].case_id, &state->opened, err));
        VELD_TRY(veld_summary_put(state->opened, err));
    }
done:
    return status;
}

static veld_status take_parts(
    intake *by, const intake_part *parts, size_t count, intake_keys *state, veld_error *err)
{
    veld_status status = intake_grants(by, parts, count, state, err);
    if (status == VELD_OK && state->opened == NULL && is_founded_blind(by, parts, count))
        status = found_case(by, &parts[0].case_id, state, err);
    if (status == VELD_OK && state->opened != NULL)
        status = take_checkpoints(by, parts, count, state, err);
    if (status == VELD_OK && state->opened != NULL)
        status = take_envelopes(by, parts, count, state, err);
    else if (status == VELD_OK)
        leave_out_all(by, parts, count);
    return status;
}

/* One case that a disk spoilt stops no other: what comes of it waits. */
static void leave_out_spoilt(
    intake *by, const intake_part *parts, size_t count, const veld_error *why)
{
    for (size_t i = 0; i < count; i++)
        by->leave_out(by->context, &parts[i], true, "case", why);
}

/* Key and changes of a case that is new here are kept both or neither: a case with its key alone,
 * left by a crash, could be taken for one that was founded here. */
veld_status intake_case(intake *by, const intake_part *parts, size_t count, veld_error *err)
{
    intake_keys state = {0};
    veld_error why = {0};
    veld_status status = veld_case_open(by->desk, &parts[0].case_id, &state.opened, &why);
    if (status == VELD_OK || status == VELD_E_NOT_FOUND)
        status = take_parts(by, parts, count, &state, err);
    else if (status == VELD_E_DAMAGED) {
        leave_out_spoilt(by, parts, count, &why);
        status = VELD_OK;
    } else if (err != NULL)
        *err = why;
    if (state.has_begun)
        status = veld_store_end(by->desk->store, status, err);
    veld_case_close(state.opened);
    return status;
}
