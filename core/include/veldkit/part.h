/* part.h: the cases of a dossier together: which there are, opening those of one compartment, and
 * founding them.
 *
 * A case counts as a part of a dossier when its back link names the dossier's main case and that
 * case, if it is here, links it. What only claims to be one stands alone: who does not hold the
 * main case cannot put records into its dossier.
 *
 * Expects, all that store or load: as case.h.
 * Thread: as the cases. Source: design, versions ("compartment"). */
#ifndef VELDKIT_PART_H
#define VELDKIT_PART_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/case.h"
#include "veldkit/compartment.h"
#include "veldkit/edit.h"
#include "veldkit/schema.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- which there are ---- */
/* The cases of a store, sorted by dossier, compartment and id. */
typedef struct veld_places {
    veld_place *items;
    size_t count;
} veld_places;

/* veld_places_load: from the summaries; no case is opened.
 * Owns:    release `out` whatever is returned. */
veld_status veld_places_load(veld_store *store, veld_places *out, veld_error *err) VELD_MUST_CHECK;
/* veld_places_load_dossier: the same for the dossier of one case, at the cost of these cases only.
 * Without its main case the others of a dossier are not found: then it is that case alone.
 * Expects: VELD_E_NOT_FOUND (no such case). */
veld_status veld_places_load_dossier(
    veld_store *store, const veld_id *case_id, veld_places *out, veld_error *err) VELD_MUST_CHECK;
void veld_places_release(veld_places *places);
/* veld_places_dossiers: how many dossiers they are of. */
size_t veld_places_dossiers(const veld_places *places);
/* veld_places_of: where a case stands; NULL when it is not here. */
const veld_place *veld_places_of(const veld_places *places, const veld_id *case_id);
/* veld_places_list: the cases of one compartment of a dossier, one behind the other; NULL and 0
 * when there are none. */
const veld_place *veld_places_list(
    const veld_places *places, const veld_id *dossier, veld_compartment compartment, size_t *count);
/* veld_places_search: what a person means by `word`: a dossier, or one case of it by its own id.
 * `fits` says whether an id is meant. `out` gets the last that fits: for a dossier its main case,
 * whether it is here or not. `*matches` counts them. */
void veld_places_search(const veld_places *places, const char *word,
    bool (*fits)(const veld_id *id, const char *word), veld_place *out, size_t *matches);

/* ---- opened ---- */
/* The cases of one compartment, whose records are read together. */
typedef struct veld_part {
    veld_place place; /* case_id only when there is one case */
    veld_case **cases;
    size_t count;
} veld_part;

/* veld_part_open: open all cases from `first` on.
 * Owns:    close `out` whatever is returned. */
veld_status veld_part_open(const veld_desk *desk, const veld_place *first, size_t count,
    veld_part *out, veld_error *err) VELD_MUST_CHECK;
void veld_part_close(veld_part *part);
/* veld_part_state_id: of one case its state id; of several a hash over theirs, equal on replicas
 * that hold the same changes of all of them. */
veld_status veld_part_state_id(veld_part *part, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_part_view: append what veld_view_case writes.
 * Expects: also VELD_E_LIMIT (the buffer's maximum). */
veld_status veld_part_view(veld_part *part, const veld_schema_set *schemas, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* ---- founding ---- */
/* veld_part_found_dossier: a main case with the id `dossier`, and a part for each compartment that
 * `edits` have records for, all in one transaction.
 * Expects: VELD_E_INVALID (no edits), as veld_case_found. On any error nothing is stored. */
veld_status veld_part_found_dossier(const veld_desk *desk, const veld_id *dossier,
    const veld_edit *edits, size_t count, veld_error *err) VELD_MUST_CHECK;
/* veld_part_found_blind: a case of its own in the agency's hands only: `edits` become its first
 * change, sealed to the agency, which founds it and decides where it belongs.
 * Expects: as veld_case_save_blind. */
veld_status veld_part_found_blind(const veld_desk *desk, const veld_edit *edits, size_t count,
    veld_id *case_id, veld_hash *change, veld_error *err) VELD_MUST_CHECK;
/* veld_part_linked: a part that `main` links under this compartment, whether it is here or not: of
 * several the one with the smallest id; zero when there is none.  Expects: VELD_E_MEMORY. */
veld_status veld_part_linked(
    veld_case *main, veld_compartment compartment, veld_id *out, veld_error *err) VELD_MUST_CHECK;
/* veld_part_found: a part of the dossier of `main` with its first records, and the link in `main`,
 * in one transaction. `change` gets the id of the part's first change. A part `reporter` is written
 * blind (blind.h): its key is the agency's alone.
 * Expects: as veld_case_save of `main`. On any error nothing is stored. */
veld_status veld_part_found(veld_case *main, veld_compartment compartment, const veld_edit *edits,
    size_t count, veld_id *part, veld_hash *change, veld_error *err) VELD_MUST_CHECK;

/* A case that is founded anew, and its new id. `old` is open on a desk that tells no watch. */
typedef struct veld_anew {
    veld_case *old;
    veld_compartment compartment;
    veld_id id; /* set */
} veld_anew;

/* veld_part_found_anew: found each case anew with what it shows now but the records `left` and
 * those that are removed: values, ids of records and links stay, authors and times do not;
 * decisions and casework, which name the old case, are left behind too. A whole dossier: the main
 * case first and `main` NULL. Parts only: into the dossier of `main`, which is open and gets the
 * links. Inside a transaction of the caller's, who rolls back after an error and closes `main`.
 * Expects: VELD_E_CONFLICT (somebody has to choose first), VELD_E_UNSUPPORTED (a field would not
 *          show the same), VELD_E_INVALID (nothing is left), VELD_E_LIMIT (more values than one
 *          change may have), as veld_case_found. */
veld_status veld_part_found_anew(const veld_desk *desk, veld_anew *cases, size_t count,
    veld_case *main, const veld_id *left, size_t left_count, veld_error *err) VELD_MUST_CHECK;

/* ---- what a case says of its place ---- */
/* veld_part_is_secret: whether an address in this case is to be kept secret: somebody said so and
 * no decision says otherwise. Removed records count too: their history is in the case.
 * Expects: VELD_E_MEMORY. */
veld_status veld_part_is_secret(veld_case *opened, bool *out, veld_error *err) VELD_MUST_CHECK;

/* ---- danger in a part ---- */
#define VELD_TYPE_DANGER_NOTICE "danger-notice" /* in main: field `about`, the id of a record */

/* veld_part_dangers: the records of a part on which danger is recorded.
 * Owns:    the list lives in `arena`.  Expects: VELD_E_MEMORY.
 * veld_part_notice: save in the main case that there is danger on these records, where it does not
 * say so yet; `change` is zero when it did. `unaware`: for somebody who did not have the main case,
 * so that what was lowered there meanwhile is held back too.  Expects: as veld_case_save. */
veld_status veld_part_dangers(veld_case *part, veld_arena *arena, const veld_id **out,
    size_t *count, veld_error *err) VELD_MUST_CHECK;
veld_status veld_part_notice(veld_case *main, const veld_id *records, size_t count, bool unaware,
    veld_hash *change, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
