/* Reading schema files, which is checking them: proto/records/README.md in code. Goes on after an
 * error, so that who writes a schema sees all that is wrong. A set is only made of files without
 * any. */
#include <stdlib.h>
#include <string.h>

#include "schema_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

typedef schema_reader reader;

static veld_span literal(const char *text)
{
    return veld_span_text(text);
}

void *schema_read_memory(reader *r, size_t count, size_t size)
{
    void *memory = veld_arena_get(r->arena, count, size);
    if (memory == NULL)
        checker_wrong(&r->check, VELD_E_MEMORY, "no memory for the schemas");
    return memory;
}

veld_span schema_read_copy(reader *r, veld_span text)
{
    veld_span copy = {0};
    if (veld_arena_copy(r->arena, text, &copy) != VELD_OK)
        checker_wrong(&r->check, VELD_E_MEMORY, "no memory for the schemas");
    return copy;
}

void schema_read_members(reader *r, const veld_json_value *object, const char *const *known)
{
    for (const veld_json_value *m = veld_json_first(object); m != NULL; m = veld_json_next(m)) {
        veld_span name = veld_json_name(m);
        size_t i = 0;
        while (known[i] != NULL && !veld_span_equal(literal(known[i]), name))
            i++;
        if (known[i] == NULL)
            checker_wrong_at(&r->check, name, VELD_E_INVALID, "unknown member");
    }
}

veld_span schema_read_text(reader *r, const veld_json_value *object, const char *name, bool needed)
{
    veld_span text = {0};
    const veld_json_value *member = veld_json_get(object, name);
    if (member == NULL && !needed)
        return text;
    if (!veld_json_text(member, &text) || text.len == 0) {
        checker_wrong_at(&r->check, literal(name), VELD_E_INVALID, "a text is needed here");
        return (veld_span){0};
    }
    if (schema_code_points(text) > VELD_SCHEMA_LABEL_MAX)
        checker_wrong_at(&r->check, literal(name), VELD_E_INVALID, "text is too long");
    return schema_read_copy(r, text);
}

bool schema_read_flag(reader *r, const veld_json_value *object, const char *name)
{
    bool flag = false;
    const veld_json_value *member = veld_json_get(object, name);
    if (member != NULL && !veld_json_boolean(member, &flag))
        checker_wrong_at(&r->check, literal(name), VELD_E_INVALID, "true or false");
    return flag;
}

static bool read_kind(reader *r, veld_span name, veld_kind *out)
{
    for (int kind = VELD_KIND_TEXT; kind <= VELD_KIND_REFERENCE; kind++) {
        if (veld_span_equal(name, literal(veld_kind_name((veld_kind)kind)))) {
            *out = (veld_kind)kind;
            return true;
        }
    }
    if (name.len > 0)
        checker_wrong_at(&r->check, literal("kind"), VELD_E_INVALID, "unknown kind");
    return false;
}

static bool read_policy(reader *r, veld_span name, veld_policy *out)
{
    for (int policy = VELD_POLICY_WRITE_ONCE; policy <= VELD_POLICY_MERGE_TEXT; policy++) {
        if (veld_span_equal(name, literal(veld_policy_name((veld_policy)policy)))) {
            *out = (veld_policy)policy;
            return true;
        }
    }
    if (name.len > 0)
        checker_wrong_at(&r->check, literal("policy"), VELD_E_INVALID, "unknown policy");
    return false;
}

static void read_bounds(reader *r, const veld_json_value *object, veld_schema_field *field)
{
    bool text = field->kind == VELD_KIND_TEXT || field->kind == VELD_KIND_LONG_TEXT;
    if (!text && field->kind != VELD_KIND_INTEGER) {
        if (veld_json_get(object, "min") != NULL || veld_json_get(object, "max") != NULL)
            checker_wrong(&r->check, VELD_E_INVALID, "this kind has no min and max");
        return;
    }
    if (!veld_json_integer(veld_json_get(object, "min"), &field->min) ||
        !veld_json_integer(veld_json_get(object, "max"), &field->max)) {
        checker_wrong(&r->check, VELD_E_INVALID, "this kind needs min and max, both integers");
        return;
    }
    if (field->min > field->max)
        checker_wrong(&r->check, VELD_E_INVALID, "min is above max");
    if (text && field->min < 1)
        checker_wrong(&r->check, VELD_E_INVALID, "min of a text is at least 1");
    if (text && field->max > (int64_t)VELD_SCHEMA_TEXT_MAX)
        checker_wrong(
            &r->check, VELD_E_INVALID, "max of a text is at most %u", VELD_SCHEMA_TEXT_MAX);
}

static void read_choice(
    reader *r, const veld_json_value *object, veld_choice *choices, size_t index)
{
    static const char *const known[] = {"value", "label", NULL};
    size_t mark = veld_json_pointer_index(&r->check.pointer, index);
    schema_read_members(r, object, known);
    choices[index].value = schema_read_text(r, object, "value", true);
    choices[index].label = schema_read_text(r, object, "label", true);
    veld_span value = choices[index].value;
    if (value.len > 0 && !schema_is_name(value, false, VELD_CHANGE_NAME_BYTES_MAX) &&
        !schema_is_name(value, true, VELD_CHANGE_NAME_BYTES_MAX))
        checker_wrong(
            &r->check, VELD_E_INVALID, "a value is letters and digits, a small one first");
    for (size_t i = 0; i < index; i++) {
        if (veld_span_equal(choices[i].value, value))
            checker_wrong(&r->check, VELD_E_INVALID, "two equal values");
    }
    veld_json_pointer_back(&r->check.pointer, mark);
}

/* The choices, that the order of protection may still rank; NULL when there are none. */
static veld_choice *read_choices(reader *r, const veld_json_value *object, veld_schema_field *field)
{
    const veld_json_value *list = veld_json_get(object, "values");
    if (field->kind != VELD_KIND_CHOICE) {
        if (list != NULL)
            checker_wrong(&r->check, VELD_E_INVALID, "only a choice has values");
        return NULL;
    }
    size_t count = veld_json_count(list);
    if (veld_json_type_of(list) != VELD_JSON_TYPE_ARRAY || count < 2 ||
        count > VELD_SCHEMA_CHOICES_MAX) {
        checker_wrong(
            &r->check, VELD_E_INVALID, "a choice needs 2 to %u values", VELD_SCHEMA_CHOICES_MAX);
        return NULL;
    }
    veld_choice *choices = schema_read_memory(r, count, sizeof *choices);
    if (choices == NULL)
        return NULL;
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("values"));
    size_t index = 0;
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v))
        read_choice(r, v, choices, index++);
    veld_json_pointer_back(&r->check.pointer, mark);
    field->choices = choices;
    field->choices_count = count;
    return choices;
}

static void read_target(reader *r, const veld_json_value *object, veld_schema_field *field)
{
    if (field->kind != VELD_KIND_REFERENCE) {
        if (veld_json_get(object, "to") != NULL)
            checker_wrong(&r->check, VELD_E_INVALID, "only a reference has a type that it names");
        return;
    }
    field->to = schema_read_text(r, object, "to", true);
    bool exists = field->to.len == 0;
    for (size_t i = 0; i < r->sources_count; i++)
        exists = exists || veld_span_equal(field->to, literal(r->sources[i].name));
    if (!exists)
        checker_wrong_at(&r->check, literal("to"), VELD_E_INVALID, "no such record type");
}

static void read_field(reader *r, const veld_json_value *object, veld_schema_field *field)
{
    static const char *const known[] = {"kind", "min", "max", "values", "to", "policy",
        "protective", "danger", "heldByDanger", "next", "first", "guards", "decided", "mergeNot",
        "critical", "urgent", "label", "required", "note", NULL};
    veld_span name = veld_json_name(object);
    size_t mark = veld_json_pointer_name(&r->check.pointer, name);
    if (!schema_is_name(name, false, VELD_CHANGE_NAME_BYTES_MAX))
        checker_wrong(&r->check, VELD_E_INVALID, "a name is letters and digits, a small one first");
    if (veld_json_type_of(object) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&r->check, VELD_E_INVALID, "a field is an object");
        goto done;
    }
    schema_read_members(r, object, known);
    field->name = schema_read_copy(r, name);
    field->label = schema_read_text(r, object, "label", true);
    field->note = schema_read_text(r, object, "note", false);
    bool kind = read_kind(r, schema_read_text(r, object, "kind", true), &field->kind);
    bool policy = read_policy(r, schema_read_text(r, object, "policy", true), &field->policy);
    field->required = schema_read_flag(r, object, "required");
    field->critical = schema_read_flag(r, object, "critical");
    field->urgent = schema_read_flag(r, object, "urgent");
    if (kind) {
        read_bounds(r, object, field);
        veld_choice *choices = read_choices(r, object, field);
        read_target(r, object, field);
        if (policy) {
            schema_read_order(r, object, choices, field);
            schema_read_danger(r, object, choices, field);
            schema_read_log(r, object, choices, field);
            schema_read_merge(r, object, field);
        }
    }
    if (kind && policy && field->kind == VELD_KIND_BOOLEAN && veld_policy_is_set(field->policy))
        checker_wrong(&r->check, VELD_E_INVALID, "a set of booleans says nothing");
done:
    veld_json_pointer_back(&r->check.pointer, mark);
}

static void read_fields(reader *r, const veld_json_value *list, veld_schema *schema)
{
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("fields"));
    size_t count = veld_json_count(list);
    veld_schema_field *fields = NULL;
    if (veld_json_type_of(list) != VELD_JSON_TYPE_OBJECT || count == 0 ||
        count > VELD_SCHEMA_FIELDS_MAX)
        checker_wrong(&r->check, VELD_E_INVALID, "an object of 1 to %u fields is needed",
            VELD_SCHEMA_FIELDS_MAX);
    else
        fields = schema_read_memory(r, count, sizeof *fields);
    if (fields != NULL) {
        size_t index = 0;
        for (const veld_json_value *f = veld_json_first(list); f != NULL; f = veld_json_next(f))
            read_field(r, f, &fields[index++]);
        schema->fields = fields;
        schema->fields_count = count;
    }
    veld_json_pointer_back(&r->check.pointer, mark);
}

static void read_compartment(reader *r, const veld_json_value *object, veld_compartment *out)
{
    veld_span name = schema_read_text(r, object, "compartment", false);
    *out = VELD_COMPARTMENT_MAIN;
    if (name.len == 0 || veld_compartment_find(name, out))
        return;
    if (veld_span_equal(name, literal(veld_compartment_name(VELD_COMPARTMENT_ANY))))
        *out = VELD_COMPARTMENT_ANY;
    else
        checker_wrong_at(&r->check, literal("compartment"), VELD_E_INVALID, "no such compartment");
}

static void read_schema(reader *r, const veld_schema_source *source, veld_schema *schema)
{
    static const char *const known[] = {
        "type", "version", "title", "note", "compartment", "urgent", "fields", NULL};
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal(source->name));
    veld_json_doc *doc = checker_parse(&r->check, source->bytes);
    const veld_json_value *root = doc == NULL ? NULL : veld_json_root(doc);
    if (doc != NULL && veld_json_type_of(root) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&r->check, VELD_E_INVALID, "a schema is an object");
    } else if (doc != NULL) {
        schema_read_members(r, root, known);
        schema->type = schema_read_text(r, root, "type", true);
        if (schema->type.len > 0 &&
            (!veld_span_equal(schema->type, literal(source->name)) ||
                !schema_is_name(schema->type, true, VELD_CHANGE_NAME_BYTES_MAX)))
            checker_wrong_at(&r->check, literal("type"), VELD_E_INVALID,
                "the type is the file's name: small letters, digits and dashes");
        schema->title = schema_read_text(r, root, "title", true);
        schema->note = schema_read_text(r, root, "note", false);
        schema->urgent = schema_read_flag(r, root, "urgent");
        if (!veld_json_integer(veld_json_get(root, "version"), &schema->version) ||
            schema->version < 1)
            checker_wrong_at(
                &r->check, literal("version"), VELD_E_INVALID, "an integer from 1 is needed");
        read_compartment(r, root, &schema->compartment);
        read_fields(r, veld_json_get(root, "fields"), schema);
    }
    veld_json_doc_free(doc);
    veld_json_pointer_back(&r->check.pointer, mark);
}

static int by_type(const void *a, const void *b)
{
    return veld_span_compare(((const veld_schema *)a)->type, ((const veld_schema *)b)->type);
}

static void check_doubles(reader *r, const veld_schema *sorted, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (sorted[i].type.len > 0 && veld_span_equal(sorted[i - 1].type, sorted[i].type))
            checker_wrong_at(
                &r->check, sorted[i].type, VELD_E_INVALID, "two schemas of the same type");
    }
}

veld_status veld_schema_set_read(const veld_schema_source *sources, size_t count,
    veld_schema_set **out, veld_json_errors *errors, veld_error *err)
{
    *out = NULL;
    veld_schema_set *set = veld_allocate(sizeof *set);
    if (set == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the schemas");
    veld_arena_init(&set->arena, VELD_SCHEMA_SET_BYTES_MAX);
    reader r = {.arena = &set->arena, .sources = sources, .sources_count = count};
    checker_init(&r.check, errors, err);
    veld_schema *schemas = schema_read_memory(&r, count, sizeof *schemas);
    if (schemas != NULL) {
        for (size_t i = 0; i < count; i++)
            read_schema(&r, &sources[i], &schemas[i]);
        qsort(schemas, count, sizeof *schemas, by_type);
        check_doubles(&r, schemas, count);
    }
    set->schemas = schemas;
    set->count = schemas == NULL ? 0 : count;
    if (r.check.first == VELD_OK)
        schema_check_guards(&r, set);
    if (r.check.first != VELD_OK) {
        veld_schema_set_free(set);
        return r.check.first;
    }
    *out = set;
    return VELD_OK;
}
