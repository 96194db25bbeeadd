/* One connection: a socket, its engine (http2.h), and the requests on it that wait for an answer.
 * The engine is never entered twice: what happens while it runs is sent when it is done. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "srv_inner.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum { RECEIVE_BYTES = 65536, SEND_ROUNDS_MAX = 16 };

static int64_t now_ms(const srv_net *net)
{
    return veld_env_now(net->settings.env).monotonic_ms;
}

/* ---- requests ---- */
static srv_request *request_find(const srv_conn *conn, int32_t stream)
{
    srv_request *request = conn->requests;
    while (request != NULL && request->stream != stream)
        request = request->next;
    return request;
}

static srv_request *request_new(srv_conn *conn, int32_t stream, const veld_http2_head *head)
{
    srv_request *made = veld_allocate(sizeof *made);
    const size_t path_bytes = strlen(head->path) + 1;
    if (made == NULL)
        return NULL;
    made->path = veld_allocate(path_bytes);
    if (made->path == NULL) {
        veld_release(made);
        return NULL;
    }
    memcpy(made->path, head->path, path_bytes);
    VELD_ASSERT(strlen(head->method) < sizeof made->method);
    memcpy(made->method, head->method, strlen(head->method));
    made->conn = conn;
    made->stream = stream;
    veld_buf_init(&made->body, VELD_HTTP2_BODY_BYTES_MAX);
    made->next = conn->requests;
    if (made->next != NULL)
        made->next->previous = made;
    conn->requests = made;
    return made;
}

static void request_free(srv_request *request)
{
    if (request->next != NULL)
        request->next->previous = request->previous;
    if (request->previous != NULL)
        request->previous->next = request->next;
    else
        request->conn->requests = request->next;
    veld_buf_wipe(&request->body);
    veld_release(request->path);
    veld_release(request);
}

/* ---- events of the engine ---- */
static size_t on_head(void *context, int32_t stream, const veld_http2_head *head)
{
    srv_conn *conn = context;
    const srv_handler *handler = &conn->net->settings.handler;
    const veld_tls *tls = veld_http2_get_tls(conn->http2);
    if (tls != NULL)
        conn->peer.tls = *veld_tls_get_peer(tls);
    if (request_new(conn, stream, head) == NULL) {
        veld_http2_cancel(conn->http2, stream);
        return 0;
    }
    return handler->body_max(handler->context, &conn->peer, head->method, head->path);
}

static void on_message(void *context, int32_t stream, veld_span body)
{
    srv_conn *conn = context;
    const srv_handler *handler = &conn->net->settings.handler;
    srv_request *request = request_find(conn, stream);
    if (request == NULL)
        return;
    if (veld_buf_append_span(&request->body, body) != VELD_OK) {
        veld_http2_cancel(conn->http2, stream);
        return;
    }
    request->handed_over = true;
    handler->request(handler->context, request);
}

static void on_ended(void *context, int32_t stream, veld_status status)
{
    (void)status;
    srv_conn *conn = context;
    const srv_handler *handler = &conn->net->settings.handler;
    srv_request *request = request_find(conn, stream);
    if (request == NULL)
        return;
    if (request->handed_over && handler->gone != NULL)
        handler->gone(handler->context, request);
    request_free(request);
}

/* ---- events of the socket ---- */
static void on_readable(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    srv_conn *conn = context;
    uint8_t bytes[RECEIVE_BYTES];
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    conn->busy = true;
    veld_status status;
    if (got > 0)
        status =
            veld_http2_feed(conn->http2, veld_span_of(bytes, (size_t)got), now_ms(conn->net), NULL);
    else
        status = veld_http2_end(conn->http2, NULL);
    conn->busy = false;
    if (got <= 0)
        srv_conn_free(conn);
    else
        srv_conn_pump(conn);
    (void)status; /* the engine keeps it; pump sees that the connection is over */
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    srv_conn_pump(context);
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    srv_conn *conn = context;
    conn->timer_ms = INT64_MAX;
    conn->busy = true;
    /* When it was late, pump sends the goodbye if the socket takes it, and finds it over. */
    const veld_status status = veld_http2_tick(conn->http2, now_ms(conn->net), NULL);
    conn->busy = false;
    if (status == VELD_OK || veld_http2_output(conn->http2, now_ms(conn->net)).len > 0)
        srv_conn_pump(conn);
    else
        srv_conn_free(conn);
}

/* ---- sending ---- */
static void set_timer(srv_conn *conn)
{
    const int64_t until_ms = veld_http2_deadline(conn->http2);
    if (until_ms == conn->timer_ms)
        return;
    conn->timer_ms = until_ms;
    if (until_ms == INT64_MAX) {
        (void)event_del(conn->timer);
        return;
    }
    int64_t left_ms = until_ms - now_ms(conn->net);
    if (left_ms < 0)
        left_ms = 0;
    const struct timeval wait = {
        .tv_sec = (time_t)(left_ms / 1000), .tv_usec = (suseconds_t)(left_ms % 1000 * 1000)};
    (void)event_add(conn->timer, &wait);
}

/* False when the socket is of no use any more. */
static bool send_ready(srv_conn *conn)
{
    for (int round = 0; round < SEND_ROUNDS_MAX; round++) {
        const veld_span out = veld_http2_output(conn->http2, now_ms(conn->net));
        if (out.len == 0)
            return !veld_http2_is_over(conn->http2);
        const ssize_t sent = send(conn->fd, out.data, out.len, MSG_NOSIGNAL);
        if (sent >= 0)
            veld_http2_sent(conn->http2, (size_t)sent);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            return false;
    }
    /* The socket is full, or others want their turn of the loop. */
    (void)event_add(conn->writable, NULL);
    return true;
}

void srv_conn_pump(srv_conn *conn)
{
    if (conn->busy)
        return;
    conn->busy = true;
    const bool alive = send_ready(conn);
    conn->busy = false;
    if (alive)
        set_timer(conn);
    else
        srv_conn_free(conn);
}

/* ---- making and freeing ---- */
static veld_status set_up(srv_conn *conn, const veld_tls_identity *identity)
{
    const veld_http2_settings settings = {
        .identity = identity, .server = true, .events = {conn, on_head, on_message, on_ended}};
    struct event_base *base = conn->net->settings.base;
    veld_status status = veld_http2_new(&settings, now_ms(conn->net), &conn->http2, NULL);
    if (status != VELD_OK)
        return status;
    conn->readable = event_new(base, conn->fd, EV_READ | EV_PERSIST, on_readable, conn);
    conn->writable = event_new(base, conn->fd, EV_WRITE, on_writable, conn);
    conn->timer = event_new(base, -1, 0, on_timer, conn);
    if (conn->readable == NULL || conn->writable == NULL || conn->timer == NULL ||
        event_add(conn->readable, NULL) != 0)
        return VELD_E_MEMORY;
    return VELD_OK;
}

veld_status srv_conn_new(srv_net *net, int fd, const veld_tls_identity *identity,
    const srv_peer *peer, const uint8_t source[SRV_SOURCE_BYTES])
{
    srv_conn *made = veld_allocate(sizeof *made);
    if (made == NULL) {
        (void)close(fd);
        return VELD_E_MEMORY;
    }
    made->net = net;
    made->fd = fd;
    made->peer = *peer;
    made->timer_ms = INT64_MAX;
    memcpy(made->source, source, SRV_SOURCE_BYTES);
    made->next = net->conns;
    if (made->next != NULL)
        made->next->previous = made;
    net->conns = made;
    net->conns_count++;
    const veld_status status = set_up(made, identity);
    if (status != VELD_OK)
        srv_conn_free(made);
    else
        srv_conn_pump(made);
    return status;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void srv_conn_free(srv_conn *conn)
{
    srv_net *net = conn->net;
    conn->busy = true; /* an answer from within `gone` must not pump what is being freed */
    veld_http2_free(conn->http2);
    VELD_ASSERT(conn->requests == NULL); /* the engine has told the end of each */
    free_event(conn->readable);
    free_event(conn->writable);
    free_event(conn->timer);
    (void)close(conn->fd);
    if (conn->next != NULL)
        conn->next->previous = conn->previous;
    if (conn->previous != NULL)
        conn->previous->next = conn->next;
    else
        net->conns = conn->next;
    VELD_ASSERT(net->conns_count > 0);
    net->conns_count--;
    veld_release(conn);
}

/* ---- what a handler may do ---- */
const srv_peer *srv_request_peer(const srv_request *request)
{
    return &request->conn->peer;
}

const char *srv_request_method(const srv_request *request)
{
    return request->method;
}

const char *srv_request_path(const srv_request *request)
{
    return request->path;
}

veld_span srv_request_body(const srv_request *request)
{
    return veld_buf_span(&request->body);
}

void srv_request_set_mark(srv_request *request, void *mark)
{
    request->mark = mark;
}

void *srv_request_mark(const srv_request *request)
{
    return request->mark;
}

void srv_request_respond(
    srv_request *request, unsigned http_status, const char *type, veld_buf *body)
{
    srv_conn *conn = request->conn;
    const int32_t stream = request->stream;
    VELD_ASSERT(request->handed_over);
    request_free(request);
    if (veld_http2_respond(conn->http2, stream, http_status, type, body, now_ms(conn->net), NULL) !=
        VELD_OK)
        veld_http2_cancel(conn->http2, stream);
    /* Sent in a turn of its own: an answer may come from within another connection's events. */
    if (!conn->busy)
        event_active(conn->writable, EV_WRITE, 0);
}
