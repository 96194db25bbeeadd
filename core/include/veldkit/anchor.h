/* anchor.h: what a device knows of the time from outside: the last server time that the relay
 * signed, and its own monotonic clock at that moment. Kept in the store; read by who saves.
 *
 *   anchored    a server time is known and the device did not restart since: server time plus
 *               monotonic time gone by is the truth
 *   stale       known, but from before a restart
 *   unanchored  none was ever seen
 *   suspect     anchored or stale, and the device's clock is more than VELD_ANCHOR_SUSPECT_MS off
 *               (stale: before the last server time)
 *
 * Also kept: the head of the server's log that was seen last, which each change carries.
 * Thread: one at a time. Source: design, versions ("Hybrid clock"). */
#ifndef VELDKIT_ANCHOR_H
#define VELDKIT_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_ANCHOR_SUSPECT_MS (5 * 60 * 1000)         /* device clock against anchor */
#define VELD_ANCHOR_AHEAD_MS   (72LL * 60 * 60 * 1000) /* clamp without monotonic proof */

typedef struct veld_anchor {
    int64_t server_utc_ms; /* last signed server time; 0 = none */
    int64_t monotonic_ms;  /* of the device when it came */
    veld_id boot;          /* of the device when it came; zero = the host cannot tell */
    uint64_t log_size;     /* of the server's log; 0 = none */
    veld_hash log_root;
    veld_id boot_now; /* not kept: the boot this process runs in */
} veld_anchor;

/* veld_anchor_load: as kept, or all zero but `boot_now` when nothing was. `boot` names this boot of
 * the device (host.h); zero when the host cannot tell: then only a monotonic clock that went back
 * tells a restart.
 * Expects: VELD_E_DAMAGED, and as the store. */
veld_status veld_anchor_load(
    veld_store *store, const veld_id *boot, veld_anchor *out, veld_error *err) VELD_MUST_CHECK;
/* veld_anchor_set: a signed server time and log head came at `now`; kept durably. A server time
 * before the last one is not taken over: a clock that was set back does not set ours back.
 * Expects: as the store. `anchor` is then as it was. */
veld_status veld_anchor_set(veld_anchor *anchor, veld_store *store, const veld_now *now,
    int64_t server_utc_ms, uint64_t log_size, const veld_hash *log_root,
    veld_error *err) VELD_MUST_CHECK;

/* veld_anchor_time: fill wall, offset, monotonic, server time and quality of `out`, and as
 * `hybrid_ms` the best time known: server time plus monotonic time gone by when anchored, else the
 * device's clock, clamped to [last server time, + VELD_ANCHOR_AHEAD_MS] when there is one.
 * `anchor` may be NULL: unanchored. */
void veld_anchor_time(const veld_anchor *anchor, const veld_now *now, veld_change_time *out);

/* ---- reading the time of a change ---- */
/* veld_anchor_is_skewed: whether its author's clock is known to have been more than
 * VELD_ANCHOR_SUSPECT_MS off: her device found so itself, or the clock was behind a server time it
 * had seen, or ahead of the time at which the change came here (`arrived_utc_ms`; 0: not known).
 * Nothing but display depends on it: no write is refused for its clock. */
bool veld_anchor_is_skewed(const veld_change_time *time, int64_t arrived_utc_ms);

/* veld_anchor_reading_ms: the time by which writes are ordered of which neither author saw the
 * other. The hybrid clock, as far as it can be believed: within [server_utc_ms, +
 * VELD_ANCHOR_AHEAD_MS]; beyond it (a clock of the year 9999 lifts the hybrid clock of all who
 * follow) the device's own clock within those bounds. Without a server time the hybrid clock.
 * Follows from the change alone, so it is the same everywhere. */
int64_t veld_anchor_reading_ms(const veld_change_time *time);

#ifdef __cplusplus
}
#endif
#endif
