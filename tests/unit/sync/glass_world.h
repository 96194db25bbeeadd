/* glass_world.h: an agency in which Anna has a case and Bert has it for an emergency only; what is
 * asked is asked of that case. */
#ifndef GLASS_WORLD_H
#define GLASS_WORLD_H

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/lease.h"

#define HOUR_MS (60LL * 60 * 1000)

typedef struct glass_world {
    exchange_world w;
    exchange_party *anna, *bert, *carla;
    veld_access_log *log; /* Bert's */
    veld_id case_id, person;
} glass_world;

/* glass_open, glass_close: around a test, which finds the world in *state. */
int glass_open(void **state);
int glass_close(void **state);
/* glass_restart: Bert's tablet, as a new process. */
void glass_restart(glass_world *g);
/* glass_pass: time, for all: the server's is the one that is believed. */
void glass_pass(glass_world *g, int64_t ms);

/* glass_give: the case, from the agency.  glass_give_bert: for an emergency, for 72 hours. */
void glass_give(glass_world *g, exchange_party *to, veld_grant_purpose purpose, int64_t lease_ms);
void glass_give_bert(glass_world *g);
/* glass_break: Bert opens the case in an emergency; `until` may be NULL. */
veld_status glass_break(glass_world *g, int64_t *until);

bool glass_has_keys(glass_world *g, exchange_party *p);
veld_lease_state glass_state(glass_world *g, exchange_party *p);
/* glass_lines: of Bert's emergencies in an access log.  glass_records: how often the case says that
 * it was opened in one.  glass_held: what lies unread at Bert's, "grants" or "envelopes". */
size_t glass_lines(glass_world *g, exchange_party *p);
size_t glass_records(glass_world *g, exchange_party *p);
size_t glass_held(glass_world *g, const char *kind);
bool glass_is_same(glass_world *g, exchange_party *one, exchange_party *other);

#endif
