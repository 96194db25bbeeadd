/* commit.h: a change as a signed git commit.
 *
 * The commit of a change follows from the change byte for byte (normative; N, I etc. are fields):
 *
 *   tree TREE_GIT                                   lower-case hex, as everywhere below
 *   parent GIT                                      for each parent, in the order of their change
 * ids author Veldkit device UUID <UUID@device.veldkit> SECONDS +hhmm committer Veldkit device UUID
 * <UUID@device.veldkit> SECONDS +0000 gpgsig -----BEGIN SSH SIGNATURE-----            the text of
 * sshsig.h; each further line of it
 *    ...                                            begins with a space
 *                                                   an empty line
 *   Change NUMBER
 *                                                   an empty line
 *   Veldkit-Format: 0
 *   Veldkit-Case: UUID
 *   Veldkit-Tree: SHA-256 of the tree (tree.h)
 *   Veldkit-Parents: change ids with a space between them, or none
 *   Veldkit-Writes: hash of the writes
 *   Veldkit-Device: UUID
 *   Veldkit-Incarnation: 16 digits
 *   Veldkit-Number: NUMBER
 *   Veldkit-Time: WALL MONOTONIC SERVER HYBRID.COUNT QUALITY
 *   Veldkit-Log: SIZE ROOT, or none
 *   Veldkit-Salt: 32 digits
 *
 * The author's SECONDS are the wall time rounded down, but not before 1970: git counts from there.
 * The committer's are veld_change.commit_utc_s, never before the author's or a parent's, because
 * git's walks rely on that order where clocks are wrong. WALL is RFC 3339 with milliseconds in the
 * author's offset, SERVER the same in UTC or none; MONOTONIC and HYBRID are milliseconds as decimal
 * numbers; QUALITY is anchored, stale, unanchored or suspect. No case content is in a commit.
 *
 *   id   SHA-256 of these bytes without the gpgsig lines: exactly the bytes that are signed, under
 *        the namespace "git", and that `git verify-commit` checks
 *   git  SHA-1 of the commit object with the gpgsig lines
 *
 * All functions need veld_crypto_init and, where they give a git id, veld_history_init.
 * Thread: any. Source: design 3, security.md 2; git's Documentation/gitformat-signature */
#ifndef VELDKIT_COMMIT_H
#define VELDKIT_COMMIT_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* veld_commit_author_s: the author date of a wall time, in seconds since 1970. */
int64_t veld_commit_author_s(int64_t wall_utc_ms);

/* veld_commit_time: the committer date of a new change: the later of its author date and the
 * committer dates of its parents. `parents_utc_s` may be NULL when there are none. */
int64_t veld_commit_time(int64_t wall_utc_ms, const int64_t *parents_utc_s, size_t parents_count);

/* veld_commit_text: append the bytes that are signed. Reads from the change all that the text above
 * names, so writes_hash (veld_change_derive), tree_git, tree and commit_utc_s must be filled.
 * Expects: VELD_E_INVALID (format not known here, number 0, offset over a day, parents not sorted
 *          by id, a wall or server time outside the years 0000 to 9999, committer before author),
 *          VELD_E_LIMIT (parents, or the buffer's maximum), VELD_E_MEMORY. `out` is then as it
 *          was. */
veld_status veld_commit_text(
    const veld_change *change, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_commit_object: append the commit object with its signature, as it is in a repository. `key`
 * is the public key that made change->signature.
 * Expects: as veld_commit_text, VELD_E_CRYPTO. */
veld_status veld_commit_object(const veld_change *change, const veld_p256_public *key,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_commit_sign: fill signature, id and git of a change that is otherwise complete.
 * Expects: as veld_commit_text, and what the signer returns. The change is then as it was. */
veld_status veld_commit_sign(
    veld_change *change, const veld_signer *signer, veld_error *err) VELD_MUST_CHECK;

/* veld_commit_verify: does the signature of a change that came from elsewhere fit its content and
 * `key`? If so, id and git are filled. Says nothing about whether `key` may sign for that device,
 * nor whether the author's tree is right.
 * Expects: VELD_E_FORGED, otherwise as veld_commit_text. The change is then as it was. */
veld_status veld_commit_verify(veld_change *change, const veld_p256_public *key,
    const veld_verifier *verifier, veld_error *err) VELD_MUST_CHECK;

/* veld_commit_ids: fill id and git without looking at the signature: for a change of our own store
 * that was verified when it came in.
 * Expects: as veld_commit_object. */
veld_status veld_commit_ids(
    veld_change *change, const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_commit_parse: a commit object from a repository back into the fields it holds. Accepted is
 * only what veld_commit_object would write for the result, byte for byte. `out` has no writes (they
 * are not in a commit), a zero core, and the id and git that follow from the bytes; `key` is the
 * key the signature names, which must be compared with one that is trusted for another reason.
 * Owns:    parents live in `arena`.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (> VELD_COMMIT_BYTES_MAX), VELD_E_NEWER (format),
 *          VELD_E_CRYPTO, VELD_E_MEMORY. `*out` and `*key` are then zero. */
veld_status veld_commit_parse(veld_span object, veld_arena *arena, veld_change *out,
    veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
