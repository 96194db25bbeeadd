/* The process that holds the vault open and runs verbs for others, one at a time, with the client's
 * own streams and working directory. It ends by itself when nobody needs it for a while, on `lock`
 * and on a signal, and wipes the keys before it says so. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

enum { LOOK_UP_MS = 15000 }; /* so that a machine that slept locks soon after it woke */

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
    (void)number;
    asked_to_end = 1;
}

/* Signals arrive only while waiting for a client, never in the middle of a verb. */
static void catch_signals(sigset_t *while_waiting)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaddset(&blocked, numbers[i]);
        sigaction(numbers[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &blocked, while_waiting);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigdelset(while_waiting, numbers[i]);
}

static bool take_streams(const fc_request *request)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(request->fds[fd], fd) != fd)
            return false;
    return fchdir(request->fds[3]) == 0;
}

static void drop_streams(void)
{
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    VELD_ASSERT(nothing >= 0);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        VELD_ASSERT(dup2(nothing, fd) == fd);
    close(nothing);
    VELD_ASSERT(chdir("/") == 0);
}

/* A store that met a failing disk answers nothing more until it was opened and checked again. */
static void recover_store(fc_session *session, veld_status status)
{
    if (status != VELD_E_IO && status != VELD_E_FULL && status != VELD_E_DAMAGED)
        return;
    if (veld_store_reopen(session->store, NULL) != VELD_OK)
        session->stop = true;
}

static int run_request(fc_session *session, const char *home, int peer, const fc_request *request)
{
    fc_call call;
    fc_call_init(&call);
    call.peer = peer;
    veld_status status = fc_parse(&call, request->count, request->words);
    if (status == VELD_OK && (call.verb == NULL || call.verb->run == fc_verb_init))
        status = veld_fail(&call.err, VELD_E_INVALID, "hier is al een kluis, en die is open");
    if (status == VELD_OK) {
        (void)snprintf(call.home, sizeof call.home, "%s", home);
        call.session = session;
        status = call.verb->run(&call);
    }
    int exit_code = fc_finish(&call, status);
    recover_store(session, status);
    fc_call_release(&call);
    return exit_code;
}

/* Returns the connection on which the exit code is still to be sent; -1 when there is none. */
static int serve_one(fc_session *session, const char *home, int listener, int *exit_code)
{
    fc_request request;
    int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (peer < 0)
        return -1;
    if (fc_channel_receive(peer, &request, NULL) != VELD_OK || !take_streams(&request)) {
        close(peer);
        peer = -1;
    } else {
        *exit_code = run_request(session, home, peer, &request);
    }
    fc_request_release(&request);
    drop_streams();
    return peer;
}

static void answer(int peer, int exit_code)
{
    if (peer == -1)
        return;
    (void)!fc_channel_answer(peer, exit_code, NULL); /* a client that is gone needs no answer */
    close(peer);
}

void fc_owner_serve(fc_session *session, const char *home, int listener, int idle_minutes)
{
    sigset_t while_waiting;
    int peer = -1, exit_code = 0;
    VELD_ASSERT(idle_minutes > 0 && home[0] == '/');
    drop_streams();
    session->owner = true;
    catch_signals(&while_waiting);
    int64_t idle_ms = (int64_t)idle_minutes * 60000;
    int64_t last_ms = veld_env_now(&session->env).monotonic_ms;
    while (!session->stop && !asked_to_end) {
        int64_t left_ms = idle_ms - (veld_env_now(&session->env).monotonic_ms - last_ms);
        if (left_ms <= 0)
            break;
        if (left_ms > LOOK_UP_MS)
            left_ms = LOOK_UP_MS;
        struct timespec limit = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        if (ppoll(&wait, 1, &limit, &while_waiting) <= 0)
            continue;
        peer = serve_one(session, home, listener, &exit_code);
        if (!session->stop) {
            answer(peer, exit_code);
            peer = -1;
        }
        last_ms = veld_env_now(&session->env).monotonic_ms;
    }
    fc_channel_remove(home);
    close(listener);
    fc_session_close(session);
    answer(peer, exit_code);
}
