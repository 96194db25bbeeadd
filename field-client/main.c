/* The tablet program's entry. It makes the process safe to hold secrets and hands the words on; all
 * that a verb does is elsewhere. */
#include <string.h>

#include "fc.h"

int main(int argc, char **argv)
{
    veld_cli_call call;
    veld_cli_init(&call, &fc_program);
    int code;
    veld_status status = veld_cli_process_ready(&call.err);
    if (status == VELD_OK && argc == 2 && strcmp(argv[0], FC_SENDER_NAME) == 0)
        return fc_sender_main(argv[1]);
    if (status == VELD_OK)
        status = veld_cli_parse(&call, argc - 1, argv + 1);
    if (status == VELD_OK)
        code = fc_run(&call, argc - 1, argv + 1);
    else
        code = veld_cli_finish(&call, status);
    veld_cli_release(&call);
    return code;
}
