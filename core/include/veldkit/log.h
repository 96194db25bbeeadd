/* log.h: a Merkle log: entries that are only ever appended, one hash for any size of it, and short
 * proofs that an entry is in it and that a later log begins with an earlier one. The tree of RFC
 * 6962 with names of our own:
 *
 *   leaf  = H("veldkit/hash/entry/1", kind u8 | item id 32)
 *   node  = H("veldkit/hash/node/1", left 32 | right 32)
 *   root of n > 1 entries: the left part has the largest power of two below n entries
 *   root of none: 32 zero bytes
 *
 * The log itself keeps nothing: the hashes of whole subtrees are put into and read from a store of
 * nodes that the caller has (a table, an array). Node (level, index) covers the 2^level entries
 * from index * 2^level on. An append writes one node for each subtree that it makes whole; root and
 * proofs read O(log n) of them.
 *
 * Thread: as the store of nodes. Source: RFC 6962, 2.1; proto/WIRE.md, "Log". */
#ifndef VELDKIT_LOG_H
#define VELDKIT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_LOG_PROOF_HASHES_MAX = 128 };

/* Where the hashes of whole subtrees are. `get` of a node that was put never fails but for the
 * store's own reasons. */
typedef struct veld_log_nodes {
    void *context;
    veld_status (*put)(
        void *context, unsigned level, uint64_t index, const veld_hash *hash, veld_error *err);
    veld_status (*get)(
        void *context, unsigned level, uint64_t index, veld_hash *out, veld_error *err);
} veld_log_nodes;

/* What a log of one size is: what is signed, and what is compared. */
typedef struct veld_log_head {
    uint64_t size;
    veld_hash root; /* zero when size is 0 */
} veld_log_head;

typedef struct veld_log_proof {
    veld_hash hashes[VELD_LOG_PROOF_HASHES_MAX];
    size_t count;
} veld_log_proof;

/* veld_log_leaf: the hash of an entry. `kind` is the veld_frame_type of the item.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_log_leaf(
    uint8_t kind, const veld_hash *item, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_log_append: entry number `size` (from 0) of a log that has `size` entries.
 * Expects: what the store of nodes returns, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_log_append(const veld_log_nodes *nodes, uint64_t size, const veld_hash *leaf,
    veld_error *err) VELD_MUST_CHECK;

/* veld_log_root: the head of the first `size` entries.  Expects: as above. */
veld_status veld_log_root(const veld_log_nodes *nodes, uint64_t size, veld_log_head *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_log_prove_growth: that the log of `size` entries begins with that of `old_size` (0 <
 * old_size <= size, asserted).  Expects: as above. */
veld_status veld_log_prove_growth(const veld_log_nodes *nodes, uint64_t old_size, uint64_t size,
    veld_log_proof *out, veld_error *err) VELD_MUST_CHECK;
/* veld_log_check_growth: does `head` begin with `old`? An empty log begins every log.
 * Expects: VELD_E_FORGED (no), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_log_check_growth(const veld_log_head *old, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err) VELD_MUST_CHECK;

/* veld_log_prove_entry: that entry `index` is in the log of `size` (index < size, asserted).
 * Expects: as above. */
veld_status veld_log_prove_entry(const veld_log_nodes *nodes, uint64_t index, uint64_t size,
    veld_log_proof *out, veld_error *err) VELD_MUST_CHECK;
/* veld_log_check_entry: is `leaf` entry `index` of the log that `head` is of?
 * Expects: VELD_E_FORGED (no), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_log_check_entry(const veld_hash *leaf, uint64_t index, const veld_log_head *head,
    const veld_log_proof *proof, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
