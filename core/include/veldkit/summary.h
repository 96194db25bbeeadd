/* summary.h: what is known of a case without opening it: title, number of records, last change.
 * Stored, sealed, with every save, so that a list of ten thousand cases opens none of them.
 *
 * Thread: as the case or the store. Source: design, storage. */
#ifndef VELDKIT_SUMMARY_H
#define VELDKIT_SUMMARY_H

#include "veldkit/case.h"
#include "veldkit/compartment.h"
#include "veldkit/index.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_summary {
    veld_span title; /* UTF-8; empty when the case has none */
    uint64_t records;
    int64_t updated_utc_ms; /* wall time of the newest change, by its author's clock */
    veld_compartment compartment;
    veld_id dossier; /* by the back link of a part; zero for a main case */
    veld_span
        links; /* of a main case: VELD_SUMMARY_LINK_BYTES for each part: compartment u8 | id */
} veld_summary;

enum { VELD_SUMMARY_LINK_BYTES = 1 + VELD_ID_BYTES };

/* veld_summary_put: store what the case says now. Inside the transaction of a save or take.
 * Expects: as veld_store_put_summary. */
veld_status veld_summary_put(veld_case *opened, veld_error *err) VELD_MUST_CHECK;

/* veld_summary_read: a stored summary; its spans are views into `bytes`. Empty bytes are an empty
 * summary.  Expects: VELD_E_FORM. */
veld_status veld_summary_read(veld_span bytes, veld_summary *out, veld_error *err) VELD_MUST_CHECK;

/* veld_summary_links: whether a main case links the part `case_id` under that compartment. */
bool veld_summary_links(
    const veld_summary *main, veld_compartment compartment, const veld_id *case_id);

/* veld_summary_index: bring the index up to the store: the cases that changed since it was saved.
 */
veld_status veld_summary_index(
    veld_store *store, veld_index *index, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
