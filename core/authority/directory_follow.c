/* How a device follows the agency's directory: one root for each size, once and for all. What does
 * not fit is kept and stays told; nothing that came before is given up for it.
 *
 * Heads may come in any order: a relay that was set back gets them as the merger finds that it
 * lacks them. A head that passes over others, or that comes before or after its turn, is kept until
 * the root before it is known, for it has the proof of that one: an entry is believed by the root
 * of its size alone. */
#include <stdlib.h>
#include <string.h>

#include "directory_inner.h"
#include "veldkit/arena.h"
#include "veldkit/directory_head.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

#define GROUP_ROOTS  "directory.roots"  /* by size: the root */
#define GROUP_PROVED "directory.proved" /* by the id of an entry: its size in the log */
#define GROUP_FOLLOW "directory.follow" /* "size", and "broken" with the head that did not fit */
#define GROUP_GAPS   "directory.gaps"   /* by size: a head whose root before it is not known */
#define NAME_SIZE    "size"
#define NAME_BROKEN  "broken"

enum { NUMBER_BYTES = 8, GAPS_MAX = 64 };

veld_status veld_directory_root_at(
    veld_store *store, uint64_t size, veld_hash *out, veld_error *err)
{
    uint8_t name[NUMBER_BYTES];
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_HASH_BYTES);
    veld_put_u64(name, size);
    veld_status status =
        veld_store_get_value(store, GROUP_ROOTS, veld_span_of(name, sizeof name), &bytes, err);
    if (status == VELD_OK && bytes.len != VELD_HASH_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "a root of the directory is damaged");
    if (status == VELD_OK)
        memcpy(out->bytes, bytes.data, VELD_HASH_BYTES);
    veld_buf_release(&bytes);
    return status;
}

veld_status veld_directory_state_get(veld_store *store, veld_directory_state *out, veld_error *err)
{
    veld_buf bytes;
    veld_status status;
    *out = (veld_directory_state){0};
    veld_buf_init(&bytes, VELD_DIRECTORY_HEAD_BYTES_MAX);
    status = veld_store_get_value(store, GROUP_FOLLOW, veld_span_text(NAME_BROKEN), &bytes, err);
    out->is_broken = status == VELD_OK;
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    veld_buf_clear(&bytes);
    status = veld_store_get_value(store, GROUP_FOLLOW, veld_span_text(NAME_SIZE), &bytes, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
        goto done;
    }
    if (status == VELD_OK && bytes.len != NUMBER_BYTES)
        status = veld_fail(err, VELD_E_DAMAGED, "the directory's size is damaged");
    if (status == VELD_OK) {
        out->log.size = veld_get_u64(bytes.data);
        status = veld_directory_root_at(store, out->log.size, &out->log.root, err);
    }
done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status break_off(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_status status =
        veld_store_put_value(store, GROUP_FOLLOW, veld_span_text(NAME_BROKEN), bytes, err);
    if (status != VELD_OK)
        return status;
    return veld_fail(err, VELD_E_FORGED, "the directory of %llu entries has two histories",
        (unsigned long long)head->log.size);
}

static veld_status put_root(veld_store *store, const veld_directory_head *head, veld_error *err)
{
    uint8_t size[NUMBER_BYTES] = {0};
    veld_span number = veld_span_of(size, sizeof size);
    veld_status status;
    veld_put_u64(size, head->log.size);
    VELD_TRY(veld_store_put_value(store, GROUP_PROVED, veld_hash_span(&head->entry), number, err));
    status = veld_store_put_value(store, GROUP_ROOTS, number, veld_hash_span(&head->log.root),
        err); /* last: it is looked for */
done:
    return status;
}

/* Size last: what a crash left behind it is written again. */
static veld_status take_over(veld_store *store, const veld_directory_head *head, veld_error *err)
{
    uint8_t size[NUMBER_BYTES] = {0};
    veld_status status;
    veld_put_u64(size, head->log.size);
    VELD_TRY(put_root(store, head, err));
    status = veld_store_put_value(
        store, GROUP_FOLLOW, veld_span_text(NAME_SIZE), veld_span_of(size, sizeof size), err);
done:
    return status;
}

/* NULL: the head says nothing about how the log grew from that size. */
static const veld_log_proof *growth_from(const veld_directory_head *head, uint64_t size)
{
    if (head->log.size - 1 == size)
        return &head->growth;
    for (size_t i = 0; i < head->bridges_count; i++) {
        if (head->bridges[i].from == size)
            return &head->bridges[i].growth;
    }
    return NULL;
}

static veld_status knows_root(veld_store *store, uint64_t size, bool *out, veld_error *err)
{
    veld_hash root;
    veld_status status = size == 0 ? VELD_OK : veld_directory_root_at(store, size, &root, err);
    *out = status == VELD_OK;
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* ---- heads out of their turn ---- */

typedef struct gap {
    veld_directory_head head;
    veld_span bytes;
    bool has_root;
} gap;

typedef struct gaps {
    veld_arena arena;
    gap *items;
    size_t count;
} gaps;

static int by_size(const void *a, const void *b)
{
    const gap *left = a;
    const gap *right = b;
    return (left->head.log.size > right->head.log.size) -
           (left->head.log.size < right->head.log.size);
}

/* Those that are kept, the smallest first. Release the arena whatever is returned. */
static veld_status load_gaps(veld_store *store, gaps *out, veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    *out = (gaps){0};
    veld_arena_init(&out->arena, GAPS_MAX * (sizeof(gap) + VELD_DIRECTORY_HEAD_BYTES_MAX + 256u));
    VELD_TRY(veld_store_values(store, GROUP_GAPS, &cursor, err));
    while (more && out->count < GAPS_MAX) {
        veld_store_value value;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        if (out->items == NULL)
            out->items = veld_arena_get(&out->arena, GAPS_MAX, sizeof *out->items);
        if (out->items == NULL) {
            status = veld_fail(err, VELD_E_MEMORY, "no memory for heads of the directory");
            goto done;
        }
        gap *one = &out->items[out->count++];
        VELD_TRY(veld_arena_copy(&out->arena, value.body, &one->bytes));
        VELD_TRY(directory_head_decode(one->bytes, &one->head, err));
        VELD_TRY(knows_root(store, one->head.log.size, &one->has_root, err));
    }
    if (out->count > 1)
        qsort(out->items, out->count, sizeof *out->items, by_size);
done:
    veld_store_cursor_close(cursor);
    return status;
}

static veld_status drop(veld_store *store, const gap *one, veld_error *err)
{
    uint8_t size[NUMBER_BYTES] = {0};
    veld_put_u64(size, one->head.log.size);
    return veld_store_delete_value(store, GROUP_GAPS, veld_span_of(size, sizeof size), err);
}

/* It is of another history: told, and not in the way of ours. */
static veld_status drop_false(veld_store *store, const gap *one, veld_error *err)
{
    veld_status status = drop(store, one, err);
    return status == VELD_OK ? break_off(store, &one->head, one->bytes, err) : status;
}

/* What is kept and goes on from where the device is now. */
static veld_status go_on(veld_store *store, gaps *of, veld_log_head *now, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < of->count && status == VELD_OK; i++) {
        gap *one = &of->items[i];
        const veld_log_proof *growth =
            one->head.log.size > now->size ? growth_from(&one->head, now->size) : NULL;
        if (growth == NULL)
            continue;
        status = veld_log_check_growth(now, &one->head.log, growth, err);
        if (status == VELD_E_FORGED)
            status = drop_false(store, one, err);
        else if (status == VELD_OK)
            status = take_over(store, &one->head, err);
        one->has_root = status == VELD_OK;
        *now = one->head.log;
    }
    return status;
}

/* A root that came late, by a head behind it whose root is known: the largest first, so that each
 * leads to the next. */
static veld_status link_back(veld_store *store, gaps *of, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = of->count; i-- > 0 && status == VELD_OK;) {
        gap *late = &of->items[i];
        for (size_t k = i + 1; k < of->count && !late->has_root && status == VELD_OK; k++) {
            const gap *later = &of->items[k];
            const veld_log_proof *growth =
                later->has_root ? growth_from(&later->head, late->head.log.size) : NULL;
            if (growth == NULL)
                continue;
            status = veld_log_check_growth(&late->head.log, &later->head.log, growth, err);
            if (status == VELD_E_FORGED)
                status = drop_false(store, late, err);
            else if (status == VELD_OK)
                status = put_root(store, &late->head, err);
            late->has_root = status == VELD_OK;
        }
    }
    return status;
}

/* Who has a root before it is needed no more. */
static veld_status drop_filled(veld_store *store, const gaps *of, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; i < of->count; i++) {
        bool knows = false;
        const gap *one = &of->items[i];
        if (one->has_root)
            VELD_TRY(knows_root(store, one->head.log.size - 1, &knows, err));
        if (knows)
            VELD_TRY(drop(store, one, err));
    }
done:
    return status;
}

static veld_status fill_gaps(veld_store *store, veld_error *err)
{
    gaps of;
    veld_directory_state now;
    veld_status status;
    VELD_TRY(load_gaps(store, &of, err));
    if (of.count == 0)
        goto done;
    VELD_TRY(veld_directory_state_get(store, &now, err));
    VELD_TRY(go_on(store, &of, &now.log, err));
    VELD_TRY(link_back(store, &of, err));
    status = drop_filled(store, &of, err);
done:
    veld_arena_release(&of.arena);
    return status;
}

/* So many are kept: who signs more out of their turn is not to be followed. */
static veld_status keep(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    gaps of;
    uint8_t size[NUMBER_BYTES] = {0};
    veld_status status = load_gaps(store, &of, err);
    veld_put_u64(size, head->log.size);
    if (status == VELD_OK && of.count < GAPS_MAX)
        status =
            veld_store_put_value(store, GROUP_GAPS, veld_span_of(size, sizeof size), bytes, err);
    veld_arena_release(&of.arena);
    return status;
}

/* ---- following ---- */

/* A head of a size that the device has behind it. */
static veld_status take_late(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_hash root;
    veld_status status = veld_directory_root_at(store, head->log.size, &root, err);
    if (status == VELD_OK && !veld_hash_equal(&root, &head->log.root))
        return break_off(store, head, bytes, err);
    return status == VELD_E_NOT_FOUND ? keep(store, head, bytes, err) : status;
}

/* It goes on from where the device is. */
static veld_status take_next(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    bool knows = false;
    veld_status status;
    VELD_TRY(knows_root(store, head->log.size - 1, &knows, err));
    if (!knows)
        VELD_TRY(keep(store, head, bytes, err));
    status = take_over(store, head, err);
done:
    return status;
}

static veld_status follow(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_directory_state now;
    veld_status status;
    VELD_TRY(veld_directory_state_get(store, &now, err));
    if (head->log.size <= now.log.size) {
        status = take_late(store, head, bytes, err);
        goto done;
    }
    if (now.log.size == 0) { /* nothing to compare with: here it begins */
        status = take_next(store, head, bytes, err);
        goto done;
    }
    const veld_log_proof *growth = growth_from(head, now.log.size);
    if (growth == NULL) {
        VELD_TRY(keep(store, head, bytes, err));
        status = veld_fail(err, VELD_E_STALE, "heads of the directory are missing after %llu",
            (unsigned long long)now.log.size);
        goto done;
    }
    status = veld_log_check_growth(&now.log, &head->log, growth, err);
    if (status == VELD_E_FORGED)
        status = break_off(store, head, bytes, err);
    else if (status == VELD_OK)
        status = take_next(store, head, bytes, err);
done:
    return status;
}

veld_status veld_directory_follow(
    veld_store *store, const veld_directory_head *head, veld_span bytes, veld_error *err)
{
    veld_status status = follow(store, head, bytes, err);
    return status == VELD_OK ? fill_gaps(store, err) : status;
}

veld_status veld_directory_is_proved(veld_store *store, veld_span entry, bool *out, veld_error *err)
{
    veld_hash id;
    veld_buf size;
    veld_status status;
    *out = false;
    veld_buf_init(&size, NUMBER_BYTES);
    VELD_TRY(veld_sha256(entry, &id, err));
    status = veld_store_get_value(store, GROUP_PROVED, veld_hash_span(&id), &size, err);
    *out = status == VELD_OK;
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
done:
    veld_buf_release(&size);
    return status;
}

veld_status veld_directory_note_proved(
    veld_store *store, veld_span entry, uint64_t size, veld_error *err)
{
    veld_hash id;
    uint8_t number[NUMBER_BYTES];
    veld_put_u64(number, size);
    veld_status status = veld_sha256(entry, &id, err);
    return status == VELD_OK ? veld_store_put_value(store, GROUP_PROVED, veld_hash_span(&id),
                                   veld_span_of(number, sizeof number), err)
                             : status;
}
