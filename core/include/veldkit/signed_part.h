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

/* veld_signed_again: the body of a part that was proved before, signed anew; append to `out`.
 * Expects: as veld_signed_read, as veld_signed_write. */
veld_status veld_signed_again(const veld_signer *signer, const char *name_space, veld_span bytes,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_read: take apart; `body` is a view. Expects: VELD_E_FORM, VELD_E_LIMIT (over `max`).
 */
veld_status veld_signed_read(veld_span bytes, size_t max, veld_span *body,
    veld_signature *signature, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_next: the next key of a body's map, which must be `expected` as long as that is below
 * `known`; afterwards unknown keys are skipped or fail with VELD_E_NEWER. Returns false when the
 * value was skipped or the reader failed. For a body whose keys depend on a value in it; all others
 * take veld_signed_body. */
bool veld_signed_next(veld_cbor_reader *reader, uint64_t *last, uint64_t expected, uint64_t known);

/* Takes the value of `key`, one of the form's own, from the reader; what is wrong with it is the
 * reader's failure. */
typedef void veld_signed_value(veld_cbor_reader *reader, uint64_t key, void *to);

/* One kind of signed part: what it is signed for, how long it may be, and its body, a map with the
 * keys 0 to `keys` - 1, of which the first `least` may not be missing, and perhaps what a newer
 * program added. */
typedef struct veld_signed_form {
    const char *name_space;
    size_t bytes_max;
    uint64_t least, keys;
    veld_signed_value *value;
} veld_signed_form;

/* veld_signed_body: read such a map. Expects: VELD_E_FORM, VELD_E_NEWER. */
veld_status veld_signed_body(veld_span body, uint64_t least, uint64_t keys,
    veld_signed_value *value, void *to, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_decode: what a part says, without asking who signed it: `to` is given to
 * `form->value` and may be half filled after an error. Expects: VELD_E_FORM, VELD_E_NEWER,
 * VELD_E_LIMIT. */
veld_status veld_signed_decode(
    veld_span bytes, const veld_signed_form *form, void *to, veld_error *err) VELD_MUST_CHECK;

/* veld_signed_verify: `key` signed it for this form. Expects: VELD_E_FORGED, VELD_E_FORM,
 * VELD_E_LIMIT. */
veld_status veld_signed_verify(veld_span bytes, const veld_signed_form *form,
    const veld_verifier *verifier, const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;
/* veld_signed_verify_at: for a part whose body, decoded before, says where it stands. */
veld_status veld_signed_verify_at(veld_span bytes, const veld_signed_form *form,
    const veld_verifier *verifier, const veld_p256_public *key, veld_sign_place place,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
