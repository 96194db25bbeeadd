/* A tablet or the office: a process with a store on a disk that may fail, and how it begins and
 * ends. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

void sim_clock(sim_party *p)
{
    p->slot->now.wall_utc_ms = 1772438400000 + p->world->now_ms + p->ahead_ms;
    p->slot->now.monotonic_ms = 1000 + p->world->now_ms - p->boot_ms;
}

static void on_event(void *context, const veld_sync_event *event)
{
    sim_party *p = context;
    sim_world *w = p->world;
    sim_trace_number(w, (uint64_t)event->kind << 8 | p->index);
    p->reports += event->kind == VELD_SYNC_LOG_BROKEN || event->kind == VELD_SYNC_OTHER_SERVER;
    /* of a relay that was set back heads may come before those between; they come too */
    bool is_broken = event->kind == VELD_SYNC_LOG_BROKEN ||
                     (event->kind == VELD_SYNC_DIRECTORY_BROKEN && event->status != VELD_E_STALE);
    if (is_broken && !w->evil.was_evil)
        sim_fail(w, SIM_LIVE, "party %u: %s", p->index, event->text);
    sim_change *change =
        event->kind == VELD_SYNC_RECEIVED ? sim_change_find(w, &event->change) : NULL;
    if (change != NULL)
        change->is_received = true;
    for (size_t i = 0; i < w->cases_count; i++) {
        if (event->kind != VELD_SYNC_REFUSED && veld_id_equal(&w->cases[i].id, &event->case_id))
            p->touched[i] = true;
    }
}

void sim_party_start(sim_party *p)
{
    sim_world *w = p->world;
    veld_error err = {0};
    sim_clock(p);
    p->slot->continuity = sim_continuity_get(p->slot);
    power_disk_kill(p->slot->disk); /* what was to fail failed already, or never will */
    veld_status status =
        veld_store_open(&p->slot->env, p->slot->home, p->slot->vault, &p->store, &err);
    if (status != VELD_OK) {
        sim_fail(w, SIM_I1, "party %u does not open: %s", p->index, err.text);
        return;
    }
    p->desk.store = p->store;
    sim_keys_load(p);
    p->desk.signer = sim_signer(p, false);
    p->desk.keyring = veld_directory_keyring(p->store);
    p->is_up = true;
    sim_must(w, veld_anchor_load(p->store, &p->boot, &p->anchor, NULL));
    const veld_sync_config config = {
        .desk = &p->desk,
        .program = sim_planted == PLANT_READABLE_LINE ? SIM_CANARY " 1" : "sim 1",
        .role = p->index == SIM_MERGER ? VELD_SYNC_MERGER : VELD_SYNC_DEVICE,
        .agency = &p->agency,
        .anchor = &p->anchor,
        .context = p,
        .event = on_event,
        .checkpoint_min = w->plan.has_folds ? SIM_CHECKPOINT_MIN : 0,
    };
    sim_must(w, veld_sync_new(&config, &p->sync, NULL));
    p->exchange = 0;
    power_disk_lie(p->slot->disk, sim_planted == PLANT_DROPPED_FSYNC);
    sim_work_look_for_pending(p);
    sim_check_kept(p);
    if (p->index == SIM_MERGER && w->is_changing)
        sim_keys_finish(p);
}

void sim_party_stop(sim_party *p)
{
    veld_sync_free(p->sync);
    p->sync = NULL;
    veld_store_close(p->store);
    p->store = NULL;
    p->is_up = false;
    p->exchange = 0;
}

void sim_party_die(sim_party *p, bool power, uint64_t draw)
{
    power_disk_kill(p->slot->disk);
    sim_party_stop(p);
    p->start_ms = p->world->now_ms + 500 + (int64_t)(draw % 15000);
    sim_trace_number(p->world, 0xDEAD00 | p->index);
    if (!power)
        return;
    power_disk_crash(p->slot->disk, draw);
    if (draw & 64) /* the small file's last writes did not reach the disk */
        sim_continuity_put(p->slot, &p->slot->continuity);
    for (size_t i = 0; i < sizeof p->boot.bytes; i++)
        p->boot.bytes[i] = (uint8_t)(draw >> (i % 8 * 8));
    p->boot_ms = p->start_ms;
}

void sim_party_after(sim_party *p, veld_status status)
{
    sim_trace_number(p->world, (uint64_t)status);
    if (!p->is_up)
        return;
    if (power_disk_is_dead(p->slot->disk))
        sim_party_die(p, true, sim_next(&p->world->random));
    else if (status == VELD_E_IO || status == VELD_E_FULL)
        sim_party_die(p, false, sim_next(&p->world->random)); /* ends itself and begins anew */
}

void sim_party_open(sim_world *w, unsigned index, const sim_slot *copy_of)
{
    sim_party *p = &w->parties[index];
    sim_slot *slot = sim_slot_get(index);
    *p = (sim_party){.world = w, .slot = slot, .index = index, .exists = true};
    p->boot.bytes[0] = (uint8_t)(index + 1);
    slot->random = w->plan.seed * 1000003 + index;
    slot->random = sim_next(&slot->random);
    if (copy_of == NULL) {
        power_disk_copy(slot->fresh, slot->disk);
        sim_continuity_put(slot, &slot->fresh_continuity);
    } else {
        power_disk_copy(copy_of->disk, slot->disk);
        slot->random = copy_of->random; /* a snapshot of the whole machine */
        const sim_small copied = sim_continuity_get(copy_of);
        sim_continuity_put(slot, &copied);
    }
    p->desk = (veld_desk){
        .env = &slot->env,
        .schemas = w->schemas,
        .anchor = index == SIM_MERGER ? NULL : &p->anchor,
    };
    sim_party_start(p);
}
