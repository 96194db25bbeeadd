/* seal_end.h: may a seal key that the agency changed be destroyed? What was sealed to it, blind
 * work, keys of founded cases and lines of access logs, opens with nothing else.
 *
 * A tablet says that it has the new edition of the statement when the agency has signed for all
 * blind work that it sealed to a key of before: so nothing of it comes later, whatever the relay
 * keeps back. The office then looks at what lies at the relay, at what it could not take in yet and
 * at what it keeps for review.
 * Thread: as the engine. Source: core/DESIGN.md, "Life of keys". */
#ifndef VELDKIT_SEAL_END_H
#define VELDKIT_SEAL_END_H

#include "veldkit/journal.h"
#include "veldkit/sync.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_seal_count_here: device: blind work that is sealed to another key than the agency's present
 * one, and that the agency did not sign for. Who made it cannot seal it again: she does not have
 * its text.  Expects: as the store, VELD_E_MEMORY. */
veld_status veld_seal_count_here(
    veld_store *store, const veld_agency *agency, size_t *out, veld_error *err) VELD_MUST_CHECK;

/* What a key of before opens, and the present one does not. */
typedef struct veld_seal_left {
    size_t unread;      /* at the relay, and not heard by the merger yet */
    size_t waiting;     /* heard, and waits for the key of its case or for who founded it */
    size_t quarantined; /* kept for review as it came, and not judged */
    bool is_behind;     /* the merger has not compared with this journal: nothing can be said */
} veld_seal_left;

/* veld_seal_left_at: merger: nothing else works on its store or on the journal meanwhile. What no
 * key of ours opens is not counted.
 * Expects: as the store and the journal, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_seal_left_at(veld_sync *sync, const veld_journal *journal, veld_seal_left *out,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
