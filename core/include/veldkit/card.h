/* card.h: what one vault shows another when there is no agency between them: ids and public keys,
 * signed by itself, as one line of text that can be pasted.
 *
 * The signature says only that who made the card holds the signing key. That the card is the
 * colleague's is for the two people to see: both screens show the same check code.
 * Source: proto/WIRE.md, "Card". */
#ifndef VELDKIT_CARD_H
#define VELDKIT_CARD_H

#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_CARD_PREFIX "veldkit-card:"

enum { VELD_CARD_CODE_SIZE = 15 }; /* XXXX-XXXX-XXXX, with the end */

typedef struct veld_card {
    veld_id device;
    veld_p256_public sign_key;
    veld_p256_public seal_key;
    char name[VELD_CARD_NAME_BYTES_MAX + 1]; /* of the worker, as shown: UTF-8, not empty */
} veld_card;

/* veld_card_make: sign with `signer`, whose key becomes `sign_key` whatever `card` says; append the
 * bytes of the card to `out`.
 * Expects: VELD_E_INVALID (name empty, not UTF-8, or with control characters), what the signer
 *          returns, VELD_E_LIMIT (the buffer's maximum), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_card_make(const veld_card *card, const veld_signer *signer, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_card_read: take the bytes of a card apart and check its own signature.
 * Expects: VELD_E_FORM (also a key that is no point of the curve), VELD_E_LIMIT, VELD_E_NEWER,
 *          VELD_E_FORGED, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_card_read(veld_span bytes, const veld_verifier *verifier, veld_card *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_card_to_text: append VELD_CARD_PREFIX and the bytes in base64url; no end of line.
 * veld_card_from_text: append the bytes of such a line; white space around it is allowed, as a
 * paste has it.
 * Expects: VELD_E_FORM (reading), VELD_E_LIMIT, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_card_to_text(veld_span bytes, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_card_from_text(veld_span text, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_card_code: 60 bits of the card's hash in three groups, for two people to compare. 32 signs
 * without I, L, O and U.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_card_code(
    veld_span bytes, char out[VELD_CARD_CODE_SIZE], veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
