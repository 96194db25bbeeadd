/* dossier.h: what a person or a script hands in to be saved, checked strictly: all of it is right,
 * or every error is told with its JSON pointer and nothing is saved.
 *
 *     DOSSIER   {"records":[{"type":"person","fields":{"name":"..."}}, ...]}
 *     RECORD    {"fields":{...}}             with an optional "record": uuid
 *     FIELD     name=JSON                    JSON null clears the field
 *
 * A record of a dossier may carry "record" (its uuid; made when absent) and "ref", a local name of
 * 1 to 64 letters, digits, dashes and underscores. A reference is a uuid, or "#" and the local name
 * of a record of the same dossier: {"type":"visit","fields":{"present":["#moeder"]}}. A dossier
 * holds exactly one record of the type `case`.
 *
 * Fields that hold a set take arrays, in any order, without doubles.
 *
 * Memory: a dossier of the greatest size needs about 32 MiB of arena, a visit's work a few KiB.
 * Thread: one call at a time per arena and error list. Source: proto/records/README.md. */
#ifndef VELDKIT_DOSSIER_H
#define VELDKIT_DOSSIER_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/edit.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Edits in the order of the document, those of one record together. They live in the arena; types
 * and names of fields borrow from the schemas. */
typedef struct veld_edits {
    const veld_edit *items;
    size_t count;
} veld_edits;

/* What all checks need.
 * Owns: everything is borrowed during the call; edits are made in `arena`, wiped by its owner. */
typedef struct veld_dossier_context {
    const veld_schema_set *schemas;
    const veld_env *env; /* for the ids of new records */
    veld_state *state;   /* the case that the edits are for, not changed; NULL for a new case */
    veld_arena *arena;
    veld_json_errors *errors; /* gets every error; may be NULL */
    bool case_optional;       /* a dossier may come without a `case` record; never with two */
    /* Of other cases of the same dossier: references may name their records, and ids are unique in
     * all of them. Without its main case, references into that are taken as they are: also when the
     * edits are for main itself, of which nothing may be read then. */
    veld_state *const *beside;
    size_t beside_count;
    bool main_away;
} veld_dossier_context;

/* All three make edits of the kinds VELD_EDIT_SET, VELD_EDIT_ADD and VELD_EDIT_TAKE_OUT.
 * Expected of all three: VELD_E_FORM or VELD_E_LIMIT (the gate: not JSON, too large),
 * VELD_E_INVALID (against the schemas), VELD_E_EXISTS (only: a record id is in use),
 * VELD_E_NOT_FOUND (only: no such record), VELD_E_MEMORY, VELD_E_CRYPTO. The status is that of the
 * first error found. On any error `out` is empty. */

/* veld_dossier_check: the records of a new dossier, of all compartments. `context->state` is NULL
 * (asserted). None of the three takes a record by which cases are linked (compartment.h). */
veld_status veld_dossier_check(const veld_dossier_context *context, veld_span bytes,
    veld_edits *out, veld_error *err) VELD_MUST_CHECK;

/* veld_dossier_check_record: one new record of a known type; `*record` gets its id. References name
 * records of the state. A case takes no second record of the type `case`. */
veld_status veld_dossier_check_record(const veld_dossier_context *context, veld_span type,
    veld_span bytes, veld_id *record, veld_edits *out, veld_error *err) VELD_MUST_CHECK;

/* veld_dossier_check_fields: changes to a record of the state, each text `FIELD=JSON`. Pointers in
 * errors are `/FIELD`. A field that holds a set is given as a whole: edits add and take out what
 * makes the difference to what is visible now (only add, when it is grow-only), so there may be
 * none. Write-once fields take a value only while they have none, or one of the values between
 * which a person must choose. */
veld_status veld_dossier_check_fields(const veld_dossier_context *context, const veld_id *record,
    const veld_span *assignments, size_t count, veld_edits *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
