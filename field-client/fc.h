/* fc.h: what the files of the tablet program share: the opened vault that a verb works on, and the
 * services that every verb uses. A verb is a function that gets a call (veldkit/cli.h), fills the
 * call's answer and returns a status; it knows neither whether it runs in a process of its own or
 * in the one that holds the vault open, nor how an answer or an error reaches the screen. */
#ifndef FC_H
#define FC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/arena.h"
#include "veldkit/bytes.h"
#include "veldkit/card.h"
#include "veldkit/case.h"
#include "veldkit/cli.h"
#include "veldkit/env.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/keystore.h"
#include "veldkit/p256.h"
#include "veldkit/schema.h"
#include "veldkit/status.h"
#include "veldkit/store.h"
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
    FC_OPTION_IDLE = VELD_CLI_OWN << 8
};

/* ---- run.c ---- */
/* fc_run: run a parsed call's verb, print answer or error, return the exit code. */
int fc_run(veld_cli_call *call, int count, char *const *words);

/* ---- session.c ---- */
#define FC_GROUP_SETTINGS "settings"
#define FC_SETTING_WORKER "worker"

typedef struct fc_known {
    veld_card card;
    struct fc_known *next;
} fc_known;

struct veld_cli_session {
    veld_env env;
    veld_keystore keystore;
    veld_vault *vault;
    veld_store *store;
    veld_p256_private sign_key;
    veld_schema_set *schemas;
    veld_desk desk;
    char worker[VELD_CARD_NAME_BYTES_MAX + 1];
    fc_known *known; /* cards of colleagues that were read before */
    bool owner;      /* this process serves others */
    bool stop;       /* ... and was asked to end */
};

veld_status fc_session_open(veld_cli_call *call, veld_span pin, fc_session *out) VELD_MUST_CHECK;
/* fc_session_close: wipe all keys. Fine on a zeroed struct. */
void fc_session_close(fc_session *session);
/* fc_crypto_ready: what the library needs once in each process. */
veld_status fc_crypto_ready(veld_error *err) VELD_MUST_CHECK;
/* fc_view_names: who works with a device, for view.h. */
veld_view_names fc_view_names(fc_session *session);

/* ---- keyring.c ---- */
#define FC_GROUP_CARDS "cards"
veld_keyring fc_keyring(fc_session *session);
/* fc_keyring_card: of a colleague. Expects: VELD_E_NOT_FOUND. Borrowed for the session. */
veld_status fc_keyring_card(fc_session *session, const veld_id *device, const veld_card **out,
    veld_error *err) VELD_MUST_CHECK;
void fc_keyring_forget(fc_session *session);

/* ---- find.c ---- */
/* fc_case_find: by id or the beginning of one.
 * Expects: VELD_E_NOT_FOUND, VELD_E_INVALID (several begin so, or it is no id). */
veld_status fc_case_find(veld_cli_call *call, const char *word, veld_id *out) VELD_MUST_CHECK;
veld_status fc_case_open(veld_cli_call *call, const char *word, veld_case **out) VELD_MUST_CHECK;
veld_status fc_record_find(veld_cli_call *call, veld_case *opened, const char *word,
    const veld_state_record **out) VELD_MUST_CHECK;
/* fc_case_ids: of all cases, sorted. Owns: release `out`, an array of veld_id. */
veld_status fc_case_ids(veld_cli_call *call, veld_buf *out, size_t *count) VELD_MUST_CHECK;

/* ---- owner.c ---- */
/* fc_owner_serve: answer verbs until lock, idle time or a signal; then wipe the keys. */
void fc_owner_serve(fc_session *session, const char *home, int listener, int idle_minutes);

/* ---- verbs ---- */
veld_status fc_verb_init(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_unlock(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_lock(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_status(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_new(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_list(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_show(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_put(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_set(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_delete(veld_cli_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_show(veld_cli_call *call) VELD_MUST_CHECK;
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

/* ---- show.c: pieces of answers for people that more verbs use ---- */
/* fc_say_record: one element of what veld_view_case writes. */
veld_status fc_say_record(veld_cli_call *call, const veld_json_value *record) VELD_MUST_CHECK;
/* fc_json_origin: members device, number, worker, time, clock. */
void fc_json_origin(veld_cli_call *call, veld_json_writer *writer, const veld_id *device,
    uint64_t number, const veld_change_time *time);
/* fc_say_origin: who and when, on one line, without its end. */
veld_status fc_say_origin(
    veld_cli_call *call, const veld_id *device, const veld_change_time *time) VELD_MUST_CHECK;

#endif
