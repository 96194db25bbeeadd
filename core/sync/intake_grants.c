/* Keys that came. One is used only when somebody gave it who may: the agency, or for the first
 * epoch the device that founded the case, which the case's id shows. A wrong grant never keeps a
 * right one out. */
#include <string.h>

#include "intake_inner.h"
#include "veldkit/context.h"
#include "veldkit/directory.h"
#include "veldkit/envelope.h"
#include "veldkit/founder.h"
#include "veldkit/lease.h"

/* ---- who may give a key ---- */

typedef struct founder {
    const veld_id *case_id;
    veld_id device;
    bool is_found;
} founder;

static veld_status fit(founder *by, const veld_id *device, veld_error *why)
{
    if (by->is_found)
        return VELD_OK;
    by->device = *device;
    return veld_founder_fits(by->case_id, device, &by->is_found, why);
}

static veld_status fit_entry(void *context, const veld_directory_entry *entry, veld_error *err)
{
    return fit(context, &entry->device, err);
}

/* Among those that wrote what came with the grant, then among all that are known here: what the
 * founder wrote may come in another answer than her grant. */
static veld_status find_founder(
    const intake *by, const intake_part *parts, size_t count, founder *out, veld_error *why)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        veld_envelope_header header;
        if (parts[i].type == VELD_FRAME_ENVELOPE &&
            veld_envelope_read_header(parts[i].body, &header, NULL) == VELD_OK)
            status = fit(out, &header.device, why);
    }
    if (status == VELD_OK && !out->is_found)
        status = veld_directory_each(by->desk->store, out, fit_entry, why);
    return status;
}

/* Did the device sign the grant that founded the case? NOT_FOUND: that one is not known here. */
static veld_status check_founder(const intake *by, const veld_grant *grant,
    const intake_part *parts, size_t count, veld_error *why)
{
    veld_p256_public key;
    const veld_keyring *keyring = &by->desk->keyring;
    founder by_whom = {.case_id = &grant->terms.case_id};
    veld_status status = find_founder(by, parts, count, &by_whom, why);
    if (status == VELD_OK && !by_whom.is_found)
        status = veld_fail(why, VELD_E_NOT_FOUND, "who founded the case is not known here");
    if (status == VELD_OK)
        status = keyring->find(keyring->context, &by_whom.device, &key, why);
    if (status == VELD_OK)
        status = veld_grant_verify(grant, &by->desk->verifier, &key, why);
    if (status == VELD_E_FORGED)
        status = veld_fail(
            why, VELD_E_NOT_ALLOWED, "only the device that founded a case may give its key");
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

/* An epoch has one key for ever. */
static veld_status compare_held(const veld_grant *grant, veld_span held, veld_error *why)
{
    uint8_t check[VELD_KEY_CHECK_BYTES];
    veld_status status = veld_key_check(held, VELD_CONTEXT_CASE_KEY_CHECK, check, why);
    if (status == VELD_OK && memcmp(check, grant->key_check, sizeof check) != 0)
        status = veld_fail(why, VELD_E_FORGED, "another key for an epoch that is here");
    return status;
}

/* The key of that epoch is here, though the case could not be opened before: the same one is no
 * news, as when a case is given anew that was opened in an emergency. */
static veld_status compare_there(veld_store *store, const veld_grant *grant, veld_error *err)
{
    veld_store_case *there = NULL;
    veld_span held = {0};
    veld_status status;
    VELD_TRY(veld_store_case_open(store, &grant->terms.case_id, &there, err));
    VELD_TRY(veld_store_case_key(there, grant->terms.epoch, &held, err));
    status = compare_held(grant, held, err);

done:
    veld_store_case_close(there);
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
    return status == VELD_E_EXISTS ? compare_there(store, grant, err) : status;
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
    const veld_grant *grant, bool was_judged, intake_keys *state, veld_error *why)
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
static bool is_for_others(const intake *by, const veld_grant *grant, const intake_keys *state)
{
    return state->opened != NULL &&
           !veld_id_equal(&grant->terms.recipient, veld_store_device(by->desk->store));
}

veld_status intake_grants(
    intake *by, const intake_part *parts, size_t count, intake_keys *state, veld_error *err)
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
