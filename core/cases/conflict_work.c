/* What people do about a conflict, and where its sides were written: for the one who picks it up.
 * Nothing of it decides anything. */
#include <stdlib.h>

#include "conflict_inner.h"

static const char work_type[] = "conflict-work";

/* ---- what was found out ---- */

static veld_status read_notes(veld_outlook *outlook, veld_conflict *conflict)
{
    veld_reading reading;
    conflict->notes = veld_span_text("[]");
    const veld_state_record *record =
        veld_state_record_get(outlook->state, veld_span_text(work_type), &conflict->id);
    const veld_state_field *field =
        record == NULL ? NULL : veld_state_field_get(record, veld_span_text("notes"));
    if (field == NULL || veld_policy_removed(record))
        return VELD_OK;
    veld_status status = veld_policy_read(outlook, field, &reading);
    if (status == VELD_OK)
        conflict->notes = reading.effective;
    return status;
}

/* ---- during which visit ---- */

/* By device, then in the order of writes. */
static int by_device_and_order(const void *a, const void *b)
{
    const veld_entry *left = ((const arrival *)a)->entry;
    const veld_entry *right = ((const arrival *)b)->entry;
    int order = veld_id_compare(&left->origin->device, &right->origin->device);
    return order != 0 ? order : veld_policy_order(left, right);
}

static size_t count_field(
    const veld_state_record *record, const char *name, bool arrives, arrival *out)
{
    size_t count = 0;
    const veld_state_field *field = veld_state_field_get(record, veld_span_text(name));
    const veld_entry *e = field == NULL ? NULL : field->entries;
    for (; e != NULL && !e->replaced; e = e->next, count++) {
        if (out != NULL)
            out[count] = (arrival){.entry = e, .arrives = arrives};
    }
    return count;
}

/* Counts only, when `out` is NULL. */
static size_t gather(const veld_state_record *const *records, size_t count, arrival *out)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        if (!veld_span_equal(records[i]->type, veld_span_text("visit")) ||
            veld_policy_removed(records[i]))
            continue;
        found += count_field(records[i], "arrivedAt", true, out == NULL ? NULL : out + found);
        found += count_field(records[i], "leftAt", false, out == NULL ? NULL : out + found);
    }
    return found;
}

veld_status conflict_arrivals(
    veld_state *state, veld_arena *arena, const arrival **out, size_t *count)
{
    size_t records_count;
    const veld_state_record *const *records = veld_state_records(state, &records_count);
    *count = records == NULL ? 0 : gather(records, records_count, NULL);
    arrival *list = records == NULL ? NULL : veld_arena_get(arena, *count, sizeof *list);
    if (list == NULL)
        return VELD_E_MEMORY;
    gather(records, records_count, list);
    qsort(list, *count, sizeof *list, by_device_and_order);
    *out = list;
    return VELD_OK;
}

/* The visit at which the device was when it wrote: its last arrival until then, unless it left. */
static const veld_state_record *visit_of(const arrival *list, size_t count, const veld_entry *entry)
{
    const arrival wanted = {.entry = entry};
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool own = veld_hash_equal(&list[middle].entry->origin->core, &entry->origin->core);
        if (own || by_device_and_order(&list[middle], &wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    const arrival *last = low == 0 ? NULL : &list[low - 1];
    bool there = last != NULL && last->arrives &&
                 veld_id_equal(&last->entry->origin->device, &entry->origin->device);
    return there ? last->entry->field->record : NULL;
}

veld_status conflict_fill(
    veld_outlook *outlook, const arrival *arrivals, size_t count, veld_conflict *conflict)
{
    const veld_state_record **visits =
        veld_arena_get(outlook->arena, conflict->sides_count, sizeof *visits);
    if (visits == NULL)
        return VELD_E_MEMORY;
    conflict->visits = visits;
    for (size_t i = 0; i < conflict->sides_count; i++)
        visits[i] = visit_of(arrivals, count, conflict->sides[i].entry);
    return read_notes(outlook, conflict);
}
