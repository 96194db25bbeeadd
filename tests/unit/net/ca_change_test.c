/* The CA is changed twice. Who knows only the first comes to the server of the third by its
 * bridges; a device with a certificate of the first is known; who is of no CA of ours is not. */
#include "veld_test.h"

#include <string.h>

#include "net_pair.h"
#include "test_env.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"

enum { CAS = 3 };

static test_env world;
static test_agency first;    /* CA 0, with a device of it */
static test_agency stranger; /* of another agency */
static veld_p256_private keys[CAS];
static veld_buf cas[CAS], bridges[CAS]; /* bridges[i]: CA i signed by CA i - 1 */
static veld_buf server, client;         /* by the last CA */
static const veld_x509_period period = {1767225600, 2398377600};

static veld_x509_issuer issuer_of(size_t ca)
{
    return (veld_x509_issuer){
        .key = ca == 0 ? &first.ca_key : &keys[ca], .certificate = veld_buf_span(&cas[ca])};
}

static int open_world(void **state)
{
    (void)state;
    static const char *const names[] = {"127.0.0.1"};
    test_env_init(&world, 77);
    if (veld_crypto_init(NULL) != VELD_OK)
        return -1;
    test_agency_init(&first, &world.env);
    test_agency_init(&stranger, &world.env);
    for (size_t i = 0; i < CAS; i++) {
        veld_buf_init(&cas[i], 4096);
        veld_buf_init(&bridges[i], 4096);
        if (i == 0) {
            assert_ok(veld_buf_append_span(&cas[0], veld_buf_span(&first.ca)));
            continue;
        }
        const veld_x509_issuer before = issuer_of(i - 1);
        assert_ok(veld_p256_generate(&world.env, &keys[i], NULL));
        assert_ok(veld_x509_make_ca(&world.env, &keys[i], period, &cas[i], NULL));
        assert_ok(veld_x509_issue_bridge(
            &world.env, &before, &keys[i].public_key, period, &bridges[i], NULL));
    }
    const veld_x509_issuer last = issuer_of(CAS - 1);
    veld_buf_init(&server, 4096);
    veld_buf_init(&client, 4096);
    assert_ok(veld_x509_issue_server(
        &world.env, &last, &first.server_key.public_key, names, 1, period, &server, NULL));
    assert_ok(veld_x509_issue_client(
        &world.env, &last, &first.client_key.public_key, &first.device, period, &client, NULL));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAS; i++) {
        veld_p256_release(&keys[i]);
        veld_buf_release(&cas[i]);
        veld_buf_release(&bridges[i]);
    }
    veld_buf_release(&server);
    veld_buf_release(&client);
    test_agency_release(&first);
    test_agency_release(&stranger);
    return 0;
}

/* The server after two changes; `accepts` CAs of before beside its own. */
static veld_tls_identity *make_server(size_t shows, size_t accepts)
{
    veld_tls_identity *made = NULL;
    const veld_span shown[] = {veld_buf_span(&bridges[2]), veld_buf_span(&bridges[1])};
    const veld_span others[] = {veld_buf_span(&cas[1]), veld_buf_span(&cas[0])};
    const veld_tls_settings settings = {.server = true,
        .ca = veld_buf_span(&cas[2]),
        .certificate = veld_buf_span(&server),
        .key = &first.server_key,
        .others = others,
        .others_count = accepts,
        .bridges = shown,
        .bridges_count = shows};
    assert_ok(veld_tls_identity_new(&settings, &made, NULL));
    return made;
}

/* What becomes of one request of `as`; `known` tells what the server saw, when it was reached. */
static veld_status reach(
    const veld_tls_identity *as, const veld_tls_identity *to, veld_tls_peer *known, veld_buf *ca)
{
    test_pair pair;
    test_pair_open(&pair, as, to, "127.0.0.1");
    (void)!test_pair_ask(&pair, "/v1/x", veld_span_text("{}"));
    test_pair_run(&pair);
    veld_status status = pair.client.status;
    if (status == VELD_OK && pair.client.messages != 1)
        status = VELD_E_NETWORK;
    if (status == VELD_OK && known != NULL)
        *known = *veld_tls_get_peer(veld_http2_get_tls(pair.server.connection));
    if (status == VELD_OK && ca != NULL)
        assert_ok(
            veld_buf_append_span(ca, veld_tls_get_ca(veld_http2_get_tls(pair.client.connection))));
    test_pair_close(&pair);
    return status;
}

static void who_knows_only_the_first_ca_reaches_the_third(void **state)
{
    (void)state;
    veld_tls_peer known;
    veld_tls_identity *whole = make_server(2, 2), *broken = make_server(1, 2);
    assert_ok(reach(first.as_client, whole, &known, NULL));
    assert_true(known.known);
    assert_true(veld_id_equal(&known.facts.device, &first.device));
    assert_memory_equal(known.facts.issuer, first.ca_key_hash.bytes, VELD_X509_PIN_BYTES);
    assert_int_equal(reach(first.as_client, broken, NULL, NULL), VELD_E_FORGED);
    assert_int_equal(reach(stranger.as_client, whole, NULL, NULL), VELD_E_FORGED);
    veld_tls_identity_free(whole);
    veld_tls_identity_free(broken);
}

/* A CA that is not among the others any more: its devices are strangers. */
static void a_ca_counts_as_long_as_it_is_listed(void **state)
{
    (void)state;
    veld_tls_identity *server_only_last = make_server(2, 1);
    assert_int_not_equal(reach(first.as_client, server_only_last, NULL, NULL), VELD_OK);
    veld_tls_identity_free(server_only_last);
}

static void a_device_of_the_new_ca_is_known_and_a_newcomer_learns_it(void **state)
{
    (void)state;
    veld_tls_peer known;
    veld_hash hash;
    veld_buf learnt;
    veld_tls_identity *whole = make_server(2, 2), *renewed = NULL, *newcomer = NULL;
    const veld_span before = veld_buf_span(&cas[0]);
    const veld_tls_settings settings = {.ca = veld_buf_span(&cas[2]),
        .certificate = veld_buf_span(&client),
        .key = &first.client_key,
        .others = &before,
        .others_count = 1};
    assert_ok(veld_tls_identity_new(&settings, &renewed, NULL));
    assert_ok(reach(renewed, whole, &known, NULL));
    assert_true(known.known);
    /* A server from before the change is believed, but does not know the new certificate. */
    assert_int_equal(reach(renewed, first.as_server, NULL, NULL), VELD_E_NOT_ALLOWED);
    assert_ok(veld_x509_key_hash(&keys[2].public_key, &hash, NULL));
    const veld_tls_settings pin = {.pin = veld_span_of(hash.bytes, VELD_X509_PIN_BYTES)};
    assert_ok(veld_tls_identity_new(&pin, &newcomer, NULL));
    veld_buf_init(&learnt, VELD_CERTIFICATE_BYTES_MAX);
    assert_ok(reach(newcomer, whole, NULL, &learnt));
    assert_true(veld_span_equal(veld_buf_span(&learnt), veld_buf_span(&cas[2])));
    veld_buf_release(&learnt);
    veld_tls_identity_free(whole);
    veld_tls_identity_free(renewed);
    veld_tls_identity_free(newcomer);
}

/* A certificate by a CA that counts no more is shown, and accepts nobody. */
static void an_old_certificate_is_shown_without_trusting_its_ca(void **state)
{
    (void)state;
    veld_tls_peer known;
    veld_tls_identity *whole = make_server(2, 2), *late = NULL;
    veld_tls_settings settings = {.ca = veld_buf_span(&cas[2]),
        .certificate = veld_buf_span(&first.client),
        .key = &first.client_key};
    assert_int_equal(veld_tls_identity_new(&settings, &late, NULL), VELD_E_FORGED);
    settings.own_ca = veld_buf_span(&cas[0]);
    assert_ok(veld_tls_identity_new(&settings, &late, NULL));
    assert_ok(reach(late, whole, &known, NULL));
    assert_true(known.known);
    assert_int_equal(reach(late, first.as_server, NULL, NULL), VELD_E_FORGED);
    veld_tls_identity_free(whole);
    veld_tls_identity_free(late);
}

/* By `openssl req -x509` with pathlen:0, as CAs were made once, and its key. */
static const char old_ca[] =
    "308201ab30820152a00302010202143c52ca425f9fad07e078aeb98941db9f58eccd09300a06082a8648ce3d0403"
    "0230223120301e06035504030c1776656c646b69742d63612d303030303030303030303030301e170d3236313132"
    "323231313530365a170d3436313131373231313530365a30223120301e06035504030c1776656c646b69742d6361"
    "2d3030303030303030303030303059301306072a8648ce3d020106082a8648ce3d030107034200048ee4165f3fd7"
    "31d22968b45d95ceaaf134f086838a99ba40caf60041c0233e311d540e9b7c6e0801b318b850dc5958fd3cab5d2e"
    "51b31e190917f81e46ae3427a3663064301d0603551d0e04160414a04e65f5da5106bbdfa51213495adae7f2dd27"
    "52301f0603551d23041830168014a04e65f5da5106bbdfa51213495adae7f2dd275230120603551d130101ff0408"
    "30060101ff020100300e0603551d0f0101ff040403020106300a06082a8648ce3d0403020347003044022042a85a"
    "6059060a149df25ac4e4ddae71f4b05cbac443bc9fe9d42a8f566427620220799fd1176379c9e014ed9e4ad6f113"
    "4b734bdc66e293f98eeea143a1b5e8639d";
static const char old_key[] = "bb6139ffdfa1c16ee54a0cf9d79d8603ee1eecdaff0869e3e1091232d1bba2b3";

static void a_ca_that_may_sign_no_other_says_so(void **state)
{
    (void)state;
    uint8_t der[sizeof old_ca / 2], scalar[VELD_P256_PRIVATE_BYTES];
    veld_p256_private key = {0};
    veld_x509_facts facts;
    veld_buf bridge, issued;
    static const char *const names[] = {"127.0.0.1"};
    veld_buf_init(&bridge, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&issued, VELD_CERTIFICATE_BYTES_MAX);
    assert_ok(veld_hex_decode(veld_span_text(old_ca), der, sizeof der));
    assert_ok(veld_hex_decode(veld_span_text(old_key), scalar, sizeof scalar));
    assert_ok(veld_p256_import(veld_span_of(scalar, sizeof scalar), &key, NULL));
    const veld_x509_issuer old = {.key = &key, .certificate = veld_span_of(der, sizeof der)};
    assert_ok(veld_x509_read(old.certificate, &facts, NULL));
    assert_int_equal(facts.kind, VELD_X509_CA);
    assert_false(facts.may_follow);
    assert_int_equal(
        veld_x509_issue_bridge(&world.env, &old, &keys[1].public_key, period, &bridge, NULL),
        VELD_E_UNSUPPORTED);
    assert_int_equal(bridge.len, 0);
    assert_ok(veld_x509_issue_server(
        &world.env, &old, &first.server_key.public_key, names, 1, period, &issued, NULL));
    assert_ok(veld_x509_read(veld_buf_span(&cas[1]), &facts, NULL));
    assert_true(facts.may_follow);
    assert_ok(veld_x509_read(veld_buf_span(&issued), &facts, NULL));
    assert_false(facts.may_follow);
    veld_buf_release(&bridge);
    veld_buf_release(&issued);
    veld_p256_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_knows_only_the_first_ca_reaches_the_third),
        cmocka_unit_test(a_ca_counts_as_long_as_it_is_listed),
        cmocka_unit_test(a_device_of_the_new_ca_is_known_and_a_newcomer_learns_it),
        cmocka_unit_test(an_old_certificate_is_shown_without_trusting_its_ca),
        cmocka_unit_test(a_ca_that_may_sign_no_other_says_so),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
