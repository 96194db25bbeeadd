/* conflict_inner.h: what listing conflicts and telling about them share. */
#ifndef VELD_CASES_CONFLICT_INNER_H
#define VELD_CASES_CONFLICT_INNER_H

#include "veldkit/conflict.h"

/* Somebody came to a visit or left it. */
typedef struct arrival {
    const veld_entry *entry;
    bool arrives;
} arrival;

/* conflict_arrivals: all of a case, by device and in the order of writes. Expects: VELD_E_MEMORY.
 */
veld_status conflict_arrivals(
    veld_state *state, veld_arena *arena, const arrival **out, size_t *count) VELD_MUST_CHECK;
/* conflict_fill: the notes, and the visits of the sides.
 * Expects: VELD_E_MEMORY. */
veld_status conflict_fill(veld_outlook *outlook, const arrival *arrivals, size_t count,
    veld_conflict *conflict) VELD_MUST_CHECK;

#endif
