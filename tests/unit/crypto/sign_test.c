/* Keys and signatures: what is accepted, what is refused, and that the interface can carry another
 * signer than the real one. */
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/sign.h"

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc,
    0x63, 0x25, 0x51};

static void a_private_key_is_between_zero_and_the_order(void **state)
{
    (void)state;
    veld_p256_private key = {0};
    uint8_t scalar[33] = {0};
    assert_int_equal(veld_p256_import(veld_span_of(scalar, 32), &key, NULL), VELD_E_FORM);
    assert_int_equal(veld_p256_import(veld_span_of(order, 32), &key, NULL), VELD_E_FORM);
    scalar[31] = 1;
    assert_int_equal(veld_p256_import(veld_span_of(scalar, 31), &key, NULL), VELD_E_FORM);
    assert_int_equal(veld_p256_import(veld_span_of(scalar, 33), &key, NULL), VELD_E_FORM);
    assert_null(key.scalar.data);
    assert_ok(veld_p256_import(veld_span_of(scalar, 32), &key, NULL));
    veld_p256_release(&key);
    veld_p256_release(&key);
    memcpy(scalar, order, 32);
    scalar[31]--;
    assert_ok(veld_p256_import(veld_span_of(scalar, 32), &key, NULL));
    veld_p256_release(&key);
}

static veld_status bad_random(void *context, uint8_t *out, size_t out_bytes)
{
    memset(out, *(uint8_t *)context, out_bytes);
    return VELD_OK;
}

static void a_key_comes_from_the_environment_alone(void **state)
{
    (void)state;
    test_env world;
    veld_p256_private a = {0}, b = {0}, c = {0};
    test_env_init(&world, 1);
    assert_ok(veld_p256_generate(&world.env, &a, NULL));
    assert_ok(veld_p256_generate(&world.env, &b, NULL));
    test_env_init(&world, 1);
    assert_ok(veld_p256_generate(&world.env, &c, NULL));
    assert_true(veld_p256_public_equal(&a.public_key, &c.public_key));
    assert_false(veld_p256_public_equal(&a.public_key, &b.public_key));
    veld_p256_release(&a);
    veld_p256_release(&b);
    veld_p256_release(&c);

    world.random_fails = true;
    assert_int_equal(veld_p256_generate(&world.env, &a, NULL), VELD_E_CRYPTO);
    uint8_t byte = 0xff; /* never below the order */
    const veld_env broken = {.context = &byte, .random = bad_random};
    assert_int_equal(veld_p256_generate(&broken, &a, NULL), VELD_E_CRYPTO);
    assert_null(a.scalar.data);
}

static void a_public_key_is_a_point_of_the_curve(void **state)
{
    (void)state;
    test_env world;
    veld_p256_private key = {0};
    test_env_init(&world, 2);
    assert_ok(veld_p256_generate(&world.env, &key, NULL));
    uint8_t bytes[66];
    veld_p256_public out;
    memcpy(bytes, key.public_key.bytes, 65);
    assert_ok(veld_p256_public_read(veld_span_of(bytes, 65), &out, NULL));
    assert_true(veld_p256_public_equal(&out, &key.public_key));
    assert_int_equal(veld_p256_public_read(veld_span_of(bytes, 64), &out, NULL), VELD_E_FORM);
    assert_int_equal(veld_p256_public_read(veld_span_of(bytes, 66), &out, NULL), VELD_E_FORM);
    assert_int_equal(veld_p256_public_read(veld_span_of(NULL, 0), &out, NULL), VELD_E_FORM);
    for (size_t bit = 0; bit < 65 * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(veld_p256_public_read(veld_span_of(bytes, 65), &out, NULL), VELD_E_FORM);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    memset(bytes + 1, 0, 64);
    assert_int_equal(veld_p256_public_read(veld_span_of(bytes, 65), &out, NULL), VELD_E_FORM);
    veld_secret shared = {0};
    memcpy(out.bytes, bytes, 65);
    assert_int_equal(veld_p256_agree(&key, &out, &shared, NULL), VELD_E_FORM);
    assert_null(shared.data);
    veld_p256_release(&key);
}

/* s = n - s, computed apart from the code under test. */
static void other_form(veld_signature *signature)
{
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int value = order[i] - signature->bytes[32 + i] - borrow;
        borrow = value < 0;
        signature->bytes[32 + i] = (uint8_t)(value + 256 * borrow);
    }
}

static void signatures_have_one_form_only(void **state)
{
    (void)state;
    test_env world;
    veld_p256_private key = {0};
    test_env_init(&world, 3);
    assert_ok(veld_p256_generate(&world.env, &key, NULL));
    const veld_signer signer = veld_signer_p256(&key);
    const veld_verifier verifier = veld_verifier_p256();
    for (uint8_t i = 0; i < 32; i++) {
        veld_hash digest = {{i}};
        veld_signature one;
        veld_signature two;
        assert_ok(veld_sign_digest(&signer, &digest, &one, NULL));
        assert_ok(veld_sign_digest(&signer, &digest, &two, NULL));
        assert_memory_equal(one.bytes, two.bytes, sizeof one.bytes);
        assert_ok(veld_verify_digest(&verifier, &key.public_key, &digest, &one, NULL));
        other_form(&two);
        assert_int_equal(
            veld_verify_digest(&verifier, &key.public_key, &digest, &two, NULL), VELD_E_FORGED);
    }
    veld_p256_release(&key);
}

static void changed_or_impossible_signatures_are_forged(void **state)
{
    (void)state;
    test_env world;
    veld_p256_private key = {0};
    veld_p256_private stranger = {0};
    test_env_init(&world, 4);
    assert_ok(veld_p256_generate(&world.env, &key, NULL));
    assert_ok(veld_p256_generate(&world.env, &stranger, NULL));
    const veld_signer signer = veld_signer_p256(&key);
    const veld_verifier verifier = veld_verifier_p256();
    veld_hash digest = {{1}};
    veld_signature good;
    assert_ok(veld_sign_digest(&signer, &digest, &good, NULL));
    for (size_t bit = 0; bit < 512; bit += 3) {
        veld_signature changed = good;
        changed.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            veld_verify_digest(&verifier, &key.public_key, &digest, &changed, NULL), VELD_E_FORGED);
    }
    veld_signature special[4] = {good, good, good, good};
    memset(special[0].bytes, 0, 32);
    memset(special[1].bytes + 32, 0, 32);
    memcpy(special[2].bytes, order, 32);
    memcpy(special[3].bytes + 32, order, 32);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(veld_verify_digest(&verifier, &key.public_key, &digest, &special[i], NULL),
            VELD_E_FORGED);
    assert_int_equal(
        veld_verify_digest(&verifier, &stranger.public_key, &digest, &good, NULL), VELD_E_FORGED);
    veld_p256_public nowhere = key.public_key;
    nowhere.bytes[64] ^= 1;
    assert_int_equal(veld_verify_digest(&verifier, &nowhere, &digest, &good, NULL), VELD_E_FORGED);
    digest.bytes[0] ^= 2;
    assert_int_equal(
        veld_verify_digest(&verifier, &key.public_key, &digest, &good, NULL), VELD_E_FORGED);
    veld_p256_release(&key);
    veld_p256_release(&stranger);
}

/* A stand-in as a simulator would have: a MAC under a key that both sides know. */
static veld_status mac_sign(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    const veld_span parts[] = {veld_span_text(VELD_CONTEXT_HASH_SIGNER), veld_hash_span(digest)};
    veld_hash mac;
    veld_status status = veld_hmac_sha256(veld_span_text(context), parts, 2, &mac, err);
    if (status == VELD_OK) {
        memset(out->bytes, 0, sizeof out->bytes);
        memcpy(out->bytes, mac.bytes, sizeof mac.bytes);
    }
    return status;
}

static veld_status mac_verify(void *context, const veld_p256_public *key, const veld_hash *digest,
    const veld_signature *signature, veld_error *err)
{
    (void)key;
    veld_signature wanted;
    veld_status status = mac_sign(context, digest, &wanted, err);
    if (status == VELD_OK && memcmp(wanted.bytes, signature->bytes, sizeof wanted.bytes) != 0)
        return VELD_E_FORGED;
    return status;
}

static veld_status locked(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    (void)context, (void)digest;
    memset(out->bytes, 0xff, sizeof out->bytes);
    return veld_fail(err, VELD_E_LOCKED, "locked");
}

static void another_signer_fits_behind_the_interface(void **state)
{
    (void)state;
    char secret[] = "shared";
    const veld_signer signer = {.context = secret, .sign = mac_sign};
    const veld_verifier verifier = {.context = secret, .verify = mac_verify};
    veld_hash digest = {{9}};
    veld_signature signature;
    assert_ok(veld_sign_digest(&signer, &digest, &signature, NULL));
    assert_ok(veld_verify_digest(&verifier, &signer.public_key, &digest, &signature, NULL));
    signature.bytes[0] ^= 1;
    assert_int_equal(veld_verify_digest(&verifier, &signer.public_key, &digest, &signature, NULL),
        VELD_E_FORGED);

    const veld_signer shut = {.sign = locked};
    assert_int_equal(veld_sign_digest(&shut, &digest, &signature, NULL), VELD_E_LOCKED);
    for (size_t i = 0; i < sizeof signature.bytes; i++)
        assert_int_equal(signature.bytes[i], 0);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_key_is_between_zero_and_the_order),
        cmocka_unit_test(a_key_comes_from_the_environment_alone),
        cmocka_unit_test(a_public_key_is_a_point_of_the_curve),
        cmocka_unit_test(signatures_have_one_form_only),
        cmocka_unit_test(changed_or_impossible_signatures_are_forged),
        cmocka_unit_test(another_signer_fits_behind_the_interface),
    };
    return cmocka_run_group_tests_name("crypto.sign", tests, wake, NULL);
}
