/* Keys inside the library: one table says what each use means in PSA's terms, so that a key can do
 * that one thing and nothing else. A key that came in is always destroyed by veld_key_close; PSA
 * wipes its copy. */
#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/assert.h"

typedef struct use_policy {
    psa_key_type_t type;
    psa_algorithm_t algorithm;
    psa_key_usage_t usage;
} use_policy;

static use_policy policy_of(veld_key_use use)
{
    switch (use) {
    case VELD_KEY_CMAC:
        return (use_policy){PSA_KEY_TYPE_AES, PSA_ALG_CMAC, PSA_KEY_USAGE_SIGN_MESSAGE};
    case VELD_KEY_GCM:
        return (use_policy){
            PSA_KEY_TYPE_AES, PSA_ALG_GCM, PSA_KEY_USAGE_ENCRYPT | PSA_KEY_USAGE_DECRYPT};
    case VELD_KEY_HMAC_SHA256:
        return (use_policy){
            PSA_KEY_TYPE_HMAC, PSA_ALG_HMAC(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_MESSAGE};
    case VELD_KEY_ECDH:
        return (use_policy){
            PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDH, PSA_KEY_USAGE_DERIVE};
    case VELD_KEY_SIGN:
        return (use_policy){PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1),
            PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_SIGN_HASH};
    case VELD_KEY_VERIFY:
        return (use_policy){PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1),
            PSA_ALG_ECDSA(PSA_ALG_SHA_256), PSA_KEY_USAGE_VERIFY_HASH};
    }
    VELD_ASSERT(false);
    return (use_policy){0};
}

veld_status veld_key_open(veld_key_use use, veld_span bytes, veld_key *out, veld_error *err)
{
    VELD_ASSERT(bytes.len > 0);
    const use_policy policy = policy_of(use);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, policy.type);
    psa_set_key_algorithm(&attributes, policy.algorithm);
    psa_set_key_usage_flags(&attributes, policy.usage);

    psa_key_id_t key = PSA_KEY_ID_NULL;
    psa_status_t native = psa_import_key(&attributes, bytes.data, bytes.len, &key);
    if (native == PSA_ERROR_INVALID_ARGUMENT)
        return veld_fail(err, VELD_E_FORM, "these bytes are no key of this kind");
    if (native != PSA_SUCCESS)
        return veld_psa_fail(err, native, "taking in a key");
    *out = key;
    return VELD_OK;
}

void veld_key_close(veld_key *key)
{
    if (*key == 0)
        return;
    psa_status_t native = psa_destroy_key(*key);
    VELD_ASSERT(native == PSA_SUCCESS); /* fails for a handle that is not ours, never for data */
    *key = 0;
}
