/* I10: the access log at the office is whole: every chain from its first line to the last that its
 * device wrote, unbroken, with a line for each change that somebody saved. */
#include "sim.h"
#include "veldkit/assert.h"

veld_access_log *sim_lines_begin(sim_party *p)
{
    veld_access_log *log = NULL;
    const veld_access_config config = {
        .env = &p->slot->env, .store = p->store, .anchor = &p->anchor};
    if (!p->world->plan.has_lines || p->index == SIM_MERGER ||
        veld_access_log_new(&config, &log, NULL) != VELD_OK)
        return NULL;
    p->desk.watch = veld_access_log_watch(log);
    veld_access_begin(log, &(veld_access_scope){.event = "record set",
                               .user = "medewerker",
                               .kind = VELD_ACCESS_READ,
                               .basis = VELD_ACCESS_BASIS_HELD});
    return log;
}

/* Before the answer is given, as a verb does. */
veld_status sim_lines_end(sim_party *p, veld_access_log *log, veld_status status)
{
    if (log == NULL)
        return status;
    veld_status flushed = veld_access_flush(log, NULL);
    p->desk.watch = (veld_case_watch){0};
    veld_access_log_free(log);
    return status == VELD_OK ? flushed : status;
}

/* ---- at the end ---- */

typedef struct looking {
    sim_world *w;
    veld_id device;
    uint64_t last, faults;
} looking;

static veld_status look_at_chain(void *context, const veld_access_chain *chain, veld_error *err)
{
    looking *by = context;
    (void)err;
    if (veld_id_equal(&chain->device, &by->device) && chain->first == 1) {
        by->last = chain->last;
        by->faults = chain->faults;
    }
    return VELD_OK;
}

static void check_chain(sim_world *w, sim_party *p)
{
    veld_hash hash;
    uint64_t number = 0, writes = 0;
    veld_access_proof proof;
    sim_party *office = &w->parties[SIM_MERGER];
    looking by = {.w = w, .device = p->slot->device};
    sim_must(w, veld_access_tail(p->store, &by.device, &number, &hash, NULL));
    sim_must(w, veld_access_check(office->store,
                    &(veld_access_checker){.context = &by, .chain = look_at_chain}, &proof, NULL));
    if (by.last != number || by.faults > 0)
        sim_fail(w, SIM_I10,
            "of party %u the office has %" PRIu64 " lines of %" PRIu64 ", %" PRIu64 " faults",
            p->index, by.last, number, by.faults);
    for (size_t i = 0; i < w->changes_count; i++)
        writes += w->changes[i].party == p->index;
    if (number < writes)
        sim_fail(w, SIM_I10, "party %u: %" PRIu64 " lines of %" PRIu64 " changes", p->index, number,
            writes);
}

/* An old copy of a disk goes on from where it was, which is told and is no fault here. */
void sim_check_lines(sim_world *w)
{
    for (unsigned i = 1; i <= w->plan.tablets && w->plan.has_lines && !w->has_failed; i++) {
        sim_party *p = &w->parties[i];
        if (p->is_up && w->parties[SIM_MERGER].is_up && !p->was_restored &&
            (i != 1 || !w->parties[SIM_CLONE].exists))
            check_chain(w, p);
    }
}
