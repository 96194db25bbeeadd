/* What the network costs, on one core and in memory, so that no socket or scheduler is measured:
 * handshakes with both certificates, requests on a warm connection, memory of an idle connection,
 * and the bytes of one small request. The same without TLS shows what TLS costs. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "net_pair.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"

enum { HANDSHAKES = 60, REQUESTS = 4000, IDLE = 100, BODY = 600 };

static double cpu_s(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint8_t body[BODY];

static void ask(test_pair *pair)
{
    if (test_pair_ask(pair, "/v1/exchange", veld_span_of(body, sizeof body)) == VELD_OK)
        test_pair_run(pair);
}

static double handshakes(const test_agency *a)
{
    const double start = cpu_s();
    for (int i = 0; i < HANDSHAKES; i++) {
        test_pair pair;
        test_pair_open(&pair, a->as_client, a->as_server, "127.0.0.1");
        test_pair_run(&pair);
        test_pair_close(&pair);
    }
    return (cpu_s() - start) / HANDSHAKES;
}

static double requests(const veld_tls_identity *client, const veld_tls_identity *server)
{
    test_pair pair;
    test_pair_open(&pair, client, server, NULL);
    ask(&pair);
    const double start = cpu_s();
    for (int i = 0; i < REQUESTS; i++)
        ask(&pair);
    const double each = (cpu_s() - start) / REQUESTS;
    if (pair.client.messages != REQUESTS + 1)
        printf("only %u of %d requests were answered\n", pair.client.messages, REQUESTS + 1);
    test_pair_close(&pair);
    return each;
}

static size_t memory_of_idle(const test_agency *a)
{
    static test_pair pairs[IDLE];
    for (int i = 0; i < IDLE; i++) {
        test_pair_open(&pairs[i], a->as_client, a->as_server, NULL);
        ask(&pairs[i]);
    }
    for (int i = 0; i < IDLE; i++) {
        veld_http2_free(pairs[i].client.connection);
        pairs[i].client.connection = NULL;
    }
    const size_t with = mallinfo2().uordblks;
    for (int i = 0; i < IDLE; i++) {
        veld_http2_free(pairs[i].server.connection);
        pairs[i].server.connection = NULL;
    }
    const size_t without = mallinfo2().uordblks;
    for (int i = 0; i < IDLE; i++)
        test_pair_close(&pairs[i]);
    return (with - without) / IDLE;
}

static void bytes_of_one(const test_agency *a)
{
    test_pair pair;
    uint64_t up = 0;
    uint64_t down = 0;
    test_pair_open(&pair, a->as_client, a->as_server, "127.0.0.1");
    test_pair_run(&pair);
    printf("handshake, bytes up / down            %llu / %llu\n",
        (unsigned long long)pair.client.bytes_out, (unsigned long long)pair.server.bytes_out);
    for (int i = 0; i < 3; i++) {
        up = pair.client.bytes_out;
        down = pair.server.bytes_out;
        ask(&pair);
    }
    printf("overhead on a warm line, up / down    %llu / %llu bytes (body of %d both ways)\n",
        (unsigned long long)(pair.client.bytes_out - up - BODY),
        (unsigned long long)(pair.server.bytes_out - down - BODY), BODY);
    test_pair_close(&pair);
}

int main(void)
{
    const veld_env env = veld_host_env();
    test_agency agency;
    if (veld_crypto_init(NULL) != VELD_OK)
        return 1;
    test_agency_init(&agency, &env);
    const double handshake = handshakes(&agency);
    const double sealed = requests(agency.as_client, agency.as_server);
    const double open = requests(NULL, NULL);
    printf("handshake, both sides' CPU            %.2f ms, %.0f/s for the two on one core\n",
        handshake * 1e3, 1 / handshake);
    printf("request and answer, both sides' CPU   %.1f us, %.0f/s for the two on one core\n",
        sealed * 1e6, 1 / sealed);
    printf("the same without TLS                  %.1f us; TLS costs %.1f times that\n", open * 1e6,
        sealed / open);
    printf("one handshake is as many requests     %.0f\n", handshake / sealed);
    printf(
        "memory of an idle connection          %zu bytes on the server\n", memory_of_idle(&agency));
    bytes_of_one(&agency);
    test_agency_release(&agency);
    return 0;
}
