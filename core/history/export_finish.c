/* The end of an export: which commits are heads, which lack parents, and what stock git needs to
 * find and check them all. The invariant: the result depends on the changes that were given, not on
 * their order or on the time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "export_parts.h"
#include "folder.h"
#include "joined.h"
#include "signers.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

veld_status export_fail_errno(veld_error *err, const char *what)
{
    int number = errno;
    return veld_fail_native(
        err, veld_status_from_errno(number), VELD_DOMAIN_POSIX, number, "%s", what);
}

/* What finish works out from the list of commits. */
typedef struct ending {
    export_commit *commits; /* the export's own, sorted by git */
    size_t count;
    bool *has_child;
    veld_buf heads;   /* joined_head */
    veld_buf shallow; /* text of .git/shallow */
    veld_git_oid branch;
} ending;

static int compare_commits(const void *a, const void *b)
{
    return memcmp(((const export_commit *)a)->git.bytes, ((const export_commit *)b)->git.bytes,
        VELD_GIT_OID_BYTES);
}

static export_commit *find(const ending *end, const veld_git_oid *git)
{
    export_commit wanted = {.git = *git};
    return bsearch(&wanted, end->commits, end->count, sizeof wanted, compare_commits);
}

static const veld_git_oid *parent_of(
    const veld_export *repo, const export_commit *commit, size_t index)
{
    size_t at = (commit->parents_begin + index) * sizeof(veld_git_oid);
    VELD_ASSERT(repo->parents.data != NULL && at < repo->parents.len);
    return (const veld_git_oid *)(const void *)(repo->parents.data + at);
}

/* A reference that keeps a parent which git no longer walks to, because a brother of it is gone. */
static veld_status keep_tail(veld_export *repo, const veld_git_oid *git, veld_error *err)
{
    char name[sizeof "refs/tail/" + VELD_GIT_OID_TEXT_SIZE] = "refs/tail/";
    git_oid oid = veld_git_oid_to_native(git);
    git_reference *reference = NULL;
    veld_git_oid_format(git, name + strlen("refs/tail/"));
    int code = git_reference_create(&reference, repo->git, name, &oid, 1, NULL);
    git_reference_free(reference);
    return code < 0 ? veld_git_fail(err, code, "a reference of an export cannot be made") : VELD_OK;
}

static veld_status cut(veld_export *repo, ending *end, const export_commit *commit, veld_error *err)
{
    veld_status status;
    char text[VELD_GIT_OID_TEXT_SIZE];
    veld_git_oid_format(&commit->git, text);
    VELD_TRY(veld_buf_append_format(&end->shallow, "%s\n", text));
    for (size_t i = 0; i < commit->parents_count; i++) {
        const veld_git_oid *parent = parent_of(repo, commit, i);
        if (find(end, parent) != NULL)
            VELD_TRY(keep_tail(repo, parent, err));
    }
done:
    return status;
}

static veld_status look_at_parents(veld_export *repo, ending *end, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < end->count; i++) {
        bool whole = true;
        for (size_t p = 0; p < end->commits[i].parents_count; p++) {
            const export_commit *parent = find(end, parent_of(repo, &end->commits[i], p));
            if (parent != NULL)
                end->has_child[parent - end->commits] = true;
            else
                whole = false;
        }
        if (!whole)
            VELD_TRY(cut(repo, end, &end->commits[i], err));
    }
    for (size_t i = 0; i < end->count; i++) {
        joined_head head = {.id = end->commits[i].id,
            .git = end->commits[i].git,
            .commit_utc_s = end->commits[i].commit_utc_s};
        if (!end->has_child[i])
            VELD_TRY(veld_buf_append(&end->heads, &head, sizeof head));
    }
done:
    return status;
}

static veld_status make_branch(veld_export *repo, ending *end, veld_tree *merged, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_tree_name tree;
    veld_buf bytes;
    veld_buf_init(&bytes, SIZE_MAX / 2);
    joined_head *heads = (joined_head *)(void *)end->heads.data;
    size_t count = end->heads.len / sizeof *heads;
    VELD_ASSERT(count > 0);
    end->branch = heads[0].git;
    if (count > 1) {
        VELD_ASSERT(merged != NULL);
        VELD_TRY(veld_export_tree(repo, merged, err));
        VELD_TRY(veld_tree_root(merged, &tree, err));
        VELD_TRY(joined_commit(heads, count, &tree.git, &bytes, err));
        VELD_TRY(veld_git_hash(GIT_OBJECT_COMMIT, veld_buf_span(&bytes), &end->branch, err));
        VELD_TRY(export_object(repo, GIT_OBJECT_COMMIT, &end->branch, veld_buf_span(&bytes), err));
    }
    VELD_TRY(export_flush(repo, err));
    git_oid oid = veld_git_oid_to_native(&end->branch);
    git_reference *reference = NULL;
    int code = git_reference_create(&reference, repo->git, "refs/heads/main", &oid, 1, NULL);
    git_reference_free(reference);
    if (code < 0)
        status = veld_git_fail(err, code, "the branch of an export cannot be made");
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status configure(veld_export *repo, veld_error *err)
{
    git_config *config = NULL;
    int code = git_repository_config(&config, repo->git);
    if (code >= 0)
        code = git_config_set_bool(config, "core.logallrefupdates", 0); /* they hold the time */
    if (code >= 0)
        code = git_config_set_string(config, "gpg.format", "ssh");
    if (code >= 0)
        code = git_config_set_string(config, "gpg.ssh.allowedSignersFile", "allowed_signers");
    git_config_free(config);
    return code < 0 ? veld_git_fail(err, code, "an export cannot be configured") : VELD_OK;
}

static veld_status write_files(veld_export *repo, ending *end, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_buf lines;
    veld_buf_init(&lines, SIZE_MAX / 2);
    VELD_TRY(signers_write(&repo->signers, &lines, err));
    VELD_TRY(folder_write(repo->work, "allowed_signers", veld_buf_span(&lines), err));
    if (end->shallow.len > 0)
        VELD_TRY(folder_write(
            git_repository_path(repo->git), "shallow", veld_buf_span(&end->shallow), err));
done:
    veld_buf_release(&lines);
    return status;
}

static void close_repository(veld_export *repo)
{
    git_odb_free(repo->odb);
    git_repository_free(repo->git);
    repo->odb = NULL;
    repo->git = NULL;
    repo->memory = NULL;
}

veld_status veld_export_finish(veld_export *repo, veld_tree *merged, veld_error *err)
{
    VELD_ASSERT(repo != NULL && !repo->finished);
    veld_status status;
    ending end = {.commits = (export_commit *)(void *)repo->commits.data,
        .count = repo->commits.len / sizeof(export_commit)};
    veld_buf_init(&end.heads, SIZE_MAX / 2);
    veld_buf_init(&end.shallow, SIZE_MAX / 2);
    if (end.count == 0)
        return veld_fail(err, VELD_E_NOT_FOUND, "there is no change to export");
    end.has_child = veld_allocate(end.count * sizeof *end.has_child);
    if (end.has_child == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for an export");
    qsort(end.commits, end.count, sizeof *end.commits, compare_commits);
    VELD_TRY(configure(repo, err));
    VELD_TRY(look_at_parents(repo, &end, err));
    VELD_TRY(export_finish_apart(repo, err));
    VELD_TRY(make_branch(repo, &end, merged, err));
    VELD_TRY(write_files(repo, &end, err));
    repo->finished = true;
    close_repository(repo);
    VELD_TRY(folder_sync(repo->work, err));
    VELD_TRY(folder_move(repo->work, repo->dir, err));
    repo->made = false;
done:
    veld_release(end.has_child);
    veld_buf_release(&end.heads);
    veld_buf_release(&end.shallow);
    return status;
}
