/* name_tree.h: names in order, for the fields of a record and the types under one id. Peers choose
 * names and how many, so finding one among n takes about log n steps whatever they choose: a treap
 * whose ranks they do not know. Nothing is removed. */
#ifndef VELD_CASES_NAME_TREE_H
#define VELD_CASES_NAME_TREE_H

#include <stdint.h>

#include "veldkit/bytes.h"

typedef struct name_node {
    const veld_span *name; /* borrowed from what the node is part of */
    uint64_t rank;         /* random; no node is under one of a lower rank */
    struct name_node *left;
    struct name_node *right;
} name_node;

/* name_tree_find: the node of a name; NULL when there is none. `before` (may be NULL) gets the last
 * node whose name sorts before it. */
name_node *name_tree_find(name_node *root, veld_span name, name_node **before);
/* name_tree_put: `node`, with name and rank, whose name is not in the tree yet. */
void name_tree_put(name_node **root, name_node *node);

#endif
