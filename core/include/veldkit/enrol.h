/* enrol.h: how a tablet becomes one of an agency's: by a code of 26 characters whose secret is
 * never sent. Both sides prove that they know it, by MAC over all that they sent.
 *
 *   office                         relay                         tablet
 *   invite -> CODE  . . . . . . . . (on paper, by voice) . . . . > parse
 *                                    <---- request, MAC_device --- request
 *          <---- request ------------
 *   answer ----- answer, MAC_office ----------------------------> accept
 *
 * CODE = address "#" 26 signs of base32: 10 bytes of secret, 6 bytes of the CA key's hash. The
 * relay knows neither, so it can swap nothing; who has read the code can, and then the check codes
 * on both screens differ, which `--confirm` is for.
 *
 * A code works once, for one device, for VELD_ENROL_CODE_MS. The same request again is answered
 * with the same answer, so that a lost answer does no harm.
 * Thread: one at a time. Source: security.md 2; proto/WIRE.md, "Enrolment". */
#ifndef VELDKIT_ENROL_H
#define VELDKIT_ENROL_H

#include <stdbool.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/card.h"
#include "veldkit/case.h"
#include "veldkit/directory.h"
#include "veldkit/p256.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_ENROL_SECRET_BYTES = 10,
    VELD_ENROL_CA_BYTES = 6,
    VELD_ENROL_INVITATION_BYTES = 8,
    VELD_ENROL_SIGNS = 26,
    VELD_ENROL_CHECK_SIZE = 15, /* XXXX-XXXX-XXXX, with the end */
    VELD_ENROL_CODE_SIZE = VELD_ENROL_ADDRESS_BYTES_MAX + 1 + VELD_ENROL_SIGNS + 1
};

/* ---- the code ---- */
/* A secret: wipe with veld_wipe. */
typedef struct veld_enrol_code {
    char address[VELD_ENROL_ADDRESS_BYTES_MAX + 1]; /* as the office wrote it: https://host:port */
    uint8_t secret[VELD_ENROL_SECRET_BYTES];
    uint8_t ca[VELD_ENROL_CA_BYTES]; /* the first bytes of SHA-256 of the CA key's SPKI */
} veld_enrol_code;

typedef struct veld_enrol_invitation {
    uint8_t bytes[VELD_ENROL_INVITATION_BYTES];
} veld_enrol_invitation;

/* veld_enrol_code_make: a fresh secret for this address and CA.
 * Expects: VELD_E_INVALID (address empty, too long, with `#`, white space or other than printable
 *          ASCII), VELD_E_CRYPTO. */
veld_status veld_enrol_code_make(const veld_env *env, const char *address, const veld_hash *ca_hash,
    veld_enrol_code *out, veld_error *err) VELD_MUST_CHECK;
void veld_enrol_code_format(const veld_enrol_code *code, char out[VELD_ENROL_CODE_SIZE]);
/* veld_enrol_code_parse: case, spaces and dashes among the signs do not matter, O reads as 0, I and
 * L as 1.  Expects: VELD_E_FORM (no `#`, not 26 signs, a sign that is none), VELD_E_INVALID. */
veld_status veld_enrol_code_parse(
    veld_span text, veld_enrol_code *out, veld_error *err) VELD_MUST_CHECK;
/* veld_enrol_code_fits_ca: is this the CA that the code names? Ask before anything is sent. */
bool veld_enrol_code_fits_ca(const veld_enrol_code *code, const veld_hash *ca_hash);
/* veld_enrol_code_invitation: the name under which the office keeps it; tells nothing of the
 * secret.  Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_enrol_code_invitation(
    const veld_enrol_code *code, veld_enrol_invitation *out, veld_error *err) VELD_MUST_CHECK;
/* veld_enrol_check_code: 60 bits of HMAC(secret, request), which both sides show before the
 * approval.  Expects: VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_enrol_check_code(const uint8_t secret[VELD_ENROL_SECRET_BYTES], veld_span request,
    char out[VELD_ENROL_CHECK_SIZE], veld_error *err) VELD_MUST_CHECK;

/* ---- the tablet's side ---- */
/* veld_enrol_check_fits: did a person type this check code? As forgiving of case, spaces, dashes
 * and look-alikes as veld_enrol_code_parse. */
bool veld_enrol_check_fits(veld_span typed, const char code[VELD_ENROL_CHECK_SIZE]);
/* veld_enrol_check_begins: the same of its beginning, four signs at least: enough to say which of
 * several is meant, never that it is the right one. */
enum { VELD_ENROL_CHECK_PART_MIN = 4 };
bool veld_enrol_check_begins(veld_span typed, const char code[VELD_ENROL_CHECK_SIZE]);
/* veld_enrol_request: append the request: the desk's card, the key for TLS, a nonce, the MAC. Keep
 * the bytes: sending them again is how a lost answer is asked for.
 * Expects: as veld_card_make, VELD_E_CRYPTO, VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_enrol_request(const veld_enrol_code *code, const veld_desk *desk,
    const char *worker, const veld_p256_public *carrier, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* What the office gave. Spans are views into the answer. */
typedef struct veld_enrolled {
    veld_agency agency;
    veld_span statement;
    veld_span certificate; /* DER, of the carrier key */
    veld_span ca;          /* DER, of the CA */
    veld_directory_entry entry;
    veld_span entry_bytes;
} veld_enrolled;

/* veld_enrol_accept: check the answer to `request`.
 * Expects: VELD_E_NOT_FOUND (the office knows no such code), VELD_E_STALE (the code is too old),
 *          VELD_E_EXISTS (another device used it), VELD_E_NOT_ALLOWED (the office refused),
 *          VELD_E_FORGED (MAC, signature, or keys that are not ours), VELD_E_WRONG_DEVICE (the
 *          statement is of another CA), VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_CRYPTO,
 *          VELD_E_MEMORY. A refusal has no MAC when the office does not know the code: nothing is
 *          done upon it but telling the person. */
veld_status veld_enrol_accept(const veld_enrol_code *code, const veld_desk *desk, veld_span request,
    veld_span answer, veld_enrolled *out, veld_error *err) VELD_MUST_CHECK;
/* veld_enrol_keep: statement and own entry into the store, in one transaction. */
veld_status veld_enrol_keep(
    const veld_desk *desk, const veld_enrolled *enrolled, veld_error *err) VELD_MUST_CHECK;

/* ---- the office's side: invitations in the merger's store ---- */
typedef enum veld_invitation_state {
    VELD_INVITATION_OPEN = 1,
    VELD_INVITATION_WAITING = 2, /* a device asked; a person has to approve */
    VELD_INVITATION_APPROVED = 3,
    VELD_INVITATION_REFUSED = 4,
    VELD_INVITATION_USED = 5
} veld_invitation_state;

typedef struct veld_invitation {
    veld_enrol_invitation id;
    veld_invitation_state state;
    bool confirm; /* a person approves after comparing check codes */
    int64_t expires_utc_ms;
    char worker[VELD_CARD_NAME_BYTES_MAX + 1];
    veld_id device;                    /* once one asked */
    char check[VELD_ENROL_CHECK_SIZE]; /* once one asked */
} veld_invitation;

/* veld_enrol_invite: keep an invitation for `code`; its secret stays sealed in the store.
 * Expects: VELD_E_INVALID (worker's name), as the store. */
veld_status veld_enrol_invite(const veld_desk *desk, const veld_enrol_code *code,
    const char *worker, bool confirm, veld_error *err) VELD_MUST_CHECK;
/* veld_enrol_each: all invitations. */
veld_status veld_enrol_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_invitation *invitation, veld_error *err),
    veld_error *err) VELD_MUST_CHECK;
/* veld_enrol_decide: approve or refuse the device that waits.
 * Expects: VELD_E_NOT_FOUND, VELD_E_STALE (it does not wait). */
veld_status veld_enrol_decide(const veld_desk *desk, const veld_enrol_invitation *invitation,
    bool approve, veld_error *err) VELD_MUST_CHECK;

/* What the office needs to answer. */
typedef struct veld_enrol_office {
    const veld_desk *desk; /* the merger's */
    veld_span statement;   /* bytes of veld_agency_make */
    veld_span ca;          /* DER, of the CA */
    void *context;
    /* issue: append the DER of a certificate for TLS clients, subject = the device id. */
    veld_status (*issue)(void *context, const veld_id *device, const veld_p256_public *carrier,
        veld_buf *out, veld_error *err);
    /* joined: the device is in the directory now (position, keys); may be NULL. Inside the same
     * transaction. `entry` are the bytes with the worker's name empty, to post. */
    veld_status (*joined)(
        void *context, const veld_directory_entry *device, veld_span entry, veld_error *err);
} veld_enrol_office;

/* veld_enrol_answer: append the answer to a request; appends nothing while a person has to approve.
 * A refusal is an answer too, and VELD_OK.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (no request: not answered), what `issue`
 *          and `joined` return, as the store. `out` is then as it was. */
veld_status veld_enrol_answer(const veld_enrol_office *office, veld_span request, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
