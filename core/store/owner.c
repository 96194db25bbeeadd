/* One process owns a store. HOME/owner is locked as long as the store is open, and says who has it;
 * the lock goes with the process, however that ends. SQLite's own lock would keep a second one out
 * as well, but could not name anybody. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "file.h"
#include "inner.h"

static veld_status taken(int fd, veld_error *err)
{
    char text[24] = {0};
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    text[strspn(text, "0123456789")] = '\0';
    if (got <= 0 || text[0] == '\0')
        return veld_fail(err, VELD_E_BUSY, "another process has this store open");
    return veld_fail(
        err, VELD_E_BUSY, "process %s has this store open: use it there, or end it first", text);
}

veld_status store_owner_take(veld_store *store, veld_error *err)
{
    char *path = NULL, text[24];
    veld_status status = VELD_OK;
    VELD_TRY(store_file_path(store->home, "owner", &path, err));
    store->owner_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (store->owner_fd < 0) {
        status = veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
            "cannot open the store's lock: %s", strerror(errno));
        goto done;
    }
    if (flock(store->owner_fd, LOCK_EX | LOCK_NB) != 0) {
        status = errno == EWOULDBLOCK ? taken(store->owner_fd, err)
                                      : veld_fail_native(err, VELD_E_IO, VELD_DOMAIN_POSIX, errno,
                                            "cannot lock the store: %s", strerror(errno));
        goto done;
    }
    int len = snprintf(text, sizeof text, "%" PRIdMAX "\n", (intmax_t)getpid());
    /* The number only helps a person: a full disk is no reason to refuse. */
    if (ftruncate(store->owner_fd, 0) != 0 ||
        pwrite(store->owner_fd, text, (size_t)len, 0) != (ssize_t)len)
        veld_env_log(store->env, VELD_LOG_WARNING, "the store's lock could not be signed");
done:
    veld_release(path);
    return status;
}

void store_owner_release(veld_store *store)
{
    if (store->owner_fd >= 0)
        close(store->owner_fd);
    store->owner_fd = -1;
}
