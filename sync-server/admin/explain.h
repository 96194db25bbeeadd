/* explain.h: what explain.c (JSON, the verb) and explain_text.c (Dutch) share. */
#ifndef SRV_EXPLAIN_H
#define SRV_EXPLAIN_H

#include "../srv.h"
#include "veldkit/conflict.h"
#include "veldkit/meeting.h"

/* A `decision` record, as far as it tells why a write was made. Spans are canonical JSON texts, or
 * empty. */
typedef struct explain_decision {
    veld_span by;
    veld_span reason;
    const veld_entry *confirmed; /* the second person's word: her name; NULL when there is none */
} explain_decision;

/* A decision that is told for itself: about what was held back, or about an earlier decision. */
typedef struct explain_settled {
    const veld_entry *ending;
    veld_side side; /* what was held back; without entry: nothing was, as far as is known here */
    veld_span effective;
    const veld_entry *const *dangers;
    size_t dangers_count;
} explain_settled;

typedef struct explain {
    veld_cli_call *call;
    veld_case *opened;
    veld_arena arena;
    const veld_meeting *meetings;
    size_t count;
    const veld_conflict *conflicts; /* open ones; those with a write that is held back are told */
    size_t conflicts_count;
    explain_settled *settled;
    size_t settled_count;
    bool cut;
    veld_view_names names;
} explain;

/* explain_find_decision: the decision that was made in the same change as `entry`, on its field;
 * false when it was no decision. */
bool explain_find_decision(explain *e, const veld_entry *entry, explain_decision *out);
/* explain_rule: why a field is joined as it is, in a Dutch sentence; by the name of its policy. */
const char *explain_rule(const veld_meeting *meeting);
/* explain_order: the sides by the times that are told, unless a clock is known to have been wrong.
 */
void explain_order(const veld_meeting *meeting, size_t out[VELD_MEETING_WRITES_MAX]);
/* explain_record_name: what people call a record: its name, title or the beginning of its text, as
 * a canonical JSON text; empty when it has none. */
veld_span explain_record_name(explain *e, const veld_state_record *record);
/* explain_is_held: what an open conflict holds back, without an ending; false when it holds
 * nothing. */
bool explain_is_held(const veld_conflict *conflict, explain_settled *out);
/* explain_find_settled (explain_past.c): decisions that belong to no meeting. */
veld_status explain_find_settled(explain *e) VELD_MUST_CHECK;
/* explain_held_then: did a rule hold a decision back when it was made, and does one now? Looked at
 * where rules do that: on the steps of a log. */
veld_status explain_held_then(
    explain *e, const veld_entry *entry, veld_held *then, veld_held *now) VELD_MUST_CHECK;
/* explain_words.c: one thing each; JSON texts are canonical, and of a text at most `signs_max`
 * signs are said. explain_say_name: a person's, without quotes. explain_say_value: `schema` may be
 * NULL. */
enum { EXPLAIN_SIGNS_MAX = 60 }; /* of what a record is called */
veld_status explain_say_when(explain *e, int64_t utc_ms) VELD_MUST_CHECK;
veld_status explain_say_who(explain *e, const veld_id *device) VELD_MUST_CHECK;
veld_status explain_say_name(explain *e, veld_span canonical) VELD_MUST_CHECK;
veld_status explain_say_json_text(
    explain *e, veld_span canonical, size_t signs_max) VELD_MUST_CHECK;
veld_status explain_say_value(
    explain *e, const veld_schema_field *schema, veld_span canonical) VELD_MUST_CHECK;
veld_status explain_say_record(explain *e, const veld_state_record *record) VELD_MUST_CHECK;
veld_status explain_say_field(explain *e, const veld_state_field *field) VELD_MUST_CHECK;
/* explain_say_clock: when the organisation had it, and whether the author's clock is believed. */
veld_status explain_say_clock(explain *e, const veld_origin *origin) VELD_MUST_CHECK;
/* explain_text: the whole story for people. */
veld_status explain_text(explain *e) VELD_MUST_CHECK;

#endif
