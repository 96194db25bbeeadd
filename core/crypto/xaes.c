/* XAES-256-GCM as C2SP specifies it: a key for this one message by CMAC in counter mode (NIST SP
 * 800-108) over the first half of the nonce, then AES-256-GCM with the second half. The message's
 * own key lives for one call. */
#include <string.h>

#include "primitive.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"
#include "veldkit/seal.h"

enum { CONTEXT_BYTES = VELD_NONCE_BYTES - VELD_GCM_NONCE_BYTES };

/* counter u16 | label 'X' | 0x00 | first 12 bytes of the nonce: one block of AES each. */
static veld_status open_message_key(
    veld_key key, const uint8_t nonce[VELD_NONCE_BYTES], veld_key *out, veld_error *err)
{
    uint8_t block[4 + CONTEXT_BYTES] = {0, 0, 'X', 0};
    uint8_t derived[2 * VELD_CMAC_BYTES] = {0};
    memcpy(block + 4, nonce, CONTEXT_BYTES);
    const veld_span message = {block, sizeof block};
    veld_status status;
    block[1] = 1;
    VELD_TRY(veld_cmac(key, message, derived, err));
    block[1] = 2;
    VELD_TRY(veld_cmac(key, message, derived + VELD_CMAC_BYTES, err));
    VELD_TRY(veld_key_open(VELD_KEY_GCM, veld_span_of(derived, sizeof derived), out, err));
done:
    veld_wipe(derived, sizeof derived);
    return status;
}

veld_status veld_xaes_seal_with(veld_key key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err)
{
    if (plain.len > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to seal", VELD_SEAL_BYTES_MAX);
    veld_key message_key = 0;
    veld_status status = open_message_key(key, nonce, &message_key, err);
    if (status != VELD_OK)
        return status;
    status = veld_gcm_seal(message_key, nonce + CONTEXT_BYTES, aad, plain, out, err);
    veld_key_close(&message_key);
    return status;
}

veld_status veld_xaes_open_with(veld_key key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err)
{
    if (sealed.len < VELD_TAG_BYTES)
        return veld_fail(err, VELD_E_FORM, "shorter than a tag");
    if (sealed.len - VELD_TAG_BYTES > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to open", VELD_SEAL_BYTES_MAX);
    veld_key message_key = 0;
    veld_status status = open_message_key(key, nonce, &message_key, err);
    if (status != VELD_OK)
        return status;
    status = veld_gcm_open(message_key, nonce + CONTEXT_BYTES, aad, sealed, out, err);
    veld_key_close(&message_key);
    return status;
}

veld_status veld_xaes_seal(veld_span key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err)
{
    VELD_ASSERT(key.len == VELD_SEAL_KEY_BYTES);
    veld_key handle = 0;
    veld_status status = veld_key_open(VELD_KEY_CMAC, key, &handle, err);
    if (status != VELD_OK)
        return status;
    status = veld_xaes_seal_with(handle, nonce, aad, plain, out, err);
    veld_key_close(&handle);
    return status;
}

veld_status veld_xaes_open(veld_span key, const uint8_t nonce[VELD_NONCE_BYTES], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err)
{
    VELD_ASSERT(key.len == VELD_SEAL_KEY_BYTES);
    veld_key handle = 0;
    veld_status status = veld_key_open(VELD_KEY_CMAC, key, &handle, err);
    if (status != VELD_OK)
        return status;
    status = veld_xaes_open_with(handle, nonce, aad, sealed, out, err);
    veld_key_close(&handle);
    return status;
}
