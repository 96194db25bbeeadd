/* Messages of all sizes, in all pieces, and lines that are cut anywhere. */
#include <stdlib.h>
#include <string.h>

#include "net_pair.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"

static test_env world;
static test_agency ours;

static int setup(void **state)
{
    (void)state;
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&world, 12);
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

static veld_span pattern(size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return veld_span_of(bytes, len);
}

static void open_pair(test_pair *pair, bool tls)
{
    test_pair_open(
        pair, tls ? ours.as_client : NULL, tls ? ours.as_server : NULL, tls ? "127.0.0.1" : NULL);
}

static void bodies_of_all_sizes_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 16383, 16384, 65535, 65536, 262145, 5 << 20};
    for (int tls = 0; tls < 2; tls++) {
        test_pair pair;
        open_pair(&pair, tls == 1);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            const veld_span body = pattern(sizes[i]);
            assert_ok(test_pair_ask(&pair, "/v1/exchange", body));
            test_pair_run(&pair);
            assert_int_equal(pair.client.messages, i + 1);
            assert_int_equal(pair.client.http_status, 200);
            assert_int_equal(pair.client.ended_with, VELD_OK);
            assert_true(veld_span_equal(veld_buf_span(&pair.client.body), body));
            assert_string_equal(pair.server.path, "/v1/exchange");
            free((void *)(uintptr_t)body.data);
        }
        assert_int_equal(veld_http2_get_streams(pair.server.connection), 0);
        test_pair_close(&pair);
    }
}

static void pieces_may_be_of_any_size(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        for (size_t step = 1; step < 40; step += tls == 1 ? 19 : 3) {
            test_pair pair;
            open_pair(&pair, tls == 1);
            pair.step_bytes = step;
            const veld_span body = pattern(3000);
            assert_ok(test_pair_ask(&pair, "/", body));
            test_pair_run(&pair);
            assert_int_equal(pair.client.messages, 1);
            assert_true(veld_span_equal(veld_buf_span(&pair.client.body), body));
            free((void *)(uintptr_t)body.data);
            test_pair_close(&pair);
        }
    }
}

/* What is cut ends on both sides, with an error on the side that waits, and never half a message.
 */
static void check_cut(test_pair *pair)
{
    assert_int_equal(pair->client.ended, 1);
    if (pair->client.messages == 0) {
        assert_int_equal(pair->client.status, VELD_E_NETWORK);
        assert_int_equal(pair->client.ended_with, VELD_E_NETWORK);
    } else {
        assert_int_equal(pair->client.body.len, 20);
    }
    assert_int_equal(pair->server.ended, pair->server.heads);
    if (pair->server.messages > 0)
        assert_int_equal(pair->server.body.len, 20);
}

static void cut_everywhere(bool tls, bool up, uint64_t whole)
{
    for (uint64_t at = 0; at < whole; at += tls && at < 1000 ? 7 : 1) {
        test_pair pair;
        open_pair(&pair, tls);
        const veld_span body = pattern(20);
        pair.cut_up_after = up ? at : UINT64_MAX;
        pair.cut_down_after = up ? UINT64_MAX : at;
        assert_ok(test_pair_ask(&pair, "/v1/exchange", body));
        test_pair_run(&pair);
        /* Handshakes differ by some bytes in size, so the last places may lie behind the end. */
        assert_true(pair.cut || (tls && at + 32 > whole));
        if (pair.cut)
            check_cut(&pair);
        free((void *)(uintptr_t)body.data);
        test_pair_close(&pair);
    }
}

static void a_cut_at_any_byte_is_clean(void **state)
{
    (void)state;
    for (int tls = 0; tls < 2; tls++) {
        test_pair pair;
        open_pair(&pair, tls == 1);
        const veld_span body = pattern(20);
        assert_ok(test_pair_ask(&pair, "/v1/exchange", body));
        test_pair_run(&pair);
        const uint64_t up = pair.client.bytes_out;
        const uint64_t down = pair.server.bytes_out;
        free((void *)(uintptr_t)body.data);
        test_pair_close(&pair);
        cut_everywhere(tls == 1, true, up);
        cut_everywhere(tls == 1, false, down);
    }
}

static void many_requests_run_at_once(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    const veld_span body = pattern(70000);
    for (int i = 0; i < 200; i++)
        assert_ok(test_pair_ask(&pair, "/", body));
    test_pair_run(&pair);
    assert_int_equal(pair.client.messages, 200);
    assert_int_equal(pair.client.ended, 200);
    assert_int_equal(pair.server.ended, 200);
    assert_ok(pair.client.status);
    free((void *)(uintptr_t)body.data);
    test_pair_close(&pair);
}

static void a_body_over_the_limit_is_answered_413_early(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    pair.server.body_max = 1000;
    const veld_span body = pattern(5 << 20);
    assert_ok(test_pair_ask(&pair, "/", body));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 413);
    assert_int_equal(pair.client.ended_with, VELD_OK);
    assert_int_equal(pair.server.messages, 0);
    assert_int_equal(pair.server.ended_with, VELD_E_LIMIT);
    assert_true(pair.client.bytes_out < (1 << 20)); /* the rest was not sent */
    /* The connection goes on; at the limit is fine, one over is not. */
    assert_ok(test_pair_ask(&pair, "/", veld_span_part(body, 0, 1000)));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 200);
    assert_ok(test_pair_ask(&pair, "/", veld_span_part(body, 0, 1001)));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 413);
    pair.server.body_max = 0;
    assert_ok(test_pair_ask(&pair, "/", veld_span_part(body, 0, 1)));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 413);
    assert_ok(test_pair_ask(&pair, "/", veld_span_part(body, 0, 0)));
    test_pair_run(&pair);
    assert_int_equal(pair.client.http_status, 200);
    free((void *)(uintptr_t)body.data);
    test_pair_close(&pair);
}

static void an_answer_over_the_limit_ends_the_request_only(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    const veld_span body = pattern(100000);
    pair.client.body_max = 99999;
    assert_ok(test_pair_ask(&pair, "/", body));
    test_pair_run(&pair);
    assert_int_equal(pair.client.messages, 0);
    assert_int_equal(pair.client.ended_with, VELD_E_LIMIT);
    assert_ok(test_pair_ask(&pair, "/", veld_span_part(body, 0, 99999)));
    test_pair_run(&pair);
    assert_int_equal(pair.client.messages, 1);
    free((void *)(uintptr_t)body.data);
    test_pair_close(&pair);
}

static void a_request_may_be_cancelled(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    pair.server.keep_silent = true;
    assert_ok(test_pair_ask(&pair, "/", (veld_span){0}));
    test_pair_run(&pair);
    assert_int_equal(pair.server.messages, 1);
    assert_int_equal(pair.client.ended, 0);
    veld_http2_cancel(pair.client.connection, pair.server.last_stream);
    test_pair_run(&pair);
    assert_int_equal(pair.client.ended_with, VELD_E_INTERRUPTED);
    assert_int_equal(pair.server.ended, 1);
    assert_int_not_equal(pair.server.ended_with, VELD_OK);
    veld_http2_cancel(pair.client.connection, pair.server.last_stream);
    test_pair_close(&pair);
}

static void closing_lets_open_requests_finish(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    pair.server.keep_silent = true;
    assert_ok(test_pair_ask(&pair, "/", (veld_span){0}));
    test_pair_run(&pair);
    veld_http2_close(pair.server.connection);
    test_pair_run(&pair);
    assert_false(veld_http2_is_open(pair.client.connection));
    assert_false(veld_http2_is_over(pair.server.connection));
    assert_int_equal(test_pair_ask(&pair, "/", (veld_span){0}), VELD_E_BUSY);
    veld_buf answer;
    veld_buf_init(&answer, 10);
    assert_ok(veld_buf_append_text(&answer, "late"));
    assert_ok(veld_http2_respond(
        pair.server.connection, pair.server.last_stream, 200, NULL, &answer, 0, NULL));
    test_pair_run(&pair);
    assert_int_equal(pair.client.messages, 1);
    assert_true(veld_http2_is_over(pair.server.connection));
    assert_true(veld_http2_is_over(pair.client.connection));
    test_pair_close(&pair);
}

static void a_small_request_is_small(void **state)
{
    (void)state;
    test_pair pair;
    open_pair(&pair, true);
    const veld_span body = pattern(200);
    uint64_t up = 0;
    uint64_t down = 0;
    for (int i = 0; i < 3; i++) {
        up = pair.client.bytes_out;
        down = pair.server.bytes_out;
        assert_ok(test_pair_ask(&pair, "/v1/exchange", body));
        test_pair_run(&pair);
    }
    assert_in_range(pair.client.bytes_out - up, 200, 280);
    assert_in_range(pair.server.bytes_out - down, 200, 280);
    free((void *)(uintptr_t)body.data);
    test_pair_close(&pair);
}

static void no_memory_is_an_error_and_no_more(void **state)
{
    (void)state;
    /* Every allocation of a small exchange fails once: both sides end, nothing leaks or hangs. */
    for (uint64_t n = 1; n < 1000000; n++) {
        test_pair pair = {0};
        open_pair(&pair, true);
        const veld_span body = pattern(2000);
        (void)test_fail_allocation(n, false);
        if (test_pair_ask(&pair, "/v1/exchange", body) == VELD_OK)
            test_pair_run(&pair);
        const uint64_t seen = test_fail_allocation(0, false);
        const bool whole = pair.client.messages == 1;
        if (!whole && pair.client.ended == 1)
            assert_int_not_equal(pair.client.ended_with, VELD_OK);
        free((void *)(uintptr_t)body.data);
        test_pair_close(&pair);
        if (seen < n)
            return;
        if (n > 60)
            n += n / 12;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_all_sizes_come_back),
        cmocka_unit_test(pieces_may_be_of_any_size),
        cmocka_unit_test(a_cut_at_any_byte_is_clean),
        cmocka_unit_test(many_requests_run_at_once),
        cmocka_unit_test(a_body_over_the_limit_is_answered_413_early),
        cmocka_unit_test(an_answer_over_the_limit_ends_the_request_only),
        cmocka_unit_test(a_request_may_be_cancelled),
        cmocka_unit_test(closing_lets_open_requests_finish),
        cmocka_unit_test(a_small_request_is_small),
        cmocka_unit_test(no_memory_is_an_error_and_no_more),
    };
    return cmocka_run_group_tests_name("unit.net.http2", tests, setup, teardown);
}
