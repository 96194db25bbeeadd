/* The two roles that `serve` starts, in processes of their own: what they have in common before and
 * after their loops. Each is put in its sandbox by its own loop, as soon as it has opened what lies
 * outside. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "srv.h"

static const char *const role_names[SRV_ROLES] = {"relay", "merger"};

veld_status srv_tell_ready(const char *line, veld_error *err)
{
    veld_status status = veld_cli_write_all(SRV_READY_FD, -1, veld_span_text(line), err);
    close(SRV_READY_FD);
    return status;
}

int srv_role_main(int argc, char **argv)
{
    veld_error err = {0};
    veld_status status = veld_cli_process_ready(&err);
    int role = 0;
    while (argc > 2 && role < SRV_ROLES && strcmp(argv[2], role_names[role]) != 0)
        role++;
    if (status == VELD_OK && (argc != 6 || role == SRV_ROLES))
        status = veld_fail(&err, VELD_E_INVALID, "roles are started by serve");
    /* The supervisor may have ended before this: then nobody would ever stop us. */
    if (status == VELD_OK &&
        (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != (pid_t)strtol(argv[5], NULL, 10)))
        status = veld_fail(&err, VELD_E_INTERRUPTED, "the supervisor is gone");
    if (status == VELD_OK)
        status = role == SRV_ROLE_RELAY ? srv_relay_run(argv[3], argv[4], &err)
                                        : srv_merger_run(argv[3], argv[4], &err);
    if (status != VELD_OK)
        fprintf(stderr, "veldkit-server: %s: %s (%s)\n", argc > 2 ? argv[2] : "role", err.text,
            veld_status_name(status));
    return veld_cli_exit_code(status);
}
