/* What an exchange costs: bytes, round trips and time, tablet and relay in one process over the
 * real engines, files in memory. What TLS and HTTP/2 add on a warm line is measured by the net
 * bench. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange_world.h"
#include "veld_test.h"

enum { RUNS = 300 };

static exchange_world world;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double exchange_us(exchange_party *p)
{
    veld_sync_result result;
    double start = now_us();
    assert_ok(exchange_once(p, &exchange_no_fault, &result, NULL));
    return now_us() - start;
}

static void bench_nothing(exchange_party *anna)
{
    double all = 0;
    exchange_until_quiet(anna);
    for (int i = 0; i < RUNS; i++)
        all += exchange_us(anna);
    exchange_until_quiet(anna);
    printf("nothing to say     %5zu bytes up  %5zu down  %zu round trip  %6.0f us  %6.0f /s\n",
        anna->up, anna->down, anna->trips, all / RUNS, RUNS * 1e6 / all);
}

static void bench_one_field(exchange_party *anna, const veld_id *case_id, const veld_id *person)
{
    double all = 0;
    size_t up = 0, down = 0, trips = 0;
    for (int i = 0; i < RUNS; i++) {
        char json[32];
        snprintf(json, sizeof json, "\"Mina %d\"", i);
        exchange_save(anna, case_id, person, json);
        double start = now_us();
        exchange_until_quiet(anna);
        all += now_us() - start;
        up = anna->up;
        down = anna->down;
        trips = anna->trips;
        exchange_until_quiet(&world.merger);
        exchange_until_quiet(anna);
    }
    printf("one field          %5zu bytes up  %5zu down  %zu round trip  %6.0f us  %6.0f /s"
           "   (goal 1024 up)\n",
        up, down, trips, all / RUNS, RUNS * 1e6 / all);
}

int main(void)
{
    veld_id person;
    setenv("TMPDIR", "/dev/shm", 1);
    exchange_world_open(&world, 1, 1);
    exchange_party *anna = &world.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&world);
    bench_nothing(anna);
    bench_one_field(anna, &case_id, &person);
    exchange_world_close(&world);
    return 0;
}
