/* The few things an export does to a disk itself. It exists because libgit2 puts its own files on
 * the disk but not what is beside them, and because an export must appear whole or not at all. The
 * invariant: nothing follows a symbolic link and nothing goes deeper than a repository is. Knows
 * nothing of git. */
#include "folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "veldkit/assert.h"

enum { DEPTH_MAX = 8, READ_BYTES = 4096, PATH_BYTES_MAX = 4096 };

static veld_status fail_errno(veld_error *err, const char *what)
{
    int number = errno;
    return veld_fail_native(
        err, veld_status_from_errno(number), VELD_DOMAIN_POSIX, number, "%s", what);
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The handle is the caller's to close. */
static DIR *open_folder(int at, const char *name)
{
    int handle = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (handle < 0)
        return NULL;
    DIR *folder = fdopendir(handle);
    if (folder == NULL)
        close(handle);
    return folder;
}

veld_status folder_is_free(const char *path, veld_error *err)
{
    DIR *folder = opendir(path);
    if (folder == NULL && errno == ENOENT)
        return VELD_OK;
    if (folder == NULL && errno == ENOTDIR)
        return veld_fail(err, VELD_E_EXISTS, "the place of an export is a file");
    if (folder == NULL)
        return fail_errno(err, "the place of an export cannot be looked at");
    bool empty = true;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        empty = empty && is_dot(entry->d_name);
    closedir(folder);
    return empty ? VELD_OK : veld_fail(err, VELD_E_EXISTS, "the place of an export is not empty");
}

static int open_in(const char *folder, const char *name, int flags)
{
    int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    int handle = openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC, 0666);
    int number = errno;
    close(at);
    errno = number;
    return handle;
}

veld_status folder_write(const char *folder, const char *name, veld_span bytes, veld_error *err)
{
    int handle = open_in(folder, name, O_WRONLY | O_CREAT | O_EXCL);
    if (handle < 0)
        return fail_errno(err, "a file of an export cannot be made");
    veld_status status = VELD_OK;
    size_t done = 0;
    while (status == VELD_OK && done < bytes.len) {
        ssize_t count = write(handle, bytes.data + done, bytes.len - done);
        if (count >= 0)
            done += (size_t)count;
        else if (errno != EINTR)
            status = fail_errno(err, "a file of an export cannot be written");
    }
    if (status == VELD_OK && fsync(handle) != 0)
        status = fail_errno(err, "a file of an export cannot be written");
    if (close(handle) != 0 && status == VELD_OK)
        status = fail_errno(err, "a file of an export cannot be written");
    return status;
}

veld_status folder_read(const char *folder, const char *name, veld_buf *out, veld_error *err)
{
    int handle = open_in(folder, name, O_RDONLY | O_NONBLOCK);
    if (handle < 0)
        return fail_errno(err, "a file of a repository cannot be read");
    veld_status status = VELD_OK;
    uint8_t bytes[READ_BYTES];
    ssize_t count = 1;
    while (status == VELD_OK && count != 0) {
        count = read(handle, bytes, sizeof bytes);
        if (count > 0)
            status = veld_buf_append(out, bytes, (size_t)count);
        else if (count < 0 && errno != EINTR)
            status = fail_errno(err, "a file of a repository cannot be read");
    }
    close(handle);
    if (status == VELD_E_LIMIT || status == VELD_E_MEMORY)
        return veld_fail(err, status, "no room for a file of a repository");
    return status;
}

bool folder_has(const char *folder, const char *name)
{
    int handle = open_in(folder, name, O_RDONLY | O_NONBLOCK);
    if (handle >= 0)
        close(handle);
    return handle >= 0;
}

/* ---- whole folders ---- */
static bool sync_below(int at, const char *name, unsigned depth)
{
    DIR *folder = depth < DEPTH_MAX ? open_folder(at, name) : NULL;
    if (folder == NULL)
        return false;
    bool good = true;
    for (const struct dirent *entry = readdir(folder); good && entry != NULL;
         entry = readdir(folder)) {
        if (is_dot(entry->d_name))
            continue;
        struct stat info;
        good = fstatat(dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0;
        if (good && S_ISDIR(info.st_mode)) {
            good = sync_below(dirfd(folder), entry->d_name, depth + 1);
        } else if (good) {
            int handle = openat(dirfd(folder), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
            good = handle >= 0 && fsync(handle) == 0;
            if (handle >= 0)
                close(handle);
        }
    }
    good = good && fsync(dirfd(folder)) == 0;
    closedir(folder);
    return good;
}

veld_status folder_sync(const char *path, veld_error *err)
{
    return sync_below(AT_FDCWD, path, 0) ? VELD_OK
                                         : fail_errno(err, "an export cannot be put on the disk");
}

static void remove_below(int at, const char *name, unsigned depth)
{
    DIR *folder = depth < DEPTH_MAX ? open_folder(at, name) : NULL;
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_dot(entry->d_name))
            continue;
        if (unlinkat(dirfd(folder), entry->d_name, 0) != 0) {
            remove_below(dirfd(folder), entry->d_name, depth + 1);
            (void)unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
        }
    }
    closedir(folder);
}

void folder_remove(const char *path)
{
    remove_below(AT_FDCWD, path, 0);
    (void)rmdir(path);
}

static bool sync_parent(const char *path)
{
    char parent[PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (len >= sizeof parent)
        return false;
    memcpy(parent, len > 0 ? path : "./", len > 0 ? len : 2);
    parent[len > 0 ? len : 2] = '\0';
    int handle = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = handle >= 0 && fsync(handle) == 0;
    if (handle >= 0)
        close(handle);
    return good;
}

veld_status folder_move(const char *from, const char *to, veld_error *err)
{
    if (rename(from, to) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
            return veld_fail(err, VELD_E_EXISTS, "the place of an export was taken meanwhile");
        return fail_errno(err, "an export cannot be put in its place");
    }
    return sync_parent(to) ? VELD_OK : fail_errno(err, "an export cannot be put on the disk");
}
