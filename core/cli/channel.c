/* The local socket between a verb and the process that serves its folder. A request is the words of
 * the command with the client's three streams, its working directory and the files with
 * secrets that the words name, opened; the answer is the exit code. Both sides are the same user on
 * the same machine, which the kernel vouches for; nothing here is a secret, and everything has a
 * bound.
 *
 *   request   "VKO0" | length u32 | words, each with a zero byte behind it      + 4 to 6
 * descriptors output    "VKOO" | length u32 | bytes for the client's standard output      any
 * number of times answer    "VKO0" | exit code u32 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"
#include "veldkit/number.h"

enum {
    HEADER_BYTES = 8,
    REQUEST_FDS_MIN = 4,
    REQUEST_FDS = REQUEST_FDS_MIN + VELD_CLI_SECRETS_MAX,
    REQUEST_SECONDS_MAX = 5
};
static const char magic[4] = {'V', 'K', 'O', '0'};
static const char magic_output[4] = {'V', 'K', 'O', 'O'};

static veld_status fail_errno(veld_error *err, veld_status status, const char *what)
{
    return veld_fail_native(err, status, VELD_DOMAIN_POSIX, errno, "%s", what);
}

/* A socket's name holds 107 bytes and a folder may be deeper: so it is named from within.
 * Only before any thread is started. */
static veld_status at_folder(const char *folder, int fd,
    int (*what)(int, const struct sockaddr *, socklen_t), int *result, veld_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0)
        return fail_errno(err, VELD_E_IO, "the working directory cannot be opened");
    veld_status status = VELD_OK;
    if (chdir(folder) != 0) {
        *result = errno;
    } else {
        *result = what(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
        if (fchdir(here) != 0)
            status = fail_errno(err, VELD_E_IO, "the working directory is gone");
    }
    close(here);
    return status;
}

veld_status veld_cli_channel_connect(const char *folder, int *fd, veld_error *err)
{
    int result = 0;
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return fail_errno(err, VELD_E_IO, "no local socket");
    veld_status status = at_folder(folder, *fd, connect, &result, err);
    if (status == VELD_OK && result == 0)
        return VELD_OK;
    close(*fd);
    *fd = -1;
    if (status != VELD_OK || result == ENOENT || result == ECONNREFUSED || result == ENOTDIR)
        return status;
    return veld_fail_native(err, veld_status_from_errno(result), VELD_DOMAIN_POSIX, result,
        "de map of de socket erin is niet bereikbaar");
}

veld_status veld_cli_channel_listen(const char *folder, int *fd, veld_error *err)
{
    int result = 0;
    veld_cli_channel_remove(folder);
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return fail_errno(err, VELD_E_IO, "no local socket");
    mode_t before = umask(0177);
    veld_status status = at_folder(folder, *fd, bind, &result, err);
    umask(before);
    if (status == VELD_OK && result != 0)
        status = veld_fail_native(
            err, VELD_E_IO, VELD_DOMAIN_POSIX, result, "the local socket cannot be made");
    if (status == VELD_OK && listen(*fd, 16) != 0)
        status = fail_errno(err, VELD_E_IO, "the local socket cannot listen");
    if (status == VELD_OK)
        return VELD_OK;
    close(*fd);
    *fd = -1;
    return status;
}

/* The kernel says which process listens there. */
void veld_cli_channel_interrupt(const char *folder)
{
    int fd = -1;
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    if (veld_cli_channel_connect(folder, &fd, NULL) != VELD_OK || fd == -1)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof peer &&
        peer.uid == geteuid() && peer.pid > 0)
        (void)kill(peer.pid, VELD_CLI_INTERRUPT_SIGNAL);
    close(fd);
}

void veld_cli_channel_remove(const char *folder)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    (void)snprintf(path, sizeof path, "%s/socket", folder);
    (void)unlink(path);
}

/* ---- the client's side ---- */
static veld_status send_bytes(int fd, veld_span bytes, veld_error *err)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t sent = send(fd, bytes.data + done, bytes.len - done, MSG_NOSIGNAL);
        if (sent > 0)
            done += (size_t)sent;
        else if (errno != EINTR)
            return fail_errno(err, VELD_E_IO, "the other process does not take it");
    }
    return VELD_OK;
}

/* The header goes with the descriptors, so that they are there before any word is read. */
static veld_status send_header(int fd, const uint8_t header[HEADER_BYTES], int here,
    const int secrets[VELD_CLI_SECRETS_MAX], veld_error *err)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(REQUEST_FDS * sizeof(int))];
    } control = {0};
    uint8_t copy[HEADER_BYTES];
    memcpy(copy, header, sizeof copy);
    struct iovec part = {.iov_base = copy, .iov_len = sizeof copy};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    int fds[REQUEST_FDS] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, here};
    size_t count = REQUEST_FDS_MIN;
    for (size_t i = 0; i < VELD_CLI_SECRETS_MAX && secrets[i] != -1; i++)
        fds[count++] = secrets[i];
    first->cmsg_level = SOL_SOCKET;
    first->cmsg_type = SCM_RIGHTS;
    first->cmsg_len = CMSG_LEN(count * sizeof fds[0]);
    message.msg_controllen = CMSG_SPACE(count * sizeof fds[0]);
    memcpy(CMSG_DATA(first), fds, count * sizeof fds[0]);
    ssize_t sent;
    do {
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent != HEADER_BYTES)
        return fail_errno(err, VELD_E_IO, "the other process does not take it");
    return VELD_OK;
}

veld_status veld_cli_channel_send(
    int fd, const int secrets[VELD_CLI_SECRETS_MAX], int count, char *const *words, veld_error *err)
{
    uint8_t header[HEADER_BYTES];
    veld_buf bytes;
    veld_status status;
    veld_buf_init(&bytes, VELD_CLI_REQUEST_BYTES_MAX);
    int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (here < 0)
        return fail_errno(err, VELD_E_IO, "the working directory cannot be opened");
    for (int i = 0; i < count; i++) {
        VELD_TRY(veld_buf_append_text(&bytes, words[i]));
        VELD_TRY(veld_buf_append_byte(&bytes, 0));
    }
    memcpy(header, magic, sizeof magic);
    veld_put_u32(header + sizeof magic, (uint32_t)bytes.len);
    VELD_TRY(send_header(fd, header, here, secrets, err));
    VELD_TRY(send_bytes(fd, veld_buf_span(&bytes), err));

done:
    close(here);
    veld_buf_wipe(&bytes);
    return status;
}

/* Reads exactly so many bytes; false when the other side ended, or was silent too long. */
static bool receive_bytes(int fd, uint8_t *out, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = recv(fd, out + done, len - done, 0);
        if (got == 0 || (got < 0 && errno != EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

veld_status veld_cli_channel_wait(int fd, veld_buf *output, int *exit_code, veld_error *err)
{
    uint8_t header[HEADER_BYTES];
    bool whole = receive_bytes(fd, header, sizeof header);
    while (whole && memcmp(header, magic_output, sizeof magic_output) == 0) {
        uint8_t *bytes = NULL;
        size_t len = veld_get_u32(header + sizeof magic_output);
        veld_status status = veld_buf_extend(output, len, &bytes);
        if (status != VELD_OK)
            return veld_fail(err, status, "no room for the answer");
        whole = receive_bytes(fd, bytes, len) && receive_bytes(fd, header, sizeof header);
    }
    if (!whole || memcmp(header, magic, sizeof magic) != 0)
        return veld_fail(err, VELD_E_IO,
            "het proces dat de opdracht uitvoerde is weg voor het antwoord kwam; kijk of het werk "
            "er is en probeer het opnieuw");
    *exit_code = (int)veld_get_u32(header + sizeof magic);
    return VELD_OK;
}

/* ---- the owner's side ---- */
static bool same_user(int fd)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof peer &&
           peer.uid == geteuid();
}

static void take_descriptors(struct msghdr *message, int fds[REQUEST_FDS])
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
         part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(part) + i * sizeof fd, sizeof fd);
            if (i < REQUEST_FDS && fds[i] == -1)
                fds[i] = fd;
            else
                close(fd);
        }
    }
}

static bool receive_header(int fd, uint8_t header[HEADER_BYTES], int fds[REQUEST_FDS])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(REQUEST_FDS * sizeof(int))];
    } control = {0};
    struct iovec part = {.iov_base = header, .iov_len = HEADER_BYTES};
    struct msghdr message = {.msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do {
        got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    take_descriptors(&message, fds);
    return got == HEADER_BYTES && (message.msg_flags & MSG_CTRUNC) == 0 &&
           memcmp(header, magic, sizeof magic) == 0 && fds[REQUEST_FDS_MIN - 1] != -1;
}

veld_status veld_cli_channel_receive(int fd, veld_cli_request *out, veld_error *err)
{
    const struct timeval limit = {.tv_sec = REQUEST_SECONDS_MAX};
    uint8_t header[HEADER_BYTES] = {0};
    uint8_t *bytes = NULL;
    veld_status status;
    *out = (veld_cli_request){.fds = {-1, -1, -1, -1, -1, -1}};
    _Static_assert(REQUEST_FDS == 6, "each descriptor begins as none");
    veld_buf_init(&out->bytes, VELD_CLI_REQUEST_BYTES_MAX);
    if (!same_user(fd) || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0)
        return veld_fail(err, VELD_E_NOT_ALLOWED, "a client of another user");
    if (!receive_header(fd, header, out->fds))
        return veld_fail(err, VELD_E_FORM, "a request without its beginning");
    size_t len = veld_get_u32(header + sizeof magic);
    if (len == 0)
        return veld_fail(err, VELD_E_FORM, "a request without words");
    VELD_TRY(veld_buf_extend(&out->bytes, len, &bytes));
    if (!receive_bytes(fd, bytes, len) || bytes[len - 1] != 0)
        return veld_fail(err, VELD_E_FORM, "a request that was cut");
    for (size_t at = 0; at < len; at += strlen((char *)bytes + at) + 1) {
        if (out->count == (int)VELD_CLI_ARGUMENTS_MAX)
            return veld_fail(err, VELD_E_LIMIT, "too many words");
        out->words[out->count++] = (char *)bytes + at;
    }

done:
    return status;
}

void veld_cli_request_release(veld_cli_request *request)
{
    for (size_t i = 0; i < REQUEST_FDS; i++)
        if (request->fds[i] != -1)
            close(request->fds[i]);
    veld_buf_wipe(&request->bytes);
}

veld_status veld_cli_channel_output(int fd, veld_span bytes, veld_error *err)
{
    uint8_t header[HEADER_BYTES];
    VELD_ASSERT(bytes.len <= VELD_CLI_OUTPUT_BYTES_MAX);
    memcpy(header, magic_output, sizeof magic_output);
    veld_put_u32(header + sizeof magic_output, (uint32_t)bytes.len);
    veld_status status = send_bytes(fd, veld_span_of(header, sizeof header), err);
    return status == VELD_OK ? send_bytes(fd, bytes, err) : status;
}

veld_status veld_cli_channel_answer(int fd, int exit_code, veld_error *err)
{
    uint8_t answer[HEADER_BYTES];
    VELD_ASSERT(exit_code >= 0);
    memcpy(answer, magic, sizeof magic);
    veld_put_u32(answer + sizeof magic, (uint32_t)exit_code);
    return send_bytes(fd, veld_span_of(answer, sizeof answer), err);
}
