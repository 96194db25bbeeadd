/* sync_answer.h: an answer while it is taken in; shared by sync_in.c and sync_cases.c. */
#ifndef VELD_SYNC_ANSWER_H
#define VELD_SYNC_ANSWER_H

#include "sync_inner.h"

/* Where an envelope lies in the journal, as the relay proved it. */
typedef struct sync_place {
    veld_hash id;
    uint64_t seq;
} sync_place;

/* What an answer says for itself, and of what it brings. */
typedef struct sync_answer {
    veld_receipt receipt;
    exchange_cursor cursor;
    veld_log_proof growth;
    bool has_receipt, has_cursor;
    intake_part *parts;
    size_t parts_count;
    sync_place *places; /* by id */
    size_t places_count;
    size_t still_wanted; /* the first of what waits: asked for, and there was no room for it */
    bool is_reset;
    bool has_key; /* a device came that may have written anything that waits */
} sync_answer;

/* sync_add_part: a frame that concerns a case; one that cannot be read is told as refused. `parts`
 * has room for all frames.  sync_take_cases: all that was added. */
veld_status sync_add_part(
    veld_sync *sync, sync_answer *in, const veld_frame *frame, veld_error *err) VELD_MUST_CHECK;
veld_status sync_take_cases(veld_sync *sync, sync_answer *in, veld_error *err) VELD_MUST_CHECK;

/* ---- sync_wanted.c ---- */
/* sync_forget_wanted: what was asked for leaves the list of what waits: all of it when the relay
 * has no more, else what came. Who still cannot be opened comes back to it.  sync_recall_wanted:
 * the list as it was, of which `waiting` were left. */
veld_status sync_forget_wanted(veld_sync *sync, sync_answer *in, veld_error *err) VELD_MUST_CHECK;
void sync_recall_wanted(veld_sync *sync, const sync_answer *in, size_t waiting);

/* ---- sync_cut.c ---- */
/* sync_take_places: merger: those that are proved; the others are told as refused. `in->places` is
 * the caller's (veld_release).  sync_find_place: 0 when none was proved. */
veld_status sync_take_places(veld_sync *sync, sync_answer *in, veld_error *err) VELD_MUST_CHECK;
veld_status sync_find_place(
    const sync_answer *in, veld_span envelope, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

#endif
