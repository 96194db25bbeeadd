/* One case on one party: opened once, and shown to each checker that judges a replica alone. */
#include <string.h>

#include "sim.h"
#include "veldkit/assert.h"

const char *const sim_invariant_names[] = {
    [SIM_I1] = "I1 acknowledged changes stay",
    [SIM_I2] = "I2 equal sets, equal states",
    [SIM_I3] = "I3 order does not matter",
    [SIM_I4] = "I4 signed by who may",
    [SIM_I5] = "I5 nothing readable",
    [SIM_I6] = "I6 nonces are unique",
    [SIM_I7] = "I7 no value vanishes",
    [SIM_I9] = "I9 no key of what is another's",
    [SIM_I10] = "I10 the access log is whole",
    [SIM_I11] = "I11 a broken log is told",
    [SIM_I12] = "I12 same seed, same trace",
    [SIM_LIVE] = "all converge",
};

void sim_check_replica(sim_party *p, unsigned case_index)
{
    sim_world *w = p->world;
    sim_view view = {.party = p, .case_index = case_index};
    veld_error err = {0};
    if (!p->is_up || w->has_failed)
        return;
    veld_status status = veld_case_open(&p->desk, &w->cases[case_index].id, &view.opened, &err);
    if (status != VELD_OK) {
        if (status != VELD_E_NOT_FOUND && status != VELD_E_IO && status != VELD_E_FULL)
            sim_fail(w, SIM_I1, "party %u case %u: %s", p->index, case_index, err.text);
        sim_party_after(p, status);
        return;
    }
    view.nodes = veld_graph_order(veld_case_graph(view.opened), &view.count);
    VELD_ASSERT(view.nodes != NULL || view.count == 0);
    sim_check_keys(&view);
    sim_check_authors(w, &view);
    sim_check_values(w, &view);
    sim_check_decisions(&view);
    sim_check_state(w, &view);
    veld_case_close(view.opened);
}

void sim_check_touched(sim_party *p)
{
    for (unsigned i = 0; i < SIM_CASES_MAX; i++) {
        if (p->touched[i])
            sim_check_replica(p, i);
        p->touched[i] = false;
    }
}

/* I2: the set of changes is summed up as the sum of their ids, which no one here can choose. */
void sim_check_state(sim_world *w, sim_view *view)
{
    sim_seen_state now = {.case_index = view->case_index};
    for (size_t i = 0; i < view->count; i++) {
        for (size_t k = 0; k < sizeof now.set.bytes; k++)
            now.set.bytes[k] ^= view->nodes[i]->id.bytes[k];
    }
    if (veld_case_state_id(view->opened, &now.state, NULL) != VELD_OK)
        return;
    sim_trace(w, now.state.bytes, sizeof now.state.bytes);
    now.shown = sim_shown(view);
    for (size_t i = 0; i < w->seen_count; i++) {
        const sim_seen_state *s = &w->seen[i];
        if (s->case_index != now.case_index || !veld_hash_equal(&s->set, &now.set))
            continue;
        if (!veld_hash_equal(&s->state, &now.state))
            sim_fail(w, SIM_I2, "party %u case %u: another state for the same %zu changes",
                view->party->index, view->case_index, view->count);
        if (s->shown != now.shown)
            sim_fail(w, SIM_I2, "party %u case %u: shows something else of the same %zu changes",
                view->party->index, view->case_index, view->count);
        return;
    }
    if (w->seen_count < sizeof w->seen / sizeof w->seen[0])
        w->seen[w->seen_count++] = now;
}
