/* held.h: a decision that is made and does not count yet: a rule of the case holds it back, and it
 * takes effect by itself when that is over. So it is said when it is made, noted, and told when it
 * counts.
 *
 * Expects, all: as the store, VELD_E_MEMORY. */
#ifndef SRV_ADMIN_HELD_H
#define SRV_ADMIN_HELD_H

#include "conflict.h"

struct srv_held {
    veld_held held;
    const veld_guard *guard; /* GUARD: the first that forbids it; else NULL */
    const veld_entry *entry; /* what is held back; NULL for what is not written yet */
    const veld_schema_field *schema;
    veld_span type;      /* of the record */
    veld_span effective; /* shown meanwhile: canonical JSON */
};
typedef struct srv_held srv_held;

/* srv_held_of: what the change wrote on the field, as it stands in the case now. NOT when it
 * counts, and when it is there no more (`entry` is NULL then). srv_held_before: what would hold the
 * value back if it were written now: guards only. Where the field was never written: NOT. */
veld_status srv_held_of(srv_session *session, veld_state *state, const veld_decision *of,
    const veld_hash *change, veld_arena *arena, srv_held *out, veld_error *err) VELD_MUST_CHECK;
veld_status srv_held_before(srv_session *session, veld_state *state, const veld_decision *of,
    veld_arena *arena, srv_held *out, veld_error *err) VELD_MUST_CHECK;

/* srv_held_after: what holds a decision back that was saved: `change` wrote the field (it is noted
 * then), or NULL: a proposal. */
veld_status srv_held_after(veld_cli_call *call, srv_conflict_case *of, const veld_decision *said,
    const veld_hash *change, srv_held *out) VELD_MUST_CHECK;

/* srv_held_why: for what reason, a Dutch sentence; of a guard what it asks, without end.
 * srv_held_json: {"by","effective","guard":{"needed","type","wants":[{"field","shows"}]}}. */
const char *srv_held_why(veld_held held);
veld_status srv_held_say_guard(veld_cli_call *call, const srv_held *held) VELD_MUST_CHECK;
void srv_held_json(veld_json_writer *writer, const srv_held *held);

/* ---- what is to be told when it counts ---- */
typedef struct srv_held_counts {
    size_t held;
    size_t counts_now; /* and nobody has looked at `conflict explain` of the case since */
} srv_held_counts;
/* srv_held_note: a decision that was held back.  srv_held_count: what became of those.
 * srv_held_seen: a person read about the case: what counts by now is told no more. */
veld_status srv_held_note(srv_session *session, const veld_decision *of, const veld_hash *change,
    veld_error *err) VELD_MUST_CHECK;
veld_status srv_held_count(
    srv_session *session, srv_held_counts *out, veld_error *err) VELD_MUST_CHECK;
veld_status srv_held_seen(
    srv_session *session, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

#endif
