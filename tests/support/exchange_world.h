/* exchange_world.h: an agency in one process: relay, merger and tablets over the real engines. What
 * is between them is a function call that can cut, lose and repeat. */
#ifndef EXCHANGE_WORLD_H
#define EXCHANGE_WORLD_H

#include <time.h>

#include "test_desk.h"
#include "test_journal.h"
#include "veldkit/anchor.h"
#include "veldkit/directory.h"
#include "veldkit/relay.h"
#include "veldkit/sync.h"

enum { EXCHANGE_TABLETS_MAX = 4 };

typedef struct exchange_party {
    struct exchange_world *world;
    test_desk t;
    test_keys keys; /* not used: the directory is the keyring */
    veld_anchor anchor;
    veld_sync *sync;
    bool is_merger;
    bool is_revoked;        /* to the relay: hands in only */
    size_t events[16];      /* by kind */
    veld_status refusal;    /* of the last REFUSED */
    size_t up, down, trips; /* of the last exchange_until_quiet */
} exchange_party;

typedef struct exchange_world {
    test_env env; /* of the relay */
    test_journal journal;
    veld_p256_private root, relay_key;
    veld_agency agency;
    veld_buf statement;
    veld_relay *relay;
    const veld_journal
        *kept; /* what the relay keeps: that of `journal` unless it was given another */
    exchange_party merger;
    exchange_party tablets[EXCHANGE_TABLETS_MAX];
    size_t count;
    clock_t relaying;      /* processor time of the relay, with its list of a journal */
    size_t checkpoint_min; /* of the merger, from its next restart on; 0 = as it is by itself */
} exchange_world;

/* exchange_world_open: everything made anew, all tablets enrolled. Do not move the struct. */
void exchange_world_open(exchange_world *w, size_t tablets, uint64_t seed);
void exchange_world_close(exchange_world *w);
/* exchange_world_open_on: with a relay on a journal of the caller's.  exchange_relay_restart: a new
 * relay, on what the caller opened anew. */
void exchange_world_open_on(
    exchange_world *w, size_t tablets, uint64_t seed, const veld_journal *kept);
void exchange_relay_restart(exchange_world *w, const veld_journal *kept);
/* exchange_party_restart: as a new process: the engine and the store are opened again. */
void exchange_party_restart(exchange_party *p);

/* exchange_change_key: as keys change admin does it, with the server stopped: `fresh` signs for the
 * agency from now on. The relay is there again; the merger has no engine until
 * exchange_party_restart. */
void exchange_change_key(exchange_world *w, const veld_p256_private *fresh);

/* exchange_party_clone: one more tablet of the world, a copy of `from` with all it has. */
exchange_party *exchange_party_clone(exchange_world *w, exchange_party *from, uint64_t seed);

/* What is done to one exchange. Lengths above those of the bytes cut nothing. */
typedef struct exchange_fault {
    size_t cut_request; /* bytes that arrive */
    size_t cut_answer;
    bool twice; /* the request arrives two times */
} exchange_fault;
extern const exchange_fault exchange_no_fault;

/* exchange_once: one exchange; the engine's status. A parked answer is given at its deadline. */
veld_status exchange_once(
    exchange_party *p, const exchange_fault *fault, veld_sync_result *result, veld_error *err);
/* exchange_bad_line: exchanges are lost until the party asks for as little at once as may be. */
void exchange_bad_line(exchange_party *p);
/* exchange_until_quiet: until the party has nothing more to say; fails the test after 20. */
void exchange_until_quiet(exchange_party *p);
/* exchange_all_quiet: all parties, in rounds, until nobody learns anything. */
void exchange_all_quiet(exchange_world *w);

/* exchange_found: a case of a person named Mina; `person` is her record. */
veld_id exchange_found(exchange_party *p, veld_id *person);
/* exchange_save: her name becomes the JSON text. */
void exchange_save(
    exchange_party *p, const veld_id *case_id, const veld_id *person, const char *json);
/* exchange_assign: the merger gives the case to a tablet. */
void exchange_assign(exchange_world *w, const veld_id *case_id, const exchange_party *to);
/* exchange_share: a case that `from` founded and `to` has too. */
veld_id exchange_share(
    exchange_world *w, exchange_party *from, const exchange_party *to, veld_id *person);
/* exchange_doubtful: how many changes of the case veld_sync_doubtful names. */
size_t exchange_doubtful(exchange_party *p, const veld_id *case_id);
/* exchange_smuggle: what a relay does that believes nothing of what it should: an item into the
 * journal, and to `device` when it asks. */
void exchange_smuggle(exchange_world *w, veld_frame_type kind, const veld_id *case_id,
    const veld_id *device, veld_span bytes);
veld_hash exchange_state(exchange_party *p, const veld_id *case_id);
uint64_t exchange_unsent(exchange_party *p);

#endif
