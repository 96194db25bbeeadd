/* I1: what was acknowledged stays: on its author's device, and, once it left her outbox, at the
 * office. Only a disk that was put back to an older copy may lack what nobody else had. */
#include "sim.h"

static bool has(sim_party *p, const sim_change *change, bool *known)
{
    bool there = false;
    *known = p->is_up && veld_store_has_change(p->store, &change->id, &there, NULL) == VELD_OK;
    return there || (*known && sim_has_folded(p, change->case_index, &change->id));
}

/* Blind work is no change of a case until the office took it in; then it need not be here. */
static bool has_own(sim_party *p, const sim_change *change, bool *known)
{
    if (has(p, change, known) || !change->is_blind)
        return has(p, change, known);
    bool waits = sim_blind_waits(p, &change->id, known), office_known = false;
    sim_party *office = &p->world->parties[SIM_MERGER];
    bool is_there = !waits && has(office, change, &office_known);
    *known = *known && (waits || office_known);
    return waits || is_there;
}

/* A restored disk gets its own changes back from the relay; until then it lacks them. */
void sim_check_kept(sim_party *p)
{
    bool known;
    sim_world *w = p->world;
    for (size_t i = 0; i < w->changes_count && !w->has_failed; i++) {
        const sim_change *change = &w->changes[i];
        bool must = change->party == p->index && !change->is_excused &&
                    !w->cases[change->case_index].was_withdrawn[p->index] &&
                    (!p->was_restored || p->backed_up[i] || !change->is_received);
        if (must && !has_own(p, change, &known) && known)
            sim_fail(w, SIM_I1, "party %u lost its own change %zu", p->index, i);
    }
}

static bool is_unsent(sim_party *p, const sim_change *change, bool *known)
{
    if (change->is_blind)
        return sim_blind_waits(p, &change->id, known) ||
               sim_is_set_aside(p->world, &change->id); /* then it may be destroyed here */
    veld_store_cursor *cursor = NULL;
    bool more = true, found = false;
    veld_status status = veld_store_outbox(p->store, &cursor, NULL);
    while (status == VELD_OK && more && !found) {
        veld_store_unsent row;
        status = veld_store_outbox_next(cursor, &more, &row, NULL);
        found = status == VELD_OK && more && veld_hash_equal(&row.id, &change->id);
    }
    veld_store_cursor_close(cursor);
    *known = status == VELD_OK;
    return found;
}

void sim_check_taken_in(sim_party *p)
{
    bool known, office_known;
    sim_world *w = p->world;
    sim_party *office = &w->parties[SIM_MERGER];
    for (size_t i = 0; i < w->changes_count && !w->has_failed && p != office && p->is_up; i++) {
        const sim_change *change = &w->changes[i];
        /* from the relay, which has it: after an old copy, or when the case was given anew */
        bool came_back =
            (p->was_restored || w->cases[change->case_index].was_withdrawn[p->index]) &&
            change->is_received;
        if (change->party != p->index || change->is_excused || came_back ||
            is_unsent(p, change, &known) || !known)
            continue;
        if ((change->is_blind || has(p, change, &known)) && !has(office, change, &office_known) &&
            office_known)
            sim_fail(w, SIM_I1, "change %zu left the outbox of party %u, and the office lacks it",
                i, p->index);
    }
}

static bool may_read(const sim_world *w, const sim_party *p, unsigned case_index)
{
    const sim_case *c = &w->cases[case_index];
    return p->exists &&
           (p->index == SIM_MERGER || ((c->founder == p->index || c->is_shared[p->index]) &&
                                          !c->is_withdrawn[p->index] && !c->is_unsure[p->index]));
}

void sim_check_all_kept(sim_world *w)
{
    bool known;
    for (size_t i = 0; i < w->changes_count && !w->has_failed; i++) {
        const sim_change *change = &w->changes[i];
        if (change->is_excused || change->is_forged)
            continue;
        for (unsigned k = 0; k < SIM_PARTIES; k++) {
            sim_party *p = &w->parties[k];
            if (k != change->party && (p->is_revoked || sim_is_set_aside(w, &change->id)))
                continue; /* told nothing any more; kept for review */
            if (may_read(w, p, change->case_index) && !has(p, change, &known))
                sim_fail(w, k == SIM_MERGER || k == change->party ? SIM_I1 : SIM_LIVE,
                    "party %u lacks change %zu of party %u in case %u at the end", k, i,
                    change->party, change->case_index);
        }
    }
    for (unsigned k = 0; k < SIM_PARTIES && !w->has_failed; k++) {
        uint64_t unsent = 0;
        sim_party *p = &w->parties[k];
        if (!p->exists || p->is_forging || p->is_revoked)
            continue;
        if (veld_store_count_unsent(p->store, NULL, &unsent, NULL) != VELD_OK)
            unsent = UINT64_MAX;
        unsent += sim_blind_count(p);
        if (unsent > 0)
            sim_fail(w, SIM_LIVE, "party %u still has %u unsent", k, (unsigned)unsent);
    }
}
