/* history_values.h: values for random histories by schemas. */
#ifndef TEST_HISTORY_VALUES_H
#define TEST_HISTORY_VALUES_H

#include "test_env.h"
#include "veldkit/arena.h"
#include "veldkit/schema.h"

/* history_value: canonical JSON for a field: one of few right values, so that authors often agree,
 * now and then `null` or one that is against the schema. `field` NULL: any small value. */
veld_span history_value(test_env *world, veld_arena *arena, const veld_schema_field *field);

#endif
