/* What is held back. Every known write of the field is weighed, what was replaced before what
 * replaced it: so a write that follows one that is held back is held against what that one shows,
 * and nobody lowers protection in two steps. */
#include "policy_inner.h"

#include "veldkit/assert.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

bool policy_is_weighed(const veld_schema_field *schema)
{
    return schema != NULL && schema->order != VELD_PROTECTIVE_NONE &&
           (schema->held_by_danger || schema->policy == VELD_POLICY_MOST_RESTRICTIVE ||
               schema->policy == VELD_POLICY_TRANSITION_LOG);
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
    return veld_policy_order(a, b) > 0 ? a : b;
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

static veld_status weigh_step(const weighing *w, veld_held *out)
{
    bool decided = false, guarded = false;
    veld_status status = VELD_OK;
    if (!has_step(w)) {
        status = policy_decided(w->outlook, w->entry, &decided);
        if (status == VELD_OK && !decided)
            *out = VELD_HELD_TRANSITION;
    }
    if (status == VELD_OK && *out == VELD_HELD_NOT) {
        status = policy_guarded(w->outlook, w->schema, w->entry->value, &guarded);
        if (status == VELD_OK && guarded)
            *out = VELD_HELD_GUARD;
    }
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

static veld_status weigh(const weighing *w, veld_held *out)
{
    veld_status status = VELD_OK;
    if (w->schema->policy == VELD_POLICY_TRANSITION_LOG)
        status = weigh_step(w, out);
    if (status == VELD_OK && *out == VELD_HELD_NOT)
        status = weigh_lowering(w, out);
    return status;
}

veld_status policy_stand(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, standing *out)
{
    veld_status status;
    *out = (standing){0};
    VELD_TRY(past_of(outlook->state, field, outlook->arena, &out->p));
    out->shown = veld_arena_get(outlook->arena, out->p.count, sizeof *out->shown);
    out->held = veld_arena_get(outlook->arena, out->p.count, sizeof *out->held);
    if (out->shown == NULL || out->held == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < out->p.count; i++)
        out->shown[i] = out->p.entries[i];
    for (size_t i = 0; i < out->p.ordered; i++) {
        weighing w = {.outlook = outlook, .schema = schema, .stand = out};
        w.at = out->p.order[i];
        w.entry = out->p.entries[w.at];
        VELD_TRY(weigh(&w, &out->held[w.at]));
        if (out->held[w.at] != VELD_HELD_NOT)
            out->shown[w.at] = before(&w);
    }
done:
    return status;
}

veld_status veld_policy_step_allowed(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_state_field *field, veld_span value, bool *allowed, bool *guarded)
{
    veld_reading reading;
    veld_status status = VELD_OK;
    *allowed = true;
    *guarded = false;
    if (schema->policy != VELD_POLICY_TRANSITION_LOG)
        return VELD_OK;
    if (field == NULL) {
        *allowed = policy_may_follow(schema, NULL, value);
    } else {
        VELD_TRY(veld_policy_read(outlook, field, &reading));
        *allowed = policy_may_follow(schema, &reading.effective, value);
        for (size_t i = 0; i < reading.sides_count && !*allowed; i++)
            *allowed = reading.sides[i].held != VELD_HELD_TRANSITION &&
                       policy_may_follow(schema, &reading.sides[i].value, value);
    }
    if (outlook->state != NULL) /* a new case has nothing that forbids */
        VELD_TRY(policy_guarded(outlook, schema, value, guarded));
    *allowed = *allowed && !*guarded;
done:
    return status;
}
