/* Founding cases anew without some of their records, so that the old ones can be erased: what a
 * case shows becomes the first changes of another one, with a key of its own. Who wrote what and
 * when stays behind with the old case; that is what erasing a part costs. What cannot be carried
 * over so that it shows the same is not carried over at all: then nothing is founded. */
#include <stdio.h>
#include <string.h>

#include "case_inner.h"
#include "part_inner.h"
#include "veldkit/assert.h"
#include "veldkit/compartment.h"
#include "veldkit/founder.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "veldkit/part.h"
#include "veldkit/policy.h"

enum { STEPS_MAX = 64 };

/* One field of the old case and how the new one comes to show the same. */
typedef struct carried {
    const veld_state_field *field;
    const veld_schema_field *schema; /* NULL: of a newer program */
    veld_span value;
    const veld_choice *steps[STEPS_MAX]; /* of a transition log, the last is the value */
    size_t steps_count;
} carried;

typedef struct copying {
    const veld_desk *desk;
    const veld_anew *one;
    const veld_id *left;
    size_t left_count;
    veld_arena arena;
    veld_outlook old;
    veld_buf fields; /* carried */
    veld_buf edits;
    veld_case *made;
} copying;

/* ---- what is carried over ---- */

/* Links are made again; decisions and casework name the old case and its conflicts. */
static bool is_bound(veld_span type)
{
    static const char *const types[] = {
        VELD_TYPE_DOSSIER, VELD_TYPE_COMPARTMENT, "decision", "confirmation", "conflict-work"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (veld_span_equal(type, veld_span_text(types[i])))
            return true;
    return false;
}

static bool is_left(const copying *c, const veld_state_record *record)
{
    for (size_t i = 0; i < c->left_count; i++)
        if (veld_id_equal(&c->left[i], &record->id))
            return true;
    return false;
}

static veld_status refuse(const carried *of, veld_status status, const char *why, veld_error *err)
{
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&of->field->record->id, id);
    return veld_fail(err, status, "record %s, field %.*s: %s", id, (int)of->field->name.len,
        (const char *)of->field->name.data, why);
}

/* The shortest way through the log from where it may begin to the value: a log takes no other
 * first entry. */
static bool find_steps(carried *of)
{
    const veld_schema_field *schema = of->schema;
    size_t from[STEPS_MAX], queue[STEPS_MAX], head = 0, tail = 0;
    size_t wanted = veld_schema_choice(schema, of->value);
    bool seen[STEPS_MAX] = {false};
    VELD_ASSERT(schema->choices_count <= STEPS_MAX);
    for (size_t i = 0; i < schema->choices_count; i++) {
        if ((schema->first >> i & 1) == 0)
            continue;
        seen[i] = true;
        from[i] = i;
        queue[tail++] = i;
    }
    while (head < tail && wanted < schema->choices_count && !seen[wanted]) {
        size_t at = queue[head++];
        for (size_t i = 0; i < schema->choices_count; i++) {
            if (seen[i] || (schema->choices[at].next >> i & 1) == 0)
                continue;
            seen[i] = true;
            from[i] = at;
            queue[tail++] = i;
        }
    }
    if (wanted == schema->choices_count || !seen[wanted])
        return wanted == schema->choices_count; /* of a newer program: as it is */
    of->steps_count = 1;
    for (size_t at = wanted; from[at] != at; at = from[at])
        of->steps_count++;
    size_t at = wanted;
    for (size_t k = of->steps_count; k > 0; k--, at = from[at])
        of->steps[k - 1] = &schema->choices[at];
    return true;
}

static veld_status carry_field(
    copying *c, const veld_schema *schema, const veld_state_field *field, veld_error *err)
{
    carried one = {.field = field};
    veld_reading reading;
    veld_status status = veld_policy_read(&c->old, field, &reading);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory to read a case");
    one.schema = schema != NULL ? veld_schema_field_get(schema, field->name) : NULL;
    one.value = reading.effective;
    if (reading.conflict || reading.held)
        return refuse(&one, VELD_E_CONFLICT, "somebody has to choose first", err);
    if (veld_span_equal(one.value, veld_span_text("null")) ||
        veld_span_equal(one.value, veld_span_text("[]")))
        return VELD_OK;
    if (one.schema != NULL && one.schema->policy == VELD_POLICY_TRANSITION_LOG && !find_steps(&one))
        return refuse(&one, VELD_E_UNSUPPORTED, "its log has no way to what it shows", err);
    status = veld_buf_append(&c->fields, &one, sizeof one);
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for a case");
}

static veld_status carry_all(copying *c, veld_error *err)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    const veld_state_record *const *records = veld_state_records(c->one->old->state, &count);
    if (records == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the records of a case");
    for (size_t i = 0; i < count; i++) {
        const veld_state_record *record = records[i];
        if (is_bound(record->type) || is_left(c, record) || veld_policy_removed(record))
            continue;
        const veld_schema *schema = veld_schema_get(c->desk->schemas, record->type);
        for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
            if (f->visible_count > 0 &&
                !veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
                VELD_TRY(carry_field(c, schema, f, err));
    }
done:
    return status;
}

/* ---- as edits ---- */

static veld_status add_edit(
    copying *c, const carried *of, veld_edit_kind kind, veld_span value, veld_error *err)
{
    veld_edit edit = {.kind = kind,
        .record = of->field->record->id,
        .type = of->field->record->type,
        .field = of->field->name};
    veld_status status = veld_arena_copy(&c->arena, value, &edit.value);
    if (status == VELD_OK)
        status = veld_buf_append(&c->edits, &edit, sizeof edit);
    return status == VELD_OK
               ? status
               : veld_fail(err, status, "more values than one save may hold, or no memory");
}

static veld_status add_elements(copying *c, const carried *of, veld_error *err)
{
    veld_json_doc *doc = NULL;
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, VELD_CHANGE_VALUE_BYTES_MAX);
    VELD_TRY(veld_json_parse(of->value, VELD_JSON_CANONICAL, &doc, NULL, err));
    const veld_json_value *element = veld_json_first(veld_json_root(doc));
    for (; element != NULL; element = veld_json_next(element)) {
        veld_buf_clear(&text);
        VELD_TRY(veld_json_canonical(element, &text, err));
        VELD_TRY(add_edit(c, of, VELD_EDIT_ADD, veld_buf_span(&text), err));
    }
done:
    veld_json_doc_free(doc);
    veld_buf_wipe(&text);
    return status;
}

static veld_status add_step(copying *c, const carried *of, size_t step, veld_error *err)
{
    char json[VELD_CHANGE_NAME_BYTES_MAX + 3];
    veld_span value = of->steps[step]->value;
    int len = snprintf(json, sizeof json, "\"%.*s\"", (int)value.len, (const char *)value.data);
    VELD_ASSERT(len > 0 && (size_t)len < sizeof json);
    return add_edit(c, of, VELD_EDIT_SET, veld_span_of(json, (size_t)len), err);
}

/* The edits of one round: all fields first, then the further steps of logs. */
static veld_status fill_round(copying *c, size_t round, veld_error *err)
{
    veld_status status = VELD_OK;
    const carried *fields = (const carried *)(const void *)c->fields.data;
    for (size_t i = 0; i < c->fields.len / sizeof *fields; i++) {
        const carried *of = &fields[i];
        if (round < of->steps_count)
            VELD_TRY(add_step(c, of, round, err));
        else if (round > 0 || of->steps_count > 0)
            continue;
        else if (of->schema != NULL && veld_policy_is_set(of->schema->policy))
            VELD_TRY(add_elements(c, of, err));
        else
            VELD_TRY(add_edit(c, of, VELD_EDIT_SET, of->value, err));
    }
done:
    return status;
}

/* ---- founding ---- */

static const veld_edit *edits_of(const copying *c, size_t *count)
{
    *count = c->edits.len / sizeof(veld_edit);
    return (const veld_edit *)(const void *)c->edits.data;
}

static veld_status found(copying *c, const part_link *links, size_t links_count, veld_error *err)
{
    size_t count;
    veld_hash change;
    veld_status status;
    for (size_t i = 0; i < links_count; i++) {
        status =
            veld_buf_append(&c->edits, links[i].edits, links[i].count * sizeof *links[i].edits);
        VELD_TRY(status == VELD_OK ? status : veld_fail(err, status, "too many links"));
    }
    VELD_TRY(fill_round(c, 0, err));
    const veld_edit *edits = edits_of(c, &count);
    VELD_TRY(case_found_row(c->desk, &c->one->id, edits, count, &c->made, &change, err));
    for (size_t round = 1; round < STEPS_MAX; round++) {
        veld_buf_clear(&c->edits);
        VELD_TRY(fill_round(c, round, err));
        edits = edits_of(c, &count);
        if (count == 0)
            break;
        VELD_TRY(case_save_row(c->made, edits, count, &change, err));
    }
done:
    return status;
}

/* What was carried over shows what it did. */
static veld_status compare(copying *c, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_outlook now = veld_outlook_of(c->made->state, c->desk->schemas, &c->arena);
    const carried *fields = (const carried *)(const void *)c->fields.data;
    for (size_t i = 0; i < c->fields.len / sizeof *fields; i++) {
        const carried *of = &fields[i];
        veld_reading reading = {0};
        const veld_state_record *record =
            veld_state_record_get(c->made->state, of->field->record->type, &of->field->record->id);
        const veld_state_field *field =
            record != NULL ? veld_state_field_get(record, of->field->name) : NULL;
        if (field != NULL)
            VELD_TRY(veld_policy_read(&now, field, &reading));
        if (field == NULL || reading.held || reading.conflict ||
            !veld_span_equal(reading.effective, of->value)) {
            status = refuse(of, VELD_E_UNSUPPORTED, "it would not show the same", err);
            goto done;
        }
    }
done:
    return status;
}

static veld_status found_one(const veld_desk *desk, const veld_anew *one, const part_link *links,
    size_t links_count, const veld_id *left, size_t left_count, veld_error *err)
{
    copying c = {.desk = desk, .one = one, .left = left, .left_count = left_count};
    veld_status status;
    veld_arena_init(&c.arena, VELD_STATE_BYTES_MAX);
    veld_buf_init(&c.fields, VELD_STATE_BYTES_MAX);
    veld_buf_init(&c.edits, VELD_CHANGE_WRITES_MAX * sizeof(veld_edit));
    c.old = veld_outlook_of(one->old->state, desk->schemas, &c.arena);
    VELD_TRY(carry_all(&c, err));
    VELD_TRY(found(&c, links, links_count, err));
    status = compare(&c, err);
done:
    veld_case_close(c.made);
    veld_buf_wipe(&c.edits);
    veld_buf_release(&c.fields);
    veld_arena_release(&c.arena);
    return status;
}

/* Into a main case that stays. */
static veld_status link_from(veld_case *main, const veld_anew *one, veld_error *err)
{
    part_link link;
    veld_hash change;
    veld_status status = part_make_link(main->desk.env, &one->id, one->compartment, &link, err);
    return status == VELD_OK ? case_save_row(main, link.edits, link.count, &change, err) : status;
}

veld_status veld_part_found_anew(const veld_desk *desk, veld_anew *cases, size_t count,
    veld_case *main, const veld_id *left, size_t left_count, veld_error *err)
{
    VELD_ASSERT(count > 0 && veld_store_in_transaction(desk->store));
    VELD_ASSERT((main == NULL) == (cases[0].compartment == VELD_COMPARTMENT_MAIN));
    part_link *links = veld_allocate(count * sizeof *links);
    veld_status status;
    if (links == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu links", count);
    if (main == NULL)
        VELD_TRY(veld_founder_new_id(desk->env, veld_store_device(desk->store), &cases[0].id, err));
    const veld_id *dossier = main != NULL ? &main->id : &cases[0].id;
    for (size_t i = 0; i < count; i++) {
        part_link back;
        if (cases[i].compartment == VELD_COMPARTMENT_MAIN)
            continue;
        VELD_TRY(part_make_place(desk, dossier, cases[i].compartment, &cases[i].id, &back, err));
        VELD_TRY(found_one(desk, &cases[i], &back, 1, left, left_count, err));
        if (main != NULL)
            VELD_TRY(link_from(main, &cases[i], err));
        else
            VELD_TRY(part_make_link(desk->env, &cases[i].id, cases[i].compartment, &links[i], err));
    }
    if (main == NULL)
        status = found_one(desk, &cases[0], links + 1, count - 1, left, left_count, err);
done:
    veld_release(links);
    return status;
}
