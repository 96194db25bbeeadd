/* I4: nothing is visible that was not signed by a key of the directory. What the simulator knows of
 * no author, or of one who signed wrongly, may be on no replica but the forger's own. */
#include <stdio.h>

#include "sim.h"

void sim_check_authors(sim_world *w, sim_view *view)
{
    for (size_t i = 0; i < view->count && !w->has_failed; i++) {
        const veld_node *node = view->nodes[i];
        const sim_change *change = sim_change_find(w, &node->id);
        if (change == NULL)
            sim_fail(w, SIM_I4, "party %u case %u holds a change that nobody saved",
                view->party->index, view->case_index);
        else if (change->is_forged && view->party->index != change->party)
            sim_fail(w, SIM_I4, "party %u case %u holds a forged change of party %u",
                view->party->index, view->case_index, change->party);
        else if (!veld_id_equal(&node->chain.device, &w->parties[change->party].slot->device))
            sim_fail(w, SIM_I4, "party %u case %u: a change with another author",
                view->party->index, view->case_index);
    }
}

static bool is_founded(const sim_world *w, const veld_id *case_id)
{
    for (size_t i = 0; i < w->cases_count; i++) {
        if (veld_id_equal(&w->cases[i].id, case_id))
            return true;
    }
    return false;
}

void sim_check_no_other_cases(sim_world *w)
{
    for (unsigned i = 0; i < SIM_PARTIES && !w->has_failed; i++) {
        bool more = w->parties[i].is_up;
        veld_store_cursor *cursor = NULL;
        if (more)
            sim_must(w, veld_store_cases(w->parties[i].store, &cursor, NULL));
        while (more && !w->has_failed) {
            veld_store_summary row;
            sim_must(w, veld_store_cases_next(cursor, &more, &row, NULL));
            if (more && !is_founded(w, &row.case_id))
                sim_fail(w, SIM_I4, "party %u has a case that nobody founded", i);
        }
        veld_store_cursor_close(cursor);
    }
}

typedef struct finding {
    char text[200];
} finding;

static void keep(void *context, const char *text)
{
    finding *first = context;
    if (first->text[0] == '\0')
        snprintf(first->text, sizeof first->text, "%s", text);
}

void sim_check_proofs(sim_world *w)
{
    for (unsigned i = 0; i < SIM_PARTIES; i++) {
        sim_party *p = &w->parties[i];
        for (unsigned k = 0; k < w->cases_count && !w->has_failed; k++) {
            veld_case *opened = NULL;
            veld_proof proof = {0};
            finding first = {{0}};
            if (!p->exists || p->is_forging || !p->is_up ||
                veld_case_open(&p->desk, &w->cases[k].id, &opened, NULL) != VELD_OK)
                continue;
            sim_must(w, veld_case_verify(opened, &proof, keep, &first, NULL));
            if (proof.findings > 0 || proof.signatures != proof.changes)
                sim_fail(w, SIM_I4, "party %u case %u: %s", i, k, first.text);
            veld_case_close(opened);
        }
    }
}
