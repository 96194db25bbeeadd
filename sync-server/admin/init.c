/* init: an agency from nothing: its root, its relay, its merger, each with keys that only it can
 * read. Built in a folder beside its place and renamed when all of it is on the disk, so there is a
 * whole agency or none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../store/srv_journal.h"
#include "keys.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/history.h"
#include "veldkit/host.h"
#include "veldkit/x509.h"

static const char *const folders[] = {"root", "relay", "merger", "console"};
enum { FOLDERS = sizeof folders / sizeof folders[0] };

/* All keys of a new agency, for the time of init. */
typedef struct founding {
    srv_session session; /* the merger's vault */
    veld_p256_private root, recovery, relay, tls;
    veld_buf server; /* certificate of the relay */
} founding;

static veld_status fail_errno(veld_error *err, const char *what)
{
    return veld_fail_native(
        err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno, "%s", what);
}

/* Nothing is there yet, or an empty folder. */
static veld_status check_free(veld_cli_call *call)
{
    DIR *folder = opendir(call->folder);
    size_t entries = 0;
    if (folder == NULL)
        return errno == ENOENT ? VELD_OK : fail_errno(&call->err, "de map is niet te lezen");
    while (readdir(folder) != NULL)
        entries++;
    closedir(folder);
    if (entries > 2)
        return veld_fail(
            &call->err, VELD_E_EXISTS, "hier is al een organisatie, of de map is niet leeg");
    return VELD_OK;
}

static void remove_files(const char *path)
{
    char file[SRV_PATH_BYTES_MAX + 300];
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        (void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        (void)unlink(file);
    }
    closedir(folder);
    (void)rmdir(path);
}

/* What an attempt that was killed or failed left behind. */
static void remove_built(const char *built)
{
    char path[SRV_PATH_BYTES_MAX];
    for (size_t i = 0; i < FOLDERS; i++)
        if (srv_path(built, folders[i], path, NULL) == VELD_OK)
            remove_files(path);
    remove_files(built);
}

static veld_status make_folders(const char *built, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    veld_status status = VELD_OK;
    if (mkdir(built, 0700) != 0)
        return fail_errno(err, "de map kan niet gemaakt worden");
    for (size_t i = 0; i < FOLDERS && status == VELD_OK; i++) {
        status = srv_path(built, folders[i], path, err);
        if (status == VELD_OK && mkdir(path, 0700) != 0)
            status = fail_errno(err, "de map kan niet gemaakt worden");
    }
    return status;
}

static veld_status make_keys(founding *new, veld_error *err)
{
    const veld_env *env = &new->session.env;
    veld_status status;
    VELD_TRY(veld_p256_generate(env, &new->root, err));
    VELD_TRY(veld_p256_generate(env, &new->recovery, err));
    VELD_TRY(veld_p256_generate(env, &new->relay, err));
    VELD_TRY(veld_p256_generate(env, &new->tls, err));
    VELD_TRY(veld_p256_generate(env, &new->session.ca_key, err));

done:
    return status;
}

static veld_status make_certificates(founding *new, veld_error *err)
{
    const veld_x509_period period = srv_certificate_period(&new->session.env);
    veld_status status;
    VELD_TRY(
        veld_x509_make_ca(&new->session.env, &new->session.ca_key, period, &new->session.ca, err));
    const veld_x509_issuer issuer = {
        .key = &new->session.ca_key, .certificate = veld_buf_span(&new->session.ca)};
    VELD_TRY(srv_server_certificate(
        &new->session.env, &issuer, &new->tls.public_key, &new->server, err));

done:
    return status;
}

static veld_status make_statement(founding *new, const char *name, veld_error *err)
{
    srv_session *session = &new->session;
    veld_agency *agency = &session->agency;
    veld_signer root = veld_signer_p256(&new->root);
    veld_status status;
    *agency = (veld_agency){.id = *veld_store_device(session->store),
        .root_key = new->root.public_key,
        .merger_key = veld_store_signing_key(session->store)->public_key,
        .seal_key = veld_store_seal_key(session->store)->public_key,
        .relay_key = new->relay.public_key};
    if (strlen(name) >= sizeof agency->name)
        return veld_fail(err, VELD_E_INVALID, "de naam is te lang");
    memcpy(agency->name, name, strlen(name) + 1);
    VELD_TRY(veld_x509_key_hash(&session->ca_key.public_key, &agency->ca_hash, err));
    VELD_TRY(veld_agency_make(agency, &root, &session->statement, err));

done:
    return status;
}

static veld_status put_agency(srv_session *session, veld_error *err)
{
    veld_verifier verifier = veld_verifier_p256();
    veld_store *store = session->store;
    veld_status status;
    VELD_TRY(veld_agency_put(store, &verifier, veld_buf_span(&session->statement), err));
    VELD_TRY(veld_store_put_value(store, SRV_GROUP_AGENCY, veld_span_text("statement"),
        veld_buf_span(&session->statement), err));
    VELD_TRY(veld_store_put_value(
        store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA), veld_buf_span(&session->ca), err));
    VELD_TRY(veld_store_put_value(store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA_KEY),
        veld_secret_span(&session->ca_key.scalar), err));
    VELD_TRY(veld_directory_append(store, veld_buf_span(&session->statement), err));
    for (int i = 0; i < SRV_KEYS; i++)
        VELD_TRY(srv_key_note(session, (srv_key)i, 1, err));
    VELD_TRY(srv_user_add(session, SRV_OPERATOR, VELD_ROLE_TEAM_LEAD, (veld_span){0}, err));

done:
    return status;
}

static veld_status write_relay(const founding *new, const char *relay, veld_error *err)
{
    char journal[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_write_key(relay, "tls.key", &new->tls, err));
    VELD_TRY(srv_write_file(relay, "tls.der", veld_buf_span(&new->server), err));
    VELD_TRY(srv_write_file(relay, "ca.der", veld_buf_span(&new->session.ca), err));
    VELD_TRY(srv_write_key(relay, "receipt.key", &new->relay, err));
    VELD_TRY(srv_write_file(relay, "statement", veld_buf_span(&new->session.statement), err));
    VELD_TRY(srv_path(relay, "journal.db", journal, err));
    VELD_TRY(srv_journal_create(&new->session.env, journal, err));

done:
    return status;
}

static veld_status write_root(const founding *new, const char *root, veld_error *err)
{
    veld_status status;
    VELD_TRY(srv_write_key(root, "root.key", &new->root, err));
    VELD_TRY(srv_write_key(root, "recovery.key", &new->recovery, err));
    VELD_TRY(srv_write_file(root, "statement", veld_buf_span(&new->session.statement), err));

done:
    return status;
}

static void release(founding *new)
{
    srv_session_close(&new->session);
    veld_p256_release(&new->root);
    veld_p256_release(&new->recovery);
    veld_p256_release(&new->relay);
    veld_p256_release(&new->tls);
    veld_buf_release(&new->server);
    veld_release(new);
}

static veld_status build(veld_cli_call *call, const char *built, veld_id *agency)
{
    char root[SRV_PATH_BYTES_MAX], relay[SRV_PATH_BYTES_MAX], merger[SRV_PATH_BYTES_MAX];
    veld_error *err = &call->err;
    founding *new = veld_allocate(sizeof *new);
    veld_status status;
    if (new == NULL)
        return VELD_E_MEMORY;
    new->session.env = veld_host_env();
    veld_buf_init(&new->server, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&new->session.ca, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&new->session.statement, SRV_FILE_BYTES_MAX);
    VELD_TRY(veld_crypto_init(err));
    VELD_TRY(veld_history_init(err));
    VELD_TRY(srv_path(built, "root", root, err));
    VELD_TRY(srv_path(built, "relay", relay, err));
    VELD_TRY(srv_path(built, "merger", merger, err));
    VELD_TRY(make_folders(built, err));
    VELD_TRY(make_keys(new, err));
    VELD_TRY(make_certificates(new, err));
    VELD_TRY(
        srv_vault_create(merger, veld_cli_value(call, SRV_OPTION_KEYSTORE), &new->session, err));
    VELD_TRY(make_statement(new, veld_cli_value(call, SRV_OPTION_NAME), err));
    VELD_TRY(put_agency(&new->session, err));
    VELD_TRY(srv_certificate_note(&new->session, veld_buf_span(&new->server), err));
    VELD_TRY(write_root(new, root, err));
    VELD_TRY(write_relay(new, relay, err));
    VELD_TRY(srv_write_file(built, "lock", (veld_span){0}, err));
    *agency = new->session.agency.id;

done:
    release(new);
    return status;
}

static veld_status say_made(veld_cli_call *call, const veld_id *agency)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call,
            "De organisatie is klaar. Bewaar de map root op een andere plaats: daarin staan de\n"
            "wortelsleutel en de herstelsleutel, die de server niet nodig heeft.\n");
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "agency", agency);
    veld_cli_json_text(&writer, "name", veld_span_text(veld_cli_value(call, SRV_OPTION_NAME)));
    veld_cli_json_text(&writer, "operator", veld_span_text(SRV_OPERATOR));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status srv_verb_init(veld_cli_call *call)
{
    char built[SRV_PATH_BYTES_MAX];
    veld_id agency = {0};
    veld_status status;
    VELD_ASSERT(call->session == NULL);
    (void)snprintf(built, sizeof built, "%s.init", call->folder);
    VELD_TRY(check_free(call));
    remove_built(built);
    status = build(call, built, &agency);
    if (status == VELD_OK && rename(built, call->folder) != 0)
        status = fail_errno(&call->err, "de map kan niet op haar plaats gezet worden");
    if (status == VELD_OK)
        status = say_made(call, &agency);
    else
        remove_built(built);

done:
    return status;
}
