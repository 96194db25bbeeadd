/* history.h: random histories of a case: up to six devices that edit, exchange some of what they
 * have in any order and more than once, are cloned and restored, and hold changes back. Makes
 * changes by the rule of saving (replace exactly what the author sees) and nothing else. */
#ifndef TEST_HISTORY_H
#define TEST_HISTORY_H

#include "test_env.h"
#include "veldkit/arena.h"
#include "veldkit/change.h"
#include "veldkit/graph.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"

enum { HISTORY_DEVICES_MAX = 6, HISTORY_CHANGES_MAX = 160, HISTORY_PLACES = 8 };

/* A field on which a history writes. */
typedef struct history_place {
    veld_id record;
    veld_span type, field;
    const veld_schema_field *schema; /* NULL: no schema has it */
} history_place;

typedef struct replica {
    veld_state *state;
    veld_graph *graph;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number;
    int64_t skew_ms; /* of its clock */
    bool holds[HISTORY_CHANGES_MAX];
} replica;

typedef struct history {
    test_env world;
    veld_arena arena;
    veld_change *changes[HISTORY_CHANGES_MAX];
    size_t count;
    replica replicas[HISTORY_DEVICES_MAX];
    size_t replicas_count;
    history_place places[HISTORY_PLACES]; /* of a history by schemas */
    bool by_schemas;
} history;

/* history_play: make the history of `seed`: few fields and values, for the laws of the join.
 * history_play_by: the same with fields and values of the schemas, most of them right, and with
 * clocks that differ, for the laws of reading. history_release: forget it. */
void history_play(history *h, uint64_t seed);
void history_play_by(history *h, uint64_t seed, const veld_schema_set *schemas);
void history_release(history *h);
/* history_shuffle: 0 to count-1 in random order. */
void history_shuffle(history *h, size_t *order, size_t count);
void replica_new(history *h, replica *r);
void replica_free(replica *r);
void replica_take(history *h, replica *r, size_t change);
/* replica_text: all files of the state one after the other. */
void replica_text(replica *r, veld_buf *out);

#endif
