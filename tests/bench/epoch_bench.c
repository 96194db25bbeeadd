/* What it costs the office to take a device's keys away: new epochs for its cases, sealed to who
 * still has them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange_world.h"
#include "veld_test.h"

enum { CASES = 100, RECIPIENTS = 4 };

static exchange_world world;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(void)
{
    veld_id cases[CASES], keep[RECIPIENTS], person;
    exchange_world_open(&world, RECIPIENTS, 1);
    for (size_t i = 0; i < RECIPIENTS; i++)
        keep[i] = world.tablets[i].t.card.device;
    for (size_t i = 0; i < CASES; i++)
        cases[i] = exchange_found(&world.tablets[0], &person);
    exchange_all_quiet(&world);
    for (size_t i = 0; i < CASES; i++) {
        for (size_t k = 1; k < RECIPIENTS; k++)
            exchange_assign(&world, &cases[i], &world.tablets[k]);
    }
    double start = now_ms();
    clock_t cpu = clock(); /* what it costs whatever else the machine does */
    assert_ok(veld_store_begin(world.merger.t.store, NULL));
    for (size_t i = 0; i < CASES; i++)
        assert_ok(veld_sync_post_epoch(world.merger.sync, &cases[i], keep, RECIPIENTS, NULL, NULL));
    assert_ok(veld_store_commit(world.merger.t.store, NULL));
    printf(
        "new epochs         %d cases to the agency and %d devices  %7.0f ms, %.0f of the processor"
        "   (goal 2000)\n",
        CASES, RECIPIENTS, now_ms() - start, (double)(clock() - cpu) * 1e3 / CLOCKS_PER_SEC);
    exchange_world_close(&world);
    return 0;
}
