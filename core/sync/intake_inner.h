/* intake_inner.h: what the files of taking a case in share. */
#ifndef VELD_SYNC_INTAKE_INNER_H
#define VELD_SYNC_INTAKE_INNER_H

#include "intake.h"
#include "veldkit/grant.h"

/* ---- intake_grants.c ---- */
typedef struct intake_keys {
    veld_case *opened; /* NULL while no key is here */
    bool is_new;       /* the case came with these parts */
    bool has_new_key;  /* the case is to be opened again */
    bool has_begun;    /* the transaction of a case that is new here */
} intake_keys;

/* intake_grants: the keys of one case that may be used; opens the case again with them. A case that
 * is new here begins a transaction (`has_begun`), which is the caller's to end, also on error. */
veld_status intake_grants(intake *by, const intake_part *parts, size_t count, intake_keys *state,
    veld_error *err) VELD_MUST_CHECK;

/* ---- intake_open.c ---- */
/* A list of changes under way, in the arena of the case. */
typedef struct intake_changes {
    veld_arena arena;
    veld_change *changes;
    uint64_t *places; /* of the envelope of each, as it came */
    size_t count;
    size_t capacity;
} intake_changes;

void intake_changes_release(intake_changes *list);

/* intake_is_blind: an envelope that is sealed to the agency. */
bool intake_is_blind(const intake_part *part);
/* intake_opens_blind: is the envelope blind work that is sealed to `key`?
 * Expects: as opening one; VELD_E_FORGED for another key. */
veld_status intake_opens_blind(const veld_desk *desk, veld_span body, const veld_p256_private *key,
    bool *out, veld_error *why) VELD_MUST_CHECK;
/* intake_open_one: one envelope; `changes` live in the arena of `list` and are not added to it.
 * `keys` is NULL for what is sealed to the agency.
 * Expects: VELD_E_NOT_FOUND (no key, or the author's device is not known), VELD_E_FORGED and what
 *          else opening an envelope gives. */
veld_status intake_open_one(const intake *by, veld_store_case *keys, veld_span body,
    intake_changes *list, veld_change **changes, uint16_t *count, veld_error *why) VELD_MUST_CHECK;
/* intake_open: the envelopes of the case, those of its key or (`keys` is NULL) those that are
 * sealed to the agency; what does not open is told. Into `again` go those that are to be sealed
 * anew. */
veld_status intake_open(intake *by, const intake_part *parts, size_t count, veld_store_case *keys,
    intake_changes *current, intake_changes *again, veld_error *err) VELD_MUST_CHECK;

#endif
