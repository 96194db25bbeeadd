/* test_desk.h: a whole vault in a temporary folder: keystore, vault, store, keys and a desk for its
 * cases. Several desks know each other's keys as if cards had been exchanged. */
#ifndef TEST_DESK_H
#define TEST_DESK_H

#include "test_env.h"
#include "veldkit/card.h"
#include "veldkit/case.h"

enum { TEST_DESKS_MAX = 4 };

/* What desks know of each other. */
typedef struct test_keys {
    veld_id devices[TEST_DESKS_MAX];
    veld_p256_public keys[TEST_DESKS_MAX];
    size_t count;
} test_keys;

typedef struct test_desk {
    test_env world;
    char home[256]; /* in TMPDIR, or /tmp */
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    veld_schema_set *schemas;
    veld_desk desk;
    veld_card card;
    veld_buf card_bytes;
} test_desk;

/* test_desk_open: make everything anew; `seed` makes clock and random bytes its own. The struct
 * must not move afterwards. test_desk_close: close and remove the folder. */
void test_desk_open(test_desk *t, test_keys *keys, uint64_t seed, const char *name);
void test_desk_close(test_desk *t);
/* test_desk_reopen: close the store and open it again, as a new process would. */
void test_desk_reopen(test_desk *t);

/* test_desk_clone: a copy of the whole folder of `from`, opened as `t`: the same device, vault and
 * incarnation, with random bytes of its own. */
void test_desk_clone(test_desk *t, test_desk *from, uint64_t seed);

/* test_edit_set: an edit of kind VELD_EDIT_SET on `type`/`field` with a JSON text. */
veld_edit test_edit_set(
    const veld_id *record, const char *type, const char *field, const char *json);

#endif
