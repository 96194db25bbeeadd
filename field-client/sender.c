/* Lock keeps sending: before the keys are wiped, what is unsent is sealed and given to a process of
 * its own (hand_in.c), which is started anew from the program's file, so that nothing of the
 * unlocked one is in its memory. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/directory.h"
#include "veldkit/locked.h"

enum {
    PACK_MS_MAX = 500, /* locking comes first: what is not sealed by then stays for later */
    START_MS_MAX = 5000,
    STEP_MS = 2
};

static veld_status pack(fc_session *session, veld_buf *out, veld_error *err)
{
    veld_sync *engine = NULL;
    veld_agency agency;
    veld_buf pages, watch;
    fc_way way = {0};
    veld_desk desk = session->desk;
    veld_status status;
    veld_buf_init(&pages, FC_PARCEL_BYTES_MAX / 2);
    veld_buf_init(&watch, FC_PARCEL_BYTES_MAX / 2);
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &agency, err));
    VELD_TRY(fc_way_load(session, &way, err));
    desk.watch = (veld_case_watch){0}; /* sealing shows nobody anything */
    const veld_sync_config config = {.desk = &desk,
        .program = "veldkit " VELD_VERSION,
        .role = VELD_SYNC_DEVICE,
        .agency = &agency,
        .anchor = &session->anchor};
    VELD_TRY(veld_sync_new(&config, &engine, err));
    VELD_TRY(veld_sync_pack(
        engine, veld_env_now(&session->env).monotonic_ms + PACK_MS_MAX, &pages, err));
    VELD_TRY(veld_locked_pack(engine, &way.key.public_key, &watch, err));
    const veld_parcel parcel = {.address = veld_buf_span(&way.address),
        .certificate = veld_buf_span(&way.certificate),
        /* The sender knows one CA: the one that its certificate is by. A server of now shows the
         * way from there. */
        .ca = way.own_ca.len > 0 ? veld_buf_span(&way.own_ca) : veld_buf_span(&way.ca),
        .carrier_key = veld_secret_span(&way.key.scalar),
        .relay_key = agency.relay_key,
        .watch = veld_buf_span(&watch),
        .pages = veld_buf_span(&pages)};
    status = veld_parcel_write(&parcel, out, err);

done:
    veld_sync_free(engine);
    fc_way_release(&way);
    veld_buf_wipe(&pages);
    veld_buf_wipe(&watch);
    return status;
}

/* In the child: nothing but the parcel goes along. */
static void become_sender(const char *folder, int parcel)
{
    char name[] = FC_SENDER_NAME, home[VELD_CLI_FOLDER_BYTES_MAX + 1];
    char *const words[] = {name, home, NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)snprintf(home, sizeof home, "%s", folder);
    if (setsid() < 0 || dup2(parcel, FC_PARCEL_FD) != FC_PARCEL_FD ||
        fcntl(FC_PARCEL_FD, F_SETFD, 0) != 0 || close_range(FC_PARCEL_FD + 1, UINT_MAX, 0) != 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(1);
    execv("/proc/self/exe", words);
    _exit(1);
}

/* When this returns the process has its lock, so who opens the vault next finds it, or there is
 * none. */
void fc_sender_run(const char *folder, veld_span parcel)
{
    pid_t child = -1;
    VELD_ASSERT(folder[0] == '/'); /* it works from another folder */
    int waited = 0, fd = memfd_create("parcel", MFD_CLOEXEC);
    if (fd < 0)
        return;
    if (veld_cli_write_all(fd, -1, parcel, NULL) == VELD_OK)
        child = fork();
    if (child == 0)
        become_sender(folder, fd);
    close(fd);
    while (child > 0 && waited < START_MS_MAX && !fc_sender_is_there(folder) &&
           waitpid(child, NULL, WNOHANG) == 0) {
        (void)poll(NULL, 0, STEP_MS);
        waited += STEP_MS;
    }
    if (child > 0 && waited >= START_MS_MAX)
        (void)kill(child, SIGKILL);
}

/* Whoever is already at it has less: the new one has all of that and more. It is there when all is
 * in, too: an order to wipe may still come. */
void fc_sender_start(fc_session *session, const char *folder)
{
    veld_buf parcel;
    fc_wiped wiped;
    if (fc_wiped_get(folder, &wiped, NULL)) /* the vault that is still open is no more */
        return;
    veld_buf_init(&parcel, FC_PARCEL_BYTES_MAX);
    fc_unsent_note(session, folder);
    if (session->store != NULL && pack(session, &parcel, NULL) == VELD_OK) {
        (void)fc_sender_end(folder);
        fc_sender_run(folder, veld_buf_span(&parcel));
    }
    veld_buf_wipe(&parcel);
}
