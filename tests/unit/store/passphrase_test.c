/* Passphrases: what people usually do is refused, what holds is taken. */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/bytes.h"
#include "veldkit/keystore.h"
#include "veldkit/limits.h"

static veld_status weak(const char *text, veld_error *err)
{
    return veld_passphrase_check(VELD_KEYSTORE_WEAK, veld_span_text(text), err);
}

static void what_people_usually_choose_is_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"", "a", "123456", "12345678901234567890123456789",
        "password", "Wachtwoord2024!", "Welkom01!", "qwertyuiopasdfghjklzxcvbnm",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "abcabcabcabcabcabcabcabcabcabc",
        "abcdefghijklmnopqrstuvwxyz0123456789", "veiligthuisveiligthuisveiligthuis",
        "wachtwoordenboek", "geheim geheim geheim geheim geheim", "Zomer2024Zomer2024Zomer2024",
        "correcthorsebatterystaple", "kat hond vis"};
    veld_error err;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (weak(refused[i], &err) != VELD_E_WEAK)
            fail_msg("taken: %s (%u bits)", refused[i],
                veld_passphrase_bits(veld_span_text(refused[i])));
    }
    assert_non_null(strstr(err.text, "six words"));
}

static void what_holds_is_taken(void **state)
{
    (void)state;
    static const char *const taken[] = {"zeef kwark molen tulp stoep", "kR7#vQ2m!xZ9",
        "hjw4vq8xk2nz", "zeef-Kwark7 molen!tulp 93 stoep"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        if (weak(taken[i], NULL) != VELD_OK)
            fail_msg(
                "refused: %s (%u bits)", taken[i], veld_passphrase_bits(veld_span_text(taken[i])));
    }
}

/* A key as text reads like language now and then, by chance; it is no easier to guess for that. */
static void a_key_is_never_easy_to_guess(void **state)
{
    (void)state;
    test_env world;
    veld_buf text;
    test_env_init(&world, 12);
    for (int i = 0; i < 50000; i++) {
        uint8_t key[32];
        assert_ok(veld_env_random(&world.env, key, sizeof key, NULL));
        veld_buf_init(&text, VELD_PIN_BYTES_MAX);
        assert_ok(veld_base64_encode(veld_span_of(key, sizeof key), true, &text));
        if (veld_passphrase_check(VELD_KEYSTORE_WEAK, veld_buf_span(&text), NULL) != VELD_OK)
            fail_msg("%.*s: %u bits", (int)text.len, (const char *)text.data,
                veld_passphrase_bits(veld_buf_span(&text)));
        veld_buf_release(&text);
    }
}

static void a_chip_takes_six_digits(void **state)
{
    (void)state;
    assert_ok(veld_passphrase_check(VELD_KEYSTORE_HARDWARE, veld_span_text("402817"), NULL));
    assert_int_equal(
        veld_passphrase_check(VELD_KEYSTORE_HARDWARE, veld_span_text("40281"), NULL), VELD_E_WEAK);
}

/* What we make up always holds by our own measure, is never twice the same, and its words differ.
 */
static void what_is_made_up_holds(void **state)
{
    (void)state;
    test_env world;
    veld_buf last, text;
    test_env_init(&world, 11);
    veld_buf_init(&last, VELD_PIN_BYTES_MAX);
    for (int i = 0; i < 3000; i++) {
        size_t dashes = 0;
        veld_buf_init(&text, VELD_PIN_BYTES_MAX);
        assert_ok(veld_passphrase_generate(&world.env, &text, NULL));
        for (size_t k = 0; k < text.len; k++)
            dashes += text.data[k] == '-';
        assert_int_equal(dashes, VELD_PASSPHRASE_WORDS - 1);
        if (veld_passphrase_check(VELD_KEYSTORE_WEAK, veld_buf_span(&text), NULL) != VELD_OK)
            fail_msg("%.*s: %u bits", (int)text.len, (const char *)text.data,
                veld_passphrase_bits(veld_buf_span(&text)));
        assert_false(veld_span_equal(veld_buf_span(&text), veld_buf_span(&last)));
        veld_buf_wipe(&last);
        last = text;
    }
    veld_buf_wipe(&last);
    world.random_fails = true;
    veld_buf_init(&text, VELD_PIN_BYTES_MAX);
    assert_int_equal(veld_passphrase_generate(&world.env, &text, NULL), VELD_E_CRYPTO);
}

static void a_longer_one_is_never_worth_less_than_its_repetition(void **state)
{
    (void)state;
    assert_true(veld_passphrase_bits(veld_span_text("kR7#vQ2mkR7#vQ2m")) <
                veld_passphrase_bits(veld_span_text("kR7#vQ2m")) + 24);
    static char many[VELD_PIN_BYTES_MAX + 2];
    memset(many, 'x', sizeof many - 1);
    assert_int_equal(weak(many, NULL), VELD_E_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_usually_choose_is_refused),
        cmocka_unit_test(what_holds_is_taken),
        cmocka_unit_test(a_key_is_never_easy_to_guess),
        cmocka_unit_test(a_chip_takes_six_digits),
        cmocka_unit_test(what_is_made_up_holds),
        cmocka_unit_test(a_longer_one_is_never_worth_less_than_its_repetition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
