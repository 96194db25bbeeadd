/* What a person reads of a record: every name comes from the schemas, so that there is no second
 * list of Dutch words to keep true. */
#include "veldkit/labels.h"

#include "veldkit/assert.h"
#include "veldkit/change.h"
#include "veldkit/time.h"

veld_span veld_label_type(const veld_schema_set *schemas, veld_span type)
{
    const veld_schema *schema = veld_schema_get(schemas, type);
    return schema != NULL ? schema->title : type;
}

const veld_schema_field *veld_label_schema(
    const veld_schema_set *schemas, veld_span type, veld_span field)
{
    return veld_schema_field_get(veld_schema_get(schemas, type), field);
}

veld_span veld_label_field(const veld_schema_set *schemas, veld_span type, veld_span field)
{
    const veld_schema_field *known = veld_label_schema(schemas, type, field);
    if (veld_span_equal(field, veld_span_text(VELD_FIELD_REMOVED)))
        return veld_span_text("Weggehaald");
    return known != NULL ? known->label : field;
}

/* ---- values ---- */
static veld_status say_text(veld_cli_call *call, const veld_schema_field *field, veld_span text)
{
    veld_instant instant;
    char moment[VELD_MOMENT_TEXT_SIZE];
    for (size_t i = 0; field != NULL && i < field->choices_count; i++)
        if (veld_span_equal(field->choices[i].value, text))
            return veld_cli_say_text(call, field->choices[i].label);
    if (field == NULL || field->kind != VELD_KIND_INSTANT ||
        veld_instant_parse(text, &instant) != VELD_OK)
        return veld_cli_say_text(call, text);
    veld_moment_format(instant.utc_ms, moment);
    return veld_cli_say(call, "%s", moment);
}

static veld_status say_one(
    veld_cli_call *call, const veld_schema_field *field, const veld_json_value *value)
{
    bool truth;
    veld_span text;
    if (veld_json_boolean(value, &truth))
        return veld_cli_say(call, truth ? "ja" : "nee");
    if (veld_json_text(value, &text))
        return say_text(call, field, text);
    return veld_cli_say_value(call, value);
}

veld_status veld_label_say_value(
    veld_cli_call *call, const veld_schema_field *field, const veld_json_value *value)
{
    veld_status status = VELD_OK;
    if (veld_json_type_of(value) != VELD_JSON_TYPE_ARRAY)
        return say_one(call, field, value);
    const veld_json_value *element = veld_json_first(value);
    if (element == NULL)
        return veld_cli_say(call, "(leeg)");
    for (; element != NULL && status == VELD_OK; element = veld_json_next(element)) {
        status = say_one(call, field, element);
        if (status == VELD_OK && veld_json_next(element) != NULL)
            status = veld_cli_say(call, ", ");
    }
    return status;
}

veld_status veld_label_say_canonical(
    veld_cli_call *call, const veld_schema_field *field, veld_span json)
{
    veld_json_doc *doc = NULL;
    veld_status status = veld_json_parse(json, VELD_JSON_CANONICAL, &doc, NULL, &call->err);
    if (status == VELD_OK)
        status = veld_label_say_value(call, field, veld_json_root(doc));
    veld_json_doc_free(doc);
    return status;
}

/* ---- records ---- */
bool veld_label_is_proof(const veld_schema_set *schemas, veld_span type, veld_span field)
{
    static const char *const names[] = {"signature", "signer", "statement"};
    enum { NAMES = sizeof names / sizeof names[0] };
    const veld_schema *schema = veld_schema_get(schemas, type);
    bool is_one = false;
    for (size_t i = 0; i < NAMES; i++) {
        if (veld_schema_field_get(schema, veld_span_text(names[i])) == NULL)
            return false;
        is_one = is_one || veld_span_equal(field, veld_span_text(names[i]));
    }
    return is_one;
}

/* The type of the record that a decision is about. */
static veld_span type_about(const veld_json_value *fields, const veld_json_value *records)
{
    veld_span about = {0}, id = {0}, type = {0};
    if (!veld_json_text(veld_json_get(fields, "record"), &about))
        return type;
    const veld_json_value *one = records != NULL ? veld_json_first(records) : NULL;
    for (; one != NULL; one = veld_json_next(one))
        if (veld_json_text(veld_json_get(one, "record"), &id) && veld_span_equal(id, about))
            (void)veld_json_text(veld_json_get(one, "type"), &type);
    return type;
}

/* What stands beside a record while its fields are said. */
typedef struct sheet {
    veld_cli_call *call;
    const veld_schema_set *schemas;
    veld_span type;
    const veld_json_value *fields, *records;
} sheet;

static veld_status say_field(const sheet *on, const veld_json_value *field)
{
    veld_cli_call *call = on->call;
    const veld_span name = veld_json_name(field);
    veld_span named = {0};
    veld_status status;
    VELD_TRY(veld_cli_say(call, "  "));
    VELD_TRY(veld_cli_say_text(call, veld_label_field(on->schemas, on->type, name)));
    VELD_TRY(veld_cli_say(call, ": "));
    if (veld_span_equal(name, veld_span_text("field")) && veld_json_text(field, &named))
        VELD_TRY(veld_cli_say_text(
            call, veld_label_field(on->schemas, type_about(on->fields, on->records), named)));
    else
        VELD_TRY(veld_label_say_value(call, veld_label_schema(on->schemas, on->type, name), field));
    VELD_TRY(veld_cli_say(call, "\n"));

done:
    return status;
}

veld_status veld_label_say_record(veld_cli_call *call, const veld_schema_set *schemas,
    const veld_json_value *record, const veld_json_value *records)
{
    veld_span type = {0}, id = {0}, name = {0};
    bool removed = false;
    veld_status status;
    bool whole = veld_json_text(veld_json_get(record, "type"), &type) &&
                 veld_json_text(veld_json_get(record, "record"), &id);
    VELD_ASSERT(whole);
    (void)veld_json_boolean(veld_json_get(record, "removed"), &removed);
    VELD_TRY(veld_cli_say_text(call, veld_label_type(schemas, type)));
    VELD_TRY(veld_cli_say(
        call, "  %.*s%s\n", (int)id.len, (const char *)id.data, removed ? "  (weggehaald)" : ""));
    const veld_json_value *fields = veld_json_get(record, "fields");
    const sheet on = {call, schemas, type, fields, records};
    for (const veld_json_value *f = veld_json_first(fields); f != NULL; f = veld_json_next(f))
        if (!veld_label_is_proof(schemas, type, veld_json_name(f)))
            VELD_TRY(say_field(&on, f));
    const veld_json_value *conflict = veld_json_first(veld_json_get(record, "conflicts"));
    for (; conflict != NULL; conflict = veld_json_next(conflict)) {
        if (!veld_json_text(conflict, &name))
            continue;
        VELD_TRY(veld_cli_say(call, "  Hier moet iemand kiezen: "));
        VELD_TRY(veld_cli_say_text(call, veld_label_field(schemas, type, name)));
        VELD_TRY(veld_cli_say(call, "\n"));
    }

done:
    return status;
}

veld_status veld_label_say_place(veld_cli_call *call, const veld_schema_set *schemas,
    veld_span type, const veld_id *record, veld_span field)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(record, id);
    VELD_TRY(veld_cli_say_text(call, veld_label_type(schemas, type)));
    VELD_TRY(veld_cli_say(call, " %s: ", id));
    VELD_TRY(veld_cli_say_text(call, veld_label_field(schemas, type, field)));

done:
    return status;
}
