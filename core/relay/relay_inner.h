/* relay_inner.h: what the files of the relay share. Inside the room. */
#ifndef VELD_SYNC_RELAY_INNER_H
#define VELD_SYNC_RELAY_INNER_H

#include "../sync/exchange.h"
#include "veldkit/limits.h"
#include "veldkit/receipt.h"
#include "veldkit/relay.h"

/* An enrolment on its way to the merger and back. */
typedef struct enrol_waiting {
    veld_hash id;
    veld_buf request;
    veld_buf answer; /* empty until the merger answered */
    int64_t since_ms;
    int64_t told_ms; /* when the merger last heard of it; 0 = never */
    bool used;
} enrol_waiting;

/* What a device handed in since `since_ms`, by the monotonic clock. */
typedef struct relay_quota {
    veld_id device;
    int64_t since_ms;
    uint64_t items, bytes;
    bool is_small; /* as one that may hand in only */
    struct relay_quota *next;
} relay_quota;

struct veld_relay {
    veld_relay_config config; /* its verifier knows former keys of the agency */
    veld_agency_check check;
    uint64_t generation;
    enrol_waiting waiting[VELD_ENROL_WAITING_MAX];
    relay_quota *quotas;
};

struct veld_relay_turn {
    veld_relay_peer peer;
    exchange_cursor cursor; /* of the request; moves on over what the peer may not see */
    bool has_cursor;
    uint64_t edition; /* of the statement that the peer knows */
    bool was_reset;
    int64_t deadline_ms; /* then it is answered, with or without news */
    int64_t look_ms;     /* parked: when to look again, at the latest */
    veld_relay_counts counts;
    uint64_t room_items, room_bytes; /* of new ones in this exchange */
    veld_receipt_item *items; /* handed in: what the receipt names, and what is not sent back */
    size_t items_count, items_capacity;
    exchange_refusal *refusals;
    size_t refusals_count, refusals_capacity;
    veld_hash wants[VELD_EXCHANGE_WANTS_MAX];
    size_t wants_count;
    exchange_ask ask; /* of the past of a case */
    bool has_ask;
};

/* relay_describe: what of an item may be known without a key; its kind and carrier are set already.
 * Expects: VELD_E_NOT_ALLOWED (not from this peer), and what reading its form gives. */
veld_status relay_describe(const veld_relay *relay, const veld_relay_peer *peer, veld_span body,
    veld_journal_item *item) VELD_MUST_CHECK;
/* relay_goes_on_from: whether somebody's log is the beginning of ours. */
veld_status relay_goes_on_from(const veld_relay *relay, const veld_id *journal_id,
    const veld_log_head *old, bool *out, veld_error *err) VELD_MUST_CHECK;

/* relay_quota_ask: how much the turn may still hand in.  Expects: VELD_E_MEMORY.
 * relay_quota_note: what it did, once that is durable.  relay_quota_release: all that is kept of
 * devices. */
veld_status relay_quota_ask(
    veld_relay *relay, veld_relay_turn *turn, veld_error *err) VELD_MUST_CHECK;
void relay_quota_note(veld_relay *relay, const veld_relay_turn *turn);
void relay_quota_release(veld_relay *relay);

/* relay_enrol_answered: the merger's answer to a request; one that nobody waits for is dropped. */
veld_status relay_enrol_answered(
    veld_relay *relay, const veld_hash *id, veld_span answer, veld_error *err) VELD_MUST_CHECK;
/* relay_enrol_due: when the merger is to hear of a waiting request; INT64_MAX when there is none.
 */
int64_t relay_enrol_due(const veld_relay *relay);
/* relay_enrol_next: the next waiting request that is due, from `*at` on; NULL when there is none.
 */
enrol_waiting *relay_enrol_next(veld_relay *relay, int64_t now_ms, size_t *at);

#endif
