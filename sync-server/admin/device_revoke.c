/* device revoke: a tablet is no longer the agency's; case unassign: it no longer has this case.
 * Either way it first hands in what it has. */
#include <string.h>

#include "../srv.h"
#include "veldkit/assignment.h"

/* ---- device revoke ---- */
/* Before it is done, so that nothing is taken back without a line that says so. */
static veld_status note_withdrawn(srv_session *session, const veld_id *device, veld_error *err)
{
    veld_assignment *rows = NULL;
    size_t count = 0;
    veld_status status = veld_assignments_of_device(session->store, device, &rows, &count, err);
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        status =
            veld_access_add(session->access, VELD_ACCESS_WITHDRAW, &rows[i].case_id, device, err);
    veld_release(rows);
    return status;
}

veld_status srv_verb_device_revoke(veld_cli_call *call)
{
    srv_session *session = call->session;
    bool wipe = veld_cli_given(call, SRV_OPTION_WIPE);
    veld_directory_entry entry;
    veld_json_writer writer;
    size_t cases = 0;
    veld_status status;
    VELD_TRY(srv_device_find(session, call->arguments[0], &entry, &call->err));
    if (entry.state == VELD_DEVICE_REVOKED && !wipe) {
        status = veld_fail(&call->err, VELD_E_STALE, "dit apparaat is al ingetrokken");
        goto done;
    }
    VELD_TRY(note_withdrawn(session, &entry.device, &call->err));
    VELD_TRY(veld_sync_revoke(session->sync, &entry, wipe, &cases, &call->err));
    session->to_hand_in = true;
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_cli_json_count(&writer, "cases", cases);
        veld_cli_json_id(&writer, "device", &entry.device);
        veld_json_writer_name(&writer, "wipe");
        veld_json_writer_boolean(&writer, wipe);
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
        goto done;
    }
    VELD_TRY(veld_cli_say(call, "Het apparaat van "));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(entry.worker)));
    status = veld_cli_say(call,
        " is ingetrokken; %zu %s een nieuwe sleutel.\nHet levert bij het eerste contact in wat nog "
        "niet verzonden was, en wist daarna %s. Wat het inlevert staat bij device quarantine.\n",
        cases, cases == 1 ? "zaak kreeg" : "zaken kregen", wipe ? "alles" : "zijn zaken");

done:
    return status;
}

/* ---- case unassign ---- */
veld_status srv_verb_case_unassign(veld_cli_call *call)
{
    srv_session *session = call->session;
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_directory_entry entry;
    veld_json_writer writer;
    veld_status status;
    VELD_TRY(veld_places_load(session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    VELD_TRY(srv_device_find(session, call->arguments[1], &entry, &call->err));
    VELD_TRY(srv_unassign(
        session, &places, &first->dossier, first->compartment, &entry.device, &call->err));
    session->to_hand_in = true;
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "De zaak gaat weg van het apparaat van "));
        VELD_TRY(veld_cli_say_text(call, veld_span_text(entry.worker)));
        status = veld_cli_say(call, ", zodra dat heeft ingeleverd wat het nog had.\n");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", &first->dossier);
    veld_cli_json_id(&writer, "device", &entry.device);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_places_release(&places);
    return status;
}
