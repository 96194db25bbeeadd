/* access.h: one line of the access log: who saw or changed which case, when, and by what right. It
 * names cases by id and never says anything that stands in one.
 *
 * Each device writes one chain: entries are numbered from 1, and each has the hash of the one
 * before it, so that a line that was taken out, changed or put in later shows. An entry is hashed
 * as its bytes lie there; who keeps it keeps the bytes.
 *
 * Names of NEN 7513 for what is here: EventID id, EventDateTime time, EventActionCode and
 * eventTypeCode kind and event, EventOutcomeIndicator outcome, userID user, purposeOfUse basis,
 * networkAccessPointID device, participantObjectID case.
 *
 * Thread: any. Source: domain.md B6; security.md 4, rule 9; proto/WIRE.md, "Access log". */
#ifndef VELDKIT_ACCESS_H
#define VELDKIT_ACCESS_H

#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What was done. The numbers are stable; one that a newer program uses is kept as it is. */
typedef enum veld_access_kind {
    VELD_ACCESS_READ = 1,
    VELD_ACCESS_WRITE = 2,
    VELD_ACCESS_CREATE = 3,
    VELD_ACCESS_SEARCH = 4, /* a list over cases */
    VELD_ACCESS_EXPORT = 5,
    VELD_ACCESS_PRINT = 6,
    VELD_ACCESS_TRANSFER = 7,  /* to or from a portable medium */
    VELD_ACCESS_EMERGENCY = 8, /* break-glass */
    VELD_ACCESS_LOGIN = 9,
    VELD_ACCESS_LOCK = 10,
    VELD_ACCESS_SYNC = 11,
    VELD_ACCESS_ASSIGN = 12, /* a key was given to the device `subject` */
    VELD_ACCESS_WITHDRAW = 13,
    VELD_ACCESS_ERASE = 14,
    VELD_ACCESS_AUDIT = 15 /* the log itself was looked into */
} veld_access_kind;

enum { VELD_ACCESS_KIND_MAX = 255 };

/* By what right. The numbers are stable. */
typedef enum veld_access_basis {
    VELD_ACCESS_BASIS_NONE = 0,      /* no case is concerned */
    VELD_ACCESS_BASIS_HELD = 1,      /* the device holds the key: it founded the case or was given
                                        it */
    VELD_ACCESS_BASIS_OFFICE = 2,    /* a member of staff, at the agency */
    VELD_ACCESS_BASIS_EMERGENCY = 3, /* broke the glass, with a reason */
    VELD_ACCESS_BASIS_LEGAL = 4      /* a right or duty by law, with a reason */
} veld_access_basis;

/* How it ended, in the numbers of RFC 3881. */
typedef enum veld_access_outcome {
    VELD_ACCESS_DONE = 0,
    VELD_ACCESS_REFUSED = 4, /* not allowed, or not there */
    VELD_ACCESS_FAILED = 8   /* damaged, no memory, no disk */
} veld_access_outcome;

/* Spans are borrowed; a decoded entry has views into its bytes. */
typedef struct veld_access_entry {
    veld_id id;
    veld_id device; /* whose chain */
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t number;       /* on the chain, from 1 */
    veld_hash previous;    /* of the entry before; zero for the first */
    veld_change_time time; /* wall, offset, server, hybrid_ms and quality count */
    uint8_t kind;          /* veld_access_kind, or one of a newer program */
    veld_access_outcome outcome;
    veld_access_basis basis;
    veld_span event;       /* the verb or screen: lower case, digits, dashes, spaces */
    veld_span user;        /* who, as the device knows it; plain text */
    veld_id case_id;       /* zero: none */
    veld_span compartment; /* as `event`; empty when it is not known or main */
    veld_id subject;       /* another device that is concerned; zero: none */
    veld_span reason;      /* plain text; empty when none was asked for */
} veld_access_entry;

/* veld_access_encode: append the entry's bytes to `out`.  veld_access_decode: take them apart.
 * veld_access_hash: what the next entry names as `previous`.
 * Expects: encoding VELD_E_INVALID (a text or number outside its form), VELD_E_LIMIT (the buffer's
 *          maximum); decoding VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (a part that may not be
 *          skipped); VELD_E_CRYPTO, VELD_E_MEMORY. `out` is as it was, or zero, on error. */
veld_status veld_access_encode(
    const veld_access_entry *entry, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_access_decode(
    veld_span bytes, veld_access_entry *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_access_hash(veld_span bytes, veld_hash *out, veld_error *err) VELD_MUST_CHECK;

/* veld_access_kind_name: "read" and so on; "other" for what this program does not know.
 * veld_access_kind_find: the way back; 0 for no such name.
 * veld_access_action: the one letter of EventActionCode: C, R, U, D or E. */
const char *veld_access_kind_name(uint8_t kind);
uint8_t veld_access_kind_find(const char *name);
char veld_access_action(uint8_t kind);
const char *veld_access_basis_name(veld_access_basis basis);

/* ---- handing in: frame 20 ---- */
/* A batch: consecutive entries of one device, sealed to the agency and signed by the device. Who
 * carries it sees the device and a bucket size, not how many entries there are. */
typedef struct veld_access_batch {
    veld_id device;
    const veld_span *entries; /* bytes of entries, rising by one */
    size_t count;             /* 1 to VELD_ACCESS_BATCH_ENTRIES_MAX */
} veld_access_batch;

/* veld_access_batch_make: seal to the agency's seal key `to`, sign, append to `out`.
 * Expects: VELD_E_LIMIT (over VELD_ACCESS_BATCH_BYTES_MAX), what the signer returns, VELD_E_FORM,
 *          VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_access_batch_make(const veld_env *env, const veld_access_batch *batch,
    const veld_p256_public *to, const veld_signer *device, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* The agency's word that it keeps all entries of a device up to one. */
typedef struct veld_access_kept {
    veld_id device;
    uint64_t number;
    veld_hash hash; /* of that entry */
    int64_t utc_ms;
} veld_access_kept;

veld_status veld_access_kept_make(const veld_access_kept *kept, const veld_signer *merger,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* What a frame 20 is, from its readable part alone; nothing is proved. */
typedef enum veld_access_form { VELD_ACCESS_BATCH = 0, VELD_ACCESS_KEPT = 1 } veld_access_form;
typedef struct veld_access_item {
    veld_access_form form;
    veld_id device; /* batch: of whom; kept: for whom */
    veld_span sealed;
    veld_access_kept kept;
    veld_span body; /* the signed bytes; views into what was read */
    veld_signature signature;
} veld_access_item;

/* veld_access_item_read: Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER.
 * veld_access_item_verify: did the owner of `key` sign it?  Expects: VELD_E_FORGED. */
veld_status veld_access_item_read(
    veld_span bytes, veld_access_item *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_access_item_verify(const veld_access_item *item, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;
/* veld_access_batch_open: the entries of a verified batch: each decodes, is of the device, and
 * follows the one before it by number and hash.
 * Owns:    array and bytes live in `arena`.
 * Expects: VELD_E_FORGED (sealed to another key, changed, or no chain), VELD_E_FORM, VELD_E_LIMIT,
 *          VELD_E_NEWER, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_access_batch_open(const veld_access_item *item, const veld_p256_private *key,
    veld_arena *arena, veld_access_batch *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
