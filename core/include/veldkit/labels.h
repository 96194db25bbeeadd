/* labels.h: records as people read them: the Dutch names of types, fields and choices that the
 * schemas give, in the answers of both command lines. What the schemas do not know (a newer program
 * made it) is said by its own name. --json keeps the names of the schemas; it does not come here.
 *
 * Expects, all: VELD_E_MEMORY, VELD_E_LIMIT (of the answer).
 * Thread: as cli.h. Source: proto/records/README.md (title, label). */
#ifndef VELDKIT_LABELS_H
#define VELDKIT_LABELS_H

#include "veldkit/bytes.h"
#include "veldkit/cli.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/schema.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_label_type: the title of a type.  veld_label_field: the label of a field of a type.
 * Borrowed, from the set or from what was asked. */
veld_span veld_label_type(const veld_schema_set *schemas, veld_span type);
veld_span veld_label_field(const veld_schema_set *schemas, veld_span type, veld_span field);
/* veld_label_schema: what the set says of a field; NULL when it does not know it. */
const veld_schema_field *veld_label_schema(
    const veld_schema_set *schemas, veld_span type, veld_span field);

/* veld_label_say_value: one value, or all of a set: a choice by its label, a truth as ja or nee, an
 * instant as veld_moment_format has it. `field` may be NULL.
 * veld_label_say_canonical: the same of canonical JSON.  Expects: also VELD_E_FORM. */
veld_status veld_label_say_value(veld_cli_call *call, const veld_schema_field *field,
    const veld_json_value *value) VELD_MUST_CHECK;
veld_status veld_label_say_canonical(
    veld_cli_call *call, const veld_schema_field *field, veld_span json) VELD_MUST_CHECK;

/* veld_label_is_proof: what a program checks and nobody reads: the statement of a decision, its
 * signature and key. */
bool veld_label_is_proof(const veld_schema_set *schemas, veld_span type, veld_span field);

/* veld_label_say_record: what veld_view_record made: a heading with title and id, then a line for
 * each field that is no proof, and for each that a person has to choose. `records` (may be NULL)
 * are those beside it, among which is what it is about. */
veld_status veld_label_say_record(veld_cli_call *call, const veld_schema_set *schemas,
    const veld_json_value *record, const veld_json_value *records) VELD_MUST_CHECK;
/* veld_label_say_place: title and id of a record and label of one of its fields, as a heading. */
veld_status veld_label_say_place(veld_cli_call *call, const veld_schema_set *schemas,
    veld_span type, const veld_id *record, veld_span field) VELD_MUST_CHECK;

/* veld_label_verb_types: the verb `record types`: all types with their titles, or of one its fields
 * with what may stand in them.  Expects: also VELD_E_INVALID (no such type). */
veld_status veld_label_verb_types(veld_cli_call *call) VELD_MUST_CHECK;
extern const char veld_label_types_answer[]; /* what it prints with --json */

#ifdef __cplusplus
}
#endif
#endif
