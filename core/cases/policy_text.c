/* A text of which two people made two: which three texts are held against each other, and whether
 * their merge may be shown. The merging itself is in text_merge.c. */
#include "policy_inner.h"
#include "text_merge.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"

/* The values between which is merged; false when there are not just two different ones. */
static bool two_values(
    const veld_reading *reading, const veld_entry **left, const veld_entry **right)
{
    *left = *right = NULL;
    for (size_t i = 0; i < reading->sides_count; i++) {
        const veld_entry *entry = reading->sides[i].entry;
        const veld_entry **same =
            *left == NULL || veld_span_equal((*left)->value, entry->value)     ? left
            : *right == NULL || veld_span_equal((*right)->value, entry->value) ? right
                                                                               : NULL;
        if (same == NULL)
            return false;
        if (*same == NULL || veld_policy_order(entry, *same) < 0)
            *same = entry;
    }
    if (*right != NULL && veld_policy_order(*right, *left) < 0) {
        const veld_entry *earlier = *right;
        *right = *left;
        *left = earlier;
    }
    return *right != NULL;
}

/* Whether another field of the record says that nothing is merged. */
static bool is_forbidden(const veld_schema_field *schema, const veld_state_field *field)
{
    const veld_state_field *other =
        schema->merge_not.len == 0 ? NULL : veld_state_field_get(field->record, schema->merge_not);
    const veld_entry *e = other == NULL ? NULL : other->entries;
    for (; e != NULL && !e->replaced; e = e->next) {
        for (size_t i = 0; i < schema->merge_not_count; i++) {
            if (veld_span_equal(schema->merge_not_values[i], e->value))
                return true;
        }
    }
    return false;
}

/* The one text that all visible writes departed from; NULL when there is none. */
static veld_status find_base(veld_outlook *outlook, const veld_state_field *field,
    const veld_reading *reading, const veld_entry **out)
{
    past p;
    size_t count;
    bool sure;
    const veld_entry **common;
    const veld_entry *tips[PAST_TIPS_MAX];
    veld_status status = VELD_OK;
    *out = NULL;
    if (reading->sides_count > PAST_TIPS_MAX)
        return VELD_OK;
    for (size_t i = 0; i < reading->sides_count; i++)
        tips[i] = reading->sides[i].entry;
    VELD_TRY(past_of(outlook->state, field, outlook->arena, &p));
    VELD_TRY(past_common(&p, tips, reading->sides_count, outlook->arena, &common, &count, &sure));
    for (size_t i = 1; i < count; i++) {
        if (!veld_span_equal(common[0]->value, common[i]->value))
            goto done;
    }
    if (count > 0 && sure)
        *out = common[0];
done:
    return status;
}

/* ---- three texts ---- */

typedef struct texts {
    veld_json_doc *docs[3];
    veld_span spans[3];
} texts;

/* False when one is no text. */
static bool read_texts(const veld_entry *const entries[3], texts *out, veld_status *status)
{
    bool all = true;
    for (size_t i = 0; i < 3 && all; i++) {
        veld_status read =
            veld_json_parse(entries[i]->value, VELD_JSON_STRICT, &out->docs[i], NULL, NULL);
        if (read == VELD_E_MEMORY)
            *status = read;
        all = read == VELD_OK && veld_json_text(veld_json_root(out->docs[i]), &out->spans[i]);
    }
    return all;
}

static veld_status quote(veld_span text, veld_arena *arena, veld_span *out)
{
    veld_buf json;
    veld_json_writer writer;
    veld_buf_init(&json, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    veld_json_writer_text_span(&writer, text);
    veld_status status = veld_json_writer_finish(&writer, NULL);
    if (status == VELD_OK)
        status = veld_arena_copy(arena, veld_buf_span(&json), out);
    veld_buf_wipe(&json);
    return status;
}

static veld_status merge(veld_outlook *outlook, const veld_schema_field *schema,
    const veld_entry *const entries[3], veld_span *out, bool *merged)
{
    veld_status status = VELD_OK;
    texts three = {0};
    veld_buf text;
    bool joined = false;
    veld_buf_init(&text, VELD_CHANGE_VALUE_BYTES_MAX);
    if (read_texts(entries, &three, &status))
        status = text_merge(three.spans[0], three.spans[1], three.spans[2], &text, &joined);
    if (status == VELD_OK && joined)
        status = quote(veld_buf_span(&text), outlook->arena, out);
    if (status == VELD_OK && joined)
        status = policy_check_stored(schema, *out);
    *merged = status == VELD_OK && joined;
    /* What is too long, or against the schema, is for a person. */
    if (status == VELD_E_LIMIT || status == VELD_E_INVALID)
        status = VELD_OK;
    for (size_t i = 0; i < 3; i++)
        veld_json_doc_free(three.docs[i]);
    veld_buf_wipe(&text);
    return status;
}

veld_status policy_merge(veld_outlook *outlook, const veld_state_field *field,
    const veld_schema_field *schema, const veld_reading *reading, veld_span *out, bool *merged)
{
    const veld_entry *entries[3];
    *merged = false;
    if (!two_values(reading, &entries[1], &entries[2]) || is_forbidden(schema, field))
        return VELD_OK;
    for (size_t i = 1; i < 3; i++) {
        veld_status fits = policy_check_stored(schema, entries[i]->value);
        if (fits != VELD_OK)
            return fits == VELD_E_INVALID ? VELD_OK : fits;
    }
    veld_status status = find_base(outlook, field, reading, &entries[0]);
    if (status != VELD_OK || entries[0] == NULL)
        return status;
    return merge(outlook, schema, entries, out, merged);
}
