/* An array with transactions: what was not committed is cut off again. */
#include "test_journal.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/number.h"

static veld_status put_node(
    void *context, unsigned level, uint64_t index, const veld_hash *hash, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    VELD_ASSERT(level < 40);
    if (index >= j->nodes_capacity[level]) {
        j->nodes_capacity[level] = 2 * (size_t)index + 16;
        j->nodes[level] =
            realloc(j->nodes[level], j->nodes_capacity[level] * sizeof *j->nodes[level]);
        VELD_ASSERT(j->nodes[level] != NULL);
    }
    j->nodes[level][index] = *hash;
    return VELD_OK;
}

static veld_status get_node(
    void *context, unsigned level, uint64_t index, veld_hash *out, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    VELD_ASSERT(level < 40 && index < j->nodes_capacity[level]);
    *out = j->nodes[level][index];
    return VELD_OK;
}

static uint64_t size_of(void *context)
{
    return ((test_journal *)context)->count;
}

/* ---- where an id lies ---- */

/* The place of the id, or the free one where it belongs. */
static uint64_t *place_of(const test_journal *j, const veld_hash *id)
{
    uint64_t at = veld_get_u64(id->bytes);
    for (;; at++) {
        uint64_t *place = &j->places[at & (j->places_count - 1)];
        if (*place == 0 || veld_hash_equal(&j->entries[*place - 1].item.id, id))
            return place;
    }
}

/* Of equal ids the first counts. */
static void note(test_journal *j, size_t index)
{
    uint64_t *place = place_of(j, &j->entries[index].item.id);
    if (*place == 0)
        *place = index + 1;
}

static void note_all(test_journal *j)
{
    memset(j->places, 0, j->places_count * sizeof *j->places);
    for (size_t i = 0; i < j->count; i++)
        note(j, i);
}

static void make_room(test_journal *j)
{
    j->capacity = j->capacity == 0 ? 64 : 2 * j->capacity;
    j->entries = realloc(j->entries, j->capacity * sizeof *j->entries);
    j->places_count = 2 * j->capacity;
    j->places = realloc(j->places, j->places_count * sizeof *j->places);
    VELD_ASSERT(j->entries != NULL && j->places != NULL);
    note_all(j);
}

/* ---- a journal ---- */

static veld_status begin(void *context, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    VELD_ASSERT(j->count == j->committed);
    return VELD_OK;
}

void test_journal_cut(test_journal *j, size_t count)
{
    const bool is_shorter = j->count > count;
    while (j->count > count)
        veld_buf_release(&j->entries[--j->count].bytes);
    j->committed = j->count;
    if (is_shorter)
        note_all(j);
}

static void rollback(void *context)
{
    test_journal *j = context;
    test_journal_cut(j, j->committed);
}

static veld_status commit(void *context, veld_error *err)
{
    test_journal *j = context;
    if (j->commit_fails) {
        j->commit_fails = false;
        rollback(j);
        return veld_fail(err, VELD_E_FULL, "no space left");
    }
    j->committed = j->count;
    return VELD_OK;
}

static veld_status append(void *context, veld_journal_item *item, veld_span bytes, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    if (j->count == j->capacity)
        make_room(j);
    test_journal_entry *entry = &j->entries[j->count];
    item->seq = j->count + 1;
    entry->item = *item;
    veld_buf_init(&entry->bytes, bytes.len);
    VELD_ASSERT(veld_buf_append_span(&entry->bytes, bytes) == VELD_OK);
    note(j, j->count++);
    return VELD_OK;
}

static veld_status find(
    void *context, const veld_hash *id, bool *found, uint64_t *seq, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    *seq = j->count == 0 ? 0 : *place_of(j, id);
    *found = *seq > 0;
    return VELD_OK;
}

static veld_status next(
    void *context, uint64_t after, veld_journal_item *out, bool *more, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    *more = after < j->count;
    if (*more)
        *out = j->entries[after].item;
    return VELD_OK;
}

static veld_status next_in_case(void *context, const veld_id *case_id, uint64_t after,
    veld_journal_item *out, bool *more, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    *more = false;
    for (uint64_t i = after; i < j->count && !*more; i++) {
        *more = veld_id_equal(&j->entries[i].item.case_id, case_id);
        if (*more)
            *out = j->entries[i].item;
    }
    return VELD_OK;
}

static bool concerns(const veld_journal_item *item, veld_frame_type kind, const veld_id *case_id,
    const veld_id *device)
{
    return item->access && item->kind == kind && veld_id_equal(&item->case_id, case_id) &&
           veld_id_equal(&item->device, device);
}

static veld_status first_access(void *context, const veld_id *case_id, const veld_id *device,
    bool *found, uint64_t *seq, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    int64_t ended = -1;
    *found = false;
    for (size_t i = 0; i < j->count; i++) {
        const veld_journal_item *item = &j->entries[i].item;
        if (concerns(item, VELD_FRAME_ORDER, case_id, device) && (int64_t)item->number > ended)
            ended = (int64_t)item->number;
    }
    for (size_t i = 0; i < j->count && !*found; i++) {
        const veld_journal_item *item = &j->entries[i].item;
        *found = concerns(item, VELD_FRAME_GRANT, case_id, device) && (int64_t)item->number > ended;
        *seq = i + 1;
    }
    return VELD_OK;
}

static veld_status wrote(
    void *context, const veld_id *case_id, const veld_id *device, bool *found, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    *found = false;
    for (size_t i = 0; i < j->count && !*found; i++) {
        const veld_journal_item *item = &j->entries[i].item;
        *found = item->kind == VELD_FRAME_ENVELOPE && veld_id_equal(&item->case_id, case_id) &&
                 veld_id_equal(&item->device, device);
    }
    return VELD_OK;
}

static veld_status forget(void *context, const veld_id *case_id, uint64_t upto, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    for (size_t i = 0; i < j->count; i++) {
        veld_journal_item *item = &j->entries[i].item;
        if (!veld_id_equal(&item->case_id, case_id) ||
            !((item->kind == VELD_FRAME_ENVELOPE && item->seq <= upto) ||
                item->kind == VELD_FRAME_GRANT || item->kind == VELD_FRAME_HEAD ||
                item->kind == VELD_FRAME_CHECKPOINT))
            continue;
        veld_buf_wipe(&j->entries[i].bytes);
        item->len = 0;
        item->access = false;
    }
    return VELD_OK;
}

static veld_status load(
    void *context, uint64_t seq, veld_journal_item *item, veld_buf *out, veld_error *err)
{
    (void)err;
    test_journal *j = context;
    VELD_ASSERT(seq > 0 && seq <= j->count);
    if (item != NULL)
        *item = j->entries[seq - 1].item;
    return veld_buf_append_span(out, veld_buf_span(&j->entries[seq - 1].bytes));
}

void test_journal_init(test_journal *j, uint8_t id)
{
    memset(j, 0, sizeof *j);
    j->journal = (veld_journal){
        .context = j,
        .log = {.context = j, .put = put_node, .get = get_node},
        .size = size_of,
        .begin = begin,
        .commit = commit,
        .rollback = rollback,
        .append = append,
        .find = find,
        .next = next,
        .next_in_case = next_in_case,
        .first_access = first_access,
        .wrote = wrote,
        .load = load,
        .forget = forget,
    };
    memset(j->journal.id.bytes, id, sizeof j->journal.id.bytes);
}

void test_journal_release(test_journal *j)
{
    test_journal_cut(j, 0);
    free(j->entries);
    free(j->places);
    for (size_t i = 0; i < 40; i++)
        free(j->nodes[i]);
}
