/* history.h: waking libgit2. Every other header of this room needs it done.
 *
 * libgit2 gives us the names and the shape of git's objects, so that stock git reads, blames and
 * verifies what Veldkit exports. It decides nothing: it sees no configuration, attributes or
 * templates of the machine, merges nothing and checks nothing out. */
#ifndef VELDKIT_HISTORY_H
#define VELDKIT_HISTORY_H

#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_history_init: make libgit2 ready: its memory comes from veld_allocate and is wiped before it
 * is given back; no system, global, XDG or ProgramData configuration, no template; strict object
 * creation and hash verification on; object cache off. Cheap when it was done before.
 * Needs:   veld_crypto_init, for the hashes of trees and commits.
 * Expects: VELD_E_MEMORY, VELD_E_UNSUPPORTED (a libgit2 of another kind than 1.9 with SHA-1).
 * Thread:  any, also at the same time; but set another allocator (veld_allocator_set) before it.
 * Source:  security.md 4, rule 6 */
veld_status veld_history_init(veld_error *err) VELD_MUST_CHECK;

/* veld_history_close: give back what libgit2 holds, so that a leak checker or a test with its own
 * allocator sees nothing left. Programs need not call it.
 * Thread:  only when no other thread uses the room. */
void veld_history_close(void);

#ifdef __cplusplus
}
#endif
#endif
