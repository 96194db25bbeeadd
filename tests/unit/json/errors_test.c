/* The list of errors and the pointer builder. */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/json.h"

static void pointer_follows_rfc_6901(void **state)
{
    (void)state;
    veld_json_pointer p;
    veld_json_pointer_init(&p);
    assert_string_equal(p.text, "");
    size_t top = veld_json_pointer_name(&p, veld_span_text("a/b"));
    assert_string_equal(p.text, "/a~1b");
    size_t second = veld_json_pointer_name(&p, veld_span_text("m~n"));
    assert_string_equal(p.text, "/a~1b/m~0n");
    veld_json_pointer_index(&p, 17);
    assert_string_equal(p.text, "/a~1b/m~0n/17");
    veld_json_pointer_back(&p, second);
    assert_string_equal(p.text, "/a~1b");
    veld_json_pointer_name(&p, veld_span_text(""));
    assert_string_equal(p.text, "/a~1b/");
    veld_json_pointer_back(&p, top);
    assert_string_equal(p.text, "");
}

static void long_pointer_is_cut_at_a_character_and_comes_back(void **state)
{
    (void)state;
    char name[VELD_JSON_POINTER_MAX];
    for (size_t i = 0; i + 1 < sizeof name; i += 2) {
        name[i] = '\xC3';
        name[i + 1] = '\xA9';
    }
    veld_json_pointer p;
    veld_json_pointer_init(&p);
    size_t top = veld_json_pointer_name(&p, veld_span_text("x"));
    size_t first = veld_json_pointer_name(&p, veld_span_of(name, sizeof name));
    assert_true(p.cut);
    assert_true(p.len <= VELD_JSON_POINTER_MAX);
    assert_int_equal((unsigned char)p.text[p.len - 1], 0xA9);
    size_t len = p.len;
    size_t inner = veld_json_pointer_index(&p, 3);
    assert_int_equal(p.len, len);
    veld_json_pointer_back(&p, inner);
    assert_true(p.cut);
    assert_int_equal(p.len, len);
    veld_json_pointer_back(&p, first);
    assert_false(p.cut);
    assert_string_equal(p.text, "/x");
    veld_json_pointer_back(&p, top);
    assert_string_equal(p.text, "");
}

static void list_keeps_the_first_and_counts_all(void **state)
{
    (void)state;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    for (unsigned i = 0; i < 250; i++) {
        char pointer[16];
        snprintf(pointer, sizeof pointer, "/%u", i);
        veld_json_errors_add(&errors, VELD_E_INVALID, pointer, i, "expected at most %d", 5);
    }
    assert_int_equal(errors.count, 250);
    assert_int_equal(errors.kept, VELD_JSON_ERRORS_KEPT_MAX);
    assert_string_equal(errors.items[0].pointer, "/0");
    assert_string_equal(errors.items[99].pointer, "/99");
    assert_int_equal(errors.items[99].offset_bytes, 99);
    assert_int_equal(errors.items[99].status, VELD_E_INVALID);
    assert_string_equal(errors.items[99].text, "expected at most 5");
    veld_json_errors_release(&errors);
    veld_json_errors_release(&errors);
    assert_int_equal(errors.count, 0);
    veld_json_errors_add(NULL, VELD_E_INVALID, "", 0, "nobody listens");
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text + VELD_ERROR_TEXT_BYTES_MAX - 1, "\xC3\xA9", 2);
    text[sizeof text - 1] = '\0';
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_json_errors_add(&errors, VELD_E_FORM, "", 0, "%s", text);
    assert_int_equal(strlen(errors.items[0].text), VELD_ERROR_TEXT_BYTES_MAX - 1);
    veld_json_errors_release(&errors);
}

static void without_memory_errors_are_counted(void **state)
{
    (void)state;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    test_fail_allocation(2, true);
    for (unsigned i = 0; i < 10; i++)
        veld_json_errors_add(&errors, VELD_E_FORM, "", 0, "x");
    test_fail_allocation(0, false);
    assert_int_equal(errors.count, 10);
    assert_int_equal(errors.kept, 4);
    veld_json_errors_release(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointer_follows_rfc_6901),
        cmocka_unit_test(long_pointer_is_cut_at_a_character_and_comes_back),
        cmocka_unit_test(list_keeps_the_first_and_counts_all),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(without_memory_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
