/* What a schema says about danger, about the steps of a transition log and its guards, and about
 * merging text: reading it, and holding values against it. */
#include <string.h>

#include "schema_inner.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

static veld_span literal(const char *text)
{
    return veld_span_text(text);
}

static void wrong(schema_reader *r, const char *member, const char *text)
{
    checker_wrong_at(&r->check, literal(member), VELD_E_INVALID, text);
}

/* ---- values ---- */

size_t veld_schema_choice(const veld_schema_field *field, veld_span value)
{
    veld_span text = schema_unquoted(value);
    size_t i = 0;
    while (i < field->choices_count && !veld_span_equal(field->choices[i].value, text))
        i++;
    return i;
}

bool veld_schema_is_danger(const veld_schema_field *field, veld_span value)
{
    size_t choice;
    switch (field->danger) {
    case VELD_DANGER_NONE:
        break;
    case VELD_DANGER_ANY:
        return !veld_span_equal(value, literal("null"));
    case VELD_DANGER_LISTED:
        choice = veld_schema_choice(field, value);
        return choice < field->choices_count && field->choices[choice].danger;
    case VELD_DANGER_TRUE:
        return veld_span_equal(value, literal("true"));
    case VELD_DANGER_FALSE:
        return veld_span_equal(value, literal("false"));
    }
    return false;
}

bool veld_schema_has_guards(const veld_schema_field *field)
{
    for (size_t i = 0; i < field->choices_count; i++) {
        if (field->choices[i].guards_count > 0)
            return true;
    }
    return false;
}

/* The place of a choice by its name, choices_count when there is none. */
static size_t named(const veld_schema_field *field, veld_span name)
{
    size_t i = 0;
    while (i < field->choices_count && !veld_span_equal(field->choices[i].value, name))
        i++;
    return i;
}

/* A list of values as bits; false when something else stands there. */
static bool read_values(const veld_schema_field *field, const veld_json_value *list, uint64_t *out)
{
    *out = 0;
    for (const veld_json_value *v = veld_json_first(list); v != NULL; v = veld_json_next(v)) {
        veld_span text;
        size_t choice = veld_json_text(v, &text) ? named(field, text) : field->choices_count;
        if (choice == field->choices_count)
            return false;
        *out |= UINT64_C(1) << choice;
    }
    return veld_json_type_of(list) == VELD_JSON_TYPE_ARRAY;
}

/* ---- danger ---- */

static void read_danger_list(
    schema_reader *r, const veld_json_value *list, veld_choice *choices, veld_schema_field *field)
{
    uint64_t bits = 0;
    bool boolean;
    if (field->kind == VELD_KIND_BOOLEAN && veld_json_count(list) == 1 &&
        veld_json_boolean(veld_json_first(list), &boolean)) {
        field->danger = boolean ? VELD_DANGER_TRUE : VELD_DANGER_FALSE;
    } else if (choices != NULL && read_values(field, list, &bits) && bits != 0) {
        field->danger = VELD_DANGER_LISTED;
        for (size_t i = 0; i < field->choices_count; i++)
            choices[i].danger = (bits >> i & 1) != 0;
    } else {
        wrong(r, "danger", "true, or a list of values of a choice or boolean, is needed");
    }
}

void schema_read_danger(
    schema_reader *r, const veld_json_value *object, veld_choice *choices, veld_schema_field *field)
{
    bool any;
    const veld_json_value *danger = veld_json_get(object, "danger");
    if (danger != NULL && veld_json_boolean(danger, &any))
        field->danger = any ? VELD_DANGER_ANY : VELD_DANGER_NONE;
    else if (danger != NULL)
        read_danger_list(r, danger, choices, field);
    field->held_by_danger = schema_read_flag(r, object, "heldByDanger");
    if (field->held_by_danger && field->order == VELD_PROTECTIVE_NONE)
        wrong(r, "heldByDanger", "a field without order of protection cannot be lowered");
}

/* ---- steps ---- */

static void read_next(schema_reader *r, const veld_json_value *object, veld_choice *choices,
    const veld_schema_field *field)
{
    const veld_json_value *table = veld_json_get(object, "next");
    if (veld_json_type_of(table) != VELD_JSON_TYPE_OBJECT ||
        veld_json_count(table) != field->choices_count) {
        wrong(
            r, "next", "an object is needed: each value, and a list of the values that may follow");
        return;
    }
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("next"));
    for (const veld_json_value *m = veld_json_first(table); m != NULL; m = veld_json_next(m)) {
        size_t choice = named(field, veld_json_name(m));
        if (choice == field->choices_count || !read_values(field, m, &choices[choice].next))
            checker_wrong_at(&r->check, veld_json_name(m), VELD_E_INVALID,
                "a value and a list of values is needed");
    }
    veld_json_pointer_back(&r->check.pointer, mark);
}

/* A list of JSON values in canonical form. */
static const veld_span *read_shows(schema_reader *r, const veld_json_value *list, size_t *count)
{
    *count = veld_json_count(list);
    if (veld_json_type_of(list) != VELD_JSON_TYPE_ARRAY || *count == 0 ||
        *count > VELD_SCHEMA_CHOICES_MAX) {
        checker_wrong(&r->check, VELD_E_INVALID, "a list of values is needed");
        *count = 0;
        return NULL;
    }
    veld_span *values = schema_read_memory(r, *count, sizeof *values);
    size_t i = 0;
    for (const veld_json_value *v = veld_json_first(list); values != NULL && v != NULL;
         v = veld_json_next(v), i++) {
        veld_buf bytes;
        veld_buf_init(&bytes, VELD_CHANGE_VALUE_BYTES_MAX);
        if (veld_json_canonical(v, &bytes, NULL) != VELD_OK)
            checker_wrong(&r->check, VELD_E_MEMORY, "no memory for the schemas");
        values[i] = schema_read_copy(r, veld_buf_span(&bytes));
        veld_buf_release(&bytes);
    }
    return values;
}

/* {"field","shows"}; without `shows` it has to be filled in. */
static void read_requirement(
    schema_reader *r, const veld_json_value *object, veld_requirement *requirement)
{
    static const char *const known[] = {"field", "shows", NULL};
    if (veld_json_type_of(object) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&r->check, VELD_E_INVALID, "an object with a field is needed");
        return;
    }
    schema_read_members(r, object, known);
    requirement->field = schema_read_text(r, object, "field", true);
    const veld_json_value *shows = veld_json_get(object, "shows");
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("shows"));
    if (shows != NULL)
        requirement->shows = read_shows(r, shows, &requirement->shows_count);
    veld_json_pointer_back(&r->check.pointer, mark);
}

static const veld_requirement *read_needs(
    schema_reader *r, const veld_json_value *list, size_t *count)
{
    *count = veld_json_count(list);
    if (veld_json_type_of(list) != VELD_JSON_TYPE_ARRAY || *count == 0 ||
        *count > VELD_SCHEMA_GUARDS_MAX) {
        wrong(r, "needs", "a list of fields is needed");
        *count = 0;
        return NULL;
    }
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("needs"));
    veld_requirement *wants = schema_read_memory(r, *count, sizeof *wants);
    size_t i = 0;
    for (const veld_json_value *v = veld_json_first(list); wants != NULL && v != NULL;
         v = veld_json_next(v), i++) {
        size_t inner = veld_json_pointer_index(&r->check.pointer, i);
        read_requirement(r, v, &wants[i]);
        veld_json_pointer_back(&r->check.pointer, inner);
    }
    veld_json_pointer_back(&r->check.pointer, mark);
    return wants;
}

/* `field` and `shows` of the condition itself: what some record must not show. */
static const veld_requirement *read_shown(
    schema_reader *r, const veld_json_value *object, size_t *count)
{
    veld_requirement *wants = schema_read_memory(r, 1, sizeof *wants);
    *count = wants == NULL ? 0 : 1;
    if (wants == NULL)
        return NULL;
    wants->field = schema_read_text(r, object, "field", true);
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("shows"));
    wants->shows = read_shows(r, veld_json_get(object, "shows"), &wants->shows_count);
    veld_json_pointer_back(&r->check.pointer, mark);
    return wants;
}

static void read_guard(schema_reader *r, const veld_json_value *object, veld_guard *guard)
{
    static const char *const known[] = {
        "type", "field", "shows", "needs", "same", "by", "latest", "if", "conflicts", NULL};
    veld_span word;
    if (veld_json_type_of(object) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&r->check, VELD_E_INVALID, "a condition is an object");
        return;
    }
    schema_read_members(r, object, known);
    const veld_json_value *conflicts = veld_json_get(object, "conflicts");
    if (conflicts != NULL) {
        guard->conflicts = true;
        if (!veld_json_text(conflicts, &word) || !veld_span_equal(word, literal("critical")) ||
            veld_json_count(object) != 1)
            wrong(r, "conflicts", "only \"critical\", and alone");
        return;
    }
    const veld_json_value *needs = veld_json_get(object, "needs");
    const veld_json_value *only_if = veld_json_get(object, "if");
    guard->same = schema_read_flag(r, object, "same");
    guard->type = schema_read_text(r, object, "type", !guard->same);
    guard->by = schema_read_text(r, object, "by", false);
    guard->latest = schema_read_text(r, object, "latest", false);
    guard->needed = needs != NULL;
    guard->wants = needs != NULL ? read_needs(r, needs, &guard->wants_count)
                                 : read_shown(r, object, &guard->wants_count);
    if (needs != NULL && veld_json_get(object, "field") != NULL)
        wrong(r, "needs", "not together with a field of its own");
    if (guard->same && (guard->type.len > 0 || guard->by.len > 0 || guard->latest.len > 0))
        wrong(r, "same", "the record itself is chosen by nothing else");
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("if"));
    if (only_if != NULL)
        read_requirement(r, only_if, &guard->only_if);
    veld_json_pointer_back(&r->check.pointer, mark);
}

static void read_guards_of(schema_reader *r, const veld_json_value *list, veld_choice *choice)
{
    size_t count = veld_json_count(list);
    if (veld_json_type_of(list) != VELD_JSON_TYPE_ARRAY || count == 0 ||
        count > VELD_SCHEMA_GUARDS_MAX) {
        checker_wrong(&r->check, VELD_E_INVALID, "a list of 1 to %u conditions is needed",
            VELD_SCHEMA_GUARDS_MAX);
        return;
    }
    veld_guard *guards = schema_read_memory(r, count, sizeof *guards);
    size_t i = 0;
    for (const veld_json_value *v = veld_json_first(list); guards != NULL && v != NULL;
         v = veld_json_next(v), i++) {
        size_t mark = veld_json_pointer_index(&r->check.pointer, i);
        read_guard(r, v, &guards[i]);
        veld_json_pointer_back(&r->check.pointer, mark);
    }
    choice->guards = guards;
    choice->guards_count = guards == NULL ? 0 : count;
}

static void read_guards(schema_reader *r, const veld_json_value *object, veld_choice *choices,
    const veld_schema_field *field)
{
    const veld_json_value *table = veld_json_get(object, "guards");
    if (table == NULL)
        return;
    if (veld_json_type_of(table) != VELD_JSON_TYPE_OBJECT) {
        wrong(r, "guards", "an object is needed: a value, and a list of conditions");
        return;
    }
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("guards"));
    for (const veld_json_value *m = veld_json_first(table); m != NULL; m = veld_json_next(m)) {
        size_t inner = veld_json_pointer_name(&r->check.pointer, veld_json_name(m));
        size_t choice = named(field, veld_json_name(m));
        if (choice == field->choices_count)
            checker_wrong(&r->check, VELD_E_INVALID, "no such value");
        else
            read_guards_of(r, m, &choices[choice]);
        veld_json_pointer_back(&r->check.pointer, inner);
    }
    veld_json_pointer_back(&r->check.pointer, mark);
}

static void read_decided(schema_reader *r, const veld_json_value *list, veld_choice *choices,
    const veld_schema_field *field)
{
    uint64_t bits = 0;
    if (list != NULL && (!read_values(field, list, &bits) || bits == 0))
        wrong(r, "decided", "a list of values is needed");
    for (size_t i = 0; i < field->choices_count; i++)
        choices[i].by_decision = (bits >> i & 1) != 0;
}

void schema_read_log(
    schema_reader *r, const veld_json_value *object, veld_choice *choices, veld_schema_field *field)
{
    static const char *const members[] = {"next", "first", "guards", "decided"};
    if (field->policy != VELD_POLICY_TRANSITION_LOG) {
        for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
            if (veld_json_get(object, members[i]) != NULL)
                wrong(r, members[i], "only a transition log has this");
        }
        return;
    }
    if (field->kind != VELD_KIND_CHOICE) {
        checker_wrong(&r->check, VELD_E_INVALID, "a transition log is a choice");
        return;
    }
    if (choices == NULL)
        return; /* told already */
    const veld_json_value *first = veld_json_get(object, "first");
    field->first = UINT64_MAX;
    if (first != NULL && (!read_values(field, first, &field->first) || field->first == 0))
        wrong(r, "first", "a list of values is needed");
    read_next(r, object, choices, field);
    read_decided(r, veld_json_get(object, "decided"), choices, field);
    read_guards(r, object, choices, field);
}

/* ---- text ---- */

void schema_read_merge(schema_reader *r, const veld_json_value *object, veld_schema_field *field)
{
    static const char *const known[] = {"field", "values", NULL};
    const veld_json_value *unless = veld_json_get(object, "mergeNot");
    bool merges = field->policy == VELD_POLICY_MERGE_TEXT;
    if (merges && field->kind != VELD_KIND_LONG_TEXT)
        checker_wrong(&r->check, VELD_E_INVALID, "only long text is merged");
    if (unless == NULL)
        return;
    size_t mark = veld_json_pointer_name(&r->check.pointer, literal("mergeNot"));
    if (!merges || veld_json_type_of(unless) != VELD_JSON_TYPE_OBJECT) {
        checker_wrong(&r->check, VELD_E_INVALID, "an object, and only with merge-text");
    } else {
        schema_read_members(r, unless, known);
        field->merge_not = schema_read_text(r, unless, "field", true);
        field->merge_not_values =
            read_shows(r, veld_json_get(unless, "values"), &field->merge_not_count);
    }
    veld_json_pointer_back(&r->check.pointer, mark);
}

/* ---- all together ---- */

static bool names_guarded(
    const veld_schema_set *set, const veld_schema *own, const veld_guard *guard)
{
    const veld_schema *about = guard->same ? own : veld_schema_get(set, guard->type);
    bool found = guard->conflicts;
    for (size_t i = 0; i < guard->wants_count; i++) {
        const veld_schema_field *field = veld_schema_field_get(about, guard->wants[i].field);
        found = found || (field != NULL && veld_schema_has_guards(field));
    }
    return found;
}

/* Questions never go round: a guard looks at a field without guards, or at one whose guards do. */
static bool is_deep(
    const veld_schema_set *set, const veld_schema *of, const veld_schema_field *field)
{
    bool deep = false;
    for (size_t i = 0; i < field->choices_count; i++) {
        for (size_t g = 0; g < field->choices[i].guards_count; g++)
            deep = deep || names_guarded(set, of, &field->choices[i].guards[g]);
    }
    return deep;
}

static const veld_schema_field *check_named(
    schema_reader *r, const veld_schema_set *set, const veld_schema *schema, veld_span name)
{
    const veld_schema_field *field = veld_schema_field_get(schema, name);
    if (field == NULL)
        checker_wrong(&r->check, VELD_E_INVALID, "a guard names a field that does not exist");
    else if (is_deep(set, schema, field))
        checker_wrong(
            &r->check, VELD_E_INVALID, "a guard names a field with guards that go further");
    return field;
}

static void check_guard(
    schema_reader *r, const veld_schema_set *set, const veld_schema *own, const veld_guard *guard)
{
    const veld_schema *about = guard->same ? own : veld_schema_get(set, guard->type);
    if (guard->conflicts)
        return;
    for (size_t i = 0; i < guard->wants_count; i++)
        check_named(r, set, about, guard->wants[i].field);
    if (guard->only_if.field.len > 0)
        check_named(r, set, own, guard->only_if.field);
    const veld_schema_field *by = guard->by.len == 0 ? NULL : check_named(r, set, about, guard->by);
    if (by != NULL && (by->kind != VELD_KIND_REFERENCE || !veld_span_equal(by->to, own->type) ||
                          veld_policy_is_set(by->policy)))
        checker_wrong(&r->check, VELD_E_INVALID, "`by` is a reference to the guarded type");
    const veld_schema_field *at =
        guard->latest.len == 0 ? NULL : check_named(r, set, about, guard->latest);
    if (at != NULL && (at->kind != VELD_KIND_INSTANT || veld_policy_is_set(at->policy)))
        checker_wrong(&r->check, VELD_E_INVALID, "`latest` is an instant");
}

static void check_field(schema_reader *r, const veld_schema_set *set, const veld_schema *schema,
    const veld_schema_field *field)
{
    size_t mark = veld_json_pointer_name(&r->check.pointer, field->name);
    for (size_t i = 0; i < field->choices_count; i++) {
        for (size_t g = 0; g < field->choices[i].guards_count; g++)
            check_guard(r, set, schema, &field->choices[i].guards[g]);
    }
    const veld_schema_field *other = veld_schema_field_get(schema, field->merge_not);
    if (field->merge_not.len > 0 &&
        (other == NULL || other == field || veld_policy_is_set(other->policy) ||
            other->order != VELD_PROTECTIVE_NONE))
        checker_wrong(&r->check, VELD_E_INVALID, "mergeNot needs a plain field of the same record");
    veld_json_pointer_back(&r->check.pointer, mark);
}

void schema_check_guards(schema_reader *r, const veld_schema_set *set)
{
    for (size_t s = 0; s < set->count; s++) {
        const veld_schema *schema = &set->schemas[s];
        size_t mark = veld_json_pointer_name(&r->check.pointer, schema->type);
        for (size_t i = 0; i < schema->fields_count; i++)
            check_field(r, set, schema, &schema->fields[i]);
        veld_json_pointer_back(&r->check.pointer, mark);
    }
}
