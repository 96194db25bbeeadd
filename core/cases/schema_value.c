/* One value against the kind and the bounds of its field. Pure; knows neither state nor policy. */
#include "schema_inner.h"
#include "veldkit/assert.h"
#include "veldkit/id.h"
#include "veldkit/time.h"

size_t schema_code_points(veld_span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.data[i] & 0xC0) != 0x80;
    return count;
}

bool schema_is_name(veld_span text, bool type, size_t max)
{
    if (text.len == 0 || text.len > max || text.data[0] < 'a' || text.data[0] > 'z')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool upper = c >= 'A' && c <= 'Z';
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (type ? c == '-' : upper)))
            return false;
    }
    return true;
}

/* Control characters (C0, DEL and C1) but the ones that a long text may hold. */
static bool has_control(veld_span text, bool long_text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        bool layout = long_text && (c == '\n' || c == '\t');
        bool c1 = c == 0xC2 && i + 1 < text.len && text.data[i + 1] < 0xA0;
        if ((c < 0x20 && !layout) || c == 0x7F || c1)
            return true;
    }
    return false;
}

static bool is_blank(veld_span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != ' ' && text.data[i] != '\n' && text.data[i] != '\t')
            return false;
    }
    return true;
}

static veld_status check_text(const veld_schema_field *field, veld_span text, veld_error *reason)
{
    size_t points = schema_code_points(text);
    if (points < (uint64_t)field->min || points > (uint64_t)field->max)
        return veld_fail(reason, VELD_E_INVALID, "text of %lld to %lld characters expected",
            (long long)field->min, (long long)field->max);
    if (is_blank(text))
        return veld_fail(reason, VELD_E_INVALID, "text is blank");
    if (has_control(text, field->kind == VELD_KIND_LONG_TEXT))
        return veld_fail(reason, VELD_E_INVALID,
            field->kind == VELD_KIND_LONG_TEXT
                ? "text holds a control character other than line feed and tab"
                : "text holds a control character; it is one line");
    return VELD_OK;
}

static veld_status check_choice(const veld_schema_field *field, veld_span text, veld_error *reason)
{
    for (size_t i = 0; i < field->choices_count; i++) {
        if (veld_span_equal(field->choices[i].value, text))
            return VELD_OK;
    }
    char near[VELD_SCHEMA_NEAR_BYTES_MAX];
    veld_schema_near found = veld_schema_near_choices(field, text, near);
    if (found == VELD_SCHEMA_NEAR_ALL)
        return veld_fail(reason, VELD_E_INVALID, "one of these values expected: %s", near);
    if (found == VELD_SCHEMA_NEAR_SOME)
        return veld_fail(reason, VELD_E_INVALID,
            "one of the %zu values of the schema expected; it resembles: %s", field->choices_count,
            near);
    return veld_fail(reason, VELD_E_INVALID, "one of the %zu values of the schema expected",
        field->choices_count);
}

static veld_status check_texts(const veld_schema_field *field, veld_span text, veld_error *reason)
{
    veld_date date;
    veld_instant instant;
    veld_id id;
    switch (field->kind) {
    case VELD_KIND_TEXT:
    case VELD_KIND_LONG_TEXT:
        return check_text(field, text, reason);
    case VELD_KIND_CHOICE:
        return check_choice(field, text, reason);
    case VELD_KIND_DATE:
        if (veld_date_parse(text, &date) != VELD_OK)
            return veld_fail(reason, VELD_E_INVALID, "date expected: YYYY-MM-DD, an existing day");
        return VELD_OK;
    case VELD_KIND_INSTANT:
        if (veld_instant_parse(text, &instant) != VELD_OK)
            return veld_fail(reason, VELD_E_INVALID,
                "instant expected: YYYY-MM-DDThh:mm:ss with Z or offset, existing day and time");
        return VELD_OK;
    case VELD_KIND_REFERENCE:
        if (veld_id_parse(text, &id) != VELD_OK)
            return veld_fail(reason, VELD_E_INVALID, "id of a record expected");
        return VELD_OK;
    case VELD_KIND_INTEGER:
    case VELD_KIND_BOOLEAN:
        break;
    }
    return veld_fail(reason, VELD_E_INVALID, "%s expected", veld_kind_name(field->kind));
}

veld_status veld_schema_value_check(
    const veld_schema_field *field, const veld_json_value *value, veld_error *reason)
{
    VELD_ASSERT(field != NULL);
    int64_t integer;
    bool boolean;
    veld_span text;
    if (veld_json_text(value, &text))
        return check_texts(field, text, reason);
    if (field->kind == VELD_KIND_BOOLEAN && veld_json_boolean(value, &boolean))
        return VELD_OK;
    if (field->kind == VELD_KIND_INTEGER && veld_json_integer(value, &integer)) {
        if (integer >= field->min && integer <= field->max)
            return VELD_OK;
        return veld_fail(reason, VELD_E_INVALID, "integer from %lld to %lld expected",
            (long long)field->min, (long long)field->max);
    }
    return veld_fail(reason, VELD_E_INVALID, "%s expected, not %s", veld_kind_name(field->kind),
        veld_json_type_name(veld_json_type_of(value)));
}
