/* graph.h: which changes of a case a replica holds and how they hang together: parents, heads,
 * what is missing, forks, holdings. It decides nothing about values: a change counts in the state
 * as soon as it is here; here is decided when it may become a parent, and what to ask others for.
 *
 * A change is complete when all its parents are here and complete. Heads are the complete changes
 * that no complete change names as parent: what a new change's author has seen.
 *
 * Thread: one at a time per graph. Source: design, versions and sync. */
#ifndef VELDKIT_GRAPH_H
#define VELDKIT_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_graph veld_graph;

/* One device's chain in the case, as far as it is here. */
typedef struct veld_chain {
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
} veld_chain;

/* One change as the graph knows it. Pointers live as long as the graph. */
typedef struct veld_node {
    veld_hash id;
    veld_hash core;
    veld_git_oid git;
    veld_chain chain;
    uint64_t number;
    int64_t commit_utc_s;
    const struct veld_node *const *parents; /* as many as the change names; also absent ones */
    size_t parents_count;
    bool here;     /* false: only named as a parent by others */
    bool complete; /* here, and so is its whole past */
    bool early;    /* it came with a checkpoint: of a complete one no parents are known */
} veld_node;

/* veld_graph_new / free: as a state's.  Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_graph_new(const veld_env *env, veld_graph **out, veld_error *err) VELD_MUST_CHECK;
void veld_graph_free(veld_graph *graph);

/* veld_graph_add: a change is here now. Adding it again does nothing; `added` (may be NULL) tells.
 * Needs id, core and git of the change and of its parents.
 * Expects: VELD_E_MEMORY; the graph is then unusable and can only be freed. */
veld_status veld_graph_add(
    veld_graph *graph, const veld_change *change, bool *added, veld_error *err) VELD_MUST_CHECK;

bool veld_graph_has(const veld_graph *graph, const veld_hash *id);
const veld_node *veld_graph_get(const veld_graph *graph, const veld_hash *id);
size_t veld_graph_count(const veld_graph *graph);
size_t veld_graph_incomplete_count(const veld_graph *graph);

/* veld_graph_heads: the heads sorted by id; borrowed until the next add. NULL without memory. */
const veld_node *const *veld_graph_heads(veld_graph *graph, size_t *count);

/* veld_graph_order: all changes that are here, parents before children, ties by id; the same on
 * every replica with the same changes. Borrowed until the next add. NULL without memory. */
const veld_node *const *veld_graph_order(veld_graph *graph, size_t *count);

/* veld_graph_missing: the parents that others name and that are not here, sorted by id. Borrowed
 * until the next add. NULL without memory. */
const veld_node *const *veld_graph_missing(veld_graph *graph, size_t *count);

/* ---- holdings: a vector with exceptions ---- */
typedef struct veld_holding {
    veld_chain chain;
    uint64_t upto;         /* numbers 1 to upto are here */
    const uint64_t *extra; /* numbers above upto + 1 that are here too, rising */
    size_t extra_count;
    const uint64_t *forks; /* numbers at which two or more changes are here, rising */
    size_t forks_count;
} veld_holding;

/* veld_graph_holdings: one for each chain, sorted by device and incarnation. Borrowed until the
 * next add. NULL without memory, or with count 0 when nothing is here. */
const veld_holding *veld_graph_holdings(veld_graph *graph, size_t *count);

/* veld_graph_held_hash: one hash for all changes that are here, complete or not: two replicas with
 * the same hash hold the same changes, so their states must be equal. The hash of none is zero.
 * Cost:    of sorting the ids.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. Source: proto/WIRE.md, "Head". */
veld_status veld_graph_held_hash(
    const veld_graph *graph, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
