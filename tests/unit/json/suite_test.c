/* The public JSON parsing suite against the gate: 95 that must be accepted, 188 that must be
 * refused, and what we decided for the 35 that are free. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "veldkit/json.h"

#ifndef VECTORS
#error "VECTORS is the folder of test vectors"
#endif

enum { LINE_MAX_BYTES = 8192 };

/* Free for a parser to accept: grammar without a meaning that all readers share. Accepted under the
 * rules of RFC 8259, refused under I-JSON. All others of the 35 are refused under both. */
static const char *const accepted_by_rfc8259[] = {
    "i_number_double_huge_neg_exp",
    "i_number_huge_exp",
    "i_number_neg_int_huge_exp",
    "i_number_pos_double_huge_exp",
    "i_number_real_neg_overflow",
    "i_number_real_pos_overflow",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
    "i_object_key_lone_2nd_surrogate",
    "i_string_1st_surrogate_but_2nd_missing",
    "i_string_1st_valid_surrogate_2nd_invalid",
    "i_string_incomplete_surrogate_and_escape_valid",
    "i_string_incomplete_surrogate_pair",
    "i_string_incomplete_surrogates_escape_valid",
    "i_string_invalid_lonely_surrogate",
    "i_string_invalid_surrogate",
    "i_string_inverted_surrogates_U+1D11E",
    "i_string_lone_second_surrogate",
};

/* Must be accepted as JSON, and refused as I-JSON. */
static const char *const not_ijson[] = {
    "y_object_duplicated_key", "y_object_duplicated_key_and_value", "y_object_escaped_null_in_key",
    "y_string_escaped_noncharacter", "y_string_null_escape",
    "y_string_nonCharacterInUTF-8_U+10FFFF", "y_string_nonCharacterInUTF-8_U+FFFF",
    "y_string_unicode_U+10FFFE_nonchar", "y_string_unicode_U+1FFFE_nonchar",
    "y_string_unicode_U+FDD0_nonchar", "y_string_unicode_U+FFFE_nonchar",
    "y_string_last_surrogates_1_and_2", "y_number_double_close_to_zero", /* 79 characters */
};

typedef struct counts {
    unsigned must_accept, must_refuse, is_free;
} counts;

static bool is_in(const char *name, const char *const *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strcmp(name, list[i]) == 0)
            return true;
    }
    return false;
}

#define IS_IN(name, list) is_in(name, list, sizeof(list) / sizeof *(list))

static void check_case(const char *name, veld_span bytes, counts *seen)
{
    veld_status rfc8259 = veld_json_check(bytes, VELD_JSON_RFC8259, NULL, NULL);
    veld_status ijson = veld_json_check(bytes, VELD_JSON_IJSON, NULL, NULL);
    bool accept = name[0] == 'y' || IS_IN(name, accepted_by_rfc8259);
    bool accept_ijson = name[0] == 'y' && !IS_IN(name, not_ijson);
    seen->must_accept += name[0] == 'y';
    seen->must_refuse += name[0] == 'n';
    seen->is_free += name[0] == 'i';
    if ((rfc8259 == VELD_OK) != accept || (ijson == VELD_OK) != accept_ijson)
        fail_msg(
            "%s: rfc8259 %s, i-json %s", name, veld_status_name(rfc8259), veld_status_name(ijson));

    veld_json_doc *doc = NULL;
    assert_int_equal(veld_json_parse(bytes, VELD_JSON_IJSON, &doc, NULL, NULL), ijson);
    assert_int_equal(doc != NULL, ijson == VELD_OK);
    veld_json_doc_free(doc);
}

static veld_buf decode(const char *hex)
{
    veld_buf bytes;
    veld_buf_init(&bytes, LINE_MAX_BYTES);
    if (strcmp(hex, "-") != 0) {
        uint8_t *out = NULL;
        size_t len = strlen(hex) / 2;
        assert_ok(veld_buf_extend(&bytes, len, &out));
        assert_ok(veld_hex_decode(veld_span_text(hex), out, len));
    }
    return bytes;
}

static void check_generated(counts *seen)
{
    veld_buf bytes;
    veld_buf_init(&bytes, 1 << 20);
    for (unsigned i = 0; i < 100000; i++)
        assert_ok(veld_buf_append_byte(&bytes, '['));
    check_case("n_structure_100000_opening_arrays", veld_buf_span(&bytes), seen);
    veld_buf_clear(&bytes);
    for (unsigned i = 0; i < 50000; i++)
        assert_ok(veld_buf_append_text(&bytes, "[{\"\":"));
    assert_ok(veld_buf_append_byte(&bytes, '\n'));
    check_case("n_structure_open_array_object", veld_buf_span(&bytes), seen);
    veld_buf_release(&bytes);
}

static void public_parsing_suite(void **state)
{
    (void)state;
    counts seen = {0};
    FILE *file = fopen(VECTORS "/json-parsing-suite/cases.txt", "r");
    assert_non_null(file);
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof line, file) != NULL) {
        char *space = strchr(line, ' ');
        assert_non_null(space);
        *space = '\0';
        char *hex = space + 1;
        hex[strcspn(hex, "\n")] = '\0';
        veld_buf bytes = decode(hex);
        check_case(line, veld_buf_span(&bytes), &seen);
        veld_buf_release(&bytes);
    }
    fclose(file);
    check_generated(&seen);
    assert_int_equal(seen.must_accept, 95);
    assert_int_equal(seen.must_refuse, 188);
    assert_int_equal(seen.is_free, 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(public_parsing_suite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
