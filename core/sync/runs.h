/* runs.h: changes of a case as envelopes: sorted by chain, consecutive ones together. Shared by the
 * exchange and the bundle. Inside the room. */
#ifndef VELD_SYNC_RUNS_H
#define VELD_SYNC_RUNS_H

#include "veldkit/case.h"
#include "veldkit/envelope.h"

/* One sealed envelope: the changes in it, in order. Ends a walk by another status than VELD_OK. */
typedef struct run_sink {
    void *context;
    veld_status (*envelope)(void *context, veld_priority priority, const veld_change *changes,
        size_t count, veld_span bytes, veld_error *err);
} run_sink;

/* runs_seal: seal `nodes` (sorted here) with the newest key of the case, run by run. A number at
 * which a chain forks is sealed alone, so that the last id of an envelope says what is in it. */
veld_status runs_seal(veld_case *opened, const veld_node **nodes, size_t count,
    const run_sink *sink, veld_error *err) VELD_MUST_CHECK;

#endif
