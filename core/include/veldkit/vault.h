/* vault.h: the keys of one worker on one device, at rest and opened.
 *
 * HOME/vault holds the vault key VK, wrapped under what the worker knows and what the device has.
 * From VK follow the keys of all that is stored here; what is stored is store.h. HOME/recovery,
 * when it is there, holds the same key for the office's code (keystore.h), in the same form.
 *
 *   offset  bytes
 *        0      4  "VKV1"; "VKR1" for HOME/recovery
 *        4      2  format, 1                 all numbers big-endian
 *        6     16  device id
 *       22     16  keystore id
 *       38     12  Argon2id parameters (pin.h)
 *       50     16  salt
 *       66     16  key check of VK
 *       82     72  VK sealed under KEK, AAD = bytes 0 to 81
 *      154     32  SHA-256 of all bytes before
 *
 * The last 32 bytes are that hash in every format to come. So damage is told from a newer format,
 * another device and a wrong PIN before anything is asked of the keystore. The hash has no key and
 * stops accidents only; who forges it meets the AAD, and gets "wrong PIN". Source: security.md 2.
 */
#ifndef VELDKIT_VAULT_H
#define VELDKIT_VAULT_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/keystore.h"
#include "veldkit/pin.h"
#include "veldkit/seal.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { VELD_VAULT_FORMAT = 1, VELD_VAULT_BYTES = 186 };

typedef struct veld_vault veld_vault;

/* What a vault file says without any secret. */
typedef struct veld_vault_info {
    uint16_t format;
    veld_door door;
    veld_id device;
    veld_id keystore;
    veld_pin_params params;
} veld_vault_info;

/* veld_vault_info_read: check and read the bytes of a vault file, of either door.
 * Expects: VELD_E_DAMAGED (not a vault, cut or changed), VELD_E_NEWER, VELD_E_CRYPTO,
 * VELD_E_MEMORY.
 */
veld_status veld_vault_info_read(
    veld_span file, veld_vault_info *out, veld_error *err) VELD_MUST_CHECK;

/* veld_vault_create: a new vault with a new device id in HOME (made when missing, mode 0700).
 * Durable on return. The passphrase is as typed (UTF-8, NFC). `params` as veld_pin_calibrate gives.
 * A vault without a store (interrupted set-up) holds nothing: remove the folder and start again.
 * Owns:    copies what it needs of `*env` (env->context must outlive the vault); keeps nothing of
 *          the others. Close `out`.
 * Expects: VELD_E_WEAK (passphrase for this keystore, or params), VELD_E_EXISTS, VELD_E_LIMIT,
 *          VELD_E_IO, VELD_E_FULL, VELD_E_NOT_ALLOWED, VELD_E_LOCKED, VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_vault_create(const veld_env *env, const char *home, const veld_keystore *keystore,
    veld_span passphrase, const veld_pin_params *params, veld_vault **out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_vault_open: takes as long as the parameters say.
 * Owns:    as above.
 * Expects: VELD_E_NOT_FOUND (no vault in HOME), VELD_E_WRONG_PIN, VELD_E_DAMAGED,
 *          VELD_E_WRONG_DEVICE, VELD_E_NEWER: each means what status.h says and nothing else;
 *          VELD_E_IO, VELD_E_NOT_ALLOWED, VELD_E_LOCKED, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_vault_open(const veld_env *env, const char *home, const veld_keystore *keystore,
    veld_span passphrase, veld_vault **out, veld_error *err) VELD_MUST_CHECK;

/* veld_vault_door_make: wrap the key of an opened vault for this door, or anew. On return the new
 * secret opens and the old one does not; after a crash anywhere one of them does. `keystore` comes
 * from veld_keystore_new for this door and is bound here.
 * Expects: as veld_vault_create, but VELD_E_EXISTS; what the chip's seal expects. */
veld_status veld_vault_door_make(const veld_vault *vault, const veld_env *env, const char *home,
    veld_door door, const veld_keystore *keystore, veld_span secret, const veld_pin_params *params,
    veld_error *err) VELD_MUST_CHECK;
/* veld_vault_door_open: by this door; veld_vault_open is the worker's.
 * Expects: as veld_vault_open; VELD_E_WAIT (the chip counted too many wrong ones). */
veld_status veld_vault_door_open(const veld_env *env, const char *home, veld_door door,
    const veld_keystore *keystore, veld_span secret, veld_vault **out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_vault_close: wipe all keys. Close the store first. NULL is fine. */
void veld_vault_close(veld_vault *vault);

/* veld_vault_device: get the id of this device; borrowed. */
const veld_id *veld_vault_device(const veld_vault *vault);

/* veld_vault_hedge: get the nonce hedge key (32 bytes), for sealers made outside; borrowed. */
veld_span veld_vault_hedge(const veld_vault *vault);

/* veld_vault_sealer: get the sealer of VELD_SEALER_VAULT_ROW, _LOG, _WRAP or _SNAPSHOT; borrowed.
 * Thread:  any, as sealers are. */
const veld_sealer *veld_vault_sealer(const veld_vault *vault, veld_sealer_kind kind);

/* A row's name at rest: says nothing to who has no key. */
typedef struct veld_row_id {
    uint8_t bytes[16];
} veld_row_id;

/* veld_vault_row_id: the first 16 bytes of HMAC-SHA256(row-id key, length of table u8 | table |
 * parts). `parts` together must say where they end: fixed lengths, or only one of free length.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_vault_row_id(const veld_vault *vault, const char *table, const veld_span *parts,
    size_t count, veld_row_id *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
