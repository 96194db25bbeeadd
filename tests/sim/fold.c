/* A tablet forgets how a case became what it is. */
#include "sim.h"
#include "veldkit/compact.h"

enum { KEEP_MS = 40000 };

void sim_work_fold(sim_party *p, uint64_t draw)
{
    size_t folded = 0;
    unsigned index = 0;
    veld_case *opened = p->is_up ? sim_work_open(p, &draw, &index) : NULL;
    if (opened == NULL)
        return;
    veld_case_close(opened);
    sim_memory_begin(p);
    veld_status status = veld_compact_case(
        &p->desk, &p->world->cases[index].id, (int64_t)(draw % KEEP_MS), 1, &folded, NULL);
    (void)sim_memory_end();
    if (status == VELD_OK) {
        sim_trace_number(p->world, folded);
        sim_check_replica(p, index);
    }
    sim_party_after(p, status);
}

bool sim_has_folded(sim_party *p, unsigned case_index, const veld_hash *change)
{
    veld_case *opened = NULL;
    if (!p->world->plan.has_folds ||
        veld_case_open(&p->desk, &p->world->cases[case_index].id, &opened, NULL) != VELD_OK)
        return false;
    bool there = veld_graph_has(veld_case_graph(opened), change);
    veld_case_close(opened);
    return there;
}
