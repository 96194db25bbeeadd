/* Statuses have names, errors are whole or cut at a character, and nothing else is needed of them.
 */
#include "veld_test.h"

#include <errno.h>
#include <string.h>

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = VELD_E_WAIT; a <= 0; a++) {
        assert_string_not_equal(veld_status_name((veld_status)a), "unknown");
        for (int b = a + 1; b <= 0; b++)
            assert_string_not_equal(
                veld_status_name((veld_status)a), veld_status_name((veld_status)b));
    }
    assert_string_equal(veld_status_name((veld_status)(VELD_E_WAIT - 1)), "unknown");
}

static void numbers_are_stable(void **state)
{
    (void)state;
    assert_int_equal(VELD_E_FORGED, -8);
    assert_int_equal(VELD_E_WRONG_PIN, -9);
    assert_int_equal(VELD_E_WAIT, -25);
}

static void fail_fills_the_error(void **state)
{
    (void)state;
    veld_error err;
    assert_int_equal(veld_fail(&err, VELD_E_FULL, "at %s", "chunk 3"), VELD_E_FULL);
    assert_int_equal(err.status, VELD_E_FULL);
    assert_int_equal(err.retry, VELD_RETRY_AFTER_USER);
    assert_string_equal(err.text, "at chunk 3");
    assert_int_equal(veld_fail(NULL, VELD_E_IO, "x"), VELD_E_IO);
    assert_int_equal(veld_fail_native(&err, VELD_E_IO, VELD_DOMAIN_POSIX, EIO, "read"), VELD_E_IO);
    assert_int_equal(err.native, EIO);
    assert_int_equal(err.domain, VELD_DOMAIN_POSIX);
}

static void long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    char text[400];
    for (size_t lead = 0; lead < 4; lead++) {
        memset(text, 'a', lead);
        for (size_t i = lead; i + 3 < sizeof text; i += 3)
            memcpy(text + i, "\xE2\x82\xAC", 3); /* euro sign */
        text[sizeof text - 4] = '\0';
        veld_error err;
        assert_int_equal(veld_fail(&err, VELD_E_FORM, "%s", text), VELD_E_FORM);
        size_t len = strlen(err.text);
        assert_true(len <= VELD_ERROR_TEXT_BYTES_MAX && len > VELD_ERROR_TEXT_BYTES_MAX - 4);
        assert_int_equal((len - lead) % 3, 0);
    }
}

static void errno_maps_to_what_a_person_can_do(void **state)
{
    (void)state;
    assert_int_equal(veld_status_from_errno(ENOSPC), VELD_E_FULL);
    assert_int_equal(veld_status_from_errno(EACCES), VELD_E_NOT_ALLOWED);
    assert_int_equal(veld_status_from_errno(EIO), VELD_E_IO);
    assert_int_equal(veld_status_from_errno(0), VELD_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(numbers_are_stable),
        cmocka_unit_test(fail_fills_the_error),
        cmocka_unit_test(long_text_is_cut_at_a_character),
        cmocka_unit_test(errno_maps_to_what_a_person_can_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
