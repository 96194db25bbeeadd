/* Certificates: what is made is what is read, and nothing else passes. */
#include <stdio.h>
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/x509.h"

static test_env world;
static veld_p256_private ca_key;
static veld_p256_private key;
static veld_p256_private other_key;
static veld_buf ca;
static veld_buf other_ca;
static const veld_x509_period whole = {0, 253402300799};

static int setup(void **state)
{
    (void)state;
    assert_ok(veld_crypto_init(NULL));
    test_env_init(&world, 14);
    assert_ok(veld_p256_generate(&world.env, &ca_key, NULL));
    assert_ok(veld_p256_generate(&world.env, &key, NULL));
    assert_ok(veld_p256_generate(&world.env, &other_key, NULL));
    veld_buf_init(&ca, 4096);
    veld_buf_init(&other_ca, 4096);
    assert_ok(veld_x509_make_ca(&world.env, &ca_key, whole, &ca, NULL));
    assert_ok(veld_x509_make_ca(&world.env, &other_key, whole, &other_ca, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    veld_buf_release(&ca);
    veld_buf_release(&other_ca);
    veld_p256_release(&ca_key);
    veld_p256_release(&key);
    veld_p256_release(&other_key);
    veld_crypto_close();
    return 0;
}

static void make_client(veld_buf *out, const veld_id *device, veld_x509_period period)
{
    const veld_x509_issuer issuer = {&ca_key, veld_buf_span(&ca)};
    veld_buf_init(out, VELD_CERTIFICATE_BYTES_MAX);
    assert_ok(
        veld_x509_issue_client(&world.env, &issuer, &key.public_key, device, period, out, NULL));
}

static void a_client_certificate_says_which_device(void **state)
{
    (void)state;
    const veld_x509_period period = {1772438400, 1803974399};
    veld_id device;
    veld_buf made;
    veld_x509_facts facts;
    assert_ok(veld_id_new(&world.env, &device, NULL));
    make_client(&made, &device, period);
    assert_ok(
        veld_x509_check(veld_buf_span(&made), veld_buf_span(&ca), VELD_X509_CLIENT, &facts, NULL));
    assert_true(veld_id_equal(&facts.device, &device));
    assert_true(veld_p256_public_equal(&facts.key, &key.public_key));
    assert_int_equal(facts.period.not_before_utc_s, period.not_before_utc_s);
    assert_int_equal(facts.period.not_after_utc_s, period.not_after_utc_s);
    assert_true(veld_x509_covers(&facts, period.not_after_utc_s));
    assert_false(veld_x509_covers(&facts, period.not_after_utc_s + 1));
    assert_false(veld_x509_covers(&facts, period.not_before_utc_s - 1));
    veld_hash hash;
    assert_ok(veld_x509_key_hash(&key.public_key, &hash, NULL));
    assert_true(veld_hash_equal(&hash, &facts.key_hash));
    assert_in_range(made.len, 200, 450);
    veld_buf_release(&made);
}

static void another_ca_and_another_kind_are_told_apart(void **state)
{
    (void)state;
    veld_id device = {{1}};
    veld_buf made;
    veld_x509_facts facts;
    make_client(&made, &device, whole);
    const veld_span client = veld_buf_span(&made);
    const veld_span ours = veld_buf_span(&ca);
    const veld_span theirs = veld_buf_span(&other_ca);
    assert_int_equal(
        veld_x509_check(client, theirs, VELD_X509_CLIENT, &facts, NULL), VELD_E_FORGED);
    assert_int_equal(veld_x509_check(client, ours, VELD_X509_SERVER, &facts, NULL), VELD_E_INVALID);
    assert_int_equal(
        veld_x509_check(client, client, VELD_X509_CLIENT, &facts, NULL), VELD_E_INVALID);
    assert_int_equal(veld_x509_check(ours, theirs, VELD_X509_CA, &facts, NULL), VELD_E_FORGED);
    assert_ok(veld_x509_check(ours, ours, VELD_X509_CA, &facts, NULL));
    veld_buf_release(&made);
}

static void no_changed_byte_passes(void **state)
{
    (void)state;
    veld_id device = {{1}};
    veld_buf made;
    veld_x509_facts facts;
    make_client(&made, &device, whole);
    for (size_t i = 0; i < made.len; i++) {
        made.data[i] ^= 1;
        assert_int_not_equal(veld_x509_check(veld_buf_span(&made), veld_buf_span(&ca),
                                 VELD_X509_CLIENT, &facts, NULL),
            VELD_OK);
        made.data[i] ^= 1;
        assert_int_not_equal(
            veld_x509_read(veld_span_part(veld_buf_span(&made), 0, i), &facts, NULL), VELD_OK);
    }
    assert_ok(veld_buf_append_byte(&made, 0));
    assert_int_equal(veld_x509_read(veld_buf_span(&made), &facts, NULL), VELD_E_FORM);
    veld_buf_release(&made);
}

static void what_cannot_be_issued_is_refused(void **state)
{
    (void)state;
    static char long_name[VELD_CERTIFICATE_NAME_BYTES_MAX + 2];
    memset(long_name, 'a', sizeof long_name - 1);
    const char *const wrong[] = {"", "two words", "a,CN=b", "\xc3\xa9", long_name, "*", "a:1"};
    const veld_x509_issuer issuer = {&ca_key, veld_buf_span(&ca)};
    const veld_x509_issuer mixed = {&ca_key, veld_buf_span(&other_ca)};
    const char *const good[] = {"relay.example", "192.0.2.1", "2001:db8::1"};
    const veld_x509_period backwards = {2, 1};
    const veld_x509_period far = {0, 253402300800};
    veld_buf out;
    veld_buf_init(&out, VELD_CERTIFICATE_BYTES_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(veld_x509_issue_server(
                             &world.env, &issuer, &key.public_key, &wrong[i], 1, whole, &out, NULL),
            VELD_E_INVALID);
    assert_int_equal(
        veld_x509_issue_server(&world.env, &issuer, &key.public_key, good, 0, whole, &out, NULL),
        VELD_E_INVALID);
    assert_int_equal(
        veld_x509_issue_server(&world.env, &mixed, &key.public_key, good, 3, whole, &out, NULL),
        VELD_E_INVALID);
    assert_int_equal(veld_x509_make_ca(&world.env, &ca_key, backwards, &out, NULL), VELD_E_INVALID);
    assert_int_equal(veld_x509_make_ca(&world.env, &ca_key, far, &out, NULL), VELD_E_INVALID);
    assert_int_equal(out.len, 0);
    assert_ok(
        veld_x509_issue_server(&world.env, &issuer, &key.public_key, good, 3, whole, &out, NULL));
    veld_buf_release(&out);
}

static void the_longest_server_certificate_can_be_read(void **state)
{
    (void)state;
    static char names[VELD_CERTIFICATE_NAMES_MAX][80];
    const char *list[VELD_CERTIFICATE_NAMES_MAX];
    const veld_x509_issuer issuer = {&ca_key, veld_buf_span(&ca)};
    veld_x509_facts facts;
    veld_buf out;
    veld_buf_init(&out, VELD_CERTIFICATE_BYTES_MAX);
    for (unsigned i = 0; i < VELD_CERTIFICATE_NAMES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "relay-%u.%060u.example", i, i);
        list[i] = names[i];
    }
    assert_ok(veld_x509_issue_server(
        &world.env, &issuer, &key.public_key, list, VELD_CERTIFICATE_NAMES_MAX, whole, &out, NULL));
    assert_ok(
        veld_x509_check(veld_buf_span(&out), veld_buf_span(&ca), VELD_X509_SERVER, &facts, NULL));
    veld_buf_release(&out);
}

static void no_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    const veld_x509_issuer issuer = {&ca_key, veld_buf_span(&ca)};
    const char *const names[] = {"127.0.0.1"};
    veld_x509_facts facts;
    for (uint64_t n = 1; n < 1000000; n++) {
        veld_buf out;
        veld_buf_init(&out, VELD_CERTIFICATE_BYTES_MAX);
        (void)test_fail_allocation(n, false);
        veld_status status = veld_x509_issue_server(
            &world.env, &issuer, &key.public_key, names, 1, whole, &out, NULL);
        if (status == VELD_OK)
            status = veld_x509_check(
                veld_buf_span(&out), veld_buf_span(&ca), VELD_X509_SERVER, &facts, NULL);
        const uint64_t seen = test_fail_allocation(0, false);
        veld_buf_release(&out);
        if (seen < n) {
            assert_ok(status);
            return;
        }
        if (n > 100)
            n += n / 8;
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_certificate_says_which_device),
        cmocka_unit_test(another_ca_and_another_kind_are_told_apart),
        cmocka_unit_test(no_changed_byte_passes),
        cmocka_unit_test(what_cannot_be_issued_is_refused),
        cmocka_unit_test(the_longest_server_certificate_can_be_read),
        cmocka_unit_test(no_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests_name("unit.net.x509", tests, setup, teardown);
}
