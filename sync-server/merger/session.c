/* The merger's vault, opened: keys of the agency, store, desk and the engine that keeps what is to
 * be handed to the relay. Its passphrase is a file beside it, which the relay cannot read, or a
 * credential of systemd; its other half is a file too, or in a TPM. The
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
#define SECRET_FILE "secret"

#define TPM_FILE "tpm"

/* "file", "tpm2", or "tpm2:" and where the TPM is. */
static veld_status choose_keystore(const char *word, veld_tpm2 *tpm, bool *is_chip, veld_error *err)
{
    const size_t len = sizeof VELD_KEYSTORE_TPM2 - 1;
    *is_chip = false;
    if (word == NULL || strcmp(word, "file") == 0)
        return VELD_OK;
    if (strncmp(word, VELD_KEYSTORE_TPM2, len) != 0 || (word[len] != '\0' && word[len] != ':'))
        return veld_fail(
            err, VELD_E_INVALID, "--keystore is file, tpm2, of tpm2: met waar de TPM is");
    *is_chip = true;
    return veld_tpm2_address(
        veld_span_text(word[len] == ':' ? word + len + 1 : VELD_TPM2_DEVICE), tpm, err);
}

/* The file that says where the TPM is, for who opens. */
static veld_status make_keystore(
    const char *merger, const char *word, srv_session *session, veld_error *err)
{
    bool is_chip = false;
    veld_status status;
    VELD_TRY(choose_keystore(word, &session->tpm, &is_chip, err));
    if (is_chip)
        VELD_TRY(srv_write_file(merger, TPM_FILE, veld_span_text(session->tpm.address), err));
    const veld_keystore_chip chip = veld_tpm2_chip(&session->tpm);
    status = is_chip ? veld_keystore_new(
                           &session->env, merger, VELD_DOOR_PIN, &chip, &session->keystore, err)
                     : veld_keystore_file_create(&session->env, merger, &session->keystore, err);

done:
    return status;
}

veld_status srv_vault_create(
    const char *merger, const char *keystore, srv_session *session, veld_error *err)
{
    uint8_t secret[SECRET_BYTES] = {0};
    char text[2 * SECRET_BYTES + 1];
    veld_status status;
    VELD_TRY(veld_env_random(&session->env, secret, sizeof secret, err));
    veld_hex_encode(veld_span_of(secret, sizeof secret), text, sizeof text);
    VELD_TRY(srv_write_file(merger, SECRET_FILE, veld_span_text(text), err));
    VELD_TRY(make_keystore(merger, keystore, session, err));
    VELD_TRY(veld_vault_create(&session->env, merger, &session->keystore, veld_span_text(text),
        &params, &session->vault, err));
    VELD_TRY(veld_store_create(&session->env, merger, session->vault, &session->store, err));

done:
    veld_wipe(secret, sizeof secret);
    veld_wipe(text, sizeof text);
    return status;
}

/* Of the kind that it was made with. */
static veld_status open_keystore(const char *merger, srv_session *out, veld_error *err)
{
    veld_keystore_info info = {0};
    veld_buf where;
    const char *text = NULL;
    veld_status status;
    veld_buf_init(&where, VELD_TPM2_ADDRESS_MAX);
    status = veld_keystore_look(merger, VELD_DOOR_PIN, &info, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, status, "hier is geen organisatie; maak er een met init");
    VELD_TRY(status);
    if (strcmp(info.kind, VELD_KEYSTORE_TPM2) != 0) {
        status = veld_keystore_file_open(merger, &out->keystore, err);
        goto done;
    }
    VELD_TRY(srv_read_file(merger, TPM_FILE, &where, err));
    VELD_TRY(veld_buf_text(&where, &text));
    VELD_TRY(veld_tpm2_address(veld_span_text(text), &out->tpm, err));
    const veld_keystore_chip chip = veld_tpm2_chip(&out->tpm);
    status = veld_keystore_open(merger, VELD_DOOR_PIN, &chip, &out->keystore, err);

done:
    veld_buf_release(&where);
    return status;
}

/* As it was made, or as a person or systemd-creds wrote it: a line. */
static veld_span first_line(const veld_buf *text)
{
    size_t len = 0;
    while (len < text->len && text->data[len] != '\n' && text->data[len] != '\r')
        len++;
    return veld_span_part(veld_buf_span(text), 0, len);
}

static veld_status open_store(const char *merger, srv_session *out, veld_error *err)
{
    veld_buf secret;
    veld_status status;
    veld_buf_init(&secret, VELD_PIN_BYTES_MAX);
    VELD_TRY(open_keystore(merger, out, err));
    VELD_TRY(srv_read_secret(merger, SECRET_FILE, &secret, err));
    VELD_TRY(
        veld_vault_open(&out->env, merger, &out->keystore, first_line(&secret), &out->vault, err));
    VELD_TRY(veld_store_open(&out->env, merger, out->vault, &out->store, err));

done:
    veld_buf_wipe(&secret);
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
