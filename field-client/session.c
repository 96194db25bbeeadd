/* The opened vault: keystore, keys, store, schemas, and the desk on which cases are opened. It says
 * which of the ways to fail it was, since a person does something else about each: a wrong
 * passphrase, a damaged file, a file of another device, a newer program. */
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/history.h"
#include "veldkit/host.h"

veld_status fc_crypto_ready(veld_error *err)
{
    veld_status status = veld_crypto_init(err);
    return status == VELD_OK ? veld_history_init(err) : status;
}

/* In a whole vault these are there; "not found" would sound like a case that is not. */
static veld_status must_be_there(veld_status status, const char *what, veld_error *err)
{
    return status == VELD_E_NOT_FOUND ? veld_fail(err, VELD_E_DAMAGED, "%s", what) : status;
}

static veld_status read_worker(fc_session *session, veld_error *err)
{
    veld_buf name;
    veld_buf_init(&name, VELD_CARD_NAME_BYTES_MAX);
    veld_status status = veld_store_get_value(
        session->store, FC_GROUP_SETTINGS, veld_span_text(FC_SETTING_WORKER), &name, err);
    if (status == VELD_OK)
        memcpy(session->worker, name.data, name.len);
    veld_buf_release(&name);
    return status;
}

/* Who has no vault at all is told so; a part that is gone from one is damage. */
static veld_status open_vault(veld_cli_call *call, veld_span pin, fc_session *out)
{
    fc_vault_parts parts = {
        .choice = &out->choice, .keystore = &out->keystore, .vault = &out->vault};
    veld_status status = fc_vault_open(call, &out->env, &parts, pin, NULL, NULL);
    return out->keystore.key == NULL
               ? status
               : must_be_there(status, "bij deze kluis ontbreekt het bestand vault", &call->err);
}

veld_status fc_session_open(veld_cli_call *call, veld_span pin, fc_session *out)
{
    veld_id boot;
    veld_status status;
    VELD_ASSERT(out->store == NULL && out->vault == NULL);
    out->env = veld_host_env();
    VELD_TRY(fc_crypto_ready(&call->err));
    VELD_TRY(open_vault(call, pin, out));
    VELD_TRY(
        must_be_there(veld_store_open(&out->env, call->folder, out->vault, &out->store, &call->err),
            "het bestand store.db van deze kluis ontbreekt of is leeg", &call->err));
    /* The store is ours now: nobody may wipe the vault while it is open, and what was begun ends.
     */
    out->had_sender = fc_sender_end(call->folder);
    VELD_TRY(fc_wiped_refuse(call));
    if (veld_store_was_renewed(out->store))
        veld_cli_note(call,
            "veldkit: dit lijkt een teruggezette kopie van de kluis; nieuw werk krijgt "
            "een nieuw volgnummer.\n");
    VELD_TRY(veld_p256_import(
        veld_secret_span(&veld_store_signing_key(out->store)->scalar), &out->sign_key, &call->err));
    VELD_TRY(veld_schema_set_new(&out->schemas, &call->err));
    veld_host_boot(&boot);
    VELD_TRY(veld_anchor_load(out->store, &boot, &out->anchor, &call->err));
    VELD_TRY(
        must_be_there(read_worker(out, &call->err), "in deze kluis ontbreekt je naam", &call->err));
    out->desk = (veld_desk){.env = &out->env,
        .store = out->store,
        .signer = veld_signer_p256(&out->sign_key),
        .verifier = veld_verifier_p256(),
        .keyring = fc_keyring(out),
        .schemas = out->schemas,
        .anchor = &out->anchor};
    VELD_TRY(fc_agency_load(out, &call->err));
    VELD_TRY(fc_access_open(out, &call->err));
    VELD_TRY(fc_handed_in_take(out, call->folder, &call->err));

done:
    return status;
}

veld_status fc_agency_load(fc_session *session, veld_error *err)
{
    const veld_verifier plain = veld_verifier_p256();
    veld_agency agency;
    veld_status status = veld_agency_get(session->store, &plain, &agency, err);
    if (status != VELD_OK)
        return status == VELD_E_NOT_FOUND ? VELD_OK : status;
    session->agency = agency;
    session->check = (veld_agency_check){.agency = &session->agency, .inner = plain};
    session->desk.verifier = veld_agency_verifier(&session->check);
    return VELD_OK;
}

veld_status fc_office(veld_cli_call *call)
{
    fc_session *session = call->session;
    veld_agency agency;
    veld_status status =
        veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err);
    if (status == VELD_E_NOT_FOUND)
        return VELD_OK;
    if (status == VELD_OK) {
        session->office = agency.seal_key;
        session->desk.office = &session->office;
    }
    return status;
}

void fc_session_close(fc_session *session)
{
    fc_keyring_forget(session);
    veld_access_log_free(session->access);
    veld_schema_set_free(session->schemas);
    veld_p256_release(&session->sign_key);
    veld_store_close(session->store);
    veld_vault_close(session->vault);
    veld_keystore_close(&session->keystore);
    *session = (fc_session){0};
}

static veld_span worker_of(void *context, const veld_id *device)
{
    fc_session *session = context;
    const fc_known *known = NULL;
    if (veld_id_equal(device, veld_store_device(session->store)))
        return veld_span_text(session->worker);
    if (fc_keyring_find(session, device, &known, NULL) != VELD_OK)
        return (veld_span){0};
    return veld_span_text(known->name);
}

veld_view_names fc_view_names(fc_session *session)
{
    return (veld_view_names){.worker = worker_of, .received = fc_received, .context = session};
}
