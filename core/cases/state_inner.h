/* state_inner.h: the nodes behind state.h, shared by the join and the checkpoint. The public struct
 * is the first member of each node, so a pointer to the one is a pointer to the other. */
#ifndef VELD_CASES_STATE_INNER_H
#define VELD_CASES_STATE_INNER_H

#include "map.h"
#include "name_tree.h"
#include "veldkit/arena.h"
#include "veldkit/state.h"

/* A field from which a write was named that is not here yet. */
typedef struct named_from {
    const veld_state_field *field;
    struct named_from *next;
} named_from;

typedef struct entry_node {
    veld_entry open;           /* open.field is NULL until the write is seen */
    struct entry_node *before; /* on the field; NULL for the first */
    named_from *named;
    struct entry_node *next_named; /* all that were ever named before they were seen */
} entry_node;

typedef struct field_node {
    veld_state_field open;
    entry_node *last;
    name_node by_name; /* in the record */
} field_node;

typedef struct record_node {
    veld_state_record open;
    name_node *fields;         /* the record's, by name */
    name_node by_type;         /* among the records under the same id */
    name_node *same_id;        /* of the first record under an id: all of them */
    struct record_node *older; /* all records, newest first */
    struct record_node *next_dirty;
    bool dirty;
} record_node;

struct veld_state {
    veld_arena arena;
    map writes;  /* write id -> entry_node */
    map records; /* record id -> first record_node */
    map cores;   /* core -> veld_origin */
    record_node *newest;
    record_node *dirty;
    entry_node *named;
    const veld_state_record **sorted; /* NULL when it must be made again */
    size_t record_count;
    uint64_t next_rank; /* of a name; seeded */
};

/* The state made these nodes and may change them; readers get them const. */
static inline field_node *field_of(const veld_state_field *field)
{
    return (field_node *)(uintptr_t)field;
}

static inline entry_node *entry_of(const veld_entry *entry)
{
    return (entry_node *)(uintptr_t)entry;
}

static inline record_node *record_of(const veld_state_record *record)
{
    return (record_node *)(uintptr_t)record;
}

/* All below expect VELD_E_MEMORY only; the state is then unusable.
 *
 * state_add_origin: remember a change as applied.
 * state_add_entry: put a write on its field; what it replaces is not looked at.
 * state_add_write: the same, and it replaces what it names.
 * state_name: `field` holds a write that names `id`, which may not have been seen yet.
 * state_replace: the write leaves the state.
 * state_field: the field of a record, made when it is not there. */
veld_status state_add_origin(
    veld_state *state, const veld_origin *origin, const veld_origin **out) VELD_MUST_CHECK;
veld_status state_add_entry(veld_state *state, const veld_write *write, const veld_origin *origin,
    const veld_entry **out) VELD_MUST_CHECK;
veld_status state_add_write(
    veld_state *state, const veld_write *write, const veld_origin *origin) VELD_MUST_CHECK;
veld_status state_name(
    veld_state *state, const veld_write_id *id, field_node *field) VELD_MUST_CHECK;
void state_replace(veld_state *state, entry_node *target);
veld_status state_field(veld_state *state, veld_span type, const veld_id *record, veld_span name,
    field_node **out) VELD_MUST_CHECK;

#endif
