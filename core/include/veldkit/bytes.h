/* bytes.h: the three ways in which the library holds bytes, and no others.
 *
 *   span    a borrowed view, passed by value
 *   buf     owned, growing, with a maximum that is set when it is made
 *   secret  owned, fixed size, locked in memory where allowed, wiped when released, never printed
 */
#ifndef VELDKIT_BYTES_H
#define VELDKIT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- span ---- */
typedef struct veld_span {
    const uint8_t *data; /* may be NULL when len is 0 */
    size_t len;
} veld_span;

veld_span veld_span_of(const void *data, size_t len);
/* veld_span_text: the bytes of a C string without its end. */
veld_span veld_span_text(const char *text);
bool veld_span_equal(veld_span a, veld_span b);
/* veld_span_compare: by bytes as unsigned, then by length: <0, 0, >0. */
int veld_span_compare(veld_span a, veld_span b);
/* veld_span_equal_secret: the time taken depends on the lengths only. */
bool veld_span_equal_secret(veld_span a, veld_span b);
/* veld_span_part: `len` bytes from `offset`; an empty span when that is not inside `whole`. */
veld_span veld_span_part(veld_span whole, size_t offset, size_t len);

/* ---- buf ---- */
typedef struct veld_buf {
    uint8_t *data; /* NULL while nothing was ever added */
    size_t len;
    size_t capacity;
    size_t max;
} veld_buf;

/* veld_buf_init: an empty buffer that never grows over `max_bytes`. Allocates nothing. */
void veld_buf_init(veld_buf *buf, size_t max_bytes);
/* veld_buf_release: give the memory back; the buffer is empty with the same maximum afterwards. */
void veld_buf_release(veld_buf *buf);
/* veld_buf_wipe: as release, after overwriting the bytes: for plaintext. */
void veld_buf_wipe(veld_buf *buf);
/* veld_buf_clear: forget the bytes, keep the memory. */
void veld_buf_clear(veld_buf *buf);
/* The next five expect VELD_E_LIMIT (over the maximum) and VELD_E_MEMORY; the buffer is then as it
 * was. `veld_buf_extend` adds `len` bytes for the caller to fill and returns them in `out`. */
veld_status veld_buf_reserve(veld_buf *buf, size_t extra_bytes) VELD_MUST_CHECK;
veld_status veld_buf_append(veld_buf *buf, const void *data, size_t len) VELD_MUST_CHECK;
veld_status veld_buf_append_span(veld_buf *buf, veld_span span) VELD_MUST_CHECK;
veld_status veld_buf_append_text(veld_buf *buf, const char *text) VELD_MUST_CHECK;
veld_status veld_buf_append_byte(veld_buf *buf, uint8_t byte) VELD_MUST_CHECK;
veld_status veld_buf_append_format(veld_buf *buf, const char *format, ...) VELD_MUST_CHECK
    __attribute__((format(printf, 2, 3)));
veld_status veld_buf_extend(veld_buf *buf, size_t len, uint8_t **out) VELD_MUST_CHECK;
/* veld_buf_text: the bytes as a C string, borrowed until the next change of the buffer; adds a zero
 * byte behind the end that is not part of the length. */
veld_status veld_buf_text(veld_buf *buf, const char **out) VELD_MUST_CHECK;
veld_span veld_buf_span(const veld_buf *buf);
/* veld_buf_take: hand the memory over; free with veld_release. The buffer is empty afterwards. */
uint8_t *veld_buf_take(veld_buf *buf, size_t *len);

/* ---- secret ---- */
typedef struct veld_secret {
    uint8_t *data;
    size_t len;
} veld_secret;

/* veld_secret_init: `len` zero bytes (1 to 1 MiB). Expects: VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_secret_init(veld_secret *secret, size_t len) VELD_MUST_CHECK;
veld_status veld_secret_copy(veld_secret *secret, veld_span from) VELD_MUST_CHECK;
/* veld_secret_release: wipe, unlock, free; fine on a zeroed struct and twice. */
void veld_secret_release(veld_secret *secret);
veld_span veld_secret_span(const veld_secret *secret);

/* veld_wipe: overwrite with zero in a way the compiler may not leave out. */
void veld_wipe(void *data, size_t len);

/* ---- text forms ---- */
/* veld_hex_encode: 2 * len characters and an end; `out_size` must be at least 2 * len + 1. */
void veld_hex_encode(veld_span bytes, char *out, size_t out_size);
/* veld_hex_decode: lower-case hex of exactly `out_bytes`. Expects: VELD_E_FORM. */
veld_status veld_hex_decode(veld_span text, uint8_t *out, size_t out_bytes) VELD_MUST_CHECK;
/* Base64 of RFC 4648: `url` = section 5 without padding, else section 4 with padding. Decoding is
 * strict: no white space, no missing or needless padding, unused bits zero. Expects: VELD_E_FORM.
 */
veld_status veld_base64_encode(veld_span bytes, bool url, veld_buf *out) VELD_MUST_CHECK;
veld_status veld_base64_decode(veld_span text, bool url, veld_buf *out) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
