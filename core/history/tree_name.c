/* The names of files, folders and trees: git's SHA-1 and the SHA-256 that changes are signed over,
 * computed side by side over the same entries in the same order. The invariant: both buffers are
 * written by one function, so the two names can never be of different folders. Knows the formats,
 * not how a tree is kept. */
#include <string.h>

#include "git.h"
#include "tree_parts.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

static veld_status write_entry(
    veld_tree *tree, veld_span text, uint8_t kind, const veld_tree_name *name)
{
    veld_status status;
    uint8_t length[2];
    VELD_ASSERT(text.len <= UINT16_MAX);
    veld_put_u16(length, (uint16_t)text.len);
    VELD_TRY(veld_buf_append_text(&tree->git, kind == TREE_KIND_FILE ? "100644 " : "40000 "));
    VELD_TRY(veld_buf_append_span(&tree->git, text));
    VELD_TRY(veld_buf_append_byte(&tree->git, 0));
    VELD_TRY(veld_buf_append(&tree->git, name->git.bytes, sizeof name->git.bytes));
    VELD_TRY(veld_buf_append(&tree->merkle, length, sizeof length));
    VELD_TRY(veld_buf_append_span(&tree->merkle, text));
    VELD_TRY(veld_buf_append_byte(&tree->merkle, kind));
    VELD_TRY(veld_buf_append(&tree->merkle, name->hash.bytes, sizeof name->hash.bytes));
done:
    return status;
}

static void write_begin(veld_tree *tree)
{
    veld_buf_clear(&tree->git);
    veld_buf_clear(&tree->merkle);
}

veld_status tree_write_folder(veld_tree *tree, const tree_folder *folder)
{
    veld_status status = VELD_OK;
    write_begin(tree);
    for (size_t i = 0; i < folder->count; i++) {
        char text[VELD_ID_TEXT_SIZE];
        veld_id_format(&folder->files[i].record, text);
        VELD_TRY(write_entry(tree, veld_span_of(text, VELD_ID_TEXT_SIZE - 1), TREE_KIND_FILE,
            &folder->files[i].name));
    }
done:
    return status;
}

veld_status tree_write_type(veld_tree *tree, const tree_type *type)
{
    veld_status status = VELD_OK;
    write_begin(tree);
    for (size_t i = 0; i < TREE_FOLDERS; i++) {
        if (type->folders[i] == NULL)
            continue;
        uint8_t xx = (uint8_t)i;
        char text[3];
        veld_hex_encode(veld_span_of(&xx, 1), text, sizeof text);
        VELD_ASSERT(type->folders[i]->named);
        VELD_TRY(
            write_entry(tree, veld_span_of(text, 2), TREE_KIND_FOLDER, &type->folders[i]->name));
    }
done:
    return status;
}

veld_status tree_write_root(veld_tree *tree)
{
    veld_status status = VELD_OK;
    write_begin(tree);
    for (size_t i = 0; i < tree->count; i++) {
        VELD_ASSERT(tree->types[i]->named);
        VELD_TRY(write_entry(
            tree, tree_type_span(tree->types[i]), TREE_KIND_FOLDER, &tree->types[i]->name));
    }
done:
    return status;
}

/* The names of what is in the scratch buffers. */
static veld_status hash_written(veld_tree *tree, veld_tree_name *out, veld_error *err)
{
    veld_span entries = veld_buf_span(&tree->merkle);
    veld_status status = veld_git_hash(GIT_OBJECT_TREE, veld_buf_span(&tree->git), &out->git, err);
    if (status == VELD_OK)
        status = veld_hash_named(VELD_CONTEXT_HASH_FOLDER, &entries, 1, &out->hash, err);
    return status;
}

static veld_status name_type(veld_tree *tree, tree_type *type, veld_error *err)
{
    veld_status status;
    for (size_t i = 0; i < TREE_FOLDERS; i++) {
        tree_folder *folder = type->folders[i];
        if (folder == NULL || folder->named)
            continue;
        VELD_TRY(tree_write_folder(tree, folder));
        VELD_TRY(hash_written(tree, &folder->name, err));
        folder->named = true;
    }
    VELD_TRY(tree_write_type(tree, type));
    VELD_TRY(hash_written(tree, &type->name, err));
    type->named = true;
done:
    return status;
}

veld_status veld_tree_root(veld_tree *tree, veld_tree_name *out, veld_error *err)
{
    VELD_ASSERT(tree != NULL && out != NULL);
    veld_status status = VELD_OK;
    if (!tree->named) {
        for (size_t i = 0; i < tree->count; i++) {
            if (!tree->types[i]->named)
                VELD_TRY(name_type(tree, tree->types[i], err));
        }
        VELD_TRY(tree_write_root(tree));
        VELD_TRY(hash_written(tree, &tree->name, err));
        tree->named = true;
    }
    *out = tree->name;
done:
    if (status == VELD_E_MEMORY)
        return veld_fail(err, status, "no memory to name a tree");
    return status;
}

veld_status veld_tree_file_name(veld_span bytes, veld_tree_name *out, veld_error *err)
{
    VELD_ASSERT(out != NULL);
    *out = (veld_tree_name){0};
    if (bytes.len > VELD_TREE_FILE_BYTES_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a file of a tree is over %u bytes", VELD_TREE_FILE_BYTES_MAX);
    veld_status status = veld_git_hash(GIT_OBJECT_BLOB, bytes, &out->git, err);
    if (status == VELD_OK)
        status = veld_hash_named(VELD_CONTEXT_HASH_FILE, &bytes, 1, &out->hash, err);
    return status;
}
