/* exported_case.h: a small case by two devices whose histories part and meet, and its export. */
#ifndef EXPORTED_CASE_H
#define EXPORTED_CASE_H

#include "change_builder.h"
#include "veldkit/export.h"
#include "veldkit/tree.h"

enum { EXPORTED_CHANGES_MAX = 64, EXPORTED_RECORDS = 5 };

/* One change with the case in its author's eyes. */
typedef struct exported_change {
    veld_change change;
    veld_parent parents[3];
    veld_tree *tree;
    size_t device;
    uint32_t records[EXPORTED_RECORDS]; /* the value each record has; 0 = no such record */
} exported_change;

typedef struct exported_case {
    test_env world;
    test_device devices[2];
    veld_id case_id;
    exported_change changes[EXPORTED_CHANGES_MAX];
    size_t count;
} exported_case;

void exported_case_init(exported_case *made, uint64_t seed);
void exported_case_release(exported_case *made);

/* exported_case_add: one more change by `device` on top of the changes numbered in `on` (by their
 * place in `changes`), at wall time `wall_utc_ms` with `offset_min`. Writes one record; what the
 * parents differ in is taken from the first. Returns its place. */
size_t exported_case_add(exported_case *made, size_t device, const size_t *on, size_t on_count,
    int64_t wall_utc_ms, int32_t offset_min);

/* exported_case_write: export the changes from `first` on to `dir`; joined heads have the tree of
 * the last change. */
veld_status exported_case_write(
    exported_case *made, size_t first, const char *dir, veld_error *err);

/* exported_case_write_apart: all changes; the last one without its files. */
veld_status exported_case_write_apart(
    exported_case *made, const char *dir, veld_error *err) VELD_MUST_CHECK;

/* exported_case_path: the path of record `n` in the tree. */
void exported_case_path(const exported_case *made, size_t n, char *out, size_t size);

#endif
