/* head.h: what the merger signs of a case: these changes, and so their whole past, are taken in. A
 * worker sees it as "opgenomen"; nothing unsent is dropped before it.
 *
 * `heads` are the graph's heads. A device that may no longer read the case does not know the
 * changes that others made on top of its own, and could not find its own below the heads. So
 * `chain_ends` name, for each device's chain, its last complete change, and all from the first fork
 * on when a chain forked. What is an ancestor of a named change, or that change, is taken in.
 * `admitted` names late changes that were admitted without their past (quarantine.h): only they
 * themselves are taken in.
 *
 * Format: [body, signature], namespace "veldkit-head-1".
 * Thread: any. Source: design, sync; proto/WIRE.md, "Head". */
#ifndef VELDKIT_HEAD_H
#define VELDKIT_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/case.h"
#include "veldkit/id.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_head {
    veld_id case_id;
    uint32_t epoch;
    int64_t utc_ms;         /* when it was signed */
    veld_hash state_id;     /* of all that the merger has joined */
    veld_hash held;         /* veld_graph_held_hash of that; zero: an older program said nothing */
    const veld_hash *heads; /* rising */
    size_t heads_count;
    const veld_hash *chain_ends; /* rising; those that are no heads */
    size_t chain_ends_count;
    const veld_hash *admitted; /* rising; none without `held` */
    size_t admitted_count;
} veld_head;

/* veld_head_make: sign and append to `out`.
 * Expects: what the signer returns, VELD_E_LIMIT (over VELD_HEAD_CHANGES_MAX, or the buffer's
 *          maximum), VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_head_make(const veld_head *head, const veld_signer *signer, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_head_of_case: the head of an opened case as it stands, signed with the desk's key at the
 * desk's time.
 * Expects: as veld_head_make, as veld_case_state_id. */
veld_status veld_head_of_case(
    const veld_desk *desk, veld_case *opened, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_head_read: take apart; nothing is proved.  veld_head_verify: did the owner of `key` sign it?
 * Owns:    ids live in `arena`. `*out` is zero on error.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_MEMORY; verifying VELD_E_FORGED and
 *          VELD_E_CRYPTO. */
veld_status veld_head_read(
    veld_span bytes, veld_arena *arena, veld_head *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_head_verify(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_head_covers: which of these changes (rising) does a verified head name, or lie below one
 * that it names, as far as is known here? They need not be here themselves. Expects: VELD_E_MEMORY.
 */
veld_status veld_head_covers(veld_case *opened, const veld_head *head, const veld_hash *ids,
    size_t count, bool *covered, veld_error *err) VELD_MUST_CHECK;

/* veld_head_mark_taken: remove from the outbox the changes of the case that the head covers, and
 * keep for each when it was taken in (veld_handover_get in sync.h). Verify the head first.
 * `marked` (may be NULL) counts them.
 * Expects: as the store, VELD_E_MEMORY. */
veld_status veld_head_mark_taken(const veld_desk *desk, veld_case *opened, const veld_head *head,
    size_t *marked, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
