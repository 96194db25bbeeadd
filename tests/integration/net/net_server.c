/* The real server driver with a handler that tests can foresee. The thread runs libevent's loop; a
 * byte on a pipe asks it to stop. */
#include "net_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "srv_net.h"

enum { BODY_MAX = 8 << 20, BIG_BYTES = 1 << 20, STOP_US = 500000 };

struct net_server {
    const veld_env *env;
    struct event_base *base;
    srv_net *net;
    pthread_t thread;
    int stop[2];
    struct event *stop_event;
    uint16_t port;
    atomic_uint gone;
    size_t left;
};

static size_t body_max(void *context, const srv_peer *peer, const char *method, const char *path)
{
    (void)context;
    (void)peer;
    if (strcmp(method, "POST") != 0)
        return 0;
    return strcmp(path, "/small") == 0 ? 100 : BODY_MAX;
}

static void respond(srv_request *request, unsigned status, const char *text)
{
    veld_buf body;
    veld_buf_init(&body, 256);
    if (veld_buf_append_text(&body, text) == VELD_OK)
        srv_request_respond(request, status, "text/plain", &body);
}

static void echo(srv_request *request)
{
    veld_buf body;
    veld_buf_init(&body, BODY_MAX);
    if (veld_buf_append_span(&body, srv_request_body(request)) == VELD_OK)
        srv_request_respond(request, 200, NULL, &body);
}

static void on_later(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    srv_request *request = context;
    struct event *timer = srv_request_mark(request);
    echo(request);
    event_free(timer);
}

static void later(net_server *server, srv_request *request)
{
    const struct timeval wait = {.tv_usec = 200000};
    struct event *timer = event_new(server->base, -1, 0, on_later, request);
    srv_request_set_mark(request, timer);
    event_add(timer, &wait);
}

static void who(srv_request *request)
{
    char text[64] = "nobody";
    const srv_peer *peer = srv_request_peer(request);
    if (peer->local)
        snprintf(text, sizeof text, "local %u", peer->uid);
    else if (peer->tls.known)
        veld_id_format(&peer->tls.facts.device, text);
    respond(request, 200, text);
}

static void big(srv_request *request)
{
    veld_buf body;
    uint8_t *bytes = NULL;
    veld_buf_init(&body, BIG_BYTES);
    if (veld_buf_extend(&body, BIG_BYTES, &bytes) != VELD_OK)
        return;
    memset(bytes, 0, BIG_BYTES);
    srv_request_respond(request, 200, NULL, &body);
}

static void on_request(void *context, srv_request *request)
{
    net_server *server = context;
    const char *path = srv_request_path(request);
    if (strcmp(path, "/echo") == 0)
        echo(request);
    else if (strcmp(path, "/later") == 0)
        later(server, request);
    else if (strcmp(path, "/who") == 0)
        who(request);
    else if (strcmp(path, "/big") == 0)
        big(request);
    else if (strcmp(path, "/never") != 0)
        respond(request, 404, "no such path");
}

static void on_gone(void *context, srv_request *request)
{
    net_server *server = context;
    struct event *timer = srv_request_mark(request);
    if (timer != NULL)
        event_free(timer);
    atomic_fetch_add(&server->gone, 1);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    net_server *server = context;
    const struct timeval wait = {.tv_usec = STOP_US};
    event_del(server->stop_event);
    srv_net_close(server->net);
    event_base_loopexit(server->base, &wait);
}

static void *run(void *context)
{
    net_server *server = context;
    event_base_dispatch(server->base);
    server->left = srv_net_get_connections(server->net);
    return NULL;
}

static void release(net_server *server)
{
    srv_net_free(server->net);
    if (server->stop_event != NULL)
        event_free(server->stop_event);
    event_base_free(server->base);
    close(server->stop[0]);
    close(server->stop[1]);
    free(server);
}

net_server *net_server_start(
    const veld_env *env, const veld_tls_identity *identity, const char *path, size_t per_address)
{
    net_server *server = calloc(1, sizeof *server);
    veld_error err = {0};
    if (server == NULL || pipe(server->stop) != 0)
        return NULL;
    server->env = env;
    server->base = event_base_new();
    const srv_net_settings settings = {.env = env,
        .base = server->base,
        .handler = {server, body_max, on_request, on_gone},
        .connections_per_address_max = per_address};
    if (srv_net_new(&settings, &server->net, &err) != VELD_OK ||
        srv_net_listen(server->net, "127.0.0.1:0", identity, &server->port, &err) != VELD_OK ||
        (path != NULL && srv_net_listen_local(server->net, path, &err) != VELD_OK)) {
        fprintf(stderr, "net_server: %s\n", err.text);
        release(server);
        return NULL;
    }
    server->stop_event =
        event_new(server->base, server->stop[0], EV_READ | EV_PERSIST, on_stop, server);
    event_add(server->stop_event, NULL);
    return pthread_create(&server->thread, NULL, run, server) == 0 ? server : NULL;
}

uint16_t net_server_port(const net_server *server)
{
    return server->port;
}

unsigned net_server_gone(const net_server *server)
{
    return atomic_load(&server->gone);
}

size_t net_server_stop(net_server *server)
{
    (void)!write(server->stop[1], "x", 1);
    pthread_join(server->thread, NULL);
    const size_t left = server->left;
    release(server);
    return left;
}
