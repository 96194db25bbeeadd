/* SHA-256 and, for SSHSIG's message hash, SHA-512. The named hash is SHA-256 of the name, a zero
 * byte (no name holds one) and the parts. */
#include "veldkit/hash.h"

#include <string.h>

#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/assert.h"
#include "veldkit/env.h"

struct veld_sha256_state {
    psa_hash_operation_t operation;
};

static psa_status_t start(psa_hash_operation_t *operation, const char *context)
{
    psa_status_t native = psa_hash_setup(operation, PSA_ALG_SHA_256);
    if (native != PSA_SUCCESS || context == NULL)
        return native;
    VELD_ASSERT(context[0] != '\0');
    return psa_hash_update(operation, (const uint8_t *)context, strlen(context) + 1);
}

veld_status veld_sha256(veld_span bytes, veld_hash *out, veld_error *err)
{
    size_t len = 0;
    psa_status_t native = psa_hash_compute(
        PSA_ALG_SHA_256, bytes.data, bytes.len, out->bytes, sizeof out->bytes, &len);
    return native == PSA_SUCCESS ? VELD_OK : veld_psa_fail(err, native, "hashing");
}

veld_status veld_sha512(veld_span bytes, uint8_t out[VELD_SHA512_BYTES], veld_error *err)
{
    size_t len = 0;
    psa_status_t native =
        psa_hash_compute(PSA_ALG_SHA_512, bytes.data, bytes.len, out, VELD_SHA512_BYTES, &len);
    return native == PSA_SUCCESS ? VELD_OK : veld_psa_fail(err, native, "hashing");
}

veld_status veld_hash_named(
    const char *context, const veld_span *parts, size_t count, veld_hash *out, veld_error *err)
{
    VELD_ASSERT(context != NULL);
    psa_hash_operation_t operation = PSA_HASH_OPERATION_INIT;
    psa_status_t native = start(&operation, context);
    for (size_t i = 0; i < count && native == PSA_SUCCESS; i++)
        native = psa_hash_update(&operation, parts[i].data, parts[i].len);
    size_t len = 0;
    if (native == PSA_SUCCESS)
        native = psa_hash_finish(&operation, out->bytes, sizeof out->bytes, &len);
    if (native == PSA_SUCCESS)
        return VELD_OK;
    psa_hash_abort(&operation);
    return veld_psa_fail(err, native, "hashing");
}

veld_status veld_sha256_start(veld_sha256_stream *stream, const char *context, veld_error *err)
{
    VELD_ASSERT(stream->state == NULL);
    stream->state = veld_allocate(sizeof *stream->state);
    if (stream->state == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a hash");
    psa_status_t native = start(&stream->state->operation, context);
    if (native == PSA_SUCCESS)
        return VELD_OK;
    veld_sha256_abort(stream);
    return veld_psa_fail(err, native, "hashing");
}

veld_status veld_sha256_add(veld_sha256_stream *stream, veld_span bytes, veld_error *err)
{
    VELD_ASSERT(stream->state != NULL);
    psa_status_t native = psa_hash_update(&stream->state->operation, bytes.data, bytes.len);
    if (native == PSA_SUCCESS)
        return VELD_OK;
    veld_sha256_abort(stream);
    return veld_psa_fail(err, native, "hashing");
}

veld_status veld_sha256_finish(veld_sha256_stream *stream, veld_hash *out, veld_error *err)
{
    VELD_ASSERT(stream->state != NULL);
    size_t len = 0;
    psa_status_t native =
        psa_hash_finish(&stream->state->operation, out->bytes, sizeof out->bytes, &len);
    veld_sha256_abort(stream);
    return native == PSA_SUCCESS ? VELD_OK : veld_psa_fail(err, native, "hashing");
}

void veld_sha256_abort(veld_sha256_stream *stream)
{
    if (stream->state == NULL)
        return;
    psa_hash_abort(&stream->state->operation);
    veld_wipe(stream->state, sizeof *stream->state);
    veld_release(stream->state);
    stream->state = NULL;
}
