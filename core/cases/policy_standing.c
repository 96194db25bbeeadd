/* What is held back. Every known write of the field is weighed, what was replaced before what
 * replaced it: so a write that follows one that is held back is held against what that one shows,
 * and nobody lowers protection in two steps. */
#include "policy_inner.h"

#include "veldkit/assert.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

bool policy_needs_two(const veld_schema_field *schema)
{
    return schema != NULL && schema->critical && !veld_policy_is_set(schema->policy) &&
           schema->policy != VELD_POLICY_LAST_WRITER && schema->policy != VELD_POLICY_MERGE_TEXT;
}

bool policy_is_weighed(const veld_schema_field *schema)
{
    if (schema == NULL || schema->order == VELD_PROTECTIVE_NONE)
        return policy_needs_two(schema);
    return schema->held_by_danger || schema->policy == VELD_POLICY_MOST_RESTRICTIVE ||
           schema->policy == VELD_POLICY_TRANSITION_LOG || policy_needs_two(schema);
}

static int64_t protection(const veld_schema_field *schema, const veld_entry *entry)
{
    return veld_schema_protection(schema, entry == NULL ? null_value : entry->value);
}

const veld_entry *policy_more(
    const veld_schema_field *schema, const veld_entry *a, const veld_entry *b)
{
    int64_t left = protection(schema, a);
    int64_t right = protection(schema, b);
    if (left != right)
        return left > right ? a : b;
    if (a == NULL || b == NULL)
        return a == NULL ? b : a;
    bool later = veld_policy_order(a, b) > 0;
    return later == (schema->policy != VELD_POLICY_WRITE_ONCE) ? a : b;
}

/* One write that is weighed. */
typedef struct weighing {
    veld_outlook *outlook;
    const veld_schema_field *schema;
    const standing *stand;
    const veld_entry *entry;
    size_t at;
} weighing;

/* The most protective that is shown by what the write replaced. */
static const veld_entry *before(const weighing *w)
{
    const past *p = &w->stand->p;
    const veld_entry *most = NULL;
    for (size_t k = p->first[w->at]; k < p->first[w->at + 1]; k++) {
        const veld_entry *shown = w->stand->shown[p->links[k]];
        most = k == p->first[w->at] ? shown : policy_more(w->schema, most, shown);
    }
    return most;
}

static bool follows_something(const weighing *w)
{
    return w->stand->p.first[w->at] < w->stand->p.first[w->at + 1];
}

/* ---- steps ---- */

bool policy_may_follow(const veld_schema_field *schema, const veld_span *from, veld_span to)
{
    size_t next = veld_schema_choice(schema, to);
    if (veld_span_equal(to, null_value))
        return false;
    if (next == schema->choices_count)
        return true;
    if (from == NULL || veld_span_equal(*from, null_value))
        return (schema->first >> next & 1) != 0;
    size_t choice = veld_schema_choice(schema, *from);
    return choice == schema->choices_count || choice == next ||
           (schema->choices[choice].next >> next & 1) != 0;
}

/* Whether the log has a step to here from something that the write replaced. */
static bool has_step(const weighing *w)
{
    const past *p = &w->stand->p;
    if (p->unknown[w->at])
        return !veld_span_equal(w->entry->value, null_value);
    if (!follows_something(w))
        return policy_may_follow(w->schema, NULL, w->entry->value);
    for (size_t k = p->first[w->at]; k < p->first[w->at + 1]; k++) {
        size_t from = p->links[k];
        const veld_entry *shown = w->stand->shown[from];
        if (policy_may_follow(w->schema, shown == NULL ? NULL : &shown->value, w->entry->value))
            return true;
        if (w->stand->held[from] != VELD_HELD_TRANSITION &&
            policy_may_follow(w->schema, &p->entries[from]->value, w->entry->value))
            return true;
    }
    return false;
}

static bool counts_by_decision(const weighing *w)
{
    size_t choice = veld_schema_choice(w->schema, w->entry->value);
    return choice < w->schema->choices_count && w->schema->choices[choice].by_decision;
}

static veld_status weigh_step(const weighing *w, veld_held *out)
{
    const veld_state_record *record = w->entry->field->record;
    const policy_place place = {.record = record,
        .id = &record->id,
        .schema = veld_schema_get(w->outlook->schemas, record->type)};
    bool decided = false, guarded = false;
    bool step = has_step(w), asks = counts_by_decision(w);
    veld_status status = step && !asks ? VELD_OK : policy_decided(w->outlook, w->entry, &decided);
    if (status == VELD_OK && !step && !decided)
        *out = VELD_HELD_TRANSITION;
    if (status == VELD_OK && *out == VELD_HELD_NOT) {
        status = policy_guarded(w->outlook, w->schema, &place, w->entry->value, &guarded);
        if (status == VELD_OK && guarded)
            *out = VELD_HELD_GUARD;
    }
    if (status == VELD_OK && *out == VELD_HELD_NOT && asks && !decided)
        *out = VELD_HELD_RESTRICTION;
    return status;
}

/* ---- lowering ---- */

static veld_status weigh_lowering(const weighing *w, veld_held *out)
{
    bool decided = false, unknown = false;
    veld_status status = VELD_OK;
    if (!follows_something(w) ||
        protection(w->schema, w->entry) >= protection(w->schema, before(w)))
        return VELD_OK;
    if (w->schema->policy == VELD_POLICY_MOST_RESTRICTIVE) {
        status = policy_decided(w->outlook, w->entry, &decided);
        if (status == VELD_OK && !decided)
            *out = VELD_HELD_RESTRICTION;
    }
    if (status == VELD_OK && *out == VELD_HELD_NOT && w->schema->held_by_danger) {
        status = policy_unknown_danger(w->outlook, w->entry, &unknown, NULL, 0, NULL);
        if (status == VELD_OK && unknown)
            *out = VELD_HELD_DANGER;
    }
    return status;
}

/* ---- open choices ---- */

/* Whether what the write replaced was a choice that nobody had made. */
static bool follows_choice(const weighing *w)
{
    const past *p = &w->stand->p;
    size_t first = p->first[w->at];
    for (size_t k = first; k < p->first[w->at + 1]; k++) {
        size_t from = p->links[k];
        if (w->stand->held[from] != VELD_HELD_NOT ||
            !veld_span_equal(p->entries[from]->value, p->entries[p->links[first]]->value))
            return true;
    }
    return false;
}

/* A write on an open choice is one more side of it, whoever wrote it: only a decision ends it. */
static veld_status weigh_choice(const weighing *w, bool *open)
{
    bool decided = false;
    veld_status status = VELD_OK;
    if (policy_needs_two(w->schema) && follows_choice(w)) {
        status = policy_decided(w->outlook, w->entry, &decided);
        *open = !decided;
    }
    return status;
}

static veld_status weigh(const weighing *w, veld_held *out, bool *open)
{
    veld_status status = VELD_OK;
    if (w->schema->policy == VELD_POLICY_TRANSITION_LOG)
        status = weigh_step(w, out);
    if (status == VELD_OK && *out == VELD_HELD_NOT)
        status = weigh_lowering(w, out);
    if (status == VELD_OK)
        status = weigh_choice(w, open);
    if (*open && *out == VELD_HELD_NOT)
        *out = VELD_HELD_UNDECIDED;
    return status;
}

/* What stands for a write: itself, or what it replaced; a side of an open choice stands beside
 * that, so that more protection is never held back. */
static const veld_entry *stands_for(const weighing *w, veld_held held)
{
    switch (held) {
    case VELD_HELD_NOT:
        break;
    case VELD_HELD_UNDECIDED:
        return policy_more(w->schema, before(w), w->entry);
    case VELD_HELD_DANGER:
    case VELD_HELD_RESTRICTION:
    case VELD_HELD_TRANSITION:
    case VELD_HELD_GUARD:
        return before(w);
    }
    return w->entry;
}

veld_status policy_stand(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, standing *out)
{
    veld_status status;
    *out = (standing){0};
    VELD_TRY(past_of(outlook->state, field, outlook->arena, &out->p));
    out->shown = veld_arena_get(outlook->arena, out->p.count, sizeof *out->shown);
    out->held = veld_arena_get(outlook->arena, out->p.count, sizeof *out->held);
    out->open = veld_arena_get(outlook->arena, out->p.count, sizeof *out->open);
    if (out->shown == NULL || out->held == NULL || out->open == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < out->p.count; i++)
        out->shown[i] = out->p.entries[i];
    for (size_t i = 0; i < out->p.ordered; i++) {
        weighing w = {.outlook = outlook, .schema = schema, .stand = out};
        w.at = out->p.order[i];
        w.entry = out->p.entries[w.at];
        VELD_TRY(weigh(&w, &out->held[w.at], &out->open[w.at]));
        out->shown[w.at] = stands_for(&w, out->held[w.at]);
    }
done:
    return status;
}

veld_status veld_policy_step_allowed(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_step *step, bool *allowed, bool *guarded)
{
    veld_reading reading;
    veld_status status = VELD_OK;
    const veld_state_field *field =
        step->record == NULL ? NULL : veld_state_field_get(step->record, schema->name);
    const policy_place place = {.record = step->record,
        .id = step->id,
        .schema = step->schema,
        .saving = step->saving,
        .context = step->context};
    *allowed = true;
    *guarded = false;
    if (schema->policy != VELD_POLICY_TRANSITION_LOG)
        return VELD_OK;
    if (field == NULL) {
        *allowed = policy_may_follow(schema, NULL, step->value);
    } else {
        VELD_TRY(veld_policy_read(outlook, field, &reading));
        *allowed = policy_may_follow(schema, &reading.effective, step->value);
        for (size_t i = 0; i < reading.sides_count && !*allowed; i++)
            *allowed = reading.sides[i].held != VELD_HELD_TRANSITION &&
                       !reading.sides[i].entry->replaced &&
                       policy_may_follow(schema, &reading.sides[i].value, step->value);
    }
    if (outlook->state != NULL) /* a new case has nothing that forbids */
        VELD_TRY(policy_guarded(outlook, schema, &place, step->value, guarded));
    *allowed = *allowed && !*guarded;
done:
    return status;
}
