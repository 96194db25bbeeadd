/* One call from parsed words to exit code. A verb that needs the vault runs in the process that
 * holds it open when there is one, and otherwise opens the vault for itself; the verb cannot tell.
 */
#include "fc.h"
#include "veldkit/assert.h"

veld_status fc_run_opened(veld_cli_call *call)
{
    veld_cli_pin pin = {0};
    fc_session session = {0};
    veld_status status;
    VELD_ASSERT(call->session == NULL);
    VELD_TRY(veld_cli_pin_get(call, false, &pin));
    status = fc_session_open(call, veld_cli_pin_span(&pin), &session);
    veld_cli_pin_release(&pin);
    if (status != VELD_OK)
        goto done;
    call->session = &session;
    status = veld_cli_run_verb(call);
    if (session.had_sender && !session.stop)
        fc_sender_start(&session, call->folder);
    else
        fc_unsent_note(&session, call->folder);

done:
    call->session = NULL;
    veld_cli_pin_release(&pin);
    fc_session_close(&session);
    return status;
}

static veld_status run_here(veld_cli_call *call)
{
    return call->verb->place == VELD_CLI_PLACE_VAULT ? fc_run_opened(call) : call->verb->run(call);
}

/* Where a vault was wiped one can ask how it stands, and make a new one. */
static bool is_refused_where_wiped(const veld_cli_call *call)
{
    return call->verb->run != fc_verb_status && call->verb->run != fc_verb_init &&
           call->verb->run != fc_verb_enrol && call->verb->run != fc_verb_worker_list;
}

int fc_run(veld_cli_call *call, int count, char *const *words)
{
    VELD_ASSERT(call->session == NULL);
    if (veld_cli_asks_help(call))
        return veld_cli_finish(call, veld_cli_help(call));
    if (call->verb->place == VELD_CLI_PLACE_NOWHERE)
        return veld_cli_finish(call, call->verb->run(call));

    bool done = false;
    int exit_code = 0;
    veld_status status = veld_cli_folder_whole(call);
    if (status == VELD_OK)
        status = fc_worker_folder(call);
    if (status != VELD_OK)
        return veld_cli_finish(call, status);
    if (is_refused_where_wiped(call))
        status = fc_wiped_refuse(call);
    if (status != VELD_OK)
        return veld_cli_finish(call, status);
    if (call->verb->run == fc_verb_lock)
        veld_cli_channel_interrupt(call->folder);
    status = veld_cli_take_input(call);
    if (status == VELD_OK && call->verb->place != VELD_CLI_PLACE_ALONE)
        status = veld_cli_run_there(call, call->folder, count, words, &done, &exit_code);
    if (done)
        return exit_code;
    if (status == VELD_OK)
        status = run_here(call);
    return veld_cli_finish(call, status);
}
