/* blind.h: work without a read key: what is taken down of a reporter, a quick note, a record for a
 * case whose lease is over. The change has no parents, replaces nothing and is sealed to the
 * agency: nobody can read it on this device, not even its author. What it touches becomes
 * concurrent at the agency, never overwritten.
 *
 * Each blind change is a chain of its own: a random incarnation, number 1. So one that arrives late
 * leaves no gap, and every head names it.
 *
 * Kept in the store, values "blind" by change id: the sealed envelope, until a head of the merger
 * says that it is taken in.
 *
 * Expects, all: as the store, VELD_E_MEMORY, VELD_E_CRYPTO.
 * Thread: as the cases. Source: design, versions ("blind work"); proto/WIRE.md, "Envelope". */
#ifndef VELDKIT_BLIND_H
#define VELDKIT_BLIND_H

#include <stddef.h>

#include "veldkit/case.h"
#include "veldkit/envelope.h"
#include "veldkit/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_case_save_blind: one change of `edits` (already checked) for a case, sealed to the agency
 * and durable on return; in one transaction, or part of the caller's. Only what needs to have seen
 * nothing: VELD_EDIT_SET and VELD_EDIT_ADD.
 * Expects: VELD_E_NOT_ALLOWED (the desk is of no agency), VELD_E_UNSUPPORTED (another edit),
 *          VELD_E_INVALID (no edits), VELD_E_LIMIT, what the signer returns. */
veld_status veld_case_save_blind(const veld_desk *desk, const veld_id *case_id,
    const veld_edit *edits, size_t count, veld_hash *change, veld_error *err) VELD_MUST_CHECK;

/* One that the agency has not taken in yet. */
typedef struct veld_blind {
    veld_hash change;
    veld_id case_id;
    veld_instant saved; /* by the author's clock */
    veld_priority priority;
    veld_span envelope;  /* borrowed for the call */
    veld_hash sealed_to; /* fingerprint of the agency's seal key; zero when a program of before
                            saved it */
} veld_blind;

/* veld_blind_each: all of them, in no order that means anything; stops when `each` returns another
 * status than VELD_OK, and returns it. `each` may not change the group.
 * Expects: VELD_E_DAMAGED. */
veld_status veld_blind_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_blind *blind, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
/* veld_blind_drop: the agency has taken it in. `*was_here` tells whether it waited here, for this
 * case. */
veld_status veld_blind_drop(veld_store *store, const veld_id *case_id, const veld_hash *change,
    bool *was_here, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
