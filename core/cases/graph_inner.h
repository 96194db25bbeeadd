/* graph_inner.h: the nodes behind graph.h, shared by the graph and its holdings. */
#ifndef VELD_CASES_GRAPH_INNER_H
#define VELD_CASES_GRAPH_INNER_H

#include "map.h"
#include "veldkit/arena.h"
#include "veldkit/graph.h"

typedef struct child_link {
    struct graph_node *child;
    struct child_link *next;
} child_link;

typedef struct graph_node {
    veld_node open;
    child_link *children;
    struct graph_node *older; /* all nodes, newest first */
    struct graph_node *next_complete;
    size_t waits_for;               /* parents that are not complete */
    size_t unordered;               /* scratch of the ordering: parents not placed yet */
    struct graph_node *head_before; /* the heads, in no order */
    struct graph_node *head_after;
    bool is_head;
} graph_node;

struct veld_graph {
    veld_arena arena;
    map nodes; /* change id -> graph_node */
    graph_node *newest;
    graph_node *first_head;
    size_t head_count;
    size_t here_count;
    size_t complete_count;

    /* derived on demand, forgotten at each add */
    const veld_node **heads;
    const veld_node **order;
    const veld_node **missing;
    size_t missing_count;
    veld_holding *holdings;
    size_t holdings_count;
    uint64_t *numbers; /* what the holdings point into */
};

void graph_holdings_release(veld_graph *graph);

/* graph_held: all changes that are here, sorted by id, in new memory (veld_release). NULL without
 * memory. */
const veld_node **graph_held(const veld_graph *graph, size_t *count) VELD_MUST_CHECK;
bool graph_is_head(const veld_node *node);
/* graph_restore: a change that a checkpoint holds. Of a complete one the parents are not known and
 * not needed. Expects: VELD_E_MEMORY; the graph is then unusable. */
veld_status graph_restore(
    veld_graph *graph, const veld_change *change, bool complete, bool head) VELD_MUST_CHECK;

#endif
