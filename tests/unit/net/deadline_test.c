/* Who is slow is ended at a time that does not move, whatever trickles in; and who floods is ended
 * before it costs much. The peer here is made of raw frames, without TLS where TLS adds nothing. */
#include <stdlib.h>
#include <string.h>

#include "net_pair.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

static test_env world;
static test_agency ours;

static int setup(void **state)
{
    (void)state;
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&world, 13);
    test_agency_init(&ours, &world.env);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_agency_release(&ours);
    veld_crypto_close();
    return 0;
}

/* ---- a raw client ---- */
enum { DATA = 0, HEADERS = 1, RESET = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/* POST https / x */
static const uint8_t post[] = {0x83, 0x87, 0x84, 0x41, 0x01, 'x'};

static size_t frame(uint8_t *out, uint8_t type, uint8_t flags, uint32_t stream, veld_span payload)
{
    out[0] = (uint8_t)(payload.len >> 16);
    veld_put_u16(out + 1, (uint16_t)payload.len);
    out[3] = type;
    out[4] = flags;
    veld_put_u32(out + 5, stream);
    if (payload.len > 0)
        memcpy(out + 9, payload.data, payload.len);
    return 9 + payload.len;
}

static veld_status feed_frame(
    test_pair *pair, uint8_t type, uint8_t flags, uint32_t stream, const void *payload, size_t len)
{
    uint8_t bytes[20000];
    assert_true(len < sizeof bytes - 9);
    const size_t size = frame(bytes, type, flags, stream, veld_span_of(payload, len));
    const veld_status status =
        veld_http2_feed(pair->server.connection, veld_span_of(bytes, size), pair->now_ms, NULL);
    /* What the server says is thrown away, as by a peer that only sends. */
    for (;;) {
        const veld_span out = veld_http2_output(pair->server.connection, pair->now_ms);
        if (out.len == 0)
            break;
        veld_http2_sent(pair->server.connection, out.len);
    }
    return status;
}

static void open_raw(test_pair *pair)
{
    test_pair_open(pair, NULL, NULL, NULL);
    assert_ok(veld_http2_feed(
        pair->server.connection, veld_span_of(preface, sizeof preface - 1), 0, NULL));
    assert_ok(feed_frame(pair, SETTINGS, 0, 0, NULL, 0));
}

static void expect_end_at(test_pair *pair, int64_t ms)
{
    assert_int_equal(veld_http2_deadline(pair->server.connection), ms);
    assert_ok(veld_http2_tick(pair->server.connection, ms - 1, NULL));
    assert_int_equal(veld_http2_tick(pair->server.connection, ms, NULL), VELD_E_TIMEOUT);
    (void)veld_http2_output(pair->server.connection, ms);
    assert_int_equal(pair->server.ended, pair->server.heads);
    assert_int_equal(veld_http2_deadline(pair->server.connection), INT64_MAX);
}

/* ---- time ---- */
static void a_silent_or_dripping_handshake_ends_after_5_s(void **state)
{
    (void)state;
    test_pair pair;
    test_pair_open(&pair, ours.as_client, ours.as_server, NULL);
    pair.now_ms = 4000;
    pair.cut_up_after = 30;
    const veld_span hello = veld_http2_output(pair.client.connection, 0);
    for (size_t i = 0; i < 40; i++)
        assert_ok(veld_http2_feed(
            pair.server.connection, veld_span_part(hello, i, 1), (int64_t)i * 100, NULL));
    expect_end_at(&pair, VELD_NET_HANDSHAKE_MS);
    test_pair_close(&pair);
}

static void a_head_that_drips_ends_10_s_after_the_handshake(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    uint8_t bytes[32];
    const size_t len = frame(bytes, HEADERS, 0, 1, veld_span_of(post, sizeof post));
    for (size_t i = 0; i < len; i++) {
        pair.now_ms = (int64_t)i * 500;
        assert_ok(
            veld_http2_feed(pair.server.connection, veld_span_of(bytes + i, 1), pair.now_ms, NULL));
    }
    expect_end_at(&pair, VELD_NET_HEAD_MS);
    test_pair_close(&pair);
}

static void a_body_has_30_s_and_its_size(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    pair.now_ms = 7000;
    pair.server.body_max = 81920;
    assert_ok(feed_frame(&pair, HEADERS, END_HEADERS, 1, post, sizeof post));
    for (int i = 0; i < 39; i++) {
        pair.now_ms += 1000;
        assert_ok(feed_frame(&pair, DATA, 0, 1, "x", 1));
    }
    expect_end_at(&pair, 7000 + VELD_NET_BODY_MS + 10000);
    assert_int_equal(pair.server.ended_with, VELD_E_TIMEOUT);
    assert_int_equal(pair.server.messages, 0);
    test_pair_close(&pair);
}

static void an_answer_that_is_not_taken_ends_too(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    static uint8_t large[819200];
    pair.server.answer_with = veld_span_of(large, sizeof large);
    assert_ok(feed_frame(&pair, HEADERS, END_HEADERS | END_STREAM, 1, post, sizeof post));
    assert_int_equal(pair.server.messages, 1);
    expect_end_at(&pair, VELD_NET_BODY_MS + 100000);
    test_pair_close(&pair);
}

static void an_idle_connection_ends_after_60_s_and_pings_do_not_help(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    pair.now_ms = 5000;
    assert_ok(feed_frame(&pair, HEADERS, END_HEADERS | END_STREAM, 1, post, sizeof post));
    assert_int_equal(pair.server.ended_with, VELD_OK);
    for (int i = 0; i < 50; i++) {
        pair.now_ms += 1000;
        assert_ok(feed_frame(&pair, PING, 0, 0, "12345678", 8));
    }
    expect_end_at(&pair, 5000 + VELD_NET_IDLE_MS);
    test_pair_close(&pair);
}

static void streams_without_a_head_do_not_buy_time(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    const uint8_t cancel[4] = {0, 0, 0, 8};
    for (uint32_t i = 0; i < 5; i++) {
        pair.now_ms = 1000 * (int64_t)i;
        assert_ok(feed_frame(&pair, HEADERS, END_HEADERS, 2 * i + 1, "\x83", 1));
        (void)feed_frame(&pair, RESET, 0, 2 * i + 1, cancel, 4);
    }
    expect_end_at(&pair, VELD_NET_HEAD_MS);
    test_pair_close(&pair);
}

static void an_application_may_take_its_time(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    pair.server.keep_silent = true;
    assert_ok(feed_frame(&pair, HEADERS, END_HEADERS | END_STREAM, 1, post, sizeof post));
    assert_int_equal(veld_http2_deadline(pair.server.connection), INT64_MAX);
    assert_ok(veld_http2_tick(pair.server.connection, 3600000, NULL));
    test_pair_close(&pair);
    assert_int_equal(pair.server.ended_with, VELD_E_INTERRUPTED);
}

/* ---- floods ---- */
static void expect_flood(
    uint8_t type, uint8_t flags, uint32_t stream, const char *payload, size_t len, unsigned at_most)
{
    test_pair pair;
    open_raw(&pair);
    unsigned count = 0;
    while (feed_frame(&pair, type, flags, stream, payload, len) == VELD_OK && count <= at_most)
        count++;
    assert_in_range(count, 10, at_most);
    assert_true(veld_http2_is_over(pair.server.connection));
    test_pair_close(&pair);
}

static void frames_without_work_are_counted(void **state)
{
    (void)state;
    expect_flood(PING, 0, 0, "12345678", 8, VELD_HTTP2_IDLE_FRAMES_MAX);
    expect_flood(SETTINGS, 0, 0, "\0\3\0\0\0\1", 6, VELD_HTTP2_IDLE_FRAMES_MAX);
    expect_flood(2, 0, 1, "\0\0\0\3\1", 5, VELD_HTTP2_IDLE_FRAMES_MAX); /* priority */
}

static void rapid_reset_is_ended(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    const uint8_t cancel[4] = {0, 0, 0, 8};
    uint32_t stream = 1;
    pair.server.keep_silent = true;
    while (stream < 20001) {
        if (feed_frame(&pair, HEADERS, END_HEADERS, stream, post, sizeof post) != VELD_OK ||
            feed_frame(&pair, RESET, 0, stream, cancel, sizeof cancel) != VELD_OK)
            break;
        stream += 2;
    }
    assert_in_range(pair.server.heads, 50, VELD_HTTP2_IDLE_FRAMES_MAX);
    assert_int_equal(pair.server.ended, pair.server.heads);
    assert_true(veld_http2_is_over(pair.server.connection));
    test_pair_close(&pair);
}

static void empty_data_frames_are_counted(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    assert_ok(feed_frame(&pair, HEADERS, END_HEADERS, 1, post, sizeof post));
    unsigned count = 0;
    while (feed_frame(&pair, DATA, 0, 1, NULL, 0) == VELD_OK && count < 10000)
        count++;
    assert_in_range(count, 10, VELD_HTTP2_IDLE_FRAMES_MAX);
    test_pair_close(&pair);
}

static void streams_at_once_are_bounded(void **state)
{
    (void)state;
    test_pair pair;
    open_raw(&pair);
    pair.server.keep_silent = true;
    for (uint32_t i = 0; i < 100; i++)
        (void)feed_frame(&pair, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, post, sizeof post);
    assert_in_range(veld_http2_get_streams(pair.server.connection), 1, VELD_HTTP2_STREAMS_MAX);
    test_pair_close(&pair);
}

static void a_large_head_is_answered_431(void **state)
{
    (void)state;
    test_pair pair;
    test_pair_open(&pair, NULL, NULL, NULL);
    char path[VELD_HTTP2_PATH_BYTES_MAX + 1];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_ok(test_pair_ask(&pair, path, (veld_span){0}));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 200);
    test_pair_close(&pair);

    /* A field of 9000 bytes over three frames, as the client's own limits would not send it. */
    open_raw(&pair);
    uint8_t head[9100];
    static const uint8_t field[] = {0x00, 0x01, 'a', 0x7f, 0xa9, 0x45}; /* a: 9000 bytes */
    memcpy(head, post, sizeof post);
    memcpy(head + sizeof post, field, sizeof field);
    memset(head + sizeof post + sizeof field, 'b', 9000);
    const size_t len = sizeof post + sizeof field + 9000;
    assert_ok(feed_frame(&pair, HEADERS, END_STREAM, 1, head, 4000));
    assert_ok(feed_frame(&pair, CONTINUATION, 0, 1, head + 4000, 4000));
    assert_ok(feed_frame(&pair, CONTINUATION, END_HEADERS, 1, head + 8000, len - 8000));
    assert_int_equal(pair.server.heads, 0);
    assert_int_equal(veld_http2_get_streams(pair.server.connection), 0);
    test_pair_close(&pair);
}

static void what_is_not_http2_is_refused(void **state)
{
    (void)state;
    test_pair pair;
    test_pair_open(&pair, NULL, NULL, NULL);
    const veld_span http = veld_span_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(veld_http2_feed(pair.server.connection, http, 0, NULL), VELD_E_FORM);
    assert_true(veld_http2_is_over(pair.server.connection));
    test_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_or_dripping_handshake_ends_after_5_s),
        cmocka_unit_test(a_head_that_drips_ends_10_s_after_the_handshake),
        cmocka_unit_test(a_body_has_30_s_and_its_size),
        cmocka_unit_test(an_answer_that_is_not_taken_ends_too),
        cmocka_unit_test(an_idle_connection_ends_after_60_s_and_pings_do_not_help),
        cmocka_unit_test(streams_without_a_head_do_not_buy_time),
        cmocka_unit_test(an_application_may_take_its_time),
        cmocka_unit_test(frames_without_work_are_counted),
        cmocka_unit_test(rapid_reset_is_ended),
        cmocka_unit_test(empty_data_frames_are_counted),
        cmocka_unit_test(streams_at_once_are_bounded),
        cmocka_unit_test(a_large_head_is_answered_431),
        cmocka_unit_test(what_is_not_http2_is_refused),
    };
    return cmocka_run_group_tests_name("unit.net.deadline", tests, setup, teardown);
}
