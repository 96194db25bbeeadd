/* What a long case and a large agency cost a tablet: a checkpoint and what came after it against
 * the whole log, folding, and whether one case costs more where there are many. All as ratios. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange_world.h"
#include "veld_test.h"
#include "veldkit/compact.h"
#include "veldkit/limits.h"

enum {
    CHANGES = 10000,
    PERSONS = 100,
    PAGE = 500, /* changes between two exchanges */
    TAIL = 100,
    FEW = 100,
    MANY = 2000, /* cases; with a relay that looks through a list more take too long */
    OPENINGS = 5
};

static exchange_world world;
static exchange_party *const anna = &world.tablets[0];
static exchange_party *const bert = &world.tablets[1];
static exchange_party *const cora = &world.tablets[2];

/* Of office and tablets: the relay of this world looks through a list, which a real one does not.
 */
static double cpu_ms(void)
{
    return (double)(clock() - world.relaying) * 1e3 / CLOCKS_PER_SEC;
}

/* As exchange_until_quiet, for who has much to say. */
static void until_quiet(exchange_party *p)
{
    veld_sync_result result = {.more = true};
    p->up = p->down = p->trips = 0;
    while (result.more) {
        veld_error err = {0};
        if (exchange_once(p, &exchange_no_fault, &result, &err) != VELD_OK)
            fail_msg("%s", err.text);
        p->up += result.bytes_up;
        p->down += result.bytes_down;
        p->trips++;
    }
}

/* ---- a long case ---- */

static veld_id persons[PERSONS];
static size_t written;

static veld_id found_case(void)
{
    veld_id case_id, root;
    veld_case *opened;
    veld_edit edits[PERSONS + 1];
    veld_env *env = &anna->t.world.env;
    assert_ok(veld_founder_new_id(env, veld_store_device(anna->t.store), &case_id, NULL));
    assert_ok(veld_id_new(env, &root, NULL));
    edits[0] = test_edit_set(&root, "case", "title", "\"Gezin Meting\"");
    for (size_t i = 0; i < PERSONS; i++) {
        assert_ok(veld_id_new(env, &persons[i], NULL));
        edits[i + 1] = test_edit_set(&persons[i], "person", "name", "\"Mina van der Meer\"");
    }
    assert_ok(veld_case_found(&anna->t.desk, &case_id, edits, PERSONS + 1, &opened, NULL));
    veld_case_close(opened);
    return case_id;
}

static void write_on(const veld_id *case_id, size_t count)
{
    for (size_t done = 0; done < count;) {
        veld_case *opened;
        assert_ok(veld_case_open(&anna->t.desk, case_id, &opened, NULL));
        for (size_t n = 0; n < PAGE && done < count; n++, done++, written++) {
            char json[64];
            veld_hash change;
            snprintf(json, sizeof json, "\"Mina van der Meer, de %zude keer\"", written);
            veld_edit edit = test_edit_set(&persons[written % PERSONS], "person", "name", json);
            assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
        }
        veld_case_close(opened);
        until_quiet(anna);
        until_quiet(&world.merger);
    }
    until_quiet(anna);
}

typedef struct cost {
    double give_ms, take_ms, open_ms, one_ms;
    size_t bytes, trips;
} cost;

static double open_ms(exchange_party *p, const veld_id *case_id)
{
    double start = cpu_ms();
    for (int i = 0; i < OPENINGS; i++) {
        veld_case *opened;
        assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
        veld_case_close(opened);
    }
    return (cpu_ms() - start) / OPENINGS;
}

/* The case goes to a tablet that does not have it, then a change of another one. */
static cost give(const veld_id *case_id, exchange_party *to, size_t tail)
{
    cost out;
    double start = cpu_ms();
    exchange_assign(&world, case_id, to);
    until_quiet(&world.merger);
    out.give_ms = cpu_ms() - start;
    write_on(case_id, tail);
    start = cpu_ms();
    until_quiet(to);
    out.take_ms = cpu_ms() - start;
    out.bytes = to->down;
    out.trips = to->trips;
    out.open_ms = open_ms(to, case_id);
    write_on(case_id, 1);
    start = cpu_ms();
    until_quiet(to);
    out.one_ms = cpu_ms() - start;
    veld_hash office = exchange_state(&world.merger, case_id), here = exchange_state(to, case_id);
    assert_true(veld_hash_equal(&office, &here));
    assert_int_equal(to->events[VELD_SYNC_DIVERGED], 0);
    return out;
}

static void print_ratio(const char *what, const char *unit, double whole, double part)
{
    printf("%-44s %10.1f %10.1f %s  %6.1f times\n", what, whole, part, unit, whole / part);
}

static void bench_long(void)
{
    size_t folded;
    exchange_world_open(&world, 3, 1);
    veld_id case_id = found_case();
    double start = cpu_ms();
    write_on(&case_id, CHANGES);
    printf("a case of %d changes over %d fields made in %.0f ms\n", CHANGES, PERSONS,
        cpu_ms() - start);
    world.checkpoint_min = SIZE_MAX;
    exchange_party_restart(&world.merger);
    cost whole = give(&case_id, bert, TAIL);
    world.checkpoint_min = 0;
    exchange_party_restart(&world.merger);
    cost part = give(&case_id, cora, TAIL);
    printf("%-44s %10s %10s\n", "", "whole log", "checkpoint");
    print_ratio("to a new tablet, with 100 changes after it", "KiB", (double)whole.bytes / 1024,
        (double)part.bytes / 1024);
    print_ratio("... exchanges", "", (double)whole.trips, (double)part.trips);
    print_ratio("... given by the office", "ms", whole.give_ms, part.give_ms);
    print_ratio("... taken in", "ms", whole.take_ms, part.take_ms);
    print_ratio("opened", "ms", whole.open_ms, part.open_ms);
    print_ratio("one more change taken in, state compared", "ms", whole.one_ms, part.one_ms);
    start = cpu_ms();
    assert_ok(veld_compact_case(&bert->t.desk, &case_id, 0, 1, &folded, NULL));
    double fold_ms = cpu_ms() - start;
    printf("%zu changes folded in %.0f ms\n", folded, fold_ms);
    print_ratio("opened before and after", "ms", whole.open_ms, open_ms(bert, &case_id));
    exchange_world_close(&world);
}

/* ---- a large agency ---- */

static double give_one(const veld_id *case_id, exchange_party *to, size_t *bytes)
{
    double start = cpu_ms();
    exchange_assign(&world, case_id, to);
    until_quiet(&world.merger);
    until_quiet(to);
    *bytes = to->down;
    return cpu_ms() - start;
}

static void bench_many(void)
{
    size_t of_few, of_many;
    veld_id person, first, last;
    exchange_world_open(&world, 3, 2);
    for (size_t i = 0; i < FEW; i++)
        first = exchange_found(anna, &person);
    until_quiet(anna);
    until_quiet(&world.merger);
    until_quiet(anna);
    double few = give_one(&first, bert, &of_few);
    double start = cpu_ms();
    for (size_t i = FEW; i < MANY; i++) {
        last = exchange_found(anna, &person);
        if (i % PAGE != 0)
            continue;
        until_quiet(anna);
        until_quiet(&world.merger);
    }
    until_quiet(anna);
    until_quiet(&world.merger);
    until_quiet(anna);
    printf("%d cases founded and taken in: %.2f ms each\n", MANY - FEW,
        (cpu_ms() - start) / (MANY - FEW));
    double many = give_one(&last, cora, &of_many);
    printf("%-44s %10d %10d\n", "cases at the agency", FEW, MANY);
    print_ratio("one of them to a new tablet", "ms", few, many);
    print_ratio("... bytes", "KiB", (double)of_few / 1024, (double)of_many / 1024);
    exchange_world_close(&world);
}

int main(void)
{
    setenv("TMPDIR", "/dev/shm", 1);
    bench_long();
    bench_many();
    return 0;
}
