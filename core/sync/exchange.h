/* exchange.h: the small frames of an exchange that both sides read and write. Inside the room.
 * Each is a CBOR array; items behind the known ones are skipped. */
#ifndef VELD_SYNC_EXCHANGE_H
#define VELD_SYNC_EXCHANGE_H

#include <stdbool.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/envelope.h"
#include "veldkit/id.h"
#include "veldkit/log.h"

enum {
    CURSOR_COMPARE = 1, /* tell what is held, not the envelopes themselves */
    CURSOR_MORE = 2,    /* answer: ask again at once */
    CURSOR_RESET = 4,   /* answer: the cursor is not of this journal; start again */
    CURSOR_HAND_IN = 8, /* request: a receipt and nothing else; the place is not looked at */
    CURSOR_LOCKED = 16, /* request: only what a locked tablet has to hear */
    CURSOR_PLACES = 32, /* request of the merger: prove of each envelope where it lies */
    EXCHANGE_SMALL_BYTES_MAX = 1 << 17 /* of any frame here */
};

/* Where a peer is in the journal. In a request all zero at first; in an answer the log and the last
 * two are zero. */
typedef struct exchange_cursor {
    veld_id journal;
    uint64_t seq;      /* all up to here is there */
    uint64_t inside;   /* 0, or: of the case whose grant is item seq + 1, up to here too */
    veld_log_head log; /* of the last receipt */
    uint64_t flags;
    uint64_t page_bytes; /* of items that the peer wants at once */
    uint64_t wait_ms;
} exchange_cursor;

veld_status exchange_put_cursor(
    const exchange_cursor *cursor, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_cursor(
    veld_span bytes, exchange_cursor *out, veld_error *err) VELD_MUST_CHECK;

/* An item that was not taken. */
typedef struct exchange_refusal {
    veld_hash id;
    veld_status status;
} exchange_refusal;

veld_status exchange_put_refusal(
    const exchange_refusal *refusal, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_refusal(
    veld_span bytes, exchange_refusal *out, veld_error *err) VELD_MUST_CHECK;

/* An envelope as a comparison tells it. */
typedef struct exchange_holding {
    veld_hash id;
    veld_id case_id;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number;
    uint64_t count;
    veld_hash change_id; /* of the last change */
} exchange_holding;

veld_status exchange_put_holdings(
    const exchange_holding *holdings, size_t count, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* exchange_read_holdings: at most VELD_EXCHANGE_HOLDINGS_MAX; `out` has room for them. */
veld_status exchange_read_holdings(
    veld_span bytes, exchange_holding *out, size_t *count, veld_error *err) VELD_MUST_CHECK;

/* Which edition of the agency's statement a device knows, from 2 on: before, it says nothing. */
veld_status exchange_put_edition(uint64_t edition, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_edition(veld_span bytes, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* Hashes in a row: the items wanted, the proof of growth. */
veld_status exchange_put_hashes(
    const veld_hash *hashes, size_t count, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_hashes(
    veld_span bytes, veld_hash *out, size_t max, size_t *count, veld_error *err) VELD_MUST_CHECK;

/* A request for the past of a case: all its envelopes after a place in the journal. What is told:
 * up to where they are in this answer, and whether there are more. */
typedef struct exchange_ask {
    veld_id case_id;
    uint64_t after;
} exchange_ask;
typedef struct exchange_told {
    veld_id case_id;
    uint64_t after;
    bool more;
} exchange_told;

veld_status exchange_put_ask(
    const exchange_ask *ask, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_ask(veld_span bytes, exchange_ask *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_put_told(
    const exchange_told *told, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_told(
    veld_span bytes, exchange_told *out, veld_error *err) VELD_MUST_CHECK;

/* Where an envelope lies in the journal, with the proof for the log of the receipt beside it. */
typedef struct exchange_place {
    veld_hash id;
    uint64_t seq; /* from 1 */
    veld_log_proof proof;
} exchange_place;

veld_status exchange_put_place(
    const exchange_place *place, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_place(
    veld_span bytes, exchange_place *out, veld_error *err) VELD_MUST_CHECK;

/* The answer to an enrolment request: `id` names the request. */
veld_status exchange_put_enrol(
    const veld_hash *id, veld_span answer, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status exchange_read_enrol(
    veld_span bytes, veld_hash *id, veld_span *answer, veld_error *err) VELD_MUST_CHECK;

#endif
