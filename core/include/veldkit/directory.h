/* directory.h: who is who at an agency: its statement about its own keys (agency.h), and one signed
 * entry for each device.
 *
 * Entries are signed by the merger. Of several entries
 * for one device the one with the highest position counts: a revocation is a later entry.
 * Entries travel openly through the relay: leave the worker's name empty in those that do. Names,
 * and proofs, come by introduction.h.
 *
 * Formats: [body, signature], namespace "veldkit-directory-1".
 * Source: security.md 2; proto/WIRE.md, "Directory". */
#ifndef VELDKIT_DIRECTORY_H
#define VELDKIT_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/agency.h"
#include "veldkit/bytes.h"
#include "veldkit/case.h"
#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/sign.h"
#include "veldkit/store.h"

#ifdef __cplusplus
extern "C" {
#endif

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
/* veld_directory_put_name: who works with the device of an entry that is kept; the bytes are those
 * of the signed entry.  Expects: VELD_E_NOT_FOUND, VELD_E_FORM. */
veld_status veld_directory_put_name(
    veld_store *store, veld_span entry, const char *name, veld_error *err) VELD_MUST_CHECK;
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
