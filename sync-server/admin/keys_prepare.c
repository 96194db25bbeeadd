/* What a change of a key is to bring: the new key, the certificates that follow from it, and what
 * the statement says from now on. Nothing of it is kept yet. */
#include "keys_change.h"

#include <stdio.h>
#include <string.h>

/* ---- what is there ---- */

/* NAME-1.der, NAME-2.der, ... of the relay's folder, behind the new one in `out`. */
static veld_status read_row(keys_change *c, const char *name, veld_buf out[KEYS_CERTIFICATES_MAX],
    size_t *count, veld_error *err)
{
    char relay[SRV_PATH_BYTES_MAX], file[KEYS_FILE_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(c->session->dir, "relay", relay, err));
    while (*count < KEYS_CERTIFICATES_MAX) {
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

static veld_status read_tls_key(keys_change *c, veld_p256_private *out, veld_error *err)
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
void keys_drop_former(veld_agency *agency, veld_agency_key kind, size_t keep)
{
    size_t kept = 0, seen = 0;
    for (size_t i = 0; i < agency->former_count; i++)
        if (agency->former[i].kind != kind || seen++ < keep)
            agency->former[kept++] = agency->former[i];
    agency->former_count = kept;
}

static veld_status add_former(keys_change *c, const veld_agency_former *former, veld_error *err)
{
    veld_agency *agency = &c->agency;
    if (c->is_lost) {
        keys_drop_former(agency, former->kind, 0);
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

veld_status keys_sign_statement(keys_change *c, const veld_p256_private *root, veld_error *err)
{
    const veld_signer signer = veld_signer_p256(root);
    c->agency.edition++;
    if (c->agency.ca_len == 0 && c->session->ca.len <= sizeof c->agency.ca) {
        memcpy(c->agency.ca, c->session->ca.data, c->session->ca.len);
        c->agency.ca_len = c->session->ca.len;
    }
    return veld_agency_make(&c->agency, &signer, &c->statement, err);
}

static veld_status prepare_relay(keys_change *c, veld_error *err)
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
static veld_status check_ca(keys_change *c, veld_error *err)
{
    srv_key_facts facts;
    veld_status status = srv_key_facts_get(c->session, SRV_KEY_CA, &facts, err);
    if (status == VELD_OK && facts.is_fixed)
        status = veld_fail(err, VELD_E_UNSUPPORTED,
            "relay/ca.der mag geen opvolger ondertekenen (te oud); er is niets veranderd. "
            "Een nieuwe organisatie (init), waar de tablets zich weer aanmelden, kan dat wel");
    return status;
}

static veld_status prepare_ca(keys_change *c, veld_error *err)
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
static veld_status prepare_admin(keys_change *c, veld_error *err)
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

veld_status keys_prepare(keys_change *c, const veld_p256_private *root, veld_error *err)
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
    status = keys_sign_statement(c, root, err);

done:
    return status;
}
