/* keys change and keys end: another key of the agency, and the end of those of before. The server
 * is stopped meanwhile and the root key is at hand. All that is decided is one transaction in the
 * merger's store; what follows from it is done afterwards, and again when it was cut. */
#include "keys.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "root.h"
#include "veldkit/host.h"

enum { CERTIFICATES_MAX = VELD_TLS_CAS_MAX + 1, NAME_BYTES_MAX = 40 };

/* What a change is to bring, before it is decided. */
typedef struct change {
    veld_cli_call *call;
    srv_session *session;
    srv_key key;
    bool is_lost; /* the old one counts for nothing from now on */
    veld_agency agency;
    veld_buf statement;
    veld_p256_private fresh, tls; /* the new key; of a relay also that for TLS */
    veld_buf ca, server;          /* new certificates */
    veld_buf before[CERTIFICATES_MAX], bridges[CERTIFICATES_MAX]; /* of CAs, the newest first */
    size_t before_count, bridges_count;
} change;

/* ---- what is there ---- */
/* NAME-1.der, NAME-2.der, ... of the relay's folder, behind the new one in `out`. */
static veld_status read_row(
    change *c, const char *name, veld_buf out[CERTIFICATES_MAX], size_t *count, veld_error *err)
{
    char relay[SRV_PATH_BYTES_MAX], file[NAME_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(c->session->dir, "relay", relay, err));
    while (*count < CERTIFICATES_MAX) {
        (void)snprintf(file, sizeof file, "%s-%zu.der", name, *count);
        veld_buf_init(&out[*count], VELD_CERTIFICATE_BYTES_MAX);
        status = srv_read_file(relay, file, &out[*count], NULL);
        if (status == VELD_E_NOT_FOUND)
            return VELD_OK;
        if (status != VELD_OK)
            return veld_fail(err, status, "bestand kan niet gelezen worden: %s", file);
        ++*count;
    }
    status = veld_fail(err, VELD_E_LIMIT, "er zijn te veel uitgevers van vroeger");

done:
    return status;
}

static veld_status read_tls_key(change *c, veld_p256_private *out, veld_error *err)
{
    char relay[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(c->session->dir, "relay", relay, err));
    status = srv_read_key(relay, "tls.key", out, err);

done:
    return status;
}

/* ---- what the statement says from now on ---- */
/* Without those of `kind` from `keep` on. */
static void drop_former(veld_agency *agency, veld_agency_key kind, size_t keep)
{
    size_t kept = 0, seen = 0;
    for (size_t i = 0; i < agency->former_count; i++)
        if (agency->former[i].kind != kind || seen++ < keep)
            agency->former[kept++] = agency->former[i];
    agency->former_count = kept;
}

static veld_status add_former(change *c, const veld_agency_former *former, veld_error *err)
{
    veld_agency *agency = &c->agency;
    if (c->is_lost) {
        drop_former(agency, former->kind, 0);
        return VELD_OK;
    }
    if (agency->former_count == VELD_AGENCY_FORMER_MAX)
        return veld_fail(err, VELD_E_LIMIT,
            "er gelden te veel sleutels van vroeger; beëindig die eerst met keys end");
    memmove(agency->former + 1, agency->former, agency->former_count * sizeof *agency->former);
    agency->former[0] = *former;
    agency->former_count++;
    return VELD_OK;
}

static veld_status sign(change *c, const veld_p256_private *root, veld_error *err)
{
    const veld_signer signer = veld_signer_p256(root);
    c->agency.edition++;
    if (c->agency.ca_len == 0 && c->session->ca.len <= sizeof c->agency.ca) {
        memcpy(c->agency.ca, c->session->ca.data, c->session->ca.len);
        c->agency.ca_len = c->session->ca.len;
    }
    return veld_agency_make(&c->agency, &signer, &c->statement, err);
}

static veld_status prepare_relay(change *c, veld_error *err)
{
    const veld_env *env = &c->session->env;
    const veld_agency_former former = {.kind = VELD_AGENCY_RELAY, .key = c->agency.relay_key};
    const veld_x509_issuer issuer = {
        .key = &c->session->ca_key, .certificate = veld_buf_span(&c->session->ca)};
    veld_status status;
    VELD_TRY(add_former(c, &former, err));
    c->agency.relay_key = c->fresh.public_key;
    VELD_TRY(veld_p256_generate(env, &c->tls, err));
    status = srv_server_certificate(env, &issuer, &c->tls.public_key, &c->server, err);

done:
    return status;
}

/* Who knows that CA only would not come to one after it. */
static veld_status check_ca(change *c, veld_error *err)
{
    srv_key_facts facts;
    veld_status status = srv_key_facts_get(c->session, SRV_KEY_CA, &facts, err);
    if (status == VELD_OK && facts.is_fixed)
        status = veld_fail(err, VELD_E_UNSUPPORTED,
            "relay/ca.der mag geen opvolger ondertekenen (te oud); er is niets veranderd. "
            "Een nieuwe organisatie (init), waar de tablets zich weer aanmelden, kan dat wel");
    return status;
}

static veld_status prepare_ca(change *c, veld_error *err)
{
    const veld_env *env = &c->session->env;
    const veld_agency_former former = {.kind = VELD_AGENCY_CA, .ca_hash = c->agency.ca_hash};
    const veld_x509_issuer before = {
        .key = &c->session->ca_key, .certificate = veld_buf_span(&c->session->ca)};
    const veld_x509_period period = srv_certificate_period(env);
    veld_status status;
    VELD_TRY(check_ca(c, err));
    VELD_TRY(add_former(c, &former, err));
    VELD_TRY(veld_x509_make_ca(env, &c->fresh, period, &c->ca, err));
    veld_buf_init(&c->before[0], VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&c->bridges[0], VELD_CERTIFICATE_BYTES_MAX);
    c->before_count = c->bridges_count = 1;
    VELD_TRY(veld_buf_append_span(&c->before[0], before.certificate));
    VELD_TRY(
        veld_x509_issue_bridge(env, &before, &c->fresh.public_key, period, &c->bridges[0], err));
    VELD_TRY(read_row(c, "ca", c->before, &c->before_count, err));
    VELD_TRY(read_row(c, "bridge", c->bridges, &c->bridges_count, err));
    const veld_x509_issuer issuer = {.key = &c->fresh, .certificate = veld_buf_span(&c->ca)};
    VELD_TRY(read_tls_key(c, &c->tls, err));
    VELD_TRY(srv_server_certificate(env, &issuer, &c->tls.public_key, &c->server, err));
    VELD_TRY(veld_x509_key_hash(&c->fresh.public_key, &c->agency.ca_hash, err));
    if (c->ca.len > sizeof c->agency.ca) {
        status = veld_fail(err, VELD_E_LIMIT, "the certificate of the CA is too long");
        goto done;
    }
    memcpy(c->agency.ca, c->ca.data, c->ca.len);
    c->agency.ca_len = c->ca.len;

done:
    return status;
}

/* Grants, orders and entries by the old key count up to the last that is here. */
static veld_status prepare_admin(change *c, veld_error *err)
{
    veld_agency_former former = {.kind = VELD_AGENCY_MERGER, .key = c->agency.merger_key};
    veld_status status;
    if (c->is_lost)
        VELD_TRY(veld_fail(err, VELD_E_UNSUPPORTED,
            "wat met deze sleutel is ondertekend blijft nodig; wissel zonder --lost"));
    VELD_TRY(veld_sync_last_serial(c->session->sync, &former.serial, err));
    VELD_TRY(veld_directory_next(c->session->store, &former.position, err));
    former.position--;
    VELD_TRY(add_former(c, &former, err));
    c->agency.merger_key = c->fresh.public_key;

done:
    return status;
}

static veld_status prepare(change *c, const veld_p256_private *root, veld_error *err)
{
    veld_status status;
    VELD_TRY(veld_p256_generate(&c->session->env, &c->fresh, err));
    if (c->key == SRV_KEY_SEAL)
        c->agency.seal_key = c->fresh.public_key;
    if (c->key == SRV_KEY_RELAY)
        VELD_TRY(prepare_relay(c, err));
    if (c->key == SRV_KEY_CA)
        VELD_TRY(prepare_ca(c, err));
    if (c->key == SRV_KEY_ADMIN)
        VELD_TRY(prepare_admin(c, err));
    status = sign(c, root, err);

done:
    return status;
}

/* ---- the transaction ---- */
static veld_status queue_key(
    change *c, const char *name, const veld_p256_private *key, veld_error *err)
{
    char text[2 * VELD_P256_PRIVATE_BYTES + 2];
    veld_hex_encode(veld_secret_span(&key->scalar), text, sizeof text);
    text[sizeof text - 2] = '\n';
    veld_status status = srv_file_queue(c->session, name, veld_span_of(text, sizeof text - 1), err);
    veld_wipe(text, sizeof text);
    return status;
}

static veld_status queue_row(
    change *c, const char *name, const veld_buf *rows, size_t count, veld_error *err)
{
    char file[NAME_BYTES_MAX];
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        (void)snprintf(file, sizeof file, "%s-%zu.der", name, i + 1);
        status = srv_file_queue(c->session, file, veld_buf_span(&rows[i]), err);
    }
    return status;
}

static veld_status queue_certificates(change *c, veld_error *err)
{
    veld_status status = VELD_OK;
    if (c->server.len > 0) {
        VELD_TRY(srv_file_queue(c->session, "tls.der", veld_buf_span(&c->server), err));
        VELD_TRY(srv_certificate_note(c->session, veld_buf_span(&c->server), err));
    }
    if (c->ca.len > 0)
        VELD_TRY(srv_file_queue(c->session, "ca.der", veld_buf_span(&c->ca), err));
    VELD_TRY(queue_row(c, "ca", c->before, c->before_count, err));
    status = queue_row(c, "bridge", c->bridges, c->bridges_count, err);

done:
    return status;
}

static veld_status keep_key(change *c, veld_error *err)
{
    veld_store *store = c->session->store;
    veld_status status = VELD_OK;
    switch (c->key) {
    case SRV_KEY_SEAL:
        VELD_TRY(veld_store_change_seal_key(store, &c->fresh, err));
        status = veld_sync_rewrap_begin(c->session->sync, err);
        break;
    case SRV_KEY_RELAY:
        VELD_TRY(queue_key(c, "receipt.key", &c->fresh, err));
        status = queue_key(c, "tls.key", &c->tls, err);
        break;
    case SRV_KEY_CA:
        VELD_TRY(veld_store_put_value(
            store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA), veld_buf_span(&c->ca), err));
        status = veld_store_put_value(store, SRV_GROUP_AGENCY, veld_span_text(SRV_AGENCY_CA_KEY),
            veld_secret_span(&c->fresh.scalar), err);
        break;
    case SRV_KEY_ADMIN:
        status = veld_store_change_signing_key(store, &c->fresh, err);
        break;
    case SRV_KEYS:
        break;
    }

done:
    return status;
}

static veld_status keep_statement(change *c, veld_error *err)
{
    const veld_verifier verifier = veld_verifier_p256();
    const veld_span statement = veld_buf_span(&c->statement);
    veld_status status;
    VELD_TRY(veld_agency_put(c->session->store, &verifier, statement, err));
    VELD_TRY(veld_sync_post_entry(c->session->sync, &c->agency.id, statement, err));
    status = srv_file_queue(c->session, "statement", statement, err);

done:
    return status;
}

static veld_status decide(change *c, bool is_new, veld_error *err)
{
    veld_store *store = c->session->store;
    veld_status status = veld_store_begin(store, err);
    if (status != VELD_OK)
        return status;
    status = keep_statement(c, err);
    if (status == VELD_OK && is_new)
        status = keep_key(c, err);
    if (status == VELD_OK)
        status = queue_certificates(c, err);
    if (status == VELD_OK && is_new)
        status = srv_key_note(c->session, c->key, c->agency.edition, err);
    return veld_store_end(store, status, err);
}

/* ---- the verbs ---- */
static void release(change *c)
{
    for (size_t i = 0; i < CERTIFICATES_MAX; i++) {
        veld_buf_release(&c->before[i]);
        veld_buf_release(&c->bridges[i]);
    }
    veld_p256_release(&c->fresh);
    veld_p256_release(&c->tls);
    veld_buf_release(&c->ca);
    veld_buf_release(&c->server);
    veld_buf_release(&c->statement);
    veld_release(c);
}

static veld_status begin(veld_cli_call *call, srv_session *session, change **out)
{
    change *c = veld_allocate(sizeof *c);
    if (c == NULL)
        return VELD_E_MEMORY;
    c->call = call;
    c->session = session;
    c->agency = session->agency;
    c->is_lost = veld_cli_given(call, SRV_OPTION_LOST);
    veld_buf_init(&c->statement, VELD_DIRECTORY_BYTES_MAX);
    veld_buf_init(&c->ca, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&c->server, VELD_CERTIFICATE_BYTES_MAX);
    *out = c;
    return VELD_OK;
}

static veld_status say(veld_cli_call *call, const srv_session *session, size_t wrapped)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON))
        return veld_cli_say(call,
            "Klaar; opnieuw verzegeld: %zu zaken. Start de server weer, en maak een reservekopie:\n"
            "oudere kopieën kennen de nieuwe sleutel niet. Tablets nemen hem over bij hun "
            "volgende\n"
            "contact; keys list zegt hoeveel dat nog moeten doen.\n",
            wrapped);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "edition", session->agency.edition);
    veld_cli_json_count(&writer, "wrapped", wrapped);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

/* With the keys as they are now: what is opened again knows them. */
static veld_status finish(veld_cli_call *call, srv_session *session)
{
    size_t wrapped = 0;
    veld_status status;
    srv_session_close(session);
    VELD_TRY(srv_session_open(call->folder, NULL, session, &call->err));
    VELD_TRY(srv_change_finish(session, &wrapped, &call->err));
    VELD_TRY(srv_changing_end(call->folder, &call->err));
    status = say(call, session, wrapped);

done:
    return status;
}

typedef veld_status (*change_work)(veld_cli_call *call, srv_session *session);

/* Nobody else has the folder, and the store is opened here. */
static veld_status alone(veld_cli_call *call, change_work work)
{
    srv_session *session = veld_allocate(sizeof *session);
    int lock = -1;
    veld_status status;
    if (session == NULL)
        return VELD_E_MEMORY;
    status = srv_lock(call->folder, &lock, &call->err);
    if (status == VELD_E_BUSY)
        status = veld_fail(&call->err, VELD_E_BUSY,
            "de server draait; stop hem eerst, want sleutels wisselen kan niet ondertussen");
    VELD_TRY(status);
    VELD_TRY(srv_session_open(call->folder, NULL, session, &call->err));
    status = work(call, session);

done:
    srv_session_close(session);
    veld_release(session);
    if (lock >= 0)
        close(lock);
    return status;
}

static veld_status work_change(veld_cli_call *call, srv_session *session)
{
    veld_p256_private root = {0};
    change *c = NULL;
    veld_status status;
    VELD_TRY(srv_changing_refuse(call->folder, &call->err));
    VELD_TRY(begin(call, session, &c));
    VELD_TRY(srv_key_find(call->arguments[0], &c->key, &call->err));
    VELD_TRY(srv_root_open(call, &root));
    VELD_TRY(prepare(c, &root, &call->err));
    VELD_TRY(srv_changing_begin(call->folder, &call->err));
    status = decide(c, true, &call->err);
    if (status == VELD_OK)
        status = finish(call, session);

done:
    veld_p256_release(&root);
    if (c != NULL)
        release(c);
    return status;
}

/* Nothing to end is fine: it may have been cut before it began. */
static veld_status work_resume(veld_cli_call *call, srv_session *session)
{
    return finish(call, session);
}

veld_status srv_verb_keys_change(veld_cli_call *call)
{
    bool resume = veld_cli_given(call, SRV_OPTION_RESUME);
    if (resume != (call->arguments_count == 0))
        return veld_fail(&call->err, VELD_E_INVALID,
            "noem een sleutel (seal, relay, ca of admin), of --resume zonder sleutel");
    return alone(call, resume ? work_resume : work_change);
}

/* ---- keys end ---- */
static veld_status check_end(veld_cli_call *call, srv_session *session, srv_key key)
{
    srv_key_facts facts;
    veld_status status = srv_key_facts_get(session, key, &facts, &call->err);
    if (status == VELD_OK && facts.former == 0)
        status =
            veld_fail(&call->err, VELD_E_NOT_FOUND, "van deze sleutel is er geen van vroeger meer");
    if (status == VELD_OK && facts.waiting > 0)
        status = veld_fail(&call->err, VELD_E_STALE,
            "%zu tablet%s nog niet overgestapt op de nieuwe sleutel; wacht, of trek wie wegblijft "
            "in met device revoke",
            facts.waiting, facts.waiting == 1 ? " is" : "s zijn");
    return status;
}

static veld_status end_seal(srv_session *session, veld_error *err)
{
    veld_status status = veld_store_begin(session->store, err);
    if (status != VELD_OK)
        return status;
    status = veld_store_forget_seal_keys(session->store, err);
    return veld_store_end(session->store, status, err);
}

static veld_status end_listed(change *c, veld_error *err)
{
    static const veld_agency_key kinds[SRV_KEYS] = {
        [SRV_KEY_RELAY] = VELD_AGENCY_RELAY, [SRV_KEY_CA] = VELD_AGENCY_CA};
    veld_p256_private root = {0};
    veld_status status;
    VELD_TRY(srv_root_open(c->call, &root));
    drop_former(&c->agency, kinds[c->key], 0);
    VELD_TRY(sign(c, &root, err));
    VELD_TRY(srv_changing_begin(c->call->folder, err));
    status = decide(c, false, err);

done:
    veld_p256_release(&root);
    return status;
}

static veld_status work_end(veld_cli_call *call, srv_session *session)
{
    change *c = NULL;
    veld_status status;
    VELD_TRY(srv_changing_refuse(call->folder, &call->err));
    VELD_TRY(begin(call, session, &c));
    VELD_TRY(srv_key_find(call->arguments[0], &c->key, &call->err));
    if (c->key == SRV_KEY_ADMIN)
        VELD_TRY(veld_fail(&call->err, VELD_E_UNSUPPORTED,
            "wat de vorige beheersleutel ondertekende blijft geldig, dus zij blijft bekend"));
    VELD_TRY(check_end(call, session, c->key));
    status = c->key == SRV_KEY_SEAL ? end_seal(session, &call->err) : end_listed(c, &call->err);
    if (status == VELD_OK)
        status = finish(call, session);

done:
    if (c != NULL)
        release(c);
    return status;
}

veld_status srv_verb_keys_end(veld_cli_call *call)
{
    return alone(call, work_end);
}
