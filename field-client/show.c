/* Pieces of answers that more than one verb gives: who wrote something and when, for people and for
 * programs. */
#include <string.h>

#include "fc.h"
#include "veldkit/sync.h"
#include "veldkit/time.h"

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
    char when[VELD_MOMENT_TEXT_SIZE], id[VELD_ID_TEXT_SIZE];
    const veld_change_time *time = &origin->time;
    veld_view_names names = fc_view_names(call->session);
    veld_span worker = names.worker(names.context, &origin->device);
    int64_t received = veld_view_received(&names, origin);
    veld_status status;
    veld_id_format(&origin->device, id);
    veld_moment_format(time->wall_utc_ms, when);
    VELD_TRY(veld_cli_say(call, "%s, ", when));
    VELD_TRY(
        worker.len > 0 ? veld_cli_say_text(call, worker) : veld_cli_say(call, "apparaat %s", id));
    if (veld_anchor_is_skewed(time, received))
        VELD_TRY(veld_cli_say(call, " (klok wijkt meer dan 5 minuten af)"));

done:
    return status;
}
