/* A connection to a TPM, and the keys that are made in it. Inside the room. */
#ifndef TPM2_LINK_H
#define TPM2_LINK_H

#include <tss2/tss2_esys.h>

#include "veldkit/tpm2.h"

typedef struct tpm2_link {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    bool is_soft; /* nobody else tells it that the machine is switched off */
} tpm2_link;

/* tpm2_open: Expects: VELD_E_IO (nobody answers), VELD_E_NOT_ALLOWED, VELD_E_INVALID,
 * VELD_E_MEMORY. Close `out` whatever is returned. */
veld_status tpm2_open(const veld_tpm2 *tpm, tpm2_link *out, veld_error *err) VELD_MUST_CHECK;
void tpm2_close(tpm2_link *link);

/* tpm2_failed: what a TPM's answer means to us. */
veld_status tpm2_failed(TSS2_RC code, const char *what, veld_error *err);

/* tpm2_flush: a session or key of this connection; ESYS_TR_NONE is fine. */
void tpm2_flush(tpm2_link *link, ESYS_TR *object);

#endif
