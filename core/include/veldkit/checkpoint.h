/* checkpoint.h: a case as it stands, for a replica that does not want its whole past: what is
 * visible, what is held, and the little that joining later changes needs to know of the rest.
 *
 * A checkpoint and the changes after it give the same state as all changes. A change that the
 * checkpoint holds is never applied again, so nothing it replaced comes back. Kept are:
 *   - the visible writes with their origins, and every known write of a field that shows several
 *   - every known write on a field that is read from its past (veld_policy_weighs_past)
 *   - the id and the core of each held change. A vector of numbers would not do: a cloned device
 *     makes two changes with one number, and the second must be told from the first
 *   - heads, and the parents of changes whose past is not complete
 *   - writes that were named as replaced and never seen
 *
 * Source: design, versions; proto/WIRE.md, "Checkpoint". */
#ifndef VELDKIT_CHECKPOINT_H
#define VELDKIT_CHECKPOINT_H

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/graph.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_checkpoint_write: `schemas` say which fields need their past to be read. Append the
 * checkpoint of a state and its graph, which hold the same changes. The same set of changes gives
 * the same bytes, unless conflicts keep different pasts. Owns:    keeps nothing; `out` holds case
 * content: wipe it. Expects: VELD_E_LIMIT (the buffer's maximum), VELD_E_MEMORY; `out` is then as
 * it was. */
veld_status veld_checkpoint_write(veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_checkpoint_write_keeping: and the writes of these ids too (rising), where they are known:
 * what changes that come after it name. */
veld_status veld_checkpoint_write_keeping(veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, const veld_write_id *keep, size_t keep_count, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_checkpoint_read: state and graph as they were. Who signed the bytes is the caller's to
 * check.
 * Owns:    the caller frees both; NULL on error.
 * Expects: VELD_E_FORM, VELD_E_NEWER, VELD_E_LIMIT, VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_checkpoint_read(const veld_env *env, veld_span bytes, veld_state **state,
    veld_graph **graph, veld_error *err) VELD_MUST_CHECK;

/* veld_checkpoint_state_id: the state id of a case that is this state (veld_case_state_id).
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_checkpoint_state_id(
    veld_state *state, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
