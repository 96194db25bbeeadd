/* directory_head.h: what the merger signs of its directory's log: one head for every entry, each
 * with the proof that the log before it is its beginning, and that the entry is its last one. A
 * device that follows the heads in turn knows that everybody is told one history of keys: an
 * agency, or who stole its key, that shows two devices different ones makes two heads of one size.
 *
 *   NONE --any head--> FOLLOWING --head that goes on--> FOLLOWING
 *                       \--another root at a known size, or no proof--> BROKEN (kept, told)
 *                       \--a head is missing------> FOLLOWING (told, kept; taken over when those
 *                                                       between came, or a later head that has the
 *                                                       growth from here)
 *
 * A device may pass over some: late ones are linked to those behind them, so that in the end every
 * size has its root, in whatever order they came.
 *
 * Format: [body, signature], namespace "veldkit-directory-head-1", frame 18.
 * Source: security.md 2; proto/WIRE.md, "Directory". */
#ifndef VELDKIT_DIRECTORY_HEAD_H
#define VELDKIT_DIRECTORY_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/log.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_DIRECTORY_HEAD_BYTES_MAX = 16384,
    VELD_DIRECTORY_PROOF_MAX = 64,
    VELD_DIRECTORY_BRIDGES_MAX = 6
};

/* Growth from further back: who missed the heads in between goes on from there. */
typedef struct veld_directory_bridge {
    uint64_t from;
    veld_log_proof growth;
} veld_directory_bridge;

typedef struct veld_directory_head {
    veld_log_head log;
    veld_log_proof growth; /* from size - 1; empty for the first */
    veld_directory_bridge bridges[VELD_DIRECTORY_BRIDGES_MAX]; /* from size - 2, - 4, - 8, ... */
    size_t bridges_count;
    veld_hash entry;      /* SHA-256 of the last entry's bytes */
    veld_log_proof place; /* that it is the last */
} veld_directory_head;

/* veld_directory_head_make: of the first `size` entries of the merger's log (1 or more), signed.
 * Expects: as the store, what the signer returns, VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_directory_head_make(veld_store *store, uint64_t size, const veld_signer *merger,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_directory_head_read: check the signature of `key` and that the entry is the log's last.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_FORGED, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_directory_head_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_directory_head *out, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_head_size: what a head says of which size it is; nothing is proved.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER. */
veld_status veld_directory_head_size(
    veld_span bytes, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_size: entries in the merger's own log.  Expects: as the store. */
veld_status veld_directory_size(veld_store *store, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

/* ---- a device follows ---- */
/* veld_directory_follow: take over a head that was read; `bytes` are kept as evidence when it does
 * not fit those before.
 * Expects: VELD_E_FORGED (two histories: the text says of which size), VELD_E_STALE (heads between
 *          are missing: it is kept, and not taken over yet), as the store. */
veld_status veld_directory_follow(veld_store *store, const veld_directory_head *head,
    veld_span bytes, veld_error *err) VELD_MUST_CHECK;

typedef struct veld_directory_state {
    veld_log_head log; /* size 0: no head was seen yet */
    bool is_broken;    /* two histories were seen, once and for all */
} veld_directory_state;

/* veld_directory_state_get: how far the device follows.  veld_directory_is_proved: an entry, by its
 * bytes, is in the log that is followed.  Expects: as the store, VELD_E_CRYPTO. */
veld_status veld_directory_state_get(
    veld_store *store, veld_directory_state *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_directory_is_proved(
    veld_store *store, veld_span entry, bool *out, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_root_at: of a size that was followed.  Expects: VELD_E_NOT_FOUND.
 * veld_directory_note_proved: an entry was proved to be in the log of that size. */
veld_status veld_directory_root_at(
    veld_store *store, uint64_t size, veld_hash *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_directory_note_proved(
    veld_store *store, veld_span entry, uint64_t size, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_prove: the merger: where an entry lies in its log as that is now, with the proof.
 * Expects: VELD_E_NOT_FOUND (it is not there), as the store, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_directory_prove(veld_store *store, veld_span entry, uint64_t *index,
    veld_log_head *log, veld_log_proof *place, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
