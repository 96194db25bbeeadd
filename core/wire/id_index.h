/* id_index.h: from 16 random bytes to a number: where in an envelope something was said before.
 * Inside the wire room. */
#ifndef VELD_WIRE_ID_INDEX_H
#define VELD_WIRE_ID_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/status.h"

typedef struct veld_id_slot {
    const uint8_t *key; /* 16 bytes, borrowed; NULL = free */
    uint32_t value;
} veld_id_slot;

typedef struct veld_id_index {
    veld_id_slot *slots;
    size_t mask;
} veld_id_index;

/* veld_id_index_init: room for `count` keys. Expects: VELD_E_MEMORY. */
veld_status veld_id_index_init(veld_id_index *index, size_t count) VELD_MUST_CHECK;
/* veld_id_index_release: fine on a zeroed struct. */
void veld_id_index_release(veld_id_index *index);
/* veld_id_index_put: a key that is there gets the new value. */
void veld_id_index_put(veld_id_index *index, const uint8_t key[16], uint32_t value);
bool veld_id_index_find(const veld_id_index *index, const uint8_t key[16], uint32_t *value);

#endif
