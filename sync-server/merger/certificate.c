/* The server's certificate, renewed long before it ends. The merger has the CA's key and no folder
 * of the relay; the relay has the certificate and no key of the CA. So the merger asks which one
 * there is, over the local socket, and brings another for the same key. */
#include "../admin/keys.h"
#include "merger.h"

enum { ASK_MS_MAX = 2000 };

static veld_status ask(veld_host_link *link, const char *method, veld_span body, unsigned wanted,
    veld_buf *answer, veld_error *err)
{
    unsigned http_status = 0;
    const veld_host_request request = {.method = method,
        .path = "/v1/certificate",
        .body = body,
        .answer_bytes_max = SRV_FILE_BYTES_MAX,
        .timeout_ms = ASK_MS_MAX,
        .cancel_fd = -1};
    veld_status status = veld_host_link_request(link, &request, &http_status, answer, err);
    if (status == VELD_OK && http_status != wanted)
        status = veld_fail(err, VELD_E_NETWORK, "the relay answers %u", http_status);
    return status;
}

/* Not when the CA itself ends as soon: another certificate would end no later. */
static veld_status renew(
    srv_session *session, veld_host_link *link, const veld_x509_facts *before, veld_error *err)
{
    const veld_x509_issuer issuer = {
        .key = &session->ca_key, .certificate = veld_buf_span(&session->ca)};
    veld_x509_facts fresh;
    veld_buf made, answer = {0};
    veld_status status;
    veld_buf_init(&made, VELD_CERTIFICATE_BYTES_MAX);
    VELD_TRY(srv_server_certificate(&session->env, &issuer, &before->key, &made, err));
    VELD_TRY(veld_x509_read(veld_buf_span(&made), &fresh, err));
    if (fresh.period.not_after_utc_s <= before->period.not_after_utc_s)
        goto done;
    VELD_TRY(ask(link, "POST", veld_buf_span(&made), 204, &answer, err));
    status = srv_certificate_note(session, veld_buf_span(&made), err);

done:
    veld_buf_release(&made);
    veld_buf_release(&answer);
    return status;
}

veld_status srv_renew_certificate(srv_session *session, veld_host_link *link, veld_error *err)
{
    veld_x509_facts facts;
    veld_buf shown = {0};
    int64_t noted_utc_ms = 0;
    veld_status status;
    VELD_TRY(ask(link, "GET", (veld_span){0}, 200, &shown, err));
    VELD_TRY(veld_x509_read(veld_buf_span(&shown), &facts, err));
    const int64_t ends_utc_ms = facts.period.not_after_utc_s * 1000;
    if (srv_certificate_is_ending(session, ends_utc_ms)) {
        status = renew(session, link, &facts, err);
        goto done;
    }
    VELD_TRY(srv_certificate_ends(session, &noted_utc_ms, err));
    if (noted_utc_ms != ends_utc_ms) /* an agency of before this was noted, or a cut between */
        status = srv_certificate_note(session, veld_buf_span(&shown), err);

done:
    veld_buf_release(&shown);
    return status;
}
