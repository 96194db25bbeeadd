/* sync.h: the exchange engine of a tablet and of the merger, without sockets, clock or threads.
 *
 *            begin                feed, feed, ... finish
 *   IDLE ------------> WAITING ----------------------------> IDLE     counters; next_ms
 *     ^                   |
 *     +------- fail ------+       cut, refused, timed out: back off with jitter, unlimited retries
 *
 * One exchange is one `POST /v1/exchange`: `begin` writes the request's body, `feed` takes the
 * answer's body as it comes, `finish` is called at its end and only then anything has effect: an
 * answer that was cut anywhere changes nothing. Everything is idempotent by the ids of changes.
 *
 * Nothing is lost: a change stays in the outbox until a head that the merger signed covers it. A
 * relay's receipt says that it need not be sent again. When the relay does not know our place in
 * its journal (restored or another server), the engine compares what both hold and offers again all
 * that the relay lacks.
 *
 * The merger gives the key of a case that is new to it to the device that founded it, so that the
 * device may fetch what others add.
 *
 * A device hands in the lines of its access log, right after danger and home ban; the merger keeps
 * them and signs up to where it has them all, and the device forgets those.
 *
 * Kept in the store, values: "sync" (cursor, seqs to ask for again), "receipts" (by change id),
 * "post" and "posted" (grants, heads and directory entries to hand in, and handed in), "sync.dirty"
 * (merger: cases whose head is to be signed).
 *
 * Expects, all that touch the store or cases: as store.h and case.h.
 * Thread: as the cases. Source: design, sync; proto/WIRE.md, "Exchange". */
#ifndef VELDKIT_SYNC_H
#define VELDKIT_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/anchor.h"
#include "veldkit/bytes.h"
#include "veldkit/case.h"
#include "veldkit/directory.h"
#include "veldkit/grant.h"
#include "veldkit/order.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_sync veld_sync;

typedef enum veld_sync_role { VELD_SYNC_DEVICE, VELD_SYNC_MERGER } veld_sync_role;

typedef enum veld_sync_event_kind {
    VELD_SYNC_RECEIVED = 1, /* "ontvangen": the relay has the change */
    VELD_SYNC_TAKEN_IN,     /* "opgenomen": changes of the case left the outbox; `count` */
    VELD_SYNC_CASE_CHANGED, /* `count` changes came in: open cases must be opened again */
    VELD_SYNC_CASE_NEW,     /* a case that was not here before */
    VELD_SYNC_REFUSED,      /* something was left out or refused: `status`, `text` with ids */
    VELD_SYNC_OTHER_SERVER, /* the relay does not know our place: comparing all */
    VELD_SYNC_LOG_BROKEN,   /* the relay's signed log does not go on from the one seen before */
    VELD_SYNC_ORDER_DONE,   /* device: what `order` said was destroyed; all was handed in before */
    VELD_SYNC_ORDER_CONFIRMED, /* merger: the device did `order` */
    VELD_SYNC_SET_ASIDE,       /* merger: `change` went to the quarantine */
    VELD_SYNC_FORK, /* merger: a device gave one number to two changes: it was copied; `count` */
    VELD_SYNC_DIRECTORY_BROKEN, /* two histories of the agency's keys, or heads are missing */
    VELD_SYNC_DIVERGED, /* the same changes, another state (divergence.h); `count` rows are fetched
                          again; with VELD_OK it is over */
    VELD_SYNC_NO_ROOM,  /* the relay takes no more of this device for now: it stays here, and goes
                           later */
    VELD_SYNC_PARKED    /* `count` items that cannot be opened were put by, as too many wait */
} veld_sync_event_kind;

typedef struct veld_sync_event {
    veld_sync_event_kind kind;
    veld_id case_id;  /* zero when it concerns none */
    veld_hash change; /* RECEIVED */
    size_t count;
    veld_status status;
    const char *text;        /* for the call; may be NULL */
    const veld_order *order; /* ORDER_DONE, ORDER_CONFIRMED: for the call */
} veld_sync_event;

/* All is borrowed and must outlive the engine. While the engine runs finish, no case of the store
 * is open elsewhere for saving. */
typedef struct veld_sync_config {
    const veld_desk *desk; /* keyring: veld_directory_keyring */
    const char *program;
    veld_sync_role role;
    const veld_agency *agency;
    veld_anchor *anchor; /* kept up to date; desk->anchor points to it too. NULL for the merger */
    void *context;
    void (*event)(void *context, const veld_sync_event *event); /* may be NULL */
    /* Merger only, may be NULL: answer an enrolment (enrol.h); leaves `answer` empty when a person
     * has to approve first. Whatever status is returned, the engine goes on; one that says that it
     * is no request lets the relay forget it. */
    veld_status (*enrol)(void *context, veld_span request, veld_buf *answer, veld_error *err);
    /* Merger only, may be NULL: called once or more for each case that changed, before its head is
     * signed; a crash makes it be called again. What it posts goes out with that head. */
    veld_status (*changed)(void *context, const veld_id *case_id, veld_error *err);
    /* Merger only, may be NULL: the profile of the agency: is a case that is assigned to a device
     * to be read on it now, and until when at most? What is not gets no key, or a lease that is
     * over where the key is there already. Emergency grants are not asked about. */
    veld_status (*pack)(void *context, const veld_id *case_id, const veld_id *device, bool *is_in,
        int64_t *until_utc_ms, veld_error *err);
    /* Merger only: a case of so many changes goes to a device that does not have it as a checkpoint
     * and what comes after; 0 = VELD_SYNC_CHECKPOINT_MIN. */
    size_t checkpoint_min;
} veld_sync_config;

/* veld_sync_new: Owns: free with veld_sync_free; NULL is fine. */
veld_status veld_sync_new(
    const veld_sync_config *config, veld_sync **out, veld_error *err) VELD_MUST_CHECK;
void veld_sync_free(veld_sync *sync);

/* ---- one exchange ---- */
/* veld_sync_begin: append the request's body to `out`. `wait_ms` (0 to VELD_EXCHANGE_WAIT_MS_MAX)
 * is how long the relay may hold its answer back when it has nothing to tell.
 * Expects: VELD_E_LIMIT (the buffer's maximum: VELD_EXCHANGE_BYTES_MAX fits). On error the engine
 *          is idle and `out` as it was. */
veld_status veld_sync_begin(
    veld_sync *sync, uint32_t wait_ms, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_feed: bytes of the answer, in order, any number of them.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (the text names both versions), VELD_E_DAMAGED.
 *          Afterwards call veld_sync_fail. */
veld_status veld_sync_feed(veld_sync *sync, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

typedef struct veld_sync_result {
    size_t sent;     /* changes that were handed in and receipted now */
    size_t receipts; /* own changes received for the first time */
    size_t received; /* changes of others that were new here */
    size_t taken_in; /* own changes that left the outbox */
    size_t refused;  /* by either side */
    size_t bytes_up;
    size_t bytes_down;
    bool more;         /* one side has more to say: begin again at once */
    bool has_new_keys; /* device: a later statement of the agency was taken over */
} veld_sync_result;

/* veld_sync_finish: the answer is whole: take it in. On an error that concerns one item or case
 * only, an event tells and the rest goes on.
 * Expects: VELD_E_DAMAGED (cut), VELD_E_FORM, VELD_E_FORGED (receipt, or a log that was rewritten):
 *          nothing was taken in then; as the store. The engine is idle afterwards and has backed
 *          off on error. */
veld_status veld_sync_finish(
    veld_sync *sync, veld_sync_result *out, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_fail: the exchange came to nothing (cut line, refused, timed out): back off. Also fine
 * when idle: no connection could be made. */
void veld_sync_fail(veld_sync *sync);

/* ---- a new seal key of the agency (merger) ---- */
/* veld_sync_rewrap_begin: from now on case keys are to be wrapped anew; in the transaction that
 * changes the key.  veld_sync_rewrap: what is left of that, so many cases; none when nothing is
 * due. Cut anywhere, it goes on from there the next time.  Expects: as the store. */
veld_status veld_sync_rewrap_begin(veld_sync *sync, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_rewrap(veld_sync *sync, size_t *done_count, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_last_serial: none of the merger's grants and orders until now has a higher one.
 * Expects: as the store. */
veld_status veld_sync_last_serial(veld_sync *sync, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* veld_sync_refused: so much the relay refused to this engine and signed no receipt for since; it
 * is offered again. */
size_t veld_sync_refused(const veld_sync *sync);

/* ---- when ---- */
/* veld_sync_next_ms: the monotonic time at which to begin again: now when there is more to say,
 * VELD_SYNC_IDLE_MS after a success, 1 s doubling to VELD_SYNC_BACKOFF_MS_MAX with jitter after
 * failures. veld_sync_wake: something was saved, or the network is back: begin now. */
int64_t veld_sync_next_ms(const veld_sync *sync);
void veld_sync_wake(veld_sync *sync);

/* ---- what the merger hands in besides ---- */
/* veld_sync_post_grant: assign a case (assignment.h): give `to` its keys, of all epochs held, with
 * the next exchange. Also for who has them: the lease is then renewed.
 * Units:   lease_ms from now; 0 = until withdrawn.
 * Expects: VELD_E_NOT_FOUND (no such case here). */
veld_status veld_sync_post_grant(veld_sync *sync, const veld_id *case_id,
    const veld_directory_entry *to, veld_grant_purpose purpose, int64_t lease_ms,
    veld_error *err) VELD_MUST_CHECK;
/* veld_sync_post_epoch: a new key for a case, sealed to the agency and to the devices of `keep`,
 * which are assigned to the case. From then on the office and they seal with it; who is not among
 * them reads nothing that is new. One transaction, or part of the caller's. `epoch` may be NULL.
 * Expects: VELD_E_NOT_FOUND (no such case here, or a device that is not assigned), VELD_E_LIMIT
 *          (VELD_STORE_EPOCHS_MAX). */
veld_status veld_sync_post_epoch(veld_sync *sync, const veld_id *case_id, const veld_id *keep,
    size_t count, uint32_t *epoch, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_post_entry: hand in a directory entry that veld_directory_make made. */
veld_status veld_sync_post_entry(
    veld_sync *sync, const veld_id *device, veld_span entry, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_post_head: sign the head of this case with the next exchange: the office saved. */
veld_status veld_sync_post_head(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* veld_sync_post_order: number an order for a device and hand it in (order.h); it is kept, and
 * veld_order_each tells whether the device confirmed it. `case_id` is NULL with WIPE. One
 * transaction, or part of the caller's. `serial` may be NULL.
 * veld_sync_unassign: take a case from a device: a new epoch for who still has it, and with
 * `with_order` the order to withdraw it. Fine when it is not assigned. */
veld_status veld_sync_post_order(veld_sync *sync, const veld_id *device, veld_order_kind kind,
    const veld_id *case_id, veld_order_reason reason, uint64_t *serial,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_unassign(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    veld_order_reason reason, bool with_order, veld_error *err) VELD_MUST_CHECK;

/* veld_sync_has_ended: was the case taken from the device, and not given anew since?
 * veld_sync_revoke: the device is no longer one of the agency's: a directory entry for all, new
 * epochs of its cases for who is left, and orders to withdraw each, or with `wipe` to wipe all. One
 * transaction. What it hands in from now on is set aside (quarantine.h). `cases` counts them.
 * veld_sync_renew: the device was in contact: new leases for those that are half over.
 * veld_sync_renew_case: the same for all who have a case: what is to be read on a day changed.
 * Expects: renewing VELD_E_NOT_FOUND (no such device). */
veld_status veld_sync_has_ended(veld_sync *sync, const veld_id *case_id, const veld_id *device,
    bool *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_revoke(veld_sync *sync, const veld_directory_entry *device, bool wipe,
    size_t *cases, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_renew(
    veld_sync *sync, const veld_id *device, size_t *renewed, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_renew_case(
    veld_sync *sync, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_decide: admit a change that was set aside, or refuse it for good: it is kept either
 * way, with `why`. An admitted one is joined, sealed anew and handed in to all who have the case.
 * Expects: VELD_E_NOT_FOUND, VELD_E_STALE (decided otherwise before), VELD_E_LIMIT (`why`). */
veld_status veld_sync_decide(veld_sync *sync, const veld_hash *change, bool admit, veld_span why,
    veld_error *err) VELD_MUST_CHECK;

typedef struct veld_order_state {
    veld_order order;
    int64_t confirmed_utc_ms; /* 0 = not yet */
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t last_number; /* see veld_confirmation */
} veld_order_state;
/* veld_order_each: all orders that were given to a device (NULL: to any), in no order that means
 * anything; stops when `each` returns another status than VELD_OK, and returns it. */
veld_status veld_order_each(veld_store *store, const veld_id *device, void *context,
    veld_status (*each)(void *context, const veld_order_state *state, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

/* ---- what a device has done by order ---- */
/* veld_sync_unsent_access: lines of the own access log that no relay has a receipt of.
 * Expects: as the store. */
veld_status veld_sync_unsent_access(
    veld_store *store, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
/* veld_sync_has_orders: an order was heard and is not done yet: the office has not signed for all
 * that was made here of what is to be destroyed.
 * veld_sync_must_wipe: all cases are destroyed by order and the relay has the confirmation: now the
 * vault itself is to be removed. */
veld_status veld_sync_has_orders(veld_store *store, bool *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sync_must_wipe(veld_store *store, bool *out, veld_error *err) VELD_MUST_CHECK;

/* veld_sync_doubtful: device: append the ids (rising) of the changes of a case that were joined
 * here although their author is revoked, or they are the office's by a key that it changed since,
 * and no head of the agency that came covers them: a relay showed them before that was heard. It
 * follows from what is here, so a head ends it.
 * Expects: VELD_E_LIMIT (the maximum of `out`), VELD_E_MEMORY, as the store. */
veld_status veld_sync_doubtful(
    const veld_desk *desk, veld_case *opened, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_sync_is_forked: did this device give one number to two changes, as far as the merger knows?
 * Then a copy of it is, or was, in use. */
veld_status veld_sync_is_forked(
    veld_store *store, const veld_id *device, bool *out, veld_error *err) VELD_MUST_CHECK;

/* ---- the two steps of handing in ---- */
typedef struct veld_handover {
    uint64_t seq;            /* in the relay's journal; 0 = not yet received */
    int64_t received_utc_ms; /* signed server time of the receipt */
    int64_t taken_in_utc_ms; /* time of the head that covers it; 0 = not yet */
    int64_t aside_utc_ms; /* when the office signed that it keeps it for review; 0 = it did not */
} veld_handover;

/* veld_handover_get: how far an own change came; all zero when nothing is known yet. */
veld_status veld_handover_get(veld_store *store, const veld_hash *change, veld_handover *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_handover_each: of all own changes that a receipt is here for, in no order that means
 * anything; stops when `each` returns another status than VELD_OK, and returns it. */
veld_status veld_handover_each(veld_store *store, void *context,
    veld_status (*each)(
        void *context, const veld_hash *change, const veld_handover *step, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
/* veld_handover_put: keep it. */
veld_status veld_handover_put(veld_store *store, const veld_hash *change,
    const veld_handover *value, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
