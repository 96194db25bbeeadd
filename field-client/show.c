/* Pieces of answers that more than one verb gives: a record for people, and who wrote something and
 * when, for people and for programs. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/sync.h"
#include "veldkit/time.h"

static veld_status say_label(veld_cli_call *call, const veld_schema *schema, veld_span name)
{
    const veld_schema_field *field = veld_schema_field_get(schema, name);
    if (veld_span_equal(name, veld_span_text(VELD_FIELD_REMOVED)))
        return veld_cli_say(call, "weggehaald of niet");
    return veld_cli_say_text(call, field != NULL ? field->label : name);
}

/* A choice by its label; all else, and what this program does not know, as it is. */
static veld_status say_one(
    veld_cli_call *call, const veld_schema_field *field, const veld_json_value *value)
{
    veld_span text = {0};
    if (field == NULL || !veld_json_text(value, &text))
        return veld_cli_say_value(call, value);
    for (size_t i = 0; i < field->choices_count; i++)
        if (veld_span_equal(field->choices[i].value, text))
            return veld_cli_say_text(call, field->choices[i].label);
    return veld_cli_say_text(call, text);
}

static veld_status say_field(
    veld_cli_call *call, const veld_schema_field *field, const veld_json_value *value)
{
    veld_status status = VELD_OK;
    if (veld_json_type_of(value) != VELD_JSON_TYPE_ARRAY)
        return say_one(call, field, value);
    const veld_json_value *element = veld_json_first(value);
    for (; element != NULL && status == VELD_OK; element = veld_json_next(element)) {
        status = say_one(call, field, element);
        if (status == VELD_OK && veld_json_next(element) != NULL)
            status = veld_cli_say(call, ", ");
    }
    return status;
}

veld_status fc_say_record(veld_cli_call *call, const veld_json_value *record)
{
    veld_span type = {0}, id = {0}, name = {0};
    bool removed = false;
    veld_status status;
    bool whole = veld_json_text(veld_json_get(record, "type"), &type) &&
                 veld_json_text(veld_json_get(record, "record"), &id);
    VELD_ASSERT(whole);
    (void)veld_json_boolean(veld_json_get(record, "removed"), &removed);
    const veld_schema *schema = veld_schema_get(call->session->schemas, type);
    VELD_TRY(veld_cli_say_text(call, schema != NULL ? schema->title : type));
    VELD_TRY(veld_cli_say(
        call, "  %.*s%s\n", (int)id.len, (const char *)id.data, removed ? "  (weggehaald)" : ""));
    const veld_json_value *field = veld_json_first(veld_json_get(record, "fields"));
    for (; field != NULL; field = veld_json_next(field)) {
        VELD_TRY(veld_cli_say(call, "  "));
        VELD_TRY(say_label(call, schema, veld_json_name(field)));
        VELD_TRY(veld_cli_say(call, ": "));
        VELD_TRY(say_field(call, veld_schema_field_get(schema, veld_json_name(field)), field));
        VELD_TRY(veld_cli_say(call, "\n"));
    }
    const veld_json_value *conflict = veld_json_first(veld_json_get(record, "conflicts"));
    for (; conflict != NULL; conflict = veld_json_next(conflict)) {
        if (!veld_json_text(conflict, &name))
            continue;
        VELD_TRY(veld_cli_say(call, "  Hier moet iemand kiezen: "));
        VELD_TRY(say_label(call, schema, name));
        VELD_TRY(veld_cli_say(call, "\n"));
    }

done:
    return status;
}

veld_origin fc_origin(const veld_change *change)
{
    veld_origin origin = {
        .change = change->id,
        .core = change->core,
        .device = change->device,
        .number = change->number,
        .time = change->time,
        .arrived_utc_ms = change->arrived_utc_ms,
    };
    memcpy(origin.incarnation, change->incarnation, sizeof origin.incarnation);
    return origin;
}

int64_t fc_received(void *context, const veld_origin *origin)
{
    fc_session *session = context;
    veld_handover handover;
    if (!veld_id_equal(&origin->device, veld_store_device(session->store)))
        return origin->arrived_utc_ms;
    veld_status status = veld_handover_get(session->store, &origin->change, &handover, NULL);
    return status == VELD_OK ? handover.received_utc_ms : 0;
}

void fc_json_origin(veld_cli_call *call, veld_json_writer *writer, const veld_origin *origin)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    const veld_change_time *time = &origin->time;
    veld_view_names names = fc_view_names(call->session);
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, text);
    veld_cli_json_text(writer, "clock", veld_span_text(veld_view_clock(time->quality)));
    veld_cli_json_id(writer, "device", &origin->device);
    veld_cli_json_count(writer, "number", origin->number);
    veld_view_evidence(time, veld_view_received(&names, origin), writer);
    veld_cli_json_text(writer, "time", veld_span_text(text));
    veld_cli_json_text(writer, "worker", names.worker(names.context, &origin->device));
}

veld_status fc_say_origin(veld_cli_call *call, const veld_origin *origin)
{
    char when[VELD_INSTANT_TEXT_SIZE], id[VELD_ID_TEXT_SIZE];
    const veld_change_time *time = &origin->time;
    veld_view_names names = fc_view_names(call->session);
    veld_span worker = names.worker(names.context, &origin->device);
    int64_t received = veld_view_received(&names, origin);
    veld_status status;
    veld_id_format(&origin->device, id);
    veld_instant_format(
        (veld_instant){.utc_ms = time->wall_utc_ms, .offset_min = time->offset_min}, when);
    VELD_TRY(veld_cli_say(call, "%s, ", when));
    VELD_TRY(
        worker.len > 0 ? veld_cli_say_text(call, worker) : veld_cli_say(call, "apparaat %s", id));
    if (veld_anchor_is_skewed(time, received))
        VELD_TRY(veld_cli_say(call, " (klok wijkt meer dan 5 minuten af)"));

done:
    return status;
}
