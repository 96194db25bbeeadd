/* The story in plain Dutch: what met, what became of it, and what is held back. */
#include "explain.h"
#include "held.h"
#include "veldkit/assert.h"

/* ---- one side ---- */
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
        VELD_TRY(explain_say_field(e, entry->field));
        VELD_TRY(veld_cli_say(e->call, " "));
    }
    VELD_TRY(explain_say_value(e, field, entry->value));

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
        VELD_TRY(explain_say_who(e, &node->chain.device));
        VELD_TRY(veld_cli_say(e->call, " had dit uiterlijk op "));
        VELD_TRY(explain_say_when(e, time.wall_utc_ms));
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
    VELD_TRY(explain_say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, ", "));
    VELD_TRY(explain_say_when(e, time->wall_utc_ms));
    VELD_TRY(veld_cli_say(e->call, ": "));
    VELD_TRY(say_act(e, meeting, entry));
    VELD_TRY(veld_cli_say(e->call, "."));
    VELD_TRY(explain_say_clock(e, entry->origin));
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
        VELD_TRY(explain_say_name(e, decision->by));
    else
        VELD_TRY(explain_say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, decided ? " koos op " : " schreef op "));
    VELD_TRY(explain_say_when(e, time->wall_utc_ms));
    VELD_TRY(veld_cli_say(e->call, " "));
    if (veld_span_equal(entry->field->name, veld_span_text(VELD_FIELD_REMOVED)))
        status = veld_cli_say(e->call, veld_span_equal(entry->value, veld_span_text("true"))
                                           ? "dat het onderdeel weg is"
                                           : "dat het onderdeel blijft");
    else
        status = explain_say_value(e, schema_of(e, entry->field), entry->value);

done:
    return status;
}

static veld_status say_reason(explain *e, const veld_entry *entry, const explain_decision *decision)
{
    veld_status status = VELD_OK;
    if (decision->reason.len > 0) {
        VELD_TRY(veld_cli_say(e->call, " Reden: "));
        VELD_TRY(explain_say_json_text(e, decision->reason, SIZE_MAX));
    }
    if (decision->confirmed != NULL) {
        VELD_TRY(veld_cli_say(e->call, " Bevestigd door "));
        VELD_TRY(explain_say_name(e, decision->confirmed->value));
        VELD_TRY(veld_cli_say(e->call, "."));
    }
    VELD_TRY(explain_say_clock(e, entry->origin));
    VELD_TRY(veld_cli_say(e->call, "\n"));

done:
    return status;
}

/* What who ended it had before her: as her change says, not as it looks afterwards. */
static const char *what_was_seen(const veld_meeting *meeting, size_t ending)
{
    if (meeting->endings_saw[ending] == meeting->sides_count)
        return ", met al deze invullingen voor zich.";
    return meeting->removal ? ", zonder gezien te hebben wat een ander er los daarvan aan deed."
                            : ", met niet alle, maar een deel van deze invullingen voor zich.";
}

/* A decision that a rule held back when it was made. */
static veld_status say_whether_it_counts(explain *e, const veld_entry *entry)
{
    veld_held now, then;
    veld_status status;
    VELD_TRY(explain_held_then(e, entry, &then, &now));
    if (then == VELD_HELD_NOT)
        goto done;
    status = veld_cli_say(e->call, now == VELD_HELD_NOT
                                       ? "   Toen telde dat nog niet, omdat iets anders in de zaak "
                                         "het verhinderde; inmiddels telt het.\n"
                                       : "   Dat telt nog niet.\n");

done:
    return status;
}

static veld_status say_ending(explain *e, const veld_meeting *meeting, size_t ending)
{
    const veld_entry *entry = meeting->endings[ending];
    explain_decision decision;
    veld_status status;
    bool decided = explain_find_decision(e, entry, &decision);
    VELD_TRY(say_who_ended(e, entry, &decision, decided));
    VELD_TRY(veld_cli_say(e->call, "%s", what_was_seen(meeting, ending)));
    VELD_TRY(say_reason(e, entry, &decision));
    status = decided ? say_whether_it_counts(e, entry) : VELD_OK;

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
        VELD_TRY(explain_say_value(e, meeting->schema, meeting->meanwhile));
        VELD_TRY(veld_cli_say(e->call, ".\n"));
    }
    for (size_t i = 0; i < meeting->endings_count; i++)
        VELD_TRY(say_ending(e, meeting, i));
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
    VELD_TRY(explain_say_record(e, meeting->record));
    if (meeting->removal) {
        VELD_TRY(veld_cli_say(e->call, "\n   Iemand haalde dit weg terwijl een ander eraan werkte. "
                                       "Geen van hen had gezien wat de ander deed:\n"));
    } else {
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(explain_say_field(e, meeting->field));
        VELD_TRY(veld_cli_say(e->call,
            "\n   Dit is %zu keer los van elkaar ingevuld. Wie schreef "
            "had de andere invulling toen niet gezien.\n",
            meeting->sides_count));
        VELD_TRY(veld_cli_say(e->call, "   Ervoor stond er: "));
        VELD_TRY(explain_say_value(e, meeting->schema, meeting->base));
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
/* For what reason; of a guard that holds it now which one. */
static veld_status say_why_held(explain *e, const explain_settled *held)
{
    veld_outlook outlook =
        veld_outlook_of(veld_case_state(e->opened), e->call->session->schemas, &e->arena);
    const veld_entry *entry = held->side.entry;
    srv_held guarded = {.type = entry->field->record->type};
    veld_status status = VELD_OK;
    if (held->side.held == VELD_HELD_GUARD && held->ending == NULL)
        VELD_TRY(veld_policy_hindrance(&outlook, entry->field, entry->value, &guarded.guard));
    if (guarded.guard == NULL)
        return veld_cli_say(e->call, "   %s\n", srv_held_why(held->side.held));
    VELD_TRY(veld_cli_say(e->call, "   Dit telt niet zolang "));
    VELD_TRY(srv_held_say_guard(e->call, &guarded));
    status = veld_cli_say(e->call, ". Is dat anders, dan telt het vanzelf.\n");

done:
    return status;
}

/* Who decided what is held back: it is no proposal that somebody still has to look at. */
static veld_status say_decided_held(explain *e, const veld_entry *entry, bool *decided)
{
    explain_decision decision;
    veld_status status;
    *decided = explain_find_decision(e, entry, &decision);
    if (!*decided)
        return VELD_OK;
    VELD_TRY(say_who_ended(e, entry, &decision, true));
    VELD_TRY(veld_cli_say(e->call, "."));
    status = say_reason(e, entry, &decision);

done:
    return status;
}

static veld_status say_line(
    explain *e, const veld_entry *entry, const veld_schema_field *field, bool with_record)
{
    const veld_change_time *time = &entry->origin->time;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   - "));
    VELD_TRY(explain_say_who(e, &entry->origin->device));
    VELD_TRY(veld_cli_say(e->call, ", "));
    VELD_TRY(explain_say_when(e, time->wall_utc_ms));
    VELD_TRY(veld_cli_say(e->call, ": schreef "));
    if (with_record) {
        VELD_TRY(veld_cli_say(e->call, "bij "));
        VELD_TRY(explain_say_record(e, entry->field->record));
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(explain_say_field(e, entry->field));
        VELD_TRY(veld_cli_say(e->call, " "));
    }
    VELD_TRY(explain_say_value(e, field, entry->value));
    VELD_TRY(veld_cli_say(e->call, "."));
    VELD_TRY(explain_say_clock(e, entry->origin));
    VELD_TRY(veld_cli_say(e->call, "\n"));

done:
    return status;
}

/* The write that is, or was, held back, and what for. */
static veld_status say_held_back(explain *e, const explain_settled *held)
{
    const veld_schema_field *field = schema_of(e, held->side.entry->field);
    bool open = held->ending == NULL, decided = false;
    veld_status status;
    VELD_TRY(veld_cli_say(e->call, "   Dit %s opgeschreven en %s nog niet:\n", open ? "is" : "was",
        open ? "telt" : "telde"));
    VELD_TRY(say_line(e, held->side.entry, field, false));
    if (open)
        VELD_TRY(say_decided_held(e, held->side.entry, &decided));
    VELD_TRY(say_why_held(e, held));
    for (size_t i = 0; i < held->dangers_count; i++)
        VELD_TRY(say_line(e, held->dangers[i], schema_of(e, held->dangers[i]->field), true));
    VELD_TRY(decided ? veld_cli_say(e->call, "   Intussen geldt: ")
                     : veld_cli_say(e->call, "   Tot er gekozen %s %s: ", open ? "is" : "was",
                           open ? "geldt" : "gold"));
    VELD_TRY(explain_say_value(e, field, held->effective));
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
    VELD_TRY(explain_say_record(e, about->field->record));
    if (!veld_span_equal(about->field->name, veld_span_text(VELD_FIELD_REMOVED))) {
        VELD_TRY(veld_cli_say(e->call, ", "));
        VELD_TRY(explain_say_field(e, about->field));
    }
    VELD_TRY(veld_cli_say(e->call, "\n"));
    if (held->side.entry != NULL)
        VELD_TRY(say_held_back(e, held));
    if (held->ending == NULL)
        goto done;
    bool decided = explain_find_decision(e, held->ending, &decision);
    VELD_TRY(say_who_ended(e, held->ending, &decision, decided));
    VELD_TRY(veld_cli_say(e->call, "."));
    VELD_TRY(say_reason(e, held->ending, &decision));
    status = decided ? say_whether_it_counts(e, held->ending) : VELD_OK;

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
        VELD_TRY(explain_say_json_text(e, summary.title, SIZE_MAX));
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
        "Tijden zijn die van de klok van het apparaat van de schrijver, in Nederlandse tijd.\n"));
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
