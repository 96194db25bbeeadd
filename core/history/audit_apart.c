/* The changes that an export holds beside the branch, since their files are not known. What can be
 * said of one: who signed it, that it is of this case, and that what it wrote is what was signed.
 */
#include <string.h>

#include "audit_parts.h"
#include "export_parts.h"
#include "signers.h"
#include "veldkit/commit.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"

static bool ends_audit(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO;
}

static bool is_file(veld_span *rest, const char *name, audit_entry *out)
{
    return audit_take_entry(rest, out) && veld_span_equal(out->mode, veld_span_text("100644")) &&
           veld_span_equal(out->name, veld_span_text(name));
}

static veld_span bytes_of(git_odb_object *object)
{
    return veld_span_of(git_odb_object_data(object), git_odb_object_size(object));
}

/* What it wrote, against what is signed of that. */
static veld_status check_writes(audit *work, const audit_commit *commit, const git_oid *writes)
{
    veld_hash hash;
    git_odb_object *object = NULL;
    veld_status status = audit_read(work, writes, GIT_OBJECT_BLOB, VELD_CHANGE_BYTES_MAX, &object);
    if (status == VELD_OK) {
        veld_span bytes = bytes_of(object);
        status = veld_hash_named(VELD_CONTEXT_HASH_WRITES, &bytes, 1, &hash, work->err);
    }
    git_odb_object_free(object);
    if (ends_audit(status))
        return status;
    if (status != VELD_OK || !veld_hash_equal(&hash, &commit->change.writes_hash))
        audit_report(work, VELD_E_FORGED, &commit->git,
            "what a change wrote is something else than was signed");
    return VELD_OK;
}

static veld_status read_commit(
    audit *work, const git_oid *oid, audit_commit *out, veld_p256_public *key)
{
    git_odb_object *object = NULL;
    veld_status status = audit_read(work, oid, GIT_OBJECT_BLOB, VELD_COMMIT_BYTES_MAX, &object);
    if (status == VELD_OK)
        status = veld_commit_parse(bytes_of(object), &work->arena, &out->change, key, work->err);
    git_odb_object_free(object);
    if (status == VELD_OK)
        out->git = out->change.git;
    return status;
}

/* One folder: two files. Expects: what says that it is none of ours, and what ends the audit. */
static veld_status check_folder(audit *work, const audit_entry *folder)
{
    veld_status status;
    audit_entry signed_entry, writes;
    audit_commit commit = {.good = true};
    veld_p256_public key;
    char name[VELD_HASH_TEXT_SIZE];
    git_odb_object *object = NULL;
    VELD_TRY(audit_read(work, &folder->oid, GIT_OBJECT_TREE, AUDIT_TREE_BYTES_MAX, &object));
    veld_span rest = bytes_of(object);
    if (!is_file(&rest, EXPORT_APART_COMMIT, &signed_entry) ||
        !is_file(&rest, EXPORT_APART_WRITES, &writes) || rest.len != 0) {
        status = VELD_E_FORM;
        goto done;
    }
    VELD_TRY(read_commit(work, &signed_entry.oid, &commit, &key));
    veld_hash_format(&commit.change.id, name);
    if (!veld_span_equal(folder->name, veld_span_text(name)) ||
        !veld_span_equal(folder->mode, veld_span_text("40000"))) {
        status = VELD_E_FORM;
        goto done;
    }
    work->summary->apart++;
    if (!veld_id_equal(&work->summary->case_id, &commit.change.case_id))
        audit_report(work, VELD_E_INVALID, &commit.git, "a change is of another case");
    VELD_TRY(signers_add(&work->signers, &commit.change.device, &key, work->err));
    VELD_TRY(audit_signature(work, &commit, &key));
    status = check_writes(work, &commit, &writes.oid);
done:
    git_odb_object_free(object);
    return status;
}

static veld_status check_folders(audit *work, const veld_git_oid *root)
{
    veld_status status;
    git_odb_object *object = NULL;
    veld_span previous = {0};
    git_oid oid = veld_git_oid_to_native(root);
    VELD_TRY(audit_read(work, &oid, GIT_OBJECT_TREE, AUDIT_TREE_BYTES_MAX, &object));
    for (veld_span rest = bytes_of(object); rest.len > 0;) {
        audit_entry folder;
        if (!audit_take_entry(&rest, &folder) || veld_span_compare(previous, folder.name) >= 0) {
            status = VELD_E_FORM;
            goto done;
        }
        VELD_TRY(check_folder(work, &folder));
        previous = folder.name;
    }
done:
    git_odb_object_free(object);
    return status;
}

veld_status audit_apart(audit *work, const char *git_dir)
{
    bool found = false;
    veld_git_oid root = {{0}};
    veld_status status = audit_reference(git_dir, EXPORT_APART, &found, &root, work->err);
    if (status != VELD_OK || !found)
        return status;
    status = check_folders(work, &root);
    if (status == VELD_OK || ends_audit(status))
        return status;
    audit_report(work, status == VELD_E_NEWER ? status : VELD_E_FORM, NULL,
        "what lies apart in refs/veldkit/apart is no change of ours");
    return VELD_OK;
}
