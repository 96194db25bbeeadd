/* The profile `pack`: which of the cases that are assigned to a tablet are open on it.
 *
 *   assigned   all of them
 *   today      those with a visit or talk that is planned for today, until the end of the day; and
 *              what the tablet itself founded today
 *
 * The agency's word to the tablet is the lease of its signed grants: a case that is not of today
 * gets no key, or, where the key is there already, a lease that is over at once. Adding blindly
 * goes on. Today is a day of the server's clock and zone. */
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/founder.h"
#include "veldkit/policy.h"
#include "veldkit/time.h"

#define GROUP     "profile"
#define NAME_PACK "pack"
#define DAY_MS    (24LL * 60 * 60 * 1000)

static const char *const names[] = {[SRV_PACK_ASSIGNED] = "assigned", [SRV_PACK_TODAY] = "today"};

const char *srv_pack_name(srv_pack pack)
{
    return names[pack];
}

veld_status srv_pack_get(srv_session *session, srv_pack *out, veld_error *err)
{
    veld_buf value;
    *out = SRV_PACK_ASSIGNED;
    veld_buf_init(&value, 16);
    veld_status status =
        veld_store_get_value(session->store, GROUP, veld_span_text(NAME_PACK), &value, err);
    if (status == VELD_OK &&
        veld_span_equal(veld_buf_span(&value), veld_span_text(names[SRV_PACK_TODAY])))
        *out = SRV_PACK_TODAY;
    veld_buf_release(&value);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- what is of today ---- */

typedef struct day {
    int64_t begin_ms, end_ms;
} day;

static day today(const srv_session *session)
{
    const veld_now now = veld_env_now(&session->env);
    int64_t offset_ms = (int64_t)now.offset_min * 60000;
    int64_t local_ms = now.wall_utc_ms + offset_ms;
    int64_t begin_ms = local_ms - local_ms % DAY_MS - offset_ms;
    return (day){.begin_ms = begin_ms, .end_ms = begin_ms + DAY_MS};
}

static bool is_within(const day *of, int64_t utc_ms)
{
    return utc_ms >= of->begin_ms && utc_ms < of->end_ms;
}

/* Of several times that are not settled each counts. */
static bool is_planned(const veld_state_record *record, const day *of)
{
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("plannedAt"));
    const veld_entry *entry = field != NULL ? field->entries : NULL;
    for (; entry != NULL; entry = entry->next) {
        veld_instant at;
        if (!entry->replaced && entry->value.len > 2 &&
            veld_instant_parse(veld_span_part(entry->value, 1, entry->value.len - 2), &at) ==
                VELD_OK &&
            is_within(of, at.utc_ms))
            return true;
    }
    return false;
}

static bool has_visit(veld_case *opened, const day *of)
{
    size_t count = 0;
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    for (size_t i = 0; records != NULL && i < count; i++) {
        if (veld_span_equal(records[i]->type, veld_span_text("visit")) &&
            !veld_policy_removed(records[i]) && is_planned(records[i], of))
            return true;
    }
    return false;
}

static veld_status is_founded_today(
    veld_case *opened, const veld_id *device, const day *of, bool *out, veld_error *err)
{
    size_t count = 0;
    veld_arena arena;
    veld_status status;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    VELD_TRY(veld_founder_fits(veld_case_id(opened), device, out, err));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    bool fits = *out;
    *out = false;
    for (size_t i = 0; fits && !*out && order != NULL && i < count; i++) {
        veld_change change;
        if (order[i]->number != 1 || !veld_id_equal(&order[i]->chain.device, device))
            continue;
        VELD_TRY(veld_case_change(opened, &order[i]->id, &arena, &change, err));
        *out = is_within(of, change.time.wall_utc_ms);
    }

done:
    veld_arena_release(&arena);
    return status;
}

/* Visits stand in the main case; its parts go with it. */
static veld_status look(srv_session *session, const veld_id *case_id, const veld_id *device,
    const day *of, bool *out, veld_error *err)
{
    veld_places places = {0};
    veld_case *opened = NULL;
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    veld_status status;
    *out = false;
    VELD_TRY(veld_places_load_dossier(session->store, case_id, &places, err));
    status = veld_case_open(&quiet, &places.items[0].dossier, &opened, err);
    if (status == VELD_E_NOT_FOUND) { /* a part that came before its main case */
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    *out = has_visit(opened, of);
    if (!*out)
        status = is_founded_today(opened, device, of, out, err);

done:
    veld_case_close(opened);
    veld_places_release(&places);
    return status;
}

veld_status srv_pack_ask(void *context, const veld_id *case_id, const veld_id *device, bool *is_in,
    int64_t *until_utc_ms, veld_error *err)
{
    srv_session *session = context;
    srv_pack pack;
    const day of = today(session);
    *is_in = true;
    *until_utc_ms = INT64_MAX;
    veld_status status = srv_pack_get(session, &pack, err);
    if (status != VELD_OK || pack == SRV_PACK_ASSIGNED)
        return status;
    *until_utc_ms = of.end_ms;
    status = look(session, case_id, device, &of, is_in, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- what follows from it ---- */

veld_status srv_pack_follow(srv_session *session, const veld_id *case_id, veld_error *err)
{
    srv_pack pack;
    veld_places places = {0};
    veld_status status;
    VELD_TRY(srv_pack_get(session, &pack, err));
    if (pack == SRV_PACK_ASSIGNED)
        goto done;
    VELD_TRY(veld_places_load_dossier(session->store, case_id, &places, err));
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(veld_sync_renew_case(session->sync, &places.items[i].case_id, err));

done:
    veld_places_release(&places);
    return status;
}

static veld_status follow_device(void *context, const veld_directory_entry *entry, veld_error *err)
{
    srv_session *session = context;
    veld_assignment *all = NULL;
    size_t count = 0;
    veld_status status = VELD_OK;
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    if (entry->state != VELD_DEVICE_ACTIVE)
        return VELD_OK;
    VELD_TRY(veld_assignments_of_device(session->store, &entry->device, &all, &count, err));
    for (size_t i = 0; i < count; i++) {
        bool is_in;
        int64_t until_ms;
        const veld_assignment *a = &all[i];
        bool is_open = a->lease_end_utc_ms == 0 || a->lease_end_utc_ms > now_ms;
        if (a->purpose != VELD_GRANT_ASSIGNED)
            continue;
        VELD_TRY(srv_pack_ask(session, &a->case_id, &a->device, &is_in, &until_ms, err));
        if (is_in != is_open || (is_in && a->lease_end_utc_ms > until_ms))
            VELD_TRY(veld_sync_post_grant(
                session->sync, &a->case_id, entry, a->purpose, a->lease_ms, err));
    }

done:
    veld_release(all);
    return status;
}

veld_status srv_pack_put(srv_session *session, srv_pack pack, veld_error *err)
{
    veld_status status;
    VELD_TRY(veld_store_put_value(
        session->store, GROUP, veld_span_text(NAME_PACK), veld_span_text(names[pack]), err));
    status = veld_directory_each(session->store, session, follow_device, err);

done:
    return status;
}

/* ---- how many ---- */

veld_status srv_pack_check(srv_session *session, const veld_places *places, const veld_id *dossier,
    const veld_directory_entry *to, veld_error *err)
{
    size_t count = 0, dossiers = 0;
    veld_assignment *all = NULL;
    veld_status status = veld_assignments_of_device(session->store, &to->device, &all, &count, err);
    bool is_there = false;
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        const veld_place *place = veld_places_of(places, &all[i].case_id);
        dossiers += place != NULL && place->compartment == VELD_COMPARTMENT_MAIN;
        is_there = is_there || veld_id_equal(&all[i].case_id, dossier);
    }
    veld_release(all);
    if (status == VELD_OK && !is_there && dossiers >= SRV_PACK_CASES_MAX)
        status = veld_fail(err, VELD_E_LIMIT,
            "dit apparaat heeft al %zu zaken en meer gaan er niet op; haal er eerst een af met "
            "case unassign",
            dossiers);
    return status;
}
