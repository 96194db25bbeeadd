/* Conditions on what records show: what a guard forbids, or asks for. */
#include "policy_inner.h"

#include "schema_inner.h"
#include "veldkit/time.h"

static const veld_span null_value = {(const uint8_t *)"null", 4};

static bool is_one_of(const veld_requirement *wanted, veld_span value)
{
    for (size_t i = 0; i < wanted->shows_count; i++) {
        if (veld_span_equal(wanted->shows[i], value))
            return true;
    }
    return false;
}

static bool set_holds(const veld_state_field *field, veld_span value)
{
    const veld_entry *e = field == NULL ? NULL : field->entries;
    while (e != NULL && !e->replaced && !veld_span_equal(e->value, value))
        e = e->next;
    return e != NULL && !e->replaced;
}

static bool set_meets(const veld_state_field *field, const veld_requirement *wanted)
{
    bool meets = true;
    for (size_t i = 0; i < wanted->shows_count; i++)
        meets = meets && set_holds(field, wanted->shows[i]);
    const veld_entry *e = field == NULL ? NULL : field->entries;
    while (wanted->shows_count == 0 && e != NULL && !e->replaced &&
           veld_span_equal(e->value, null_value))
        e = e->next;
    return wanted->shows_count > 0 ? meets : e != NULL && !e->replaced;
}

/* What a field of a record shows: what is being saved on it, or what the state says. */
static veld_status shown_on(
    veld_outlook *outlook, const policy_place *place, veld_span name, veld_span *out)
{
    veld_reading reading = {.effective = null_value};
    const veld_state_field *field =
        place->record == NULL ? NULL : veld_state_field_get(place->record, name);
    veld_status status = VELD_OK;
    *out = (veld_span){0};
    if (place->saving != NULL)
        *out = place->saving(place->context, name);
    if (out->len > 0)
        return VELD_OK;
    if (field != NULL)
        status = veld_policy_read(outlook, field, &reading);
    *out = reading.effective;
    return status;
}

veld_status policy_meets(veld_outlook *outlook, const policy_place *place,
    const veld_requirement *wanted, size_t count, bool *out)
{
    veld_status status = VELD_OK;
    *out = true;
    for (size_t i = 0; status == VELD_OK && *out && i < count; i++) {
        veld_span value;
        const veld_schema_field *schema = veld_schema_field_get(place->schema, wanted[i].field);
        if (schema != NULL && veld_policy_is_set(schema->policy)) {
            *out = set_meets(
                place->record == NULL ? NULL : veld_state_field_get(place->record, wanted[i].field),
                &wanted[i]);
            continue;
        }
        status = shown_on(outlook, place, wanted[i].field, &value);
        *out = wanted[i].shows_count == 0 ? !veld_span_equal(value, null_value)
                                          : is_one_of(&wanted[i], value);
    }
    return status;
}

/* ---- which records ---- */

static veld_status refers(veld_outlook *outlook, const veld_guard *guard, const policy_place *place,
    const policy_place *about, bool *out)
{
    veld_id id;
    veld_span value;
    *out = guard->by.len == 0;
    if (*out)
        return VELD_OK;
    veld_status status = shown_on(outlook, about, guard->by, &value);
    *out = status == VELD_OK && veld_id_parse(schema_unquoted(value), &id) == VELD_OK &&
           veld_id_equal(&id, place->id);
    return status;
}

/* The instant on the field, as a time that any other one is later than when there is none. */
static veld_status instant_on(
    veld_outlook *outlook, const policy_place *about, veld_span name, int64_t *out)
{
    veld_span value;
    veld_instant at;
    veld_status status = shown_on(outlook, about, name, &value);
    *out = INT64_MIN;
    if (status == VELD_OK && veld_instant_parse(schema_unquoted(value), &at) == VELD_OK)
        *out = at.utc_ms;
    return status;
}

/* What was found among the records so far. */
typedef struct search {
    int64_t latest_ms;
    bool some; /* meets */
    bool all;
    size_t count;
} search;

static veld_status look_at(veld_outlook *outlook, const veld_guard *guard,
    const policy_place *place, const veld_state_record *record, search *found)
{
    veld_status status;
    bool counts, meets;
    int64_t at = INT64_MIN;
    const policy_place about = {.record = record,
        .id = &record->id,
        .schema = veld_schema_get(outlook->schemas, record->type)};
    if (!veld_span_equal(record->type, guard->type) || veld_policy_removed(record))
        return VELD_OK;
    VELD_TRY(refers(outlook, guard, place, &about, &counts));
    if (counts && guard->latest.len > 0)
        VELD_TRY(instant_on(outlook, &about, guard->latest, &at));
    if (!counts || at < found->latest_ms || (guard->latest.len > 0 && at == INT64_MIN))
        goto done;
    if (at > found->latest_ms)
        *found = (search){.latest_ms = at, .all = true};
    VELD_TRY(policy_meets(outlook, &about, guard->wants, guard->wants_count, &meets));
    found->some = found->some || meets;
    found->all = found->all && meets;
    found->count++;
done:
    return status;
}

veld_status policy_condition(
    veld_outlook *outlook, const veld_guard *guard, const policy_place *place, bool *forbids)
{
    bool meets;
    veld_status status = VELD_OK;
    search found = {.latest_ms = INT64_MIN, .all = true};
    size_t count = 0;
    const veld_state_record *const *records = NULL;
    if (guard->same) {
        VELD_TRY(policy_meets(outlook, place, guard->wants, guard->wants_count, &meets));
        *forbids = meets != guard->needed;
        goto done;
    }
    records = veld_state_records(outlook->state, &count);
    status = records == NULL ? VELD_E_MEMORY : VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = look_at(outlook, guard, place, records[i], &found);
    /* Of several that are the latest at one moment all have to. */
    bool met = guard->latest.len == 0 ? found.some : found.all && found.count > 0;
    *forbids = guard->needed ? !met : found.some;
done:
    return status;
}
