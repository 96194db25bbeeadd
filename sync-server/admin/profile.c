/* profile: what holds for all tablets of the agency. */
#include <string.h>

#include "../srv.h"

static veld_status read_pack(veld_cli_call *call, srv_pack *out)
{
    const char *word = veld_cli_value(call, SRV_OPTION_PACK);
    for (srv_pack p = SRV_PACK_ASSIGNED; p <= SRV_PACK_TODAY; p++) {
        if (strcmp(word, srv_pack_name(p)) == 0) {
            *out = p;
            return VELD_OK;
        }
    }
    return veld_fail(&call->err, VELD_E_INVALID, "--pack is assigned of today");
}

veld_status srv_verb_profile(veld_cli_call *call)
{
    srv_session *session = call->session;
    veld_json_writer writer;
    srv_pack pack;
    veld_status status;
    if (veld_cli_given(call, SRV_OPTION_PACK)) {
        VELD_TRY(read_pack(call, &pack));
        VELD_TRY(srv_pack_put(session, pack, &call->err));
        session->to_hand_in = true;
    }
    VELD_TRY(srv_pack_get(session, &pack, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = veld_cli_say(call, "Op de tablets zijn te lezen: %s.\n",
            pack == SRV_PACK_TODAY ? "zaken met een afspraak vandaag (today)"
                                   : "alle toegewezen zaken (assigned)");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "pack", veld_span_text(srv_pack_name(pack)));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}
