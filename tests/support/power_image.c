/* What is found after power loss: a drawing of which unsynced writes reached the disk, in which
 * order and how whole. Four kinds of drawings: all up to a moment, half of them, nearly all, and
 * out of order. */
#include <stdlib.h>
#include <string.h>

#include "power_vfs_inner.h"
#include "veldkit/assert.h"

typedef struct drawing {
    uint64_t random;
    uint64_t cut;  /* PREFIX: what came before is there */
    unsigned kept; /* of 100 writes */
    bool is_prefix, is_reordered;
} drawing;

static bool chance(drawing *d, unsigned of_hundred)
{
    return power_next(&d->random) % 100 < of_hundred;
}

/* A write that was under way: some sectors are there, some are garbage. */
static void put_torn(drawing *d, power_bytes *to, const power_op *op)
{
    size_t at = 0;
    while (at < op->bytes.len) {
        size_t step = POWER_SECTOR - (op->offset + at) % POWER_SECTOR;
        if (step > op->bytes.len - at)
            step = op->bytes.len - at;
        uint64_t dice = power_next(&d->random) % 10;
        if (dice < 5) {
            power_bytes_put(to, op->offset + at, op->bytes.data + at, step);
        } else if (dice < 6) {
            uint8_t garbage[POWER_SECTOR];
            for (size_t i = 0; i < step; i++)
                garbage[i] = (uint8_t)power_next(&d->random);
            power_bytes_put(to, op->offset + at, garbage, step);
        }
        at += step;
    }
}

static void put_op(drawing *d, power_bytes *to, const power_op *op)
{
    if (d->is_prefix && op->order > d->cut)
        return;
    bool is_last = d->is_prefix && op->order == d->cut;
    if (!d->is_prefix && !chance(d, d->kept))
        return;
    if (op->is_truncation)
        power_bytes_cut(to, op->offset);
    else if (is_last || (!d->is_prefix && chance(d, 15)))
        put_torn(d, to, op);
    else
        power_bytes_put(to, op->offset, op->bytes.data, op->bytes.len);
}

static void put_ops(drawing *d, power_bytes *to, const power_file *file)
{
    size_t count = file->ops_count;
    if (count == 0)
        return;
    size_t *order = malloc(count * sizeof *order);
    VELD_ASSERT(order != NULL);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count - 1; i > 0 && d->is_reordered; i--) {
        size_t other = power_next(&d->random) % (i + 1), kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < count; i++)
        put_op(d, to, &file->ops[order[i]]);
    free(order);
}

/* What a process reads after a start is not more durable than before, but nothing is to come that
 * could tell: so it is taken as synced. */
static void settle(power_disk *disk)
{
    for (size_t i = 0; i < disk->files_count; i++) {
        power_file *file = disk->files[i];
        power_file_forget(file);
        power_bytes_copy(&file->durable, &file->now);
        file->is_durable = file->exists;
        file->is_renewed = false;
    }
    disk->life++;
    disk->is_dead = false;
    disk->fail_at = 0;
}

static void image_of(const power_file *file, drawing *d, power_file *to)
{
    power_bytes found = {0};
    bool is_same = file->exists == file->is_durable && !file->is_renewed;
    bool is_new = is_same ? file->exists : chance(d, 50); /* else the older name is found */
    bool exists = is_new ? file->exists : file->is_durable;
    if (exists && !(is_new && file->is_renewed))
        power_bytes_copy(&found, &file->durable);
    if (exists && (is_new || !file->is_renewed))
        put_ops(d, &found, file);
    free(to->now.data);
    to->now = found;
    to->exists = exists;
}

static drawing draw(const power_disk *disk, uint64_t seed)
{
    drawing d = {.random = seed * 2 + 1, .kept = 100};
    uint64_t first = disk->orders;
    for (size_t i = 0; i < disk->files_count; i++) {
        if (disk->files[i]->ops_count > 0 && disk->files[i]->ops[0].order < first)
            first = disk->files[i]->ops[0].order;
    }
    switch (power_next(&d.random) % 4) {
    case 0:
        d.is_prefix = true;
        d.cut = first + power_next(&d.random) % (disk->orders - first + 1);
        break;
    case 1:
        d.kept = 50;
        break;
    case 2:
        d.kept = 95;
        break;
    default:
        d.kept = 75;
        d.is_reordered = true;
    }
    return d;
}

/* The file of the same name in the folder of another disk. */
static power_file *twin(const power_disk *disk, const power_file *file, power_disk *to)
{
    char path[2 * POWER_PATH_MAX];
    size_t len = strlen(to->folder);
    memcpy(path, to->folder, len);
    memcpy(path + len, file->path + strlen(disk->folder),
        strlen(file->path + strlen(disk->folder)) + 1);
    return power_file_get(to, path, true);
}

static void remove_all(power_disk *disk)
{
    for (size_t i = 0; i < disk->files_count; i++) {
        disk->files[i]->exists = false;
        disk->files[i]->now.len = 0;
    }
}

void power_disk_image(const power_disk *disk, uint64_t seed, power_disk *to)
{
    drawing d = draw(disk, seed);
    if (to != disk)
        remove_all(to);
    for (size_t i = 0; i < disk->files_count; i++)
        image_of(disk->files[i], &d, twin(disk, disk->files[i], to));
    settle(to);
}

void power_disk_copy(const power_disk *from, power_disk *to)
{
    remove_all(to);
    for (size_t i = 0; i < from->files_count; i++) {
        power_file *file = twin(from, from->files[i], to);
        file->exists = from->files[i]->exists;
        power_bytes_copy(&file->now, &from->files[i]->now);
    }
    settle(to);
}

void power_disk_crash(power_disk *disk, uint64_t seed)
{
    power_disk_image(disk, seed, disk);
}

void power_disk_flip(power_disk *disk, uint64_t seed)
{
    uint64_t random = seed;
    for (unsigned i = 0; i < 64 && disk->files_count > 0; i++) {
        power_file *file = disk->files[power_next(&random) % disk->files_count];
        if (!file->exists || file->now.len == 0)
            continue;
        file->now.data[power_next(&random) % file->now.len] ^=
            (uint8_t)(1u << power_next(&random) % 8);
        settle(disk);
        return;
    }
}
