/* relay.h: between the files of the relay. */
#ifndef SRV_RELAY_H
#define SRV_RELAY_H

#include "../net/srv_net.h"
#include "../srv.h"
#include "../store/srv_journal.h"
#include "veldkit/relay.h"

/* Who has no certificate takes no place from who has one, one address not all of them, and the
 * merger's is always there. */
enum {
    PARKED_MAX = 2048,
    PARKED_PER_ADDRESS_MAX = 512,
    PARKED_ENROLMENTS_MAX = 128,
    PARKED_ENROLMENTS_PER_ADDRESS_MAX = 16
};
enum { ENROL_WAIT_MS = 20000, RELAY_IDENTITIES_MAX = 16 };

/* A device that a directory entry says is no longer ours. */
typedef struct relay_revoked {
    veld_id device;
    struct relay_revoked *next;
} relay_revoked;

/* A request that waits for something to tell. */
typedef struct relay_parked {
    srv_request *request;
    veld_relay_turn *turn; /* NULL: an enrolment */
    veld_hash enrolment;
    int64_t deadline_ms;
    uint64_t generation; /* that was looked at last */
    struct relay_parked *next;
} relay_parked;

typedef struct relay_process {
    veld_env env;
    const char *folder;
    srv_journal *journal;
    veld_relay *relay;
    veld_p256_private receipt_key;
    veld_p256_private tls_key;
    veld_tls_identity *identity;
    veld_tls_identity *former[RELAY_IDENTITIES_MAX]; /* open connections may still use them */
    size_t former_count;
    veld_buf certificate; /* the present one, DER */
    veld_agency agency;
    veld_agency_check check;
    veld_buf statement;
    srv_net *net;
    struct event_base *base;
    struct event *tick;
    relay_revoked *revoked;
    uint64_t entries_seen; /* seq of the last directory entry that was read */
    relay_parked *parked;
    size_t parked_count;
    bool stopping;
} relay_process;

/* ---- identity.c ---- */
veld_status relay_open_identity(relay_process *relay, veld_error *err) VELD_MUST_CHECK;
/* relay_take_certificate: a new certificate for the key that is here: kept, and shown from now on.
 * Expects: as veld_x509_check, VELD_E_INVALID (another key), VELD_E_LIMIT, as the folder; what was
 *          shown before is then shown further. */
veld_status relay_take_certificate(
    relay_process *relay, veld_span certificate, veld_error *err) VELD_MUST_CHECK;

/* ---- requests.c ---- */
srv_handler relay_handler(relay_process *relay);
/* relay_look: answer what is parked and has something to say now, or waited long enough; sets the
 * next time to look. */
void relay_look(relay_process *relay);
void relay_forget_all(relay_process *relay);

#endif
