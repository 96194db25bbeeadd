/* compartment.h: the compartments of a dossier, and where a case stands in it.
 *
 * A case is the unit of key, history and sync. A dossier is one main case and any number of cases
 * for its other compartments ("parts"), each with a random id and a key of its own. They know of
 * each other by sealed records only: the main case has a record `compartment` for each part, and
 * the first change of a part has a record `dossier`. Two tablets that work offline may both found
 * a part for one compartment: the records of both are read together.
 *
 * Thread: any. Source: design, versions ("compartment"). */
#ifndef VELDKIT_COMPARTMENT_H
#define VELDKIT_COMPARTMENT_H

#include <stdbool.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_compartment {
    VELD_COMPARTMENT_MAIN = 0,
    VELD_COMPARTMENT_ADDRESS,    /* addresses and whereabouts; goes with main unless secret */
    VELD_COMPARTMENT_REPORTER,   /* who reported: never readable on a tablet */
    VELD_COMPARTMENT_CHILD_TALK, /* what a child said in confidence */
    VELD_COMPARTMENT_LEGAL,      /* for and from lawyers and courts */
    VELD_COMPARTMENT_ANY         /* only of a schema: records about the case that they are in */
} veld_compartment;

/* Where a case stands. */
typedef struct veld_place {
    veld_id case_id;
    veld_id dossier; /* the id of its main case: of a main case its own */
    veld_compartment compartment;
} veld_place;

/* veld_compartment_name: as it is typed and stored: "main", "address", ... "any". Static storage.
 */
const char *veld_compartment_name(veld_compartment compartment);
/* veld_compartment_find: false when no compartment has this name; "any" is none. */
bool veld_compartment_find(veld_span name, veld_compartment *out);

/* The two types of record by which the cases of a dossier know of each other. No person writes
 * them. */
#define VELD_TYPE_COMPARTMENT "compartment" /* in main: fields `name`, `case` */
#define VELD_TYPE_DOSSIER     "dossier"     /* in a part: fields `name`, `dossier`, `seal` */
bool veld_compartment_is_link(veld_span type);
/* veld_type_is_programs: these two and what else the program writes by itself: that somebody opened
 * the case in an emergency. */
#define VELD_TYPE_EMERGENCY "emergency-access" /* in main: `reason`, `until`, `worker` */
bool veld_type_is_programs(veld_span type);

#ifdef __cplusplus
}
#endif
#endif
