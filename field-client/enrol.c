/* enrol: a device becomes one of an agency's, by a code that the office gave. Everything that must
 * be the same when it is asked again (the TLS key, the request) is on the disk before it is sent,
 * so a line that was cut anywhere costs nothing but typing the command once more. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/directory.h"
#include "veldkit/enrol.h"
#include "veldkit/x509.h"

#define GROUP   "enrol"
#define REQUEST "request" /* invitation, then the bytes that were sent */

enum {
    EXIT_NOT_ENROLLED = 6,
    ASK_MS_MAX = 45000, /* the server holds its answer back while a person has to approve */
    ATTEMPTS_MAX = 3,
    PAUSE_MS = 500
};

/* One enrolment under way. */
typedef struct enrolment {
    veld_cli_call *call;
    veld_enrol_code code;
    veld_p256_private carrier;
    veld_buf request;
    char check[VELD_ENROL_CHECK_SIZE];
    veld_buf answer;
    fc_network network;
} enrolment;

/* ---- the request ---- */
/* `*found` when a request was made for this code before. */
static veld_status load_request(enrolment *e, bool *found)
{
    veld_enrol_invitation invitation;
    veld_buf kept;
    veld_error *err = &e->call->err;
    veld_status status;
    *found = false;
    veld_buf_init(&kept, sizeof invitation.bytes + VELD_ENROL_REQUEST_BYTES_MAX);
    VELD_TRY(veld_enrol_code_invitation(&e->code, &invitation, err));
    status =
        veld_store_get_value(e->call->session->store, GROUP, veld_span_text(REQUEST), &kept, err);
    if (status == VELD_E_NOT_FOUND) {
        status = VELD_OK;
        goto done;
    }
    VELD_TRY(status);
    *found = kept.len > sizeof invitation.bytes &&
             memcmp(kept.data, invitation.bytes, sizeof invitation.bytes) == 0;
    if (*found)
        VELD_TRY(veld_buf_append(
            &e->request, kept.data + sizeof invitation.bytes, kept.len - sizeof invitation.bytes));

done:
    veld_buf_release(&kept);
    return status;
}

static veld_status make_request(enrolment *e)
{
    fc_session *session = e->call->session;
    veld_enrol_invitation invitation;
    veld_buf kept;
    veld_error *err = &e->call->err;
    veld_status status;
    veld_buf_init(&kept, sizeof invitation.bytes + VELD_ENROL_REQUEST_BYTES_MAX);
    VELD_TRY(veld_enrol_code_invitation(&e->code, &invitation, err));
    VELD_TRY(veld_enrol_request(
        &e->code, &session->desk, session->worker, &e->carrier.public_key, &e->request, err));
    VELD_TRY(veld_buf_append(&kept, invitation.bytes, sizeof invitation.bytes));
    VELD_TRY(veld_buf_append_span(&kept, veld_buf_span(&e->request)));
    VELD_TRY(veld_store_put_value(
        session->store, GROUP, veld_span_text(REQUEST), veld_buf_span(&kept), err));

done:
    veld_buf_release(&kept);
    return status;
}

/* ---- asking ---- */
static bool is_passing(veld_status status)
{
    return status == VELD_E_NETWORK || status == VELD_E_TIMEOUT;
}

/* Until the office answers or the code is too old. */
static veld_status ask(enrolment *e)
{
    veld_cli_call *call = e->call;
    const veld_env *env = &call->session->env;
    const int64_t until_ms = veld_env_now(env).monotonic_ms + VELD_ENROL_CODE_MS;
    const fc_question question = {.path = "/v1/enrol",
        .body = veld_buf_span(&e->request),
        .answer_bytes_max = VELD_ENROL_ANSWER_BYTES_MAX,
        .timeout_ms = ASK_MS_MAX};
    unsigned failures = 0;
    /* Said before: an office that wants to compare it first answers only afterwards. */
    veld_cli_note(call,
        "Controlecode: %s. Ziet het kantoor een andere code, laat dit apparaat dan niet toe.\n",
        e->check);
    while (veld_env_now(env).monotonic_ms < until_ms) {
        unsigned http_status = 0;
        veld_status status = fc_network_ask(call, &e->network, &question, &http_status, &e->answer);
        if (status == VELD_OK && http_status == 200)
            return VELD_OK;
        veld_buf_release(&e->answer);
        if (status != VELD_OK && (!is_passing(status) || ++failures == ATTEMPTS_MAX))
            return status;
        if (status == VELD_OK)
            failures = 0;
        status = fc_stop_pause(&e->network.stop, PAUSE_MS, &call->err);
        if (status != VELD_OK)
            return status;
    }
    return veld_fail(&call->err, VELD_E_TIMEOUT,
        "het kantoor heeft nog niet geantwoord; herhaal de opdracht met dezelfde code");
}

/* ---- the answer ---- */
static veld_status explain_refusal(veld_cli_call *call, veld_status status)
{
    const char *text = NULL;
    if (status == VELD_E_NOT_FOUND)
        text = "de organisatie kent deze code niet";
    if (status == VELD_E_STALE)
        text = "deze code is verlopen; vraag een nieuwe";
    if (status == VELD_E_EXISTS)
        text = "deze code is al gebruikt door een ander apparaat; vraag een nieuwe";
    if (text != NULL) {
        call->exit_code = EXIT_NOT_ENROLLED;
        return veld_fail(&call->err, status, "%s", text);
    }
    if (status == VELD_E_NOT_ALLOWED)
        return veld_fail(&call->err, status, "het kantoor heeft dit apparaat geweigerd");
    if (status == VELD_E_FORGED)
        return veld_fail(
            &call->err, status, "het antwoord komt niet van het kantoor dat de code gaf");
    if (status == VELD_E_WRONG_DEVICE) {
        call->exit_code = veld_cli_exit_code(VELD_E_FORGED);
        return veld_fail(&call->err, VELD_E_FORGED, "het antwoord komt van een andere organisatie");
    }
    return status;
}

/* That the certificates are what they should be: the CA of the code and of the statement, and a
 * certificate by it for our key under our number. */
static veld_status check_certificates(const enrolment *e, const veld_enrolled *enrolled)
{
    veld_x509_facts ca, own;
    veld_error *err = &e->call->err;
    veld_status status;
    VELD_TRY(veld_x509_check(enrolled->ca, enrolled->ca, VELD_X509_CA, &ca, err));
    VELD_TRY(veld_x509_check(enrolled->certificate, enrolled->ca, VELD_X509_CLIENT, &own, err));
    if (!veld_enrol_code_fits_ca(&e->code, &ca.key_hash) ||
        !veld_hash_equal(&ca.key_hash, &enrolled->agency.ca_hash) ||
        !veld_p256_public_equal(&own.key, &e->carrier.public_key) ||
        !veld_id_equal(&own.device, veld_store_device(e->call->session->store)))
        status = veld_fail(err, VELD_E_FORGED, "het certificaat in het antwoord past niet");

done:
    return status;
}

static veld_status keep(const enrolment *e, const veld_enrolled *enrolled)
{
    fc_session *session = e->call->session;
    const fc_server server = {
        .address = e->code.address, .certificate = enrolled->certificate, .ca = enrolled->ca};
    const char *worker = enrolled->entry.worker;
    veld_error *err = &e->call->err;
    veld_status status;
    VELD_TRY(check_certificates(e, enrolled));
    VELD_TRY(fc_server_put(session, &server, err));
    if (worker[0] != '\0') {
        VELD_TRY(veld_store_put_value(session->store, FC_GROUP_SETTINGS,
            veld_span_text(FC_SETTING_WORKER), veld_span_text(worker), err));
        memcpy(session->worker, worker, sizeof session->worker);
    }
    /* Last: with it the vault is the agency's. */
    VELD_TRY(veld_enrol_keep(&session->desk, enrolled, err));
    VELD_TRY(fc_agency_load(session, err));
    fc_keyring_forget(session);

done:
    return status;
}

static veld_status join(enrolment *e, veld_agency *agency)
{
    fc_session *session = e->call->session;
    veld_enrolled enrolled;
    bool found = false;
    veld_error *err = &e->call->err;
    veld_status status;
    VELD_TRY(load_request(e, &found));
    status = veld_agency_get(session->store, &session->desk.verifier, agency, err);
    if (status == VELD_OK && !found)
        status = veld_fail(err, VELD_E_EXISTS, "deze kluis hoort al bij een organisatie");
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    bool joined = status == VELD_OK;
    VELD_TRY(fc_carrier_key(session, &e->carrier, err));
    if (!found)
        VELD_TRY(make_request(e));
    VELD_TRY(veld_enrol_check_code(e->code.secret, veld_buf_span(&e->request), e->check, err));
    if (joined) /* by this code: the answer was told before, or its telling was cut */
        goto done;
    VELD_TRY(fc_network_open_pinned(
        e->call, e->code.address, veld_span_of(e->code.ca, sizeof e->code.ca), &e->network));
    VELD_TRY(ask(e));
    status = veld_enrol_accept(&e->code, &session->desk, veld_buf_span(&e->request),
        veld_buf_span(&e->answer), &enrolled, err);
    if (status != VELD_OK)
        status = explain_refusal(e->call, status);
    VELD_TRY(status);
    VELD_TRY(keep(e, &enrolled));
    *agency = enrolled.agency;
    (void)fc_renew_when_due(e->call, &e->network);

done:
    return status;
}

/* ---- the verb ---- */
static veld_status say(const enrolment *e, const veld_agency *agency)
{
    veld_cli_call *call = e->call;
    const fc_session *session = call->session;
    const char *name = veld_cli_value(call, FC_OPTION_NAME);
    veld_json_writer writer;
    veld_status status;
    if (name != NULL && strcmp(name, session->worker) != 0)
        veld_cli_note(call,
            "veldkit: de naam van --name telt hier niet: kantoor gaf deze tablet een andere naam. "
            "Klopt die niet, vraag kantoor dan om een nieuwe code.\n");
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "Dit apparaat hoort nu bij "));
        VELD_TRY(veld_cli_say_text(call, veld_span_text(agency->name)));
        VELD_TRY(veld_cli_say(call, ", op naam van "));
        VELD_TRY(veld_cli_say_text(call, veld_span_text(session->worker)));
        VELD_TRY(veld_cli_say(call,
            ".\nControlecode: %s. Het kantoor ziet dezelfde code bij dit apparaat.\n", e->check));
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "agency", &agency->id);
    veld_cli_json_text(&writer, "check", veld_span_text(e->check));
    veld_cli_json_id(&writer, "device", veld_store_device(session->store));
    veld_cli_json_text(&writer, "worker", veld_span_text(session->worker));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

/* The vault that is here, or a new one. */
static veld_status open_vault(veld_cli_call *call, fc_session *own)
{
    char path[VELD_CLI_FOLDER_BYTES_MAX + 16];
    fc_made made = {0};
    veld_status status;
    (void)snprintf(path, sizeof path, "%s/vault", call->folder);
    if (access(path, F_OK) == 0)
        VELD_TRY(veld_cli_pin_get(call, false, &made.pin));
    else
        VELD_TRY(fc_vault_make(call, fc_worker_name(call), &made));
    VELD_TRY(fc_session_open(call, veld_cli_pin_span(&made.pin), own));
    call->session = own;

done:
    veld_cli_pin_release(&made.pin);
    return status;
}

veld_status fc_verb_enrol(veld_cli_call *call)
{
    enrolment *e = veld_allocate(sizeof *e);
    fc_session own = {0};
    veld_agency agency;
    veld_status status;
    if (e == NULL)
        return VELD_E_MEMORY;
    e->call = call;
    veld_buf_init(&e->request, VELD_ENROL_REQUEST_BYTES_MAX);
    VELD_TRY(fc_crypto_ready(&call->err));
    VELD_TRY(veld_enrol_code_parse(veld_span_text(call->arguments[0]), &e->code, &call->err));
    if (call->session == NULL)
        VELD_TRY(open_vault(call, &own));
    VELD_TRY(join(e, &agency));
    VELD_TRY(say(e, &agency));

done:
    fc_network_close(&e->network);
    veld_p256_release(&e->carrier);
    veld_buf_release(&e->request);
    veld_buf_release(&e->answer);
    veld_wipe(e, sizeof *e);
    veld_release(e);
    if (call->session == &own)
        call->session = NULL;
    fc_session_close(&own);
    return status;
}
