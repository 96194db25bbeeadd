/* The way to the agency's server: what an enrolled vault keeps of it, the connection, and one
 * request at a time. Whatever goes wrong there is told as what the person at the tablet can do
 * about it, with the exit code that fits. */
#include <stdio.h>
#include <string.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/directory.h"

#define GROUP       "network"
#define ADDRESS     "address"
#define CARRIER_KEY "carrier-key"
#define CERTIFICATE "certificate"
#define CA          "ca"

enum { EXIT_NOT_ENROLLED = 6, EXIT_NETWORK = 7, REASON_BYTES_MAX = 100 };

/* ---- what is kept ---- */
veld_status fc_carrier_key(fc_session *session, veld_p256_private *out, veld_error *err)
{
    veld_buf scalar;
    veld_buf_init(&scalar, VELD_P256_PRIVATE_BYTES);
    veld_status status =
        veld_store_get_value(session->store, GROUP, veld_span_text(CARRIER_KEY), &scalar, err);
    if (status == VELD_OK) {
        status = veld_p256_import(veld_buf_span(&scalar), out, err);
    } else if (status == VELD_E_NOT_FOUND) {
        VELD_TRY(veld_p256_generate(&session->env, out, err));
        status = veld_store_put_value(session->store, GROUP, veld_span_text(CARRIER_KEY),
            veld_secret_span(&out->scalar), err);
        if (status != VELD_OK)
            veld_p256_release(out);
    }

done:
    veld_buf_wipe(&scalar);
    return status;
}

veld_status fc_server_put(fc_session *session, const fc_server *server, veld_error *err)
{
    veld_store *store = session->store;
    veld_status status;
    VELD_ASSERT(!veld_store_in_transaction(store));
    VELD_TRY(veld_store_begin(store, err));
    VELD_TRY(veld_store_put_value(
        store, GROUP, veld_span_text(ADDRESS), veld_span_text(server->address), err));
    VELD_TRY(
        veld_store_put_value(store, GROUP, veld_span_text(CERTIFICATE), server->certificate, err));
    VELD_TRY(veld_store_put_value(store, GROUP, veld_span_text(CA), server->ca, err));
    VELD_TRY(veld_store_commit(store, err));

done:
    if (status != VELD_OK)
        veld_store_rollback(store);
    return status;
}

veld_status fc_server_address(fc_session *session, veld_buf *out, veld_error *err)
{
    veld_agency agency;
    veld_status status = veld_agency_get(session->store, &session->desk.verifier, &agency, err);
    if (status == VELD_OK)
        status = veld_store_get_value(session->store, GROUP, veld_span_text(ADDRESS), out, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static bool is_listed_ca(const veld_agency *agency, veld_span ca)
{
    veld_x509_facts facts;
    if (veld_x509_read(ca, &facts, NULL) != VELD_OK)
        return false;
    for (size_t i = 0; i < agency->former_count; i++)
        if (agency->former[i].kind == VELD_AGENCY_CA &&
            veld_hash_equal(&agency->former[i].ca_hash, &facts.key_hash))
            return true;
    return false;
}

/* The CA that came with the certificate was replaced, as the agency's statement says: servers are
 * of the new one from now on, until our certificate is too. */
static veld_status take_new_ca(fc_session *session, fc_way *way, veld_error *err)
{
    veld_agency agency;
    veld_status status = veld_agency_get(session->store, &session->desk.verifier, &agency, err);
    if (status != VELD_OK)
        return status == VELD_E_NOT_FOUND ? VELD_OK : status;
    const veld_span now = veld_span_of(agency.ca, agency.ca_len);
    if (now.len == 0 || veld_span_equal(now, veld_buf_span(&way->ca)))
        return VELD_OK;
    veld_buf_release(&way->own_ca);
    way->own_ca = way->ca;
    way->trusts_own_ca = is_listed_ca(&agency, veld_buf_span(&way->own_ca));
    veld_buf_init(&way->ca, VELD_CERTIFICATE_BYTES_MAX);
    return veld_buf_append_span(&way->ca, now);
}

veld_status fc_way_load(fc_session *session, fc_way *out, veld_error *err)
{
    veld_store *store = session->store;
    veld_status status;
    veld_buf_init(&out->address, VELD_ENROL_ADDRESS_BYTES_MAX + 1);
    veld_buf_init(&out->certificate, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&out->ca, VELD_CERTIFICATE_BYTES_MAX);
    veld_buf_init(&out->own_ca, VELD_CERTIFICATE_BYTES_MAX);
    VELD_TRY(veld_store_get_value(store, GROUP, veld_span_text(ADDRESS), &out->address, err));
    VELD_TRY(
        veld_store_get_value(store, GROUP, veld_span_text(CERTIFICATE), &out->certificate, err));
    VELD_TRY(veld_store_get_value(store, GROUP, veld_span_text(CA), &out->ca, err));
    VELD_TRY(take_new_ca(session, out, err));
    status = fc_carrier_key(session, &out->key, err);

done:
    return status;
}

void fc_way_release(fc_way *way)
{
    veld_p256_release(&way->key);
    veld_buf_release(&way->address);
    veld_buf_release(&way->certificate);
    veld_buf_release(&way->ca);
    veld_buf_release(&way->own_ca);
}

veld_tls_settings fc_way_tls(const fc_way *way, veld_span *other)
{
    *other = veld_buf_span(&way->own_ca);
    return (veld_tls_settings){.ca = veld_buf_span(&way->ca),
        .certificate = veld_buf_span(&way->certificate),
        .key = &way->key,
        .own_ca = *other,
        .others = other,
        .others_count = way->trusts_own_ca ? 1 : 0};
}

/* ---- the connection ---- */
/* The name in the server's certificate is not asked for: the agency's own CA signs relays and
 * devices only, and what a tablet reaches it by may be a name that the office never heard of. */
static veld_status open_link(
    veld_cli_call *call, const char *address, const veld_tls_settings *settings, fc_network *out)
{
    veld_status status;
    VELD_ASSERT(out->link == NULL && !out->stop.is_open);
    VELD_TRY(fc_stop_open(call, &out->stop));
    VELD_TRY(veld_tls_identity_new(settings, &out->identity, &call->err));
    const veld_host_link_settings link = {.env = &call->session->env,
        .address = address,
        .identity = out->identity,
        .any_name = true};
    VELD_TRY(veld_host_link_new(&link, &out->link, &call->err));

done:
    return status;
}

veld_status fc_network_open(veld_cli_call *call, fc_network *out)
{
    fc_session *session = call->session;
    veld_agency agency;
    fc_way way = {0};
    veld_span other;
    const char *text = NULL;
    veld_status status;
    status = veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err);
    if (status == VELD_E_NOT_FOUND) {
        call->exit_code = EXIT_NOT_ENROLLED;
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "deze kluis hoort nog bij geen organisatie; meld haar aan met veldkit enrol CODE");
    }
    VELD_TRY(status);
    VELD_TRY(fc_way_load(session, &way, &call->err));
    VELD_TRY(veld_buf_text(&way.address, &text));
    const veld_tls_settings settings = fc_way_tls(&way, &other);
    VELD_TRY(open_link(call, text, &settings, out));

done:
    fc_way_release(&way);
    return status;
}

veld_status fc_network_open_pinned(
    veld_cli_call *call, const char *address, veld_span pin, fc_network *out)
{
    const veld_tls_settings settings = {.pin = pin};
    return open_link(call, address, &settings, out);
}

void fc_network_close(fc_network *network)
{
    veld_host_link_free(network->link);
    veld_tls_identity_free(network->identity);
    fc_stop_close(&network->stop);
    *network = (fc_network){0};
}

/* ---- one request ---- */
typedef struct failure_row {
    veld_tls_reason reason;
    int exit_code;
    const char *text;
} failure_row;

static const failure_row failure_rows[] = {
    {VELD_TLS_OTHER_AGENCY, 8, "op dit adres antwoordt een server van een andere organisatie"},
    {VELD_TLS_BAD_PEER, 8, "het certificaat van de server klopt niet"},
    {VELD_TLS_REFUSED, EXIT_NOT_ENROLLED, "de server weigert het certificaat van dit apparaat"},
    {VELD_TLS_NOT_VELDKIT, EXIT_NETWORK, "op dit adres antwoordt geen server van Veldkit"},
};

static veld_status explain_failure(
    veld_cli_call *call, const fc_network *network, veld_status status)
{
    veld_tls_reason reason = veld_host_link_reason(network->link);
    char why[REASON_BYTES_MAX + 1];
    for (size_t i = 0; i < sizeof failure_rows / sizeof failure_rows[0]; i++)
        if (failure_rows[i].reason == reason) {
            call->exit_code = failure_rows[i].exit_code;
            return veld_fail(&call->err, status, "%s", failure_rows[i].text);
        }
    (void)snprintf(why, sizeof why, "%.*s", REASON_BYTES_MAX, call->err.text);
    if (status == VELD_E_NETWORK || status == VELD_E_TIMEOUT)
        return veld_fail(&call->err, status, "geen verbinding met de server: %s", why);
    if (status == VELD_E_INTERRUPTED)
        return veld_fail(
            &call->err, status, "wat nog niet klaar was, gaat de volgende keer verder");
    return status;
}

/* A problem of RFC 9457: its detail is the server's own word. */
static veld_status explain_problem(veld_cli_call *call, unsigned http_status, veld_span body)
{
    veld_json_doc *doc = NULL;
    veld_span detail = {0};
    veld_status status = http_status >= 500 ? VELD_E_NETWORK : VELD_E_FORM;
    const char *what = http_status >= 500 ? "de server kan dit nu niet" : "de server weigert dit";
    if (http_status == 403)
        status = VELD_E_NOT_ALLOWED;
    if (http_status == 404)
        status = VELD_E_NOT_FOUND;
    if (http_status == 413)
        status = VELD_E_LIMIT;
    if (http_status == 426)
        status = VELD_E_NEWER;
    if (status == VELD_E_FORM || status == VELD_E_LIMIT)
        call->exit_code = 1;
    if (veld_json_parse(body, VELD_JSON_STRICT, &doc, NULL, NULL) == VELD_OK)
        (void)veld_json_text(veld_json_get(veld_json_root(doc), "detail"), &detail);
    if (detail.len > REASON_BYTES_MAX)
        detail.len = REASON_BYTES_MAX;
    status = veld_fail(&call->err, status, "%s (%u%s%.*s)", what, http_status,
        detail.len > 0 ? ": " : "", (int)detail.len, (const char *)detail.data);
    veld_json_doc_free(doc);
    return status;
}

veld_status fc_network_ask(veld_cli_call *call, fc_network *network, const fc_question *question,
    unsigned *http_status, veld_buf *answer)
{
    const veld_host_request request = {.method = "POST",
        .path = question->path,
        .body = question->body,
        .answer_bytes_max = question->answer_bytes_max,
        .timeout_ms = question->timeout_ms,
        .cancel_fd = network->stop.any};
    call->exit_code = 0;
    call->err = (veld_error){0};
    veld_buf_init(answer, question->answer_bytes_max);
    veld_status status =
        veld_host_link_request(network->link, &request, http_status, answer, &call->err);
    if (status != VELD_OK)
        return explain_failure(call, network, status);
    if (*http_status < 300)
        return VELD_OK;
    status = explain_problem(call, *http_status, veld_buf_span(answer));
    veld_buf_release(answer);
    return status;
}
