/* introduction.h: who a device may come to know: the directory's entry of another device that works
 * on one of its cases (or its own), proved to be in the log that the device follows, and the name
 * of who works with it, sealed to the device. No other
 * names reach it.
 *
 * Formats: [body, signature] by the merger, namespace "veldkit-introduction-1", frame 21.
 * Thread: any. Source: security.md 2 ("Directory"); proto/WIRE.md, "Directory". */
#ifndef VELDKIT_INTRODUCTION_H
#define VELDKIT_INTRODUCTION_H

#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/limits.h"
#include "veldkit/log.h"
#include "veldkit/p256.h"
#include "veldkit/sign.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct veld_introduction {
    veld_id recipient;
    veld_span entry; /* as it was signed (directory.h); a view when it was read */
    uint64_t index;  /* in the log of the directory, from 0 */
    veld_log_head log;
    veld_log_proof place; /* that it is there */
    veld_span name;       /* sealed; empty when none is known; a view */
} veld_introduction;

/* veld_introduction_make: seal `name` (may be empty) to the recipient's seal key `to`, sign,
 * append. `introduction->name` is not looked at. Expects: VELD_E_FORM (`to` is no point of the
 * curve), what the signer returns, VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY; `out` is then as it
 * was. */
veld_status veld_introduction_make(const veld_env *env, const veld_introduction *introduction,
    const char *name, const veld_p256_public *to, const veld_signer *merger, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_introduction_read: take apart; nothing is proved.  veld_introduction_verify: did the owner
 * of `key` sign it, and does the entry lie where it says in the log that it names? Whether that log
 * is the one that is followed is for the caller. Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER;
 * verifying VELD_E_FORGED; VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_introduction_read(
    veld_span bytes, veld_introduction *out, veld_error *err) VELD_MUST_CHECK;
veld_status veld_introduction_verify(veld_span bytes, const veld_introduction *introduction,
    const veld_verifier *verifier, const veld_p256_public *key, veld_error *err) VELD_MUST_CHECK;
/* veld_introduction_name: of one that was verified; "" when there is none.
 * Expects: VELD_E_FORGED (sealed to another key or for another entry), VELD_E_FORM. */
veld_status veld_introduction_name(const veld_introduction *introduction,
    const veld_p256_private *key, char out[VELD_CARD_NAME_BYTES_MAX + 1],
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
