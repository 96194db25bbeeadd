/* Walks over one tree or two: the objects for an export and the files that differ. The invariant:
 * what two trees share by pointer or by name is never walked through, so the cost is that of the
 * difference. Changes nothing but names that were not computed yet. */
#include <string.h>

#include "git.h"
#include "tree_parts.h"
#include "veldkit/assert.h"

/* ---- objects ---- */
static bool same_git(const veld_tree_name *a, const veld_tree_name *b)
{
    return memcmp(a->git.bytes, b->git.bytes, sizeof a->git.bytes) == 0;
}

static veld_status type_objects(veld_tree *tree, const tree_type *type, const tree_type *base,
    veld_tree_object_sink sink, void *context, veld_error *err)
{
    veld_status status;
    for (size_t i = 0; i < TREE_FOLDERS; i++) {
        const tree_folder *folder = type->folders[i];
        const tree_folder *old = base != NULL ? base->folders[i] : NULL;
        if (folder == NULL || (old != NULL && same_git(&folder->name, &old->name)))
            continue;
        VELD_TRY(tree_write_folder(tree, folder));
        VELD_TRY(sink(context, &folder->name.git, veld_buf_span(&tree->git), err));
    }
    VELD_TRY(tree_write_type(tree, type));
    VELD_TRY(sink(context, &type->name.git, veld_buf_span(&tree->git), err));
done:
    return status;
}

veld_status veld_tree_objects(
    veld_tree *tree, veld_tree *base, veld_tree_object_sink sink, void *context, veld_error *err)
{
    VELD_ASSERT(tree != NULL && sink != NULL);
    veld_status status;
    veld_tree_name name, base_name;
    VELD_TRY(veld_tree_root(tree, &name, err));
    if (base != NULL) {
        VELD_TRY(veld_tree_root(base, &base_name, err));
        if (same_git(&name, &base_name))
            goto done;
    }
    for (size_t i = 0; i < tree->count; i++) {
        const tree_type *type = tree->types[i], *old = NULL;
        size_t at;
        if (base != NULL && tree_type_find(base, tree_type_span(type), &at))
            old = base->types[at];
        if (old != NULL && same_git(&type->name, &old->name))
            continue;
        VELD_TRY(type_objects(tree, type, old, sink, context, err));
    }
    VELD_TRY(tree_write_root(tree));
    VELD_TRY(sink(context, &name.git, veld_buf_span(&tree->git), err));
done:
    return status;
}

/* ---- differences ---- */
typedef struct diff_sink {
    veld_tree_change_sink call;
    void *context;
    veld_error *err;
} diff_sink;

static veld_status tell(const diff_sink *sink, veld_span type, const veld_id *record,
    const veld_tree_name *before, const veld_tree_name *after)
{
    veld_tree_change change = {.type = type, .record = *record, .before = before, .after = after};
    return sink->call(sink->context, &change, sink->err);
}

static veld_status diff_folder(
    const diff_sink *sink, veld_span type, const tree_folder *before, const tree_folder *after)
{
    static const tree_folder none;
    veld_status status = VELD_OK;
    size_t b = 0, a = 0;
    if (before == after)
        return VELD_OK;
    before = before != NULL ? before : &none;
    after = after != NULL ? after : &none;
    while (b < before->count || a < after->count) {
        const tree_file *old = b < before->count ? &before->files[b] : NULL;
        const tree_file *new = a < after->count ? &after->files[a] : NULL;
        int order = old == NULL   ? 1
                    : new == NULL ? -1
                                  : veld_id_compare(&old->record, &new->record);
        b += order <= 0 ? 1 : 0;
        a += order >= 0 ? 1 : 0;
        if (order < 0)
            VELD_TRY(tell(sink, type, &old->record, &old->name, NULL));
        else if (order > 0)
            VELD_TRY(tell(sink, type, &new->record, NULL, &new->name));
        else if (!veld_hash_equal(&old->name.hash, &new->name.hash))
            VELD_TRY(tell(sink, type, &new->record, &old->name, &new->name));
    }
done:
    return status;
}

static veld_status diff_type(const diff_sink *sink, const tree_type *before, const tree_type *after)
{
    veld_status status = VELD_OK;
    if (before == after)
        return VELD_OK;
    veld_span text = tree_type_span(after != NULL ? after : before);
    for (size_t i = 0; i < TREE_FOLDERS; i++) {
        const tree_folder *old = before != NULL ? before->folders[i] : NULL;
        const tree_folder *new = after != NULL ? after->folders[i] : NULL;
        if (old != NULL && new != NULL &&
            old->named &&new->named &&veld_hash_equal(&old->name.hash, &new->name.hash))
            continue;
        VELD_TRY(diff_folder(sink, text, old, new));
    }
done:
    return status;
}

veld_status veld_tree_diff(const veld_tree *before, const veld_tree *after,
    veld_tree_change_sink sink, void *context, veld_error *err)
{
    VELD_ASSERT(after != NULL && sink != NULL);
    veld_status status = VELD_OK;
    const diff_sink to = {.call = sink, .context = context, .err = err};
    size_t b = 0, a = 0;
    size_t b_count = before != NULL ? before->count : 0;
    while (b < b_count || a < after->count) {
        int order;
        if (b == b_count)
            order = 1;
        else if (a == after->count)
            order = -1;
        else
            order = tree_type_compare(
                tree_type_span(before->types[b]), tree_type_span(after->types[a]));
        const tree_type *old = order <= 0 ? before->types[b++] : NULL;
        const tree_type *new = order >= 0 ? after->types[a++] : NULL;
        VELD_TRY(diff_type(&to, old, new));
    }
done:
    return status;
}
