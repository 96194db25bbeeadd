/* unlock and lock: start and end the process that holds the vault open. The store's file may not be
 * open across a fork, so the child opens it, and tells its parent when it is ready. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

enum { FIRST_FD = STDERR_FILENO + 1 };

static veld_status idle_minutes(veld_cli_call *call, int *out)
{
    const char *text = veld_cli_value(call, FC_OPTION_IDLE);
    char *end = NULL;
    *out = FC_IDLE_MINUTES;
    if (text == NULL)
        return VELD_OK;
    long minutes = strtol(text, &end, 10);
    if (*end != '\0' || minutes < 1 || minutes > FC_IDLE_MINUTES_MAX)
        return veld_fail(
            &call->err, VELD_E_INVALID, "--idle is een getal van 1 tot %d", FC_IDLE_MINUTES_MAX);
    *out = (int)minutes;
    return VELD_OK;
}

static veld_status say_owner(veld_cli_call *call, const char *what)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call, "%s (proces %ld).\n", what, (long)getpid());
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "owner", (uint64_t)getpid());
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

/* In the child: from a passphrase to a process that serves. Whatever else it was started with open
 * would stay open as long as it lives: only the streams and the way to the parent are kept. Never
 * returns. */
static void become_owner(veld_cli_call *call, veld_cli_pin *pin, int minutes, int ready)
{
    fc_session session = {0};
    sigset_t while_waiting;
    int listener = -1;
    veld_status status;
    if (setsid() < 0 || dup2(ready, FIRST_FD) != FIRST_FD ||
        close_range(FIRST_FD + 1, UINT_MAX, 0) != 0) {
        status = veld_fail(&call->err, VELD_E_IO, "the new process cannot be set apart");
        goto done;
    }
    ready = FIRST_FD;
    VELD_TRY(fc_session_open(call, veld_cli_pin_span(pin), &session));
    VELD_TRY(fc_access_note(&session, "unlock", VELD_ACCESS_LOGIN, &call->err));
    fc_owner_catch_signals(&while_waiting);
    VELD_TRY(veld_cli_channel_listen(call->folder, &listener, &call->err));
    VELD_TRY(say_owner(call, "De kluis is open"));

done:
    veld_cli_pin_release(pin);
    uint8_t exit_code = (uint8_t)veld_cli_finish(call, status);
    ssize_t told = write(ready, &exit_code, 1);
    close(ready);
    if (status == VELD_OK && told == 1)
        fc_owner_serve(&session, call->folder, listener, minutes, &while_waiting);
    else
        fc_session_close(&session);
    _exit(exit_code);
}

/* In the parent: the child has printed what there is to say. */
static veld_status wait_for_owner(veld_cli_call *call, int ready)
{
    uint8_t exit_code = 0;
    ssize_t got;
    do {
        got = read(ready, &exit_code, 1);
    } while (got < 0 && errno == EINTR);
    if (got != 1)
        return veld_fail(&call->err, VELD_E_IO, "het proces dat de kluis opent is weggevallen");
    call->exit_code = exit_code;
    return VELD_OK;
}

veld_status fc_verb_unlock(veld_cli_call *call)
{
    int minutes = 0, ends[2] = {-1, -1};
    veld_cli_pin pin = {0};
    veld_status status;
    if (call->session != NULL)
        return say_owner(call, "De kluis was al open");
    VELD_TRY(idle_minutes(call, &minutes));
    VELD_TRY(veld_cli_given(call, FC_OPTION_RECOVERY) ? fc_recover(call, &pin)
                                                      : veld_cli_pin_get(call, false, &pin));
    if (pipe(ends) != 0) {
        status = veld_fail(&call->err, VELD_E_IO, "no pipe to the new process");
        goto done;
    }
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        become_owner(call, &pin, minutes, ends[1]);
    }
    close(ends[1]);
    status = child > 0 ? wait_for_owner(call, ends[0])
                       : veld_fail(&call->err, VELD_E_IO, "no new process");
    close(ends[0]);

done:
    veld_cli_pin_release(&pin);
    return status;
}

static veld_status say_locked(veld_cli_call *call, bool was_open)
{
    fc_waiting waiting = {0};
    if (!was_open)
        return veld_cli_say(call, "De kluis was al op slot.\n");
    veld_status status = veld_cli_say(call, "De kluis is op slot.\n");
    if (status == VELD_OK)
        status = fc_waiting_count(call->session, &waiting, &call->err);
    if (status == VELD_OK && waiting.unsent > waiting.received)
        status = fc_say_unsent(call, waiting.unsent - waiting.received);
    return status;
}

veld_status fc_verb_lock(veld_cli_call *call)
{
    veld_json_writer writer;
    bool was_open = call->session != NULL;
    if (was_open)
        call->session->stop = true;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return say_locked(call, was_open);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "locked");
    veld_json_writer_boolean(&writer, was_open);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}
