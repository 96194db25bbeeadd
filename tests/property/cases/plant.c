/* The mistakes, each as small as it can be. */
#include "plant.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"

static const char *const names[] = {
    [PLANT_NONE] = "none",
    [PLANT_LAST_WINS] = "last-wins",
    [PLANT_DROP_LOSER] = "drop-loser",
    [PLANT_IGNORE_BASIS] = "ignore-basis",
    [PLANT_REPLACE_UNSEEN] = "replace-unseen",
};

plant_kind plant_by_name(const char *name)
{
    for (int i = 0; i < PLANT_UNKNOWN; i++) {
        if (strcmp(names[i], name) == 0)
            return (plant_kind)i;
    }
    return PLANT_UNKNOWN;
}

static int by_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

static bool same_field(const veld_write *a, const veld_write *b)
{
    return veld_id_equal(&a->record, &b->record) && veld_span_equal(a->type, b->type) &&
           veld_span_equal(a->field, b->field);
}

static bool names_it(const veld_write *write, const veld_write_id *id)
{
    for (size_t i = 0; i < write->replaces_count; i++) {
        if (veld_write_id_equal(&write->replaces[i], id))
            return true;
    }
    return false;
}

/* `write` replaces `id` too. */
static void add(veld_write *write, const veld_write_id *id, veld_arena *arena)
{
    veld_write_id *ids = veld_arena_get(arena, write->replaces_count + 1, sizeof *ids);
    VELD_ASSERT(ids != NULL);
    if (write->replaces_count > 0)
        memcpy(ids, write->replaces, write->replaces_count * sizeof *ids);
    ids[write->replaces_count++] = *id;
    qsort(ids, write->replaces_count, sizeof *ids, by_id);
    write->replaces = ids;
}

/* Whether `a` comes before `b` for a join that looks at clocks. */
static bool is_older(const veld_change *a, const veld_change *b)
{
    if (a->time.hybrid_ms != b->time.hybrid_ms)
        return a->time.hybrid_ms < b->time.hybrid_ms;
    return veld_hash_compare(&a->id, &b->id) < 0;
}

/* A write replaces every older one on its field (drop-loser), or those of the next change before it
 * in the list (replace-unseen): seen by its author or not. */
static void replace_more(plant_kind plant, veld_change *changes, size_t count, veld_arena *arena)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            bool wanted =
                plant == PLANT_DROP_LOSER ? is_older(&changes[j], &changes[i]) : j + 1 == i;
            for (size_t w = 0; wanted && w < changes[i].writes_count; w++) {
                veld_write *write = &changes[i].writes[w];
                for (size_t o = 0; o < changes[j].writes_count; o++) {
                    const veld_write *other = &changes[j].writes[o];
                    if (same_field(write, other) && !names_it(write, &other->id))
                        add(write, &other->id, arena);
                }
            }
        }
    }
}

static void widen_bases(veld_change *changes, size_t count, veld_arena *arena)
{
    size_t writes = 0;
    for (size_t i = 0; i < count; i++)
        writes += changes[i].writes_count;
    veld_write_id *all = veld_arena_get(arena, writes, sizeof *all);
    VELD_ASSERT(all != NULL);
    writes = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t w = 0; w < changes[i].writes_count; w++)
            all[writes++] = changes[i].writes[w].id;
    }
    qsort(all, writes, sizeof *all, by_id);
    for (size_t i = 0; i < count; i++) {
        for (size_t w = 0; w < changes[i].writes_count; w++) {
            changes[i].writes[w].basis = all;
            changes[i].writes[w].basis_count = writes;
        }
    }
}

void plant_in(plant_kind plant, veld_change *changes, size_t count, veld_arena *arena)
{
    if (plant == PLANT_DROP_LOSER || plant == PLANT_REPLACE_UNSEEN)
        replace_more(plant, changes, count, arena);
    if (plant == PLANT_IGNORE_BASIS)
        widen_bases(changes, count, arena);
}

void plant_out(plant_kind plant, veld_reading *reading)
{
    if (plant == PLANT_LAST_WINS)
        reading->conflict = reading->integrity;
}

void plant_list(plant_kind plant, size_t *count)
{
    if (plant == PLANT_LAST_WINS)
        *count = 0;
}
