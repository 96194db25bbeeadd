/* break_glass.h: reading a case that is not assigned, in a crisis, also without network.
 *
 *   emergency grant and envelopes come ----> HELD: kept as they came, sealed; no key is unwrapped,
 *                                              |   nothing of the case is in list or index
 *      break: the act is durable first --------+
 *                                              v
 *   HELD <--- close_over: time is over ----- OPENED: as any case, until VELD_EMERGENCY_MS later or
 *             and all was taken in                   the end of the grant, whatever comes first
 *
 * The act is one transaction: a line of the access log with the reason, the row of emergency.h, and
 * a record `emergency-access` in the case, sealed to the agency (blind.h). So it travels with the
 * case: who has the case reads who opened it, when and why, and so does the office. With the main
 * case go those of its addresses that came with an emergency grant too.
 *
 * When the case is assigned after all, what was held is taken in and it is a case like any other.
 *
 * Kept in the store, values: "glass.KIND.CASE" (frames), "glass.bytes" (by case: what came while it
 * was held). Expects, all: as the store and case.h. Thread: as the cases. Source: security.md 1,
 * T8. */
#ifndef VELDKIT_BREAK_GLASS_H
#define VELDKIT_BREAK_GLASS_H

#include <stdint.h>

#include "veldkit/access_log.h"
#include "veldkit/case.h"
#include "veldkit/directory.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All is borrowed. */
typedef struct veld_glass {
    const veld_desk *desk; /* of an agency */
    const veld_agency *agency;
    veld_access_log *log; /* its scope is begun, with the right of an emergency and the reason */
    const char *worker;   /* who breaks it, as colleagues know her */
    const char *reason;   /* 1 to VELD_ACCESS_REASON_BYTES_MAX bytes of text */
} veld_glass;

/* veld_glass_break: open a case and its addresses. One that is opened already stays as it is: no
 * second act, no longer time. `*until_utc_ms` by the time of leases.
 * Expects: VELD_E_NOT_FOUND (no emergency grant of it is here), VELD_E_LOCKED (the grant is over,
 * or the clock is behind: only contact helps), VELD_E_INVALID (reason), VELD_E_FORGED (what is held
 * does not open: the act stands). */
veld_status veld_glass_break(const veld_glass *glass, const veld_id *case_id, int64_t *until_utc_ms,
    veld_error *err) VELD_MUST_CHECK;

/* Who hears of a case that could not be sealed again. It is not read any more either way. */
typedef struct veld_glass_trouble {
    void *context;
    /* tell: `is_dropped`: its keys and rows are gone all the same, and the next exchange brings
     * what is not held; else all of it is still here, and the next call tries again. */
    void (*tell)(void *context, const veld_id *case_id, bool is_dropped, const veld_error *why);
} veld_glass_trouble;

/* veld_glass_close_over: seal again what was opened and whose time is over, as soon as the agency
 * took in all that was made in it: its keys and rows are destroyed. Cheap when nothing is opened.
 * Close handles of such cases before. Not inside a transaction, nor while an engine exchanges.
 * What goes wrong with one case is told by `trouble` (may be NULL), and the others go on.
 * Expects: VELD_E_IO, VELD_E_FULL (of the store), VELD_E_DAMAGED (the list of what was opened). */
veld_status veld_glass_close_over(
    const veld_desk *desk, const veld_glass_trouble *trouble, veld_error *err) VELD_MUST_CHECK;

/* veld_glass_forget: destroy what is held of a case; fine when nothing is. */
veld_status veld_glass_forget(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
