/* Nodes and edges of the changes that are here. Completeness runs from parents to children when a
 * gap closes; heads are kept as changes come, so neither costs a walk over the history. */
#include "veldkit/graph.h"

#include <stdlib.h>
#include <string.h>

#include "graph_inner.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

static int by_id(const void *a, const void *b)
{
    const veld_node *left = *(const veld_node *const *)a;
    const veld_node *right = *(const veld_node *const *)b;
    return veld_hash_compare(&left->id, &right->id);
}

veld_status veld_graph_new(const veld_env *env, veld_graph **out, veld_error *err)
{
    *out = NULL;
    veld_graph *graph = veld_allocate(sizeof *graph);
    if (graph == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the changes of a case");
    veld_arena_init(&graph->arena, VELD_STATE_BYTES_MAX);
    veld_status status = map_init(&graph->nodes, sizeof(veld_hash), env, err);
    if (status != VELD_OK) {
        veld_graph_free(graph);
        return status;
    }
    *out = graph;
    return VELD_OK;
}

void veld_graph_free(veld_graph *graph)
{
    if (graph == NULL)
        return;
    map_release(&graph->nodes);
    veld_release(graph->heads);
    veld_release(graph->order);
    veld_release(graph->missing);
    graph_holdings_release(graph);
    veld_arena_release(&graph->arena);
    veld_release(graph);
}

static graph_node *node_of(const veld_node *node)
{
    return (graph_node *)(uintptr_t)node;
}

static graph_node *find(const veld_graph *graph, const veld_hash *id)
{
    return map_get(&graph->nodes, id->bytes);
}

/* The node of an id, absent as yet when it is new. NULL without memory. */
static graph_node *node_make(veld_graph *graph, const veld_hash *id)
{
    graph_node *node = find(graph, id);
    if (node != NULL)
        return node;
    node = veld_arena_get(&graph->arena, 1, sizeof *node);
    if (node == NULL)
        return NULL;
    node->open.id = *id;
    if (map_put(&graph->nodes, node->open.id.bytes, node) != VELD_OK)
        return NULL;
    node->older = graph->newest;
    graph->newest = node;
    return node;
}

static void forget_derived(veld_graph *graph)
{
    veld_release(graph->heads);
    veld_release(graph->order);
    veld_release(graph->missing);
    graph->heads = NULL;
    graph->order = NULL;
    graph->missing = NULL;
    graph_holdings_release(graph);
}

static void add_head(veld_graph *graph, graph_node *node)
{
    node->is_head = true;
    node->head_after = graph->first_head;
    if (graph->first_head != NULL)
        graph->first_head->head_before = node;
    graph->first_head = node;
    graph->head_count++;
}

static void remove_head(veld_graph *graph, graph_node *node)
{
    if (!node->is_head)
        return;
    if (node->head_before != NULL)
        node->head_before->head_after = node->head_after;
    else
        graph->first_head = node->head_after;
    if (node->head_after != NULL)
        node->head_after->head_before = node->head_before;
    node->head_before = NULL;
    node->head_after = NULL;
    node->is_head = false;
    graph->head_count--;
}

/* Tell the children that one more parent is complete; those that have all follow. The list of nodes
 * that became complete is threaded through them, so a long chain needs no recursion. */
static void complete(veld_graph *graph, graph_node *first)
{
    first->next_complete = NULL;
    for (graph_node *list = first; list != NULL;) {
        graph_node *node = list;
        list = node->next_complete;
        VELD_ASSERT(node->open.here && !node->open.complete && node->waits_for == 0);
        node->open.complete = true;
        graph->complete_count++;
        add_head(graph, node);
        for (size_t i = 0; i < node->open.parents_count; i++)
            remove_head(graph, node_of(node->open.parents[i]));
        for (child_link *link = node->children; link != NULL; link = link->next) {
            graph_node *child = link->child;
            VELD_ASSERT(child->waits_for > 0);
            if (--child->waits_for == 0) {
                child->next_complete = list;
                list = child;
            }
        }
    }
}

static veld_status link_parents(veld_graph *graph, graph_node *node, const veld_change *change)
{
    size_t count = change->parents_count;
    const veld_node **parents = veld_arena_get(&graph->arena, count, sizeof *parents);
    if (parents == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++) {
        graph_node *parent = node_make(graph, &change->parents[i].id);
        child_link *link = veld_arena_get(&graph->arena, 1, sizeof *link);
        if (parent == NULL || link == NULL)
            return VELD_E_MEMORY;
        *link = (child_link){.child = node, .next = parent->children};
        parent->children = link;
        parents[i] = &parent->open;
        if (!parent->open.complete)
            node->waits_for++;
    }
    node->open.parents = parents;
    node->open.parents_count = count;
    return VELD_OK;
}

static void fill_node(graph_node *node, const veld_change *change)
{
    node->open.core = change->core;
    node->open.git = change->git;
    node->open.chain.device = change->device;
    memcpy(node->open.chain.incarnation, change->incarnation, VELD_INCARNATION_BYTES);
    node->open.number = change->number;
    node->open.commit_utc_s = change->commit_utc_s;
}

veld_status veld_graph_add(
    veld_graph *graph, const veld_change *change, bool *added, veld_error *err)
{
    if (added != NULL)
        *added = false;
    graph_node *node = node_make(graph, &change->id);
    if (node == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", graph->nodes.count);
    if (node->open.here)
        return VELD_OK;
    forget_derived(graph);
    fill_node(node, change);
    veld_status status = link_parents(graph, node, change);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for %zu changes", graph->nodes.count);
    node->open.here = true;
    graph->here_count++;
    if (node->waits_for == 0)
        complete(graph, node);
    if (added != NULL)
        *added = true;
    return VELD_OK;
}

veld_status graph_restore(veld_graph *graph, const veld_change *change, bool is_complete, bool head)
{
    if (!is_complete && veld_graph_add(graph, change, NULL, NULL) != VELD_OK)
        return VELD_E_MEMORY;
    graph_node *node = node_make(graph, &change->id);
    if (node == NULL)
        return VELD_E_MEMORY;
    node->open.early = true;
    if (!is_complete)
        return VELD_OK;
    fill_node(node, change);
    node->open.here = true;
    graph->here_count++;
    complete(graph, node);
    if (!head)
        remove_head(graph, node);
    return VELD_OK;
}

const veld_node **graph_held(const veld_graph *graph, size_t *count)
{
    const veld_node **list = veld_allocate((graph->here_count + 1) * sizeof *list);
    *count = 0;
    if (list == NULL)
        return NULL;
    for (const graph_node *node = graph->newest; node != NULL; node = node->older) {
        if (node->open.here)
            list[(*count)++] = &node->open;
    }
    qsort(list, *count, sizeof *list, by_id);
    return list;
}

bool graph_is_head(const veld_node *node)
{
    return node_of(node)->is_head;
}

const veld_node *veld_graph_get(const veld_graph *graph, const veld_hash *id)
{
    const graph_node *node = find(graph, id);
    return node != NULL && node->open.here ? &node->open : NULL;
}

bool veld_graph_has(const veld_graph *graph, const veld_hash *id)
{
    return veld_graph_get(graph, id) != NULL;
}

size_t veld_graph_count(const veld_graph *graph)
{
    return graph->here_count;
}

size_t veld_graph_incomplete_count(const veld_graph *graph)
{
    return graph->here_count - graph->complete_count;
}

/* The nodes that are named but not here, sorted by id, in new memory. NULL without memory. */
static const veld_node **select_missing(const veld_graph *graph, size_t *count)
{
    *count = 0;
    const veld_node **list =
        veld_allocate((graph->nodes.count - graph->here_count + 1) * sizeof *list);
    if (list == NULL)
        return NULL;
    for (const graph_node *node = graph->newest; node != NULL; node = node->older) {
        if (!node->open.here)
            list[(*count)++] = &node->open;
    }
    qsort(list, *count, sizeof *list, by_id);
    return list;
}

const veld_node *const *veld_graph_heads(veld_graph *graph, size_t *count)
{
    *count = graph->head_count;
    if (graph->heads != NULL)
        return graph->heads;
    graph->heads = veld_allocate((graph->head_count + 1) * sizeof *graph->heads);
    if (graph->heads == NULL)
        return NULL;
    size_t filled = 0;
    for (const graph_node *node = graph->first_head; node != NULL; node = node->head_after)
        graph->heads[filled++] = &node->open;
    VELD_ASSERT(filled == graph->head_count);
    qsort(graph->heads, filled, sizeof *graph->heads, by_id);
    return graph->heads;
}

const veld_node *const *veld_graph_missing(veld_graph *graph, size_t *count)
{
    if (graph->missing == NULL)
        graph->missing = select_missing(graph, &graph->missing_count);
    *count = graph->missing_count;
    return graph->missing;
}

/* ---- order ---- */

/* A heap of nodes by id, in the front of an array. */
static void heap_push(graph_node **heap, size_t *count, graph_node *node)
{
    size_t i = (*count)++;
    while (i > 0 && veld_hash_compare(&heap[(i - 1) / 2]->open.id, &node->open.id) > 0) {
        heap[i] = heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    heap[i] = node;
}

static graph_node *heap_pop(graph_node **heap, size_t *count)
{
    graph_node *top = heap[0];
    graph_node *last = heap[--*count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= *count)
            break;
        if (child + 1 < *count &&
            veld_hash_compare(&heap[child + 1]->open.id, &heap[child]->open.id) < 0)
            child++;
        if (veld_hash_compare(&heap[child]->open.id, &last->open.id) >= 0)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

/* What is on or behind a cycle comes last, by id. No set of real changes has one, since ids are
 * hashes; a checkpoint can say anything. */
static void fill_rest(veld_graph *graph, size_t filled)
{
    size_t first = filled;
    for (graph_node *node = graph->newest; node != NULL; node = node->older) {
        if (node->open.here && node->unordered > 0)
            graph->order[filled++] = &node->open;
    }
    VELD_ASSERT(filled == graph->here_count);
    qsort(graph->order + first, filled - first, sizeof *graph->order, by_id);
}

static void fill_order(veld_graph *graph, graph_node **heap)
{
    size_t ready = 0;
    for (graph_node *node = graph->newest; node != NULL; node = node->older) {
        node->unordered = 0;
        for (size_t i = 0; node->open.here && i < node->open.parents_count; i++)
            node->unordered += node->open.parents[i]->here;
        if (node->open.here && node->unordered == 0)
            heap_push(heap, &ready, node);
    }
    size_t filled = 0;
    while (ready > 0) {
        graph_node *node = heap_pop(heap, &ready);
        graph->order[filled++] = &node->open;
        for (child_link *link = node->children; link != NULL; link = link->next) {
            if (--link->child->unordered == 0)
                heap_push(heap, &ready, link->child);
        }
    }
    if (filled < graph->here_count)
        fill_rest(graph, filled);
}

const veld_node *const *veld_graph_order(veld_graph *graph, size_t *count)
{
    *count = graph->here_count;
    if (graph->order != NULL)
        return graph->order;
    size_t bytes = (graph->here_count + 1) * sizeof(void *);
    graph_node **heap = veld_allocate(bytes);
    graph->order = veld_allocate(bytes);
    if (heap != NULL && graph->order != NULL)
        fill_order(graph, heap);
    if (heap == NULL) {
        veld_release(graph->order);
        graph->order = NULL;
    }
    veld_release(heap);
    return graph->order;
}
