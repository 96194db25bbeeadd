/* Dates and instants, checked against known days and against themselves over the whole range. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/time.h"

static void days_and_dates_agree_from_year_0_to_9999(void **state)
{
    (void)state;
    int64_t days = veld_date_to_days((veld_date){0, 1, 1});
    int64_t last = veld_date_to_days((veld_date){9999, 12, 31});
    assert_int_equal(days, -719528);
    assert_int_equal(last, 2932896);
    veld_date before = {-1, 12, 31};
    for (; days <= last; days++) {
        veld_date date = veld_date_from_days(days);
        assert_true(veld_date_is_valid(date));
        assert_int_equal(veld_date_to_days(date), days);
        bool next_day = date.day == before.day + 1 && date.month == before.month;
        assert_true(next_day || date.day == 1);
        before = date;
    }
}

static void known_instants_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t utc_ms;
        int32_t offset_min;
    } vectors[] = {
        {"1970-01-01T00:00:00Z", 0, 0},
        {"1969-12-31T23:59:59.999Z", -1, 0},
        {"2010-03-27T20:00:00+01:00", 1269716400000, 60},
        {"2010-04-06T20:00:00+02:00", 1270576800000, 120},
        {"2038-01-19T03:14:08.5Z", 2147483648500, 0},
        {"2026-11-22T10:44:53.12-03:30", 1795356893120, -210},
        {"0000-01-01T00:00:00+23:59", -62167305540000, 1439},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        veld_instant instant;
        assert_ok(veld_instant_parse(veld_span_text(vectors[i].text), &instant));
        assert_int_equal(instant.utc_ms, vectors[i].utc_ms);
        assert_int_equal(instant.offset_min, vectors[i].offset_min);
        char text[VELD_INSTANT_TEXT_SIZE];
        veld_instant again;
        veld_instant_format(instant, text);
        assert_ok(veld_instant_parse(veld_span_text(text), &again));
        assert_int_equal(again.utc_ms, instant.utc_ms);
        assert_int_equal(again.offset_min, instant.offset_min);
    }
}

static void other_forms_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01t00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234Z", "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00Zx", "+026-01-01T00:00:00Z",
        "2026-01-01 00:00:00Z", ""};
    veld_instant instant;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(veld_instant_parse(veld_span_text(refused[i]), &instant), VELD_E_FORM);
    veld_date date;
    assert_int_equal(veld_date_parse(veld_span_text("2026-1-01"), &date), VELD_E_FORM);
    assert_int_equal(veld_date_parse(veld_span_text("1900-02-29"), &date), VELD_E_FORM);
    assert_ok(veld_date_parse(veld_span_text("2000-02-29"), &date));
}

static void instants_outside_four_digit_years_show_the_end(void **state)
{
    (void)state;
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format((veld_instant){INT64_MAX, -60}, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999-01:00");
    veld_instant_format((veld_instant){INT64_MIN, 60}, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000+01:00");
}

static void moments_are_told_as_dutch_clocks_show_them(void **state)
{
    (void)state;
    static const struct {
        const char *instant, *shown;
    } vectors[] = {
        {"2026-11-22T10:44:53.120Z", "2026-11-22 11:44:53"},
        {"2026-12-31T23:30:00Z", "2027-01-01 00:30:00"},
        {"2026-03-29T00:59:59.999Z", "2026-03-29 01:59:59"},
        {"2026-03-29T01:00:00Z", "2026-03-29 03:00:00"},
        {"2026-10-25T00:59:59Z", "2026-10-25 02:59:59"},
        {"2026-10-25T01:00:00Z", "2026-10-25 02:00:00"},
        {"2024-03-31T01:00:00Z", "2024-03-31 03:00:00"}, /* the last day is a Sunday */
        {"2027-10-31T00:59:59Z", "2027-10-31 02:59:59"},
        {"1969-07-01T12:00:00Z", "1969-07-01 14:00:00"},
    };
    char text[VELD_MOMENT_TEXT_SIZE];
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        veld_instant instant;
        assert_ok(veld_instant_parse(veld_span_text(vectors[i].instant), &instant));
        veld_moment_format(instant.utc_ms, text);
        assert_string_equal(text, vectors[i].shown);
        /* What is shown can be typed, but for what a second or a shift hides. */
        int64_t typed = 0;
        assert_ok(veld_moment_parse(veld_span_text(text), &typed));
        const bool is_second = strcmp(vectors[i].instant, "2026-10-25T01:00:00Z") == 0;
        const int64_t first = is_second ? 3600000 : 0;
        assert_int_equal(typed, instant.utc_ms - first - (instant.utc_ms % 1000 + 1000) % 1000);
        assert_ok(veld_moment_parse(veld_span_text(vectors[i].instant), &typed));
        assert_int_equal(typed, instant.utc_ms);
    }
    static const char *const refused[] = {"", "2026-11-22", "2026-11-22 20:30",
        "2026-11-31 20:30:00", "2026-11-22 24:00:00", "2026-11-22 20:30:00Z",
        "2026-11-22\t20:30:00"};
    int64_t none;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(veld_moment_parse(veld_span_text(refused[i]), &none), VELD_E_FORM);
    veld_moment_format(veld_moment_of_day((veld_date){2026, 7, 1}), text);
    assert_string_equal(text, "2026-07-01 00:00:00");
    veld_moment_format(veld_moment_of_day((veld_date){2026, 11, 22}), text);
    assert_string_equal(text, "2026-11-22 00:00:00");
    veld_moment_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31 23:59:59");
    veld_moment_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01 00:00:00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_dates_agree_from_year_0_to_9999),
        cmocka_unit_test(known_instants_parse),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(instants_outside_four_digit_years_show_the_end),
        cmocka_unit_test(moments_are_told_as_dutch_clocks_show_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
