/* hash.h: SHA-256, HMAC-SHA256 and HKDF-SHA256.
 *
 * Inputs are lists of parts that are taken one after the other, so nobody joins buffers to hash
 * them. The list does not say where a part ends: a caller uses parts of fixed length, or puts
 * lengths in.
 *
 * All functions need veld_crypto_init. Thread: any; the objects one thread at a time.
 * Expects, all of them: VELD_E_CRYPTO and VELD_E_MEMORY (the library failed, no answer about data).
 */
#ifndef VELDKIT_HASH_H
#define VELDKIT_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- SHA-256 (FIPS 180-4) ---- */
/* veld_sha256: plain SHA-256, for formats that others have defined (SSHSIG, JWS, the hash of a
 * ciphertext). For a hash that means something to us, use veld_hash_named. */
veld_status veld_sha256(veld_span bytes, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_hash_named: SHA-256(context | 0x00 | parts). `context` is one of context.h. */
veld_status veld_hash_named(const char *context, const veld_span *parts, size_t count,
    veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* Streaming, for what is not in memory at once. A zeroed struct is a valid, idle stream. */
typedef struct veld_sha256_stream {
    struct veld_sha256_state *state; /* NULL while idle; private */
} veld_sha256_stream;

/* veld_sha256_start: begin; `context` may be NULL for plain SHA-256, else as veld_hash_named. On
 * any error of start or add the stream is idle again. */
veld_status veld_sha256_start(
    veld_sha256_stream *stream, const char *context, veld_error *err) VELD_MUST_CHECK;
veld_status veld_sha256_add(
    veld_sha256_stream *stream, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* veld_sha256_finish: the hash; the stream is idle afterwards, also on error. */
veld_status veld_sha256_finish(
    veld_sha256_stream *stream, veld_hash *out, veld_error *err) VELD_MUST_CHECK;
/* veld_sha256_abort: wipe and be idle; fine on an idle stream. */
void veld_sha256_abort(veld_sha256_stream *stream);

/* ---- HMAC-SHA256 (RFC 2104) ----
 * `key` is a key that was derived with a name, so the MAC needs none of its own; a key with more
 * than one use starts its first part with a context. Keys have 1 to 1024 bytes. */
veld_status veld_hmac_sha256(veld_span key, const veld_span *parts, size_t count, veld_hash *out,
    veld_error *err) VELD_MUST_CHECK;

/* ---- HKDF-SHA256 (RFC 5869) ---- */
enum { VELD_HKDF_BYTES_MAX = 255 * 32 };

/* veld_hkdf_extract: PRK = HMAC(salt, parts). The salt has 0 to 1024 bytes; empty
 * means 32 zero bytes.
 * Owns:    `prk` is initialised here, 32 bytes; the caller releases it. Untouched on error. */
veld_status veld_hkdf_extract(veld_span salt, const veld_span *parts, size_t count,
    veld_secret *prk, veld_error *err) VELD_MUST_CHECK;

/* veld_hkdf_expand: `out_bytes` (1 to VELD_HKDF_BYTES_MAX) from `prk` with info = parts.
 * Owns:    `out` is initialised here; the caller releases it. Untouched on error.
 * Expects: VELD_E_LIMIT too. */
veld_status veld_hkdf_expand(veld_span prk, const veld_span *parts, size_t count, size_t out_bytes,
    veld_secret *out, veld_error *err) VELD_MUST_CHECK;

/* veld_key_derive: the way keys come from keys in Veldkit: HKDF-Expand with
 * info = context | `more`, where `more` is empty or of a length that the context fixes. */
veld_status veld_key_derive(veld_span key, const char *context, veld_span more, size_t out_bytes,
    veld_secret *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
