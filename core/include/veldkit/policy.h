/* policy.h: what a field shows: a pure function of the state and the schemas, so the same on every
 * replica with the same changes and the same program. Nothing here is stored.
 *
 * Several writes with equal values are one value. The order of writes, where one is needed, is
 * (veld_anchor_reading_ms, hybrid_ms, hybrid_count, change id, write id). Who saw a write replaces
 * it, so clocks order only writes of which neither author saw the other.
 *
 *   policy            shown                               conflict
 *   write-once        the earliest                        two different values (integrity)
 *   grow-only         all values, sorted                  none
 *   observed-remove   all values, sorted                  none
 *   last-writer       the latest                          none
 *   person-decides    the most protective where the       two different values, cleared is one
 *                     schema has an order; of equally
 *                     protective ones the latest
 *   most-protective   as person-decides, always with an   two different values: the less protective
 *                     order                               one is to be reviewed
 *   most-restrictive  as most-protective                  as most-protective
 *   not in a schema   as person-decides without order     as person-decides
 *
 * What protects more is the matter of the schema (veld_schema_protection).
 *
 * A value that is against the schema's kind or bounds is shown as it is, and is an integrity
 * conflict whatever the policy.
 *
 * A record is removed when `@removed` shows `true` only, and one of these writes has in its basis
 * every visible write on the record's other fields. A `true` that is not enough for that (somebody
 * edited what the remover had not seen, or restored at the same time) is a conflict on `@removed`,
 * and the record is shown.
 *
 * Thread: any number of readers of a state that nobody changes. Source: design, versions. */
#ifndef VELDKIT_POLICY_H
#define VELDKIT_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One of the writes between which a person chooses. */
typedef struct veld_side {
    veld_span value; /* the entry's; for an edit against a removal `false` */
    const veld_entry *entry;
} veld_side;

/* What a field shows. Spans and arrays live in the arena or the state. */
typedef struct veld_reading {
    veld_span
        effective;  /* canonical JSON: of a set an array, `null` when cleared or never written */
    bool conflict;  /* a person has to decide */
    bool integrity; /* ... because a rule was broken */
    const veld_side *sides; /* all visible writes, sorted by write id */
    size_t sides_count;
} veld_reading;

/* veld_policy_read: one field. `schema` is NULL when this program does not know the field. For
 * VELD_FIELD_REMOVED use veld_policy_read_removed (asserted).
 * Expects: VELD_E_MEMORY. */
veld_status veld_policy_read(const veld_state_field *field, const veld_schema_field *schema,
    veld_arena *arena, veld_reading *out) VELD_MUST_CHECK;

/* veld_policy_read_removed: whether a record is removed: `effective` is `true` or `false`. Sides
 * are the visible writes on `@removed` and, in a conflict, one write of each change that the
 * removals had not seen.
 * Expects: VELD_E_MEMORY. */
veld_status veld_policy_read_removed(
    const veld_state_record *record, veld_arena *arena, veld_reading *out) VELD_MUST_CHECK;

/* veld_policy_removed: the answer alone, without memory. */
bool veld_policy_removed(const veld_state_record *record);

/* veld_policy_order: the order of writes: <0, 0, >0. 0 only for the same write. */
int veld_policy_order(const veld_entry *a, const veld_entry *b);

#ifdef __cplusplus
}
#endif
#endif
