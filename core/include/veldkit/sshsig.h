/* sshsig.h: signatures in OpenSSH's SSHSIG form, which `ssh-keygen -Y verify` and
 * `git verify-commit` check without us. Used for changes and for everything on the wire.
 *
 * One form only: ecdsa-sha2-nistp256, message hash sha512 (what ssh-keygen writes by default),
 * empty reserved field, lines of 70 characters. The armored text is a function of key, namespace
 * and the 64 signature bytes, so an envelope carries the 64 bytes and the receiver rebuilds the
 * text byte for byte. Source: security.md 2; PROTOCOL.sshsig, PROTOCOL (OpenSSH); RFC 5656. */
#ifndef VELDKIT_SSHSIG_H
#define VELDKIT_SSHSIG_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- sign and verify: the 64 bytes ---- */
/* veld_sshsig_sign: sign `message` for `name_space`, one of VELD_NAMESPACE_... in context.h (1 to
 * VELD_SSHSIG_NAMESPACE_MAX printable characters).
 * Expects: what the signer may return, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_sshsig_sign(const veld_signer *signer, const char *name_space, veld_span message,
    veld_signature *out, veld_error *err) VELD_MUST_CHECK;

/* veld_sshsig_verify: did the owner of `key` sign `message` for `name_space`?
 * Expects: VELD_E_FORGED (no), VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_sshsig_verify(const veld_verifier *verifier, const veld_p256_public *key,
    const char *name_space, veld_span message, const veld_signature *signature,
    veld_error *err) VELD_MUST_CHECK;

/* ---- the armored text ---- */
typedef struct veld_sshsig {
    veld_p256_public key;
    char name_space[VELD_SSHSIG_NAMESPACE_MAX + 1];
    veld_signature signature;
} veld_sshsig;

/* veld_sshsig_write: append the text, from BEGIN to the end of line after END, to `out`.
 * Expects: VELD_E_LIMIT (the buffer's maximum), VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_sshsig_write(const veld_p256_public *key, const char *name_space,
    const veld_signature *signature, veld_buf *out, veld_error *err) VELD_MUST_CHECK;

/* veld_sshsig_read: take an armored text apart. Accepted is only what veld_sshsig_write would write
 * for the result, byte for byte. Says nothing about validity: verify afterwards, with a key that is
 * trusted for another reason than being in the text.
 * Expects: VELD_E_LIMIT (over VELD_SIGNATURE_TEXT_MAX), VELD_E_FORM, VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_sshsig_read(veld_span text, veld_sshsig *out, veld_error *err) VELD_MUST_CHECK;

/* ---- keys as OpenSSH writes them ---- */
/* veld_ssh_key_write: append "ecdsa-sha2-nistp256 BASE64", then " COMMENT" when that is not empty;
 * no end of line. Comments are 1 to VELD_SSH_COMMENT_MAX printable ASCII characters.
 * Expects: VELD_E_INVALID (comment), VELD_E_LIMIT, VELD_E_MEMORY; `out` is then as it was. */
veld_status veld_ssh_key_write(const veld_p256_public *key, const char *comment, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_ssh_key_read: the key of such a line; one end of line and a comment are allowed and ignored.
 * Expects: VELD_E_FORM, VELD_E_LIMIT (over VELD_SIGNATURE_TEXT_MAX), VELD_E_CRYPTO, VELD_E_MEMORY.
 */
veld_status veld_ssh_key_read(
    veld_span line, veld_p256_public *out, veld_error *err) VELD_MUST_CHECK;

/* One line of an allowed_signers file: who may sign for which namespace. */
typedef struct veld_ssh_allowed {
    char principal[VELD_SSH_PRINCIPAL_MAX + 1]; /* 1 or more of A-Z a-z 0-9 . _ @ + - */
    char name_space[VELD_SSHSIG_NAMESPACE_MAX + 1];
    veld_p256_public key;
} veld_ssh_allowed;

/* veld_ssh_allowed_write: append `PRINCIPAL namespaces="NAMESPACE" ecdsa-sha2-nistp256 BASE64` and
 * an end of line.  veld_ssh_allowed_read: exactly such a line, with or without its end. No dates: a
 * key's time is judged by its place in the directory, never by a clock (security.md 2).
 * Expects: VELD_E_INVALID (writing a principal or namespace with other characters), VELD_E_FORM
 *          (reading), VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_ssh_allowed_write(
    const veld_ssh_allowed *allowed, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_ssh_allowed_read(
    veld_span line, veld_ssh_allowed *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
