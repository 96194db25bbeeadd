/* part_inner.h: what a case says of its own place, for the summary and for who reads parts. */
#ifndef VELD_CASES_PART_INNER_H
#define VELD_CASES_PART_INNER_H

#include "veldkit/arena.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/summary.h"

/* part_read_place: fill compartment, dossier and links of a summary; the links lie in `arena`. A
 * back link or link that says nothing sensible is none.  Expects: VELD_E_MEMORY. */
veld_status part_read_place(veld_state *state, const veld_schema_set *schemas, veld_arena *arena,
    veld_summary *out, veld_error *err) VELD_MUST_CHECK;

#endif
