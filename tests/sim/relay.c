/* The relay: the real one over the real journal, on a disk that may fail. */
#include <stdio.h>

#include "sim.h"
#include "veldkit/assert.h"

static const char *path(void)
{
    static char text[300];
    snprintf(text, sizeof text, "%s/journal.db", sim_slot_get(SIM_RELAY)->home);
    return text;
}

static void drop_parked(sim_world *w)
{
    for (size_t i = 0; i < SIM_PARKED_MAX; i++) {
        veld_relay_turn_free(w->relay.parked[i].turn);
        w->relay.parked[i].turn = NULL;
    }
}

void sim_relay_stop(sim_world *w)
{
    drop_parked(w);
    veld_relay_free(w->relay.relay);
    srv_journal_close(w->relay.journal);
    w->relay.relay = NULL;
    w->relay.journal = NULL;
    w->relay.is_up = false;
}

void sim_relay_start(sim_world *w)
{
    veld_error err = {0};
    sim_relay *r = &w->relay;
    power_disk_kill(r->slot->disk);
    if (srv_journal_open(path(), &r->journal, &err) != VELD_OK) {
        sim_fail(w, SIM_I1, "the relay's journal does not open: %s", err.text);
        return;
    }
    const veld_relay_config config = {
        .env = &r->slot->env,
        .program = "sim 1",
        .journal = srv_journal_get(r->journal),
        .signer = w->plan.real_signatures ? veld_signer_p256(sim_relay_key())
                                          : sim_standin_signer(&w->agency.relay_key),
        .verifier = w->verifier,
        .merger_key = w->agency.merger_key,
    };
    sim_must(w, veld_relay_new(&config, &r->relay, NULL));
    r->generation = veld_relay_generation(r->relay);
    r->is_up = true;
    power_disk_lie(r->slot->disk, sim_planted == PLANT_DROPPED_FSYNC);
}

void sim_relay_open(sim_world *w)
{
    sim_slot *slot = sim_slot_get(SIM_RELAY);
    w->relay = (sim_relay){.slot = slot};
    slot->random = w->plan.seed * 1000003 + SIM_RELAY;
    power_disk_image(slot->fresh, 0, slot->disk); /* the relay's fresh disk is empty */
    sim_must(w, srv_journal_create(&slot->env, path(), NULL));
    sim_relay_start(w);
}

void sim_relay_die(sim_world *w, bool power, uint64_t draw)
{
    power_disk_kill(w->relay.slot->disk);
    sim_relay_stop(w);
    if (power)
        power_disk_crash(w->relay.slot->disk, draw);
    w->relay.start_ms = w->now_ms + 500 + (int64_t)(draw % 8000);
    sim_trace_number(w, 0xDEADFF);
}

static void after(sim_world *w, veld_status status)
{
    sim_trace_number(w, (uint64_t)status);
    if (power_disk_is_dead(w->relay.slot->disk))
        sim_relay_die(w, true, sim_next(&w->random));
}

static veld_relay_peer peer_of(const sim_party *p)
{
    return (veld_relay_peer){
        .device = p->slot->device,
        .is_merger = p->index == SIM_MERGER,
        .may_fetch = p->index != 1 || sim_planted != PLANT_WITHHELD,
        .quota_bytes = 1u << 30,
    };
}

/* Answer a turn, or keep it; gives the turn back unless it is kept. */
static veld_status answer(sim_world *w, sim_parked *turn)
{
    bool parked = false;
    veld_buf out;
    veld_buf_init(&out, VELD_EXCHANGE_BYTES_MAX);
    veld_status status = veld_relay_answer(w->relay.relay, turn->turn, &out, &parked, NULL);
    if (status == VELD_OK && !parked)
        sim_line_answer(w, turn->party, turn->exchange, veld_buf_span(&out));
    veld_buf_release(&out);
    if (status == VELD_OK && parked)
        return VELD_E_BUSY;
    veld_relay_turn_free(turn->turn);
    turn->turn = NULL;
    return status;
}

void sim_relay_take(sim_world *w, unsigned party, uint64_t exchange, veld_span request)
{
    sim_parked made = {.party = party, .exchange = exchange};
    const veld_relay_peer peer = peer_of(&w->parties[party]);
    if (!w->relay.is_up)
        return;
    veld_status status = veld_relay_take(w->relay.relay, &peer, request, &made.turn, NULL);
    if (status == VELD_OK)
        status = answer(w, &made);
    for (size_t i = 0; i < SIM_PARKED_MAX && made.turn != NULL; i++) {
        if (w->relay.parked[i].turn != NULL)
            continue;
        w->relay.parked[i] = made;
        made.turn = NULL;
    }
    veld_relay_turn_free(made.turn);
    after(w, status);
    sim_relay_wake(w);
}

void sim_relay_wake(sim_world *w)
{
    sim_relay *r = &w->relay;
    if (!r->is_up)
        return;
    bool is_news = veld_relay_generation(r->relay) != r->generation;
    r->generation = veld_relay_generation(r->relay);
    for (size_t i = 0; i < SIM_PARKED_MAX && r->is_up; i++) {
        sim_parked *turn = &r->parked[i];
        if (turn->turn == NULL ||
            (!is_news && veld_relay_turn_deadline_ms(turn->turn) > r->slot->now.monotonic_ms))
            continue;
        veld_status status = answer(w, turn);
        if (status != VELD_E_BUSY)
            after(w, status);
    }
}

veld_status sim_relay_serve(sim_party *p, veld_span request, veld_buf *out, veld_error *err)
{
    bool parked = false;
    veld_relay_turn *turn = NULL;
    sim_world *w = p->world;
    const veld_relay_peer peer = peer_of(p);
    veld_status status;
    VELD_TRY(veld_relay_take(w->relay.relay, &peer, request, &turn, err));
    VELD_TRY(veld_relay_answer(w->relay.relay, turn, out, &parked, err));
    VELD_ASSERT(!parked); /* who does not wait is answered at once */
done:
    veld_relay_turn_free(turn);
    return status;
}
