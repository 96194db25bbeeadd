/* What a lease lets be read. The keys of a case whose lease is over are here and are used for
 * handing in only: whoever asks to see the case is told why not, and what she can do. Adding to it
 * blindly goes on. */
#include "fc.h"

veld_status fc_lease_state(veld_cli_call *call, const veld_id *case_id, veld_lease_state *out)
{
    bool sure;
    int64_t utc_ms;
    veld_lease lease;
    fc_session *session = call->session;
    veld_now now = veld_env_now(&session->env);
    veld_status status;
    *out = VELD_LEASE_NONE;
    VELD_TRY(veld_lease_time(session->store, &session->anchor, &now, &utc_ms, &sure, &call->err));
    VELD_TRY(veld_lease_get(session->store, case_id, &lease, &call->err));
    *out = veld_lease_state_at(&lease, utc_ms, sure);

done:
    return status;
}

bool fc_lease_reads(veld_lease_state state)
{
    return state == VELD_LEASE_NONE || state == VELD_LEASE_VALID;
}

veld_status fc_lease_check(veld_cli_call *call, const veld_id *case_id)
{
    veld_lease_state state;
    veld_status status = fc_lease_state(call, case_id, &state);
    if (status != VELD_OK)
        return status;
    switch (state) {
    case VELD_LEASE_OVER:
        return veld_fail(&call->err, VELD_E_LOCKED,
            "hier niet leesbaar: er was te lang geen contact met kantoor; maak verbinding met "
            "sync --once. Je eigen werk is er nog; toevoegen kan met record put");
    case VELD_LEASE_UNSURE:
        return veld_fail(&call->err, VELD_E_LOCKED,
            "hier niet leesbaar: de klok van dit apparaat loopt achter; zet haar goed of maak "
            "verbinding met sync --once; toevoegen kan met record put");
    case VELD_LEASE_EMERGENCY:
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "deze zaak is hier alleen voor nood: case open met --emergency en --reason opent haar, "
            "en dat wordt vastgelegd");
    case VELD_LEASE_EMERGENCY_OVER:
        return veld_fail(&call->err, VELD_E_LOCKED,
            "de tijd om deze zaak in nood te lezen is voorbij: case open opent haar opnieuw; "
            "toevoegen kan met record put");
    case VELD_LEASE_NONE:
    case VELD_LEASE_VALID:
        break;
    }
    return VELD_OK;
}
