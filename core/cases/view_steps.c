/* The steps of a transition log, as the record view lists them: also those that were replaced, for
 * only together they tell how the state came about. */
#include <stdlib.h>

#include "policy_inner.h"
#include "veldkit/time.h"
#include "view_inner.h"

/* A step, and how many steps lie before it at most: who follows stands behind whom she followed. */
typedef struct step {
    size_t at; /* its place in the past */
    size_t depth;
    const veld_entry *entry;
} step;

static int by_depth(const void *a, const void *b)
{
    const step *left = a, *right = b;
    if (left->depth != right->depth)
        return left->depth < right->depth ? -1 : 1;
    return veld_policy_order(left->entry, right->entry);
}

static step *sorted_steps(const past *p, veld_arena *arena)
{
    step *steps = veld_arena_get(arena, p->count, sizeof *steps);
    if (steps == NULL)
        return NULL;
    for (size_t i = 0; i < p->count; i++)
        steps[i] = (step){.at = i, .entry = p->entries[i]};
    for (size_t i = 0; i < p->ordered; i++) {
        size_t at = p->order[i];
        for (size_t k = p->first[at]; k < p->first[at + 1]; k++) {
            size_t before = steps[p->links[k]].depth + 1;
            steps[at].depth = steps[at].depth > before ? steps[at].depth : before;
        }
    }
    qsort(steps, p->count, sizeof *steps, by_depth);
    return steps;
}

static void write_step(
    const standing *stand, const size_t *number, const step *one, veld_json_writer *writer)
{
    char text[VELD_INSTANT_TEXT_SIZE], id[VELD_ID_TEXT_SIZE];
    const past *p = &stand->p;
    const veld_change_time *time = &one->entry->origin->time;
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, text);
    veld_id_format(&one->entry->origin->device, id);
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "device");
    veld_json_writer_text(writer, id);
    veld_json_writer_name(writer, "follows");
    veld_json_writer_array_begin(writer);
    for (size_t k = p->first[one->at]; k < p->first[one->at + 1]; k++)
        veld_json_writer_integer(writer, (int64_t)number[p->links[k]]);
    veld_json_writer_array_end(writer);
    if (stand->held[one->at] != VELD_HELD_NOT) {
        veld_json_writer_name(writer, "held");
        veld_json_writer_text(writer, veld_held_name(stand->held[one->at]));
    }
    veld_json_writer_name(writer, "step");
    veld_json_writer_integer(writer, (int64_t)number[one->at]);
    veld_json_writer_name(writer, "time");
    veld_json_writer_text(writer, text);
    veld_json_writer_name(writer, "value");
    veld_json_writer_canonical(writer, one->entry->value);
    veld_json_writer_object_end(writer);
}

static bool is_log(const veld_outlook *outlook, const veld_state_field *field)
{
    const veld_schema_field *schema = policy_schema_of(outlook, field);
    return schema != NULL && schema->policy == VELD_POLICY_TRANSITION_LOG;
}

static veld_status write_log(
    veld_outlook *outlook, const veld_state_field *field, veld_json_writer *writer)
{
    standing stand;
    veld_status status = policy_stand(outlook, field, policy_schema_of(outlook, field), &stand);
    if (status != VELD_OK)
        return status;
    const step *steps = sorted_steps(&stand.p, outlook->arena);
    size_t *number = veld_arena_get(outlook->arena, stand.p.count, sizeof *number);
    if (steps == NULL || number == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < stand.p.count; i++)
        number[steps[i].at] = i + 1;
    veld_json_writer_name_span(writer, field->name);
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < stand.p.count; i++)
        write_step(&stand, number, &steps[i], writer);
    veld_json_writer_array_end(writer);
    return VELD_OK;
}

veld_status view_steps(
    veld_outlook *outlook, const veld_state_record *record, veld_json_writer *writer)
{
    bool any = false;
    veld_status status = VELD_OK;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        any = any || is_log(outlook, f);
    if (!any)
        return VELD_OK;
    veld_json_writer_name(writer, "logs");
    veld_json_writer_object_begin(writer);
    for (const veld_state_field *f = record->fields; status == VELD_OK && f != NULL; f = f->next) {
        if (is_log(outlook, f))
            status = write_log(outlook, f, writer);
    }
    veld_json_writer_object_end(writer);
    return status;
}
