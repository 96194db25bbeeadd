/* map.h: a table from 16 bytes to a pointer, for this room. Open addressing; never shrinks; nothing
 * is removed. The seed keeps chosen keys from colliding. */
#ifndef VELD_CASES_MAP_H
#define VELD_CASES_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/status.h"

typedef struct map_slot {
    uint8_t key[16];
    void *value; /* NULL = empty */
} map_slot;

typedef struct map {
    map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    uint64_t seed[2];
} map;

veld_status map_init(map *m, const veld_env *env, veld_error *err) VELD_MUST_CHECK;
void map_release(map *m);
void *map_get(const map *m, const uint8_t key[16]);
/* map_put: the key is not in the table yet and `value` is not NULL. Expects: VELD_E_MEMORY. */
veld_status map_put(map *m, const uint8_t key[16], void *value) VELD_MUST_CHECK;

#endif
