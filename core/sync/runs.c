/* Changes into envelopes: a day's work costs few headers. */
#include "runs.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/limits.h"

static int by_chain_and_number(const void *a, const void *b)
{
    const veld_node *left = *(const veld_node *const *)a;
    const veld_node *right = *(const veld_node *const *)b;
    int order = veld_id_compare(&left->chain.device, &right->chain.device);
    if (order == 0)
        order = memcmp(
            left->chain.incarnation, right->chain.incarnation, sizeof left->chain.incarnation);
    if (order == 0)
        order = (left->number > right->number) - (left->number < right->number);
    return order != 0 ? order : veld_hash_compare(&left->id, &right->id);
}

static bool is_same_chain(const veld_node *a, const veld_node *b)
{
    return veld_id_equal(&a->chain.device, &b->chain.device) &&
           memcmp(a->chain.incarnation, b->chain.incarnation, sizeof a->chain.incarnation) == 0;
}

static bool is_forked(veld_graph *graph, const veld_node *node)
{
    size_t count;
    const veld_holding *holdings = veld_graph_holdings(graph, &count);
    for (size_t h = 0; holdings != NULL && h < count; h++) {
        if (!veld_id_equal(&holdings[h].chain.device, &node->chain.device) ||
            memcmp(holdings[h].chain.incarnation, node->chain.incarnation,
                sizeof node->chain.incarnation) != 0)
            continue;
        for (size_t i = 0; i < holdings[h].forks_count; i++) {
            if (holdings[h].forks[i] == node->number)
                return true;
        }
    }
    return false;
}

/* How many of `nodes` from the first on may go into one envelope. */
static size_t run_length(veld_graph *graph, const veld_node *const *nodes, size_t count)
{
    size_t run = 1;
    if (is_forked(graph, nodes[0]))
        return 1;
    while (run < count && run < VELD_EXCHANGE_RUN_MAX && is_same_chain(nodes[run], nodes[0]) &&
           nodes[run]->number == nodes[run - 1]->number + 1 && !is_forked(graph, nodes[run]))
        run++;
    return run;
}

static bool is_danger(const veld_schema_set *schemas, const veld_change *change)
{
    for (size_t i = 0; i < change->writes_count; i++) {
        if (veld_schema_is_urgent(schemas, change->writes[i].type, change->writes[i].field))
            return true;
    }
    return false;
}

static veld_priority priority_of(
    const veld_schema_set *schemas, const veld_change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_danger(schemas, &changes[i]))
            return VELD_PRIORITY_DANGER;
    }
    return VELD_PRIORITY_TEXT;
}

/* How a run is sealed. */
typedef struct sealing {
    const veld_sealer *sealer;
    uint32_t epoch;
    const veld_schema_set *schemas; /* say what is urgent */
} sealing;

/* One envelope of `run` changes, or several smaller ones when they are too large together. */
static veld_status seal_run(const sealing *with, const veld_change *changes, size_t run,
    const run_sink *sink, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_buf envelope;
    veld_buf_init(&envelope, VELD_ENVELOPE_BYTES_MAX);
    for (size_t at = 0; at < run;) {
        size_t take = run - at;
        veld_priority priority;
        do {
            veld_buf_clear(&envelope);
            priority = priority_of(with->schemas, changes + at, take);
            status = veld_envelope_seal(
                with->sealer, with->epoch, priority, changes + at, take, &envelope, err);
            if (status == VELD_E_LIMIT)
                take /= 2;
        } while (status == VELD_E_LIMIT && take > 0);
        if (status != VELD_OK)
            break;
        VELD_TRY(sink->envelope(
            sink->context, priority, changes + at, take, veld_buf_span(&envelope), err));
        at += take;
    }
done:
    veld_buf_release(&envelope);
    return status;
}

static veld_status load_run(veld_case *opened, const veld_node *const *nodes, size_t run,
    veld_arena *arena, veld_change *changes, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < run; i++)
        status = veld_case_change(opened, &nodes[i]->id, arena, &changes[i], err);
    return status;
}

veld_status runs_seal(
    veld_case *opened, const veld_node **nodes, size_t count, const run_sink *sink, veld_error *err)
{
    veld_status status;
    veld_arena arena;
    veld_change changes[VELD_EXCHANGE_RUN_MAX];
    sealing with = {
        .epoch = veld_store_case_epoch(veld_case_keys(opened)),
        .schemas = veld_case_schemas(opened),
    };
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    qsort(nodes, count, sizeof *nodes, by_chain_and_number);
    VELD_TRY(veld_store_case_message_sealer(veld_case_keys(opened), with.epoch, &with.sealer, err));
    for (size_t at = 0; at < count;) {
        size_t run = run_length(veld_case_graph(opened), nodes + at, count - at);
        VELD_TRY(load_run(opened, nodes + at, run, &arena, changes, err));
        VELD_TRY(seal_run(&with, changes, run, sink, err));
        veld_arena_release(&arena);
        at += run;
    }
done:
    veld_arena_release(&arena);
    return status;
}
