/* renew.h: what a tablet asks the office for itself after it was enrolled: a fresh certificate, and
 * to keep the code with which staff can let its worker in again.
 *
 *   tablet                                   relay             office
 *   request, signed by the device ---------------------------> answer
 *   accept  <--------------------------------- certificate, signed by the merger
 *
 * It goes the way of an enrolment (`POST /v1/enrol`), which asks for no valid certificate: a tablet
 * that slept for years gets a new one.
 *
 * The recovery code is 16 random bytes that the tablet makes, with a door of its own in the vault
 * (keystore.h). The office gets it sealed to its key; it opens nothing without the tablet's
 * keystore, and the tablet's files open nothing without the code. It works once: who used it makes
 * another. Thread: one at a time. Source: security.md 2; proto/WIRE.md, "Renewal". */
#ifndef VELDKIT_RENEW_H
#define VELDKIT_RENEW_H

#include "veldkit/enrol.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VELD_RECOVERY_BYTES = 16,
    VELD_RECOVERY_SIGNS = 26,
    VELD_RECOVERY_CODE_SIZE = 33 /* in groups of four, with the end */
};

/* ---- the code ---- */
void veld_recovery_code_format(
    const uint8_t code[VELD_RECOVERY_BYTES], char out[VELD_RECOVERY_CODE_SIZE]);
/* veld_recovery_code_parse: typed as an enrolment code is.  Expects: VELD_E_FORM. */
veld_status veld_recovery_code_parse(
    veld_span text, uint8_t out[VELD_RECOVERY_BYTES], veld_error *err) VELD_MUST_CHECK;

/* ---- the tablet's side ---- */
typedef struct veld_renew_wish {
    const veld_p256_public *carrier; /* the key for TLS that the certificate is to be for */
    const uint8_t *code;             /* VELD_RECOVERY_BYTES to keep; NULL: the office's stands */
    int64_t recovered_utc_ms;        /* when a code was used; 0 = not since the last time */
    int64_t number;   /* above that of the request before; the office takes no other */
    uint64_t edition; /* of the agency's statement; a former one while something that was sealed to
                         a seal key of before may still be lost with it (seal_end.h) */
} veld_renew_wish;

/* veld_renew_request: append the request. Sending it again is fine.
 * Expects: VELD_E_LIMIT, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_renew_request(const veld_desk *desk, const veld_agency *agency,
    const veld_renew_wish *wish, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* veld_renew_accept: the certificate in the answer to `request`; a view into `answer`.
 * Expects: VELD_E_NOT_ALLOWED (the office refuses: revoked, or not known), VELD_E_STALE (it took a
 *          later request), VELD_E_FORGED (not by the merger, or the answer to another request),
 *          VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER, VELD_E_CRYPTO, VELD_E_MEMORY. */
veld_status veld_renew_accept(const veld_desk *desk, const veld_agency *agency, veld_span request,
    veld_span answer, veld_span *certificate, veld_error *err) VELD_MUST_CHECK;

/* ---- the office's side ---- */
/* veld_renew_is_request: of renewal, not of enrolment. */
bool veld_renew_is_request(veld_span request);
/* veld_renew_device: who says to have sent it; nothing is believed yet.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER. */
veld_status veld_renew_device(veld_span request, veld_id *out, veld_error *err) VELD_MUST_CHECK;
/* veld_renew_answer: append the answer; a refusal is one too. Uses desk and `issue` of `office`.
 * Expects: VELD_E_FORM, VELD_E_LIMIT, VELD_E_NEWER (no request: not answered), what `issue`
 * returns, as the store. */
veld_status veld_renew_answer(const veld_enrol_office *office, veld_span request, veld_buf *out,
    veld_error *err) VELD_MUST_CHECK;

/* What the office keeps of a device's recovery. */
typedef struct veld_recovery {
    uint8_t code[VELD_RECOVERY_BYTES]; /* a secret: wipe */
    int64_t kept_utc_ms;               /* by the office's clock */
    int64_t recovered_utc_ms;          /* when a code was last used, by the tablet's; 0 = never */
} veld_recovery;

/* veld_recovery_get: the code of a device, opened with the agency's seal key.
 * Expects: VELD_E_NOT_FOUND (the tablet has not handed one in), as the store. */
veld_status veld_recovery_get(const veld_desk *desk, const veld_id *device, veld_recovery *out,
    veld_error *err) VELD_MUST_CHECK;
/* veld_recovery_rewrap: all codes that are kept, sealed to the store's present seal key, in one
 * transaction; doing it again does no harm. One that no key opens stays as it is and is logged.
 * Expects: as the store. */
veld_status veld_recovery_rewrap(
    const veld_desk *desk, size_t *count, veld_error *err) VELD_MUST_CHECK;
/* veld_renew_edition: of the agency's statement that the device had when it asked last; 1 when it
 * never said.  Expects: as the store. */
veld_status veld_renew_edition(
    veld_store *store, const veld_id *device, uint64_t *out, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
