/* The relay's process: opens its own folder, closes everything else, and listens. It has the keys
 * for TLS and for receipts and no other, and nothing that it keeps can be read with them. */
#include "relay.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "srv_sandbox.h"
#include "veldkit/assert.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"

/* The key and the statement that names it: one without the other would be believed by nobody. */
static veld_status open_keys(relay_process *r, const char *folder, veld_error *err)
{
    const veld_verifier verifier = veld_verifier_p256();
    veld_status status;
    veld_buf_init(&r->statement, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_read_file(folder, "statement", &r->statement, err));
    VELD_TRY(veld_agency_read(veld_buf_span(&r->statement), &verifier, &r->agency, err));
    r->check = (veld_agency_check){.agency = &r->agency, .inner = verifier};
    VELD_TRY(srv_read_key(folder, "receipt.key", &r->receipt_key, err));
    if (!veld_p256_public_equal(&r->receipt_key.public_key, &r->agency.relay_key))
        status = veld_fail(err, VELD_E_INVALID,
            "receipt.key is niet de sleutel die de organisatie noemt; na keys change geldt het "
            "bestand in relay/");

done:
    return status;
}

static veld_status open_relay(relay_process *r, const char *folder, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    const veld_verifier verifier = veld_verifier_p256();
    veld_status status;
    VELD_TRY(srv_path(folder, "journal.db", path, err));
    VELD_TRY(srv_journal_open(path, &r->journal, err));
    const veld_relay_config config = {.env = &r->env,
        .program = SRV_PROGRAM,
        .journal = srv_journal_get(r->journal),
        .signer = veld_signer_p256(&r->receipt_key),
        .verifier = verifier,
        .merger_key = r->agency.merger_key,
        .agency = &r->agency,
        .statement = veld_buf_span(&r->statement)};
    status = veld_relay_new(&config, &r->relay, err);

done:
    return status;
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    relay_process *r = context;
    (void)number;
    (void)what;
    r->stopping = true;
    event_base_loopbreak(r->base);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    relay_look(context);
}

static veld_status listen_on(
    relay_process *r, const char *folder, const char *address, uint16_t *port, veld_error *err)
{
    char path[SRV_PATH_BYTES_MAX];
    const srv_net_settings settings = {
        .env = &r->env, .base = r->base, .handler = relay_handler(r)};
    veld_status status;
    VELD_TRY(srv_path(folder, SRV_SOCKET_OF_MERGER, path, err));
    VELD_TRY(srv_net_new(&settings, &r->net, err));
    VELD_TRY(srv_net_listen(r->net, address, r->identity, port, err));
    VELD_TRY(srv_net_listen_local(r->net, path, err));

done:
    return status;
}

static void release(relay_process *r)
{
    relay_forget_all(r);
    srv_net_free(r->net);
    veld_relay_free(r->relay);
    srv_journal_close(r->journal);
    veld_tls_identity_free(r->identity);
    for (size_t i = 0; i < r->former_count; i++)
        veld_tls_identity_free(r->former[i]);
    veld_p256_release(&r->receipt_key);
    veld_p256_release(&r->tls_key);
    veld_buf_release(&r->statement);
    veld_buf_release(&r->certificate);
    while (r->revoked != NULL) {
        relay_revoked *next = r->revoked->next;
        veld_release(r->revoked);
        r->revoked = next;
    }
    if (r->tick != NULL)
        event_free(r->tick);
}

static veld_status run(relay_process *r, const char *folder, const char *address, veld_error *err)
{
    char line[16];
    uint16_t port = 0;
    bool whole = false;
    veld_status status;
    VELD_TRY(veld_crypto_init(err));
    VELD_TRY(relay_open_identity(r, err)); /* first: credentials lie outside of the folder */
    VELD_TRY(open_keys(r, folder, err));
    VELD_TRY(srv_sandbox_files(folder, &whole, err));
    if (!whole)
        veld_env_log(&r->env, VELD_LOG_WARNING,
            "this kernel has no Landlock: the relay is not kept from other files");
    VELD_TRY(open_relay(r, folder, err));
    VELD_TRY(listen_on(r, folder, address, &port, err));
    VELD_TRY(srv_sandbox_relay(&whole, err)); /* last: it may make no socket any more */
    if (!whole)
        veld_env_log(&r->env, VELD_LOG_WARNING,
            "no seccomp filter can be set here: the relay is not kept from calls it does not need");
    (void)snprintf(line, sizeof line, "%" PRIu16 "\n", port);
    VELD_TRY(srv_tell_ready(line, err));
    (void)event_base_dispatch(r->base);
    if (!r->stopping)
        status = veld_fail(err, VELD_E_IO, "the relay's loop ended by itself");

done:
    return status;
}

veld_status srv_relay_run(const char *dir, const char *address, veld_error *err)
{
    char folder[SRV_PATH_BYTES_MAX];
    relay_process *r = veld_allocate(sizeof *r);
    struct event *signals[2] = {NULL, NULL};
    veld_status status = srv_path(dir, "relay", folder, err);
    if (r == NULL || status != VELD_OK) {
        veld_release(r);
        return status != VELD_OK ? status : VELD_E_MEMORY;
    }
    r->env = veld_host_env();
    r->folder = folder;
    r->base = event_base_new();
    if (r->base == NULL) {
        veld_release(r);
        return veld_fail(err, VELD_E_IO, "no event loop");
    }
    signals[0] = evsignal_new(r->base, SIGTERM, on_signal, r);
    signals[1] = evsignal_new(r->base, SIGINT, on_signal, r);
    r->tick = event_new(r->base, -1, 0, on_tick, r);
    if (signals[0] == NULL || signals[1] == NULL || r->tick == NULL ||
        event_add(signals[0], NULL) != 0 || event_add(signals[1], NULL) != 0)
        status = veld_fail(err, VELD_E_MEMORY, "no event loop");
    if (status == VELD_OK)
        status = run(r, folder, address, err);
    release(r);
    for (size_t i = 0; i < 2; i++)
        if (signals[i] != NULL)
            event_free(signals[i]);
    event_base_free(r->base);
    veld_release(r);
    return status;
}
