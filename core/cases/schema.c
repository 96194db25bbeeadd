/* The set of schemas: made once, only read afterwards. What may stand in a schema file is the
 * matter of schema_read.c. */
#include "veldkit/schema.h"

#include "schema_inner.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

static const char *const kind_names[] = {
    [VELD_KIND_TEXT] = "text",
    [VELD_KIND_LONG_TEXT] = "long-text",
    [VELD_KIND_INTEGER] = "integer",
    [VELD_KIND_BOOLEAN] = "boolean",
    [VELD_KIND_DATE] = "date",
    [VELD_KIND_INSTANT] = "instant",
    [VELD_KIND_CHOICE] = "choice",
    [VELD_KIND_REFERENCE] = "reference",
};

static const char *const policy_names[] = {
    [VELD_POLICY_WRITE_ONCE] = "write-once",
    [VELD_POLICY_GROW_ONLY] = "grow-only",
    [VELD_POLICY_OBSERVED_REMOVE] = "observed-remove",
    [VELD_POLICY_LAST_WRITER] = "last-writer",
    [VELD_POLICY_PERSON_DECIDES] = "person-decides",
    [VELD_POLICY_MOST_PROTECTIVE] = "most-protective",
    [VELD_POLICY_MOST_RESTRICTIVE] = "most-restrictive",
    [VELD_POLICY_TRANSITION_LOG] = "transition-log",
    [VELD_POLICY_MERGE_TEXT] = "merge-text",
};

static const char *const risk_names[] = {
    [VELD_RISK_AUTO] = "auto",
    [VELD_RISK_PERSON] = "person",
    [VELD_RISK_TWO] = "two",
};

const char *veld_kind_name(veld_kind kind)
{
    VELD_ASSERT((size_t)kind < sizeof kind_names / sizeof kind_names[0]);
    return kind_names[kind];
}

const char *veld_policy_name(veld_policy policy)
{
    VELD_ASSERT((size_t)policy < sizeof policy_names / sizeof policy_names[0]);
    return policy_names[policy];
}

const char *veld_risk_name(veld_risk risk)
{
    VELD_ASSERT((size_t)risk < sizeof risk_names / sizeof risk_names[0]);
    return risk_names[risk];
}

bool veld_policy_is_set(veld_policy policy)
{
    return policy == VELD_POLICY_GROW_ONLY || policy == VELD_POLICY_OBSERVED_REMOVE;
}

veld_status veld_schema_set_new(veld_schema_set **out, veld_error *err)
{
    size_t count;
    const veld_schema_source *files = veld_schema_embedded(&count);
    return veld_schema_set_read(files, count, out, NULL, err);
}

void veld_schema_set_free(veld_schema_set *set)
{
    if (set == NULL)
        return;
    veld_arena_release(&set->arena);
    veld_release(set);
}

const veld_schema *veld_schema_list(const veld_schema_set *set, size_t *count)
{
    *count = set->count;
    return set->schemas;
}

const veld_schema *veld_schema_get(const veld_schema_set *set, veld_span type)
{
    for (size_t i = 0; i < set->count; i++) {
        if (veld_span_equal(set->schemas[i].type, type))
            return &set->schemas[i];
    }
    return NULL;
}

const veld_schema_field *veld_schema_field_get(const veld_schema *schema, veld_span name)
{
    for (size_t i = 0; schema != NULL && i < schema->fields_count; i++) {
        if (veld_span_equal(schema->fields[i].name, name))
            return &schema->fields[i];
    }
    return NULL;
}

veld_risk veld_schema_risk(const veld_schema_field *field)
{
    if (field == NULL)
        return VELD_RISK_PERSON;
    if (field->critical)
        return VELD_RISK_TWO;
    bool joined = veld_policy_is_set(field->policy) || field->policy == VELD_POLICY_LAST_WRITER ||
                  field->policy == VELD_POLICY_MERGE_TEXT;
    return joined ? VELD_RISK_AUTO : VELD_RISK_PERSON;
}

veld_risk veld_schema_removal_risk(const veld_schema *schema)
{
    for (size_t i = 0; schema != NULL && i < schema->fields_count; i++) {
        if (schema->fields[i].critical)
            return VELD_RISK_TWO;
    }
    return VELD_RISK_PERSON;
}

bool veld_schema_is_urgent(const veld_schema_set *set, veld_span type, veld_span field)
{
    const veld_schema *schema = veld_schema_get(set, type);
    const veld_schema_field *found = veld_schema_field_get(schema, field);
    return schema != NULL && (schema->urgent || (found != NULL && found->urgent));
}
