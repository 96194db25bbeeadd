/* net_pair.h: an agency, and a client and a server of it connected in memory. */
#ifndef NET_PAIR_H
#define NET_PAIR_H

#include "test_env.h"
#include "veldkit/http2.h"
#include "veldkit/x509.h"

/* Keys and certificates of one agency with one server and one device. */
typedef struct test_agency {
    veld_p256_private ca_key;
    veld_p256_private server_key;
    veld_p256_private client_key;
    veld_buf ca;
    veld_buf server;
    veld_buf client;
    veld_id device;
    veld_hash ca_key_hash;
    veld_tls_identity *as_server;
    veld_tls_identity *as_client;
    veld_tls_identity *as_stranger; /* knows the CA, has no certificate */
    veld_tls_identity *as_newcomer; /* knows the pin only */
} test_agency;

/* test_agency_init: valid 1990 to 2000, for "127.0.0.1", "::1", "localhost" and "relay.example". */
void test_agency_init(test_agency *agency, const veld_env *env);
void test_agency_release(test_agency *agency);

/* One side of a connection and what it was told. A server answers each message with status 200 and
 * the body of the request, after `answer_with` when that is set. */
typedef struct test_side {
    veld_http2 *connection;
    const int64_t *now_ms; /* of the pair */
    bool server;
    veld_status status; /* of the last feed, tick or end */
    veld_error error;
    size_t body_max;
    bool keep_silent;      /* server: take requests, do not answer */
    veld_span answer_with; /* server: instead of an echo */
    unsigned heads;
    unsigned messages;
    unsigned ended;
    unsigned http_status; /* client: of the last answer */
    int32_t last_stream;
    veld_status ended_with; /* of the last stream that ended */
    char path[64];
    veld_buf body; /* of the last message */
    uint64_t bytes_out;
} test_side;

typedef struct test_pair {
    test_side client;
    test_side server;
    int64_t now_ms;
    size_t step_bytes;       /* at most so many bytes at a time; 0: all */
    uint64_t cut_up_after;   /* bytes from client to server before the line is cut */
    uint64_t cut_down_after; /* and the other way */
    bool cut;
} test_pair;

/* test_pair_open: identities may be NULL for a connection without TLS. */
void test_pair_open(test_pair *pair, const veld_tls_identity *client,
    const veld_tls_identity *server, const char *host);
void test_pair_close(test_pair *pair);
/* test_pair_run: move bytes both ways until nothing moves any more. */
void test_pair_run(test_pair *pair);
/* test_pair_ask: submit POST `path` with `body`; returns the status of submit. */
veld_status test_pair_ask(test_pair *pair, const char *path, veld_span body);

#endif
