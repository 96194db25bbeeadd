/* power_vfs.h: a disk in memory whose power can fail. It stands behind SQLite as a VFS and keeps,
 * of each file, what was synced and the list of writes that were not. At any moment it can say what
 * a machine might find after power loss there and then: unsynced writes that are missing, torn at a
 * sector, out of order or garbage; files whose making or removal never reached the disk. It can
 * also let the nth I/O fail, once or from then on, and die at the nth.
 *
 * Files below the folder of a disk live on it; all other files are those of the machine. */
#ifndef POWER_VFS_H
#define POWER_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct power_disk power_disk;

/* power_vfs_start: be SQLite's default VFS from now on. SQLite must be started already: the store
 * wants to do that itself. Calling it again does nothing. */
void power_vfs_start(void);
/* power_vfs_seed: what SQLite gets as random bytes follows from this. */
void power_vfs_seed(uint64_t seed);

/* power_disk_new: an empty disk for the files below `folder`.  power_disk_free: close all first. */
power_disk *power_disk_new(const char *folder);
void power_disk_free(power_disk *disk);
/* power_disk_copy: `to` gets the files of `from` as a process sees them, all synced. Handles that
 * are open on `to` are dead afterwards. */
void power_disk_copy(const power_disk *from, power_disk *to);

/* power_disk_image: `to` gets what might be found after power loss now, drawn by `seed`. */
void power_disk_image(const power_disk *disk, uint64_t seed, power_disk *to);
/* power_disk_kill: the process is gone: its handles do nothing any more but fail; what it wrote is
 * in the files.  power_disk_crash: and power was lost; `seed` draws what is left. */
void power_disk_kill(power_disk *disk);
void power_disk_crash(power_disk *disk, uint64_t seed);
bool power_disk_is_dead(const power_disk *disk); /* died at an I/O, and not opened again since */

/* What goes wrong at the nth I/O from now (1 is the next; 0 switches it off). */
typedef enum power_fault {
    POWER_ERROR,        /* it fails */
    POWER_ERROR_ALWAYS, /* and all after it */
    POWER_FULL,         /* a write finds no room, nor does any after it */
    POWER_DEATH         /* the process is gone before it, as power_disk_kill */
} power_fault;
void power_disk_fail(power_disk *disk, uint64_t nth, power_fault fault);
/* power_disk_lie: syncs are answered and not done. */
void power_disk_lie(power_disk *disk, bool lies);
/* power_disk_watch: `each` is called before each I/O that changes something; NULL for nobody. */
void power_disk_watch(power_disk *disk, void (*each)(void *context), void *context);
uint64_t power_disk_ios(const power_disk *disk); /* so far */

/* power_disk_find: whether these bytes stand anywhere in the files. */
bool power_disk_find(const power_disk *disk, const void *bytes, size_t len);
/* power_disk_flip: turn one bit over in a file that is not empty, drawn by `seed`. */
void power_disk_flip(power_disk *disk, uint64_t seed);

#endif
