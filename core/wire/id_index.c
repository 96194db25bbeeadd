/* Open addressing with linear steps, at most half full. Keys are our own device's ids when it
 * seals, never a stranger's, so nobody outside chooses where they fall. */
#include "id_index.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

enum { KEY_BYTES = 16 };

veld_status veld_id_index_init(veld_id_index *index, size_t count)
{
    size_t size = 16;
    while (size / 2 < count + 1)
        size *= 2;
    index->slots = veld_allocate(size * sizeof *index->slots);
    index->mask = size - 1;
    return index->slots != NULL ? VELD_OK : VELD_E_MEMORY;
}

void veld_id_index_release(veld_id_index *index)
{
    veld_release(index->slots);
    *index = (veld_id_index){0};
}

/* The last bytes: the first ones of a UUID of version 7 are a time. */
static veld_id_slot *slot_of(const veld_id_index *index, const uint8_t key[KEY_BYTES])
{
    size_t at = (size_t)veld_get_u64(key + 8) & index->mask;
    for (size_t steps = 0; steps <= index->mask; steps++) {
        veld_id_slot *slot = &index->slots[at];
        if (slot->key == NULL || memcmp(slot->key, key, KEY_BYTES) == 0)
            return slot;
        at = (at + 1) & index->mask;
    }
    return NULL;
}

void veld_id_index_put(veld_id_index *index, const uint8_t key[KEY_BYTES], uint32_t value)
{
    veld_id_slot *slot = slot_of(index, key);
    VELD_ASSERT(slot != NULL);
    slot->key = key;
    slot->value = value;
}

bool veld_id_index_find(const veld_id_index *index, const uint8_t key[KEY_BYTES], uint32_t *value)
{
    const veld_id_slot *slot = slot_of(index, key);
    if (slot == NULL || slot->key == NULL)
        return false;
    *value = slot->value;
    return true;
}
