/* The relay: the real one over the real journal, on a disk that may fail. */
#include <stdio.h>

#include "sim.h"
#include "veldkit/assert.h"

static const char *path_of(const sim_relay *r)
{
    static char text[300];
    snprintf(text, sizeof text, "%s/journal.db", r->slot->home);
    return text;
}

sim_relay *sim_relay_of(sim_world *w, unsigned party)
{
    return w->fork.is_up && w->fork.is_for[party] ? &w->fork : &w->relay;
}

static void drop_parked(sim_relay *r)
{
    for (size_t i = 0; i < SIM_PARKED_MAX; i++) {
        veld_relay_turn_free(r->parked[i].turn);
        r->parked[i].turn = NULL;
    }
}

void sim_relay_stop(sim_relay *r)
{
    drop_parked(r);
    veld_relay_free(r->relay);
    srv_journal_close(r->journal);
    r->relay = NULL;
    r->journal = NULL;
    r->is_up = false;
}

void sim_relay_start(sim_world *w, sim_relay *r)
{
    veld_error err = {0};
    power_disk_kill(r->slot->disk);
    if (srv_journal_open(path_of(r), &r->journal, &err) != VELD_OK) {
        sim_fail(w, SIM_I1, "the relay's journal does not open: %s", err.text);
        return;
    }
    const veld_relay_config config = {
        .env = &r->slot->env,
        .program = "sim 1",
        .journal = srv_journal_get(r->journal),
        .signer = w->plan.real_signatures ? veld_signer_p256(sim_relay_key(&r->agency.relay_key))
                                          : sim_standin_signer(&r->agency.relay_key),
        .verifier = w->verifier,
        .merger_key = r->agency.merger_key,
        .agency = &r->agency,
        .statement = veld_buf_span(&r->statement),
    };
    sim_must(w, veld_relay_new(&config, &r->relay, NULL));
    r->generation = veld_relay_generation(r->relay);
    r->is_up = true;
    power_disk_lie(r->slot->disk, sim_planted == PLANT_DROPPED_FSYNC);
}

void sim_relay_anew(sim_world *w)
{
    sim_relay *r = &w->relay;
    power_disk_image(r->slot->fresh, 0, r->slot->disk); /* the relay's fresh disk is empty */
    sim_must(w, srv_journal_create(&r->slot->env, path_of(r), NULL));
    sim_relay_start(w, r);
}

void sim_relay_open(sim_world *w)
{
    w->relay = (sim_relay){.slot = sim_slot_get(SIM_RELAY)};
    w->relay.slot->random = w->plan.seed * 1000003 + SIM_RELAY;
    w->fork = (sim_relay){.slot = sim_slot_get(SIM_FORK)};
    w->fork.slot->random = w->plan.seed * 1000003 + SIM_FORK;
    sim_relay_keys(w, &w->relay, veld_buf_span(&w->statement));
    sim_relay_anew(w);
}

void sim_relay_die(sim_world *w, sim_relay *r, bool power, uint64_t draw)
{
    power_disk_kill(r->slot->disk);
    sim_relay_stop(r);
    if (power)
        power_disk_crash(r->slot->disk, draw);
    r->start_ms = w->now_ms + 500 + (int64_t)(draw % 8000);
    sim_trace_number(w, 0xDEADFF);
}

static void after(sim_world *w, sim_relay *r, veld_status status)
{
    sim_trace_number(w, (uint64_t)status);
    if (power_disk_is_dead(r->slot->disk))
        sim_relay_die(w, r, true, sim_next(&w->random));
}

static veld_relay_peer peer_of(sim_relay *r, sim_party *p)
{
    bool is_revoked = sim_relay_knows_revoked(r, p);
    return (veld_relay_peer){
        .device = p->slot->device,
        .is_merger = p->index == SIM_MERGER,
        .may_fetch = (p->index != 1 || sim_planted != PLANT_WITHHELD) && !is_revoked,
        .is_revoked = is_revoked,
        .quota_bytes = 1u << 30,
    };
}

/* Answer a turn, or keep it; gives the turn back unless it is kept. */
static veld_status answer(sim_world *w, sim_relay *r, sim_parked *turn)
{
    bool parked = false;
    veld_buf out;
    veld_buf_init(&out, VELD_EXCHANGE_BYTES_MAX);
    veld_status status = veld_relay_answer(r->relay, turn->turn, &out, &parked, NULL);
    if (status == VELD_OK && !parked)
        sim_line_answer(w, turn->party, turn->exchange, veld_buf_span(&out));
    veld_buf_release(&out);
    if (status == VELD_OK && parked)
        return VELD_E_BUSY;
    veld_relay_turn_free(turn->turn);
    turn->turn = NULL;
    return status;
}

static void wake(sim_world *w, sim_relay *r)
{
    if (!r->is_up)
        return;
    bool is_news = veld_relay_generation(r->relay) != r->generation;
    r->generation = veld_relay_generation(r->relay);
    for (size_t i = 0; i < SIM_PARKED_MAX && r->is_up; i++) {
        sim_parked *turn = &r->parked[i];
        if (turn->turn == NULL ||
            (!is_news && veld_relay_turn_deadline_ms(turn->turn) > r->slot->now.monotonic_ms))
            continue;
        veld_status status = answer(w, r, turn);
        if (status != VELD_E_BUSY)
            after(w, r, status);
    }
}

void sim_relay_wake(sim_world *w)
{
    wake(w, &w->relay);
    wake(w, &w->fork);
}

void sim_relay_take(sim_world *w, unsigned party, uint64_t exchange, veld_span request)
{
    sim_relay *r = sim_relay_of(w, party);
    sim_parked made = {.party = party, .exchange = exchange};
    if (!r->is_up)
        return;
    const veld_relay_peer peer = peer_of(r, &w->parties[party]);
    veld_status status = veld_relay_take(r->relay, &peer, request, &made.turn, NULL);
    if (status == VELD_OK)
        status = answer(w, r, &made);
    for (size_t i = 0; i < SIM_PARKED_MAX && made.turn != NULL; i++) {
        if (r->parked[i].turn != NULL)
            continue;
        r->parked[i] = made;
        made.turn = NULL;
    }
    veld_relay_turn_free(made.turn);
    after(w, r, status);
    wake(w, r);
}

veld_status sim_relay_serve(sim_party *p, veld_span request, veld_buf *out, veld_error *err)
{
    bool parked = false;
    veld_relay_turn *turn = NULL;
    sim_world *w = p->world;
    const veld_relay_peer peer = peer_of(&w->relay, p);
    veld_status status;
    VELD_TRY(veld_relay_take(w->relay.relay, &peer, request, &turn, err));
    VELD_TRY(veld_relay_answer(w->relay.relay, turn, out, &parked, err));
    VELD_ASSERT(!parked); /* who does not wait is answered at once */
done:
    veld_relay_turn_free(turn);
    return status;
}
