/* Deterministic ECDSA on P-256 with one form per signature. ECDSA accepts (r, s) and (r, n - s)
 * alike; ours is the one with the smaller s, and the other is refused before the library sees it.
 * The numbers compared here are public, so nothing needs constant time. */
#include "veldkit/sign.h"

#include <string.h>

#include <psa/crypto.h>

#include "primitive.h"
#include "veldkit/assert.h"

enum { NUMBER_BYTES = 32 };

/* The order of P-256 (FIPS 186-4, D.1.2.3), and half of it rounded down. */
static const uint8_t order[NUMBER_BYTES] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3,
    0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
static const uint8_t half_order[NUMBER_BYTES] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00,
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42,
    0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8};

static bool is_zero(const uint8_t number[NUMBER_BYTES])
{
    static const uint8_t zero[NUMBER_BYTES] = {0};
    return memcmp(number, zero, NUMBER_BYTES) == 0;
}

static bool is_high(const uint8_t s[NUMBER_BYTES])
{
    return memcmp(s, half_order, NUMBER_BYTES) > 0;
}

/* s = n - s, for s below n. */
static void negate(uint8_t s[NUMBER_BYTES])
{
    unsigned borrow = 0;
    for (size_t i = NUMBER_BYTES; i-- > 0;) {
        unsigned taken = s[i] + borrow;
        borrow = taken > order[i];
        s[i] = (uint8_t)(order[i] - taken);
    }
    VELD_ASSERT(borrow == 0);
}

static bool is_our_form(const veld_signature *signature)
{
    const uint8_t *r = signature->bytes;
    const uint8_t *s = signature->bytes + NUMBER_BYTES;
    return !is_zero(r) && memcmp(r, order, NUMBER_BYTES) < 0 && !is_zero(s) && !is_high(s);
}

static veld_status p256_sign(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    const veld_p256_private *private_key = context;
    veld_key key = 0;
    veld_status status =
        veld_key_open(VELD_KEY_SIGN, veld_secret_span(&private_key->scalar), &key, err);
    VELD_ASSERT(status != VELD_E_FORM); /* it was a key when it was made */
    if (status != VELD_OK)
        return status;
    size_t len = 0;
    psa_status_t native = psa_sign_hash(key, PSA_ALG_DETERMINISTIC_ECDSA(PSA_ALG_SHA_256),
        digest->bytes, sizeof digest->bytes, out->bytes, sizeof out->bytes, &len);
    veld_key_close(&key);
    if (native != PSA_SUCCESS)
        return veld_psa_fail(err, native, "signing");
    VELD_ASSERT(len == sizeof out->bytes);
    if (is_high(out->bytes + NUMBER_BYTES))
        negate(out->bytes + NUMBER_BYTES);
    VELD_ASSERT(is_our_form(out));
    return VELD_OK;
}

static veld_status p256_verify(void *context, const veld_p256_public *public_key,
    const veld_hash *digest, const veld_signature *signature, veld_error *err)
{
    (void)context;
    if (!is_our_form(signature))
        return veld_fail(err, VELD_E_FORGED, "the signature is not of the form with a low s");
    veld_key key = 0;
    veld_status status =
        veld_key_open(VELD_KEY_VERIFY, veld_p256_public_span(public_key), &key, err);
    if (status == VELD_E_FORM)
        return veld_fail(err, VELD_E_FORGED, "the signer's key is not on the curve");
    if (status != VELD_OK)
        return status;
    psa_status_t native = psa_verify_hash(key, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest->bytes,
        sizeof digest->bytes, signature->bytes, sizeof signature->bytes);
    veld_key_close(&key);
    if (native == PSA_ERROR_INVALID_SIGNATURE)
        return veld_fail(err, VELD_E_FORGED, "the signature does not fit");
    return native == PSA_SUCCESS ? VELD_OK : veld_psa_fail(err, native, "verifying");
}

veld_status veld_sign_digest(
    const veld_signer *signer, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    VELD_ASSERT(signer != NULL && signer->sign != NULL);
    veld_status status = signer->sign(signer->context, digest, out, err);
    if (status != VELD_OK)
        *out = (veld_signature){0};
    return status;
}

veld_status veld_verify_digest(const veld_verifier *verifier, const veld_p256_public *key,
    const veld_hash *digest, const veld_signature *signature, veld_error *err)
{
    VELD_ASSERT(verifier != NULL && verifier->verify != NULL);
    return verifier->verify(verifier->context, key, digest, signature, err);
}

veld_status veld_verify_digest_at(const veld_verifier *verifier, const veld_p256_public *key,
    const veld_sign_place *place, const veld_hash *digest, const veld_signature *signature,
    veld_error *err)
{
    if (verifier->verify_at == NULL)
        return veld_verify_digest(verifier, key, digest, signature, err);
    return verifier->verify_at(verifier->context, key, place, digest, signature, err);
}

static veld_status verify_bound(void *context, const veld_p256_public *key, const veld_hash *digest,
    const veld_signature *signature, veld_error *err)
{
    const veld_verifier_bound *bound = context;
    return veld_verify_digest_at(&bound->inner, key, &bound->place, digest, signature, err);
}

veld_verifier veld_verifier_at(const veld_verifier_bound *bound)
{
    /* Through the interface it is only read. */
    return (veld_verifier){.context = (void *)(uintptr_t)bound, .verify = verify_bound};
}

veld_signer veld_signer_p256(const veld_p256_private *key)
{
    VELD_ASSERT(key != NULL && key->scalar.len == VELD_P256_PRIVATE_BYTES);
    /* Through the interface the key is only read. */
    void *context = (void *)(uintptr_t)key;
    return (veld_signer){.context = context, .public_key = key->public_key, .sign = p256_sign};
}

veld_verifier veld_verifier_p256(void)
{
    return (veld_verifier){.verify = p256_verify};
}

static veld_status believe(void *context, const veld_p256_public *key, const veld_hash *digest,
    const veld_signature *signature, veld_error *err)
{
    (void)context;
    (void)key;
    (void)digest;
    (void)signature;
    (void)err;
    return VELD_OK;
}

veld_verifier veld_verifier_kept(void)
{
    return (veld_verifier){.verify = believe};
}
