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
    for (const veld_entry *e = field->entries; e != NULL; e = e->next) {
        if (!e->replaced)
            sides[count++] = (veld_side){.value = e->value, .entry = e};
    }
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

/* Whether a stored value is one that could be saved here. VELD_E_INVALID when it is not. */
static veld_status check_stored(const veld_schema_field *schema, veld_span value)
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
    if (reading->sides_count == 0 || schema == NULL)
        return extreme(reading, 1);
    const veld_side *found = &reading->sides[0];
    int64_t most = veld_schema_protection(schema, found->value);
    for (size_t i = 1; i < reading->sides_count; i++) {
        const veld_side *side = &reading->sides[i];
        int64_t protection = veld_schema_protection(schema, side->value);
        if (protection > most ||
            (protection == most && veld_policy_order(side->entry, found->entry) > 0)) {
            found = side;
            most = protection;
        }
    }
    return found->value;
}

static veld_status read_by_policy(
    const veld_schema_field *schema, veld_arena *arena, veld_reading *out)
{
    switch (schema == NULL ? VELD_POLICY_PERSON_DECIDES : schema->policy) {
    case VELD_POLICY_WRITE_ONCE:
        out->effective = extreme(out, -1);
        out->conflict = out->integrity = differ(out);
        return VELD_OK;
    case VELD_POLICY_GROW_ONLY:
    case VELD_POLICY_OBSERVED_REMOVE:
        return join_set(out, arena, &out->effective);
    case VELD_POLICY_LAST_WRITER:
        out->effective = extreme(out, 1);
        return VELD_OK;
    case VELD_POLICY_PERSON_DECIDES:
    case VELD_POLICY_MOST_PROTECTIVE:
    case VELD_POLICY_MOST_RESTRICTIVE:
        break;
    }
    out->effective = most_protective(out, schema);
    out->conflict = differ(out);
    return VELD_OK;
}

veld_status veld_policy_read(const veld_state_field *field, const veld_schema_field *schema,
    veld_arena *arena, veld_reading *out)
{
    VELD_ASSERT(!veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)));
    *out = (veld_reading){0};
    veld_status status = policy_visible(field, arena, out);
    if (status == VELD_OK)
        status = read_by_policy(schema, arena, out);
    for (size_t i = 0; status == VELD_OK && schema != NULL && i < out->sides_count; i++) {
        veld_status fits = check_stored(schema, out->sides[i].value);
        if (fits == VELD_E_INVALID)
            out->conflict = out->integrity = true;
        else
            status = fits;
    }
    return status;
}
