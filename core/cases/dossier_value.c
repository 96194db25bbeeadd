/* From values in a document to edits. Sets are compared with what is visible, so that an edit says
 * what its author wants changed and nothing else. */
#include "dossier_inner.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

/* Elements of a set field, checked, canonical, without doubles. */
typedef struct elements {
    veld_span *items;
    size_t count;
} elements;

static bool contains(const elements *list, veld_span value)
{
    for (size_t i = 0; i < list->count; i++) {
        if (veld_span_equal(list->items[i], value))
            return true;
    }
    return false;
}

static bool canonical(intake *in, const veld_json_value *value, veld_span *out)
{
    veld_buf_clear(&in->scratch);
    veld_status status = veld_json_canonical(value, &in->scratch, NULL);
    if (status == VELD_OK)
        status = veld_arena_copy(in->context->arena, veld_buf_span(&in->scratch), out);
    if (status != VELD_OK)
        checker_wrong(&in->check, status, "value is too large, or there is no memory");
    return status == VELD_OK;
}

/* ---- references ---- */

static const draft *draft_by_ref(const intake *in, veld_span ref)
{
    for (size_t i = 0; ref.len > 0 && i < in->drafts_count; i++) {
        if (veld_span_equal(in->drafts[i].ref, ref))
            return &in->drafts[i];
    }
    return NULL;
}

static const draft *draft_by_id(const intake *in, const veld_id *id)
{
    for (size_t i = 0; i < in->drafts_count; i++) {
        if (veld_id_equal(&in->drafts[i].id, id))
            return &in->drafts[i];
    }
    return NULL;
}

/* Whether a state has a record of that id and type that is not removed; `other` tells that it has
 * one of another type. */
static bool in_state(const veld_state *state, const veld_id *id, veld_span type, bool *other)
{
    const veld_state_record *record = veld_state_record_get(state, type, id);
    *other = *other || (record == NULL && veld_state_record_find(state, id, NULL) != NULL);
    return record != NULL && !veld_policy_removed(record);
}

static bool in_dossier(const intake *in, const veld_id *id, veld_span type, bool *other)
{
    const veld_dossier_context *context = in->context;
    bool found = context->state != NULL && in_state(context->state, id, type, other);
    for (size_t i = 0; !found && i < context->beside_count; i++)
        found = in_state(context->beside[i], id, type, other);
    return found;
}

/* A record of the main case that is not here: nothing can be said against it. */
static bool is_away(const intake *in, veld_span type, bool other)
{
    const veld_schema *schema = veld_schema_get(in->context->schemas, type);
    return in->context->main_away && !other && schema != NULL &&
           schema->compartment == VELD_COMPARTMENT_MAIN;
}

static bool quote_id(intake *in, const veld_id *id, veld_span *out)
{
    char text[VELD_ID_TEXT_SIZE + 2] = "\"";
    veld_id_format(id, text + 1);
    text[VELD_ID_TEXT_SIZE] = '"';
    if (veld_arena_copy(in->context->arena, veld_span_text(text), out) == VELD_OK)
        return true;
    checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the edits");
    return false;
}

static bool resolve(intake *in, const veld_schema_field *field, veld_span text, veld_span *out)
{
    const draft *target = NULL;
    veld_id id = {0};
    bool other = false;
    if (text.len > 0 && text.data[0] == '#') {
        target = draft_by_ref(in, veld_span_part(text, 1, text.len - 1));
    } else if (veld_id_parse(text, &id) != VELD_OK) {
        checker_wrong(&in->check, VELD_E_INVALID,
            in->drafts_count > 0 ? "id of a record, or # and a local name expected"
                                 : "id of a record expected");
        return false;
    } else {
        target = draft_by_id(in, &id);
    }
    if (target == NULL && text.data[0] != '#' &&
        (in_dossier(in, &id, field->to, &other) || is_away(in, field->to, other)))
        return quote_id(in, &id, out);
    other = other || (target != NULL && target->schema != NULL &&
                         !veld_span_equal(target->schema->type, field->to));
    if (other) {
        checker_wrong(&in->check, VELD_E_INVALID, "names a record of another type than %s",
            (const char *)field->to.data);
        return false;
    }
    if (target == NULL) {
        checker_wrong(&in->check, VELD_E_INVALID, "no such record");
        return false;
    }
    return quote_id(in, &target->id, out);
}

/* ---- values ---- */

static bool check_value(
    intake *in, const veld_schema_field *field, const veld_json_value *value, veld_span *out)
{
    veld_span text;
    veld_error reason;
    if (field->kind == VELD_KIND_REFERENCE && veld_json_text(value, &text))
        return resolve(in, field, text, out);
    if (veld_schema_value_check(field, value, &reason) != VELD_OK) {
        checker_wrong(&in->check, VELD_E_INVALID, "%s", reason.text);
        return false;
    }
    return canonical(in, value, out);
}

/* False when anything is wrong with the array; all of it is told then. */
static bool check_elements(
    intake *in, const veld_schema_field *field, const veld_json_value *array, elements *out)
{
    size_t count = veld_json_count(array);
    *out = (elements){0};
    if (veld_json_type_of(array) != VELD_JSON_TYPE_ARRAY || count > VELD_DOSSIER_ELEMENTS_MAX) {
        checker_wrong(&in->check, VELD_E_INVALID, "this field holds a set: array of at most %u",
            VELD_DOSSIER_ELEMENTS_MAX);
        return false;
    }
    out->items = veld_arena_get(in->context->arena, count, sizeof *out->items);
    if (out->items == NULL) {
        checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the edits");
        return false;
    }
    size_t index = 0;
    for (const veld_json_value *v = veld_json_first(array); v != NULL; v = veld_json_next(v)) {
        size_t mark = veld_json_pointer_index(&in->check.pointer, index++);
        veld_span element;
        if (check_value(in, field, v, &element)) {
            if (contains(out, element))
                checker_wrong(&in->check, VELD_E_INVALID, "is in the set already");
            else
                out->items[out->count++] = element;
        }
        veld_json_pointer_back(&in->check.pointer, mark);
    }
    return out->count == count;
}

/* ---- steps of a log ---- */

/* A record while its fields are checked. */
typedef struct being_saved {
    const intake *in;
    const veld_id *id;
} being_saved;

/* What the edits so far say about another field of the record. */
static veld_span saved_so_far(const void *context, veld_span field)
{
    const being_saved *of = context;
    veld_span found = {0};
    for (size_t at = 0; at < of->in->edits.len; at += sizeof(veld_edit)) {
        veld_edit edit;
        memcpy(&edit, of->in->edits.data + at, sizeof edit);
        if (edit.kind == VELD_EDIT_SET && veld_id_equal(&edit.record, of->id) &&
            veld_span_equal(edit.field, field))
            found = edit.value;
    }
    return found;
}

/* Whether a log takes this value now; `record` is NULL when it is new. */
static bool check_step(intake *in, const veld_schema *of, const veld_schema_field *field,
    const veld_id *id, const veld_state_record *record, veld_span value)
{
    bool allowed, guarded;
    const being_saved saved = {.in = in, .id = id};
    const veld_step step = {.record = record,
        .id = id,
        .schema = of,
        .value = value,
        .saving = saved_so_far,
        .context = &saved};
    veld_status status = veld_policy_step_allowed(&in->outlook, field, &step, &allowed, &guarded);
    if (status != VELD_OK)
        checker_wrong(&in->check, status, "no memory for the edits");
    else if (guarded)
        checker_wrong(&in->check, VELD_E_INVALID,
            "cannot be so now: the schema says what has to be filled in or settled first");
    else if (!allowed)
        checker_wrong(&in->check, VELD_E_INVALID,
            "no such step: the schema says what may follow the value that is shown");
    return status == VELD_OK && allowed;
}

/* ---- new records ---- */

static void put_new(
    intake *in, const draft *record, const veld_schema_field *field, const veld_json_value *value)
{
    veld_span one;
    elements set;
    if (veld_json_is_null(value)) {
        checker_wrong(
            &in->check, VELD_E_INVALID, "null is no value: a new record leaves the field out");
    } else if (!veld_policy_is_set(field->policy)) {
        if (check_value(in, field, value, &one) &&
            check_step(in, record->schema, field, &record->id, NULL, one))
            intake_edit(in, VELD_EDIT_SET, &record->id, record->schema, field, one);
    } else if (check_elements(in, field, value, &set)) {
        if (field->required && set.count == 0)
            checker_wrong(&in->check, VELD_E_INVALID, "needs at least one element");
        for (size_t i = 0; i < set.count; i++)
            intake_edit(in, VELD_EDIT_ADD, &record->id, record->schema, field, set.items[i]);
    }
}

/* Fields with guards come last: these look at what the others say. */
static void put_fields(intake *in, const draft *record, const veld_json_value *fields, bool guarded)
{
    for (const veld_json_value *m = veld_json_first(fields); m != NULL && record->schema != NULL;
         m = veld_json_next(m)) {
        size_t inner = veld_json_pointer_name(&in->check.pointer, veld_json_name(m));
        const veld_schema_field *field = veld_schema_field_get(record->schema, veld_json_name(m));
        if (field == NULL && !guarded)
            intake_unknown_field(in, record->schema, veld_json_name(m));
        else if (field != NULL && veld_schema_has_guards(field) == guarded)
            put_new(in, record, field, m);
        veld_json_pointer_back(&in->check.pointer, inner);
    }
}

void intake_fields(intake *in, const draft *record, const veld_json_value *fields)
{
    size_t mark = veld_json_pointer_name(&in->check.pointer, veld_span_text("fields"));
    const veld_schema *schema = record->schema;
    if (veld_json_type_of(fields) != VELD_JSON_TYPE_OBJECT || veld_json_first(fields) == NULL) {
        checker_wrong(&in->check, VELD_E_INVALID, "an object of at least one field expected");
        fields = NULL;
    }
    put_fields(in, record, fields, false);
    put_fields(in, record, fields, true);
    for (size_t i = 0; schema != NULL && fields != NULL && i < schema->fields_count; i++) {
        const char *name = (const char *)schema->fields[i].name.data;
        if (schema->fields[i].required && veld_json_get(fields, name) == NULL)
            checker_wrong(&in->check, VELD_E_INVALID, "required field %s is missing", name);
    }
    veld_json_pointer_back(&in->check.pointer, mark);
}

/* ---- changes to a record ---- */

static bool is_null(veld_span value)
{
    return veld_span_equal(value, null_value);
}

/* The values that are visible on a field now, without doubles and without cleared marks. */
static bool visible_values(intake *in, const veld_state_field *field, elements *out)
{
    *out = (elements){0};
    if (field == NULL)
        return true;
    out->items = veld_arena_get(in->context->arena, field->visible_count, sizeof *out->items);
    if (out->items == NULL) {
        checker_wrong(&in->check, VELD_E_MEMORY, "no memory for the edits");
        return false;
    }
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        if (!e->replaced && !is_null(e->value) && !contains(out, e->value))
            out->items[out->count++] = e->value;
    }
    return true;
}

static void assign_set(intake *in, const veld_state_record *record, const veld_schema *schema,
    const veld_schema_field *field, const elements *wanted, const elements *now)
{
    for (size_t i = 0; i < wanted->count; i++) {
        if (!contains(now, wanted->items[i]))
            intake_edit(in, VELD_EDIT_ADD, &record->id, schema, field, wanted->items[i]);
    }
    for (size_t i = 0; field->policy != VELD_POLICY_GROW_ONLY && i < now->count; i++) {
        if (!contains(wanted, now->items[i]))
            intake_edit(in, VELD_EDIT_TAKE_OUT, &record->id, schema, field, now->items[i]);
    }
}

static void assign_one(intake *in, const veld_state_record *record, const veld_schema *schema,
    const veld_schema_field *field, const veld_json_value *value, const elements *now)
{
    veld_span one = null_value;
    if (!veld_json_is_null(value) && !check_value(in, field, value, &one))
        return;
    if (field->policy == VELD_POLICY_WRITE_ONCE && now->count > 0 && !contains(now, one))
        checker_wrong(&in->check, VELD_E_INVALID, "is written once and has a value");
    else if (check_step(in, schema, field, &record->id, record, one))
        intake_edit(in, VELD_EDIT_SET, &record->id, schema, field, one);
}

void intake_assign(intake *in, const veld_state_record *record, const veld_schema *schema,
    const veld_schema_field *field, const veld_json_value *value)
{
    elements wanted = {0};
    elements now;
    bool clears = veld_json_is_null(value);
    bool for_ever = field->policy == VELD_POLICY_GROW_ONLY ||
                    field->policy == VELD_POLICY_WRITE_ONCE ||
                    field->policy == VELD_POLICY_TRANSITION_LOG;
    if (clears && (field->required || for_ever)) {
        checker_wrong(&in->check, VELD_E_INVALID,
            field->required ? "is required and cannot be cleared"
                            : "is kept for ever and cannot be cleared");
        return;
    }
    if (!visible_values(in, veld_state_field_get(record, field->name), &now))
        return;
    if (!veld_policy_is_set(field->policy)) {
        assign_one(in, record, schema, field, value, &now);
    } else if (clears || check_elements(in, field, value, &wanted)) {
        if (field->required && wanted.count == 0)
            checker_wrong(&in->check, VELD_E_INVALID, "needs at least one element");
        assign_set(in, record, schema, field, &wanted, &now);
    }
}
