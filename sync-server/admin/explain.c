/* conflict explain: what was written in a case by people who had not seen each other, what became
 * of it, by which rule or by whose decision, and who had seen what. For complaint boards and
 * judges: whoever reads it was not there and owes us no belief, so it says what is certain and what
 * is not. */
#include "explain.h"

#include <string.h>

#include "held.h"
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

/* Whether a record says in the change `core` that it is about this field. */
static bool is_about(
    const veld_state_record *record, const veld_state_field *field, const veld_hash *core)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&field->record->id, id);
    return says(entry_of(record, "record", core), id, strlen(id)) &&
           says(entry_of(record, "field", core), (const char *)field->name.data, field->name.len);
}

static const veld_state_record *record_of_type(
    const veld_state_record *const *records, size_t count, const char *type, const veld_entry *id)
{
    for (size_t i = 0; i < count; i++) {
        char text[VELD_ID_TEXT_SIZE];
        veld_id_format(&records[i]->id, text);
        if (veld_span_equal(records[i]->type, veld_span_text(type)) && says(id, text, strlen(text)))
            return records[i];
    }
    return NULL;
}

static veld_span told(const veld_state_record *record, const char *field)
{
    const veld_state_field *found = veld_state_field_get(record, veld_span_text(field));
    return found != NULL ? found->entries->value : (veld_span){0};
}

/* Where one person decides, the decision stands in the change of the choice; where two do, the word
 * of the second does, and names the decision of the first. */
bool explain_find_decision(explain *e, const veld_entry *entry, explain_decision *out)
{
    size_t count;
    const veld_hash *core = &entry->origin->core;
    const veld_state_record *const *records =
        veld_state_records(veld_case_state(e->opened), &count);
    *out = (explain_decision){0};
    for (size_t i = 0; records != NULL && i < count; i++) {
        const veld_state_record *decision = records[i];
        bool confirms = veld_span_equal(decision->type, veld_span_text("confirmation"));
        if ((!confirms && !veld_span_equal(decision->type, veld_span_text("decision"))) ||
            !is_about(decision, entry->field, core))
            continue;
        if (confirms) {
            out->confirmed = entry_of(decision, "confirmedBy", core);
            decision =
                record_of_type(records, count, "decision", entry_of(decision, "decision", core));
        }
        if (decision == NULL)
            continue;
        out->by = told(decision, "decidedBy");
        out->reason = told(decision, "reason");
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

/* By the times that are told, unless they are known to be wrong. */
static int64_t told_ms(const veld_origin *origin)
{
    return veld_anchor_is_skewed(&origin->time, origin->arrived_utc_ms)
               ? veld_anchor_reading_ms(&origin->time)
               : origin->time.wall_utc_ms;
}

static bool is_before(const veld_entry *a, const veld_entry *b)
{
    int64_t left = told_ms(a->origin), right = told_ms(b->origin);
    return left != right ? left < right : veld_policy_order(a, b) < 0;
}

void explain_order(const veld_meeting *meeting, size_t out[VELD_MEETING_WRITES_MAX])
{
    VELD_ASSERT(meeting->sides_count <= VELD_MEETING_WRITES_MAX);
    for (size_t i = 0; i < meeting->sides_count; i++) {
        size_t at = i;
        for (; at > 0 && is_before(meeting->sides[i], meeting->sides[out[at - 1]]); at--)
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
    veld_held then = VELD_HELD_NOT, now = VELD_HELD_NOT;
    bool decided = explain_find_decision(e, entry, &decision);
    if (decided && explain_held_then(e, entry, &then, &now) != VELD_OK)
        then = VELD_HELD_NOT; /* no memory: the answer that is being written has none either */
    veld_json_writer_object_begin(writer);
    json_canonical(writer, "confirmedBy",
        decision.confirmed != NULL ? decision.confirmed->value : (veld_span){0});
    json_canonical(writer, "decidedBy", decision.by);
    veld_json_writer_name(writer, "decision");
    veld_json_writer_boolean(writer, decided);
    if (then != VELD_HELD_NOT)
        veld_cli_json_text(writer, "heldAtFirst", veld_span_text(veld_held_name(then)));
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

static void json_danger(explain *e, veld_json_writer *writer, const veld_entry *entry)
{
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "field", entry->field->name);
    json_origin(e, writer, entry->origin);
    veld_cli_json_id(writer, "record", &entry->field->record->id);
    veld_cli_json_text(writer, "type", entry->field->record->type);
    json_canonical(writer, "value", entry->value);
    veld_json_writer_object_end(writer);
}

/* A write that is held back; with an ending one that was. */
static void json_held(explain *e, veld_json_writer *writer, const explain_settled *held)
{
    const veld_entry *about = held->side.entry != NULL ? held->side.entry : held->ending;
    explain_decision decision;
    veld_json_writer_object_begin(writer);
    veld_cli_json_id(writer, "case", veld_case_id(e->opened));
    veld_json_writer_name(writer, "dangers");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < held->dangers_count; i++)
        json_danger(e, writer, held->dangers[i]);
    veld_json_writer_array_end(writer);
    json_canonical(writer, "effective", held->effective);
    veld_json_writer_name(writer, "ending");
    if (held->ending != NULL)
        json_ending(e, writer, held->ending);
    else
        veld_json_writer_null(writer);
    if (held->side.entry != NULL && explain_find_decision(e, held->side.entry, &decision))
        json_canonical(writer, "decidedBy", decision.by);
    veld_cli_json_text(writer, "field", about->field->name);
    json_origin(e, writer, about->origin);
    veld_cli_json_text(writer, "held", veld_span_text(veld_held_name(held->side.held)));
    veld_cli_json_id(writer, "record", &about->field->record->id);
    veld_cli_json_text(writer, "type", about->field->record->type);
    json_canonical(writer, "value", held->side.value);
    veld_json_writer_object_end(writer);
}

static void json_all_held(explain *e, veld_json_writer *writer)
{
    for (size_t i = 0; i < e->conflicts_count; i++) {
        explain_settled open;
        if (explain_is_held(&e->conflicts[i], &open))
            json_held(e, writer, &open);
    }
    for (size_t i = 0; i < e->settled_count; i++)
        json_held(e, writer, &e->settled[i]);
}

/* ---- the verb ---- */
static veld_status open_case(veld_cli_call *call, const veld_id *id, explain *e)
{
    srv_session *session = call->session;
    veld_status status;
    *e = (explain){.call = call, .names = srv_session_names(session)};
    veld_arena_init(&e->arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(veld_case_open(&session->desk, id, &e->opened, &call->err));
    VELD_TRY(
        veld_meeting_list(&session->env, veld_case_state(e->opened), veld_case_graph(e->opened),
            session->schemas, &e->arena, &e->meetings, &e->count, &e->cut, &call->err));
    VELD_TRY(veld_conflict_list(veld_case_state(e->opened), session->schemas, id, &e->arena,
        &e->conflicts, &e->conflicts_count, &call->err));
    status = explain_find_settled(e);

done:
    return status;
}

static void close_case(explain *e)
{
    veld_case_close(e->opened);
    veld_arena_release(&e->arena);
}

static veld_status explain_people(veld_cli_call *call, const veld_place *first, size_t count)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        explain e;
        status = open_case(call, &first[i].case_id, &e);
        if (status == VELD_OK)
            status = explain_text(&e);
        close_case(&e);
    }
    return status;
}

/* All cases, each opened once: what was held back goes into the answer, what met into `meetings`.
 */
static veld_status json_cases(veld_cli_call *call, const veld_place *first, size_t count,
    veld_json_writer *writer, veld_json_writer *meetings, bool *cut)
{
    veld_status status = VELD_OK;
    veld_json_writer_name(writer, "held");
    veld_json_writer_array_begin(writer);
    veld_json_writer_array_begin(meetings);
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        explain e;
        status = open_case(call, &first[i].case_id, &e);
        if (status == VELD_OK)
            json_all_held(&e, writer);
        for (size_t j = 0; status == VELD_OK && j < e.count; j++)
            json_meeting(&e, meetings, &e.meetings[j]);
        *cut = *cut || e.cut;
        close_case(&e);
    }
    veld_json_writer_array_end(writer);
    veld_json_writer_array_end(meetings);
    return status == VELD_OK ? veld_json_writer_finish(meetings, &call->err) : status;
}

static veld_status explain_programs(veld_cli_call *call, const veld_place *first, size_t count)
{
    bool cut = false;
    veld_buf bytes;
    veld_json_writer writer = {0}, meetings = {0};
    veld_status status;
    veld_buf_init(&bytes, VELD_CLI_PIECES_BYTES_MAX);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_init(&meetings, &bytes);
    veld_json_writer_object_begin(&writer);
    VELD_TRY(json_cases(call, first, count, &writer, &meetings, &cut));
    veld_json_writer_name(&writer, "cut");
    veld_json_writer_boolean(&writer, cut);
    veld_json_writer_name(&writer, "meetings");
    veld_json_writer_canonical(&writer, veld_buf_span(&bytes));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_json_writer_release(&writer);
    veld_json_writer_release(&meetings);
    veld_buf_wipe(&bytes);
    return status;
}

veld_status srv_verb_conflict_explain(veld_cli_call *call)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    VELD_TRY(veld_cli_given(call, VELD_CLI_JSON) ? explain_programs(call, first, count)
                                                 : explain_people(call, first, count));
    for (size_t i = 0; i < count; i++)
        VELD_TRY(srv_held_seen(call->session, &first[i].case_id, &call->err));

done:
    veld_places_release(&places);
    return status;
}
