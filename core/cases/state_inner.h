/* state_inner.h: the nodes behind state.h, shared by the join and the checkpoint. The public struct
 * is the first member of each node, so a pointer to the one is a pointer to the other. */
#ifndef VELD_CASES_STATE_INNER_H
#define VELD_CASES_STATE_INNER_H

#include "map.h"
#include "veldkit/arena.h"
#include "veldkit/state.h"

/* A field from which a write was named that is not here yet. */
typedef struct named_from {
    const veld_state_field *field;
    struct named_from *next;
} named_from;

typedef struct entry_node {
    veld_entry open; /* open.field is NULL until the write is seen */
    named_from *named;
} entry_node;

typedef struct field_node {
    veld_state_field open;
} field_node;

typedef struct record_node {
    veld_state_record open;
    struct record_node *same_id; /* another type under the same id */
    struct record_node *older;   /* all records, newest first */
    struct record_node *next_dirty;
    bool dirty;
} record_node;

struct veld_state {
    veld_arena arena;
    map writes;  /* write id -> entry_node */
    map records; /* record id -> first record_node */
    map cores;   /* first 16 bytes of a core -> veld_origin */
    record_node *newest;
    record_node *dirty;
    const veld_state_record **sorted; /* NULL when it must be made again */
    size_t record_count;
};

/* The state made these nodes and may change them; readers get them const. */
static inline field_node *field_of(const veld_state_field *field)
{
    return (field_node *)(uintptr_t)field;
}

static inline record_node *record_of(const veld_state_record *record)
{
    return (record_node *)(uintptr_t)record;
}

/* state_add_origin: remember a change as applied. state_add_write: join one write of it.
 * Both expect VELD_E_MEMORY only; the state is then unusable. */
veld_status state_add_origin(
    veld_state *state, const veld_origin *origin, const veld_origin **out) VELD_MUST_CHECK;
veld_status state_add_write(
    veld_state *state, const veld_write *write, const veld_origin *origin) VELD_MUST_CHECK;

#endif
