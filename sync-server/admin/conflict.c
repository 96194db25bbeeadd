/* conflict list and show: where two people wrote different things on one field. */
#include <string.h>

#include "conflict.h"
#include "veldkit/anchor.h"
#include "veldkit/time.h"

/* ---- saying one ---- */
static const veld_schema_field *field_of(veld_cli_call *call, const veld_conflict *conflict)
{
    return veld_label_schema(call->session->schemas, conflict->record->type, conflict->field);
}

static veld_status say_side(
    veld_cli_call *call, const veld_schema_field *field, size_t number, const veld_side *side)
{
    char when[VELD_MOMENT_TEXT_SIZE];
    veld_view_names names = srv_session_names(call->session);
    const veld_change_time *time = &side->entry->origin->time;
    veld_span worker = names.worker(names.context, &side->entry->origin->device);
    bool skewed = veld_anchor_is_skewed(time, side->entry->origin->arrived_utc_ms);
    veld_status status;
    veld_moment_format(time->wall_utc_ms, when);
    VELD_TRY(veld_cli_say(call, "  %zu. ", number));
    VELD_TRY(veld_label_say_canonical(call, field, side->value));
    VELD_TRY(veld_cli_say(call, "  (%s, ", when));
    VELD_TRY(
        worker.len > 0 ? veld_cli_say_text(call, worker) : veld_cli_say(call, "onbekend apparaat"));
    VELD_TRY(veld_cli_say(call, "%s)%s\n", skewed ? ", klok wijkt meer dan 5 minuten af" : "",
        veld_held_text(side->held)));

done:
    return status;
}

static veld_status say_if_known(veld_cli_call *call, const char *before, veld_span value)
{
    if (veld_span_equal(value, veld_span_text("null")))
        return VELD_OK;
    veld_status status = veld_cli_say(call, "%s", before);
    return status == VELD_OK ? veld_cli_say_canonical(call, value) : status;
}

/* Who has it, until when, and what waits for a second person. */
static veld_status say_work(
    veld_cli_call *call, const srv_conflict_case *of, const veld_conflict *conflict)
{
    const veld_conflict_casework work = veld_conflict_casework_of(&of->work, conflict);
    const veld_decided *pending = work.pending;
    veld_status status;
    VELD_TRY(veld_cli_say(call, "  open sinds %lld uur", (long long)work.age_hours));
    VELD_TRY(say_if_known(call, "; onder zich: ", work.owner));
    VELD_TRY(say_if_known(call, "; uiterlijk: ", work.deadline));
    VELD_TRY(veld_cli_say(call, "\n"));
    if (conflict->risk == VELD_RISK_TWO)
        VELD_TRY(veld_cli_say(call, "  hier moeten twee mensen het eens zijn\n"));
    if (pending == NULL)
        goto done;
    VELD_TRY(veld_cli_say(call, "  voorstel van "));
    VELD_TRY(veld_cli_say_text(call, pending->decision.by));
    VELD_TRY(veld_cli_say(
        call, pending->verdict == VELD_DECISION_OF_PERSON ? ": " : " (zonder handtekening): "));
    if (pending->decision.value.len > 0)
        VELD_TRY(veld_label_say_canonical(call, field_of(call, conflict), pending->decision.value));
    VELD_TRY(veld_cli_say(call, " (nog %zu nodig: conflict confirm)\n",
        pending->decision.persons - pending->persons));

done:
    return status;
}

veld_status srv_conflict_say(
    veld_cli_call *call, srv_conflict_case *of, const veld_conflict *conflict)
{
    char id[VELD_ID_TEXT_SIZE], case_id[VELD_ID_TEXT_SIZE];
    const veld_state_record *record = conflict->record;
    const veld_schema_field *field = field_of(call, conflict);
    veld_status status;
    veld_id_format(&conflict->id, id);
    veld_id_format(&of->place.dossier, case_id);
    VELD_TRY(veld_cli_say(call, "Keuze %s\n  zaak %s (%s)\n  ", id, case_id,
        veld_compartment_name(of->place.compartment)));
    VELD_TRY(veld_label_say_place(
        call, call->session->schemas, record->type, &record->id, conflict->field));
    VELD_TRY(veld_cli_say(call, "%s\n  vooraf: ", conflict->integrity ? " (tegen een regel)" : ""));
    VELD_TRY(veld_label_say_canonical(call, field, conflict->base));
    VELD_TRY(veld_cli_say(call, "\n  nu geldt: "));
    VELD_TRY(veld_label_say_canonical(call, field, conflict->effective));
    VELD_TRY(veld_cli_say(call, "\n"));
    for (size_t i = 0; i < conflict->sides_count; i++)
        VELD_TRY(say_side(call, field, i + 1, &conflict->sides[i]));
    status = say_work(call, of, conflict);

done:
    return status;
}

void srv_conflict_view(veld_cli_call *call, srv_conflict_case *of, const veld_conflict *conflict,
    veld_json_writer *writer)
{
    veld_view_names names = srv_session_names(call->session);
    names.more = veld_decision_view;
    names.more_context = &of->work;
    veld_view_conflict(conflict, &of->place, &names, writer);
}

/* ---- list ---- */
static veld_status list_one(veld_cli_call *call, srv_conflict_case *of,
    const veld_conflict *conflict, bool json, veld_cli_pieces *pieces)
{
    size_t from = call->out.len;
    int64_t rank[VELD_CONFLICT_RANKS];
    veld_json_writer writer = {0};
    veld_status status;
    VELD_TRY(srv_conflict_note(call->session, conflict, &call->err));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        srv_conflict_view(call, of, conflict, &writer);
        VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    } else {
        VELD_TRY(srv_conflict_say(call, of, conflict));
    }
    veld_conflict_rank(&of->work, conflict, rank);
    status = veld_cli_piece_take(call, pieces, from, rank);

done:
    veld_json_writer_release(&writer);
    return status;
}

static veld_status list_case(
    veld_cli_call *call, const veld_place *place, bool json, veld_cli_pieces *pieces, size_t *found)
{
    srv_conflict_case of = {0};
    veld_status status;
    VELD_TRY(srv_conflict_open(call->session, place, false, &of, &call->err));
    if (of.count > 0) /* of a case without any nothing is shown */
        VELD_TRY(veld_access_add(
            call->session->access, VELD_ACCESS_READ, &place->case_id, NULL, &call->err));
    for (size_t i = 0; i < of.count; i++)
        VELD_TRY(list_one(call, &of, &of.conflicts[i], json, pieces));
    *found += of.count;

done:
    srv_conflict_close(&of);
    return status;
}

/* The most dangerous first, whichever case it is in. */
veld_status srv_verb_conflict_list(veld_cli_call *call)
{
    veld_places places = {0};
    veld_cli_pieces pieces;
    size_t found = 0;
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    veld_cli_pieces_init(&pieces);
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(list_case(call, &places.items[i], json, &pieces, &found));
    status = found > 0 || json ? veld_cli_pieces_say(call, &pieces, json)
                               : veld_cli_say(call, "Niemand hoeft iets te kiezen.\n");

done:
    veld_cli_pieces_release(&pieces);
    veld_places_release(&places);
    return status;
}

/* ---- show ---- */
veld_status srv_verb_conflict_show(veld_cli_call *call)
{
    srv_conflict_case of = {0};
    const veld_conflict *conflict = NULL;
    veld_json_writer writer = {0};
    veld_status status;
    VELD_TRY(srv_conflict_find(call, call->arguments[0], &of, &conflict));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = srv_conflict_say(call, &of, conflict);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    srv_conflict_view(call, &of, conflict, &writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_json_writer_release(&writer);
    srv_conflict_close(&of);
    return status;
}
