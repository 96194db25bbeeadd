/* What costs most and is not what a seed is about: stretching the passphrase of a vault, the public
 * half of a key that is read again and again, and agreeing on a secret. One seed in a hundred does
 * the last with the real curve; the first two say what the real ones would, of other inputs or
 * once.
 *
 * The stand-in of the agreement: the "public key" of one made for a single message is a hash, and
 * the secret of two keys is a hash of both public ones. Both sides come to the same secret, and who
 * opens with another key does not; that anyone can compute it does not matter to those who do not
 * try. */
#include <string.h>

#include "seams.h"
#include "sim.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"

enum { KNOWN_MAX = 64 };

bool sim_agrees_for_real = true;

static struct known_key {
    uint8_t scalar[VELD_P256_PRIVATE_BYTES];
    veld_p256_public public_key;
} known[KNOWN_MAX];
static size_t known_count;

static veld_status hash_of(veld_span first, veld_span second, veld_hash *out)
{
    const veld_span parts[] = {first, second};
    return veld_hash_named(VELD_CONTEXT_HASH_SIGNER, parts, 2, out, NULL);
}

static veld_status make_key(veld_span scalar, const veld_p256_public *key, veld_p256_private *out)
{
    veld_p256_private made = {.public_key = *key};
    veld_status status = veld_secret_copy(&made.scalar, scalar);
    if (status == VELD_OK)
        *out = made;
    return status;
}

veld_status __wrap_veld_p256_import(veld_span scalar, veld_p256_private *out, veld_error *err)
{
    for (size_t i = 0; i < known_count; i++) {
        if (veld_span_equal(scalar, veld_span_of(known[i].scalar, sizeof known[i].scalar)))
            return make_key(scalar, &known[i].public_key, out);
    }
    veld_status status = __real_veld_p256_import(scalar, out, err);
    if (status == VELD_OK && known_count < KNOWN_MAX) {
        struct known_key *one = &known[known_count++];
        memcpy(one->scalar, scalar.data, sizeof one->scalar);
        one->public_key = out->public_key;
    }
    return status;
}

veld_status __wrap_veld_p256_generate(const veld_env *env, veld_p256_private *out, veld_error *err)
{
    if (sim_agrees_for_real)
        return __real_veld_p256_generate(env, out, err);
    veld_status status;
    veld_hash half;
    uint8_t scalar[VELD_P256_PRIVATE_BYTES] = {0};
    veld_p256_public key = {{4}};
    const veld_span secret = veld_span_of(scalar, sizeof scalar);
    VELD_TRY(veld_env_random(env, scalar, sizeof scalar, err));
    VELD_TRY(hash_of(secret, veld_span_text("x"), &half));
    memcpy(key.bytes + 1, half.bytes, sizeof half.bytes);
    VELD_TRY(hash_of(secret, veld_span_text("y"), &half));
    memcpy(key.bytes + 1 + sizeof half.bytes, half.bytes, sizeof half.bytes);
    status = make_key(secret, &key, out);
done:
    return status;
}

veld_status __wrap_veld_p256_agree(const veld_p256_private *mine, const veld_p256_public *theirs,
    veld_secret *out, veld_error *err)
{
    if (sim_agrees_for_real)
        return __real_veld_p256_agree(mine, theirs, out, err);
    veld_hash both;
    bool is_first = memcmp(mine->public_key.bytes, theirs->bytes, sizeof theirs->bytes) < 0;
    const veld_p256_public *first = is_first ? &mine->public_key : theirs;
    const veld_p256_public *second = is_first ? theirs : &mine->public_key;
    veld_status status =
        hash_of(veld_p256_public_span(first), veld_p256_public_span(second), &both);
    return status == VELD_OK ? veld_secret_copy(out, veld_hash_span(&both)) : status;
}

veld_status __wrap_veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err)
{
    veld_hash key;
    veld_status status = veld_pin_params_check(params, err);
    if (status == VELD_OK)
        status = hash_of(pin, veld_span_of(salt, VELD_PIN_SALT_BYTES), &key);
    return status == VELD_OK ? veld_secret_copy(out, veld_hash_span(&key)) : status;
}
