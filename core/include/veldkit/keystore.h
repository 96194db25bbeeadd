/* keystore.h: where the second half of the unlock key comes from.
 *
 * A vault opens with what the worker knows (PIN or passphrase) and what the device has (Khw, 32
 * bytes from the platform keystore). A chip gives Khw and counts attempts; the `file` keystore is a
 * file beside the vault: whoever copies the folder has it, so the passphrase alone has to hold and
 * a weak one is refused. Source: security.md 2. */
#ifndef VELDKIT_KEYSTORE_H
#define VELDKIT_KEYSTORE_H

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_keystore_strength {
    VELD_KEYSTORE_WEAK = 0, /* a copied folder holds all but the passphrase */
    VELD_KEYSTORE_HARDWARE  /* the key cannot be copied and attempts are counted */
} veld_keystore_strength;

/* The interface. `key` gives Khw: `out` is initialised there, 32 bytes, untouched on error; it
 * fails with VELD_E_LOCKED, VELD_E_IO, VELD_E_CRYPTO or VELD_E_MEMORY. `close` may be NULL.
 * Thread:  one thread at a time. */
typedef struct veld_keystore {
    void *context;
    veld_id id; /* random, made with the keystore: tells one device from another */
    veld_keystore_strength strength;
    veld_status (*key)(void *context, veld_secret *out, veld_error *err);
    void (*close)(void *context);
} veld_keystore;

/* veld_keystore_key: Khw, through the interface.
 * Owns:    `out` is initialised here; the caller releases it.
 * Expects: as the interface says. */
veld_status veld_keystore_key(
    const veld_keystore *keystore, veld_secret *out, veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_close: give back what the keystore holds and zero the struct; fine on a zeroed one.
 */
void veld_keystore_close(veld_keystore *keystore);

/* veld_keystore_file_create: make HOME/keystore (mode 0600; HOME too, mode 0700) with a new key and
 * open it. Durable on return.
 * Owns:    copies `home`; close `out`.
 * Expects: VELD_E_EXISTS, VELD_E_IO, VELD_E_FULL, VELD_E_NOT_ALLOWED, VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_keystore_file_create(
    const veld_env *env, const char *home, veld_keystore *out, veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_file_open: open HOME/keystore.
 * Expects: VELD_E_NOT_FOUND, VELD_E_DAMAGED, VELD_E_NEWER, VELD_E_IO, VELD_E_NOT_ALLOWED,
 *          VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_keystore_file_open(
    const char *home, veld_keystore *out, veld_error *err) VELD_MUST_CHECK;

/* veld_passphrase_bits: about how many bits of guessing a passphrase is worth. Counts characters by
 * their pool; letters that read like a language, words between separators, common words, runs,
 * sequences and repetitions count far less. An estimate of the form only: it cannot know a name, a
 * date or a sentence from a book, so treat its answer as an upper bound. Never logged or stored. */
unsigned veld_passphrase_bits(veld_span passphrase);

/* veld_passphrase_check: may this secret guard a vault with a keystore of this strength? Weak: at
 * least VELD_PASSPHRASE_BITS_MIN estimated bits, and not digits only. Hardware: at least
 * VELD_PIN_LENGTH_MIN bytes.
 * Expects: VELD_E_WEAK (the text says what to do), VELD_E_LIMIT (over VELD_PIN_BYTES_MAX). */
veld_status veld_passphrase_check(
    veld_keystore_strength strength, veld_span passphrase, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
