/* A tablet for the tests of the server: joins an agency and exchanges, on a vault that `veldkit
 * init --local` made. Only the engines and their drivers, so that the server is tested against what
 * every tablet does and against nothing else.
 *
 *   tablet HOME PINFILE enrol CODE WORKER     tablet HOME PINFILE sync */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "veldkit/cli.h"
#include "veldkit/crypto.h"
#include "veldkit/directory.h"
#include "veldkit/enrol.h"
#include "veldkit/history.h"
#include "veldkit/host.h"
#include "veldkit/host_net.h"
#include "veldkit/sync.h"
#include "veldkit/tls.h"
#include "veldkit/vault.h"
#include "veldkit/x509.h"

#define GROUP "test-tablet"

enum { ROUNDS_MAX = 20, WAIT_MS = 1000, REQUEST_MS = 30000, ENROL_ROUNDS_MAX = 3 };

typedef struct tablet {
    veld_env env;
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    veld_p256_private sign_key, carrier;
    veld_schema_set *schemas;
    veld_desk desk;
    veld_anchor anchor;
    veld_buf address, ca, certificate;
    veld_error err;
} tablet;

static veld_status open_tablet(tablet *t, const char *home, const char *pin_file)
{
    veld_cli_pin pin = {0};
    veld_id boot = {0};
    veld_status status;
    t->env = veld_host_env();
    veld_buf_init(&t->address, 4096);
    veld_buf_init(&t->ca, 4096);
    veld_buf_init(&t->certificate, 4096);
    VELD_TRY(veld_crypto_init(&t->err));
    VELD_TRY(veld_history_init(&t->err));
    VELD_TRY(veld_cli_pin_from_file(pin_file, &pin, &t->err));
    VELD_TRY(veld_keystore_file_open(home, &t->keystore, &t->err));
    VELD_TRY(
        veld_vault_open(&t->env, home, &t->keystore, veld_cli_pin_span(&pin), &t->vault, &t->err));
    VELD_TRY(veld_store_open(&t->env, home, t->vault, &t->store, &t->err));
    VELD_TRY(veld_p256_import(
        veld_secret_span(&veld_store_signing_key(t->store)->scalar), &t->sign_key, &t->err));
    VELD_TRY(veld_schema_set_new(&t->schemas, &t->err));
    VELD_TRY(veld_anchor_load(t->store, &boot, &t->anchor, &t->err));
    t->desk = (veld_desk){.env = &t->env,
        .store = t->store,
        .signer = veld_signer_p256(&t->sign_key),
        .verifier = veld_verifier_p256(),
        .keyring = veld_directory_keyring(t->store),
        .schemas = t->schemas,
        .anchor = &t->anchor};

done:
    veld_cli_pin_release(&pin);
    return status;
}

static veld_status keep(tablet *t, const char *name, veld_span bytes)
{
    return veld_store_put_value(t->store, GROUP, veld_span_text(name), bytes, &t->err);
}

static veld_status recall(tablet *t, const char *name, veld_buf *out)
{
    return veld_store_get_value(t->store, GROUP, veld_span_text(name), out, &t->err);
}

static veld_status ask(tablet *t, veld_host_link *link, const char *path, veld_span body,
    unsigned *http_status, veld_buf *answer)
{
    const veld_host_request request = {.method = "POST",
        .path = path,
        .body = body,
        .answer_bytes_max = VELD_EXCHANGE_BYTES_MAX,
        .timeout_ms = REQUEST_MS,
        .cancel_fd = -1};
    return veld_host_link_request(link, &request, http_status, answer, &t->err);
}

/* ---- enrol ---- */
static veld_status take_answer(
    tablet *t, const veld_enrol_code *code, veld_span request, veld_span answer)
{
    veld_enrolled enrolled;
    char check[VELD_ENROL_CHECK_SIZE];
    veld_status status;
    VELD_TRY(veld_enrol_accept(code, &t->desk, request, answer, &enrolled, &t->err));
    VELD_TRY(veld_enrol_keep(&t->desk, &enrolled, &t->err));
    VELD_TRY(keep(t, "address", veld_span_text(code->address)));
    VELD_TRY(keep(t, "ca", enrolled.ca));
    VELD_TRY(keep(t, "certificate", enrolled.certificate));
    VELD_TRY(keep(t, "carrier", veld_secret_span(&t->carrier.scalar)));
    VELD_TRY(veld_enrol_check_code(code->secret, request, check, &t->err));
    printf("{\"agency\":\"%s\",\"check\":\"%s\"}\n", enrolled.agency.name, check);

done:
    return status;
}

static veld_status enrol(tablet *t, const char *text, const char *worker)
{
    veld_enrol_code code;
    veld_tls_identity *identity = NULL;
    veld_host_link *link = NULL;
    veld_buf request, answer = {0};
    unsigned http_status = 202;
    veld_status status;
    veld_buf_init(&request, VELD_ENROL_REQUEST_BYTES_MAX);
    VELD_TRY(veld_enrol_code_parse(veld_span_text(text), &code, &t->err));
    VELD_TRY(veld_p256_generate(&t->env, &t->carrier, &t->err));
    const veld_tls_settings settings = {.pin = veld_span_of(code.ca, sizeof code.ca)};
    VELD_TRY(veld_tls_identity_new(&settings, &identity, &t->err));
    const veld_host_link_settings where = {
        .env = &t->env, .address = code.address, .identity = identity};
    VELD_TRY(veld_host_link_new(&where, &link, &t->err));
    VELD_TRY(
        veld_enrol_request(&code, &t->desk, worker, &t->carrier.public_key, &request, &t->err));
    for (int i = 0; i < ENROL_ROUNDS_MAX && http_status == 202; i++) {
        veld_buf_release(&answer);
        VELD_TRY(ask(t, link, "/v1/enrol", veld_buf_span(&request), &http_status, &answer));
    }
    if (http_status != 200) {
        status = veld_fail(&t->err, VELD_E_NETWORK, "answer %u", http_status);
        goto done;
    }
    VELD_TRY(take_answer(t, &code, veld_buf_span(&request), veld_buf_span(&answer)));

done:
    veld_buf_release(&request);
    veld_buf_release(&answer);
    veld_host_link_free(link);
    veld_tls_identity_free(identity);
    return status;
}

/* ---- sync ---- */
static void tell(void *context, const veld_sync_event *event)
{
    (void)context;
    if (event->kind == VELD_SYNC_REFUSED || event->kind == VELD_SYNC_LOG_BROKEN)
        fprintf(stderr, "tablet: %s: %s\n", veld_status_name(event->status),
            event->text != NULL ? event->text : "");
}

static veld_status exchange(
    tablet *t, veld_sync *sync, veld_host_link *link, uint32_t wait_ms, veld_sync_result *out)
{
    veld_buf body, answer = {0};
    unsigned http_status = 0;
    veld_status status;
    veld_buf_init(&body, VELD_EXCHANGE_BYTES_MAX);
    VELD_TRY(veld_sync_begin(sync, wait_ms, &body, &t->err));
    status = ask(t, link, "/v1/exchange", veld_buf_span(&body), &http_status, &answer);
    if (status == VELD_OK && http_status != 200)
        status = veld_fail(&t->err, VELD_E_NETWORK, "answer %u: %.*s", http_status,
            (int)(answer.len < 100 ? answer.len : 100), (const char *)answer.data);
    if (status == VELD_OK)
        status = veld_sync_feed(sync, veld_buf_span(&answer), &t->err);
    if (status != VELD_OK) {
        veld_sync_fail(sync);
        goto done;
    }
    VELD_TRY(veld_sync_finish(sync, out, &t->err));

done:
    veld_buf_release(&body);
    veld_buf_release(&answer);
    return status;
}

/* Until nothing is left to say, and what was sent is taken in or did not come in time. */
static veld_status rounds(tablet *t, veld_sync *sync, veld_host_link *link)
{
    veld_sync_result sum = {0};
    veld_status status = VELD_OK;
    int round = 0, quiet = 0;
    while (round < ROUNDS_MAX && quiet < 2) {
        veld_sync_result now = {0};
        VELD_TRY(exchange(t, sync, link, round > 0 ? WAIT_MS : 0, &now));
        sum.sent += now.sent;
        sum.received += now.received;
        sum.taken_in += now.taken_in;
        round++;
        uint64_t unsent = 0;
        VELD_TRY(veld_store_count_unsent(t->store, NULL, &unsent, &t->err));
        if (now.more || now.received > 0 || now.taken_in > 0 || now.sent > 0)
            quiet = 0;
        else
            quiet += unsent == 0 ? 2 : 1;
    }
    veld_host_counters bytes = veld_host_link_counters(link);
    printf("{\"bytesDown\":%llu,\"bytesUp\":%llu,\"received\":%zu,\"roundTrips\":%d,\"sent\":%zu,"
           "\"takenIn\":%zu}\n",
        (unsigned long long)bytes.bytes_down, (unsigned long long)bytes.bytes_up, sum.received,
        round, sum.sent, sum.taken_in);

done:
    return status;
}

static veld_status sync_all(tablet *t)
{
    veld_agency agency;
    veld_sync *sync = NULL;
    veld_tls_identity *identity = NULL;
    veld_host_link *link = NULL;
    const char *address = NULL;
    veld_buf scalar;
    veld_status status;
    veld_buf_init(&scalar, VELD_P256_PRIVATE_BYTES);
    VELD_TRY(veld_agency_get(t->store, &t->desk.verifier, &agency, &t->err));
    VELD_TRY(recall(t, "address", &t->address));
    VELD_TRY(recall(t, "ca", &t->ca));
    VELD_TRY(recall(t, "certificate", &t->certificate));
    VELD_TRY(recall(t, "carrier", &scalar));
    VELD_TRY(veld_p256_import(veld_buf_span(&scalar), &t->carrier, &t->err));
    VELD_TRY(veld_buf_text(&t->address, &address));
    const veld_tls_settings settings = {.ca = veld_buf_span(&t->ca),
        .certificate = veld_buf_span(&t->certificate),
        .key = &t->carrier};
    VELD_TRY(veld_tls_identity_new(&settings, &identity, &t->err));
    const veld_host_link_settings where = {
        .env = &t->env, .address = address, .identity = identity};
    VELD_TRY(veld_host_link_new(&where, &link, &t->err));
    const veld_sync_config config = {.desk = &t->desk,
        .program = "test-tablet 0",
        .role = VELD_SYNC_DEVICE,
        .agency = &agency,
        .anchor = &t->anchor,
        .event = tell};
    VELD_TRY(veld_sync_new(&config, &sync, &t->err));
    VELD_TRY(rounds(t, sync, link));

done:
    veld_buf_wipe(&scalar);
    veld_sync_free(sync);
    veld_host_link_free(link);
    veld_tls_identity_free(identity);
    return status;
}

int main(int argc, char **argv)
{
    static tablet t;
    veld_status status = VELD_E_INVALID;
    if (argc >= 4)
        status = open_tablet(&t, argv[1], argv[2]);
    if (status == VELD_OK && argc == 6 && strcmp(argv[3], "enrol") == 0)
        status = enrol(&t, argv[4], argv[5]);
    else if (status == VELD_OK && argc == 4 && strcmp(argv[3], "sync") == 0)
        status = sync_all(&t);
    else if (status == VELD_OK)
        status = VELD_E_INVALID;
    if (status != VELD_OK)
        fprintf(stderr, "tablet: %s: %s\n", veld_status_name(status), t.err.text);
    veld_p256_release(&t.carrier);
    veld_p256_release(&t.sign_key);
    veld_schema_set_free(t.schemas);
    veld_store_close(t.store);
    veld_vault_close(t.vault);
    veld_keystore_close(&t.keystore);
    veld_buf_release(&t.address);
    veld_buf_release(&t.ca);
    veld_buf_release(&t.certificate);
    return veld_cli_exit_code(status);
}
