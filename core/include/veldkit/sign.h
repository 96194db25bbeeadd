/* sign.h: signatures behind an interface, and the real one: deterministic ECDSA P-256.
 *
 * Everything that signs or verifies is handed a veld_signer or a veld_verifier. The real ones are
 * here; a keystore puts a chip behind the same interface, the simulator a keyed MAC that costs
 * nothing. What is signed is always a digest that sshsig.h or jws.h made, which carries the name of
 * its use: call those, not these, for bytes of your own.
 *
 * A signature costs about 1 ms and a check about 2 to 4 ms: sign per save, never per field, and
 * remember results by id (not done here). Source: security.md 2. */
#ifndef VELDKIT_SIGN_H
#define VELDKIT_SIGN_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_SIGNATURE_BYTES = 64 };

/* r | s, both 32 bytes big-endian, s in the low half. */
typedef struct veld_signature {
    uint8_t bytes[VELD_SIGNATURE_BYTES];
} veld_signature;

/* Thread: `sign` may be called from any thread that was given the signer; an implementation that
 * cannot take that locks. `sign` fails with VELD_E_LOCKED when the key is not at hand, and with
 * VELD_E_CRYPTO or VELD_E_MEMORY. */
typedef struct veld_signer {
    void *context;
    veld_p256_public public_key;
    veld_status (*sign)(
        void *context, const veld_hash *digest, veld_signature *out, veld_error *err);
} veld_signer;

/* What a signed part says of its own place with its agency; 0 where it says nothing. A key that was
 * changed since has signed up to a place, and signs nothing behind it. */
typedef struct veld_sign_place {
    uint64_t position; /* so many entries the directory had */
    uint64_t serial;   /* of a grant or an order */
} veld_sign_place;
/* Behind the place of every key that was changed. */
#define VELD_SIGN_PLACE_NOW ((veld_sign_place){.position = UINT64_MAX, .serial = UINT64_MAX})

/* `verify` returns VELD_OK, VELD_E_FORGED, VELD_E_CRYPTO or VELD_E_MEMORY; the one of agency.h for
 * what comes in now also VELD_E_STALE. `verify_at` may be NULL: then the place does not matter. */
typedef struct veld_verifier {
    void *context;
    veld_status (*verify)(void *context, const veld_p256_public *key, const veld_hash *digest,
        const veld_signature *signature, veld_error *err);
    veld_status (*verify_at)(void *context, const veld_p256_public *key,
        const veld_sign_place *place, const veld_hash *digest, const veld_signature *signature,
        veld_error *err);
} veld_verifier;

/* veld_sign_digest / veld_verify_digest: call through the interface.
 * Expects: as the interface says. On error `out` is all zero. */
veld_status veld_sign_digest(const veld_signer *signer, const veld_hash *digest,
    veld_signature *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_verify_digest(const veld_verifier *verifier, const veld_p256_public *key,
    const veld_hash *digest, const veld_signature *signature, veld_error *err) VELD_MUST_CHECK;
veld_status veld_verify_digest_at(const veld_verifier *verifier, const veld_p256_public *key,
    const veld_sign_place *place, const veld_hash *digest, const veld_signature *signature,
    veld_error *err) VELD_MUST_CHECK;

/* veld_verifier_at: a verifier for what says that it has this place.
 * Owns:    borrows `*bound`, which must outlive it. */
typedef struct veld_verifier_bound {
    veld_verifier inner;
    veld_sign_place place;
} veld_verifier_bound;
veld_verifier veld_verifier_at(const veld_verifier_bound *bound);

/* veld_signer_p256: sign with `key`: RFC 6979 with SHA-256 (no randomness, so a cloned machine or a
 * weak generator cannot give the key away), then s moved to the low half.
 * Owns:    borrows `key`, which it does not change, for as long as the signer is used. */
veld_signer veld_signer_p256(const veld_p256_private *key);

/* veld_verifier_p256: check for real. VELD_E_FORGED also for r or s of 0, r or s not below the
 * order n, and s above n/2: of the two forms that ECDSA allows only one is ours, so the bytes of a
 * signature cannot be changed. A signature of a stock tool has a high s half of the time and is
 * then refused; ours are accepted by stock tools always. */
veld_verifier veld_verifier_p256(void);

/* veld_verifier_kept: believes every signature: to take apart what was verified before it was kept
 * in our own sealed store, and for tests. Never for what comes in. */
veld_verifier veld_verifier_kept(void);

#ifdef __cplusplus
}
#endif
#endif
