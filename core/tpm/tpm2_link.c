/* The way to a TPM: the kernel's device or a software TPM's socket, and nothing that a name in a
 * file could choose besides. */
#include "tpm2_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_tcti_device.h>
#include <tss2/tss2_tcti_swtpm.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/env.h"

#define DEVICE "device:"
#define SWTPM  "swtpm:"

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

bool veld_tpm2_is_there(void)
{
    return access(VELD_TPM2_DEVICE + strlen(DEVICE), R_OK | W_OK) == 0;
}

veld_status veld_tpm2_address(veld_span text, veld_tpm2 *out, veld_error *err)
{
    bool plain = text.len > 0 && text.len <= VELD_TPM2_ADDRESS_MAX;
    for (size_t i = 0; plain && i < text.len; i++)
        plain = text.data[i] > ' ' && text.data[i] < 0x7F;
    if (plain) {
        memcpy(out->address, text.data, text.len);
        out->address[text.len] = '\0';
        plain = begins(out->address, DEVICE "/dev/") || begins(out->address, SWTPM "path=/") ||
                begins(out->address, SWTPM "host=127.0.0.1,port=");
        plain = plain && strstr(out->address, "..") == NULL;
    }
    return plain ? VELD_OK
                 : veld_fail(err, VELD_E_INVALID,
                       "een TPM heet device:/dev/NAAM, swtpm:path=/SOCKET of "
                       "swtpm:host=127.0.0.1,port=NUMMER");
}

typedef TSS2_RC (*tcti_init)(TSS2_TCTI_CONTEXT *tcti, size_t *size, const char *settings);

static veld_status open_tcti(const veld_tpm2 *tpm, TSS2_TCTI_CONTEXT **out, veld_error *err)
{
    bool device = begins(tpm->address, DEVICE);
    tcti_init init = device ? Tss2_Tcti_Device_Init : Tss2_Tcti_Swtpm_Init;
    const char *settings = tpm->address + strlen(device ? DEVICE : SWTPM);
    size_t size = 0;
    TSS2_RC code = init(NULL, &size, NULL);
    TSS2_TCTI_CONTEXT *tcti = code == TSS2_RC_SUCCESS ? veld_allocate(size) : NULL;
    if (tcti == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a TPM");
    code = init(tcti, &size, settings);
    if (code != TSS2_RC_SUCCESS) {
        veld_release(tcti);
        return veld_fail(
            err, VELD_E_IO, "op %.100s antwoordt geen TPM (0x%x)", tpm->address, (unsigned)code);
    }
    *out = tcti;
    return VELD_OK;
}

veld_status tpm2_open(const veld_tpm2 *tpm, tpm2_link *out, veld_error *err)
{
    veld_status status;
    *out = (tpm2_link){0};
    /* What goes wrong is told by us, in words a person can use. */
    (void)setenv("TSS2_LOG", "all+none", 0);
    VELD_TRY(open_tcti(tpm, &out->tcti, err));
    if (Esys_Initialize(&out->esys, out->tcti, NULL) != TSS2_RC_SUCCESS)
        VELD_TRY(veld_fail(err, VELD_E_IO, "op %.100s antwoordt geen TPM", tpm->address));
    out->is_soft = begins(tpm->address, SWTPM);
    if (out->is_soft) {
        /* It may not have been started up; the kernel does that for its own. */
        TSS2_RC code = Esys_Startup(out->esys, TPM2_SU_CLEAR);
        if (code != TSS2_RC_SUCCESS && code != TPM2_RC_INITIALIZE)
            VELD_TRY(tpm2_failed(code, "de TPM start niet", err));
    }

done:
    return status;
}

/* A TPM that was used and then lost its power counts that as a wrong attempt. The kernel prevents
 * it for its own when the machine is switched off; a software TPM is told each time. */
void tpm2_close(tpm2_link *link)
{
    if (link->esys != NULL && link->is_soft)
        (void)Esys_Shutdown(link->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR);
    if (link->esys != NULL)
        Esys_Finalize(&link->esys);
    if (link->tcti != NULL)
        Tss2_Tcti_Finalize(link->tcti);
    veld_release(link->tcti);
    *link = (tpm2_link){0};
}

void tpm2_flush(tpm2_link *link, ESYS_TR *object)
{
    if (*object != ESYS_TR_NONE)
        (void)Esys_FlushContext(link->esys, *object);
    *object = ESYS_TR_NONE;
}

/* Format-one codes carry which session or parameter it was; only the error is looked at. */
static TSS2_RC bare(TSS2_RC code)
{
    return (code & TPM2_RC_FMT1) != 0 ? code & (TPM2_RC_FMT1 | 0x3F) : code;
}

veld_status tpm2_failed(TSS2_RC code, const char *what, veld_error *err)
{
    if ((code & TSS2_RC_LAYER_MASK) != TSS2_TPM_RC_LAYER)
        return veld_fail(err, VELD_E_IO, "%s: de TPM antwoordt niet (0x%x)", what, (unsigned)code);
    switch (bare(code)) {
    case TPM2_RC_AUTH_FAIL:
    case TPM2_RC_BAD_AUTH:
        return veld_fail(err, VELD_E_WRONG_PIN, "the PIN or passphrase is not the right one");
    case TPM2_RC_LOCKOUT:
        return veld_fail(err, VELD_E_WAIT,
            "de TPM van dit apparaat telde te veel foute pogingen en geeft nu geen sleutel");
    case TPM2_RC_INTEGRITY:
        return veld_fail(err, VELD_E_DAMAGED, "wat de TPM verzegelde is beschadigd");
    default:
        return veld_fail(err, VELD_E_CRYPTO, "%s (TPM 0x%x)", what, (unsigned)code);
    }
}
