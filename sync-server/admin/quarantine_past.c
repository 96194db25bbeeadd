/* A decision on a change cannot be taken back, so who takes it is told before and after what the
 * change builds on and is not there. */
#include "quarantine.h"

static veld_status count_parent(
    veld_store *store, const veld_hash *parent, srv_quarantine_past *out, veld_error *err)
{
    veld_buf body;
    veld_quarantined one = {0};
    veld_status status = veld_quarantine_get(store, parent, &body, &one, err);
    out->missing += status == VELD_E_NOT_FOUND;
    out->refused += status == VELD_OK && one.verdict == VELD_QUARANTINE_REFUSED;
    out->waiting += status == VELD_OK && one.verdict == VELD_QUARANTINE_WAITING;
    veld_buf_wipe(&body);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status srv_quarantine_past_get(srv_session *session, const veld_quarantined *one,
    const veld_change *change, srv_quarantine_past *out, veld_error *err)
{
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    veld_case *opened = NULL;
    *out = (srv_quarantine_past){0};
    if (change == NULL || one->reason != VELD_QUARANTINE_REVOKED)
        return VELD_OK;
    veld_status status = veld_case_open(&quiet, &one->case_id, &opened, err);
    for (size_t i = 0; status == VELD_OK && i < change->parents_count; i++) {
        const veld_hash *parent = &change->parents[i].id;
        const veld_node *node = veld_graph_get(veld_case_graph(opened), parent);
        if (node == NULL || !node->here)
            status = count_parent(session->store, parent, out, err);
    }
    veld_case_close(opened);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status srv_quarantine_past_say(veld_cli_call *call, const srv_quarantine_past *past)
{
    veld_status status = VELD_OK;
    if (past->refused + past->waiting + past->missing == 0)
        return VELD_OK;
    VELD_TRY(
        veld_cli_say(call, "Let op: deze wijziging bouwt voort op wat niet in de zaak staat:"));
    if (past->refused > 0)
        VELD_TRY(veld_cli_say(call, " %zu geweigerd", past->refused));
    if (past->waiting > 0)
        VELD_TRY(veld_cli_say(
            call, "%s %zu wacht nog op een oordeel", past->refused > 0 ? "," : "", past->waiting));
    if (past->missing > 0)
        VELD_TRY(veld_cli_say(call, "%s %zu nooit ontvangen",
            past->refused + past->waiting > 0 ? "," : "", past->missing));
    status = veld_cli_say(
        call, ".\nWat daarin staat komt er niet bij, en een export houdt deze wijziging apart.\n");

done:
    return status;
}

void srv_quarantine_past_json(veld_json_writer *writer, const srv_quarantine_past *past)
{
    veld_json_writer_name(writer, "buildsOn");
    veld_json_writer_object_begin(writer);
    veld_cli_json_count(writer, "missing", past->missing);
    veld_cli_json_count(writer, "refused", past->refused);
    veld_cli_json_count(writer, "waiting", past->waiting);
    veld_json_writer_object_end(writer);
}
