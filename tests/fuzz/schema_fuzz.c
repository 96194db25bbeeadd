/* Whatever a schema file says: it is refused with errors that have places, or it becomes a schema
 * whose every field can be asked about any value. */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const veld_schema_field *field)
{
    static const char *const values[] = {
        "null", "true", "false", "0", "-9007199254740991", "\"\"", "\"2026-02-28\"", "[1]", "\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        veld_span value = veld_span_text(values[i]);
        int64_t protection = veld_schema_protection(field, value);
        VELD_ASSERT(field->order != VELD_PROTECTIVE_NONE || protection == 0);
        VELD_ASSERT(field->danger != VELD_DANGER_NONE || !veld_schema_is_danger(field, value));
        VELD_ASSERT(veld_schema_choice(field, value) <= field->choices_count);
    }
    VELD_ASSERT(!field->held_by_danger || field->order != VELD_PROTECTIVE_NONE);
    VELD_ASSERT(field->policy == VELD_POLICY_TRANSITION_LOG || !veld_schema_has_guards(field));
    (void)veld_risk_name(veld_schema_risk(field));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_schema_source source = {"x", veld_span_of(data, size)};
    veld_schema_set *set = NULL;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_status status = veld_schema_set_read(&source, 1, &set, &errors, NULL);
    VELD_ASSERT((status == VELD_OK) == (errors.count == 0));
    VELD_ASSERT((status == VELD_OK) == (set != NULL));
    if (set != NULL) {
        size_t count;
        const veld_schema *schema = veld_schema_list(set, &count);
        VELD_ASSERT(count == 1);
        for (size_t i = 0; i < schema->fields_count; i++)
            ask(&schema->fields[i]);
    }
    veld_schema_set_free(set);
    veld_json_errors_release(&errors);
    return 0;
}
