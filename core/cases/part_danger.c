/* Danger that was recorded in one part of a dossier holds back what lowers protection in its main
 * case. Nobody reads two cases together for that: a notice in main says that there is danger, and
 * for which record, so it holds on tablets that may not read the part as well. */
#include "veldkit/part.h"

#include <stdio.h>
#include <string.h>

#include "case_inner.h"
#include "veldkit/policy.h"

static bool is_noted(const veld_state_record *const *records, size_t count, veld_span about)
{
    for (size_t i = 0; i < count; i++) {
        const veld_state_field *field =
            veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_DANGER_NOTICE))
                ? veld_state_field_get(records[i], veld_span_text("about"))
                : NULL;
        if (field != NULL && field->visible_count > 0 && !veld_policy_removed(records[i]) &&
            veld_span_equal(field->entries->value, about))
            return true;
    }
    return false;
}

veld_status veld_part_notice(veld_case *main, const veld_id *records, size_t count, bool unaware,
    veld_hash *change, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_arena arena;
    size_t made = 0, there = 0;
    const veld_state_record *const *known = veld_state_records(veld_case_state(main), &there);
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_edit *edits = veld_arena_get(&arena, count, sizeof *edits);
    *change = (veld_hash){0};
    if (known == NULL || edits == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a notice of danger");
        goto done;
    }
    for (size_t i = 0; i < count; i++) {
        char id[VELD_ID_TEXT_SIZE], quoted[VELD_ID_TEXT_SIZE + 2];
        veld_edit edit = {.kind = VELD_EDIT_SET,
            .type = veld_span_text(VELD_TYPE_DANGER_NOTICE),
            .field = veld_span_text("about"),
            .unaware = unaware};
        veld_id_format(&records[i], id);
        (void)snprintf(quoted, sizeof quoted, "\"%s\"", id);
        if (is_noted(known, there, veld_span_text(quoted)))
            continue;
        VELD_TRY(veld_arena_copy(&arena, veld_span_text(quoted), &edit.value));
        VELD_TRY(veld_id_new(main->desk.env, &edit.record, err));
        edits[made++] = edit;
    }
    if (made > 0)
        status = veld_case_save(main, edits, made, change, err);

done:
    veld_arena_release(&arena);
    return status;
}

veld_status veld_part_dangers(
    veld_case *part, veld_arena *arena, const veld_id **out, size_t *count, veld_error *err)
{
    size_t records_count, found = 0;
    const veld_state_record *const *records =
        veld_state_records(veld_case_state(part), &records_count);
    veld_id *ids = veld_arena_get(arena, records_count, sizeof *ids);
    *count = 0;
    if (records == NULL || ids == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the danger in a part");
    for (size_t i = 0; i < records_count; i++) {
        bool danger = false;
        const veld_schema *schema = veld_schema_get(part->desk.schemas, records[i]->type);
        for (const veld_state_field *f = records[i]->fields; schema != NULL && f != NULL;
             f = f->next) {
            const veld_schema_field *field = veld_schema_field_get(schema, f->name);
            for (const veld_entry *e = field == NULL ? NULL : f->entries; e != NULL && !e->replaced;
                 e = e->next)
                danger = danger || veld_schema_is_danger(field, e->value);
        }
        if (danger && !veld_policy_removed(records[i]))
            ids[found++] = records[i]->id;
    }
    *out = ids;
    *count = found;
    return VELD_OK;
}
