/* Edits become writes. Here, and only here, it is decided what a write replaces: exactly what is
 * visible on its field at this moment, because that is what the author can have seen. Others decide
 * how many values there are: where one change cannot name them all, it names as many as it can. */
#include "case_inner.h"

#include <stdlib.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/policy.h"

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* Which of a field's visible writes a write concerns. */
typedef enum selection { ALL, SAME_VALUE, SAME_VALUE_OR_CLEARED } selection;

static bool is_cleared(const veld_entry *entry)
{
    return veld_span_equal(entry->value, veld_span_text("null"));
}

static bool is_selected(const veld_entry *entry, selection which, veld_span value)
{
    return which == ALL || veld_span_equal(entry->value, value) ||
           (which == SAME_VALUE_OR_CLEARED && is_cleared(entry));
}

/* A list of write ids under construction, in the arena of the change. */
typedef struct id_list {
    veld_write_id *ids;
    size_t count;
} id_list;

static veld_status select_writes(veld_arena *arena, const veld_state_field *field, selection which,
    veld_span value, id_list *out)
{
    size_t most = field == NULL ? 0 : field->visible_count;
    *out = (id_list){.ids = veld_arena_get(arena, most, sizeof *out->ids)};
    if (out->ids == NULL)
        return VELD_E_MEMORY;
    const veld_entry *e = most == 0 ? NULL : field->entries;
    for (; e != NULL && !e->replaced; e = e->next) {
        if (is_selected(e, which, value))
            out->ids[out->count++] = e->id;
    }
    VELD_ASSERT(out->count <= most);
    qsort(out->ids, out->count, sizeof *out->ids, by_write_id);
    /* More than a write can name: the rest stays visible, and goes with the next save. */
    if (out->count > VELD_CHANGE_REFERENCES_MAX)
        out->count = VELD_CHANGE_REFERENCES_MAX;
    return VELD_OK;
}

/* Of what is visible, what a decision names. What came since stays beside what is chosen. */
static veld_status select_named(
    veld_arena *arena, const veld_state_field *field, const veld_edit *edit, id_list *out)
{
    size_t kept = 0;
    veld_status status = select_writes(arena, field, ALL, edit->value, out);
    for (size_t i = 0; status == VELD_OK && i < out->count; i++)
        if (bsearch(&out->ids[i], edit->seen, edit->seen_count, sizeof *edit->seen, by_write_id) !=
            NULL)
            out->ids[kept++] = out->ids[i];
    out->count = kept;
    return status;
}

/* What the author of a removal sees of the record. */
static veld_status select_basis(veld_arena *arena, const veld_state_record *record, id_list *out)
{
    size_t most = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        most += f->visible_count;
    *out = (id_list){.ids = veld_arena_get(arena, most, sizeof *out->ids)};
    if (out->ids == NULL)
        return VELD_E_MEMORY;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
            continue;
        for (const veld_entry *e = f->entries; e != NULL && !e->replaced; e = e->next)
            out->ids[out->count++] = e->id;
    }
    qsort(out->ids, out->count, sizeof *out->ids, by_write_id);
    return VELD_OK;
}

/* The field has this one value already and nobody says otherwise. */
static bool is_settled_as(const veld_state_field *field, veld_span value)
{
    if (field == NULL || field->visible_count == 0)
        return veld_span_equal(value, veld_span_text("null"));
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next) {
        if (!veld_span_equal(e->value, value))
            return false;
    }
    return true;
}

/* One act of saving while its writes are made. */
typedef struct saving {
    veld_case *opened;
    veld_outlook outlook;
    bool decides; /* a decision of people is part of it */
} saving;

static bool is_decision(const veld_edit *edit)
{
    return veld_span_equal(edit->type, veld_span_text("decision")) ||
           veld_span_equal(edit->type, veld_span_text("confirmation"));
}

/* Whether two people choose already between removing the record and working on with it. Who is not
 * one of them adds a side, which says nothing about what stands there. */
static veld_status is_choice_of_two(const saving *s, const veld_state_record *record, bool *out)
{
    veld_reading reading = {0};
    const veld_schema *schema = veld_schema_get(s->outlook.schemas, record->type);
    veld_status status = VELD_OK;
    if (!s->decides && veld_schema_removal_risk(schema) == VELD_RISK_TWO)
        status = veld_policy_read_removed(record, s->outlook.arena, &reading);
    *out = reading.conflict;
    return status;
}

static veld_status make_removal(const saving *s, const veld_state_record *record,
    const veld_edit *edit, veld_write *write, bool *wanted, veld_error *err)
{
    veld_arena *arena = s->outlook.arena;
    veld_status status;
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&edit->record, id);
    if (record == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "record %s is not in this case", id);
    id_list replaces, basis;
    write->field = veld_span_text(VELD_FIELD_REMOVED);
    write->value = veld_span_text(edit->kind == VELD_EDIT_REMOVE ? "true" : "false");
    const veld_state_field *field = veld_state_field_get(record, write->field);
    bool side = false;
    VELD_TRY(is_choice_of_two(s, record, &side));
    if (side)
        return VELD_OK;
    VELD_TRY(select_writes(arena, field, ALL, write->value, &replaces));
    VELD_TRY(select_basis(arena, record, &basis));
    write->replaces = replaces.ids;
    write->replaces_count = replaces.count;
    if (basis.count > VELD_CHANGE_REFERENCES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT,
            "record %s has more values than a removal can name: %zu", id, basis.count);
        goto done;
    }
    write->basis = basis.ids;
    write->basis_count = basis.count;
    /* Restoring what nobody removed changes nothing; removing again names a newer basis. */
    bool spoken_of = field != NULL && field->visible_count > 0;
    *wanted = edit->kind == VELD_EDIT_REMOVE || (spoken_of && !is_settled_as(field, write->value));
done:
    return status;
}

/* Whether a write that is there already has to be written once more: where it is held back its
 * author now knows for what. A side of an open choice only by who decides. */
static bool is_worth_repeating(const veld_reading *reading, bool decides)
{
    for (size_t i = 0; i < reading->sides_count; i++) {
        const veld_side *side = &reading->sides[i];
        if (!side->entry->replaced && side->held != VELD_HELD_NOT &&
            (decides || side->held != VELD_HELD_UNDECIDED))
            return true;
    }
    return false;
}

/* What the author of a write knew that bears on it. */
static veld_status set_basis(veld_outlook *outlook, const veld_state_field *field, bool decides,
    veld_write *write, bool *wanted)
{
    veld_reading reading;
    veld_status status = VELD_OK;
    const veld_schema_field *schema =
        veld_schema_field_get(veld_schema_get(outlook->schemas, write->type), write->field);
    if (schema == NULL || (schema->danger == VELD_DANGER_NONE && !veld_policy_weighs_past(schema)))
        return VELD_OK;
    if (!*wanted && field != NULL) {
        VELD_TRY(veld_policy_read(outlook, field, &reading));
        *wanted = is_worth_repeating(&reading, decides);
    }
    if (*wanted)
        VELD_TRY(veld_policy_basis(
            outlook, schema, field, write->value, &write->basis, &write->basis_count));
done:
    return status;
}

static veld_status make_write(
    saving *s, const veld_edit *edit, veld_write *write, bool *wanted, veld_error *err)
{
    veld_arena *arena = s->outlook.arena;
    const veld_state_record *record =
        veld_state_record_get(s->opened->state, edit->type, &edit->record);
    *write = (veld_write){.record = edit->record, .type = edit->type};
    *wanted = true;
    if (edit->kind == VELD_EDIT_REMOVE || edit->kind == VELD_EDIT_RESTORE)
        return make_removal(s, record, edit, write, wanted, err);

    veld_status status;
    id_list selected;
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, edit->field);
    write->field = edit->field;
    write->value = edit->value;
    if (edit->kind == VELD_EDIT_SET) {
        VELD_TRY(select_writes(arena, field, ALL, edit->value, &selected));
        *wanted = !is_settled_as(field, edit->value);
    } else if (edit->kind == VELD_EDIT_CHOOSE) {
        VELD_TRY(select_named(arena, field, edit, &selected));
        *wanted = !is_settled_as(field, edit->value);
        if (selected.count == 0) { /* nothing of it stands there any more */
            *wanted = false;
            goto done;
        }
    } else if (edit->kind == VELD_EDIT_ADD) {
        VELD_TRY(select_writes(arena, field, SAME_VALUE, edit->value, &selected));
        *wanted = selected.count == 0;
        VELD_TRY(select_writes(arena, field, SAME_VALUE_OR_CLEARED, edit->value, &selected));
    } else {
        VELD_TRY(select_writes(arena, field, SAME_VALUE, edit->value, &selected));
        *wanted = selected.count > 0;
        VELD_TRY(select_writes(arena, field, SAME_VALUE_OR_CLEARED, edit->value, &selected));
        write->value = veld_span_text("null");
    }
    write->replaces = selected.ids;
    write->replaces_count = selected.count;
    if (!edit->unaware)
        VELD_TRY(set_basis(&s->outlook, field, s->decides, write, wanted));
done:
    return status;
}

veld_status case_writes(veld_case *opened, veld_arena *arena, const veld_edit *edits, size_t count,
    veld_change *change, veld_error *err)
{
    veld_status status = VELD_OK;
    saving s = {.opened = opened};
    s.outlook = veld_outlook_of(opened->state, opened->desk.schemas, arena);
    for (size_t i = 0; i < count; i++)
        s.decides = s.decides || is_decision(&edits[i]);
    if (count > VELD_CHANGE_WRITES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "%zu edits at once; at most %u fit one change", count,
            (unsigned)VELD_CHANGE_WRITES_MAX);
    change->writes = veld_arena_get(arena, count, sizeof *change->writes);
    if (change->writes == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu edits", count);
    for (size_t i = 0; i < count; i++) {
        bool wanted = false;
        veld_write *write = &change->writes[change->writes_count];
        VELD_TRY(make_write(&s, &edits[i], write, &wanted, err));
        change->writes_count += wanted;
    }
done:
    return status;
}
