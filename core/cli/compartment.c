/* The compartments of a dossier, as far as the command line names them. In this form a dossier has
 * `main` only; the other names are known, so that a typing error and a part that is not there are
 * told apart. */
#include <string.h>

#include "veldkit/cli.h"

veld_status veld_cli_compartment(veld_cli_call *call, unsigned option)
{
    static const char *const names[] = {"main", "address", "reporter", "child-talk", "legal"};
    if (!veld_cli_given(call, option))
        return VELD_OK;
    const char *wanted = veld_cli_value(call, option);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(wanted, names[i]) != 0)
            continue;
        return i == 0 ? VELD_OK
                      : veld_fail(&call->err, VELD_E_NOT_FOUND,
                            "deze zaak heeft geen afgeschermd deel %s", wanted);
    }
    return veld_fail(&call->err, VELD_E_INVALID,
        "geen afgeschermd deel met die naam; kies uit main, address, reporter, child-talk, legal");
}
