/* Listeners: taking sockets in, counting them by where they come from, and turning away what is
 * over a cap before it costs anything. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "srv_inner.h"
#include "veldkit/assert.h"

enum { BACKLOG = 256, ACCEPTS_PER_ROUND = 32, PAUSE_S = 1 };

/* ---- who comes in ---- */
static void describe(
    const struct sockaddr_storage *from, srv_peer *peer, uint8_t source[SRV_SOURCE_BYTES])
{
    if (from->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)from;
        memcpy(source, &v4->sin_addr, sizeof v4->sin_addr);
        (void)inet_ntop(AF_INET, &v4->sin_addr, peer->address, sizeof peer->address);
    } else if (from->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)from;
        memcpy(source, &v6->sin6_addr, SRV_SOURCE_BYTES / 2);
        /* A v4 address in v6 form has its own bytes at the end. */
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
            memcpy(source, &v6->sin6_addr, SRV_SOURCE_BYTES);
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, peer->address, sizeof peer->address);
    }
}

static bool over_a_cap(const srv_net *net, const uint8_t source[SRV_SOURCE_BYTES], bool local)
{
    if (net->conns_count >= net->settings.connections_max)
        return true;
    size_t same = 0;
    for (const srv_conn *conn = net->conns; conn != NULL && !local; conn = conn->next)
        if (!conn->peer.local && memcmp(conn->source, source, SRV_SOURCE_BYTES) == 0)
            same++;
    return same >= net->settings.connections_per_address_max;
}

static bool describe_local(int fd, srv_peer *peer)
{
    struct ucred who;
    socklen_t len = sizeof who;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    peer->local = true;
    peer->uid = who.uid;
    return true;
}

static void take_in(srv_listener *listener, int fd, const struct sockaddr_storage *from)
{
    const bool local = listener->identity == NULL;
    srv_peer peer = {0};
    uint8_t source[SRV_SOURCE_BYTES] = {0};
    describe(from, &peer, source);
    if ((local && !describe_local(fd, &peer)) || over_a_cap(listener->net, source, local)) {
        (void)close(fd);
        return;
    }
    if (!local) {
        const int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (srv_conn_new(listener->net, fd, listener->identity, &peer, source) != VELD_OK)
        veld_env_log(listener->net->settings.env, VELD_LOG_WARNING, "no memory for a connection");
}

/* ---- events ---- */
static void on_incoming(evutil_socket_t fd, short what, void *context)
{
    (void)what;
    srv_listener *listener = context;
    for (int i = 0; i < ACCEPTS_PER_ROUND; i++) {
        struct sockaddr_storage from = {0};
        socklen_t len = sizeof from;
        const int got = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (got >= 0) {
            take_in(listener, got, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* The socket stays readable: without a pause the loop would spin. */
            const struct timeval pause = {.tv_sec = PAUSE_S};
            veld_env_log(listener->net->settings.env, VELD_LOG_WARNING,
                "no more connections can be taken for a moment");
            (void)event_del(listener->readable);
            (void)event_add(listener->pause, &pause);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    srv_listener *listener = context;
    (void)event_add(listener->readable, NULL);
}

/* ---- making and closing ---- */
veld_status srv_listener_add(
    srv_net *net, int fd, const veld_tls_identity *identity, const char *path, veld_error *err)
{
    if (net->listeners_count == SRV_LISTENERS_MAX) {
        (void)close(fd);
        return veld_fail(err, VELD_E_LIMIT, "more than %d listeners", SRV_LISTENERS_MAX);
    }
    srv_listener *made = &net->listeners[net->listeners_count];
    *made = (srv_listener){.net = net, .identity = identity, .fd = fd};
    if (path != NULL)
        memcpy(made->path, path, strlen(path));
    net->listeners_count++;
    made->readable = event_new(net->settings.base, fd, EV_READ | EV_PERSIST, on_incoming, made);
    made->pause = event_new(net->settings.base, -1, 0, on_pause_over, made);
    int number = 0;
    if (listen(fd, BACKLOG) != 0)
        number = errno;
    if (number == 0 && made->readable != NULL && made->pause != NULL &&
        event_add(made->readable, NULL) == 0)
        return VELD_OK;
    srv_listener_close(made);
    net->listeners_count--;
    if (number != 0)
        return veld_fail_native(err, number == EADDRINUSE ? VELD_E_BUSY : VELD_E_IO,
            VELD_DOMAIN_POSIX, number, "listening failed");
    return veld_fail(err, VELD_E_MEMORY, "no memory for a listener");
}

void srv_listener_close(srv_listener *listener)
{
    if (listener->fd < 0)
        return;
    if (listener->readable != NULL)
        event_free(listener->readable);
    if (listener->pause != NULL)
        event_free(listener->pause);
    (void)close(listener->fd);
    if (listener->path[0] != '\0')
        (void)unlink(listener->path);
    *listener = (srv_listener){.fd = -1};
}

static veld_status cannot_bind(int number, const char *where, veld_error *err)
{
    veld_status status = VELD_E_IO;
    if (number == EADDRINUSE)
        status = VELD_E_BUSY;
    else if (number == EACCES || number == EPERM)
        status = VELD_E_NOT_ALLOWED;
    return veld_fail_native(
        err, status, VELD_DOMAIN_POSIX, number, "cannot listen on %.100s", where);
}

/* "IP:port" or "[v6]:port"; false when it is neither. (libevent's own reader refuses port 0.) */
static bool read_address(const char *text, struct sockaddr_storage *out, socklen_t *len)
{
    char host[INET6_ADDRSTRLEN + 2];
    char *end = NULL;
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1) || colon[1] == '\0')
        return false;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    size_t host_len = (size_t)(colon - text);
    const bool v6 = host_len > 2 && text[0] == '[' && text[host_len - 1] == ']';
    if (v6) {
        text++;
        host_len -= 2;
    }
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    if (port > UINT16_MAX)
        return false;
    if (v6) {
        struct sockaddr_in6 *to = (void *)out;
        to->sin6_family = AF_INET6;
        to->sin6_port = htons((uint16_t)port);
        *len = sizeof *to;
        return inet_pton(AF_INET6, host, &to->sin6_addr) == 1;
    }
    struct sockaddr_in *to = (void *)out;
    to->sin_family = AF_INET;
    to->sin_port = htons((uint16_t)port);
    *len = sizeof *to;
    return inet_pton(AF_INET, host, &to->sin_addr) == 1;
}

veld_status srv_net_listen(srv_net *net, const char *address, const veld_tls_identity *identity,
    uint16_t *port, veld_error *err)
{
    VELD_ASSERT(identity != NULL);
    struct sockaddr_storage where = {0};
    struct sockaddr *generic = (struct sockaddr *)&where;
    socklen_t len = 0;
    if (!read_address(address, &where, &len))
        return veld_fail(err, VELD_E_FORM, "an address to listen on is IP:port or [v6]:port");
    const int fd = socket(where.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return cannot_bind(errno, address, err);
    const int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, generic, len) != 0 || getsockname(fd, generic, &len) != 0) {
        const int number = errno;
        (void)close(fd);
        return cannot_bind(number, address, err);
    }
    if (where.ss_family == AF_INET)
        *port = ntohs(((const struct sockaddr_in *)(const void *)&where)->sin_port);
    else
        *port = ntohs(((const struct sockaddr_in6 *)(const void *)&where)->sin6_port);
    return srv_listener_add(net, fd, identity, NULL, err);
}

/* ---- the local socket ---- */
/* A socket file that nobody answers on is left from a process that did not end well. */
static bool is_abandoned(const struct sockaddr_un *where)
{
    struct stat facts;
    if (lstat(where->sun_path, &facts) != 0 || !S_ISSOCK(facts.st_mode))
        return false;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const bool refused =
        connect(fd, (const struct sockaddr *)where, sizeof *where) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

veld_status srv_net_listen_local(srv_net *net, const char *path, veld_error *err)
{
    struct sockaddr_un where = {.sun_family = AF_UNIX};
    _Static_assert(SRV_PATH_MAX == sizeof where.sun_path, "a path fits a listener");
    if (strlen(path) >= sizeof where.sun_path)
        return veld_fail(err, VELD_E_LIMIT, "the path of a local socket has at most %zu bytes",
            sizeof where.sun_path - 1);
    memcpy(where.sun_path, path, strlen(path));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return cannot_bind(errno, path, err);
    if (is_abandoned(&where))
        (void)unlink(path);
    /* The mode counts from the first moment: nobody else gets in between bind and a chmod. */
    const mode_t before = umask(S_IRWXG | S_IRWXO | S_IXUSR);
    const int failed = bind(fd, (const struct sockaddr *)&where, sizeof where);
    const int number = errno;
    (void)umask(before);
    if (failed != 0) {
        (void)close(fd);
        return cannot_bind(number, path, err);
    }
    return srv_listener_add(net, fd, NULL, path, err);
}
