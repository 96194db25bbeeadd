/* Taking a case in. A key is used only when somebody gave it who may: the agency, or for the first
 * epoch the device that founded the case, which the case's id shows. A wrong grant never keeps a
 * right one out. */
#include "intake.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/checkpoint_item.h"
#include "veldkit/commit.h"
#include "veldkit/context.h"
#include "veldkit/envelope.h"
#include "veldkit/founder.h"
#include "veldkit/grant.h"
#include "veldkit/lease.h"
#include "veldkit/limits.h"
#include "veldkit/summary.h"

veld_status intake_read(veld_frame_type type, veld_span body, intake_part *out, veld_error *err)
{
    veld_status status;
    veld_grant grant;
    veld_envelope_header header;
    *out = (intake_part){.type = type, .body = body};
    if (type == VELD_FRAME_GRANT) {
        status = veld_grant_read(body, &grant, err);
        out->case_id = grant.terms.case_id;
    } else if (type == VELD_FRAME_CHECKPOINT) {
        veld_checkpoint_item item;
        status = veld_checkpoint_item_read(body, &item, err);
        out->case_id = item.head.case_id;
    } else {
        status = veld_envelope_read_header(body, &header, err);
        if (status == VELD_OK)
            out->case_id = header.case_id;
    }
    return status;
}

/* Names of an opened envelope's changes: their devices must be known. */
static veld_status name_change(void *context, veld_change *change, veld_error *err)
{
    veld_p256_public key;
    const veld_desk *desk = context;
    veld_status status = veld_keyring_signer(&desk->keyring, &desk->verifier, change, &key, err);
    return status == VELD_OK ? veld_commit_ids(change, &key, err) : status;
}

/* A list of changes under way, in the arena of the case. */
typedef struct change_list {
    veld_arena arena;
    veld_change *changes;
    size_t count;
    size_t capacity;
} change_list;

static veld_status add_changes(
    change_list *list, const veld_change *changes, size_t count, veld_error *err)
{
    if (list->count + count > list->capacity) {
        size_t capacity = 2 * (list->count + count);
        veld_change *grown = veld_resize(list->changes, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", capacity);
        list->changes = grown;
        list->capacity = capacity;
    }
    memcpy(list->changes + list->count, changes, count * sizeof *changes);
    list->count += count;
    return VELD_OK;
}

static void list_release(change_list *list)
{
    veld_release(list->changes);
    veld_arena_release(&list->arena);
}

static bool is_blind(const intake_part *part)
{
    veld_envelope_header header;
    return part->type == VELD_FRAME_ENVELOPE &&
           veld_envelope_read_header(part->body, &header, NULL) == VELD_OK &&
           header.alg == VELD_ENVELOPE_BLIND;
}

/* What was sealed to the agency may have been sealed to a key of before. */
static veld_status open_blind(const intake *by, veld_span body, const veld_change_namer *namer,
    change_list *list, veld_change **changes, veld_error *why)
{
    veld_envelope_header header;
    const veld_store *store = by->desk->store;
    veld_status status = VELD_E_FORGED;
    const veld_p256_private *key;
    for (size_t i = 0; status == VELD_E_FORGED && (key = veld_store_seal_key_at(store, i)); i++)
        status = veld_envelope_open_blind(key, body, namer, &list->arena, &header, changes, why);
    return status;
}

static veld_status open_grant(
    const intake *by, const veld_grant *grant, veld_secret *out, veld_error *why)
{
    const veld_store *store = by->desk->store;
    veld_status status = VELD_E_NOT_FOUND;
    const veld_p256_private *key;
    for (size_t i = 0; status == VELD_E_NOT_FOUND && (key = veld_store_seal_key_at(store, i)); i++)
        status = veld_grant_open(grant, key, out, why);
    return status;
}

/* `keys` is NULL for what is sealed to the agency. */
static veld_status open_one(const intake *by, veld_store_case *keys, veld_span body,
    change_list *list, veld_change **changes, uint16_t *count, veld_error *why)
{
    veld_status status;
    veld_envelope_header header;
    const veld_sealer *sealer;
    veld_desk desk = *by->desk;
    veld_change_namer namer = {.context = &desk, .name = name_change};
    VELD_TRY(veld_envelope_read_header(body, &header, why));
    *count = header.count;
    if (keys == NULL)
        return open_blind(by, body, &namer, list, changes, why);
    VELD_TRY(veld_store_case_message_sealer(keys, header.epoch, &sealer, why));
    status = veld_envelope_open(sealer, body, &namer, &list->arena, &header, changes, why);
done:
    return status;
}

static bool is_older(const intake_part *part, uint32_t epoch)
{
    veld_envelope_header header;
    return veld_envelope_read_header(part->body, &header, NULL) == VELD_OK && header.epoch < epoch;
}

/* Opens the envelopes of the case, those of its key or (`keys` is NULL) those that are sealed to
 * the agency; what does not open is told. */
static veld_status open_envelopes(intake *by, const intake_part *parts, size_t count,
    veld_store_case *keys, change_list *current, change_list *again, veld_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const intake_part *p = &parts[i];
        veld_change *changes;
        uint16_t changes_count = 0;
        veld_error why = {0};
        if (p->type != VELD_FRAME_ENVELOPE || is_blind(p) != (keys == NULL))
            continue;
        change_list *list = is_older(p, by->reseal_below) ? again : current;
        veld_status status = open_one(by, keys, p->body, list, &changes, &changes_count, &why);
        if (status == VELD_OK)
            status = add_changes(list, changes, changes_count, &why);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO ||
            status == VELD_E_DAMAGED)
            return veld_fail(err, status, "%s", why.text);
        if (status == VELD_OK || (status == VELD_E_NOT_FOUND && by->wants_past))
            continue; /* of the past some may never be readable here */
        if (status == VELD_E_NOT_FOUND)
            by->taken.unknown_device += changes_count;
        by->leave_out(by->context, p, status == VELD_E_NOT_FOUND, "envelope", &why);
    }
    return VELD_OK;
}

typedef veld_status (*take)(
    veld_case *opened, veld_change *changes, size_t count, veld_taken *taken, veld_error *err);

static veld_status take_changes(
    intake *by, veld_case *opened, take how, change_list *list, veld_error *err)
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

/* ---- who may give a key ---- */

/* Did a device sign the grant that may have founded the case, and that wrote one of the envelopes?
 * NOT_FOUND: none of the writers is its founder, so it cannot be told yet. */
static veld_status check_founder(const intake *by, const veld_grant *grant,
    const intake_part *parts, size_t count, veld_error *why)
{
    veld_status status =
        veld_fail(why, VELD_E_NOT_FOUND, "nothing is here yet of who founded the case");
    veld_id seen = {{0}};
    for (size_t i = 0; i < count && status == VELD_E_NOT_FOUND; i++) {
        bool fits;
        veld_p256_public key;
        veld_envelope_header header;
        const veld_keyring *keyring = &by->desk->keyring;
        if (parts[i].type != VELD_FRAME_ENVELOPE ||
            veld_envelope_read_header(parts[i].body, &header, NULL) != VELD_OK ||
            veld_id_equal(&header.device, &seen))
            continue;
        seen = header.device;
        status = veld_founder_fits(&grant->terms.case_id, &seen, &fits, why);
        if (status == VELD_OK && fits)
            status = keyring->find(keyring->context, &seen, &key, why);
        else if (status == VELD_OK)
            status = VELD_E_NOT_FOUND;
        if (status == VELD_OK)
            status = veld_grant_verify(grant, &by->desk->verifier, &key, why);
        if (status == VELD_E_FORGED)
            status = veld_fail(
                why, VELD_E_NOT_ALLOWED, "only the device that founded a case may give its key");
    }
    return status;
}

static veld_status signed_by_agency(
    const intake *by, const veld_grant *grant, bool was_judged, bool *out, veld_error *why)
{
    *out = false;
    if (by->agency == NULL)
        return VELD_OK;
    return was_judged ? veld_agency_gave(by->agency, &by->desk->verifier, grant, out, why)
                      : veld_agency_gives(by->agency, by->now, grant, out, why);
}

/* May this grant's key be used here? Each way in which it may not has its own status:
 * NOT_ALLOWED (for another device; for an emergency that nobody said there is; a later epoch or a
 * first key by who may not give it), FORGED (in the agency's name, or another key than the epoch
 * has here), STALE (from before the case was withdrawn), NOT_FOUND (cannot be told yet). */
static veld_status judge_grant(const intake *by, const veld_grant *grant, const intake_part *parts,
    size_t count, bool from_agency, veld_error *why)
{
    if (!veld_id_equal(&grant->terms.recipient, veld_store_device(by->desk->store)))
        return veld_fail(why, VELD_E_NOT_ALLOWED, "it is for another device");
    if (grant->terms.purpose == VELD_GRANT_BREAK_GLASS && !(from_agency && by->is_glass_broken))
        return veld_fail(why, VELD_E_NOT_ALLOWED, "an emergency grant is not used unasked");
    if (from_agency)
        return VELD_OK;
    if (grant->terms.epoch != 1)
        return veld_fail(why, VELD_E_NOT_ALLOWED, "only the agency gives the key of a later epoch");
    return check_founder(by, grant, parts, count, why);
}

/* ---- keys ---- */

typedef struct key_state {
    veld_case *opened; /* NULL while no key is here */
    bool is_new;       /* the case came with these parts */
    bool has_new_key;  /* the case is to be opened again */
    bool has_begun;    /* the transaction of a case that is new here */
} key_state;

/* An epoch has one key for ever. */
static veld_status compare_held(const veld_grant *grant, veld_span held, veld_error *why)
{
    uint8_t check[VELD_KEY_CHECK_BYTES];
    veld_status status = veld_key_check(held, VELD_CONTEXT_CASE_KEY_CHECK, check, why);
    if (status == VELD_OK && memcmp(check, grant->key_check, sizeof check) != 0)
        status = veld_fail(why, VELD_E_FORGED, "another key for an epoch that is here");
    return status;
}

static veld_status put_key(
    intake *by, const veld_grant *grant, bool has_lease, const veld_secret *key, veld_error *err)
{
    veld_store *store = by->desk->store;
    veld_status status = VELD_OK;
    if (has_lease) /* first: it may refuse, and the transaction goes on without this grant */
        status = veld_lease_take(store, by->desk->anchor, &grant->terms, err);
    if (status == VELD_OK && key->data != NULL)
        status = veld_store_put_case_key(
            store, &grant->terms.case_id, grant->terms.epoch, veld_secret_span(key), err);
    return status;
}

/* The key of a right grant, and the lease with it when the agency gives: one transaction, for a
 * case that is new here that of the whole case. */
static veld_status keep_key(
    intake *by, const veld_grant *grant, bool has_lease, const veld_secret *key, veld_error *err)
{
    veld_store *store = by->desk->store;
    if (veld_store_in_transaction(store))
        return put_key(by, grant, has_lease, key, err);
    veld_status status = veld_store_begin(store, err);
    if (status != VELD_OK)
        return status;
    status = put_key(by, grant, has_lease, key, err);
    return veld_store_end(store, status, err);
}

/* What is told to a person and passed over, and what stops all. */
static bool is_about_the_part(veld_status status)
{
    return status == VELD_E_NOT_ALLOWED || status == VELD_E_FORGED || status == VELD_E_STALE ||
           status == VELD_E_NOT_FOUND || status == VELD_E_FORM || status == VELD_E_LIMIT ||
           status == VELD_E_NEWER || status == VELD_E_EXISTS;
}

static veld_status use_grant(intake *by, const intake_part *parts, size_t count,
    const veld_grant *grant, bool was_judged, key_state *state, veld_error *why)
{
    veld_status status;
    bool from_agency;
    veld_span held = {0};
    veld_secret key = {0};
    bool is_held = state->opened != NULL && veld_store_case_key(veld_case_keys(state->opened),
                                                grant->terms.epoch, &held, NULL) == VELD_OK;
    VELD_TRY(signed_by_agency(by, grant, was_judged, &from_agency, why));
    bool has_lease = from_agency && grant->terms.purpose != VELD_GRANT_AGENCY;
    if (is_held)
        VELD_TRY(compare_held(grant, held, why));
    if (is_held && !has_lease)
        goto done;
    VELD_TRY(judge_grant(by, grant, parts, count, from_agency, why));
    if (!is_held) {
        status = open_grant(by, grant, &key, why);
        if (status == VELD_E_NOT_FOUND)
            status = veld_fail(why, VELD_E_NOT_ALLOWED, "it is sealed to another key than ours");
        VELD_TRY(status);
    }
    if (state->opened == NULL && !state->has_begun) {
        VELD_TRY(veld_store_begin(by->desk->store, why));
        state->has_begun = true;
        if (by->before != NULL)
            VELD_TRY(by->before(by->context, &grant->terms.case_id, why));
    }
    VELD_TRY(keep_key(by, grant, has_lease, &key, why));
    state->has_new_key = state->has_new_key || !is_held;
    by->keys += !is_held;
done:
    veld_secret_release(&key);
    return status;
}

/* A grant of a known case that gives nothing here: the merger hears those between tablets too. */
static bool is_for_others(const intake *by, const veld_grant *grant, const key_state *state)
{
    return state->opened != NULL &&
           !veld_id_equal(&grant->terms.recipient, veld_store_device(by->desk->store));
}

static veld_status take_grants(
    intake *by, const intake_part *parts, size_t count, key_state *state, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_id case_id = parts[0].case_id;
    for (size_t i = 0; i < count; i++) {
        veld_grant grant;
        veld_error why = {0};
        if (parts[i].type != VELD_FRAME_GRANT)
            continue;
        status = veld_grant_read(parts[i].body, &grant, &why);
        if (status == VELD_OK && is_for_others(by, &grant, state))
            continue;
        if (status == VELD_OK)
            status = use_grant(by, parts, count, &grant, parts[i].was_judged, state, &why);
        if (is_about_the_part(status))
            by->leave_out(by->context, &parts[i], status == VELD_E_NOT_FOUND, "grant", &why);
        else if (status != VELD_OK)
            return veld_fail(err, status, "%s", why.text);
    }
    status = VELD_OK;
    if (!state->has_new_key)
        return VELD_OK;
    state->is_new = state->opened == NULL;
    veld_case_close(state->opened);
    state->opened = NULL;
    return veld_case_open(by->desk, &case_id, &state->opened, err);
}

/* ---- a case ---- */

static veld_status drop_aside(intake *by, veld_case *opened, change_list *list, veld_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; by->set_aside != NULL && i < list->count; i++) {
        bool aside;
        veld_status status = by->set_aside(by->context, opened, &list->changes[i], &aside, err);
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
    intake *by, const intake_part *parts, size_t count, const key_state *state, veld_error *err)
{
    veld_status status;
    change_list list = {0}, blind = {0};
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    veld_arena_init(&blind.arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(open_envelopes(by, parts, count, veld_case_keys(state->opened), &list, &blind, err));
    if (by->is_office)
        VELD_TRY(open_envelopes(by, parts, count, NULL, &blind, &blind, err));
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
    list_release(&list);
    list_release(&blind);
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
    change_list list = {0};
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    for (size_t i = 0; i < count && !found && by->is_office; i++) {
        veld_change *changes;
        uint16_t changes_count = 0;
        if (!is_blind(&parts[i]) ||
            open_one(by, NULL, parts[i].body, &list, &changes, &changes_count, NULL) != VELD_OK)
            continue;
        for (uint16_t k = 0; k < changes_count && !found; k++)
            found = is_from_founder(by, &changes[k]);
    }
    list_release(&list);
    return found;
}

/* The office chooses the key: no device ever had one. */
static veld_status found_case(intake *by, const veld_id *case_id, key_state *state, veld_error *err)
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
        if (parts[i].type == VELD_FRAME_ENVELOPE && (by->is_office || !is_blind(&parts[i])))
            by->leave_out(by->context, &parts[i], true, "envelope", &why);
    }
}

/* What the checkpoints of the case hold need not be heard again. */
static veld_status take_checkpoints(
    intake *by, const intake_part *parts, size_t count, key_state *state, veld_error *err)
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
    intake *by, const intake_part *parts, size_t count, key_state *state, veld_error *err)
{
    veld_status status = take_grants(by, parts, count, state, err);
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

/* Key and changes of a case that is new here are kept both or neither: a case with its key alone,
 * left by a crash, could be taken for one that was founded here. */
veld_status intake_case(intake *by, const intake_part *parts, size_t count, veld_error *err)
{
    key_state state = {0};
    veld_error why = {0};
    veld_status status = veld_case_open(by->desk, &parts[0].case_id, &state.opened, &why);
    if (status == VELD_OK || status == VELD_E_NOT_FOUND)
        status = take_parts(by, parts, count, &state, err);
    else if (err != NULL)
        *err = why;
    if (state.has_begun)
        status = veld_store_end(by->desk->store, status, err);
    veld_case_close(state.opened);
    return status;
}

/* ---- by case ---- */

typedef struct placed_part {
    intake_part part;
    size_t place;
} placed_part;

static int by_case_and_place(const void *a, const void *b)
{
    const placed_part *left = a;
    const placed_part *right = b;
    int order = veld_id_compare(&left->part.case_id, &right->part.case_id);
    return order != 0 ? order : (left->place > right->place) - (left->place < right->place);
}

veld_status intake_sort(intake_part *parts, size_t count, veld_error *err)
{
    placed_part *sorted = veld_allocate((count + 1) * sizeof *sorted);
    if (sorted == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu frames", count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = (placed_part){.part = parts[i], .place = i};
    qsort(sorted, count, sizeof *sorted, by_case_and_place);
    for (size_t i = 0; i < count; i++)
        parts[i] = sorted[i].part;
    veld_release(sorted);
    return VELD_OK;
}

size_t intake_length(const intake_part *parts, size_t count, size_t first)
{
    size_t len = 1;
    while (first + len < count && veld_id_equal(&parts[first + len].case_id, &parts[first].case_id))
        len++;
    return len;
}
