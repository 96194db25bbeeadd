/* Every error that the library knows reaches a person in words of her own, with an exit code that
 * scripts can act on. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/cli.h"

static void every_status_has_a_sentence_and_an_exit_code(void **state)
{
    (void)state;
    const char *none = veld_cli_status_text((veld_status)-9999);
    for (int number = -1; number >= VELD_E_WAIT; number--) {
        const veld_status status = (veld_status)number;
        const char *text = veld_cli_status_text(status);
        if (strcmp(text, none) == 0 || text[strlen(text) - 1] != '.')
            fail_msg("%s: %s", veld_status_name(status), text);
        assert_int_not_equal(veld_cli_exit_code(status), 0);
    }
    /* The last one that there is: who adds another adds it here, and to the table. */
    assert_string_equal(
        veld_status_name((veld_status)(VELD_E_WAIT - 1)), veld_status_name((veld_status)-9999));
    assert_int_equal(veld_cli_exit_code(VELD_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_sentence_and_an_exit_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
