/* The table of map.h. Keys are ids that peers choose, so their place depends on a secret seed. */
#include "map.h"

#include <string.h>

#include "veldkit/assert.h"

enum { CAPACITY_FIRST = 64, KEY_PART_BYTES = 16 };

veld_status map_init(map *m, size_t key_bytes, const veld_env *env, veld_error *err)
{
    VELD_ASSERT(key_bytes > 0 && key_bytes % KEY_PART_BYTES == 0);
    *m = (map){.key_bytes = key_bytes};
    return veld_env_random(env, (uint8_t *)m->seed, sizeof m->seed, err);
}

void map_release(map *m)
{
    veld_release(m->slots);
    *m = (map){0};
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 33)) * 0xFF51AFD7ED558CCDu;
    z = (z ^ (z >> 33)) * 0xC4CEB9FE1A85EC53u;
    return z ^ (z >> 33);
}

static uint64_t place(const map *m, const uint8_t *key)
{
    uint64_t sum = m->seed[0];
    for (size_t i = 0; i < m->key_bytes; i += KEY_PART_BYTES) {
        uint64_t part[2];
        memcpy(part, key + i, sizeof part);
        sum = mix(mix(part[0] ^ sum) + (part[1] ^ m->seed[1]));
    }
    return sum;
}

static map_slot *find(const map *m, uint64_t at, const uint8_t *key)
{
    size_t i = (size_t)at & (m->capacity - 1);
    while (m->slots[i].value != NULL &&
           (m->slots[i].place != at || memcmp(m->slots[i].key, key, m->key_bytes) != 0))
        i = (i + 1) & (m->capacity - 1);
    return &m->slots[i];
}

void *map_get(const map *m, const uint8_t *key)
{
    return m->capacity == 0 ? NULL : find(m, place(m, key), key)->value;
}

static veld_status grow(map *m)
{
    map bigger = *m;
    bigger.capacity = m->capacity == 0 ? CAPACITY_FIRST : m->capacity * 2;
    bigger.slots = veld_allocate(bigger.capacity * sizeof *bigger.slots);
    if (bigger.slots == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < m->capacity; i++) {
        if (m->slots[i].value != NULL)
            *find(&bigger, m->slots[i].place, m->slots[i].key) = m->slots[i];
    }
    veld_release(m->slots);
    *m = bigger;
    return VELD_OK;
}

veld_status map_put(map *m, const uint8_t *key, void *value)
{
    VELD_ASSERT(value != NULL && m->key_bytes > 0);
    if (m->count >= m->capacity / 2) {
        veld_status status = grow(m);
        if (status != VELD_OK)
            return status;
    }
    uint64_t at = place(m, key);
    map_slot *slot = find(m, at, key);
    VELD_ASSERT(slot->value == NULL);
    *slot = (map_slot){.place = at, .key = key, .value = value};
    m->count++;
    return VELD_OK;
}
