/* quarantine.h: changes that are signed well and that their author had no right to make when the
 * office heard of them: kept by the merger, joined by nobody until a person of the agency admits
 * them.
 *
 * What a device handed in before its revocation stood in the relay's journal counts, whenever the
 * merger comes to fetch it: other tablets may have it by then. What comes after that place does
 * not, nor does what comes out of turn (of another journal, or asked for again). That is a place in
 * a signed log, never a date: dates are whatever an author writes. From that place on the relay
 * gives what a revoked device hands in to the merger only. An admitted change is sealed anew with
 * the newest key of its case and handed in by the merger, so that all who have the case join it as
 * they join any other.
 *
 * A device judges for itself too: of a revoked device it joins what a head of the agency covers,
 * and keeps the rest here until one does. So with what the office signed with a key that it changed
 * since: who stole that key can go on signing with it.
 *
 * The device that made it is told so, signed: from then on it is the office's to keep, and the
 * device may destroy its own (order.h). The word goes to that device alone.
 *
 * Kept in the merger's store, values: "quarantine" (by change id), also after the decision.
 * Format of the word: [body, signature], namespace "veldkit-aside-1".
 * Expects, all that touch the store: as the store. Thread: as the store. Source: security.md 3. */
#ifndef VELDKIT_QUARANTINE_H
#define VELDKIT_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/case.h"
#include "veldkit/change.h"
#include "veldkit/id.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are stable. */
typedef enum veld_quarantine_reason {
    VELD_QUARANTINE_REVOKED = 1, /* the device is no longer one of the agency's */
    VELD_QUARANTINE_ERASED = 2,  /* the case is erased: see veld_quarantine_put_late */
    VELD_QUARANTINE_FORMER = 3   /* on a device: of the office, with a key that it changed since */
} veld_quarantine_reason;

typedef enum veld_quarantine_verdict {
    VELD_QUARANTINE_WAITING = 0,
    VELD_QUARANTINE_ADMITTED = 1,
    VELD_QUARANTINE_REFUSED = 2
} veld_quarantine_verdict;

typedef struct veld_quarantined {
    veld_hash change;
    veld_id device;
    veld_id case_id;
    veld_quarantine_reason reason;
    veld_quarantine_verdict verdict;
    int64_t received_utc_ms;
    veld_span body; /* the change, VELD_CHANGE_WIRE; of an erased case the envelope as it came, and
                       nothing when it was refused; borrowed */
    veld_span why;  /* what the person said who decided; empty while it waits; borrowed */
} veld_quarantined;

/* veld_quarantine_put: keep a change whose signature was checked; one that is there stays as it is.
 * Expects: VELD_E_LIMIT. */
veld_status veld_quarantine_put(veld_store *store, const veld_change *change,
    veld_quarantine_reason reason, int64_t received_utc_ms, veld_error *err) VELD_MUST_CHECK;
/* veld_quarantine_put_late: keep an envelope that came for a case that is erased, under its id
 * (`change`): nothing here opens it, unless it was sealed to the agency itself. It is never
 * admitted; refusing destroys it.
 * veld_quarantine_forget: one that is joined now.
 * veld_quarantine_drop: destroy all that is kept of a case, decided or not: it is being erased.
 * Expects: VELD_E_FORM (no envelope), VELD_E_LIMIT. */
veld_status veld_quarantine_put_late(veld_store *store, veld_span envelope, int64_t received_utc_ms,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_quarantine_forget(
    veld_store *store, const veld_hash *change, veld_error *err) VELD_MUST_CHECK;
veld_status veld_quarantine_drop(
    veld_store *store, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* veld_quarantine_get: views into `body`, which is initialised here; release it, it holds case
 * content.  Expects: VELD_E_NOT_FOUND. */
veld_status veld_quarantine_get(veld_store *store, const veld_hash *change, veld_buf *body,
    veld_quarantined *out, veld_error *err) VELD_MUST_CHECK;
/* veld_quarantine_each: all, decided ones too; stops when `each` returns another status than
 * VELD_OK, and returns it. */
veld_status veld_quarantine_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_quarantined *one, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
/* veld_quarantine_decide: keep the verdict and why.  Expects: VELD_E_NOT_FOUND, VELD_E_STALE (it
 * was decided otherwise before), VELD_E_NOT_ALLOWED (admitting into a case that is erased). */
veld_status veld_quarantine_decide(veld_store *store, const veld_hash *change,
    veld_quarantine_verdict verdict, veld_span why, veld_error *err) VELD_MUST_CHECK;

/* ---- the agency's word that it keeps a change for review ---- */
typedef struct veld_aside {
    veld_id device; /* whose change it is, and who is told */
    veld_id case_id;
    veld_hash change;
    int64_t utc_ms; /* when it was signed */
} veld_aside;

/* veld_aside_make: sign and append to `out`.  veld_aside_read: take apart; nothing is proved.
 * veld_aside_verify: did the owner of `key` sign it?
 * Owns:    keeps nothing; `*out` of read is zero on error.
 * Expects: what the signer returns, VELD_E_LIMIT (the buffer's maximum; `out` is then as it was);
 *          reading VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER; verifying VELD_E_FORGED; all
 *          VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_aside_make(const veld_aside *aside, const veld_signer *merger, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_aside_read(veld_span bytes, veld_aside *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_aside_verify(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
