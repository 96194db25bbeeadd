/* One call from parsed words to exit code. A verb that needs the vault runs in the process that
 * holds it open when there is one, and otherwise opens the vault for itself; the verb cannot tell.
 */
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

int fc_finish(fc_call *call, veld_status status)
{
    if (status == VELD_OK && call->out.len > 0)
        status = fc_write_all(STDOUT_FILENO, call->peer, veld_buf_span(&call->out), &call->err);
    if (status == VELD_OK)
        return call->exit_code;
    int code = call->exit_code != 0 ? call->exit_code : fc_exit_code(status);
    fc_report(call, status);
    return code;
}

/* `*done` when there is an owner and it ran the verb. */
static veld_status run_in_owner(
    fc_call *call, int count, char *const *words, bool *done, int *exit_code)
{
    int fd = -1;
    veld_status status;
    *done = false;
    VELD_TRY(fc_channel_connect(call->home, &fd, &call->err));
    if (fd == -1)
        goto done;
    VELD_TRY(fc_channel_send(fd, count, words, &call->err));
    VELD_TRY(fc_channel_wait(fd, exit_code, &call->err));
    *done = true;

done:
    if (fd != -1)
        close(fd);
    return status;
}

static veld_status run_here(fc_call *call)
{
    fc_pin pin = {0};
    fc_session session = {0};
    veld_status status;
    if (call->verb->place == FC_PLACE_BARE)
        return call->verb->run(call);

    VELD_TRY(fc_pin_get(call, false, &pin));
    status = fc_session_open(call, fc_pin_span(&pin), &session);
    fc_pin_release(&pin);
    if (status != VELD_OK)
        goto done;
    call->session = &session;
    status = call->verb->run(call);

done:
    call->session = NULL;
    fc_pin_release(&pin);
    fc_session_close(&session);
    return status;
}

int fc_run(fc_call *call, int count, char *const *words)
{
    VELD_ASSERT(call->session == NULL);
    if (call->verb == NULL || fc_given(call, FC_OPTION_HELP) || fc_given(call, FC_OPTION_VERSION))
        return fc_finish(call, fc_help(call));

    bool done = false;
    int exit_code = 0;
    veld_status status = VELD_OK;
    if (call->verb->run != fc_verb_init)
        status = run_in_owner(call, count, words, &done, &exit_code);
    if (done)
        return exit_code;
    if (status == VELD_OK)
        status = run_here(call);
    return fc_finish(call, status);
}
