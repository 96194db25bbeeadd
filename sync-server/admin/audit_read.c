/* audit could-read: which cases a device could open at a moment, by what the agency gave it and
 * took back: one line a case, however often its lease was renewed. A lease that was over, or an
 * order that the device confirmed before, ends it; an order that was not confirmed yet does not,
 * since nobody knows whether the device had heard it. */
#include <string.h>

#include "audit.h"
#include "veldkit/assignment.h"
#include "veldkit/order.h"
#include "veldkit/part.h"
#include "veldkit/time.h"

enum { HELD_BYTES_MAX = 16 << 20 };

/* A case that the device could open. */
typedef struct held {
    veld_id case_id;
    int64_t since_ms, lease_end_ms; /* 0 = until withdrawn */
    int64_t told_ms;                /* an order that was not confirmed by then; 0 = none */
    bool emergency;                 /* only by breaking the glass */
} held;

typedef struct reading {
    veld_cli_call *call;
    int64_t at_ms;
    veld_id device;
    veld_buf rows; /* held */
    /* of what was given, under examination */
    const veld_given *given;
    int64_t told_ms, ended_ms; /* the first order after it; when the device confirmed one of them */
} reading;

/* An order that came after what was given, and was signed before the moment. */
static veld_status look_at_order(void *context, const veld_order_state *state, veld_error *err)
{
    reading *r = context;
    const veld_order *order = &state->order;
    (void)err;
    if ((order->kind != VELD_ORDER_WIPE && !veld_id_equal(&order->case_id, &r->given->case_id)) ||
        order->utc_ms > r->at_ms || order->serial < r->given->serial)
        return VELD_OK;
    if (r->told_ms == 0 || order->utc_ms < r->told_ms)
        r->told_ms = order->utc_ms;
    if (state->confirmed_utc_ms != 0 && state->confirmed_utc_ms < r->ended_ms)
        r->ended_ms = state->confirmed_utc_ms;
    return VELD_OK;
}

static held *find_held(const reading *r, const veld_id *case_id)
{
    held *rows = (held *)(void *)r->rows.data;
    for (size_t i = 0; i < r->rows.len / sizeof *rows; i++)
        if (veld_id_equal(&rows[i].case_id, case_id))
            return &rows[i];
    return NULL;
}

/* The longest of several leases, and the least doubt. */
static void join(held *row, const held *other)
{
    if (other->since_ms < row->since_ms)
        row->since_ms = other->since_ms;
    if (other->lease_end_ms == 0 || row->lease_end_ms == 0)
        row->lease_end_ms = 0;
    else if (other->lease_end_ms > row->lease_end_ms)
        row->lease_end_ms = other->lease_end_ms;
    if (other->told_ms == 0 || row->told_ms == 0)
        row->told_ms = 0;
    row->emergency = row->emergency && other->emergency;
}

static veld_status look_at(void *context, const veld_given *given, veld_error *err)
{
    reading *r = context;
    veld_status status = VELD_OK;
    if (given->utc_ms > r->at_ms ||
        (given->lease_end_utc_ms != 0 && given->lease_end_utc_ms <= r->at_ms))
        return VELD_OK;
    r->given = given;
    r->told_ms = 0;
    r->ended_ms = INT64_MAX;
    VELD_TRY(veld_order_each(r->call->session->store, &r->device, r, look_at_order, err));
    const held one = {.case_id = given->case_id,
        .since_ms = given->utc_ms,
        .lease_end_ms = given->lease_end_utc_ms,
        .told_ms = r->told_ms,
        .emergency = given->purpose == VELD_GRANT_BREAK_GLASS};
    held *there = find_held(r, &given->case_id);
    if (r->ended_ms <= r->at_ms)
        goto done;
    if (there != NULL)
        join(there, &one);
    else
        status = veld_buf_append(&r->rows, &one, sizeof one);

done:
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for so many cases");
}

/* ---- telling ---- */
static void json_instant(veld_json_writer *writer, const char *name, int64_t utc_ms)
{
    char text[VELD_INSTANT_TEXT_SIZE] = "";
    if (utc_ms != 0)
        veld_instant_format((veld_instant){.utc_ms = utc_ms}, text);
    veld_cli_json_text(writer, name, veld_span_text(text));
}

/* Of a case that is erased since, the compartment is in its stub. */
static void json_row(veld_json_writer *writer, const veld_places *places, const held *row)
{
    const veld_place *place = veld_places_of(places, &row->case_id);
    const char *compartment = place != NULL ? veld_compartment_name(place->compartment) : "";
    veld_json_writer_object_begin(writer);
    veld_cli_json_id(writer, "case", &row->case_id);
    veld_cli_json_text(writer, "compartment", veld_span_text(compartment));
    veld_json_writer_name(writer, "emergency");
    veld_json_writer_boolean(writer, row->emergency);
    json_instant(writer, "leaseEnd", row->lease_end_ms);
    json_instant(writer, "ordered", row->told_ms);
    json_instant(writer, "since", row->since_ms);
    veld_json_writer_name(writer, "sure");
    veld_json_writer_boolean(writer, row->told_ms == 0);
    veld_json_writer_object_end(writer);
}

static veld_status say_row(veld_cli_call *call, const held *row)
{
    char id[VELD_ID_TEXT_SIZE], since[VELD_MOMENT_TEXT_SIZE];
    veld_id_format(&row->case_id, id);
    veld_moment_format(row->since_ms, since);
    return veld_cli_say(call, "%s  sinds %s%s%s\n", id, since,
        row->emergency ? "  (alleen in een crisis)" : "",
        row->told_ms == 0 ? "" : "  (teruggevraagd, nog niet bevestigd)");
}

static veld_status answer(veld_cli_call *call, const veld_buf *rows)
{
    const held *items = (const held *)(const void *)rows->data;
    size_t count = rows->len / sizeof *items;
    veld_places places = {0};
    veld_json_writer writer = {0};
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
        for (size_t i = 0; i < count; i++)
            json_row(&writer, &places, &items[i]);
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        VELD_TRY(say_row(call, &items[i]));
    if (count == 0)
        status = veld_cli_say(call, "Geen enkele zaak.\n");

done:
    veld_json_writer_release(&writer);
    veld_places_release(&places);
    return status;
}

veld_status srv_verb_audit_could_read(veld_cli_call *call)
{
    reading r = {.call = call};
    veld_directory_entry entry;
    veld_status status;
    veld_buf_init(&r.rows, HELD_BYTES_MAX);
    if (veld_moment_parse(veld_span_text(veld_cli_value(call, SRV_OPTION_AT)), &r.at_ms) != VELD_OK)
        return veld_fail(&call->err, VELD_E_INVALID,
            "--at is een tijd als 2026-11-22T14:00:00+01:00 of \"2026-11-22 14:00:00\"");
    VELD_TRY(srv_device_find(call->session, call->arguments[0], &entry, &call->err));
    r.device = entry.device;
    VELD_TRY(veld_given_each(call->session->store, &entry.device, &r, look_at, &call->err));
    status = answer(call, &r.rows);

done:
    veld_buf_release(&r.rows);
    return status;
}
