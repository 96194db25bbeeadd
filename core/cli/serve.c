/* Running verbs for others, one at a time, with the client's own streams and folder. The verb
 * cannot tell; between two clients the process has no streams and no folder of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"

static bool take_streams(const veld_cli_request *request)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(request->fds[fd], fd) != fd)
            return false;
    return fchdir(request->fds[3]) == 0;
}

void veld_cli_drop_streams(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    VELD_ASSERT(nothing >= 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        VELD_ASSERT(dup2(nothing, fd) == fd);
    close(nothing);
    VELD_ASSERT(chdir("/") == 0);
}

static veld_status run_request(const veld_cli_program *program, veld_cli_session *session,
    const char *folder, int peer, int listener, const veld_cli_request *request, int *exit_code)
{
    veld_cli_call call;
    veld_cli_init(&call, program);
    call.peer = peer;
    for (size_t i = 0; i < VELD_CLI_SECRETS_MAX; i++)
        call.secrets[i] = request->fds[4 + i];
    call.listener = listener;
    veld_status status = veld_cli_parse(&call, request->count, request->words);
    if (status == VELD_OK && (call.verb == NULL || call.verb->place == VELD_CLI_PLACE_ALONE))
        status = veld_fail(&call.err, VELD_E_INVALID, "hier is al een kluis, en die is open");
    if (status == VELD_OK) {
        (void)snprintf(call.folder, sizeof call.folder, "%s", folder);
        call.session = session;
        status = veld_cli_run_verb(&call);
    }
    *exit_code = veld_cli_finish(&call, status);
    veld_cli_release(&call);
    return status;
}

int veld_cli_serve_one(const veld_cli_program *program, veld_cli_session *session,
    const char *folder, int listener, veld_status *status, int *exit_code)
{
    veld_cli_request request;
    *status = VELD_OK;
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return -1;
    if (veld_cli_channel_receive(peer, &request, NULL) != VELD_OK || !take_streams(&request)) {
        close(peer);
        peer = -1;
    } else {
        *status = run_request(program, session, folder, peer, listener, &request, exit_code);
    }
    veld_cli_request_release(&request);
    veld_cli_drop_streams();
    return peer;
}

void veld_cli_answer(int peer, int exit_code)
{
    if (peer == -1)
        return;
    (void)!veld_cli_channel_answer(peer, exit_code, NULL); /* a client that left needs no answer */
    close(peer);
}
