/* The canonical form of a parsed document: RFC 8785 with integers only. Members that are in order
 * already, as in all we wrote ourselves, are written as they are met; others are sorted first. The
 * recursion is as deep as the gate let the document be. */
#include "json_internal.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

typedef struct named_value {
    veld_span name;
    const veld_json_value *value;
} named_value;

static veld_status append_value(
    const veld_json_value *value, unsigned depth, json_size *size, veld_buf *out);

static int compare_members(const void *a, const void *b, const void *context)
{
    (void)context;
    return veld_json_compare_names(((const named_value *)a)->name, ((const named_value *)b)->name);
}

static veld_status append_member(veld_span name, const veld_json_value *value, bool first,
    unsigned depth, json_size *size, veld_buf *out)
{
    veld_status status = VELD_OK;
    if (!first)
        VELD_TRY(veld_buf_append_byte(out, ','));
    VELD_TRY(json_text_append(out, name, true));
    VELD_TRY(veld_buf_append_byte(out, ':'));
    VELD_TRY(append_value(value, depth, size, out));
done:
    return status;
}

static veld_status append_sorted(
    const veld_json_value *object, size_t count, unsigned depth, json_size *size, veld_buf *out)
{
    VELD_ASSERT(count > 0);
    named_value *members = veld_allocate(count * sizeof *members);
    if (members == NULL)
        return VELD_E_MEMORY;
    veld_status status = VELD_OK;
    size_t at = 0;
    for (const veld_json_value *v = veld_json_first(object); v != NULL; v = veld_json_next(v))
        members[at++] = (named_value){.name = veld_json_name(v), .value = v};
    VELD_ASSERT(at == count);
    json_sort(members, count, sizeof *members, compare_members, NULL);
    for (size_t i = 0; i < count; i++)
        VELD_TRY(append_member(members[i].name, members[i].value, i == 0, depth, size, out));
done:
    veld_release(members);
    return status;
}

static bool is_sorted(const veld_json_value *object, size_t *count)
{
    bool sorted = true;
    veld_span before = {0};
    *count = 0;
    for (const veld_json_value *v = veld_json_first(object); v != NULL; v = veld_json_next(v)) {
        veld_span name = veld_json_name(v);
        if (*count > 0 && sorted)
            sorted = veld_json_compare_names(before, name) < 0;
        before = name;
        (*count)++;
    }
    return sorted;
}

static veld_status append_object(
    const veld_json_value *object, unsigned depth, json_size *size, veld_buf *out)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    VELD_TRY(veld_buf_append_byte(out, '{'));
    if (is_sorted(object, &count)) {
        const veld_json_value *first = veld_json_first(object);
        for (const veld_json_value *v = first; v != NULL; v = veld_json_next(v))
            VELD_TRY(append_member(veld_json_name(v), v, v == first, depth, size, out));
    } else {
        VELD_TRY(append_sorted(object, count, depth, size, out));
    }
    VELD_TRY(veld_buf_append_byte(out, '}'));
done:
    return status;
}

static veld_status append_array(
    const veld_json_value *array, unsigned depth, json_size *size, veld_buf *out)
{
    veld_status status = VELD_OK;
    VELD_TRY(veld_buf_append_byte(out, '['));
    const veld_json_value *first = veld_json_first(array);
    for (const veld_json_value *v = first; v != NULL; v = veld_json_next(v)) {
        if (v != first)
            VELD_TRY(veld_buf_append_byte(out, ','));
        VELD_TRY(append_value(v, depth, size, out));
    }
    VELD_TRY(veld_buf_append_byte(out, ']'));
done:
    return status;
}

static veld_status append_scalar(const veld_json_value *value, veld_buf *out)
{
    veld_span text = {0};
    int64_t integer = 0;
    bool boolean = false;
    if (veld_json_text(value, &text))
        return json_text_append(out, text, true);
    if (veld_json_integer(value, &integer))
        return json_integer_append(out, integer);
    if (veld_json_boolean(value, &boolean))
        return veld_buf_append_text(out, boolean ? "true" : "false");
    if (veld_json_is_null(value))
        return veld_buf_append_text(out, "null");
    return VELD_E_UNSUPPORTED;
}

static veld_status append_value(
    const veld_json_value *value, unsigned depth, json_size *size, veld_buf *out)
{
    if (size->values > VELD_JSON_MEMBERS_MAX)
        return VELD_E_LIMIT;
    size->values++;
    veld_json_type type = veld_json_type_of(value);
    if (type != VELD_JSON_TYPE_OBJECT && type != VELD_JSON_TYPE_ARRAY)
        return append_scalar(value, out);
    if (depth == VELD_JSON_DEPTH_MAX)
        return VELD_E_LIMIT;
    if (type == VELD_JSON_TYPE_OBJECT)
        return append_object(value, depth + 1, size, out);
    return append_array(value, depth + 1, size, out);
}

veld_status json_canonical_append(const veld_json_value *value, json_size *size, veld_buf *out)
{
    VELD_ASSERT(value != NULL && size->depth <= VELD_JSON_DEPTH_MAX);
    return append_value(value, size->depth, size, out);
}

veld_status veld_json_canonical(const veld_json_value *value, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(value != NULL && out != NULL);
    size_t before = out->len;
    json_size size = {0};
    veld_status status = json_canonical_append(value, &size, out);
    if (status == VELD_OK)
        return VELD_OK;
    json_buf_cut(out, before);
    return json_write_failed(status, err);
}
