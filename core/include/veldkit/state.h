/* state.h: what a case is now: for every field the writes that no other write replaces.
 *
 * The state is a function of the *set* of changes that were applied. Order, repetition, gaps and
 * clones cannot matter, and no value disappears that its replacer had not seen: a write leaves the
 * state only when another write on the same field of the same record names it. One value on a field
 * is settled, several different ones are concurrent; what that means for the reader is the matter
 * of policy.h, applied when reading and never when storing.
 *
 * Types and fields that no schema knows are joined like all others.
 *
 * Thread: one at a time per state. Source: design, "a case is a set of signed changes". */
#ifndef VELDKIT_STATE_H
#define VELDKIT_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_state veld_state;
typedef struct veld_state_field veld_state_field;
typedef struct veld_state_record veld_state_record;

/* Where a write comes from: the part of its change that a reader needs. */
typedef struct veld_origin {
    veld_hash change;
    veld_hash core;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number;
    veld_change_time time;
    int64_t arrived_utc_ms; /* as veld_change: of this replica, for display only */
} veld_origin;

/* One write in the state. All pointers live as long as the state. */
typedef struct veld_entry {
    veld_write_id id;
    veld_span value; /* canonical JSON */
    const veld_write_id *replaces;
    size_t replaces_count;
    const veld_write_id *basis;
    size_t basis_count;
    const veld_origin *origin;
    const veld_state_field *field;
    const struct veld_entry *next; /* the next known write on the same field; visible ones first */
    bool replaced;                 /* another write names it; then it is history */
} veld_entry;

struct veld_state_field {
    veld_span name;
    const veld_state_record *record;
    const veld_entry *entries; /* every known write: the visible ones, then what is history, so a
                                  reader of the present stops at the first that is replaced */
    size_t visible_count;
    const struct veld_state_field *next; /* in the record, by name */
};

struct veld_state_record {
    veld_id id;
    veld_span type;
    const veld_state_field *fields; /* sorted by name */
};

/* veld_state_new: an empty state. `env` gives the seed that keeps a hostile peer from choosing ids
 * that collide in the tables; it is not kept.
 * Owns:    the caller frees with veld_state_free; NULL is fine there. Plaintext is wiped.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_state_new(const veld_env *env, veld_state **out, veld_error *err) VELD_MUST_CHECK;
void veld_state_free(veld_state *state);

/* veld_state_apply: take in one change: a derived one, checked for form, whose signature and
 * authority the caller has checked. Applying a change again, or one with the same core, does
 * nothing; `applied` (may be NULL) tells.
 * Owns:    copies all it keeps.
 * Expects: VELD_E_MEMORY; the state is then unusable and can only be freed. */
veld_status veld_state_apply(
    veld_state *state, const veld_change *change, bool *applied, veld_error *err) VELD_MUST_CHECK;

/* veld_state_name: give a change that was applied with a zero id its id. An author needs the state
 * with her change in it for the tree that her signature, and so the id, covers. */
void veld_state_name(veld_state *state, const veld_hash *core, const veld_hash *id);

/* veld_state_has: whether a change with this core was applied or came with a checkpoint. */
bool veld_state_has(const veld_state *state, const veld_hash *core);
size_t veld_state_change_count(const veld_state *state);
size_t veld_state_record_count(const veld_state *state);

/* veld_state_records: all records, removed ones too, sorted by type and id; borrowed until the next
 * call that applies. NULL without memory; `count` may then be anything. */
const veld_state_record *const *veld_state_records(veld_state *state, size_t *count);
/* veld_state_record_get / veld_state_field_get: NULL when there is none. */
const veld_state_record *veld_state_record_get(
    const veld_state *state, veld_span type, const veld_id *record);
/* veld_state_record_find: by id alone; NULL when none, and `*several` when more types share it. */
const veld_state_record *veld_state_record_find(
    const veld_state *state, const veld_id *record, bool *several);
const veld_state_field *veld_state_field_get(const veld_state_record *record, veld_span name);
/* veld_state_entry_get: a write by its id, replaced or not; NULL when it was never seen here. */
const veld_entry *veld_state_entry_get(const veld_state *state, const veld_write_id *id);

/* veld_state_take_dirty: one record whose visible writes changed since it was last handed out; NULL
 * when there are no more. For keeping trees and indexes up to date at the cost of the change. */
const veld_state_record *veld_state_take_dirty(veld_state *state);

/* veld_state_render: append the file of a record: for each visible write one line, a canonical JSON
 * object {"field":..,"value":..,"write":..}, sorted by bytes. Nothing for a record without visible
 * writes (which cannot be: a write is only replaced by another one).
 * Expects: VELD_E_LIMIT, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_state_render(const veld_state_record *record, veld_buf *out) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
