/* Where the folder of a call really lies. Processes that are started for it work from another
 * folder than who typed it: there a path that begins below the typist's would name another folder,
 * or the one of somebody else. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "veldkit/cli.h"

veld_status veld_cli_folder_whole(veld_cli_call *call)
{
    char typed[sizeof call->folder];
    const char *rest = "";
    memcpy(typed, call->folder, sizeof typed);
    char *whole = realpath(typed, NULL);
    if (whole == NULL && (errno == ENOENT || errno == ENOTDIR)) {
        if (typed[0] == '/' || typed[0] == '\0')
            return VELD_OK; /* still to be made, or there is none */
        rest = typed;
        whole = getcwd(NULL, 0);
    }
    if (whole == NULL)
        return veld_fail_native(&call->err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "de map van --%s is niet bereikbaar", call->program->folder.name);
    int len = snprintf(
        call->folder, sizeof call->folder, "%s%s%s", whole, rest[0] != '\0' ? "/" : "", rest);
    free(whole);
    if (len < 0 || (size_t)len >= sizeof call->folder)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    return VELD_OK;
}
