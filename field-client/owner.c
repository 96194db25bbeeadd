/* The process that holds the vault open and runs verbs for others, one at a time, with the client's
 * own streams and working directory. It ends by itself when nobody needs it for a while, on `lock`
 * and on a signal, and wipes the keys before it says so. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

enum { LOOK_UP_MS = 15000 }; /* so that a machine that slept locks soon after it woke */

static volatile sig_atomic_t asked_to_end;

/* A client that wants to lock sends SIGUSR1 first: whatever waits is then left, and its turn comes.
 */
static void on_signal(int number)
{
    asked_to_end = asked_to_end || number != VELD_CLI_INTERRUPT_SIGNAL;
}

/* Signals arrive only while something is waited for, never in the middle of a transaction. */
void fc_owner_catch_signals(sigset_t *while_waiting)
{
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP, VELD_CLI_INTERRUPT_SIGNAL};
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

/* A store that met a failing disk answers nothing more until it was opened and checked again. */
static void recover_store(fc_session *session, veld_status status)
{
    if (status != VELD_E_IO && status != VELD_E_FULL && status != VELD_E_DAMAGED)
        return;
    if (veld_store_reopen(session->store, NULL) != VELD_OK)
        session->stop = true;
}

void fc_owner_serve(fc_session *session, const char *home, int listener, int idle_minutes,
    const sigset_t *while_waiting)
{
    veld_status status = VELD_OK;
    int peer = -1, exit_code = 0;
    VELD_ASSERT(idle_minutes > 0 && home[0] == '/');
    veld_cli_drop_streams();
    session->owner = true;
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
        if (ppoll(&wait, 1, &limit, while_waiting) <= 0)
            continue;
        peer = veld_cli_serve_one(&fc_program, session, home, listener, &status, &exit_code);
        recover_store(session, status);
        if (!session->stop) {
            veld_cli_answer(peer, exit_code);
            peer = -1;
        }
        last_ms = veld_env_now(&session->env).monotonic_ms;
    }
    /* The keys go whether this line can be kept or not. */
    (void)!fc_access_note(session, "lock", VELD_ACCESS_LOCK, NULL);
    veld_cli_channel_remove(home);
    close(listener);
    /* A machine that is being switched off ends us by a signal: nobody goes on sending then. */
    if (!asked_to_end)
        fc_sender_start(session, home);
    else
        fc_unsent_note(session, home);
    fc_session_close(session);
    veld_cli_answer(peer, exit_code);
}
