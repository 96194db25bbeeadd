/* view.h: a case as its readers get it: the JSON that the command line promises, and what lists
 * need. It shows what policy.h reads and adds nothing.
 *
 * Everything is written to a veld_json_writer, whose own errors come out at its finish. On an error
 * of ours a null stands for what could not be shown, so that the writer can be finished. `arena` is
 * used for values during the call; its owner releases (and by that wipes) it.
 *
 * Thread: as policy.h. Source: proto/records/README.md. */
#ifndef VELDKIT_VIEW_H
#define VELDKIT_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/arena.h"
#include "veldkit/compartment.h"
#include "veldkit/conflict.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/schema.h"
#include "veldkit/state.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who works with a device: a name in UTF-8, or an empty span when it is not known (shown as null).
 */
typedef struct veld_view_names {
    veld_span (*worker)(void *context, const veld_id *device);
    /* When the agency had a change, in ms since 1970 UTC; 0: not known. NULL: when it came here. */
    int64_t (*received)(void *context, const veld_origin *origin);
    void *context;
    /* More members of a conflict; may be NULL. */
    void (*more)(void *more_context, const veld_conflict *conflict, veld_json_writer *writer);
    void *more_context;
} veld_view_names;

/* What a list says about a case. */
typedef struct veld_view_summary {
    veld_span title; /* canonical JSON: a text, or `null`; in the arena or the state */
    size_t records;  /* that are shown, without the links between cases */
} veld_view_summary;

/* veld_view_summarise: title and number of records. Should there be several `case` records, the one
 * with the smallest id gives the title.  Expects: VELD_E_MEMORY. */
veld_status veld_view_summarise(veld_state *state, const veld_schema_set *schemas,
    veld_arena *arena, veld_view_summary *out, veld_error *err) VELD_MUST_CHECK;

/* One of the cases that are read together. */
typedef struct veld_view_part {
    veld_id case_id;
    veld_state *state;
} veld_view_part;

/* veld_view_case: {"case","stateId","records":[...]}, and of another compartment than main
 * "compartment" and "parts":[id..]: "case" is the dossier, `parts` the cases that are read;
 * `state_id` as text; records that are not removed, of each case sorted by type and id.
 * Expects: VELD_E_MEMORY. */
veld_status veld_view_case(const veld_place *place, const veld_view_part *parts, size_t count,
    veld_span state_id, const veld_schema_set *schemas, veld_arena *arena, veld_json_writer *writer,
    veld_error *err) VELD_MUST_CHECK;

/* veld_view_record: {"record","type","fields":{..},"conflicts":[field..]}; a removed one too, which
 * then has a member "removed": true. With a transition log also "logs":
 * {field:[{"step","value","device","time","follows":[step..]}]}: all that are known, those that
 * were followed first, with "held" (veld_held_name) where one is held back.  Expects:
 * VELD_E_MEMORY. */
veld_status veld_view_record(veld_outlook *outlook, const veld_state_record *record,
    veld_json_writer *writer, veld_error *err) VELD_MUST_CHECK;

/* veld_view_conflict: {"conflict","case","compartment","record","field","base","effective",
 * "sides":[{"value","worker","device","time","clock","received","skewed","side"}]}, plus "type",
 * "integrity" and "risk" ("person", or "two" when deciding takes two people): "case" is the dossier
 * of `place`; times are the author's wall time in her offset, clock says how far it can be trusted.
 * A side that is held back has "held" (veld_held_name), and the conflict then "dangers":
 * [{"type","record","field"}]: what it did not know, where that is why. A side written at a visit
 * has its "visit"; "notes" are from the record of the type `conflict-work` with the conflict's id.
 */
void veld_view_conflict(const veld_conflict *conflict, const veld_place *place,
    const veld_view_names *names, veld_json_writer *writer);

/* veld_view_clock: the word for a clock's quality: "anchored", "stale", "unanchored", "suspect", or
 * "unknown". Static storage. */
const char *veld_view_clock(veld_clock_quality quality);

/* veld_view_received: when the agency had a change, as far as it is known here; 0: not.
 * veld_view_evidence: the members "received" and "serverTime", the last that its author had seen
 * (RFC 3339 in UTC, or null), and "skewed" (the author's clock is known to have been more than five
 * minutes off). */
int64_t veld_view_received(const veld_view_names *names, const veld_origin *origin);
void veld_view_evidence(
    const veld_change_time *time, int64_t received_utc_ms, veld_json_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
