/* export_parts.h: the inside of an export, for the files that make it up. Private to core/history.
 */
#ifndef VELD_HISTORY_EXPORT_PARTS_H
#define VELD_HISTORY_EXPORT_PARTS_H

#include <stdbool.h>

#include "git.h"
#include "veldkit/export.h"

typedef struct export_commit {
    veld_hash id;
    veld_git_oid git;
    int64_t commit_utc_s;
    size_t parents_begin; /* in `parents` of the export */
    size_t parents_count;
} export_commit;

/* A change whose files are not known, and the folder that holds it. */
#define EXPORT_APART        "refs/veldkit/apart"
#define EXPORT_APART_COMMIT "commit"
#define EXPORT_APART_WRITES "writes"
typedef struct export_aside {
    veld_hash id;
    veld_git_oid folder;
} export_aside;

struct veld_export {
    char *dir;  /* where it shall be */
    char *work; /* where it is built */
    bool made;  /* `work` exists and is ours to remove */
    bool finished;
    git_repository *git;
    git_odb *odb;
    git_odb_backend *memory; /* new objects, until they are packed; owned by odb */
    veld_buf pending;        /* git_oid of each of them */
    size_t pending_bytes;
    veld_tree *last;  /* whose folders are written already; NULL at first */
    veld_buf commits; /* export_commit */
    veld_buf parents; /* veld_git_oid */
    veld_buf signers; /* veld_ssh_allowed */
    veld_buf aside;   /* export_aside */
};

veld_status export_object(veld_export *repo, git_object_t kind, const veld_git_oid *name,
    veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* export_flush: write the objects in memory as a pack. */
veld_status export_flush(veld_export *repo, veld_error *err) VELD_MUST_CHECK;
/* export_finish_apart: the tree of what lies apart, and its reference; before the last flush. */
veld_status export_finish_apart(veld_export *repo, veld_error *err) VELD_MUST_CHECK;
veld_status export_fail_errno(veld_error *err, const char *what);

#endif
