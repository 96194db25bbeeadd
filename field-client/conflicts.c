/* conflicts: where a person has to choose, in one case or in all. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/conflict.h"
#include "veldkit/decision.h"
#include "veldkit/past.h"

/* The decisions that lie in the case: what waits for a second person at the office. */
static veld_status load_work(veld_cli_call *call, veld_case *opened, veld_arena *arena,
    veld_conflict_work *out, const veld_conflict **conflicts, size_t *count)
{
    fc_session *session = call->session;
    veld_agency agency;
    veld_state *state = veld_case_state(opened);
    veld_status status =
        veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err);
    bool known = status == VELD_OK;
    *out = (veld_conflict_work){.state = state,
        .schemas = session->schemas,
        .arena = arena,
        .now_utc_ms = veld_env_now(&session->env).wall_utc_ms};
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_decision_list(state, veld_case_id(opened), known ? &agency : NULL,
        &session->desk.verifier, arena, &out->decided, &out->decided_count, &call->err));
    status = veld_decision_conflicts(state, session->schemas, out->decided, out->decided_count,
        arena, conflicts, count, &call->err);

done:
    return status;
}

static veld_status say_conflict(veld_cli_call *call, const veld_conflict *conflict,
    const veld_place *place, const veld_conflict_work *work)
{
    const veld_conflict_casework of = veld_conflict_casework_of(work, conflict);
    const veld_schema_set *schemas = call->session->schemas;
    const veld_state_record *record = conflict->record;
    const veld_schema_field *field = veld_label_schema(schemas, record->type, conflict->field);
    char case_id[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&place->dossier, case_id);
    VELD_TRY(
        veld_cli_say(call, "Zaak %s (%s)\n  ", case_id, veld_compartment_name(place->compartment)));
    VELD_TRY(veld_label_say_place(call, schemas, record->type, &record->id, conflict->field));
    VELD_TRY(veld_cli_say(call, conflict->integrity ? " (tegen een regel)\n" : "\n"));
    VELD_TRY(veld_cli_say(call, "  nu geldt: "));
    VELD_TRY(veld_label_say_canonical(call, field, conflict->effective));
    VELD_TRY(veld_cli_say(call, "\n"));
    for (size_t i = 0; i < conflict->sides_count; i++) {
        const veld_side *side = &conflict->sides[i];
        VELD_TRY(veld_cli_say(call, "  - "));
        VELD_TRY(veld_label_say_canonical(call, field, side->value));
        VELD_TRY(veld_cli_say(call, "  ("));
        VELD_TRY(fc_say_origin(call, side->entry->origin));
        VELD_TRY(veld_cli_say(call, ")%s\n", veld_held_text(side->held)));
    }
    if (of.pending != NULL) {
        VELD_TRY(veld_cli_say(call, "  het kantoor stelt voor: "));
        VELD_TRY(of.pending->decision.value.len > 0
                     ? veld_label_say_canonical(call, field, of.pending->decision.value)
                     : veld_cli_say(call, "(lang)"));
        VELD_TRY(veld_cli_say(call, ", dat wacht op een tweede persoon\n"));
    }

done:
    return status;
}

typedef enum listing { LIST_COUNT, LIST_TEXT, LIST_JSON } listing;

static veld_status list_one(veld_cli_call *call, const veld_conflict *conflict,
    const veld_place *place, veld_conflict_work *work, bool json, veld_cli_pieces *pieces)
{
    size_t from = call->out.len;
    int64_t rank[VELD_CONFLICT_RANKS];
    veld_json_writer writer = {0};
    veld_view_names names = fc_view_names(call->session);
    veld_status status;
    if (json) {
        names.more = veld_decision_view;
        names.more_context = work;
        veld_json_writer_init(&writer, &call->out);
        veld_view_conflict(conflict, place, &names, &writer);
        VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    } else {
        VELD_TRY(say_conflict(call, conflict, place, work));
    }
    veld_conflict_rank(work, conflict, rank);
    status = veld_cli_piece_take(call, pieces, from, rank);

done:
    veld_json_writer_release(&writer);
    return status;
}

/* `pieces` is not for LIST_COUNT. */
/* Where the sides of a choice came from may lie before the checkpoint: it is asked for, once. */
static veld_status want_bases(
    veld_cli_call *call, veld_case *opened, const veld_conflict *conflicts, size_t count)
{
    veld_past_state past;
    bool lacks = false;
    veld_status status;
    for (size_t i = 0; i < count && veld_case_get_base(opened) != NULL; i++)
        lacks = lacks || veld_span_equal(conflicts[i].base, veld_span_text("null"));
    if (!lacks)
        return VELD_OK;
    VELD_TRY(veld_past_get(call->session->store, veld_case_id(opened), &past, NULL, &call->err));
    if (past == VELD_PAST_NONE)
        status = veld_past_want(&call->session->desk, veld_case_id(opened), &call->err);

done:
    return status;
}

static veld_status list_case(veld_cli_call *call, const veld_place *place, listing as,
    veld_cli_pieces *pieces, size_t *found)
{
    const veld_id *id = &place->case_id;
    veld_arena arena;
    veld_case *opened = NULL;
    const veld_conflict *conflicts = NULL;
    size_t count = 0;
    veld_status status;
    veld_conflict_work work;
    const veld_desk quiet = veld_desk_quiet(&call->session->desk);
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    status = fc_lease_check(call, id);
    if (status == VELD_E_LOCKED || status == VELD_E_NOT_ALLOWED) { /* nothing of it is shown */
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(veld_case_open(&quiet, id, &opened, &call->err));
    VELD_TRY(veld_conflict_list(veld_case_state(opened), call->session->schemas, id, &arena,
        &conflicts, &count, &call->err));
    if (as != LIST_COUNT)
        VELD_TRY(load_work(call, opened, &arena, &work, &conflicts, &count));
    if (count > 0 && as != LIST_COUNT)
        fc_note_before(call, opened);
    VELD_TRY(want_bases(call, opened, conflicts, count));
    if (count > 0 && as != LIST_COUNT) /* of a case without any nothing is shown */
        VELD_TRY(veld_access_add(call->session->access, VELD_ACCESS_READ, id, NULL, &call->err));
    for (size_t i = 0; i < count && as != LIST_COUNT; i++)
        VELD_TRY(list_one(call, &conflicts[i], place, &work, as == LIST_JSON, pieces));
    *found += count;

done:
    veld_case_close(opened);
    veld_arena_release(&arena);
    return status;
}

/* The cases that were asked for: of one dossier, or all; of all compartments, or one. */
typedef struct wanted {
    veld_places places;
    veld_place of; /* compartment MAIN: the whole dossier */
    veld_compartment compartment;
    bool has_dossier, has_compartment;
} wanted;

static veld_status find_wanted(veld_cli_call *call, wanted *out)
{
    veld_status status;
    out->has_compartment = veld_cli_given(call, FC_OPTION_COMPARTMENT);
    out->has_dossier = call->arguments_count > 0;
    VELD_TRY(fc_compartment(call, &out->compartment));
    VELD_TRY(veld_places_load(call->session->store, &out->places, &call->err));
    if (out->has_dossier)
        VELD_TRY(fc_place_find(call, &out->places, call->arguments[0], &out->of));

done:
    return status;
}

static bool is_wanted(const wanted *w, const veld_place *place)
{
    if (w->has_compartment && place->compartment != w->compartment)
        return false;
    if (!w->has_dossier)
        return true;
    return w->of.compartment == VELD_COMPARTMENT_MAIN
               ? veld_id_equal(&place->dossier, &w->of.dossier)
               : veld_id_equal(&place->case_id, &w->of.case_id);
}

veld_status fc_conflicts_count(veld_cli_call *call, size_t *out)
{
    veld_places places = {0};
    veld_status status;
    *out = 0;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(list_case(call, &places.items[i], LIST_COUNT, NULL, out));

done:
    veld_places_release(&places);
    return status;
}

/* The most dangerous first, whichever case it is in. */
veld_status fc_verb_conflicts(veld_cli_call *call)
{
    wanted w = {0};
    veld_cli_pieces pieces;
    size_t found = 0;
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    veld_cli_pieces_init(&pieces);
    VELD_TRY(find_wanted(call, &w));
    for (size_t i = 0; i < w.places.count; i++) {
        const veld_place *place = &w.places.items[i];
        if (is_wanted(&w, place))
            VELD_TRY(list_case(call, place, json ? LIST_JSON : LIST_TEXT, &pieces, &found));
    }
    status = found > 0 || json ? veld_cli_pieces_say(call, &pieces, json)
                               : veld_cli_say(call, "Niemand hoeft iets te kiezen.\n");

done:
    veld_cli_pieces_release(&pieces);
    veld_places_release(&w.places);
    return status;
}
