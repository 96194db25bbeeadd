/* audit_parts.h: the inside of an audit, for the files that make it up. Private to core/history. */
#ifndef VELD_HISTORY_AUDIT_PARTS_H
#define VELD_HISTORY_AUDIT_PARTS_H

#include <stdbool.h>

#include "git.h"
#include "veldkit/arena.h"
#include "veldkit/audit.h"

/* What was found out about one object. A folder's hash is computed once, however many trees of the
 * case share it; so an audit is linear in the objects. */
typedef enum object_kind {
    OBJECT_UNKNOWN = 0,
    OBJECT_BAD, /* unreadable, or not of our form */
    OBJECT_FILE,
    OBJECT_FOLDER, /* xx: holds files */
    OBJECT_TYPE,   /* holds folders xx */
    OBJECT_ROOT    /* holds types */
} object_kind;

typedef struct audit_object {
    git_oid oid;
    uint8_t kind; /* object_kind */
    uint8_t xx;   /* of an OBJECT_FOLDER: the last byte of its records' ids */
    veld_hash hash;
} audit_object;

typedef struct audit_commit {
    veld_change change; /* valid when `good` */
    veld_git_oid git;
    bool good; /* is of our form */
    bool has_child;
} audit_commit;

typedef struct audit {
    const veld_audit_rules *rules;
    veld_audit_summary *summary;
    veld_error *err;
    git_odb *odb;
    veld_buf objects; /* audit_object, sorted by oid, no doubles */
    veld_buf commits; /* audit_commit, in the same order */
    veld_buf signers; /* that the changes name: signers.h */
    veld_arena arena; /* parents of the commits */
    bool shallow;
} audit;

/* audit_report: one finding; `commit` may be NULL. */
void audit_report(audit *work, veld_status status, const veld_git_oid *commit, const char *text);

/* audit_objects: list the objects of DIR/.git. */
veld_status audit_objects(audit *work, const char *dir) VELD_MUST_CHECK;
audit_object *audit_find(audit *work, const git_oid *oid);
/* audit_read: the bytes of an object of at most `bytes_max`; free with git_odb_object_free.
 * Expects: VELD_E_NOT_FOUND, VELD_E_LIMIT, VELD_E_FORM (another kind), VELD_E_DAMAGED. */
veld_status audit_read(audit *work, const git_oid *oid, git_object_t kind, size_t bytes_max,
    git_odb_object **out) VELD_MUST_CHECK;

/* audit_take_entry: the next entry of a tree's bytes; false at the end and where it is none. */
enum { AUDIT_TREE_BYTES_MAX = 256 << 20 };
typedef struct audit_entry {
    veld_span mode;
    veld_span name;
    git_oid oid;
} audit_entry;
bool audit_take_entry(veld_span *rest, audit_entry *out);

/* audit_tree: the SHA-256 of a whole tree, from the bytes of its files.
 * Expects: VELD_E_NOT_FOUND (an object is missing), VELD_E_FORM (not a tree of ours),
 * VELD_E_DAMAGED (an object is not what its name says): findings; VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status audit_tree(audit *work, const veld_git_oid *git, veld_hash *out) VELD_MUST_CHECK;
/* audit_walk: each file below a tree that audit_tree took, to `rules->file`. */
veld_status audit_walk(audit *work, const veld_git_oid *git) VELD_MUST_CHECK;

/* audit_signature: was the change signed with a key that its device may sign with? `named` is the
 * one that it names.  audit_reference: what a reference below GIT_DIR points to, loose or packed.
 * audit_apart: what lies below refs/veldkit/apart. */
veld_status audit_signature(
    audit *work, audit_commit *commit, const veld_p256_public *named) VELD_MUST_CHECK;
veld_status audit_reference(const char *git_dir, const char *name, bool *found, veld_git_oid *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status audit_apart(audit *work, const char *git_dir) VELD_MUST_CHECK;

/* audit_signers: does DIR/allowed_signers name who signed, and nobody else? */
veld_status audit_signers(audit *work, const char *dir) VELD_MUST_CHECK;

#endif
