/* What was held back once and is decided by now, and decisions that were taken back: it stands no
 * longer in the case that is shown, but it is what a reader asks about. What those who decided had
 * before them follows from the past of their change. */
#include <string.h>

#include "explain.h"

/* The first write that is held back, and rather for another reason than that it is one side of an
 * open choice. */
static const veld_side *first_held(const veld_conflict *conflict)
{
    const veld_side *found = NULL;
    for (size_t i = 0; i < conflict->sides_count; i++) {
        const veld_side *side = &conflict->sides[i];
        if (side->held != VELD_HELD_NOT && side->held != VELD_HELD_UNDECIDED)
            return side;
        if (side->held != VELD_HELD_NOT && found == NULL)
            found = side;
    }
    return found;
}

bool explain_is_held(const veld_conflict *conflict, explain_settled *out)
{
    const veld_side *side = first_held(conflict);
    *out = (explain_settled){.effective = conflict->effective,
        .dangers = conflict->dangers,
        .dangers_count = conflict->dangers_count};
    if (side != NULL)
        out->side = *side;
    return side != NULL;
}

/* ---- what is told already ---- */
static bool is_told(const explain *e, const veld_entry *ending)
{
    for (size_t i = 0; i < e->count; i++) {
        for (size_t j = 0; j < e->meetings[i].endings_count; j++) {
            if (e->meetings[i].endings[j] == ending)
                return true;
        }
    }
    for (size_t i = 0; i < e->settled_count; i++) {
        if (e->settled[i].ending == ending)
            return true;
    }
    return false;
}

/* ---- what lay before them ---- */
static const veld_conflict *find_conflict(
    const veld_conflict *list, size_t count, const veld_entry *ending)
{
    for (size_t i = 0; i < count; i++) {
        if (veld_id_equal(&list[i].record->id, &ending->field->record->id) &&
            veld_span_equal(list[i].field, ending->field->name))
            return &list[i];
    }
    return NULL;
}

/* The same writes in the state of now: theirs goes with the past that it was read from. */
static veld_status keep(explain *e, const veld_conflict *was, explain_settled *out)
{
    const veld_state *state = veld_case_state(e->opened);
    const veld_side *side = first_held(was);
    size_t count = side == NULL ? 0 : was->dangers_count;
    const veld_entry **dangers = veld_arena_get(&e->arena, count, sizeof *dangers);
    if (dangers == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        dangers[out->dangers_count] = veld_state_entry_get(state, &was->dangers[i]->id);
        out->dangers_count += dangers[out->dangers_count] != NULL;
    }
    out->dangers = dangers;
    if (side == NULL)
        return VELD_OK;
    out->side = *side;
    out->side.entry = veld_state_entry_get(state, &side->entry->id);
    if (out->side.entry == NULL)
        return VELD_OK;
    out->side.value = out->side.entry->value;
    return veld_arena_copy(&e->arena, was->effective, &out->effective);
}

static veld_status look_before(explain *e, const veld_node *parent, explain_settled *out)
{
    const veld_schema_set *schemas = e->call->session->schemas;
    const veld_conflict *list = NULL;
    veld_state *before = NULL;
    size_t count = 0;
    veld_arena arena;
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    veld_status status = veld_case_state_at(e->opened, &parent->id, &before, &e->call->err);
    if (status == VELD_E_NOT_FOUND || status == VELD_E_STALE) { /* its past is not here */
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(veld_conflict_list(
        before, schemas, veld_case_id(e->opened), &arena, &list, &count, &e->call->err));
    const veld_conflict *was = find_conflict(list, count, out->ending);
    if (was != NULL)
        status = keep(e, was, out);

done:
    veld_state_free(before);
    veld_arena_release(&arena);
    return status;
}

static veld_status add(explain *e, const veld_entry *ending)
{
    explain_settled one = {.ending = ending};
    const veld_node *node = veld_graph_get(veld_case_graph(e->opened), &ending->origin->change);
    veld_status status = VELD_OK;
    for (size_t i = 0; node != NULL && i < node->parents_count && one.side.entry == NULL; i++)
        VELD_TRY(look_before(e, node->parents[i], &one));
    e->settled[e->settled_count++] = one;

done:
    return status;
}

/* ---- which decisions there are ---- */
static bool is_of_people(const veld_state_record *record)
{
    return veld_span_equal(record->type, veld_span_text("decision")) ||
           veld_span_equal(record->type, veld_span_text("confirmation"));
}

/* What the change of a decision wrote on the field that it is about. */
static const veld_entry *written_by(const veld_state_record *target, const veld_state_record *said)
{
    const veld_state_field *about = veld_state_field_get(said, veld_span_text("record"));
    const veld_state_field *name = veld_state_field_get(said, veld_span_text("field"));
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&target->id, id);
    if (about == NULL || name == NULL || name->entries->value.len < 2 ||
        about->entries->value.len != strlen(id) + 2 ||
        memcmp(about->entries->value.data + 1, id, strlen(id)) != 0)
        return NULL;
    veld_span field = veld_span_of(name->entries->value.data + 1, name->entries->value.len - 2);
    const veld_state_field *found = veld_state_field_get(target, field);
    const veld_entry *e = found == NULL ? NULL : found->entries;
    while (e != NULL && !veld_hash_equal(&e->origin->core, &about->entries->origin->core))
        e = e->next;
    return e;
}

veld_status explain_find_settled(explain *e)
{
    size_t count, decisions = 0;
    veld_status status = VELD_OK;
    const veld_state_record *const *records =
        veld_state_records(veld_case_state(e->opened), &count);
    for (size_t i = 0; records != NULL && i < count; i++)
        decisions += is_of_people(records[i]);
    e->settled = veld_arena_get(&e->arena, decisions, sizeof *e->settled);
    if (records == NULL || e->settled == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const veld_entry *ending = NULL;
        for (size_t j = 0; is_of_people(records[i]) && j < count && ending == NULL; j++)
            ending = written_by(records[j], records[i]);
        if (ending != NULL && !is_told(e, ending))
            VELD_TRY(add(e, ending));
    }

done:
    return status;
}

/* ---- what counted later than it was decided ---- */
static veld_status held_in(explain *e, veld_state *state, const veld_entry *entry, veld_held *out)
{
    veld_reading reading = {0};
    veld_arena arena;
    veld_status status = VELD_OK;
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    veld_outlook outlook = veld_outlook_of(state, e->call->session->schemas, &arena);
    const veld_state_record *record =
        veld_state_record_get(state, entry->field->record->type, &entry->field->record->id);
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, entry->field->name);
    *out = VELD_HELD_NOT;
    if (field != NULL)
        status = veld_policy_read(&outlook, field, &reading);
    for (size_t i = 0; status == VELD_OK && i < reading.sides_count; i++)
        if (veld_write_id_equal(&reading.sides[i].entry->id, &entry->id))
            *out = reading.sides[i].held;
    veld_arena_release(&arena);
    return status;
}

veld_status explain_held_then(explain *e, const veld_entry *entry, veld_held *then, veld_held *now)
{
    const veld_schema_field *schema = veld_label_schema(
        e->call->session->schemas, entry->field->record->type, entry->field->name);
    veld_state *state = NULL;
    *then = *now = VELD_HELD_NOT;
    if (schema == NULL || schema->policy != VELD_POLICY_TRANSITION_LOG)
        return VELD_OK;
    veld_status status = held_in(e, veld_case_state(e->opened), entry, now);
    if (status == VELD_OK)
        status = veld_case_state_at(e->opened, &entry->origin->change, &state, &e->call->err);
    if (status == VELD_E_NOT_FOUND || status == VELD_E_STALE)
        return VELD_OK; /* its past is not here */
    if (status == VELD_OK)
        status = held_in(e, state, entry, then);
    veld_state_free(state);
    return status;
}
