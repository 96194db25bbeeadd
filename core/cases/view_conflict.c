/* A conflict as the work of a person: what differs, who wrote it where and when, who picks it up.
 */
#include "veldkit/policy.h"
#include "veldkit/time.h"
#include "veldkit/view.h"

static void write_id(veld_json_writer *writer, const char *name, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

/* The author's wall time in her offset. */
static void write_time(veld_json_writer *writer, const char *name, const veld_origin *origin)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format(
        (veld_instant){.utc_ms = origin->time.wall_utc_ms, .offset_min = origin->time.offset_min},
        text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

/* Numbered from 1, by which a person says which side she takes. */
static void write_side(const veld_conflict *conflict, size_t number, const veld_view_names *names,
    veld_json_writer *writer)
{
    const veld_side *side = &conflict->sides[number - 1];
    const veld_state_record *visit = conflict->visits != NULL ? conflict->visits[number - 1] : NULL;
    const veld_origin *origin = side->entry->origin;
    veld_span worker = {0};
    if (names != NULL && names->worker != NULL)
        worker = names->worker(names->context, &origin->device);
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "clock");
    veld_json_writer_text(writer, veld_view_clock(origin->time.quality));
    write_id(writer, "device", &origin->device);
    if (side->held != VELD_HELD_NOT) {
        veld_json_writer_name(writer, "held");
        veld_json_writer_text(writer, veld_held_name(side->held));
    }
    veld_view_evidence(&origin->time, veld_view_received(names, origin), writer);
    veld_json_writer_name(writer, "side");
    veld_json_writer_integer(writer, (int64_t)number);
    write_time(writer, "time", origin);
    veld_json_writer_name(writer, "value");
    veld_json_writer_canonical(writer, side->value);
    if (visit != NULL)
        write_id(writer, "visit", &visit->id);
    veld_json_writer_name(writer, "worker");
    if (worker.len > 0)
        veld_json_writer_text_span(writer, worker);
    else
        veld_json_writer_null(writer);
    veld_json_writer_object_end(writer);
}

/* Danger that a side held back did not know. */
static void write_danger(const veld_entry *danger, veld_json_writer *writer)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "field");
    veld_json_writer_text_span(writer, danger->field->name);
    write_id(writer, "record", &danger->field->record->id);
    veld_json_writer_name(writer, "type");
    veld_json_writer_text_span(writer, danger->field->record->type);
    veld_json_writer_object_end(writer);
}

void veld_view_conflict(const veld_conflict *conflict, const veld_place *place,
    const veld_view_names *names, veld_json_writer *writer)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "base");
    veld_json_writer_canonical(writer, conflict->base);
    write_id(writer, "case", &place->dossier);
    veld_json_writer_name(writer, "compartment");
    veld_json_writer_text(writer, veld_compartment_name(place->compartment));
    write_id(writer, "conflict", &conflict->id);
    if (conflict->dangers_count > 0) {
        veld_json_writer_name(writer, "dangers");
        veld_json_writer_array_begin(writer);
        for (size_t i = 0; i < conflict->dangers_count; i++)
            write_danger(conflict->dangers[i], writer);
        veld_json_writer_array_end(writer);
    }
    veld_json_writer_name(writer, "effective");
    veld_json_writer_canonical(writer, conflict->effective);
    veld_json_writer_name(writer, "field");
    veld_json_writer_text_span(writer, conflict->field);
    veld_json_writer_name(writer, "integrity");
    veld_json_writer_boolean(writer, conflict->integrity);
    if (conflict->notes.len > 0) {
        veld_json_writer_name(writer, "notes");
        veld_json_writer_canonical(writer, conflict->notes);
    }
    write_id(writer, "record", &conflict->record->id);
    veld_json_writer_name(writer, "risk");
    veld_json_writer_text(writer, veld_risk_name(conflict->risk));
    veld_json_writer_name(writer, "sides");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < conflict->sides_count; i++)
        write_side(conflict, i + 1, names, writer);
    veld_json_writer_array_end(writer);
    veld_json_writer_name(writer, "type");
    veld_json_writer_text_span(writer, conflict->record->type);
    if (names != NULL && names->more != NULL)
        names->more(names->more_context, conflict, writer);
    veld_json_writer_object_end(writer);
}
