/* fc.h: what the files of the tablet program share: the opened vault that a verb works on, and the
 * services that every verb uses. A verb is a function that gets a call (veldkit/cli.h), fills the
 * call's answer and returns a status; it knows neither whether it runs in a process of its own or
 * in the one that holds the vault open, nor how an answer or an error reaches the screen. */
#ifndef FC_H
#define FC_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/access_log.h"
#include "veldkit/agency.h"
#include "veldkit/anchor.h"
#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/card.h"
#include "veldkit/case.h"
#include "veldkit/cli.h"
#include "veldkit/env.h"
#include "veldkit/host_net.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/keystore.h"
#include "veldkit/labels.h"
#include "veldkit/lease.h"
#include "veldkit/order.h"
#include "veldkit/p256.h"
#include "veldkit/part.h"
#include "veldkit/renew.h"
#include "veldkit/schema.h"
#include "veldkit/status.h"
#include "veldkit/store.h"
#include "veldkit/time.h"
#include "veldkit/tls.h"
#include "veldkit/tpm2.h"
#include "veldkit/vault.h"
#include "veldkit/view.h"

#define FC_ARENA_BYTES_MAX  (256u << 20)
#define FC_CARD_TEXT_MAX    4096u
#define FC_IDLE_MINUTES     10
#define FC_IDLE_MINUTES_MAX 1440

/* ---- verbs.c ---- */
extern const veld_cli_program fc_program;
typedef struct veld_cli_session fc_session;

/* The bits of our own options, in the order of the table. */
enum {
    FC_OPTION_LOCAL = VELD_CLI_OWN << 0,
    FC_OPTION_NAME = VELD_CLI_OWN << 1,
    FC_OPTION_QUICK_PIN = VELD_CLI_OWN << 2,
    FC_OPTION_FILE = VELD_CLI_OWN << 3,
    FC_OPTION_VALUES = VELD_CLI_OWN << 4,
    FC_OPTION_CHECK = VELD_CLI_OWN << 5,
    FC_OPTION_YES = VELD_CLI_OWN << 6,
    FC_OPTION_TO = VELD_CLI_OWN << 7,
    FC_OPTION_IDLE = VELD_CLI_OWN << 8,
    FC_OPTION_ONCE = VELD_CLI_OWN << 9,
    FC_OPTION_COMPARTMENT = VELD_CLI_OWN << 10,
    FC_OPTION_KEYSTORE = VELD_CLI_OWN << 11,
    FC_OPTION_GENERATE = VELD_CLI_OWN << 12,
    FC_OPTION_NEW_PIN = VELD_CLI_OWN << 13,
    FC_OPTION_AT = VELD_CLI_OWN << 14,
    FC_OPTION_DEVICE = VELD_CLI_OWN << 15,
    FC_OPTION_RECOVERY = VELD_CLI_OWN << 16,
    FC_OPTION_WORKER = VELD_CLI_OWN << 17,
    FC_OPTION_KEEP = VELD_CLI_OWN << 18,
    FC_OPTION_EMERGENCY = VELD_CLI_OWN << 19,
    FC_OPTION_REASON = VELD_CLI_OWN << 20
};

/* ---- run.c ---- */
/* fc_run: run a parsed call's verb, print answer or error, return the exit code. */
int fc_run(veld_cli_call *call, int count, char *const *words);
/* fc_run_opened: run the call's verb with the vault open, by the passphrase that the call brings.
 */
veld_status fc_run_opened(veld_cli_call *call) VELD_MUST_CHECK;

/* ---- session.c ---- */
#define FC_GROUP_SETTINGS  "settings"
#define FC_SETTING_WORKER  "worker"
#define FC_SETTING_REVOKED "revoked" /* there: the office said that this device is revoked */

typedef struct fc_known {
    veld_id device;
    veld_p256_public sign_key;
    char name[VELD_CARD_NAME_BYTES_MAX + 1]; /* empty when nobody told it */
    struct fc_known *next;
} fc_known;

/* ---- keystore.c ---- */
/* Which keystore: the kind, and for a chip where it is. Must outlive the keystore. */
typedef struct fc_keystore_choice {
    bool is_chip;
    veld_tpm2 tpm;
} fc_keystore_choice;

struct veld_cli_session {
    veld_env env;
    fc_keystore_choice choice;
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    veld_p256_private sign_key;
    veld_schema_set *schemas;
    veld_anchor anchor;
    veld_desk desk; /* its watch is the access log; it knows former keys of the agency */
    veld_access_log *access;
    veld_agency agency; /* zero when the vault is of none */
    veld_agency_check check;
    veld_p256_public office; /* of the desk */
    char worker[VELD_CARD_NAME_BYTES_MAX + 1];
    fc_known *known; /* colleagues that were looked up before */
    bool owner;      /* this process serves others */
    bool stop;       /* ... and was asked to end */
    bool had_sender; /* a process handed in for this vault until it was opened */
};

/* fc_session_open: the session must not move afterwards. */
veld_status fc_session_open(veld_cli_call *call, veld_span pin, fc_session *out) VELD_MUST_CHECK;
/* fc_session_close: wipe all keys. Fine on a zeroed struct. */
void fc_session_close(fc_session *session);
/* fc_crypto_ready: what the library needs once in each process. */
veld_status fc_crypto_ready(veld_error *err) VELD_MUST_CHECK;
/* fc_agency_load: the agency's keys as the store has them now, with those of before for the desk.
 * Expects: as the store. */
veld_status fc_agency_load(fc_session *session, veld_error *err) VELD_MUST_CHECK;
/* fc_office: let the desk know the agency's seal key, when this vault is of one. */
veld_status fc_office(veld_cli_call *call) VELD_MUST_CHECK;
/* fc_view_names: who works with a device, for view.h. */
veld_view_names fc_view_names(fc_session *session);

/* fc_keystore_choose: what --keystore says; a TPM when the machine has one, else a file.
 * Expects: VELD_E_INVALID. */
veld_status fc_keystore_choose(veld_cli_call *call, fc_keystore_choice *out) VELD_MUST_CHECK;
/* fc_keystore_new: veld_keystore_new of that kind. */
veld_status fc_keystore_new(const veld_env *env, const char *folder, veld_door door,
    fc_keystore_choice *choice, veld_keystore *out, veld_error *err) VELD_MUST_CHECK;
/* fc_keystore_open: the one that is there; `choice` is filled in.
 * Expects: as veld_keystore_open; VELD_E_WRONG_DEVICE (a vault without one). */
veld_status fc_keystore_open(veld_cli_call *call, veld_door door, fc_keystore_choice *choice,
    veld_keystore *out) VELD_MUST_CHECK;
/* fc_vault_look: is there a vault, as far as one can see without opening it?
 * Expects: VELD_E_NOT_FOUND, VELD_E_WRONG_DEVICE, VELD_E_DAMAGED, VELD_E_NEWER. */
veld_status fc_vault_look(veld_cli_call *call) VELD_MUST_CHECK;
/* fc_tpm_put: keep in the folder where the TPM is, when it is not the kernel's. */
veld_status fc_tpm_put(const char *folder, const veld_tpm2 *tpm, veld_error *err) VELD_MUST_CHECK;
/* What an opened vault is made of; the three belong to the caller, whatever is returned. */
typedef struct fc_vault_parts {
    fc_keystore_choice *choice;
    veld_keystore *keystore;
    veld_vault **vault;
} fc_vault_parts;

/* fc_vault_open: keystore and vault, as one counted attempt; `then` (may be NULL) is called with
 * the vault open, while no other process can open it. Expects: as veld_vault_open and
 * fc_keystore_open, VELD_E_WAIT; what `then` returns. */
veld_status fc_vault_open(veld_cli_call *call, const veld_env *env, fc_vault_parts *parts,
    veld_span pin, veld_status (*then)(void *context), void *context) VELD_MUST_CHECK;

/* ---- access.c ---- */
/* fc_around: run a verb and log what it opened before its answer is given. */
veld_status fc_around(veld_cli_call *call) VELD_MUST_CHECK;
/* fc_glass_close: end what was opened in an emergency and is over; what goes wrong with one case is
 * said, and stops no verb. No engine exchanges. */
veld_status fc_glass_close(veld_cli_call *call) VELD_MUST_CHECK;
/* fc_access_open: the log of a session, watching its desk. */
veld_status fc_access_open(fc_session *session, veld_error *err) VELD_MUST_CHECK;
/* fc_access_note: a line of something that concerns no case: the vault was opened or closed. */
veld_status fc_access_note(
    fc_session *session, const char *event, uint8_t kind, veld_error *err) VELD_MUST_CHECK;

/* ---- worker.c ---- */
/* fc_worker_folder: the call's folder becomes that of the worker whom --worker names, or of the
 * only one; several are picked from at a terminal. Expects: VELD_E_INVALID, VELD_E_INTERRUPTED,
 * VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status fc_worker_folder(veld_cli_call *call) VELD_MUST_CHECK;

/* ---- keyring.c ---- */
#define FC_GROUP_CARDS "cards"
veld_keyring fc_keyring(fc_session *session);
/* fc_keyring_find: a colleague, from the agency's directory or a card that was taken in. Expects:
 * VELD_E_NOT_FOUND. Borrowed until fc_keyring_forget. */
veld_status fc_keyring_find(fc_session *session, const veld_id *device, const fc_known **out,
    veld_error *err) VELD_MUST_CHECK;
/* fc_keyring_card: the card of a colleague that was taken in.  Expects: VELD_E_NOT_FOUND. */
veld_status fc_keyring_card(
    fc_session *session, const veld_id *device, veld_card *out, veld_error *err) VELD_MUST_CHECK;
/* fc_keyring_forget: what was looked up may have changed. */
void fc_keyring_forget(fc_session *session);

/* ---- lease.c ---- */
/* fc_lease_state: how it is with the case's lease now.  fc_lease_reads: is it shown then? */
veld_status fc_lease_state(
    veld_cli_call *call, const veld_id *case_id, veld_lease_state *out) VELD_MUST_CHECK;
bool fc_lease_reads(veld_lease_state state);
/* fc_lease_check: may the case be shown now? Expects: VELD_E_LOCKED (no contact for too long),
 * VELD_E_NOT_ALLOWED (it is here for an emergency only). */
veld_status fc_lease_check(veld_cli_call *call, const veld_id *case_id) VELD_MUST_CHECK;

/* ---- emergency.c ---- */
/* fc_emergency_right: for veld_access_config; `context` is the session. */
veld_status fc_emergency_right(void *context, const veld_id *case_id, bool *out,
    char reason[VELD_ACCESS_REASON_BYTES_MAX + 1], veld_error *err) VELD_MUST_CHECK;
/* fc_emergency_find: a case that is here for an emergency, by the beginning of its id; `*matches`
 * counts them.  fc_emergency_each: those of which nothing is opened. */
veld_status fc_emergency_find(
    veld_cli_call *call, const char *word, veld_id *out, size_t *matches) VELD_MUST_CHECK;
veld_status fc_emergency_each(veld_cli_call *call, void *context,
    veld_status (*each)(void *context, const veld_id *case_id)) VELD_MUST_CHECK;
/* fc_emergency_tell: note that the case was opened in an emergency, once for each time. */
veld_status fc_emergency_tell(veld_cli_call *call, const veld_id *case_id) VELD_MUST_CHECK;

/* ---- find.c ---- */
/* fc_compartment: what --compartment names; `out` stays as it is when it was not given.
 * Expects: VELD_E_INVALID. */
veld_status fc_compartment(veld_cli_call *call, veld_compartment *out) VELD_MUST_CHECK;
/* fc_place_find: the dossier, or the one case of it, that a person means by an id or the beginning
 * of one.  Expects: VELD_E_NOT_FOUND, VELD_E_INVALID (several begin so, or it is no id). */
veld_status fc_place_find(veld_cli_call *call, const veld_places *places, const char *word,
    veld_place *out) VELD_MUST_CHECK;
/* fc_part_open: the cases of the dossier `word` that --compartment names, or its main case.
 * Owns:    close `out` whatever is returned.
 * Expects: VELD_E_NOT_FOUND (also: that compartment is not here), VELD_E_INVALID. */
veld_status fc_part_open(veld_cli_call *call, const char *word, veld_part *out) VELD_MUST_CHECK;
/* fc_case_find / _open: the same for what works on one case.
 * Expects: also VELD_E_INVALID (the compartment has several). */
veld_status fc_case_find(veld_cli_call *call, const char *word, veld_id *out) VELD_MUST_CHECK;
veld_status fc_case_open(veld_cli_call *call, const char *word, veld_case **out) VELD_MUST_CHECK;
/* fc_note_before: say that the beginning of the case is not here, when it is not.
 * fc_compact_due: compact the cases that grew long. */
void fc_note_before(veld_cli_call *call, const veld_case *opened);
void fc_compact_due(veld_cli_call *call);
/* fc_record_find: a record of one of `cases`, and in which it is.
 * fc_record_open: the record that the call's words ZAAK ONDERDEEL name, with the cases of its
 * compartment: the one of --compartment, or whichever that is here has it.
 * Owns:    close `part` whatever is returned. */
veld_status fc_record_find(veld_cli_call *call, veld_case *const *cases, size_t cases_count,
    const char *word, const veld_state_record **out, veld_case **in) VELD_MUST_CHECK;
veld_status fc_record_open(veld_cli_call *call, veld_part *part, const veld_state_record **out,
    veld_case **in) VELD_MUST_CHECK;
/* fc_case_ids: of all cases, parts too, sorted. Owns: release `out`, an array of veld_id. */
veld_status fc_case_ids(veld_cli_call *call, veld_buf *out, size_t *count) VELD_MUST_CHECK;

/* ---- init.c ---- */
/* What a new vault is: its device, its kind of keystore, the passphrase that was asked for or made
 * up. Release `pin`. */
typedef struct fc_made {
    veld_id device;
    fc_keystore_choice choice;
    veld_cli_pin pin;
} fc_made;

/* fc_vault_make: a new vault in the call's folder, whole or not at all.
 * Expects: VELD_E_EXISTS (there is something already), VELD_E_INVALID (name), VELD_E_WEAK. */
veld_status fc_vault_make(veld_cli_call *call, const char *name, fc_made *out) VELD_MUST_CHECK;
/* fc_pin_new: a new PIN or passphrase: made up with --generate-passphrase, else as
 * veld_cli_pin_new.  Owns: release `out`. */
veld_status fc_pin_new(veld_cli_call *call, const char *path, veld_cli_pin *out) VELD_MUST_CHECK;
/* fc_pin_params: what stretching is to cost on this machine; the floor with --quick-pin. */
veld_status fc_pin_params(
    veld_cli_call *call, const veld_env *env, veld_pin_params *out) VELD_MUST_CHECK;
/* fc_say_passphrase: one that was made up, to be written down. */
veld_status fc_say_passphrase(veld_cli_call *call, const veld_cli_pin *pin) VELD_MUST_CHECK;
/* fc_worker_name: --name, or the name of the user. */
const char *fc_worker_name(const veld_cli_call *call);

/* ---- wiped.c: a vault that the office had wiped ---- */
typedef struct fc_wiped {
    veld_order_reason reason; /* 0 = not known */
    int64_t utc_ms;           /* when it was done */
    bool is_told;             /* the office has the device's word for it */
} fc_wiped;

/* fc_wiped_put: from now on this vault is to be removed, durably; `parcel` (empty: none) brings the
 * device's word to the office.  fc_wiped_get: is there such a mark? `parcel` may be NULL.
 * Expects: VELD_E_IO, VELD_E_FULL. */
veld_status fc_wiped_put(
    const char *folder, const fc_wiped *wiped, veld_span parcel, veld_error *err) VELD_MUST_CHECK;
bool fc_wiped_get(const char *folder, fc_wiped *out, veld_buf *parcel);
/* fc_vault_remove: all files of the vault, the keys first; again after a crash.
 * fc_vault_destroy: mark and remove.  Expects: VELD_E_IO. */
veld_status fc_vault_remove(const char *folder, veld_error *err) VELD_MUST_CHECK;
veld_status fc_vault_destroy(veld_cli_call *call, const fc_wiped *wiped) VELD_MUST_CHECK;
/* fc_wiped_refuse: where a vault was wiped: end what was begun and say so.
 * fc_wiped_clear: make room for a new vault, when the office knows.
 * fc_wiped_status: the answer of `status` there.
 * Expects: VELD_E_NOT_FOUND (it was wiped), VELD_E_EXISTS (clear: the office does not know yet). */
veld_status fc_wiped_refuse(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_wiped_clear(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_wiped_status(veld_cli_call *call, bool *is_wiped) VELD_MUST_CHECK;
/* fc_order_reason: why, in plain words. */
const char *fc_order_reason(veld_order_reason reason);

/* ---- stop.c: what ends a long verb early: a signal, or the end of the client ---- */
typedef struct fc_stop {
    bool is_open;
    int signals;
    int any; /* readable when it is time to stop */
} fc_stop;

/* fc_stop_open: from now on signals do not end the process but make `any` readable. */
veld_status fc_stop_open(veld_cli_call *call, fc_stop *out) VELD_MUST_CHECK;
/* fc_stop_pause: Expects: VELD_E_INTERRUPTED. */
veld_status fc_stop_pause(const fc_stop *stop, int64_t wait_ms, veld_error *err) VELD_MUST_CHECK;
/* fc_stop_close: fine on a zeroed struct. */
void fc_stop_close(fc_stop *stop);

/* ---- network.c ---- */
typedef struct fc_network {
    veld_tls_identity *identity;
    veld_host_link *link;
    fc_stop stop;
} fc_network;

/* What an enrolled vault keeps of its way to the agency. */
typedef struct fc_server {
    const char *address;
    veld_span certificate; /* DER */
    veld_span ca;          /* DER */
} fc_server;

/* fc_carrier_key: the device's key for TLS, made at first use and kept sealed. Release `out`. */
veld_status fc_carrier_key(
    fc_session *session, veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;
veld_status fc_server_put(
    fc_session *session, const fc_server *server, veld_error *err) VELD_MUST_CHECK;
/* The way to the relay with all that TLS needs. Zeroed: none. `ca` is the CA of now, `own_ca` the
 * one that signed our certificate, when that is one of before; servers by it count as long as the
 * agency's statement lists it. */
typedef struct fc_way {
    veld_buf address, certificate, ca, own_ca;
    bool trusts_own_ca;
    veld_p256_private key;
} fc_way;

/* fc_way_tls: as settings for TLS, which borrow `way`; `other` has to live as long. */
veld_tls_settings fc_way_tls(const fc_way *way, veld_span *other);

/* fc_way_load: release `out` whatever is returned.  Expects: VELD_E_NOT_FOUND (not enrolled). */
veld_status fc_way_load(fc_session *session, fc_way *out, veld_error *err) VELD_MUST_CHECK;
void fc_way_release(fc_way *way);
/* fc_server_address: appended; nothing when the vault is of no agency. */
veld_status fc_server_address(fc_session *session, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* fc_network_open: to the agency of this vault; fc_network_open_pinned: to a server of which only
 * the beginning of the hash of its CA's key is known. Nothing is sent yet.
 * Owns:    close `out` whatever is returned.
 * Expects: VELD_E_NOT_FOUND (not enrolled). */
veld_status fc_network_open(veld_cli_call *call, fc_network *out) VELD_MUST_CHECK;
veld_status fc_network_open_pinned(
    veld_cli_call *call, const char *address, veld_span pin, fc_network *out) VELD_MUST_CHECK;
void fc_network_close(fc_network *network);

typedef struct fc_question {
    const char *path;
    veld_span body;
    size_t answer_bytes_max;
    int64_t timeout_ms;
} fc_question;

/* fc_network_ask: one request; the error says in plain words what a person can do, and the call's
 * exit code fits it. `*http_status` is below 300 on success.
 * Owns:    release `answer`, initialised here.
 * Expects: VELD_E_NETWORK, VELD_E_TIMEOUT (both: ask again later), VELD_E_INTERRUPTED,
 *          VELD_E_FORGED, VELD_E_NOT_ALLOWED, VELD_E_NOT_FOUND, VELD_E_NEWER, VELD_E_LIMIT. */
veld_status fc_network_ask(veld_cli_call *call, fc_network *network, const fc_question *question,
    unsigned *http_status, veld_buf *answer) VELD_MUST_CHECK;

/* ---- waiting.c: what the agency has not taken in yet ---- */
typedef struct fc_waiting {
    uint64_t unsent;     /* changes */
    uint64_t received;   /* of these, what the server has received */
    uint64_t kept;       /* of these, what the office keeps for review */
    veld_instant oldest; /* when the oldest was saved, by the author's clock; only with unsent */
} fc_waiting;

veld_status fc_waiting_count(fc_session *session, fc_waiting *out, veld_error *err) VELD_MUST_CHECK;
/* fc_review_count: own changes that the server has and the office keeps to be judged by a person:
 * of a revoked device, or in a case that was erased. They need not be here any more. */
veld_status fc_review_count(fc_session *session, uint64_t *out, veld_error *err) VELD_MUST_CHECK;
/* fc_say_review: that they are there; nothing when there are none. */
veld_status fc_say_review(veld_cli_call *call, uint64_t review) VELD_MUST_CHECK;
/* fc_revoked_put: keep that the office revoked this device.  fc_is_revoked: did it say so? */
veld_status fc_revoked_put(fc_session *session, veld_error *err) VELD_MUST_CHECK;
veld_status fc_is_revoked(fc_session *session, bool *out, veld_error *err) VELD_MUST_CHECK;

/* ---- log_at.c ---- */
/* fc_log_at: what the device of --device could have shown at the moment of --at. */
veld_status fc_log_at(veld_cli_call *call, veld_case *opened) VELD_MUST_CHECK;

/* ---- renew.c: certificate and recovery code ---- */
/* fc_renew_when_due: ask the office for what this device needs for itself, when it is time. True
 * when a new certificate came: a connection has to be made anew to show it. What fails is told, if
 * a person can do something about it, and tried again the next time. */
bool fc_renew_when_due(veld_cli_call *call, fc_network *network);
/* fc_code_check: is this the recovery code that opens this vault now? Then the office hears of its
 * use, whatever follows.  Expects: VELD_E_NOT_FOUND (used or replaced).
 * fc_code_used: from here on it opens nothing, whatever files are put back. */
veld_status fc_code_check(
    fc_session *session, const uint8_t code[VELD_RECOVERY_BYTES], veld_error *err) VELD_MUST_CHECK;
veld_status fc_code_used(fc_session *session, veld_error *err) VELD_MUST_CHECK;

/* ---- recovery.c ---- */
/* fc_recover: open by the office's door and set a new PIN, which is given back: release it.
 * Expects: VELD_E_FORM (no code), VELD_E_NOT_FOUND (no vault, or no code of it), VELD_E_WRONG_PIN,
 *          VELD_E_WEAK, as veld_vault_door_make. */
veld_status fc_recover(veld_cli_call *call, veld_cli_pin *pin) VELD_MUST_CHECK;

/* ---- unsent.c: what a locked home may say, and what was handed in meanwhile ---- */
/* fc_unsent_note: keep, readable without a key, how many changes were not handed in yet. */
void fc_unsent_note(fc_session *session, const char *folder);
void fc_unsent_write(const char *folder, uint64_t count);
bool fc_unsent_read(const char *folder, uint64_t *out);
/* fc_handed_in_open: the file of the relay's receipts; -1 on error.  fc_handed_in_take: take them
 * into the vault.  Expects: as the store. */
int fc_handed_in_open(const char *folder);
veld_status fc_handed_in_take(
    fc_session *session, const char *folder, veld_error *err) VELD_MUST_CHECK;
bool fc_sender_is_there(const char *folder);
/* fc_sender_end: waits until it is gone. False when there was none. */
bool fc_sender_end(const char *folder);

/* ---- sender.c: lock keeps sending ---- */
#define FC_SENDER_NAME                                                                             \
    "veldkit-hand-in" /* how that process is called, in main's first word too                      \
                       */
/* fc_sender_start: seal what is unsent and start the process that hands it in and listens for an
 * order to wipe, when there is an agency. Before the session is closed.
 * fc_sender_run: start it with a parcel that was made. */
void fc_sender_start(fc_session *session, const char *folder);
void fc_sender_run(const char *folder, veld_span parcel);

/* ---- hand_in.c ---- */
enum { FC_PARCEL_FD = 3, FC_PARCEL_BYTES_MAX = 128 << 20 };
/* fc_sender_main: that process; its parcel is FC_PARCEL_FD. */
int fc_sender_main(const char *folder);

/* ---- fsck_own.c ---- */
/* fc_fsck_own: changes of this device that are neither to be sent nor with the agency, and those of
 * revoked devices that the agency did not take in. */
veld_status fc_fsck_own(fc_session *session, veld_case *opened,
    void (*finding)(void *context, const char *text), void *context,
    veld_error *err) VELD_MUST_CHECK;

/* ---- conflicts.c ---- */
/* fc_conflicts_count: open conflicts in all cases. */
veld_status fc_conflicts_count(veld_cli_call *call, size_t *out) VELD_MUST_CHECK;

/* ---- owner.c ---- */
/* fc_owner_serve: answer verbs until lock, idle time or a signal; then wipe the keys. */
void fc_owner_serve(fc_session *session, const char *home, int listener, int idle_minutes,
    const sigset_t *while_waiting);
/* fc_owner_catch_signals: before anybody can reach this process. `while_waiting` is what is blocked
 * while it waits. */
void fc_owner_catch_signals(sigset_t *while_waiting);

/* ---- verbs ---- */
veld_status fc_verb_init(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_enrol(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_sync(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_unlock(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_lock(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_pin_change(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_worker_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_status(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_receipts(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_new(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_open(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_show(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_history(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_compact(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_put(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_set(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_delete(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_restore(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_show(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_note_quick(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_conflicts(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_log(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_diff(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_blame(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_export(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_verify(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_fsck(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card_add(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_bundle_make(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_bundle_take(veld_cli_call *call) VELD_MUST_CHECK;

/* ---- card.c ---- */
/* fc_own_card: append the bytes of this device's card. */
veld_status fc_own_card(veld_cli_call *call, veld_buf *out) VELD_MUST_CHECK;

/* ---- status.c ---- */
/* fc_say_unsent: how many changes were not handed in yet. */
veld_status fc_say_unsent(veld_cli_call *call, uint64_t unsent) VELD_MUST_CHECK;

/* ---- show.c: pieces of answers for people that more verbs use ---- */
/* fc_origin: where a change comes from, as a state has it of its writes. */
veld_origin fc_origin(const veld_change *change);
/* fc_json_origin: members device, number, worker, time, clock, received, skewed. */
void fc_json_origin(veld_cli_call *call, veld_json_writer *writer, const veld_origin *origin);
/* fc_say_origin: who and when, on one line, without its end. */
veld_status fc_say_origin(veld_cli_call *call, const veld_origin *origin) VELD_MUST_CHECK;
/* fc_received: for veld_view_names: when the relay had an own change, or when another's came here.
 * `context` is the session. */
int64_t fc_received(void *context, const veld_origin *origin);

#endif
