/* The check of an exported repository. It exists because git verifies that a signature fits a
 * commit, but neither whose key it should be nor that what the commit says of trees and parents in
 * SHA-256 is so. The invariant: a finding is reported and the audit goes on; only what stops the
 * looking itself (memory, cryptography, the caller's lookup) ends it. */
#include "veldkit/audit.h"

#include <stdlib.h>
#include <string.h>

#include "audit_parts.h"
#include "folder.h"
#include "joined.h"
#include "signers.h"
#include "veldkit/assert.h"
#include "veldkit/commit.h"
#include "veldkit/limits.h"

enum { REFERENCES_BYTES_MAX = 16 << 20 };

void audit_report(audit *work, veld_status status, const veld_git_oid *commit, const char *text)
{
    veld_audit_finding finding = {.status = status, .text = text};
    if (commit != NULL)
        finding.commit = *commit;
    work->summary->findings++;
    if (work->rules->finding != NULL)
        work->rules->finding(work->rules->context, &finding);
}

static bool ends_audit(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO;
}

static audit_commit *commits_of(const audit *work, size_t *count)
{
    *count = work->commits.len / sizeof(audit_commit);
    return (audit_commit *)(void *)work->commits.data;
}

static int compare_commits(const void *a, const void *b)
{
    return memcmp(((const audit_commit *)a)->git.bytes, ((const audit_commit *)b)->git.bytes,
        VELD_GIT_OID_BYTES);
}

static audit_commit *find_commit(const audit *work, const veld_git_oid *git)
{
    size_t count;
    audit_commit wanted = {.git = *git}, *commits = commits_of(work, &count);
    return count == 0 ? NULL : bsearch(&wanted, commits, count, sizeof wanted, compare_commits);
}

/* ---- one commit by itself ---- */
/* Any key that the device had will do: which of them it was stands in the commit. */
static veld_status find_key(
    const audit *work, const veld_id *device, const veld_p256_public *named, veld_p256_public *out)
{
    const veld_audit_rules *rules = work->rules;
    veld_status status = rules->key(rules->context, device, 0, out, work->err);
    for (size_t back = 1; status == VELD_OK && !veld_p256_public_equal(out, named); back++) {
        status = rules->key(rules->context, device, back, out, work->err);
        if (status == VELD_E_NOT_FOUND)
            return VELD_OK;
    }
    return status;
}

veld_status audit_signature(audit *work, audit_commit *commit, const veld_p256_public *named)
{
    veld_p256_public key;
    const veld_audit_rules *rules = work->rules;
    veld_status status = find_key(work, &commit->change.device, named, &key);
    if (status == VELD_E_NOT_FOUND) {
        audit_report(work, status, &commit->git, "no key is known for the device of a change");
        return VELD_OK;
    }
    if (status != VELD_OK)
        return status;
    if (!veld_p256_public_equal(&key, named)) {
        audit_report(work, VELD_E_FORGED, &commit->git, "a change is signed with another key");
        return VELD_OK;
    }
    status = veld_commit_verify(&commit->change, &key, &rules->verifier, work->err);
    if (status == VELD_E_FORGED) {
        audit_report(work, status, &commit->git, "the signature of a change does not fit");
        return VELD_OK;
    }
    return status;
}

static veld_status check_tree(audit *work, const audit_commit *commit)
{
    veld_hash tree;
    veld_status status = audit_tree(work, &commit->change.tree_git, &tree);
    if (ends_audit(status))
        return status;
    if (status != VELD_OK)
        audit_report(work, status, &commit->git, "the files of a change cannot be read");
    else if (!veld_hash_equal(&tree, &commit->change.tree))
        audit_report(work, VELD_E_DAMAGED, &commit->git, "the files of a change are others");
    return VELD_OK;
}

/* Take one commit object in. Whether an object that is no change may be here is known later. */
static veld_status read_commit(audit *work, const audit_object *object)
{
    veld_status status;
    git_odb_object *bytes = NULL;
    veld_p256_public key;
    audit_commit commit = {.git = veld_git_oid_from_native(&object->oid)};
    status = audit_read(work, &object->oid, GIT_OBJECT_COMMIT, VELD_COMMIT_BYTES_MAX, &bytes);
    if (status == VELD_OK)
        status =
            veld_commit_parse(veld_span_of(git_odb_object_data(bytes), git_odb_object_size(bytes)),
                &work->arena, &commit.change, &key, work->err);
    git_odb_object_free(bytes);
    if (ends_audit(status))
        return status;
    commit.good = status == VELD_OK;
    if (status == VELD_E_NEWER)
        audit_report(work, status, &commit.git, "a change is of a newer format");
    if (commit.good) {
        work->summary->changes++;
        VELD_TRY(signers_add(&work->signers, &commit.change.device, &key, work->err));
        VELD_TRY(audit_signature(work, &commit, &key));
        VELD_TRY(check_tree(work, &commit));
    }
    status = veld_buf_append(&work->commits, &commit, sizeof commit);
done:
    return status;
}

static veld_status read_commits(audit *work)
{
    veld_status status = VELD_OK;
    size_t count = work->objects.len / sizeof(audit_object);
    for (size_t i = 0; i < count; i++) {
        const audit_object *object = &((audit_object *)(void *)work->objects.data)[i];
        size_t len;
        git_object_t kind = GIT_OBJECT_INVALID;
        int code = git_odb_read_header(&len, &kind, work->odb, &object->oid);
        veld_git_oid git = veld_git_oid_from_native(&object->oid);
        if (code < 0) {
            status = veld_git_fail(work->err, code, "an object cannot be read");
            if (ends_audit(status))
                return status;
            audit_report(work, VELD_E_DAMAGED, &git, "an object cannot be read");
        } else if (kind == GIT_OBJECT_COMMIT) {
            VELD_TRY(read_commit(work, object));
        } else if (kind != GIT_OBJECT_TREE && kind != GIT_OBJECT_BLOB) {
            audit_report(work, VELD_E_FORM, &git, "an object is of a kind that a case has not");
        }
    }
    status = VELD_OK;
done:
    return status;
}

/* ---- commits among each other ---- */
static void check_parents(audit *work, const audit_commit *commit)
{
    const veld_change *change = &commit->change;
    bool complete = true;
    for (size_t i = 0; i < change->parents_count; i++) {
        audit_commit *parent = find_commit(work, &change->parents[i].git);
        if (parent == NULL) {
            complete = false;
            continue;
        }
        parent->has_child = true;
        if (!parent->good || !veld_hash_equal(&parent->change.id, &change->parents[i].id))
            audit_report(work, VELD_E_DAMAGED, &commit->git,
                "a parent is another change by its id than by its git name");
        else if (parent->change.commit_utc_s > change->commit_utc_s)
            audit_report(work, VELD_E_INVALID, &commit->git, "a change is dated before a parent");
    }
    if (complete)
        return;
    work->summary->incomplete++;
    if (!work->shallow)
        audit_report(work, VELD_E_NOT_FOUND, &commit->git, "a parent of a change is missing");
}

static veld_status check_together(audit *work, veld_buf *heads)
{
    size_t count;
    audit_commit *commits = commits_of(work, &count);
    bool first = true;
    for (size_t i = 0; i < count; i++) {
        if (!commits[i].good)
            continue;
        const veld_change *change = &commits[i].change;
        check_parents(work, &commits[i]);
        if (first)
            work->summary->case_id = change->case_id;
        else if (!veld_id_equal(&work->summary->case_id, &change->case_id))
            audit_report(work, VELD_E_INVALID, &commits[i].git, "a change is of another case");
        first = false;
        if (work->rules->change != NULL)
            work->rules->change(work->rules->context, change);
    }
    for (size_t i = 0; i < count; i++) {
        joined_head head = {.id = commits[i].change.id,
            .git = commits[i].git,
            .commit_utc_s = commits[i].change.commit_utc_s};
        if (!commits[i].good || commits[i].has_child)
            continue;
        veld_status status = veld_buf_append(heads, &head, sizeof head);
        if (status != VELD_OK)
            return status;
        work->summary->heads++;
    }
    return VELD_OK;
}

/* ---- the branch ---- */
/* The git id at the beginning of a loose reference or of the line that names it in packed-refs. */
static bool find_reference(veld_span loose, veld_span packed, const char *name, veld_git_oid *out)
{
    enum { HEX = 2 * VELD_GIT_OID_BYTES };
    const size_t len = strlen(name), line = HEX + 1 + len + 1; /* "HEX NAME\n" */
    if (loose.len == HEX + 1)
        return veld_hex_decode(veld_span_part(loose, 0, HEX), out->bytes, sizeof out->bytes) ==
               VELD_OK;
    for (size_t at = 0; loose.len == 0 && packed.len >= line && at <= packed.len - line; at++) {
        const uint8_t *here = packed.data + at;
        if ((at == 0 || here[-1] == '\n') && here[HEX] == ' ' && here[line - 1] == '\n' &&
            memcmp(here + HEX + 1, name, len) == 0)
            return veld_hex_decode(
                       veld_span_part(packed, at, HEX), out->bytes, sizeof out->bytes) == VELD_OK;
    }
    return false;
}

veld_status audit_reference(
    const char *git_dir, const char *name, bool *found, veld_git_oid *out, veld_error *err)
{
    veld_buf loose, packed;
    veld_buf_init(&loose, REFERENCES_BYTES_MAX);
    veld_buf_init(&packed, REFERENCES_BYTES_MAX);
    veld_status status = folder_read(git_dir, name, &loose, err);
    if (status == VELD_E_NOT_FOUND)
        status = folder_read(git_dir, "packed-refs", &packed, err);
    *found = status == VELD_OK &&
             find_reference(veld_buf_span(&loose), veld_buf_span(&packed), name, out);
    veld_buf_release(&loose);
    veld_buf_release(&packed);
    return status == VELD_E_MEMORY ? status : VELD_OK;
}

static veld_status tree_of(veld_span commit, veld_git_oid *out)
{
    enum { TREE = 5, HEX = 2 * VELD_GIT_OID_BYTES }; /* "tree " */
    return veld_hex_decode(veld_span_part(commit, TREE, HEX), out->bytes, sizeof out->bytes);
}

/* With several heads: is the branch's commit what follows from them and from the tree it names? */
static veld_status check_joined(
    audit *work, const veld_git_oid *branch, joined_head *heads, size_t count, bool *good)
{
    veld_status status;
    git_odb_object *object = NULL;
    veld_buf expected;
    veld_git_oid tree;
    veld_hash hash;
    git_oid oid = veld_git_oid_to_native(branch);
    *good = false;
    veld_buf_init(&expected, SIZE_MAX / 2);
    VELD_TRY(audit_read(work, &oid, GIT_OBJECT_COMMIT, SIZE_MAX / 2, &object));
    veld_span bytes = veld_span_of(git_odb_object_data(object), git_odb_object_size(object));
    VELD_TRY(tree_of(bytes, &tree));
    VELD_TRY(joined_commit(heads, count, &tree, &expected, work->err));
    VELD_TRY(audit_tree(work, &tree, &hash));
    *good = veld_span_equal(bytes, veld_buf_span(&expected));
done:
    git_odb_object_free(object);
    veld_buf_release(&expected);
    return ends_audit(status) ? status : VELD_OK;
}

/* The records on the branch, when its files are what they should be: what is not is told already.
 */
static veld_status read_records(audit *work, const veld_git_oid *branch)
{
    veld_status status = VELD_OK;
    git_odb_object *object = NULL;
    veld_git_oid tree;
    veld_hash hash;
    git_oid oid = veld_git_oid_to_native(branch);
    if (work->rules->file == NULL)
        return VELD_OK;
    VELD_TRY(audit_read(work, &oid, GIT_OBJECT_COMMIT, SIZE_MAX / 2, &object));
    veld_span bytes = veld_span_of(git_odb_object_data(object), git_odb_object_size(object));
    VELD_TRY(tree_of(bytes, &tree));
    VELD_TRY(audit_tree(work, &tree, &hash));
    status = audit_walk(work, &tree);
done:
    git_odb_object_free(object);
    return ends_audit(status) ? status : VELD_OK;
}

static veld_status check_branch(audit *work, const char *git_dir, veld_buf *heads)
{
    veld_status status;
    veld_git_oid branch = {{0}};
    bool good = false, found = false;
    joined_head *list = (joined_head *)(void *)heads->data;
    size_t count, heads_count = heads->len / sizeof *list;
    VELD_TRY(audit_reference(git_dir, "refs/heads/main", &found, &branch, work->err));
    if (found && heads_count == 1)
        good = memcmp(&branch, &list[0].git, sizeof branch) == 0;
    else if (found && heads_count > 1)
        VELD_TRY(check_joined(work, &branch, list, heads_count, &good));
    if (!good)
        audit_report(work, found ? VELD_E_INVALID : VELD_E_NOT_FOUND, NULL,
            "the branch main is not what follows from the changes");
    if (good)
        VELD_TRY(read_records(work, &branch));
    const audit_commit *commits = commits_of(work, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_joined =
            good && heads_count > 1 && memcmp(&commits[i].git, &branch, sizeof branch) == 0;
        if (!commits[i].good && !is_joined)
            audit_report(work, VELD_E_FORM, &commits[i].git, "a commit is no change of ours");
    }
done:
    return status;
}

/* ---- the whole ---- */
static veld_status look_through(audit *work, const char *dir)
{
    veld_status status;
    veld_buf heads, path;
    const char *git_dir;
    veld_buf_init(&heads, SIZE_MAX / 2);
    veld_buf_init(&path, SIZE_MAX / 2);
    VELD_TRY(veld_buf_append_format(&path, "%s/.git", dir));
    VELD_TRY(veld_buf_text(&path, &git_dir));
    VELD_TRY(audit_objects(work, dir));
    work->shallow = folder_has(git_dir, "shallow");
    VELD_TRY(read_commits(work));
    VELD_TRY(check_together(work, &heads));
    VELD_TRY(check_branch(work, git_dir, &heads));
    VELD_TRY(audit_apart(work, git_dir));
    VELD_TRY(audit_signers(work, dir));
done:
    veld_buf_release(&heads);
    veld_buf_release(&path);
    return status;
}

veld_status veld_audit_repository(
    const char *dir, const veld_audit_rules *rules, veld_audit_summary *out, veld_error *err)
{
    VELD_ASSERT(dir != NULL && rules != NULL && rules->key != NULL && out != NULL);
    *out = (veld_audit_summary){0};
    audit work = {.rules = rules, .summary = out, .err = err};
    veld_buf_init(&work.objects, SIZE_MAX / 2);
    veld_buf_init(&work.commits, SIZE_MAX / 2);
    veld_buf_init(&work.signers, SIZE_MAX / 2);
    veld_arena_init(&work.arena, VELD_AUDIT_BYTES_MAX);
    veld_status status = look_through(&work, dir);
    git_odb_free(work.odb);
    veld_buf_release(&work.objects);
    veld_buf_release(&work.commits);
    veld_buf_release(&work.signers);
    veld_arena_release(&work.arena);
    if (status == VELD_E_MEMORY)
        return veld_fail(err, status, "no memory for an audit");
    return status;
}
