/* The treap of name_tree.h, without recursion: a new node takes the place of the first one of a
 * lower rank on its way down, and what was there is parted into what sorts before and after it. */
#include "name_tree.h"

#include <stddef.h>

name_node *name_tree_find(name_node *root, veld_span name, name_node **before)
{
    name_node *last = NULL;
    name_node *node = root;
    while (node != NULL) {
        int order = veld_span_compare(*node->name, name);
        if (order == 0)
            break;
        if (order < 0)
            last = node;
        node = order < 0 ? node->right : node->left;
    }
    if (before != NULL)
        *before = last;
    return node;
}

void name_tree_put(name_node **root, name_node *node)
{
    name_node **at = root;
    while (*at != NULL && (*at)->rank >= node->rank)
        at = veld_span_compare(*(*at)->name, *node->name) < 0 ? &(*at)->right : &(*at)->left;
    name_node *rest = *at;
    *at = node;
    name_node **less = &node->left;
    name_node **more = &node->right;
    while (rest != NULL) {
        if (veld_span_compare(*rest->name, *node->name) < 0) {
            *less = rest;
            less = &rest->right;
            rest = rest->right;
        } else {
            *more = rest;
            more = &rest->left;
            rest = rest->left;
        }
    }
    *less = NULL;
    *more = NULL;
}
