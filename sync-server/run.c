/* One call from parsed words to exit code. Administration runs in the merger's process when a
 * server is running, and otherwise opens the merger's store for itself; the verb cannot tell. */
#include <stdlib.h>

#include "srv.h"
#include "veldkit/assert.h"

static veld_status run_here(veld_cli_call *call)
{
    if (call->verb->place == VELD_CLI_PLACE_ALONE)
        return call->verb->run(call);
    srv_session *session = veld_allocate(sizeof *session);
    if (session == NULL)
        return VELD_E_MEMORY;
    veld_status status = srv_session_open(call->folder, NULL, session, &call->err);
    if (status == VELD_OK) {
        call->session = session;
        status = veld_cli_run_verb(call);
    }
    call->session = NULL;
    srv_session_close(session);
    veld_release(session);
    return status;
}

/* The process that serves works from other folders than this one. */
static void make_absolute(veld_cli_call *call)
{
    char *whole = realpath(call->folder, NULL);
    if (whole != NULL)
        (void)snprintf(call->folder, sizeof call->folder, "%s", whole);
    free(whole); /* what is missing is said by who opens it */
}

int srv_run(veld_cli_call *call, int count, char *const *words)
{
    char merger[SRV_PATH_BYTES_MAX];
    bool done = false;
    int exit_code = 0;
    veld_status status;
    VELD_ASSERT(call->session == NULL);
    if (veld_cli_asks_help(call))
        return veld_cli_finish(call, veld_cli_help(call));
    make_absolute(call);
    VELD_TRY(srv_path(call->folder, "merger", merger, &call->err));
    if (call->verb->place != VELD_CLI_PLACE_ALONE)
        VELD_TRY(veld_cli_run_there(call, merger, count, words, &done, &exit_code));
    if (!done)
        status = run_here(call);

done:
    return done ? exit_code : veld_cli_finish(call, status);
}
