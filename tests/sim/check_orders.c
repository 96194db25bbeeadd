/* I3: joining is a function of the set. At the end all changes that the office has of a case are
 * joined anew, shuffled and repeated, and once through a checkpoint in the middle: each time the
 * state must be the one that grew in the run. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "veldkit/assert.h"
#include "veldkit/checkpoint.h"

typedef struct pile {
    veld_arena arena;
    veld_change *changes;
    size_t count;
} pile;

static void render_all(veld_state *state, veld_buf *out)
{
    size_t count;
    const veld_state_record *const *records = veld_state_records(state, &count);
    for (size_t i = 0; i < count; i++)
        VELD_ASSERT(veld_state_render(records[i], out) == VELD_OK);
}

static void load(veld_case *opened, pile *out)
{
    const veld_node *const *nodes = veld_graph_order(veld_case_graph(opened), &out->count);
    veld_arena_init(&out->arena, 64u << 20);
    out->changes = calloc(out->count + 1, sizeof *out->changes);
    VELD_ASSERT(out->changes != NULL);
    for (size_t i = 0; i < out->count; i++)
        VELD_ASSERT(veld_case_change(opened, &nodes[i]->id, &out->arena, &out->changes[i], NULL) ==
                    VELD_OK);
}

static void shuffle(uint64_t *random, pile *p)
{
    for (size_t i = p->count; i-- > 1;) {
        size_t other = sim_next(random) % (i + 1);
        veld_change kept = p->changes[i];
        p->changes[i] = p->changes[other];
        p->changes[other] = kept;
    }
}

static bool is_same(veld_state *state, veld_span expected)
{
    veld_buf text;
    veld_buf_init(&text, 64u << 20);
    render_all(state, &text);
    bool same = veld_span_equal(veld_buf_span(&text), expected);
    veld_buf_release(&text);
    return same;
}

static void apply(veld_state *state, const veld_change *change)
{
    VELD_ASSERT(veld_state_apply(state, change, NULL, NULL) == VELD_OK);
}

static void join_anew(sim_world *w, uint64_t *random, pile *p, veld_span expected, size_t index)
{
    veld_state *state = NULL;
    shuffle(random, p);
    VELD_ASSERT(veld_state_new(&w->relay.slot->env, &state, NULL) == VELD_OK);
    for (size_t i = 0; i < p->count; i++) {
        apply(state, &p->changes[i]);
        apply(state, &p->changes[sim_next(random) % (i + 1)]);
    }
    if (!is_same(state, expected))
        sim_fail(w, SIM_I3, "case %zu: another order, another state", index);
    veld_state_free(state);
}

/* Some changes, a checkpoint of them, then all again on top of it. */
static void join_through_checkpoint(
    sim_world *w, uint64_t *random, pile *p, veld_span expected, size_t index)
{
    const veld_env *env = &w->relay.slot->env;
    veld_state *state = NULL, *read_state = NULL;
    veld_graph *graph = NULL, *read_graph = NULL;
    veld_buf bytes;
    size_t half = p->count / 2 + sim_next(random) % (p->count - p->count / 2 + 1);
    veld_buf_init(&bytes, 64u << 20);
    shuffle(random, p);
    VELD_ASSERT(veld_state_new(env, &state, NULL) == VELD_OK);
    VELD_ASSERT(veld_graph_new(env, &graph, NULL) == VELD_OK);
    for (size_t i = 0; i < half; i++) {
        apply(state, &p->changes[i]);
        VELD_ASSERT(veld_graph_add(graph, &p->changes[i], NULL, NULL) == VELD_OK);
    }
    sim_must(w, veld_checkpoint_write(state, graph, w->schemas, &bytes, NULL));
    sim_must(w, veld_checkpoint_read(env, veld_buf_span(&bytes), &read_state, &read_graph, NULL));
    for (size_t i = 0; i < p->count && !w->has_failed; i++)
        apply(read_state, &p->changes[i]);
    if (!w->has_failed && !is_same(read_state, expected))
        sim_fail(w, SIM_I3, "case %zu: another state through a checkpoint", index);
    veld_state_free(state);
    veld_state_free(read_state);
    veld_graph_free(graph);
    veld_graph_free(read_graph);
    veld_buf_release(&bytes);
}

void sim_check_orders(sim_world *w)
{
    uint64_t random = w->plan.seed;
    sim_party *office = &w->parties[SIM_MERGER];
    for (size_t i = 0; i < w->cases_count && !w->has_failed && office->is_up; i++) {
        pile all = {0};
        veld_buf expected;
        veld_case *opened = NULL;
        if (veld_case_open(&office->desk, &w->cases[i].id, &opened, NULL) != VELD_OK)
            continue;
        veld_buf_init(&expected, 64u << 20);
        render_all(veld_case_state(opened), &expected);
        load(opened, &all);
        for (unsigned k = 0; k < 2; k++)
            join_anew(w, &random, &all, veld_buf_span(&expected), i);
        join_through_checkpoint(w, &random, &all, veld_buf_span(&expected), i);
        veld_buf_release(&expected);
        free(all.changes);
        veld_arena_release(&all.arena);
        veld_case_close(opened);
    }
}
