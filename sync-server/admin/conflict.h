/* conflict.h: between the files of the conflict verbs. */
#ifndef SRV_CONFLICT_H
#define SRV_CONFLICT_H

#include "../srv.h"
#include "veldkit/conflict.h"
#include "veldkit/decision.h"
#include "veldkit/edit.h"

/* One case opened with its conflicts and decisions. */
typedef struct srv_conflict_case {
    veld_place place;
    veld_arena arena;
    veld_case *opened;
    const veld_conflict *conflicts;
    size_t count;
    const veld_decided *decided;
    size_t decided_count;
} srv_conflict_case;

/* ---- conflict_find.c ---- */
veld_status srv_conflict_open(srv_session *session, const veld_place *place, srv_conflict_case *out,
    veld_error *err) VELD_MUST_CHECK;
void srv_conflict_close(srv_conflict_case *of);
/* srv_conflict_find: the case with the conflict that `word` names stays open in `of`. */
veld_status srv_conflict_find(veld_cli_call *call, const char *word, srv_conflict_case *of,
    const veld_conflict **out) VELD_MUST_CHECK;
/* srv_conflict_note: where a conflict is, so that it is found again without opening every case. */
veld_status srv_conflict_note(
    srv_session *session, const veld_conflict *conflict, veld_error *err) VELD_MUST_CHECK;

/* ---- conflict_sign.c ---- */
/* How many fields a record of a decision or confirmation may have. */
enum { SRV_DECISION_EDITS_MAX = 10 };

/* srv_decision_edits: the record that says what was decided, signed by the person for whom the verb
 * runs, or by nobody when that is the operator without a PIN. `decision` comes with all that is
 * decided; id, time, name and key are filled here.
 * Owns:    `out` and what it points to live in `arena`. */
veld_status srv_decision_edits(veld_cli_call *call, veld_decision *decision, veld_arena *arena,
    veld_edit out[SRV_DECISION_EDITS_MAX], size_t *count) VELD_MUST_CHECK;

#endif
