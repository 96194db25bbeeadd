/* policy_inner.h: what the files that read a case share. */
#ifndef VELD_CASES_POLICY_INNER_H
#define VELD_CASES_POLICY_INNER_H

#include "past.h"
#include "veldkit/policy.h"

/* All below expect VELD_E_MEMORY only. */

/* policy_visible: fill the sides of a reading with the visible writes, sorted by id. */
veld_status policy_visible(
    const veld_state_field *field, veld_arena *arena, veld_reading *out) VELD_MUST_CHECK;
/* policy_check_stored: whether a stored value is one that could be saved here: VELD_E_INVALID when
 * it is not. */
veld_status policy_check_stored(const veld_schema_field *schema, veld_span value) VELD_MUST_CHECK;
/* policy_merge: the merge of a text of which two were made, when there is one. */
veld_status policy_merge(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, const veld_reading *reading, veld_span *out,
    bool *merged) VELD_MUST_CHECK;
/* For qsort of veld_side. */
int policy_by_write_id(const void *a, const void *b);
/* policy_schema_of: NULL when this program does not know the field. */
const veld_schema_field *policy_schema_of(
    const veld_outlook *outlook, const veld_state_field *field);

/* ---- the case around a field ---- */
/* policy_dangers: the danger entries of the case, sorted by write id. */
veld_status policy_dangers(
    veld_outlook *outlook, const veld_entry *const **out, size_t *count) VELD_MUST_CHECK;
/* policy_unknown_danger: whether there is danger that neither knows the entry nor is known by it;
 * up to `max` of it is put in `list`, which may be NULL when `max` is 0. */
veld_status policy_unknown_danger(veld_outlook *outlook, const veld_entry *entry, bool *out,
    const veld_entry **list, size_t max, size_t *listed) VELD_MUST_CHECK;
/* policy_decided: whether the entry's change holds a decision about the entry's field. */
veld_status policy_decided(
    veld_outlook *outlook, const veld_entry *entry, bool *out) VELD_MUST_CHECK;
/* A record that a condition looks at: one of the state, or one that is being saved. */
typedef struct policy_place {
    const veld_state_record *record; /* NULL: not in the state yet */
    const veld_id *id;
    const veld_schema *schema;
    /* What is being saved on a field of it, empty when nothing is; NULL: nothing is saved. */
    veld_span (*saving)(const void *context, veld_span field);
    const void *context;
} policy_place;

/* policy_guarded: whether a guard forbids this value now, on a field of `place`.
 * policy_condition: one guard that is not about conflicts. policy_meets: whether a record shows all
 * that is wanted. */
veld_status policy_guarded(veld_outlook *outlook, const veld_schema_field *schema,
    const policy_place *place, veld_span value, bool *out) VELD_MUST_CHECK;
veld_status policy_condition(veld_outlook *outlook, const veld_guard *guard,
    const policy_place *place, bool *forbids) VELD_MUST_CHECK;
veld_status policy_meets(veld_outlook *outlook, const policy_place *place,
    const veld_requirement *wanted, size_t count, bool *out) VELD_MUST_CHECK;

/* ---- what is held back ---- */
/* Parallel to the entries of `p`. */
typedef struct standing {
    past p;
    const veld_entry **shown; /* whose value stands; NULL: nothing does */
    veld_held *held;
    bool *open; /* it follows an open choice of two people, and is no decision */
} standing;

/* policy_stand: weigh all known writes of a field for which policy_is_weighed. */
veld_status policy_stand(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, standing *out) VELD_MUST_CHECK;
bool policy_is_weighed(const veld_schema_field *schema);
/* policy_needs_two: whether only a decision of two people settles different values. */
bool policy_needs_two(const veld_schema_field *schema);
/* policy_more: the one of two that protects more, of equal ones the later; of a field that is
 * written once the earlier. NULL is nothing. */
const veld_entry *policy_more(
    const veld_schema_field *schema, const veld_entry *a, const veld_entry *b);
/* policy_may_follow: whether the log has a step from a value (NULL: from nothing) to another. */
bool policy_may_follow(const veld_schema_field *schema, const veld_span *from, veld_span to);

#endif
