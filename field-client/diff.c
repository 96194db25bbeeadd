/* diff: what fields showed before and after, as the authors of two changes had the case before
 * their eyes. Both states are sorted, so one walk through the two finds every difference. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/past.h"
#include "veldkit/policy.h"

typedef struct diff_walk {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    veld_arena arena;
    veld_outlook before, after;
    size_t found;
} diff_walk;

static veld_status read_field(veld_outlook *outlook, const veld_state_field *field, veld_span *out)
{
    veld_reading reading;
    veld_status status;
    *out = veld_span_text("null");
    if (field == NULL)
        return VELD_OK;
    if (veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)))
        status = veld_policy_read_removed(field->record, outlook->arena, &reading);
    else
        status = veld_policy_read(outlook, field, &reading);
    if (status == VELD_OK)
        *out = reading.effective;
    return status;
}

static veld_status show_difference(
    diff_walk *walk, const veld_state_field *field, veld_span before, veld_span after)
{
    veld_cli_call *call = walk->call;
    const veld_span type = field->record->type;
    const veld_schema_set *schemas = call->session->schemas;
    const veld_schema_field *known = veld_label_schema(schemas, type, field->name);
    veld_status status = VELD_OK;
    if (walk->writer != NULL) {
        veld_json_writer_object_begin(walk->writer);
        veld_json_writer_name(walk->writer, "after");
        veld_json_writer_canonical(walk->writer, after);
        veld_json_writer_name(walk->writer, "before");
        veld_json_writer_canonical(walk->writer, before);
        veld_cli_json_text(walk->writer, "field", field->name);
        veld_cli_json_id(walk->writer, "record", &field->record->id);
        veld_cli_json_text(walk->writer, "type", type);
        veld_json_writer_object_end(walk->writer);
        return status;
    }
    VELD_TRY(veld_label_say_place(call, schemas, type, &field->record->id, field->name));
    VELD_TRY(veld_cli_say(call, "\n  - "));
    VELD_TRY(veld_label_say_canonical(call, known, before));
    VELD_TRY(veld_cli_say(call, "\n  + "));
    VELD_TRY(veld_label_say_canonical(call, known, after));
    VELD_TRY(veld_cli_say(call, "\n"));

done:
    return status;
}

/* One of the two may be NULL: the field, or its record, is not on that side. */
static veld_status compare_field(
    diff_walk *walk, const veld_state_field *before, const veld_state_field *after)
{
    veld_span old_value, new_value;
    veld_status status;
    VELD_TRY(read_field(&walk->before, before, &old_value));
    VELD_TRY(read_field(&walk->after, after, &new_value));
    if (!veld_span_equal(old_value, new_value)) {
        walk->found++;
        VELD_TRY(show_difference(walk, after != NULL ? after : before, old_value, new_value));
    }

done:
    return status;
}

static veld_status compare_record(
    diff_walk *walk, const veld_state_record *before, const veld_state_record *after)
{
    const veld_state_field *left = before != NULL ? before->fields : NULL;
    const veld_state_field *right = after != NULL ? after->fields : NULL;
    veld_status status = VELD_OK;
    while (status == VELD_OK && (left != NULL || right != NULL)) {
        int order = left == NULL    ? 1
                    : right == NULL ? -1
                                    : veld_span_compare(left->name, right->name);
        status = compare_field(walk, order <= 0 ? left : NULL, order >= 0 ? right : NULL);
        if (order <= 0)
            left = left->next;
        if (order >= 0)
            right = right->next;
    }
    return status;
}

static int compare_places(const veld_state_record *a, const veld_state_record *b)
{
    int order = veld_span_compare(a->type, b->type);
    return order != 0 ? order : veld_id_compare(&a->id, &b->id);
}

static veld_status compare_states(diff_walk *walk, veld_state *before, veld_state *after)
{
    size_t left = 0, right = 0, left_count = 0, right_count = 0;
    const veld_state_record *const *lefts = veld_state_records(before, &left_count);
    const veld_state_record *const *rights = veld_state_records(after, &right_count);
    veld_status status = lefts != NULL && rights != NULL ? VELD_OK : VELD_E_MEMORY;
    while (status == VELD_OK && (left < left_count || right < right_count)) {
        int order = left == left_count     ? 1
                    : right == right_count ? -1
                                           : compare_places(lefts[left], rights[right]);
        status = compare_record(
            walk, order <= 0 ? lefts[left] : NULL, order >= 0 ? rights[right] : NULL);
        left += order <= 0 ? 1 : 0;
        right += order >= 0 ? 1 : 0;
    }
    return status;
}

static veld_status state_at(
    veld_cli_call *call, veld_case *opened, const char *prefix, veld_state **out)
{
    veld_hash change;
    veld_status status = veld_case_find_change(opened, veld_span_text(prefix), &change, &call->err);
    if (status == VELD_OK)
        status = veld_case_state_at(opened, &change, out, &call->err);
    if (status != VELD_E_STALE)
        return status;
    status = veld_past_want(&call->session->desk, veld_case_id(opened), &call->err);
    if (status != VELD_OK)
        return status;
    return veld_fail(&call->err, VELD_E_NOT_FOUND,
        "wat bij wijziging %.12s in de zaak stond ligt vóór het ijkpunt; het komt mee met de "
        "volgende synchronisatie",
        prefix);
}

veld_status fc_verb_diff(veld_cli_call *call)
{
    veld_case *opened = NULL;
    veld_state *before = NULL, *after = NULL;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    diff_walk walk = {.call = call, .writer = json ? &writer : NULL};
    veld_status status;
    veld_arena_init(&walk.arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    fc_note_before(call, opened);
    VELD_TRY(state_at(call, opened, call->arguments[1], &before));
    VELD_TRY(state_at(call, opened, call->arguments[2], &after));
    walk.before = veld_outlook_of(before, call->session->schemas, &walk.arena);
    walk.after = veld_outlook_of(after, call->session->schemas, &walk.arena);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(compare_states(&walk, before, after));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (walk.found == 0) {
        status = veld_cli_say(call, "Geen verschil.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_state_free(after);
    veld_state_free(before);
    veld_case_close(opened);
    veld_arena_release(&walk.arena);
    return status;
}
