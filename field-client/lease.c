/* What a lease lets be read. The keys of a case whose lease is over are here and are used for
 * handing in only: whoever asks to see the case is told why not, and what she can do. */
#include "veldkit/lease.h"
#include "fc.h"

veld_status fc_lease_check(veld_cli_call *call, const veld_id *case_id)
{
    bool sure;
    int64_t utc_ms;
    veld_lease lease;
    fc_session *session = call->session;
    veld_now now = veld_env_now(&session->env);
    veld_status status;
    VELD_TRY(veld_lease_get(session->store, case_id, &lease, &call->err));
    if (lease.purpose == 0)
        goto done;
    VELD_TRY(veld_lease_time(session->store, &session->anchor, &now, &utc_ms, &sure, &call->err));
    switch (veld_lease_state_at(&lease, utc_ms, sure)) {
    case VELD_LEASE_OVER:
        status = veld_fail(&call->err, VELD_E_LOCKED,
            "deze zaak is hier even niet te lezen: er was te lang geen contact met kantoor; maak "
            "verbinding met sync --once. Wat je nog niet verzond is er nog.");
        break;
    case VELD_LEASE_UNSURE:
        status = veld_fail(&call->err, VELD_E_LOCKED,
            "deze zaak is hier even niet te lezen: de klok van dit apparaat loopt achter; zet haar "
            "goed of maak verbinding met sync --once");
        break;
    case VELD_LEASE_EMERGENCY:
        status = veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "deze zaak is er alleen voor nood en is niet aan jou toegewezen");
        break;
    case VELD_LEASE_NONE:
    case VELD_LEASE_VALID:
        break;
    }

done:
    return status;
}
