/* The list of what waits for a person. */
#include "veldkit/conflict.h"

#include <stdlib.h>
#include <string.h>

#include "conflict_inner.h"
#include "past.h"
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

/* The one value of the latest writes that are in the past of every side; else `null`. */
static veld_status find_base(const veld_outlook *outlook, const veld_state_field *field,
    const veld_reading *reading, veld_span *out)
{
    past p;
    size_t count;
    bool sure;
    const veld_entry **common;
    const veld_entry *tips[PAST_TIPS_MAX];
    veld_status status = VELD_OK;
    *out = null_value;
    if (reading->sides_count < (reading->held ? 1 : 2) || reading->sides_count > PAST_TIPS_MAX)
        return VELD_OK;
    for (size_t i = 0; i < reading->sides_count; i++)
        tips[i] = reading->sides[i].entry;
    VELD_TRY(past_of(outlook->state, field, outlook->arena, &p));
    VELD_TRY(past_common(&p, tips, reading->sides_count, outlook->arena, &common, &count, &sure));
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !veld_span_equal(common[0]->value, common[i]->value))
            goto done; /* several */
    }
    if (count > 0 && sure)
        *out = common[0]->value;
done:
    return status;
}

/* ---- the list ---- */

typedef struct lister {
    veld_outlook outlook;
    const veld_id *case_id;
    veld_buf found; /* veld_conflict after veld_conflict */
    veld_error *err;
} lister;

/* What deciding takes: a broken rule asks for a person even where joining asks nobody. */
static veld_risk risk_of(const lister *l, const veld_state_field *field)
{
    const veld_schema *schema = veld_schema_get(l->outlook.schemas, field->record->type);
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
        .dangers = reading->dangers,
        .dangers_count = reading->dangers_count,
    };
    VELD_TRY(veld_conflict_id(l->case_id, field->record, field->name, &conflict.id, l->err));
    if (veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)))
        conflict.base = veld_span_text("false");
    else
        VELD_TRY(find_base(&l->outlook, field, reading, &conflict.base));
    VELD_TRY(veld_buf_append(&l->found, &conflict, sizeof conflict));
done:
    return status;
}

static veld_status list_record(lister *l, const veld_state_record *record)
{
    veld_status status = VELD_OK;
    if (veld_policy_removed(record))
        return VELD_OK;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        veld_reading reading;
        if (veld_span_equal(f->name, veld_span_text(VELD_FIELD_REMOVED)))
            VELD_TRY(veld_policy_read_removed(record, l->outlook.arena, &reading));
        else
            VELD_TRY(veld_policy_read(&l->outlook, f, &reading));
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

/* What people need to pick one up. */
static veld_status fill(lister *l, size_t count)
{
    const arrival *arrivals;
    size_t arrivals_count;
    veld_status status = VELD_OK;
    if (count == 0)
        return VELD_OK;
    VELD_TRY(conflict_arrivals(l->outlook.state, l->outlook.arena, &arrivals, &arrivals_count));
    for (size_t i = 0; i < count; i++) {
        veld_conflict conflict;
        uint8_t *at = l->found.data + i * sizeof conflict;
        memcpy(&conflict, at, sizeof conflict);
        VELD_TRY(conflict_fill(&l->outlook, arrivals, arrivals_count, &conflict));
        memcpy(at, &conflict, sizeof conflict);
    }
done:
    return status;
}

veld_status veld_conflict_list(veld_state *state, const veld_schema_set *schemas,
    const veld_id *case_id, veld_arena *arena, const veld_conflict **out, size_t *count,
    veld_error *err)
{
    *out = NULL;
    *count = 0;
    lister l = {.outlook = veld_outlook_of(state, schemas, arena), .case_id = case_id, .err = err};
    veld_buf_init(&l.found, VELD_STATE_BYTES_MAX);
    veld_status status = VELD_OK;
    size_t records_count;
    const veld_state_record *const *records = veld_state_records(state, &records_count);
    if (records == NULL)
        status = VELD_E_MEMORY;
    for (size_t i = 0; status == VELD_OK && i < records_count; i++)
        status = list_record(&l, records[i]);
    size_t found = l.found.len / sizeof(veld_conflict);
    if (status == VELD_OK)
        status = fill(&l, found);
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
