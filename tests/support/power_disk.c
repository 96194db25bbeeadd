/* The disk: files as processes see them and as they would be found. The model: a sync makes all
 * writes of its file durable, and its name; a write that was not synced may be there, in part, late
 * or as garbage, within its own bytes only; a name that was not synced may be there or not. */
#include <stdlib.h>
#include <string.h>

#include "power_vfs_inner.h"
#include "veldkit/assert.h"

static power_disk *disks;

uint64_t power_next(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* ---- bytes ---- */

static void grow(power_bytes *to, size_t len)
{
    if (len > to->capacity) {
        to->capacity = len < 4096 ? 4096 : 2 * len;
        to->data = realloc(to->data, to->capacity);
        VELD_ASSERT(to->data != NULL);
    }
    if (len > to->len) {
        memset(to->data + to->len, 0, len - to->len);
        to->len = len;
    }
}

void power_bytes_put(power_bytes *to, size_t offset, const void *bytes, size_t len)
{
    if (len == 0)
        return;
    grow(to, offset + len);
    memcpy(to->data + offset, bytes, len);
}

void power_bytes_cut(power_bytes *to, size_t len)
{
    if (len < to->len)
        to->len = len;
    else
        grow(to, len);
}

void power_bytes_copy(power_bytes *to, const power_bytes *from)
{
    to->len = 0;
    power_bytes_put(to, 0, from->data, from->len);
}

/* ---- disks and files ---- */

power_disk *power_disk_new(const char *folder)
{
    power_disk *disk = calloc(1, sizeof *disk);
    VELD_ASSERT(disk != NULL && strlen(folder) < sizeof disk->folder);
    memcpy(disk->folder, folder, strlen(folder) + 1);
    disk->next = disks;
    disks = disk;
    return disk;
}

void power_file_forget(power_file *file)
{
    for (size_t i = 0; i < file->ops_count; i++)
        free(file->ops[i].bytes.data);
    file->ops_count = 0;
}

static void free_file(power_file *file)
{
    power_file_forget(file);
    free(file->ops);
    free(file->now.data);
    free(file->durable.data);
    free(file);
}

void power_disk_free(power_disk *disk)
{
    power_disk **at = &disks;
    if (disk == NULL)
        return;
    while (*at != disk)
        at = &(*at)->next;
    *at = disk->next;
    for (size_t i = 0; i < disk->files_count; i++)
        free_file(disk->files[i]);
    free(disk);
}

power_disk *power_disk_of(const char *path)
{
    for (power_disk *disk = disks; disk != NULL; disk = disk->next) {
        size_t len = strlen(disk->folder);
        if (strncmp(path, disk->folder, len) == 0 && path[len] == '/')
            return disk;
    }
    return NULL;
}

power_file *power_file_get(power_disk *disk, const char *path, bool make)
{
    for (size_t i = 0; i < disk->files_count; i++) {
        if (strcmp(disk->files[i]->path, path) == 0)
            return disk->files[i];
    }
    if (!make)
        return NULL;
    power_file *file = calloc(1, sizeof *file);
    VELD_ASSERT(file != NULL && disk->files_count < POWER_FILES_MAX);
    VELD_ASSERT(strlen(path) < sizeof file->path);
    memcpy(file->path, path, strlen(path) + 1);
    disk->files[disk->files_count++] = file;
    return file;
}

static power_op *add_op(power_disk *disk, power_file *file)
{
    if (file->ops_count == file->ops_capacity) {
        file->ops_capacity = file->ops_capacity == 0 ? 64 : 2 * file->ops_capacity;
        file->ops = realloc(file->ops, file->ops_capacity * sizeof *file->ops);
        VELD_ASSERT(file->ops != NULL);
    }
    power_op *op = &file->ops[file->ops_count++];
    *op = (power_op){.order = disk->orders++};
    return op;
}

void power_file_write(
    power_disk *disk, power_file *file, size_t offset, const void *bytes, size_t len)
{
    power_op *op = add_op(disk, file);
    op->offset = offset;
    op->bytes.data = malloc(len);
    VELD_ASSERT(op->bytes.data != NULL);
    memcpy(op->bytes.data, bytes, len);
    op->bytes.len = len;
    power_bytes_put(&file->now, offset, bytes, len);
}

void power_file_truncate(power_disk *disk, power_file *file, size_t len)
{
    power_op *op = add_op(disk, file);
    op->offset = len;
    op->is_truncation = true;
    power_bytes_cut(&file->now, len);
}

/* The names in the folder reach the disk; what is in the files does not. */
static void sync_folder(power_disk *disk)
{
    for (size_t i = 0; i < disk->files_count; i++) {
        power_file *file = disk->files[i];
        if (!file->exists)
            power_file_forget(file);
        if (!file->exists || file->is_renewed)
            file->durable.len = 0;
        file->is_durable = file->exists;
        file->is_renewed = false;
    }
}

void power_file_sync(power_disk *disk, power_file *file)
{
    if (disk->lies)
        return;
    if (file->syncs_folder)
        sync_folder(disk);
    file->syncs_folder = false;
    if (file->is_renewed)
        file->durable.len = 0;
    for (size_t i = 0; i < file->ops_count; i++) {
        const power_op *op = &file->ops[i];
        if (op->is_truncation)
            power_bytes_cut(&file->durable, op->offset);
        else
            power_bytes_put(&file->durable, op->offset, op->bytes.data, op->bytes.len);
    }
    power_file_forget(file);
    file->is_renewed = false;
    file->is_durable = true;
}

void power_file_make(power_file *file, bool syncs_folder)
{
    if (file->exists)
        return;
    power_file_forget(file);
    file->exists = true;
    file->syncs_folder = syncs_folder;
    file->is_renewed = file->is_durable;
    file->now.len = 0;
}

void power_file_remove(power_disk *disk, power_file *file, bool sync)
{
    file->exists = false;
    file->now.len = 0;
    if (sync && !disk->lies)
        sync_folder(disk);
}

void power_disk_kill(power_disk *disk)
{
    disk->life++;
    disk->is_dead = false;
    disk->fail_at = 0;
}

bool power_disk_is_dead(const power_disk *disk)
{
    return disk->is_dead;
}

void power_disk_fail(power_disk *disk, uint64_t nth, power_fault fault)
{
    disk->fail_at = nth == 0 ? 0 : disk->ios + nth;
    disk->fault = fault;
}

void power_disk_lie(power_disk *disk, bool lies)
{
    disk->lies = lies;
}

void power_disk_watch(power_disk *disk, void (*each)(void *context), void *context)
{
    disk->each = each;
    disk->each_context = context;
}

uint64_t power_disk_ios(const power_disk *disk)
{
    return disk->ios;
}

bool power_disk_find(const power_disk *disk, const void *bytes, size_t len)
{
    for (size_t i = 0; i < disk->files_count; i++) {
        const power_file *file = disk->files[i];
        for (size_t at = 0; file->exists && at + len <= file->now.len; at++) {
            if (memcmp(file->now.data + at, bytes, len) == 0)
                return true;
        }
    }
    return false;
}
