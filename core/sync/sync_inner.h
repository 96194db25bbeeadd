/* sync_inner.h: what the files of the engine share. Inside the room. */
#ifndef VELD_SYNC_SYNC_INNER_H
#define VELD_SYNC_SYNC_INNER_H

#include "exchange.h"
#include "intake.h"
#include "veldkit/cbor.h"
#include "veldkit/frame.h"
#include "veldkit/head.h"
#include "veldkit/limits.h"
#include "veldkit/receipt.h"
#include "veldkit/sync.h"

#define SYNC_GROUP  "sync"       /* cursor, pending */
#define SYNC_POST   "post"       /* to hand in */
#define SYNC_POSTED "posted"     /* handed in: offered again to another server */
#define SYNC_DIRTY  "sync.dirty" /* merger: case ids */
#define SYNC_ENDED  "sync.ended" /* merger: case and device that it was taken from */
#define SYNC_ERASED "erased"     /* by case: merger: the stub; device: the order that was done */
#define SYNC_WIPE   "wipe"       /* in SYNC_GROUP: the post name of the confirmation to wait for */

/* What is on its way out, sealed once and sent until it is receipted: so a lost answer makes no
 * second copy at the relay. */
typedef struct sync_out {
    veld_hash id;
    veld_frame_type type;
    veld_priority priority;
    veld_buf bytes;
    veld_id case_id;
    veld_hash *changes; /* envelope: in order */
    size_t changes_count;
    veld_buf name;         /* in SYNC_POST; empty for others */
    uint64_t access_last;  /* batch of the access log: its last number */
    bool is_sent;          /* in the request under way */
    bool is_refused;       /* other than for room: nothing waits for it */
    unsigned refusals;     /* so often */
    int64_t not_before_ms; /* refused: then it is offered again, by the monotonic clock */
    bool is_done;
} sync_out;

/* An item that could not be opened yet; a case id of zeros: of which case is not known. */
typedef struct sync_waiting {
    veld_hash id;
    veld_id case_id;
} sync_waiting;
_Static_assert(sizeof(sync_waiting) == VELD_HASH_BYTES + VELD_ID_BYTES, "kept as it is");

typedef struct sync_waiting_list {
    sync_waiting *items;
    size_t count, capacity;
} sync_waiting_list;

typedef enum sync_phase {
    SYNC_STEADY,  /* going on from the cursor */
    SYNC_LISTING, /* hearing what the relay holds */
    SYNC_OFFERING /* handing in what it does not */
} sync_phase;

struct veld_sync {
    veld_sync_config config; /* its desk and its agency are those below */
    veld_desk desk;          /* quiet: an exchange shows nothing to a person */
    veld_agency agency;      /* a later statement that came replaces it */
    veld_agency_check check; /* what the desk verifies with */
    veld_verifier now;       /* for what comes in: a former key of the merger says nothing new */
    veld_keyring keyring;    /* of the desk that was given */
    bool is_waiting;         /* for an answer */

    /* kept in the store */
    exchange_cursor cursor; /* its log is that of the last receipt */
    sync_waiting_list pending;
    sync_waiting_list parked,
        unparked; /* to be kept in, or taken from, the store with the cursor */

    uint64_t cut_upto;          /* merger: the highest place of a revocation in this journal */
    veld_buf revoked_meanwhile; /* merger: ids of devices, since the request under way */
    veld_id journal_now;        /* while taking an answer in: whose places it proves */
    sync_waiting_list keyed;    /* cases of which a key came, or what it is judged by; ids only */

    sync_phase phase;
    exchange_ask past; /* what is asked for of the past of a case */
    bool asks_past;    /* in the request under way */
    bool has_more_past;
    bool must_compare;      /* rows were dropped: hear what the relay holds */
    exchange_holding *held; /* what the relay said it holds, while comparing; offering: by case */
    size_t held_count, held_capacity;

    sync_out *outs;
    size_t outs_count, outs_capacity;
    size_t outs_before; /* while collecting: so many were there */
    bool has_offered;   /* while offering: all that the relay lacks is in outs */
    size_t retry_count; /* so many of pending, from the first, are to be asked for again */
    sync_waiting wanted[VELD_EXCHANGE_WANTS_MAX]; /* asked for now: the first of pending */
    size_t wanted_count;
    bool has_held_back; /* since the last case was taken in: of a revoked device */
    bool has_leftover;  /* more to send than one request took */
    bool has_more;      /* the relay has more */

    /* the answer under way */
    veld_frame_reader reader;
    veld_arena arena;
    veld_frame *frames;
    size_t frames_count, frames_capacity;
    size_t bytes_up, bytes_down;

    veld_sync_result result;
    uint64_t page_bytes;
    unsigned failures;
    int64_t next_ms;
};

/* ---- sync_state.c: what is kept ---- */
veld_status sync_load(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_keep: cursor, pending and the anchor, in one transaction. */
veld_status sync_keep(veld_sync *sync, int64_t server_utc_ms, veld_error *err) VELD_MUST_CHECK;
/* sync_compare_anew: the next engine on this store hears all that the relay holds, and asks for
 * what is not here. No exchange is under way. */
veld_status sync_compare_anew(veld_store *store, veld_error *err) VELD_MUST_CHECK;
/* sync_next_serial: of the merger's grants and orders; rising, also when a backup was put back. */
veld_status sync_next_serial(veld_sync *sync, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
veld_status sync_set_dirty(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_wanted.c: what is asked for by its id ---- */
/* sync_write_wanted: into a request: the first of what is to be asked for again. */
veld_status sync_write_wanted(
    veld_sync *sync, veld_frame_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_pending.c: what cannot be opened yet ---- */
/* sync_add_pending: whatever their number: what was kept, or is to be asked for.
 * sync_wait_for_key: what came; parked when there are VELD_SYNC_PENDING_MAX of them. */
veld_status sync_add_pending(
    veld_sync *sync, const veld_hash *id, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
veld_status sync_wait_for_key(
    veld_sync *sync, const veld_hash *id, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* sync_note_key: a key of the case came, or what it is judged by.  sync_ask_again: after an answer
 * was taken in: what waited for those is asked for, or all. */
veld_status sync_note_key(veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
veld_status sync_ask_again(veld_sync *sync, bool all, veld_error *err) VELD_MUST_CHECK;
/* sync_is_waiting: does anything of the case, or of which it is not known? */
veld_status sync_is_waiting(
    veld_sync *sync, const veld_id *case_id, bool *out, veld_error *err) VELD_MUST_CHECK;
/* sync_is_item_waiting: does this item, of that case? Between exchanges. */
veld_status sync_is_item_waiting(veld_sync *sync, const veld_hash *id, const veld_id *case_id,
    bool *out, veld_error *err) VELD_MUST_CHECK;
/* sync_keep_parked: inside the transaction of sync_keep.  sync_forget_parked: it was durable. */
veld_status sync_keep_parked(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
void sync_forget_parked(veld_sync *sync);
void sync_release_pending(veld_sync *sync);

/* ---- sync_out.c: what goes out ---- */
/* sync_collect: make what is to be handed in and is not under way yet. */
veld_status sync_collect(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_collect_unsent: what no receipt is here for, whatever the phase; cases that are not reached
 * by `until_ms` are left for another time. */
veld_status sync_collect_unsent(veld_sync *sync, int64_t until_ms, veld_error *err) VELD_MUST_CHECK;
/* sync_by_case: for qsort of veld_store_unsent: by case, then as they were saved. */
int sync_by_case(const void *a, const void *b);
/* sync_order: what may go now, the most urgent first. Release `out`. */
veld_status sync_order(
    veld_sync *sync, sync_out ***out, size_t *count, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_post.c: what is posted ---- */
/* sync_is_post_of: is this row of what is posted a grant, head, checkpoint or admitted work of the
 * case?  sync_drop_posts: none of them is offered to any relay again. */
bool sync_is_post_of(veld_span name, veld_span body, const veld_id *case_id);
/* sync_posted_bytes: the item in a row of what is posted; empty when it is none. */
veld_span sync_posted_bytes(veld_span row);
veld_status sync_drop_posts(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* sync_post: keep an item to be handed in under a name that a later one replaces. */
veld_status sync_post(veld_sync *sync, veld_span name, veld_frame_type type, veld_span bytes,
    veld_error *err) VELD_MUST_CHECK;
veld_status sync_is_posted(
    veld_sync *sync, veld_span name, bool *out, veld_error *err) VELD_MUST_CHECK;
/* sync_move_posted: from SYNC_POST to SYNC_POSTED, when it is still these bytes.
 * sync_repost: all of them back. */
veld_status sync_move_posted(
    veld_sync *sync, veld_span name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
veld_status sync_repost(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_collect_posts: what is not under way yet; a later one takes the place of an earlier. */
veld_status sync_collect_posts(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_has_new_posts: something was posted that is not under way. */
veld_status sync_has_new_posts(veld_sync *sync, bool *out, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_heads.c ---- */
/* sync_post_heads: merger: of all cases that changed. */
veld_status sync_post_heads(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;

/* ---- forks.c ---- */
/* sync_note_forks: tell, once, of a chain that gave one number twice. */
veld_status sync_note_forks(
    veld_sync *sync, const veld_id *case_id, veld_case *opened, veld_error *err) VELD_MUST_CHECK;

/* sync_new_out: a new entry; bytes are copied and named. */
veld_status sync_new_out(veld_sync *sync, veld_frame_type type, veld_span bytes, sync_out **out,
    veld_error *err) VELD_MUST_CHECK;
/* sync_post_directory_heads: a head for every entry of the directory that has none yet. */
veld_status sync_post_directory_heads(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_take_directory_heads: of the answer, so many as `*count`; what does not fit is told and kept
 * and ends no exchange. */
veld_status sync_take_directory_heads(
    veld_sync *sync, size_t *count, veld_error *err) VELD_MUST_CHECK;
/* sync_take_statements: of the answer: later ones are taken over, what does not fit is told. Before
 * all else, since the receipt may be by a key that only they name. */
veld_status sync_take_statements(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* ---- sync_introduce.c ---- */
/* sync_introduce_case: to each device that has the case: who has it and who wrote in it.
 * sync_note_authors: the same for a case that changed.  sync_introduce_entry: a new entry, to its
 * device and to all who have the one before. */
veld_status sync_introduce_case(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
veld_status sync_note_authors(veld_sync *sync, veld_case *opened, veld_error *err) VELD_MUST_CHECK;
veld_status sync_introduce_entry(
    veld_sync *sync, const veld_id *device, veld_span entry, veld_error *err) VELD_MUST_CHECK;
/* sync_take_introduction: device; `*changed`: a key came that may open what waits.
 * sync_retry_introductions: those that could not be proved before. */
veld_status sync_take_introduction(
    veld_sync *sync, veld_span body, bool *changed, veld_error *err) VELD_MUST_CHECK;
veld_status sync_retry_introductions(
    veld_sync *sync, bool *changed, veld_error *err) VELD_MUST_CHECK;

/* sync_list_cases: append the ids of all cases, so that none is opened while a list is walked. */
veld_status sync_list_cases(veld_sync *sync, veld_buf *ids, veld_error *err) VELD_MUST_CHECK;
void sync_drop_done(veld_sync *sync);
void sync_release_outs(veld_sync *sync);

/* ---- sync_grants.c: keys that go out ---- */
/* sync_post_grant: the key of terms->epoch.  Expects: VELD_E_NOT_FOUND (it is not held here). */
veld_status sync_post_grant(veld_sync *sync, const veld_store_case *keys,
    const veld_grant_terms *terms, const veld_p256_public *to, veld_error *err) VELD_MUST_CHECK;
/* sync_grant_founded: the key of a case that was founded here to the agency, once. */
veld_status sync_grant_founded(
    veld_sync *sync, const veld_store_case *keys, veld_error *err) VELD_MUST_CHECK;
/* sync_grant_again: device: those that are to be handed in and are sealed to a key that the agency
 * changed since are made anew for the present one. */
veld_status sync_grant_again(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_assign_to_founder: who founded a case has it: the merger's own grant lets the device fetch
 * what others add. */
veld_status sync_assign_to_founder(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* sync_mark_ended: the case was taken from the device (or no longer: it was assigned anew). */
veld_status sync_mark_ended(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    bool ended, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_authority.c ---- */
/* sync_post_aside: merger: the word to its author that a change is kept for review; once. */
veld_status sync_post_aside(
    veld_sync *sync, const veld_change *change, veld_error *err) VELD_MUST_CHECK;
/* sync_set_aside: does the change, of an envelope at this proved place, go to the quarantine? Then
 * it is kept there, and its author is told. */
veld_status sync_set_aside(veld_sync *sync, veld_case *opened, veld_change *change, uint64_t place,
    bool *aside, veld_error *err) VELD_MUST_CHECK;
/* sync_take_aside: the office keeps a change of this device for review. */
veld_status sync_take_aside(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_cut.c: until where a revoked device counts ---- */
/* sync_load_cuts: after the cursor.  sync_void_cuts: the journal is another one, or not the same
 * any more: no place in it is before a revocation. */
veld_status sync_load_cuts(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status sync_void_cuts(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_note_cut: an entry of the directory was answered with its place in the journal (0: it did
 * not take it). What a revoked device handed in before that place is in time. */
veld_status sync_note_cut(veld_sync *sync, veld_span entry, const veld_id *journal, uint64_t seq,
    veld_error *err) VELD_MUST_CHECK;
/* sync_asks_places: may something of a revoked device still be in time? */
bool sync_asks_places(const veld_sync *sync);
/* sync_is_in_time: was it handed in before the relay knew that its author is revoked? Other tablets
 * may have it then. `place`: as it was proved, or 0. */
veld_status sync_is_in_time(veld_sync *sync, const veld_id *device, uint64_t place, bool *out,
    veld_error *err) VELD_MUST_CHECK;

/* ---- held_back.c: changes of revoked devices, on a device ---- */
/* sync_join_held: those that the head covers.  sync_join_held_of: by the head that is kept. */
veld_status sync_join_held(
    veld_sync *sync, veld_case *opened, const veld_head *head, veld_error *err) VELD_MUST_CHECK;
veld_status sync_join_held_of(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* ---- parcel.c ---- */
/* parcel_put_page: a request with these items, and how many changes each has, as a page. */
veld_status parcel_put_page(const char *program, sync_out *const *outs, size_t count,
    veld_buf *pages, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_orders.c ---- */
veld_status sync_take_confirmation(
    veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_orders_do.c ---- */
veld_status sync_take_order(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;
/* sync_do_orders: those that can be done now, in order. */
veld_status sync_do_orders(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_put_todo: as a CBOR array of their bytes: those that were heard and not done. */
veld_status sync_put_todo(
    veld_store *store, veld_cbor_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* ---- checkpoint_give.c ---- */
/* sync_begin_at_checkpoint: merger: when the case is new to the device: a checkpoint goes out
 * before its grants, which are those from sync_floor on. Inside a transaction.
 * sync_floor: the lowest epoch that is given to the device; with NULL the highest such of all. */
veld_status sync_begin_at_checkpoint(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    veld_error *err) VELD_MUST_CHECK;
veld_status sync_floor(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    uint32_t *out, veld_error *err) VELD_MUST_CHECK;

/* ---- past_fetch.c ---- */
/* sync_next_past: what to ask for now. sync_take_told: how far that came. */
veld_status sync_next_past(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status sync_take_told(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;

/* ---- compact.c ---- */
/* sync_last_head: the one that is kept; ids live in `arena`. */
veld_status sync_last_head(veld_store *store, const veld_id *case_id, veld_arena *arena,
    veld_head *out, bool *there, veld_error *err) VELD_MUST_CHECK;
/* sync_keep_head: device: the newest verified head of a case, as it was signed. */
veld_status sync_keep_head(
    veld_sync *sync, const veld_head *head, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* ---- divergence.c ---- */
/* sync_check_state: device: a verified head: is the state here the one that the agency has of the
 * same changes? If not the case is rebuilt and opened anew.
 * sync_settle_divergences: device: those that are over. */
veld_status sync_check_state(
    veld_sync *sync, veld_case **opened, const veld_head *head, veld_error *err) VELD_MUST_CHECK;
veld_status sync_settle_divergences(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_note_divergence: merger: a line of a device's access log that may tell of one. */
veld_status sync_note_divergence(veld_sync *sync, veld_span line, veld_error *err) VELD_MUST_CHECK;

/* ---- glass_hold.c: cases that are here for an emergency ---- */
/* sync_hold: device: parts of one case. `*held`: they were dealt with; else they go to intake_case,
 * for which `into` was told whether emergency grants count. */
veld_status sync_hold(veld_sync *sync, intake *into, const intake_part *parts, size_t count,
    bool *held, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_blind.c: what was sealed to the agency when it was saved ---- */
veld_status sync_collect_blind(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_take_blind: what a verified head names need not be kept any more. */
veld_status sync_take_blind(
    veld_sync *sync, const veld_head *head, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_in.c: what came in ---- */
veld_status sync_take(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_received.c: what became of what was sent ---- */
/* sync_take_receipt: what it names is received; what it does not is not under way any more. A
 * receipt of a log that ours does not go on to (`is_reset`) is not kept as the log seen last. */
veld_status sync_take_receipt(
    veld_sync *sync, const veld_receipt *receipt, bool is_reset, veld_error *err) VELD_MUST_CHECK;
veld_status sync_take_refusal(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;
/* sync_take_head: device: what a head of the agency covers is taken in. */
veld_status sync_take_head(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;
void sync_tell_refused(
    veld_sync *sync, const veld_id *case_id, veld_status status, const char *what);
/* sync_pass_over: VELD_OK when `status` is about one item only, which is then told as refused. */
veld_status sync_pass_over(veld_sync *sync, const veld_id *case_id, veld_status status,
    const veld_error *why, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_compare.c: with a server that is another one, or came back from a copy ---- */
/* sync_start_comparing: all it holds is to be listed.  sync_take_holdings: a part of the list.
 * sync_want_missing: the list is whole; what is not here is to be asked for. */
veld_status sync_start_comparing(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status sync_take_holdings(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;
veld_status sync_want_missing(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_lacks: by its list, does it lack the change, or may it hold it in a form that is closed to
 * who has the case? `has_floor`: somebody got no key older than a checkpoint's. */
bool sync_lacks(const veld_sync *sync, const veld_id *case_id, veld_graph *graph,
    const veld_node *node, bool has_floor);

/* ---- sync_access.c: the access log ---- */
/* sync_collect_access: device: the next batch, when none is under way.
 * sync_collect_all_access: all of them, as far as there is time.
 * sync_access_received: the relay has it.  sync_access_sent: it has all up to this line.
 * sync_access_again: to another server from the first that
 * is here.  sync_has_access: there is more to hand in. */
veld_status sync_collect_access(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status sync_collect_all_access(
    veld_sync *sync, int64_t until_ms, veld_error *err) VELD_MUST_CHECK;
veld_status sync_access_received(
    veld_sync *sync, const sync_out *out, veld_error *err) VELD_MUST_CHECK;
veld_status sync_access_sent(veld_store *store, uint64_t number, veld_error *err) VELD_MUST_CHECK;
veld_status sync_access_again(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status sync_has_access(veld_sync *sync, bool *out, veld_error *err) VELD_MUST_CHECK;
/* sync_take_access: merger: a batch; device: the agency's word that it keeps one. */
veld_status sync_take_access(veld_sync *sync, veld_span body, veld_error *err) VELD_MUST_CHECK;

/* ---- erase.c ---- */
veld_status sync_is_erased(
    veld_sync *sync, const veld_id *case_id, bool *out, veld_error *err) VELD_MUST_CHECK;
/* sync_take_late: parts of one erased case came: envelopes that were not here before go to the
 * quarantine. */
veld_status sync_take_late(
    veld_sync *sync, const intake_part *parts, size_t count, veld_error *err) VELD_MUST_CHECK;
/* ---- sync_again.c ---- */
/* sync_say_again: after another key signs for the agency: what was posted with the one before and
 * still holds is posted again with the present one. Once for each key; a crash does it anew. */
veld_status sync_say_again(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
/* sync_order_again (sync_orders.c): an order that is not confirmed, signed anew and appended to
 * `out`; who confirms the one before has done it too. */
veld_status sync_order_again(
    veld_sync *sync, veld_span bytes, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* sync_end_erasures: those that a crash cut. */
veld_status sync_end_erasures(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;

void sync_tell(veld_sync *sync, const veld_sync_event *event);
bool sync_has_more(const veld_sync *sync);

#endif
