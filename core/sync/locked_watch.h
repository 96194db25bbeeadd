/* locked_watch.h: the form of a watch (locked.h), as one file writes it and the other reads it.
 * Inside the room; it never travels.
 *
 *   watch = [format 0, device, statement, stand-in, cursor, serial of the last order that was done,
 *            [* order], is whole, [* [case, change, alone]], last line of the access log, its hash]
 *
 * Of a case the changes are in the order in which they were made, each a descendant of the ones
 * before it; `alone` ones are not. */
#ifndef VELD_SYNC_LOCKED_WATCH_H
#define VELD_SYNC_LOCKED_WATCH_H

enum {
    WATCH_FORMAT = 0,
    WATCH_ITEMS = 11,
    WATCH_AWAITED_ITEMS = 3,
    WATCH_AWAITED_MAX = 1 << 18,
    WATCH_ORDERS_MAX = 4096,
    WATCH_BYTES_MAX = 32 << 20
};

#endif
