/* Spans, buffers, secrets and text forms. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/bytes.h"

static void spans_compare_by_bytes_then_length(void **state)
{
    (void)state;
    veld_span a = veld_span_text("ab");
    assert_true(veld_span_compare(a, veld_span_text("abc")) < 0);
    assert_true(veld_span_compare(veld_span_text("\xFF"), veld_span_text("a")) > 0);
    assert_true(veld_span_equal(a, veld_span_part(veld_span_text("xaby"), 1, 2)));
    assert_int_equal(veld_span_part(a, 1, SIZE_MAX).len, 0);
    assert_int_equal(veld_span_part(a, 3, 0).len, 0);
    assert_true(veld_span_equal_secret(a, veld_span_text("ab")));
    assert_false(veld_span_equal_secret(a, veld_span_text("aB")));
    assert_true(veld_span_equal((veld_span){0}, veld_span_text("")));
}

static void a_buffer_never_passes_its_maximum(void **state)
{
    (void)state;
    veld_buf buf;
    veld_buf_init(&buf, 100);
    for (int i = 0; i < 100; i++)
        assert_ok(veld_buf_append_byte(&buf, (uint8_t)i));
    assert_int_equal(veld_buf_append_byte(&buf, 0), VELD_E_LIMIT);
    assert_int_equal(veld_buf_reserve(&buf, SIZE_MAX), VELD_E_LIMIT);
    assert_int_equal(buf.len, 100);
    assert_int_equal(buf.data[99], 99);
    const char *text;
    assert_ok(veld_buf_text(&buf, &text));
    assert_int_equal(text[100], 0);
    assert_int_equal(buf.len, 100);
    size_t len;
    uint8_t *taken = veld_buf_take(&buf, &len);
    assert_int_equal(len, 100);
    assert_null(buf.data);
    veld_release(taken);
    assert_ok(veld_buf_text(&buf, &text));
    assert_string_equal(text, "");
    veld_buf_wipe(&buf);
}

static void extending_by_nothing_works_at_the_maximum(void **state)
{
    (void)state;
    veld_buf buf;
    uint8_t *place = NULL;
    veld_buf_init(&buf, 4);
    assert_ok(veld_buf_extend(&buf, 0, &place));
    assert_non_null(place);
    assert_ok(veld_buf_append(&buf, "abcd", 4));
    assert_ok(veld_buf_extend(&buf, 0, &place));
    assert_int_equal(veld_buf_extend(&buf, 1, &place), VELD_E_LIMIT);
    veld_buf_release(&buf);
}

static void a_failed_allocation_leaves_the_buffer_as_it_was(void **state)
{
    (void)state;
    veld_buf buf;
    veld_buf_init(&buf, 1 << 20);
    assert_ok(veld_buf_append_text(&buf, "kept"));
    test_fail_allocation(1, true);
    assert_int_equal(veld_buf_reserve(&buf, 100000), VELD_E_MEMORY);
    test_fail_allocation(0, false);
    assert_true(veld_span_equal(veld_buf_span(&buf), veld_span_text("kept")));
    veld_buf_release(&buf);
}

/* What the allocator is given back, to look at after it was wiped. */
static uint8_t last_freed[64];
static size_t watched_size;

static void watching_release(void *block)
{
    if (watched_size > 0)
        memcpy(last_freed, block, watched_size);
    free(block);
}

static void secrets_and_grown_buffers_are_wiped(void **state)
{
    (void)state;
    static const veld_allocator watching = {malloc, realloc, watching_release};
    static const uint8_t zeros[64];
    veld_allocator_set(&watching);
    veld_secret secret;
    assert_ok(veld_secret_copy(&secret, veld_span_text("0123456789abcdef0123456789abcdef")));
    watched_size = 32;
    memset(last_freed, 0xAA, sizeof last_freed);
    veld_secret_release(&secret);
    assert_memory_equal(last_freed, zeros, 32);
    veld_secret_release(&secret);

    veld_buf buf;
    veld_buf_init(&buf, 4096);
    assert_ok(veld_buf_append_text(&buf, "0123456789abcdef0123456789abcdef"));
    memset(last_freed, 0xAA, sizeof last_freed);
    assert_ok(veld_buf_reserve(&buf, 1000)); /* moves */
    assert_memory_equal(last_freed, zeros, 32);
    memset(last_freed, 0xAA, sizeof last_freed);
    veld_buf_wipe(&buf);
    assert_memory_equal(last_freed, zeros, 32);
    watched_size = 0;
    veld_allocator_set(NULL);
    assert_int_equal(veld_secret_init(&secret, (1 << 20) + 1), VELD_E_LIMIT);
}

static void hex_is_lower_case_and_exact(void **state)
{
    (void)state;
    char text[5];
    uint8_t bytes[2];
    veld_hex_encode(veld_span_of("\x0F\xA0", 2), text, sizeof text);
    assert_string_equal(text, "0fa0");
    assert_ok(veld_hex_decode(veld_span_text("0fa0"), bytes, 2));
    assert_memory_equal(bytes, "\x0F\xA0", 2);
    assert_int_equal(veld_hex_decode(veld_span_text("0FA0"), bytes, 2), VELD_E_FORM);
    assert_int_equal(veld_hex_decode(veld_span_text("0fa"), bytes, 2), VELD_E_FORM);
    assert_int_equal(veld_hex_decode(veld_span_text("0fa0"), bytes, 1), VELD_E_FORM);
    assert_int_equal(veld_hex_decode(veld_span_text("0fag"), bytes, 2), VELD_E_FORM);
}

static void base64_follows_rfc_4648(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *text, *url;
    } vectors[] = {
        {"", "", ""},
        {"f", "Zg==", "Zg"},
        {"fo", "Zm8=", "Zm8"},
        {"foo", "Zm9v", "Zm9v"},
        {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
        {"\xFF\xFE\xFD\xFF", "//79/w==", "__79_w"},
    };
    veld_buf out;
    veld_buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        for (int url = 0; url < 2; url++) {
            veld_span text = veld_span_text(url ? vectors[i].url : vectors[i].text);
            veld_buf_clear(&out);
            assert_ok(veld_base64_encode(veld_span_text(vectors[i].plain), url, &out));
            assert_true(veld_span_equal(veld_buf_span(&out), text));
            veld_buf_clear(&out);
            assert_ok(veld_base64_decode(text, url, &out));
            assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text(vectors[i].plain)));
        }
    }
    veld_buf_release(&out);
}

static void base64_has_one_text_per_value(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==\n", "Zg==Zg==", "Zm9 ", "__79"};
    static const char *const refused_url[] = {"Zg==", "Z", "Zh", "Zm9", "//79"};
    veld_buf out;
    veld_buf_init(&out, 1000);
    assert_ok(veld_buf_append_text(&out, "before"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(veld_base64_decode(veld_span_text(refused[i]), false, &out), VELD_E_FORM);
    for (size_t i = 0; i < sizeof refused_url / sizeof refused_url[0]; i++)
        assert_int_equal(
            veld_base64_decode(veld_span_text(refused_url[i]), true, &out), VELD_E_FORM);
    assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text("before")));
    veld_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_bytes_then_length),
        cmocka_unit_test(a_buffer_never_passes_its_maximum),
        cmocka_unit_test(extending_by_nothing_works_at_the_maximum),
        cmocka_unit_test(a_failed_allocation_leaves_the_buffer_as_it_was),
        cmocka_unit_test(secrets_and_grown_buffers_are_wiped),
        cmocka_unit_test(hex_is_lower_case_and_exact),
        cmocka_unit_test(base64_follows_rfc_4648),
        cmocka_unit_test(base64_has_one_text_per_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
