/* Keys and what comes from a PIN. Locked in memory where the system allows it (a refusal is not an
 * error: the limit is small on many systems), wiped when released, and there is no way to print
 * one. Locks count whole pages and do not nest, so a page once locked stays locked for the life of
 * the process: unlocking it could expose another secret beside the one that was released. */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "veldkit/assert.h"
#include "veldkit/bytes.h"
#include "veldkit/env.h"

enum { SECRET_BYTES_MAX = 1 << 20 };

void veld_wipe(void *data, size_t len)
{
    if (len > 0)
        memset(data, 0, len);
    /* The compiler must believe that somebody reads what was written. */
    __asm__ __volatile__("" : : "r"(data) : "memory");
}

veld_status veld_secret_init(veld_secret *secret, size_t len)
{
    VELD_ASSERT(secret != NULL && len > 0);
    *secret = (veld_secret){0};
    if (len > SECRET_BYTES_MAX)
        return VELD_E_LIMIT;
    secret->data = veld_allocate(len);
    if (secret->data == NULL)
        return VELD_E_MEMORY;
    secret->len = len;
    (void)mlock(secret->data, len);
    return VELD_OK;
}

veld_status veld_secret_copy(veld_secret *secret, veld_span from)
{
    veld_status status = veld_secret_init(secret, from.len);
    if (status == VELD_OK)
        memcpy(secret->data, from.data, from.len);
    return status;
}

void veld_secret_release(veld_secret *secret)
{
    if (secret == NULL || secret->data == NULL)
        return;
    veld_wipe(secret->data, secret->len);
    veld_release(secret->data);
    *secret = (veld_secret){0};
}

veld_span veld_secret_span(const veld_secret *secret)
{
    VELD_ASSERT(secret->data != NULL);
    return (veld_span){.data = secret->data, .len = secret->len};
}
