/* One warm connection to one server, and requests over it, one at a time. The engine (http2.h)
 * decides everything about the protocol; here bytes go to and from the socket until the request has
 * ended, a deadline passes or somebody says stop. */
#include "veldkit/host_net.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "veldkit/assert.h"
#include "veldkit/http2.h"
#include "veldkit/limits.h"

enum { RECEIVE_BYTES = 65536, NO_SOCKET = -1 };

/* The request that is under way. */
typedef struct asking {
    const veld_host_request *request;
    int64_t until_ms;
    bool head;  /* the answer began */
    bool whole; /* and is complete */
    bool ended;
    veld_status ended_with;
    unsigned http_status;
    veld_buf answer;
} asking;

struct veld_host_link {
    const veld_env *env;
    const veld_tls_identity *identity;
    bool any_name;
    host_address address;
    int fd;
    veld_http2 *http2; /* NULL without a connection */
    bool deaf;         /* the server takes nothing more; what it said can still be read */
    asking now;
    veld_tls_reason reason;
    veld_host_counters counters;
};

static int64_t now_ms(const veld_host_link *link)
{
    return veld_env_now(link->env).monotonic_ms;
}

/* ---- events ---- */
static size_t on_head(void *context, int32_t stream, const veld_http2_head *head)
{
    (void)stream;
    veld_host_link *link = context;
    link->now.head = true;
    link->now.http_status = head->status;
    return link->now.request->answer_bytes_max;
}

static void on_message(void *context, int32_t stream, veld_span body)
{
    (void)stream;
    veld_host_link *link = context;
    link->now.whole = veld_buf_append_span(&link->now.answer, body) == VELD_OK;
}

static void on_ended(void *context, int32_t stream, veld_status status)
{
    (void)stream;
    veld_host_link *link = context;
    link->now.ended = true;
    link->now.ended_with = status;
}

/* ---- the connection ---- */
static void drop(veld_host_link *link)
{
    if (link->http2 != NULL && veld_http2_get_tls(link->http2) != NULL)
        link->reason = veld_tls_get_reason(veld_http2_get_tls(link->http2));
    veld_http2_free(link->http2);
    link->http2 = NULL;
    if (link->fd != NO_SOCKET)
        (void)close(link->fd);
    link->fd = NO_SOCKET;
    link->deaf = false;
}

static veld_status make_connection(veld_host_link *link, veld_error *err)
{
    veld_status status;
    const veld_http2_settings settings = {
        .identity = link->identity,
        .host = link->identity != NULL && !link->any_name ? link->address.host : NULL,
        .events = {link, on_head, on_message, on_ended},
    };
    link->reason = VELD_TLS_NO_REASON;
    VELD_TRY(host_address_connect(&link->address, link->env, link->now.until_ms,
        link->now.request->cancel_fd, &link->fd, err));
    VELD_TRY(veld_http2_new(&settings, now_ms(link), &link->http2, err));
    link->counters.connections++;
done:
    if (status != VELD_OK)
        drop(link);
    return status;
}

/* Send what the engine has; `*more` when the socket is full. A server that takes nothing any more
 * may have said why, so that is no failure yet. */
static void send_all(veld_host_link *link, bool *more)
{
    *more = false;
    while (!link->deaf) {
        const veld_span out = veld_http2_output(link->http2, now_ms(link));
        if (out.len == 0)
            return;
        const ssize_t sent = send(link->fd, out.data, out.len, MSG_NOSIGNAL);
        if (sent >= 0) {
            link->counters.bytes_up += (uint64_t)sent;
            veld_http2_sent(link->http2, (size_t)sent);
        } else if (errno == EAGAIN) {
            *more = true;
            return;
        } else if (errno != EINTR) {
            link->deaf = true;
        }
    }
}

static veld_status receive(veld_host_link *link, veld_error *err)
{
    uint8_t bytes[RECEIVE_BYTES];
    const ssize_t got = recv(link->fd, bytes, sizeof bytes, 0);
    if (got > 0) {
        link->counters.bytes_down += (uint64_t)got;
        return veld_http2_feed(link->http2, veld_span_of(bytes, (size_t)got), now_ms(link), err);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return VELD_OK;
    return veld_http2_end(link->http2, err);
}

/* Is the connection of an earlier request still good? The server may have closed it meanwhile. */
static bool is_warm(veld_host_link *link)
{
    short got = 0;
    if (link->http2 == NULL)
        return false;
    bool good = veld_http2_tick(link->http2, now_ms(link), NULL) == VELD_OK;
    struct pollfd look = {.fd = link->fd, .events = POLLIN};
    while (good && poll(&look, 1, 0) == 1) {
        got = look.revents;
        good = (got & (POLLERR | POLLNVAL)) == 0 && receive(link, NULL) == VELD_OK &&
               veld_http2_is_open(link->http2);
    }
    good = good && veld_http2_is_open(link->http2);
    if (!good)
        drop(link);
    return good;
}

/* ---- a request ---- */
static veld_status run(veld_host_link *link, veld_error *err)
{
    veld_status status = VELD_OK;
    while (!link->now.ended) {
        bool more = false;
        short got = 0;
        send_all(link, &more);
        if (link->now.ended)
            break;
        int64_t until_ms = veld_http2_deadline(link->http2);
        const bool ours = until_ms > link->now.until_ms;
        if (ours)
            until_ms = link->now.until_ms;
        status = host_wait(link->fd, (short)(POLLIN | (more ? POLLOUT : 0)), link->env, until_ms,
            link->now.request->cancel_fd, &got, err);
        if (status == VELD_E_TIMEOUT && !ours)
            status = veld_http2_tick(link->http2, now_ms(link), err);
        else if (status == VELD_OK && (got & (POLLIN | POLLHUP | POLLERR)) != 0)
            status = receive(link, err);
        if (status != VELD_OK)
            return status;
    }
    if (link->now.ended_with == VELD_OK && !link->now.whole)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the answer");
    if (link->now.ended_with == VELD_E_LIMIT)
        return veld_fail(err, VELD_E_LIMIT, "the server's answer is too large");
    if (link->now.ended_with != VELD_OK)
        return veld_fail(err, link->now.ended_with, "the server ended the request");
    return VELD_OK;
}

static veld_status attempt(veld_host_link *link, veld_error *err)
{
    const veld_http2_request request = {
        .method = link->now.request->method,
        .path = link->now.request->path,
        .authority = link->address.local ? NULL : link->address.text,
        .type = link->now.request->type,
        .body = link->now.request->body,
    };
    int32_t stream = 0;
    veld_status status = VELD_OK;
    link->now.ended = false;
    link->now.head = false;
    link->now.whole = false;
    veld_buf_clear(&link->now.answer);
    if (link->http2 == NULL)
        VELD_TRY(make_connection(link, err));
    VELD_TRY(veld_http2_submit(link->http2, &request, now_ms(link), &stream, err));
    VELD_TRY(run(link, err));
done:
    /* The engine borrows the body until the stream ends, so nothing half-done stays behind. */
    if (status != VELD_OK)
        drop(link);
    return status;
}

veld_status veld_host_link_request(veld_host_link *link, const veld_host_request *request,
    unsigned *http_status, veld_buf *answer, veld_error *err)
{
    VELD_ASSERT(request->answer_bytes_max > 0);
    link->now = (asking){.request = request, .until_ms = now_ms(link) + request->timeout_ms};
    veld_buf_init(&link->now.answer, request->answer_bytes_max);
    const bool warm = is_warm(link);
    veld_status status = attempt(link, err);
    if (warm && !link->now.head && (status == VELD_E_NETWORK || status == VELD_E_BUSY))
        status = attempt(link, err);
    if (status == VELD_E_BUSY)
        status = veld_fail(err, VELD_E_NETWORK, "the server takes no requests now");
    if (status == VELD_OK) {
        link->counters.requests++;
        *http_status = link->now.http_status;
        *answer = link->now.answer;
    } else {
        veld_buf_wipe(&link->now.answer);
    }
    link->now = (asking){0};
    return status;
}

/* ---- the link ---- */
veld_status veld_host_link_new(
    const veld_host_link_settings *settings, veld_host_link **out, veld_error *err)
{
    host_address address;
    veld_status status = host_address_parse(settings->address, &address, err);
    if (status != VELD_OK)
        return status;
    if (address.local != (settings->identity == NULL))
        return veld_fail(err, VELD_E_INVALID, "TLS is for TCP, and only there");
    veld_host_link *made = veld_allocate(sizeof *made);
    if (made == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a link");
    made->env = settings->env;
    made->identity = settings->identity;
    made->any_name = settings->any_name;
    made->address = address;
    made->fd = NO_SOCKET;
    *out = made;
    return VELD_OK;
}

void veld_host_link_free(veld_host_link *link)
{
    if (link == NULL)
        return;
    bool more = false;
    if (link->http2 != NULL) {
        veld_http2_close(link->http2);
        send_all(link, &more);
    }
    drop(link);
    veld_release(link);
}

veld_host_counters veld_host_link_counters(const veld_host_link *link)
{
    return link->counters;
}

veld_tls_reason veld_host_link_reason(const veld_host_link *link)
{
    return link->reason;
}

veld_span veld_host_link_ca(const veld_host_link *link)
{
    const veld_tls *tls = link->http2 != NULL ? veld_http2_get_tls(link->http2) : NULL;
    return tls != NULL ? veld_tls_get_ca(tls) : (veld_span){0};
}
