/* The strict reader takes what the writer writes and nothing else. */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/cbor.h"
#include "veldkit/limits.h"

static veld_span bytes_of(const char *hex, uint8_t *out)
{
    size_t len = strlen(hex) / 2;
    assert_ok(veld_hex_decode(veld_span_text(hex), out, len));
    return veld_span_of(out, len);
}

static veld_status skip_status(const char *hex)
{
    uint8_t bytes[64];
    veld_cbor_reader reader = veld_cbor_read(bytes_of(hex, bytes));
    (void)veld_cbor_skip(&reader);
    return veld_cbor_reader_finish(&reader, NULL);
}

static void only_deterministic_items_are_read(void **state)
{
    (void)state;
    static const char *const good[] = {"00", "17", "1818", "19ffff", "1a00010000",
        "1b0000000100000000", "20", "37", "3818", "40", "4100", "60", "6161", "80", "820001", "a0",
        "a200010102", "f4", "f5", "f6", "8180"};
    static const char *const bad[] = {"1817", "1900ff", "1a0000ffff",
        "1b00000000ffffffff",                                 /* longer than needed */
        "3817", "580100", "780161", "980100", "b8010000",     /* the same for lengths */
        "5f4100ff", "7f6161ff", "9f00ff", "bf0000ff",         /* no definite length */
        "a2010000", "a201000100", "a1200000", "a1616100",     /* keys: order, double, kind */
        "c100", "f93c00", "fa3f800000", "fb3ff0000000000000", /* tag, floats */
        "f7", "e0", "f818", "f820", "ff", "1c", "fc",         /* other simple values, reserved */
        "61ff", "62c080", "63eda080", "64f4908080", "62c341", /* text that is no UTF-8 */
        "", "18", "41", "8201", "0000",                       /* cut, or too much */
        "9bffffffffffffffff", "5bffffffffffffffff", "bbffffffffffffffff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_ok(skip_status(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_not_equal(skip_status(bad[i]), VELD_OK);
}

static void depth_is_bounded(void **state)
{
    (void)state;
    uint8_t bytes[VELD_CBOR_DEPTH_MAX + 2];
    memset(bytes, 0x81, sizeof bytes);
    bytes[VELD_CBOR_DEPTH_MAX] = 0;
    veld_cbor_reader reader = veld_cbor_read(veld_span_of(bytes, VELD_CBOR_DEPTH_MAX + 1));
    assert_int_equal(veld_cbor_skip(&reader).len, VELD_CBOR_DEPTH_MAX + 1);
    assert_ok(veld_cbor_reader_finish(&reader, NULL));
    bytes[VELD_CBOR_DEPTH_MAX] = 0x81;
    bytes[VELD_CBOR_DEPTH_MAX + 1] = 0;
    reader = veld_cbor_read(veld_span_of(bytes, sizeof bytes));
    (void)veld_cbor_skip(&reader);
    assert_int_equal(veld_cbor_reader_finish(&reader, NULL), VELD_E_LIMIT);
}

static void every_integer_comes_back(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, 23, 24, 255, 256, 65535, 65536, UINT32_MAX,
        (int64_t)UINT32_MAX + 1, INT64_MAX, -1, -24, -25, -256, -257, INT64_MIN};
    veld_buf buf;
    veld_buf_init(&buf, 1024);
    veld_cbor_writer writer = veld_cbor_write(&buf);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        veld_cbor_put_int(&writer, numbers[i]);
    veld_cbor_put_uint(&writer, UINT64_MAX);
    assert_ok(veld_cbor_writer_finish(&writer, NULL));
    veld_cbor_reader reader = veld_cbor_read(veld_buf_span(&buf));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        assert_true(veld_cbor_int(&reader) == numbers[i]);
    veld_cbor_reader beyond = reader;
    assert_true(veld_cbor_int(&beyond) == 0); /* does not fit */
    assert_int_equal(beyond.status, VELD_E_FORM);
    assert_true(veld_cbor_uint(&reader) == UINT64_MAX);
    assert_ok(veld_cbor_reader_finish(&reader, NULL));
    veld_buf_release(&buf);
}

static void the_first_failure_stays_and_values_are_empty(void **state)
{
    (void)state;
    uint8_t bytes[8];
    veld_cbor_reader reader = veld_cbor_read(bytes_of("810500", bytes));
    assert_int_equal(veld_cbor_next(&reader), VELD_CBOR_ARRAY);
    assert_int_equal(veld_cbor_array(&reader, 0), 0);
    assert_int_equal(reader.status, VELD_E_LIMIT);
    assert_int_equal(veld_cbor_next(&reader), VELD_CBOR_NONE);
    assert_int_equal(veld_cbor_uint(&reader), 0);
    assert_int_equal(veld_cbor_bytes(&reader).len, 0);
    veld_cbor_reader_fail(&reader, VELD_E_NEWER);
    veld_error err;
    assert_int_equal(veld_cbor_reader_finish(&reader, &err), VELD_E_LIMIT);
}

static void short_bytes_are_told_apart(void **state)
{
    (void)state;
    uint8_t bytes[8];
    veld_cbor_reader reader = veld_cbor_read(bytes_of("4401", bytes));
    (void)veld_cbor_bytes(&reader);
    assert_true(reader.is_short);
    reader = veld_cbor_read(bytes_of("5801", bytes));
    (void)veld_cbor_uint(&reader);
    assert_true(reader.is_short);
    reader = veld_cbor_read(bytes_of("4101", bytes));
    (void)veld_cbor_uint(&reader);
    assert_false(reader.is_short);
}

static void a_full_buffer_is_left_as_it_was(void **state)
{
    (void)state;
    veld_buf buf;
    veld_buf_init(&buf, 4);
    assert_ok(veld_buf_append_byte(&buf, 7));
    veld_cbor_writer writer = veld_cbor_write(&buf);
    veld_cbor_put_boolean(&writer, true);
    veld_cbor_put_text(&writer, veld_span_text("abc"));
    veld_cbor_put_null(&writer);
    assert_int_equal(veld_cbor_writer_finish(&writer, NULL), VELD_E_LIMIT);
    assert_int_equal(buf.len, 1);
    veld_buf_release(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_deterministic_items_are_read),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(every_integer_comes_back),
        cmocka_unit_test(the_first_failure_stays_and_values_are_empty),
        cmocka_unit_test(short_bytes_are_told_apart),
        cmocka_unit_test(a_full_buffer_is_left_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
