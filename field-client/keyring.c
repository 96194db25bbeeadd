/* Whose signature counts for which device: the own one, those of the agency's directory, and those
 * whose card the worker took in after comparing the check code. Where directory and card differ the
 * agency is believed. A device is looked up, and its card's signature checked, once a session. */
#include "fc.h"

#include <stdio.h>

#include "veldkit/assert.h"
#include "veldkit/directory.h"

veld_status fc_keyring_card(
    fc_session *session, const veld_id *device, veld_card *out, veld_error *err)
{
    veld_status status;
    veld_verifier verifier = veld_verifier_p256();
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CARD_BYTES_MAX);
    VELD_TRY(
        veld_store_get_value(session->store, FC_GROUP_CARDS, veld_id_span(device), &bytes, err));
    VELD_TRY(veld_card_read(veld_buf_span(&bytes), &verifier, out, err));

done:
    veld_buf_release(&bytes);
    return status;
}

static veld_status from_card(
    fc_session *session, const veld_id *device, fc_known *out, veld_error *err)
{
    veld_card card;
    veld_status status = fc_keyring_card(session, device, &card, err);
    if (status == VELD_OK) {
        out->sign_key = card.sign_key;
        (void)snprintf(out->name, sizeof out->name, "%s", card.name);
    }
    return status;
}

/* The office signs as a device too: as the agency itself. */
static veld_status from_agency(
    fc_session *session, const veld_id *device, fc_known *out, veld_error *err)
{
    veld_agency agency;
    veld_directory_entry entry;
    veld_status status = veld_agency_get(session->store, &session->desk.verifier, &agency, err);
    if (status != VELD_OK)
        return status;
    if (veld_id_equal(&agency.id, device)) {
        out->sign_key = agency.merger_key;
        (void)snprintf(out->name, sizeof out->name, "%s", agency.name);
        return VELD_OK;
    }
    status = veld_directory_find(session->store, device, &entry, err);
    if (status == VELD_OK) {
        out->sign_key = entry.sign_key;
        (void)snprintf(out->name, sizeof out->name, "%s", entry.worker);
    }
    return status;
}

static veld_status look_up(
    fc_session *session, const veld_id *device, fc_known *out, veld_error *err)
{
    fc_known card = {0};
    veld_status status = from_agency(session, device, out, err);
    if (status == VELD_E_NOT_FOUND)
        return from_card(session, device, out, err);
    /* What travels through the relay has no name in it; a card has. */
    if (status == VELD_OK && out->name[0] == '\0' &&
        from_card(session, device, &card, NULL) == VELD_OK &&
        veld_p256_public_equal(&card.sign_key, &out->sign_key))
        (void)snprintf(out->name, sizeof out->name, "%s", card.name);
    return status;
}

veld_status fc_keyring_find(
    fc_session *session, const veld_id *device, const fc_known **out, veld_error *err)
{
    for (const fc_known *known = session->known; known != NULL; known = known->next)
        if (veld_id_equal(&known->device, device)) {
            *out = known;
            return VELD_OK;
        }

    fc_known *known = veld_allocate(sizeof *known);
    if (known == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for a colleague");
    veld_status status = look_up(session, device, known, err);
    if (status != VELD_OK) {
        veld_release(known);
        return status;
    }
    known->device = *device;
    known->next = session->known;
    session->known = known;
    *out = known;
    return VELD_OK;
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
    const fc_known *known = NULL;
    VELD_ASSERT(session->store != NULL);
    if (veld_id_equal(device, veld_store_device(session->store))) {
        *out = session->sign_key.public_key;
        return VELD_OK;
    }
    veld_status status = fc_keyring_find(session, device, &known, err);
    VELD_ASSERT(status != VELD_OK || known != NULL);
    if (status == VELD_OK)
        *out = known->sign_key;
    return status;
}

static veld_status find_former(
    void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err)
{
    const fc_session *session = context;
    return veld_agency_former_key(&session->agency, device, back, out, err);
}

veld_keyring fc_keyring(fc_session *session)
{
    return (veld_keyring){.context = session, .find = find_key, .former = find_former};
}
