/* The ends of a call: a process that is fit to run one, the words handed to the process that serves
 * the folder when there is one, and the answer printed. What lies between is the program's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"
#include "veldkit/host.h"

/* A program that is started with a standard stream closed would open its store in that place. */
static bool streams_ready(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

veld_status veld_cli_process_ready(veld_error *err)
{
    if (!streams_ready())
        return veld_fail(err, VELD_E_IO, "the standard streams cannot be opened");
    signal(SIGPIPE, SIG_IGN); /* a reader that went away, and a file-size limit, are errors of */
    signal(SIGXFSZ, SIG_IGN); /* the write that met them, told like all others */
    return veld_host_harden(err);
}

int veld_cli_finish(veld_cli_call *call, veld_status status)
{
    if (status == VELD_OK && call->out.len > 0)
        status = veld_cli_print(call, veld_buf_span(&call->out));
    if (status == VELD_OK)
        return call->exit_code;
    int code = call->is_reader_gone ? VELD_CLI_EXIT_READER_GONE : veld_cli_exit_code(status);
    if (!call->is_reader_gone)
        veld_cli_report(call, status);
    return call->exit_code != 0 ? call->exit_code : code;
}

veld_status veld_cli_run_verb(veld_cli_call *call)
{
    const veld_cli_program *program = call->program;
    bool hooked = call->session != NULL;
    veld_status status = veld_cli_take_texts(call);
    if (status != VELD_OK)
        return status;
    if (hooked && program->before != NULL)
        status = program->before(call);
    if (status == VELD_OK && hooked && program->around != NULL)
        status = program->around(call);
    else if (status == VELD_OK)
        status = call->verb->run(call);
    if (hooked && program->after != NULL)
        program->after(call);
    return status;
}

/* The secret files that the words name, in the order of their options. What cannot be opened is
 * said by the verb, which alone knows whether it needs it. */
static size_t open_secrets(const veld_cli_call *call, int out[VELD_CLI_SECRETS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < VELD_CLI_SECRETS_MAX; i++)
        out[i] = -1;
    for (unsigned bit = 0; bit < VELD_CLI_OPTIONS_MAX && count < VELD_CLI_SECRETS_MAX; bit++) {
        uint64_t option = UINT64_C(1) << bit;
        if ((call->program->secret_files & option) == 0 || !veld_cli_given(call, option))
            continue;
        int fd = open(call->values[bit], O_RDONLY | O_CLOEXEC | O_NOCTTY);
        out[count++] = fd >= 0 ? fd : open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return count;
}

veld_status veld_cli_run_there(veld_cli_call *call, const char *folder, int count,
    char *const *words, bool *done, int *exit_code)
{
    int fd = -1, secrets[VELD_CLI_SECRETS_MAX];
    size_t secrets_count = 0;
    veld_status status;
    *done = false;
    VELD_TRY(veld_cli_channel_connect(folder, &fd, &call->err));
    if (fd == -1)
        goto done;
    secrets_count = open_secrets(call, secrets);
    VELD_TRY(veld_cli_channel_send(fd, secrets, count, words, &call->err));
    VELD_TRY(veld_cli_channel_wait(fd, &call->out, exit_code, &call->err));
    call->exit_code = *exit_code;
    VELD_TRY(veld_cli_print(call, veld_buf_span(&call->out)));
    *done = true;

done:
    for (size_t i = 0; i < secrets_count; i++)
        close(secrets[i]);
    if (fd != -1)
        close(fd);
    return status;
}
