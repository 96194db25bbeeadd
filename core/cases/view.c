/* What a case looks like from outside, written member by member in canonical order. Member names
 * are promised to scripts: they are in the headers, and tests hold them. */
#include "view_inner.h"

#include "veldkit/anchor.h"
#include "veldkit/policy.h"
#include "veldkit/time.h"

const char *veld_view_clock(veld_clock_quality quality)
{
    switch (quality) {
    case VELD_CLOCK_ANCHORED:
        return "anchored";
    case VELD_CLOCK_STALE:
        return "stale";
    case VELD_CLOCK_UNANCHORED:
        return "unanchored";
    case VELD_CLOCK_SUSPECT:
        return "suspect";
    }
    return "unknown";
}

int64_t veld_view_received(const veld_view_names *names, const veld_origin *origin)
{
    if (names != NULL && names->received != NULL)
        return names->received(names->context, origin);
    return origin->arrived_utc_ms;
}

void veld_view_evidence(
    const veld_change_time *time, int64_t received_utc_ms, veld_json_writer *writer)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format((veld_instant){.utc_ms = received_utc_ms}, text);
    veld_json_writer_name(writer, "received");
    if (received_utc_ms == 0)
        veld_json_writer_null(writer);
    else
        veld_json_writer_text(writer, text);
    veld_json_writer_name(writer, "serverTime");
    veld_instant_format((veld_instant){.utc_ms = time->server_utc_ms}, text);
    if (time->server_utc_ms == 0)
        veld_json_writer_null(writer);
    else
        veld_json_writer_text(writer, text);
    veld_json_writer_name(writer, "skewed");
    veld_json_writer_boolean(writer, veld_anchor_is_skewed(time, received_utc_ms));
}

static void write_id(veld_json_writer *writer, const char *name, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

static bool is_removed_field(const veld_state_field *field)
{
    return veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED));
}

static veld_status no_memory(veld_error *err)
{
    return veld_fail(err, VELD_E_MEMORY, "no memory to show a case");
}

/* What cannot be shown is a null, so that the document around it can be finished. */
static veld_status give_up(veld_json_writer *writer, veld_error *err)
{
    veld_json_writer_null(writer);
    return no_memory(err);
}

/* ---- records ---- */

static veld_status read_field(
    veld_outlook *outlook, const veld_state_field *field, veld_reading *out)
{
    if (is_removed_field(field))
        return veld_policy_read_removed(field->record, outlook->arena, out);
    return veld_policy_read(outlook, field, out);
}

veld_status veld_view_record(veld_outlook *outlook, const veld_state_record *record,
    veld_json_writer *writer, veld_error *err)
{
    size_t count = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        count++;
    veld_reading *readings = veld_arena_get(outlook->arena, count, sizeof *readings);
    if (readings == NULL)
        return give_up(writer, err);
    size_t index = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (read_field(outlook, f, &readings[index++]) != VELD_OK)
            return give_up(writer, err);
    }

    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "conflicts");
    veld_json_writer_array_begin(writer);
    index = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next) {
        if (readings[index++].conflict)
            veld_json_writer_text_span(writer, f->name);
    }
    veld_json_writer_array_end(writer);
    veld_json_writer_name(writer, "fields");
    veld_json_writer_object_begin(writer);
    index = 0;
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next, index++) {
        if (is_removed_field(f) || f->visible_count == 0)
            continue;
        veld_json_writer_name_span(writer, f->name);
        veld_json_writer_canonical(writer, readings[index].effective);
    }
    veld_json_writer_object_end(writer);
    veld_status status = view_steps(outlook, record, writer);
    write_id(writer, "record", &record->id);
    if (veld_policy_removed(record)) {
        veld_json_writer_name(writer, "removed");
        veld_json_writer_boolean(writer, true);
    }
    veld_json_writer_name(writer, "type");
    veld_json_writer_text_span(writer, record->type);
    veld_json_writer_object_end(writer);
    return status == VELD_OK ? VELD_OK : no_memory(err);
}

static veld_status write_records(veld_state *state, const veld_schema_set *schemas,
    veld_arena *arena, veld_json_writer *writer, veld_error *err)
{
    size_t count;
    veld_status status = VELD_OK;
    veld_outlook outlook = veld_outlook_of(state, schemas, arena);
    const veld_state_record *const *records = veld_state_records(state, &count);
    if (records == NULL)
        return give_up(writer, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++) {
        if (!veld_policy_removed(records[i]))
            status = veld_view_record(&outlook, records[i], writer, err);
    }
    return status;
}

/* Of main it is said already: the dossier is the case. */
static void write_parts(
    const veld_place *place, const veld_view_part *parts, size_t count, veld_json_writer *writer)
{
    char id[VELD_ID_TEXT_SIZE];
    if (place->compartment == VELD_COMPARTMENT_MAIN)
        return;
    veld_json_writer_name(writer, "compartment");
    veld_json_writer_text(writer, veld_compartment_name(place->compartment));
    veld_json_writer_name(writer, "parts");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        veld_id_format(&parts[i].case_id, id);
        veld_json_writer_text(writer, id);
    }
    veld_json_writer_array_end(writer);
}

veld_status veld_view_case(const veld_place *place, const veld_view_part *parts, size_t count,
    veld_span state_id, const veld_schema_set *schemas, veld_arena *arena, veld_json_writer *writer,
    veld_error *err)
{
    veld_status status = VELD_OK;
    veld_json_writer_object_begin(writer);
    write_id(writer, "case", &place->dossier);
    write_parts(place, parts, count, writer);
    veld_json_writer_name(writer, "records");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status = write_records(parts[i].state, schemas, arena, writer, err);
    veld_json_writer_array_end(writer);
    veld_json_writer_name(writer, "stateId");
    veld_json_writer_text_span(writer, state_id);
    veld_json_writer_object_end(writer);
    return status;
}

veld_status veld_view_summarise(veld_state *state, const veld_schema_set *schemas,
    veld_arena *arena, veld_view_summary *out, veld_error *err)
{
    size_t count;
    bool titled = false;
    veld_outlook outlook = veld_outlook_of(state, schemas, arena);
    *out = (veld_view_summary){.title = veld_span_text("null")};
    const veld_state_record *const *records = veld_state_records(state, &count);
    if (records == NULL)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        if (veld_policy_removed(records[i]) || veld_compartment_is_link(records[i]->type))
            continue;
        out->records++;
        if (titled || !veld_span_equal(records[i]->type, veld_span_text("case")))
            continue;
        titled = true;
        const veld_state_field *title = veld_state_field_get(records[i], veld_span_text("title"));
        veld_reading reading;
        if (title == NULL)
            continue;
        if (read_field(&outlook, title, &reading) != VELD_OK)
            return no_memory(err);
        out->title = reading.effective;
    }
    return VELD_OK;
}
