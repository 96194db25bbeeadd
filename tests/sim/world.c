/* The world of one seed: an agency is set up, the plan runs in simulated time, then all faults end
 * and everything has to come together within bounded rounds. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "veldkit/assert.h"

enum { STEPS_MAX = 20000, ROUNDS_MAX = 12, AFTER_LAST_MS = 5000 };

#ifdef SIM_SMALL_LIMITS
enum { TRIPS_MAX = 400 };
#else
enum { TRIPS_MAX = 20 };
#endif

static void set_time(sim_world *w, int64_t at_ms)
{
    if (at_ms > w->now_ms)
        w->now_ms = at_ms;
    for (unsigned i = 0; i < SIM_PARTIES; i++) {
        if (w->parties[i].exists)
            sim_clock(&w->parties[i]);
    }
    w->relay.slot->now.wall_utc_ms = 1772438400000 + w->now_ms;
    w->relay.slot->now.monotonic_ms = 1000 + w->now_ms;
    w->fork.slot->now = w->relay.slot->now;
}

/* ---- set-up ---- */

static void make_agency(sim_world *w)
{
    const sim_slot *office = sim_slot_get(SIM_MERGER);
    bool real = w->plan.real_signatures;
    sim_agrees_for_real = real;
    w->verifier = real ? veld_verifier_p256() : sim_standin_verifier();
    const veld_agency agency = {
        .id = office->device,
        .name = "Veilig Thuis Test",
        .root_key = sim_root_key()->public_key,
        .merger_key = office->sign_key,
        .seal_key = office->seal_key,
        .relay_key = sim_relay_key(NULL)->public_key,
    };
    veld_signer root =
        real ? veld_signer_p256(sim_root_key()) : sim_standin_signer(&sim_root_key()->public_key);
    veld_buf_init(&w->statement, VELD_DIRECTORY_BYTES_MAX);
    sim_must(w, veld_agency_make(&agency, &root, &w->statement, NULL));
}

static void enrol(sim_world *w, unsigned index)
{
    veld_buf bytes;
    sim_party *office = &w->parties[SIM_MERGER];
    const sim_slot *slot = sim_slot_get(index);
    const veld_directory_entry entry = {
        .device = slot->device,
        .sign_key = slot->sign_key,
        .seal_key = slot->seal_key,
        .state = VELD_DEVICE_ACTIVE,
        .position = index,
    };
    veld_buf_init(&bytes, VELD_DIRECTORY_BYTES_MAX);
    sim_must(w, veld_directory_make(&entry, &office->desk.signer, &bytes, NULL));
    sim_must(w, veld_directory_put(office->store, &w->verifier, &office->agency.merger_key,
                    veld_buf_span(&bytes), NULL, NULL));
    sim_must(w, veld_sync_post_entry(office->sync, &slot->device, veld_buf_span(&bytes), NULL));
    veld_buf_release(&bytes);
}

static void open_world(sim_world *w)
{
    w->random = ~w->plan.seed;
    w->random = sim_next(&w->random);
    power_vfs_seed(w->plan.seed);
    sim_nonces_reset();
    sim_names_reset();
    make_agency(w);
    sim_must(w, veld_schema_set_new(&w->schemas, NULL));
    w->relay.slot = sim_slot_get(SIM_RELAY);
    w->fork.slot = sim_slot_get(SIM_FORK);
    set_time(w, 0);
    sim_relay_open(w);
    for (unsigned i = 0; i <= w->plan.tablets; i++)
        sim_party_open(w, i, NULL);
    for (unsigned i = 1; i <= w->plan.tablets && !w->has_failed; i++)
        enrol(w, i);
    if (w->plan.has_decisions)
        sim_staff_enrol(w);
}

void sim_world_free(sim_world *w)
{
    sim_line_drop_all(w);
    for (unsigned i = 0; i < SIM_PARTIES; i++) {
        if (w->parties[i].exists && w->parties[i].store != NULL)
            sim_party_stop(&w->parties[i]);
    }
    sim_evil_end(w);
    sim_relay_stop(&w->relay);
    veld_schema_set_free(w->schemas);
    veld_buf_release(&w->statement);
    veld_buf_release(&w->relay.statement);
    veld_buf_release(&w->fork.statement);
    for (unsigned i = 0; i < SIM_STAFF; i++)
        veld_buf_release(&w->staff_entries[i]);
    free(w);
}

/* ---- time goes by ---- */

static int64_t party_next_ms(const sim_party *p)
{
    if (!p->exists)
        return INT64_MAX;
    if (!p->is_up)
        return p->start_ms;
    if (p->exchange != 0)
        return p->gives_up_ms;
    return p->boot_ms + veld_sync_next_ms(p->sync) - 1000;
}

static int64_t relay_next_ms(const sim_relay *r, bool comes_back)
{
    int64_t next = r->is_up || !comes_back ? INT64_MAX : r->start_ms;
    for (size_t i = 0; i < SIM_PARKED_MAX; i++) {
        if (r->parked[i].turn == NULL)
            continue;
        int64_t due = veld_relay_turn_deadline_ms(r->parked[i].turn) - 1000;
        next = due < next ? due : next;
    }
    return next;
}

static int64_t next_ms(const sim_world *w)
{
    int64_t next = sim_line_next_ms(w);
    int64_t relay = relay_next_ms(&w->relay, !w->is_changing);
    int64_t fork = relay_next_ms(&w->fork, false);
    next = relay < next ? relay : next;
    next = fork < next ? fork : next;
    for (unsigned i = 0; i < SIM_PARTIES; i++) {
        int64_t due = party_next_ms(&w->parties[i]);
        next = due < next ? due : next;
    }
    return next;
}

static void party_step(sim_party *p)
{
    if (!p->exists || p->world->has_failed || party_next_ms(p) > p->world->now_ms)
        return;
    if (!p->is_up) {
        sim_party_start(p);
    } else if (p->exchange != 0) {
        p->exchange = 0;
        veld_sync_fail(p->sync);
    } else {
        sim_line_begin(p);
    }
}

static void step(sim_world *w)
{
    if (!w->relay.is_up && w->relay.start_ms <= w->now_ms && !w->is_changing)
        sim_relay_start(w, &w->relay);
    sim_line_deliver(w);
    sim_relay_wake(w);
    for (unsigned i = 0; i < SIM_PARTIES; i++)
        party_step(&w->parties[i]);
}

static void run_plan(sim_world *w, const bool *left_out)
{
    size_t at = 0;
    int64_t last = w->plan.count > 0 ? w->plan.events[w->plan.count - 1].at_ms : 0;
    for (unsigned i = 0; i < STEPS_MAX && !w->has_failed; i++) {
        int64_t next = next_ms(w);
        if (at < w->plan.count && w->plan.events[at].at_ms <= next) {
            set_time(w, w->plan.events[at].at_ms);
            if (left_out == NULL || !left_out[at])
                sim_event_run(w, &w->plan.events[at]);
            at++;
        } else if (next > last + AFTER_LAST_MS) {
            return;
        } else {
            set_time(w, next + 1);
            step(w);
        }
    }
    if (!w->has_failed)
        sim_fail(w, SIM_LIVE, "more than %d steps", STEPS_MAX);
}

/* ---- quiet: no fault any more ---- */

static bool exchange_once(sim_party *p, veld_sync_result *result)
{
    sim_world *w = p->world;
    veld_error err = {0};
    veld_buf request, answer;
    veld_buf_init(&request, VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&answer, VELD_EXCHANGE_BYTES_MAX);
    set_time(w, w->now_ms + 100);
    veld_status status = veld_sync_begin(p->sync, 0, &request, &err);
    if (status == VELD_OK)
        status = sim_relay_serve(p, veld_buf_span(&request), &answer, &err);
    sim_check_line(w, veld_buf_span(&request));
    sim_check_line(w, veld_buf_span(&answer));
    sim_trace(w, answer.data, answer.len);
    if (status == VELD_OK)
        status = veld_sync_feed(p->sync, veld_buf_span(&answer), &err);
    if (status == VELD_OK)
        status = veld_sync_finish(p->sync, result, &err);
    if (status == VELD_OK && (result->has_new_keys || p->may_have_keys))
        sim_keys_load(p);
    if (status == VELD_OK)
        sim_lease_told(p);
    else
        sim_fail(w, SIM_LIVE, "party %u cannot exchange: %s", p->index, err.text);
    veld_buf_release(&request);
    veld_buf_release(&answer);
    return status == VELD_OK;
}

static void exchange_all(sim_party *p)
{
    veld_sync_result result = {.more = true};
    unsigned trips = 0;
    while (result.more && trips++ < TRIPS_MAX && exchange_once(p, &result)) {
    }
    if (result.more)
        sim_fail(p->world, SIM_LIVE, "party %u always has more to say", p->index);
}

static void heal(sim_world *w)
{
    sim_party *office = &w->parties[SIM_MERGER];
    sim_line_drop_all(w);
    w->is_quiet = true;
    power_disk_fail(w->relay.slot->disk, 0, POWER_ERROR);
    if (w->relay.is_up)
        sim_relay_die(w, &w->relay, false, 0);
    sim_evil_end(w);
    set_time(w, w->now_ms + 20000);
    power_disk_fail(office->slot->disk, 0, POWER_ERROR);
    if (w->is_changing && !office->is_up)
        sim_party_start(office); /* no relay before a change of keys is ended */
    if (w->evil.was_evil)
        sim_relay_anew(w);
    else
        sim_relay_start(w, &w->relay);
    for (unsigned i = 0; i < SIM_PARTIES && !w->has_failed; i++) {
        sim_party *p = &w->parties[i];
        if (!p->exists)
            continue;
        power_disk_fail(p->slot->disk, 0, POWER_ERROR);
        if (p->exchange != 0)
            veld_sync_fail(p->sync);
        p->exchange = 0;
        uint64_t unsent; /* asks whether the store still answers: its last error may be unnoticed */
        if (p->is_up)
            sim_party_after(p, veld_store_count_unsent(p->store, NULL, &unsent, NULL));
        if (!p->is_up)
            sim_party_start(p);
    }
}

void sim_quiet(sim_world *w)
{
    uint64_t before = UINT64_MAX;
    const veld_journal *journal = NULL;
    heal(w);
    for (unsigned round = 0; !w->has_failed; round++) {
        journal = srv_journal_get(w->relay.journal);
        if (journal->size(journal->context) == before)
            break;
        before = journal->size(journal->context);
        if (round == ROUNDS_MAX)
            sim_fail(w, SIM_LIVE, "not quiet after %d rounds", ROUNDS_MAX);
        for (unsigned i = SIM_PARTIES; i-- > 0 && !w->has_failed;) {
            if (w->parties[i].exists)
                exchange_all(&w->parties[i]);
        }
    }
    for (unsigned i = 0; i < SIM_PARTIES && !w->has_failed; i++) {
        if (w->parties[i].exists)
            exchange_all(&w->parties[i]);
    }
}

sim_world *sim_run(const sim_plan *plan, const bool *left_out)
{
    sim_world *w = calloc(1, sizeof *w);
    VELD_ASSERT(w != NULL);
    w->plan = *plan;
    w->trace = 0xcbf29ce484222325u;
    open_world(w);
    run_plan(w, left_out);
    if (!w->has_failed)
        sim_quiet(w);
    for (unsigned i = 0; i < SIM_PARTIES && !w->has_failed; i++) {
        for (unsigned k = 0; w->parties[i].exists && k < w->cases_count; k++)
            sim_check_replica(&w->parties[i], k);
    }
    sim_check_all_kept(w);
    sim_check_editions(w);
    sim_check_orders(w);
    sim_check_proofs(w);
    sim_check_no_other_cases(w);
    sim_check_withdrawn(w);
    sim_check_unseen(w);
    sim_check_lines(w);
    if (sim_nonces_clash())
        sim_fail(w, SIM_I6, "one nonce for two messages");
    if (!w->has_failed && power_disk_find(w->relay.slot->disk, SIM_CANARY, sizeof SIM_CANARY - 1))
        sim_fail(w, SIM_I5, "readable content on the relay's disk");
    return w;
}
