/* Which changes may go: those that the last head of the agency covers, from the oldest on. */
#include "veldkit/compact.h"

#include <stdlib.h>
#include <string.h>

#include "sync_inner.h"
#include "veldkit/divergence.h"
#include "veldkit/lease.h"
#include "veldkit/past.h"

#define GROUP "heads" /* by case: the last head of the agency, as it was signed */

enum { HEAD_BYTES_MAX = 1024 + 40 * VELD_HEAD_CHANGES_MAX + 128 };

/* ---- the last head ---- */

veld_status sync_last_head(veld_store *store, const veld_id *case_id, veld_arena *arena,
    veld_head *out, bool *there, veld_error *err)
{
    veld_buf bytes;
    veld_span copy;
    veld_buf_init(&bytes, HEAD_BYTES_MAX);
    *out = (veld_head){0};
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(case_id), &bytes, err);
    *there = status == VELD_OK;
    if (status == VELD_OK)
        status = veld_arena_copy(arena, veld_buf_span(&bytes), &copy);
    if (status == VELD_OK)
        status = veld_head_read(copy, arena, out, err);
    veld_buf_release(&bytes);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status sync_keep_head(veld_sync *sync, const veld_head *head, veld_span bytes, veld_error *err)
{
    bool there;
    veld_arena arena;
    veld_head before;
    veld_store *store = sync->config.desk->store;
    veld_arena_init(&arena, 4 * HEAD_BYTES_MAX);
    veld_status status = sync_last_head(store, &head->case_id, &arena, &before, &there, err);
    if (status == VELD_OK && (!there || before.utc_ms <= head->utc_ms))
        status = veld_store_put_value(store, GROUP, veld_id_span(&head->case_id), bytes, err);
    veld_arena_release(&arena);
    return status;
}

/* ---- choosing ---- */

static int by_hash(const void *a, const void *b)
{
    return veld_hash_compare(a, b);
}

typedef struct numbered {
    veld_hash id;
    size_t place;
} numbered;

typedef struct choosing {
    const veld_node *const *order;
    size_t count;
    numbered *places; /* by id */
    bool *covered;    /* by place: the agency has it */
    bool *folded;
    veld_hash *unsent; /* by id */
    size_t unsent_count;
} choosing;

static void choosing_release(choosing *c)
{
    veld_release(c->places);
    veld_release(c->covered);
    veld_release(c->folded);
    veld_release(c->unsent);
}

static veld_status choosing_init(choosing *c, veld_case *opened, veld_error *err)
{
    c->order = veld_graph_order(veld_case_graph(opened), &c->count);
    c->places = veld_allocate((c->count + 1) * sizeof *c->places);
    c->covered = veld_allocate(c->count + 1);
    c->folded = veld_allocate(c->count + 1);
    if (c->order == NULL || c->places == NULL || c->covered == NULL || c->folded == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", c->count);
    for (size_t i = 0; i < c->count; i++)
        c->places[i] = (numbered){.id = c->order[i]->id, .place = i};
    if (c->count > 1)
        qsort(c->places, c->count, sizeof *c->places, by_hash);
    return VELD_OK;
}

/* c->count when the change is not here. */
static size_t place_of(const choosing *c, const veld_hash *id)
{
    const numbered *found = bsearch(id, c->places, c->count, sizeof *c->places, by_hash);
    return found == NULL ? c->count : found->place;
}

static veld_status load_unsent(
    choosing *c, veld_store *store, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    uint64_t most = 0;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_count_unsent(store, case_id, &most, err));
    c->unsent = veld_allocate((most + 1) * sizeof *c->unsent);
    if (c->unsent == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the outbox");
    VELD_TRY(veld_store_outbox(store, &cursor, err));
    while (more && c->unsent_count < most) {
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, err));
        if (more && veld_id_equal(&row.case_id, case_id))
            c->unsent[c->unsent_count++] = row.id;
    }
    qsort(c->unsent, c->unsent_count, sizeof *c->unsent, by_hash);
done:
    veld_store_cursor_close(cursor);
    return status;
}

static void cover(choosing *c, const veld_hash *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t place = place_of(c, &ids[i]);
        if (place < c->count)
            c->covered[place] = true;
    }
}

/* From the last place down: whoever is covered covers its parents. */
static void cover_past(choosing *c)
{
    for (size_t i = c->count; i-- > 0;) {
        const veld_node *node = c->order[i];
        for (size_t k = 0; c->covered[i] && k < node->parents_count; k++)
            if (node->parents[k]->here)
                c->covered[place_of(c, &node->parents[k]->id)] = true;
    }
}

static bool is_foldable(const choosing *c, size_t place, int64_t before_s)
{
    const veld_node *node = c->order[place];
    bool may = c->covered[place] && node->complete && node->commit_utc_s < before_s &&
               bsearch(&node->id, c->unsent, c->unsent_count, sizeof *c->unsent, by_hash) == NULL;
    for (size_t k = 0; may && k < node->parents_count; k++)
        may = node->parents[k]->early || c->folded[place_of(c, &node->parents[k]->id)];
    return may;
}

/* In the front of c->unsent's place there is no room: the ids go into memory of their own. */
static veld_status choose(
    choosing *c, int64_t before_s, veld_hash **ids, size_t *count, veld_error *err)
{
    *count = 0;
    *ids = veld_allocate((c->count + 1) * sizeof **ids);
    if (*ids == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for %zu changes", c->count);
    for (size_t i = 0; i < c->count; i++) {
        if (c->order[i]->early || !is_foldable(c, i, before_s))
            continue;
        c->folded[i] = true;
        (*ids)[(*count)++] = c->order[i]->id;
    }
    qsort(*ids, *count, sizeof **ids, by_hash);
    return VELD_OK;
}

static veld_status is_diverged(void *context, const veld_divergence *found, veld_error *err)
{
    (void)err;
    return veld_id_equal(&found->case_id, context) ? VELD_E_STALE : VELD_OK;
}

static veld_status fold(const veld_desk *desk, veld_case *opened, const veld_head *head,
    int64_t keep_ms, size_t least, size_t *folded, veld_error *err)
{
    veld_status status;
    choosing c = {0};
    veld_hash *ids = NULL;
    size_t count = 0;
    veld_now now = veld_env_now(desk->env);
    veld_change_time time;
    veld_anchor_time(desk->anchor, &now, &time);
    VELD_TRY(choosing_init(&c, opened, err));
    VELD_TRY(load_unsent(&c, desk->store, &head->case_id, err));
    cover(&c, head->heads, head->heads_count);
    cover(&c, head->chain_ends, head->chain_ends_count);
    cover_past(&c);
    VELD_TRY(choose(&c, (time.hybrid_ms - keep_ms) / 1000 + 1, &ids, &count, err));
    if (count < least || count == 0)
        goto done;
    VELD_TRY(veld_case_fold(opened, ids, count, time.hybrid_ms, err));
    *folded = count;
done:
    veld_release(ids);
    choosing_release(&c);
    return status;
}

/* Somebody asked for the past: it is not folded by itself before a week is over, nor while it still
 * comes. */
static veld_status is_in_use(
    const veld_desk *desk, const veld_id *case_id, size_t least, bool *out, veld_error *err)
{
    int64_t since_ms;
    veld_past_state past;
    veld_status status = veld_past_get(desk->store, case_id, &past, &since_ms, err);
    int64_t week_ms = 7 * 24 * 3600 * INT64_C(1000);
    bool is_young = veld_env_now(desk->env).wall_utc_ms - since_ms < week_ms;
    *out = past == VELD_PAST_WANTED || (past != VELD_PAST_NONE && least > 1 && is_young);
    return status;
}

veld_status veld_compact_case(const veld_desk *desk, const veld_id *case_id, int64_t keep_ms,
    size_t least, size_t *folded, veld_error *err)
{
    veld_status status;
    bool there = false;
    veld_arena arena;
    veld_head head;
    veld_case *opened = NULL;
    veld_id wanted = *case_id;
    veld_lease lease;
    *folded = 0;
    veld_arena_init(&arena, 4 * HEAD_BYTES_MAX);
    VELD_TRY(veld_lease_get(desk->store, case_id, &lease, err));
    if (lease.purpose == VELD_GRANT_BREAK_GLASS) /* it is sealed again, whole (break_glass.h) */
        goto done;
    status = veld_divergence_each(desk->store, &wanted, is_diverged, err);
    if (status == VELD_E_STALE) {
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(sync_last_head(desk->store, case_id, &arena, &head, &there, err));
    if (!there)
        goto done;
    VELD_TRY(is_in_use(desk, case_id, least, &there, err));
    if (there)
        goto done;
    VELD_TRY(veld_case_open(desk, case_id, &opened, err));
    status = fold(desk, opened, &head, keep_ms, least, folded, err);
done:
    veld_case_close(opened);
    veld_arena_release(&arena);
    return status;
}
