/* Comparing with a server that is another one, or came back from a copy: it lists what it holds, we
 * ask for what we lack and offer what it lacks. */
#include "sync_inner.h"

#include <stdlib.h>
#include <string.h>

veld_status sync_start_comparing(veld_sync *sync, veld_error *err)
{
    sync->phase = SYNC_LISTING;
    sync->held_count = 0;
    sync->has_offered = false;
    sync->pending.count = sync->retry_count = sync->wanted_count = 0;
    sync_tell(sync, &(veld_sync_event){.kind = VELD_SYNC_OTHER_SERVER});
    veld_status status = sync_void_cuts(sync, err);
    if (status == VELD_OK)
        status = sync_access_again(sync, err);
    return status == VELD_OK ? sync_repost(sync, err) : status;
}

static bool is_number_here(const veld_holding *holding, uint64_t number)
{
    bool found = number <= holding->upto;
    for (size_t i = 0; i < holding->extra_count && !found; i++)
        found = holding->extra[i] == number;
    return found;
}

/* Whether all changes of an envelope are here. Its last one alone says too little: a relay may have
 * kept back what was handed in before it. */
static bool is_all_here(veld_graph *graph, const exchange_holding *h)
{
    size_t count;
    const veld_holding *holdings = veld_graph_holdings(graph, &count);
    if (!veld_graph_has(graph, &h->change_id))
        return false;
    for (size_t i = 0; holdings != NULL && i < count; i++) {
        bool all =
            veld_id_equal(&holdings[i].chain.device, &h->device) &&
            memcmp(holdings[i].chain.incarnation, h->incarnation, sizeof h->incarnation) == 0;
        for (uint64_t n = 0; n < h->count && all; n++)
            all = is_number_here(&holdings[i], h->number + n);
        if (all)
            return true;
    }
    return false;
}

static int by_case(const void *a, const void *b)
{
    const exchange_holding *left = a;
    const exchange_holding *right = b;
    return veld_id_compare(&left->case_id, &right->case_id);
}

/* In the journal the envelopes of a case lie far apart: side by side each case is opened once. */
veld_status sync_want_missing(veld_sync *sync, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_case *opened = NULL;
    veld_id last = {{0}};
    if (sync->held_count > 0)
        qsort(sync->held, sync->held_count, sizeof *sync->held, by_case);
    for (size_t i = 0; i < sync->held_count; i++) {
        const exchange_holding *h = &sync->held[i];
        if (!veld_id_equal(&h->case_id, &last)) {
            veld_case_close(opened);
            opened = NULL;
            status = veld_case_open(sync->config.desk, &h->case_id, &opened, err);
            if (status != VELD_OK && status != VELD_E_NOT_FOUND && status != VELD_E_DAMAGED)
                goto done;
            last = h->case_id;
        }
        status = VELD_OK;
        if (opened == NULL || !is_all_here(veld_case_graph(opened), h))
            VELD_TRY(sync_add_pending(sync, &h->id, &h->case_id, err));
    }
    sync->retry_count = sync->pending.count;
done:
    veld_case_close(opened);
    return status;
}

/* ---- what it holds ---- */

veld_status sync_take_holdings(veld_sync *sync, veld_span body, veld_error *err)
{
    size_t count;
    if (sync->phase != SYNC_LISTING)
        return VELD_OK;
    if (sync->held_count + VELD_EXCHANGE_HOLDINGS_MAX > sync->held_capacity) {
        size_t capacity = 2 * sync->held_capacity + VELD_EXCHANGE_HOLDINGS_MAX;
        exchange_holding *grown = veld_resize(sync->held, capacity * sizeof *grown);
        if (grown == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for %zu envelopes", capacity);
        sync->held = grown;
        sync->held_capacity = capacity;
    }
    veld_status status = exchange_read_holdings(body, sync->held + sync->held_count, &count, err);
    if (status == VELD_OK)
        sync->held_count += count;
    return status;
}

/* Did the chain give this number twice? */
static bool is_forked_at(veld_graph *graph, const veld_node *node)
{
    size_t count;
    const veld_holding *holdings = veld_graph_holdings(graph, &count);
    for (size_t i = 0; holdings != NULL && i < count; i++) {
        const veld_holding *one = &holdings[i];
        if (!veld_id_equal(&one->chain.device, &node->chain.device) ||
            memcmp(one->chain.incarnation, node->chain.incarnation, VELD_INCARNATION_BYTES) != 0)
            continue;
        for (size_t k = 0; k < one->forks_count; k++) {
            if (one->forks[k] == node->number)
                return true;
        }
    }
    return holdings == NULL;
}

/* Where the envelopes of the case begin, once they are sorted. */
static size_t first_of(const veld_sync *sync, const veld_id *case_id)
{
    size_t low = 0, high = sync->held_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (veld_id_compare(&sync->held[middle].case_id, case_id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Whether the relay said, while comparing, that it holds the change: an envelope of its chain, its
 * number in it, and whose last change is one that we have. Where a copied device gave the number
 * too, the envelope may have the other change; that shows here only when the last one's past is. */
static bool is_held(
    const veld_sync *sync, const veld_id *case_id, veld_graph *graph, const veld_node *node)
{
    for (size_t i = first_of(sync, case_id); i < sync->held_count; i++) {
        const exchange_holding *h = &sync->held[i];
        if (!veld_id_equal(&h->case_id, case_id))
            break;
        if (node->number < h->number || node->number - h->number >= h->count ||
            !veld_id_equal(&h->device, &node->chain.device) ||
            memcmp(h->incarnation, node->chain.incarnation, sizeof h->incarnation) != 0)
            continue;
        const veld_node *last = veld_graph_get(graph, &h->change_id);
        if (last == node ||
            (last != NULL && last->complete && last->number == h->number + h->count - 1 &&
                last->number > node->number && !is_forked_at(graph, node)))
            return true;
    }
    return false;
}

/* Whether what the relay says that it holds may be of no use to who has the case: sealed to the
 * agency, as blind work is (it has no parents), or with a key older than the lowest that was given.
 */
static bool may_be_closed(const veld_sync *sync, const veld_node *node, bool has_floor)
{
    return sync->config.role == VELD_SYNC_MERGER && (has_floor || node->parents_count == 0);
}

bool sync_lacks(const veld_sync *sync, const veld_id *case_id, veld_graph *graph,
    const veld_node *node, bool has_floor)
{
    return may_be_closed(sync, node, has_floor) || !is_held(sync, case_id, graph, node);
}
