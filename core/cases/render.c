/* The file of a record. Field names are letters and digits and values are canonical JSON already,
 * so a line is put together without a JSON writer; the order of names and values is the order of
 * the lines' bytes, because `"` and `,` sort before everything that can follow in their place. */
#include "veldkit/state.h"

#include <stdlib.h>

#include "veldkit/env.h"

static int by_value_and_id(const void *a, const void *b)
{
    const veld_entry *left = *(const veld_entry *const *)a;
    const veld_entry *right = *(const veld_entry *const *)b;
    int order = veld_span_compare(left->value, right->value);
    return order != 0 ? order : veld_write_id_compare(&left->id, &right->id);
}

static veld_status render_line(const veld_entry *entry, veld_buf *out)
{
    veld_status status;
    char id[2 * sizeof entry->id.bytes + 1];
    veld_hex_encode(veld_span_of(entry->id.bytes, sizeof entry->id.bytes), id, sizeof id);
    VELD_TRY(veld_buf_append_text(out, "{\"field\":\""));
    VELD_TRY(veld_buf_append_span(out, entry->field->name));
    VELD_TRY(veld_buf_append_text(out, "\",\"value\":"));
    VELD_TRY(veld_buf_append_span(out, entry->value));
    VELD_TRY(veld_buf_append_text(out, ",\"write\":\""));
    VELD_TRY(veld_buf_append_text(out, id));
    VELD_TRY(veld_buf_append_text(out, "\"}\n"));
done:
    return status;
}

static veld_status render_field(const veld_state_field *field, veld_buf *out)
{
    veld_status status = VELD_OK;
    if (field->visible_count == 0)
        return VELD_OK;
    const veld_entry **sorted = veld_allocate(field->visible_count * sizeof *sorted);
    if (sorted == NULL)
        return VELD_E_MEMORY;
    size_t count = 0;
    for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next)
        sorted[count++] = e;
    qsort(sorted, count, sizeof *sorted, by_value_and_id);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = render_line(sorted[i], out);
    veld_release(sorted);
    return status;
}

veld_status veld_state_render(const veld_state_record *record, veld_buf *out)
{
    veld_status status = VELD_OK;
    size_t before = out->len;
    for (const veld_state_field *f = record->fields; status == VELD_OK && f != NULL; f = f->next)
        status = render_field(f, out);
    if (status != VELD_OK)
        out->len = before;
    return status;
}
