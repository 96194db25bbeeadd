/* The files of one case in memory, by type and by the last two digits of the record's id. It exists
 * so that a save rehashes three small folders and not the case, and so that the trees of several
 * heads share what they have in common. The invariant: no type and no folder in a tree is empty,
 * everything is sorted in git's order, and `named` is true only where a name fits what is below.
 * Knows nothing of the bytes of files, of libgit2 or of changes. */
#include "veldkit/tree.h"

#include <string.h>

#include "tree_parts.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/number.h"

/* ---- folders xx ---- */
static void folder_leave(tree_folder *folder)
{
    if (folder == NULL)
        return;
    VELD_ASSERT(folder->users > 0);
    if (--folder->users > 0)
        return;
    if (folder->files != NULL)
        veld_wipe(folder->files, folder->capacity * sizeof *folder->files);
    veld_release(folder->files);
    veld_release(folder);
}

static bool folder_reserve(tree_folder *folder, size_t capacity)
{
    if (capacity <= folder->capacity)
        return true;
    size_t doubled, wanted = capacity, bytes;
    if (veld_size_multiply(folder->capacity, 2, &doubled) && doubled > wanted)
        wanted = doubled;
    if (!veld_size_multiply(wanted, sizeof *folder->files, &bytes))
        return false;
    tree_file *files = veld_allocate(bytes);
    if (files == NULL)
        return false;
    if (folder->count > 0) {
        memcpy(files, folder->files, folder->count * sizeof *files);
        veld_wipe(folder->files, folder->count * sizeof *files);
    }
    veld_release(folder->files);
    folder->files = files;
    folder->capacity = wanted;
    return true;
}

/* The folder at `slot`, for this tree alone, with room for one more file; NULL without memory. */
static tree_folder *folder_own(tree_folder **slot)
{
    tree_folder *folder = *slot;
    if (folder != NULL && folder->users == 1)
        return folder_reserve(folder, folder->count + 1) ? folder : NULL;
    tree_folder *mine = veld_allocate(sizeof *mine);
    if (mine == NULL)
        return NULL;
    mine->users = 1;
    size_t count = folder != NULL ? folder->count : 0;
    if (!folder_reserve(mine, count + 1)) {
        folder_leave(mine);
        return NULL;
    }
    if (folder != NULL) {
        memcpy(mine->files, folder->files, count * sizeof *mine->files);
        mine->count = count;
        mine->named = folder->named;
        mine->name = folder->name;
        folder_leave(folder);
    }
    *slot = mine;
    return mine;
}

static bool file_find(const tree_folder *folder, const veld_id *record, size_t *index)
{
    size_t low = 0, high = folder->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = veld_id_compare(&folder->files[middle].record, record);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

/* ---- types ---- */
int tree_type_compare(veld_span a, veld_span b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common > 0 ? memcmp(a.data, b.data, common) : 0;
    if (order != 0 || a.len == b.len)
        return order;
    int end_a = a.len > common ? a.data[common] : '/';
    int end_b = b.len > common ? b.data[common] : '/';
    return end_a - end_b;
}

veld_span tree_type_span(const tree_type *type)
{
    return veld_span_of(type->text, type->len);
}

bool tree_type_find(const veld_tree *tree, veld_span type, size_t *index)
{
    size_t low = 0, high = tree->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = tree_type_compare(tree_type_span(tree->types[middle]), type);
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

static void type_leave(tree_type *type)
{
    VELD_ASSERT(type->users > 0);
    if (--type->users > 0)
        return;
    for (size_t i = 0; i < TREE_FOLDERS; i++)
        folder_leave(type->folders[i]);
    veld_release(type);
}

static bool types_reserve(veld_tree *tree, size_t capacity)
{
    if (capacity <= tree->capacity)
        return true;
    size_t wanted = tree->capacity > 0 ? tree->capacity * 2 : 8;
    if (wanted < capacity)
        wanted = capacity;
    tree_type **types = veld_resize(tree->types, wanted * sizeof *types);
    if (types == NULL)
        return false;
    tree->types = types;
    tree->capacity = wanted;
    return true;
}

/* The type at `index`, for this tree alone; NULL without memory. */
static tree_type *type_own(veld_tree *tree, size_t index)
{
    tree_type *type = tree->types[index];
    if (type->users == 1)
        return type;
    tree_type *mine = veld_allocate(sizeof *mine);
    if (mine == NULL)
        return NULL;
    *mine = *type;
    mine->users = 1;
    for (size_t i = 0; i < TREE_FOLDERS; i++) {
        if (mine->folders[i] != NULL)
            mine->folders[i]->users++;
    }
    type_leave(type);
    tree->types[index] = mine;
    return mine;
}

static tree_type *type_insert(veld_tree *tree, size_t index, veld_span text)
{
    if (!types_reserve(tree, tree->count + 1))
        return NULL;
    tree_type *type = veld_allocate(sizeof *type);
    if (type == NULL)
        return NULL;
    type->users = 1;
    memcpy(type->text, text.data, text.len);
    type->len = text.len;
    memmove(&tree->types[index + 1], &tree->types[index],
        (tree->count - index) * sizeof tree->types[0]);
    tree->types[index] = type;
    tree->count++;
    return type;
}

static void type_remove_if_empty(veld_tree *tree, size_t index)
{
    tree_type *type = tree->types[index];
    if (type->count > 0)
        return;
    type_leave(type);
    tree->count--;
    memmove(&tree->types[index], &tree->types[index + 1],
        (tree->count - index) * sizeof tree->types[0]);
}

/* ---- the tree ---- */
veld_tree *veld_tree_new(void)
{
    veld_tree *tree = veld_allocate(sizeof *tree);
    if (tree == NULL)
        return NULL;
    veld_buf_init(&tree->git, SIZE_MAX / 2);
    veld_buf_init(&tree->merkle, SIZE_MAX / 2);
    return tree;
}

void veld_tree_free(veld_tree *tree)
{
    if (tree == NULL)
        return;
    for (size_t i = 0; i < tree->count; i++)
        type_leave(tree->types[i]);
    veld_release(tree->types);
    veld_buf_wipe(&tree->git);
    veld_buf_wipe(&tree->merkle);
    veld_release(tree);
}

veld_status veld_tree_copy(const veld_tree *tree, veld_tree **out, veld_error *err)
{
    VELD_ASSERT(tree != NULL && out != NULL);
    *out = NULL;
    veld_tree *copy = veld_tree_new();
    if (copy == NULL || !types_reserve(copy, tree->count)) {
        veld_tree_free(copy);
        return veld_fail(err, VELD_E_MEMORY, "no memory for a copy of a tree");
    }
    for (size_t i = 0; i < tree->count; i++) {
        copy->types[i] = tree->types[i];
        copy->types[i]->users++;
    }
    copy->count = tree->count;
    copy->named = tree->named;
    copy->name = tree->name;
    *out = copy;
    return VELD_OK;
}

static bool names_equal(const veld_tree_name *a, const veld_tree_name *b)
{
    return veld_hash_equal(&a->hash, &b->hash) &&
           memcmp(a->git.bytes, b->git.bytes, sizeof a->git.bytes) == 0;
}

static bool put_file(tree_type *type, const veld_id *record, const veld_tree_name *name)
{
    tree_folder *folder = folder_own(&type->folders[record->bytes[VELD_ID_BYTES - 1]]);
    if (folder == NULL)
        return false;
    size_t at;
    if (!file_find(folder, record, &at)) {
        memmove(&folder->files[at + 1], &folder->files[at],
            (folder->count - at) * sizeof folder->files[0]);
        folder->files[at].record = *record;
        folder->count++;
        type->count++;
    }
    folder->files[at].name = *name;
    folder->named = false;
    type->named = false;
    return true;
}

veld_status veld_tree_set(veld_tree *tree, veld_span type, const veld_id *record,
    const veld_tree_name *name, veld_error *err)
{
    VELD_ASSERT(tree != NULL && record != NULL && name != NULL);
    if (!veld_change_type_is_valid(type))
        return veld_fail(err, VELD_E_INVALID, "a record type is no name for a folder");
    const veld_tree_name *now = veld_tree_get(tree, type, record);
    if (now != NULL && names_equal(now, name))
        return VELD_OK;
    size_t index;
    bool known = tree_type_find(tree, type, &index);
    tree_type *mine = known ? type_own(tree, index) : type_insert(tree, index, type);
    if (mine == NULL || !put_file(mine, record, name)) {
        if (mine != NULL)
            type_remove_if_empty(tree, index);
        return veld_fail(err, VELD_E_MEMORY, "no memory for a file of a tree");
    }
    tree->named = false;
    return VELD_OK;
}

veld_status veld_tree_put(veld_tree *tree, veld_span type, const veld_id *record, veld_span bytes,
    veld_tree_name *name, veld_error *err)
{
    veld_status status;
    veld_tree_name made;
    VELD_TRY(veld_tree_file_name(bytes, &made, err));
    VELD_TRY(veld_tree_set(tree, type, record, &made, err));
    if (name != NULL)
        *name = made;
done:
    return status;
}

veld_status veld_tree_remove(
    veld_tree *tree, veld_span type, const veld_id *record, veld_error *err)
{
    VELD_ASSERT(tree != NULL && record != NULL);
    size_t index, at;
    if (veld_tree_get(tree, type, record) == NULL || !tree_type_find(tree, type, &index))
        return VELD_OK;
    tree_type *mine = type_own(tree, index);
    tree_folder **slot = mine != NULL ? &mine->folders[record->bytes[VELD_ID_BYTES - 1]] : NULL;
    tree_folder *folder = slot != NULL ? folder_own(slot) : NULL;
    if (folder == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory to change a tree");
    bool found = file_find(folder, record, &at);
    VELD_ASSERT(found);
    folder->count--;
    memmove(
        &folder->files[at], &folder->files[at + 1], (folder->count - at) * sizeof folder->files[0]);
    folder->named = false;
    if (folder->count == 0) {
        folder_leave(folder);
        *slot = NULL;
    }
    mine->count--;
    mine->named = false;
    type_remove_if_empty(tree, index);
    tree->named = false;
    return VELD_OK;
}

const veld_tree_name *veld_tree_get(const veld_tree *tree, veld_span type, const veld_id *record)
{
    size_t index, at;
    if (!tree_type_find(tree, type, &index))
        return NULL;
    const tree_folder *folder = tree->types[index]->folders[record->bytes[VELD_ID_BYTES - 1]];
    if (folder == NULL || !file_find(folder, record, &at))
        return NULL;
    return &folder->files[at].name;
}

size_t veld_tree_count(const veld_tree *tree)
{
    size_t count = 0;
    for (size_t i = 0; i < tree->count; i++)
        count += tree->types[i]->count;
    return count;
}
