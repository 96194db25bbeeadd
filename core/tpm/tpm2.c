/* Sealing and unsealing in a TPM. What is sealed carries the names of two keys that the TPM makes
 * from its seeds: of the storage key, which changes when the TPM is cleared, and of the endorsement
 * key, which does not. So another TPM, a cleared one and a wrong PIN are told apart.
 *
 *   name of the storage key 34 | name of the endorsement key 34 | TPM2B_PUBLIC | TPM2B_PRIVATE */
#include "veldkit/tpm2.h"

#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm2_link.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum { NAME_BYTES = 34, KEY_BYTES = 32 }; /* algorithm and SHA-256 */

/* One call under way. */
typedef struct tpm2_call {
    tpm2_link link;
    ESYS_TR primary; /* the storage key */
    ESYS_TR session; /* salted to it */
    ESYS_TR object;  /* what was sealed, loaded */
    uint8_t storage_name[NAME_BYTES];
    uint8_t endorsement_name[NAME_BYTES];
} tpm2_call;

/* A P-256 key that only decrypts, for what is under it; made anew from the seed each time. */
static TPM2B_PUBLIC parent_template(bool endorsement)
{
    TPM2B_PUBLIC out = {0};
    TPMT_PUBLIC *area = &out.publicArea;
    area->type = TPM2_ALG_ECC;
    area->nameAlg = TPM2_ALG_SHA256;
    area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                             TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                             TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT;
    if (!endorsement)
        area->objectAttributes |= TPMA_OBJECT_NODA;
    area->parameters.eccDetail.symmetric = (TPMT_SYM_DEF_OBJECT){
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    return out;
}

static veld_status make_parent(
    tpm2_call *by, bool endorsement, ESYS_TR *out, uint8_t name[NAME_BYTES], veld_error *err)
{
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_PUBLIC public = parent_template(endorsement);
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_NAME *made = NULL;
    ESYS_TR hierarchy = endorsement ? ESYS_TR_RH_ENDORSEMENT : ESYS_TR_RH_OWNER;
    veld_status status = VELD_OK;
    TSS2_RC code = Esys_CreatePrimary(by->link.esys, hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE,
        ESYS_TR_NONE, &sensitive, &public, &outside, &pcrs, out, NULL, NULL, NULL, NULL);
    if (code != TSS2_RC_SUCCESS) {
        *out = ESYS_TR_NONE;
        status = tpm2_failed(code, "de TPM maakt geen sleutel", err);
        return status == VELD_E_WRONG_PIN ? veld_fail(err, VELD_E_NOT_ALLOWED,
                                                "de TPM is door een ander in beheer genomen")
                                          : status;
    }
    code = Esys_TR_GetName(by->link.esys, *out, &made);
    if (code != TSS2_RC_SUCCESS || made->size != NAME_BYTES)
        status = veld_fail(err, VELD_E_CRYPTO, "de TPM noemt haar sleutel niet");
    else
        memcpy(name, made->name, NAME_BYTES);
    Esys_Free(made);
    return status;
}

/* The endorsement key is only looked at. Where its hierarchy is closed to us the name stays zero.
 */
static void look_at_endorsement(tpm2_call *by)
{
    ESYS_TR key = ESYS_TR_NONE;
    if (make_parent(by, true, &key, by->endorsement_name, NULL) != VELD_OK)
        memset(by->endorsement_name, 0, NAME_BYTES);
    tpm2_flush(&by->link, &key);
}

static veld_status start_session(tpm2_call *by, veld_error *err)
{
    const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    const TPMA_SESSION wanted =
        TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT | TPMA_SESSION_CONTINUESESSION;
    TSS2_RC code = Esys_StartAuthSession(by->link.esys, by->primary, ESYS_TR_NONE, ESYS_TR_NONE,
        ESYS_TR_NONE, ESYS_TR_NONE, NULL, TPM2_SE_HMAC, &symmetric, TPM2_ALG_SHA256, &by->session);
    if (code != TSS2_RC_SUCCESS) {
        by->session = ESYS_TR_NONE;
        return tpm2_failed(code, "de TPM begint geen gesprek", err);
    }
    code = Esys_TRSess_SetAttributes(by->link.esys, by->session, wanted, 0xFF);
    return code == TSS2_RC_SUCCESS ? VELD_OK : tpm2_failed(code, "de TPM versleutelt niet", err);
}

static veld_status begin(const veld_tpm2 *tpm, tpm2_call *by, veld_error *err)
{
    veld_status status;
    *by = (tpm2_call){.primary = ESYS_TR_NONE, .session = ESYS_TR_NONE, .object = ESYS_TR_NONE};
    VELD_TRY(tpm2_open(tpm, &by->link, err));
    VELD_TRY(make_parent(by, false, &by->primary, by->storage_name, err));
    VELD_TRY(start_session(by, err));

done:
    return status;
}

static void end(tpm2_call *by)
{
    if (by->link.esys != NULL) {
        tpm2_flush(&by->link, &by->object);
        tpm2_flush(&by->link, &by->session);
        tpm2_flush(&by->link, &by->primary);
    }
    tpm2_close(&by->link);
}

/* ---- seal ---- */
static veld_status write_sealed(const tpm2_call *by, const TPM2B_PUBLIC *public,
    const TPM2B_PRIVATE *private, veld_buf *out, veld_error *err)
{
    uint8_t bytes[sizeof *public + sizeof *private];
    size_t at = 0;
    veld_status status = VELD_OK;
    if (Tss2_MU_TPM2B_PUBLIC_Marshal(public, bytes, sizeof bytes, &at) != TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Marshal(private, bytes, sizeof bytes, &at) != TSS2_RC_SUCCESS)
        return veld_fail(err, VELD_E_CRYPTO, "what the TPM sealed cannot be written");
    VELD_TRY(veld_buf_append(out, by->storage_name, NAME_BYTES));
    VELD_TRY(veld_buf_append(out, by->endorsement_name, NAME_BYTES));
    VELD_TRY(veld_buf_append(out, bytes, at));

done:
    return status;
}

static veld_status seal(
    void *context, veld_span auth, bool counted, veld_span key, veld_buf *out, veld_error *err)
{
    VELD_ASSERT(auth.len == VELD_KEYSTORE_AUTH_BYTES && key.len == KEY_BYTES);
    TPM2B_SENSITIVE_CREATE sensitive = {
        .sensitive.userAuth.size = (UINT16)auth.len, .sensitive.data.size = (UINT16)key.len};
    TPM2B_PUBLIC template = {
        .publicArea = {.type = TPM2_ALG_KEYEDHASH,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes =
                TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_USERWITHAUTH,
            .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL}};
    const TPM2B_DATA outside = {0};
    const TPML_PCR_SELECTION pcrs = {0};
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *public = NULL;
    tpm2_call by;
    veld_status status;
    memcpy(sensitive.sensitive.userAuth.buffer, auth.data, auth.len);
    memcpy(sensitive.sensitive.data.buffer, key.data, key.len);
    if (!counted)
        template.publicArea.objectAttributes |= TPMA_OBJECT_NODA;
    VELD_TRY(begin(context, &by, err));
    TSS2_RC code = Esys_Create(by.link.esys, by.primary, by.session, ESYS_TR_NONE, ESYS_TR_NONE,
        &sensitive, &template, &outside, &pcrs, &private, &public, NULL, NULL, NULL);
    if (code != TSS2_RC_SUCCESS)
        VELD_TRY(tpm2_failed(code, "de TPM verzegelt niet", err));
    tpm2_flush(&by.link, &by.session);
    look_at_endorsement(&by);
    VELD_TRY(write_sealed(&by, public, private, out, err));

done:
    veld_wipe(&sensitive, sizeof sensitive);
    Esys_Free(private);
    Esys_Free(public);
    end(&by);
    return status;
}

/* ---- unseal ---- */
typedef struct sealed_form {
    const uint8_t *storage_name;
    const uint8_t *endorsement_name;
    TPM2B_PUBLIC public;
    TPM2B_PRIVATE private;
} sealed_form;

static veld_status read_sealed(veld_span sealed, sealed_form *out, veld_error *err)
{
    size_t at = (size_t)2 * NAME_BYTES;
    *out = (sealed_form){0};
    if (sealed.len <= at || sealed.len > VELD_KEYSTORE_SEALED_MAX ||
        Tss2_MU_TPM2B_PUBLIC_Unmarshal(sealed.data, sealed.len, &at, &out->public) !=
            TSS2_RC_SUCCESS ||
        Tss2_MU_TPM2B_PRIVATE_Unmarshal(sealed.data, sealed.len, &at, &out->private) !=
            TSS2_RC_SUCCESS ||
        at != sealed.len)
        return veld_fail(err, VELD_E_DAMAGED, "wat de TPM verzegelde is beschadigd");
    out->storage_name = sealed.data;
    out->endorsement_name = sealed.data + NAME_BYTES;
    return VELD_OK;
}

/* The storage key is another one: what was sealed under it is gone, here at least. */
static veld_status tell_stranger(tpm2_call *by, const sealed_form *form, veld_error *err)
{
    static const uint8_t unknown[NAME_BYTES];
    tpm2_flush(&by->link, &by->session);
    look_at_endorsement(by);
    if (memcmp(form->endorsement_name, unknown, NAME_BYTES) != 0 &&
        memcmp(form->endorsement_name, by->endorsement_name, NAME_BYTES) == 0)
        return veld_fail(err, VELD_E_WRONG_DEVICE,
            "de TPM van dit apparaat is gewist sinds de kluis gemaakt werd");
    return veld_fail(
        err, VELD_E_WRONG_DEVICE, "de sleutel van deze kluis zit in de TPM van een ander apparaat");
}

static veld_status load_and_unseal(
    tpm2_call *by, const sealed_form *form, veld_span auth, veld_secret *out, veld_error *err)
{
    TPM2B_AUTH value = {.size = (UINT16)auth.len};
    TPM2B_SENSITIVE_DATA *data = NULL;
    veld_status status;
    memcpy(value.buffer, auth.data, auth.len);
    TSS2_RC code = Esys_Load(by->link.esys, by->primary, by->session, ESYS_TR_NONE, ESYS_TR_NONE,
        &form->private, &form->public, &by->object);
    if (code != TSS2_RC_SUCCESS) {
        by->object = ESYS_TR_NONE;
        VELD_TRY(tpm2_failed(code, "de TPM neemt haar verzegeling niet terug", err));
    }
    code = Esys_TR_SetAuth(by->link.esys, by->object, &value);
    if (code == TSS2_RC_SUCCESS)
        code =
            Esys_Unseal(by->link.esys, by->object, by->session, ESYS_TR_NONE, ESYS_TR_NONE, &data);
    if (code != TSS2_RC_SUCCESS)
        VELD_TRY(tpm2_failed(code, "de TPM ontzegelt niet", err));
    if (data == NULL || data->size != KEY_BYTES) {
        status = veld_fail(err, VELD_E_DAMAGED, "wat de TPM verzegelde is geen sleutel");
        goto done;
    }
    status = veld_secret_copy(out, veld_span_of(data->buffer, data->size));
    if (status != VELD_OK)
        veld_fail(err, status, "no memory for the TPM's key");

done:
    veld_wipe(&value, sizeof value);
    if (data != NULL)
        veld_wipe(data, sizeof *data);
    Esys_Free(data);
    return status;
}

static veld_status unseal(
    void *context, veld_span auth, veld_span sealed, veld_secret *out, veld_error *err)
{
    VELD_ASSERT(auth.len == VELD_KEYSTORE_AUTH_BYTES);
    sealed_form form;
    tpm2_call by;
    veld_status status = read_sealed(sealed, &form, err);
    if (status != VELD_OK)
        return status;
    VELD_TRY(begin(context, &by, err));
    if (memcmp(by.storage_name, form.storage_name, NAME_BYTES) != 0)
        VELD_TRY(tell_stranger(&by, &form, err));
    status = load_and_unseal(&by, &form, auth, out, err);

done:
    end(&by);
    return status;
}

veld_keystore_chip veld_tpm2_chip(veld_tpm2 *tpm)
{
    return (veld_keystore_chip){
        .name = VELD_KEYSTORE_TPM2, .context = tpm, .seal = seal, .unseal = unseal};
}
