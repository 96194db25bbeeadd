/* Whether a record is removed. The rule is kept so that only an act whose author had everything
 * before her eyes makes a record disappear: one visible `true` that has every visible write of the
 * record's other fields in its basis, and no visible write that says otherwise. Two removals that
 * each saw another part do not add up to one that saw all; that asks too. */
#include <stdlib.h>

#include "policy_inner.h"
#include "veldkit/assert.h"

static bool is_removed_field(const veld_state_field *field)
{
    return veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED));
}

static bool says_removed(const veld_entry *entry)
{
    return veld_span_equal(entry->value, veld_span_text("true"));
}

static const veld_state_field *removed_field(const veld_state_record *record)
{
    return veld_state_field_get(record, veld_span_text(VELD_FIELD_REMOVED));
}

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* `removal` had seen `entry`: its basis is sorted. */
static bool saw(const veld_entry *removal, const veld_entry *entry)
{
    return removal->basis_count > 0 && bsearch(&entry->id, removal->basis, removal->basis_count,
                                           sizeof *removal->basis, by_id) != NULL;
}

static bool saw_all(const veld_entry *removal, const veld_state_record *record)
{
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        for (const veld_entry *e = f->entries; e != NULL && !is_removed_field(f); e = e->next) {
            if (!e->replaced && !saw(removal, e))
                return false;
        }
    }
    return true;
}

bool veld_policy_removed(const veld_state_record *record)
{
    const veld_state_field *field = removed_field(record);
    bool covered = false;
    for (const veld_entry *e = field == NULL ? NULL : field->entries; e != NULL; e = e->next) {
        if (e->replaced)
            continue;
        if (!says_removed(e))
            return false;
        covered = covered || saw_all(e, record);
    }
    return covered;
}

/* A removal that says `true` and has not seen the entry. */
static bool unseen(const veld_state_field *removals, const veld_entry *entry)
{
    for (const veld_entry *e = removals->entries; e != NULL; e = e->next) {
        if (!e->replaced && says_removed(e) && !saw(e, entry))
            return true;
    }
    return false;
}

static int by_change_and_id(const void *a, const void *b)
{
    const veld_entry *left = ((const veld_side *)a)->entry;
    const veld_entry *right = ((const veld_side *)b)->entry;
    int order = veld_hash_compare(&left->origin->core, &right->origin->core);
    return order != 0 ? order : veld_write_id_compare(&left->id, &right->id);
}

/* The edits against a removal: of each change that a removal had not seen the first write. They
 * stand for `false`: their authors worked on with the record. */
static veld_status add_edits(const veld_state_record *record, const veld_state_field *removals,
    veld_arena *arena, veld_reading *out)
{
    size_t found = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        found += f->visible_count;
    veld_side *sides = veld_arena_get(arena, found, sizeof *sides);
    if (sides == NULL)
        return VELD_E_MEMORY;
    size_t edits = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        for (const veld_entry *e = f->entries; e != NULL && !is_removed_field(f); e = e->next) {
            if (!e->replaced && unseen(removals, e))
                sides[edits++] = (veld_side){.value = veld_span_text("false"), .entry = e};
        }
    }
    qsort(sides, edits, sizeof *sides, by_change_and_id);
    size_t count = 0;
    for (size_t i = 0; i < edits; i++) {
        if (count == 0 ||
            !veld_hash_equal(&sides[count - 1].entry->origin->core, &sides[i].entry->origin->core))
            sides[count++] = sides[i];
    }
    for (size_t i = 0; i < out->sides_count; i++)
        sides[count++] = out->sides[i];
    VELD_ASSERT(count <= found);
    qsort(sides, count, sizeof *sides, policy_by_write_id);
    out->sides = sides;
    out->sides_count = count;
    return VELD_OK;
}

veld_status veld_policy_read_removed(
    const veld_state_record *record, veld_arena *arena, veld_reading *out)
{
    *out = (veld_reading){.effective = veld_span_text("false")};
    const veld_state_field *field = removed_field(record);
    if (field == NULL)
        return VELD_OK;
    veld_status status = policy_visible(field, arena, out);
    bool wanted = false;
    for (size_t i = 0; status == VELD_OK && i < out->sides_count; i++)
        wanted = wanted || says_removed(out->sides[i].entry);
    if (status != VELD_OK || !wanted)
        return status;
    if (veld_policy_removed(record)) {
        out->effective = veld_span_text("true");
        return VELD_OK;
    }
    out->conflict = true;
    return add_edits(record, field, arena, out);
}
