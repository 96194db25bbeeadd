/* A connection in memory: what one side puts out goes into the other, in steps of a chosen size and
 * up to a chosen place where the line is cut. */
#include "net_pair.h"

#include <stdio.h>
#include <string.h>

#include "veld_test.h"
#include "veldkit/crypto.h"

enum { ROUNDS_MAX = 20000000, BODY_MAX = 16 << 20 };

static const veld_x509_period nineties = {631152000, 946684799};

static void make_certificates(test_agency *a, const veld_env *env)
{
    static const char *const names[] = {"127.0.0.1", "::1", "localhost", "relay.example"};
    const veld_x509_issuer issuer = {&a->ca_key, {0}};
    assert_ok(veld_x509_make_ca(env, &a->ca_key, nineties, &a->ca, NULL));
    veld_x509_issuer ca = issuer;
    ca.certificate = veld_buf_span(&a->ca);
    assert_ok(veld_x509_issue_server(
        env, &ca, &a->server_key.public_key, names, 4, nineties, &a->server, NULL));
    assert_ok(veld_x509_issue_client(
        env, &ca, &a->client_key.public_key, &a->device, nineties, &a->client, NULL));
    assert_ok(veld_x509_key_hash(&a->ca_key.public_key, &a->ca_key_hash, NULL));
}

void test_agency_init(test_agency *a, const veld_env *env)
{
    *a = (test_agency){0};
    veld_buf_init(&a->ca, 4096);
    veld_buf_init(&a->server, 4096);
    veld_buf_init(&a->client, 4096);
    assert_ok(veld_p256_generate(env, &a->ca_key, NULL));
    assert_ok(veld_p256_generate(env, &a->server_key, NULL));
    assert_ok(veld_p256_generate(env, &a->client_key, NULL));
    assert_ok(veld_id_new(env, &a->device, NULL));
    make_certificates(a, env);
    const veld_tls_settings server = {.server = true,
        .ca = veld_buf_span(&a->ca),
        .certificate = veld_buf_span(&a->server),
        .key = &a->server_key};
    const veld_tls_settings client = {.ca = veld_buf_span(&a->ca),
        .certificate = veld_buf_span(&a->client),
        .key = &a->client_key};
    const veld_tls_settings stranger = {.ca = veld_buf_span(&a->ca)};
    const veld_tls_settings newcomer = {
        .pin = veld_span_of(a->ca_key_hash.bytes, VELD_X509_PIN_BYTES)};
    assert_ok(veld_tls_identity_new(&server, &a->as_server, NULL));
    assert_ok(veld_tls_identity_new(&client, &a->as_client, NULL));
    assert_ok(veld_tls_identity_new(&stranger, &a->as_stranger, NULL));
    assert_ok(veld_tls_identity_new(&newcomer, &a->as_newcomer, NULL));
}

void test_agency_release(test_agency *a)
{
    veld_tls_identity_free(a->as_server);
    veld_tls_identity_free(a->as_client);
    veld_tls_identity_free(a->as_stranger);
    veld_tls_identity_free(a->as_newcomer);
    veld_p256_release(&a->ca_key);
    veld_p256_release(&a->server_key);
    veld_p256_release(&a->client_key);
    veld_buf_release(&a->ca);
    veld_buf_release(&a->server);
    veld_buf_release(&a->client);
}

/* ---- events ---- */
static size_t on_head(void *context, int32_t stream, const veld_http2_head *head)
{
    test_side *side = context;
    side->heads++;
    side->last_stream = stream;
    side->http_status = head->status;
    snprintf(side->path, sizeof side->path, "%s", head->path);
    return side->body_max;
}

static void on_message(void *context, int32_t stream, veld_span body)
{
    test_side *side = context;
    side->messages++;
    veld_buf_clear(&side->body);
    assert_ok(veld_buf_append_span(&side->body, body));
    if (!side->server || side->keep_silent)
        return;
    veld_buf answer;
    veld_buf_init(&answer, BODY_MAX);
    assert_ok(
        veld_buf_append_span(&answer, side->answer_with.data != NULL ? side->answer_with : body));
    assert_ok(
        veld_http2_respond(side->connection, stream, 200, NULL, &answer, *side->now_ms, NULL));
}

static void on_ended(void *context, int32_t stream, veld_status status)
{
    test_side *side = context;
    side->ended++;
    side->last_stream = stream;
    side->ended_with = status;
}

static void open_side(
    test_side *side, const veld_tls_identity *identity, const char *host, bool server)
{
    side->server = server;
    side->body_max = BODY_MAX;
    veld_buf_init(&side->body, BODY_MAX);
    const veld_http2_settings settings = {.identity = identity,
        .host = host,
        .server = server,
        .events = {side, on_head, on_message, on_ended}};
    assert_ok(veld_http2_new(&settings, 0, &side->connection, NULL));
}

void test_pair_open(test_pair *pair, const veld_tls_identity *client,
    const veld_tls_identity *server, const char *host)
{
    *pair = (test_pair){.cut_up_after = UINT64_MAX, .cut_down_after = UINT64_MAX};
    pair->client.now_ms = &pair->now_ms;
    pair->server.now_ms = &pair->now_ms;
    open_side(&pair->client, client, host, false);
    open_side(&pair->server, server, NULL, true);
}

void test_pair_close(test_pair *pair)
{
    veld_http2_free(pair->client.connection);
    veld_http2_free(pair->server.connection);
    veld_buf_release(&pair->client.body);
    veld_buf_release(&pair->server.body);
}

/* ---- moving ---- */
static bool move(test_pair *pair, test_side *from, test_side *to, uint64_t cut_after)
{
    const veld_span out = veld_http2_output(from->connection, pair->now_ms);
    size_t len = out.len;
    if (pair->step_bytes > 0 && len > pair->step_bytes)
        len = pair->step_bytes;
    if (len > cut_after - from->bytes_out)
        len = (size_t)(cut_after - from->bytes_out);
    if (out.len > 0 && len == 0)
        pair->cut = true;
    if (len == 0)
        return false;
    if (to->status == VELD_OK)
        to->status =
            veld_http2_feed(to->connection, veld_span_part(out, 0, len), pair->now_ms, &to->error);
    from->bytes_out += len;
    veld_http2_sent(from->connection, len);
    return true;
}

static void end(test_side *side)
{
    if (side->status == VELD_OK)
        side->status = veld_http2_end(side->connection, &side->error);
}

void test_pair_run(test_pair *pair)
{
    for (int round = 0; round < ROUNDS_MAX && !pair->cut; round++) {
        bool moved = move(pair, &pair->client, &pair->server, pair->cut_up_after);
        if (!pair->cut && move(pair, &pair->server, &pair->client, pair->cut_down_after))
            moved = true;
        if (!moved)
            break;
    }
    if (pair->cut) {
        end(&pair->client);
        end(&pair->server);
    }
}

veld_status test_pair_ask(test_pair *pair, const char *path, veld_span body)
{
    const veld_http2_request request = {.method = "POST", .path = path, .body = body};
    int32_t stream = 0;
    return veld_http2_submit(pair->client.connection, &request, pair->now_ms, &stream, NULL);
}
