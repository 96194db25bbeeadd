/* Whose signature counts for which device: the own one, and those whose card the worker took in
 * after comparing the check code. A card is read, and its signature checked, once a session. */
#include "fc.h"
#include "veldkit/assert.h"

veld_status fc_keyring_card(
    fc_session *session, const veld_id *device, const veld_card **out, veld_error *err)
{
    for (fc_known *known = session->known; known != NULL; known = known->next)
        if (veld_id_equal(&known->card.device, device)) {
            *out = &known->card;
            return VELD_OK;
        }

    veld_status status;
    fc_known *known = NULL;
    veld_verifier verifier = veld_verifier_p256();
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CARD_BYTES_MAX);
    VELD_TRY(
        veld_store_get_value(session->store, FC_GROUP_CARDS, veld_id_span(device), &bytes, err));
    known = veld_allocate(sizeof *known);
    if (known == NULL) {
        status = VELD_E_MEMORY;
        goto done;
    }
    VELD_TRY(veld_card_read(veld_buf_span(&bytes), &verifier, &known->card, err));
    known->next = session->known;
    session->known = known;
    *out = &known->card;
    known = NULL;

done:
    veld_release(known);
    veld_buf_release(&bytes);
    return status;
}

void fc_keyring_forget(fc_session *session)
{
    while (session->known != NULL) {
        fc_known *next = session->known->next;
        veld_release(session->known);
        session->known = next;
    }
}

static veld_status find_key(
    void *context, const veld_id *device, veld_p256_public *out, veld_error *err)
{
    fc_session *session = context;
    const veld_card *card = NULL;
    VELD_ASSERT(session->store != NULL);
    if (veld_id_equal(device, veld_store_device(session->store))) {
        *out = session->sign_key.public_key;
        return VELD_OK;
    }
    veld_status status = fc_keyring_card(session, device, &card, err);
    if (status == VELD_OK)
        *out = card->sign_key;
    return status;
}

veld_keyring fc_keyring(fc_session *session)
{
    return (veld_keyring){.context = session, .find = find_key};
}
