/* An export: objects collected in memory and written as packs, then branch, configuration and
 * signers, then one rename. It exists because the rows of a store are the truth and git's objects
 * follow from them: measured, an own repository of loose objects would cost a save ten times the
 * time and twelve times the room. The invariant: until the rename nothing is at the place that was
 * asked for. Knows nothing of how a case's state or a record's text is made. */
#include "veldkit/export.h"

#include <stdlib.h>
#include <string.h>

#include <git2/sys/mempack.h>
#include <git2/sys/odb_backend.h>

#include "export_parts.h"
#include "folder.h"
#include "git.h"
#include "signers.h"
#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

/* Objects that are held in memory before they become a pack. */
enum { PENDING_BYTES_MAX = 64 << 20, MEMORY_PRIORITY = 1000 };

/* ---- begin and end ---- */
static veld_status make_paths(veld_export *repo, const char *dir, veld_error *err)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    if (len == 0)
        return veld_fail(err, VELD_E_INVALID, "an export has no place");
    repo->dir = veld_allocate(len + 1);
    repo->work = veld_allocate(len + sizeof ".XXXXXX");
    if (repo->dir == NULL || repo->work == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for an export");
    memcpy(repo->dir, dir, len);
    memcpy(repo->work, dir, len);
    memcpy(repo->work + len, ".XXXXXX", sizeof ".XXXXXX");
    return VELD_OK;
}

static veld_status make_repository(veld_export *repo, veld_error *err)
{
    git_repository_init_options options;
    int code = git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
    options.flags = GIT_REPOSITORY_INIT_NO_REINIT;
    options.initial_head = "main";
    if (code >= 0)
        code = git_repository_init_ext(&repo->git, repo->work, &options);
    if (code >= 0)
        code = git_repository_odb(&repo->odb, repo->git);
    if (code >= 0)
        code = git_mempack_new(&repo->memory);
    if (code >= 0 && (code = git_odb_add_backend(repo->odb, repo->memory, MEMORY_PRIORITY)) < 0)
        repo->memory->free(repo->memory);
    return code < 0 ? veld_git_fail(err, code, "the repository of an export cannot be made")
                    : VELD_OK;
}

veld_status veld_export_open(const char *dir, veld_export **out, veld_error *err)
{
    VELD_ASSERT(dir != NULL && out != NULL);
    veld_status status;
    *out = NULL;
    veld_export *repo = veld_allocate(sizeof *repo);
    if (repo == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for an export");
    veld_buf_init(&repo->pending, SIZE_MAX / 2);
    veld_buf_init(&repo->commits, SIZE_MAX / 2);
    veld_buf_init(&repo->parents, SIZE_MAX / 2);
    veld_buf_init(&repo->signers, SIZE_MAX / 2);
    veld_buf_init(&repo->aside, SIZE_MAX / 2);
    VELD_TRY(make_paths(repo, dir, err));
    VELD_TRY(folder_is_free(repo->dir, err));
    if (mkdtemp(repo->work) == NULL) {
        status = export_fail_errno(err, "the folder of an export cannot be made");
        goto done;
    }
    repo->made = true;
    VELD_TRY(make_repository(repo, err));
    *out = repo;
    repo = NULL;
done:
    veld_export_close(repo);
    return status;
}

void veld_export_close(veld_export *repo)
{
    if (repo == NULL)
        return;
    git_odb_free(repo->odb);
    git_repository_free(repo->git);
    if (repo->made)
        folder_remove(repo->work);
    veld_tree_free(repo->last);
    veld_buf_release(&repo->pending);
    veld_buf_release(&repo->commits);
    veld_buf_release(&repo->parents);
    veld_buf_release(&repo->signers);
    veld_buf_release(&repo->aside);
    veld_release(repo->dir);
    veld_release(repo->work);
    veld_release(repo);
}

/* ---- objects ---- */
veld_status export_flush(veld_export *repo, veld_error *err)
{
    git_packbuilder *pack = NULL;
    size_t count = repo->pending.len / sizeof(git_oid);
    if (count == 0)
        return VELD_OK;
    int code = git_packbuilder_new(&pack, repo->git);
    if (code >= 0)
        git_packbuilder_set_threads(pack, 1);
    for (size_t i = 0; code >= 0 && i < count; i++) {
        git_oid oid;
        memcpy(&oid, repo->pending.data + i * sizeof oid, sizeof oid);
        code = git_packbuilder_insert(pack, &oid, NULL);
    }
    if (code >= 0)
        code = git_packbuilder_write(pack, NULL, 0, NULL, NULL);
    veld_status status =
        code < 0 ? veld_git_fail(err, code, "the objects of an export cannot be written") : VELD_OK;
    git_packbuilder_free(pack);
    if (status != VELD_OK)
        return status;
    code = git_mempack_reset(repo->memory);
    if (code >= 0)
        code = git_odb_refresh(repo->odb);
    veld_buf_clear(&repo->pending);
    repo->pending_bytes = 0;
    return code < 0 ? veld_git_fail(err, code, "the objects of an export cannot be read back")
                    : VELD_OK;
}

static bool has(const veld_export *repo, const git_oid *oid)
{
    return git_odb_exists_ext(repo->odb, oid, GIT_ODB_LOOKUP_NO_REFRESH) == 1;
}

veld_status export_object(veld_export *repo, git_object_t kind, const veld_git_oid *name,
    veld_span bytes, veld_error *err)
{
    git_oid oid = veld_git_oid_to_native(name), written;
    if (has(repo, &oid))
        return VELD_OK;
    if (repo->pending_bytes > PENDING_BYTES_MAX) {
        veld_status status = export_flush(repo, err);
        if (status != VELD_OK)
            return status;
    }
    veld_status status = veld_buf_append(&repo->pending, &oid, sizeof oid);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for the objects of an export");
    int code = git_odb_write(
        &written, repo->odb, bytes.len > 0 ? (const void *)bytes.data : "", bytes.len, kind);
    if (code < 0) {
        repo->pending.len -= sizeof oid;
        return veld_git_fail(err, code, "an object of an export cannot be written");
    }
    VELD_ASSERT(git_oid_equal(&oid, &written));
    repo->pending_bytes += bytes.len;
    return VELD_OK;
}

veld_status veld_export_blob(
    veld_export *repo, veld_span bytes, veld_tree_name *out, veld_error *err)
{
    VELD_ASSERT(repo != NULL && !repo->finished);
    veld_status status;
    veld_tree_name name;
    VELD_TRY(veld_tree_file_name(bytes, &name, err));
    VELD_TRY(export_object(repo, GIT_OBJECT_BLOB, &name.git, bytes, err));
    if (out != NULL)
        *out = name;
done:
    return status;
}

static veld_status write_tree_object(
    void *context, const veld_git_oid *oid, veld_span bytes, veld_error *err)
{
    return export_object(context, GIT_OBJECT_TREE, oid, bytes, err);
}

veld_status veld_export_tree(veld_export *repo, veld_tree *tree, veld_error *err)
{
    VELD_ASSERT(repo != NULL && !repo->finished && tree != NULL);
    veld_status status;
    veld_tree *copy = NULL;
    VELD_TRY(veld_tree_objects(tree, repo->last, write_tree_object, repo, err));
    VELD_TRY(veld_tree_copy(tree, &copy, err));
    veld_tree_free(repo->last);
    repo->last = copy;
done:
    return status;
}

/* ---- commits ---- */
/* Room first, then the object, then what cannot fail: so an error leaves nothing of the change. */
static veld_status add_commit(
    veld_export *repo, const veld_change *change, veld_span object, veld_error *err)
{
    veld_status status;
    export_commit entry = {.id = change->id,
        .git = change->git,
        .commit_utc_s = change->commit_utc_s,
        .parents_begin = repo->parents.len / sizeof(veld_git_oid),
        .parents_count = change->parents_count};
    VELD_TRY(veld_buf_reserve(&repo->commits, sizeof entry));
    VELD_TRY(veld_buf_reserve(&repo->parents, change->parents_count * sizeof(veld_git_oid)));
    VELD_TRY(export_object(repo, GIT_OBJECT_COMMIT, &change->git, object, err));
    VELD_TRY(veld_buf_append(&repo->commits, &entry, sizeof entry));
    for (size_t i = 0; i < change->parents_count; i++)
        VELD_TRY(veld_buf_append(&repo->parents, &change->parents[i].git, sizeof(veld_git_oid)));
done:
    return status;
}

veld_status veld_export_commit(
    veld_export *repo, const veld_change *change, const veld_p256_public *key, veld_error *err)
{
    VELD_ASSERT(repo != NULL && !repo->finished && change != NULL && key != NULL);
    veld_status status;
    veld_git_oid git;
    veld_buf object;
    veld_buf_init(&object, VELD_COMMIT_BYTES_MAX);
    git_oid tree = veld_git_oid_to_native(&change->tree_git);
    git_oid native = veld_git_oid_to_native(&change->git);
    VELD_TRY(veld_commit_object(change, key, &object, err));
    VELD_TRY(veld_git_hash(GIT_OBJECT_COMMIT, veld_buf_span(&object), &git, err));
    if (memcmp(&git, &change->git, sizeof git) != 0) {
        status = veld_fail(err, VELD_E_DAMAGED, "a change does not give the commit it names");
        goto done;
    }
    if (!has(repo, &tree)) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "the tree that a change names was not given");
        goto done;
    }
    if (has(repo, &native))
        goto done;
    VELD_TRY(signers_add(&repo->signers, &change->device, key, err));
    VELD_TRY(add_commit(repo, change, veld_buf_span(&object), err));
done:
    veld_buf_release(&object);
    return status;
}
