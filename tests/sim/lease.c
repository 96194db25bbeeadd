/* What a lease lets a worker see, as her program asks for it; and work that is saved blind when it
 * lets her see nothing. From outside it is known what the server last told her tablet and how long
 * ago that was, whatever the tablet's own clock says. */

#include "veldkit/lease.h"
#include "sim.h"
#include "veldkit/blind.h"

enum { KEPT_STEP_MS = 60 * 1000 }; /* a time that was known is kept when it grew by this */

void sim_lease_told(sim_party *p)
{
    if (p->anchor.server_utc_ms == p->told_utc_ms && veld_id_equal(&p->told_boot, &p->boot))
        return;
    p->told_utc_ms = p->anchor.server_utc_ms;
    p->told_at_ms = p->world->now_ms;
    p->told_boot = p->boot;
}

/* I9: in the boot in which the server's time was told a lease ends when that time says so, neither
 * earlier nor later; after a restart it does not begin again. */
static void check_state(
    sim_party *p, unsigned case_index, const veld_lease *lease, veld_lease_state state)
{
    sim_world *w = p->world;
    bool reads = state == VELD_LEASE_VALID;
    int64_t known = p->told_utc_ms + (w->now_ms - p->told_at_ms);
    bool is_known = p->told_utc_ms > 0 && veld_id_equal(&p->told_boot, &p->boot);
    if (lease->end_utc_ms == 0 || p->was_restored)
        return;
    if (is_known && reads != (known < lease->end_utc_ms))
        sim_fail(w, SIM_I9, "party %u case %u: a lease that ends in %lld ms is %s", p->index,
            case_index, (long long)(lease->end_utc_ms - known), reads ? "valid" : "over");
    if (!is_known && reads && p->over_serial[case_index] == lease->serial)
        sim_fail(w, SIM_I9, "party %u case %u: a lease that was over is valid after a restart",
            p->index, case_index);
    if (is_known && known > lease->end_utc_ms + KEPT_STEP_MS)
        p->over_serial[case_index] = lease->serial;
}

bool sim_lease_reads(sim_party *p, unsigned case_index)
{
    bool sure;
    int64_t utc_ms;
    veld_lease lease;
    const veld_now now = veld_env_now(&p->slot->env);
    if (p->index == SIM_MERGER ||
        veld_lease_get(p->store, &p->world->cases[case_index].id, &lease, NULL) != VELD_OK ||
        lease.purpose == 0)
        return true;
    if (veld_lease_time(p->store, &p->anchor, &now, &utc_ms, &sure, NULL) != VELD_OK)
        return false;
    veld_lease_state state = veld_lease_state_at(&lease, utc_ms, sure);
    check_state(p, case_index, &lease, state);
    return state == VELD_LEASE_VALID;
}

/* ---- blind work ---- */

typedef struct search {
    sim_world *w;
    const veld_hash *id; /* NULL: one that nobody knows of */
    veld_hash found;
    size_t count;
    bool is_found;
} search;

static veld_status look(void *context, const veld_blind *blind, veld_error *err)
{
    search *by = context;
    (void)err;
    by->count++;
    bool is_it = by->id != NULL ? veld_hash_equal(by->id, &blind->change)
                                : sim_change_find(by->w, &blind->change) == NULL;
    if (is_it)
        by->found = blind->change;
    by->is_found = by->is_found || is_it;
    return VELD_OK;
}

bool sim_blind_waits(sim_party *p, const veld_hash *id, bool *known)
{
    search by = {.w = p->world, .id = id};
    *known = p->is_up && veld_blind_each(p->store, &by, look, NULL) == VELD_OK;
    return by.is_found;
}

bool sim_blind_new(sim_party *p, veld_hash *out)
{
    search by = {.w = p->world};
    bool known = p->is_up && veld_blind_each(p->store, &by, look, NULL) == VELD_OK;
    *out = by.found;
    return known && by.is_found;
}

size_t sim_blind_count(sim_party *p)
{
    search by = {.w = p->world};
    sim_must(p->world, veld_blind_each(p->store, &by, look, NULL));
    return by.count;
}
