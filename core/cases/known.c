/* Two walks over the graph's order: which changes existed, and which lie in the past of the
 * device's next change. The states are made of these, each with its own past: who existed proves
 * who came before. */
#include "veldkit/known.h"

#include "case_inner.h"
#include "veldkit/anchor.h"

typedef struct search {
    veld_case *opened;
    case_changes changes;
    const veld_node *const *order;
    size_t count;
    const veld_node **chosen; /* room for all */
    bool *existed;            /* by place */
    bool *before_next;        /* by place: in the past of the next change */
    map places;               /* change id -> 1 + place, as a pointer */
} search;

static bool existed_at(const veld_change *change, int64_t at_utc_ms)
{
    bool here = change->arrived_utc_ms != 0 && change->arrived_utc_ms <= at_utc_ms;
    return here || veld_anchor_reading_ms(&change->time) <= at_utc_ms;
}

static veld_status prepare(search *s, int64_t at_utc_ms, veld_error *err)
{
    veld_status status;
    VELD_TRY(map_init(&s->places, sizeof(veld_hash), s->opened->desk.env, err));
    VELD_TRY(case_changes_load(s->opened, &s->changes, err));
    s->order = veld_graph_order(s->opened->graph, &s->count);
    s->chosen = veld_allocate((s->count + 1) * sizeof *s->chosen);
    s->existed = veld_allocate(s->count + 1);
    s->before_next = veld_allocate(s->count + 1);
    if (s->order == NULL || s->chosen == NULL || s->existed == NULL || s->before_next == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the history of a case");
        goto done;
    }
    for (size_t i = 0; i < s->count; i++) {
        s->existed[i] = existed_at(case_changes_get(&s->changes, &s->order[i]->id), at_utc_ms);
        VELD_TRY(map_put(&s->places, s->order[i]->id.bytes, (void *)(uintptr_t)(i + 1)));
    }

done:
    return status;
}

static void finish(search *s)
{
    map_release(&s->places);
    veld_release(s->chosen);
    veld_release(s->existed);
    veld_release(s->before_next);
    case_changes_release(&s->changes);
}

/* The device's last change up to the moment, and its first one after it. */
static bool find_own(search *s, const veld_id *device, veld_known *out)
{
    bool any = false;
    for (size_t i = 0; i < s->count; i++) {
        const veld_node *node = s->order[i];
        if (!veld_id_equal(&node->chain.device, device))
            continue;
        any = true;
        if (s->existed[i])
            out->last = node;
        else if (out->next == NULL && node->parents_count > 0)
            out->next = node;
    }
    return any;
}

/* From the last place down: whoever is marked marks its parents. */
static void mark_past_of(search *s, const veld_node *next)
{
    for (size_t i = s->count; i > 0; i--) {
        const veld_node *node = s->order[i - 1];
        if (node != next && !s->before_next[i - 1])
            continue;
        for (size_t p = 0; p < node->parents_count; p++) {
            size_t place = (size_t)(uintptr_t)map_get(&s->places, node->parents[p]->id.bytes);
            if (place > 0)
                s->before_next[place - 1] = true;
        }
    }
}

static veld_status make_state(search *s, const veld_id *device, bool certain,
    const veld_known *known, veld_state **out, size_t *count, veld_error *err)
{
    size_t chosen = 0;
    for (size_t i = 0; i < s->count; i++) {
        bool own = veld_id_equal(&s->order[i]->chain.device, device);
        bool wanted = own || (!certain && (known->next == NULL || s->before_next[i]));
        if (s->existed[i] && wanted)
            s->chosen[chosen++] = s->order[i];
    }
    veld_status status = case_past_state(s->opened, &s->changes, s->chosen, chosen, out, err);
    if (status == VELD_OK)
        *count = veld_state_change_count(*out);
    return status;
}

veld_status veld_known_at(
    veld_case *opened, const veld_id *device, int64_t at_utc_ms, veld_known *out, veld_error *err)
{
    veld_status status;
    search s = {.opened = opened};
    char text[VELD_ID_TEXT_SIZE];
    *out = (veld_known){0};
    veld_id_format(device, text);
    VELD_TRY(case_usable(opened, err));
    if (opened->has_base)
        return veld_fail(err, VELD_E_STALE, "the past of this case is not here as changes");
    VELD_TRY(prepare(&s, at_utc_ms, err));
    if (!find_own(&s, device, out)) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "no change of device %s in this case", text);
        goto done;
    }
    if (out->next != NULL)
        mark_past_of(&s, out->next);
    VELD_TRY(make_state(&s, device, true, out, &out->certain, &out->certain_count, err));
    VELD_TRY(make_state(&s, device, false, out, &out->possible, &out->possible_count, err));

done:
    finish(&s);
    if (status != VELD_OK)
        veld_known_release(out);
    return status;
}

void veld_known_release(veld_known *known)
{
    veld_state_free(known->certain);
    veld_state_free(known->possible);
    *known = (veld_known){0};
}
