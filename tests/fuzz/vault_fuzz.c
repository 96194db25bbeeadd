/* The vault file's reader: any bytes, read at most, and what is taken is of the one form. */
#include <stddef.h>
#include <stdint.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/vault.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    veld_vault_info info = {0};
    veld_error err;
    if (veld_crypto_init(&err) != VELD_OK)
        return 0;
    veld_status status = veld_vault_info_read(veld_span_of(data, size), &info, &err);
    VELD_ASSERT(status == VELD_OK || status == VELD_E_DAMAGED || status == VELD_E_NEWER ||
                status == VELD_E_MEMORY);
    if (status == VELD_OK)
        VELD_ASSERT(size == VELD_VAULT_BYTES && info.format == VELD_VAULT_FORMAT &&
                    veld_pin_params_check(&info.params, &err) == VELD_OK);
    return 0;
}
