/* Breaking the glass; closing what is over is glass_close.c. The act is committed before the first
 * key is unwrapped: whoever stops the program in between has left her name and opened nothing. */
#include "veldkit/break_glass.h"

#include <string.h>

#include "glass_inner.h"
#include "veldkit/assert.h"
#include "veldkit/blind.h"
#include "veldkit/compartment.h"
#include "veldkit/emergency.h"
#include "veldkit/json.h"
#include "veldkit/lease.h"
#include "veldkit/summary.h"
#include "veldkit/time.h"

enum { EDITS = 3, JSON_BYTES_MAX = 4096 };

/* ---- the act ---- */

static veld_status add_text(veld_buf *json, veld_edit *edit, const char *field, veld_span text,
    const veld_edit *like, veld_error *err)
{
    veld_json_writer writer;
    size_t start = json->len;
    veld_json_writer_init(&writer, json);
    veld_json_writer_text_span(&writer, text);
    veld_status status = veld_json_writer_finish(&writer, err);
    *edit = *like;
    edit->field = veld_span_text(field);
    if (status == VELD_OK)
        edit->value = veld_span_of(json->data + start, json->len - start);
    return status;
}

/* The record that tells who has the case, and the office. */
static veld_status save_record(const veld_glass *glass, const veld_emergency *act, veld_error *err)
{
    veld_status status;
    veld_hash change;
    veld_buf json;
    veld_edit edits[EDITS];
    veld_edit like = {.kind = VELD_EDIT_SET, .type = veld_span_text(VELD_TYPE_EMERGENCY)};
    char until[VELD_INSTANT_TEXT_SIZE];
    veld_buf_init(&json, JSON_BYTES_MAX);
    veld_instant_format((veld_instant){.utc_ms = act->until_utc_ms}, until);
    const veld_desk quiet = veld_desk_quiet(glass->desk); /* the act has a line of its own */
    VELD_TRY(veld_id_new(glass->desk->env, &like.record, err));
    VELD_TRY(veld_buf_reserve(&json, JSON_BYTES_MAX)); /* edits point into it */
    VELD_TRY(add_text(&json, &edits[0], "reason", veld_span_text(act->reason), &like, err));
    VELD_TRY(add_text(&json, &edits[1], "until", veld_span_text(until), &like, err));
    VELD_TRY(add_text(&json, &edits[2], "worker", veld_span_text(glass->worker), &like, err));
    status = veld_case_save_blind(&quiet, &act->case_id, edits, EDITS, &change, err);
done:
    veld_buf_wipe(&json);
    return status;
}

/* One transaction. An address that is opened with its case has no record of its own. */
static veld_status act(
    const veld_glass *glass, const veld_emergency *row, bool with_record, veld_error *err)
{
    veld_status status;
    veld_store *store = glass->desk->store;
    VELD_TRY(veld_access_add(glass->log, VELD_ACCESS_EMERGENCY, &row->case_id, NULL, err));
    VELD_TRY(veld_store_begin(store, err));
    status = veld_emergency_put(store, row, err);
    if (status == VELD_OK && with_record)
        status = save_record(glass, row, err);
    if (status == VELD_OK)
        status = veld_access_flush(glass->log, err);
    status = veld_store_end(store, status, err);
    if (status == VELD_OK)
        status = veld_access_flush(glass->log, err);
done:
    return status;
}

/* ---- opening ---- */

typedef struct opening {
    const veld_desk *desk;
    veld_error why; /* the last part that was left out */
} opening;

static void leave_out(
    void *context, const intake_part *part, bool later, const char *what, const veld_error *why)
{
    opening *by = context;
    (void)part;
    (void)later;
    (void)what;
    by->why = *why;
}

static veld_status hold_back(void *context, veld_case *opened, veld_change *change, uint64_t place,
    bool *aside, veld_error *err)
{
    (void)place;
    const opening *by = context;
    return intake_hold_back(by->desk, opened, change, aside, err);
}

veld_status glass_take_held(
    const veld_desk *desk, const veld_agency *agency, const veld_id *case_id, veld_error *err)
{
    veld_status status;
    glass_parts parts;
    bool is_open;
    size_t joined;
    const veld_desk quiet = veld_desk_quiet(desk);
    opening by = {.desk = &quiet};
    intake into = {.desk = &quiet,
        .agency = agency,
        .is_glass_broken = true,
        .context = &by,
        .leave_out = leave_out,
        .set_aside = hold_back};
    VELD_TRY(glass_load(quiet.store, case_id, &parts, err));
    if (parts.count > 0)
        VELD_TRY(intake_case(&into, parts.items, parts.count, err));
    VELD_TRY(glass_is_open(quiet.store, case_id, &is_open, err));
    if (!is_open)
        status = veld_fail(err, VELD_E_FORGED, "what is held of the case does not open: %s",
            by.why.text[0] != '\0' ? by.why.text : "no grant");
    else
        status = intake_join_held(&quiet, case_id, &joined, err);
done:
    glass_release(&parts);
    return status;
}

/* ---- how it stands ---- */

veld_status glass_look(
    const veld_desk *desk, const veld_id *case_id, glass_standing *out, veld_error *err)
{
    veld_now now = veld_env_now(desk->env);
    veld_status status;
    VELD_TRY(veld_lease_time(desk->store, desk->anchor, &now, &out->utc_ms, &out->sure, err));
    VELD_TRY(veld_lease_get(desk->store, case_id, &out->lease, err));
    out->state = veld_lease_state_at(&out->lease, out->utc_ms, out->sure);
done:
    return status;
}

static int64_t until_of(const glass_standing *now)
{
    int64_t until = now->utc_ms + VELD_EMERGENCY_MS;
    int64_t end = now->lease.end_utc_ms;
    return end != 0 && end < until ? end : until;
}

/* Its keys come with the grant of main: so do the addresses that had one too. */
static veld_status break_address(
    const veld_glass *glass, const veld_id *address, const veld_emergency *main, veld_error *err)
{
    glass_standing now;
    veld_emergency row = *main;
    veld_status status;
    VELD_TRY(glass_look(glass->desk, address, &now, err));
    if (now.lease.purpose != VELD_GRANT_BREAK_GLASS ||
        (now.lease.end_utc_ms != 0 && now.utc_ms >= now.lease.end_utc_ms))
        goto done;
    row.case_id = *address;
    if (now.state != VELD_LEASE_VALID)
        VELD_TRY(act(glass, &row, false, err));
    status = glass_take_held(glass->desk, glass->agency, address, err);
done:
    return status;
}

static veld_status break_addresses(
    const veld_glass *glass, const veld_emergency *main, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_summary summary;
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    VELD_TRY(veld_store_get_summary(glass->desk->store, &main->case_id, &row, err));
    VELD_TRY(veld_summary_read(veld_buf_span(&row), &summary, err));
    for (size_t at = 0; at < summary.links.len; at += VELD_SUMMARY_LINK_BYTES) {
        veld_id part;
        if (summary.links.data[at] != VELD_COMPARTMENT_ADDRESS)
            continue;
        memcpy(part.bytes, summary.links.data + at + 1, sizeof part.bytes);
        VELD_TRY(break_address(glass, &part, main, err));
    }
done:
    veld_buf_wipe(&row);
    return status;
}

static veld_status check_reason(const char *reason, veld_error *err)
{
    size_t len = strlen(reason);
    if (len == 0 || len > VELD_ACCESS_REASON_BYTES_MAX)
        return veld_fail(err, VELD_E_INVALID, "a reason of 1 to %u bytes",
            (unsigned)VELD_ACCESS_REASON_BYTES_MAX);
    return VELD_OK;
}

veld_status veld_glass_break(
    const veld_glass *glass, const veld_id *case_id, int64_t *until_utc_ms, veld_error *err)
{
    glass_standing now;
    veld_emergency row;
    veld_status status;
    VELD_ASSERT(glass->desk->office != NULL);
    VELD_TRY(check_reason(glass->reason, err));
    VELD_TRY(glass_look(glass->desk, case_id, &now, err));
    if (now.lease.purpose != VELD_GRANT_BREAK_GLASS) {
        status = veld_fail(err, VELD_E_NOT_FOUND, "no emergency grant of this case is here");
        goto done;
    }
    if (!now.sure || (now.lease.end_utc_ms != 0 && now.utc_ms >= now.lease.end_utc_ms)) {
        status = veld_fail(err, VELD_E_LOCKED, "the emergency grant of this case is over");
        goto done;
    }
    VELD_TRY(veld_emergency_get(glass->desk->store, case_id, &row, err));
    if (now.state != VELD_LEASE_VALID) {
        row = (veld_emergency){.case_id = *case_id,
            .opened_utc_ms = now.utc_ms,
            .until_utc_ms = until_of(&now),
            .monotonic_ms = veld_env_now(glass->desk->env).monotonic_ms};
        if (glass->desk->anchor != NULL)
            row.boot = glass->desk->anchor->boot_now;
        memcpy(row.reason, glass->reason, strlen(glass->reason));
        VELD_TRY(act(glass, &row, true, err));
    }
    /* Also of what is opened already: a crash may have come between act and keys. */
    VELD_TRY(glass_take_held(glass->desk, glass->agency, case_id, err));
    VELD_TRY(break_addresses(glass, &row, err));
    *until_utc_ms = row.until_utc_ms;
done:
    return status;
}
