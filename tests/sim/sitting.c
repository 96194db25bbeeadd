/* Sitting down at a case of the office: what there is to decide in it, and what a person sees. */
#include <stdlib.h>
#include <string.h>

#include "decide.h"

/* ---- what there is to decide ---- */

veld_status sim_casework_open(sim_party *p, veld_case *opened, sim_casework *out)
{
    veld_status status;
    sim_world *w = p->world;
    veld_state *state = veld_case_state(opened);
    *out = (sim_casework){0};
    veld_arena_init(&out->arena, 64u << 20);
    VELD_TRY(veld_decision_list(state, veld_case_id(opened), &p->agency, &p->desk.verifier,
        &out->arena, &out->decided, &out->decided_count, NULL));
    VELD_TRY(veld_conflict_list(
        state, w->schemas, veld_case_id(opened), &out->arena, &out->open, &out->open_count, NULL));
    out->conflicts = out->open;
    out->count = out->open_count;
    status = veld_decision_conflicts(state, w->schemas, out->decided, out->decided_count,
        &out->arena, &out->conflicts, &out->count, NULL);
done:
    return status;
}

void sim_casework_release(sim_casework *of)
{
    veld_arena_release(&of->arena);
}

veld_status sim_sit(sim_world *w, unsigned index, unsigned person, sim_sitting *out)
{
    veld_status status;
    sim_party *office = &w->parties[SIM_MERGER];
    *out = (sim_sitting){.w = w, .office = office, .index = index, .person = person};
    VELD_TRY(veld_case_open(&office->desk, &w->cases[index].id, &out->opened, NULL));
    status = sim_casework_open(office, out->opened, &out->work);
done:
    return status;
}

void sim_rise(sim_sitting *s)
{
    sim_casework_release(&s->work);
    veld_case_close(s->opened);
    s->opened = NULL;
}

unsigned sim_conflict_field(const sim_sitting *s, const veld_conflict *conflict)
{
    unsigned f = 0;
    while (f < SIM_FIELDS &&
           (!veld_span_equal(conflict->field, veld_span_text(sim_field(s->w, f))) ||
               !veld_id_equal(&conflict->record->id, &s->w->cases[s->index].records[f])))
        f++;
    return f;
}

const veld_conflict *sim_conflict_on(const sim_sitting *s, unsigned field)
{
    for (size_t i = 0; i < s->work.count; i++) {
        if (sim_conflict_field(s, &s->work.conflicts[i]) == field)
            return &s->work.conflicts[i];
    }
    return NULL;
}

bool sim_sit_where_open(
    sim_world *w, unsigned person, uint64_t *draw, sim_sitting *out, veld_status *status)
{
    size_t first = w->cases_count > 0 ? sim_next(draw) % w->cases_count : 0;
    for (size_t i = 0; i < w->cases_count; i++) {
        *status = sim_sit(w, (unsigned)((first + i) % w->cases_count), person, out);
        if (*status == VELD_OK && out->work.count > 0)
            return true;
        sim_rise(out);
        if (*status == VELD_E_IO || *status == VELD_E_FULL)
            break;
    }
    return false;
}

/* ---- looking ---- */

int sim_by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

void sim_screen_fill(sim_sitting *s, const veld_conflict *conflict, sim_screen *out)
{
    const veld_decided *pending =
        veld_decision_pending(s->work.decided, s->work.decided_count, &conflict->id);
    *out = (sim_screen){
        .is_used = true, .case_index = s->index, .field = sim_conflict_field(s, conflict)};
    for (size_t i = 0; i < conflict->sides_count && out->count < SIM_SIDES_MAX; i++) {
        out->sides[out->count] = conflict->sides[i].entry->id;
        out->values[out->count++] = sim_value_number(conflict->sides[i].value);
    }
    qsort(out->sides, out->count, sizeof *out->sides, sim_by_write_id);
    sim_must(s->w, veld_decision_seen(conflict, pending, out->seen, NULL));
}

bool sim_look(sim_world *w, unsigned person, uint64_t *draw, veld_status *status)
{
    sim_sitting s;
    if (!sim_sit_where_open(w, person, draw, &s, status))
        return false;
    const veld_conflict *conflict = &s.work.conflicts[sim_next(draw) % s.work.count];
    w->screens[person].is_used = false;
    if (sim_conflict_field(&s, conflict) < SIM_FIELDS)
        sim_screen_fill(&s, conflict, &w->screens[person]);
    sim_rise(&s);
    return w->screens[person].is_used;
}
