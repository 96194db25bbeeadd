/* decide.h: between the files about people who decide. */
#ifndef SIM_DECIDE_H
#define SIM_DECIDE_H

#include "sim.h"

/* One case of the office with all that can be decided in it. */
typedef struct sim_sitting {
    sim_world *w;
    sim_party *office;
    unsigned index, person;
    veld_case *opened;
    sim_casework work;
} sim_sitting;

/* sim_sit: at this case; rise whatever is returned.  sim_sit_where_open: at one with something to
 * decide, by chance; risen again when there is none. */
veld_status sim_sit(
    sim_world *w, unsigned index, unsigned person, sim_sitting *out) VELD_MUST_CHECK;
bool sim_sit_where_open(
    sim_world *w, unsigned person, uint64_t *draw, sim_sitting *out, veld_status *status);
void sim_rise(sim_sitting *s);
/* sim_conflict_field: SIM_FIELDS: on a field that no one here writes on.  sim_conflict_on: NULL. */
unsigned sim_conflict_field(const sim_sitting *s, const veld_conflict *conflict);
const veld_conflict *sim_conflict_on(const sim_sitting *s, unsigned field);
/* sim_screen_fill: what she sees of it.  sim_look: at some conflict; false: there is none. */
void sim_screen_fill(sim_sitting *s, const veld_conflict *conflict, sim_screen *out);
bool sim_look(sim_world *w, unsigned person, uint64_t *draw, veld_status *status);
int sim_by_write_id(const void *a, const void *b);

#endif
