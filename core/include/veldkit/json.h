/* json.h: JSON from outside, judged before it is read, and the one form in which we write it.
 *
 * Bytes pass a strict gate in one pass; only what passed is parsed (by cJSON, which no other room
 * sees). What we write is the canonical form of RFC 8785 with integers only, so that equal values
 * are equal bytes and can be hashed and signed.
 *
 *     veld_json_doc *doc = NULL;
 *     VELD_TRY(veld_json_parse(body, VELD_JSON_STRICT, &doc, &errors, err));
 *     const veld_json_value *records = veld_json_get(veld_json_root(doc), "records");
 *     for (const veld_json_value *r = veld_json_first(records); r != NULL; r = veld_json_next(r))
 *         ...
 *     veld_json_doc_free(doc);
 *
 * Thread: no state is shared between documents, writers or error lists; one thread per object.
 * A document that is only read may be read by several threads.
 * Source: RFC 8259, 7493 (I-JSON), 8785, 6901; security.md 4, rule 3. */
#ifndef VELDKIT_JSON_H
#define VELDKIT_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/limits.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The integers that every JSON implementation reads alike: -(2^53 - 1) to 2^53 - 1. */
#define VELD_JSON_INTEGER_MAX INT64_C(9007199254740991)
#define VELD_JSON_INTEGER_MIN (-VELD_JSON_INTEGER_MAX)

enum { VELD_JSON_ERRORS_KEPT_MAX = 100 };

/* ---- errors with their place ---- */

/* One thing that is wrong with a document. `text` is lower case, says what is expected and never
 * holds a value. `pointer` holds member names, as the document has them: show it to the person
 * whose document it is, keep it out of logs when the names are not ours. */
typedef struct veld_json_error {
    veld_status status;
    size_t offset_bytes;                     /* from the start; SIZE_MAX when not known */
    char pointer[VELD_JSON_POINTER_MAX + 1]; /* RFC 6901; "" is the whole document */
    char text[VELD_ERROR_TEXT_BYTES_MAX + 1];
} veld_json_error;

/* All that is wrong with a document: the gate adds to it, the schema checker too. The first
 * VELD_JSON_ERRORS_KEPT_MAX are kept in the order of finding, the rest are counted. */
typedef struct veld_json_errors {
    veld_json_error *items; /* NULL while there are none */
    size_t kept;
    size_t capacity;
    size_t count; /* found, >= kept */
} veld_json_errors;

/* A JSON pointer that grows and shrinks while a checker walks through a document. A pointer over
 * VELD_JSON_POINTER_MAX bytes is cut, at a whole character. */
typedef struct veld_json_pointer {
    char text[VELD_JSON_POINTER_MAX + 1];
    size_t len;
    bool cut;
} veld_json_pointer;

/* veld_json_errors_init: an empty list; allocates nothing. */
void veld_json_errors_init(veld_json_errors *errors);

/* veld_json_errors_release: wipe (names may be case content) and free; fine twice. */
void veld_json_errors_release(veld_json_errors *errors);

/* veld_json_errors_add: put one error behind the others. Never fails: without memory, or when the
 * list is full, it is only counted.
 * Expects: `errors` may be NULL (nothing happens); `format` makes a text without values. */
void veld_json_errors_add(veld_json_errors *errors, veld_status status, const char *pointer,
    size_t offset_bytes, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* veld_json_pointer_init: the pointer to the whole document. */
void veld_json_pointer_init(veld_json_pointer *pointer);

/* veld_json_pointer_name / veld_json_pointer_index: go to a member or an element. Returns the mark
 * with which veld_json_pointer_back goes back to where this call was made. */
size_t veld_json_pointer_name(veld_json_pointer *pointer, veld_span name);
size_t veld_json_pointer_index(veld_json_pointer *pointer, size_t index);
void veld_json_pointer_back(veld_json_pointer *pointer, size_t mark);

/* ---- the gate ---- */

/* How much the gate asks; each asks all that the one above it asks. */
typedef enum veld_json_rules {
    /* RFC 8259 in valid UTF-8 without byte order mark, no more. For judging only, never for
     * reading: duplicate names, U+0000 and lone surrogates mean different things to different
     * readers. The public parsing suite is measured with these rules. */
    VELD_JSON_RFC8259 = 0,
    /* RFC 7493: no duplicate names (after unescaping), no surrogates, noncharacters or U+0000;
     * numbers that a double holds: no integer beyond 2^53 - 1, at most 17 significant digits,
     * magnitude from 1e-307 to below 1e308, at most 63 characters. For documents of others. */
    VELD_JSON_IJSON,
    /* I-JSON, and every number is an integer without fraction, exponent or negative zero. For all
     * formats of ours that people or programs write by hand. */
    VELD_JSON_STRICT,
    /* The bytes are exactly what veld_json_canonical would write. For all that was signed, hashed
     * or stored. */
    VELD_JSON_CANONICAL
} veld_json_rules;

/* veld_json_check: judge bytes, keep nothing. In one pass, in time linear in their number (names of
 * one object: n log n), whatever they are.
 * Owns:    nothing; `bytes` only during the call.   Units: offsets are bytes
 * Expects: VELD_E_FORM (not JSON, or against the rules), VELD_E_LIMIT (bytes, depth, members),
 *          VELD_E_MEMORY. The status is that of the first error. With `errors` (may be NULL) the
 *          gate goes on after what does not break the structure (a duplicate name, a number out of
 *          range, a forbidden character) and reports each; a syntax error is always the last. */
veld_status veld_json_check(veld_span bytes, veld_json_rules rules, veld_json_errors *errors,
    veld_error *err) VELD_MUST_CHECK;

/* veld_json_is_canonical: whether veld_json_check with VELD_JSON_CANONICAL finds nothing. */
bool veld_json_is_canonical(veld_span bytes);

/* ---- reading ---- */
typedef struct veld_json_doc veld_json_doc;
typedef struct veld_json_value veld_json_value; /* lives as long as its document */

typedef enum veld_json_type {
    VELD_JSON_TYPE_NONE = 0, /* no value: the type of NULL */
    VELD_JSON_TYPE_NULL,
    VELD_JSON_TYPE_BOOLEAN,
    VELD_JSON_TYPE_INTEGER,  /* a number that is an integer within +-(2^53 - 1) */
    VELD_JSON_TYPE_FRACTION, /* any other number; never after VELD_JSON_STRICT */
    VELD_JSON_TYPE_TEXT,
    VELD_JSON_TYPE_ARRAY,
    VELD_JSON_TYPE_OBJECT
} veld_json_type;

/* veld_json_parse: pass bytes through the gate and read them.
 * Owns:    `*out` is the caller's, free with veld_json_doc_free; NULL on any error. Keeps nothing
 *          of `bytes`. Memory: at most about 200 bytes for each value and the bytes again.
 * Expects: as veld_json_check. `rules` is not VELD_JSON_RFC8259 (asserted).
 * Thread:  any. cJSON's process-wide allocator is set at the first call: a program that uses cJSON
 *          itself shares it (malloc's family, unless veld_allocator_set changed it). */
veld_status veld_json_parse(veld_span bytes, veld_json_rules rules, veld_json_doc **out,
    veld_json_errors *errors, veld_error *err) VELD_MUST_CHECK;

/* veld_json_doc_free: wipe and free the document and all its values. NULL is fine. */
void veld_json_doc_free(veld_json_doc *doc);

const veld_json_value *veld_json_root(const veld_json_doc *doc);

/* All below take NULL for a value that is not there, so that calls can be chained. Texts are valid
 * UTF-8 without U+0000; a zero byte lies behind them. */
veld_json_type veld_json_type_of(const veld_json_value *value);
/* veld_json_type_name: "integer", "text" and so on, for error texts. Static storage. */
const char *veld_json_type_name(veld_json_type type);

/* veld_json_get: the member of that name (exactly, case counts), or NULL. Linear in the members. */
const veld_json_value *veld_json_get(const veld_json_value *object, const char *name);
/* veld_json_at: the element at `index`, or NULL. Linear in the index: walk with first and next. */
const veld_json_value *veld_json_at(const veld_json_value *array, size_t index);
/* veld_json_count: members of an object or elements of an array, else 0. Linear. */
size_t veld_json_count(const veld_json_value *container);
/* veld_json_first / veld_json_next: walk through members or elements in the document's order. */
const veld_json_value *veld_json_first(const veld_json_value *container);
const veld_json_value *veld_json_next(const veld_json_value *value);
/* veld_json_name: the name of a member; empty for elements and the root. */
veld_span veld_json_name(const veld_json_value *member);

/* veld_json_text / _integer / _boolean: true and `*out` set when the value has that type; false and
 * `*out` untouched when it has not. */
bool veld_json_text(const veld_json_value *value, veld_span *out);
bool veld_json_integer(const veld_json_value *value, int64_t *out);
bool veld_json_boolean(const veld_json_value *value, bool *out);
bool veld_json_is_null(const veld_json_value *value);

/* veld_json_canonical: append the canonical form of a value.
 * Owns:    `out` is the caller's: wipe it when it holds case content.
 * Expects: VELD_E_UNSUPPORTED (a number that is no integer within 2^53 - 1), VELD_E_LIMIT (over
 *          the maximum of `out`), VELD_E_MEMORY; `out` then has the length it had.
 * Source:  RFC 8785, integers only. */
veld_status veld_json_canonical(
    const veld_json_value *value, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_json_compare_names: the order of RFC 8785 (UTF-16 code units): <0, 0, >0. Valid UTF-8. */
int veld_json_compare_names(veld_span a, veld_span b);

/* ---- writing ---- */

/* A writer of canonical bytes. Members may come in any order; in canonical order they cost no
 * rearranging. The first failure is kept, all later calls do nothing, and veld_json_writer_finish
 * tells it: so the calls between need no checks. Calls that do not form one JSON value (a value
 * without a name in an object, an end without a beginning) are mistakes of the program: asserted.
 */
typedef struct veld_json_member {
    size_t name_offset, name_bytes; /* in `names` */
    size_t begin, end;              /* in `out`: from the name's quote to behind the value */
} veld_json_member;

typedef struct veld_json_level {
    bool is_object, sorted, named;
    size_t begin;         /* in `out`, behind the bracket */
    size_t names_begin;   /* in `names` */
    size_t members_begin; /* in `members` */
    size_t count;
} veld_json_level;

typedef struct veld_json_writer {
    veld_buf *out;
    size_t start; /* length of `out` at init */
    veld_status status;
    bool root_done;
    unsigned depth;
    size_t values; /* written so far */
    veld_json_level levels[VELD_JSON_DEPTH_MAX];
    veld_buf names;   /* unescaped, of the open objects */
    veld_buf members; /* veld_json_member of the open objects */
} veld_json_writer;

/* veld_json_writer_init: a writer that appends one value to `out`, which stays the caller's and
 * must not be changed by others until finish. */
void veld_json_writer_init(veld_json_writer *writer, veld_buf *out);

void veld_json_writer_object_begin(veld_json_writer *writer);
void veld_json_writer_object_end(veld_json_writer *writer);
void veld_json_writer_array_begin(veld_json_writer *writer);
void veld_json_writer_array_end(veld_json_writer *writer);
/* veld_json_writer_name: the next value is the member of that name. */
void veld_json_writer_name(veld_json_writer *writer, const char *name);
void veld_json_writer_name_span(veld_json_writer *writer, veld_span name);
void veld_json_writer_text(veld_json_writer *writer, const char *text);
void veld_json_writer_text_span(veld_json_writer *writer, veld_span text);
void veld_json_writer_integer(veld_json_writer *writer, int64_t value);
void veld_json_writer_boolean(veld_json_writer *writer, bool value);
void veld_json_writer_null(veld_json_writer *writer);
/* veld_json_writer_value: a value of a parsed document. */
void veld_json_writer_value(veld_json_writer *writer, const veld_json_value *value);
/* veld_json_writer_canonical: bytes that are canonical JSON already. They are checked again. */
void veld_json_writer_canonical(veld_json_writer *writer, veld_span bytes);

/* veld_json_writer_finish: end the value and free the writer's memory. Asserts that the value is
 * whole, when nothing failed before.
 * Expects: VELD_E_FORM (a text or name that is not I-JSON text, or a splice that is not canonical),
 *          VELD_E_EXISTS (two members of one name), VELD_E_LIMIT (over the maximum of `out`, too
 *          deep, too many, or an integer beyond 2^53 - 1), VELD_E_UNSUPPORTED (a fraction),
 *          VELD_E_MEMORY. On any error `out` has the length it had. */
veld_status veld_json_writer_finish(veld_json_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* veld_json_writer_release: give up a value half-way: `out` has the length it had. Does nothing
 * after finish, on a zeroed struct and twice. */
void veld_json_writer_release(veld_json_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
