/* The deterministic environment. splitmix64 is used for its size, not for any security. */
#include "test_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t next(test_env *world)
{
    uint64_t z = world->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void test_now(void *context, veld_now *out)
{
    *out = ((test_env *)context)->now;
}

static veld_status test_random(void *context, uint8_t *out, size_t out_bytes)
{
    test_env *world = context;
    bool is_due = world->random_fails_at > 0 && --world->random_fails_at == 0;
    if (world->random_fails || is_due)
        return VELD_E_CRYPTO;
    for (size_t i = 0; i < out_bytes; i += 8) {
        uint64_t number = next(world);
        memcpy(out + i, &number, out_bytes - i < 8 ? out_bytes - i : 8);
    }
    return VELD_OK;
}

static void test_log(void *context, veld_log_level level, const char *text)
{
    test_env *world = context;
    snprintf(world->last_log, sizeof world->last_log, "%d %s", (int)level, text);
}

void test_env_init(test_env *world, uint64_t seed)
{
    *world = (test_env){
        .env = {world, test_now, test_random, test_log},
        .now = {.wall_utc_ms = 1772438400000, .monotonic_ms = 1000000, .offset_min = 60},
        .state = seed,
    };
}

void test_env_advance(test_env *world, int64_t ms)
{
    world->now.wall_utc_ms += ms;
    world->now.monotonic_ms += ms;
}

uint64_t test_env_number(test_env *world, uint64_t bound)
{
    return next(world) % bound;
}

static uint64_t seen;
static uint64_t fail_at;
static bool fail_forever;

static bool fails_now(void)
{
    seen++;
    return fail_at != 0 && (seen == fail_at || (fail_forever && seen > fail_at));
}

static void *failing_allocate(size_t bytes)
{
    return fails_now() ? NULL : malloc(bytes);
}

static void *failing_resize(void *block, size_t bytes)
{
    return fails_now() ? NULL : realloc(block, bytes);
}

uint64_t test_fail_allocation(uint64_t n, bool forever)
{
    static const veld_allocator failing = {failing_allocate, failing_resize, free};
    uint64_t before = seen;
    seen = 0;
    fail_at = n;
    fail_forever = forever;
    veld_allocator_set(&failing);
    return before;
}
