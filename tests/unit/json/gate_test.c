/* What each set of rules refuses, where, and that hostile documents cost no more than others. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_env.h"
#include "veldkit/json.h"

static veld_status check(const char *text, veld_json_rules rules)
{
    return veld_json_check(veld_span_text(text), rules, NULL, NULL);
}

/* The only error of a text: its pointer and place. */
static void assert_error_rules(
    const char *text, veld_json_rules rules, veld_status status, const char *pointer, size_t offset)
{
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_error err = {0};
    assert_int_equal(veld_json_check(veld_span_text(text), rules, &errors, &err), status);
    assert_int_equal(err.status, status);
    assert_true(err.text[0] != '\0');
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.items[0].status, status);
    assert_string_equal(errors.items[0].pointer, pointer);
    assert_int_equal(errors.items[0].offset_bytes, offset);
    veld_json_errors_release(&errors);
}

static void assert_error(const char *text, const char *pointer, size_t offset)
{
    assert_error_rules(text, VELD_JSON_STRICT, VELD_E_FORM, pointer, offset);
}

static void places_of_syntax_errors(void **state)
{
    (void)state;
    assert_error("", "", 0);
    assert_error("   ", "", 3);
    assert_error("x", "", 0);
    assert_error("tru", "", 0);
    assert_error("1 2", "", 2);
    assert_error("[1,x]", "/1", 3);
    assert_error("[1,]", "/1", 3);
    assert_error("[1 2]", "", 3);
    assert_error("[1,2", "", 4);
    assert_error("{\"a\":[1,{\"b\":tru}]}", "/a/1/b", 13);
    assert_error("{\"a\":1,}", "", 7);
    assert_error("{\"a\" 1}", "/a", 5);
    assert_error("{\"a\":}", "/a", 5);
    assert_error("{a:1}", "", 1);
    assert_error("{\"a\":{\"b\":1]}", "/a", 11);
    assert_error("{\"a/b~\":[x]}", "/a~1b~0/0", 9);
    assert_error("{\"\\u0061\\ud83d\\ude02\":x}", "/a\xF0\x9F\x98\x82", 22);
    assert_error("[\"abc", "/0", 5);
    assert_error("[\"ab\tc\"]", "/0", 4);
    assert_error("[\"a\\x\"]", "/0", 3);
    assert_error("[\"a\\u00g0\"]", "/0", 3);
    assert_error("[\"\xC0\xAF\"]", "/0", 2);
    assert_error("[01]", "/0", 1);
    assert_error("[-]", "/0", 2);
    assert_error("[1.]", "/0", 3);
    assert_error("[1e+]", "/0", 4);
    assert_error("\xEF\xBB\xBF{}", "", 0);
    assert_error("{}\n//", "", 3);
}

static void places_of_forbidden_things(void **state)
{
    (void)state;
    assert_error("{\"x\":[0,{\"a\":1,\"a\":2}]}", "/x/1/a", 15);
    assert_error("{\"a\":1,\"\\u0061\":2}", "/a", 7);
    assert_error("[\"\\u0000\"]", "/0", 2);
    assert_error("[\"\\ud800\"]", "/0", 2);
    assert_error("[\"a\\udc00\\ud83d\\ude02\"]", "/0", 3);
}

static void assert_note(const char *text, size_t offset)
{
    assert_error(text, "/n", offset);
    assert_int_equal(check(text, VELD_JSON_RFC8259), VELD_OK);
}

static void numbers(void **state)
{
    (void)state;
    assert_note("{\"n\":1.5}", 5);
    assert_note("{\"n\":1e2}", 5);
    assert_note("{\"n\":-0}", 5);
    assert_note("{\"n\":9007199254740992}", 5);
    assert_note("{\"n\":-9007199254740992}", 5);
    assert_note("{\"n\":100000000000000000000}", 5);
    assert_int_equal(check("[9007199254740991,-9007199254740991,0]", VELD_JSON_STRICT), VELD_OK);

    static const char *const held[] = {"1.5", "-0", "-0.0", "1e2", "1E+2", "0.1", "0e999999999999",
        "333333333.33333329", "1e307", "9.9e307", "1e-307", "1.000000000000000000000000000000",
        "9007199254740991", "0.00000000000000000000000012345678901234567"};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        assert_int_equal(check(held[i], VELD_JSON_IJSON), VELD_OK);
    static const char *const not_held[] = {"1e308", "1e-308", "1e99999999999999999999",
        "1e-99999999999999999999", "9007199254740993", "1.23456789012345678",
        "123456789012345678.5",
        "1.000000000000000000000000000000000000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof not_held / sizeof *not_held; i++) {
        assert_int_equal(check(not_held[i], VELD_JSON_IJSON), VELD_E_FORM);
        assert_int_equal(check(not_held[i], VELD_JSON_RFC8259), VELD_OK);
    }
}

static void utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"\x80\"", "\"\xC1\xBF\"", "\"\xE0\x9F\xBF\"",
        "\"\xED\xA0\x80\"", "\"\xED\xBF\xBF\"", "\"\xF0\x8F\xBF\xBF\"", "\"\xF4\x90\x80\x80\"",
        "\"\xF5\x80\x80\x80\"", "\"\xFF\"", "\"\xE2\x82\"", "\"\xF0\x9F\x98", "\"\xC3"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(check(bad[i], VELD_JSON_RFC8259), VELD_E_FORM);
    static const char *const good[] = {"\"\xC2\x80\"", "\"\xDF\xBF\"", "\"\xE0\xA0\x80\"",
        "\"\xED\x9F\xBF\"", "\"\xEE\x80\x80\"", "\"\xF0\x90\x80\x80\"", "\"\x7F\""};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(check(good[i], VELD_JSON_CANONICAL), VELD_OK);
    static const char *const noncharacters[] = {"\"\xEF\xBF\xBE\"", "\"\xEF\xBF\xBF\"",
        "\"\xEF\xB7\x90\"", "\"\xEF\xB7\xAF\"", "\"\xF0\x9F\xBF\xBE\"", "\"\xF4\x8F\xBF\xBF\"",
        "\"\\uffff\"", "\"\\ufdd0\"", "\"\\ud83f\\udffe\""};
    for (size_t i = 0; i < sizeof noncharacters / sizeof *noncharacters; i++) {
        assert_int_equal(check(noncharacters[i], VELD_JSON_RFC8259), VELD_OK);
        assert_int_equal(check(noncharacters[i], VELD_JSON_IJSON), VELD_E_FORM);
    }
    assert_int_equal(check("\"\xEF\xB7\x8F\xEF\xB7\xB0\xEF\xBF\xBD\"", VELD_JSON_IJSON), VELD_OK);
}

static void all_that_is_wrong_is_told_at_once(void **state)
{
    (void)state;
    const char *text = "{\"a\":1.5,\"b\":[\"\\u0000\",99999999999999999],\"a\":-0,\"c\":}";
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_error err;
    assert_int_equal(
        veld_json_check(veld_span_text(text), VELD_JSON_STRICT, &errors, &err), VELD_E_FORM);
    static const char *const pointers[] = {"/a", "/b/0", "/b/1", "/a", "/c"};
    assert_int_equal(errors.count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(errors.items[i].pointer, pointers[i]);
    assert_int_equal(errors.items[0].offset_bytes, 5);
    assert_non_null(strstr(err.text, "byte 5"));
    veld_json_errors_release(&errors);
}

static void canonical_bytes_only(void **state)
{
    (void)state;
    static const char *const yes[] = {"{}", "[]", "null", "\"/\"", "\"\\u001f\\n\\\"\\\\\"",
        "{\"\":1,\"A\":2,\"a\":[{},[]]}", "{\"\\n\":1,\"\\r\":2,\"1\":3}", "\"\x7F\xC2\x80\"",
        /* U+1F602 sorts before U+FB33 in UTF-16 */
        "{\"\xF0\x9F\x98\x82\":1,\"\xEF\xAC\xB3\":2}", "-1"};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        assert_true(veld_json_is_canonical(veld_span_text(yes[i])));
    static const char *const no[] = {" {}", "{} ", "[1, 2]", "{\"a\" :1}", "\"\\/\"", "\"\\u000a\"",
        "\"\\u001F\"", "\"\\u0041\"", "\"\\u007f\"", "\"\\u20ac\"", "{\"b\":1,\"a\":2}",
        "{\"a\":1,\"a\":2}", "{\"\xEF\xAC\xB3\":1,\"\xF0\x9F\x98\x82\":2}", "1.0", "1e1", "-0",
        "{\"1\":1,\"\\n\":2}", "{ }", "[ ]", "\"\\ud83d\\ude02\"", ""};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(veld_json_is_canonical(veld_span_text(no[i])));
}

static char *repeat(const char *before, const char *what, size_t times, const char *after)
{
    size_t len = strlen(what);
    char *text = malloc(strlen(before) + times * len + strlen(after) + 1);
    assert_non_null(text);
    memcpy(text, before, strlen(before) + 1);
    char *at = text + strlen(before);
    for (size_t i = 0; i < times; i++, at += len)
        memcpy(at, what, len + 1);
    memcpy(at, after, strlen(after) + 1);
    return text;
}

static void limits_are_exact(void **state)
{
    (void)state;
    char deep[2 * VELD_JSON_DEPTH_MAX + 4];
    memset(deep, '[', VELD_JSON_DEPTH_MAX);
    memset(deep + VELD_JSON_DEPTH_MAX, ']', VELD_JSON_DEPTH_MAX);
    deep[2 * VELD_JSON_DEPTH_MAX] = '\0';
    assert_int_equal(check(deep, VELD_JSON_STRICT), VELD_OK);
    memset(deep, '[', VELD_JSON_DEPTH_MAX + 1);
    deep[VELD_JSON_DEPTH_MAX + 1] = '\0';
    assert_int_equal(check(deep, VELD_JSON_STRICT), VELD_E_LIMIT);

    char *many = repeat("[", "1,", VELD_JSON_MEMBERS_MAX - 1, "1]");
    assert_int_equal(check(many, VELD_JSON_STRICT), VELD_OK);
    free(many);
    many = repeat("[", "1,", VELD_JSON_MEMBERS_MAX, "1]");
    assert_int_equal(check(many, VELD_JSON_STRICT), VELD_E_LIMIT);
    free(many);

    char *large = repeat("\"", "a", VELD_JSON_BYTES_MAX - 2, "\"");
    assert_int_equal(check(large, VELD_JSON_STRICT), VELD_OK);
    free(large);
    large = repeat("\"", "a", VELD_JSON_BYTES_MAX - 1, "\"");
    assert_error_rules(large, VELD_JSON_STRICT, VELD_E_LIMIT, "", 0);
    free(large);
}

static veld_buf object_of(size_t members, int digits, const char *value)
{
    veld_buf text;
    veld_buf_init(&text, VELD_JSON_BYTES_MAX + 64);
    for (size_t i = 0; i < members; i++) {
        assert_ok(veld_buf_append_byte(&text, i == 0 ? '{' : ','));
        char member[64];
        snprintf(member, sizeof member, "\"name-%0*zu\":%s", digits, i * 7919 % members, value);
        assert_ok(veld_buf_append_text(&text, member));
    }
    assert_ok(veld_buf_append_byte(&text, '}'));
    return text;
}

static void many_members_are_checked_in_time(void **state)
{
    (void)state;
    veld_buf text = object_of(VELD_JSON_MEMBERS_MAX, 6, "0");
    clock_t begin = clock();
    assert_ok(veld_json_check(veld_buf_span(&text), VELD_JSON_STRICT, NULL, NULL));
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    assert_true(seconds < 5.0); /* pairwise it would be minutes */

    /* The same with one duplicate, in another spelling. */
    text.len--;
    text.len -= strlen(",\"name-000000\":0");
    assert_ok(veld_buf_append_text(&text, ",\"nam\\u0065-000007\":0}"));
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    begin = clock();
    assert_int_equal(
        veld_json_check(veld_buf_span(&text), VELD_JSON_STRICT, &errors, NULL), VELD_E_FORM);
    seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    assert_true(seconds < 5.0); /* now by sorting */
    assert_int_equal(errors.count, 1);
    assert_string_equal(errors.items[0].pointer, "/name-000007");
    veld_json_errors_release(&errors);
    veld_buf_release(&text);
}

static void duplicates_are_found_in_objects_of_every_size(void **state)
{
    (void)state;
    for (size_t members = 2; members < 60; members++) {
        veld_buf text = object_of(members, 1, "{\"0\":[]}");
        assert_ok(veld_json_check(veld_buf_span(&text), VELD_JSON_STRICT, NULL, NULL));
        for (size_t twice = 0; twice < members; twice++) {
            char member[32];
            snprintf(member, sizeof member, ",\"name-%zu\":1}", twice);
            text.len--;
            size_t len = text.len;
            assert_ok(veld_buf_append_text(&text, member));
            assert_int_equal(
                veld_json_check(veld_buf_span(&text), VELD_JSON_STRICT, NULL, NULL), VELD_E_FORM);
            text.len = len;
            assert_ok(veld_buf_append_byte(&text, '}'));
        }
        veld_buf_release(&text);
    }
}

static void without_memory_no_duplicate_passes(void **state)
{
    (void)state;
    veld_buf good = object_of(60, 1, "1");
    veld_buf bad = object_of(60, 1, "1");
    bad.len--;
    assert_ok(veld_buf_append_text(&bad, ",\"name-3\":1}"));
    bool passed = false;
    for (uint64_t n = 1; n < 6; n++) {
        test_fail_allocation(n, true);
        veld_status first = veld_json_check(veld_buf_span(&good), VELD_JSON_STRICT, NULL, NULL);
        test_fail_allocation(n, true);
        veld_status second = veld_json_check(veld_buf_span(&bad), VELD_JSON_STRICT, NULL, NULL);
        test_fail_allocation(0, false);
        assert_true(first == VELD_OK || first == VELD_E_MEMORY);
        assert_int_equal(second, first == VELD_OK ? VELD_E_FORM : VELD_E_MEMORY);
        passed = passed || first == VELD_OK;
    }
    assert_true(passed);
    veld_buf_release(&good);
    veld_buf_release(&bad);
}

static void errors_hold_no_values(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"n\":\"Janssen\"x}", "[\"Janssen\\q\"]", "[Janssen]",
        "{\"n\":\"Janssen\",\"n\":\"Janssen\"}", "[\"Janssen\\u0000\"]", "[\"Janssen"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        veld_json_errors errors;
        veld_json_errors_init(&errors);
        veld_error err;
        assert_int_not_equal(
            veld_json_check(veld_span_text(texts[i]), VELD_JSON_STRICT, &errors, &err), VELD_OK);
        assert_null(strstr(err.text, "ansse"));
        for (size_t j = 0; j < errors.kept; j++) {
            assert_null(strstr(errors.items[j].text, "ansse"));
            assert_null(strstr(errors.items[j].pointer, "ansse"));
        }
        veld_json_errors_release(&errors);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_syntax_errors),
        cmocka_unit_test(places_of_forbidden_things),
        cmocka_unit_test(numbers),
        cmocka_unit_test(utf8),
        cmocka_unit_test(all_that_is_wrong_is_told_at_once),
        cmocka_unit_test(canonical_bytes_only),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(many_members_are_checked_in_time),
        cmocka_unit_test(duplicates_are_found_in_objects_of_every_size),
        cmocka_unit_test(without_memory_no_duplicate_passes),
        cmocka_unit_test(errors_hold_no_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
