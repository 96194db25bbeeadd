/* Who may speak with whom, and what is said when not. */
#include <string.h>

#include "net_pair.h"
#include "tls_inner.h"
#include "veld_test.h"
#include "veldkit/crypto.h"

static test_env world;
static test_agency ours;
static test_agency theirs;

static int setup(void **state)
{
    (void)state;
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&world, 11);
    test_agency_init(&ours, &world.env);
    test_agency_init(&theirs, &world.env);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_agency_release(&ours);
    test_agency_release(&theirs);
    veld_crypto_close();
    return 0;
}

/* One request over a fresh connection; what became of it is in `pair`. */
static void ask(test_pair *pair, const veld_tls_identity *client, const veld_tls_identity *server,
    const char *host)
{
    test_pair_open(pair, client, server, host);
    assert_ok(test_pair_ask(pair, "/v1/exchange", veld_span_text("hello")));
    test_pair_run(pair);
}

static veld_tls_reason reason(const test_side *side)
{
    return veld_tls_get_reason(veld_http2_get_tls(side->connection));
}

static void a_device_of_the_agency_is_known_by_its_certificate(void **state)
{
    (void)state;
    test_pair pair;
    ask(&pair, ours.as_client, ours.as_server, "127.0.0.1");
    assert_int_equal(pair.client.messages, 1);
    assert_int_equal(pair.client.http_status, 200);
    assert_int_equal(pair.client.ended_with, VELD_OK);
    const veld_tls_peer *peer = veld_tls_get_peer(veld_http2_get_tls(pair.server.connection));
    assert_true(peer->known);
    assert_int_equal(peer->facts.kind, VELD_X509_CLIENT);
    assert_true(veld_id_equal(&peer->facts.device, &ours.device));
    peer = veld_tls_get_peer(veld_http2_get_tls(pair.client.connection));
    assert_int_equal(peer->facts.kind, VELD_X509_SERVER);
    test_pair_close(&pair);
}

static void a_device_without_certificate_comes_in_as_nobody(void **state)
{
    (void)state;
    test_pair pair;
    ask(&pair, ours.as_stranger, ours.as_server, NULL);
    assert_int_equal(pair.client.messages, 1);
    assert_false(veld_tls_get_peer(veld_http2_get_tls(pair.server.connection))->known);
    test_pair_close(&pair);
}

static void a_newcomer_learns_the_ca_from_its_pin(void **state)
{
    (void)state;
    test_pair pair;
    ask(&pair, ours.as_newcomer, ours.as_server, "localhost");
    assert_int_equal(pair.client.messages, 1);
    const veld_span ca = veld_tls_get_ca(veld_http2_get_tls(pair.client.connection));
    assert_true(veld_span_equal(ca, veld_buf_span(&ours.ca)));
    test_pair_close(&pair);
}

static void expect_client_refuses(
    const veld_tls_identity *client, const char *host, veld_tls_reason expected)
{
    test_pair pair;
    ask(&pair, client, theirs.as_server, host);
    assert_int_equal(pair.client.status, VELD_E_FORGED);
    assert_int_equal(pair.client.error.domain, VELD_DOMAIN_TLS);
    assert_int_equal(reason(&pair.client), expected);
    assert_int_equal(pair.client.ended_with, VELD_E_FORGED);
    assert_int_equal(pair.server.heads, 0);
    test_pair_close(&pair);
}

static void a_server_of_another_agency_is_refused(void **state)
{
    (void)state;
    expect_client_refuses(ours.as_client, "127.0.0.1", VELD_TLS_OTHER_AGENCY);
    expect_client_refuses(ours.as_stranger, NULL, VELD_TLS_OTHER_AGENCY);
    expect_client_refuses(ours.as_newcomer, NULL, VELD_TLS_OTHER_AGENCY);
}

static void a_server_for_another_host_is_refused(void **state)
{
    (void)state;
    expect_client_refuses(theirs.as_client, "192.0.2.7", VELD_TLS_OTHER_HOST);
    expect_client_refuses(theirs.as_newcomer, "example.org", VELD_TLS_OTHER_HOST);
}

static void a_device_of_another_agency_is_refused_and_hears_it(void **state)
{
    (void)state;
    /* It knows the right CA and shows a certificate of the wrong one. */
    const veld_tls_settings wrong = {.ca = veld_buf_span(&theirs.ca),
        .certificate = veld_buf_span(&theirs.client),
        .key = &theirs.client_key};
    veld_tls_identity *mixed = NULL;
    assert_ok(veld_tls_identity_new(&wrong, &mixed, NULL));
    mbedtls_ssl_conf_ca_chain(&mixed->config, &ours.as_client->ca, NULL);
    test_pair pair;
    ask(&pair, mixed, ours.as_server, "127.0.0.1");
    assert_int_equal(pair.server.status, VELD_E_FORGED);
    assert_int_equal(reason(&pair.server), VELD_TLS_OTHER_AGENCY);
    assert_int_equal(pair.server.heads, 0);
    assert_int_equal(pair.client.status, VELD_E_NOT_ALLOWED);
    assert_int_equal(reason(&pair.client), VELD_TLS_REFUSED);
    assert_int_equal(pair.client.ended_with, VELD_E_NOT_ALLOWED);
    test_pair_close(&pair);
    veld_tls_identity_free(mixed);
}

static void no_other_protocol_is_spoken(void **state)
{
    (void)state;
    static const char *other[] = {"http/1.1", NULL};
    const veld_tls_settings settings = {.ca = veld_buf_span(&ours.ca)};
    for (int i = 0; i < 2; i++) {
        veld_tls_identity *odd = NULL;
        assert_ok(veld_tls_identity_new(&settings, &odd, NULL));
        odd->config.MBEDTLS_PRIVATE(alpn_list) = i == 0 ? other : NULL;
        test_pair pair;
        ask(&pair, odd, ours.as_server, NULL);
        assert_int_equal(pair.server.status, VELD_E_UNSUPPORTED);
        assert_int_equal(reason(&pair.server), VELD_TLS_NOT_VELDKIT);
        assert_int_equal(pair.client.status, VELD_E_UNSUPPORTED);
        assert_int_equal(pair.server.heads, 0);
        test_pair_close(&pair);
        veld_tls_identity_free(odd);
    }
}

static void a_device_cannot_play_the_server(void **state)
{
    (void)state;
    const veld_tls_settings device = {.server = true,
        .ca = veld_buf_span(&ours.ca),
        .certificate = veld_buf_span(&ours.client),
        .key = &ours.client_key};
    veld_tls_identity *made = NULL;
    assert_int_equal(veld_tls_identity_new(&device, &made, NULL), VELD_E_INVALID);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    veld_tls_identity *made = NULL;
    const veld_tls_settings nothing = {0};
    assert_int_equal(veld_tls_identity_new(&nothing, &made, NULL), VELD_E_INVALID);
    const veld_tls_settings wrong_key = {.ca = veld_buf_span(&ours.ca),
        .certificate = veld_buf_span(&ours.client),
        .key = &ours.server_key};
    assert_int_equal(veld_tls_identity_new(&wrong_key, &made, NULL), VELD_E_INVALID);
    const veld_tls_settings unsure = {.pin = veld_span_of(ours.ca_key_hash.bytes, 6),
        .certificate = veld_buf_span(&ours.client),
        .key = &ours.client_key};
    assert_int_equal(veld_tls_identity_new(&unsure, &made, NULL), VELD_E_INVALID);
    const veld_tls_settings server = {.server = true, .ca = veld_buf_span(&ours.ca)};
    assert_int_equal(veld_tls_identity_new(&server, &made, NULL), VELD_E_INVALID);
}

static void what_is_not_tls_is_refused(void **state)
{
    (void)state;
    test_pair pair;
    test_pair_open(&pair, ours.as_client, ours.as_server, NULL);
    const veld_span http = veld_span_text("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    veld_error err;
    assert_int_equal(veld_http2_feed(pair.server.connection, http, 0, &err), VELD_E_NETWORK);
    assert_int_equal(reason(&pair.server), VELD_TLS_DAMAGED);
    /* It stays so. */
    assert_int_equal(veld_http2_feed(pair.server.connection, http, 0, NULL), VELD_E_NETWORK);
    test_pair_close(&pair);
}

static void a_flipped_bit_ends_the_connection(void **state)
{
    (void)state;
    test_pair pair;
    ask(&pair, ours.as_client, ours.as_server, NULL);
    assert_ok(test_pair_ask(&pair, "/v1/exchange", veld_span_text("again")));
    uint8_t bytes[512];
    const veld_span out = veld_http2_output(pair.client.connection, 0);
    assert_in_range(out.len, 30, sizeof bytes);
    memcpy(bytes, out.data, out.len);
    bytes[20] ^= 1;
    assert_int_equal(veld_http2_feed(pair.server.connection, veld_span_of(bytes, out.len), 0, NULL),
        VELD_E_NETWORK);
    assert_int_equal(reason(&pair.server), VELD_TLS_DAMAGED);
    assert_int_equal(pair.server.messages, 1);
    test_pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_of_the_agency_is_known_by_its_certificate),
        cmocka_unit_test(a_device_without_certificate_comes_in_as_nobody),
        cmocka_unit_test(a_newcomer_learns_the_ca_from_its_pin),
        cmocka_unit_test(a_server_of_another_agency_is_refused),
        cmocka_unit_test(a_server_for_another_host_is_refused),
        cmocka_unit_test(a_device_of_another_agency_is_refused_and_hears_it),
        cmocka_unit_test(no_other_protocol_is_spoken),
        cmocka_unit_test(a_device_cannot_play_the_server),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(what_is_not_tls_is_refused),
        cmocka_unit_test(a_flipped_bit_ends_the_connection),
    };
    return cmocka_run_group_tests_name("unit.net.tls", tests, setup, teardown);
}
