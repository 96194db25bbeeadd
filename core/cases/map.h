/* map.h: a table from ids or hashes to pointers, for this room. Open addressing; never shrinks;
 * nothing is removed. Keys are whole: peers choose some of them, and two may share a beginning. The
 * seed keeps chosen keys from falling together. */
#ifndef VELD_CASES_MAP_H
#define VELD_CASES_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/status.h"

typedef struct map_slot {
    uint64_t place;     /* of the key, before it is cut to the capacity */
    const uint8_t *key; /* borrowed: lives in what `value` points to */
    void *value;        /* NULL = empty */
} map_slot;

typedef struct map {
    map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t key_bytes; /* a multiple of 16 */
    uint64_t seed[2];
} map;

veld_status map_init(
    map *m, size_t key_bytes, const veld_env *env, veld_error *err) VELD_MUST_CHECK;
void map_release(map *m);
void *map_get(const map *m, const uint8_t *key);
/* map_put: the key is not in the table yet and `value` is not NULL. Expects: VELD_E_MEMORY. */
veld_status map_put(map *m, const uint8_t *key, void *value) VELD_MUST_CHECK;

#endif
