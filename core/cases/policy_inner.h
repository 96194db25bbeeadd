/* policy_inner.h: what reading a field and reading a removal share. */
#ifndef VELD_CASES_POLICY_INNER_H
#define VELD_CASES_POLICY_INNER_H

#include "veldkit/policy.h"

/* policy_visible: fill the sides of a reading with the visible writes, sorted by id. Expects:
 * VELD_E_MEMORY. */
veld_status policy_visible(
    const veld_state_field *field, veld_arena *arena, veld_reading *out) VELD_MUST_CHECK;
/* For qsort of veld_side. */
int policy_by_write_id(const void *a, const void *b);

#endif
