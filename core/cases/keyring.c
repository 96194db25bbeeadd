/* Which of its device's keys signed a change. Only the office's device ever gets another key, so
 * for all others this costs nothing. */
#include "veldkit/case.h"
#include "veldkit/commit.h"

/* For a place where no key stands in for another. */
static veld_status fits(const veld_verifier *verifier, const veld_change *change,
    const veld_p256_public *key, bool *out, veld_error *err)
{
    veld_change again = *change;
    const veld_verifier_bound alone = {.inner = *verifier, .place = VELD_SIGN_PLACE_NOW};
    const veld_verifier by_itself = veld_verifier_at(&alone);
    veld_status status = veld_commit_verify(&again, key, &by_itself, err);
    *out = status == VELD_OK;
    return status == VELD_E_FORGED || status == VELD_E_INVALID ? VELD_OK : status;
}

veld_status veld_keyring_is_former(const veld_keyring *keyring, const veld_verifier *verifier,
    const veld_change *change, bool *out, veld_error *err)
{
    veld_p256_public present, signer;
    veld_status status = VELD_E_NOT_FOUND;
    *out = false;
    if (keyring->former != NULL)
        status = keyring->former(keyring->context, &change->device, 1, &signer, NULL);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    if (status != VELD_OK)
        return veld_fail(err, status, "the keys of a device cannot be read");
    VELD_TRY(keyring->find(keyring->context, &change->device, &present, err));
    VELD_TRY(veld_keyring_signer(keyring, verifier, change, &signer, err));
    *out = !veld_p256_public_equal(&present, &signer);
done:
    return status;
}

veld_status veld_keyring_signer(const veld_keyring *keyring, const veld_verifier *verifier,
    const veld_change *change, veld_p256_public *out, veld_error *err)
{
    bool is;
    veld_p256_public former;
    veld_status status;
    VELD_TRY(keyring->find(keyring->context, &change->device, out, err));
    for (size_t back = 1; keyring->former != NULL; back++) {
        status = keyring->former(keyring->context, &change->device, back, &former, err);
        if (status == VELD_E_NOT_FOUND)
            return VELD_OK;
        VELD_TRY(status);
        if (back == 1) {
            VELD_TRY(fits(verifier, change, out, &is, err));
            if (is)
                goto done;
        }
        VELD_TRY(fits(verifier, change, &former, &is, err));
        if (is) {
            *out = former;
            goto done;
        }
    }
done:
    return status;
}
