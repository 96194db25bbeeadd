/* relay.h: the relay's side of the exchange, without sockets, clock or files: request in, answer
 * out, over a journal.
 *
 *   veld_relay_take ----> turn ----> veld_relay_answer ----> answer bytes
 *                          ^               | parked: nothing to say yet
 *                          +--- wait until veld_relay_generation changes, or turn.deadline_ms
 *
 * The relay reads no content and holds no key but its own receipt key. It checks size and form,
 * that an item's id is new, and whether a grant is signed by the merger; it refuses nothing for a
 * gap or a missing parent. One bad item is refused by itself. What a device may fetch follows from
 * the merger's grants in the journal; the merger fetches all.
 *
 * A device hands in so much in a day as limits.h says (VELD_QUOTA_...), a revoked one little: what
 * is over is refused with VELD_E_LIMIT, so the tablet keeps it and comes back.
 *
 * Enrolment passes through: a request is kept in memory until the merger has answered it, at most
 * VELD_ENROL_WAITING_MAX of them and for VELD_ENROL_WAITING_MS.
 *
 * Thread: one at a time per relay and its turns. Source: design, server roles and sync. */
#ifndef VELDKIT_RELAY_H
#define VELDKIT_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/agency.h"
#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/journal.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_relay veld_relay;
typedef struct veld_relay_turn veld_relay_turn;

/* All is borrowed and must outlive the relay. The journal's functions are called from inside. */
typedef struct veld_relay_config {
    const veld_env *env;
    const char *program; /* name and version, as in the version frame */
    const veld_journal *journal;
    veld_signer signer; /* of receipts */
    veld_verifier verifier;
    veld_p256_public merger_key; /* whose grants give access */
    const veld_agency *agency;   /* of later editions: former keys count too. NULL: none */
    veld_span statement;         /* its bytes, for devices that know an older one */
} veld_relay_config;

/* Who is at the other end, as TLS (or the local socket) proved it. */
typedef struct veld_relay_peer {
    veld_id device;
    bool is_merger;       /* fetches all; may hand in heads, directory entries, enrol answers */
    bool may_fetch;       /* false: revoked or expired: hands in only, and little */
    bool is_revoked;      /* what it hands in goes to the merger only */
    uint64_t quota_bytes; /* of new items in this exchange; what is over is refused for now */
} veld_relay_peer;

/* veld_relay_new: Owns: free with veld_relay_free; NULL is fine.  Expects: VELD_E_MEMORY. */
veld_status veld_relay_new(
    const veld_relay_config *config, veld_relay **out, veld_error *err) VELD_MUST_CHECK;
void veld_relay_free(veld_relay *relay);

/* veld_relay_take: read a request and append its new items to the journal, in one transaction that
 * is durable on return.
 * Owns:    keeps nothing of `request`. Give `turn` back with veld_relay_turn_free; NULL on error.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (over VELD_EXCHANGE_BYTES_MAX), VELD_E_DAMAGED (cut),
 *          VELD_E_NEWER (the text names both versions): nothing is stored then; as the journal. */
veld_status veld_relay_take(veld_relay *relay, const veld_relay_peer *peer, veld_span request,
    veld_relay_turn **turn, veld_error *err) VELD_MUST_CHECK;
void veld_relay_turn_free(veld_relay_turn *turn);

/* veld_relay_answer: append the answer to `out` (a maximum of VELD_EXCHANGE_BYTES_MAX fits), or say
 * that there is nothing to tell yet: `*parked` is then true, `out` as it was, and the call is made
 * again when veld_relay_generation has changed or at veld_relay_turn_deadline_ms. After the
 *          time that the request was ready to wait it never parks.
 * Expects: what the signer returns, VELD_E_CRYPTO, VELD_E_MEMORY, as the journal. */
veld_status veld_relay_answer(veld_relay *relay, veld_relay_turn *turn, veld_buf *out, bool *parked,
    veld_error *err) VELD_MUST_CHECK;
/* veld_relay_turn_judge: who is at the other end may less than when it asked: what a parked turn
 * answers follows from what the peer may now. The same device as in veld_relay_take. */
void veld_relay_turn_judge(veld_relay_turn *turn, const veld_relay_peer *peer);
/* veld_relay_turn_deadline_ms: when to ask for the answer of a parked turn again, by the monotonic
 * clock; it may park again, with another time. */
int64_t veld_relay_turn_deadline_ms(const veld_relay_turn *turn);
/* veld_relay_generation: grows whenever something came that a parked turn may want to tell. */
uint64_t veld_relay_generation(const veld_relay *relay);

/* What a turn did, for the log and the quota. */
typedef struct veld_relay_counts {
    uint64_t items;  /* handed in, new ones and known ones */
    uint64_t stored; /* of these, new */
    uint64_t refused;
    uint64_t bytes; /* of the new ones */
} veld_relay_counts;
veld_relay_counts veld_relay_turn_counts(const veld_relay_turn *turn);

/* ---- enrolment: POST /v1/enrol, no client certificate ---- */
/* veld_relay_enrol_offer: keep a request (the body of enrol.h) for the merger. The same bytes again
 * change nothing; another request for the same invitation waits beside it. `id` names the request
 * (SHA-256).
 * Expects: VELD_E_FORM, VELD_E_LIMIT (body), VELD_E_BUSY (too many are waiting), VELD_E_MEMORY. */
veld_status veld_relay_enrol_offer(
    veld_relay *relay, veld_span body, veld_hash *id, veld_error *err) VELD_MUST_CHECK;
/* veld_relay_enrol_answer: append the merger's answer to `out`.
 * Expects: VELD_E_BUSY (not answered yet: ask again when the generation changes),
 *          VELD_E_NOT_FOUND (no such request, or it waited too long). */
veld_status veld_relay_enrol_answer(
    veld_relay *relay, const veld_hash *id, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
