/* change.h: what one act of saving did. The one structure that wire, history and cases share.
 *
 * A change is immutable, signed and numbered on its device's own chain in one case (a compartment).
 * It says which writes it makes and, for each, which earlier writes it replaces: exactly those its
 * author saw on that field. Everything else follows from the set of changes (design: versions).
 *
 * Four names of one change, each for one use:
 *   core      SHA-256 of all the author decided: content, parents, place on the chain, time, salt.
 *             Identity for joining; the ids of its writes follow from it.
 *   id        SHA-256 of the commit's bytes without the signature: what parents, receipts and
 *             people name. Covers core (by trailers) and the author's tree.
 *   git       SHA-1 of the signed commit: only for stock git; trust never rests on it.
 *   (device, incarnation, number)   place on the chain; two ids at one place are a fork. */
#ifndef VELDKIT_CHANGE_H
#define VELDKIT_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_CHANGE_FORMAT = 0,
    VELD_GIT_OID_BYTES = 20,
    VELD_INCARNATION_BYTES = 8,
    VELD_SALT_BYTES = 16,
    VELD_SIGNATURE_BYTES = 64
};

/* The name of one write: the first 16 bytes of SHA-256(context | core | index as u32). It cannot
 * follow from the change id, because the author's tree, which that id covers, contains it. */
typedef struct veld_write_id {
    uint8_t bytes[16];
} veld_write_id;

typedef struct veld_git_oid {
    uint8_t bytes[VELD_GIT_OID_BYTES];
} veld_git_oid;

/* The pseudo-field of a record's removal: value `true` removes, `false` restores. The write's
 * `basis` lists every visible write of the record that its author saw, so that an edit the author
 * had not seen keeps the record (delete against edit asks, and loses nothing). */
#define VELD_FIELD_REMOVED "@removed"

typedef struct veld_write {
    veld_id record;
    veld_span type;                /* record type: lower case, digits and dashes */
    veld_span field;               /* field name, or VELD_FIELD_REMOVED */
    veld_span value;               /* canonical JSON; the text `null` clears the field */
    const veld_write_id *replaces; /* sorted, no doubles */
    size_t replaces_count;
    const veld_write_id *basis; /* sorted, no doubles */
    size_t basis_count;
    veld_write_id id; /* derived */
} veld_write;

/* How far the wall time can be trusted: what the author's device knew. */
typedef enum veld_clock_quality {
    VELD_CLOCK_ANCHORED = 0,   /* monotonic time since a signed server time, same boot */
    VELD_CLOCK_STALE = 1,      /* a signed server time is known, but from before a restart */
    VELD_CLOCK_UNANCHORED = 2, /* no server time was ever seen */
    VELD_CLOCK_SUSPECT = 3     /* device clock and anchor differ by more than five minutes */
} veld_clock_quality;

typedef struct veld_change_time {
    int64_t wall_utc_ms; /* device's own clock */
    int32_t offset_min;  /* as shown to the author */
    int64_t monotonic_ms;
    int64_t server_utc_ms; /* last signed server time seen; 0 = none */
    int64_t hybrid_ms;     /* wall part of the hybrid clock */
    uint32_t hybrid_count;
    veld_clock_quality quality;
} veld_change_time;

typedef struct veld_parent {
    veld_hash id;
    veld_git_oid git; /* so that the signature can be checked before the parent is here */
} veld_parent;

/* All spans and arrays are borrowed: a decoded change lives in the arena it was decoded into. */
typedef struct veld_change {
    uint16_t format;
    veld_id case_id;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number; /* from 1 */
    const veld_parent
        *parents; /* sorted by id, no doubles; empty for the first and for blind work */
    size_t parents_count;
    const veld_write *writes; /* at least one, in the order the author gave */
    size_t writes_count;
    veld_change_time time;
    int64_t commit_utc_s; /* committer date: the later of author date and the parents' */
    uint64_t log_size;    /* last server log checkpoint seen; 0 = none */
    veld_hash log_root;
    uint8_t salt[VELD_SALT_BYTES];

    /* the author's tree */
    veld_git_oid tree_git;
    veld_hash tree; /* SHA-256 Merkle root over the same folders */

    uint8_t signature[VELD_SIGNATURE_BYTES]; /* r | s over the SSHSIG data, s in the low half */

    /* derived: filled by veld_change_derive and by history's commit functions */
    veld_hash writes_hash;
    veld_hash core;
    veld_hash id;
    veld_git_oid git;
} veld_change;

int veld_write_id_compare(const veld_write_id *a, const veld_write_id *b);
bool veld_write_id_equal(const veld_write_id *a, const veld_write_id *b);

#ifdef __cplusplus
}
#endif
#endif
