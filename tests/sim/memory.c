/* Memory that runs out once, or from then on, in the midst of one call of the library. What the
 * call says is believed; what it leaves behind is for the checkers. */
#include <stdlib.h>

#include "sim.h"

static uint64_t left; /* allocations until one fails; 0: none does */
static bool goes_on, has_failed;

static bool fails_now(void)
{
    if (left == 0)
        return false;
    if (--left > 0)
        return false;
    left = goes_on ? 1 : 0;
    has_failed = true;
    return true;
}

static void *take(size_t bytes)
{
    return fails_now() ? NULL : malloc(bytes);
}

static void *resize(void *block, size_t bytes)
{
    return fails_now() ? NULL : realloc(block, bytes);
}

void sim_memory_open(void)
{
    static const veld_allocator failing = {take, resize, free};
    veld_allocator_set(&failing);
}

void sim_memory_begin(sim_party *p)
{
    left = p->no_memory_at;
    goes_on = p->no_memory_stays;
    has_failed = false;
    p->no_memory_at = 0;
}

bool sim_memory_end(void)
{
    left = 0;
    return has_failed;
}
