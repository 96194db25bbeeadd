/* Ids: version and variant bits, order in time, one text per id. */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/id.h"

static void a_new_id_is_a_version_7_uuid(void **state)
{
    (void)state;
    test_env world;
    test_env_init(&world, 1);
    veld_id first, second;
    assert_ok(veld_id_new(&world.env, &first, NULL));
    test_env_advance(&world, 1);
    assert_ok(veld_id_new(&world.env, &second, NULL));
    assert_int_equal(first.bytes[6] >> 4, 7);
    assert_int_equal(first.bytes[8] >> 6, 2);
    assert_true(veld_id_compare(&first, &second) < 0);
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(&first, text);
    assert_memory_equal(text, "019cad8f-ac00-7", 15); /* 2026-03-02T08:00:00Z in ms */
    world.now.wall_utc_ms = -5;
    assert_ok(veld_id_new(&world.env, &first, NULL));
    assert_memory_equal(first.bytes, "\0\0\0\0\0\0", 6);
}

static void no_entropy_is_an_error_and_leaves_no_id(void **state)
{
    (void)state;
    test_env world;
    veld_error err;
    veld_id id;
    test_env_init(&world, 1);
    world.random_fails = true;
    memset(&id, 0xAA, sizeof id);
    assert_int_equal(veld_id_new(&world.env, &id, &err), VELD_E_CRYPTO);
    assert_true(veld_id_is_zero(&id));
}

static void text_and_id_are_one_to_one(void **state)
{
    (void)state;
    static const char text[] = "00112233-4455-6677-8899-aabbccddeeff";
    veld_id id;
    char again[VELD_ID_TEXT_SIZE];
    assert_ok(veld_id_parse(veld_span_text(text), &id));
    veld_id_format(&id, again);
    assert_string_equal(text, again);
    static const char *const refused[] = {"00112233-4455-6677-8899-AABBCCDDEEFF",
        "00112233-4455-6677-8899-aabbccddeef", "001122334455-6677-8899-aabbccddeeff-",
        "{0112233-4455-6677-8899-aabbccddeef}", ""};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(veld_id_parse(veld_span_text(refused[i]), &id), VELD_E_FORM);

    veld_hash hash = {{1, 2, 3}}, parsed;
    char hex[VELD_HASH_TEXT_SIZE];
    veld_hash_format(&hash, hex);
    assert_ok(veld_hash_parse(veld_span_text(hex), &parsed));
    assert_true(veld_hash_equal(&hash, &parsed));
    assert_false(veld_hash_is_zero(&hash));
    assert_int_equal(veld_hash_parse(veld_span_text("00"), &parsed), VELD_E_FORM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_id_is_a_version_7_uuid),
        cmocka_unit_test(no_entropy_is_an_error_and_leaves_no_id),
        cmocka_unit_test(text_and_id_are_one_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
