/* past.h: what lies before the base of a case, fetched when somebody asks for it.
 *
 * Asking is a mark in the store and costs nothing; the exchanges after it bring the envelopes of
 * the case, page by page, besides all else. Each change is checked against its author's signature
 * and against what the base holds, and kept as a row beside the base. When all are here the base
 * goes and the case is whole, if it then is the same case; what cannot be read (no key of that time
 * was ever given) or is gone at the relay stays away, and is told.
 *
 * Expects: as store.h and case.h. Thread: as the cases. Source: design, versions. */
#ifndef VELDKIT_PAST_H
#define VELDKIT_PAST_H

#include "veldkit/case.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_past_state {
    VELD_PAST_NONE = 0, /* nobody asked */
    VELD_PAST_WANTED,   /* it comes with the next exchanges */
    VELD_PAST_WHOLE,    /* it came: the case has no base any more */
    VELD_PAST_PARTLY    /* what could be had is here; the base stays */
} veld_past_state;

/* veld_past_want: ask for it.  veld_past_get: how far that is; `utc_ms` (may be NULL): since when.
 */
veld_status veld_past_want(
    const veld_desk *desk, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
veld_status veld_past_get(veld_store *store, const veld_id *case_id, veld_past_state *out,
    int64_t *utc_ms, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
