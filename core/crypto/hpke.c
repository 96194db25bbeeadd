/* HPKE base mode as RFC 9180 sets it out, section by section. The suite is a parameter inside the
 * room only: the published vectors for this KEM use AES-128-GCM, we use AES-256-GCM. */
#include "hpke_internal.h"

#include <string.h>

#include "primitive.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/hpke.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    KEM_P256_HKDF_SHA256 = 0x0010,
    KDF_HKDF_SHA256 = 0x0001,
    MODE_BASE = 0x00,
    SHARED_BYTES = 32,
    SUITE_ID_BYTES_MAX = 10
};

const veld_hpke_suite veld_hpke_aes_256_gcm = {.aead = 0x0002, .key_bytes = 32};

/* Section 4: the name that every label carries: of the KEM alone, or of the whole suite. */
typedef struct suite_id {
    uint8_t bytes[SUITE_ID_BYTES_MAX];
    size_t len;
} suite_id;

static suite_id kem_id(void)
{
    suite_id id = {.bytes = "KEM", .len = 5};
    veld_put_u16(id.bytes + 3, KEM_P256_HKDF_SHA256);
    return id;
}

static suite_id hpke_id(const veld_hpke_suite *suite)
{
    suite_id id = {.bytes = "HPKE", .len = 10};
    veld_put_u16(id.bytes + 4, KEM_P256_HKDF_SHA256);
    veld_put_u16(id.bytes + 6, KDF_HKDF_SHA256);
    veld_put_u16(id.bytes + 8, suite->aead);
    return id;
}

static veld_status labeled_extract(const suite_id *id, veld_span salt, const char *label,
    veld_span input, veld_secret *out, veld_error *err)
{
    const veld_span parts[] = {
        veld_span_text("HPKE-v1"), {id->bytes, id->len}, veld_span_text(label), input};
    return veld_hkdf_extract(salt, parts, 4, out, err);
}

static veld_status labeled_expand(const suite_id *id, const veld_secret *prk, const char *label,
    veld_span info, size_t out_bytes, veld_secret *out, veld_error *err)
{
    uint8_t length[2];
    veld_put_u16(length, (uint16_t)out_bytes);
    const veld_span parts[] = {{length, sizeof length}, veld_span_text("HPKE-v1"),
        {id->bytes, id->len}, veld_span_text(label), info};
    return veld_hkdf_expand(veld_secret_span(prk), parts, 5, out_bytes, out, err);
}

/* Section 4.1: ExtractAndExpand of the Diffie-Hellman secret, bound to both public keys. */
veld_status veld_hpke_shared(const veld_p256_private *mine, const veld_p256_public *theirs,
    const veld_p256_public *enc, const veld_p256_public *recipient, veld_secret *out,
    veld_error *err)
{
    const suite_id id = kem_id();
    uint8_t both[2 * VELD_P256_PUBLIC_BYTES];
    memcpy(both, enc->bytes, VELD_P256_PUBLIC_BYTES);
    memcpy(both + VELD_P256_PUBLIC_BYTES, recipient->bytes, VELD_P256_PUBLIC_BYTES);
    veld_secret dh = {0};
    veld_secret prk = {0};
    veld_status status;
    VELD_TRY(veld_p256_agree(mine, theirs, &dh, err));
    VELD_TRY(
        labeled_extract(&id, veld_span_of(NULL, 0), "eae_prk", veld_secret_span(&dh), &prk, err));
    VELD_TRY(labeled_expand(
        &id, &prk, "shared_secret", veld_span_of(both, sizeof both), SHARED_BYTES, out, err));
done:
    veld_secret_release(&dh);
    veld_secret_release(&prk);
    return status;
}

/* mode | psk_id_hash | info_hash */
static veld_status schedule_context(
    const suite_id *id, veld_span info, uint8_t out[VELD_HPKE_SCHEDULE_BYTES], veld_error *err)
{
    const veld_span none = veld_span_of(NULL, 0);
    veld_secret psk_id_hash = {0};
    veld_secret info_hash = {0};
    veld_status status;
    VELD_TRY(labeled_extract(id, none, "psk_id_hash", none, &psk_id_hash, err));
    VELD_TRY(labeled_extract(id, none, "info_hash", info, &info_hash, err));
    out[0] = MODE_BASE;
    memcpy(out + 1, psk_id_hash.data, VELD_HASH_BYTES);
    memcpy(out + 1 + VELD_HASH_BYTES, info_hash.data, VELD_HASH_BYTES);
done:
    veld_secret_release(&psk_id_hash);
    veld_secret_release(&info_hash);
    return status;
}

/* Section 5.1: KeySchedule with the default PSK, which is empty. */
veld_status veld_hpke_schedule(const veld_hpke_suite *suite, const veld_secret *shared,
    veld_span info, veld_hpke_keys *out, veld_error *err)
{
    const suite_id id = hpke_id(suite);
    uint8_t context[VELD_HPKE_SCHEDULE_BYTES];
    const veld_span bound = {context, sizeof context};
    veld_secret secret = {0};
    veld_hpke_keys made = {{0}, {0}};
    veld_status status;
    VELD_TRY(schedule_context(&id, info, context, err));
    VELD_TRY(labeled_extract(
        &id, veld_secret_span(shared), "secret", veld_span_of(NULL, 0), &secret, err));
    VELD_TRY(labeled_expand(&id, &secret, "key", bound, suite->key_bytes, &made.key, err));
    VELD_TRY(
        labeled_expand(&id, &secret, "base_nonce", bound, VELD_GCM_NONCE_BYTES, &made.nonce, err));
    *out = made;
    made = (veld_hpke_keys){{0}, {0}};
done:
    veld_secret_release(&secret);
    veld_hpke_keys_release(&made);
    return status;
}

void veld_hpke_keys_release(veld_hpke_keys *keys)
{
    veld_secret_release(&keys->key);
    veld_secret_release(&keys->nonce);
}

/* The first message of a context, so the nonce is the base nonce as it is. */
veld_status veld_hpke_seal_with(const veld_hpke_suite *suite, const veld_p256_private *ephemeral,
    const veld_p256_public *to, veld_span info, veld_span aad, veld_span plain, uint8_t *out,
    veld_error *err)
{
    veld_secret shared = {0};
    veld_hpke_keys keys = {{0}, {0}};
    veld_key key = 0;
    veld_status status;
    VELD_TRY(veld_hpke_shared(ephemeral, to, &ephemeral->public_key, to, &shared, err));
    VELD_TRY(veld_hpke_schedule(suite, &shared, info, &keys, err));
    VELD_TRY(veld_key_open(VELD_KEY_GCM, veld_secret_span(&keys.key), &key, err));
    memcpy(out, ephemeral->public_key.bytes, VELD_HPKE_ENC_BYTES);
    VELD_TRY(veld_gcm_seal(key, keys.nonce.data, aad, plain, out + VELD_HPKE_ENC_BYTES, err));
done:
    veld_key_close(&key);
    veld_hpke_keys_release(&keys);
    veld_secret_release(&shared);
    return status;
}

veld_status veld_hpke_open_with(const veld_hpke_suite *suite, const veld_p256_private *mine,
    veld_span info, veld_span aad, veld_span sealed, uint8_t *out, veld_error *err)
{
    VELD_ASSERT(sealed.len >= VELD_HPKE_OVERHEAD_BYTES);
    veld_p256_public enc;
    memcpy(enc.bytes, sealed.data, sizeof enc.bytes);
    veld_secret shared = {0};
    veld_hpke_keys keys = {{0}, {0}};
    veld_key key = 0;
    veld_status status = veld_hpke_shared(mine, &enc, &enc, &mine->public_key, &shared, err);
    if (status == VELD_E_FORM)
        status = veld_fail(err, VELD_E_FORGED, "the encapsulated key is not on the curve");
    VELD_TRY(status);
    VELD_TRY(veld_hpke_schedule(suite, &shared, info, &keys, err));
    VELD_TRY(veld_key_open(VELD_KEY_GCM, veld_secret_span(&keys.key), &key, err));
    const veld_span rest =
        veld_span_part(sealed, VELD_HPKE_ENC_BYTES, sealed.len - VELD_HPKE_ENC_BYTES);
    VELD_TRY(veld_gcm_open(key, keys.nonce.data, aad, rest, out, err));
done:
    veld_key_close(&key);
    veld_hpke_keys_release(&keys);
    veld_secret_release(&shared);
    return status;
}

veld_status veld_hpke_seal(const veld_env *env, const veld_p256_public *to, const char *info,
    veld_span aad, veld_span plain, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(info != NULL && info[0] != '\0');
    if (plain.len > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to seal", VELD_SEAL_BYTES_MAX);
    veld_p256_private ephemeral = {0};
    uint8_t *bytes = NULL;
    size_t before = out->len;
    veld_status status = veld_buf_extend(out, plain.len + VELD_HPKE_OVERHEAD_BYTES, &bytes);
    if (status != VELD_OK)
        return veld_fail(err, status, "no room for %zu bytes", plain.len);
    VELD_TRY(veld_p256_generate(env, &ephemeral, err));
    VELD_TRY(veld_hpke_seal_with(
        &veld_hpke_aes_256_gcm, &ephemeral, to, veld_span_text(info), aad, plain, bytes, err));
done:
    veld_p256_release(&ephemeral);
    if (status != VELD_OK)
        out->len = before;
    return status;
}

veld_status veld_hpke_open(const veld_p256_private *key, const char *info, veld_span aad,
    veld_span sealed, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(info != NULL && info[0] != '\0');
    if (sealed.len < VELD_HPKE_OVERHEAD_BYTES)
        return veld_fail(err, VELD_E_FORM, "shorter than an empty sealed message");
    size_t len = sealed.len - VELD_HPKE_OVERHEAD_BYTES;
    if (len > VELD_SEAL_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u bytes to open", VELD_SEAL_BYTES_MAX);
    uint8_t *bytes = NULL;
    size_t before = out->len;
    veld_status status = veld_buf_extend(out, len, &bytes);
    if (status != VELD_OK)
        return veld_fail(err, status, "no room for %zu bytes", len);
    status = veld_hpke_open_with(
        &veld_hpke_aes_256_gcm, key, veld_span_text(info), aad, sealed, bytes, err);
    if (status != VELD_OK)
        out->len = before;
    return status;
}
