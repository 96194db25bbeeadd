/* meeting.h: where in a case people wrote without having seen each other: who wrote what, what that
 * departed from, what ended it, and who had seen which side when. For explaining a case to people
 * who were not there; nothing is decided by it.
 *
 * Two writes meet when both are on one field with different values and neither's change is in the
 * past of the other's. Who had seen whom is a matter of the graph, not of clocks. The writes of a
 * field that are tied together by meetings are one meeting; an edit meets the removal of its
 * record.
 *
 * Thread: as state and graph. Source: design, versions. */
#ifndef VELDKIT_MEETING_H
#define VELDKIT_MEETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/graph.h"
#include "veldkit/policy.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* That a device had a side before it: the first of its changes that has it in its past. Before that
 * change the device may have had it too; nobody can know. */
typedef struct veld_sighting {
    size_t side;
    const veld_node *change;
} veld_sighting;

/* Entries in the graph's order: parents first. Everything lives in the arena, state or graph. */
typedef struct veld_meeting {
    const veld_state_record *record;
    const veld_state_field *field;   /* of a removal the field VELD_FIELD_REMOVED */
    const veld_schema_field *schema; /* NULL: not known, or a removal */
    bool removal;                    /* a removal met work on the record */
    veld_span base;                  /* as veld_conflict */
    const veld_entry *const *writes; /* all that met */
    size_t writes_count;
    const veld_entry *const *sides; /* of these, what none of the others replaces */
    size_t sides_count;
    veld_span meanwhile;              /* what was shown while the sides stood */
    const veld_entry *const *endings; /* later writes that replace a side; none: it is open, or a
                                         rule joined it for good */
    size_t endings_count;
    const size_t *endings_saw; /* of each ending: how many of the sides its author had before her */
    const veld_sighting *sightings; /* by others than the side's own device, by side and device */
    size_t sightings_count;
    bool is_open; /* a person has to decide it now */
} veld_meeting;

/* Of a field only the newest writes are looked at. */
enum { VELD_MEETING_WRITES_MAX = 64 };

/* veld_meeting_list: all meetings of a case, by type, record and field, then in the graph's order.
 * `*cut` (may be NULL) tells that a field had more than VELD_MEETING_WRITES_MAX writes.
 * Owns:    the list lives in `arena`. Cost: changes times fields on which more than one wrote.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_meeting_list(const veld_env *env, veld_state *state, veld_graph *graph,
    const veld_schema_set *schemas, veld_arena *arena, const veld_meeting **out, size_t *count,
    bool *cut, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
