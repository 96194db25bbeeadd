/* Grants that go out: a founder's to the agency, and the merger's to devices. The merger's are
 * numbered with its orders, so that who keeps an old one cannot undo a later word with it. */
#include <string.h>

#include "sync_inner.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"

enum { NAME_BYTES = 1 + 2 * VELD_ID_BYTES + 5 };

static void grant_name(const veld_grant_terms *terms, uint8_t out[NAME_BYTES])
{
    out[0] = 'g';
    memcpy(out + 1, terms->case_id.bytes, VELD_ID_BYTES);
    memcpy(out + 1 + VELD_ID_BYTES, terms->recipient.bytes, VELD_ID_BYTES);
    for (unsigned i = 0; i < 4; i++)
        out[1 + 2 * VELD_ID_BYTES + i] = (uint8_t)(terms->epoch >> (24 - 8 * i));
    out[NAME_BYTES - 1] = (uint8_t)terms->purpose;
}

veld_status sync_post_grant(veld_sync *sync, const veld_store_case *keys,
    const veld_grant_terms *terms, const veld_p256_public *to, veld_error *err)
{
    veld_status status;
    veld_span key;
    veld_buf grant;
    uint8_t name[NAME_BYTES];
    const veld_desk *desk = sync->config.desk;
    grant_name(terms, name);
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    VELD_TRY(veld_store_case_key(keys, terms->epoch, &key, err));
    VELD_TRY(veld_grant_make(desk->env, terms, key, to, &desk->signer, &grant, err));
    status = sync_post(
        sync, veld_span_of(name, sizeof name), VELD_FRAME_GRANT, veld_buf_span(&grant), err);
done:
    veld_buf_release(&grant);
    return status;
}

veld_status sync_grant_founded(veld_sync *sync, const veld_store_case *keys, veld_error *err)
{
    bool is_posted;
    uint8_t name[NAME_BYTES];
    const veld_agency *agency = sync->config.agency;
    const veld_grant_terms terms = {
        .case_id = *veld_store_case_id(keys),
        .epoch = 1,
        .recipient = agency->id,
        .purpose = VELD_GRANT_AGENCY,
    };
    grant_name(&terms, name);
    veld_status status = sync_is_posted(sync, veld_span_of(name, sizeof name), &is_posted, err);
    if (status == VELD_OK && !is_posted)
        status = sync_post_grant(sync, keys, &terms, &agency->seal_key, err);
    return status;
}

/* ---- another seal key of the agency ---- */

/* Is it the key of a case, for the agency, sealed to another key than its present one? */
static bool is_sealed_before(
    const veld_sync *sync, const veld_store_value *row, const veld_hash *present, veld_grant *out)
{
    return row->name.len == NAME_BYTES && row->name.data[0] == 'g' &&
           veld_grant_read(sync_posted_bytes(row->body), out, NULL) == VELD_OK &&
           veld_id_equal(&out->terms.recipient, &sync->agency.id) &&
           !veld_hash_equal(&out->recipient_key, present);
}

static veld_status list_sealed_before(veld_sync *sync, veld_buf *cases, veld_error *err)
{
    veld_hash present;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    veld_status status;
    VELD_TRY(veld_p256_fingerprint(&sync->agency.seal_key, &present, err));
    VELD_TRY(veld_store_values(sync->config.desk->store, SYNC_POST, &cursor, err));
    while (more) {
        veld_grant grant;
        veld_store_value row;
        VELD_TRY(veld_store_values_next(cursor, &more, &row, err));
        if (more && is_sealed_before(sync, &row, &present, &grant))
            VELD_TRY(veld_buf_append_span(cases, veld_id_span(&grant.terms.case_id)));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status sync_grant_again(veld_sync *sync, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_buf cases;
    veld_buf_init(&cases, 64u << 20);
    if (sync->config.role != VELD_SYNC_DEVICE || sync->agency.edition <= 1)
        goto done;
    VELD_TRY(list_sealed_before(sync, &cases, err));
    for (size_t at = 0; at < cases.len; at += VELD_ID_BYTES) {
        veld_store_case *keys = NULL;
        veld_grant_terms terms = {
            .epoch = 1, .recipient = sync->agency.id, .purpose = VELD_GRANT_AGENCY};
        memcpy(terms.case_id.bytes, cases.data + at, VELD_ID_BYTES);
        status = veld_store_case_open(sync->config.desk->store, &terms.case_id, &keys, err);
        if (status == VELD_OK)
            status = sync_post_grant(sync, keys, &terms, &sync->agency.seal_key, err);
        veld_store_case_close(keys);
        if (status != VELD_E_NOT_FOUND) /* given back: then the agency has it */
            VELD_TRY(status);
        status = VELD_OK;
    }
done:
    veld_buf_release(&cases);
    return status;
}

/* ---- the merger's ---- */

/* One assigning: the keys from `first_epoch` on for one device. */
typedef struct grant_call {
    veld_sync *sync;
    veld_store_case *keys;
    const veld_directory_entry *to;
    veld_assignment assignment;
    uint32_t first_epoch;
} grant_call;

static veld_status post_epochs(const grant_call *call, veld_error *err)
{
    veld_status status = VELD_OK;
    const veld_assignment *a = &call->assignment;
    uint32_t newest = veld_store_case_epoch(call->keys);
    veld_grant_terms terms = {
        .case_id = a->case_id,
        .recipient = a->device,
        .purpose = a->purpose,
        .lease_end_utc_ms = a->lease_end_utc_ms,
    };
    uint32_t floor;
    VELD_TRY(sync_begin_at_checkpoint(call->sync, &a->case_id, &a->device, err));
    VELD_TRY(sync_floor(call->sync, &a->case_id, &a->device, &floor, err));
    VELD_TRY(sync_next_serial(call->sync, &terms.serial, err));
    for (terms.epoch = call->first_epoch > floor ? call->first_epoch : floor; terms.epoch <= newest;
         terms.epoch++) {
        status = sync_post_grant(call->sync, call->keys, &terms, &call->to->seal_key, err);
        if (status != VELD_OK && status != VELD_E_NOT_FOUND)
            goto done;
        status = VELD_OK;
    }
    VELD_TRY(veld_assignment_put(call->sync->config.desk->store, a, err));
    const veld_given given = {.device = a->device,
        .case_id = a->case_id,
        .serial = terms.serial,
        .purpose = a->purpose,
        .utc_ms = veld_env_now(call->sync->config.desk->env).wall_utc_ms,
        .lease_end_utc_ms = a->lease_end_utc_ms};
    status = veld_given_put(call->sync->config.desk->store, &given, err);
done:
    return status;
}

/* What the profile leaves of a lease. A device that never had the key of a case which is not to be
 * read on it gets none; who has it is told that it is over. */
static veld_status limit_by_pack(grant_call *call, bool *is_given, veld_error *err)
{
    veld_status status;
    bool is_in;
    int64_t until_ms;
    veld_assignment there;
    veld_sync *sync = call->sync;
    veld_assignment *a = &call->assignment;
    *is_given = true;
    if (sync->config.pack == NULL || a->purpose != VELD_GRANT_ASSIGNED)
        return VELD_OK;
    VELD_TRY(
        sync->config.pack(sync->config.context, &a->case_id, &a->device, &is_in, &until_ms, err));
    status = veld_assignment_get(sync->config.desk->store, &a->case_id, &a->device, &there, err);
    bool had = status == VELD_OK && there.lease_end_utc_ms != VELD_LEASE_NOT_GIVEN_MS;
    if (status == VELD_OK || status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    VELD_TRY(status);
    if (!had)
        call->first_epoch = 1;
    if (is_in) {
        if (a->lease_end_utc_ms == 0 || a->lease_end_utc_ms > until_ms)
            a->lease_end_utc_ms = until_ms == INT64_MAX ? a->lease_end_utc_ms : until_ms;
        goto done;
    }
    if (!had) /* who founded it has its key all the same */
        VELD_TRY(veld_founder_fits(&a->case_id, &a->device, &had, err));
    *is_given = had;
    a->lease_end_utc_ms =
        had ? veld_env_now(sync->config.desk->env).wall_utc_ms : VELD_LEASE_NOT_GIVEN_MS;
done:
    return status;
}

static veld_status give_or_note(grant_call *call, veld_error *err)
{
    bool is_given;
    veld_status status;
    const veld_assignment *a = &call->assignment;
    VELD_TRY(limit_by_pack(call, &is_given, err));
    if (is_given)
        status = post_epochs(call, err);
    else
        status = veld_assignment_put(call->sync->config.desk->store, a, err);
    if (status == VELD_OK)
        status = sync_mark_ended(call->sync, &a->case_id, &a->device, false, err);
done:
    return status;
}

static void lease_from_now(grant_call *call, int64_t lease_ms)
{
    veld_assignment *a = &call->assignment;
    a->lease_ms = lease_ms;
    a->lease_end_utc_ms =
        lease_ms == 0 ? 0 : veld_env_now(call->sync->config.desk->env).wall_utc_ms + lease_ms;
}

static veld_status assign(grant_call *call, veld_error *err)
{
    veld_store *store = call->sync->config.desk->store;
    bool own = !veld_store_in_transaction(store);
    veld_status status = own ? veld_store_begin(store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = give_or_note(call, err);
    if (status == VELD_OK)
        status = sync_introduce_case(call->sync, &call->assignment.case_id, err);
    return own ? veld_store_end(store, status, err) : status;
}

veld_status veld_sync_post_grant(veld_sync *sync, const veld_id *case_id,
    const veld_directory_entry *to, veld_grant_purpose purpose, int64_t lease_ms, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER && lease_ms >= 0);
    grant_call call = {.sync = sync,
        .to = to,
        .assignment = {.case_id = *case_id, .device = to->device, .purpose = purpose},
        .first_epoch = 1};
    veld_status status = veld_store_case_open(sync->config.desk->store, case_id, &call.keys, err);
    lease_from_now(&call, lease_ms);
    if (status == VELD_OK)
        status = assign(&call, err);
    veld_store_case_close(call.keys);
    veld_sync_wake(sync);
    return status;
}

/* ---- a new epoch ---- */

static veld_status post_to_holders(
    veld_sync *sync, veld_store_case *keys, const veld_id *keep, size_t count, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_store *store = sync->config.desk->store;
    for (size_t i = 0; i < count; i++) {
        veld_directory_entry entry;
        grant_call call = {
            .sync = sync, .keys = keys, .to = &entry, .first_epoch = veld_store_case_epoch(keys)};
        VELD_TRY(
            veld_assignment_get(store, veld_store_case_id(keys), &keep[i], &call.assignment, err));
        VELD_TRY(veld_directory_find(store, &keep[i], &entry, err));
        if (entry.state != VELD_DEVICE_ACTIVE)
            continue;
        lease_from_now(&call, call.assignment.lease_ms);
        VELD_TRY(give_or_note(&call, err));
    }
    status = sync_introduce_case(sync, veld_store_case_id(keys), err);
done:
    return status;
}

static veld_status make_epoch(
    veld_sync *sync, const veld_id *case_id, veld_store_case **keys, veld_error *err)
{
    veld_secret key;
    veld_store *store = sync->config.desk->store;
    uint32_t epoch = veld_store_case_epoch(*keys) + 1;
    veld_status status = veld_secret_init(&key, VELD_SEAL_KEY_BYTES);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a key");
    VELD_TRY(veld_env_random(sync->config.desk->env, key.data, key.len, err));
    VELD_TRY(veld_store_put_case_key(store, case_id, epoch, veld_secret_span(&key), err));
    veld_store_case_close(*keys);
    *keys = NULL;
    status = veld_store_case_open(store, case_id, keys, err);
done:
    veld_secret_release(&key);
    return status;
}

static veld_status post_epoch(veld_sync *sync, const veld_id *case_id, const veld_id *keep,
    size_t count, uint32_t *epoch, veld_error *err)
{
    veld_status status;
    veld_store_case *keys = NULL;
    const veld_agency *agency = sync->config.agency;
    VELD_TRY(veld_store_case_open(sync->config.desk->store, case_id, &keys, err));
    VELD_TRY(make_epoch(sync, case_id, &keys, err));
    veld_grant_terms terms = {.case_id = *case_id,
        .epoch = veld_store_case_epoch(keys),
        .recipient = agency->id,
        .purpose = VELD_GRANT_AGENCY};
    VELD_TRY(sync_next_serial(sync, &terms.serial, err));
    VELD_TRY(sync_post_grant(sync, keys, &terms, &agency->seal_key, err));
    VELD_TRY(post_to_holders(sync, keys, keep, count, err));
    status = sync_set_dirty(sync, case_id, err);
    *epoch = terms.epoch;
done:
    veld_store_case_close(keys);
    return status;
}

veld_status veld_sync_post_epoch(veld_sync *sync, const veld_id *case_id, const veld_id *keep,
    size_t count, uint32_t *epoch, veld_error *err)
{
    VELD_ASSERT(sync->config.role == VELD_SYNC_MERGER);
    veld_store *store = sync->config.desk->store;
    bool own = !veld_store_in_transaction(store);
    uint32_t made = 0;
    veld_status status = own ? veld_store_begin(store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = post_epoch(sync, case_id, keep, count, &made, err);
    if (own)
        status = veld_store_end(store, status, err);
    if (status == VELD_OK && epoch != NULL)
        *epoch = made;
    veld_sync_wake(sync);
    return status;
}

/* ---- who founded a case has it ---- */

typedef struct ended_name {
    uint8_t bytes[2 * VELD_ID_BYTES];
} ended_name;

static ended_name name_ended(const veld_id *case_id, const veld_id *device)
{
    ended_name name;
    memcpy(name.bytes, case_id->bytes, VELD_ID_BYTES);
    memcpy(name.bytes + VELD_ID_BYTES, device->bytes, VELD_ID_BYTES);
    return name;
}

veld_status sync_mark_ended(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, bool ended, veld_error *err)
{
    veld_store *store = sync->config.desk->store;
    const ended_name name = name_ended(case_id, device);
    veld_span named = veld_span_of(name.bytes, sizeof name.bytes);
    if (ended)
        return veld_store_put_value(store, SYNC_ENDED, named, named, err);
    veld_status status = veld_store_delete_value(store, SYNC_ENDED, named, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status veld_sync_has_ended(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, bool *out, veld_error *err)
{
    veld_buf value;
    const ended_name name = name_ended(case_id, device);
    veld_buf_init(&value, sizeof name.bytes);
    veld_status status = veld_store_get_value(sync->config.desk->store, SYNC_ENDED,
        veld_span_of(name.bytes, sizeof name.bytes), &value, err);
    *out = status == VELD_OK;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* Assigned, or assigned once and taken away. */
static veld_status was_assigned(
    veld_sync *sync, const veld_id *case_id, const veld_id *device, bool *out, veld_error *err)
{
    veld_assignment there;
    veld_status status =
        veld_assignment_get(sync->config.desk->store, case_id, device, &there, err);
    *out = status == VELD_OK;
    return status == VELD_E_NOT_FOUND ? veld_sync_has_ended(sync, case_id, device, out, err)
                                      : status;
}

static veld_status find_founder(
    veld_sync *sync, const veld_id *case_id, veld_id *device, bool *found, veld_error *err)
{
    veld_status status;
    size_t count;
    veld_case *opened = NULL;
    *found = false;
    status = veld_case_open(sync->config.desk, case_id, &opened, err);
    if (status == VELD_E_DAMAGED) /* told when what came was left out */
        return VELD_OK;
    VELD_TRY(status);
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    for (size_t i = 0; order != NULL && i < count && !*found; i++) {
        *device = order[i]->chain.device;
        if (order[i]->number == 1)
            VELD_TRY(veld_founder_fits(case_id, device, found, err));
    }
done:
    veld_case_close(opened);
    return status;
}

/* What was sealed to the agency is for the agency to give. */
static veld_status is_of_office(veld_sync *sync, const veld_id *case_id, bool *out, veld_error *err)
{
    veld_buf value;
    veld_buf_init(&value, VELD_ID_BYTES);
    veld_status status = veld_store_get_value(
        sync->config.desk->store, INTAKE_FOUNDED, veld_id_span(case_id), &value, err);
    *out = status == VELD_OK;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_assign_to_founder(veld_sync *sync, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    bool found, was, of_office;
    veld_id device;
    veld_directory_entry founder;
    VELD_TRY(is_of_office(sync, case_id, &of_office, err));
    if (of_office)
        goto done;
    VELD_TRY(find_founder(sync, case_id, &device, &found, err));
    if (!found)
        goto done;
    VELD_TRY(veld_directory_find(sync->config.desk->store, &device, &founder, err));
    VELD_TRY(was_assigned(sync, case_id, &device, &was, err));
    if (!was && founder.state == VELD_DEVICE_ACTIVE)
        status = veld_sync_post_grant(
            sync, case_id, &founder, VELD_GRANT_ASSIGNED, VELD_LEASE_DEFAULT_MS, err);
done:
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}
