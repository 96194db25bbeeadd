/* Going through history: what did each author have before the eyes? The state of a past is the join
 * of its changes, so a line of history is followed by applying one change after the other. Where
 * lines meet, what is missing is applied; where they part, the state is made anew from the past of
 * the line that is taken up. Lines are followed to their end before another is begun. */
#include "case_inner.h"

#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/limits.h"

/* ---- all changes in memory ---- */

void case_changes_release(case_changes *changes)
{
    map_release(&changes->by_id);
    veld_arena_release(&changes->arena);
}

static veld_status keep_row(case_changes *out, veld_span row, veld_error *err)
{
    veld_status status;
    veld_span body;
    veld_change *change = veld_arena_get(&out->arena, 1, sizeof *change);
    if (change == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the history of a case");
    VELD_TRY(veld_arena_copy(&out->arena, row, &body));
    VELD_TRY(veld_change_decode(body, VELD_CHANGE_ROW, &out->arena, change, err));
    VELD_TRY(map_put(&out->by_id, change->id.bytes, change));
done:
    return status;
}

veld_status case_changes_load(veld_case *opened, case_changes *out, veld_error *err)
{
    veld_status status;
    veld_store_cursor *cursor = NULL;
    *out = (case_changes){0};
    veld_arena_init(&out->arena, VELD_STATE_BYTES_MAX);
    VELD_TRY(map_init(&out->by_id, sizeof(veld_hash), opened->desk.env, err));
    VELD_TRY(veld_store_changes(opened->desk.store, opened->keys, 0, &cursor, err));
    for (;;) {
        bool more = false;
        veld_store_change row;
        VELD_TRY(veld_store_changes_next(cursor, &more, &row, err));
        if (!more)
            break;
        VELD_TRY(keep_row(out, row.body, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

const veld_change *case_changes_get(const case_changes *changes, const veld_hash *id)
{
    const veld_change *change = map_get(&changes->by_id, id->bytes);
    VELD_ASSERT(change != NULL);
    return change;
}

/* ---- a past ---- */

/* Nodes are told apart by their place in the graph's order. */
typedef struct past {
    const veld_node *const *order;
    size_t count;
    map places;    /* change id -> 1 + place, as a pointer */
    uint8_t *in;   /* by place: part of the past that is asked for */
    uint8_t *done; /* by place: applied to the state */
    size_t *stack;
    size_t early;       /* how many came with the base: they have no rows and no parents */
    uint64_t *on_heads; /* by place: the heads of the base in its past, a bit for each */
    uint64_t all_heads; /* 0: there is no base, or it has too many heads to say */
} past;

static void past_release(past *p)
{
    map_release(&p->places);
    veld_release(p->in);
    veld_release(p->done);
    veld_release(p->stack);
    veld_release(p->on_heads);
}

static size_t place_of(const past *p, const veld_node *node)
{
    uintptr_t place = (uintptr_t)map_get(&p->places, node->id.bytes);
    VELD_ASSERT(place > 0);
    return (size_t)place - 1;
}

/* Only of what has the whole base in its past it is known what its author had before the eyes. */
static void find_heads(past *p, const veld_case *opened)
{
    enum { HEADS_MAX = 64 };
    size_t heads = opened->base_heads_count;
    if (!opened->has_base || heads == 0 || heads > HEADS_MAX)
        return;
    p->all_heads = UINT64_MAX >> (HEADS_MAX - heads);
    for (size_t i = 0; i < heads; i++)
        p->on_heads[place_of(p, veld_graph_get(opened->graph, &opened->base_heads[i]))] |=
            UINT64_C(1) << i;
    for (size_t i = 0; i < p->count; i++) {
        const veld_node *node = p->order[i];
        for (size_t k = 0; k < node->parents_count; k++)
            if (node->parents[k]->here)
                p->on_heads[i] |= p->on_heads[place_of(p, node->parents[k])];
    }
}

static bool is_on_base(const past *p, size_t place)
{
    return p->all_heads != 0 && p->on_heads[place] == p->all_heads;
}

static veld_status past_init(past *p, veld_case *opened, veld_error *err)
{
    *p = (past){0};
    veld_status status = map_init(&p->places, sizeof(veld_hash), opened->desk.env, err);
    if (status != VELD_OK)
        return status;
    p->order = veld_graph_order(opened->graph, &p->count);
    p->in = veld_allocate(p->count + 1);
    p->done = veld_allocate(p->count + 1);
    p->stack = veld_allocate((p->count + 1) * sizeof *p->stack);
    p->on_heads = veld_allocate((p->count + 1) * sizeof *p->on_heads);
    if (p->order == NULL || p->in == NULL || p->done == NULL || p->stack == NULL ||
        p->on_heads == NULL)
        status = VELD_E_MEMORY;
    for (size_t i = 0; status == VELD_OK && i < p->count; i++)
        status = map_put(&p->places, p->order[i]->id.bytes, (void *)(uintptr_t)(i + 1));
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for the history of a case");
    for (size_t i = 0; i < p->count; i++)
        p->early += p->order[i]->early;
    find_heads(p, opened);
    return VELD_OK;
}

/* Mark the past of `node` in p->in, as far as it has rows, and the node itself when `with_self`. */
static void mark_past(past *p, const veld_node *node, bool with_self)
{
    size_t depth = 0;
    if (node->early)
        return;
    if (with_self && !p->in[place_of(p, node)]) {
        p->in[place_of(p, node)] = 1;
        p->stack[depth++] = place_of(p, node);
    } else if (!with_self) {
        p->stack[depth++] = place_of(p, node);
    }
    while (depth > 0) {
        const veld_node *next = p->order[p->stack[--depth]];
        for (size_t i = 0; i < next->parents_count; i++) {
            bool has_row = next->parents[i]->here && !next->parents[i]->early;
            size_t place = has_row ? place_of(p, next->parents[i]) : p->count;
            if (place == p->count || p->in[place])
                continue;
            p->in[place] = 1;
            p->stack[depth++] = place;
        }
    }
}

/* Apply to `state` what is marked and not yet done. */
static veld_status apply_marked(
    past *p, const case_changes *changes, veld_state *state, veld_error *err)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; status == VELD_OK && i < p->count; i++) {
        if (!p->in[i] || p->done[i])
            continue;
        status = veld_state_apply(state, case_changes_get(changes, &p->order[i]->id), NULL, err);
        p->done[i] = 1;
    }
    return status;
}

veld_status case_past_state(veld_case *opened, const case_changes *changes,
    const veld_node *const *nodes, size_t count, veld_state **out, veld_error *err)
{
    veld_status status;
    past p;
    *out = NULL;
    VELD_TRY(past_init(&p, opened, err));
    uint64_t on_heads = 0;
    for (size_t i = 0; i < count; i++) {
        mark_past(&p, nodes[i], true);
        on_heads |= p.on_heads[place_of(&p, nodes[i])];
    }
    if (opened->has_base && (p.all_heads == 0 || on_heads != p.all_heads)) {
        status = veld_fail(err, VELD_E_STALE,
            "what came before this change lies before the checkpoint and is not here");
        goto done;
    }
    if (opened->has_base)
        VELD_TRY(case_base_state(opened, out, err));
    else
        VELD_TRY(veld_state_new(opened->desk.env, out, err));
    VELD_TRY(apply_marked(&p, changes, *out, err));
done:
    past_release(&p);
    if (status != VELD_OK) {
        veld_state_free(*out);
        *out = NULL;
    }
    return status;
}

veld_status veld_case_state_at(
    veld_case *opened, const veld_hash *change, veld_state **out, veld_error *err)
{
    veld_status status;
    case_changes changes = {0};
    char text[VELD_HASH_TEXT_SIZE];
    veld_hash_format(change, text);
    *out = NULL;
    VELD_TRY(case_usable(opened, err));
    const veld_node *node = veld_graph_get(opened->graph, change);
    if (node == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "no change %s in this case", text);
    VELD_TRY(case_changes_load(opened, &changes, err));
    VELD_TRY(case_past_state(opened, &changes, &node, 1, out, err));
done:
    case_changes_release(&changes);
    return status;
}

/* ---- replay ---- */

typedef struct player {
    veld_case *opened;
    const veld_replay *replay;
    case_changes changes;
    past p;
    veld_state *state;
    veld_tree *tree;
    const veld_node *last; /* the state is that of its past and itself; NULL = of nothing */
    bool on_base;          /* and it began with the base */
    size_t *waits;         /* by place: parents here that were not played yet */
    size_t *first_child;   /* by place: 1 + index into links; 0 = none */
    struct {
        size_t child;
        size_t next; /* 1 + index; 0 = the end */
    } * links;
} player;

static veld_status start_anew(player *pl, bool on_base, veld_error *err)
{
    veld_state_free(pl->state);
    veld_tree_free(pl->tree);
    pl->state = NULL;
    pl->tree = veld_tree_new();
    pl->last = NULL;
    pl->on_base = on_base;
    memset(pl->p.done, 0, pl->p.count);
    if (pl->tree == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a tree");
    return on_base ? case_base_state(pl->opened, &pl->state, err)
                   : veld_state_new(pl->opened->desk.env, &pl->state, err);
}

/* Bring the state to the past of `node`. */
static veld_status go_to(player *pl, const veld_node *node, veld_error *err)
{
    veld_status status = VELD_OK;
    if (pl->last != NULL && node->parents_count == 1 && node->parents[0] == pl->last)
        return VELD_OK; /* it has the same of the base in its past */
    memset(pl->p.in, 0, pl->p.count);
    mark_past(&pl->p, node, false);
    bool on_base = is_on_base(&pl->p, place_of(&pl->p, node));
    bool inside = pl->state != NULL && pl->on_base == on_base;
    for (size_t i = 0; inside && i < pl->p.count; i++)
        inside = !pl->p.done[i] || pl->p.in[i];
    if (!inside)
        VELD_TRY(start_anew(pl, on_base, err));
    VELD_TRY(apply_marked(&pl->p, &pl->changes, pl->state, err));
done:
    return status;
}

static veld_status play(player *pl, size_t place, veld_error *err)
{
    veld_status status;
    const veld_node *node = pl->p.order[place];
    VELD_TRY(go_to(pl, node, err));
    veld_replay_step step = {
        .change = case_changes_get(&pl->changes, &node->id),
        .state = pl->state,
        .tree = pl->tree,
        .whole_past = node->complete && pl->on_base == pl->opened->has_base,
    };
    VELD_TRY(veld_state_apply(pl->state, step.change, NULL, err));
    pl->p.done[place] = 1;
    pl->last = node;
    VELD_TRY(tree_follow(pl->state, pl->tree, step.whole_past ? pl->replay : NULL, err));
    if (pl->replay->step != NULL)
        VELD_TRY(pl->replay->step(pl->replay->context, &step, err));
done:
    return status;
}

/* Children by parent, in memory of their own: the graph's are its business. */
static veld_status link_children(player *pl, veld_error *err)
{
    size_t links = 0;
    for (size_t i = 0; i < pl->p.count; i++)
        links += pl->p.order[i]->parents_count;
    pl->waits = veld_allocate((pl->p.count + 1) * sizeof *pl->waits);
    pl->first_child = veld_allocate((pl->p.count + 1) * sizeof *pl->first_child);
    pl->links = veld_allocate((links + 1) * sizeof *pl->links);
    if (pl->waits == NULL || pl->first_child == NULL || pl->links == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the history of a case");
    size_t used = 0;
    for (size_t i = pl->p.count; i-- > 0;) {
        const veld_node *node = pl->p.order[i];
        for (size_t j = 0; j < node->parents_count; j++) {
            if (!node->parents[j]->here || node->parents[j]->early)
                continue;
            size_t parent = place_of(&pl->p, node->parents[j]);
            pl->links[used].child = i;
            pl->links[used].next = pl->first_child[parent];
            pl->first_child[parent] = ++used;
            pl->waits[i]++;
        }
    }
    return VELD_OK;
}

/* Depth first: a child that becomes ready is played next. */
static veld_status play_all(player *pl, veld_error *err)
{
    veld_status status = VELD_OK;
    size_t depth = 0;
    size_t *ready = veld_allocate((pl->p.count + 1) * sizeof *ready);
    if (ready == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the history of a case");
    for (size_t i = pl->p.count; i-- > 0;) {
        if (pl->waits[i] == 0 && !pl->p.order[i]->early)
            ready[depth++] = i;
    }
    size_t played = 0;
    while (depth > 0) {
        size_t place = ready[--depth];
        VELD_TRY(play(pl, place, err));
        played++;
        for (size_t l = pl->first_child[place]; l != 0; l = pl->links[l - 1].next) {
            size_t child = pl->links[l - 1].child;
            if (--pl->waits[child] == 0)
                ready[depth++] = child;
        }
    }
    VELD_ASSERT(played == pl->p.count - pl->p.early);
done:
    veld_release(ready);
    return status;
}

veld_status veld_case_replay(veld_case *opened, const veld_replay *replay, veld_error *err)
{
    veld_status status;
    player pl = {.opened = opened, .replay = replay};
    VELD_TRY(case_usable(opened, err));
    VELD_TRY(case_changes_load(opened, &pl.changes, err));
    VELD_TRY(past_init(&pl.p, opened, err));
    VELD_TRY(link_children(&pl, err));
    VELD_TRY(play_all(&pl, err));
done:
    veld_release(pl.waits);
    veld_release(pl.first_child);
    veld_release(pl.links);
    veld_state_free(pl.state);
    veld_tree_free(pl.tree);
    past_release(&pl.p);
    case_changes_release(&pl.changes);
    return status;
}

/* ---- finding ---- */

veld_status veld_case_change(
    veld_case *opened, const veld_hash *id, veld_arena *arena, veld_change *out, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_span body;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(case_usable(opened, err));
    VELD_TRY(veld_store_get_change(opened->desk.store, opened->keys, id, &row, err));
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&row), &body));
    VELD_TRY(veld_change_decode(body, VELD_CHANGE_ROW, arena, out, err));
done:
    veld_buf_wipe(&row);
    return status;
}

veld_status veld_case_find_change(
    veld_case *opened, veld_span prefix, veld_hash *out, veld_error *err)
{
    enum { PREFIX_MIN = 4 };
    size_t count;
    size_t found = 0;
    veld_status status = case_usable(opened, err);
    if (status != VELD_OK)
        return status;
    if (prefix.len < PREFIX_MIN || prefix.len >= VELD_HASH_TEXT_SIZE)
        return veld_fail(err, VELD_E_FORM, "a change is named by 4 to 64 digits of its id");
    const veld_node *const *order = veld_graph_order(opened->graph, &count);
    if (order == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a list of changes");
    for (size_t i = 0; i < count; i++) {
        char text[VELD_HASH_TEXT_SIZE];
        veld_hash_format(&order[i]->id, text);
        if (!veld_span_equal(veld_span_of(text, prefix.len), prefix))
            continue;
        *out = order[i]->id;
        found++;
    }
    if (found == 1)
        return VELD_OK;
    return found == 0 ? veld_fail(err, VELD_E_NOT_FOUND, "no change of this case begins so")
                      : veld_fail(err, VELD_E_INVALID, "%zu changes begin so", found);
}
