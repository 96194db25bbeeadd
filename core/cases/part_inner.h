/* part_inner.h: what a case says of its own place, for the summary and for who reads parts; and the
 * records that say so, for who founds them. */
#ifndef VELD_CASES_PART_INNER_H
#define VELD_CASES_PART_INNER_H

#include "veldkit/arena.h"
#include "veldkit/case.h"
#include "veldkit/compartment.h"
#include "veldkit/edit.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/summary.h"

/* part_read_place: fill compartment, dossier and links of a summary; the links lie in `arena`. A
 * link that says nothing sensible is none, and so is a back link that the case's id does not commit
 * to.  Expects: VELD_E_MEMORY. */
veld_status part_read_place(veld_state *state, const veld_id *case_id,
    const veld_schema_set *schemas, veld_arena *arena, veld_summary *out,
    veld_error *err) VELD_MUST_CHECK;

enum { PART_SEAL_BYTES = 16 };

/* One link record as edits, which point into it: it must not move. */
typedef struct part_link {
    char id_json[VELD_ID_TEXT_SIZE + 2];
    char name_json[16];
    char seal_json[2 * PART_SEAL_BYTES + 3];
    veld_edit edits[3];
    size_t count;
} part_link;

/* part_make_link: a new record for a main case that names this part.
 * part_make_place: the id of a new part of `dossier`, and the record in it that says so; the id
 * commits to what the record says (proto/WIRE.md, "Grant").
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status part_make_link(const veld_env *env, const veld_id *part, veld_compartment compartment,
    part_link *out, veld_error *err) VELD_MUST_CHECK;
veld_status part_make_place(const veld_desk *desk, const veld_id *dossier,
    veld_compartment compartment, veld_id *part, part_link *out, veld_error *err) VELD_MUST_CHECK;

#endif
