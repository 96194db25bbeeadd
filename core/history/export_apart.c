/* What an export holds beside the branch: changes whose files are not known here. Their commits
 * would name trees that lack, so commit and content are files, below a reference of their own. */
#include <stdlib.h>
#include <string.h>

#include "export_parts.h"
#include "signers.h"
#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/limits.h"

static veld_status put_entry(
    veld_buf *tree, const char *mode, const char *name, const veld_git_oid *oid)
{
    veld_status status;
    VELD_TRY(veld_buf_append_text(tree, mode));
    VELD_TRY(veld_buf_append_byte(tree, ' '));
    VELD_TRY(veld_buf_append_text(tree, name));
    VELD_TRY(veld_buf_append_byte(tree, 0));
    status = veld_buf_append(tree, oid->bytes, sizeof oid->bytes);
done:
    return status;
}

static veld_status put_object(
    veld_export *repo, git_object_t kind, veld_span bytes, veld_git_oid *out, veld_error *err)
{
    veld_status status = veld_git_hash(kind, bytes, out, err);
    return status == VELD_OK ? export_object(repo, kind, out, bytes, err) : status;
}

static veld_status put_folder(
    veld_export *repo, veld_span commit, veld_span writes, veld_git_oid *out, veld_error *err)
{
    veld_status status;
    veld_git_oid oid;
    veld_buf tree;
    veld_buf_init(&tree, SIZE_MAX / 2);
    VELD_TRY(put_object(repo, GIT_OBJECT_BLOB, commit, &oid, err));
    VELD_TRY(put_entry(&tree, "100644", EXPORT_APART_COMMIT, &oid));
    VELD_TRY(put_object(repo, GIT_OBJECT_BLOB, writes, &oid, err));
    VELD_TRY(put_entry(&tree, "100644", EXPORT_APART_WRITES, &oid));
    status = put_object(repo, GIT_OBJECT_TREE, veld_buf_span(&tree), out, err);
done:
    veld_buf_release(&tree);
    return status;
}

veld_status veld_export_apart(
    veld_export *repo, const veld_change *change, const veld_p256_public *key, veld_error *err)
{
    VELD_ASSERT(repo != NULL && !repo->finished && change != NULL && key != NULL);
    veld_status status;
    veld_git_oid git;
    export_aside aside = {.id = change->id};
    veld_buf commit, writes;
    veld_buf_init(&commit, VELD_COMMIT_BYTES_MAX);
    veld_buf_init(&writes, VELD_CHANGE_BYTES_MAX);
    VELD_TRY(veld_commit_object(change, key, &commit, err));
    VELD_TRY(veld_git_hash(GIT_OBJECT_COMMIT, veld_buf_span(&commit), &git, err));
    if (memcmp(&git, &change->git, sizeof git) != 0) {
        status = veld_fail(err, VELD_E_DAMAGED, "a change does not give the commit it names");
        goto done;
    }
    VELD_TRY(veld_change_writes(change, &writes, err));
    VELD_TRY(signers_add(&repo->signers, &change->device, key, err));
    VELD_TRY(put_folder(repo, veld_buf_span(&commit), veld_buf_span(&writes), &aside.folder, err));
    status = veld_buf_append(&repo->aside, &aside, sizeof aside);
done:
    veld_buf_release(&commit);
    veld_buf_wipe(&writes);
    return status;
}

static int by_id(const void *a, const void *b)
{
    return veld_hash_compare(&((const export_aside *)a)->id, &((const export_aside *)b)->id);
}

veld_status export_finish_apart(veld_export *repo, veld_error *err)
{
    veld_status status = VELD_OK;
    git_reference *reference = NULL;
    veld_git_oid root;
    veld_buf tree;
    export_aside *list = (export_aside *)(void *)repo->aside.data;
    size_t count = repo->aside.len / sizeof *list;
    veld_buf_init(&tree, SIZE_MAX / 2);
    if (count == 0)
        goto done;
    qsort(list, count, sizeof *list, by_id);
    for (size_t i = 0; i < count; i++) {
        char name[VELD_HASH_TEXT_SIZE];
        veld_hash_format(&list[i].id, name);
        VELD_TRY(put_entry(&tree, "40000", name, &list[i].folder));
    }
    VELD_TRY(put_object(repo, GIT_OBJECT_TREE, veld_buf_span(&tree), &root, err));
    git_oid oid = veld_git_oid_to_native(&root);
    int code = git_reference_create(&reference, repo->git, EXPORT_APART, &oid, 1, NULL);
    git_reference_free(reference);
    if (code < 0)
        status = veld_git_fail(err, code, "a reference of an export cannot be made");
done:
    veld_buf_release(&tree);
    return status;
}
