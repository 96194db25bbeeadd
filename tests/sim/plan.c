/* What a seed makes happen: how many tablets, how bad the lines, and a list of events. Each event
 * carries its own draw, so that leaving one out changes as little as can be of the others. */
#include <stdio.h>

#include "sim.h"

static const char *const names[SIM_EVENT_KINDS] = {
    [SIM_FOUND] = "found a case",
    [SIM_EDIT] = "edit",
    [SIM_ASSIGN] = "assign",
    [SIM_SYNC] = "sync now",
    [SIM_KILL] = "kill",
    [SIM_POWER_LOSS] = "power loss at an I/O",
    [SIM_DISK_ERROR] = "disk error",
    [SIM_BACK_UP] = "back up",
    [SIM_RESTORE] = "restore",
    [SIM_CLONING] = "clone",
    [SIM_CLOCK_JUMP] = "clock jump",
    [SIM_PARTITION] = "partition",
    [SIM_CLOG] = "clog",
    [SIM_FORGE] = "forge",
    [SIM_RELAY_BACK_UP] = "back up the relay",
    [SIM_RELAY_RESTORE] = "restore the relay",
    [SIM_EVIL] = "a trick of the relay on",
    [SIM_ROTATE] = "a new key",
    [SIM_WITHDRAW] = "withdraw a case",
    [SIM_NO_MEMORY] = "no memory",
    [SIM_REVOKE] = "revoke a tablet",
    [SIM_JUDGE] = "judge what is late",
    [SIM_FOLD] = "forget the past",
    [SIM_KEY_CHANGE] = "change a key of the agency",
    [SIM_LOOK] = "look at a conflict",
    [SIM_DECIDE] = "decide",
    [SIM_CONFIRM] = "confirm a decision",
    [SIM_REVERSE] = "take a decision back",
};

/* How often, against each other. Work is fixed; each fault has the weight that this seed gives it.
 */
static void draw_weights(uint64_t *random, unsigned weights[SIM_EVENT_KINDS])
{
    for (unsigned kind = 0; kind < SIM_EVIL; kind++)
        weights[kind] = sim_chance(random, 40) ? 0 : (unsigned)(sim_next(random) % 8);
    weights[SIM_FOUND] = 4;
    weights[SIM_EDIT] = 50;
    weights[SIM_ASSIGN] = 14;
    weights[SIM_SYNC] = 12;
    if (sim_chance(random, 80))
        weights[SIM_CLONING] = 0;
    if (sim_chance(random, 80))
        weights[SIM_FORGE] = 0;
    /* Both the server and a tablet put back from copies may lose what only they had. */
    if (sim_chance(random, 70))
        weights[SIM_RELAY_BACK_UP] = weights[SIM_RELAY_RESTORE] = 0;
    else
        weights[SIM_RESTORE] = 0;
    for (unsigned kind = SIM_EVIL; kind < SIM_EVENT_KINDS; kind++)
        weights[kind] = 0;
}

static sim_event_kind draw_kind(uint64_t *random, const unsigned weights[SIM_EVENT_KINDS])
{
    uint64_t sum = 0, at;
    for (unsigned kind = 0; kind < SIM_EVENT_KINDS; kind++)
        sum += weights[kind];
    at = sim_next(random) % sum;
    for (unsigned kind = 0;; kind++) {
        if (at < weights[kind])
            return (sim_event_kind)kind;
        at -= weights[kind];
    }
}

static unsigned draw_party(uint64_t *random, sim_event_kind kind, unsigned tablets)
{
    unsigned tablet = 1 + (unsigned)(sim_next(random) % tablets);
    uint64_t dice = sim_next(random) % 20;
    switch (kind) {
    case SIM_KILL:
    case SIM_POWER_LOSS:
        return dice < 3 ? SIM_RELAY : dice < 6 ? SIM_MERGER : tablet;
    case SIM_EDIT:
    case SIM_SYNC:
    case SIM_DISK_ERROR:
    case SIM_PARTITION:
    case SIM_CLOG:
        return dice < 2 ? SIM_MERGER : dice < 4 ? SIM_CLONE : tablet;
    case SIM_FORGE:
        return tablets; /* the last one is the crooked one */
    case SIM_CLONING:
        return 1;
    default:
        return tablet;
    }
}

/* In one seed of five the relay is evil. What was on a tablet alone could then be lost with an old
 * copy of it, as when an honest relay is restored: no tablet is. */
static void draw_evil(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0x5EED0FE511u;
    plan->has_evil = sim_chance(&random, 20);
    for (size_t i = 2; i < plan->count && plan->has_evil; i++) {
        sim_event *event = &plan->events[i];
        if (event->kind != SIM_RESTORE && !sim_chance(&random, 12))
            continue;
        event->kind = SIM_EVIL;
        event->party = sim_chance(&random, 25) ? SIM_MERGER
                                               : 1 + (unsigned)(sim_next(&random) % plan->tablets);
    }
}

static const sim_event_kind order_kinds[] = {SIM_ROTATE, SIM_WITHDRAW, SIM_WITHDRAW, SIM_WITHDRAW,
    SIM_RELAY_BACK_UP, SIM_RELAY_RESTORE, SIM_RELAY_RESTORE};

/* In one seed of five of the others cases get new keys and are taken from tablets. Neither a clone
 * nor an old copy of a disk takes part: what they still have is no fault of the order. An old copy
 * of the relay does: nothing is destroyed that only the relay has. */
static void draw_orders(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0x0DDE5u;
    plan->has_orders = !plan->has_evil && sim_chance(&random, 25);
    for (size_t i = 2; i < plan->count && plan->has_orders; i++) {
        sim_event *event = &plan->events[i];
        bool is_apart = event->kind == SIM_RESTORE || event->kind == SIM_CLONING;
        if (!is_apart && !sim_chance(&random, 20))
            continue;
        event->kind = order_kinds[sim_next(&random) % (sizeof order_kinds / sizeof *order_kinds)];
        event->party = SIM_MERGER;
    }
}

/* In one seed of four of the rest tablets are revoked. No copy of a disk takes part: a copied
 * tablet is revoked together with the other, and a relay that was put back knows of no revocation.
 */
static void draw_revoked(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0x2E70CEu;
    plan->has_revoked = !plan->has_evil && !plan->has_orders && sim_chance(&random, 30);
    for (size_t i = 2; i < plan->count && plan->has_revoked; i++) {
        sim_event *event = &plan->events[i];
        bool is_apart = event->kind == SIM_RESTORE || event->kind == SIM_CLONING ||
                        event->kind == SIM_RELAY_RESTORE;
        if (!is_apart && !sim_chance(&random, 12))
            continue;
        event->kind = sim_chance(&random, 35) ? SIM_REVOKE : SIM_JUDGE;
        event->party = SIM_MERGER;
    }
}

/* In a quarter of the seeds memory runs out at some parties, in whatever they do next. */
static void draw_little(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0x11771Eu;
    plan->has_little = sim_chance(&random, 25);
    for (size_t i = 2; i < plan->count && plan->has_little; i++) {
        sim_event *event = &plan->events[i];
        if (event->kind != SIM_SYNC && !sim_chance(&random, 10))
            continue;
        event->kind = SIM_NO_MEMORY;
        event->party = sim_chance(&random, 25) ? SIM_MERGER
                                               : 1 + (unsigned)(sim_next(&random) % plan->tablets);
    }
}

/* In a quarter of the seeds the office makes checkpoints soon, and tablets fold what it has. */
static void draw_folds(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0xF01D5u;
    plan->has_folds = sim_chance(&random, 25);
    for (size_t i = 2; i < plan->count && plan->has_folds; i++) {
        sim_event *event = &plan->events[i];
        if (event->kind != SIM_SYNC && !sim_chance(&random, 8))
            continue;
        event->kind = SIM_FOLD;
        event->party = 1 + (unsigned)(sim_next(&random) % plan->tablets);
    }
}

/* In one seed of seven keys of the agency change, two or three times. */
static void draw_keys(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0x4E335u;
    plan->has_keys = plan->seed % 14 == 0 || plan->seed % 14 == 9;
    for (size_t i = 2; i < plan->count && plan->has_keys; i++) {
        sim_event *event = &plan->events[i];
        if (!sim_chance(&random, 5))
            continue;
        event->kind = SIM_KEY_CHANGE;
        event->party = SIM_MERGER;
    }
}

static const sim_event_kind decision_kinds[] = {SIM_SYNC, SIM_SYNC, SIM_SYNC, SIM_LOOK, SIM_DECIDE,
    SIM_DECIDE, SIM_DECIDE, SIM_CONFIRM, SIM_CONFIRM, SIM_REVERSE};

/* In one seed of six people at the office decide between values, each as she saw them last. There
 * is little to decide where everybody has a case of her own and time to hear of each other: few
 * cases, given to many, and then much work in little time. */
enum { GIVEN_OUT = 20 };

static bool draws_decisions(uint64_t seed)
{
    return seed % 18 == 3 || seed % 18 == 6 || seed % 18 == 10;
}

static void draw_decisions(sim_plan *plan)
{
    uint64_t random = plan->seed ^ 0xDEC1DEu;
    plan->has_decisions = draws_decisions(plan->seed);
    for (size_t i = 2; i < plan->count && plan->has_decisions; i++) {
        sim_event *event = &plan->events[i];
        if (i > GIVEN_OUT)
            event->at_ms -= (event->at_ms - plan->events[GIVEN_OUT].at_ms) / 3;
        bool is_given = event->kind == SIM_FOUND || (i < GIVEN_OUT && sim_chance(&random, 60));
        if (is_given || sim_chance(&random, 50)) {
            event->kind = is_given ? SIM_ASSIGN : SIM_EDIT;
            event->party = 1 + (unsigned)(sim_next(&random) % plan->tablets);
        }
        if (i < GIVEN_OUT || !sim_chance(&random, 40))
            continue;
        event->kind =
            decision_kinds[sim_next(&random) % (sizeof decision_kinds / sizeof *decision_kinds)];
        event->party = SIM_MERGER;
    }
}

void sim_plan_draw(uint64_t seed, sim_plan *out)
{
    uint64_t first = seed, random = sim_next(&first); /* else a seed is the next one, shifted */
    unsigned weights[SIM_EVENT_KINDS];
    int64_t at = 0;
    *out = (sim_plan){.seed = seed, .real_signatures = seed % 100 == 50};
    out->tablets = SIM_TABLETS_MIN + (unsigned)(sim_next(&random) % 3);
    if (sim_chance(&random, 10))
        out->tablets = SIM_TABLETS_MAX;
    out->loss = (unsigned)(sim_next(&random) % 31);
    out->repeats = (unsigned)(sim_next(&random) % 51);
    out->delays = (unsigned)(sim_next(&random) % 31);
    out->cuts = (unsigned)(sim_next(&random) % 11);
    draw_weights(&random, weights);
    if (out->real_signatures)
        weights[SIM_FORGE] = 0;
    out->count = 30 + sim_next(&random) % 60;
    if (draws_decisions(seed))
        out->count += 80;
    for (size_t i = 0; i < out->count; i++) {
        sim_event *event = &out->events[i];
        at += (int64_t)(sim_next(&random) % 8000);
        event->kind = i < 2 ? SIM_FOUND : draw_kind(&random, weights);
        event->at_ms = at;
        event->party = draw_party(&random, event->kind, out->tablets);
        event->draw = sim_next(&random);
    }
    draw_evil(out);
    draw_orders(out);
    draw_revoked(out);
    draw_folds(out);
    draw_decisions(out);
    draw_keys(out);
    draw_little(out);
    out->has_lines = seed % 4 == 1;
    out->has_leases = !out->has_evil && seed % 3 == 1;
}

static void print_party(unsigned party)
{
    if (party == SIM_MERGER)
        printf("the office");
    else if (party == SIM_RELAY)
        printf("the relay");
    else if (party == SIM_CLONE)
        printf("the clone");
    else
        printf("tablet %u", party);
}

void sim_plan_print(const sim_plan *plan, const bool *left_out)
{
    printf("  %u tablets; lines lose %u%%, repeat %u%%, delay %u%%, cut %u%%%s\n", plan->tablets,
        plan->loss, plan->repeats, plan->delays, plan->cuts,
        plan->real_signatures ? "; real signatures" : "");
    if (plan->has_evil)
        printf("  the relay is evil\n");
    for (size_t i = 0; i < plan->count; i++) {
        const sim_event *event = &plan->events[i];
        if (left_out != NULL && left_out[i])
            continue;
        printf("  %3zu  %8.1f s  %s, ", i, (double)event->at_ms / 1000, names[event->kind]);
        print_party(event->party);
        printf("\n");
    }
}
