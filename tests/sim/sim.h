/* sim.h: a whole agency in one process and one thread: tablets, merger, relay and an administrator,
 * the real code over seams that a seed rules: clock, random bytes, disks, lines. What happens is a
 * list of events drawn from the seed; a run may be told to leave some out, which is how a failure
 * is made short. Same seed, same trace. */
#ifndef SIM_H
#define SIM_H

#include <inttypes.h>

#include "power_vfs.h"
#include "srv_journal.h"
#include "veldkit/access_log.h"
#include "veldkit/anchor.h"
#include "veldkit/case.h"
#include "veldkit/decision.h"
#include "veldkit/directory.h"
#include "veldkit/limits.h"
#include "veldkit/relay.h"
#include "veldkit/sync.h"

#define SIM_CANARY "KANARIE"

enum {
    SIM_MERGER = 0,
    SIM_TABLETS_MIN = 3,
    SIM_TABLETS_MAX = 8,
    SIM_CLONE = SIM_TABLETS_MAX + 1, /* of the first tablet */
    SIM_PARTIES = SIM_TABLETS_MAX + 2,
    SIM_RELAY = SIM_PARTIES,
    SIM_FORK, /* a second relay that says it is the first */
    SIM_CASES_MAX = 6,
    SIM_FIELDS = 4,
    SIM_CHECKPOINT_MIN = 3,
    SIM_CHANGES_MAX = 400,
    SIM_WRITES_MAX = 512, /* a value is the number of its write */
    SIM_EVENTS_MAX = 240,
    SIM_MESSAGES_MAX = 256,
    SIM_PARKED_MAX = 32,
    SIM_STAFF = 3,            /* persons at the office who decide */
    SIM_STRANGER = SIM_STAFF, /* and one whom the directory does not know */
    SIM_DECISIONS_MAX = 96,
    SIM_KEYS_MAX = 6, /* so often a key of the agency changes */
    SIM_SIDES_MAX = 16
};

/* ---- what may go wrong on purpose, to see that it is found ---- */
typedef enum sim_plant {
    PLANT_NONE,
    PLANT_DROPPED_FSYNC,       /* disks answer to syncs and do nothing */
    PLANT_LAST_WINS,           /* joining: a write replaces what it finds */
    PLANT_REUSED_NONCE,        /* nonces of random bytes alone */
    PLANT_LOST_RECEIPT,        /* a tablet takes sending for handing in */
    PLANT_UNSEEN_REPLACED,     /* a save replaces what came since she looked */
    PLANT_REVIVING_CHECKPOINT, /* what a checkpoint holds is applied again */
    PLANT_UNCHECKED_SIGNATURE, /* every signature fits */
    PLANT_LOCAL_STATE,         /* the state id depends on more than the set */
    PLANT_READABLE_LINE,       /* content in a field that travels openly */
    PLANT_WITHHELD,            /* the relay keeps things from one tablet */
    PLANT_WANDERING_CLOCK,     /* something asks the machine, not the seed */
    PLANT_ANY_LOG,             /* every log goes on from the one seen before */
    PLANT_ANY_GRANT,           /* whoever signs a key, it is taken */
    PLANT_EARLY_PURGE,         /* what the relay has received may be destroyed */
    PLANT_ACCEPT_REVOKED,      /* late work of a revoked tablet is joined unseen */
    PLANT_DROPPED_LINE,        /* the office drops lines of the access log */
    PLANT_DEVICE_LEASE,        /* leases go by the device's own clock */
    PLANT_KEPT_CASE,           /* an order to give a case back is confirmed and not done */
    PLANT_UNNAMED_DECIDED,     /* a decision replaces all, also what it does not name */
    PLANT_ANY_DECIDER,         /* whoever signs a decision, it is a person of the office */
    PLANT_FORMER_DROPPED,      /* the agency forgets its seal key of before at once */
    PLANT_COUNT
} sim_plant;
extern sim_plant sim_planted;
extern const char *const sim_plant_names[PLANT_COUNT];

/* ---- the plan: what a seed makes happen ---- */
typedef enum sim_event_kind {
    SIM_FOUND,
    SIM_EDIT,
    SIM_ASSIGN,
    SIM_SYNC,
    SIM_KILL,
    SIM_POWER_LOSS,
    SIM_DISK_ERROR,
    SIM_BACK_UP,
    SIM_RESTORE,
    SIM_CLONING,
    SIM_CLOCK_JUMP,
    SIM_PARTITION,
    SIM_CLOG,
    SIM_FORGE,
    SIM_RELAY_BACK_UP,
    SIM_RELAY_RESTORE,
    SIM_EVIL,
    SIM_ROTATE,
    SIM_WITHDRAW,
    SIM_NO_MEMORY,
    SIM_REVOKE,
    SIM_JUDGE,
    SIM_FOLD,
    SIM_KEY_CHANGE,
    SIM_LOOK,
    SIM_DECIDE,
    SIM_CONFIRM,
    SIM_REVERSE,
    SIM_EVENT_KINDS
} sim_event_kind;

typedef struct sim_event {
    sim_event_kind kind;
    int64_t at_ms;
    unsigned party;
    uint64_t draw; /* all else it needs */
} sim_event;

typedef struct sim_plan {
    uint64_t seed;
    unsigned tablets;
    bool real_signatures;
    bool has_evil;      /* the relay is not to be trusted */
    bool has_orders;    /* cases are taken from tablets and get new keys */
    bool has_little;    /* memory runs out now and then */
    bool has_lines;     /* tablets keep an access log */
    bool has_revoked;   /* tablets are revoked, and what they hand in is judged */
    bool has_leases;    /* an assignment is for a while */
    bool has_folds;     /* checkpoints of a few changes; tablets forget the past */
    bool has_keys;      /* keys of the agency change */
    bool has_decisions; /* persons at the office decide between values */
    unsigned loss, repeats, delays, cuts; /* of 100 messages */
    sim_event events[SIM_EVENTS_MAX];
    size_t count;
} sim_plan;

void sim_plan_draw(uint64_t seed, sim_plan *out);
void sim_plan_print(const sim_plan *plan, const bool *left_out);

/* ---- what is known from outside ---- */
typedef struct sim_write {
    unsigned case_index, field;
    unsigned value;  /* whose text it has: its own, or that of a side; SIM_WRITES_MAX: none */
    bool is_decided; /* by a person at the office */
    bool seen[SIM_WRITES_MAX]; /* which values of the field were on her screen */
} sim_write;

typedef struct sim_change {
    veld_hash id;
    unsigned case_index, party;
    unsigned writes[SIM_FIELDS];
    size_t writes_count;
    bool is_saved;    /* the call returned, or it was there after the crash */
    bool is_received; /* a receipt was told of */
    bool is_excused;  /* gone with the disk that was put back */
    bool is_forged;
    bool is_blind;        /* saved without seeing anything */
    bool may_be_admitted; /* late, and a person at the office began to admit it */
} sim_change;

/* A decision or a confirmation that somebody began to save. */
typedef struct sim_decision {
    veld_id id, of; /* of its record; a confirmation: of the decision's */
    unsigned case_index, person;
    bool is_confirmation;
} sim_decision;

/* What a person at the office saw of one conflict when she looked last. */
typedef struct sim_screen {
    bool is_used;
    unsigned case_index, field;
    char seen[VELD_DECISION_SEEN_SIZE];
    veld_write_id sides[SIM_SIDES_MAX]; /* rising */
    unsigned values[SIM_SIDES_MAX];
    size_t count;
} sim_screen;

typedef struct sim_case {
    veld_id id, records[SIM_FIELDS];
    unsigned founder;
    bool is_shared[SIM_PARTIES];    /* assigned */
    bool is_withdrawn[SIM_PARTIES]; /* and not assigned again since */
    bool was_withdrawn[SIM_PARTIES], is_unsure[SIM_PARTIES];
    uint32_t epoch_then[SIM_PARTIES]; /* the newest when it was withdrawn */
} sim_case;

/* ---- parties ---- */
typedef struct sim_small {
    uint8_t bytes[64];
    size_t len;
} sim_small;

/* What costs time to make, made once for all seeds: a vault and a fresh store in it. */
typedef struct sim_slot {
    veld_env env;
    uint64_t random;
    veld_now now;
    char home[200];
    veld_keystore keystore;
    veld_vault *vault;
    power_disk *disk, *fresh, *backup;
    sim_small continuity; /* as it was when the process began */
    sim_small fresh_continuity;
    veld_p256_public sign_key, seal_key;
    veld_id device;
} sim_slot;

typedef struct sim_world sim_world;

typedef struct sim_party {
    sim_world *world;
    sim_slot *slot;
    unsigned index;
    bool exists, is_up, is_forging, is_revoked;
    veld_store *store;
    veld_desk desk;
    veld_anchor anchor;
    veld_agency agency; /* as this party knows it */
    veld_agency_check check;
    bool may_have_keys; /* later ones, from an exchange that came to nothing */
    veld_sync *sync;
    veld_id boot;
    int64_t ahead_ms, boot_ms, start_ms;
    uint64_t exchange; /* under way; 0 none */
    int64_t gives_up_ms;
    int64_t parted_ms, clogged_ms; /* until */
    bool has_backup, was_restored, backed_up[SIM_CHANGES_MAX];
    sim_small backup_continuity;
    bool touched[SIM_CASES_MAX];
    uint64_t no_memory_at; /* in the next call: this allocation fails; 0 none */
    bool no_memory_stays;  /* and all after it */
    unsigned reports;      /* of another server, or of a log that is broken */
    unsigned reports_then; /* when an exchange last went well */
    unsigned pending_write[SIM_FIELDS], pending_case; /* of a save that died */
    size_t pending_count;
    bool pending_is_blind;
    bool pending_is_decided; /* with a record of that kind */
    veld_id pending_record;
    const char *pending_type;
    int64_t told_utc_ms, told_at_ms; /* the server's time, and when it came */
    veld_id told_boot;
    uint64_t over_serial[SIM_CASES_MAX]; /* of a lease that was over for long */
} sim_party;

typedef struct sim_message {
    bool is_used, to_relay;
    unsigned party;
    uint64_t exchange;
    int64_t at_ms;
    uint64_t order;
    bool is_cut, is_evil;
    veld_buf bytes;
} sim_message;

typedef struct sim_parked {
    veld_relay_turn *turn;
    unsigned party;
    uint64_t exchange;
} sim_parked;

typedef struct sim_relay {
    sim_slot *slot;           /* env and disk only */
    bool is_for[SIM_PARTIES]; /* the fork: whom it answers while it is up */
    srv_journal *journal;
    veld_relay *relay;
    veld_agency agency; /* by the statement in its folder */
    veld_agency_check check;
    veld_buf statement;
    bool is_up, has_backup;
    int64_t start_ms;
    uint64_t generation;
    sim_parked parked[SIM_PARKED_MAX];
} sim_relay;

/* What an evil relay does to the next answer of a party, and what it has kept to do it with. */
typedef enum sim_trick {
    TRICK_NONE,
    TRICK_OLD_ANSWER, /* one of before again */
    TRICK_WITHHOLD,   /* leaves parts out */
    TRICK_GARBLE,     /* turns a bit over */
    TRICK_SHUFFLE,    /* in another order */
    TRICK_OWN_KEY,    /* gives keys that it made itself */
    TRICK_CURSOR,     /* says another place in its journal */
    TRICK_UNSAID,     /* comes back from a copy and does not say so */
    TRICK_FORK,       /* tells some parties another history than others */
    TRICKS
} sim_trick;

typedef struct sim_evil {
    bool was_evil;
    sim_trick next[SIM_PARTIES];
    uint64_t draw[SIM_PARTIES];
    veld_buf old[SIM_PARTIES];
} sim_evil;

/* ---- the checkers ---- */
typedef enum sim_invariant {
    SIM_I1,  /* no acknowledged change is missing at server or author */
    SIM_I2,  /* equal sets, equal states */
    SIM_I3,  /* any order, any repetition, and a checkpoint: the same state */
    SIM_I4,  /* nothing visible that no authorised key signed */
    SIM_I5,  /* nothing readable on lines or the relay's disk */
    SIM_I6,  /* a nonce is never used twice for different bytes */
    SIM_I7,  /* no value vanishes unseen */
    SIM_I9,  /* who no longer has a case gets no later key of it, keeps none, and reads nothing */
    SIM_I10, /* the access log is whole, with a line for each change */
    SIM_I11, /* a log that does not go on from the one seen before is told */
    SIM_I12, /* same seed, same trace */
    SIM_LIVE /* all converge in the quiet phase */
} sim_invariant;
extern const char *const sim_invariant_names[];

typedef struct sim_seen_state {
    unsigned case_index;
    veld_hash set, state;
    uint64_t shown; /* with decisions: conflicts, decisions and values */
} sim_seen_state;

struct sim_world {
    sim_plan plan;
    int64_t now_ms;
    uint64_t random; /* of the lines */
    bool is_quiet;
    veld_buf statement; /* the first of the agency */
    veld_verifier verifier;
    veld_buf staff_entries[SIM_STAFF]; /* as they were signed */
    bool is_changing;                  /* a change of keys was begun and is not ended */
    unsigned key_changes;
    veld_schema_set *schemas;
    sim_party parties[SIM_PARTIES];
    sim_relay relay, fork;
    sim_evil evil;
    sim_message messages[SIM_MESSAGES_MAX];
    uint64_t orders, exchanges;
    sim_case cases[SIM_CASES_MAX];
    size_t cases_count;
    sim_change changes[SIM_CHANGES_MAX];
    size_t changes_count;
    sim_write writes[SIM_WRITES_MAX];
    size_t writes_count;
    sim_decision decisions[SIM_DECISIONS_MAX];
    size_t decisions_count;
    sim_screen screens[SIM_STAFF];
    sim_seen_state seen[1024];
    size_t seen_count;
    uint64_t trace;
    bool has_failed;
    sim_invariant broken;
    char why[400];
};

/* sim_fail: the first finding of a run is kept; the run ends. */
void sim_fail(sim_world *w, sim_invariant broken, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* sim_must: a call that no fault of ours can let fail. */
#define sim_must(w, expression)                                                                    \
    do {                                                                                           \
        veld_status must = (expression);                                                           \
        if (must != VELD_OK)                                                                       \
            sim_fail((w), SIM_LIVE, "%s:%d: %s", __FILE__, __LINE__, veld_status_name(must));      \
    } while (0)

/* ---- random.c ---- */
uint64_t sim_next(uint64_t *state);
bool sim_chance(uint64_t *state, unsigned of_hundred);
void sim_trace(sim_world *w, const void *bytes, size_t len);
void sim_trace_number(sim_world *w, uint64_t number);

/* ---- slot.c: made once ---- */
void sim_slots_open(void);
void sim_slots_close(void);
sim_slot *sim_slot_get(unsigned index);
const veld_p256_private *sim_root_key(void);
/* sim_relay_key: the relay's key of that name; NULL: its first.  sim_spare_key: one for each change
 * of a key of the agency. */
const veld_p256_private *sim_relay_key(const veld_p256_public *of);
const veld_p256_private *sim_spare_key(unsigned index);
const veld_p256_private *sim_staff_key(unsigned person);
/* The store's small file beside the store, which is not on the disk in memory. */
sim_small sim_continuity_get(const sim_slot *slot);
void sim_continuity_put(const sim_slot *slot, const sim_small *content);

/* ---- standin.c: signatures that cost nothing ---- */
veld_signer sim_signer(sim_party *p, bool forges);
veld_signer sim_standin_signer(const veld_p256_public *key);
veld_verifier sim_standin_verifier(void);

/* ---- cheap.c: stand-ins for what takes time ---- */
extern bool sim_agrees_for_real; /* secrets of two keys are computed on the curve */

/* ---- party.c ---- */
void sim_party_open(sim_world *w, unsigned index, const sim_slot *copy_of);
void sim_party_start(sim_party *p);
void sim_party_stop(sim_party *p);
/* sim_party_die: the process ends where it is; with the power when `power`. */
void sim_party_die(sim_party *p, bool power, uint64_t draw);
/* sim_party_after: what a call's status says of the party's disk: it may be down afterwards. */
void sim_party_after(sim_party *p, veld_status status);
void sim_clock(sim_party *p);

/* ---- memory.c ---- */
void sim_memory_open(void); /* before the library has any */
/* sim_memory_begin: a call of the library for this party begins.  sim_memory_end: it is over; did
 * memory run out in it? */
void sim_memory_begin(sim_party *p);
bool sim_memory_end(void);

/* ---- work.c: what people do ---- */
void sim_work_found(sim_party *p, uint64_t draw);
void sim_work_edit(sim_party *p, uint64_t draw);
void sim_work_assign(sim_world *w, uint64_t draw);
/* A case that is on this party's list, by chance; NULL when there is none. */
veld_case *sim_work_open(sim_party *p, uint64_t *draw, unsigned *index);
/* sim_work_look_for_pending: after a crash in a save: was it saved? */
void sim_work_look_for_pending(sim_party *p);
/* sim_work_after_save: what became of the save that is pending; closes `opened`.
 * sim_work_next_edit: a write in the making, of the text that `value` has (or its own). */
void sim_work_after_save(sim_party *p, veld_case *opened, veld_status status, const veld_hash *id);
veld_edit sim_work_next_edit(
    sim_world *w, unsigned case_index, unsigned field, unsigned value, char text[40]);
bool sim_work_has_room(const sim_world *w);
/* sim_field_look: which writes are visible on a field; by what is known of their changes. */
void sim_field_look(
    sim_world *w, unsigned case_index, veld_case *opened, unsigned field, bool *out);
const veld_state_field *sim_field_find(
    const sim_world *w, unsigned case_index, veld_case *opened, unsigned field);
/* sim_write_of: the write that an entry is; SIM_WRITES_MAX when its change is not known. */
unsigned sim_write_of(sim_world *w, unsigned field, const veld_entry *entry);

/* ---- decide.c: persons at the office ---- */
typedef struct sim_casework {
    veld_arena arena;
    const veld_decided *decided;
    size_t decided_count;
    const veld_conflict *open; /* the conflicts, and with what somebody wants to take back */
    size_t open_count;
    const veld_conflict *conflicts;
    size_t count;
} sim_casework;
/* sim_casework_open: release it whatever is returned. */
veld_status sim_casework_open(sim_party *p, veld_case *opened, sim_casework *out) VELD_MUST_CHECK;
void sim_casework_release(sim_casework *of);
/* sim_staff_id: of a user of the directory.  sim_staff_enrol: at the beginning of a seed. */
veld_id sim_staff_id(unsigned person);
void sim_staff_enrol(sim_world *w);
void sim_work_decide(sim_world *w, sim_event_kind kind, uint64_t draw);
/* sim_decision_edits: the record that says what was decided, signed by the person. */
enum { SIM_DECISION_EDITS_MAX = 10 };
veld_status sim_decision_edits(sim_world *w, unsigned person, veld_decision *said,
    veld_arena *arena, veld_edit out[SIM_DECISION_EDITS_MAX], size_t *count) VELD_MUST_CHECK;

/* ---- orders.c ---- */
void sim_work_rotate(sim_world *w, uint64_t draw);
void sim_work_withdraw(sim_world *w, uint64_t draw);

/* ---- keys.c ---- */
void sim_work_change_key(sim_world *w, uint64_t draw);
/* sim_keys_load: what this party knows of the agency, from its store. */
void sim_keys_load(sim_party *p);
/* sim_keys_finish: the office, when it starts: ends a change that was begun. */
void sim_keys_finish(sim_party *office);
/* sim_relay_keys: the relay has this statement in its folder from now on. */
void sim_relay_keys(sim_world *w, sim_relay *r, veld_span statement);
void sim_check_editions(sim_world *w); /* at the end */

/* ---- fold.c ---- */
void sim_work_fold(sim_party *p, uint64_t draw);
/* sim_has_folded: its row is not here any more, but the case knows it. */
bool sim_has_folded(sim_party *p, unsigned case_index, const veld_hash *change);

/* ---- lease.c ---- */
/* sim_lease_told: an answer was taken in.  sim_lease_reads: as her program decides it; checked
 * against what is known from outside (I9). */
void sim_lease_told(sim_party *p);
bool sim_lease_reads(sim_party *p, unsigned case_index);
/* Blind work on a tablet: this one; one that is not known yet; all. */
bool sim_blind_waits(sim_party *p, const veld_hash *id, bool *known);
bool sim_blind_new(sim_party *p, veld_hash *out);
size_t sim_blind_count(sim_party *p);

/* ---- revoke.c ---- */
void sim_work_revoke(sim_world *w, uint64_t draw);
void sim_work_judge(sim_world *w, uint64_t draw);
/* sim_relay_knows_revoked: as the relay's own process, from its journal. */
bool sim_relay_knows_revoked(sim_relay *r, sim_party *p);
/* sim_is_set_aside: does the change wait at the office, or was it refused? */
bool sim_is_set_aside(sim_world *w, const veld_hash *change);
void sim_check_unseen(sim_world *w); /* I4: at the end */

/* ---- line.c and relay.c ---- */
void sim_line_begin(sim_party *p);
void sim_line_deliver(sim_world *w);
int64_t sim_line_next_ms(const sim_world *w);
void sim_line_drop_all(sim_world *w);
void sim_line_answer(sim_world *w, unsigned party, uint64_t exchange, veld_span bytes);
/* The relay that a party talks to now. */
sim_relay *sim_relay_of(sim_world *w, unsigned party);
void sim_relay_open(sim_world *w);
void sim_relay_stop(sim_relay *r);
void sim_relay_start(sim_world *w, sim_relay *r);
void sim_relay_die(sim_world *w, sim_relay *r, bool power, uint64_t draw);
/* sim_relay_anew: an empty one in its place, with a journal of its own. */
void sim_relay_anew(sim_world *w);
void sim_relay_take(sim_world *w, unsigned party, uint64_t exchange, veld_span request);
void sim_relay_wake(sim_world *w);
veld_status sim_relay_serve(sim_party *p, veld_span request, veld_buf *answer, veld_error *err);

/* ---- evil.c ---- */
void sim_evil_event(sim_world *w, unsigned party, uint64_t draw);
/* sim_evil_answer: what `party` gets instead of `bytes`; `out` is the caller's and empty. */
bool sim_evil_answer(sim_world *w, unsigned party, veld_span bytes, veld_buf *out);
void sim_evil_end(sim_world *w);

/* ---- events.c, world.c ---- */
void sim_event_run(sim_world *w, const sim_event *event);
sim_world *sim_run(const sim_plan *plan, const bool *left_out);
void sim_world_free(sim_world *w);
void sim_quiet(sim_world *w);

/* ---- checks: one file for each invariant ---- */
typedef struct sim_view {
    sim_party *party;
    unsigned case_index;
    veld_case *opened;
    const veld_node *const *nodes;
    size_t count;
} sim_view;
/* sim_check_replica: all that can be said of one case on one party now. */
void sim_check_replica(sim_party *p, unsigned case_index);
void sim_check_touched(sim_party *p);
void sim_check_kept(sim_party *p);                  /* I1: after an opening */
void sim_check_taken_in(sim_party *p);              /* I1: what left the outbox is at the office */
void sim_check_all_kept(sim_world *w);              /* I1: at the end */
void sim_check_state(sim_world *w, sim_view *view); /* I2 */
void sim_check_orders(sim_world *w);                /* I3 */
void sim_check_authors(sim_world *w, sim_view *view); /* I4 */
void sim_check_proofs(sim_world *w);                  /* I4: at the end, from the rows up */
void sim_check_line(sim_world *w, veld_span bytes);   /* I5 */
void sim_check_values(sim_world *w, sim_view *view);  /* I7 */
void sim_check_decisions(sim_view *view);             /* I7, I4 */
uint64_t sim_shown(sim_view *view);                   /* for I2 */
void sim_check_no_other_cases(sim_world *w);          /* I4: at the end */
void sim_check_keys(sim_view *view);                  /* I9, I4 */
void sim_check_withdrawn(sim_world *w);               /* I9: at the end */
/* sim_lines_begin: what is done until the end is logged; NULL when nothing is.  sim_lines_end: the
 * lines are stored; what became of all of it. */
veld_access_log *sim_lines_begin(sim_party *p);
veld_status sim_lines_end(sim_party *p, veld_access_log *log, veld_status status);
void sim_check_lines(sim_world *w); /* I10: at the end */
/* I11: after an exchange that went well; `before` is what the party had seen. */
void sim_check_log(sim_party *p, const veld_log_head *before);
void sim_names_reset(void);
void sim_nonces_reset(void);
bool sim_nonces_clash(void); /* I6 */
sim_change *sim_change_find(sim_world *w, const veld_hash *id);
/* sim_value_number: which write a value is of; SIM_WRITES_MAX when of none. */
unsigned sim_value_number(veld_span value);
/* The fields that people write on in this seed. */
const char *sim_type(const sim_world *w, unsigned field);
const char *sim_field(const sim_world *w, unsigned field);
/* sim_field_asks: a person chooses between its values; two persons when `*two`. */
bool sim_field_asks(const sim_world *w, unsigned field, bool *two);

#endif
