/* The face of the disk to SQLite: one process, so locks are always given; no shared memory, which
 * exclusive locking does not need. A handle of an earlier life of its disk fails at everything. */
#include "power_vfs.h"

#include <sqlite3.h>
#include <string.h>

#include "power_vfs_inner.h"
#include "veldkit/assert.h"

typedef struct handle {
    sqlite3_file base; /* must be first */
    power_disk *disk;
    power_file *file;
    uint64_t life;
} handle;

static sqlite3_vfs *machine; /* for files that are on no disk of ours */
static uint64_t random_state = 1;

/* SQLITE_OK, or how this I/O fails. `changes` says that it would change something. */
static int before(power_disk *disk, uint64_t life, bool changes, int code)
{
    if (life != disk->life || disk->is_dead)
        return code;
    disk->ios++;
    bool is_due = disk->fail_at != 0 && disk->ios >= disk->fail_at;
    if (is_due && disk->fault == POWER_DEATH) {
        disk->is_dead = true;
        return code;
    }
    if (is_due && disk->fault == POWER_FULL)
        return code == SQLITE_IOERR_WRITE ? SQLITE_FULL : SQLITE_OK;
    if (is_due && (disk->fault == POWER_ERROR_ALWAYS || disk->ios == disk->fail_at))
        return code;
    if (changes && disk->each != NULL)
        disk->each(disk->each_context);
    return SQLITE_OK;
}

static int file_close(sqlite3_file *base)
{
    (void)base;
    return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *out, int amount, sqlite3_int64 offset)
{
    handle *h = (handle *)base;
    int code = before(h->disk, h->life, false, SQLITE_IOERR_READ);
    if (code != SQLITE_OK)
        return code;
    size_t at = (size_t)offset, len = (size_t)amount;
    size_t there = at < h->file->now.len ? h->file->now.len - at : 0;
    size_t taken = there < len ? there : len;
    if (taken > 0)
        memcpy(out, h->file->now.data + at, taken);
    memset((uint8_t *)out + taken, 0, len - taken);
    return taken == len ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *base, const void *bytes, int amount, sqlite3_int64 offset)
{
    handle *h = (handle *)base;
    int code = before(h->disk, h->life, true, SQLITE_IOERR_WRITE);
    if (code == SQLITE_OK)
        power_file_write(h->disk, h->file, (size_t)offset, bytes, (size_t)amount);
    return code;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    handle *h = (handle *)base;
    int code = before(h->disk, h->life, true, SQLITE_IOERR_TRUNCATE);
    if (code == SQLITE_OK)
        power_file_truncate(h->disk, h->file, (size_t)size);
    return code;
}

static int file_sync(sqlite3_file *base, int flags)
{
    handle *h = (handle *)base;
    (void)flags;
    int code = before(h->disk, h->life, true, SQLITE_IOERR_FSYNC);
    if (code == SQLITE_OK)
        power_file_sync(h->disk, h->file);
    return code;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *out)
{
    const handle *h = (const handle *)base;
    if (h->life != h->disk->life || h->disk->is_dead)
        return SQLITE_IOERR_FSTAT;
    *out = (sqlite3_int64)h->file->now.len;
    return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
    (void)base;
    (void)level;
    return SQLITE_OK;
}

static int file_is_locked(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *argument)
{
    (void)base;
    if (op != SQLITE_FCNTL_MMAP_SIZE)
        return SQLITE_NOTFOUND;
    *(sqlite3_int64 *)argument = 0; /* nothing is ever mapped */
    return SQLITE_OK;
}

static int file_sector(sqlite3_file *base)
{
    (void)base;
    return POWER_SECTOR;
}

static int file_traits(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the VFS of the machine has it */
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_lock,
    .xCheckReservedLock = file_is_locked,
    .xFileControl = file_control,
    .xSectorSize = file_sector,
    .xDeviceCharacteristics = file_traits,
};

static int vfs_open(
    sqlite3_vfs *vfs, const char *path, sqlite3_file *base, int flags, int *out_flags)
{
    (void)vfs;
    power_disk *disk = path != NULL ? power_disk_of(path) : NULL;
    if (disk == NULL)
        return machine->xOpen(machine, path, base, flags, out_flags);
    handle *h = (handle *)base;
    *h = (handle){.disk = disk, .life = disk->life};
    int code = before(disk, disk->life, false, SQLITE_CANTOPEN);
    power_file *file = power_file_get(disk, path, (flags & SQLITE_OPEN_CREATE) != 0);
    /* The main file is made by others, before SQLite sees it. */
    if (file == NULL && (flags & SQLITE_OPEN_MAIN_DB) != 0)
        file = power_file_get(disk, path, true);
    if (code != SQLITE_OK || file == NULL)
        return SQLITE_CANTOPEN;
    power_file_make(file, (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0);
    h->file = file;
    h->base.pMethods = &methods;
    if (out_flags != NULL)
        *out_flags = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
    (void)vfs;
    power_disk *disk = power_disk_of(path);
    if (disk == NULL)
        return machine->xDelete(machine, path, sync);
    power_file *file = power_file_get(disk, path, false);
    int code = before(disk, disk->life, true, SQLITE_IOERR_DELETE);
    if (code != SQLITE_OK)
        return code;
    if (file == NULL || !file->exists)
        return SQLITE_IOERR_DELETE_NOENT;
    power_file_remove(disk, file, sync != 0);
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
    (void)vfs;
    power_disk *disk = power_disk_of(path);
    if (disk == NULL)
        return machine->xAccess(machine, path, flags, out);
    const power_file *file = power_file_get(disk, path, false);
    *out = file != NULL && file->exists && (flags != SQLITE_ACCESS_EXISTS || file->now.len > 0);
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *path, int room, char *out)
{
    (void)vfs;
    if (power_disk_of(path) == NULL)
        return machine->xFullPathname(machine, path, room, out);
    if (strlen(path) >= (size_t)room)
        return SQLITE_CANTOPEN;
    memcpy(out, path, strlen(path) + 1);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    for (int i = 0; i < len; i++)
        out[i] = (char)power_next(&random_state);
    return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    *out = 2461000.5;
    return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int len, char *out)
{
    (void)vfs;
    (void)len;
    (void)out;
    return 0;
}

void power_vfs_start(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .mxPathname = POWER_PATH_MAX,
        .zName = "power",
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
    };
    if (machine != NULL)
        return;
    machine = sqlite3_vfs_find(NULL);
    VELD_ASSERT(machine != NULL);
    vfs.szOsFile =
        machine->szOsFile > (int)sizeof(handle) ? machine->szOsFile : (int)sizeof(handle);
    int code = sqlite3_vfs_register(&vfs, 1);
    VELD_ASSERT(code == SQLITE_OK);
}

void power_vfs_seed(uint64_t seed)
{
    random_state = seed;
    sqlite3_randomness(0, NULL); /* SQLite draws from what it got: let it ask again */
}
