/* The table of map.h. Keys are ids that peers choose, so their place depends on a secret seed. */
#include "map.h"

#include <string.h>

#include "veldkit/assert.h"

enum { CAPACITY_FIRST = 64 };

veld_status map_init(map *m, const veld_env *env, veld_error *err)
{
    *m = (map){0};
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

static size_t place(const map *m, const uint8_t key[16])
{
    uint64_t low, high;
    memcpy(&low, key, 8);
    memcpy(&high, key + 8, 8);
    return (size_t)mix(mix(low ^ m->seed[0]) + (high ^ m->seed[1])) & (m->capacity - 1);
}

static map_slot *find(const map *m, const uint8_t key[16])
{
    size_t i = place(m, key);
    while (m->slots[i].value != NULL && memcmp(m->slots[i].key, key, 16) != 0)
        i = (i + 1) & (m->capacity - 1);
    return &m->slots[i];
}

void *map_get(const map *m, const uint8_t key[16])
{
    return m->capacity == 0 ? NULL : find(m, key)->value;
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
            *find(&bigger, m->slots[i].key) = m->slots[i];
    }
    veld_release(m->slots);
    *m = bigger;
    return VELD_OK;
}

veld_status map_put(map *m, const uint8_t key[16], void *value)
{
    VELD_ASSERT(value != NULL);
    if (m->count >= m->capacity / 2) {
        veld_status status = grow(m);
        if (status != VELD_OK)
            return status;
    }
    map_slot *slot = find(m, key);
    VELD_ASSERT(slot->value == NULL);
    memcpy(slot->key, key, 16);
    slot->value = value;
    m->count++;
    return VELD_OK;
}
