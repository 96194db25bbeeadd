/* The server program's entry: a verb that a person typed, or one of the roles that `serve` starts.
 * All that either does is elsewhere. */
#include <string.h>
#include <sys/stat.h>

#include "srv.h"

int main(int argc, char **argv)
{
    umask(077); /* what any library makes below our folders is ours alone */
    if (argc > 1 && strcmp(argv[1], "--role") == 0)
        return srv_role_main(argc, argv);

    veld_cli_call call;
    veld_cli_init(&call, &srv_program);
    int code;
    veld_status status = veld_cli_process_ready(&call.err);
    if (status == VELD_OK)
        status = veld_cli_parse(&call, argc - 1, argv + 1);
    if (status == VELD_OK)
        code = srv_run(&call, argc - 1, argv + 1);
    else
        code = veld_cli_finish(&call, status);
    veld_cli_release(&call);
    return code;
}
