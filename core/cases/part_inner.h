/* part_inner.h: what a case says of its own place, for the summary and for who reads parts; and the
 * records that say so, for who founds them. */
#ifndef VELD_CASES_PART_INNER_H
#define VELD_CASES_PART_INNER_H

#include "veldkit/arena.h"
#include "veldkit/edit.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/summary.h"

/* part_read_place: fill compartment, dossier and links of a summary; the links lie in `arena`. A
 * back link or link that says nothing sensible is none.  Expects: VELD_E_MEMORY. */
veld_status part_read_place(veld_state *state, const veld_schema_set *schemas, veld_arena *arena,
    veld_summary *out, veld_error *err) VELD_MUST_CHECK;

/* One link record as edits, which point into it: it must not move. */
typedef struct part_link {
    char id_json[VELD_ID_TEXT_SIZE + 2];
    char name_json[16];
    veld_edit edits[2];
} part_link;

/* part_make_link: a new record of `type` that names the case `to` in `id_field`. */
veld_status part_make_link(const veld_env *env, const char *type, const char *id_field,
    const veld_id *to, veld_compartment compartment, part_link *out,
    veld_error *err) VELD_MUST_CHECK;

#endif
