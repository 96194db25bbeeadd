/* Numbering is by address: nothing that is read may follow from it. */
#include "past.h"

#include <stdlib.h>

#include "veldkit/assert.h"

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t) * (const veld_entry *const *)a;
    uintptr_t right = (uintptr_t) * (const veld_entry *const *)b;
    return (left > right) - (left < right);
}

size_t past_place(const past *p, const veld_entry *entry)
{
    const veld_entry **found =
        bsearch(&entry, p->entries, p->count, sizeof *p->entries, by_address);
    VELD_ASSERT(found != NULL);
    return (size_t)(found - p->entries);
}

/* What each entry replaced. */
static veld_status link_entries(
    const veld_state *state, const veld_state_field *field, veld_arena *arena, past *p)
{
    size_t most = 0;
    for (size_t i = 0; i < p->count; i++)
        most += p->entries[i]->replaces_count;
    size_t *first = veld_arena_get(arena, p->count + 1, sizeof *first);
    size_t *links = veld_arena_get(arena, most, sizeof *links);
    bool *unknown = veld_arena_get(arena, p->count, sizeof *unknown);
    if (first == NULL || links == NULL || unknown == NULL)
        return VELD_E_MEMORY;
    size_t filled = 0;
    for (size_t i = 0; i < p->count; i++) {
        const veld_entry *entry = p->entries[i];
        first[i] = filled;
        for (size_t k = 0; k < entry->replaces_count; k++) {
            const veld_entry *gone = veld_state_entry_get(state, &entry->replaces[k]);
            if (gone == NULL)
                unknown[i] = true;
            else if (gone->field == field)
                links[filled++] = past_place(p, gone);
        }
    }
    first[p->count] = filled;
    p->first = first;
    p->links = links;
    p->unknown = unknown;
    return VELD_OK;
}

/* The links the other way round, to find who waits for whom. */
typedef struct replacers {
    size_t *first;
    size_t *links;
    size_t *waits; /* how many of an entry's own links are not in the order yet */
} replacers;

static veld_status turn_round(const past *p, veld_arena *arena, replacers *out)
{
    size_t links = p->first[p->count];
    out->first = veld_arena_get(arena, p->count + 2, sizeof *out->first);
    out->links = veld_arena_get(arena, links, sizeof *out->links);
    out->waits = veld_arena_get(arena, p->count, sizeof *out->waits);
    if (out->first == NULL || out->links == NULL || out->waits == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < links; i++)
        out->first[p->links[i] + 2]++;
    for (size_t i = 2; i < p->count + 2; i++)
        out->first[i] += out->first[i - 1];
    for (size_t i = 0; i < p->count; i++) {
        out->waits[i] = p->first[i + 1] - p->first[i];
        for (size_t k = p->first[i]; k < p->first[i + 1]; k++)
            out->links[out->first[p->links[k] + 1]++] = i;
    }
    return VELD_OK;
}

static veld_status order_entries(veld_arena *arena, past *p)
{
    replacers by = {0};
    size_t *order = veld_arena_get(arena, p->count, sizeof *order);
    veld_status status = order == NULL ? VELD_E_MEMORY : turn_round(p, arena, &by);
    if (status != VELD_OK)
        return status;
    for (size_t i = 0; i < p->count; i++) {
        if (by.waits[i] == 0)
            order[p->ordered++] = i;
    }
    for (size_t done = 0; done < p->ordered; done++) {
        for (size_t k = by.first[order[done]]; k < by.first[order[done] + 1]; k++) {
            if (--by.waits[by.links[k]] == 0)
                order[p->ordered++] = by.links[k];
        }
    }
    p->order = order;
    return VELD_OK;
}

veld_status past_of(
    const veld_state *state, const veld_state_field *field, veld_arena *arena, past *out)
{
    *out = (past){0};
    for (const veld_entry *e = field->entries; e != NULL; e = e->next)
        out->count++;
    out->entries = veld_arena_get(arena, out->count, sizeof *out->entries);
    if (out->entries == NULL)
        return VELD_E_MEMORY;
    size_t filled = 0;
    for (const veld_entry *e = field->entries; e != NULL; e = e->next)
        out->entries[filled++] = e;
    qsort(out->entries, out->count, sizeof *out->entries, by_address);
    veld_status status = link_entries(state, field, arena, out);
    return status == VELD_OK ? order_entries(arena, out) : status;
}

/* For each entry the tips that have it in their past, a bit for each; `own`: the tip that it is. */
static uint64_t *tips_above(const past *p, const veld_entry *const *tips, size_t tips_count,
    uint64_t *own, veld_arena *arena)
{
    uint64_t *above = veld_arena_get(arena, p->count, sizeof *above);
    if (above == NULL || own == NULL)
        return NULL;
    for (size_t i = 0; i < tips_count; i++)
        own[past_place(p, tips[i])] |= UINT64_C(1) << i;
    for (size_t i = p->ordered; i-- > 0;) {
        size_t at = p->order[i];
        for (size_t k = p->first[at]; k < p->first[at + 1]; k++)
            above[p->links[k]] |= above[at] | own[at];
    }
    return above;
}

veld_status past_common(const past *p, const veld_entry *const *tips, size_t tips_count,
    veld_arena *arena, const veld_entry ***out, size_t *count, bool *sure)
{
    *count = 0;
    *sure = true;
    *out = veld_arena_get(arena, p->count, sizeof **out);
    if (*out == NULL)
        return VELD_E_MEMORY;
    if (tips_count == 0 || tips_count > PAST_TIPS_MAX)
        return VELD_OK;
    uint64_t all = UINT64_MAX >> (64 - tips_count);
    uint64_t *own = veld_arena_get(arena, p->count, sizeof *own);
    const uint64_t *above = tips_above(p, tips, tips_count, own, arena);
    bool *covered = veld_arena_get(arena, p->count, sizeof *covered);
    if (above == NULL || covered == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < p->count; i++) {
        for (size_t k = p->first[i]; above[i] == all && k < p->first[i + 1]; k++)
            covered[p->links[k]] = true;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (above[i] == all && !covered[i])
            (*out)[(*count)++] = p->entries[i];
        if (p->unknown[i] && above[i] != all && (above[i] | own[i]) != 0)
            *sure = false;
    }
    return VELD_OK;
}
