/* From the text of an address to a connected socket. Every wait is bounded by the caller's deadline
 * and can be stopped; only the look-up of a name cannot, see the contract in host_net.h. */
#include "address.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "veldkit/assert.h"

enum { ATTEMPT_MS = 5000, LAST_ATTEMPT_MS = 15000, WAIT_MS_MAX = 60000 };

static veld_status not_an_address(veld_error *err)
{
    return veld_fail(err, VELD_E_FORM, "an address is host:port, [v6]:port or unix:/path");
}

static bool copy(char *out, size_t out_size, const char *from, size_t len)
{
    if (len == 0 || len >= out_size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

veld_status host_address_parse(const char *text, host_address *out, veld_error *err)
{
    static const char https[] = "https://";
    static const char local[] = "unix:";
    *out = (host_address){0};
    if (strncmp(text, https, sizeof https - 1) == 0)
        text += sizeof https - 1;
    if (!copy(out->text, sizeof out->text, text, strlen(text)))
        return not_an_address(err);
    if (strncmp(text, local, sizeof local - 1) == 0) {
        const char *path = text + sizeof local - 1;
        out->local = true;
        if (!copy(out->host, sizeof((struct sockaddr_un *)0)->sun_path, path, strlen(path)))
            return not_an_address(err);
        return VELD_OK;
    }
    const char *colon = strrchr(text, ':');
    if (colon == NULL || !copy(out->port, sizeof out->port, colon + 1, strlen(colon + 1)) ||
        strspn(out->port, "0123456789") != strlen(out->port))
        return not_an_address(err);
    size_t len = (size_t)(colon - text);
    if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len) != NULL) {
        return not_an_address(err);
    }
    return copy(out->host, sizeof out->host, text, len) ? VELD_OK : not_an_address(err);
}

veld_status host_wait(int fd, short events, const veld_env *env, int64_t until_ms, int cancel_fd,
    short *got, veld_error *err)
{
    for (;;) {
        const int64_t left = until_ms - veld_env_now(env).monotonic_ms;
        if (left <= 0)
            return veld_fail(err, VELD_E_TIMEOUT, "the server did not answer in time");
        struct pollfd fds[2] = {{.fd = fd, .events = events}, {.fd = cancel_fd, .events = POLLIN}};
        const int ready = poll(fds, 2, (int)(left < WAIT_MS_MAX ? left : WAIT_MS_MAX));
        if (ready < 0 && errno != EINTR)
            return veld_fail_native(
                err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "waiting for a socket failed");
        if (ready <= 0)
            continue;
        if (fds[1].revents != 0)
            return veld_fail(err, VELD_E_INTERRUPTED, "stopped on request");
        *got = fds[0].revents;
        return VELD_OK;
    }
}

static veld_status unreachable(const host_address *address, int number, veld_error *err)
{
    return veld_fail_native(err, VELD_E_NETWORK, VELD_DOMAIN_POSIX, number,
        "the server at %.80s cannot be reached", address->text);
}

/* One attempt; the socket is closed again when it fails. */
static veld_status attempt(const host_address *address, const struct sockaddr *to, socklen_t to_len,
    const veld_env *env, int64_t until_ms, int cancel_fd, int *out, veld_error *err)
{
    veld_status status = VELD_OK;
    short got = 0;
    int number = 0;
    socklen_t number_len = sizeof number;
    const int fd = socket(to->sa_family, SOCK_STREAM, 0);
    if (fd < 0)
        return unreachable(address, errno, err);
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        VELD_TRY(unreachable(address, errno, err));
    if (!address->local) {
        const int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    if (connect(fd, to, to_len) != 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            VELD_TRY(unreachable(address, errno, err));
        VELD_TRY(host_wait(fd, POLLOUT, env, until_ms, cancel_fd, &got, err));
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &number_len) != 0 || number != 0)
            VELD_TRY(unreachable(address, number, err));
    }
    *out = fd;
    return VELD_OK;
done:
    (void)close(fd);
    return status;
}

static veld_status connect_local(const host_address *address, const veld_env *env, int64_t until_ms,
    int cancel_fd, int *out, veld_error *err)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    VELD_ASSERT(strlen(address->host) < sizeof to.sun_path);
    memcpy(to.sun_path, address->host, strlen(address->host));
    return attempt(
        address, (const struct sockaddr *)&to, sizeof to, env, until_ms, cancel_fd, out, err);
}

veld_status host_address_connect(const host_address *address, const veld_env *env, int64_t until_ms,
    int cancel_fd, int *out, veld_error *err)
{
    if (address->local)
        return connect_local(address, env, until_ms, cancel_fd, out, err);
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    const int failed = getaddrinfo(address->host, address->port, &hints, &found);
    if (failed != 0)
        return veld_fail(
            err, VELD_E_NETWORK, "no address is known for the server %.80s", address->host);
    veld_status status = VELD_E_NETWORK;
    for (const struct addrinfo *to = found; to != NULL; to = to->ai_next) {
        /* One that is silent does not get all of the time of a request that may last minutes. */
        int64_t limit_ms =
            veld_env_now(env).monotonic_ms + (to->ai_next != NULL ? ATTEMPT_MS : LAST_ATTEMPT_MS);
        if (limit_ms > until_ms)
            limit_ms = until_ms;
        status = attempt(address, to->ai_addr, to->ai_addrlen, env, limit_ms, cancel_fd, out, err);
        if (status == VELD_OK || status == VELD_E_INTERRUPTED)
            break;
    }
    freeaddrinfo(found);
    return status;
}
