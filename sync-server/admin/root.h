/* root.h: the agency's root key, which lies where the administrator put it: DIR/root after init,
 * another medium afterwards. */
#ifndef SRV_ADMIN_ROOT_H
#define SRV_ADMIN_ROOT_H

#include "../srv.h"

/* srv_root_folder: what --root names, else DIR/root.  Expects: VELD_E_LIMIT. */
veld_status srv_root_folder(
    const veld_cli_call *call, char out[SRV_PATH_BYTES_MAX], veld_error *err) VELD_MUST_CHECK;
/* srv_root_open: the root key, when it is the one of the agency in the call's folder.
 * Owns:    release `out`; untouched on error.
 * Expects: VELD_E_NOT_FOUND (the text says what to do), VELD_E_INVALID (another agency's),
 *          VELD_E_FORM, as files fail. */
veld_status srv_root_open(veld_cli_call *call, veld_p256_private *out) VELD_MUST_CHECK;

#endif
