/* Holdings: what a replica has of each chain, told in few numbers. Derived from the nodes when it
 * is asked for, so it cannot disagree with them. */
#include <stdlib.h>
#include <string.h>

#include "graph_inner.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

void graph_holdings_release(veld_graph *graph)
{
    veld_release(graph->holdings);
    veld_release(graph->numbers);
    graph->holdings = NULL;
    graph->numbers = NULL;
    graph->holdings_count = 0;
}

static int chain_compare(const veld_chain *a, const veld_chain *b)
{
    int order = veld_id_compare(&a->device, &b->device);
    return order != 0 ? order : memcmp(a->incarnation, b->incarnation, sizeof a->incarnation);
}

static int by_chain_and_number(const void *a, const void *b)
{
    const veld_node *left = *(const veld_node *const *)a;
    const veld_node *right = *(const veld_node *const *)b;
    int order = chain_compare(&left->chain, &right->chain);
    if (order != 0)
        return order;
    return (left->number > right->number) - (left->number < right->number);
}

/* One chain from `nodes[0]` on: fills `holding`, puts its numbers at `numbers` and moves that on.
 * Returns how many nodes it took. */
static size_t fill_holding(
    const veld_node *const *nodes, size_t count, veld_holding *holding, uint64_t **numbers)
{
    size_t taken = 0;
    holding->chain = nodes[0]->chain;
    while (taken < count && chain_compare(&nodes[taken]->chain, &holding->chain) == 0)
        taken++;

    uint64_t *extra = *numbers;
    for (size_t i = 0; i < taken; i++) {
        uint64_t number = nodes[i]->number;
        if (i > 0 && nodes[i - 1]->number == number)
            continue;
        if (number == holding->upto + 1 && holding->extra_count == 0)
            holding->upto = number;
        else
            extra[holding->extra_count++] = number;
    }
    uint64_t *forks = extra + holding->extra_count;
    for (size_t i = 1; i < taken; i++) {
        bool again =
            holding->forks_count > 0 && forks[holding->forks_count - 1] == nodes[i]->number;
        if (nodes[i - 1]->number == nodes[i]->number && !again)
            forks[holding->forks_count++] = nodes[i]->number;
    }
    holding->extra = extra;
    holding->forks = forks;
    *numbers = forks + holding->forks_count;
    return taken;
}

const veld_holding *veld_graph_holdings(veld_graph *graph, size_t *count)
{
    *count = graph->holdings_count;
    if (graph->holdings != NULL || graph->here_count == 0)
        return graph->holdings;

    const veld_node **nodes = veld_allocate(graph->here_count * sizeof *nodes);
    graph->holdings = veld_allocate(graph->here_count * sizeof *graph->holdings);
    graph->numbers = veld_allocate(graph->here_count * 2 * sizeof *graph->numbers);
    if (nodes == NULL || graph->holdings == NULL || graph->numbers == NULL) {
        veld_release(nodes);
        graph_holdings_release(graph);
        *count = 0;
        return NULL;
    }
    size_t filled = 0;
    for (const graph_node *node = graph->newest; node != NULL; node = node->older) {
        if (node->open.here)
            nodes[filled++] = &node->open;
    }
    VELD_ASSERT(filled == graph->here_count);
    qsort(nodes, filled, sizeof *nodes, by_chain_and_number);
    uint64_t *numbers = graph->numbers;
    for (size_t at = 0; at < filled;)
        at += fill_holding(
            nodes + at, filled - at, &graph->holdings[graph->holdings_count++], &numbers);
    veld_release(nodes);
    *count = graph->holdings_count;
    return graph->holdings;
}

veld_status veld_graph_held_hash(const veld_graph *graph, veld_hash *out, veld_error *err)
{
    veld_status status;
    size_t count = 0;
    veld_sha256_stream stream = {0};
    const veld_node **nodes = graph_held(graph, &count);
    *out = (veld_hash){0};
    if (nodes == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", graph->here_count);
    status = count == 0 ? VELD_OK : veld_sha256_start(&stream, VELD_CONTEXT_HASH_HELD, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = veld_sha256_add(&stream, veld_hash_span(&nodes[i]->id), err);
    if (status == VELD_OK && count > 0)
        status = veld_sha256_finish(&stream, out, err);
    veld_sha256_abort(&stream);
    veld_release((void *)(uintptr_t)nodes);
    return status;
}
