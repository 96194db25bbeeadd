/* cbor.h: the one CBOR that Veldkit writes and reads: deterministic (RFC 8949, 4.2.1).
 *
 * Shortest integers and lengths, definite lengths, map keys sorted and single. The reader refuses
 * all else, so equal content is equal bytes and can be hashed and signed. What our formats use is
 * all there is: integers that fit 64 bits, byte strings, text in UTF-8, arrays, maps with unsigned
 * integer keys, true, false and null. No floats, no tags, no other simple values.
 *
 * Writer and reader keep their first failure and do nothing afterwards, so that the calls between
 * need no checks:
 *
 *     veld_cbor_reader reader = veld_cbor_read(bytes);
 *     size_t count = veld_cbor_array(&reader, 3);
 *     ...
 *     VELD_TRY(veld_cbor_reader_finish(&reader, err));
 *
 * After a failure every value read is zero or empty, so a loop over a count ends.
 * Thread: one per object. Source: RFC 8949; proto/WIRE.md, "CBOR". */
#ifndef VELDKIT_CBOR_H
#define VELDKIT_CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- writing ---- */
typedef struct veld_cbor_writer {
    veld_buf *out;
    size_t start; /* length of `out` at the beginning */
    veld_status status;
} veld_cbor_writer;

/* veld_cbor_write: a writer that appends to `out`, which stays the caller's. */
veld_cbor_writer veld_cbor_write(veld_buf *out);
void veld_cbor_put_uint(veld_cbor_writer *writer, uint64_t value);
void veld_cbor_put_int(veld_cbor_writer *writer, int64_t value);
void veld_cbor_put_bytes(veld_cbor_writer *writer, veld_span bytes);
/* veld_cbor_put_run: a byte string of `len` bytes that the caller fills in `*out`, before the next
 * call; false, and `*out` untouched, after a failure. */
bool veld_cbor_put_run(veld_cbor_writer *writer, size_t len, uint8_t **out);
/* veld_cbor_put_text: `text` is valid UTF-8; only what is known to be it comes here. */
void veld_cbor_put_text(veld_cbor_writer *writer, veld_span text);
void veld_cbor_put_boolean(veld_cbor_writer *writer, bool value);
void veld_cbor_put_null(veld_cbor_writer *writer);
/* Exactly `count` items, or pairs of an unsigned key and a value in rising order of the keys, must
 * follow; the caller keeps that. */
void veld_cbor_put_array(veld_cbor_writer *writer, size_t count);
void veld_cbor_put_map(veld_cbor_writer *writer, size_t count);
/* veld_cbor_put_raw: bytes that are CBOR already. */
void veld_cbor_put_raw(veld_cbor_writer *writer, veld_span cbor);
/* veld_cbor_writer_finish: the first failure. On error `out` has the length it had.
 * Expects: VELD_E_LIMIT (the maximum of `out`), VELD_E_MEMORY. */
veld_status veld_cbor_writer_finish(veld_cbor_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* ---- reading ---- */
typedef enum veld_cbor_type {
    VELD_CBOR_NONE = 0, /* end of the bytes, or a failure */
    VELD_CBOR_UINT,
    VELD_CBOR_NEGATIVE,
    VELD_CBOR_BYTES,
    VELD_CBOR_TEXT,
    VELD_CBOR_ARRAY,
    VELD_CBOR_MAP,
    VELD_CBOR_BOOLEAN,
    VELD_CBOR_NULL
} veld_cbor_type;

typedef struct veld_cbor_reader {
    veld_span bytes;
    size_t at; /* offset of the next item */
    veld_status status;
    bool is_short; /* failed because the bytes ended: more of them might help */
} veld_cbor_reader;

/* veld_cbor_read: a reader over `bytes`, which must outlive it and all spans it gives. */
veld_cbor_reader veld_cbor_read(veld_span bytes);
/* veld_cbor_next: the type of the next item, by its first byte alone; nothing is read. */
veld_cbor_type veld_cbor_next(const veld_cbor_reader *reader);
uint64_t veld_cbor_uint(veld_cbor_reader *reader);
int64_t veld_cbor_int(veld_cbor_reader *reader);
bool veld_cbor_boolean(veld_cbor_reader *reader);
void veld_cbor_null(veld_cbor_reader *reader);
veld_span veld_cbor_bytes(veld_cbor_reader *reader);
/* veld_cbor_text: valid UTF-8, or the reader fails. */
veld_span veld_cbor_text(veld_cbor_reader *reader);
/* veld_cbor_text_is_valid: is it UTF-8 (RFC 3629)? */
bool veld_cbor_text_is_valid(veld_span text);
/* veld_cbor_fixed: a byte string of exactly `len` bytes, copied to `out`. */
void veld_cbor_fixed(veld_cbor_reader *reader, uint8_t *out, size_t len);
/* veld_cbor_array / veld_cbor_map: the number of items, or of pairs. More than `max`, or more than
 * the bytes that are left could hold, fails: so memory may be taken for what is returned. */
size_t veld_cbor_array(veld_cbor_reader *reader, size_t max);
size_t veld_cbor_map(veld_cbor_reader *reader, size_t max);
/* veld_cbor_key: the next key of a map, above `*last`, which is set to it. Start with
 * VELD_CBOR_NO_KEY. A negative, repeated or misplaced key fails. */
#define VELD_CBOR_NO_KEY UINT64_MAX
uint64_t veld_cbor_key(veld_cbor_reader *reader, uint64_t *last);
/* veld_cbor_skip: one item with all that is in it, as strict as reading it; without recursion, at
 * most VELD_CBOR_DEPTH_MAX deep. Returns its bytes. */
veld_span veld_cbor_skip(veld_cbor_reader *reader);
/* veld_cbor_reader_fail: let the reader fail, for a rule of the format above. The first one stays.
 */
void veld_cbor_reader_fail(veld_cbor_reader *reader, veld_status status);
/* veld_cbor_reader_finish: the first failure; bytes behind the last item are one.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (count or depth), and what was given to
 *          veld_cbor_reader_fail. The text holds the offset. */
veld_status veld_cbor_reader_finish(
    const veld_cbor_reader *reader, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
