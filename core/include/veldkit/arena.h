/* arena.h: memory for many small things that die together, with a maximum. Made for decoders: what
 * a message makes is freed in one call, and a hostile one meets the maximum. */
#ifndef VELDKIT_ARENA_H
#define VELDKIT_ARENA_H

#include <stddef.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_arena_block veld_arena_block;

typedef struct veld_arena {
    veld_arena_block *newest;
    size_t used;
    size_t max;
} veld_arena;

/* veld_arena_init: an empty arena that never hands out more than `max_bytes`. */
void veld_arena_init(veld_arena *arena, size_t max_bytes);
/* veld_arena_release: wipe and free all that was handed out. Fine on a zeroed struct. */
void veld_arena_release(veld_arena *arena);
/* veld_arena_get: `count` zeroed things of `size` bytes, aligned for any type; NULL when the
 * maximum or the machine's memory is reached. A count of 0 gives a valid pointer. */
void *veld_arena_get(veld_arena *arena, size_t count, size_t size) VELD_MUST_CHECK;
/* veld_arena_copy: a copy of the bytes with a zero byte behind them; out->data NULL on failure. */
veld_status veld_arena_copy(veld_arena *arena, veld_span from, veld_span *out) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
