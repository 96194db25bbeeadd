/* export.h: a case as a plain git repository, for reading and proving without Veldkit.
 *
 * In the exported folder, with stock git and OpenSSH only:
 *   git fsck --strict                      every object is what its name says
 *   git log --graph main                   who changed when, and where histories met
 *   git blame main -- TYPE/XX/UUID         which change wrote each field of a record
 *   git verify-commit COMMIT               the signature of one change
 *   git log --format='%G? %GS %s' main     the signatures of all
 * It has a .git folder and, beside it, `allowed_signers`, which the repository's own configuration
 * names. Nothing is checked out, so that no case content lies in plain files next to the objects;
 * `git restore --source=main .` does that for who wants it, `git status` until then shows the files
 * as deleted.
 *
 * The branch main is the one head; with several heads it is a commit without a signature, made by
 * `Veldkit <export@veldkit>` with the heads' latest committer date and the heads as parents in the
 * order of their change ids. Who has the same changes makes the same commit; it is never part of a
 * case. A commit whose parents are not all here is named in .git/shallow, as in a shallow clone,
 * and parents of it that are here are kept by refs/tail/GIT.
 *
 * A change of which the files are not known here, since it follows on one that is not here
 * (refused, kept for review, not received), cannot be a commit of a repository: its tree would
 * lack. It lies apart, below refs/veldkit/apart, a tree with a folder for each such change, named
 * by its id: git cat-file blob refs/veldkit/apart:ID/commit   the signed commit as git would have
 * it git cat-file blob refs/veldkit/apart:ID/writes   what it wrote (proto/WIRE.md, "writes part")
 * The SHA-256 of "veldkit/hash/writes/1", a zero byte and `writes` is Veldkit-Writes of `commit`.
 *
 * The repository is built beside its place as `DIR.XXXXXX` and renamed when all is on the disk: an
 * export that was killed has left no DIR, and a folder of that name may be thrown away. That also
 * covers memory that runs out inside libgit2 1.9, which is not always an error code there: its
 * reader of configurations was seen to crash. Trees and commits allocate nothing in libgit2.
 *
 * Order of calls: for each change (parents first) the blobs of files that it brings, its tree, its
 * commit; then finish. All functions need veld_history_init. Thread: one at a time. Source: design
 * 3
 */
#ifndef VELDKIT_EXPORT_H
#define VELDKIT_EXPORT_H

#include <stddef.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"
#include "veldkit/tree.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_export veld_export;

/* veld_export_open: begin an export to `dir`, which must not exist or be an empty folder. Its
 * parent folder must exist.
 * Owns:    `*out` is the caller's, to be closed; NULL on error.
 * Expects: VELD_E_EXISTS, VELD_E_NOT_FOUND (parent folder), VELD_E_NOT_ALLOWED, VELD_E_IO,
 *          VELD_E_FULL, VELD_E_MEMORY. */
veld_status veld_export_open(const char *dir, veld_export **out, veld_error *err) VELD_MUST_CHECK;

/* veld_export_close: throw away what was not finished. NULL is fine. */
void veld_export_close(veld_export *repo);

/* veld_export_blob: the bytes of one file; doubles cost nothing. `out` (may be NULL) gets the names
 * for veld_tree_set.
 * Expects: VELD_E_LIMIT, VELD_E_IO, VELD_E_FULL, VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_export_blob(
    veld_export *repo, veld_span bytes, veld_tree_name *out, veld_error *err) VELD_MUST_CHECK;

/* veld_export_tree: the folders of a tree whose files were all given before. What the tree of the
 * call before has too is not written again.
 * Owns:    keeps a copy (veld_tree_copy), so `tree` may change afterwards.
 * Expects: as veld_export_blob. */
veld_status veld_export_tree(veld_export *repo, veld_tree *tree, veld_error *err) VELD_MUST_CHECK;

/* veld_export_commit: a signed change; `key` is its device's key and goes into allowed_signers.
 * Expects: VELD_E_NOT_FOUND (the tree that the change names was not given: its author computed
 *          another one), VELD_E_INVALID (as veld_commit_text), VELD_E_DAMAGED (change->git is not
 *          the name of the commit), otherwise as veld_export_blob. Nothing of the change is then in
 *          the export. */
veld_status veld_export_commit(veld_export *repo, const veld_change *change,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_export_apart: a signed change whose files are not known here; once each.
 * Expects: as veld_export_commit, but for the tree. */
veld_status veld_export_apart(veld_export *repo, const veld_change *change,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_export_finish: write the branch, configuration and signers, and put the folder in its place.
 * `merged` is the case with all heads joined, its files given before; it is used only with more
 * than one head and may else be NULL. Afterwards the export can only be closed.
 * Expects: VELD_E_NOT_FOUND (no change was given), VELD_E_EXISTS (somebody made DIR meanwhile),
 *          otherwise as veld_export_blob. There is then no DIR. */
veld_status veld_export_finish(
    veld_export *repo, veld_tree *merged, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
