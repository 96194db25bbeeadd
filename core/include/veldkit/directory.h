/* directory.h: who is who at an agency, first form: the agency's statement about its own keys, and
 * one signed entry for each device.
 *
 * The statement is signed by the root key and is believed because an enrolment code led to it; its
 * keys are then what all else is checked with. Entries are signed by the merger. Of several entries
 * for one device the one with the highest position counts: a revocation is a later entry.
 * Entries travel openly through the relay: leave the worker's name empty in those that do.
 *
 * Formats: [body, signature], namespace "veldkit-directory-1".
 * Source: security.md 2; proto/WIRE.md, "Directory". */
#ifndef VELDKIT_DIRECTORY_H
#define VELDKIT_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/case.h"
#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/sign.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the agency ---- */
typedef struct veld_agency {
    veld_id id; /* the device id of the merger's vault: recipient of AGENCY grants */
    char name[VELD_CARD_NAME_BYTES_MAX + 1];
    veld_p256_public root_key;   /* signs this */
    veld_p256_public merger_key; /* signs heads, grants, directory entries, changes of the office */
    veld_p256_public seal_key;   /* each case key is sealed to it */
    veld_p256_public relay_key;  /* signs receipts */
    veld_hash ca_hash;           /* SHA-256 of the SPKI of the CA for TLS */
} veld_agency;

/* veld_agency_make: sign with the root's signer, whose key becomes `root_key`; append to `out`.
 * veld_agency_read: take apart and check against the root key inside: who reads must have another
 * reason to believe that key (the enrolment's MAC; our own store).
 * Expects: VELD_E_INVALID (name), what the signer returns, VELD_E_LIMIT; reading VELD_E_FORM,
 *          VELD_E_LIMIT, VELD_E_NEWER, VELD_E_FORGED; both VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_agency_make(const veld_agency *agency, const veld_signer *root, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_agency_read(veld_span bytes, const veld_verifier *verifier, veld_agency *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_agency_put: keep a statement that is believed.  veld_agency_get: the kept one.
 * Expects: as veld_agency_read, as the store; VELD_E_NOT_FOUND (not enrolled). */
veld_status veld_agency_put(veld_store *store, const veld_verifier *verifier, veld_span bytes,
    veld_error *err) VELD_MUST_CHECK;
veld_status veld_agency_get(veld_store *store, const veld_verifier *verifier, veld_agency *out,
    veld_error *err) VELD_MUST_CHECK;

/* ---- devices ---- */
typedef enum veld_device_state {
    VELD_DEVICE_ACTIVE = 1,
    VELD_DEVICE_REVOKED = 2
} veld_device_state;

typedef struct veld_directory_entry {
    veld_id device;
    veld_p256_public sign_key;
    veld_p256_public seal_key;
    char worker[VELD_CARD_NAME_BYTES_MAX + 1]; /* may be empty */
    veld_device_state state;
    uint64_t position; /* in the directory, from 1: later ones count */
} veld_directory_entry;

/* veld_directory_make / _read: sign with the merger's signer and append; take apart and check
 * against `key`.  Expects: as veld_agency_make and _read. */
veld_status veld_directory_make(const veld_directory_entry *entry, const veld_signer *merger,
    veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_directory_read(veld_span bytes, const veld_verifier *verifier,
    const veld_p256_public *key, veld_directory_entry *out, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_put: check the entry against `key` and keep it when its position is above that of
 * the one that is kept; a name that is kept stays when the newer entry has none. `changed` (may be
 * NULL) tells whether it was taken over.
 * Expects: as veld_directory_read, as the store. */
veld_status veld_directory_put(veld_store *store, const veld_verifier *verifier,
    const veld_p256_public *key, veld_span bytes, bool *changed, veld_error *err) VELD_MUST_CHECK;
/* veld_directory_find: Expects: VELD_E_NOT_FOUND, as the store. */
veld_status veld_directory_find(veld_store *store, const veld_id *device, veld_directory_entry *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_directory_each: all kept entries, in no order that means anything; stops when `each` returns
 * another status than VELD_OK, and returns it. */
veld_status veld_directory_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_directory_entry *entry, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;

/* ---- the merger's log of all entries ---- */
/* veld_directory_next: the position that the next entry signs for.  veld_directory_append: keep a
 * signed entry of any form behind the others; one that is there already stays where it is. Every
 * entry that veld_sync_post_entry hands in is kept so.
 * Expects: as the store. */
veld_status veld_directory_next(
    veld_store *store, uint64_t *position, veld_error *err) VELD_MUST_CHECK;
veld_status veld_directory_append(
    veld_store *store, veld_span entry, veld_error *err) VELD_MUST_CHECK;

/* veld_directory_keyring: a keyring that knows the store's own device, the agency (when enrolled)
 * and the devices of the directory, revoked ones too: what they signed before stays signed.
 * Owns:    borrows `store`, which must outlive it. */
veld_keyring veld_directory_keyring(veld_store *store);

#ifdef __cplusplus
}
#endif
#endif
