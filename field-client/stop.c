/* What ends a long verb early: an interrupt of the terminal when the verb has a process of its own,
 * the end of the client when it runs in the one that holds the vault open. Either becomes a
 * descriptor that is readable, so that nothing is torn down in the middle of a transaction. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

static bool watch(int any, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    return epoll_ctl(any, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* The signals stay blocked afterwards: a process that has one verb ends soon, and the one that
 * serves takes them between two verbs. */
veld_status fc_stop_open(veld_cli_call *call, fc_stop *out)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, VELD_CLI_INTERRUPT_SIGNAL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    out->is_open = true;
    out->signals = signalfd(-1, &set, SFD_CLOEXEC);
    out->any = epoll_create1(EPOLL_CLOEXEC);
    if (out->signals >= 0 && out->any >= 0 && watch(out->any, out->signals) &&
        (call->peer == -1 || watch(out->any, call->peer)))
        return VELD_OK;
    veld_status status = veld_fail_native(
        &call->err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "signals cannot be waited for");
    fc_stop_close(out);
    return status;
}

veld_status fc_stop_pause(const fc_stop *stop, int64_t wait_ms, veld_error *err)
{
    struct pollfd wait = {.fd = stop->any, .events = POLLIN};
    VELD_ASSERT(stop->is_open && wait_ms >= 0 && wait_ms <= 3600000);
    if (poll(&wait, 1, (int)wait_ms) == 0)
        return VELD_OK;
    return veld_fail(
        err, VELD_E_INTERRUPTED, "wat nog niet klaar was, gaat de volgende keer verder");
}

void fc_stop_close(fc_stop *stop)
{
    if (stop->is_open && stop->any >= 0)
        (void)close(stop->any);
    if (stop->is_open && stop->signals >= 0)
        (void)close(stop->signals);
    *stop = (fc_stop){0};
}
