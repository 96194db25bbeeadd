/* Who signed the changes of an export, as ssh-keygen reads it. The invariant: the lines follow from
 * the changes, not from their order. */
#include "signers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/context.h"
#include "veldkit/sshsig.h"

static int compare_signers(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(veld_ssh_allowed));
}

veld_status signers_add(
    veld_buf *list, const veld_id *device, const veld_p256_public *key, veld_error *err)
{
    veld_ssh_allowed line = {.key = *key};
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(device, id);
    snprintf(line.principal, sizeof line.principal, "%s@device.veldkit", id);
    snprintf(line.name_space, sizeof line.name_space, "%s", VELD_NAMESPACE_COMMIT);
    for (size_t at = 0; at < list->len; at += sizeof line) {
        if (memcmp(list->data + at, &line, sizeof line) == 0)
            return VELD_OK;
    }
    veld_status status = veld_buf_append(list, &line, sizeof line);
    return status == VELD_OK ? status : veld_fail(err, status, "no memory for an export");
}

veld_status signers_write(veld_buf *list, veld_buf *out, veld_error *err)
{
    veld_status status = VELD_OK;
    if (list->len > 0)
        qsort(list->data, list->len / sizeof(veld_ssh_allowed), sizeof(veld_ssh_allowed),
            compare_signers);
    for (size_t at = 0; at < list->len; at += sizeof(veld_ssh_allowed)) {
        veld_ssh_allowed line;
        memcpy(&line, list->data + at, sizeof line);
        VELD_TRY(veld_ssh_allowed_write(&line, out, err));
    }
done:
    return status;
}
