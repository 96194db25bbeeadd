/* The tablet program's entry. It makes the process safe to hold secrets and hands the words on; all
 * that a verb does is elsewhere. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/host.h"

/* A program that is started with a standard stream closed would open its store in that place. */
static bool streams_ready(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

int main(int argc, char **argv)
{
    if (!streams_ready())
        return fc_exit_code(VELD_E_IO);
    signal(SIGPIPE, SIG_IGN); /* a reader that went away, and a file-size limit, are errors of */
    signal(SIGXFSZ, SIG_IGN); /* the write that met them, told like all others */

    fc_call call;
    fc_call_init(&call);
    int code;
    veld_status status = veld_host_harden(&call.err);
    if (status == VELD_OK)
        status = fc_parse(&call, argc - 1, argv + 1);
    if (status == VELD_OK)
        code = fc_run(&call, argc - 1, argv + 1);
    else
        code = fc_finish(&call, status);
    fc_call_release(&call);
    return code;
}
