/* decision.h: what a person of the office decided, so that anybody can check that it was she.
 *
 * A choice in a conflict is an ordinary change of the office: the merger's device signs it, and
 * what is chosen follows from the writes alone, with this program or an older one. Beside the
 * choice lies a record `decision` with
 *
 *   statement   canonical JSON: what was decided, about which sides, why, when and with which key
 *   signature   SSHSIG over the bytes of the statement, namespace "veldkit-decision-1"
 *   signer      the user's entry of the directory (user.h), in base64url
 *
 * so the person's signature is evidence about the change and never what joining rests on: her key
 * needs no chain, incarnation or grant of its own, and a case that travels carries all that is
 * needed to check it but the agency's statement. A decision without signature is the office's.
 *
 * On a field where two persons have to agree (schema.h, `critical`) the decision alone writes
 * nothing on the field. A record `confirmation` names it by the hash of its statement; the change
 * with the one that makes two different persons also writes the field, and replaces the sides that
 * the decision named and no others.
 *
 * Thread: any. Source: design.md 3; security.md 2; proto/WIRE.md, "Decision". */
#ifndef VELDKIT_DECISION_H
#define VELDKIT_DECISION_H

#include <stdbool.h>
#include <stddef.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/conflict.h"
#include "veldkit/directory.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/sign.h"
#include "veldkit/state.h"
#include "veldkit/status.h"
#include "veldkit/time.h"
#include "veldkit/user.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_TYPE_DECISION     "decision"
#define VELD_TYPE_CONFIRMATION "confirmation"
/* The casework on a conflict: a record with the conflict's id; fields `owner`, `deadline`, `notes`.
 */
#define VELD_TYPE_CONFLICT_WORK "conflict-work"

enum {
    VELD_DECISION_FORMAT = 1,
    VELD_DECISION_SIDES_MAX = 128,        /* that one decision names */
    VELD_DECISION_VALUE_BYTES_MAX = 8192, /* a longer value stands in the statement as its hash */
    VELD_DECISION_BYTES_MAX = 96 << 10,   /* of a statement */
    VELD_DECISION_PERSONS_CRITICAL = 2,
    VELD_DECISION_SEEN_SIZE = 17 /* 16 hex digits and the end */
};

typedef enum veld_decision_kind {
    VELD_DECISION_CHOICE = 1,
    VELD_DECISION_CONFIRMATION
} veld_decision_kind;

/* What a statement says. Spans and arrays are borrowed: after reading they live in the arena. */
typedef struct veld_decision {
    veld_decision_kind kind;
    veld_id id; /* of the record that it stands in */
    veld_id case_id;
    veld_id conflict;
    veld_span by;  /* the person's name; UTF-8 */
    bool has_key;  /* a person signs */
    veld_hash key; /* the fingerprint of her key */
    veld_instant time;
    /* a choice */
    veld_id record;
    veld_span type;
    veld_span field;
    veld_span value; /* canonical JSON; empty after reading when only its hash is there */
    veld_hash value_hash;
    const veld_write_id *sides; /* rising: what was seen and is replaced */
    size_t sides_count;
    veld_span reason;
    unsigned persons; /* so many different persons have to sign: 1, or 2 */
    veld_id revises;  /* the decision that this one takes back; zero = none */
    /* a confirmation */
    veld_id decision;
    veld_hash statement; /* SHA-256 of the statement that is agreed with */
} veld_decision;

/* veld_decision_write: append the statement.
 * Expects: VELD_E_LIMIT (over VELD_DECISION_BYTES_MAX), VELD_E_FORM (a text that is no UTF-8),
 *          VELD_E_CRYPTO, VELD_E_MEMORY.
 * veld_decision_read: exactly what veld_decision_write writes.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (a higher format), VELD_E_MEMORY,
 *          VELD_E_CRYPTO. */
veld_status veld_decision_write(
    const veld_decision *decision, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_decision_read(
    veld_span statement, veld_arena *arena, veld_decision *out, veld_error *err) VELD_MUST_CHECK;

/* ---- in a case ---- */
typedef enum veld_decision_verdict {
    VELD_DECISION_OF_OFFICE = 1, /* no person signed it, or it is older than this */
    VELD_DECISION_OF_PERSON,     /* the signature, the key's entry and the record agree */
    VELD_DECISION_UNKNOWN,       /* of a newer program, or the agency is not known here */
    VELD_DECISION_BROKEN         /* they do not; `why` */
} veld_decision_verdict;

/* One record `decision` or `confirmation`. */
typedef struct veld_decided {
    const veld_state_record *record;
    const veld_origin *origin; /* of the change that wrote it */
    bool has_statement;        /* else only `id` and `conflict` of `decision` are filled */
    veld_decision decision;
    veld_span statement; /* its bytes */
    veld_span signature; /* armored; empty when nobody signed */
    veld_decision_verdict verdict;
    veld_user_entry signer; /* OF_PERSON */
    const char *why;        /* BROKEN: static, English, without content */
    /* of a choice */
    size_t persons; /* different persons who signed it or a confirmation of it */
    veld_id people[VELD_DECISION_PERSONS_CRITICAL]; /* who these are: users of the directory */
    bool is_done;                                   /* enough of them: its effect is in the case */
} veld_decided;

/* veld_decision_list: all decisions and confirmations of a case, oldest first by the hybrid clock
 * of their change. `agency` is NULL when it is not known.
 * Owns:    the list lives in `arena`, texts in it or the state.
 * Expects: VELD_E_MEMORY, VELD_E_CRYPTO. */
veld_status veld_decision_list(veld_state *state, const veld_id *case_id, const veld_agency *agency,
    const veld_verifier *verifier, veld_arena *arena, const veld_decided **out, size_t *count,
    veld_error *err) VELD_MUST_CHECK;

/* veld_decision_pending: the newest choice on the conflict that still waits for a person; NULL when
 * there is none. A newer decision on the same conflict takes the place of one that waits. */
const veld_decided *veld_decision_pending(
    const veld_decided *list, size_t count, const veld_id *conflict);
/* veld_decision_last: the newest choice on the conflict that has its effect; NULL when none. */
const veld_decided *veld_decision_last(
    const veld_decided *list, size_t count, const veld_id *conflict);

/* ---- conflicts as people work on them ---- */
/* veld_decision_conflicts: to the open conflicts of a case (veld_conflict_list) come those that are
 * settled but for which a newer decision waits for a second person: somebody wants to take the
 * earlier one back.  veld_decision_conflict: the field of one decision as a conflict; `*found` is
 * false when the field is not here.
 * Owns:    the new list lives in `arena`.  Expects: VELD_E_MEMORY. */
veld_status veld_decision_conflicts(veld_state *state, const veld_schema_set *schemas,
    const veld_decided *decided, size_t decided_count, veld_arena *arena,
    const veld_conflict **list, size_t *count, veld_error *err) VELD_MUST_CHECK;
veld_status veld_decision_conflict(veld_state *state, const veld_schema_set *schemas,
    const veld_decided *of, veld_arena *arena, veld_conflict *out, bool *found,
    veld_error *err) VELD_MUST_CHECK;

/* veld_decision_seen: a short name for what is to be decided now: it is another one as soon as a
 * side, danger or waiting decision came or went. Who decides may say which one she saw.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_decision_seen(const veld_conflict *conflict, const veld_decided *pending,
    char out[VELD_DECISION_SEEN_SIZE], veld_error *err) VELD_MUST_CHECK;

/* What the casework is read from; all borrowed. */
typedef struct veld_conflict_work {
    veld_state *state;
    const veld_schema_set *schemas;
    const veld_decided *decided;
    size_t decided_count;
    veld_arena *arena;
    int64_t now_utc_ms;
} veld_conflict_work;

typedef struct veld_conflict_casework {
    int64_t since_utc_ms, age_hours;
    veld_span owner, deadline; /* canonical JSON */
    const veld_decided *pending;
} veld_conflict_casework;

veld_conflict_casework veld_conflict_casework_of(
    const veld_conflict_work *work, const veld_conflict *conflict);
/* veld_conflict_rank: numbers by which the most dangerous conflict comes first: how dangerous it is
 * (lowering against danger or urgent and for two people, for two people, a broken rule, all else),
 * the day of its deadline, and since when it is open. */
enum { VELD_CONFLICT_RANKS = 3 };
void veld_conflict_rank(const veld_conflict_work *work, const veld_conflict *conflict,
    int64_t out[VELD_CONFLICT_RANKS]);
/* veld_decision_view: the members "age" (whole hours), "deadline", "expect", "owner", "proposal"
 * (null, or {"by","decision","needs","reason","signed","time","value"}) and "since" of a conflict.
 * It fits veld_view_names.more with a veld_conflict_work as context. */
void veld_decision_view(void *context, const veld_conflict *conflict, veld_json_writer *writer);

#ifdef __cplusplus
}
#endif
#endif
