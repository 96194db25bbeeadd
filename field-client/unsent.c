/* What a locked home may say: how many changes are not handed in yet, and whether a process is at
 * it. HOME/unsent is that number as plain text; HOME/handed-in holds the relay's receipts until the
 * vault opens, and is locked by the process that hands in. Neither says anything about a case. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/directory.h"
#include "veldkit/parcel.h"

enum { RECEIPTS_BYTES_MAX = 16 << 20, NUMBER_BYTES_MAX = 24, END_MS_MAX = 1000, STEP_MS = 10 };

static void path_of(const char *folder, const char *name, char *out, size_t size)
{
    int len = snprintf(out, size, "%s/%s", folder, name);
    VELD_ASSERT(len > 0 && (size_t)len < size);
}

bool fc_unsent_read(const char *folder, uint64_t *out)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16], text[NUMBER_BYTES_MAX] = "";
    char *end = text;
    path_of(folder, "unsent", path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    *out = got > 0 ? strtoull(text, &end, 10) : 0;
    return end != text && *end == '\n';
}

/* Only for a person to see: whole or as it was, but not worth waiting for a disk. Where a vault was
 * wiped nothing is left behind. */
void fc_unsent_write(const char *folder, uint64_t count)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16], made[VELD_CLI_FOLDER_BYTES_MAX + 16];
    char text[NUMBER_BYTES_MAX];
    uint64_t before = 0;
    path_of(folder, "vault", path, sizeof path);
    if ((fc_unsent_read(folder, &before) && before == count) || access(path, F_OK) != 0)
        return;
    path_of(folder, "unsent", path, sizeof path);
    path_of(folder, "unsent.new", made, sizeof made);
    int fd = open(made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)count);
    bool whole = write(fd, text, (size_t)len) == len;
    close(fd);
    if (!whole || rename(made, path) != 0)
        (void)unlink(made);
}

void fc_unsent_note(fc_session *session, const char *folder)
{
    fc_waiting waiting;
    if (session->store != NULL && fc_waiting_count(session, &waiting, NULL) == VELD_OK)
        fc_unsent_write(folder, waiting.unsent - waiting.received);
}

/* ---- the file that the sender locks ---- */
int fc_handed_in_open(const char *folder)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    path_of(folder, "handed-in", path, sizeof path);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The process that holds the lock; 0 when there is none. */
static pid_t holder(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
        return 0;
    return lock.l_pid;
}

bool fc_sender_is_there(const char *folder)
{
    int fd = fc_handed_in_open(folder);
    bool is_there = fd >= 0 && holder(fd) > 0;
    if (fd >= 0)
        close(fd);
    return is_there;
}

/* It changes nothing that half done would be wrong, so what does not end by itself is killed: who
 * opens the vault must be alone with it. */
bool fc_sender_end(const char *folder)
{
    bool was_there = false;
    int fd = fc_handed_in_open(folder);
    for (int waited = 0; fd >= 0 && waited < END_MS_MAX; waited += STEP_MS) {
        pid_t process = holder(fd);
        if (process <= 0)
            break;
        if (waited == 0 || waited == END_MS_MAX / 2)
            (void)kill(process, waited == 0 ? SIGTERM : SIGKILL);
        was_there = true;
        (void)poll(NULL, 0, STEP_MS);
    }
    if (fd >= 0)
        close(fd);
    return was_there;
}

veld_status fc_handed_in_take(fc_session *session, const char *folder, veld_error *err)
{
    veld_agency agency;
    veld_buf receipts;
    uint8_t part[4096];
    ssize_t got = 0;
    size_t changes = 0;
    struct stat file = {0};
    int fd = fc_handed_in_open(folder);
    veld_status status = VELD_OK;
    veld_buf_init(&receipts, RECEIPTS_BYTES_MAX);
    if (fd < 0 || fstat(fd, &file) != 0 || file.st_size == 0)
        goto done;
    status = veld_agency_get(session->store, &session->desk.verifier, &agency, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    while ((got = read(fd, part, sizeof part)) > 0)
        if (veld_buf_append(&receipts, part, (size_t)got) != VELD_OK)
            break; /* more than there can be: what fits is taken, the rest is sent again */
    VELD_TRY(veld_sync_unpack(&session->desk, &agency, veld_buf_span(&receipts), &changes, err));
    /* A receipt that comes in between is lost with it; its work is then offered once more. */
    if (ftruncate(fd, 0) != 0)
        status = veld_fail_native(
            err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "the receipts cannot be put away");

done:
    if (fd >= 0)
        close(fd);
    veld_buf_release(&receipts);
    return status;
}
