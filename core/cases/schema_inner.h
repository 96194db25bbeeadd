/* schema_inner.h: what the readers of schemas and of dossiers share: a place in a document, and the
 * errors found there. */
#ifndef VELD_CASES_SCHEMA_INNER_H
#define VELD_CASES_SCHEMA_INNER_H

#include "veldkit/arena.h"
#include "veldkit/json.h"
#include "veldkit/schema.h"

struct veld_schema_set {
    veld_arena arena;
    const veld_schema *schemas; /* sorted by type */
    size_t count;
};

/* A walk through a document that goes on after an error. */
typedef struct checker {
    veld_json_errors *errors; /* may be NULL */
    veld_error *err;          /* gets the first; may be NULL */
    veld_status first;        /* VELD_OK while nothing is wrong */
    veld_json_pointer pointer;
} checker;

void checker_init(checker *c, veld_json_errors *errors, veld_error *err);
/* checker_wrong: something is wrong at the pointer. `format` makes a text without values. */
void checker_wrong(checker *c, veld_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* checker_wrong_at: as checker_wrong, at a member of where the pointer is. */
void checker_wrong_at(checker *c, veld_span name, veld_status status, const char *text);
/* checker_parse: parse bytes; what the gate finds is told under the pointer. NULL when it found
 * something, or without memory. */
veld_json_doc *checker_parse(checker *c, veld_span bytes);

/* One reading of schema files. */
typedef struct schema_reader {
    checker check;
    veld_arena *arena;
    const veld_schema_source *sources; /* whose names are the types that exist */
    size_t sources_count;
} schema_reader;

/* schema_read_text: a text member; empty when it is absent, which is an error when it is `needed`.
 * schema_read_flag: a member that is true or false; false when it is absent.
 * schema_read_order: the order of protection, once kind, policy and choices are read.
 * schema_read_danger, schema_read_log, schema_read_merge: what else is said about concurrent work.
 * schema_check_guards: the fields that conditions name, once all files are read. */
veld_span schema_read_text(
    schema_reader *r, const veld_json_value *object, const char *name, bool needed);
bool schema_read_flag(schema_reader *r, const veld_json_value *object, const char *name);
void schema_read_order(schema_reader *r, const veld_json_value *object, veld_choice *choices,
    veld_schema_field *field);

void schema_read_danger(schema_reader *r, const veld_json_value *object, veld_choice *choices,
    veld_schema_field *field);
void schema_read_log(schema_reader *r, const veld_json_value *object, veld_choice *choices,
    veld_schema_field *field);
void schema_read_merge(schema_reader *r, const veld_json_value *object, veld_schema_field *field);
void schema_check_guards(schema_reader *r, const veld_schema_set *set);
/* schema_read_memory, schema_read_copy: in the set's arena; NULL and empty when there is none. */
void *schema_read_memory(schema_reader *r, size_t count, size_t size);
veld_span schema_read_copy(schema_reader *r, veld_span text);
/* schema_read_members: every member of `object` is one of `known`, a list that ends with NULL. */
void schema_read_members(schema_reader *r, const veld_json_value *object, const char *const *known);

/* schema_unquoted: what stands between the quotes of a JSON text without escapes; else empty. */
veld_span schema_unquoted(veld_span value);
/* schema_code_points: of valid UTF-8. */
size_t schema_code_points(veld_span text);
/* schema_is_name: 1 to `max` bytes, a lower-case letter first; then letters and digits, or (for a
 * type) lower-case letters, digits and dashes. */
bool schema_is_name(veld_span text, bool type, size_t max);

#endif
