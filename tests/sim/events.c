/* What the plan's events do to the world. */
#include <string.h>

#include "sim.h"

static void power_loss(sim_world *w, unsigned party, uint64_t draw)
{
    uint64_t nth = 1 + draw % 30;
    if (party == SIM_RELAY)
        power_disk_fail(w->relay.slot->disk, nth, POWER_DEATH);
    else
        power_disk_fail(w->parties[party].slot->disk, nth, POWER_DEATH);
}

static void kill_now(sim_world *w, unsigned party, uint64_t draw)
{
    if (party == SIM_RELAY && w->relay.is_up)
        sim_relay_die(w, &w->relay, (draw & 1) != 0, draw);
    else if (party != SIM_RELAY && w->parties[party].is_up)
        sim_party_die(&w->parties[party], (draw & 1) != 0, draw);
}

static void back_up(sim_party *p)
{
    const sim_world *w = p->world;
    veld_status status = VELD_OK;
    if (!p->is_up)
        return;
    power_disk_copy(p->slot->disk, p->slot->backup);
    p->backup_continuity = sim_continuity_get(p->slot);
    for (size_t i = 0; i < w->changes_count && status == VELD_OK; i++)
        status = veld_store_has_change(p->store, &w->changes[i].id, &p->backed_up[i], NULL);
    p->has_backup = status == VELD_OK;
    sim_party_after(p, status);
}

/* An old copy of the file, with or without its folder. What was only on this disk is gone. */
static void restore(sim_party *p, uint64_t draw)
{
    sim_world *w = p->world;
    if (!p->is_up || !p->has_backup)
        return;
    sim_party_die(p, false, draw);
    p->was_restored = true;
    power_disk_copy(p->slot->backup, p->slot->disk);
    if (draw & 32)
        sim_continuity_put(p->slot, &p->backup_continuity);
    for (size_t i = 0; i < w->changes_count; i++) {
        sim_change *change = &w->changes[i];
        if (change->party == p->index && !p->backed_up[i] && !change->is_received)
            change->is_excused = true;
    }
}

static void clone(sim_world *w)
{
    sim_party *from = &w->parties[1];
    if (w->parties[SIM_CLONE].exists || !from->is_up || from->pending_count > 0)
        return;
    sim_party_open(w, SIM_CLONE, from->slot);
    for (size_t i = 0; i < w->cases_count; i++)
        w->cases[i].is_shared[SIM_CLONE] = w->cases[i].is_shared[1] || w->cases[i].founder == 1;
}

static void relay_copy(sim_world *w, const sim_event *event)
{
    sim_relay *r = &w->relay;
    if (event->kind == SIM_RELAY_BACK_UP && r->is_up) {
        power_disk_copy(r->slot->disk, r->slot->backup);
        r->has_backup = true;
    } else if (event->kind == SIM_RELAY_RESTORE && r->is_up && r->has_backup) {
        sim_relay_die(w, r, false, event->draw);
        power_disk_copy(r->slot->backup, r->slot->disk);
    }
}

static void to_party(sim_party *p, const sim_event *event)
{
    sim_world *w = p->world;
    switch (event->kind) {
    case SIM_SYNC:
        if (p->is_up)
            veld_sync_wake(p->sync);
        break;
    case SIM_DISK_ERROR:
        power_disk_fail(
            p->slot->disk, 1 + event->draw % 30, event->draw & 1 ? POWER_ERROR : POWER_FULL);
        break;
    case SIM_BACK_UP:
        back_up(p);
        break;
    case SIM_RESTORE:
        restore(p, event->draw);
        break;
    case SIM_CLOCK_JUMP:
        p->ahead_ms = (int64_t)(event->draw % (800LL * 86400 * 1000)) - 400LL * 86400 * 1000;
        break;
    case SIM_PARTITION:
        p->parted_ms = w->now_ms + (int64_t)(event->draw % 90000);
        break;
    case SIM_CLOG:
        p->clogged_ms = w->now_ms + (int64_t)(event->draw % 60000);
        break;
    case SIM_NO_MEMORY:
        p->no_memory_at = 1 + event->draw % (event->draw & 2 ? 40 : 2000);
        p->no_memory_stays = (event->draw & 1) != 0;
        break;
    case SIM_FORGE:
        p->is_forging = true; /* what she saves from now on; all else she does is in order */
        break;
    default:
        break;
    }
}

void sim_event_run(sim_world *w, const sim_event *event)
{
    sim_trace_number(w, (uint64_t)event->kind << 32 | event->party);
    sim_party *p = event->party < SIM_PARTIES ? &w->parties[event->party] : NULL;
    if (p != NULL && !p->exists)
        p = &w->parties[1];
    switch (event->kind) {
    case SIM_FOUND:
        sim_work_found(p, event->draw);
        break;
    case SIM_EDIT:
        sim_work_edit(p, event->draw);
        break;
    case SIM_ASSIGN:
        sim_work_assign(w, event->draw);
        break;
    case SIM_KILL:
        kill_now(w, event->party, event->draw);
        break;
    case SIM_POWER_LOSS:
        power_loss(w, event->party, event->draw);
        break;
    case SIM_CLONING:
        clone(w);
        break;
    case SIM_RELAY_BACK_UP:
    case SIM_RELAY_RESTORE:
        relay_copy(w, event);
        break;
    case SIM_ROTATE:
        sim_work_rotate(w, event->draw);
        break;
    case SIM_WITHDRAW:
        sim_work_withdraw(w, event->draw);
        break;
    case SIM_REVOKE:
        sim_work_revoke(w, event->draw);
        break;
    case SIM_JUDGE:
        sim_work_judge(w, event->draw);
        break;
    case SIM_FOLD:
        sim_work_fold(p, event->draw);
        break;
    case SIM_KEY_CHANGE:
        sim_work_change_key(w, event->draw);
        break;
    case SIM_LOOK:
    case SIM_DECIDE:
    case SIM_CONFIRM:
    case SIM_REVERSE:
        sim_work_decide(w, event->kind, event->draw);
        break;
    case SIM_EVIL:
        sim_evil_event(w, p->index, event->draw);
        break;
    default:
        to_party(p, event);
    }
}
