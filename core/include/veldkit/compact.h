/* compact.h: making a tablet forget how a case became what it is, when the agency has it all.
 *
 * Folded is a change that a head of the agency covers, that is older than what is to be kept, and
 * whose whole past is folded too. Never folded is what is unsent, what misses a parent, and a case
 * of which the state differs from the agency's. What is kept for choosing between values is in
 * checkpoint.h. The merger never folds: it holds the whole past of every case.
 *
 * Expects: as case.h. Thread: as the cases. Source: design, versions. */
#ifndef VELDKIT_COMPACT_H
#define VELDKIT_COMPACT_H

#include "veldkit/case.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    /* By itself a tablet folds what is older than this: so long it can hand in again to an agency
     * that was set back to a backup. */
    VELD_COMPACT_KEEP_DAYS = 30,
    VELD_COMPACT_CHANGES_MIN = 200 /* and when it is worth it */
};

/* veld_compact_case: fold what is older than `keep_ms`, when at least `least` changes can be.
 * `folded` counts them; 0 when there were too few, or no head of the agency is here. No handle of
 * the case may be open. */
veld_status veld_compact_case(const veld_desk *desk, const veld_id *case_id, int64_t keep_ms,
    size_t least, size_t *folded, veld_error *err) VELD_MUST_CHECK;

/* veld_base_verify: is the base of the case what the agency signed? `fits` is true for a base that
 * was folded here too: of that nothing was signed.
 * Expects: VELD_E_NOT_FOUND (the case has no base). */
veld_status veld_base_verify(veld_case *opened, const veld_verifier *verifier,
    const veld_p256_public *merger_key, bool *fits, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
