/* glass_inner.h: what is held of a case that is here for an emergency: its agency's grants and its
 * envelopes, as they came. Inside the room. */
#ifndef VELD_SYNC_GLASS_INNER_H
#define VELD_SYNC_GLASS_INNER_H

#include "intake.h"
#include "veldkit/grant.h"

/* A list of held parts; bodies live in the arena. Release whatever is returned. */
typedef struct glass_parts {
    veld_arena arena;
    intake_part *items;
    size_t count, capacity;
} glass_parts;

/* glass_load: what is held of a case, grants first. `out` is initialised here. */
veld_status glass_load(
    veld_store *store, const veld_id *case_id, glass_parts *out, veld_error *err) VELD_MUST_CHECK;
void glass_release(glass_parts *parts);
veld_status glass_add(glass_parts *parts, const intake_part *part, veld_error *err) VELD_MUST_CHECK;

/* glass_put_grant / _envelope: hold one; of two grants of an epoch the later one.
 * Expects: VELD_E_LIMIT (so much of one case is held already). */
veld_status glass_put_grant(
    veld_store *store, const veld_grant *grant, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
veld_status glass_put_envelope(
    veld_store *store, const veld_id *case_id, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* glass_drop_envelopes: all of a case; a checkpoint among them stays. */
veld_status glass_drop_envelopes(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* glass_is_open: are there keys of the case in the store? */
veld_status glass_is_open(
    veld_store *store, const veld_id *case_id, bool *out, veld_error *err) VELD_MUST_CHECK;

#endif
