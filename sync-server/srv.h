/* srv.h: what the files of the server program share: the folders of an agency, the merger's opened
 * vault that administration works on, and the roles that `serve` starts. A verb is a function that
 * gets a call (veldkit/cli.h); it runs in the merger's process when that is there, else by itself,
 * and cannot tell.
 *
 *   DIR/root      keys that are meant to be moved away: only init and the verbs of keys use them
 *   DIR/relay     keys for TLS and receipts, the journal, the socket for the merger
 *   DIR/merger    the agency's vault and store; its passphrase in `secret`
 *   DIR/console   for the console
 *   DIR/address   where the relay listened last, for invitations
 *   DIR/changing  is there while keys are changed: then no server starts */
#ifndef SRV_H
#define SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/access_log.h"
#include "veldkit/bytes.h"
#include "veldkit/case.h"
#include "veldkit/cli.h"
#include "veldkit/directory.h"
#include "veldkit/env.h"
#include "veldkit/keystore.h"
#include "veldkit/labels.h"
#include "veldkit/part.h"
#include "veldkit/pin.h"
#include "veldkit/schema.h"
#include "veldkit/seal.h"
#include "veldkit/store.h"
#include "veldkit/sync.h"
#include "veldkit/tpm2.h"
#include "veldkit/user.h"
#include "veldkit/vault.h"
#include "veldkit/view.h"

#define SRV_PROGRAM          "veldkit-server " VELD_VERSION
#define SRV_PATH_BYTES_MAX   (VELD_CLI_FOLDER_BYTES_MAX + 64u)
#define SRV_ARENA_BYTES_MAX  (256u << 20)
#define SRV_FILE_BYTES_MAX   65536u
#define SRV_USER_NAME_MAX    VELD_CARD_NAME_BYTES_MAX
#define SRV_OPERATOR         "operator"
#define SRV_SOCKET_OF_MERGER "merger.sock" /* in relay/: how the merger reaches the relay */

/* ---- verbs.c ---- */
extern const veld_cli_program srv_program;
typedef struct veld_cli_session srv_session;

enum {
    SRV_OPTION_NAME = VELD_CLI_OWN << 0,
    SRV_OPTION_LISTEN = VELD_CLI_OWN << 1,
    SRV_OPTION_WORKER = VELD_CLI_OWN << 2,
    SRV_OPTION_TAKE = VELD_CLI_OWN << 3,
    SRV_OPTION_REASON = VELD_CLI_OWN << 4,
    SRV_OPTION_BY = VELD_CLI_OWN << 5,
    SRV_OPTION_CONFIRM = VELD_CLI_OWN << 6,
    SRV_OPTION_COMPARTMENT = VELD_CLI_OWN << 7,
    SRV_OPTION_ROLE = VELD_CLI_OWN << 8,
    SRV_OPTION_OLD_PIN_FILE = VELD_CLI_OWN << 9,
    SRV_OPTION_NEW_KEY = VELD_CLI_OWN << 10,
    SRV_OPTION_LEASE = VELD_CLI_OWN << 11,
    SRV_OPTION_WIPE = VELD_CLI_OWN << 12,
    SRV_OPTION_EXPECT = VELD_CLI_OWN << 13,
    SRV_OPTION_REVISE = VELD_CLI_OWN << 14,
    SRV_OPTION_OWNER = VELD_CLI_OWN << 15,
    SRV_OPTION_DEADLINE = VELD_CLI_OWN << 16,
    SRV_OPTION_CASE = VELD_CLI_OWN << 17,
    SRV_OPTION_DEVICE = VELD_CLI_OWN << 18,
    SRV_OPTION_USER = VELD_CLI_OWN << 19,
    SRV_OPTION_FROM = VELD_CLI_OWN << 20,
    SRV_OPTION_TO = VELD_CLI_OWN << 21,
    SRV_OPTION_ACTION = VELD_CLI_OWN << 22,
};
/* An enumeration holds no more. */
#define SRV_OPTION_FILE      ((uint64_t)VELD_CLI_OWN << 23)
#define SRV_OPTION_AT        ((uint64_t)VELD_CLI_OWN << 24)
#define SRV_OPTION_ROOT      ((uint64_t)VELD_CLI_OWN << 25)
#define SRV_OPTION_PAPER     ((uint64_t)VELD_CLI_OWN << 26)
#define SRV_OPTION_EMERGENCY ((uint64_t)VELD_CLI_OWN << 27)
#define SRV_OPTION_PACK      ((uint64_t)VELD_CLI_OWN << 28)
#define SRV_OPTION_PART      ((uint64_t)VELD_CLI_OWN << 29)
#define SRV_OPTION_LOST      ((uint64_t)VELD_CLI_OWN << 30)
#define SRV_OPTION_RESUME    ((uint64_t)VELD_CLI_OWN << 31)
#define SRV_OPTION_KEYSTORE  ((uint64_t)VELD_CLI_OWN << 32)
#define SRV_OPTION_CHECK     ((uint64_t)VELD_CLI_OWN << 33)

/* ---- run.c ---- */
int srv_run(veld_cli_call *call, int count, char *const *words);

/* ---- folder.c ---- */
/* srv_path: DIR/NAME.  Expects: VELD_E_LIMIT. */
veld_status srv_path(const char *dir, const char *name, char out[SRV_PATH_BYTES_MAX],
    veld_error *err) VELD_MUST_CHECK;
/* srv_read_file: append a file of ours, at most SRV_FILE_BYTES_MAX.
 * Expects: VELD_E_NOT_FOUND, VELD_E_NOT_ALLOWED, VELD_E_IO, VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status srv_read_file(
    const char *dir, const char *name, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* srv_write_file: make or replace DIR/NAME, mode 0600, durable on return.
 * Expects: VELD_E_IO, VELD_E_FULL, VELD_E_NOT_ALLOWED. */
veld_status srv_write_file(
    const char *dir, const char *name, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* srv_write_key / srv_read_key: a private key as a line of hex.
 * Owns:    release what was read.  Expects: also VELD_E_FORM, VELD_E_CRYPTO. */
veld_status srv_write_key(const char *dir, const char *name, const veld_p256_private *key,
    veld_error *err) VELD_MUST_CHECK;
veld_status srv_read_key(
    const char *dir, const char *name, veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;
/* srv_read_secret: as srv_read_file: DIR/NAME, or when that is not there the credential
 * "veldkit.FOLDER.NAME" that systemd gave this service ($CREDENTIALS_DIRECTORY), where FOLDER is
 * the last part of DIR.  Expects: also VELD_E_NOT_FOUND (neither: the text names both). */
veld_status srv_read_secret(
    const char *dir, const char *name, veld_buf *out, veld_error *err) VELD_MUST_CHECK;
/* srv_lock: one server on a folder. The lock goes with the process; `*fd` keeps it.
 * Expects: VELD_E_BUSY (the text names the process that has it), VELD_E_IO, VELD_E_NOT_FOUND. */
veld_status srv_lock(const char *dir, int *fd, veld_error *err) VELD_MUST_CHECK;

/* ---- serve.c, relay/, merger/ ---- */
typedef enum srv_role { SRV_ROLE_RELAY = 0, SRV_ROLE_MERGER = 1, SRV_ROLES = 2 } srv_role;

/* A role gets: "--role", its name, the folder, the address, the number of the supervisor's process.
 * It tells `SRV_READY_FD` one line when it is ready, and ends with an exit code. */
#define SRV_READY_FD 3
int srv_role_main(int argc, char **argv);
/* The loops of the two roles. `address` of the relay is where to listen, of the merger what tablets
 * call. Expects: whatever kept it from starting. */
veld_status srv_relay_run(const char *dir, const char *address, veld_error *err) VELD_MUST_CHECK;
veld_status srv_merger_run(const char *dir, const char *address, veld_error *err) VELD_MUST_CHECK;
/* srv_tell_ready: the line that the supervisor waits for. */
veld_status srv_tell_ready(const char *line, veld_error *err) VELD_MUST_CHECK;

/* ---- merger/session.c ---- */
#define SRV_GROUP_AGENCY   "agency" /* names: "ca-key", "ca-certificate", "statement" */
#define SRV_AGENCY_CA_KEY  "ca-key"
#define SRV_AGENCY_CA      "ca-certificate"
#define SRV_GROUP_USERS    "users"
#define SRV_GROUP_ASSIGNED "parts.assigned" /* names: dossiers */

/* Who a verb runs for: --by. Without a PIN, which only the operator may do, nobody signs. */
typedef struct srv_person srv_person;

struct veld_cli_session {
    veld_env env;
    veld_tpm2 tpm; /* when the keystore is one */
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    veld_p256_private sign_key;
    veld_p256_private ca_key;
    veld_buf ca; /* DER */
    veld_buf statement;
    veld_schema_set *schemas;
    veld_desk desk; /* its watch is the access log; it knows former keys of the agency */
    veld_agency_check check;
    veld_access_log *access;
    veld_agency agency;
    veld_sync *sync;
    char address[VELD_CLI_FOLDER_BYTES_MAX + 1]; /* https://host:port; "" when it never served */
    char dir[VELD_CLI_FOLDER_BYTES_MAX + 1];
    char name[VELD_CARD_NAME_BYTES_MAX + 1]; /* of the worker that was asked for last */
    srv_person *person;                      /* who the verb runs for; NULL when nobody said so */
    bool serving;                            /* this process is the merger of a running server */
    bool files_closed, calls_closed;         /* and what its sandbox could close: srv_sandbox.h */
    bool to_hand_in;                         /* a verb made something that tablets wait for */
};

/* srv_session_open: the merger's vault in DIR/merger, by its own passphrase file. `out` is zeroed.
 * Owns:    close `out` whatever is returned; it must not move.
 * Expects: VELD_E_NOT_FOUND (no agency here), as vault and store. */
veld_status srv_session_open(
    const char *dir, const char *address, srv_session *out, veld_error *err) VELD_MUST_CHECK;
void srv_session_close(srv_session *session);
/* srv_session_names: who works with a device, for view.h. A name lasts until the next is asked. */
veld_view_names srv_session_names(srv_session *session);
/* srv_vault_create: keystore, vault and store in the folder `merger`, under a new passphrase that
 * is kept beside them, mode 0600. `keystore` is "file", "tpm2" or "tpm2:ADDRESS"; NULL is file.
 * Expects: as vault and store; VELD_E_INVALID (`keystore`). */
veld_status srv_vault_create(const char *merger, const char *keystore, srv_session *session,
    veld_error *err) VELD_MUST_CHECK;

/* ---- merger/assign.c ---- */
/* On what terms a case is given: to work on or for an emergency (break_glass.h), and for how long
 * from the last renewal. */
typedef struct srv_terms {
    veld_grant_purpose purpose;
    int64_t lease_ms;
} srv_terms;

/* srv_assign: from now on the compartment is the device's: keys of all its cases go out with the
 * merger's next exchange, and those of cases that come later. With main go addresses that are not
 * secret. Assigning again renews. `places`: of all cases, as who looked for this one has them.
 * Expects: VELD_E_NOT_ALLOWED (reporter), as veld_sync_post_grant. */
veld_status srv_assign(srv_session *session, const veld_places *places, const veld_id *dossier,
    veld_compartment compartment, const veld_directory_entry *to, srv_terms terms,
    veld_error *err) VELD_MUST_CHECK;
/* srv_unassign: the compartment is no longer the device's, and with main none of the dossier: new
 * keys for who is left, and the order to hand in and destroy. */
veld_status srv_unassign(srv_session *session, const veld_places *places, const veld_id *dossier,
    veld_compartment compartment, const veld_id *device, veld_error *err) VELD_MUST_CHECK;
/* srv_assign_anew: what is assigned of a dossier by name holds for the one in which it goes on. */
veld_status srv_assign_anew(
    srv_session *session, const veld_id *old, const veld_id *anew, veld_error *err) VELD_MUST_CHECK;
/* srv_danger_follow: a part changed: danger in it that main says nothing of is noticed there. */
veld_status srv_danger_follow(
    srv_session *session, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* srv_assign_follow: a case changed: whoever its dossier is assigned to gets what belongs to that.
 */
veld_status srv_assign_follow(
    srv_session *session, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;

/* ---- merger/pack.c ---- */
typedef enum srv_pack { SRV_PACK_ASSIGNED = 0, SRV_PACK_TODAY = 1 } srv_pack;
enum { SRV_PACK_CASES_MAX = 200 }; /* dossiers that are assigned to one device */

const char *srv_pack_name(srv_pack pack);
/* srv_pack_put: from now on, for all tablets: leases follow at once. */
veld_status srv_pack_get(srv_session *session, srv_pack *out, veld_error *err) VELD_MUST_CHECK;
veld_status srv_pack_put(srv_session *session, srv_pack pack, veld_error *err) VELD_MUST_CHECK;
/* srv_pack_ask: for veld_sync_config; `context` is the session. */
veld_status srv_pack_ask(void *context, const veld_id *case_id, const veld_id *device, bool *is_in,
    int64_t *until_utc_ms, veld_error *err) VELD_MUST_CHECK;
/* srv_pack_follow: a case changed: a visit may have been planned in it. */
veld_status srv_pack_follow(
    srv_session *session, const veld_id *case_id, veld_error *err) VELD_MUST_CHECK;
/* srv_pack_check: has the device room for one more dossier?  Expects: VELD_E_LIMIT. */
veld_status srv_pack_check(srv_session *session, const veld_places *places, const veld_id *dossier,
    const veld_directory_entry *to, veld_error *err) VELD_MUST_CHECK;

/* ---- merger/users.c ---- */
enum { SRV_USER_WRAPPED_BYTES = VELD_P256_PRIVATE_BYTES + VELD_ROW_OVERHEAD_BYTES };

/* A user as the merger keeps her: what the directory says of her, and her key under her PIN. */
typedef struct srv_user {
    char name[SRV_USER_NAME_MAX + 1];
    veld_user_entry entry; /* `key` and `position` only when there is a key */
    bool has_key;          /* so she has a PIN and can sign */
    veld_pin_params params;
    uint8_t salt[VELD_PIN_SALT_BYTES];
    uint8_t wrapped[SRV_USER_WRAPPED_BYTES];
    uint64_t wrong; /* PINs since the last right one */
    int64_t tried_utc_ms;
    uint8_t signed_entry[VELD_DIRECTORY_BYTES_MAX]; /* user.h */
    size_t signed_len;
} srv_user;

/* srv_user_get: Expects: VELD_E_NOT_FOUND, VELD_E_INVALID (no name), VELD_E_DAMAGED, as the store.
 * srv_user_each: all of them, in no order that means anything. */
veld_status srv_user_get(
    srv_session *session, const char *name, srv_user *out, veld_error *err) VELD_MUST_CHECK;
veld_status srv_user_each(srv_session *session, void *context,
    veld_status (*each)(void *context, const srv_user *user), veld_error *err) VELD_MUST_CHECK;
/* srv_user_add: a new one; with a PIN (not empty) she gets a signing key.
 * Expects: VELD_E_EXISTS, VELD_E_INVALID (name), VELD_E_WEAK (PIN), VELD_E_LIMIT, as the store. */
veld_status srv_user_add(srv_session *session, const char *name, veld_user_role role, veld_span pin,
    veld_error *err) VELD_MUST_CHECK;
veld_status srv_user_set_role(
    srv_session *session, srv_user *user, veld_user_role role, veld_error *err) VELD_MUST_CHECK;
veld_status srv_user_set_state(
    srv_session *session, srv_user *user, veld_user_state state, veld_error *err) VELD_MUST_CHECK;
/* srv_user_set_pin: with the old one the key stays; without it she gets a new key.
 * Expects: as srv_user_open and srv_user_add. */
veld_status srv_user_set_pin(srv_session *session, srv_user *user, veld_span old, veld_span pin,
    veld_error *err) VELD_MUST_CHECK;
/* srv_user_open: her signing key, for this one call; the attempt is counted before it is made.
 * Owns:    release `out`; untouched on error.
 * Expects: VELD_E_WRONG_PIN, VELD_E_WAIT (too many wrong ones: the text says how long to wait),
 *          VELD_E_NOT_ALLOWED (disabled, or no PIN), VELD_E_DAMAGED, as the store. */
veld_status srv_user_open(srv_session *session, srv_user *user, veld_span pin,
    veld_p256_private *out, veld_error *err) VELD_MUST_CHECK;

/* ---- admin/roles.c ---- */
struct srv_person {
    srv_user user;
    bool signs; /* her PIN was right: `key` is open */
    veld_p256_private key;
};

/* srv_before / srv_after: around every verb: who --by names may do it, and her key is open as long
 * as it runs. */
veld_status srv_before(veld_cli_call *call) VELD_MUST_CHECK;
void srv_after(veld_cli_call *call);

/* ---- merger/access.c ---- */
/* srv_around: run a verb and log what it opened before its answer is given. */
veld_status srv_around(veld_cli_call *call) VELD_MUST_CHECK;
/* srv_access_refused: a line of what was refused to `user`, with the error of the call as its
 * reason. srv_is_refusal: of a person: she may not, or was not let in. */
void srv_access_refused(veld_cli_call *call, const char *user, veld_status status);
bool srv_is_refusal(veld_status status);
/* srv_access_open: the log of a session, watching its desk. */
veld_status srv_access_open(srv_session *session, veld_error *err) VELD_MUST_CHECK;

/* ---- admin/ ---- */
veld_status srv_verb_init(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_serve(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_status(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_change(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_end(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_print(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_check(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_keys_restore(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_profile(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_invite(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_approve(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_recovery(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_case_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_case_show(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_case_assign(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_case_unassign(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_revoke(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_device_quarantine(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_add(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_role(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_disable(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_enable(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_pin(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_user_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_show(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_resolve(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_confirm(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_assign(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_conflict_explain(veld_cli_call *call) VELD_MUST_CHECK;

veld_status srv_verb_case_erase(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_fsck(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_verify(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_audit_query(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_audit_verify(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_audit_export(veld_cli_call *call) VELD_MUST_CHECK;
veld_status srv_verb_audit_could_read(veld_cli_call *call) VELD_MUST_CHECK;

/* ---- admin/find.c ---- */
/* srv_compartment: what --compartment names; `out` stays as it is when it was not given.
 * Expects: VELD_E_INVALID. */
veld_status srv_compartment(veld_cli_call *call, veld_compartment *out) VELD_MUST_CHECK;
/* srv_part_find: the cases of the dossier `word` that --compartment names, or its main case; one
 * behind the other in `places`.
 * Expects: VELD_E_NOT_FOUND (also: no such compartment), VELD_E_INVALID. */
veld_status srv_part_find(veld_cli_call *call, const veld_places *places, const char *word,
    const veld_place **first, size_t *count) VELD_MUST_CHECK;
/* srv_device_find: by the beginning of its id, or by the worker's name when that has one device. */
veld_status srv_device_find(srv_session *session, const char *word, veld_directory_entry *out,
    veld_error *err) VELD_MUST_CHECK;

#endif
