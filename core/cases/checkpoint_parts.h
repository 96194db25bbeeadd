/* checkpoint_parts.h: the numbers of parts of the checkpoint's arrays, one place for writing and
 * reading. */
#ifndef VELD_CASES_CHECKPOINT_PARTS_H
#define VELD_CASES_CHECKPOINT_PARTS_H

enum {
    CHECKPOINT_FORMAT = 0,
    CHECKPOINT_PARTS = 5,         /* format, origins, entries, waiting, held */
    CHECKPOINT_ORIGIN_PARTS = 12, /* change, core, device, incarnation, number, 7 of time */
    CHECKPOINT_ENTRY_PARTS = 9,   /* type, record, field, id, value, origin, replaces, basis,
                                     replaced */
    CHECKPOINT_WAITING_PARTS = 4, /* id, type, record, field */
    CHECKPOINT_HELD_PARTS = 10    /* id, core, device, incarnation, number, complete, head, git,
                                     committer date, parents */
};

#endif
