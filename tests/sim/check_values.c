/* I7: no value vanishes unseen. A model from outside: of the values that a replica holds on a field
 * exactly those are visible that nobody had on her screen when she wrote another one there, and
 * that no person named who decided. */
#include <string.h>

#include "sim.h"

static void mark_held(sim_world *w, const sim_view *view, bool held[SIM_WRITES_MAX])
{
    memset(held, 0, SIM_WRITES_MAX);
    for (size_t i = 0; i < view->count; i++) {
        const sim_change *change = sim_change_find(w, &view->nodes[i]->id);
        for (size_t k = 0; change != NULL && k < change->writes_count; k++)
            held[change->writes[k]] = true;
    }
}

static void check_texts(sim_world *w, const sim_view *view, unsigned field)
{
    const veld_state_field *found = sim_field_find(w, view->case_index, view->opened, field);
    for (const veld_entry *e = found != NULL ? found->entries : NULL; e != NULL; e = e->next) {
        unsigned number = sim_write_of(w, field, e);
        if (number < SIM_WRITES_MAX && sim_value_number(e->value) != w->writes[number].value)
            sim_fail(w, SIM_I7, "party %u case %u field %u: write %u has another value",
                view->party->index, view->case_index, field, number);
    }
}

static void check_field(
    sim_world *w, const sim_view *view, const bool held[SIM_WRITES_MAX], unsigned field)
{
    bool visible[SIM_WRITES_MAX];
    size_t expected = 0;
    const veld_state_field *found = sim_field_find(w, view->case_index, view->opened, field);
    size_t count = found != NULL ? found->visible_count : 0;
    sim_field_look(w, view->case_index, view->opened, field, visible);
    for (unsigned n = 0; n < w->writes_count; n++) {
        const sim_write *write = &w->writes[n];
        if (!held[n] || write->case_index != view->case_index || write->field != field)
            continue;
        bool replaced = false;
        for (unsigned by = n + 1; by < w->writes_count && !replaced; by++)
            replaced = held[by] && w->writes[by].case_index == view->case_index &&
                       w->writes[by].field == field && w->writes[by].seen[n];
        expected += !replaced;
        if (visible[n] != !replaced)
            sim_fail(w, SIM_I7, "party %u case %u field %u: value %u %s", view->party->index,
                view->case_index, field, n,
                replaced ? "is visible though it was replaced" : "vanished unseen");
    }
    if (count != expected)
        sim_fail(w, SIM_I7, "party %u case %u field %u: %zu values, expected %zu",
            view->party->index, view->case_index, field, count, expected);
}

void sim_check_values(sim_world *w, sim_view *view)
{
    bool held[SIM_WRITES_MAX];
    mark_held(w, view, held);
    for (unsigned field = 0; field < SIM_FIELDS && !w->has_failed; field++) {
        check_field(w, view, held, field);
        check_texts(w, view, field);
    }
}
