/* HPKE as callers use it: there and back, and that nothing else opens. */
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hpke.h"
#include "veldkit/limits.h"

static test_env world;
static veld_p256_private key;

#define AAD   veld_span_text("case 7, epoch 2")
#define PLAIN veld_span_text("0123456789abcdef0123456789abcdef")

static void seal(veld_buf *out)
{
    veld_buf_init(out, VELD_SEAL_BYTES_MAX);
    assert_ok(
        veld_hpke_seal(&world.env, &key.public_key, VELD_HPKE_CASE_KEY, AAD, PLAIN, out, NULL));
}

static void it_opens_for_the_recipient_and_each_seal_differs(void **state)
{
    (void)state;
    veld_buf one;
    veld_buf two;
    veld_buf opened;
    veld_buf_init(&opened, 1024);
    seal(&one);
    seal(&two);
    assert_int_equal(one.len, PLAIN.len + VELD_HPKE_OVERHEAD_BYTES);
    assert_false(veld_span_equal(veld_buf_span(&one), veld_buf_span(&two)));
    assert_ok(veld_hpke_open(&key, VELD_HPKE_CASE_KEY, AAD, veld_buf_span(&one), &opened, NULL));
    assert_true(veld_span_equal(veld_buf_span(&opened), PLAIN));
    veld_buf_release(&one);
    veld_buf_release(&two);
    veld_buf_wipe(&opened);
}

static void nothing_else_opens(void **state)
{
    (void)state;
    veld_p256_private stranger = {0};
    veld_buf sealed;
    veld_buf opened;
    veld_buf_init(&opened, 1024);
    seal(&sealed);
    const veld_span span = veld_buf_span(&sealed);
    assert_ok(veld_p256_generate(&world.env, &stranger, NULL));
    assert_int_equal(
        veld_hpke_open(&stranger, VELD_HPKE_CASE_KEY, AAD, span, &opened, NULL), VELD_E_FORGED);
    assert_int_equal(
        veld_hpke_open(&key, VELD_HPKE_BLIND, AAD, span, &opened, NULL), VELD_E_FORGED);
    assert_int_equal(veld_hpke_open(&key, VELD_HPKE_CASE_KEY, veld_span_text("case 8, epoch 2"),
                         span, &opened, NULL),
        VELD_E_FORGED);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            veld_hpke_open(&key, VELD_HPKE_CASE_KEY, AAD, span, &opened, NULL), VELD_E_FORGED);
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sealed.len; len += 9)
        assert_int_equal(veld_hpke_open(&key, VELD_HPKE_CASE_KEY, AAD,
                             veld_span_of(sealed.data, len), &opened, NULL),
            len < VELD_HPKE_OVERHEAD_BYTES ? VELD_E_FORM : VELD_E_FORGED);
    assert_int_equal(opened.len, 0);
    veld_p256_release(&stranger);
    veld_buf_release(&sealed);
    veld_buf_release(&opened);
}

static void a_bad_recipient_or_no_entropy_seals_nothing(void **state)
{
    (void)state;
    veld_p256_public nowhere = key.public_key;
    veld_buf out;
    veld_buf_init(&out, 1024);
    nowhere.bytes[64] ^= 1;
    assert_int_equal(
        veld_hpke_seal(&world.env, &nowhere, VELD_HPKE_CASE_KEY, AAD, PLAIN, &out, NULL),
        VELD_E_FORM);
    world.random_fails = true;
    assert_int_equal(
        veld_hpke_seal(&world.env, &key.public_key, VELD_HPKE_CASE_KEY, AAD, PLAIN, &out, NULL),
        VELD_E_CRYPTO);
    world.random_fails = false;
    assert_int_equal(out.len, 0);
    veld_buf_release(&out);
}

static int begin(void **state)
{
    (void)state;
    test_env_init(&world, 1);
    return veld_crypto_init(NULL) == VELD_OK &&
                   veld_p256_generate(&world.env, &key, NULL) == VELD_OK
               ? 0
               : -1;
}

static int end(void **state)
{
    (void)state;
    veld_p256_release(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_for_the_recipient_and_each_seal_differs),
        cmocka_unit_test(nothing_else_opens),
        cmocka_unit_test(a_bad_recipient_or_no_entropy_seals_nothing),
    };
    return cmocka_run_group_tests_name("crypto.hpke", tests, begin, end);
}
