/* The objects of a folder that may be hostile, and the SHA-256 of its trees. libgit2 reads packs
 * and loose objects and checks their SHA-1; what the bytes of a tree mean is read here, strictly,
 * so that two readings of one tree cannot differ. The invariant: each object is read at most once,
 * is never taken for another level than its first, and no alternates, configuration or references
 * of the folder are looked at. */
#include <stdlib.h>
#include <string.h>

#include <git2/sys/errors.h>
#include <git2/sys/odb_backend.h>

#include "audit_parts.h"
#include "folder.h"
#include "tree_parts.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

/* ---- the list of objects ---- */
static int compare_objects(const void *a, const void *b)
{
    return memcmp(
        ((const audit_object *)a)->oid.id, ((const audit_object *)b)->oid.id, VELD_GIT_OID_BYTES);
}

static audit_object *objects_of(audit *work, size_t *count)
{
    *count = work->objects.len / sizeof(audit_object);
    return (audit_object *)(void *)work->objects.data;
}

static int add_object(const git_oid *oid, void *context)
{
    audit *work = context;
    audit_object object = {.oid = *oid};
    if (work->objects.len / sizeof object >= 2 * (size_t)VELD_REPO_OBJECTS_MAX)
        return GIT_EUSER;
    return veld_buf_append(&work->objects, &object, sizeof object) == VELD_OK ? 0 : GIT_EUSER;
}

static veld_status open_objects(audit *work, const char *path)
{
    git_odb_backend *loose = NULL, *pack = NULL;
    int code = git_odb_new(&work->odb);
    if (code >= 0)
        code = git_odb_backend_pack(&pack, path);
    if (code >= 0 && (code = git_odb_add_backend(work->odb, pack, 2)) < 0)
        pack->free(pack);
    if (code >= 0)
        code = git_odb_backend_loose(&loose, path, -1, 0, 0, 0);
    if (code >= 0 && (code = git_odb_add_backend(work->odb, loose, 1)) < 0)
        loose->free(loose);
    return code < 0 ? veld_git_fail(work->err, code, "the objects of a repository cannot be opened")
                    : VELD_OK;
}

static veld_status sort_objects(audit *work)
{
    size_t count, kept = 0;
    audit_object *objects = objects_of(work, &count);
    if (count > 0)
        qsort(objects, count, sizeof *objects, compare_objects);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_objects(&objects[kept - 1], &objects[i]) != 0)
            objects[kept++] = objects[i];
    }
    work->objects.len = kept * sizeof *objects;
    if (kept > VELD_REPO_OBJECTS_MAX)
        return veld_fail(work->err, VELD_E_LIMIT, "a repository has more than %u objects",
            VELD_REPO_OBJECTS_MAX);
    return VELD_OK;
}

veld_status audit_objects(audit *work, const char *dir)
{
    veld_status status;
    veld_buf path;
    const char *text;
    veld_buf_init(&path, SIZE_MAX / 2);
    VELD_TRY(veld_buf_append_format(&path, "%s/.git/objects", dir));
    VELD_TRY(veld_buf_text(&path, &text));
    if (!folder_has(text, ".")) {
        status = veld_fail(work->err, VELD_E_NOT_FOUND, "there is no repository");
        goto done;
    }
    VELD_TRY(open_objects(work, text));
    int code = git_odb_foreach(work->odb, add_object, work);
    if (code == GIT_EUSER)
        status = veld_fail(work->err, VELD_E_LIMIT, "a repository has too many objects");
    else if (code < 0)
        status = veld_git_fail(work->err, code, "the objects of a repository cannot be listed");
    else
        status = sort_objects(work);
done:
    veld_buf_release(&path);
    return status;
}

audit_object *audit_find(audit *work, const git_oid *oid)
{
    size_t count;
    audit_object *objects = objects_of(work, &count);
    audit_object wanted = {.oid = *oid};
    return count == 0 ? NULL : bsearch(&wanted, objects, count, sizeof wanted, compare_objects);
}

veld_status audit_read(
    audit *work, const git_oid *oid, git_object_t kind, size_t bytes_max, git_odb_object **out)
{
    size_t len;
    git_object_t found;
    *out = NULL;
    if (audit_find(work, oid) == NULL)
        return VELD_E_NOT_FOUND;
    int code = git_odb_read_header(&len, &found, work->odb, oid);
    if (code >= 0 && found != kind)
        return VELD_E_FORM;
    if (code >= 0 && len > bytes_max)
        return VELD_E_LIMIT;
    if (code >= 0)
        code = git_odb_read(out, work->odb, oid);
    if (code >= 0)
        return VELD_OK;
    veld_status status = veld_git_fail(work->err, code, "an object cannot be read");
    return status == VELD_E_MEMORY ? status : VELD_E_DAMAGED;
}

/* ---- trees ---- */
static bool take_until(veld_span *rest, uint8_t end, veld_span *out)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, end, rest->len) : NULL;
    if (at == NULL)
        return false;
    size_t len = (size_t)(at - rest->data);
    *out = veld_span_of(rest->data, len);
    *rest = veld_span_of(at + 1, rest->len - len - 1);
    return true;
}

bool audit_take_entry(veld_span *rest, audit_entry *out)
{
    if (!take_until(rest, ' ', &out->mode) || !take_until(rest, 0, &out->name) ||
        rest->len < VELD_GIT_OID_BYTES)
        return false;
    memset(&out->oid, 0, sizeof out->oid);
    memcpy(out->oid.id, rest->data, VELD_GIT_OID_BYTES);
    *rest = veld_span_of(rest->data + VELD_GIT_OID_BYTES, rest->len - VELD_GIT_OID_BYTES);
    return true;
}

/* Is this entry what a folder of that level holds? `xx` is the last byte of what the name says. */
static bool entry_is_ours(const audit_entry *entry, object_kind level, uint8_t *xx)
{
    veld_id id;
    const char *mode = level == OBJECT_FOLDER ? "100644" : "40000";
    if (!veld_span_equal(entry->mode, veld_span_text(mode)))
        return false;
    if (level == OBJECT_ROOT)
        return veld_change_type_is_valid(entry->name);
    if (level == OBJECT_TYPE)
        return veld_hex_decode(entry->name, xx, 1) == VELD_OK;
    if (veld_id_parse(entry->name, &id) != VELD_OK)
        return false;
    *xx = id.bytes[VELD_ID_BYTES - 1];
    return true;
}

static veld_status hash_file(audit *work, audit_object *object)
{
    git_odb_object *blob;
    veld_status status =
        audit_read(work, &object->oid, GIT_OBJECT_BLOB, VELD_TREE_FILE_BYTES_MAX, &blob);
    if (status != VELD_OK)
        return status;
    veld_span bytes = veld_span_of(git_odb_object_data(blob), git_odb_object_size(blob));
    status = veld_hash_named(VELD_CONTEXT_HASH_FILE, &bytes, 1, &object->hash, work->err);
    git_odb_object_free(blob);
    return status;
}

static veld_status hash_object(
    audit *work, const git_oid *oid, object_kind level, audit_object **out);

/* Add one entry to the hash of its folder. */
static veld_status hash_entry(audit *work, veld_sha256_stream *stream, audit_object *folder,
    const audit_entry *entry, bool first)
{
    veld_status status;
    object_kind level = (object_kind)folder->kind;
    uint8_t xx = 0, head[2];
    audit_object *below;
    if (!entry_is_ours(entry, level, &xx))
        return VELD_E_FORM;
    if (level == OBJECT_FOLDER && !first && xx != folder->xx)
        return VELD_E_FORM;
    if (level == OBJECT_FOLDER)
        folder->xx = xx;
    VELD_TRY(hash_object(work, &entry->oid, (object_kind)(level - 1), &below));
    if (level == OBJECT_TYPE && below->xx != xx)
        return VELD_E_FORM;
    uint8_t kind = level == OBJECT_FOLDER ? TREE_KIND_FILE : TREE_KIND_FOLDER;
    veld_put_u16(head, (uint16_t)entry->name.len);
    VELD_TRY(veld_sha256_add(stream, veld_span_of(head, sizeof head), work->err));
    VELD_TRY(veld_sha256_add(stream, entry->name, work->err));
    VELD_TRY(veld_sha256_add(stream, veld_span_of(&kind, 1), work->err));
    VELD_TRY(veld_sha256_add(stream, veld_hash_span(&below->hash), work->err));
done:
    return status;
}

static veld_status hash_folder(audit *work, audit_object *folder)
{
    veld_status status;
    git_odb_object *object = NULL;
    veld_sha256_stream stream = {0};
    veld_span previous = {0};
    bool first = true;
    VELD_TRY(audit_read(work, &folder->oid, GIT_OBJECT_TREE, AUDIT_TREE_BYTES_MAX, &object));
    veld_span rest = veld_span_of(git_odb_object_data(object), git_odb_object_size(object));
    VELD_TRY(veld_sha256_start(&stream, VELD_CONTEXT_HASH_FOLDER, work->err));
    if (rest.len == 0 && folder->kind != OBJECT_ROOT) {
        status = VELD_E_FORM;
        goto done;
    }
    while (rest.len > 0) {
        audit_entry entry;
        if (!audit_take_entry(&rest, &entry) ||
            (!first && tree_type_compare(previous, entry.name) >= 0)) {
            status = VELD_E_FORM;
            goto done;
        }
        VELD_TRY(hash_entry(work, &stream, folder, &entry, first));
        previous = entry.name;
        first = false;
    }
    VELD_TRY(veld_sha256_finish(&stream, &folder->hash, work->err));
done:
    veld_sha256_abort(&stream);
    git_odb_object_free(object);
    return status;
}

/* Levels go down from OBJECT_ROOT to OBJECT_FILE, so this is at most four deep. */
static veld_status hash_object(
    audit *work, const git_oid *oid, object_kind level, audit_object **out)
{
    audit_object *object = audit_find(work, oid);
    if (object == NULL)
        return VELD_E_NOT_FOUND;
    *out = object;
    if (object->kind == level)
        return VELD_OK;
    if (object->kind != OBJECT_UNKNOWN)
        return VELD_E_FORM;
    object->kind = (uint8_t)level;
    veld_status status = level == OBJECT_FILE ? hash_file(work, object) : hash_folder(work, object);
    if (status != VELD_OK)
        object->kind = OBJECT_BAD;
    return status;
}

veld_status audit_tree(audit *work, const veld_git_oid *git, veld_hash *out)
{
    audit_object *root;
    git_oid oid = veld_git_oid_to_native(git);
    veld_status status = hash_object(work, &oid, OBJECT_ROOT, &root);
    if (status == VELD_OK)
        *out = root->hash;
    return status == VELD_E_LIMIT ? VELD_E_FORM : status;
}

static veld_status walk(audit *work, const git_oid *oid, object_kind level, veld_audit_file *at)
{
    veld_status status;
    git_odb_object *object = NULL;
    audit_entry entry;
    bool file = level == OBJECT_FILE;
    VELD_TRY(audit_read(work, oid, file ? GIT_OBJECT_BLOB : GIT_OBJECT_TREE,
        file ? VELD_TREE_FILE_BYTES_MAX : AUDIT_TREE_BYTES_MAX, &object));
    at->bytes = veld_span_of(git_odb_object_data(object), git_odb_object_size(object));
    if (file) {
        status = work->rules->file(work->rules->context, at, work->err);
        goto done;
    }
    for (veld_span rest = at->bytes; audit_take_entry(&rest, &entry);) {
        if (level == OBJECT_ROOT)
            at->type = entry.name;
        if (level == OBJECT_FOLDER)
            VELD_TRY(veld_id_parse(entry.name, &at->id));
        VELD_TRY(walk(work, &entry.oid, (object_kind)(level - 1), at));
    }
done:
    git_odb_object_free(object);
    return status;
}

veld_status audit_walk(audit *work, const veld_git_oid *git)
{
    veld_audit_file at = {0};
    git_oid oid = veld_git_oid_to_native(git);
    return walk(work, &oid, OBJECT_ROOT, &at);
}
