/* device recovery: the code with which a worker who forgot her PIN gets in again. It opens nothing
 * but that vault, on that tablet, once; giving it out is written to the access log. */
#include "../srv.h"
#include "veldkit/renew.h"
#include "veldkit/time.h"

static veld_status say(
    veld_cli_call *call, const char *code, const char *device, const veld_recovery *recovery)
{
    char kept[VELD_INSTANT_TEXT_SIZE], used[VELD_INSTANT_TEXT_SIZE];
    veld_json_writer writer;
    veld_cli_time(call, recovery->kept_utc_ms, kept);
    veld_cli_time(call, recovery->recovered_utc_ms, used);
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call,
            "%s\n\nDeze code werkt één keer, op die ene tablet: veldkit unlock --recovery CODE\n"
            "Controleer eerst wie ernaar vraagt. Van %s%s%s.\n",
            code, kept, used[0] != '\0' ? "; eerder gebruikt op " : "", used);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "code", veld_span_text(code));
    veld_cli_json_text(&writer, "device", veld_span_text(device));
    veld_cli_json_text(&writer, "kept", veld_span_text(kept));
    veld_cli_json_text(&writer, "used", veld_span_text(used));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status srv_verb_device_recovery(veld_cli_call *call)
{
    srv_session *session = call->session;
    char code[VELD_RECOVERY_CODE_SIZE] = "", device[VELD_ID_TEXT_SIZE];
    veld_directory_entry entry;
    veld_recovery recovery = {0};
    veld_status status;
    VELD_TRY(srv_device_find(session, call->arguments[0], &entry, &call->err));
    VELD_TRY(veld_recovery_get(&session->desk, &entry.device, &recovery, &call->err));
    veld_recovery_code_format(recovery.code, code);
    veld_id_format(&entry.device, device);
    VELD_TRY(veld_access_add(session->access, VELD_ACCESS_ASSIGN, NULL, &entry.device, &call->err));
    status = say(call, code, device, &recovery);

done:
    veld_wipe(code, sizeof code);
    veld_wipe(&recovery, sizeof recovery);
    return status;
}
