/* What may be filled in: the schemas as a list for who types a record. */
#include "veldkit/compartment.h"
#include "veldkit/labels.h"

#define ANSWER                                                                                     \
    "[{\"type\",\"title\",\"note\",\"compartment\",\"byProgram\",\"fields\":[{\"name\",\"label\"," \
    "\"note\",\"kind\",\"set\",\"required\",\"min\",\"max\",\"to\",\"choices\":[{\"value\","       \
    "\"label\"}]}]}]"

const char veld_label_types_answer[] = ANSWER;

static bool has_bounds(const veld_schema_field *field)
{
    return field->kind == VELD_KIND_TEXT || field->kind == VELD_KIND_LONG_TEXT ||
           field->kind == VELD_KIND_INTEGER;
}

/* ---- JSON ---- */
static void json_flag(veld_json_writer *writer, const char *name, bool value)
{
    veld_json_writer_name(writer, name);
    veld_json_writer_boolean(writer, value);
}

static void json_choices(veld_json_writer *writer, const veld_schema_field *field)
{
    veld_json_writer_name(writer, "choices");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < field->choices_count; i++) {
        veld_json_writer_object_begin(writer);
        veld_cli_json_text(writer, "label", field->choices[i].label);
        veld_cli_json_text(writer, "value", field->choices[i].value);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
}

static void json_field(veld_json_writer *writer, const veld_schema_field *field)
{
    veld_json_writer_object_begin(writer);
    if (field->kind == VELD_KIND_CHOICE)
        json_choices(writer, field);
    veld_cli_json_text(writer, "kind", veld_span_text(veld_kind_name(field->kind)));
    veld_cli_json_text(writer, "label", field->label);
    if (has_bounds(field)) {
        veld_json_writer_name(writer, "max");
        veld_json_writer_integer(writer, field->max);
        veld_json_writer_name(writer, "min");
        veld_json_writer_integer(writer, field->min);
    }
    veld_cli_json_text(writer, "name", field->name);
    veld_cli_json_text(writer, "note", field->note);
    json_flag(writer, "required", field->required);
    json_flag(writer, "set", veld_policy_is_set(field->policy));
    if (field->kind == VELD_KIND_REFERENCE)
        veld_cli_json_text(writer, "to", field->to);
    veld_json_writer_object_end(writer);
}

static void json_schema(veld_json_writer *writer, const veld_schema *schema)
{
    veld_json_writer_object_begin(writer);
    json_flag(writer, "byProgram", veld_type_is_programs(schema->type));
    veld_cli_json_text(
        writer, "compartment", veld_span_text(veld_compartment_name(schema->compartment)));
    veld_json_writer_name(writer, "fields");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < schema->fields_count; i++)
        json_field(writer, &schema->fields[i]);
    veld_json_writer_array_end(writer);
    veld_cli_json_text(writer, "note", schema->note);
    veld_cli_json_text(writer, "title", schema->title);
    veld_cli_json_text(writer, "type", schema->type);
    veld_json_writer_object_end(writer);
}

/* ---- text ---- */
static veld_status say_row(veld_cli_call *call, const veld_schema *schema)
{
    const bool is_elsewhere =
        schema->compartment != VELD_COMPARTMENT_MAIN && schema->compartment != VELD_COMPARTMENT_ANY;
    veld_status status;
    VELD_TRY(
        veld_cli_say(call, "%-22.*s ", (int)schema->type.len, (const char *)schema->type.data));
    VELD_TRY(veld_cli_say_text(call, schema->title));
    if (is_elsewhere)
        VELD_TRY(
            veld_cli_say(call, " (in het deel %s)", veld_compartment_name(schema->compartment)));
    VELD_TRY(veld_cli_say(
        call, veld_type_is_programs(schema->type) ? " (maakt het programma zelf)\n" : "\n"));

done:
    return status;
}

/* What is typed as a value of the field. */
static veld_status say_kind(
    veld_cli_call *call, const veld_schema_set *schemas, const veld_schema_field *field)
{
    switch (field->kind) {
    case VELD_KIND_TEXT:
        return veld_cli_say(call, "tekst van één regel, %lld tot %lld tekens",
            (long long)field->min, (long long)field->max);
    case VELD_KIND_LONG_TEXT:
        return veld_cli_say(
            call, "tekst, %lld tot %lld tekens", (long long)field->min, (long long)field->max);
    case VELD_KIND_INTEGER:
        return veld_cli_say(call, "geheel getal van %lld tot en met %lld", (long long)field->min,
            (long long)field->max);
    case VELD_KIND_BOOLEAN:
        return veld_cli_say(call, "true (ja) of false (nee)");
    case VELD_KIND_DATE:
        return veld_cli_say(call, "een datum als 2026-03-02");
    case VELD_KIND_INSTANT:
        return veld_cli_say(call, "een tijd als 2026-03-02T20:30:00+01:00");
    case VELD_KIND_CHOICE:
        return veld_cli_say(call, "een van deze keuzen");
    case VELD_KIND_REFERENCE:
        break;
    }
    veld_status status = veld_cli_say(call, "nummer van een onderdeel ");
    return status == VELD_OK ? veld_cli_say_text(call, veld_label_type(schemas, field->to))
                             : status;
}

static veld_status say_type_field(
    veld_cli_call *call, const veld_schema_set *schemas, const veld_schema_field *field)
{
    veld_status status;
    VELD_TRY(
        veld_cli_say(call, "  %-20.*s ", (int)field->name.len, (const char *)field->name.data));
    VELD_TRY(veld_cli_say_text(call, field->label));
    VELD_TRY(veld_cli_say(call, ": "));
    VELD_TRY(say_kind(call, schemas, field));
    VELD_TRY(veld_cli_say(call, "%s%s\n",
        veld_policy_is_set(field->policy) ? "; een lijst: [..., ...]" : "",
        field->required ? "; verplicht" : ""));
    if (field->note.len > 0) {
        VELD_TRY(veld_cli_say(call, "      "));
        VELD_TRY(veld_cli_say_text(call, field->note));
        VELD_TRY(veld_cli_say(call, "\n"));
    }
    for (size_t i = 0; i < field->choices_count; i++) {
        const veld_choice *choice = &field->choices[i];
        VELD_TRY(veld_cli_say(
            call, "      %-20.*s ", (int)choice->value.len, (const char *)choice->value.data));
        VELD_TRY(veld_cli_say_text(call, choice->label));
        VELD_TRY(veld_cli_say(call, "\n"));
    }

done:
    return status;
}

static veld_status say_schema(
    veld_cli_call *call, const veld_schema_set *schemas, const veld_schema *schema)
{
    veld_status status;
    VELD_TRY(say_row(call, schema));
    if (schema->note.len > 0) {
        VELD_TRY(veld_cli_say_text(call, schema->note));
        VELD_TRY(veld_cli_say(call, "\n"));
    }
    VELD_TRY(veld_cli_say(call, "\n"));
    for (size_t i = 0; i < schema->fields_count; i++)
        VELD_TRY(say_type_field(call, schemas, &schema->fields[i]));

done:
    return status;
}

/* ---- the verb ---- */
static veld_status fail_unknown(
    veld_cli_call *call, const veld_schema_set *schemas, veld_span typed)
{
    char near[VELD_SCHEMA_NEAR_BYTES_MAX];
    if (veld_schema_near_types(schemas, typed, near) == VELD_SCHEMA_NEAR_NONE)
        return veld_fail(&call->err, VELD_E_INVALID, "unknown record type");
    return veld_fail(&call->err, VELD_E_INVALID, "unknown record type; it resembles: %s", near);
}

static veld_status say_all(veld_cli_call *call, const veld_schema *first, size_t count)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count && status == VELD_OK; i++)
        status = say_row(call, &first[i]);
    if (status == VELD_OK)
        status = veld_cli_say(call, "\nDe velden en keuzen van een soort: %s record types SOORT\n",
            call->program->name);
    return status;
}

static veld_status answer_json(veld_cli_call *call, const veld_schema *first, size_t count)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < count; i++)
        json_schema(&writer, &first[i]);
    veld_json_writer_array_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status veld_label_verb_types(veld_cli_call *call)
{
    veld_schema_set *schemas = NULL;
    size_t count = 0;
    const bool is_one = call->arguments_count > 0;
    veld_status status;
    VELD_TRY(veld_schema_set_new(&schemas, &call->err));
    const veld_schema *first = veld_schema_list(schemas, &count);
    if (is_one) {
        const veld_span typed = veld_span_text(call->arguments[0]);
        first = veld_schema_get(schemas, typed);
        count = 1;
        if (first == NULL) {
            status = fail_unknown(call, schemas, typed);
            goto done;
        }
    }
    if (veld_cli_given(call, VELD_CLI_JSON))
        status = answer_json(call, first, count);
    else if (is_one)
        status = say_schema(call, schemas, first);
    else
        status = say_all(call, first, count);

done:
    veld_schema_set_free(schemas);
    return status;
}
