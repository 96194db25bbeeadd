/* plant.h: mistakes for a test to find. A test that passes with one of them planted tests nothing.
 *
 *   last-wins        the latest of several values is shown, and nobody is asked
 *   drop-loser       of several writes on a field only the latest is kept
 *   ignore-basis     every basis is taken to be whole
 *   replace-unseen   a write replaces what its author never saw
 *
 * That the order of protection is reversed is planted in the schemas (model_test.mjs).
 *
 * They bend what goes into the join and what comes out of it: that is the mistake as a user would
 * meet it, whichever line of the library made it, and no line of the library is there for tests. */
#ifndef TEST_PLANT_H
#define TEST_PLANT_H

#include "veldkit/arena.h"
#include "veldkit/change.h"
#include "veldkit/conflict.h"
#include "veldkit/policy.h"

typedef enum plant_kind {
    PLANT_NONE = 0,
    PLANT_LAST_WINS,
    PLANT_DROP_LOSER,
    PLANT_IGNORE_BASIS,
    PLANT_REPLACE_UNSEEN,
    PLANT_UNKNOWN
} plant_kind;

/* plant_by_name: "none" or one of the names above. */
plant_kind plant_by_name(const char *name);
/* plant_in: bend the changes of a history before they are applied; they live in `arena`. */
void plant_in(plant_kind plant, veld_change *changes, size_t count, veld_arena *arena);
/* plant_out: bend what a field shows. */
void plant_out(plant_kind plant, veld_reading *reading);
/* plant_list: bend the list of conflicts. */
void plant_list(plant_kind plant, size_t *count);

#endif
