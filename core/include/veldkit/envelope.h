/* envelope.h: changes on their way: one or more consecutive changes of one device in one case,
 * packed, padded and sealed. Fixed layout, nothing is negotiated.
 *
 *   hdr (97)   "VKE1" | alg u16 | case 16 | epoch u32 | device 16 | incarnation 8 | number u64 |
 *              count u16 | priority u8 | bucket u32 | change_id 32
 *   alg 1      hdr | nonce 24 | commit 32 | ciphertext and tag       with the case's key
 *   alg 2      hdr | HPKE enc 65 | ciphertext and tag, AAD = hdr     to the agency's seal key
 *
 * `bucket` is the length of the whole envelope, so what is seen on the line is a bucket size.
 * What the header or the change before says is left out of the body. A parent that is the change
 * before is one of those things, and its id follows from its commit, which this room cannot make:
 * whoever opens hands in a veld_change_namer (history has one).
 * Source: security.md 3; proto/WIRE.md, "Envelope". */
#ifndef VELDKIT_ENVELOPE_H
#define VELDKIT_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/hpke.h"
#include "veldkit/seal.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_ENVELOPE_HEADER_BYTES = 97, VELD_ENVELOPE_BUCKET_BYTES_MIN = 256 };

typedef enum veld_envelope_alg {
    VELD_ENVELOPE_CASE = 1, /* XAES-256-GCM with the case's key of `epoch` */
    VELD_ENVELOPE_BLIND = 2 /* HPKE to the agency: `epoch` is 0 */
} veld_envelope_alg;

/* What goes first when the line is slow. Seen by the relay. */
typedef enum veld_priority {
    VELD_PRIORITY_DANGER = 0, /* danger and home ban */
    VELD_PRIORITY_ACCESS = 1, /* access log */
    VELD_PRIORITY_TEXT = 2,
    VELD_PRIORITY_ATTACHMENT = 3
} veld_priority;

/* What an envelope says openly. */
typedef struct veld_envelope_header {
    veld_envelope_alg alg;
    veld_id case_id;
    uint32_t epoch;
    veld_id device;
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number; /* of the first change */
    uint16_t count;  /* from 1 */
    veld_priority priority;
    uint32_t bucket;     /* length of the whole envelope in bytes */
    veld_hash change_id; /* of the last change */
} veld_envelope_header;

/* Fills `id` and `git` of a change whose other fields are there, parents among them. `name` may
 * fail with VELD_E_NOT_FOUND (the device's key is not known), VELD_E_CRYPTO or VELD_E_MEMORY. */
typedef struct veld_change_namer {
    void *context;
    veld_status (*name)(void *context, veld_change *change, veld_error *err);
} veld_change_namer;

/* veld_envelope_seal: seal `count` changes with the case's key, append one envelope to `out`.
 * The changes have the form of veld_change_check_form, all names, are of one case, device and
 * incarnation and have consecutive numbers (asserted).
 * Owns:    keeps nothing.
 * Expects: VELD_E_LIMIT (over VELD_ENVELOPE_CHANGES_MAX or VELD_ENVELOPE_BYTES_MAX: seal fewer at
 *          once; one alone always fits; or the buffer's maximum), VELD_E_CRYPTO, VELD_E_MEMORY. On
 *          error `out` is as it was.
 * Thread:  any. */
veld_status veld_envelope_seal(const veld_sealer *sealer, uint32_t epoch, veld_priority priority,
    const veld_change *changes, size_t count, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_envelope_seal_blind: the same to the agency's seal key, without any key of the case.
 * Expects: as above, and VELD_E_FORM (`to` is no point of the curve). */
veld_status veld_envelope_seal_blind(const veld_env *env, const veld_p256_public *to,
    veld_priority priority, const veld_change *changes, size_t count, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_envelope_read_header: what the relay sees: no key needed, nothing proved.
 * Expects: VELD_E_FORM (not an envelope, or its length is not its bucket), VELD_E_NEWER (a later
 *          layout or alg), VELD_E_LIMIT. */
veld_status veld_envelope_read_header(
    veld_span bytes, veld_envelope_header *out, veld_error *err) VELD_MUST_CHECK;

/* veld_envelope_id: SHA-256 of the whole envelope: the name by which the relay knows it.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_envelope_id(veld_span bytes, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_envelope_open / _open_blind: open, unpack and name; header copies are checked against the
 * content. The changes have the form of veld_change_check_form and all names; their signatures are
 * not checked here and nothing of them may have effect before they are.
 * Owns:    `*changes` (header->count of them) and all they point to live in `arena`; nothing
 *          points into `bytes`. On error `*changes` is NULL.
 * Expects: VELD_E_FORGED (wrong key, or any bit differs), VELD_E_FORM, VELD_E_LIMIT (would unpack
 *          to more than allowed), VELD_E_NEWER, VELD_E_INVALID (sealed well, but header and
 *          content disagree), VELD_E_UNSUPPORTED (of the other alg), what the namer returns,
 *          VELD_E_CRYPTO, VELD_E_MEMORY.
 * Thread:  any. */
veld_status veld_envelope_open(const veld_sealer *sealer, veld_span bytes,
    const veld_change_namer *namer, veld_arena *arena, veld_envelope_header *header,
    veld_change **changes, veld_error *err) VELD_MUST_CHECK;
veld_status veld_envelope_open_blind(const veld_p256_private *key, veld_span bytes,
    const veld_change_namer *namer, veld_arena *arena, veld_envelope_header *header,
    veld_change **changes, veld_error *err) VELD_MUST_CHECK;

/* veld_envelope_bucket: the bucket for `bytes`: 256, 512, 1024, 2048, 4096, then Padmé (at most
 * 12 % more). */
size_t veld_envelope_bucket(size_t bytes);

/* veld_envelope_read_content: the inner step of opening: the plaintext of an envelope with this
 * header. Public so that the fuzzer reaches it without a key.
 * Expects: as veld_envelope_open, without VELD_E_FORGED. */
veld_status veld_envelope_read_content(const veld_envelope_header *header, veld_span plain,
    const veld_change_namer *namer, veld_arena *arena, veld_change **changes,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
