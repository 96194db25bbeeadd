/* tree_parts.h: the inside of a tree, for the files that make it up. Private to core/history. */
#ifndef VELD_HISTORY_TREE_PARTS_H
#define VELD_HISTORY_TREE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/limits.h"
#include "veldkit/tree.h"

typedef struct tree_file {
    veld_id record;
    veld_tree_name name;
} tree_file;

/* The folder xx. Shared by copies while `users` > 1; whoever changes it then makes its own. */
typedef struct tree_folder {
    size_t users;
    tree_file *files; /* sorted by record id, never empty in a tree */
    size_t count;
    size_t capacity;
    bool named; /* `name` fits the files */
    veld_tree_name name;
} tree_folder;

/* The kind byte of an entry. */
enum { TREE_KIND_FILE = 1, TREE_KIND_FOLDER = 2 };

enum { TREE_FOLDERS = 256 };

/* The folder of a type; shared like a tree_folder. */
typedef struct tree_type {
    size_t users;
    char text[VELD_CHANGE_NAME_BYTES_MAX + 1];
    size_t len;
    tree_folder *folders[TREE_FOLDERS]; /* by xx; NULL where there is none */
    size_t count;                       /* files */
    bool named;
    veld_tree_name name;
} tree_type;

struct veld_tree {
    tree_type **types; /* in git's order, none empty */
    size_t count;
    size_t capacity;
    bool named;
    veld_tree_name name;
    veld_buf git;    /* scratch: a folder as git writes it */
    veld_buf merkle; /* scratch: the same folder's entries for SHA-256 */
};

/* tree_type_compare: git's order of folders: as if each name ended in '/'. */
int tree_type_compare(veld_span a, veld_span b);
/* tree_type_find: true and the place of the type, or false and where it would be put. */
bool tree_type_find(const veld_tree *tree, veld_span type, size_t *index);
veld_span tree_type_span(const tree_type *type);

/* tree_write_folder / _type / _root: the entries of one folder into the two scratch buffers, which
 * are emptied first. What the folder holds must be named. Expects: VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status tree_write_folder(veld_tree *tree, const tree_folder *folder) VELD_MUST_CHECK;
veld_status tree_write_type(veld_tree *tree, const tree_type *type) VELD_MUST_CHECK;
veld_status tree_write_root(veld_tree *tree) VELD_MUST_CHECK;

#endif
