/* paper.h: a private key as words that a person can write down, keep in a safe and type in again.
 *
 *   1. aanbod egel kwark molen tulp        seven lines of five words of our list of 1024; the
 *   2. ...                                 fifth says whether the four before it, and the number
 *                                          of the line, are right
 *
 * The 280 bits of the first four words of all lines are: kind u8 | key 32 | the first two bytes of
 * a hash over both. So a typing error is found on its line, two lines that were swapped too, and
 * what both checks happen to miss is found by the key's public half, which the caller compares.
 * Who has the paper has the key: it is neither encrypted nor divided.
 * Source: security.md 2 ("Root ceremony and recovery on paper"). */
#ifndef VELDKIT_PAPER_H
#define VELDKIT_PAPER_H

#include "veldkit/bytes.h"
#include "veldkit/p256.h"
#include "veldkit/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum veld_paper_kind {
    VELD_PAPER_ROOT = 1,    /* the agency's root key */
    VELD_PAPER_RECOVERY = 2 /* its recovery key */
} veld_paper_kind;

enum { VELD_PAPER_LINES = 7, VELD_PAPER_WORDS = 5, VELD_PAPER_TEXT_MAX = 1024 };

/* veld_paper_write: append seven lines, each with its number and its end.
 * Owns:    what is appended is a secret: wipe it.
 * Expects: VELD_E_CRYPTO, VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_paper_write(veld_paper_kind kind, const veld_p256_private *key, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* veld_paper_read: seven lines as a person types them: capitals, empty lines, more spaces and
 * numbers before the words do not matter.
 * Owns:    release `out`; untouched on error.
 * Expects: VELD_E_FORM (the text says which line, and which word where that is known; it repeats
 *          none), VELD_E_LIMIT (over VELD_PAPER_TEXT_MAX), VELD_E_NEWER (another kind of key),
 *          VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_paper_read(
    veld_span text, veld_paper_kind *kind, veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
