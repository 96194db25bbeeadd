/* The real client and the real server over loopback. */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_pair.h"
#include "net_server.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"
#include "veldkit/host_net.h"

static veld_env env;
static test_agency ours;
static test_agency theirs;
static net_server *server;
static char folder[] = "/tmp/veld-net-XXXXXX";
static char socket_path[64];
static char address[64];
static char local_address[80];

static int setup(void **state)
{
    (void)state;
    env = veld_host_env();
    assert_ok(veld_crypto_init(NULL));
    test_agency_init(&ours, &env);
    test_agency_init(&theirs, &env);
    assert_non_null(mkdtemp(folder));
    snprintf(socket_path, sizeof socket_path, "%s/relay", folder);
    server = net_server_start(&env, ours.as_server, socket_path, 0);
    assert_non_null(server);
    snprintf(address, sizeof address, "https://127.0.0.1:%u", net_server_port(server));
    snprintf(local_address, sizeof local_address, "unix:%s", socket_path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assert_int_equal(net_server_stop(server), 0);
    assert_int_equal(rmdir(folder), 0);
    test_agency_release(&ours);
    test_agency_release(&theirs);
    veld_crypto_close();
    return 0;
}

static veld_host_link *open_link(const char *where, const veld_tls_identity *identity)
{
    veld_host_link *link = NULL;
    const veld_host_link_settings settings = {.env = &env, .address = where, .identity = identity};
    assert_ok(veld_host_link_new(&settings, &link, NULL));
    return link;
}

static veld_status ask(veld_host_link *link, const char *method, const char *path, veld_span body,
    unsigned *http_status, veld_buf *answer, veld_error *err)
{
    const veld_host_request request = {.method = method,
        .path = path,
        .body = body,
        .answer_bytes_max = 8 << 20,
        .timeout_ms = 60000,
        .cancel_fd = -1};
    return veld_host_link_request(link, &request, http_status, answer, err);
}

static void expect_text(veld_host_link *link, const char *path, const char *text)
{
    unsigned status = 0;
    veld_buf answer;
    assert_ok(ask(link, "GET", path, (veld_span){0}, &status, &answer, NULL));
    assert_int_equal(status, 200);
    assert_true(veld_span_equal(veld_buf_span(&answer), veld_span_text(text)));
    veld_buf_release(&answer);
}

static void expect_echo(veld_host_link *link, const char *path, size_t len)
{
    unsigned status = 0;
    veld_buf answer;
    uint8_t *bytes = calloc(1, len + 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    assert_ok(ask(link, "POST", path, veld_span_of(bytes, len), &status, &answer, NULL));
    assert_int_equal(status, 200);
    assert_true(veld_span_equal(veld_buf_span(&answer), veld_span_of(bytes, len)));
    veld_buf_release(&answer);
    free(bytes);
}

static void bodies_of_all_sizes_come_back_over_one_connection(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 16384, 65535, 300000, 5 << 20};
    static const char *const where[] = {address, local_address};
    for (int i = 0; i < 2; i++) {
        veld_host_link *link = open_link(where[i], i == 0 ? ours.as_client : NULL);
        for (size_t size = 0; size < sizeof sizes / sizeof sizes[0]; size++)
            expect_echo(link, "/echo", sizes[size]);
        assert_int_equal(veld_host_link_counters(link).connections, 1);
        assert_int_equal(veld_host_link_counters(link).requests, 7);
        assert_in_range(veld_host_link_counters(link).bytes_up, 5 << 20, 6 << 20);
        veld_host_link_free(link);
    }
}

static void the_server_knows_who_asks(void **state)
{
    (void)state;
    char text[64];
    veld_id_format(&ours.device, text);
    veld_host_link *link = open_link(address, ours.as_client);
    expect_text(link, "/who", text);
    veld_host_link_free(link);
    link = open_link(address, ours.as_newcomer);
    expect_text(link, "/who", "nobody");
    assert_true(veld_span_equal(veld_host_link_ca(link), veld_buf_span(&ours.ca)));
    veld_host_link_free(link);
    link = open_link(local_address, NULL);
    snprintf(text, sizeof text, "local %u", (unsigned)getuid());
    expect_text(link, "/who", text);
    veld_host_link_free(link);
}

static void another_agency_is_told_apart_from_a_server_that_is_gone(void **state)
{
    (void)state;
    unsigned status = 0;
    veld_buf answer;
    veld_error err = {0};
    veld_host_link *link = open_link(address, theirs.as_client);
    assert_int_equal(
        ask(link, "GET", "/who", (veld_span){0}, &status, &answer, &err), VELD_E_FORGED);
    assert_int_equal(veld_host_link_reason(link), VELD_TLS_OTHER_AGENCY);
    assert_int_equal(err.domain, VELD_DOMAIN_TLS);
    assert_non_null(strstr(err.text, "another agency"));
    veld_host_link_free(link);
    link = open_link("127.0.0.1:1", ours.as_client);
    assert_int_equal(
        ask(link, "GET", "/who", (veld_span){0}, &status, &answer, &err), VELD_E_NETWORK);
    assert_int_equal(err.domain, VELD_DOMAIN_POSIX);
    veld_host_link_free(link);
}

static void what_is_too_large_is_refused_and_the_link_goes_on(void **state)
{
    (void)state;
    static uint8_t zeros[3 << 20];
    unsigned status = 0;
    veld_buf answer;
    veld_host_link *link = open_link(address, ours.as_client);
    assert_ok(
        ask(link, "POST", "/small", veld_span_of(zeros, sizeof zeros), &status, &answer, NULL));
    assert_int_equal(status, 413);
    veld_buf_release(&answer);
    expect_echo(link, "/echo", 10);
    const veld_host_request request = {.method = "GET",
        .path = "/big",
        .answer_bytes_max = 1000,
        .timeout_ms = 60000,
        .cancel_fd = -1};
    assert_int_equal(veld_host_link_request(link, &request, &status, &answer, NULL), VELD_E_LIMIT);
    expect_echo(link, "/echo", 10);
    veld_host_link_free(link);
}

static void an_answer_may_come_later(void **state)
{
    (void)state;
    veld_host_link *link = open_link(address, ours.as_client);
    expect_echo(link, "/later", 100);
    veld_host_link_free(link);
}

static void wait_for_gone(unsigned count)
{
    for (int i = 0; i < 1000 && net_server_gone(server) < count; i++)
        (void)poll(NULL, 0, 10);
    assert_int_equal(net_server_gone(server), count);
}

static void a_deadline_and_a_stop_end_the_wait_and_the_server_hears_it(void **state)
{
    (void)state;
    unsigned status = 0;
    veld_buf answer;
    int pipes[2];
    const unsigned before = net_server_gone(server);
    veld_host_link *link = open_link(address, ours.as_client);
    veld_host_request request = {.method = "GET",
        .path = "/never",
        .answer_bytes_max = 1000,
        .timeout_ms = 1500,
        .cancel_fd = -1};
    assert_int_equal(
        veld_host_link_request(link, &request, &status, &answer, NULL), VELD_E_TIMEOUT);
    wait_for_gone(before + 1);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "x", 1), 1);
    request.cancel_fd = pipes[0];
    request.timeout_ms = 60000;
    assert_int_equal(
        veld_host_link_request(link, &request, &status, &answer, NULL), VELD_E_INTERRUPTED);
    close(pipes[0]);
    close(pipes[1]);
    expect_echo(link, "/echo", 10);
    veld_host_link_free(link);
}

static void the_local_socket_is_for_its_owner_only(void **state)
{
    (void)state;
    struct stat facts;
    assert_int_equal(stat(socket_path, &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_null(net_server_start(&env, ours.as_server, socket_path, 0));
}

static void a_restarted_server_is_found_again(void **state)
{
    (void)state;
    char path[64];
    char where[80];
    snprintf(path, sizeof path, "%s/second", folder);
    snprintf(where, sizeof where, "unix:%s", path);
    net_server *second = net_server_start(&env, ours.as_server, path, 0);
    assert_non_null(second);
    veld_host_link *link = open_link(where, NULL);
    expect_echo(link, "/echo", 10);
    assert_int_equal(net_server_stop(second), 0);
    second = net_server_start(&env, ours.as_server, path, 0);
    assert_non_null(second);
    expect_echo(link, "/echo", 10);
    assert_int_equal(veld_host_link_counters(link).connections, 2);
    veld_host_link_free(link);
    assert_int_equal(net_server_stop(second), 0);
}

static void connections_per_address_are_capped(void **state)
{
    (void)state;
    char where[64];
    net_server *capped = net_server_start(&env, ours.as_server, NULL, 2);
    assert_non_null(capped);
    snprintf(where, sizeof where, "127.0.0.1:%u", net_server_port(capped));
    veld_host_link *links[3];
    for (int i = 0; i < 3; i++)
        links[i] = open_link(where, ours.as_client);
    expect_echo(links[0], "/echo", 1);
    expect_echo(links[1], "/echo", 1);
    unsigned status = 0;
    veld_buf answer;
    assert_int_equal(
        ask(links[2], "GET", "/who", (veld_span){0}, &status, &answer, NULL), VELD_E_NETWORK);
    for (int i = 0; i < 3; i++)
        veld_host_link_free(links[i]);
    assert_int_equal(net_server_stop(capped), 0);
}

static void addresses_that_are_none_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "relay", "relay:", ":1", "::1:80", "relay:http",
        "relay:123456", "unix:", "https://", "[::1]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        veld_host_link *link = NULL;
        const veld_host_link_settings settings = {
            .env = &env, .address = wrong[i], .identity = ours.as_client};
        assert_int_equal(veld_host_link_new(&settings, &link, NULL), VELD_E_FORM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_all_sizes_come_back_over_one_connection),
        cmocka_unit_test(the_server_knows_who_asks),
        cmocka_unit_test(another_agency_is_told_apart_from_a_server_that_is_gone),
        cmocka_unit_test(what_is_too_large_is_refused_and_the_link_goes_on),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(a_deadline_and_a_stop_end_the_wait_and_the_server_hears_it),
        cmocka_unit_test(the_local_socket_is_for_its_owner_only),
        cmocka_unit_test(a_restarted_server_is_found_again),
        cmocka_unit_test(connections_per_address_are_capped),
        cmocka_unit_test(addresses_that_are_none_are_refused),
    };
    return cmocka_run_group_tests_name("integration.net.sockets", tests, setup, teardown);
}
