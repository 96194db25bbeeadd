/* dossier_inner.h: one intake: a document that is being checked and the edits that it gives. */
#ifndef VELD_CASES_DOSSIER_INNER_H
#define VELD_CASES_DOSSIER_INNER_H

#include "schema_inner.h"
#include "veldkit/dossier.h"
#include "veldkit/policy.h"

/* A record of the document, before its fields are looked at. */
typedef struct draft {
    veld_id id;
    veld_span ref;             /* local name; empty when it has none */
    const veld_schema *schema; /* NULL when the type is wrong; that is told already */
    const veld_json_value *value;
} draft;

typedef struct intake {
    checker check;
    const veld_dossier_context *context;
    draft *drafts;
    size_t drafts_count;
    veld_outlook outlook; /* on the state; without one on nothing */
    veld_buf edits;       /* veld_edit after veld_edit */
    veld_buf scratch;     /* canonical form in the making */
} intake;

void intake_init(intake *in, const veld_dossier_context *context, veld_error *err);
/* intake_finish: hand over the edits, or nothing and the first error. */
veld_status intake_finish(intake *in, veld_edits *out);
void intake_edit(intake *in, veld_edit_kind kind, const veld_id *record, const veld_schema *schema,
    const veld_schema_field *field, veld_span value);

/* intake_unknown_field: a name that is no field of the type; says which may be meant. */
void intake_unknown_field(intake *in, const veld_schema *schema, veld_span name);
/* intake_fields: the member "fields" of a new record. */
void intake_fields(intake *in, const draft *record, const veld_json_value *fields);
/* intake_assign: a new value for one field of a record of the state; null clears. */
void intake_assign(intake *in, const veld_state_record *record, const veld_schema *schema,
    const veld_schema_field *field, const veld_json_value *value);

#endif
