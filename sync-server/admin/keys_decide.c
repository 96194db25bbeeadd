/* All that a change of a key decides, in one transaction in the merger's store: the files of the
 * relay that follow from it are queued there and written afterwards. */
#include "keys_change.h"

#include <stdio.h>

#include "veldkit/host.h"

static veld_status queue_key(
    keys_change *c, const char *name, const veld_p256_private *key, veld_error *err)
{
    char text[2 * VELD_P256_PRIVATE_BYTES + 2];
    veld_hex_encode(veld_secret_span(&key->scalar), text, sizeof text);
    text[sizeof text - 2] = '\n';
    veld_status status = srv_file_queue(c->session, name, veld_span_of(text, sizeof text - 1), err);
    veld_wipe(text, sizeof text);
    return status;
}

static veld_status queue_row(
    keys_change *c, const char *name, const veld_buf *rows, size_t count, veld_error *err)
{
    char file[KEYS_FILE_BYTES_MAX];
    veld_status status = VELD_OK;
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        (void)snprintf(file, sizeof file, "%s-%zu.der", name, i + 1);
        status = srv_file_queue(c->session, file, veld_buf_span(&rows[i]), err);
    }
    return status;
}

static veld_status queue_certificates(keys_change *c, veld_error *err)
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

static veld_status keep_key(keys_change *c, veld_error *err)
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

static veld_status keep_statement(keys_change *c, veld_error *err)
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

veld_status keys_decide(keys_change *c, bool is_new, veld_error *err)
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
