/* glass_inner.h: what is held of a case that is here for an emergency: its agency's grants and its
 * envelopes, as they came. Inside the room. */
#ifndef VELD_SYNC_GLASS_INNER_H
#define VELD_SYNC_GLASS_INNER_H

#include "intake.h"
#include "veldkit/grant.h"
#include "veldkit/lease.h"

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

/* glass_put_grant / _envelope: hold one; of two grants of an epoch the later one. `is_new`: it came
 * to a case that is not read, and counts among what may lie there unread; what was in the case
 * before does not.  Expects: VELD_E_LIMIT (so much that is new is held already). */
veld_status glass_put_grant(
    veld_store *store, const veld_grant *grant, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
veld_status glass_put_envelope(veld_store *store, const veld_id *case_id, veld_span bytes,
    bool is_new, veld_error *err) VELD_MUST_CHECK;
/* glass_drop_envelopes: all of a case; a checkpoint among them stays. */
veld_status glass_drop_envelopes(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* How it stands with a case, by the time of leases. */
typedef struct glass_standing {
    veld_lease lease;
    veld_lease_state state;
    int64_t utc_ms;
    bool sure;
} glass_standing;

veld_status glass_look(const veld_desk *desk, const veld_id *case_id, glass_standing *out,
    veld_error *err) VELD_MUST_CHECK;
/* glass_take_held: take in what is held of a case, and its keys.  Expects: VELD_E_FORGED (it does
 * not open). */
veld_status glass_take_held(const veld_desk *desk, const veld_agency *agency,
    const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* glass_is_open: are there keys of the case in the store? */
veld_status glass_is_open(
    veld_store *store, const veld_id *case_id, bool *out, veld_error *err) VELD_MUST_CHECK;

#endif
