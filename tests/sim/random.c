/* Chance and trace: one small generator, and a hash over all that happened, in order. */
#include <stdarg.h>
#include <stdio.h>

#include "sim.h"

uint64_t sim_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

bool sim_chance(uint64_t *state, unsigned of_hundred)
{
    return sim_next(state) % 100 < of_hundred;
}

void sim_trace(sim_world *w, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        w->trace = (w->trace ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3u;
}

void sim_trace_number(sim_world *w, uint64_t number)
{
    sim_trace(w, &number, sizeof number);
}

void sim_fail(sim_world *w, sim_invariant broken, const char *format, ...)
{
    va_list arguments;
    if (w->has_failed)
        return;
    w->has_failed = true;
    w->broken = broken;
    va_start(arguments, format);
    vsnprintf(w->why, sizeof w->why, format, arguments);
    va_end(arguments);
}
