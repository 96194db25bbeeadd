/* schema.h: what the types of records are: their fields, bounds and merge policies.
 *
 * The schemas of proto/records are embedded in the library and read once into a set. They are used
 * strictly when a person saves (dossier.h) and for the policy of a field when reading (policy.h).
 * Types and fields that the set does not know come from a newer program: joined and shown like all
 * others, but not saved by this one.
 *
 * Thread: a set is read-only after it was made; any number of threads.
 * Source: proto/records/README.md; design, "a case is a set of signed changes". */
#ifndef VELDKIT_SCHEMA_H
#define VELDKIT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/compartment.h"
#include "veldkit/json.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_kind {
    VELD_KIND_TEXT = 0,  /* one line */
    VELD_KIND_LONG_TEXT, /* may hold line feeds and tabs */
    VELD_KIND_INTEGER,
    VELD_KIND_BOOLEAN,
    VELD_KIND_DATE,     /* text YYYY-MM-DD */
    VELD_KIND_INSTANT,  /* text as veld_instant_parse reads it */
    VELD_KIND_CHOICE,   /* text, one of the values */
    VELD_KIND_REFERENCE /* text, the id of a record of the same dossier */
} veld_kind;

/* How several writes on one field become what is shown. Grow-only and observed-remove fields hold
 * a set: each write is one element. */
typedef enum veld_policy {
    VELD_POLICY_WRITE_ONCE = 0,   /* one value for ever; several are an integrity conflict */
    VELD_POLICY_GROW_ONLY,        /* a set to which is only added */
    VELD_POLICY_OBSERVED_REMOVE,  /* a set; who removes removes what she saw */
    VELD_POLICY_LAST_WRITER,      /* the latest by hybrid clock is shown, the others are history */
    VELD_POLICY_PERSON_DECIDES,   /* several different values are a conflict */
    VELD_POLICY_MOST_PROTECTIVE,  /* the most protective value at once; the other is to be reviewed
                                   */
    VELD_POLICY_MOST_RESTRICTIVE, /* the same, and only a decision makes it less */
    VELD_POLICY_TRANSITION_LOG,   /* a state; each write is a step from the ones it replaces */
    VELD_POLICY_MERGE_TEXT        /* two texts are merged by sentence where that is safe */
} veld_policy;

/* Which of two values protects more. The schema says so and nothing else does. */
typedef enum veld_protective {
    VELD_PROTECTIVE_NONE = 0,
    VELD_PROTECTIVE_LISTED, /* by the rank of the choice */
    VELD_PROTECTIVE_TRUE,
    VELD_PROTECTIVE_FALSE,
    VELD_PROTECTIVE_EARLIER, /* of dates and instants */
    VELD_PROTECTIVE_LATER,
    VELD_PROTECTIVE_HIGHER, /* of integers */
    VELD_PROTECTIVE_LOWER
} veld_protective;

/* What it takes to settle different values. */
typedef enum veld_risk {
    VELD_RISK_AUTO = 0, /* joined by rule, nobody is asked */
    VELD_RISK_PERSON,   /* one person decides */
    VELD_RISK_TWO       /* critical: a second person confirms */
} veld_risk;

/* What raises danger. */
typedef enum veld_danger {
    VELD_DANGER_NONE = 0,
    VELD_DANGER_ANY,    /* every value */
    VELD_DANGER_LISTED, /* the choices that say so */
    VELD_DANGER_TRUE,
    VELD_DANGER_FALSE
} veld_danger;

/* What a field shows: one of these values; of a set, that it holds all of them. Without values:
 * that it is filled in. */
typedef struct veld_requirement {
    veld_span field;
    const veld_span *shows; /* canonical JSON */
    size_t shows_count;
} veld_requirement;

/* What must not be the case for a state to count. Of the records that it is about some meets
 * `wants`, or, with `needed`, none does; or, with `conflicts`, a critical conflict is open in the
 * case. */
typedef struct veld_guard {
    bool conflicts;
    bool needed;
    bool same; /* about the guarded record alone; else about those of `type` */
    veld_span type;
    veld_span by;     /* of these those whose field of this name refers to the guarded record */
    veld_span latest; /* of these those with the latest instant on this field */
    const veld_requirement *wants;
    size_t wants_count;
    veld_requirement only_if; /* on the guarded record; an empty field: always */
} veld_guard;

/* One value of a choice. */
typedef struct veld_choice {
    veld_span value;
    veld_span label; /* Dutch */
    uint32_t rank;   /* in the order of protection: 0 protects most, equal ones alike */
    bool danger;
    bool by_decision; /* of a transition log: counts by a decision only */
    uint64_t next;    /* of a transition log: bit i is set when choice i may follow */
    const veld_guard *guards;
    size_t guards_count;
} veld_choice;

/* All spans and pointers here live as long as the set. A zero byte lies behind each span. */
typedef struct veld_schema_field {
    veld_span name;
    veld_span label; /* Dutch */
    veld_span note;  /* Dutch, for the person who fills it in; empty when there is none */
    veld_kind kind;
    veld_policy policy;
    veld_protective order;  /* what protects more */
    bool cleared_is_ranked; /* the order has a place for `null`; else it is the least */
    uint32_t cleared_rank;
    veld_danger danger;
    bool held_by_danger; /* a write that lowers protection waits while there is unknown danger */
    uint64_t first;      /* of a transition log: the choices with which it may begin */
    veld_span merge_not; /* of merge-text: another field of the record; empty when there is none */
    const veld_span *merge_not_values; /* canonical JSON: not while it shows one of these */
    size_t merge_not_count;
    bool critical;    /* deciding takes two people */
    bool urgent;      /* a write goes before other work */
    bool required;    /* a new record has it, and it is never cleared */
    int64_t min, max; /* code points of a text; the value of an integer */
    const veld_choice *choices;
    size_t choices_count;
    veld_span to; /* record type that a reference names */
} veld_schema_field;

typedef struct veld_schema {
    veld_span type;
    veld_span title; /* Dutch */
    veld_span note;  /* Dutch; empty when there is none */
    int64_t version;
    veld_compartment compartment;    /* where records of the type live */
    bool urgent;                     /* all fields are */
    const veld_schema_field *fields; /* in the order of the schema file */
    size_t fields_count;
} veld_schema;

typedef struct veld_schema_set veld_schema_set;

/* The bytes of one schema file. */
typedef struct veld_schema_source {
    const char *name; /* file name without .schema.json: the type it must describe */
    veld_span bytes;
} veld_schema_source;

/* veld_schema_embedded: the files that this library was built with, sorted by name. Static storage.
 */
const veld_schema_source *veld_schema_embedded(size_t *count);

/* veld_schema_set_new: the set of the embedded schemas.
 * Owns:    the caller frees with veld_schema_set_free; NULL is fine there.
 * Expects: VELD_E_MEMORY. The embedded files pass veld_schema_set_read (a test holds that). */
veld_status veld_schema_set_new(veld_schema_set **out, veld_error *err) VELD_MUST_CHECK;
void veld_schema_set_free(veld_schema_set *set);

/* veld_schema_set_read: check and read schema files: the checker of the schemas themselves.
 * Owns:    as veld_schema_set_new; keeps nothing of `sources`. NULL on any error.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (not JSON as the gate wants it), VELD_E_INVALID (against the
 *          schema language), VELD_E_MEMORY. `errors` (may be NULL) gets all that is wrong with all
 *          files; each pointer begins with the name of the source. */
veld_status veld_schema_set_read(const veld_schema_source *sources, size_t count,
    veld_schema_set **out, veld_json_errors *errors, veld_error *err) VELD_MUST_CHECK;

/* veld_schema_list: all schemas, sorted by type. veld_schema_get / veld_schema_field_get: NULL when
 * there is none; the latter also when `schema` is NULL. */
const veld_schema *veld_schema_list(const veld_schema_set *set, size_t *count);
const veld_schema *veld_schema_get(const veld_schema_set *set, veld_span type);
const veld_schema_field *veld_schema_field_get(const veld_schema *schema, veld_span name);

/* veld_schema_near_types / _fields / _choices: which names may have been meant by one that is not
 * known, with commas between them: all when they fit in `out`, else those of which the name or the
 * label holds what was typed or is a slip away from it. No type that the program makes itself. */
typedef enum veld_schema_near {
    VELD_SCHEMA_NEAR_NONE, /* `out` is empty */
    VELD_SCHEMA_NEAR_SOME,
    VELD_SCHEMA_NEAR_ALL
} veld_schema_near;
enum { VELD_SCHEMA_NEAR_BYTES_MAX = 90 };
veld_schema_near veld_schema_near_types(
    const veld_schema_set *set, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX]);
veld_schema_near veld_schema_near_fields(
    const veld_schema *schema, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX]);
veld_schema_near veld_schema_near_choices(
    const veld_schema_field *field, veld_span typed, char out[VELD_SCHEMA_NEAR_BYTES_MAX]);

/* veld_policy_is_set: whether fields of this policy hold a set of values. */
bool veld_policy_is_set(veld_policy policy);
/* veld_kind_name / veld_policy_name: as in the schema files. veld_risk_name: "auto", "person" or
 * "two". Static storage. */
const char *veld_kind_name(veld_kind kind);
const char *veld_policy_name(veld_policy policy);
const char *veld_risk_name(veld_risk risk);

/* veld_schema_risk: what different values of a field take; NULL (not known here) needs a person.
 * veld_schema_removal_risk: the same of removing a record against working on with it: two people
 * when a field of the type is critical. */
veld_risk veld_schema_risk(const veld_schema_field *field);
veld_risk veld_schema_removal_risk(const veld_schema *schema);

/* veld_schema_is_urgent: whether a write on this field goes before other work. False for what the
 * set does not know. */
bool veld_schema_is_urgent(const veld_schema_set *set, veld_span type, veld_span field);

/* veld_schema_is_danger: whether this value (canonical JSON) on the field raises danger. */
bool veld_schema_is_danger(const veld_schema_field *field, veld_span value);

/* veld_schema_choice: the place of a value (canonical JSON) among the choices; choices_count when
 * it is none of them. */
size_t veld_schema_choice(const veld_schema_field *field, veld_span value);
/* veld_schema_has_guards: whether some value of the field has. */
bool veld_schema_has_guards(const veld_schema_field *field);

/* veld_schema_protection: how much a value (canonical JSON) protects by the order of its field:
 * more is more. Cleared is least unless the order has a place for it, then comes what is not in the
 * order. 0 for a field without order. */
int64_t veld_schema_protection(const veld_schema_field *field, veld_span value);

/* veld_schema_value_check: one value (of a set field: one element) against kind and bounds. Whether
 * a referenced record exists is not its matter.
 * Expects: VELD_E_INVALID; `reason` (may be NULL) then says what is wanted, without the value. */
veld_status veld_schema_value_check(const veld_schema_field *field, const veld_json_value *value,
    veld_error *reason) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
