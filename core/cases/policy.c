/* From the visible writes of a field to what it shows. Everything is derived from the set of
 * visible writes, sorted by id first, so no order of arrival can shine through. Removal of whole
 * records is in policy_removed.c. */
#include "veldkit/policy.h"

#include <stdlib.h>

#include "policy_inner.h"
#include "veldkit/anchor.h"
#include "veldkit/assert.h"
#include "veldkit/json.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

int veld_policy_order(const veld_entry *a, const veld_entry *b)
{
    const veld_change_time *left = &a->origin->time;
    const veld_change_time *right = &b->origin->time;
    int64_t left_ms = veld_anchor_reading_ms(left), right_ms = veld_anchor_reading_ms(right);
    if (left_ms != right_ms)
        return left_ms < right_ms ? -1 : 1;
    if (left->hybrid_ms != right->hybrid_ms)
        return left->hybrid_ms < right->hybrid_ms ? -1 : 1;
    if (left->hybrid_count != right->hybrid_count)
        return left->hybrid_count < right->hybrid_count ? -1 : 1;
    int order = veld_hash_compare(&a->origin->change, &b->origin->change);
    return order != 0 ? order : veld_write_id_compare(&a->id, &b->id);
}

int policy_by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(
        &((const veld_side *)a)->entry->id, &((const veld_side *)b)->entry->id);
}

veld_status policy_visible(const veld_state_field *field, veld_arena *arena, veld_reading *out)
{
    veld_side *sides = veld_arena_get(arena, field->visible_count, sizeof *sides);
    if (sides == NULL)
        return VELD_E_MEMORY;
    size_t count = 0;
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next)
        sides[count++] = (veld_side){.value = e->value, .entry = e};
    VELD_ASSERT(count == field->visible_count);
    qsort(sides, count, sizeof *sides, policy_by_write_id);
    out->sides = sides;
    out->sides_count = count;
    return VELD_OK;
}

/* The earliest (-1) or the latest (1) of the sides. */
static veld_span extreme(const veld_reading *reading, int direction)
{
    if (reading->sides_count == 0)
        return null_value;
    const veld_side *found = &reading->sides[0];
    for (size_t i = 1; i < reading->sides_count; i++) {
        int order = veld_policy_order(reading->sides[i].entry, found->entry);
        if (direction < 0 ? order < 0 : order > 0)
            found = &reading->sides[i];
    }
    return found->value;
}

static bool differ(const veld_reading *reading)
{
    for (size_t i = 1; i < reading->sides_count; i++) {
        if (!veld_span_equal(reading->sides[i].value, reading->sides[0].value))
            return true;
    }
    return false;
}

static int by_bytes(const void *a, const void *b)
{
    return veld_span_compare(*(const veld_span *)a, *(const veld_span *)b);
}

/* `[a,b]` of different values in the order of their bytes; cleared marks are no elements. */
static veld_status join_set(const veld_reading *reading, veld_arena *arena, veld_span *out)
{
    veld_span *values = veld_arena_get(arena, reading->sides_count, sizeof *values);
    if (values == NULL)
        return VELD_E_MEMORY;
    size_t count = 0;
    size_t bytes = 2;
    for (size_t i = 0; i < reading->sides_count; i++) {
        if (veld_span_equal(reading->sides[i].value, null_value))
            continue;
        values[count++] = reading->sides[i].value;
        bytes += reading->sides[i].value.len + 1;
    }
    qsort(values, count, sizeof *values, by_bytes);

    veld_buf joined;
    veld_buf_init(&joined, bytes);
    veld_status status;
    VELD_TRY(veld_buf_append_byte(&joined, '['));
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && veld_span_equal(values[i - 1], values[i]))
            continue;
        if (i > 0)
            VELD_TRY(veld_buf_append_byte(&joined, ','));
        VELD_TRY(veld_buf_append_span(&joined, values[i]));
    }
    VELD_TRY(veld_buf_append_byte(&joined, ']'));
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&joined), out));
done:
    veld_buf_wipe(&joined);
    return status;
}

veld_status policy_check_stored(const veld_schema_field *schema, veld_span value)
{
    veld_json_doc *doc = NULL;
    if (veld_span_equal(value, null_value))
        return VELD_OK;
    veld_status status = veld_json_parse(value, VELD_JSON_STRICT, &doc, NULL, NULL);
    if (status == VELD_OK)
        status = veld_schema_value_check(schema, veld_json_root(doc), NULL);
    else if (status != VELD_E_MEMORY)
        status = VELD_E_INVALID;
    veld_json_doc_free(doc);
    return status;
}

/* The side that protects most; of several the latest. Without an order that is the latest. */
static veld_span most_protective(const veld_reading *reading, const veld_schema_field *schema)
{
    if (schema == NULL || reading->sides_count == 0)
        return extreme(reading, 1);
    const veld_entry *found = reading->sides[0].entry;
    for (size_t i = 1; i < reading->sides_count; i++)
        found = policy_more(schema, found, reading->sides[i].entry);
    return found->value;
}

/* The visible writes, and of those that follow an open choice what they replaced of it. */
static veld_status open_sides(veld_outlook *outlook, const standing *stand, veld_reading *out)
{
    const past *p = &stand->p;
    size_t *todo = veld_arena_get(outlook->arena, p->count, sizeof *todo);
    bool *listed = veld_arena_get(outlook->arena, p->count, sizeof *listed);
    veld_side *sides = veld_arena_get(outlook->arena, p->count, sizeof *sides);
    size_t count = 0;
    if (todo == NULL || listed == NULL || sides == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < out->sides_count; i++) {
        todo[count] = past_place(p, out->sides[i].entry);
        listed[todo[count++]] = true;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = todo[i];
        const veld_entry *entry = p->entries[at];
        sides[i] = (veld_side){.value = entry->value, .entry = entry, .held = stand->held[at]};
        for (size_t k = p->first[at]; stand->open[at] && k < p->first[at + 1]; k++) {
            if (!listed[p->links[k]])
                todo[count++] = p->links[k];
            listed[p->links[k]] = true;
        }
    }
    qsort(sides, count, sizeof *sides, policy_by_write_id);
    out->sides = sides;
    out->sides_count = count;
    return VELD_OK;
}

/* What is shown when some writes may be held back. */
static veld_status read_weighed(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, veld_reading *out)
{
    standing stand;
    const veld_entry *most = NULL;
    const veld_entry *first = NULL; /* that danger holds back */
    veld_status status;
    VELD_TRY(policy_stand(outlook, field, schema, &stand));
    for (size_t i = 0; i < out->sides_count; i++) {
        size_t at = past_place(&stand.p, out->sides[i].entry);
        most = i == 0 ? stand.shown[at] : policy_more(schema, most, stand.shown[at]);
        out->held = out->held || stand.held[at] != VELD_HELD_NOT;
        out->integrity = out->integrity || stand.held[at] == VELD_HELD_TRANSITION;
        if (first == NULL && stand.held[at] == VELD_HELD_DANGER)
            first = out->sides[i].entry;
    }
    out->effective = most == NULL ? null_value : most->value;
    out->conflict = out->held || differ(out);
    bool once = schema->policy == VELD_POLICY_WRITE_ONCE;
    bool forked = schema->policy == VELD_POLICY_TRANSITION_LOG && differ(out);
    out->integrity = out->integrity || forked || (out->conflict && once);
    VELD_TRY(open_sides(outlook, &stand, out));
    if (first == NULL)
        goto done;
    bool unknown;
    const veld_entry **dangers =
        veld_arena_get(outlook->arena, VELD_POLICY_DANGERS_MAX, sizeof *dangers);
    if (dangers == NULL) {
        status = VELD_E_MEMORY;
        goto done;
    }
    out->dangers = dangers;
    status = policy_unknown_danger(
        outlook, first, &unknown, dangers, VELD_POLICY_DANGERS_MAX, &out->dangers_count);
done:
    return status;
}

/* What the sides show when none is held back. */
static veld_status read_by_policy(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, veld_reading *out)
{
    bool merged = false;
    veld_status status = VELD_OK;
    switch (schema == NULL ? VELD_POLICY_PERSON_DECIDES : schema->policy) {
    case VELD_POLICY_WRITE_ONCE:
        out->effective = extreme(out, -1);
        out->conflict = out->integrity = differ(out);
        return VELD_OK;
    case VELD_POLICY_GROW_ONLY:
    case VELD_POLICY_OBSERVED_REMOVE:
        return join_set(out, outlook->arena, &out->effective);
    case VELD_POLICY_LAST_WRITER:
        out->effective = extreme(out, 1);
        return VELD_OK;
    case VELD_POLICY_PERSON_DECIDES:
    case VELD_POLICY_MOST_PROTECTIVE:
    case VELD_POLICY_MOST_RESTRICTIVE:
    case VELD_POLICY_TRANSITION_LOG:
        break;
    case VELD_POLICY_MERGE_TEXT:
        if (differ(out))
            status = policy_merge(outlook, field, schema, out, &out->effective, &merged);
        break;
    }
    if (merged)
        return VELD_OK;
    out->effective = most_protective(out, schema);
    out->conflict = differ(out);
    return status;
}

veld_status veld_policy_among(veld_outlook *outlook, const veld_state_field *field,
    const veld_entry *const *entries, size_t count, veld_span *out)
{
    veld_reading reading = {.sides_count = count};
    veld_side *sides = veld_arena_get(outlook->arena, count, sizeof *sides);
    if (sides == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        sides[i] = (veld_side){.value = entries[i]->value, .entry = entries[i]};
    qsort(sides, count, sizeof *sides, policy_by_write_id);
    reading.sides = sides;
    veld_status status = read_by_policy(outlook, field, policy_schema_of(outlook, field), &reading);
    *out = reading.effective;
    return status;
}

/* Where nothing but an open choice holds back, and nobody wrote on two writes at once, there never
 * was one. */
static bool needs_weighing(const veld_schema_field *schema, const veld_state_field *field)
{
    bool by_choice_alone = schema != NULL && !schema->held_by_danger &&
                           schema->policy != VELD_POLICY_MOST_RESTRICTIVE &&
                           schema->policy != VELD_POLICY_TRANSITION_LOG;
    bool wanted = policy_is_weighed(schema) && !by_choice_alone;
    if (!policy_is_weighed(schema) || wanted)
        return wanted;
    for (const veld_entry *e = field->entries; e != NULL && !wanted; e = e->next)
        wanted = e->replaces_count > 1;
    return wanted;
}

veld_status veld_policy_read(
    veld_outlook *outlook, const veld_state_field *field, veld_reading *out)
{
    VELD_ASSERT(!veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)));
    const veld_schema_field *schema = policy_schema_of(outlook, field);
    *out = (veld_reading){0};
    veld_status status = policy_visible(field, outlook->arena, out);
    if (status == VELD_OK)
        status = needs_weighing(schema, field) ? read_weighed(outlook, field, schema, out)
                                               : read_by_policy(outlook, field, schema, out);
    for (size_t i = 0; status == VELD_OK && schema != NULL && i < out->sides_count; i++) {
        veld_status fits = policy_check_stored(schema, out->sides[i].value);
        if (fits == VELD_E_INVALID)
            out->conflict = out->integrity = true;
        else
            status = fits;
    }
    return status;
}

const char *veld_held_name(veld_held held)
{
    static const char *const names[] = {
        [VELD_HELD_NOT] = "",
        [VELD_HELD_DANGER] = "danger",
        [VELD_HELD_RESTRICTION] = "restriction",
        [VELD_HELD_TRANSITION] = "transition",
        [VELD_HELD_GUARD] = "guard",
        [VELD_HELD_UNDECIDED] = "undecided",
    };
    VELD_ASSERT((size_t)held < sizeof names / sizeof names[0]);
    return names[held];
}

const char *veld_held_text(veld_held held)
{
    static const char *const texts[] = {
        [VELD_HELD_NOT] = "",
        [VELD_HELD_DANGER] = ", aangehouden: er is gevaar gemeld dat de invuller niet kende",
        [VELD_HELD_RESTRICTION] = ", aangehouden: alleen een beslissing maakt dit ruimer",
        [VELD_HELD_TRANSITION] = ", aangehouden: deze stap bestaat niet",
        [VELD_HELD_GUARD] = ", aangehouden: iets in de zaak verhindert dit nu",
        [VELD_HELD_UNDECIDED] = ", nog niet besloten: hierover kiezen twee mensen",
    };
    VELD_ASSERT((size_t)held < sizeof texts / sizeof texts[0]);
    return texts[held];
}

bool veld_policy_weighs_past(const veld_schema_field *schema)
{
    return policy_is_weighed(schema) ||
           (schema != NULL && schema->policy == VELD_POLICY_MERGE_TEXT);
}
