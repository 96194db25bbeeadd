/* intake.h: grants and envelopes of a case from outside into the cases of a desk, believing nothing
 * but signatures. Shared by the exchange and the bundle. Inside the room. */
#ifndef VELD_SYNC_INTAKE_H
#define VELD_SYNC_INTAKE_H

#include "veldkit/case.h"
#include "veldkit/directory.h"
#include "veldkit/frame.h"

/* Cases that the office founded for what was sealed to it, by id: who wrote that does not have
 * them.
 */
#define INTAKE_FOUNDED "sync.founded"

/* One frame that concerns a case, in the order of arrival. */
typedef struct intake_part {
    veld_frame_type type; /* GRANT, CHECKPOINT or ENVELOPE; others are passed over */
    veld_span body;
    veld_id case_id;
    uint64_t place;  /* in the journal, as the relay proved it; 0: it did not */
    bool was_judged; /* when it came: a grant that was held since for an emergency */
} intake_part;

typedef struct intake {
    const veld_desk *desk;
    const veld_agency *agency; /* may give any key; NULL: only a case's founder gives, the first */
    const veld_verifier *now;  /* with an agency: veld_agency_verifier_now */
    bool is_office;            /* what is sealed to the agency is for us; else it is passed over */
    bool is_glass_broken;      /* the agency's emergency grants may be used */
    bool wants_past;           /* changes that the base of the case holds are kept as rows too */
    uint32_t reseal_below;     /* office: what came under an older epoch is sealed again */
    void *context;
    /* leave_out: a part was refused, or (`later`) cannot be opened yet. */
    void (*leave_out)(void *context, const intake_part *part, bool later, const char *what,
        const veld_error *why);
    /* before: the case is going to change; may be NULL. */
    veld_status (*before)(void *context, const veld_id *case_id, veld_error *err);
    /* set_aside: is this change, of an envelope at `place`, to be kept elsewhere instead of joined?
     * May be NULL: none is. */
    veld_status (*set_aside)(void *context, veld_case *opened, veld_change *change, uint64_t place,
        bool *aside, veld_error *err);

    /* what was done, summed up */
    veld_taken taken;
    size_t cases;
    size_t new_cases;
    size_t keys; /* that were not here before */
} intake;

/* intake_sort: the parts of one case side by side, in the order of arrival: who sent them decides
 * how many cases there are, and looking for the parts of each among all would take the square of
 * that. intake_length: how many of the sorted parts from `first` on are of its case. */
veld_status intake_sort(intake_part *parts, size_t count, veld_error *err) VELD_MUST_CHECK;
size_t intake_length(const intake_part *parts, size_t count, size_t first);

/* intake_case: deal with one case; all parts are of it, `count` is not 0. What the case lacks is
 * told by leave_out and is no error. */
veld_status intake_case(
    intake *by, const intake_part *parts, size_t count, veld_error *err) VELD_MUST_CHECK;

/* intake_hold_back: on a device: is the change of a revoked one, or by a key that its device has no
 * more, and so not to be joined before a head of the agency covers it? Then it is kept; of our own
 * by such a key nothing is. For `set_aside`. */
veld_status intake_hold_back(const veld_desk *desk, veld_case *opened, veld_change *change,
    bool *aside, veld_error *err) VELD_MUST_CHECK;
/* intake_join_held: on a device: those of a case whose keys are here that its last head covers. */
veld_status intake_join_held(
    const veld_desk *desk, const veld_id *case_id, size_t *joined, veld_error *err) VELD_MUST_CHECK;

/* intake_checkpoint: a checkpoint from the agency becomes the base of the case when it has what is
 * not here: `*changed` then, and the case is to be opened again. */
veld_status intake_checkpoint(intake *by, veld_case *opened, const intake_part *part, bool *changed,
    veld_error *err) VELD_MUST_CHECK;

/* intake_read: make a part of a frame: reads what says of which case it is.
 * Expects: VELD_E_FORM and what else reading a grant or a header gives. */
veld_status intake_read(
    veld_frame_type type, veld_span body, intake_part *out, veld_error *err) VELD_MUST_CHECK;

#endif
