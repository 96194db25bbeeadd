/* What of the rest of a case decides about one write: decisions of people, and guards. A guard
 * looks at fields that have none themselves, so questions never go round. */
#include <stdlib.h>

#include "policy_facts.h"
#include "schema_inner.h"
#include "veldkit/assert.h"

veld_outlook veld_outlook_of(veld_state *state, const veld_schema_set *schemas, veld_arena *arena)
{
    return (veld_outlook){.state = state, .schemas = schemas, .arena = arena};
}

struct policy_facts *policy_facts_of(veld_outlook *outlook)
{
    if (outlook->facts == NULL)
        outlook->facts = veld_arena_get(outlook->arena, 1, sizeof *outlook->facts);
    return outlook->facts;
}

const veld_schema_field *policy_schema_of(
    const veld_outlook *outlook, const veld_state_field *field)
{
    return veld_schema_field_get(
        veld_schema_get(outlook->schemas, field->record->type), field->name);
}

/* ---- decisions ---- */

static int by_place(const void *a, const void *b)
{
    const decided *left = a;
    const decided *right = b;
    int order = veld_hash_compare(&left->core, &right->core);
    if (order == 0)
        order = veld_id_compare(&left->record, &right->record);
    return order != 0 ? order : veld_span_compare(left->field, right->field);
}

/* The one visible write of a field, NULL when there is none or more. */
static const veld_entry *only(const veld_state_record *record, const char *name)
{
    const veld_state_field *field = veld_state_field_get(record, veld_span_text(name));
    return field == NULL || field->visible_count != 1 ? NULL : field->entries;
}

static bool read_decision(const veld_state_record *record, decided *out)
{
    const veld_entry *about = only(record, "record");
    const veld_entry *field = only(record, "field");
    if (about == NULL || field == NULL ||
        !veld_hash_equal(&about->origin->core, &field->origin->core) ||
        veld_id_parse(schema_unquoted(about->value), &out->record) != VELD_OK)
        return false;
    out->core = about->origin->core;
    out->field = schema_unquoted(field->value);
    return true;
}

/* Where two persons decide, it is the change of the second that writes the field. */
static bool is_decision(const veld_state_record *record)
{
    return veld_span_equal(record->type, veld_span_text("decision")) ||
           veld_span_equal(record->type, veld_span_text("confirmation"));
}

static veld_status find_decisions(veld_outlook *outlook, struct policy_facts *facts)
{
    size_t count;
    const veld_state_record *const *records = veld_state_records(outlook->state, &count);
    size_t most = 0;
    for (size_t i = 0; records != NULL && i < count; i++)
        most += is_decision(records[i]);
    decided *list = veld_arena_get(outlook->arena, most, sizeof *list);
    if (records == NULL || list == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (is_decision(records[i]))
            facts->decisions_count += read_decision(records[i], &list[facts->decisions_count]);
    }
    qsort(list, facts->decisions_count, sizeof *list, by_place);
    facts->decisions = list;
    facts->decisions_found = true;
    return VELD_OK;
}

veld_status policy_decided(veld_outlook *outlook, const veld_entry *entry, bool *out)
{
    struct policy_facts *facts = policy_facts_of(outlook);
    *out = false;
    if (facts == NULL)
        return VELD_E_MEMORY;
    veld_status status = facts->decisions_found ? VELD_OK : find_decisions(outlook, facts);
    if (status != VELD_OK || facts->decisions_count == 0)
        return status;
    const decided wanted = {
        .core = entry->origin->core,
        .record = entry->field->record->id,
        .field = entry->field->name,
    };
    *out =
        bsearch(&wanted, facts->decisions, facts->decisions_count, sizeof wanted, by_place) != NULL;
    return VELD_OK;
}

/* ---- guards ---- */

/* Whether a critical conflict is open on a record, other than on a field with guards. */
static veld_status judge_conflicts(
    veld_outlook *outlook, const veld_state_record *record, bool *forbids)
{
    veld_status status = VELD_OK;
    const veld_schema *schema = veld_schema_get(outlook->schemas, record->type);
    if (veld_schema_removal_risk(schema) != VELD_RISK_TWO || veld_policy_removed(record))
        return VELD_OK;
    for (const veld_state_field *f = record->fields; f != NULL && !*forbids; f = f->next) {
        veld_reading reading = {0};
        const veld_schema_field *of = veld_schema_field_get(schema, f->name);
        if (veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
            status = veld_policy_read_removed(record, outlook->arena, &reading);
        else if (of != NULL && of->critical && !veld_schema_has_guards(of))
            status = veld_policy_read(outlook, f, &reading);
        if (status != VELD_OK)
            return status;
        *forbids = reading.conflict;
    }
    return VELD_OK;
}

static veld_status judge_case(veld_outlook *outlook, bool *forbids)
{
    size_t count;
    veld_status status = VELD_OK;
    const veld_state_record *const *records = veld_state_records(outlook->state, &count);
    *forbids = false;
    if (records == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; status == VELD_OK && i < count && !*forbids; i++)
        status = judge_conflicts(outlook, records[i], forbids);
    return status;
}

static veld_status judge(
    veld_outlook *outlook, const veld_guard *guard, const policy_place *place, bool *forbids)
{
    return guard->conflicts ? judge_case(outlook, forbids)
                            : policy_condition(outlook, guard, place, forbids);
}

/* What does not depend on the guarded record is judged once for each outlook, however many writes
 * ask. */
static veld_status ask(
    veld_outlook *outlook, const veld_guard *guard, const policy_place *place, bool *forbids)
{
    struct policy_facts *facts = policy_facts_of(outlook);
    bool applies = true;
    if (facts == NULL)
        return VELD_E_MEMORY;
    *forbids = false;
    veld_status status = guard->only_if.field.len == 0
                             ? VELD_OK
                             : policy_meets(outlook, place, &guard->only_if, 1, &applies);
    if (status != VELD_OK || !applies)
        return status;
    if (guard->same || guard->by.len > 0)
        return judge(outlook, guard, place, forbids);
    for (size_t i = 0; i < facts->guards_count; i++) {
        if (facts->guards[i].guard == guard) {
            *forbids = facts->guards[i].forbids;
            return VELD_OK;
        }
    }
    status = judge(outlook, guard, place, forbids);
    if (status == VELD_OK && facts->guards_count < sizeof facts->guards / sizeof *facts->guards)
        facts->guards[facts->guards_count++] = (guard_state){.guard = guard, .forbids = *forbids};
    return status;
}

/* The first guard of a value that forbids it now; NULL when none does. */
static veld_status find_guard(veld_outlook *outlook, const veld_schema_field *schema,
    const policy_place *place, veld_span value, const veld_guard **out)
{
    veld_status status = VELD_OK;
    size_t choice = veld_schema_choice(schema, value);
    *out = NULL;
    if (choice == schema->choices_count)
        return VELD_OK;
    const veld_choice *of = &schema->choices[choice];
    for (size_t i = 0; status == VELD_OK && *out == NULL && i < of->guards_count; i++) {
        bool forbids;
        status = ask(outlook, &of->guards[i], place, &forbids);
        if (status == VELD_OK && forbids)
            *out = &of->guards[i];
    }
    return status;
}

veld_status policy_guarded(veld_outlook *outlook, const veld_schema_field *schema,
    const policy_place *place, veld_span value, bool *out)
{
    const veld_guard *guard;
    veld_status status = find_guard(outlook, schema, place, value, &guard);
    *out = guard != NULL;
    return status;
}

veld_status veld_policy_hindrance(
    veld_outlook *outlook, const veld_state_field *field, veld_span value, const veld_guard **out)
{
    const veld_schema_field *schema = policy_schema_of(outlook, field);
    const policy_place place = {.record = field->record,
        .id = &field->record->id,
        .schema = veld_schema_get(outlook->schemas, field->record->type)};
    *out = NULL;
    return schema == NULL || schema->policy != VELD_POLICY_TRANSITION_LOG
               ? VELD_OK
               : find_guard(outlook, schema, &place, value, out);
}
