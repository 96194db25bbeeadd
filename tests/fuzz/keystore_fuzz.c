/* The reader of a keystore's file: any bytes, read at most, and what is taken has a kind. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_it(const uint8_t *data, size_t size)
{
    veld_keystore_info info = {0};
    veld_error err;
    veld_status status = veld_keystore_info_read(veld_span_of(data, size), &info, &err);
    VELD_ASSERT(status == VELD_OK || status == VELD_E_DAMAGED || status == VELD_E_NEWER ||
                status == VELD_E_MEMORY);
    if (status == VELD_OK)
        VELD_ASSERT(info.kind[0] != '\0' && strlen(info.kind) <= VELD_KEYSTORE_CHIP_NAME_MAX);
}

/* As it is, and with a hash that fits, which no mutation finds. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t whole[4096];
    veld_hash hash;
    if (veld_crypto_init(NULL) != VELD_OK)
        return 0;
    read_it(data, size);
    if (size + VELD_HASH_BYTES > sizeof whole)
        return 0;
    if (size > 0)
        memcpy(whole, data, size);
    if (veld_sha256(veld_span_of(whole, size), &hash, NULL) != VELD_OK)
        return 0;
    memcpy(whole + size, hash.bytes, sizeof hash.bytes);
    read_it(whole, size + sizeof hash.bytes);
    return 0;
}
