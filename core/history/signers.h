/* signers.h: whose signatures stand in an export: the file allowed_signers. Private to
 * core/history. */
#ifndef VELD_HISTORY_SIGNERS_H
#define VELD_HISTORY_SIGNERS_H

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

/* signers_add: the device may sign changes with that key; `list` holds veld_ssh_allowed, each once.
 * signers_write: append the lines of the list, which is sorted then. */
veld_status signers_add(veld_buf *list, const veld_id *device, const veld_p256_public *key,
    veld_error *err) VELD_MUST_CHECK;
veld_status signers_write(veld_buf *list, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

#endif
