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
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_CHANGE_FORMAT = 0,
    VELD_GIT_OID_BYTES = 20,
    VELD_INCARNATION_BYTES = 8,
    VELD_SALT_BYTES = 16
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
 * had not seen keeps the record (delete against edit asks, and loses nothing). What the basis of
 * other writes says is in proto/records/README.md, "What is held back". */
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

/* The years 0000 to 9999, in ms since 1970 UTC. */
#define VELD_CHANGE_TIME_MS_MIN INT64_C(-62167219200000)
#define VELD_CHANGE_TIME_MS_MAX INT64_C(253402300799999)

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
    veld_write *writes; /* at least one, in the order the author gave */
    size_t writes_count;
    veld_change_time time;
    int64_t commit_utc_s; /* committer date: the later of author date and the parents' */
    uint64_t log_size;    /* last server log checkpoint seen; 0 = none */
    veld_hash log_root;
    uint8_t salt[VELD_SALT_BYTES];

    /* the author's tree */
    veld_git_oid tree_git;
    veld_hash tree; /* SHA-256 Merkle root over the same folders */

    veld_signature signature; /* over the commit, namespace VELD_NAMESPACE_COMMIT */

    /* derived: filled by veld_change_derive and by history's commit functions */
    veld_hash writes_hash;
    veld_hash core;
    veld_hash id;
    veld_git_oid git;

    /* of this replica, never sent: when it took the change in, by the best time it knew; 0: it made
     * the change, or did not keep it */
    int64_t arrived_utc_ms;
} veld_change;

int veld_write_id_compare(const veld_write_id *a, const veld_write_id *b);
bool veld_write_id_equal(const veld_write_id *a, const veld_write_id *b);

/* ---- names that follow ---- */
/* veld_change_derive: fill writes_hash, core and the id of every write from the other fields; `id`
 * and `git` follow from the commit and are history's to fill.
 *   writes_hash = H("veldkit/hash/writes/1", CBOR [*[record, type, field, value, replaces, basis]])
 *   core        = H("veldkit/hash/core/1", CBOR [format, case, ..., salt, writes_hash])
 *   write id    = the first 16 bytes of H("veldkit/hash/write/1", core | index as u32)
 * Expects: VELD_E_LIMIT (writes over VELD_CHANGE_BYTES_MAX), VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread:  any.   Source: proto/WIRE.md, "Change" */
veld_status veld_change_derive(veld_change *change, veld_error *err) VELD_MUST_CHECK;
/* veld_change_writes: append the bytes that writes_hash is of.  Expects: as above, or the maximum
 * of `out`. */
veld_status veld_change_writes(
    const veld_change *change, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* ---- form ---- */
/* veld_change_check_form: is this a change that may travel and be stored? Wire limits and grammar
 * only, never the schema: what has this form is joined, whatever it says. Derived fields, tree and
 * signature are not looked at. A decoded change has this form already.
 * Expects: VELD_E_FORM (grammar, order, range, value not canonical JSON), VELD_E_LIMIT (more or
 *          larger than limits.h allows), VELD_E_NEWER (format), VELD_E_MEMORY. The text names the
 *          write by its index, never by its content. */
veld_status veld_change_check_form(const veld_change *change, veld_error *err) VELD_MUST_CHECK;

/* veld_change_type_is_valid: a letter, then letters, digits and dashes; lower case; at most 40.
 * veld_change_field_is_valid: a lower-case letter, then letters and digits, at most 40; or
 * VELD_FIELD_REMOVED. */
bool veld_change_type_is_valid(veld_span type);
bool veld_change_field_is_valid(veld_span field);
/* veld_change_time_is_valid: every instant in the years 0000 to 9999, the wall time with its offset
 * too, all else in its bounds: what can be shown and written as a commit. */
bool veld_change_time_is_valid(const veld_change_time *time);

/* ---- one change as bytes ---- */
/* Where bytes come from decides what is believed. */
typedef enum veld_change_form {
    VELD_CHANGE_WIRE, /* from anyone: form checked, names derived; id and git are left zero */
    VELD_CHANGE_ROW   /* from our own sealed store: carries all names, so that loading hashes
                         nothing; structure checked, values and order believed */
} veld_change_form;

/* veld_change_encode: append the change, complete in itself, to `out`.
 * Owns:    keeps nothing; wipe `out`, it holds case content.
 * Expects: VELD_E_LIMIT (the buffer's maximum; VELD_CHANGE_ALONE_BYTES_MAX is room for all
 *          that veld_change_derive took), VELD_E_MEMORY; `out` is then as it was. `change` has the
 * form above; for VELD_CHANGE_ROW all derived fields are filled. */
veld_status veld_change_encode(const veld_change *change, veld_change_form form, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_change_decode: read exactly one change.
 * Owns:    arrays live in `arena`; type, field and value are views into `bytes`, which must live as
 *          long. On error `out` is zeroed; what the arena took stays until its release.
 * Expects: VELD_E_FORM, VELD_E_NEWER (a format or content this program does not know: keep the
 *          bytes and say so), VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_change_decode(veld_span bytes, veld_change_form form, veld_arena *arena,
    veld_change *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
