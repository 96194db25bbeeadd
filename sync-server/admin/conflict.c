/* conflict list, show and resolve: where two people wrote different things on one field. A decision
 * is an ordinary change of the office: it replaces all that is visible on the field at that moment
 * and says why in a `decision` record of the same change. Whoever decides after somebody else did
 * gets told so: the conflict she saw is no longer there. */
#include <stdlib.h>
#include <string.h>

#include "../srv.h"
#include "veldkit/anchor.h"
#include "veldkit/assert.h"
#include "veldkit/conflict.h"
#include "veldkit/edit.h"
#include "veldkit/policy.h"
#include "veldkit/time.h"

/* One case opened with its conflicts. */
typedef struct conflict_case {
    veld_place place;
    veld_arena arena;
    veld_case *opened;
    const veld_conflict *conflicts;
    size_t count;
} conflict_case;

static veld_status open_case(
    srv_session *session, const veld_place *place, conflict_case *out, veld_error *err)
{
    veld_status status;
    const veld_id *id = &place->case_id;
    out->place = *place;
    veld_arena_init(&out->arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(veld_case_open(&session->desk, id, &out->opened, err));
    VELD_TRY(veld_conflict_list(veld_case_state(out->opened), session->schemas, id, &out->arena,
        &out->conflicts, &out->count, err));

done:
    return status;
}

static void close_case(conflict_case *of)
{
    veld_case_close(of->opened);
    veld_arena_release(&of->arena);
    *of = (conflict_case){0};
}

/* ---- saying one ---- */
static veld_status say_side(veld_cli_call *call, size_t number, const veld_side *side)
{
    char when[VELD_INSTANT_TEXT_SIZE];
    veld_view_names names = srv_session_names(call->session);
    const veld_change_time *time = &side->entry->origin->time;
    veld_span worker = names.worker(names.context, &side->entry->origin->device);
    bool skewed = veld_anchor_is_skewed(time, side->entry->origin->arrived_utc_ms);
    veld_status status;
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, when);
    VELD_TRY(veld_cli_say(call, "  %zu. ", number));
    VELD_TRY(veld_cli_say_canonical(call, side->value));
    VELD_TRY(veld_cli_say(call, "  (%s, ", when));
    VELD_TRY(
        worker.len > 0 ? veld_cli_say_text(call, worker) : veld_cli_say(call, "onbekend apparaat"));
    VELD_TRY(veld_cli_say(call, "%s)\n", skewed ? ", klok wijkt meer dan 5 minuten af" : ""));

done:
    return status;
}

static veld_status say_conflict(
    veld_cli_call *call, const veld_conflict *conflict, const veld_place *place)
{
    char id[VELD_ID_TEXT_SIZE], case_id[VELD_ID_TEXT_SIZE], record[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&conflict->id, id);
    veld_id_format(&place->dossier, case_id);
    veld_id_format(&conflict->record->id, record);
    VELD_TRY(veld_cli_say(call, "Keuze %s\n  zaak %s (%s), onderdeel %s, veld ", id, case_id,
        veld_compartment_name(place->compartment), record));
    VELD_TRY(veld_cli_say_text(call, conflict->field));
    VELD_TRY(veld_cli_say(call, "%s\n  vooraf: ", conflict->integrity ? " (tegen een regel)" : ""));
    VELD_TRY(veld_cli_say_canonical(call, conflict->base));
    VELD_TRY(veld_cli_say(call, "\n"));
    for (size_t i = 0; i < conflict->sides_count; i++)
        VELD_TRY(say_side(call, i + 1, &conflict->sides[i]));

done:
    return status;
}

/* ---- list ---- */
static veld_status list_case(
    veld_cli_call *call, const veld_place *place, veld_json_writer *writer, size_t *found)
{
    conflict_case of = {0};
    veld_view_names names = srv_session_names(call->session);
    veld_status status;
    VELD_TRY(open_case(call->session, place, &of, &call->err));
    for (size_t i = 0; i < of.count; i++) {
        if (writer != NULL)
            veld_view_conflict(&of.conflicts[i], place, &names, writer);
        else
            VELD_TRY(say_conflict(call, &of.conflicts[i], place));
    }
    *found += of.count;

done:
    close_case(&of);
    return status;
}

veld_status srv_verb_conflict_list(veld_cli_call *call)
{
    veld_places places = {0};
    size_t found = 0;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(list_case(call, &places.items[i], json ? &writer : NULL, &found));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (found == 0) {
        status = veld_cli_say(call, "Niemand hoeft iets te kiezen.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_places_release(&places);
    return status;
}

/* ---- finding one ---- */
/* The case with the conflict stays open in `of`. */
static veld_status find_conflict(
    veld_cli_call *call, const char *word, conflict_case *of, const veld_conflict **out)
{
    veld_places places = {0};
    veld_place where = {0};
    veld_id which = {0};
    size_t matches = 0;
    veld_status status;
    VELD_TRY(veld_cli_prefix_check(word, &call->err));
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    for (size_t i = 0; i < places.count; i++) {
        status = open_case(call->session, &places.items[i], of, &call->err);
        for (size_t j = 0; status == VELD_OK && j < of->count; j++)
            if (veld_cli_prefix_fits(&of->conflicts[j].id, word)) {
                where = places.items[i];
                which = of->conflicts[j].id;
                matches++;
            }
        close_case(of);
        if (status != VELD_OK)
            goto done;
    }
    status = veld_cli_prefix_judge(word, "open keuze", matches, &call->err);
    if (status != VELD_OK)
        goto done;
    VELD_TRY(open_case(call->session, &where, of, &call->err));
    for (size_t j = 0; j < of->count; j++)
        if (veld_id_equal(&of->conflicts[j].id, &which))
            *out = &of->conflicts[j];
    VELD_ASSERT(*out != NULL); /* nobody changes the case while this verb runs */

done:
    veld_places_release(&places);
    return status;
}

veld_status srv_verb_conflict_show(veld_cli_call *call)
{
    conflict_case of = {0};
    const veld_conflict *conflict = NULL;
    veld_view_names names = srv_session_names(call->session);
    veld_json_writer writer = {0};
    veld_status status;
    VELD_TRY(find_conflict(call, call->arguments[0], &of, &conflict));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = say_conflict(call, conflict, &of.place);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_view_conflict(conflict, &of.place, &names, &writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_json_writer_release(&writer);
    close_case(&of);
    return status;
}

/* ---- resolve ---- */
static veld_status check_value(
    veld_cli_call *call, const veld_conflict *conflict, const veld_json_value *value)
{
    const veld_schema *schema = veld_schema_get(call->session->schemas, conflict->record->type);
    const veld_schema_field *field = veld_schema_field_get(schema, conflict->field);
    if (field == NULL || veld_json_is_null(value))
        return VELD_OK;
    return veld_schema_value_check(field, value, &call->err);
}

/* value=JSON, as canonical bytes. */
static veld_status typed_value(
    veld_cli_call *call, const veld_conflict *conflict, const char *text, veld_buf *out)
{
    veld_json_doc *doc = NULL;
    veld_status status;
    VELD_TRY(
        veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, &call->errors, &call->err));
    VELD_TRY(check_value(call, conflict, veld_json_root(doc)));
    VELD_TRY(veld_json_canonical(veld_json_root(doc), out, &call->err));

done:
    veld_json_doc_free(doc);
    return status;
}

/* side=N | base | value=JSON */
static veld_status taken_value(
    veld_cli_call *call, const veld_conflict *conflict, veld_buf *typed, veld_span *out)
{
    const char *take = veld_cli_value(call, SRV_OPTION_TAKE);
    if (strcmp(take, "base") == 0) {
        *out = conflict->base;
        return VELD_OK;
    }
    if (strncmp(take, "value=", 6) == 0) {
        veld_status status = typed_value(call, conflict, take + 6, typed);
        *out = veld_buf_span(typed);
        return status;
    }
    char *end = NULL;
    long side = strncmp(take, "side=", 5) == 0 ? strtol(take + 5, &end, 10) : 0;
    if (end == NULL || end == take + 5 || *end != '\0')
        return veld_fail(&call->err, VELD_E_INVALID, "--take is side=NUMMER, base of value=JSON");
    if (side < 1 || (size_t)side > conflict->sides_count)
        return veld_fail(
            &call->err, VELD_E_INVALID, "deze keuze heeft %zu kanten", conflict->sides_count);
    *out = conflict->sides[side - 1].value;
    return VELD_OK;
}

static veld_status canonical_text(const char *text, veld_arena *arena, veld_span *out)
{
    veld_buf json;
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&json, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    veld_json_writer_text(&writer, text);
    VELD_TRY(veld_json_writer_finish(&writer, NULL));
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&json), out));

done:
    veld_buf_wipe(&json);
    return status;
}

enum { DECISION_FIELDS = 5 };

/* The record of the decision; what a person typed is checked as its schema says. */
static veld_status decision_edits(veld_cli_call *call, const veld_conflict *conflict,
    const char *by, veld_arena *arena, veld_edit out[DECISION_FIELDS])
{
    static const char *const names[DECISION_FIELDS] = {
        "conflict", "decidedBy", "field", "reason", "record"};
    char id[VELD_ID_TEXT_SIZE], record[VELD_ID_TEXT_SIZE];
    char field[VELD_CHANGE_NAME_BYTES_MAX + 1] = "";
    const char *values[DECISION_FIELDS] = {
        id, by, field, veld_cli_value(call, SRV_OPTION_REASON), record};
    const veld_schema *schema = veld_schema_get(call->session->schemas, veld_span_text("decision"));
    veld_id decision;
    veld_status status;
    veld_id_format(&conflict->id, id);
    veld_id_format(&conflict->record->id, record);
    memcpy(field, conflict->field.data, conflict->field.len);
    VELD_TRY(veld_id_new(&call->session->env, &decision, &call->err));
    for (size_t i = 0; i < DECISION_FIELDS; i++) {
        veld_json_doc *doc = NULL;
        veld_span name = veld_span_text(names[i]);
        out[i] = (veld_edit){.kind = VELD_EDIT_SET,
            .record = decision,
            .type = veld_span_text("decision"),
            .field = name};
        VELD_TRY(canonical_text(values[i], arena, &out[i].value));
        VELD_TRY(
            veld_json_parse(out[i].value, VELD_JSON_CANONICAL, &doc, &call->errors, &call->err));
        status = veld_schema_value_check(
            veld_schema_field_get(schema, name), veld_json_root(doc), &call->err);
        veld_json_doc_free(doc);
        if (status != VELD_OK)
            goto done;
    }

done:
    return status;
}

static veld_status choice_edit(
    veld_cli_call *call, const veld_conflict *conflict, veld_span value, veld_edit *out)
{
    *out = (veld_edit){.kind = VELD_EDIT_SET,
        .record = conflict->record->id,
        .type = conflict->record->type,
        .field = conflict->field,
        .value = value};
    if (!veld_span_equal(conflict->field, veld_span_text(VELD_FIELD_REMOVED)))
        return VELD_OK;
    bool remove = veld_span_equal(value, veld_span_text("true"));
    if (!remove && !veld_span_equal(value, veld_span_text("false")))
        return veld_fail(&call->err, VELD_E_INVALID, "hier is de keuze true of false");
    out->kind = remove ? VELD_EDIT_REMOVE : VELD_EDIT_RESTORE;
    return VELD_OK;
}

static veld_status check_user(veld_cli_call *call, const char *by)
{
    srv_user_role role;
    veld_status status = srv_user_get(call->session, by, &role, &call->err);
    if (status == VELD_E_NOT_FOUND)
        return veld_fail(&call->err, status, "deze gebruiker is er niet");
    if (status == VELD_OK && role != SRV_USER_STAFF)
        return veld_fail(
            &call->err, VELD_E_NOT_ALLOWED, "alleen medewerkers van de centrale kiezen hier");
    return status;
}

static veld_status say_decided(
    veld_cli_call *call, const veld_id *conflict, const veld_hash *change)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(
            call, "Gekozen. De tablets krijgen deze beslissing bij hun volgende uitwisseling.\n");
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_hash(&writer, "change", change);
    veld_cli_json_id(&writer, "conflict", conflict);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status srv_verb_conflict_resolve(veld_cli_call *call)
{
    srv_session *session = call->session;
    const char *given = veld_cli_value(call, SRV_OPTION_BY);
    const char *by = given != NULL ? given : SRV_OPERATOR;
    conflict_case of = {0};
    const veld_conflict *conflict = NULL;
    veld_edit edits[DECISION_FIELDS + 1];
    veld_buf typed;
    veld_span value = {0};
    veld_hash change = {0};
    veld_status status;
    veld_buf_init(&typed, VELD_CHANGE_VALUE_BYTES_MAX);
    VELD_TRY(check_user(call, by));
    if (veld_cli_given(call, VELD_CLI_PIN_FILE)) {
        /* Taking a secret without checking it would promise what is not kept. */
        status = veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "gebruikers hebben nog geen wachtwoord; laat --pin-file weg");
        goto done;
    }
    VELD_TRY(find_conflict(call, call->arguments[0], &of, &conflict));
    VELD_TRY(taken_value(call, conflict, &typed, &value));
    VELD_TRY(choice_edit(call, conflict, value, &edits[0]));
    VELD_TRY(decision_edits(call, conflict, by, &of.arena, edits + 1));
    veld_id id = conflict->id;
    VELD_TRY(veld_case_save(of.opened, edits, DECISION_FIELDS + 1, &change, &call->err));
    VELD_TRY(veld_sync_post_head(session->sync, veld_case_id(of.opened), &call->err));
    session->to_hand_in = true;
    status = say_decided(call, &id, &change);

done:
    veld_buf_wipe(&typed);
    close_case(&of);
    return status;
}
