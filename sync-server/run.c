/* One call from parsed words to exit code. Administration runs in the merger's process when a
 * server is running, and otherwise opens the merger's store for itself; the verb cannot tell. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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

/* A file that a verb writes is opened by who calls, with her rights, and is the verb's standard
 * output: the process that serves opens nothing outside its folder. */
static veld_status open_output(veld_cli_call *call)
{
    if (!veld_cli_given(call, SRV_OPTION_FILE))
        return VELD_OK;
    int fd = open(veld_cli_value(call, SRV_OPTION_FILE),
        O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return veld_fail_native(&call->err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "het bestand van --file kan niet gemaakt worden, of is er al");
    int put = dup2(fd, STDOUT_FILENO);
    close(fd);
    return put == STDOUT_FILENO ? VELD_OK
                                : veld_fail(&call->err, VELD_E_IO, "no output to the file");
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
    if (call->verb->place == VELD_CLI_PLACE_NOWHERE)
        return veld_cli_finish(call, call->verb->run(call));
    VELD_TRY(veld_cli_folder_whole(call));
    VELD_TRY(open_output(call));
    VELD_TRY(srv_path(call->folder, "merger", merger, &call->err));
    VELD_TRY(veld_cli_take_input(call));
    if (call->verb->place != VELD_CLI_PLACE_ALONE)
        VELD_TRY(veld_cli_run_there(call, merger, count, words, &done, &exit_code));
    if (!done)
        status = run_here(call);

done:
    return done ? exit_code : veld_cli_finish(call, status);
}
