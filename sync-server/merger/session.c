/* The merger's vault, opened: keys of the agency, store, desk and the engine that keeps what is to
 * be handed to the relay. Its passphrase is a file beside it, which the relay cannot read; the
 * process that serves and an administrator's verb open it the same way, never both at once. */
#include <stdio.h>
#include <string.h>

#include "merger.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"
#include "veldkit/host.h"

/* 256 bits need no stretching: the lowest cost that the vault takes. */
static const veld_pin_params params = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};

enum { SECRET_BYTES = 32 };

veld_status srv_vault_create(const char *merger, srv_session *session, veld_error *err)
{
    uint8_t secret[SECRET_BYTES] = {0};
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, VELD_PIN_BYTES_MAX);
    VELD_TRY(veld_env_random(&session->env, secret, sizeof secret, err));
    VELD_TRY(veld_base64_encode(veld_span_of(secret, sizeof secret), true, &text));
    VELD_TRY(srv_write_file(merger, "secret", veld_buf_span(&text), err));
    VELD_TRY(veld_keystore_file_create(&session->env, merger, &session->keystore, err));
    VELD_TRY(veld_vault_create(&session->env, merger, &session->keystore, veld_buf_span(&text),
        &params, &session->vault, err));
    VELD_TRY(veld_store_create(&session->env, merger, session->vault, &session->store, err));

done:
    veld_wipe(secret, sizeof secret);
    veld_buf_wipe(&text);
    return status;
}

static veld_status open_store(const char *merger, srv_session *out, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    veld_cli_pin secret = {0};
    veld_status status;
    VELD_TRY(srv_path(merger, "secret", path, err));
    status = veld_keystore_file_open(merger, &out->keystore, err);
    if (status == VELD_E_NOT_FOUND)
        return veld_fail(err, VELD_E_NOT_FOUND, "hier is geen organisatie; maak er een met init");
    if (status != VELD_OK)
        return status;
    VELD_TRY(veld_cli_pin_from_file(path, &secret, err));
    VELD_TRY(veld_vault_open(
        &out->env, merger, &out->keystore, veld_cli_pin_span(&secret), &out->vault, err));
    VELD_TRY(veld_store_open(&out->env, merger, out->vault, &out->store, err));

done:
    veld_cli_pin_release(&secret);
    return status;
}

static veld_status read_agency(srv_session *out, veld_error *err)
{
    veld_buf scalar;
    veld_status status;
    veld_buf_init(&scalar, VELD_P256_PRIVATE_BYTES);
    VELD_TRY(veld_agency_get(out->store, &out->desk.verifier, &out->agency, err));
    VELD_TRY(veld_store_get_value(
        out->store, SRV_GROUP_AGENCY, veld_span_text("statement"), &out->statement, err));
    VELD_TRY(veld_store_get_value(
        out->store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA), &out->ca, err));
    VELD_TRY(veld_store_get_value(
        out->store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA_KEY), &scalar, err));
    VELD_TRY(veld_p256_import(veld_buf_span(&scalar), &out->ca_key, err));

done:
    veld_buf_wipe(&scalar);
    return status;
}

/* Where the relay listened last. A folder that never served has no such file yet. */
static veld_status read_address(srv_session *out, veld_error *err)
{
    veld_buf text;
    veld_buf_init(&text, sizeof out->address - 1);
    veld_status status = srv_read_file(out->dir, "address", &text, err);
    if (status == VELD_OK)
        memcpy(out->address, text.data, text.len);
    veld_buf_release(&text);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

veld_status srv_session_open(
    const char *dir, const char *address, srv_session *out, veld_error *err)
{
    char merger[SRV_PATH_BYTES_MAX];
    veld_status status;
    *out = (srv_session){.env = veld_host_env()};
    veld_buf_init(&out->ca, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&out->statement, SRV_FILE_BYTES_MAX);
    (void)snprintf(out->dir, sizeof out->dir, "%s", dir);
    if (address != NULL)
        (void)snprintf(out->address, sizeof out->address, "%s", address);
    VELD_TRY(srv_path(dir, "merger", merger, err));
    VELD_TRY(veld_crypto_init(err));
    VELD_TRY(veld_history_init(err));
    if (address == NULL)
        VELD_TRY(read_address(out, err));
    VELD_TRY(open_store(merger, out, err));
    VELD_TRY(veld_p256_import(
        veld_secret_span(&veld_store_signing_key(out->store)->scalar), &out->sign_key, err));
    VELD_TRY(veld_schema_set_new(&out->schemas, err));
    out->desk = (veld_desk){.env = &out->env,
        .store = out->store,
        .signer = veld_signer_p256(&out->sign_key),
        .verifier = veld_verifier_p256(),
        .keyring = veld_directory_keyring(out->store),
        .schemas = out->schemas};
    VELD_TRY(read_agency(out, err));
    out->check = (veld_agency_check){.agency = &out->agency, .inner = out->desk.verifier};
    out->desk.verifier = veld_agency_verifier(&out->check);
    VELD_TRY(srv_access_open(out, err));
    VELD_TRY(srv_engine_new(out, err));

done:
    return status;
}

void srv_session_close(srv_session *session)
{
    veld_sync_free(session->sync);
    veld_access_log_free(session->access);
    veld_schema_set_free(session->schemas);
    veld_p256_release(&session->sign_key);
    veld_p256_release(&session->ca_key);
    veld_buf_release(&session->ca);
    veld_buf_release(&session->statement);
    veld_store_close(session->store);
    veld_vault_close(session->vault);
    veld_keystore_close(&session->keystore);
    *session = (srv_session){0};
}

static veld_span worker_of(void *context, const veld_id *device)
{
    srv_session *session = context;
    veld_directory_entry entry;
    if (veld_id_equal(device, veld_store_device(session->store)))
        return veld_span_text(session->agency.name);
    if (veld_directory_find(session->store, device, &entry, NULL) != VELD_OK)
        return (veld_span){0};
    memcpy(session->name, entry.worker, sizeof session->name);
    return veld_span_text(session->name);
}

veld_view_names srv_session_names(srv_session *session)
{
    return (veld_view_names){.worker = worker_of, .context = session};
}
