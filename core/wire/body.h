/* body.h: the changes of an envelope as CBOR, without what the header or the change before says,
 * and without the four things that never get smaller, which lie behind it. Inside the wire room.
 * Source: proto/WIRE.md, "Body". */
#ifndef VELD_WIRE_BODY_H
#define VELD_WIRE_BODY_H

#include "veldkit/envelope.h"

enum {
    /* of one change: signature 64 | tree 32 | tree_git 20 | salt 16 */
    VELD_FIXED_BYTES =
        VELD_SIGNATURE_BYTES + VELD_HASH_BYTES + VELD_GIT_OID_BYTES + VELD_SALT_BYTES,

    VELD_BODY_FORMAT = 0,
    VELD_BODY_CHANGES = 1,

    VELD_BODY_PARENTS = 0,
    VELD_BODY_TIME = 1,
    VELD_BODY_COMMIT_TIME = 2,
    VELD_BODY_LOG = 3,
    VELD_BODY_WRITES = 4,
    VELD_BODY_KEYS = 5
};

/* veld_body_encode: append the CBOR to `out`. Expects: VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_body_encode(
    const veld_change *changes, size_t count, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_body_decode: `changes` are header->count zeroed structs. All that they point to lies in
 * `arena`, or is a view into `body`. Each change is checked, derived and named before the next.
 * Expects: as veld_envelope_read_content. */
veld_status veld_body_decode(const veld_envelope_header *header, veld_span body, veld_span fixed,
    const veld_change_namer *namer, veld_arena *arena, veld_change *changes,
    veld_error *err) VELD_MUST_CHECK;

/* veld_commit_time_guess: the commit time that follows from the change's own time and the change
 * before (NULL for the first); only a difference from it is written. */
int64_t veld_commit_time_guess(const veld_change *change, const veld_change *before);

#endif
