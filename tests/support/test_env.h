/* test_env.h: a world without surprises. Same seed, same bytes; time moves when the test says so.
 */
#ifndef TEST_ENV_H
#define TEST_ENV_H

#include <stdbool.h>

#include "veldkit/env.h"

typedef struct test_env {
    veld_env env;
    veld_now now;
    uint64_t state; /* of the generator */
    bool random_fails;
    uint64_t random_fails_at; /* only this call from now on does; 0 none */
    char last_log[256];
} test_env;

/* test_env_init: starts at 2026-03-02T08:00:00Z, offset +60, monotonic 1000 s. Do not move the
 * struct afterwards: `env` points to it. */
void test_env_init(test_env *world, uint64_t seed);
void test_env_advance(test_env *world, int64_t ms);
/* test_env_number: a pseudo-random number below `bound` (> 0). */
uint64_t test_env_number(test_env *world, uint64_t bound);

/* test_fail_allocation: let the `n`th allocation from now fail (1 is the next), and every later one
 * too when `forever`; 0 switches it off. Returns how many allocations were seen since the last
 * call. Goes through veld_allocator_set, so it sees what the library allocates. */
uint64_t test_fail_allocation(uint64_t n, bool forever);

#endif
