/* Files that are written once and must be there whole or not at all: written under another name,
 * synced, then linked or renamed to
 * their own, and the folder synced. Knows nothing of what is in them. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"
#include "veldkit/limits.h"

#define TEMPORARY "unfinished"

static veld_status failed(const char *what, const char *name, veld_error *err)
{
    int number = errno;
    return veld_fail_native(err, veld_status_from_errno(number), VELD_DOMAIN_POSIX, number,
        "%s %s: %s", what, name, strerror(number));
}

veld_status store_file_path(const char *home, const char *name, char **out, veld_error *err)
{
    VELD_ASSERT(home != NULL && name != NULL && name[0] != '\0');
    size_t home_len = strlen(home), name_len = strlen(name);
    if (home_len == 0 || home_len > VELD_HOME_PATH_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the path of the folder is empty or too long");
    char *path = veld_allocate(home_len + name_len + 2);
    if (path == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a path");
    memcpy(path, home, home_len);
    path[home_len] = '/';
    memcpy(path + home_len + 1, name, name_len);
    *out = path;
    return VELD_OK;
}

/* Read until the end; one byte over the buffer's maximum is damage, not a limit of ours. */
static veld_status read_all(int fd, const char *name, veld_buf *out, veld_error *err)
{
    uint8_t part[4096];
    for (;;) {
        ssize_t got = read(fd, part, sizeof part);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed("cannot read", name, err);
        if (got == 0)
            return VELD_OK;
        veld_status status = veld_buf_append(out, part, (size_t)got);
        veld_wipe(part, sizeof part);
        if (status == VELD_E_LIMIT)
            return veld_fail(err, VELD_E_DAMAGED, "%s is longer than it can be", name);
        if (status != VELD_OK)
            return veld_fail(err, status, "no memory to read %s", name);
    }
}

veld_status store_file_read(const char *home, const char *name, veld_buf *out, veld_error *err)
{
    char *path = NULL;
    int fd = -1;
    veld_status status = VELD_OK;
    VELD_TRY(store_file_path(home, name, &path, err));
    VELD_ASSERT(path != NULL);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        status = failed("cannot open", name, err);
        goto done;
    }
    VELD_TRY(read_all(fd, name, out, err));
done:
    if (fd >= 0)
        close(fd);
    veld_release(path);
    return status;
}

static veld_status write_all(int fd, const char *name, veld_span bytes, veld_error *err)
{
    size_t at = 0;
    while (at < bytes.len) {
        ssize_t put = write(fd, bytes.data + at, bytes.len - at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failed("cannot write", name, err);
        at += (size_t)put;
    }
    if (fsync(fd) != 0)
        return failed("cannot sync", name, err);
    return VELD_OK;
}

static veld_status sync_folder(const char *home, veld_error *err)
{
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed("cannot open", "the folder", err);
    veld_status status = VELD_OK;
    if (fsync(fd) != 0)
        status = failed("cannot sync", "the folder", err);
    close(fd);
    return status;
}

bool store_file_exists(const char *home, const char *name)
{
    char *path = NULL;
    struct stat found;
    if (store_file_path(home, name, &path, NULL) != VELD_OK)
        return false;
    VELD_ASSERT(path != NULL);
    bool exists = lstat(path, &found) == 0;
    veld_release(path);
    return exists;
}

veld_status store_file_rename(const char *home, const char *from, const char *to, veld_error *err)
{
    char *old = NULL, *name = NULL;
    veld_status status;
    VELD_TRY(store_file_path(home, from, &old, err));
    VELD_TRY(store_file_path(home, to, &name, err));
    VELD_ASSERT(old != NULL && name != NULL);
    if (rename(old, name) != 0) {
        status = failed("cannot put in place", to, err);
        goto done;
    }
    VELD_TRY(sync_folder(home, err));
done:
    veld_release(old);
    veld_release(name);
    return status;
}

/* Written whole under the temporary name; `made` when that is there. */
static veld_status write_temporary(
    const char *temporary, const char *name, veld_span bytes, bool *made, veld_error *err)
{
    veld_status status;
    *made = false;
    (void)unlink(temporary); /* of an earlier crash */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return failed("cannot make", name, err);
    *made = true;
    status = write_all(fd, name, bytes, err);
    close(fd);
    return status;
}

veld_status store_file_replace(const char *home, const char *name, veld_span bytes, veld_error *err)
{
    char *temporary = NULL;
    bool made = false;
    veld_status status;
    VELD_TRY(store_file_path(home, TEMPORARY, &temporary, err));
    VELD_ASSERT(temporary != NULL);
    VELD_TRY(write_temporary(temporary, name, bytes, &made, err));
    VELD_TRY(store_file_rename(home, TEMPORARY, name, err));
done:
    if (made && status != VELD_OK)
        (void)unlink(temporary);
    veld_release(temporary);
    return status;
}

veld_status store_file_create(const char *home, const char *name, veld_span bytes, veld_error *err)
{
    char *path = NULL, *temporary = NULL;
    bool made = false;
    veld_status status = VELD_OK;
    VELD_TRY(store_file_path(home, name, &path, err));
    VELD_TRY(store_file_path(home, TEMPORARY, &temporary, err));
    VELD_ASSERT(path != NULL && temporary != NULL);
    if (mkdir(home, 0700) != 0 && errno != EEXIST) {
        status = failed("cannot make", "the folder", err);
        goto done;
    }
    VELD_TRY(write_temporary(temporary, name, bytes, &made, err));
    if (link(temporary, path) != 0) {
        status = failed("cannot make", name, err);
        goto done;
    }
    (void)unlink(temporary);
    made = false;
    VELD_TRY(sync_folder(home, err));
done:
    if (made)
        (void)unlink(temporary);
    veld_release(temporary);
    veld_release(path);
    return status;
}
