/* srv_journal.h: where the relay keeps what was handed in: veld_journal (journal.h) on a file, and
 * what the relay notes of devices. An interface with one form for each kind of store; this one is
 * SQLite, WAL with full synchronisation: what was committed survives power loss.
 *
 * After an error of the file nothing is answered from the old handle: the next transaction opens
 * the file again and checks it (security.md 4, rule 5).
 *
 * Expects, all that touch the file: VELD_E_IO, VELD_E_FULL, VELD_E_DAMAGED, VELD_E_MEMORY.
 * Thread:  one at a time. Source: design.md 4 and 5. */
#ifndef SRV_JOURNAL_H
#define SRV_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "veldkit/env.h"
#include "veldkit/journal.h"

typedef struct srv_journal srv_journal;

/* srv_journal_create: a new file with a new journal id.
 * Expects: VELD_E_EXISTS, VELD_E_CRYPTO. */
veld_status srv_journal_create(
    const veld_env *env, const char *path, veld_error *err) VELD_MUST_CHECK;
/* srv_journal_open: Owns: close `out`; NULL on error.
 * Expects: VELD_E_NOT_FOUND, VELD_E_NEWER, VELD_E_BUSY (another process has it),
 *          VELD_E_UNSUPPORTED (SQLite does not take a setting we need). */
veld_status srv_journal_open(const char *path, srv_journal **out, veld_error *err) VELD_MUST_CHECK;
void srv_journal_close(srv_journal *journal);
/* srv_journal_get: the interface; borrowed. */
const veld_journal *srv_journal_get(srv_journal *journal);

/* srv_journal_entries: the directory entries with seq > `after`, in order. `bytes` are borrowed for
 * the call. Stops when `each` returns another status than VELD_OK, and returns it. */
veld_status srv_journal_entries(srv_journal *journal, uint64_t after, void *context,
    veld_status (*each)(void *context, uint64_t seq, veld_span bytes, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

/* srv_journal_seen: a device was here; noted once a minute, so that it costs an exchange nothing.
 * srv_journal_each_seen: all devices that ever were. */
veld_status srv_journal_seen(
    srv_journal *journal, const veld_id *device, int64_t utc_ms, veld_error *err) VELD_MUST_CHECK;
veld_status srv_journal_each_seen(srv_journal *journal, void *context,
    veld_status (*each)(void *context, const veld_id *device, int64_t utc_ms, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

#endif
