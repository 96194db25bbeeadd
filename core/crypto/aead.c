/* AES-GCM and AES-CMAC as PSA has them, with the sizes of this room fixed. PSA is told the exact
 * size of the output: more room costs it time. */
#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/assert.h"

veld_status veld_gcm_seal(veld_key key, const uint8_t nonce[VELD_GCM_NONCE_BYTES], veld_span aad,
    veld_span plain, uint8_t *out, veld_error *err)
{
    size_t len = 0;
    size_t expected = plain.len + VELD_GCM_TAG_BYTES;
    psa_status_t native = psa_aead_encrypt(key, PSA_ALG_GCM, nonce, VELD_GCM_NONCE_BYTES, aad.data,
        aad.len, plain.data, plain.len, out, expected, &len);
    if (native != PSA_SUCCESS)
        return veld_psa_fail(err, native, "sealing");
    VELD_ASSERT(len == expected);
    return VELD_OK;
}

veld_status veld_gcm_open(veld_key key, const uint8_t nonce[VELD_GCM_NONCE_BYTES], veld_span aad,
    veld_span sealed, uint8_t *out, veld_error *err)
{
    VELD_ASSERT(sealed.len >= VELD_GCM_TAG_BYTES);
    size_t len = 0;
    size_t expected = sealed.len - VELD_GCM_TAG_BYTES;
    psa_status_t native = psa_aead_decrypt(key, PSA_ALG_GCM, nonce, VELD_GCM_NONCE_BYTES, aad.data,
        aad.len, sealed.data, sealed.len, out, expected, &len);
    if (native == PSA_SUCCESS) {
        VELD_ASSERT(len == expected);
        return VELD_OK;
    }
    veld_wipe(out, expected);
    if (native == PSA_ERROR_INVALID_SIGNATURE)
        return veld_fail(err, VELD_E_FORGED, "the sealed bytes or what they are bound to changed");
    return veld_psa_fail(err, native, "opening");
}

veld_status veld_cmac(
    veld_key key, veld_span message, uint8_t out[VELD_CMAC_BYTES], veld_error *err)
{
    size_t len = 0;
    psa_status_t native =
        psa_mac_compute(key, PSA_ALG_CMAC, message.data, message.len, out, VELD_CMAC_BYTES, &len);
    return native == PSA_SUCCESS ? VELD_OK : veld_psa_fail(err, native, "authenticating");
}
