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

static void what_is_said_of_input_is_said_in_dutch(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"is written once and has a value", "dit wordt één keer ingevuld en is al ingevuld"},
        {"required field title is missing", "het veld title moet ingevuld worden"},
        {"text of 1 to 200 characters expected", "hier hoort tekst van 1 tot 200 tekens"},
        {"integer from -5 to 12 expected", "hier hoort een geheel getal van -5 tot 12"},
        {"boolean expected, not text", "deze waarde is van een andere soort dan hier hoort"},
        {"json, byte 17: expected a value", "dit is geen goede JSON, bij teken 17"},
        {"an array of 1 to 500 records expected", "hier hoort een lijst van 1 tot 500 onderdelen"},
        {"3 wijzigingen wachten op dit apparaat sinds 2026-11-22 12:30; the server at "
         "vt.example:8443 "
         "cannot be reached",
            "3 wijzigingen wachten op dit apparaat sinds 2026-11-22 12:30; de server op "
            "vt.example:8443 is niet bereikbaar"},
        {"digits only: without a hardware keystore use six words chosen at random",
            "alleen cijfers: neem zonder chip zes willekeurige woorden"},
        /* Not ours to change: a program's own words, and what is no text of input. */
        {"deze zaak is hier niet", "deze zaak is hier niet"},
        {"required field  is missin", "required field  is missin"},
        {"the grant names another signer", "the grant names another signer"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        veld_buf out;
        veld_buf_init(&out, 1024);
        assert_ok(veld_cli_in_words(cases[i][0], &out));
        assert_int_equal(out.len, strlen(cases[i][1]));
        assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text(cases[i][1])));
        veld_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_sentence_and_an_exit_code),
        cmocka_unit_test(what_is_said_of_input_is_said_in_dutch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
