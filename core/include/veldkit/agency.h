/* agency.h: the agency's statement about its own keys. The root key signs it; it is believed
 * because an enrolment led to it, and its keys are what all else is checked with.
 *
 * The root is for ever, the other keys can be changed: a later statement has a higher edition and
 * is believed by who believes the one before, since the same root key signed it. The keys of before
 * that may still be met are listed in it as former ones:
 *
 *   merger   signed until the serial and the position that are given (grants and orders; entries)
 *   relay    signed receipts that may come late
 *   CA       certificates by it still count; without its name here they may hand in only
 *
 * The former seal key is the merger's own affair and not listed: it opens what is sealed to it.
 *
 * Formats: [body, signature], namespace "veldkit-directory-1": 0 the first edition, 3 later ones.
 * Source: security.md 2; proto/WIRE.md, "Directory". */
#ifndef VELDKIT_AGENCY_H
#define VELDKIT_AGENCY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/grant.h"
#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_agency_key {
    VELD_AGENCY_MERGER = 1,
    VELD_AGENCY_RELAY = 2,
    VELD_AGENCY_CA = 3
} veld_agency_key;

enum { VELD_AGENCY_FORMER_MAX = 8, VELD_AGENCY_CA_BYTES_MAX = 640 };

/* A key of before. */
typedef struct veld_agency_former {
    veld_agency_key kind;
    veld_p256_public key; /* merger and relay */
    veld_hash ca_hash;    /* CA: of its key, as in veld_agency */
    uint64_t serial;      /* merger: its last grant or order, and */
    uint64_t position;    /* its last entry in the directory */
} veld_agency_former;

typedef struct veld_agency {
    veld_id id; /* the device id of the merger's vault: recipient of AGENCY grants */
    char name[VELD_CARD_NAME_BYTES_MAX + 1];
    veld_p256_public root_key;   /* signs this */
    veld_p256_public merger_key; /* signs heads, grants, directory entries, changes of the office */
    veld_p256_public seal_key;   /* each case key is sealed to it */
    veld_p256_public relay_key;  /* signs receipts */
    veld_hash ca_hash;           /* SHA-256 of the SPKI of the CA for TLS */
    uint64_t edition;            /* from 1; 0 is taken as 1 when one is made */
    veld_agency_former former[VELD_AGENCY_FORMER_MAX]; /* the newest first */
    size_t former_count;
    uint8_t ca[VELD_AGENCY_CA_BYTES_MAX]; /* its certificate, DER: from edition 2 on */
    size_t ca_len;
} veld_agency;

/* veld_agency_make: sign with the root's signer, whose key becomes `root_key`; append to `out`.
 * veld_agency_read: take apart and check against the root key inside: who reads must have another
 * reason to believe that key (the enrolment's MAC; our own store).
 * Expects: VELD_E_INVALID (name; the first edition knows no former keys), what the signer returns,
 *          VELD_E_LIMIT; reading VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_FORGED; both
 *          VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_agency_make(const veld_agency *agency, const veld_signer *root, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_agency_read(veld_span bytes, const veld_verifier *verifier, veld_agency *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_agency_is_statement: is this entry of the directory a statement, by its form alone? */
bool veld_agency_is_statement(veld_span entry);

/* veld_agency_put: keep a statement that is believed.  veld_agency_get: the kept one.
 * Expects: as veld_agency_read, as the store; VELD_E_NOT_FOUND (not enrolled). */
veld_status veld_agency_put(veld_store *store, const veld_verifier *verifier, veld_span bytes,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_agency_get(veld_store *store, const veld_verifier *verifier, veld_agency *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_agency_bytes: append the kept one as it was signed.  veld_agency_later: is this a statement
 * that follows on `known`: by the same root, of the same agency? `out` is what it says, whatever
 * its edition. Expects: as veld_agency_get; as veld_agency_follow. */
veld_status veld_agency_bytes(veld_store *store, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_agency_later(const veld_agency *known, const veld_verifier *verifier,
    veld_span bytes, veld_agency *out, veld_error *err) VELD_MUST_CHECK;

/* veld_agency_follow: a statement that came: keep it when the same root key signed it and its
 * edition is above that of `known`, which then becomes the new one; an older one changes nothing.
 * Expects: VELD_E_FORGED (another root, another agency, or a second statement of one edition: the
 *          text says which), as veld_agency_read, as the store. */
veld_status veld_agency_follow(veld_store *store, const veld_verifier *verifier, veld_span bytes,
    veld_agency *known, bool *changed, veld_error *err) VELD_MUST_CHECK;

/* veld_agency_signed_by: is this the fingerprint of the merger's key, or of a former one whose
 * limit is not below `serial`? `key` is then that key.  Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_agency_signed_by(const veld_agency *agency, const veld_hash *fingerprint,
    uint64_t serial, bool *out, veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;

/* veld_agency_former_key: the key that the office's device had `back` changes before its present
 * one.  Expects: VELD_E_NOT_FOUND (another device, or none so far back). */
veld_status veld_agency_former_key(const veld_agency *agency, const veld_id *device, size_t back,
    veld_p256_public *out, veld_error *err) VELD_MUST_CHECK;

/* veld_agency_gave: does this grant name the agency as its signer, by its key of now or one that
 * may have signed it? Then its signature is checked.  Expects: VELD_E_FORGED (it is not the
 * agency's), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_agency_gave(const veld_agency *agency, const veld_verifier *verifier,
    const veld_grant *grant, bool *out, veld_error *err) VELD_MUST_CHECK;

/* veld_agency_gives: the same of a grant that comes in now; `now` is a veld_agency_verifier_now.
 * Expects: VELD_E_STALE (given by a former key), as veld_agency_gave. */
veld_status veld_agency_gives(const veld_agency *agency, const veld_verifier *now,
    const veld_grant *grant, bool *out, veld_error *err) VELD_MUST_CHECK;

/* A verifier for which former keys of merger and relay stand beside the present ones: what is
 * checked against the present key and does not fit is checked against those. What says where it
 * stands (sign.h) fits a former key of the merger only up to the place where that one ended.
 * Owns:    borrows `*check`, which must outlive it, and what that points to. */
typedef struct veld_agency_check {
    const veld_agency *agency;
    veld_verifier inner;
} veld_agency_check;
veld_verifier veld_agency_verifier(veld_agency_check *check);
/* A verifier for what comes in now, whatever it says of its place: a place can be written by who
 * has stolen a former key. The present keys count; what a former key of the merger signed is
 * VELD_E_STALE, for what still holds of it the agency has said again (veld_sync_new). */
veld_verifier veld_agency_verifier_now(veld_agency_check *check);

#ifdef __cplusplus
}
#endif
#endif
