/* Heads and cases: what the merger says of a case it has, and what a device concludes for its
 * outbox. The conclusion rests on ancestry alone: numbers cannot tell a clone's change from ours.
 */
#include "veldkit/head.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/limits.h"
#include "veldkit/quarantine.h"
#include "veldkit/sync.h"

static int by_hash(const void *a, const void *b)
{
    return veld_hash_compare(a, b);
}

static bool is_same_chain(const veld_chain *a, const veld_chain *b)
{
    return veld_id_equal(&a->device, &b->device) &&
           memcmp(a->incarnation, b->incarnation, sizeof a->incarnation) == 0;
}

static bool is_head(const veld_node *const *heads, size_t count, const veld_hash *id)
{
    for (size_t i = 0; i < count; i++) {
        if (veld_hash_equal(&heads[i]->id, id))
            return true;
    }
    return false;
}

/* From which number on each complete change of a chain is named. */
static uint64_t named_from(const veld_holding *holding, const veld_node *const *order, size_t count)
{
    uint64_t last = 0;
    for (size_t i = 0; i < count; i++) {
        if (order[i]->complete && is_same_chain(&order[i]->chain, &holding->chain) &&
            order[i]->number > last)
            last = order[i]->number;
    }
    return holding->forks_count > 0 && holding->forks[0] < last ? holding->forks[0] : last;
}

/* The ends of chains that are no heads, sorted. Without room for all, those that fit: a head says
 * what is taken in, and may say less. */
static size_t chain_ends(veld_graph *graph, const veld_node *const *heads, size_t heads_count,
    veld_hash *out, size_t room)
{
    size_t holdings_count;
    size_t count;
    size_t named = 0;
    const veld_holding *holdings = veld_graph_holdings(graph, &holdings_count);
    const veld_node *const *order = veld_graph_order(graph, &count);
    for (size_t h = 0; holdings != NULL && order != NULL && h < holdings_count; h++) {
        uint64_t from = named_from(&holdings[h], order, count);
        for (size_t i = 0; i < count && named < room; i++) {
            if (order[i]->complete && order[i]->number >= from &&
                is_same_chain(&order[i]->chain, &holdings[h].chain) &&
                !is_head(heads, heads_count, &order[i]->id))
                out[named++] = order[i]->id;
        }
    }
    qsort(out, named, sizeof *out, by_hash);
    return named;
}

/* A late change that was admitted without its past is complete nowhere, and a device takes it for
 * admitted by nothing else. */
typedef struct admitted {
    veld_graph *graph;
    veld_head *head;
    veld_hash *ids; /* there is room for VELD_HEAD_CHANGES_MAX less what stands before them */
} admitted;

static veld_status name_admitted(void *context, const veld_quarantined *one, veld_error *err)
{
    const admitted *by = context;
    veld_head *head = by->head;
    (void)err;
    if (one->verdict != VELD_QUARANTINE_ADMITTED || !veld_id_equal(&one->case_id, &head->case_id) ||
        head->heads_count + head->chain_ends_count + head->admitted_count == VELD_HEAD_CHANGES_MAX)
        return VELD_OK;
    const veld_node *node = veld_graph_get(by->graph, &one->change);
    if (node != NULL && node->here && !node->complete)
        by->ids[head->admitted_count++] = one->change;
    return VELD_OK;
}

veld_status veld_head_of_case(
    const veld_desk *desk, veld_case *opened, veld_buf *out, veld_error *err)
{
    veld_status status;
    size_t count;
    veld_graph *graph = veld_case_graph(opened);
    const veld_node *const *heads = veld_graph_heads(graph, &count);
    veld_hash *ids = veld_allocate(VELD_HEAD_CHANGES_MAX * sizeof *ids);
    if (heads == NULL || ids == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a head");
        goto done;
    }
    if (count > VELD_HEAD_CHANGES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "a case with %zu heads", count);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        ids[i] = heads[i]->id;
    veld_head head = {
        .case_id = *veld_case_id(opened),
        .epoch = veld_store_case_epoch(veld_case_keys(opened)),
        .utc_ms = veld_env_now(desk->env).wall_utc_ms,
        .heads = ids,
        .heads_count = count,
        .chain_ends = ids + count,
    };
    head.chain_ends_count =
        chain_ends(graph, heads, count, ids + count, VELD_HEAD_CHANGES_MAX - count);
    admitted late = {.graph = graph, .head = &head, .ids = ids + count + head.chain_ends_count};
    VELD_TRY(veld_quarantine_each(desk->store, &late, name_admitted, err));
    qsort(late.ids, head.admitted_count, sizeof *late.ids, by_hash);
    head.admitted = late.ids;
    VELD_TRY(veld_case_state_id(opened, &head.state_id, err));
    VELD_TRY(veld_graph_held_hash(graph, &head.held, err));
    status = veld_head_make(&head, &desk->signer, out, err);
done:
    veld_release(ids);
    return status;
}

/* ---- what is taken in ---- */

/* The changes of the case that wait in the outbox, sorted by id. */
typedef struct unsent {
    veld_hash *ids;
    bool *is_taken;
    size_t count;
} unsent;

static veld_status load_unsent(
    const veld_desk *desk, const veld_id *case_id, unsent *out, veld_error *err)
{
    veld_status status;
    uint64_t most;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_count_unsent(desk->store, case_id, &most, err));
    out->ids = veld_allocate((most + 1) * sizeof *out->ids);
    out->is_taken = veld_allocate((most + 1) * sizeof *out->is_taken);
    if (out->ids == NULL || out->is_taken == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the outbox");
        goto done;
    }
    VELD_TRY(veld_store_outbox(desk->store, &cursor, err));
    while (more && out->count < most) {
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, err));
        if (more && veld_id_equal(&row.case_id, case_id))
            out->ids[out->count++] = row.id;
    }
    qsort(out->ids, out->count, sizeof *out->ids, by_hash);
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* Who was visited on the walk down, by id: an open-addressing table over the graph's nodes. */
typedef struct visits {
    const veld_node **seen;
    size_t slots; /* a power of two above twice the number of nodes */
    const veld_node **stack;
    size_t depth;
} visits;

static void visit(visits *by, const veld_node *node)
{
    size_t slot;
    memcpy(&slot, node->id.bytes, sizeof slot);
    for (slot &= by->slots - 1; by->seen[slot] != NULL; slot = (slot + 1) & (by->slots - 1)) {
        if (by->seen[slot] == node)
            return;
    }
    by->seen[slot] = node;
    by->stack[by->depth++] = node;
}

static void visit_named(visits *by, const veld_graph *graph, const veld_hash *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const veld_node *node = veld_graph_get(graph, &ids[i]);
        if (node != NULL && node->here)
            visit(by, node);
    }
}

static bool mark_id(unsent *waiting, const veld_hash *id)
{
    const veld_hash *found =
        bsearch(id, waiting->ids, waiting->count, sizeof *waiting->ids, by_hash);
    bool is_new = found != NULL && !waiting->is_taken[found - waiting->ids];
    if (is_new)
        waiting->is_taken[found - waiting->ids] = true;
    return is_new;
}

static size_t walk(visits *by, unsent *waiting)
{
    size_t left = waiting->count;
    while (by->depth > 0 && left > 0) {
        const veld_node *node = by->stack[--by->depth];
        left -= mark_id(waiting, &node->id);
        for (size_t i = 0; i < node->parents_count; i++) {
            if (node->parents[i]->here)
                visit(by, node->parents[i]);
            else /* what is held back is in no graph, and is missed there */
                left -= mark_id(waiting, &node->parents[i]->id);
        }
    }
    return waiting->count - left;
}

static veld_status mark_covered(
    veld_case *opened, const veld_head *head, unsent *waiting, size_t *taken, veld_error *err)
{
    veld_status status = VELD_OK;
    size_t most = veld_graph_count(veld_case_graph(opened));
    visits by = {.slots = 16};
    while (by.slots <= 2 * most)
        by.slots *= 2;
    by.seen = veld_allocate(by.slots * sizeof *by.seen);
    by.stack = veld_allocate((most + 1) * sizeof *by.stack);
    if (by.seen == NULL || by.stack == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", most);
        goto done;
    }
    visit_named(&by, veld_case_graph(opened), head->heads, head->heads_count);
    visit_named(&by, veld_case_graph(opened), head->chain_ends, head->chain_ends_count);
    *taken = walk(&by, waiting);
    for (size_t i = 0; i < head->admitted_count; i++)
        *taken += mark_id(waiting, &head->admitted[i]);
    for (size_t i = 0; i < waiting->count; i++) {
        const veld_node *node = veld_graph_get(veld_case_graph(opened), &waiting->ids[i]);
        if (node == NULL || !node->early || waiting->is_taken[i])
            continue;
        waiting->is_taken[i] = true; /* the agency's checkpoint has it */
        ++*taken;
    }
done:
    veld_release(by.seen);
    veld_release(by.stack);
    return status;
}

static veld_status keep_taken(
    const veld_desk *desk, const unsent *waiting, int64_t utc_ms, veld_error *err)
{
    veld_status status;
    VELD_TRY(veld_store_begin(desk->store, err));
    for (size_t i = 0; i < waiting->count; i++) {
        veld_handover step;
        if (!waiting->is_taken[i])
            continue;
        VELD_TRY(veld_handover_get(desk->store, &waiting->ids[i], &step, err));
        step.taken_in_utc_ms = utc_ms;
        VELD_TRY(veld_handover_put(desk->store, &waiting->ids[i], &step, err));
        VELD_TRY(veld_store_mark_sent(desk->store, &waiting->ids[i], 1, err));
    }
    return veld_store_commit(desk->store, err);
done:
    veld_store_rollback(desk->store);
    return status;
}

veld_status veld_head_covers(veld_case *opened, const veld_head *head, const veld_hash *ids,
    size_t count, bool *covered, veld_error *err)
{
    size_t taken;
    unsent asked = {.ids = veld_allocate(count * sizeof *ids), .is_taken = covered, .count = count};
    if (asked.ids == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", count);
    memcpy(asked.ids, ids, count * sizeof *ids);
    memset(covered, 0, count * sizeof *covered);
    veld_status status = mark_covered(opened, head, &asked, &taken, err);
    for (size_t i = 0; status == VELD_OK && i < head->heads_count; i++)
        (void)mark_id(&asked, &head->heads[i]);
    for (size_t i = 0; status == VELD_OK && i < head->chain_ends_count; i++)
        (void)mark_id(&asked, &head->chain_ends[i]);
    veld_release(asked.ids);
    return status;
}

veld_status veld_head_mark_taken(const veld_desk *desk, veld_case *opened, const veld_head *head,
    size_t *marked, veld_error *err)
{
    veld_status status;
    size_t taken = 0;
    unsent waiting = {0};
    VELD_TRY(load_unsent(desk, veld_case_id(opened), &waiting, err));
    VELD_TRY(mark_covered(opened, head, &waiting, &taken, err));
    if (taken > 0)
        VELD_TRY(keep_taken(desk, &waiting, head->utc_ms, err));
    if (marked != NULL)
        *marked = taken;
done:
    veld_release(waiting.ids);
    veld_release(waiting.is_taken);
    return status;
}
