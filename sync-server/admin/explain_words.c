/* Single things in plain Dutch: a moment, a person, a value, a record, how far a clock is believed.
 * No numbers where a name or a title serves, no word of our trade; what is not certain is said to
 * be. Times are those that the author's device showed. */
#include "explain.h"

#include "veldkit/anchor.h"
#include "veldkit/time.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000, MINUTE_MS = 60000 };

veld_status explain_say_when(explain *e, int64_t utc_ms)
{
    static const char *const months[] = {"januari", "februari", "maart", "april", "mei", "juni",
        "juli", "augustus", "september", "oktober", "november", "december"};
    int64_t local = utc_ms + (int64_t)veld_dutch_offset_min(utc_ms) * MINUTE_MS;
    int64_t days = local / DAY_MS - (local % DAY_MS < 0);
    int64_t in_day = local - days * DAY_MS;
    veld_date date = veld_date_from_days(days);
    return veld_cli_say(e->call, "%d %s %d om %02d.%02d uur", (int)date.day, months[date.month - 1],
        (int)date.year, (int)(in_day / HOUR_MS), (int)(in_day / MINUTE_MS % 60));
}

veld_status explain_say_who(explain *e, const veld_id *device)
{
    veld_span worker = e->names.worker(e->names.context, device);
    return worker.len > 0 ? veld_cli_say_text(e->call, worker)
                          : veld_cli_say(e->call, "iemand op een apparaat dat hier niet bekend is");
}

/* ---- values ---- */

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

veld_status explain_say_json_text(explain *e, veld_span canonical, size_t signs_max)
{
    veld_json_doc *doc = NULL;
    veld_span text = {0};
    veld_status status = veld_json_parse(canonical, VELD_JSON_CANONICAL, &doc, NULL, &e->call->err);
    if (status == VELD_OK && veld_json_text(veld_json_root(doc), &text))
        status = say_string(e, text, signs_max);
    veld_json_doc_free(doc);
    return status;
}

veld_status explain_say_name(explain *e, veld_span canonical)
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
        return explain_say_when(e, instant.utc_ms);
    if (schema != NULL && schema->kind == VELD_KIND_REFERENCE) {
        const veld_state_record *record = referred(e, text);
        veld_span name = record != NULL ? explain_record_name(e, record) : (veld_span){0};
        if (name.len > 0)
            return explain_say_json_text(e, name, EXPLAIN_SIGNS_MAX);
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

veld_status explain_say_value(explain *e, const veld_schema_field *schema, veld_span canonical)
{
    veld_json_doc *doc = NULL;
    veld_status status = veld_json_parse(canonical, VELD_JSON_CANONICAL, &doc, NULL, &e->call->err);
    if (status == VELD_OK)
        status = say_json(e, schema, veld_json_root(doc));
    veld_json_doc_free(doc);
    return status;
}

/* ---- what it is about ---- */

veld_status explain_say_record(explain *e, const veld_state_record *record)
{
    veld_span name = explain_record_name(e, record);
    veld_status status;
    VELD_TRY(veld_cli_say_text(e->call, veld_label_type(e->call->session->schemas, record->type)));
    if (name.len > 0) {
        VELD_TRY(veld_cli_say(e->call, " "));
        VELD_TRY(explain_say_json_text(e, name, EXPLAIN_SIGNS_MAX));
    }

done:
    return status;
}

veld_status explain_say_field(explain *e, const veld_state_field *field)
{
    return veld_cli_say_text(
        e->call, veld_label_field(e->call->session->schemas, field->record->type, field->name));
}

veld_status explain_say_clock(explain *e, const veld_origin *origin)
{
    int64_t received = veld_view_received(&e->names, origin);
    veld_status status = VELD_OK;
    if (veld_id_equal(&origin->device, veld_store_device(e->call->session->store)))
        return VELD_OK; /* the organisation's own clock */
    if (received != 0) {
        VELD_TRY(veld_cli_say(e->call, " De organisatie had dit op "));
        VELD_TRY(explain_say_when(e, received));
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
