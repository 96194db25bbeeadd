/* store_world.h: a folder with a keystore, a vault and a store, for the tests of the store room.
 * Stretching
 * the passphrase costs about 0.1 s a time, so a test has one world, not one per check. */
#ifndef STORE_WORLD_H
#define STORE_WORLD_H

#include "test_env.h"
#include "veldkit/store.h"

#define WORLD_PASSPHRASE "zeef-Kwark7 molen!tulp 93 stoep"

typedef struct store_world {
    test_env env;
    char home[64];
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
} store_world;

/* world_setup: everything new in a new folder below /tmp. */
void world_setup(store_world *world);
/* world_teardown: close what is open and remove the folder. */
void world_teardown(store_world *world);
/* world_restart: close the store and open it again. */
void world_restart(store_world *world);
/* world_case: a new case with a key of epoch 1, opened. */
veld_store_case *world_case(store_world *world, veld_id *id);
/* world_hash: some hash of a number. */
veld_hash world_hash(uint64_t number);
/* world_path: HOME/name in static memory. */
const char *world_path(const store_world *world, const char *name);
/* world_copy: copy a file of the folder to another name in it. */
void world_copy(const store_world *world, const char *from, const char *to);

#endif
