/* tree.h: one case as folders and files, and the two names of that tree.
 *
 * A record is one file at `type/xx/uuid`, where xx are the last two hex digits of the uuid. The
 * tree holds no bytes, only the names of the files' bytes: it is what a change is signed over.
 *
 *   git     SHA-1 as git computes it: blob, then `100644 uuid` in xx, `40000 xx` in type,
 *           `40000 type` in the root. For stock git; trust never rests on it.
 *   hash    SHA-256 over the same folders (normative; the trailer Veldkit-Tree):
 *             file    = SHA-256("veldkit/hash/file/1"   | 00 | bytes)
 *             folder  = SHA-256("veldkit/hash/folder/1" | 00 | entry*)
 *             entry   = length of name as u16 big-endian | name | kind | hash of file or folder
 *             kind    = 01 for a file, 02 for a folder
 *           Entries come in git's order: by the bytes of their names, where the name of a folder
 *           counts as if it ended in '/' (so `case-x` comes before `case`).
 *
 * An empty folder does not exist; only the root may be empty, and the tree of an empty case is
 * git's empty tree and the hash of a folder without entries.
 *
 * Names are computed when asked for, and only where something changed: after one file the cost is
 * one xx folder, one type folder and the root. A copy shares its folders with the original, so a
 * tree for each of several heads costs little.
 *
 * All functions need veld_history_init and veld_crypto_init where they hash. Thread: a tree and all
 * its copies in one thread at a time. Source: design 3 */
#ifndef VELDKIT_TREE_H
#define VELDKIT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_tree veld_tree;

/* The two names of a file, a folder or a whole tree. */
typedef struct veld_tree_name {
    veld_git_oid git;
    veld_hash hash;
} veld_tree_name;

/* veld_tree_new: a tree without files; NULL without memory.  veld_tree_free(NULL) does nothing. */
veld_tree *veld_tree_new(void) VELD_MUST_CHECK;
void veld_tree_free(veld_tree *tree);

/* veld_tree_copy: a second tree with the same files; folders are shared until one side changes.
 * Owns:    `*out` is the caller's; NULL on error.   Expects: VELD_E_MEMORY. */
veld_status veld_tree_copy(const veld_tree *tree, veld_tree **out, veld_error *err) VELD_MUST_CHECK;

/* veld_tree_file_name: the names of a file with these bytes, without putting it anywhere.
 * Expects: VELD_E_LIMIT (> VELD_TREE_FILE_BYTES_MAX), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_tree_file_name(
    veld_span bytes, veld_tree_name *out, veld_error *err) VELD_MUST_CHECK;

/* veld_tree_set: put the file of a record, or replace it; `name` is of veld_tree_file_name, now or
 * from a row that was stored. Setting the name that is there already changes nothing.
 * Owns:    copies all.
 * Expects: VELD_E_INVALID (`type` is not veld_change_type_is_valid), VELD_E_MEMORY. On any error
 *          the tree is as it was. */
veld_status veld_tree_set(veld_tree *tree, veld_span type, const veld_id *record,
    const veld_tree_name *name, veld_error *err) VELD_MUST_CHECK;

/* veld_tree_put: veld_tree_file_name and veld_tree_set in one; `name` may be NULL. */
veld_status veld_tree_put(veld_tree *tree, veld_span type, const veld_id *record, veld_span bytes,
    veld_tree_name *name, veld_error *err) VELD_MUST_CHECK;

/* veld_tree_remove: take the file of a record away. A file that is not there is no error.
 * Expects: VELD_E_MEMORY; the tree is then as it was. */
veld_status veld_tree_remove(
    veld_tree *tree, veld_span type, const veld_id *record, veld_error *err) VELD_MUST_CHECK;

/* veld_tree_get: the names of a record's file, borrowed until the tree changes; NULL without. */
const veld_tree_name *veld_tree_get(const veld_tree *tree, veld_span type, const veld_id *record);

/* veld_tree_count: the number of files. */
size_t veld_tree_count(const veld_tree *tree);

/* veld_tree_root: the two names of the whole tree; what veld_change.tree_git and .tree hold.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY; the tree stays usable. */
veld_status veld_tree_root(veld_tree *tree, veld_tree_name *out, veld_error *err) VELD_MUST_CHECK;

/* ---- walking ---- */
/* Callbacks return VELD_OK to go on; any other status ends the walk and is what it returns. Spans
 * are borrowed during the call. The tree must not be changed meanwhile. */
typedef veld_status (*veld_tree_object_sink)(
    void *context, const veld_git_oid *oid, veld_span bytes, veld_error *err);

/* veld_tree_objects: give the bytes of each git tree object of `tree`, folders before the folders
 * that hold them and the root last; for an export. Objects that `base` (may be NULL) has too are
 * left out, without a walk through what the two share. Files' bytes are not here: the caller has
 * them.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY, what the sink returns. */
veld_status veld_tree_objects(veld_tree *tree, veld_tree *base, veld_tree_object_sink sink,
    void *context, veld_error *err) VELD_MUST_CHECK;

/* One file that differs. `before` or `after` is NULL where it does not exist. */
typedef struct veld_tree_change {
    veld_span type;
    veld_id record;
    const veld_tree_name *before;
    const veld_tree_name *after;
} veld_tree_change;

typedef veld_status (*veld_tree_change_sink)(
    void *context, const veld_tree_change *change, veld_error *err);

/* veld_tree_diff: each file that differs, in the order of the folders of the tree, then of
 * ids. `before` NULL stands for the empty tree, which lists every file of `after`. What the two
 * share is not walked through.
 * Expects: what the sink returns. */
veld_status veld_tree_diff(const veld_tree *before, const veld_tree *after,
    veld_tree_change_sink sink, void *context, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
