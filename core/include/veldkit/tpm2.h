/* tpm2.h: a TPM 2.0 as the chip of a keystore (keystore.h).
 *
 * The key is sealed under a storage key that the TPM makes again from its own seed each time, so
 * what is sealed opens in this TPM only. Its auth follows from the PIN and never crosses the bus:
 * each command goes through a session that is salted to that storage key and encrypts parameters.
 * Wrong auths are counted by the TPM's own dictionary-attack lockout, one count for all that it
 * keeps; how many it allows and for how long it stops is a setting of the TPM, not of ours.
 *
 * Nothing stays open between two calls: a software TPM serves one at a time.
 * Thread: one at a time. Source: TPM 2.0 Library Specification, part 1, 19 and 25; security.md 2.
 */
#ifndef VELDKIT_TPM2_H
#define VELDKIT_TPM2_H

#include "veldkit/keystore.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_TPM2_DEVICE      "device:/dev/tpmrm0" /* the kernel's own */
#define VELD_TPM2_ADDRESS_MAX 200u
#define VELD_KEYSTORE_TPM2    "tpm2"

typedef struct veld_tpm2 {
    char address[VELD_TPM2_ADDRESS_MAX + 1];
} veld_tpm2;

/* veld_tpm2_address: how to reach a TPM. "device:/dev/NAME" is the kernel's; "swtpm:path=/SOCKET"
 * and "swtpm:host=127.0.0.1,port=NUMBER" are a software TPM, for tests and demonstrations. Nothing
 * else is taken: the text comes from a file, and must not choose what is loaded into the process.
 * Expects: VELD_E_INVALID. */
veld_status veld_tpm2_address(veld_span text, veld_tpm2 *out, veld_error *err) VELD_MUST_CHECK;

/* veld_tpm2_chip: `tpm` must outlive it. Of what it expects: VELD_E_IO is "no TPM answers there",
 * VELD_E_WRONG_DEVICE "another TPM" or "cleared since" (the text says which). */
veld_keystore_chip veld_tpm2_chip(veld_tpm2 *tpm);

/* veld_tpm2_is_there: is there a TPM of the kernel that this process may use? */
bool veld_tpm2_is_there(void);

#ifdef __cplusplus
}
#endif
#endif
