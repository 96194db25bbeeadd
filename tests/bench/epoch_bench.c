/* What it costs the office to take a device's keys away: new epochs for its cases, sealed to who
 * still has them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "exchange_world.h"
#include "veld_test.h"
#include "veldkit/hpke.h"

enum { CASES = 100, RECIPIENTS = 4 };

static exchange_world world;

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* What no program can save: a key sealed to each recipient, and a signature over each. */
static clock_t bare(void)
{
    const veld_hash digest = {{1}};
    const veld_desk *desk = &world.merger.t.desk;
    clock_t start = clock();
    for (size_t i = 0; i < (size_t)CASES * (RECIPIENTS + 1); i++) {
        veld_signature signature;
        veld_buf out;
        veld_buf_init(&out, 256);
        assert_ok(veld_hpke_seal(desk->env, &world.tablets[0].t.card.seal_key, "bench/1",
            veld_span_of(NULL, 0), veld_hash_span(&digest), &out, NULL));
        assert_ok(desk->signer.sign(desk->signer.context, &digest, &signature, NULL));
        veld_buf_release(&out);
    }
    return clock() - start;
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
    double took = now_ms() - start;
    cpu = clock() - cpu;
    printf(
        "new epochs         %d cases to the agency and %d devices  %7.0f ms, %.0f of the processor"
        "   (goal 2000)\n",
        CASES, RECIPIENTS, took, (double)cpu * 1e3 / CLOCKS_PER_SEC);
    printf("... against sealing and signing alone                  %7.2f times\n",
        (double)cpu / (double)bare());
    exchange_world_close(&world);
    return 0;
}
