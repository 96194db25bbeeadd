/* policy_facts.h: what an outlook found out about the whole case, each part when it was first
 * needed. Only policy_danger.c, policy_guard.c and policy_outlook.c look inside. */
#ifndef VELD_CASES_POLICY_FACTS_H
#define VELD_CASES_POLICY_FACTS_H

#include "policy_inner.h"

/* A write that a danger entry has in its basis. */
typedef struct known_by {
    const veld_write_id *id;
    size_t danger; /* place of the danger entry */
} known_by;

typedef struct decided {
    veld_hash core;
    veld_id record;
    veld_span field;
} decided;

typedef struct guard_state {
    const veld_guard *guard;
    bool forbids;
} guard_state;

struct policy_facts {
    bool dangers_found;
    const veld_entry **dangers; /* by write id */
    size_t dangers_count;
    const veld_entry **dangers_by_core;
    size_t *stamps; /* parallel to dangers: the question in which it was last known */
    size_t questions;
    const known_by *known; /* by id */
    size_t known_count;

    bool decisions_found;
    const decided *decisions; /* by core, record, field */
    size_t decisions_count;

    guard_state guards[VELD_SCHEMA_GUARDS_MAX * 4]; /* judged so far */
    size_t guards_count;
};

/* policy_facts_of: those of the outlook, made when they are not there. NULL without memory. */
struct policy_facts *policy_facts_of(veld_outlook *outlook);

#endif
