/* order.h: what the agency tells one device to do with what it holds, and the device's word that it
 * is done.
 *
 *   merger: order (serial n) ----> relay ----> device: hands in what is unsent
 *   merger: takes that in, or keeps it for review, and signs for it ----> device: destroys,
 * confirms merger <---------------------- relay <---- confirmation of n
 *
 * An order counts for the one device it names and only once: a device does each serial after the
 * last one it did, in order, and never one again. `previous` names the order before, so a carrier
 * that keeps one back keeps back all that follow instead of making a hole. Who destroys has first
 * handed in ("seal, then purge") and has the agency's signature for each change of its own: a head
 * that covers it (head.h) or the word that it is kept for review (quarantine.h). A relay's receipt
 * is not enough, but of a case that the agency erased there is no other. What is typed but not
 * saved is saved first. With the vault goes its access log, so that must be with the agency too.
 *
 * Both travel openly: they carry ids and reasons as numbers, never content.
 *
 * Formats: [body, signature], namespaces "veldkit-order-1", "veldkit-confirmation-1" and
 * "veldkit-stand-in-1".
 * Thread: any. Source: security.md 3; proto/WIRE.md, "Order". */
#ifndef VELDKIT_ORDER_H
#define VELDKIT_ORDER_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/change.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The numbers are stable. */
typedef enum veld_order_kind {
    VELD_ORDER_WITHDRAW = 1, /* this case is no longer for this device */
    VELD_ORDER_ERASE = 2,    /* this case is erased at the agency */
    VELD_ORDER_WIPE = 3      /* all cases, then the vault */
} veld_order_kind;

/* Why, so that the worker can be told in words. The numbers are stable. */
typedef enum veld_order_reason {
    VELD_ORDER_REASSIGNED = 1, /* somebody else works on the case now */
    VELD_ORDER_REVOKED = 2,    /* the device is no longer one of the agency's */
    VELD_ORDER_SECRET = 3,     /* what is in the case became secret */
    VELD_ORDER_ERASURE = 4,    /* the agency erases the case */
    VELD_ORDER_LOST = 5        /* the device is lost or stolen */
} veld_order_reason;

typedef struct veld_order {
    veld_id device;    /* the only one that does it */
    uint64_t serial;   /* from 1, rising for the device */
    uint64_t previous; /* serial of the order before for this device; 0 = none */
    veld_order_kind kind;
    veld_order_reason reason;
    veld_id case_id; /* zero for WIPE */
    int64_t utc_ms;  /* when it was signed */
} veld_order;

/* veld_order_make: sign and append to `out`.  veld_order_read: take apart and check against `key`.
 * Owns:    keeps nothing; `*out` of read is zero on error.
 * Expects: what the signer returns, VELD_E_LIMIT (the buffer's maximum; `out` is then as it was);
 *          reading VELD_E_FORM (also a case with WIPE, or none with another; a `previous` not below
 *          the serial), VELD_E_LIMIT, VELD_E_NEWER (a kind or reason this program does not know),
 *          VELD_E_FORGED; both VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_order_make(const veld_order *order, const veld_signer *merger, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_order_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_order *out, veld_error *err) VELD_MUST_CHECK;

/* ---- the device's word ---- */
typedef struct veld_confirmation {
    veld_id device;
    uint64_t serial;
    veld_hash order; /* SHA-256 of the order's bytes */
    int64_t utc_ms;  /* the best time the device knew */
    /* The last change of the device in that case, all before it handed in: what comes under a
     * higher number was made after it gave the case back. Zero for WIPE, or when it made none. */
    uint8_t incarnation[VELD_INCARNATION_BYTES];
    uint64_t last_number;
    veld_span stand_in; /* of a locked tablet: why its key counts; empty for the device's own */
} veld_confirmation;

/* A locked tablet has no key of its device at hand but the carrier key. Before it locks, the device
 * signs that this key may say of a wipe that it was done: it stands in for that and nothing else.
 *
 * veld_stand_in_make: sign with the device's signer and append to `out`.
 * Expects: as veld_order_make. */
veld_status veld_stand_in_make(const veld_id *device, const veld_p256_public *carrier,
    const veld_signer *signer, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_confirmation_make: sign with the device's signer, or with the carrier key that `stand_in`
 * names, and append.  veld_confirmation_read: take apart; nothing is proved, for `device` says
 * which key to look up; `stand_in` is a view.  veld_confirmation_verify: did the owner of `key`
 * sign it, or a key for which its owner did? Expects: as veld_order_make and veld_order_read. */
veld_status veld_confirmation_make(const veld_confirmation *confirmation, const veld_signer *device,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_confirmation_read(
    veld_span bytes, veld_confirmation *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_confirmation_verify(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
