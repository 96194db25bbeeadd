/* The order of protection: reading it from a schema, and holding values against it. Which value
 * protects more is said in the schema only, so that a domain expert can read and change it. */
#include <string.h>

#include "schema_inner.h"
#include "veldkit/assert.h"
#include "veldkit/time.h"

static veld_span literal(const char *text)
{
    return veld_span_text(text);
}

/* ---- reading ---- */

static void wrong(schema_reader *r, const char *text)
{
    checker_wrong_at(&r->check, literal("protective"), VELD_E_INVALID, text);
}

/* The choices of a field while they are ranked. */
typedef struct ranking {
    veld_schema_field *field;
    veld_choice *choices;
    bool ranked[VELD_SCHEMA_CHOICES_MAX];
    size_t count;
} ranking;

/* Rank one value; false when it is no value of the choice, or was ranked before. */
static bool rank_value(ranking *in, const veld_json_value *value, uint32_t rank)
{
    veld_span text;
    if (veld_json_is_null(value)) {
        bool first = !in->field->cleared_is_ranked;
        in->field->cleared_is_ranked = true;
        in->field->cleared_rank = rank;
        return first;
    }
    for (size_t i = 0; veld_json_text(value, &text) && i < in->field->choices_count; i++) {
        if (in->ranked[i] || !veld_span_equal(in->choices[i].value, text))
            continue;
        in->ranked[i] = true;
        in->choices[i].rank = rank;
        in->count++;
        return true;
    }
    return false;
}

/* A list of values, the most protective first; values that protect alike stand in a list. */
static bool rank_choices(const veld_json_value *list, ranking *in)
{
    bool right = veld_json_type_of(list) == VELD_JSON_TYPE_ARRAY;
    uint32_t rank = 0;
    for (const veld_json_value *v = veld_json_first(list); right && v != NULL;
         v = veld_json_next(v), rank++) {
        bool alike = veld_json_type_of(v) == VELD_JSON_TYPE_ARRAY;
        const veld_json_value *one = alike ? veld_json_first(v) : v;
        right = one != NULL;
        for (; right && one != NULL; one = alike ? veld_json_next(one) : NULL)
            right = rank_value(in, one, rank);
    }
    return right && in->count == in->field->choices_count;
}

static veld_protective order_of_word(veld_span word, veld_kind kind)
{
    bool time = kind == VELD_KIND_DATE || kind == VELD_KIND_INSTANT;
    if (time && veld_span_equal(word, literal("earlier")))
        return VELD_PROTECTIVE_EARLIER;
    if (time && veld_span_equal(word, literal("later")))
        return VELD_PROTECTIVE_LATER;
    if (kind == VELD_KIND_INTEGER && veld_span_equal(word, literal("higher")))
        return VELD_PROTECTIVE_HIGHER;
    if (kind == VELD_KIND_INTEGER && veld_span_equal(word, literal("lower")))
        return VELD_PROTECTIVE_LOWER;
    return VELD_PROTECTIVE_NONE;
}

static void read_order(
    schema_reader *r, const veld_json_value *order, veld_choice *choices, veld_schema_field *field)
{
    bool boolean;
    veld_span word;
    if (field->kind == VELD_KIND_CHOICE) {
        if (choices == NULL)
            return; /* told already */
        ranking in = {.field = field, .choices = choices};
        field->order = VELD_PROTECTIVE_LISTED;
        if (!rank_choices(order, &in))
            wrong(r, "a list of all values is needed, each once, the most protective first");
    } else if (field->kind == VELD_KIND_BOOLEAN && veld_json_boolean(order, &boolean)) {
        field->order = boolean ? VELD_PROTECTIVE_TRUE : VELD_PROTECTIVE_FALSE;
    } else if (veld_json_text(order, &word)) {
        field->order = order_of_word(word, field->kind);
    }
    if (field->order == VELD_PROTECTIVE_NONE)
        wrong(r, "this kind has no such order");
}

void schema_read_order(
    schema_reader *r, const veld_json_value *object, veld_choice *choices, veld_schema_field *field)
{
    const veld_json_value *order = veld_json_get(object, "protective");
    bool needed = field->policy == VELD_POLICY_MOST_PROTECTIVE ||
                  field->policy == VELD_POLICY_MOST_RESTRICTIVE ||
                  field->policy == VELD_POLICY_TRANSITION_LOG;
    if (order == NULL) {
        if (needed)
            wrong(r, "this policy needs an order of protection");
    } else if (!needed && field->policy != VELD_POLICY_PERSON_DECIDES) {
        wrong(r, "this policy has no order of protection");
    } else {
        read_order(r, order, choices, field);
    }
}

/* ---- values ---- */

enum { LEAST = 0, NOT_IN_THE_ORDER, IN_THE_ORDER };

/* The keys of values in an order lie far from those of others: |of| is below 2^54. */
static int64_t key(int kind, int64_t of)
{
    static const int64_t far = INT64_C(1) << 56;
    return kind == LEAST ? -far - 1 : kind == NOT_IN_THE_ORDER ? -far : of;
}

static bool read_integer(veld_span text, int64_t *out)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    int64_t value = 0;
    if (text.len == (size_t)negative || text.len > 17)
        return false;
    for (size_t i = negative; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (text.data[i] - '0');
    }
    *out = negative ? -value : value;
    return true;
}

/* Such a text is all that an order asks for. */
veld_span schema_unquoted(veld_span value)
{
    if (value.len < 2 || value.data[0] != '"')
        return (veld_span){0};
    return veld_span_part(value, 1, value.len - 2);
}

static bool read_time(veld_kind kind, veld_span value, int64_t *out)
{
    veld_date date;
    veld_instant instant;
    if (kind == VELD_KIND_DATE && veld_date_parse(schema_unquoted(value), &date) == VELD_OK)
        *out = veld_date_to_days(date);
    else if (kind == VELD_KIND_INSTANT &&
             veld_instant_parse(schema_unquoted(value), &instant) == VELD_OK)
        *out = instant.utc_ms;
    else
        return false;
    return true;
}

static bool read_rank(const veld_schema_field *field, veld_span value, int64_t *out)
{
    size_t choice = veld_schema_choice(field, value);
    if (choice == field->choices_count)
        return false;
    *out = -(int64_t)field->choices[choice].rank;
    return true;
}

int64_t veld_schema_protection(const veld_schema_field *field, veld_span value)
{
    int64_t of = 0;
    bool in_order = false;
    bool yes = veld_span_equal(value, literal("true"));
    if (field->order != VELD_PROTECTIVE_NONE && veld_span_equal(value, literal("null")))
        return field->cleared_is_ranked ? -(int64_t)field->cleared_rank : key(LEAST, 0);
    switch (field->order) {
    case VELD_PROTECTIVE_NONE:
        return 0;
    case VELD_PROTECTIVE_LISTED:
        in_order = read_rank(field, value, &of);
        break;
    case VELD_PROTECTIVE_TRUE:
    case VELD_PROTECTIVE_FALSE:
        in_order = yes || veld_span_equal(value, literal("false"));
        of = yes == (field->order == VELD_PROTECTIVE_TRUE);
        break;
    case VELD_PROTECTIVE_EARLIER:
    case VELD_PROTECTIVE_LATER:
        in_order = read_time(field->kind, value, &of);
        of = field->order == VELD_PROTECTIVE_EARLIER ? -of : of;
        break;
    case VELD_PROTECTIVE_HIGHER:
    case VELD_PROTECTIVE_LOWER:
        in_order = read_integer(value, &of);
        of = field->order == VELD_PROTECTIVE_LOWER ? -of : of;
        break;
    }
    return key(in_order ? IN_THE_ORDER : NOT_IN_THE_ORDER, of);
}
