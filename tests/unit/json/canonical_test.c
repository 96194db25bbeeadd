/* Canonical form: the vectors of RFC 8785 with integers, the order of names, the writer. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/json.h"

#ifndef VECTORS
#error "VECTORS is the folder of test vectors"
#endif

enum { OUT_MAX = 1 << 20 };

static veld_status canonical(veld_span text, veld_buf *out)
{
    veld_json_doc *doc = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(veld_json_parse(text, VELD_JSON_IJSON, &doc, NULL, NULL));
    VELD_TRY(veld_json_canonical(veld_json_root(doc), out, NULL));
done:
    veld_json_doc_free(doc);
    return status;
}

static veld_buf read_file(const char *name, const char *kind)
{
    char path[512];
    snprintf(path, sizeof path, "%s/json-canonical/%s.%s.json", VECTORS, name, kind);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t bytes[4096];
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    veld_buf out;
    veld_buf_init(&out, OUT_MAX);
    assert_ok(veld_buf_append(&out, bytes, len));
    return out;
}

static void vectors_of_rfc_8785(void **state)
{
    (void)state;
    static const char *const names[] = {"arrays", "french", "structures", "unicode", "weird"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        veld_buf input = read_file(names[i], "input");
        veld_buf expected = read_file(names[i], "output");
        veld_buf out;
        veld_buf_init(&out, OUT_MAX);
        assert_ok(canonical(veld_buf_span(&input), &out));
        assert_true(veld_span_equal(veld_buf_span(&out), veld_buf_span(&expected)));
        assert_true(veld_json_is_canonical(veld_buf_span(&expected)));
        veld_buf_release(&input);
        veld_buf_release(&expected);
        veld_buf_release(&out);
    }
}

static void fractions_are_refused(void **state)
{
    (void)state;
    veld_buf input = read_file("values", "input");
    veld_buf output = read_file("values", "output");
    veld_buf out;
    veld_buf_init(&out, OUT_MAX);
    assert_ok(veld_buf_append_text(&out, "kept"));
    assert_int_equal(canonical(veld_buf_span(&input), &out), VELD_E_UNSUPPORTED);
    assert_int_equal(out.len, 4);
    assert_false(veld_json_is_canonical(veld_buf_span(&output)));
    veld_buf_release(&input);
    veld_buf_release(&output);

    /* The same vector without its fractions. */
    static const char in[] =
        "{\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/"
        "\", \"numbers\": [-0, 5E1, 0.0], \"literals\": [null, true, false]}";
    static const char expected[] = "{\"literals\":[null,true,false],\"numbers\":[0,50,0],"
                                   "\"string\":\"\xE2\x82\xAC$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
    veld_buf_clear(&out);
    assert_ok(canonical(veld_span_text(in), &out));
    assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text(expected)));
    veld_buf_release(&out);
}

static void every_control_has_its_escape(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        char text[2] = {(char)c, '\0'};
        veld_buf out;
        veld_buf_init(&out, 64);
        veld_json_writer writer;
        veld_json_writer_init(&writer, &out);
        veld_json_writer_text(&writer, text);
        assert_ok(veld_json_writer_finish(&writer, NULL));
        char expected[16];
        static const char letters[] = "btn.fr";
        if (c >= 8 && c <= 13 && c != 11)
            snprintf(expected, sizeof expected, "\"\\%c\"", letters[c - 8]);
        else if (c < 0x20)
            snprintf(expected, sizeof expected, "\"\\u%04x\"", c);
        else if (c == '"' || c == '\\')
            snprintf(expected, sizeof expected, "\"\\%c\"", (char)c);
        else
            snprintf(expected, sizeof expected, "\"%c\"", (char)c);
        assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text(expected)));
        assert_true(veld_json_is_canonical(veld_buf_span(&out)));
        veld_buf_release(&out);
    }
}

static void names_are_ordered_by_utf16(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "\r", "1", "10", "A", "a", "aa", "\xC2\x80",
        "\xC3\xB6", "\xE2\x82\xAC", "\xED\x9F\xBF", "\xF0\x90\x80\x80", "\xF0\x9F\x98\x82",
        "\xF4\x8F\xBF\xBD", "\xEE\x80\x80", "\xEF\xAC\xB3", "\xEF\xBF\xBD"};
    size_t count = sizeof sorted / sizeof *sorted;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order =
                veld_json_compare_names(veld_span_text(sorted[i]), veld_span_text(sorted[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

static void writer_sorts_members(void **state)
{
    (void)state;
    veld_buf out;
    veld_buf_init(&out, OUT_MAX);
    assert_ok(veld_buf_append_text(&out, "before:"));
    veld_json_writer w;
    veld_json_writer_init(&w, &out);
    veld_json_writer_object_begin(&w);
    veld_json_writer_name(&w, "z");
    veld_json_writer_array_begin(&w);
    veld_json_writer_integer(&w, -5);
    veld_json_writer_null(&w);
    veld_json_writer_object_begin(&w);
    veld_json_writer_object_end(&w);
    veld_json_writer_array_begin(&w);
    veld_json_writer_array_end(&w);
    veld_json_writer_array_end(&w);
    veld_json_writer_name(&w, "b");
    veld_json_writer_object_begin(&w);
    veld_json_writer_name(&w, "y");
    veld_json_writer_boolean(&w, true);
    veld_json_writer_name(&w, "\n");
    veld_json_writer_text(&w, "v\"");
    veld_json_writer_object_end(&w);
    veld_json_writer_name(&w, "a");
    veld_json_writer_canonical(&w, veld_span_text("{\"p\":[1,2]}"));
    veld_json_writer_object_end(&w);
    assert_ok(veld_json_writer_finish(&w, NULL));
    veld_json_writer_release(&w);
    assert_true(veld_span_equal(veld_buf_span(&out),
        veld_span_text("before:{\"a\":{\"p\":[1,2]},\"b\":{\"\\n\":\"v\\\"\",\"y\":true},"
                       "\"z\":[-5,null,{},[]]}")));
    veld_buf_release(&out);
}

typedef void write_something(veld_json_writer *writer);

static void write_bad_utf8(veld_json_writer *w)
{
    veld_json_writer_text(w, "\xC0\x80");
}

static void write_noncharacter(veld_json_writer *w)
{
    veld_json_writer_text(w, "\xEF\xBF\xBF");
}

static void write_zero(veld_json_writer *w)
{
    veld_json_writer_text_span(w, veld_span_of("a\0b", 3));
}

static void write_large_integer(veld_json_writer *w)
{
    veld_json_writer_integer(w, VELD_JSON_INTEGER_MAX + 1);
}

static void write_name_twice(veld_json_writer *w)
{
    veld_json_writer_object_begin(w);
    veld_json_writer_name(w, "a");
    veld_json_writer_null(w);
    veld_json_writer_name(w, "a");
    veld_json_writer_null(w);
    veld_json_writer_object_end(w);
}

static void write_name_twice_apart(veld_json_writer *w)
{
    static const char *const names[] = {"b", "a", "b"};
    veld_json_writer_object_begin(w);
    for (size_t i = 0; i < 3; i++) {
        veld_json_writer_name(w, names[i]);
        veld_json_writer_null(w);
    }
    veld_json_writer_object_end(w);
}

static void write_bad_name(veld_json_writer *w)
{
    veld_json_writer_object_begin(w);
    veld_json_writer_name(w, "\xFF");
    veld_json_writer_null(w);
    veld_json_writer_object_end(w);
}

static void write_too_deep(veld_json_writer *w)
{
    for (unsigned i = 0; i <= VELD_JSON_DEPTH_MAX; i++)
        veld_json_writer_array_begin(w);
}

static void write_spliced_too_deep(veld_json_writer *w)
{
    for (unsigned i = 0; i < VELD_JSON_DEPTH_MAX; i++)
        veld_json_writer_array_begin(w);
    veld_json_writer_canonical(w, veld_span_text("[]"));
}

static void write_not_canonical(veld_json_writer *w)
{
    veld_json_writer_canonical(w, veld_span_text("[1, 2]"));
}

static void write_too_many(veld_json_writer *w)
{
    veld_json_writer_array_begin(w);
    for (unsigned i = 0; i <= VELD_JSON_MEMBERS_MAX; i++)
        veld_json_writer_null(w);
    veld_json_writer_array_end(w);
}

static void write_too_large(veld_json_writer *w)
{
    veld_json_writer_array_begin(w);
    for (unsigned i = 0; i < 1000; i++)
        veld_json_writer_text(w, "a text of more than forty bytes, a thousand times");
    for (unsigned i = 0; i < 100; i++)
        veld_json_writer_canonical(
            w, veld_span_text("\"a text of more than forty bytes, spliced\""));
    for (unsigned i = 0; i < 20; i++) {
        veld_json_writer_object_begin(w);
        veld_json_writer_name(w, "n");
    }
}

static void writer_keeps_its_first_failure(void **state)
{
    (void)state;
    static const struct {
        write_something *write;
        veld_status status;
        size_t max;
    } cases[] = {
        {write_bad_utf8, VELD_E_FORM, OUT_MAX},
        {write_noncharacter, VELD_E_FORM, OUT_MAX},
        {write_zero, VELD_E_FORM, OUT_MAX},
        {write_large_integer, VELD_E_LIMIT, OUT_MAX},
        {write_name_twice, VELD_E_EXISTS, OUT_MAX},
        {write_name_twice_apart, VELD_E_EXISTS, OUT_MAX},
        {write_bad_name, VELD_E_FORM, OUT_MAX},
        {write_too_deep, VELD_E_LIMIT, OUT_MAX},
        {write_spliced_too_deep, VELD_E_LIMIT, OUT_MAX},
        {write_not_canonical, VELD_E_FORM, OUT_MAX},
        {write_too_many, VELD_E_LIMIT, 2 * OUT_MAX},
        {write_too_large, VELD_E_LIMIT, 4000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        veld_buf out;
        veld_buf_init(&out, cases[i].max);
        assert_ok(veld_buf_append_text(&out, "kept"));
        veld_json_writer writer;
        veld_json_writer_init(&writer, &out);
        cases[i].write(&writer);
        veld_error err;
        assert_int_equal(veld_json_writer_finish(&writer, &err), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        assert_int_equal(out.len, 4);
        veld_buf_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_8785),
        cmocka_unit_test(fractions_are_refused),
        cmocka_unit_test(every_control_has_its_escape),
        cmocka_unit_test(names_are_ordered_by_utf16),
        cmocka_unit_test(writer_sorts_members),
        cmocka_unit_test(writer_keeps_its_first_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
