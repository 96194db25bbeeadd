/* Names that are offered in place of one that the schemas do not know. People see the labels, so a
 * label counts as the name. */
#include <string.h>

#include "schema_inner.h"
#include "veldkit/compartment.h"
#include "veldkit/nearest.h"

/* The names of one list of a schema, by number; an empty one is passed over. */
typedef struct names {
    const void *list;
    size_t count;
    void (*at)(const void *list, size_t number, veld_span *name, veld_span *label);
} names;

static void type_at(const void *list, size_t number, veld_span *name, veld_span *label)
{
    const veld_schema *schema = (const veld_schema *)list + number;
    *name = veld_type_is_programs(schema->type) ? (veld_span){0} : schema->type;
    *label = schema->title;
}

static void field_at(const void *list, size_t number, veld_span *name, veld_span *label)
{
    const veld_schema_field *field = (const veld_schema_field *)list + number;
    *name = field->name;
    *label = field->label;
}

static void choice_at(const void *list, size_t number, veld_span *name, veld_span *label)
{
    const veld_choice *choice = (const veld_choice *)list + number;
    *name = choice->value;
    *label = choice->label;
}

static bool is_meant(veld_span typed, veld_span known)
{
    return veld_nearest_holds(known, typed) ||
           veld_nearest_is_slip(typed, veld_nearest_distance(typed, known));
}

/* False when it does not fit any more; `out` then ends before it. */
static bool add(char out[VELD_SCHEMA_NEAR_BYTES_MAX], veld_span name)
{
    size_t len = strlen(out);
    size_t comma = len > 0 ? 2 : 0;
    if (len + comma + name.len >= VELD_SCHEMA_NEAR_BYTES_MAX)
        return false;
    memcpy(out + len, ", ", comma);
    memcpy(out + len + comma, name.data, name.len);
    out[len + comma + name.len] = '\0';
    return true;
}

static veld_schema_near list(
    const names *known, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX])
{
    veld_span name, label;
    bool whole = true;
    out[0] = '\0';
    for (size_t i = 0; i < known->count && whole; i++) {
        known->at(known->list, i, &name, &label);
        whole = name.len == 0 || add(out, name);
    }
    if (whole)
        return VELD_SCHEMA_NEAR_ALL;
    out[0] = '\0';
    for (size_t i = 0; i < known->count; i++) {
        known->at(known->list, i, &name, &label);
        if (name.len > 0 && (is_meant(typed, name) || is_meant(typed, label)))
            (void)add(out, name);
    }
    return out[0] != '\0' ? VELD_SCHEMA_NEAR_SOME : VELD_SCHEMA_NEAR_NONE;
}

veld_schema_near veld_schema_near_types(
    const veld_schema_set *set, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX])
{
    names known = {.at = type_at};
    known.list = veld_schema_list(set, &known.count);
    return list(&known, typed, out);
}

veld_schema_near veld_schema_near_fields(
    const veld_schema *schema, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX])
{
    const names known = {schema->fields, schema->fields_count, field_at};
    return list(&known, typed, out);
}

veld_schema_near veld_schema_near_choices(
    const veld_schema_field *field, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX])
{
    const names known = {field->choices, field->choices_count, choice_at};
    return list(&known, typed, out);
}
