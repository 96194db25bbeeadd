/* signed_part.h: [body bytes, signature bytes]: the outer form of what is signed by itself. What
 * was signed are the bytes that lie there, so parts that a newer program adds stay under the
 * signature although this one skips them. For who defines such a format. */
#ifndef VELDKIT_SIGNED_PART_H
#define VELDKIT_SIGNED_PART_H

#include "veldkit/cbor.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* Keys from here on may be skipped by who does not know them; an unknown one below may not. */
    VELD_SIGNED_SKIP_FROM = 64,
    VELD_SIGNED_KEYS_MAX = 128
};

/* veld_signed_write: sign `body` for `name_space`, append the whole to `out`. */
veld_status veld_signed_write(const veld_signer *signer, const char *name_space, veld_span body,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_read: take apart; `body` is a view. Expects: VELD_E_FORM, VELD_E_LIMIT (over `max`).
 */
veld_status veld_signed_read(veld_span bytes, size_t max, veld_span *body,
    veld_signature *signature, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_next: the next key of a body's map, which must be `expected` as long as that is below
 * `known`; afterwards unknown keys are skipped or fail with VELD_E_NEWER. Returns false when the
 * value was skipped or the reader failed. */
bool veld_signed_next(veld_cbor_reader *reader, uint64_t *last, uint64_t expected, uint64_t known);

#ifdef __cplusplus
}
#endif
#endif
