/* Who the relay is for TLS, and its certificate renewed while it runs: the merger, which has the
 * CA's key, asks which certificate there is and brings another one for the same key. Connections
 * that are open keep the one they began with; tablets know the CA, not the certificate. */
#include <string.h>

#include "relay.h"
#include "veldkit/x509.h"

#define FILE_NAME "tls.der"

/* NAME-1.der, NAME-2.der, ...: CAs of before, or their bridges; as many as there are. */
static veld_status read_row(const char *folder, const char *name, veld_buf rows[VELD_TLS_CAS_MAX],
    veld_span spans[VELD_TLS_CAS_MAX], size_t *count, veld_error *err)
{
    char file[40];
    veld_status status = VELD_OK;
    while (*count < VELD_TLS_CAS_MAX) {
        (void)snprintf(file, sizeof file, "%s-%zu.der", name, *count + 1);
        veld_buf_init(&rows[*count], SRV_FILE_BYTES_MAX);
        status = srv_read_file(folder, file, &rows[*count], err);
        if (status != VELD_OK)
            return status == VELD_E_NOT_FOUND ? VELD_OK : status;
        spans[*count] = veld_buf_span(&rows[*count]);
        ++*count;
    }
    return status;
}

/* With what lies in the folder now. */
static veld_status make_identity(
    const relay_process *r, veld_span certificate, veld_tls_identity **out, veld_error *err)
{
    const char *folder = r->folder;
    veld_buf ca, before[VELD_TLS_CAS_MAX], bridges[VELD_TLS_CAS_MAX];
    veld_span others[VELD_TLS_CAS_MAX], shown[VELD_TLS_CAS_MAX];
    size_t others_count = 0, shown_count = 0;
    veld_status status;
    veld_buf_init(&ca, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_read_file(folder, "ca.der", &ca, err));
    VELD_TRY(read_row(folder, "ca", before, others, &others_count, err));
    VELD_TRY(read_row(folder, "bridge", bridges, shown, &shown_count, err));
    const veld_tls_settings settings = {.server = true,
        .ca = veld_buf_span(&ca),
        .certificate = certificate,
        .key = &r->tls_key,
        .others = others,
        .others_count = others_count,
        .bridges = shown,
        .bridges_count = shown_count};
    VELD_TRY(veld_tls_identity_new(&settings, out, err));

done:
    for (size_t i = 0; i < others_count; i++)
        veld_buf_release(&before[i]);
    for (size_t i = 0; i < shown_count; i++)
        veld_buf_release(&bridges[i]);
    veld_buf_release(&ca);
    return status;
}

veld_status relay_open_identity(relay_process *r, veld_error *err)
{
    veld_status status;
    veld_buf_init(&r->certificate, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_read_file(r->folder, FILE_NAME, &r->certificate, err));
    VELD_TRY(srv_read_key(r->folder, "tls.key", &r->tls_key, err));
    status = make_identity(r, veld_buf_span(&r->certificate), &r->identity, err);

done:
    return status;
}

/* By the CA that tablets know now, for our key. */
static veld_status check(const relay_process *r, veld_span certificate, veld_error *err)
{
    veld_x509_facts facts;
    veld_buf ca;
    veld_status status;
    veld_buf_init(&ca, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_read_file(r->folder, "ca.der", &ca, err));
    VELD_TRY(veld_x509_check(certificate, veld_buf_span(&ca), VELD_X509_SERVER, &facts, err));
    if (!veld_p256_public_equal(&facts.key, &r->tls_key.public_key))
        status = veld_fail(err, VELD_E_INVALID, "a certificate for another key");

done:
    veld_buf_release(&ca);
    return status;
}

veld_status relay_take_certificate(relay_process *r, veld_span certificate, veld_error *err)
{
    veld_tls_identity *fresh = NULL;
    veld_status status;
    veld_buf kept;
    veld_buf_init(&kept, SRV_FILE_BYTES_MAX);
    VELD_TRY(check(r, certificate, err));
    if (r->former_count == RELAY_IDENTITIES_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "renewed too often since the start");
        goto done;
    }
    VELD_TRY(veld_buf_append_span(&kept, certificate));
    VELD_TRY(make_identity(r, certificate, &fresh, err));
    VELD_TRY(srv_write_file(r->folder, FILE_NAME, certificate, err));
    r->former[r->former_count++] = r->identity;
    r->identity = fresh;
    fresh = NULL;
    srv_net_change_identity(r->net, r->identity);
    veld_buf_release(&r->certificate);
    r->certificate = kept;
    kept = (veld_buf){0};

done:
    veld_tls_identity_free(fresh);
    veld_buf_release(&kept);
    return status;
}
