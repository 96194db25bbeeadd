/* Which files make a door of a vault. Private to the room. */
#ifndef STORE_DOOR_H
#define STORE_DOOR_H

#include "veldkit/keystore.h"

typedef struct store_door {
    const char *vault;         /* the wrapped vault key */
    const char *keystore;      /* what the device adds */
    const char *keystore_next; /* ... while the door is being changed */
    const char *magic;         /* of the vault file */
} store_door;

const store_door *store_door_of(veld_door door);

#endif
