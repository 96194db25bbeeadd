/* json_internal.h: what the files of core/json share and no other room sees. */
#ifndef VELD_JSON_INTERNAL_H
#define VELD_JSON_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/json.h"
#include "veldkit/status.h"

/* ---- text.c ---- */

/* json_text_append: the canonical form of a text, with its quotes. When `checked` is false the text
 * is checked first. Expects: VELD_E_FORM (not I-JSON text), VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status json_text_append(veld_buf *out, veld_span text, bool checked) VELD_MUST_CHECK;
veld_status json_integer_append(veld_buf *out, int64_t value) VELD_MUST_CHECK;

/* json_utf8_length: bytes of the valid UTF-8 character at `text`, its code point in `*point`; 0
 * when the bytes are not valid (overlong, surrogate, beyond U+10FFFF, cut). */
size_t json_utf8_length(const uint8_t *text, size_t len, uint32_t *point);
/* json_utf8_put: write a code point as UTF-8 (a lone surrogate in the same pattern); returns bytes.
 */
size_t json_utf8_put(uint8_t out[4], uint32_t point);
bool json_point_is_noncharacter(uint32_t point);
/* json_plain_length: how many bytes at the start are ASCII that a JSON text holds as they are. */
size_t json_plain_length(const uint8_t *text, size_t len);
/* json_unescape_next: the next code point of a scanned (so well-formed) raw text; moves `*at`. */
uint32_t json_unescape_next(veld_span raw, size_t *at);
/* json_raw_compare: names as they stand between their quotes, by what they mean, in the order of
 * RFC 8785. */
int json_raw_compare(veld_span a, veld_span b);

/* ---- sort.c ---- */
typedef int json_compare(const void *a, const void *b, const void *context);

/* json_sort: heap sort, so n log n whatever the input and without memory. `size` <= 64. */
void json_sort(void *items, size_t count, size_t size, json_compare *compare, const void *context);

/* ---- gate.c and scan.c ---- */
typedef struct json_name {
    uint64_t hash;          /* of the unescaped name */
    uint32_t offset, bytes; /* raw, between the quotes */
    bool escaped;
} json_name;

typedef struct json_size {
    size_t values;  /* members, elements and the root */
    unsigned depth; /* levels of the deepest value */
} json_size;

typedef struct json_gate_level {
    bool is_object;
    size_t index;       /* of the element or member being read */
    json_name name;     /* of the member being read */
    size_t names_begin; /* in `names` */
} json_gate_level;

typedef struct json_gate {
    const uint8_t *bytes;
    size_t len;
    size_t at;
    veld_json_rules rules;
    bool in_child; /* the innermost level is at a child of its, not between children */
    unsigned depth, deepest;
    size_t values;
    json_name *names; /* of all open objects, innermost last */
    size_t names_len, names_capacity;
    veld_status first; /* status of the first error */
    veld_json_errors *errors;
    veld_error *err;
    json_gate_level levels[VELD_JSON_DEPTH_MAX];
} json_gate;

/* json_gate_run: judge `bytes`; `*size` (may be NULL) then says how much they hold. */
veld_status json_gate_run(veld_span bytes, veld_json_rules rules, json_size *size,
    veld_json_errors *errors, veld_error *err) VELD_MUST_CHECK;

/* json_gate_fail: an error that ends the judging; returns `status`. */
veld_status json_gate_fail(
    json_gate *gate, veld_status status, size_t offset, const char *text) VELD_MUST_CHECK;
/* json_gate_note: an error after which judging goes on when somebody wants to know them all. */
veld_status json_gate_note(json_gate *gate, size_t offset, const char *text) VELD_MUST_CHECK;

/* json_scan_text: from the opening quote to behind the closing one. */
veld_status json_scan_text(json_gate *gate, json_name *out) VELD_MUST_CHECK;
veld_status json_scan_number(json_gate *gate) VELD_MUST_CHECK;
/* json_scan_hash: of a scanned name, by its meaning. */
uint64_t json_scan_hash(const json_gate *gate, const json_name *name);

/* ---- canonical.c ---- */

/* json_canonical_append: as veld_json_canonical for a value that lies `size->depth` levels deep in
 * what is written, after `size->values` others; adds its own values. On error `out` holds a part.
 */
veld_status json_canonical_append(
    const veld_json_value *value, json_size *size, veld_buf *out) VELD_MUST_CHECK;

/* ---- writer.c ---- */

/* json_buf_cut: wipe and drop what lies behind the first `len` bytes. */
void json_buf_cut(veld_buf *out, size_t len);
/* json_write_failed: fill `err` with what a failed writing means; returns `status`. */
veld_status json_write_failed(veld_status status, veld_error *err);

#endif
