/* power_vfs_inner.h: what the disk and its face to SQLite share. Inside the test support. */
#ifndef POWER_VFS_INNER_H
#define POWER_VFS_INNER_H

#include "power_vfs.h"

enum { POWER_SECTOR = 512, POWER_FILES_MAX = 32, POWER_PATH_MAX = 512 };

typedef struct power_bytes {
    uint8_t *data;
    size_t len, capacity;
} power_bytes;

/* A write that was not synced; without bytes it is a truncation to `offset`. */
typedef struct power_op {
    uint64_t order; /* on the whole disk */
    size_t offset;
    power_bytes bytes;
    bool is_truncation;
} power_op;

typedef struct power_file {
    char path[POWER_PATH_MAX];
    bool exists; /* as a process sees it */
    power_bytes now;
    bool syncs_folder; /* at its first sync, as the VFS of the machine does for a new log */
    bool is_durable;   /* the name is on the disk */
    bool is_renewed;   /* removed and made again: what is durable is another file's */
    power_bytes durable;
    power_op *ops;
    size_t ops_count, ops_capacity;
} power_file;

struct power_disk {
    char folder[POWER_PATH_MAX];
    power_file *files[POWER_FILES_MAX];
    size_t files_count;
    uint64_t life; /* handles of an earlier one are dead */
    bool is_dead;
    bool lies;
    uint64_t orders, ios;
    uint64_t fail_at; /* by ios */
    power_fault fault;
    void (*each)(void *context);
    void *each_context;
    struct power_disk *next;
};

power_disk *power_disk_of(const char *path);
power_file *power_file_get(power_disk *disk, const char *path, bool make);
void power_file_write(
    power_disk *disk, power_file *file, size_t offset, const void *bytes, size_t len);
void power_file_truncate(power_disk *disk, power_file *file, size_t len);
void power_file_sync(power_disk *disk, power_file *file);
void power_file_make(power_file *file, bool syncs_folder);
void power_file_remove(power_disk *disk, power_file *file, bool sync);

void power_file_forget(power_file *file); /* its unsynced writes */

void power_bytes_put(power_bytes *to, size_t offset, const void *bytes, size_t len);
void power_bytes_cut(power_bytes *to, size_t len);
void power_bytes_copy(power_bytes *to, const power_bytes *from);
uint64_t power_next(uint64_t *state);

#endif
