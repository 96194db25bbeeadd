/* Documents from outside, with a verifier that takes every signature, so that the fuzzer gets past
 * it: what is accepted, signed again with the same 64 bytes, must be the same text. */
#include <stdint.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static veld_status keep_signature(void *context, const veld_p256_public *key,
    const veld_hash *digest, const veld_signature *signature, veld_error *err)
{
    (void)key, (void)digest, (void)err;
    *(veld_signature *)context = *signature;
    return VELD_OK;
}

static veld_status give_signature(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    (void)digest, (void)err;
    *out = *(veld_signature *)context;
    return VELD_OK;
}

static void check(veld_span text, const veld_jws_header *header)
{
    veld_signature kept;
    const veld_p256_public key = {{4}};
    const veld_verifier verifier = {.context = &kept, .verify = keep_signature};
    const veld_signer signer = {.context = &kept, .sign = give_signature};
    veld_buf payload;
    veld_buf again;
    veld_buf_init(&payload, VELD_JWS_TEXT_MAX);
    veld_buf_init(&again, VELD_JWS_TEXT_MAX);
    veld_status status =
        veld_jws_verify(&verifier, &key, header->type, header->key_id, text, &payload, NULL);
    VELD_ASSERT(status == VELD_OK || status == VELD_E_FORM || status == VELD_E_LIMIT);
    if (status == VELD_OK) {
        VELD_ASSERT(veld_jws_sign(&signer, header->type, header->key_id, veld_buf_span(&payload),
                        &again, NULL) == VELD_OK);
        VELD_ASSERT(veld_span_equal(text, veld_buf_span(&again)));
    }
    veld_buf_release(&payload);
    veld_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const veld_span text = {data, size};
    veld_jws_header header;
    VELD_ASSERT(veld_crypto_init(NULL) == VELD_OK);
    if (veld_jws_peek(text, &header, NULL) == VELD_OK)
        check(text, &header);
    return 0;
}
