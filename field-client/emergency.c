/* case open --emergency: break the glass. And what follows from it: closing what is over, the right
 * in the access log, and telling who has a case that somebody opened it so. */
#include <string.h>

#include "fc.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"
#include "veldkit/number.h"

#define GROUP_TOLD "emergency.told" /* by case: so many records of it were told */

enum { NUMBER_BYTES = 8 };

veld_status fc_emergency_right(void *context, const veld_id *case_id, bool *out,
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1], veld_error *err)
{
    fc_session *session = context;
    veld_lease lease;
    veld_emergency row;
    veld_status status;
    *out = false;
    VELD_TRY(veld_lease_get(session->store, case_id, &lease, err));
    if (lease.purpose != VELD_GRANT_BREAK_GLASS)
        goto done;
    VELD_TRY(veld_emergency_get(session->store, case_id, &row, err));
    *out = true;
    memcpy(reason, row.reason, sizeof row.reason);

done:
    return status;
}

/* ---- finding what is only held ---- */

typedef struct searching {
    veld_store *store;
    const char *word;
    veld_id found;
    size_t matches;
} searching;

static veld_status look_at(
    void *context, const veld_id *case_id, const veld_lease *lease, veld_error *err)
{
    searching *by = context;
    (void)err;
    if (lease->purpose == VELD_GRANT_BREAK_GLASS && veld_cli_prefix_fits(case_id, by->word)) {
        by->found = *case_id;
        by->matches++;
    }
    return VELD_OK;
}

veld_status fc_emergency_find(veld_cli_call *call, const char *word, veld_id *out, size_t *matches)
{
    searching by = {.store = call->session->store, .word = word};
    veld_status status = veld_lease_each(by.store, &by, look_at, &call->err);
    *out = by.found;
    *matches = by.matches;
    return status;
}

typedef struct listing {
    veld_cli_call *call;
    void *context;
    veld_status (*each)(void *context, const veld_id *case_id);
} listing;

static veld_status list_one(
    void *context, const veld_id *case_id, const veld_lease *lease, veld_error *err)
{
    const listing *by = context;
    veld_buf row;
    if (lease->purpose != VELD_GRANT_BREAK_GLASS)
        return VELD_OK;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_summary(by->call->session->store, case_id, &row, err);
    veld_buf_wipe(&row);
    return status == VELD_E_NOT_FOUND ? by->each(by->context, case_id) : status;
}

veld_status fc_emergency_each(
    veld_cli_call *call, void *context, veld_status (*each)(void *context, const veld_id *case_id))
{
    listing by = {.call = call, .context = context, .each = each};
    return veld_lease_each(call->session->store, &by, list_one, &call->err);
}

/* ---- the verb ---- */

static bool has_text(const char *text)
{
    return text[strspn(text, " \t\r\n")] != '\0';
}

static veld_status find_case(veld_cli_call *call, veld_id *out)
{
    veld_places places = {0};
    veld_place place;
    veld_lease_state state;
    veld_lease lease;
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(fc_place_find(call, &places, call->arguments[0], &place));
    *out = place.compartment == VELD_COMPARTMENT_MAIN ? place.dossier : place.case_id;
    VELD_TRY(fc_lease_state(call, out, &state));
    VELD_TRY(veld_lease_get(call->session->store, out, &lease, &call->err));
    if (lease.purpose == VELD_GRANT_BREAK_GLASS)
        goto done;
    status = fc_lease_reads(state) ? veld_fail(&call->err, VELD_E_INVALID,
                                         "deze zaak is gewoon te lezen, met case show")
                                   : fc_lease_check(call, out);

done:
    veld_places_release(&places);
    return status;
}

/* `before`: the act that the case was opened with already; zeroed: none. */
static veld_status say_opened(
    veld_cli_call *call, const veld_id *case_id, const veld_emergency *before, int64_t until_utc_ms)
{
    const bool was_open = before->until_utc_ms == until_utc_ms;
    veld_json_writer writer;
    veld_status status;
    char id[VELD_ID_TEXT_SIZE], until[VELD_INSTANT_TEXT_SIZE];
    const veld_now now = veld_env_now(&call->session->env);
    veld_id_format(case_id, id);
    veld_instant_format(
        (veld_instant){.utc_ms = until_utc_ms, .offset_min = now.offset_min}, until);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        const int64_t minutes =
            (until_utc_ms / 60000 + veld_dutch_offset_min(until_utc_ms)) % (24 * 60);
        const int hour = (int)(minutes / 60), minute = (int)(minutes % 60);
        if (!was_open)
            return veld_cli_say(call,
                "Zaak %s is in nood geopend en te lezen tot %02d.%02d uur.\n"
                "Dit is vastgelegd; kantoor en wie de zaak heeft krijgen het te zien, met je "
                "reden.\n",
                id, hour, minute);
        VELD_TRY(veld_cli_say(call,
            "Zaak %s was al in nood geopend en is te lezen tot %02d.%02d uur. Vastgelegd is de "
            "reden van toen, niet die van nu: ",
            id, hour, minute));
        VELD_TRY(veld_cli_say_text(call, veld_span_text(before->reason)));
        return veld_cli_say(call, "\n");
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", case_id);
    if (was_open)
        veld_cli_json_text(&writer, "openedFor", veld_span_text(before->reason));
    veld_cli_json_text(&writer, "until", veld_span_text(until));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

veld_status fc_verb_case_open(veld_cli_call *call)
{
    fc_session *session = call->session;
    veld_agency agency;
    veld_id case_id;
    veld_emergency before;
    int64_t until_utc_ms = 0;
    veld_status status;
    const char *reason = veld_cli_value(call, FC_OPTION_REASON);
    if (!has_text(reason) || strlen(reason) > VELD_ACCESS_REASON_BYTES_MAX)
        return veld_fail(&call->err, VELD_E_INVALID,
            "--reason zegt in hooguit %u tekens waarom het nu moet",
            (unsigned)VELD_ACCESS_REASON_BYTES_MAX);
    VELD_TRY(fc_office(call));
    VELD_TRY(find_case(call, &case_id));
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err));
    const veld_glass glass = {.desk = &session->desk,
        .agency = &agency,
        .log = session->access,
        .worker = session->worker,
        .reason = reason};
    VELD_TRY(veld_emergency_get(session->store, &case_id, &before, &call->err));
    status = veld_glass_break(&glass, &case_id, &until_utc_ms, &call->err);
    if (status == VELD_E_LOCKED)
        status = veld_fail(&call->err, status,
            "het recht om deze zaak in nood te openen is voorbij, of de klok van dit apparaat "
            "loopt achter; maak verbinding met sync --once");
    VELD_TRY(status);
    status = say_opened(call, &case_id, &before, until_utc_ms);

done:
    return status;
}

/* ---- who has the case is told ---- */

static size_t count_records(veld_case *opened)
{
    size_t count = 0, found = 0;
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    for (size_t i = 0; records != NULL && i < count; i++)
        found += veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_EMERGENCY));
    return found;
}

/* By number and not by time: clocks of devices differ. */
static veld_status tell_once(veld_cli_call *call, const veld_id *case_id, uint64_t count)
{
    uint8_t number[NUMBER_BYTES];
    uint64_t told = 0;
    char id[VELD_ID_TEXT_SIZE];
    veld_buf value;
    veld_store *store = call->session->store;
    veld_buf_init(&value, NUMBER_BYTES);
    veld_status status =
        veld_store_get_value(store, GROUP_TOLD, veld_id_span(case_id), &value, &call->err);
    if (status == VELD_OK && value.len == NUMBER_BYTES)
        told = veld_get_u64(value.data);
    veld_buf_release(&value);
    if (count <= told || (status != VELD_OK && status != VELD_E_NOT_FOUND))
        return status == VELD_E_NOT_FOUND ? VELD_OK : status;
    veld_id_format(case_id, id);
    veld_cli_note(
        call, "veldkit: zaak %s is in nood geopend; case show zegt door wie en waarom.\n", id);
    veld_put_u64(number, count);
    return veld_store_put_value(
        store, GROUP_TOLD, veld_id_span(case_id), veld_span_of(number, sizeof number), &call->err);
}

veld_status fc_emergency_tell(veld_cli_call *call, const veld_id *case_id)
{
    veld_case *opened = NULL;
    veld_lease_state state;
    const veld_desk quiet = veld_desk_quiet(&call->session->desk);
    veld_status status;
    VELD_TRY(fc_lease_state(call, case_id, &state));
    if (!fc_lease_reads(state))
        goto done;
    status = veld_case_open(&quiet, case_id, &opened, &call->err);
    if (status == VELD_OK)
        status = tell_once(call, case_id, count_records(opened));
    else if (status == VELD_E_NOT_FOUND) /* gone again by an order */
        status = VELD_OK;

done:
    veld_case_close(opened);
    return status;
}
