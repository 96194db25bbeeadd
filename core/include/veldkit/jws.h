/* jws.h: signed documents as JWS ES256 in compact form (RFC 7515, RFC 7518), which any JOSE library
 * checks without us.
 *
 * One header only: {"alg":"ES256","kid":"...","typ":"..."}, in these bytes. The header is never
 * parsed as JSON: what is not exactly this form (another algorithm, `crit`, an embedded key, white
 * space, escapes, other or repeated members) is no document of ours. Source: security.md 2. */
#ifndef VELDKIT_JWS_H
#define VELDKIT_JWS_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/limits.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_jws_sign: append HEADER.PAYLOAD.SIGNATURE to `out`.
 * `type` is one of VELD_JWS_... in context.h and names what the signature is for; `key_id` tells
 * the reader which key to fetch. Both are 1 to VELD_JWS_NAME_MAX of A-Z a-z 0-9 . _ : + - / @
 * Expects: VELD_E_INVALID (key_id), VELD_E_LIMIT (payload over VELD_JWS_BYTES_MAX, or the buffer's
 *          maximum), what the signer may return, VELD_E_CRYPTO, VELD_E_MEMORY.
 *          On error `out` is as it was. */
veld_status veld_jws_sign(const veld_signer *signer, const char *type, const char *key_id,
    veld_span payload, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

typedef struct veld_jws_header {
    char key_id[VELD_JWS_NAME_MAX + 1];
    char type[VELD_JWS_NAME_MAX + 1];
} veld_jws_header;

/* veld_jws_peek: read the header, to look up the key. Nothing of it is true before veld_jws_verify.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (over VELD_JWS_TEXT_MAX), VELD_E_MEMORY. */
veld_status veld_jws_peek(veld_span text, veld_jws_header *out, veld_error *err) VELD_MUST_CHECK;

/* veld_jws_verify: append the payload to `payload` when `text` is a document of this `type`, says
 * this `key_id` and was signed by `key`. White space around the text is not allowed.
 * Expects: VELD_E_FORM (not a document of this form), VELD_E_FORGED (another type or key id, or the
 *          signature does not fit), VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY.
 *          On error `payload` is as it was. */
veld_status veld_jws_verify(const veld_verifier *verifier, const veld_p256_public *key,
    const char *type, const char *key_id, veld_span text, veld_buf *payload,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
