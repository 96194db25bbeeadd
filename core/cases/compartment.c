/* The names of compartments. */
#include "veldkit/compartment.h"

#include "veldkit/assert.h"

static const char *const names[] = {
    [VELD_COMPARTMENT_MAIN] = "main",
    [VELD_COMPARTMENT_ADDRESS] = "address",
    [VELD_COMPARTMENT_REPORTER] = "reporter",
    [VELD_COMPARTMENT_CHILD_TALK] = "child-talk",
    [VELD_COMPARTMENT_LEGAL] = "legal",
    [VELD_COMPARTMENT_ANY] = "any",
};

const char *veld_compartment_name(veld_compartment compartment)
{
    VELD_ASSERT((size_t)compartment < sizeof names / sizeof names[0]);
    return names[compartment];
}

bool veld_compartment_find(veld_span name, veld_compartment *out)
{
    for (int i = VELD_COMPARTMENT_MAIN; i < VELD_COMPARTMENT_ANY; i++) {
        if (veld_span_equal(name, veld_span_text(names[i]))) {
            *out = (veld_compartment)i;
            return true;
        }
    }
    return false;
}

bool veld_compartment_is_link(veld_span type)
{
    return veld_span_equal(type, veld_span_text(VELD_TYPE_COMPARTMENT)) ||
           veld_span_equal(type, veld_span_text(VELD_TYPE_DOSSIER));
}

bool veld_type_is_programs(veld_span type)
{
    return veld_compartment_is_link(type) ||
           veld_span_equal(type, veld_span_text(VELD_TYPE_EMERGENCY));
}
