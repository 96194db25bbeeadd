/* Streams of frames: whole, in pieces, cut, of a newer program. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/crypto.h"
#include "veldkit/frame.h"

enum { BYTES_MAX = 1 << 16 };

static void write_stream(veld_buf *out, veld_frame_carrier carrier)
{
    veld_frame_writer writer;
    assert_ok(veld_frame_writer_begin(&writer, carrier, "veldkit 0.1", out, NULL));
    assert_ok(veld_frame_writer_add(&writer, VELD_FRAME_GRANT, veld_span_text("grant"), NULL));
    assert_ok(veld_frame_writer_add(&writer, (veld_frame_type)99, veld_span_text(""), NULL));
    assert_ok(veld_frame_writer_add(&writer, VELD_FRAME_ENVELOPE, veld_span_text("env"), NULL));
    assert_ok(veld_frame_writer_end(&writer, NULL));
}

/* read_all: in pieces of `step` bytes; counts known and unknown frames. */
static veld_status read_all(
    veld_span bytes, veld_frame_carrier carrier, size_t step, int *known, int *unknown)
{
    veld_frame_reader reader;
    veld_status status;
    *known = *unknown = 0;
    VELD_TRY(veld_frame_reader_init(&reader, carrier, NULL));
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        VELD_TRY(veld_frame_reader_add(&reader, veld_span_part(bytes, at, len), NULL));
        for (bool have = true; have;) {
            veld_frame frame;
            VELD_TRY(veld_frame_reader_next(&reader, &frame, &have, NULL));
            bool is_known = frame.type == VELD_FRAME_GRANT || frame.type == VELD_FRAME_ENVELOPE;
            const char *body = frame.type == VELD_FRAME_GRANT ? "grant" : "env";
            if (have && is_known && veld_span_equal(frame.body, veld_span_text(body)))
                *known += 1;
            if (have && !is_known)
                *unknown += 1;
        }
    }
    status = veld_frame_reader_finish(&reader, NULL);
done:
    veld_frame_reader_release(&reader);
    return status;
}

static void a_stream_comes_back_in_any_pieces(void **state)
{
    (void)state;
    for (int carrier = VELD_FRAME_STREAM; carrier <= VELD_FRAME_FILE; carrier++) {
        veld_buf bytes;
        veld_buf_init(&bytes, BYTES_MAX);
        write_stream(&bytes, (veld_frame_carrier)carrier);
        for (size_t step = 1; step <= bytes.len; step++) {
            int known, unknown;
            assert_ok(read_all(
                veld_buf_span(&bytes), (veld_frame_carrier)carrier, step, &known, &unknown));
            assert_int_equal(known, 2);
            assert_int_equal(unknown, 1);
        }
        veld_buf_release(&bytes);
    }
}

static void a_cut_stream_is_seen_at_every_byte(void **state)
{
    (void)state;
    int known, unknown;
    veld_buf bytes;
    veld_buf_init(&bytes, BYTES_MAX);
    write_stream(&bytes, VELD_FRAME_FILE);
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_equal(
            read_all(veld_span_of(bytes.data, len), VELD_FRAME_FILE, BYTES_MAX, &known, &unknown),
            VELD_E_DAMAGED);
    assert_ok(veld_buf_append_byte(&bytes, 0));
    assert_int_equal(
        read_all(veld_buf_span(&bytes), VELD_FRAME_FILE, BYTES_MAX, &known, &unknown), VELD_E_FORM);
    veld_buf_release(&bytes);
}

static void every_flipped_bit_is_refused(void **state)
{
    (void)state;
    int known, unknown;
    veld_buf bytes;
    veld_buf_init(&bytes, BYTES_MAX);
    write_stream(&bytes, VELD_FRAME_FILE);
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            read_all(veld_buf_span(&bytes), VELD_FRAME_FILE, 7, &known, &unknown), VELD_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    veld_buf_release(&bytes);
}

/* read_bytes: the status of reading these bytes as a stream, and the error's text. */
static veld_status read_bytes(const void *data, size_t len, veld_error *err)
{
    veld_frame_reader reader;
    veld_frame frame;
    bool have;
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    assert_ok(veld_frame_reader_add(&reader, veld_span_of(data, len), NULL));
    veld_status status = veld_frame_reader_next(&reader, &frame, &have, err);
    if (status != VELD_OK) /* broken afterwards */
        assert_int_equal(veld_frame_reader_next(&reader, &frame, &have, NULL), VELD_E_FORM);
    veld_frame_reader_release(&reader);
    return status;
}

static void a_newer_major_is_refused_with_both_versions(void **state)
{
    (void)state;
    veld_error err = {0};
    static const uint8_t newer[] = {0x82, 0, 0x45, 0x83, 7, 3, 0x61, 'x'};
    assert_int_equal(read_bytes(newer, sizeof newer, &err), VELD_E_NEWER);
    assert_non_null(strstr(err.text, "7.3"));
    assert_non_null(strstr(err.text, "0.0"));
    static const uint8_t newer_minor[] = {0x82, 0, 0x46, 0x84, 0, 3, 0x61, 'x', 0xF6};
    assert_ok(read_bytes(newer_minor, sizeof newer_minor, &err));
}

static void what_is_no_stream_is_refused(void **state)
{
    (void)state;
    veld_error err;
    static const uint8_t no_version[] = {0x82, 3, 0x40};
    static const uint8_t twice[] = {
        0x82, 0, 0x45, 0x83, 0, 0, 0x61, 'x', 0x82, 0, 0x45, 0x83, 0, 0, 0x61, 'x'};
    static const uint8_t huge[] = {0x82, 4, 0x5B, 0, 0, 1, 0, 0, 0, 0, 0};
    static const uint8_t not_shortest[] = {0x82, 0x18, 0, 0x40};
    static const uint8_t three[] = {0x83, 0, 0x40, 0};
    assert_int_equal(read_bytes(no_version, sizeof no_version, &err), VELD_E_FORM);
    assert_int_equal(read_bytes(twice, sizeof twice, &err), VELD_E_FORM);
    assert_int_equal(read_bytes(huge, sizeof huge, &err), VELD_E_LIMIT);
    assert_int_equal(read_bytes(not_shortest, sizeof not_shortest, &err), VELD_E_FORM);
    assert_int_equal(read_bytes(three, sizeof three, &err), VELD_E_FORM);
}

static int start(void **state)
{
    (void)state;
    return veld_crypto_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_comes_back_in_any_pieces),
        cmocka_unit_test(a_cut_stream_is_seen_at_every_byte),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(a_newer_major_is_refused_with_both_versions),
        cmocka_unit_test(what_is_no_stream_is_refused),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
