/* index.h: the readable index: which cases there are, in which order, and what words are in them.
 *
 * It lives in memory only: made at unlock, thrown away at lock, its pages wiped. A sealed snapshot
 * in the store spares making it anew; it says up to which change it counts, and whatever changed
 * since is handed to the caller to put again. A snapshot that does not open is dropped, never an
 * error: the index can always be made from the cases. Source: design.md 4.
 *
 * Expects, all: VELD_E_MEMORY; those that are handed a store: what store.h says too.
 * Thread:  one thread at a time. */
#ifndef VELDKIT_INDEX_H
#define VELDKIT_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/status.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_index veld_index;

typedef struct veld_index_entry {
    veld_id case_id;
    veld_id group;   /* entries of one group are listed as one under it; zero: its own case id */
    veld_span title; /* UTF-8 */
    uint64_t records;
    uint64_t unsent;
    int64_t updated_utc_ms;
    veld_span text; /* words to search for besides the title; UTF-8; not handed back */
} veld_index_entry;

/* veld_index_open: from the snapshot where there is one. `unsent` of every entry is that of now.
 * Owns:    close `out`; borrows nothing after return. */
veld_status veld_index_open(veld_store *store, veld_index **out, veld_error *err) VELD_MUST_CHECK;
void veld_index_close(veld_index *index);

/* veld_index_dirty: get the cases that changed since the snapshot, or all when there was none; each
 * leaves the list when it is put or removed. Borrowed until the next call. */
const veld_id *veld_index_dirty(const veld_index *index, size_t *count);

/* veld_index_put: add or replace a case.  Owns: copies.  Expects: VELD_E_LIMIT (title or text over
 * VELD_INDEX_TEXT_BYTES_MAX). */
veld_status veld_index_put(
    veld_index *index, const veld_index_entry *entry, veld_error *err) VELD_MUST_CHECK;
/* veld_index_remove: fine when it is not there. */
veld_status veld_index_remove(
    veld_index *index, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

typedef enum veld_index_order {
    VELD_INDEX_BY_UPDATE = 0, /* newest first */
    VELD_INDEX_BY_TITLE
} veld_index_order;

/* A list calls it per group, with its counts added and the title of the entry that has one; a
 * search per entry. `case_id` is the group's. Spans are borrowed for the call, and `text` is empty.
 * Anything but VELD_OK ends the walk and is returned. It must not change the index. */
typedef veld_status (*veld_index_visit)(void *context, const veld_index_entry *entry);

veld_status veld_index_list(veld_index *index, veld_index_order order, veld_index_visit visit,
    void *context, veld_error *err) VELD_MUST_CHECK;
/* veld_index_search: the cases in which every word of `query` begins some word of title or text,
 * best first, at most `limit`. Case and accents do not count. A query without a word finds nothing.
 */
veld_status veld_index_search(veld_index *index, veld_span query, size_t limit,
    veld_index_visit visit, void *context, veld_error *err) VELD_MUST_CHECK;

/* veld_index_save: seal a snapshot into the store, for the next opening. Costs about a millisecond
 * per thousand cases: save at lock, not per change. Not inside a transaction.
 * Expects: VELD_E_STALE (cases are still dirty; a snapshot would hide that). The caller has put
 *          every change that is in the store into the index. */
veld_status veld_index_save(veld_index *index, veld_store *store, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
