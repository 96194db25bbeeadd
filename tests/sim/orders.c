/* What the administrator does with keys and devices: a new key for a case, and a case taken from
 * who had it. What is known of it from outside is noted; a call that died may have done it or not,
 * and then nothing is concluded from it. */
#include "sim.h"
#include "veldkit/assignment.h"

void sim_work_rotate(sim_world *w, uint64_t draw)
{
    sim_party *office = &w->parties[SIM_MERGER];
    veld_assignment *all = NULL;
    veld_id keep[SIM_PARTIES];
    size_t count = 0, kept = 0;
    unsigned index = 0;
    veld_case *opened = office->is_up ? sim_work_open(office, &draw, &index) : NULL;
    if (opened == NULL)
        return;
    veld_case_close(opened);
    const veld_id *case_id = &w->cases[index].id;
    veld_status status = veld_assignments_of_case(office->store, case_id, &all, &count, NULL);
    for (size_t i = 0; status == VELD_OK && i < count && kept < SIM_PARTIES; i++)
        keep[kept++] = all[i].device;
    if (status == VELD_OK)
        status = veld_sync_post_epoch(office->sync, case_id, keep, kept, NULL, NULL);
    veld_release(all);
    sim_party_after(office, status);
}

/* Mostly from who has work in it that the office lacks: that is what an order may not cost. */
static veld_case *pick(sim_world *w, uint64_t *draw, unsigned *from, unsigned *index)
{
    sim_party *office = &w->parties[SIM_MERGER];
    size_t first = w->changes_count > 0 ? sim_next(draw) % w->changes_count : 0;
    veld_case *opened = NULL;
    *from = 1 + (unsigned)(sim_next(draw) % w->plan.tablets);
    for (size_t i = 0; i < w->changes_count && opened == NULL; i++) {
        const sim_change *change = &w->changes[(first + i) % w->changes_count];
        bool there = true;
        if (change->party == SIM_MERGER || change->party > w->plan.tablets ||
            veld_store_has_change(office->store, &change->id, &there, NULL) != VELD_OK || there)
            continue;
        *from = change->party;
        *index = change->case_index;
        (void)!veld_case_open(&office->desk, &w->cases[*index].id, &opened, NULL);
    }
    return opened != NULL ? opened : sim_work_open(office, draw, index);
}

void sim_work_withdraw(sim_world *w, uint64_t draw)
{
    sim_party *office = &w->parties[SIM_MERGER];
    unsigned from = 0, index = 0;
    veld_case *opened = office->is_up ? pick(w, &draw, &from, &index) : NULL;
    if (opened == NULL)
        return;
    sim_case *c = &w->cases[index];
    uint32_t epoch = veld_store_case_epoch(veld_case_keys(opened));
    veld_case_close(opened);
    if (!c->is_shared[from] && c->founder != from)
        return;
    veld_status status = veld_sync_unassign(
        office->sync, &c->id, &w->parties[from].slot->device, VELD_ORDER_REASSIGNED, true, NULL);
    c->was_withdrawn[from] = true;
    if (status == VELD_OK) {
        c->is_shared[from] = false;
        c->is_withdrawn[from] = true;
        c->epoch_then[from] = epoch;
    } else {
        c->is_unsure[from] = true;
    }
    sim_party_after(office, status);
}

/* I9 and I4: who has which keys. */
void sim_check_keys(sim_view *view)
{
    sim_world *w = view->party->world;
    const sim_case *c = &w->cases[view->case_index];
    sim_party *office = &w->parties[SIM_MERGER];
    unsigned p = view->party->index;
    uint32_t epoch = veld_store_case_epoch(veld_case_keys(view->opened));
    veld_store_case *keys = NULL;
    if (c->is_withdrawn[p] && !c->is_unsure[p] && epoch > c->epoch_then[p])
        sim_fail(w, SIM_I9, "party %u case %u: a key of epoch %u came after the case was taken", p,
            view->case_index, (unsigned)epoch);
    if (p == SIM_MERGER || !office->is_up ||
        veld_store_case_open(office->store, &c->id, &keys, NULL) != VELD_OK)
        return;
    if (epoch > veld_store_case_epoch(keys))
        sim_fail(w, SIM_I4, "party %u case %u: a key of epoch %u, which the office did not make", p,
            view->case_index, (unsigned)epoch);
    veld_store_case_close(keys);
}

void sim_check_withdrawn(sim_world *w)
{
    for (unsigned i = 1; i <= w->plan.tablets; i++) {
        for (unsigned k = 0; k < w->cases_count && !w->has_failed; k++) {
            veld_store_case *keys = NULL;
            const sim_case *c = &w->cases[k];
            /* what is forged the office never takes in: its author waits for ever */
            if (!c->is_withdrawn[i] || c->is_unsure[i] || !w->parties[i].is_up ||
                w->parties[i].is_forging)
                continue;
            if (veld_store_case_open(w->parties[i].store, &c->id, &keys, NULL) != VELD_E_NOT_FOUND)
                sim_fail(w, SIM_I9, "party %u still has case %u, which was taken from it", i, k);
            veld_store_case_close(keys);
        }
    }
}
