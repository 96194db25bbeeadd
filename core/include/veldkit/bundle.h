/* bundle.h: an exchange by hand: the key and the changes of some cases in one file, from one vault
 * to another whose card is known.
 *
 *     file = version frame | card of who writes | for each case: grant, envelopes | end frame
 *
 * Who takes it in believes nothing but signatures: the writer's card must be one that was confirmed
 * before; a case that is new here needs a grant of the device that founded it; changes of devices
 * that are not known are left out and can be offered again. Taking the same bundle twice does
 * nothing the second time.
 *
 * Thread: as the cases. Source: design, sync, "By hand"; proto/WIRE.md, "Bundle". */
#ifndef VELDKIT_BUNDLE_H
#define VELDKIT_BUNDLE_H

#include "veldkit/card.h"
#include "veldkit/case.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_bundle_write: append a bundle of `cases` for the device of `to`; `own_card` are the bytes of
 * the writer's card (veld_card_make), `program` its name and version.
 * Expects: VELD_E_NOT_FOUND (no such case here), VELD_E_LIMIT (over VELD_BUNDLE_BYTES_MAX), what
 *          the signer returns, as veld_case_open. On error the content of `out` means nothing. */
veld_status veld_bundle_write(const veld_desk *desk, const char *program, veld_span own_card,
    const veld_card *to, const veld_id *cases, size_t count, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* What taking in did. */
typedef struct veld_bundle_report {
    size_t cases; /* that something was taken in of, or that were known whole */
    size_t new_cases;
    veld_taken taken; /* of all cases together */
    size_t refused;   /* grants and envelopes that were left out: another's, damaged, not allowed */
} veld_bundle_report;

/* veld_bundle_take: take a bundle in, case by case, each in a transaction of its own; what one case
 * lacks never keeps another out. `finding` (may be NULL) gets a line with ids for all left out.
 * Expects: VELD_E_FORM, VELD_E_DAMAGED (cut short, or changed on the way), VELD_E_NEWER,
 *          VELD_E_LIMIT: nothing was taken in then. VELD_E_NOT_ALLOWED (the writer's card is not
 *          known here: nothing was taken in), as veld_case_take. */
veld_status veld_bundle_take(const veld_desk *desk, veld_span bytes, veld_bundle_report *report,
    void (*finding)(void *context, const char *text), void *context,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
