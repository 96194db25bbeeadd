/* git.h: what the files of this room share about libgit2. Private to core/history. */
#ifndef VELD_HISTORY_GIT_H
#define VELD_HISTORY_GIT_H

#include <git2.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/status.h"

/* veld_git_fail: the status that fits a failed call of libgit2, with `what` as its text. libgit2's
 * own message may hold paths and is never passed on. Call it right after the failure: it reads
 * errno and libgit2's last error. */
veld_status veld_git_fail(veld_error *err, int code, const char *what);

/* veld_git_hash: the name git gives an object. Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_git_hash(
    git_object_t kind, veld_span bytes, veld_git_oid *out, veld_error *err) VELD_MUST_CHECK;

git_oid veld_git_oid_to_native(const veld_git_oid *oid);
veld_git_oid veld_git_oid_from_native(const git_oid *oid);

enum { VELD_GIT_OID_TEXT_SIZE = 2 * VELD_GIT_OID_BYTES + 1 };
void veld_git_oid_format(const veld_git_oid *oid, char out[VELD_GIT_OID_TEXT_SIZE]);

#endif
