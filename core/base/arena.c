/* Blocks that grow, handed out from the front and freed together. The maximum counts what was asked
 * for, so it holds whatever the block sizes are. */
#include "veldkit/arena.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

enum { BLOCK_BYTES_MIN = 4096, BLOCK_BYTES_MAX = 256 * 1024 };

struct veld_arena_block {
    veld_arena_block *older;
    size_t used;
    size_t size;
    max_align_t memory[];
};

void veld_arena_init(veld_arena *arena, size_t max_bytes)
{
    VELD_ASSERT(arena != NULL && max_bytes > 0);
    *arena = (veld_arena){.max = max_bytes};
}

void veld_arena_release(veld_arena *arena)
{
    if (arena == NULL)
        return;
    veld_arena_block *block = arena->newest;
    while (block != NULL) {
        veld_arena_block *older = block->older;
        veld_wipe(block->memory, block->used);
        veld_release(block);
        block = older;
    }
    *arena = (veld_arena){.max = arena->max};
}

static veld_arena_block *add_block(veld_arena *arena, size_t needed)
{
    /* Blocks grow with what is used, so that many small things cost few blocks. */
    size_t size = arena->used < BLOCK_BYTES_MAX ? arena->used : BLOCK_BYTES_MAX;
    if (size < BLOCK_BYTES_MIN)
        size = BLOCK_BYTES_MIN;
    if (size < needed)
        size = needed;
    size_t total;
    if (!veld_size_add(sizeof(veld_arena_block), size, &total))
        return NULL;
    veld_arena_block *block = veld_allocate(total);
    if (block == NULL)
        return NULL;
    block->size = size;
    block->older = arena->newest;
    arena->newest = block;
    return block;
}

void *veld_arena_get(veld_arena *arena, size_t count, size_t size)
{
    VELD_ASSERT(arena != NULL && arena->max > 0);
    size_t bytes;
    if (!veld_size_multiply(count, size, &bytes))
        return NULL;
    size_t align = sizeof(max_align_t);
    size_t rounded;
    if (!veld_size_add(bytes > 0 ? bytes : 1, align - 1, &rounded))
        return NULL;
    rounded -= rounded % align;
    if (rounded > arena->max - arena->used)
        return NULL;
    veld_arena_block *block = arena->newest;
    if (block == NULL || rounded > block->size - block->used)
        block = add_block(arena, rounded);
    if (block == NULL)
        return NULL;
    void *memory = (uint8_t *)block->memory + block->used;
    block->used += rounded;
    arena->used += rounded;
    return memory;
}

veld_status veld_arena_copy(veld_arena *arena, veld_span from, veld_span *out)
{
    *out = (veld_span){0};
    size_t size;
    if (!veld_size_add(from.len, 1, &size))
        return VELD_E_LIMIT;
    uint8_t *copy = veld_arena_get(arena, size, 1);
    if (copy == NULL)
        return VELD_E_MEMORY;
    if (from.len > 0)
        memcpy(copy, from.data, from.len);
    *out = (veld_span){.data = copy, .len = from.len};
    return VELD_OK;
}
