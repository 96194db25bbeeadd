/* keystore.h: where the second half of the unlock key comes from.
 *
 * A vault opens with what the worker knows (PIN or passphrase) and what the device has (Khw, 32
 * bytes). A chip keeps Khw to itself: it gives it only for an `auth` that follows from the PIN, and
 * counts the wrong ones. The `file` keystore is a file beside the vault: whoever copies the folder
 * has it, so the passphrase alone has to hold and a weak one is refused.
 *
 *   HOME/vault      HOME/keystore            the door of the worker: her PIN or passphrase
 *   HOME/recovery   HOME/recovery.keystore   the door of the office: a code of 26 signs
 * (recovery.h)
 *
 * Both doors lead to the same vault key. A door is changed by making a new keystore beside the old
 * one (NAME.next), then the vault file that names it, then the keystore's own name: what a crash
 * left is one of the two, whole. DESIGN.md, "Keystores", says how a new kind of chip is added.
 * Source: security.md 2. */
#ifndef VELDKIT_KEYSTORE_H
#define VELDKIT_KEYSTORE_H

#include <stdbool.h>

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

typedef enum veld_door { VELD_DOOR_PIN = 0, VELD_DOOR_RECOVERY } veld_door;

enum { VELD_KEYSTORE_AUTH_BYTES = 32, VELD_KEYSTORE_CHIP_NAME_MAX = 16 };

/* A chip: TPM (tpm2.h), Android Keystore. It keeps nothing: what it seals comes back as bytes that
 * no other chip opens, and lies in the keystore's file.
 * Thread:  one thread at a time. */
typedef struct veld_keystore_chip {
    const char *name; /* "tpm2": stands in the keystore's file */
    void *context;
    /* seal: append to `out` what opens with this `auth` only. `counted`: the chip counts wrong ones
     * and answers none for a while after too many.
     * Expects: VELD_E_IO (it does not answer), VELD_E_NOT_ALLOWED, VELD_E_WAIT, VELD_E_CRYPTO,
     *          VELD_E_MEMORY, VELD_E_LIMIT. */
    veld_status (*seal)(
        void *context, veld_span auth, bool counted, veld_span key, veld_buf *out, veld_error *err);
    /* unseal: `out` is initialised there, untouched on error.
     * Expects: VELD_E_WRONG_PIN (the auth), VELD_E_WAIT (it counted too many wrong ones),
     *          VELD_E_WRONG_DEVICE (sealed by another chip, or this one was cleared since),
     *          VELD_E_DAMAGED, and as seal. */
    veld_status (*unseal)(
        void *context, veld_span auth, veld_span sealed, veld_secret *out, veld_error *err);
} veld_keystore_chip;

/* The interface. `key` gives Khw: `out` is initialised there, 32 bytes, untouched on error; it
 * fails as veld_keystore_chip.unseal. `bind` makes the key, for this auth, and the keystore's file,
 * durably; once, by veld_vault_create or veld_vault_door_make; NULL when it was made before.
 * `settle` gives that file its name, when the vault's file names it. `close` may be NULL.
 * Thread:  one thread at a time. */
typedef struct veld_keystore {
    void *context;
    veld_id id; /* random, made with the keystore: tells one device from another */
    veld_keystore_strength strength;
    const char *kind; /* "file", or the chip's name */
    veld_status (*key)(void *context, veld_span auth, veld_secret *out, veld_error *err);
    veld_status (*bind)(void *context, veld_span auth, veld_error *err);
    veld_status (*settle)(void *context, veld_error *err);
    void (*close)(void *context);
} veld_keystore;

/* veld_keystore_key: Khw, through the interface. `auth` is VELD_KEYSTORE_AUTH_BYTES.
 * Owns:    `out` is initialised here; the caller releases it.
 * Expects: as the interface says. */
veld_status veld_keystore_key(const veld_keystore *keystore, veld_span auth, veld_secret *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_close: give back what the keystore holds and zero the struct; fine on a zeroed one.
 */
void veld_keystore_close(veld_keystore *keystore);

/* What a keystore's file says without any secret. */
typedef struct veld_keystore_info {
    veld_id id;
    char kind[VELD_KEYSTORE_CHIP_NAME_MAX + 1]; /* "file", or the chip's name */
} veld_keystore_info;

/* veld_keystore_info_read: check and read the bytes of a keystore's file.
 * Expects: VELD_E_DAMAGED, VELD_E_NEWER, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_keystore_info_read(
    veld_span file, veld_keystore_info *out, veld_error *err) VELD_MUST_CHECK;

/* veld_keystore_new: one for a door that is about to be made or changed. Nothing is on the disk
 * before it is bound. `chip` NULL makes the kind `file`.
 * Owns:    copies `home` and `*chip` (its context must outlive the keystore); close `out`.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY, VELD_E_LIMIT. `bind`: as file systems fail (VELD_E_IO,
 *          VELD_E_FULL, VELD_E_NOT_ALLOWED), and as the chip's seal. */
veld_status veld_keystore_new(const veld_env *env, const char *home, veld_door door,
    const veld_keystore_chip *chip, veld_keystore *out, veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_open: the one that the door's vault file names. `chip` may be NULL: then a keystore
 * of a chip is refused.
 * Expects: VELD_E_NOT_FOUND, VELD_E_DAMAGED, VELD_E_NEWER, VELD_E_UNSUPPORTED (of a chip that was
 *          not given), VELD_E_IO, VELD_E_NOT_ALLOWED, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_keystore_open(const char *home, veld_door door, const veld_keystore_chip *chip,
    veld_keystore *out, veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_look: what veld_keystore_open would open.
 * Expects: as veld_keystore_open. */
veld_status veld_keystore_look(
    const char *home, veld_door door, veld_keystore_info *out, veld_error *err) VELD_MUST_CHECK;

/* veld_keystore_file_create: make HOME/keystore (mode 0600; HOME too, mode 0700) with a new key and
 * open it. Durable on return.
 * Owns:    copies `home`; close `out`.
 * Expects: VELD_E_EXISTS, VELD_E_IO, VELD_E_FULL, VELD_E_NOT_ALLOWED, VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_keystore_file_create(
    const veld_env *env, const char *home, veld_keystore *out, veld_error *err) VELD_MUST_CHECK;
/* veld_keystore_file_open: veld_keystore_open of the worker's door, without a chip. */
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

/* veld_passphrase_generate: VELD_PASSPHRASE_WORDS different words of a list of 1024, with dashes
 * between: VELD_PASSPHRASE_WORDS_BITS bits, whoever knows list and program. Appended to `out`,
 * which the caller wipes. Expects: VELD_E_CRYPTO, VELD_E_MEMORY, VELD_E_LIMIT. */
enum { VELD_PASSPHRASE_WORDS = 6, VELD_PASSPHRASE_WORDS_BITS = 59 };
veld_status veld_passphrase_generate(
    const veld_env *env, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
