/* audit could-read: which cases a device could open at a moment, by what the agency gave it and
 * took back. A lease that was over, or an order that the device confirmed before, ends it; an order
 * that was not confirmed yet does not, since nobody knows whether the device had heard it. */
#include <string.h>

#include "audit.h"
#include "veldkit/assignment.h"
#include "veldkit/order.h"
#include "veldkit/time.h"

typedef struct reading {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    int64_t at_ms;
    veld_id device;
    /* of the case under examination */
    veld_id case_id;
    int64_t told_ms, ended_ms; /* the newest order up to then; when the device confirmed it */
    size_t count;
} reading;

/* An order that came after what was given last, and was signed before the moment. */
static veld_status look_at_order(void *context, const veld_order_state *state, veld_error *err)
{
    reading *r = context;
    const veld_order *order = &state->order;
    (void)err;
    if ((order->kind != VELD_ORDER_WIPE && !veld_id_equal(&order->case_id, &r->case_id)) ||
        order->utc_ms > r->at_ms || order->utc_ms < r->told_ms)
        return VELD_OK;
    r->told_ms = order->utc_ms;
    r->ended_ms = state->confirmed_utc_ms != 0 ? state->confirmed_utc_ms : INT64_MAX;
    return VELD_OK;
}

static void json_instant(veld_json_writer *writer, const char *name, int64_t utc_ms)
{
    char text[VELD_INSTANT_TEXT_SIZE] = "";
    if (utc_ms != 0)
        veld_instant_format((veld_instant){.utc_ms = utc_ms}, text);
    veld_cli_json_text(writer, name, veld_span_text(text));
}

static veld_status tell(reading *r, const veld_given *given)
{
    char id[VELD_ID_TEXT_SIZE], since[VELD_INSTANT_TEXT_SIZE];
    bool is_sure = r->ended_ms == 0;
    r->count++;
    if (r->writer != NULL) {
        veld_json_writer_object_begin(r->writer);
        veld_cli_json_id(r->writer, "case", &given->case_id);
        json_instant(r->writer, "leaseEnd", given->lease_end_utc_ms);
        json_instant(r->writer, "ordered", is_sure ? 0 : r->told_ms);
        json_instant(r->writer, "since", given->utc_ms);
        veld_json_writer_name(r->writer, "sure");
        veld_json_writer_boolean(r->writer, is_sure);
        veld_json_writer_object_end(r->writer);
        return VELD_OK;
    }
    veld_id_format(&given->case_id, id);
    veld_instant_format((veld_instant){.utc_ms = given->utc_ms}, since);
    return veld_cli_say(r->call, "%s  sinds %s%s\n", id, since,
        is_sure ? "" : "  (teruggevraagd, nog niet bevestigd)");
}

static veld_status look_at(void *context, const veld_given *given, veld_error *err)
{
    reading *r = context;
    veld_status status;
    if (given->utc_ms > r->at_ms ||
        (given->lease_end_utc_ms != 0 && given->lease_end_utc_ms <= r->at_ms))
        return VELD_OK;
    r->case_id = given->case_id;
    r->told_ms = given->utc_ms;
    r->ended_ms = 0;
    VELD_TRY(veld_order_each(r->call->session->store, &r->device, r, look_at_order, err));
    if (r->ended_ms == 0 || r->ended_ms > r->at_ms)
        status = tell(r, given);

done:
    return status;
}

veld_status srv_verb_audit_could_read(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    reading r = {.call = call, .writer = json ? &writer : NULL};
    veld_directory_entry entry;
    veld_instant at;
    veld_status status;
    if (veld_instant_parse(veld_span_text(veld_cli_value(call, SRV_OPTION_AT)), &at) != VELD_OK)
        return veld_fail(
            &call->err, VELD_E_INVALID, "--at is een tijd als 2026-11-22T14:00:00+01:00");
    VELD_TRY(srv_device_find(call->session, call->arguments[0], &entry, &call->err));
    r.at_ms = at.utc_ms;
    r.device = entry.device;
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_given_each(call->session->store, &entry.device, &r, look_at, &call->err));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (r.count == 0) {
        status = veld_cli_say(call, "Geen enkele zaak.\n");
    }

done:
    veld_json_writer_release(&writer);
    return status;
}
