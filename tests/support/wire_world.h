/* wire_world.h: changes for tests of their encodings: random ones, and a visit as it happens. */
#ifndef WIRE_WORLD_H
#define WIRE_WORLD_H

#include "test_env.h"
#include "veldkit/arena.h"
#include "veldkit/change.h"
#include "veldkit/envelope.h"

enum { WIRE_VISIT_CHANGES = 20 };

typedef struct wire_world {
    test_env world;
    veld_arena arena; /* what the changes point to */
    veld_id case_id;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    veld_change_namer namer;
} wire_world;

/* wire_world_init: needs veld_crypto_init. Do not move the struct afterwards. */
void wire_world_init(wire_world *w, uint64_t seed);
void wire_world_release(wire_world *w);

/* wire_world_bytes: pseudo-random bytes. */
void wire_world_bytes(wire_world *w, void *out, size_t len);
veld_id wire_world_id(wire_world *w);

/* wire_world_chain: `count` consecutive changes of one device that use all that the format has:
 * several parents, replaced writes in and out of the chain, basis, odd times. Derived and named. */
veld_change *wire_world_chain(wire_world *w, size_t count);

/* wire_world_visit: WIRE_VISIT_CHANGES changes of one visit: notes of a sentence or two, persons,
 * safety conditions, agreements, an edit here and there. */
veld_change *wire_world_visit(wire_world *w);

/* wire_world_one_field: one change of one field that replaces one write and has one parent. */
veld_change *wire_world_one_field(wire_world *w);

/* wire_name: the namer of the world, a stand-in for the one that history has: id and git follow
 * from core and tree. `context` is not used. */
veld_status wire_name(void *context, veld_change *change, veld_error *err);

/* wire_same: equal in every field, derived ones among them. */
bool wire_same(const veld_change *a, const veld_change *b);

#endif
