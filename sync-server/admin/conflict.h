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
    veld_conflict_work work;
} srv_conflict_case;

/* ---- conflict_find.c ---- */
/* srv_conflict_open: `shown`: what is in it goes to a person or is changed by one, and the access
 * log says so. Who only looks whether it is the one adds the line when it is. */
veld_status srv_conflict_open(srv_session *session, const veld_place *place, bool shown,
    srv_conflict_case *out, veld_error *err) VELD_MUST_CHECK;
void srv_conflict_close(srv_conflict_case *of);
/* srv_conflict_find: the case with the conflict that `word` names stays open in `of`. */
veld_status srv_conflict_find(veld_cli_call *call, const char *word, srv_conflict_case *of,
    const veld_conflict **out) VELD_MUST_CHECK;
/* srv_conflict_find_settled: the same for one that is decided: `last` is the decision that holds,
 * and the conflict is what its field shows now. */
veld_status srv_conflict_find_settled(veld_cli_call *call, const char *word, srv_conflict_case *of,
    const veld_decided **last, veld_conflict *out) VELD_MUST_CHECK;
/* srv_conflict_note: where a conflict is, so that it is found again without opening every case. */
veld_status srv_conflict_note(
    srv_session *session, const veld_conflict *conflict, veld_error *err) VELD_MUST_CHECK;

/* ---- conflict.c ---- */
/* srv_conflict_say / srv_conflict_view: one conflict with its casework, for people and as JSON. */
veld_status srv_conflict_say(
    veld_cli_call *call, srv_conflict_case *of, const veld_conflict *conflict) VELD_MUST_CHECK;
void srv_conflict_view(veld_cli_call *call, srv_conflict_case *of, const veld_conflict *conflict,
    veld_json_writer *writer);

/* ---- conflict_expect.c ---- */
/* srv_conflict_expected: whether the conflict is still the one that --expect names; when not, the
 * answer of the call says so and shows what it is now, and `*same` is false. So too when a decision
 * that `replaces` what is proposed names nothing: somebody's proposal is not replaced unread. */
veld_status srv_conflict_expected(veld_cli_call *call, srv_conflict_case *of,
    const veld_conflict *conflict, bool replaces, bool *same) VELD_MUST_CHECK;
/* srv_conflict_gone: for a conflict that is not open any more: with --expect the decision that
 * settled it is shown and `*told` is true. */
veld_status srv_conflict_gone(veld_cli_call *call, const char *word, bool *told) VELD_MUST_CHECK;

/* ---- conflict_sign.c ---- */
/* How many fields a record of a decision or confirmation may have. */
enum { SRV_DECISION_EDITS_MAX = 10 };

/* srv_record_text: one text field of a record, checked as its schema says.
 * Owns:    what `out` points to lives in `arena`. */
veld_status srv_record_text(veld_cli_call *call, const char *type, const veld_id *record,
    const char *name, veld_span text, veld_arena *arena, veld_edit *out) VELD_MUST_CHECK;
/* srv_decision_edits: the record that says what was decided, signed by the person for whom the verb
 * runs, or by nobody when that is the operator without a PIN. `decision` comes with all that is
 * decided; id, time, name and key are filled here.
 * Owns:    `out` and what it points to live in `arena`. */
veld_status srv_decision_edits(veld_cli_call *call, veld_decision *decision, veld_arena *arena,
    veld_edit out[SRV_DECISION_EDITS_MAX], size_t *count) VELD_MUST_CHECK;

/* ---- conflict_decide.c ---- */
int srv_by_write_id(const void *a, const void *b);
/* srv_choice_edit: the write on the field that a choice asks for.  Expects: VELD_E_INVALID. */
veld_status srv_choice_edit(
    veld_cli_call *call, const veld_decision *decision, veld_edit *out) VELD_MUST_CHECK;
/* srv_save_decided: one change in the opened case, and out to the tablets with the next exchange.
 */
veld_status srv_save_decided(veld_cli_call *call, srv_conflict_case *of, const veld_edit *edits,
    size_t count, veld_hash *change) VELD_MUST_CHECK;
/* srv_say_decided: `missing`: so many persons have to agree before it has its effect. `choice`
 * is what was chosen: the decision itself, or the one that it confirms. `held` is
 * what holds it back all the same. */
struct srv_held;
veld_status srv_say_decided(veld_cli_call *call, const veld_decision *decision,
    const veld_decision *choice, const veld_hash *change, size_t missing,
    const struct srv_held *held) VELD_MUST_CHECK;

#endif
