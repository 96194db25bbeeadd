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

/* The visible writes on the record's other fields. */
static size_t count_others(const veld_state_record *record)
{
    size_t count = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        count += is_removed_field(f) ? 0 : f->visible_count;
    return count;
}

/* Nobody names more than there is in a basis, so what this costs is paid by the basis. */
static bool saw_all(const veld_entry *removal, const veld_state_record *record, size_t others)
{
    if (removal->basis_count < others)
        return false;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        const veld_entry *e = is_removed_field(f) ? NULL : f->entries;
        for (; e != NULL && !e->replaced; e = e->next) {
            if (!saw(removal, e))
                return false;
        }
    }
    return true;
}

bool veld_policy_removed(const veld_state_record *record)
{
    const veld_state_field *field = removed_field(record);
    bool covered = false;
    size_t others = field == NULL ? 0 : count_others(record);
    const veld_entry *e = field == NULL ? NULL : field->entries;
    for (; e != NULL && !e->replaced; e = e->next) {
        if (!says_removed(e))
            return false;
        covered = covered || saw_all(e, record, others);
    }
    return covered;
}

/* An edit, and how many removals had seen it. */
typedef struct seen_edit {
    const veld_entry *entry;
    size_t seen;
} seen_edit;

static int by_entry_id(const void *a, const void *b)
{
    return veld_write_id_compare(
        &((const seen_edit *)a)->entry->id, &((const seen_edit *)b)->entry->id);
}

/* The visible writes on the other fields by id, each with the number of removals that saw it.
 * Returns how many removals there are. */
static size_t count_seen(const veld_state_record *record, const veld_state_field *removals,
    seen_edit *edits, size_t count)
{
    size_t filled = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        const veld_entry *e = is_removed_field(f) ? NULL : f->entries;
        for (; e != NULL && !e->replaced; e = e->next)
            edits[filled++].entry = e;
    }
    VELD_ASSERT(filled == count);
    qsort(edits, count, sizeof *edits, by_entry_id);
    size_t wanted = 0;
    for (const veld_entry *e = removals->entries; e != NULL && !e->replaced; e = e->next) {
        if (!says_removed(e))
            continue;
        wanted++;
        for (size_t i = 0; i < e->basis_count; i++) {
            veld_entry key = {.id = e->basis[i]};
            seen_edit *found =
                bsearch(&(seen_edit){.entry = &key}, edits, count, sizeof *edits, by_entry_id);
            if (found != NULL)
                found->seen++;
        }
    }
    return wanted;
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
    size_t others = count_others(record);
    size_t found = others + removals->visible_count;
    seen_edit *seen = veld_arena_get(arena, others, sizeof *seen);
    veld_side *sides = veld_arena_get(arena, found, sizeof *sides);
    if (seen == NULL || sides == NULL)
        return VELD_E_MEMORY;
    size_t edits = 0;
    size_t wanted = count_seen(record, removals, seen, others);
    for (size_t i = 0; i < others; i++) {
        if (seen[i].seen < wanted)
            sides[edits++] = (veld_side){.value = veld_span_text("false"), .entry = seen[i].entry};
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
