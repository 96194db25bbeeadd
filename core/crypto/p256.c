/* Keys on P-256: made from the environment's random bytes (never from the generator inside the
 * library, so that a fork or a simulator decides nothing behind our back), checked when they come
 * in, and taken into the library for one operation at a time. */
#include "veldkit/p256.h"

#include <string.h>

#include <psa/crypto.h>

#include "primitive.h"
#include "ssh_wire.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"

/* A random scalar is out of range once in 2^32 tries. */
enum { TRIES_MAX = 16, UNCOMPRESSED = 0x04 };

static veld_status public_of(veld_key key, veld_p256_public *out, veld_error *err)
{
    size_t len = 0;
    psa_status_t native = psa_export_public_key(key, out->bytes, sizeof out->bytes, &len);
    if (native != PSA_SUCCESS)
        return veld_psa_fail(err, native, "computing a public key");
    VELD_ASSERT(len == sizeof out->bytes && out->bytes[0] == UNCOMPRESSED);
    return VELD_OK;
}

veld_status veld_p256_import(veld_span scalar, veld_p256_private *out, veld_error *err)
{
    if (scalar.len != VELD_P256_PRIVATE_BYTES)
        return veld_fail(err, VELD_E_FORM, "a private key has 32 bytes");
    veld_p256_private made = {0};
    veld_key key = 0;
    veld_status status;
    VELD_TRY(veld_key_open(VELD_KEY_ECDH, scalar, &key, err));
    VELD_TRY(public_of(key, &made.public_key, err));
    VELD_TRY(veld_secret_copy(&made.scalar, scalar));
    *out = made;
done:
    veld_key_close(&key);
    return status;
}

veld_status veld_p256_generate(const veld_env *env, veld_p256_private *out, veld_error *err)
{
    veld_secret scalar = {0};
    veld_status status;
    VELD_TRY(veld_secret_init(&scalar, VELD_P256_PRIVATE_BYTES));
    for (int i = 0; i < TRIES_MAX; i++) {
        VELD_TRY(veld_env_random(env, scalar.data, scalar.len, err));
        status = veld_p256_import(veld_secret_span(&scalar), out, err);
        if (status != VELD_E_FORM)
            goto done;
    }
    status = veld_fail(err, VELD_E_CRYPTO, "the random bytes make no key");
done:
    veld_secret_release(&scalar);
    return status;
}

void veld_p256_release(veld_p256_private *key)
{
    if (key == NULL)
        return;
    veld_secret_release(&key->scalar);
    *key = (veld_p256_private){0};
}

veld_status veld_p256_public_read(veld_span bytes, veld_p256_public *out, veld_error *err)
{
    if (bytes.len != VELD_P256_PUBLIC_BYTES || bytes.data[0] != UNCOMPRESSED)
        return veld_fail(err, VELD_E_FORM, "not an uncompressed point");
    veld_key key = 0;
    veld_status status = veld_key_open(VELD_KEY_VERIFY, bytes, &key, err);
    if (status != VELD_OK)
        return status;
    veld_key_close(&key);
    memcpy(out->bytes, bytes.data, sizeof out->bytes);
    return VELD_OK;
}

bool veld_p256_public_equal(const veld_p256_public *a, const veld_p256_public *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

veld_span veld_p256_public_span(const veld_p256_public *key)
{
    return veld_span_of(key->bytes, sizeof key->bytes);
}

veld_status veld_p256_fingerprint(const veld_p256_public *key, veld_hash *out, veld_error *err)
{
    veld_buf blob;
    veld_buf_init(&blob, SSH_KEY_BLOB_BYTES);
    veld_status status;
    VELD_TRY(veld_ssh_put_key(&blob, key));
    VELD_TRY(veld_sha256(veld_buf_span(&blob), out, err));
done:
    veld_buf_release(&blob);
    return status;
}

veld_status veld_p256_agree(const veld_p256_private *mine, const veld_p256_public *theirs,
    veld_secret *out, veld_error *err)
{
    veld_secret shared = {0};
    veld_key key = 0;
    veld_status status;
    VELD_TRY(veld_secret_init(&shared, VELD_P256_PRIVATE_BYTES));
    VELD_TRY(veld_key_open(VELD_KEY_ECDH, veld_secret_span(&mine->scalar), &key, err));
    size_t len = 0;
    psa_status_t native = psa_raw_key_agreement(
        PSA_ALG_ECDH, key, theirs->bytes, sizeof theirs->bytes, shared.data, shared.len, &len);
    if (native == PSA_ERROR_INVALID_ARGUMENT)
        VELD_TRY(veld_fail(err, VELD_E_FORM, "the peer's key is not on the curve"));
    if (native != PSA_SUCCESS)
        VELD_TRY(veld_psa_fail(err, native, "agreeing on a secret"));
    VELD_ASSERT(len == shared.len);
    *out = shared;
    shared = (veld_secret){0};
done:
    veld_key_close(&key);
    veld_secret_release(&shared);
    return status;
}
