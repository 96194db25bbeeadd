/* conflict explain: what was written in a case by people who had not seen each other, what became
 * of it, by which rule or by whose decision, and who had seen what. For complaint boards and
 * judges: whoever reads it was not there and owes us no belief, so it says what is certain and what
 * is not. */
#include "explain.h"

#include <string.h>

#include "veldkit/anchor.h"
#include "veldkit/assert.h"
#include "veldkit/time.h"

/* ---- looking things up ---- */
static const veld_entry *entry_of(
    const veld_state_record *record, const char *field, const veld_hash *core)
{
    const veld_state_field *found = veld_state_field_get(record, veld_span_text(field));
    const veld_entry *entry = found == NULL ? NULL : found->entries;
    for (; entry != NULL; entry = entry->next) {
        if (veld_hash_equal(&entry->origin->core, core))
            return entry;
    }
    return NULL;
}

static bool says(const veld_entry *entry, const char *text, size_t len)
{
    return entry != NULL && entry->value.len == len + 2 &&
           memcmp(entry->value.data + 1, text, len) == 0;
}

bool explain_find_decision(explain *e, const veld_entry *entry, explain_decision *out)
{
    size_t count;
    char record[VELD_ID_TEXT_SIZE];
    const veld_state_field *field = entry->field;
    const veld_hash *core = &entry->origin->core;
    const veld_state_record *const *records =
        veld_state_records(veld_case_state(e->opened), &count);
    *out = (explain_decision){0};
    veld_id_format(&field->record->id, record);
    for (size_t i = 0; records != NULL && i < count; i++) {
        if (!veld_span_equal(records[i]->type, veld_span_text("decision")) ||
            !says(entry_of(records[i], "record", core), record, strlen(record)) ||
            !says(entry_of(records[i], "field", core), (const char *)field->name.data,
                field->name.len))
            continue;
        const veld_entry *by = entry_of(records[i], "decidedBy", core);
        const veld_entry *reason = entry_of(records[i], "reason", core);
        out->by = by != NULL ? by->value : (veld_span){0};
        out->reason = reason != NULL ? reason->value : (veld_span){0};
        return true;
    }
    return false;
}

/* The first text field that says something, in the order of the schema: a name, a title, a text. */
veld_span explain_record_name(explain *e, const veld_state_record *record)
{
    const veld_schema *schema = veld_schema_get(e->call->session->schemas, record->type);
    veld_outlook outlook =
        veld_outlook_of(veld_case_state(e->opened), e->call->session->schemas, &e->arena);
    for (size_t i = 0; schema != NULL && i < schema->fields_count; i++) {
        const veld_schema_field *field = &schema->fields[i];
        const veld_state_field *found = veld_state_field_get(record, field->name);
        veld_reading reading;
        if ((field->kind != VELD_KIND_TEXT && field->kind != VELD_KIND_LONG_TEXT) ||
            veld_policy_is_set(field->policy) || found == NULL)
            continue;
        if (veld_policy_read(&outlook, found, &reading) == VELD_OK && reading.effective.len > 0 &&
            reading.effective.data[0] == '"')
            return reading.effective;
    }
    return (veld_span){0};
}

const char *explain_rule(const veld_meeting *meeting)
{
    static const struct {
        const char *policy;
        const char *sentence;
    } rules[] = {
        {"write-once", "dit veld wordt één keer ingevuld; de eerste invulling staat er, en dat er "
                       "nog een is moet iemand bekijken"},
        {"grow-only", "hier komen alleen dingen bij; alles wat iemand opschreef blijft staan"},
        {"observed-remove",
            "dit is een lijst; wat iemand toevoegde blijft staan, en weg gaat alleen "
            "wat de weghaler zelf gezien had"},
        {"last-writer",
            "bij dit veld staat de laatste invulling er, de andere blijft bewaard in de "
            "geschiedenis"},
        {"person-decides", "hier kiest altijd een mens; het programma kiest nooit zelf"},
        {"most-protective",
            "zolang niemand gekozen heeft geldt de invulling die het meest beschermt; "
            "een medewerker beoordeelt de andere"},
        {"most-restrictive", "zolang niemand gekozen heeft geldt de invulling die het minst "
                             "prijsgeeft; alleen een medewerker maakt dat ruimer"},
        {"transition-log",
            "dit is een reeks stappen; zolang niemand gekozen heeft geldt de stand die het meest "
            "beschermt"},
        {"merge-text",
            "twee teksten worden per zin samengevoegd waar dat zonder twijfel kan; anders "
            "kiest een medewerker"},
    };
    const char *policy =
        meeting->schema != NULL ? veld_policy_name(meeting->schema->policy) : "person-decides";
    if (meeting->removal)
        return "een onderdeel waaraan nog gewerkt is verdwijnt niet; het blijft staan tot een mens "
               "kiest";
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (strcmp(rules[i].policy, policy) == 0)
            return rules[i].sentence;
    }
    return policy;
}

void explain_order(const veld_meeting *meeting, size_t out[VELD_MEETING_WRITES_MAX])
{
    VELD_ASSERT(meeting->sides_count <= VELD_MEETING_WRITES_MAX);
    for (size_t i = 0; i < meeting->sides_count; i++) {
        size_t at = i;
        for (; at > 0 && veld_policy_order(meeting->sides[i], meeting->sides[out[at - 1]]) < 0;
             at--)
            out[at] = out[at - 1];
        out[at] = i;
    }
}

/* ---- JSON ---- */
static void json_canonical(veld_json_writer *writer, const char *name, veld_span value)
{
    veld_json_writer_name(writer, name);
    if (value.len > 0)
        veld_json_writer_canonical(writer, value);
    else
        veld_json_writer_null(writer);
}

static void json_time(veld_json_writer *writer, const veld_change_time *time)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, text);
    veld_cli_json_text(writer, "time", veld_span_text(text));
}

static void json_worker(explain *e, veld_json_writer *writer, const veld_id *device)
{
    veld_span worker = e->names.worker(e->names.context, device);
    veld_cli_json_id(writer, "device", device);
    if (worker.len > 0) {
        veld_cli_json_text(writer, "worker", worker);
        return;
    }
    veld_json_writer_name(writer, "worker");
    veld_json_writer_null(writer);
}

static void json_origin(explain *e, veld_json_writer *writer, const veld_origin *origin)
{
    veld_cli_json_hash(writer, "change", &origin->change);
    veld_cli_json_text(writer, "clock", veld_span_text(veld_view_clock(origin->time.quality)));
    json_worker(e, writer, &origin->device);
    veld_view_evidence(&origin->time, veld_view_received(&e->names, origin), writer);
    json_time(writer, &origin->time);
}

static void json_side(
    explain *e, veld_json_writer *writer, const veld_meeting *meeting, size_t side)
{
    const veld_entry *entry = meeting->sides[side];
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "field", entry->field->name);
    json_origin(e, writer, entry->origin);
    veld_json_writer_name(writer, "seenBy");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < meeting->sightings_count; i++) {
        const veld_node *node = meeting->sightings[i].change;
        if (meeting->sightings[i].side != side)
            continue;
        veld_json_writer_object_begin(writer);
        veld_cli_json_hash(writer, "change", &node->id);
        json_worker(e, writer, &node->chain.device);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
    json_canonical(writer, "value", entry->value);
    veld_json_writer_object_end(writer);
}

static void json_ending(explain *e, veld_json_writer *writer, const veld_entry *entry)
{
    explain_decision decision;
    bool decided = explain_find_decision(e, entry, &decision);
    veld_json_writer_object_begin(writer);
    json_canonical(writer, "decidedBy", decision.by);
    veld_json_writer_name(writer, "decision");
    veld_json_writer_boolean(writer, decided);
    json_origin(e, writer, entry->origin);
    json_canonical(writer, "reason", decision.reason);
    json_canonical(writer, "value", entry->value);
    veld_json_writer_object_end(writer);
}

static void json_meeting(explain *e, veld_json_writer *writer, const veld_meeting *meeting)
{
    size_t order[VELD_MEETING_WRITES_MAX];
    veld_json_writer_object_begin(writer);
    json_canonical(writer, "base", meeting->base);
    veld_cli_json_id(writer, "case", veld_case_id(e->opened));
    veld_json_writer_name(writer, "endings");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < meeting->endings_count; i++)
        json_ending(e, writer, meeting->endings[i]);
    veld_json_writer_array_end(writer);
    veld_cli_json_text(writer, "field", meeting->field->name);
    json_canonical(writer, "meanwhile", meeting->meanwhile);
    veld_json_writer_name(writer, "open");
    veld_json_writer_boolean(writer, meeting->is_open);
    veld_cli_json_id(writer, "record", &meeting->record->id);
    json_canonical(writer, "recordName", explain_record_name(e, meeting->record));
    veld_cli_json_text(writer, "rule", veld_span_text(explain_rule(meeting)));
    veld_json_writer_name(writer, "sides");
    veld_json_writer_array_begin(writer);
    explain_order(meeting, order);
    for (size_t i = 0; i < meeting->sides_count; i++)
        json_side(e, writer, meeting, order[i]);
    veld_json_writer_array_end(writer);
    veld_cli_json_text(writer, "type", meeting->record->type);
    veld_json_writer_object_end(writer);
}

/* ---- the verb ---- */
/* One case: to `writer`, or for people when that is NULL. */
static veld_status explain_case(
    veld_cli_call *call, const veld_id *id, veld_json_writer *writer, bool *cut)
{
    srv_session *session = call->session;
    explain e = {.call = call, .names = srv_session_names(session)};
    veld_status status;
    veld_arena_init(&e.arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(veld_case_open(&session->desk, id, &e.opened, &call->err));
    VELD_TRY(veld_meeting_list(&session->env, veld_case_state(e.opened), veld_case_graph(e.opened),
        session->schemas, &e.arena, &e.meetings, &e.count, &e.cut, &call->err));
    *cut = *cut || e.cut;
    if (writer == NULL)
        status = explain_text(&e);
    for (size_t i = 0; writer != NULL && i < e.count; i++)
        json_meeting(&e, writer, &e.meetings[i]);

done:
    veld_case_close(e.opened);
    veld_arena_release(&e.arena);
    return status;
}

veld_status srv_verb_conflict_explain(veld_cli_call *call)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    bool cut = false, json = veld_cli_given(call, VELD_CLI_JSON);
    veld_json_writer writer = {0};
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "meetings");
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < count; i++)
        VELD_TRY(explain_case(call, &first[i].case_id, json ? &writer : NULL, &cut));
    if (json) {
        veld_json_writer_array_end(&writer);
        veld_json_writer_name(&writer, "cut");
        veld_json_writer_boolean(&writer, cut);
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    veld_places_release(&places);
    return status;
}
