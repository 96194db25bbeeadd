/* The fields that people write on in a seed, and which of the writes that were made stand there. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Where persons decide most fields ask for one, and the third for two. What no schema knows asks
 * too. */
typedef struct place {
    const char *type, *field;
    bool asks, two;
} place;
static const place plain[SIM_FIELDS] = {{"case", "title", false, false},
    {"person", "name", false, false}, {"person", "phone", false, false},
    {"visit", "summary", true, false}};
static const place disputed[SIM_FIELDS] = {{"case", "title", false, false},
    {"visit", "purpose", true, false}, {"safety-agreement", "emergencyNumber", true, true},
    {"visit", "summary", true, false}};

static const place *place_of(const sim_world *w, unsigned field)
{
    return w->plan.has_decisions ? &disputed[field] : &plain[field];
}

const char *sim_type(const sim_world *w, unsigned field)
{
    return place_of(w, field)->type;
}

const char *sim_field(const sim_world *w, unsigned field)
{
    return place_of(w, field)->field;
}

bool sim_field_asks(const sim_world *w, unsigned field, bool *two)
{
    *two = place_of(w, field)->two;
    return place_of(w, field)->asks;
}

unsigned sim_value_number(veld_span value)
{
    char text[16] = {0};
    if (value.len < 4 || value.data[1] != 'v')
        return SIM_WRITES_MAX;
    memcpy(text, value.data + 2, value.len - 2 < 8 ? value.len - 2 : 8);
    return (unsigned)strtoul(text, NULL, 10);
}

const veld_state_field *sim_field_find(
    const sim_world *w, unsigned case_index, veld_case *opened, unsigned field)
{
    const veld_state_record *record = veld_state_record_get(veld_case_state(opened),
        veld_span_text(sim_type(w, field)), &w->cases[case_index].records[field]);
    return record == NULL ? NULL
                          : veld_state_field_get(record, veld_span_text(sim_field(w, field)));
}

unsigned sim_write_of(sim_world *w, unsigned field, const veld_entry *entry)
{
    const sim_change *change = sim_change_find(w, &entry->origin->change);
    for (size_t i = 0; change != NULL && i < change->writes_count; i++) {
        if (w->writes[change->writes[i]].field == field)
            return change->writes[i];
    }
    return SIM_WRITES_MAX;
}

void sim_field_look(sim_world *w, unsigned case_index, veld_case *opened, unsigned field, bool *out)
{
    const veld_state_field *found = sim_field_find(w, case_index, opened, field);
    memset(out, 0, SIM_WRITES_MAX);
    if (found == NULL)
        return;
    for (const veld_entry *e = found->entries; e != NULL && !e->replaced; e = e->next) {
        unsigned number = sim_write_of(w, field, e);
        if (number < SIM_WRITES_MAX)
            out[number] = true;
    }
}
