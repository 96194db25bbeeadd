/* Looking something up: by the narrowest key there is, keeping the newest that fit in a heap of at
 * most the limit, so that memory follows from the question and not from the length of the log. */
#include <stdlib.h>
#include <string.h>

#include "veldkit/access_log.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum { MS_PER_DAY = 86400000, DAYS_MAX = 3700 };

typedef struct finding {
    const veld_access_query *query;
    veld_arena *arena;
    veld_access_found *heap; /* the oldest first */
    size_t count;
    uint64_t all, damaged;
} finding;

static bool is_older(const veld_access_found *a, const veld_access_found *b)
{
    if (a->entry.time.hybrid_ms != b->entry.time.hybrid_ms)
        return a->entry.time.hybrid_ms < b->entry.time.hybrid_ms;
    return a->seq < b->seq;
}

static void swap(veld_access_found *a, veld_access_found *b)
{
    veld_access_found kept = *a;
    *a = *b;
    *b = kept;
}

static void sift_up(finding *f, size_t at)
{
    for (; at > 0 && is_older(&f->heap[at], &f->heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&f->heap[at], &f->heap[(at - 1) / 2]);
}

static void sift_down(finding *f)
{
    size_t at = 0;
    for (;;) {
        size_t least = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < f->count; child++)
            if (is_older(&f->heap[child], &f->heap[least]))
                least = child;
        if (least == at)
            return;
        swap(&f->heap[at], &f->heap[least]);
        at = least;
    }
}

static bool fits_case(const veld_access_query *query, const veld_id *case_id)
{
    bool found = query->cases == NULL;
    for (size_t i = 0; !found && i < query->cases_count; i++)
        found = veld_id_equal(&query->cases[i], case_id);
    return found;
}

bool veld_access_fits(const veld_access_query *query, const veld_access_entry *e)
{
    return fits_case(query, &e->case_id) &&
           (veld_id_is_zero(&query->device) || veld_id_equal(&query->device, &e->device)) &&
           (query->user == NULL || veld_span_equal(veld_span_text(query->user), e->user)) &&
           (query->kind == 0 || query->kind == e->kind) && e->time.hybrid_ms >= query->from_ms &&
           e->time.hybrid_ms < query->until_ms;
}

/* Each place of the heap has room for an entry, used again when another takes the place. */
static veld_status keep(
    finding *f, veld_access_found *place, const veld_store_access *row, veld_error *err)
{
    VELD_ASSERT(row->body.len <= VELD_ACCESS_ENTRY_BYTES_MAX);
    uint8_t *room = (uint8_t *)(uintptr_t)place->bytes.data;
    if (room == NULL)
        room = veld_arena_get(f->arena, VELD_ACCESS_ENTRY_BYTES_MAX, 1);
    if (room == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for so many lines of the access log");
    memcpy(room, row->body.data, row->body.len);
    place->bytes = veld_span_of(room, row->body.len);
    place->seq = row->seq;
    return veld_access_decode(place->bytes, &place->entry, err);
}

static veld_status look_at(finding *f, const veld_store_access *row, veld_error *err)
{
    veld_access_found one = {.bytes = row->body, .seq = row->seq};
    veld_status status = veld_access_decode(row->body, &one.entry, NULL);
    if (status != VELD_OK) {
        f->damaged++;
        return VELD_OK;
    }
    if (!veld_access_fits(f->query, &one.entry))
        return VELD_OK;
    f->all++;
    if (f->count < f->query->limit) {
        status = keep(f, &f->heap[f->count], row, err);
        if (status == VELD_OK)
            sift_up(f, f->count++);
    } else if (f->count > 0 && is_older(&f->heap[0], &one)) {
        status = keep(f, &f->heap[0], row, err);
        sift_down(f);
    }
    return status;
}

static veld_status walk(
    finding *f, veld_store *store, const veld_store_access_search *search, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_walk_access(store, search, &cursor, err));
    while (more) {
        veld_store_access row;
        status = veld_store_access_next(cursor, &more, &row, err);
        if (status == VELD_E_DAMAGED) {
            f->damaged++;
            status = VELD_OK;
            continue;
        }
        VELD_TRY(status);
        if (more)
            VELD_TRY(look_at(f, &row, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

static int64_t day_of(int64_t utc_ms)
{
    return utc_ms >= 0 ? utc_ms / MS_PER_DAY : -1;
}

static veld_status walk_narrowest(finding *f, veld_store *store, veld_error *err)
{
    const veld_access_query *query = f->query;
    veld_store_access_search search = {.by = VELD_STORE_ACCESS_ALL};
    veld_status status = VELD_OK;
    bool few_days = query->from_ms >= 0 && query->until_ms > query->from_ms &&
                    (query->until_ms - query->from_ms) / MS_PER_DAY < DAYS_MAX;
    if (query->cases != NULL) {
        search.by = VELD_STORE_ACCESS_OF_CASE;
        for (size_t i = 0; i < query->cases_count; i++) {
            search.id = query->cases[i];
            VELD_TRY(walk(f, store, &search, err));
        }
        goto done;
    }
    if (!veld_id_is_zero(&query->device)) {
        search = (veld_store_access_search){
            .by = VELD_STORE_ACCESS_OF_CHAIN, .id = query->device, .from_number = 1};
    } else if (query->user != NULL) {
        search = (veld_store_access_search){
            .by = VELD_STORE_ACCESS_OF_USER, .user = veld_span_text(query->user)};
    } else if (few_days) {
        search.by = VELD_STORE_ACCESS_OF_DAY;
        int64_t last = day_of(query->until_ms - 1);
        for (search.day = day_of(query->from_ms); search.day <= last; search.day++)
            VELD_TRY(walk(f, store, &search, err));
        goto done;
    }
    status = walk(f, store, &search, err);
done:
    return status;
}

static int by_time(const void *a, const void *b)
{
    return is_older(a, b) ? -1 : is_older(b, a);
}

veld_status veld_access_find(veld_store *store, const veld_access_query *query, veld_arena *arena,
    veld_access_found **found, size_t *count, uint64_t *all, uint64_t *damaged, veld_error *err)
{
    finding f = {.query = query, .arena = arena};
    veld_status status;
    *found = NULL;
    *count = 0;
    f.heap = veld_arena_get(arena, query->limit, sizeof *f.heap);
    if (f.heap == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu lines", query->limit);
    VELD_TRY(walk_narrowest(&f, store, err));
    if (f.count > 1)
        qsort(f.heap, f.count, sizeof *f.heap, by_time);
    *found = f.heap;
    *count = f.count;
    *all = f.all;
    *damaged = f.damaged;
done:
    return status;
}
