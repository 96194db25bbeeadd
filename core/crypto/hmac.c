/* HMAC-SHA256 over PSA, and HKDF and our key derivation written over it: RFC 5869 is fifteen lines,
 * and PSA's own needs the parts of an input joined in memory. */
#include <string.h>

#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"

enum { PARTS_MAX = 8, BLOCK_BYTES = VELD_HASH_BYTES };

veld_status veld_hmac_with(
    veld_key key, const veld_span *parts, size_t count, veld_hash *out, veld_error *err)
{
    psa_mac_operation_t operation = PSA_MAC_OPERATION_INIT;
    psa_status_t native = psa_mac_sign_setup(&operation, key, PSA_ALG_HMAC(PSA_ALG_SHA_256));
    for (size_t i = 0; i < count && native == PSA_SUCCESS; i++)
        native = psa_mac_update(&operation, parts[i].data, parts[i].len);
    size_t len = 0;
    if (native == PSA_SUCCESS)
        native = psa_mac_sign_finish(&operation, out->bytes, sizeof out->bytes, &len);
    if (native == PSA_SUCCESS)
        return VELD_OK;
    psa_mac_abort(&operation);
    return veld_psa_fail(err, native, "authenticating");
}

veld_status veld_hmac_sha256(
    veld_span key, const veld_span *parts, size_t count, veld_hash *out, veld_error *err)
{
    VELD_ASSERT(key.len > 0 && key.len <= VELD_HMAC_KEY_BYTES_MAX);
    veld_key handle = 0;
    veld_status status = veld_key_open(VELD_KEY_HMAC_SHA256, key, &handle, err);
    if (status != VELD_OK)
        return status;
    status = veld_hmac_with(handle, parts, count, out, err);
    veld_key_close(&handle);
    return status;
}

veld_status veld_hkdf_extract(
    veld_span salt, const veld_span *parts, size_t count, veld_secret *prk, veld_error *err)
{
    static const uint8_t zeros[VELD_HASH_BYTES] = {0};
    if (salt.len == 0)
        salt = veld_span_of(zeros, sizeof zeros);
    veld_hash mac = {0};
    veld_secret out = {0};
    veld_status status;
    VELD_TRY(veld_hmac_sha256(salt, parts, count, &mac, err));
    VELD_TRY(veld_secret_copy(&out, veld_hash_span(&mac)));
    *prk = out;
done:
    veld_wipe(&mac, sizeof mac);
    return status;
}

/* T(i) = HMAC(prk, T(i-1) | info | i), the output is T(1) | T(2) | ... */
static veld_status expand_into(veld_key prk, const veld_span *info, size_t count, uint8_t *out,
    size_t out_bytes, veld_error *err)
{
    veld_span parts[PARTS_MAX + 2];
    VELD_ASSERT(count <= PARTS_MAX);
    if (count > 0)
        memcpy(parts + 1, info, count * sizeof *info);
    veld_hash block = {0};
    uint8_t number = 0;
    parts[0] = veld_span_of(NULL, 0);
    parts[count + 1] = veld_span_of(&number, 1);
    veld_status status = VELD_OK;
    for (size_t at = 0; at < out_bytes; at += BLOCK_BYTES) {
        number++;
        VELD_TRY(veld_hmac_with(prk, parts, count + 2, &block, err));
        size_t rest = out_bytes - at;
        memcpy(out + at, block.bytes, rest < BLOCK_BYTES ? rest : BLOCK_BYTES);
        parts[0] = veld_hash_span(&block);
    }
done:
    veld_wipe(&block, sizeof block);
    return status;
}

veld_status veld_hkdf_expand(veld_span prk, const veld_span *parts, size_t count, size_t out_bytes,
    veld_secret *out, veld_error *err)
{
    VELD_ASSERT(out_bytes > 0);
    if (out_bytes > VELD_HKDF_BYTES_MAX)
        return veld_fail(
            err, VELD_E_LIMIT, "a derived key of more than %d bytes", (int)VELD_HKDF_BYTES_MAX);
    veld_key key = 0;
    veld_secret made = {0};
    veld_status status;
    VELD_TRY(veld_key_open(VELD_KEY_HMAC_SHA256, prk, &key, err));
    VELD_TRY(veld_secret_init(&made, out_bytes));
    VELD_TRY(expand_into(key, parts, count, made.data, made.len, err));
    *out = made;
    made = (veld_secret){0};
done:
    veld_secret_release(&made);
    veld_key_close(&key);
    return status;
}

veld_status veld_key_derive(veld_span key, const char *context, veld_span more, size_t out_bytes,
    veld_secret *out, veld_error *err)
{
    VELD_ASSERT(context != NULL && context[0] != '\0');
    const veld_span info[] = {veld_span_text(context), more};
    return veld_hkdf_expand(key, info, 2, out_bytes, out, err);
}
