/* export: a case as a plain git repository. It leaves the vault's protection, and says so. */
#include "fc.h"
#include "veldkit/assert.h"

veld_status fc_verb_export(veld_cli_call *call)
{
    veld_case *opened = NULL;
    veld_json_writer writer;
    const char *dir = call->arguments[1];
    veld_status status;
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    size_t left_out = 0;
    VELD_TRY(veld_case_export(opened, dir, &left_out, &call->err));
    size_t changes = veld_graph_count(veld_case_graph(opened)) - left_out;
    veld_cli_note(
        call, "Let op: deze map is niet versleuteld. Bewaar haar veilig en wis haar op tijd.\n");
    if (left_out > 0) {
        call->exit_code = VELD_CLI_EXIT_PARTLY;
        veld_cli_note(
            call, "%zu wijzigingen kunnen niet mee; `veldkit verify` zegt waarom.\n", left_out);
    }
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status =
            veld_cli_say(call, "%zu wijziging%s geschreven.\n", changes, changes == 1 ? "" : "en");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", veld_case_id(opened));
    veld_cli_json_count(&writer, "changes", changes);
    veld_cli_json_text(&writer, "dir", veld_span_text(dir));
    veld_cli_json_count(&writer, "leftOut", left_out);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_case_close(opened);
    return status;
}
