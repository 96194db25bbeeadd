/* conflict.h: what waits for a person in one case: derived, never stored, gone as soon as a change
 * replaces its sides.
 *
 * Thread: as policy.h. Needs veld_crypto_init. Source: design, versions. */
#ifndef VELDKIT_CONFLICT_H
#define VELDKIT_CONFLICT_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/arena.h"
#include "veldkit/id.h"
#include "veldkit/policy.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One open conflict. The past of a write is what it replaces on its field, and their pasts; the
 * base is the one value of the latest writes that are in the past of every side: `null` when there
 * is one side only (unless it is held back), more than 64, no such write, something between a side
 * and it is not known here, or there are several values; of a removal `false`. Spans and arrays
 * live in the arena or the state.
 */
typedef struct veld_conflict {
    veld_id id; /* the same everywhere: see veld_conflict_id */
    veld_id case_id;
    const veld_state_record *record;
    veld_span field;
    veld_span base; /* canonical JSON: the value from which all sides departed, as said above */
    veld_span effective; /* shown meanwhile */
    bool integrity;      /* a rule was broken; else two people differ */
    veld_risk risk;      /* what deciding it takes: one person or two */
    const veld_side *sides;
    size_t sides_count;
    const veld_entry *const *dangers; /* as in veld_reading */
    size_t dangers_count;
    const veld_state_record *const *visits; /* for each side the visit at which its device was when
                                               it was written: its last arrival until then; NULL
                                               when it had left, or never arrived */
    veld_span
        notes; /* of the record of the type `conflict-work` with the conflict's id: an array */
} veld_conflict;

/* veld_conflict_id: the name of the conflict on a field: a UUID of version 8 (RFC 9562) from the
 * hash of case, type, record and field, so that ordinary records about it can carry it as their id.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_conflict_id(const veld_id *case_id, const veld_state_record *record,
    veld_span field, veld_id *out, veld_error *err) VELD_MUST_CHECK;

/* veld_conflict_list: all open conflicts of a case, sorted by id. Those inside a removed record do
 * not count.
 * Owns:    the list lives in `arena`, which has to hold the shown values too.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_conflict_list(veld_state *state, const veld_schema_set *schemas,
    const veld_id *case_id, veld_arena *arena, const veld_conflict **out, size_t *count,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
