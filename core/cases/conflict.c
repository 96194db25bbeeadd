/* The list of what waits for a person. A conflict's base is found by walking what its sides
 * replaced, back to the writes that all of them have in their past. */
#include "veldkit/conflict.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

veld_status veld_conflict_id(const veld_id *case_id, const veld_state_record *record,
    veld_span field, veld_id *out, veld_error *err)
{
    veld_hash hash;
    uint8_t type_len[4];
    VELD_ASSERT(record->type.len <= UINT32_MAX);
    veld_put_u32(type_len, (uint32_t)record->type.len);
    const veld_span parts[] = {
        veld_id_span(case_id),
        veld_id_span(&record->id),
        veld_span_of(type_len, sizeof type_len),
        record->type,
        field,
    };
    veld_status status = veld_hash_named(
        VELD_CONTEXT_HASH_CONFLICT, parts, sizeof parts / sizeof parts[0], &hash, err);
    if (status != VELD_OK)
        return status;
    memcpy(out->bytes, hash.bytes, sizeof out->bytes);
    out->bytes[6] = (uint8_t)((out->bytes[6] & 0x0F) | 0x80);
    out->bytes[8] = (uint8_t)((out->bytes[8] & 0x3F) | 0x80);
    return VELD_OK;
}

/* ---- base ---- */

/* The known writes of one field and how many sides have each in their past. */
typedef struct ancestry {
    const veld_state *state;
    const veld_state_field *field;
    const veld_entry **entries; /* sorted by address, only to find an entry's place */
    size_t *sides_above;
    size_t *stamp; /* the walk that came by last */
    size_t *todo;
    size_t count;
    size_t walk;
} ancestry;

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const veld_entry *const *)a;
    uintptr_t right = (uintptr_t) * (const veld_entry *const *)b;
    return (left > right) - (left < right);
}

static veld_status ancestry_init(
    ancestry *a, const veld_state *state, const veld_state_field *field, veld_arena *arena)
{
    *a = (ancestry){.state = state, .field = field};
    for (const veld_entry *e = field->entries; e != NULL; e = e->next)
        a->count++;
    a->entries = veld_arena_get(arena, a->count, sizeof *a->entries);
    a->sides_above = veld_arena_get(arena, a->count, sizeof *a->sides_above);
    a->stamp = veld_arena_get(arena, a->count, sizeof *a->stamp);
    a->todo = veld_arena_get(arena, a->count, sizeof *a->todo);
    if (a->entries == NULL || a->sides_above == NULL || a->stamp == NULL || a->todo == NULL)
        return VELD_E_MEMORY;
    size_t filled = 0;
    for (const veld_entry *e = field->entries; e != NULL; e = e->next)
        a->entries[filled++] = e;
    qsort(a->entries, a->count, sizeof *a->entries, by_address);
    return VELD_OK;
}

static size_t place_of(const ancestry *a, const veld_entry *entry)
{
    const veld_entry **found =
        bsearch(&entry, a->entries, a->count, sizeof *a->entries, by_address);
    VELD_ASSERT(found != NULL);
    return (size_t)(found - a->entries);
}

/* Come by every write that `from` replaced, directly or not, that this walk was not at yet. */
static void walk_past(ancestry *a, const veld_entry *from)
{
    size_t todo = 0;
    for (const veld_entry *entry = from; entry != NULL;) {
        for (size_t i = 0; i < entry->replaces_count; i++) {
            const veld_entry *past = veld_state_entry_get(a->state, &entry->replaces[i]);
            if (past == NULL || past->field != a->field)
                continue;
            size_t place = place_of(a, past);
            if (a->stamp[place] == a->walk)
                continue;
            a->stamp[place] = a->walk;
            a->sides_above[place]++;
            a->todo[todo++] = place;
        }
        entry = todo > 0 ? a->entries[a->todo[--todo]] : NULL;
    }
}

/* The one value of the latest writes that are in the past of every side; else `null`. */
static veld_status find_base(const veld_state *state, const veld_state_field *field,
    const veld_reading *reading, veld_arena *arena, veld_span *out)
{
    ancestry a;
    *out = null_value;
    veld_status status = ancestry_init(&a, state, field, arena);
    if (status != VELD_OK || reading->sides_count < 2)
        return status;
    for (size_t i = 0; i < reading->sides_count; i++) {
        a.walk++;
        walk_past(&a, reading->sides[i].entry);
    }
    a.walk++;
    for (size_t i = 0; i < a.count; i++) {
        if (a.sides_above[i] == reading->sides_count && a.stamp[i] != a.walk)
            walk_past(&a, a.entries[i]);
    }
    size_t found = 0;
    for (size_t i = 0; i < a.count; i++) {
        if (a.stamp[i] == a.walk || a.sides_above[i] != reading->sides_count)
            continue;
        if (found++ > 0 && !veld_span_equal(*out, a.entries[i]->value)) {
            *out = null_value;
            break;
        }
        *out = a.entries[i]->value;
    }
    return VELD_OK;
}

/* ---- the list ---- */

typedef struct lister {
    veld_state *state;
    const veld_schema_set *schemas;
    const veld_id *case_id;
    veld_arena *arena;
    veld_buf found; /* veld_conflict after veld_conflict */
    veld_error *err;
} lister;

/* What deciding takes: a broken rule asks for a person even where joining asks nobody. */
static veld_risk risk_of(const lister *l, const veld_state_field *field)
{
    const veld_schema *schema = veld_schema_get(l->schemas, field->record->type);
    if (veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)))
        return veld_schema_removal_risk(schema);
    veld_risk risk = veld_schema_risk(veld_schema_field_get(schema, field->name));
    return risk == VELD_RISK_AUTO ? VELD_RISK_PERSON : risk;
}

static veld_status add(lister *l, const veld_state_field *field, const veld_reading *reading)
{
    veld_status status;
    veld_conflict conflict = {
        .case_id = *l->case_id,
        .record = field->record,
        .field = field->name,
        .base = null_value,
        .effective = reading->effective,
        .integrity = reading->integrity,
        .risk = risk_of(l, field),
        .sides = reading->sides,
        .sides_count = reading->sides_count,
    };
    VELD_TRY(veld_conflict_id(l->case_id, field->record, field->name, &conflict.id, l->err));
    if (veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)))
        conflict.base = veld_span_text("false");
    else
        VELD_TRY(find_base(l->state, field, reading, l->arena, &conflict.base));
    VELD_TRY(veld_buf_append(&l->found, &conflict, sizeof conflict));
done:
    return status;
}

static veld_status list_record(lister *l, const veld_state_record *record)
{
    veld_status status = VELD_OK;
    const veld_schema *schema = veld_schema_get(l->schemas, record->type);
    if (veld_policy_removed(record))
        return VELD_OK;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        veld_reading reading;
        if (veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
            VELD_TRY(veld_policy_read_removed(record, l->arena, &reading));
        else
            VELD_TRY(
                veld_policy_read(f, veld_schema_field_get(schema, f->name), l->arena, &reading));
        if (reading.conflict)
            VELD_TRY(add(l, f, &reading));
    }
done:
    return status;
}

static int by_id(const void *a, const void *b)
{
    return veld_id_compare(&((const veld_conflict *)a)->id, &((const veld_conflict *)b)->id);
}

veld_status veld_conflict_list(veld_state *state, const veld_schema_set *schemas,
    const veld_id *case_id, veld_arena *arena, const veld_conflict **out, size_t *count,
    veld_error *err)
{
    *out = NULL;
    *count = 0;
    lister l = {.state = state, .schemas = schemas, .case_id = case_id, .arena = arena, .err = err};
    veld_buf_init(&l.found, VELD_STATE_BYTES_MAX);
    veld_status status = VELD_OK;
    size_t records_count;
    const veld_state_record *const *records = veld_state_records(state, &records_count);
    if (records == NULL)
        status = VELD_E_MEMORY;
    for (size_t i = 0; status == VELD_OK && i < records_count; i++)
        status = list_record(&l, records[i]);
    size_t found = l.found.len / sizeof(veld_conflict);
    veld_conflict *list = status == VELD_OK ? veld_arena_get(arena, found, sizeof *list) : NULL;
    if (list == NULL && status == VELD_OK)
        status = VELD_E_MEMORY;
    if (status == VELD_OK && found > 0) {
        memcpy(list, l.found.data, l.found.len);
        qsort(list, found, sizeof *list, by_id);
    }
    veld_buf_release(&l.found);
    if (status != VELD_OK)
        return status == VELD_E_MEMORY
                   ? veld_fail(err, status, "no memory for the conflicts of a case")
                   : status;
    *out = list;
    *count = found;
    return VELD_OK;
}
