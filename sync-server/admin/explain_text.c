/* The story in plain Dutch. No numbers where a name or a title serves, no word of our trade; what
 * is not certain is said to be. Times are those that the author's device showed. */
#include "explain.h"

#include <string.h>

#include "veldkit/anchor.h"
#include "veldkit/assert.h"
#include "veldkit/time.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000, MINUTE_MS = 60000, NAME_SIGNS_MAX = 60 };

static veld_status say_when(explain *e, int64_t utc_ms, int32_t offset_min)
{
    static const char *const months[] = {"januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december"};
    int64_t local = utc_ms + (int64_t)offset_min * MINUTE_MS;
    int64_t days = local / DAY_MS - (local % DAY_MS < 0);
    int64_t in_day = local - days * DAY_MS;
    veld_date date = veld_date_from_days(days);
    return veld_cli_say(e->call, "%d %s %d om %02d.%02d uur", (int)date.day, months[date.month - 1],
        (int)date.year, (int)(in_day / HOUR_MS), (int)(in_day / MINUTE_MS % 60));
}

static veld_status say_who(explain *e, const veld_id *device)
{
    veld_span worker = e->names.worker(e->names.context, device);
    return worker.len > 0 ? veld_cli_say_text(e->call, worker)
                          : veld_cli_say(e->call, "iemand op een apparaat dat hier niet bekend is");
}

/* ---- values ---- */
/* A text without its quotes; a long one is cut at a whole character. */
static veld_status say_string(explain *e, veld_span text, size_t signs_max)
{
    size_t len = 0, signs = 0;
    while (len < text.len && signs < signs_max) {
        len++;
        while (len < text.len && (text.data[len] & 0xC0) == 0x80)
            len++;
        signs++;
    }
    veld_status status = veld_cli_say(e->call, "“");
    if (status == VELD_OK)
        status = veld_cli_say_text(e->call, veld_span_of(text.data, len));
    if (status == VELD_OK)
        status = veld_cli_say(e->call, len < text.len ? "…”" : "”");
    return status;
}

static veld_status say_json_text(explain *e, veld_span canonical, size_t signs_max)
{
    veld_json_doc *doc = NULL;
    veld_span text = {0};
    veld_status status = veld_json_parse(canonical, VELD_JSON_CANONICAL, &doc, NULL, &e->call->err);
    if (status == VELD_OK && veld_json_text(veld_json_root(doc), &text))
        status = say_string(e, text, signs_max);
    veld_json_doc_free(doc);
    return status;
}

/* A person's name, without quotes. */
static veld_status say_name(explain *e, veld_span canonical)
{
    veld_json_doc *doc = NULL;
    veld_span text = {0};
    veld_status status = veld_json_parse(canonical, VELD_JSON_CANONICAL, &doc, NULL, &e->call->err);
    if (status == VELD_OK && veld_json_text(veld_json_root(doc), &text))
        status = veld_cli_say_text(e->call, text);
    veld_json_doc_free(doc);
    return status;
}

static const veld_state_record *referred(explain *e, veld_span text)
{
    veld_id id;
    bool several = false;
    if (veld_id_parse(text, &id) != VELD_OK)
        return NULL;
    return veld_state_record_find(veld_case_state(e->opened), &id, &several);
}

static veld_status say_text_value(explain *e, const veld_schema_field *schema, veld_span text)
{
    veld_instant instant;
    for (size_t i = 0; schema != NULL && i < schema->choices_count; i++) {
        if (veld_span_equal(schema->choices[i].value, text))
            return say_string(e, schema->choices[i].label, SIZE_MAX);
    }
    if (schema != NULL && schema->kind == VELD_KIND_INSTANT &&
        veld_instant_parse(text, &instant) == VELD_OK)
        return say_when(e, instant.utc_ms, instant.offset_min);
    if (schema != NULL && schema->kind == VELD_KIND_REFERENCE) {
        const veld_state_record *record = referred(e, text);
        veld_span name = record != NULL ? explain_record_name(e, record) : (veld_span){0};
        if (name.len > 0)
            return say_json_text(e, name, NAME_SIGNS_MAX);
    }
    return say_string(e, text, SIZE_MAX);
}

static veld_status say_json(
    explain *e, const veld_schema_field *schema, const veld_json_value *value)
{
    bool truth;
    veld_span text;
    veld_status status = VELD_OK;
    if (veld_json_is_null(value))
        return veld_cli_say(e->call, "(leeg)");
    if (veld_json_boolean(value, &truth))
        return veld_cli_say(e->call, truth ? "“ja”" : "“nee”");
    if (veld_json_text(value, &text))
        return say_text_value(e, schema, text);
    if (veld_json_type_of(value) != VELD_JSON_TYPE_ARRAY)
        return veld_cli_say_value(e->call, value);
    if (veld_json_first(value) == NULL)
        return veld_cli_say(e->call, "(leeg)");
    for (const veld_json_value *v = veld_json_first(value); v != NULL; v = veld_json_next(v)) {
        VELD_TRY(say_json(e, schema, v));
        if (veld_json_next(v) != NULL)
            VELD_TRY(veld_cli_say(e->call, ", "));
    }

done:
    return status;
}

static veld_status say_value(explain *e, const veld_schema_field *schema, veld_span canonical)
{
    veld_json_doc *doc = NULL;
    veld_status status = veld_json_parse(canonical, VELD_JSON_CANONICAL, &doc, NULL, &e->call->err);
    if (status == VELD_OK)
        status = say_json(e, schema, veld_json_root(doc));
    veld_json_doc_free(doc);
    return status;
}

/* ---- a heading ---- */
static veld_status say_record(explain *e, const veld_state_record *record)
{
    const veld_schema *schema = veld_schema_get(e->call->session->schemas, record->type);
    veld_span name = explain_record_name(e, record);
    veld_status status;
    VELD_TRY(veld_cli_say_text(e->call, schema != NULL ? schema->title : record->type));
    if (name.len > 0) {
        VELD_TRY(veld_cli_say(e->call, " "));
        VELD_TRY(say_json_text(e, name, NAME_SIGNS_MAX));
    }

done:
    return status;
}

static veld_status say_field(explain *e, const veld_state_field *field)
{
    const veld_schema *schema = veld_schema_get(e->call->session->schemas, field->record->type);
    const veld_schema_field *known = veld_schema_field_get(schema, field->name);
    return veld_cli_say_text(e->call, known != NULL ? known->label : field->name);
}

/* ---- one side ---- */
static veld_status say_clock(explain *e, const veld_origin *origin)
{
    int64_t received = veld_view_received(&e->names, origin);
    veld_status status = VELD_OK;
    if (veld_id_equal(&origin->device, veld_store_device(e->call->session->store)))
        return VELD_OK; /* the organisation's own clock */
    if (received != 0) {
        VELD_TRY(veld_cli_say(e->call, " De organisatie had dit op "));
        VELD_TRY(say_when(e, received, origin->time.offset_min));
        VELD_TRY(veld_cli_say(e->call, "."));
    }
    if (veld_anchor_is_skewed(&origin->time, received))
        VELD_TRY(veld_cli_say(e->call, " De klok van het apparaat liep toen meer dan vijf minuten "
                                       "verkeerd: het genoemde tijdstip is niet zeker."));
    else if (origin->time.quality == VELD_CLOCK_UNANCHORED)
        VELD_TRY(veld_cli_say(e->call, " De klok van het apparaat was nog nooit met die van de "
                                       "organisatie vergeleken."));
    else if (origin->time.quality == VELD_CLOCK_STALE)
        VELD_TRY(veld_cli_say(e->call, " De klok van het apparaat was sinds het opstarten niet met "
                                       "die van de organisatie vergeleken."));

done:
    return status;
}

static veld_status say_act(explain *e, const veld_meeting *meeting, const veld_entry *entry)
{
    const veld_schema *schema = veld_schema_get(e->call->session->schemas, meeting->record->type);
    const veld_schema_field *field = veld_schema_field_get(schema, entry->field->name);
    veld_status status;
    if (meeting->removal && entry->field == meeting->field)
        return veld_cli_say(e->call, "haalde dit onderdeel weg");
    VELD_TRY(veld_cli_say(e->call, "schreef "));
    if (meeting->removal) {
        VELD_TRY(veld_cli_say(e->call, "bij "));
        VELD_TRY(say_field(e, entry->field));
        VELD_TRY(veld_cli_say(e->call, " "));
    }
    VELD_TRY(say_value(e, field, entry->value));

done:
    return status;
}

/* Who else had it before her, as far as her own later work shows. */
static veld_status say_sightings(explain *e, const veld_meeting *meeting, size_t side)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < meeting->sightings_count; i++) {
        veld_change change;
        veld_arena arena;
        const veld_node *node = meeting->sightings[i].change;
        if (meeting->sightings[i].side != side)
            continue;
        veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
        status = veld_case_change(e->opened, &node->id, &arena, &change, &e->call->err);
        veld_change_time time = status == VELD_OK ? change.time : (veld_change_time){0};
        veld_arena_release(&arena);
        VELD_TRY(status);
        VELD_TRY(veld_cli_say(e->call, "     "));
        VELD_TRY(say_who(e, &node->chain.device));
        VELD_TRY(veld_cli_say(e->call, " had dit uiterlijk op "));
        VELD_TRY(say_when(e, time.wall_utc_ms, time.offset_min));
        VELD_TRY(veld_cli_say(e->call, " gezien of kunnen zien.\n"));
    }

done:
    return status;
}

static veld_status say_side(explain *e, const veld_meeting *meeting, size_t side)
{
    const veld_entry *entry = meeting->sides[side];
    const veld_change_time *time = &entry->origin->time;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   - "));
    VELD_TRY(say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, ", "));
    VELD_TRY(say_when(e, time->wall_utc_ms, time->offset_min));
    VELD_TRY(veld_cli_say(e->call, ": "));
    VELD_TRY(say_act(e, meeting, entry));
    VELD_TRY(veld_cli_say(e->call, "."));
    VELD_TRY(say_clock(e, entry->origin));
    VELD_TRY(veld_cli_say(e->call, "\n"));
    VELD_TRY(say_sightings(e, meeting, side));

done:
    return status;
}

/* ---- what became of it ---- */
static const veld_schema_field *schema_of(const explain *e, const veld_state_field *field)
{
    const veld_schema_set *schemas = e->call->session->schemas;
    return veld_schema_field_get(veld_schema_get(schemas, field->record->type), field->name);
}

/* A later write on a field: of people who decided, or of somebody who just wrote. */
static veld_status say_who_ended(
    explain *e, const veld_entry *entry, const explain_decision *decision, bool decided)
{
    const veld_change_time *time = &entry->origin->time;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   %s ", decided ? "Besloten:" : "Daarna:"));
    if (decision->by.len > 0)
        VELD_TRY(say_name(e, decision->by));
    else
        VELD_TRY(say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, decided ? " koos op " : " schreef op "));
    VELD_TRY(say_when(e, time->wall_utc_ms, time->offset_min));
    VELD_TRY(veld_cli_say(e->call, " "));
    if (veld_span_equal(entry->field->name, veld_span_text(VELD_FIELD_REMOVED)))
        status = veld_cli_say(e->call, veld_span_equal(entry->value, veld_span_text("true"))
                                           ? "dat het onderdeel weg is"
                                           : "dat het onderdeel blijft");
    else
        status = say_value(e, schema_of(e, entry->field), entry->value);

done:
    return status;
}

static veld_status say_reason(explain *e, const veld_entry *entry, const explain_decision *decision)
{
    veld_status status = VELD_OK;
    if (decision->reason.len > 0) {
        VELD_TRY(veld_cli_say(e->call, " Reden: "));
        VELD_TRY(say_json_text(e, decision->reason, SIZE_MAX));
    }
    if (decision->confirmed != NULL) {
        VELD_TRY(veld_cli_say(e->call, " Bevestigd door "));
        VELD_TRY(say_name(e, decision->confirmed->value));
        VELD_TRY(veld_cli_say(e->call, "."));
    }
    VELD_TRY(say_clock(e, entry->origin));
    VELD_TRY(veld_cli_say(e->call, "\n"));

done:
    return status;
}

static veld_status say_ending(explain *e, const veld_meeting *meeting, const veld_entry *entry)
{
    explain_decision decision;
    veld_status status;
    bool decided = explain_find_decision(e, entry, &decision);
    size_t replaced = 0;
    for (size_t i = 0; i < meeting->sides_count; i++) {
        for (size_t j = 0; j < entry->replaces_count; j++)
            replaced += veld_write_id_equal(&entry->replaces[j], &meeting->sides[i]->id);
    }
    VELD_TRY(say_who_ended(e, entry, &decision, decided));
    VELD_TRY(veld_cli_say(e->call, ", met %s voor zich.",
        replaced < meeting->sides_count && !meeting->removal
            ? "niet alle, maar een deel van deze invullingen"
            : "al deze invullingen"));
    status = say_reason(e, entry, &decision);

done:
    return status;
}

static veld_status say_outcome(explain *e, const veld_meeting *meeting)
{
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   Regel: %s.\n", explain_rule(meeting)));
    if (meeting->removal) {
        VELD_TRY(veld_cli_say(e->call, "   Tot er gekozen was bleef het onderdeel staan.\n"));
    } else {
        VELD_TRY(veld_cli_say(e->call, "   Zolang alleen deze invullingen er waren, gold: "));
        VELD_TRY(say_value(e, meeting->schema, meeting->meanwhile));
        VELD_TRY(veld_cli_say(e->call, ".\n"));
    }
    for (size_t i = 0; i < meeting->endings_count; i++)
        VELD_TRY(say_ending(e, meeting, meeting->endings[i]));
    if (meeting->is_open)
        VELD_TRY(veld_cli_say(e->call, "   Hierover moet nog iemand kiezen.\n"));
    else if (meeting->endings_count == 0)
        VELD_TRY(veld_cli_say(e->call, "   Niemand hoefde hierover te kiezen.\n"));

done:
    return status;
}

static veld_status say_meeting(explain *e, size_t number, const veld_meeting *meeting)
{
    size_t order[VELD_MEETING_WRITES_MAX];
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "\n%zu. ", number));
    VELD_TRY(say_record(e, meeting->record));
    if (meeting->removal) {
        VELD_TRY(veld_cli_say(e->call, "\n   Iemand haalde dit weg terwijl een ander eraan werkte. "
                                       "Geen van hen had gezien wat de ander deed:\n"));
    } else {
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(say_field(e, meeting->field));
        VELD_TRY(veld_cli_say(e->call,
            "\n   Dit is %zu keer los van elkaar ingevuld. Wie schreef "
            "had de andere invulling toen niet gezien.\n",
            meeting->sides_count));
        VELD_TRY(veld_cli_say(e->call, "   Ervoor stond er: "));
        VELD_TRY(say_value(e, meeting->schema, meeting->base));
        VELD_TRY(veld_cli_say(e->call, ".\n"));
    }
    explain_order(meeting, order);
    for (size_t i = 0; i < meeting->sides_count; i++)
        VELD_TRY(say_side(e, meeting, order[i]));
    VELD_TRY(say_outcome(e, meeting));

done:
    return status;
}

/* ---- what is held back ---- */
static const char *why_held(veld_held held)
{
    switch (held) {
    case VELD_HELD_NOT:
        break;
    case VELD_HELD_DANGER:
        return "Dit geeft minder bescherming, en wie het schreef kende niet al het gevaar dat "
               "anderen hadden opgeschreven. Het telt daarom pas als iemand die alles kent ervoor "
               "kiest.";
    case VELD_HELD_RESTRICTION:
        return "Dit geeft meer prijs dan daarvoor. Dat telt alleen na een beslissing van een "
               "medewerker.";
    case VELD_HELD_TRANSITION:
        return "Deze stap past niet op de stand die er was. Daarom moet iemand ernaar kijken.";
    case VELD_HELD_GUARD:
        return "Dit mag niet zolang er acuut gevaar is of een zwaarwegende keuze openstaat.";
    case VELD_HELD_UNDECIDED:
        return "Hierover kiezen twee medewerkers samen. Wie er intussen iets bij schrijft, beslist "
               "dat niet alleen: het staat naast de andere invullingen.";
    }
    return "";
}

static veld_status say_line(
    explain *e, const veld_entry *entry, const veld_schema_field *field, bool with_record)
{
    const veld_change_time *time = &entry->origin->time;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   - "));
    VELD_TRY(say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, ", "));
    VELD_TRY(say_when(e, time->wall_utc_ms, time->offset_min));
    VELD_TRY(veld_cli_say(e->call, ": schreef "));
    if (with_record) {
        VELD_TRY(veld_cli_say(e->call, "bij "));
        VELD_TRY(say_record(e, entry->field->record));
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(say_field(e, entry->field));
        VELD_TRY(veld_cli_say(e->call, " "));
    }
    VELD_TRY(say_value(e, field, entry->value));
    VELD_TRY(veld_cli_say(e->call, "."));
    VELD_TRY(say_clock(e, entry->origin));
    VELD_TRY(veld_cli_say(e->call, "\n"));

done:
    return status;
}

/* The write that is, or was, held back, and what for. */
static veld_status say_held_back(explain *e, const explain_settled *held)
{
    const veld_schema_field *field = schema_of(e, held->side.entry->field);
    bool open = held->ending == NULL;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   Dit %s opgeschreven en %s nog niet:\n", open ? "is" : "was",
        open ? "telt" : "telde"));
    VELD_TRY(say_line(e, held->side.entry, field, false));
    VELD_TRY(veld_cli_say(e->call, "   %s\n", why_held(held->side.held)));
    for (size_t i = 0; i < held->dangers_count; i++)
        VELD_TRY(say_line(e, held->dangers[i], schema_of(e, held->dangers[i]->field), true));
    VELD_TRY(veld_cli_say(
        e->call, "   Tot er gekozen %s %s: ", open ? "is" : "was", open ? "geldt" : "gold"));
    VELD_TRY(say_value(e, field, held->effective));
    VELD_TRY(veld_cli_say(e->call, ".\n"));

done:
    return status;
}

static veld_status say_held(explain *e, size_t number, const explain_settled *held)
{
    explain_decision decision;
    const veld_entry *about = held->side.entry != NULL ? held->side.entry : held->ending;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "\n%zu. ", number));
    VELD_TRY(say_record(e, about->field->record));
    if (!veld_span_equal(about->field->name, veld_span_text(VELD_FIELD_REMOVED))) {
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(say_field(e, about->field));
    }
    VELD_TRY(veld_cli_say(e->call, "\n"));
    if (held->side.entry != NULL)
        VELD_TRY(say_held_back(e, held));
    if (held->ending == NULL)
        goto done;
    bool decided = explain_find_decision(e, held->ending, &decision);
    VELD_TRY(say_who_ended(e, held->ending, &decision, decided));
    VELD_TRY(veld_cli_say(e->call, "."));
    status = say_reason(e, held->ending, &decision);

done:
    return status;
}

/* ---- the whole ---- */
static veld_status say_title(explain *e)
{
    veld_view_summary summary;
    veld_status status;
    VELD_TRY(veld_view_summarise(
        veld_case_state(e->opened), e->call->session->schemas, &e->arena, &summary, &e->call->err));
    VELD_TRY(veld_cli_say(e->call, "Wat los van elkaar is opgeschreven in de zaak "));
    if (summary.title.len > 0 && summary.title.data[0] == '"')
        VELD_TRY(say_json_text(e, summary.title, SIZE_MAX));
    else
        VELD_TRY(veld_cli_say(e->call, "zonder titel"));
    VELD_TRY(veld_cli_say(e->call, "\n\n"));

done:
    return status;
}

veld_status explain_text(explain *e)
{
    size_t changes = veld_graph_count(veld_case_graph(e->opened));
    veld_status status;
    VELD_TRY(say_title(e));
    VELD_TRY(veld_cli_say(e->call,
        "Medewerkers schrijven ook zonder verbinding. Dan kan het zijn dat twee van hen hetzelfde\n"
        "invullen zonder dat van elkaar te weten. Hieronder staat waar dat gebeurde, wat ieder\n"
        "schreef, welke regel toen gold, en wie daarna wat besloot. Niets is weggegooid: alles "
        "wat\n"
        "iemand schreef is bewaard en ondertekend door het apparaat waarop het geschreven is.\n"
        "Tijden zijn die van het apparaat van de schrijver.\n"));
    VELD_TRY(veld_cli_say(e->call, "Onderzocht: %zu keer dat iemand iets opsloeg.\n", changes));
    if (e->count == 0 && e->conflicts_count == 0 && e->settled_count == 0)
        VELD_TRY(veld_cli_say(e->call, "\nNergens is iets los van elkaar ingevuld.\n"));
    size_t number = 0;
    for (size_t i = 0; i < e->count; i++)
        VELD_TRY(say_meeting(e, ++number, &e->meetings[i]));
    for (size_t i = 0; i < e->conflicts_count; i++) {
        explain_settled open;
        if (explain_is_held(&e->conflicts[i], &open))
            VELD_TRY(say_held(e, ++number, &open));
    }
    for (size_t i = 0; i < e->settled_count; i++)
        VELD_TRY(say_held(e, ++number, &e->settled[i]));
    if (e->cut)
        VELD_TRY(veld_cli_say(e->call,
            "\nVan velden met meer dan %d invullingen zijn de nieuwste bekeken.\n",
            VELD_MEETING_WRITES_MAX));

done:
    return status;
}
