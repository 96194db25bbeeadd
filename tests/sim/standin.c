/* A signature that costs one hash: a MAC under a key that only this program knows, over the public
 * key and the digest. Has the form of a real one (low s), so that all formats take it. */
#include <string.h>

#include "sim.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

static veld_status mac(
    const veld_p256_public *key, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    const veld_span parts[] = {veld_p256_public_span(key), veld_hash_span(digest)};
    veld_hash half;
    veld_status status = veld_hash_named(VELD_CONTEXT_HASH_SIGNER, parts, 2, &half, err);
    if (status != VELD_OK)
        return status;
    for (size_t i = 0; i < sizeof out->bytes; i++)
        out->bytes[i] = (uint8_t)(half.bytes[i % sizeof half.bytes] ^ (i < 32 ? 0 : 0x5A));
    out->bytes[0] = (uint8_t)((out->bytes[0] & 0x3F) | 1);
    out->bytes[32] = (uint8_t)((out->bytes[32] & 0x3F) | 1);
    return VELD_OK;
}

static veld_status sign(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    return mac(context, digest, out, err);
}

/* What who has a case but not the key of the device makes. */
static veld_status forge(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    veld_hash other = *digest;
    other.bytes[0] ^= 1;
    return mac(context, &other, out, err);
}

static veld_status verify(void *context, const veld_p256_public *key, const veld_hash *digest,
    const veld_signature *signature, veld_error *err)
{
    veld_signature expected;
    (void)context;
    veld_status status = mac(key, digest, &expected, err);
    if (status != VELD_OK || sim_planted == PLANT_UNCHECKED_SIGNATURE)
        return status;
    if (memcmp(expected.bytes, signature->bytes, sizeof expected.bytes) == 0)
        return VELD_OK;
    return veld_fail(err, VELD_E_FORGED, "the signature does not fit");
}

veld_signer sim_standin_signer(const veld_p256_public *key)
{
    return (veld_signer){.context = (void *)(uintptr_t)key, .public_key = *key, .sign = sign};
}

veld_verifier sim_standin_verifier(void)
{
    return (veld_verifier){.verify = verify};
}

veld_signer sim_signer(sim_party *p, bool forges)
{
    veld_signer out = sim_standin_signer(&veld_store_signing_key(p->store)->public_key);
    if (p->world->plan.real_signatures)
        out = veld_signer_p256(veld_store_signing_key(p->store));
    else if (forges)
        out.sign = forge;
    return out;
}
