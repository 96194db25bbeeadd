/* The merger's process: takes in what the relay has, signs heads and answers enrolments through the
 * exchange engine, and runs the verbs of administrators between two exchanges. While it waits for
 * the relay, an administrator or a signal ends the waiting; an exchange that was cut so has no
 * effect and is made again. */
#include "merger.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "srv_sandbox.h"
#include "veldkit/assert.h"
#include "veldkit/host_net.h"

enum {
    EXCHANGE_MS_MAX = 60000,
    RELAY_PAUSE_MS_MAX = 2000,
    RENEW_MS = 60000,
    CERTIFICATE_MS = 3600000, /* so often it is looked whether that of the server ends */
    HAND_IN_MS_MAX = 5000,
    HAND_IN_EXCHANGES_MAX = 4
};

typedef struct merger_process {
    srv_session *session;
    veld_host_link *link;
    char folder[SRV_PATH_BYTES_MAX];
    int listener; /* administrators */
    int signals;
    int wake;           /* epoll of both: readable when the merger has something better to do */
    int64_t renewed_ms; /* when leases were looked at last, by the monotonic clock */
    int64_t look_ms;    /* when the server's certificate is to be looked at again */
    bool stopping;
} merger_process;

static veld_status fail_errno(veld_error *err, const char *what)
{
    return veld_fail_native(err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "%s", what);
}

static veld_status watch(int wake, int fd, veld_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(wake, EPOLL_CTL_ADD, fd, &event) == 0 ? VELD_OK
                                                           : fail_errno(err, "no waiting");
}

static veld_status open_wake(merger_process *m, veld_error *err)
{
    sigset_t set;
    veld_status status;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    m->wake = epoll_create1(EPOLL_CLOEXEC);
    if (m->signals < 0 || m->wake < 0)
        return fail_errno(err, "no waiting");
    VELD_TRY(watch(m->wake, m->signals, err));
    VELD_TRY(watch(m->wake, m->listener, err));

done:
    return status;
}

/* A store that met a failing disk answers nothing more until it was opened and checked again. */
static veld_status recover(merger_process *m, veld_status status, veld_error *err)
{
    if (status != VELD_E_IO && status != VELD_E_FULL && status != VELD_E_DAMAGED)
        return VELD_OK;
    return veld_store_reopen(m->session->store, err);
}

/* How an exchange is made: as the merger's long wait, or to hand in at once. */
typedef struct exchange_manner {
    uint32_t wait_ms;
    int64_t timeout_ms;
    int cancel_fd;
} exchange_manner;

/* One exchange. A relay that is away, or an administrator who came, is no error; `more` says
 * whether another one would bring or hand in something. */
static veld_status exchange(
    merger_process *m, const exchange_manner *manner, bool *more, veld_error *err)
{
    veld_sync *sync = m->session->sync;
    veld_sync_result result = {0};
    veld_error why = {0};
    veld_buf body, answer = {0};
    unsigned http_status = 0;
    veld_status status;
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    status = veld_sync_begin(sync, manner->wait_ms, &body, &why);
    if (status != VELD_OK) { /* a full disk is not asked again and again at once */
        veld_sync_fail(sync);
        goto done;
    }
    const veld_host_request request = {.method = "POST",
        .path = "/v1/exchange",
        .body = veld_buf_span(&body),
        .answer_bytes_max = VELD_EXCHANGE_BYTES_MAX,
        .timeout_ms = manner->timeout_ms,
        .cancel_fd = manner->cancel_fd};
    status = veld_host_link_request(m->link, &request, &http_status, &answer, &why);
    if (status == VELD_OK && http_status != 200)
        status = veld_fail(&why, VELD_E_NETWORK, "the relay answers %u", http_status);
    if (status == VELD_OK)
        status = veld_sync_feed(sync, veld_buf_span(&answer), &why);
    if (status != VELD_OK) {
        veld_sync_fail(sync);
        goto done;
    }
    VELD_TRY(veld_sync_finish(sync, &result, &why));

done:
    *more = status == VELD_OK && result.more;
    veld_buf_release(&body);
    veld_buf_release(&answer);
    /* The next one begins at once: it is the relay that waits when it has nothing to tell. */
    if (status == VELD_OK || status == VELD_E_INTERRUPTED) {
        veld_sync_wake(sync);
        return VELD_OK;
    }
    veld_env_log(
        &m->session->env, VELD_LOG_WARNING, "exchange: %s: %s", veld_status_name(status), why.text);
    return recover(m, status, err);
}

/* What a verb left for the tablets is with the relay before the verb ends, so that a tablet which
 * syncs afterwards gets it. A relay that is away keeps nobody: the loop hands in later. */
static veld_status hand_in(merger_process *m, veld_error *err)
{
    const exchange_manner at_once = {.timeout_ms = HAND_IN_MS_MAX, .cancel_fd = -1};
    veld_status status = VELD_OK;
    bool more = m->session->to_hand_in;
    m->session->to_hand_in = false;
    for (int i = 0; status == VELD_OK && more && i < HAND_IN_EXCHANGES_MAX; i++)
        status = exchange(m, &at_once, &more, err);
    return status;
}

/* Signals and administrators; waits for one at most so long. */
static veld_status attend(merger_process *m, int64_t wait_ms, veld_error *err)
{
    struct epoll_event event;
    struct signalfd_siginfo info;
    veld_status status = VELD_OK;
    int exit_code = 0;
    int ready = epoll_wait(m->wake, &event, 1, (int)wait_ms);
    if (ready <= 0)
        return ready == 0 || errno == EINTR ? VELD_OK : fail_errno(err, "no waiting");
    if (read(m->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        m->stopping = true;
        return VELD_OK;
    }
    int peer = veld_cli_serve_one(
        &srv_program, m->session, m->session->dir, m->listener, &status, &exit_code);
    veld_error why = {0};
    if (exit_code == 0 && hand_in(m, &why) != VELD_OK)
        veld_env_log(&m->session->env, VELD_LOG_WARNING, "hand in: %s", why.text);
    veld_cli_answer(peer, exit_code);
    veld_sync_wake(m->session->sync);
    return recover(m, status, err);
}

/* A relay that is away has nobody in contact. */
static veld_status renew(merger_process *m, int64_t now_ms, veld_error *err)
{
    veld_error why = {0};
    if (m->renewed_ms != 0 && now_ms - m->renewed_ms < RENEW_MS)
        return VELD_OK;
    m->renewed_ms = now_ms;
    veld_status status = srv_renew_leases(m->session, m->link, &why);
    if (status == VELD_OK)
        return VELD_OK;
    veld_env_log(
        &m->session->env, VELD_LOG_WARNING, "leases: %s: %s", veld_status_name(status), why.text);
    return recover(m, status, err);
}

/* A relay that is away is asked again soon. */
static veld_status look_at_certificate(merger_process *m, int64_t now_ms, veld_error *err)
{
    veld_error why = {0};
    if (now_ms < m->look_ms)
        return VELD_OK;
    veld_status status = srv_renew_certificate(m->session, m->link, &why);
    m->look_ms = now_ms + (status == VELD_OK ? CERTIFICATE_MS : RENEW_MS);
    if (status == VELD_OK)
        return VELD_OK;
    veld_env_log(&m->session->env, VELD_LOG_WARNING, "the server's certificate: %s: %s",
        veld_status_name(status), why.text);
    return recover(m, status, err);
}

static veld_status loop(merger_process *m, veld_error *err)
{
    const exchange_manner waiting = {
        .wait_ms = VELD_EXCHANGE_WAIT_MS_MAX, .timeout_ms = EXCHANGE_MS_MAX, .cancel_fd = m->wake};
    veld_status status = VELD_OK;
    bool more = false;
    while (status == VELD_OK && !m->stopping) {
        int64_t now_ms = veld_env_now(&m->session->env).monotonic_ms;
        int64_t wait_ms = veld_sync_next_ms(m->session->sync) - now_ms;
        /* The relay is on this machine: after a failure it is soon there again. */
        if (wait_ms > RELAY_PAUSE_MS_MAX)
            wait_ms = RELAY_PAUSE_MS_MAX;
        status = attend(m, wait_ms > 0 ? wait_ms : 0, err);
        if (status == VELD_OK && !m->stopping)
            status = look_at_certificate(m, now_ms, err);
        if (status == VELD_OK && !m->stopping &&
            veld_env_now(&m->session->env).monotonic_ms >= now_ms + (wait_ms > 0 ? wait_ms : 0))
            status = exchange(m, &waiting, &more, err);
        if (status == VELD_OK && !m->stopping)
            status = renew(m, now_ms, err);
    }
    return status;
}

static veld_status open_merger(
    merger_process *m, const char *dir, const char *address, veld_error *err)
{
    char socket[SRV_PATH_BYTES_MAX + 16], relay[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(dir, "merger", m->folder, err));
    VELD_TRY(srv_path(dir, "relay/" SRV_SOCKET_OF_MERGER, relay, err));
    /* The vault first: a credential and a TPM lie outside of the folder. Nothing of strangers is
     * read before the sandbox is closed. */
    VELD_TRY(srv_session_open(dir, address, m->session, err));
    VELD_TRY(srv_sandbox_files(m->folder, &m->session->files_closed, err));
    if (!m->session->files_closed)
        veld_env_log(&m->session->env, VELD_LOG_WARNING,
            "this kernel has no Landlock: the merger is not kept from other files");
    m->session->serving = true;
    (void)snprintf(socket, sizeof socket, "unix:%s", relay);
    const veld_host_link_settings settings = {.env = &m->session->env, .address = socket};
    VELD_TRY(veld_host_link_new(&settings, &m->link, err));
    VELD_TRY(veld_cli_channel_listen(m->folder, &m->listener, err));
    VELD_TRY(open_wake(m, err));
    VELD_TRY(srv_sandbox_merger(&m->session->calls_closed, err));
    if (!m->session->calls_closed)
        veld_env_log(&m->session->env, VELD_LOG_WARNING,
            "no seccomp filter can be set here: the merger is not kept from calls it does not "
            "need");

done:
    return status;
}

veld_status srv_merger_run(const char *dir, const char *address, veld_error *err)
{
    merger_process m = {.listener = -1, .signals = -1, .wake = -1};
    veld_status status;
    m.session = veld_allocate(sizeof *m.session);
    if (m.session == NULL)
        return VELD_E_MEMORY;
    VELD_TRY(open_merger(&m, dir, address, err));
    VELD_TRY(srv_tell_ready("ready\n", err));
    VELD_TRY(loop(&m, err));

done:
    if (m.listener >= 0) {
        veld_cli_channel_remove(m.folder);
        close(m.listener);
    }
    if (m.signals >= 0)
        close(m.signals);
    if (m.wake >= 0)
        close(m.wake);
    veld_host_link_free(m.link);
    srv_session_close(m.session);
    veld_release(m.session);
    return status;
}
