/* Taking a case in. A new case needs a key that somebody may give: the agency, or the device that
 * founded the case, which its first change shows. A wrong grant never keeps a right one out. */
#include "intake.h"

#include <string.h>

#include "veldkit/commit.h"
#include "veldkit/envelope.h"
#include "veldkit/grant.h"
#include "veldkit/limits.h"

veld_status intake_read(veld_frame_type type, veld_span body, intake_part *out, veld_error *err)
{
    veld_status status;
    veld_grant grant;
    veld_envelope_header header;
    *out = (intake_part){.type = type, .body = body};
    if (type == VELD_FRAME_GRANT) {
        status = veld_grant_read(body, &grant, err);
        out->case_id = grant.terms.case_id;
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
    const veld_keyring *keyring = context;
    veld_status status = keyring->find(keyring->context, &change->device, &key, err);
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

/* The key of an envelope's epoch: of the opened case, or the one of a grant under examination. */
typedef struct key_source {
    veld_store_case *keys;
    const veld_sealer *sealer; /* when keys is NULL */
    uint32_t epoch;
} key_source;

static veld_status open_one(const intake *by, const key_source *source, veld_span body,
    change_list *list, veld_change **changes, uint16_t *count, veld_error *why)
{
    veld_status status;
    veld_envelope_header header;
    const veld_sealer *sealer = source->sealer;
    veld_keyring keyring = by->desk->keyring;
    veld_change_namer namer = {.context = &keyring, .name = name_change};
    VELD_TRY(veld_envelope_read_header(body, &header, why));
    *count = header.count;
    if (header.alg == VELD_ENVELOPE_BLIND)
        return veld_envelope_open_blind(veld_store_seal_key(by->desk->store), body, &namer,
            &list->arena, &header, changes, why);
    if (source->keys != NULL)
        VELD_TRY(veld_store_case_message_sealer(source->keys, header.epoch, &sealer, why));
    else if (header.epoch != source->epoch)
        return veld_fail(why, VELD_E_NOT_FOUND, "no key of epoch %u", header.epoch);
    status = veld_envelope_open(sealer, body, &namer, &list->arena, &header, changes, why);
done:
    return status;
}

/* Opens the envelopes of a case. With `tell`, what does not open is told. */
static veld_status open_envelopes(intake *by, const intake_part *parts, size_t count,
    const veld_id *case_id, const key_source *source, bool tell, change_list *list, veld_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const intake_part *p = &parts[i];
        veld_change *changes;
        uint16_t changes_count = 0;
        veld_error why = {0};
        if (p->type != VELD_FRAME_ENVELOPE || !veld_id_equal(&p->case_id, case_id))
            continue;
        veld_status status = open_one(by, source, p->body, list, &changes, &changes_count, &why);
        if (status == VELD_OK)
            status = add_changes(list, changes, changes_count, &why);
        if (status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO ||
            status == VELD_E_DAMAGED)
            return veld_fail(err, status, "%s", why.text);
        if (status == VELD_OK || !tell)
            continue;
        if (status == VELD_E_NOT_FOUND)
            by->taken.unknown_device += changes_count;
        by->leave_out(by->context, p, status == VELD_E_NOT_FOUND, "envelope", &why);
    }
    return VELD_OK;
}

static veld_status take_changes(intake *by, veld_case *opened, change_list *list, veld_error *err)
{
    veld_taken taken = {0};
    veld_status status = VELD_OK;
    if (list->count > 0)
        status = veld_case_take(opened, list->changes, list->count, &taken, err);
    by->taken.added += taken.added;
    by->taken.known += taken.known;
    by->taken.other_tree += taken.other_tree;
    by->taken.unknown_device += taken.unknown_device;
    by->taken.forged += taken.forged;
    by->cases += status == VELD_OK;
    return status;
}

/* Whether the key that signed the grant founded the case: its device made a first change that has
 * no parents, and signed it. */
static bool is_from_founder(const intake *by, const veld_grant *grant, change_list *list)
{
    const veld_keyring *keyring = &by->desk->keyring;
    for (size_t i = 0; i < list->count; i++) {
        veld_p256_public key;
        veld_change *change = &list->changes[i];
        if (change->number == 1 && change->parents_count == 0 &&
            keyring->find(keyring->context, &change->device, &key, NULL) == VELD_OK &&
            veld_grant_verify(grant, &by->desk->verifier, &key, NULL) == VELD_OK &&
            veld_commit_verify(change, &key, &by->desk->verifier, NULL) == VELD_OK)
            return true;
    }
    return false;
}

static bool is_from_agency(const intake *by, const veld_grant *grant)
{
    return by->agency != NULL &&
           veld_grant_verify(grant, &by->desk->verifier, &by->agency->merger_key, NULL) == VELD_OK;
}

static veld_status open_grant(
    const intake *by, const intake_part *part, veld_grant *grant, veld_secret *key, veld_error *why)
{
    veld_status status = veld_grant_read(part->body, grant, why);
    if (status == VELD_OK &&
        !veld_id_equal(&grant->terms.recipient, veld_store_device(by->desk->store)))
        status = veld_fail(why, VELD_E_NOT_ALLOWED, "it is for another device");
    if (status == VELD_OK)
        status = veld_grant_open(grant, veld_store_seal_key(by->desk->store), key, why);
    return status;
}

/* Key and changes of a case that is new here, both or neither: a case with its key alone, left by a
 * crash, could be taken for one that was founded here. */
static veld_status store_new(
    intake *by, const veld_grant *grant, const veld_secret *key, change_list *list, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_case *opened = NULL;
    const veld_id *case_id = &grant->terms.case_id;
    veld_store *store = by->desk->store;
    if (by->before != NULL)
        VELD_TRY(by->before(by->context, case_id, err));
    VELD_TRY(veld_store_begin(store, err));
    status =
        veld_store_put_case_key(store, case_id, grant->terms.epoch, veld_secret_span(key), err);
    if (status == VELD_OK)
        status = veld_case_open(by->desk, case_id, &opened, err);
    if (status == VELD_OK)
        status = take_changes(by, opened, list, err);
    if (status == VELD_OK)
        status = veld_store_commit(store, err);
    else
        veld_store_rollback(store);
    by->new_cases += status == VELD_OK;
done:
    veld_case_close(opened);
    return status;
}

/* One grant for a case that is new here; `*taken` when it was right. */
static veld_status try_grant(intake *by, const intake_part *parts, size_t count,
    const intake_part *part, bool *taken, veld_error *err)
{
    veld_status status;
    veld_grant grant;
    veld_error why = {0};
    veld_secret key = {0};
    veld_sealer *sealer = NULL;
    change_list list = {0};
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    status = open_grant(by, part, &grant, &key, &why);
    if (status != VELD_OK) {
        by->leave_out(by->context, part, false, "grant", &why);
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_secret_span(&key), (veld_span){0},
        by->desk->env, &sealer, err));
    key_source source = {.sealer = sealer, .epoch = grant.terms.epoch};
    bool from_agency = is_from_agency(by, &grant);
    VELD_TRY(open_envelopes(by, parts, count, &part->case_id, &source, from_agency, &list, err));
    if (!from_agency && (grant.terms.epoch != 1 || !is_from_founder(by, &grant, &list))) {
        veld_fail(&why, VELD_E_NOT_ALLOWED, "only the device that founded a case may give its key");
        by->leave_out(by->context, part, list.count == 0, "grant", &why);
        goto done;
    }
    if (!from_agency) {
        list.count = 0;
        VELD_TRY(open_envelopes(by, parts, count, &part->case_id, &source, true, &list, err));
    }
    VELD_TRY(store_new(by, &grant, &key, &list, err));
    *taken = true;
done:
    veld_sealer_free(sealer);
    veld_secret_release(&key);
    list_release(&list);
    return status;
}

static veld_status take_new(
    intake *by, intake_part *parts, size_t count, const veld_id *case_id, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_error why = {0};
    bool taken = false;
    bool any = false;
    for (size_t i = 0; status == VELD_OK && i < count && !taken; i++) {
        if (parts[i].type != VELD_FRAME_GRANT || !veld_id_equal(&parts[i].case_id, case_id))
            continue;
        any = true;
        status = try_grant(by, parts, count, &parts[i], &taken, err);
    }
    veld_fail(&why, VELD_E_NOT_FOUND, any ? "no grant opens it" : "no grant for this case");
    for (size_t i = 0; status == VELD_OK && !taken && i < count; i++) {
        if (parts[i].type == VELD_FRAME_ENVELOPE && veld_id_equal(&parts[i].case_id, case_id))
            by->leave_out(by->context, &parts[i], true, "envelope", &why);
    }
    return status;
}

/* Keys of later epochs for a case that is here: only the agency gives them. */
static veld_status take_epochs(
    intake *by, const intake_part *parts, size_t count, veld_case **opened, veld_error *err)
{
    veld_status status = VELD_OK;
    bool any = false;
    veld_id case_id = *veld_case_id(*opened);
    for (size_t i = 0; i < count; i++) {
        veld_grant grant;
        veld_error why = {0};
        veld_secret key = {0};
        veld_span held;
        if (parts[i].type != VELD_FRAME_GRANT || !veld_id_equal(&parts[i].case_id, &case_id) ||
            veld_grant_read(parts[i].body, &grant, NULL) != VELD_OK ||
            veld_store_case_key(veld_case_keys(*opened), grant.terms.epoch, &held, NULL) ==
                VELD_OK ||
            !is_from_agency(by, &grant))
            continue;
        status = open_grant(by, &parts[i], &grant, &key, &why);
        if (status == VELD_OK)
            status = veld_store_put_case_key(
                by->desk->store, &case_id, grant.terms.epoch, veld_secret_span(&key), err);
        else
            by->leave_out(by->context, &parts[i], false, "grant", &why);
        any = any || status == VELD_OK;
        veld_secret_release(&key);
    }
    if (!any)
        return VELD_OK;
    veld_case_close(*opened);
    *opened = NULL;
    return veld_case_open(by->desk, &case_id, opened, err);
}

static veld_status take_known(
    intake *by, const intake_part *parts, size_t count, veld_case **opened, veld_error *err)
{
    veld_status status;
    change_list list = {0};
    veld_id case_id = *veld_case_id(*opened);
    veld_arena_init(&list.arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(take_epochs(by, parts, count, opened, err));
    key_source source = {.keys = veld_case_keys(*opened)};
    VELD_TRY(open_envelopes(by, parts, count, &case_id, &source, true, &list, err));
    if (by->before != NULL && list.count > 0)
        VELD_TRY(by->before(by->context, &case_id, err));
    VELD_TRY(take_changes(by, *opened, &list, err));
done:
    list_release(&list);
    return status;
}

veld_status intake_case(intake *by, intake_part *parts, size_t count, size_t first, veld_error *err)
{
    veld_id case_id = parts[first].case_id;
    veld_case *opened = NULL;
    veld_error why = {0};
    for (size_t i = first; i < count; i++)
        parts[i].done = parts[i].done || veld_id_equal(&parts[i].case_id, &case_id);
    veld_status status = veld_case_open(by->desk, &case_id, &opened, &why);
    if (status == VELD_OK)
        status = take_known(by, parts, count, &opened, err);
    else if (status == VELD_E_NOT_FOUND)
        status = take_new(by, parts, count, &case_id, err);
    else if (err != NULL)
        *err = why;
    veld_case_close(opened);
    return status;
}
