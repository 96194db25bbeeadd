/* policy.h: what a field shows: a pure function of the state and the schemas, so the same on every
 * replica with the same changes and the same program. Nothing here is stored. The rules in full are
 * in proto/records/README.md; this is their summary.
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
 *   transition-log    as most-protective                  as most-protective; a fork (integrity)
 *   merge-text        both texts in one, or the latest    two different texts that do not merge
 *   not in a schema   as person-decides without order     as person-decides
 *
 * What protects more is the matter of the schema (veld_schema_protection). A write may be held
 * back: then what it replaced is shown in its place, and a conflict is open. That is so while there
 * is danger that its author did not know and that was written without knowing it, when it loosens a
 * most-restrictive field without a decision, and when it is a step that its transition log or a
 * guard does not allow. On a field where two people decide, a write that replaces an open conflict
 * and is no decision is one more side: the most protective of it and what it replaced is shown, and
 * the conflict stays open with all its sides.
 *
 * A value that is against the schema's kind or bounds is shown as it is, and is an integrity
 * conflict whatever the policy.
 *
 * A record is removed when `@removed` shows `true` only, and one of these writes has in its basis
 * every visible write on the record's other fields. A `true` that is not enough for that (somebody
 * edited what the remover had not seen, or restored at the same time) is a conflict on `@removed`,
 * and the record is shown.
 *
 * Thread: any number of readers of a state that nobody changes, each with an outlook of its own.
 * Source: design, versions. */
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

/* Why a write is held back. */
typedef enum veld_held {
    VELD_HELD_NOT = 0,
    VELD_HELD_DANGER,      /* somebody recorded danger that its author did not know */
    VELD_HELD_RESTRICTION, /* it loosens without a decision */
    VELD_HELD_TRANSITION,  /* the log has no such step (integrity) */
    VELD_HELD_GUARD,       /* something forbids this state now */
    VELD_HELD_UNDECIDED    /* a side of an open choice that two people make */
} veld_held;

/* One of the writes between which a person chooses. */
typedef struct veld_side {
    veld_span value; /* the entry's; for an edit against a removal `false` */
    const veld_entry *entry;
    veld_held held;
} veld_side;

/* What a field shows. Spans and arrays live in the arena or the state. */
typedef struct veld_reading {
    veld_span
        effective;  /* canonical JSON: of a set an array, `null` when cleared or never written */
    bool conflict;  /* a person has to decide */
    bool integrity; /* ... because a rule was broken */
    const veld_side *sides; /* all visible writes, and where one of them follows an open choice of
                               two people what it replaced of that; sorted by write id */
    size_t sides_count;
    bool held; /* a visible write is held back */
    const veld_entry *const
        *dangers; /* the danger that the first side held back for it did not
                     know, at most VELD_POLICY_DANGERS_MAX, sorted by write id */
    size_t dangers_count;
} veld_reading;

enum { VELD_POLICY_DANGERS_MAX = 16 };

/* From where fields are read: a state with its schemas, and what is found out on the way about the
 * whole case. Good for as long as nothing is applied to the state. One reader at a time. */
typedef struct veld_outlook {
    veld_state *state;
    const veld_schema_set *schemas;
    veld_arena *arena; /* for all that is read; released by its owner */
    struct policy_facts *facts;
} veld_outlook;

/* veld_outlook_of: borrows all three; nothing to release. */
veld_outlook veld_outlook_of(veld_state *state, const veld_schema_set *schemas, veld_arena *arena);

/* veld_policy_read: one field, of the outlook's state. For VELD_FIELD_REMOVED use
 * veld_policy_read_removed (asserted).
 * Expects: VELD_E_MEMORY. */
veld_status veld_policy_read(
    veld_outlook *outlook, const veld_state_field *field, veld_reading *out) VELD_MUST_CHECK;

/* veld_policy_among: what the field would show if these writes alone were visible and none of them
 * was held back.
 * Expects: VELD_E_MEMORY. */
veld_status veld_policy_among(veld_outlook *outlook, const veld_state_field *field,
    const veld_entry *const *entries, size_t count, veld_span *out) VELD_MUST_CHECK;

/* A value that somebody is about to write on a field. */
typedef struct veld_step {
    const veld_state_record *record; /* NULL for a new one */
    const veld_id *id;
    const veld_schema *schema; /* of the record */
    veld_span value;           /* canonical JSON */
    /* What is written on another field of the record at the same time, empty when nothing is; may
     * be NULL. */
    veld_span (*saving)(const void *context, veld_span field);
    const void *context;
} veld_step;

/* veld_policy_step_allowed: whether a person may write this on a transition log now. Guards are
 * looked at too: `guarded` tells that one of them forbids it. True for every other policy. What
 * counts by a decision only may be written: it waits. Expects: VELD_E_MEMORY. */
veld_status veld_policy_step_allowed(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_step *step, bool *allowed, bool *guarded) VELD_MUST_CHECK;

/* veld_policy_hindrance: the first guard of the field that forbids this value now; NULL when none
 * does. Expects: VELD_E_MEMORY. */
veld_status veld_policy_hindrance(veld_outlook *outlook, const veld_state_field *field,
    veld_span value, const veld_guard **out) VELD_MUST_CHECK;

/* veld_policy_basis: what a write has to name in its basis: the danger entries that a lowering
 * knows, the writes on fields that danger holds that a danger entry knows. `field` as above.
 * Sorted, without doubles, at most VELD_CHANGE_REFERENCES_MAX; in the arena. Expects:
 * VELD_E_MEMORY. */
veld_status veld_policy_basis(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_state_field *field, veld_span value, const veld_write_id **out,
    size_t *count) VELD_MUST_CHECK;

/* veld_policy_weighs_past: whether what the field shows depends on writes that are replaced. */
bool veld_policy_weighs_past(const veld_schema_field *schema);

/* veld_policy_read_removed: whether a record is removed: `effective` is `true` or `false`. Sides
 * are the visible writes on `@removed` and, in a conflict, one write of each change that the
 * removals had not seen.
 * Expects: VELD_E_MEMORY. */
veld_status veld_policy_read_removed(
    const veld_state_record *record, veld_arena *arena, veld_reading *out) VELD_MUST_CHECK;

/* veld_policy_removed: the answer alone, without memory. */
bool veld_policy_removed(const veld_state_record *record);

/* veld_held_name: "danger", "restriction", "transition", "guard", "undecided", or "" for a write
 * that is not held back. Static storage. */
const char *veld_held_name(veld_held held);
/* veld_held_text: the same behind a side, in Dutch, beginning with a comma; empty too. */
const char *veld_held_text(veld_held held);

/* veld_policy_order: the order of writes: <0, 0, >0. 0 only for the same write. */
int veld_policy_order(const veld_entry *a, const veld_entry *b);

#ifdef __cplusplus
}
#endif
#endif
