/* ssh_wire.h: the data types of RFC 4251 that OpenSSH's key and signature blobs are made of. */
#ifndef VELD_CRYPTO_SSH_WIRE_H
#define VELD_CRYPTO_SSH_WIRE_H

#include "veldkit/bytes.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

#define SSH_KEY_TYPE   "ecdsa-sha2-nistp256"
#define SSH_CURVE_NAME "nistp256"

/* string type | string curve | string point */
enum { SSH_KEY_BLOB_BYTES = 4 + 19 + 4 + 8 + 4 + VELD_P256_PUBLIC_BYTES };

/* Append; on error the buffer may hold a part. */
veld_status veld_ssh_put_string(veld_buf *out, veld_span bytes) VELD_MUST_CHECK;
/* The shortest two's complement form of an unsigned number. */
veld_status veld_ssh_put_mpint(veld_buf *out, veld_span number) VELD_MUST_CHECK;
veld_status veld_ssh_put_key(veld_buf *out, const veld_p256_public *key) VELD_MUST_CHECK;

/* Take from the front of `rest`. Expects: VELD_E_FORM; `rest` is then worth nothing. */
veld_status veld_ssh_get_string(veld_span *rest, veld_span *out) VELD_MUST_CHECK;
/* veld_ssh_get_number: an mpint of at most 256 bits, not negative, as 32 bytes. */
veld_status veld_ssh_get_number(veld_span *rest, uint8_t out[32]) VELD_MUST_CHECK;
/* veld_ssh_get_key: all of `blob` is one key of our type, on the curve. */
veld_status veld_ssh_get_key(
    veld_span blob, veld_p256_public *out, veld_error *err) VELD_MUST_CHECK;

/* Characters that a namespace, principal or comment may have. */
bool veld_ssh_is_name(const char *text, size_t len_max, const char *extra);

#endif
