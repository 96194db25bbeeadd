/* fc.h: what the files of the tablet program share: one invocation of a verb, the opened vault it
 * works on, and the services that every verb uses. A verb is a function that gets a call, fills the
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

#define FC_OUTPUT_BYTES_MAX  (256u << 20)
#define FC_ARENA_BYTES_MAX   (256u << 20)
#define FC_REQUEST_BYTES_MAX (1u << 20) /* words of one command */
#define FC_ARGUMENTS_MAX     4096u
#define FC_CARD_TEXT_MAX     4096u
#define FC_PREFIX_MIN        4u
#define FC_IDLE_MINUTES      10
#define FC_IDLE_MINUTES_MAX  1440
#define FC_HOME_BYTES_MAX    3000u

/* ---- one invocation ---- */
typedef struct fc_call fc_call;
typedef struct fc_session fc_session;

/* Each option has one bit; a verb says which it takes besides the ones that all take. */
typedef enum fc_option {
    FC_OPTION_HOME = 1u << 0,
    FC_OPTION_PIN_FILE = 1u << 1,
    FC_OPTION_PIN_COMMAND = 1u << 2,
    FC_OPTION_JSON = 1u << 3,
    FC_OPTION_QUIET = 1u << 4,
    FC_OPTION_NO_INPUT = 1u << 5,
    FC_OPTION_HELP = 1u << 6,
    FC_OPTION_VERSION = 1u << 7,
    FC_OPTION_LOCAL = 1u << 8,
    FC_OPTION_NAME = 1u << 9,
    FC_OPTION_QUICK_PIN = 1u << 10,
    FC_OPTION_FILE = 1u << 11,
    FC_OPTION_VALUES = 1u << 12,
    FC_OPTION_CHECK = 1u << 13,
    FC_OPTION_YES = 1u << 14,
    FC_OPTION_TO = 1u << 15,
    FC_OPTION_IDLE = 1u << 16
} fc_option;

enum { FC_OPTIONS = 17 };

/* What a verb needs before it runs. */
typedef enum fc_place {
    FC_PLACE_BARE,  /* nothing: it makes the vault, or starts and stops the owner */
    FC_PLACE_VAULT, /* the vault open: here, or in the process that owns it */
} fc_place;

typedef struct fc_verb {
    const char *name;     /* one or two words */
    const char *synopsis; /* what is typed behind it */
    const char *summary;
    const char *examples; /* one a line */
    const char *answer;   /* what --json prints */
    unsigned options;     /* that it takes */
    unsigned required;    /* of those, the ones it cannot do without */
    size_t arguments_min, arguments_max;
    fc_place place;
    veld_status (*run)(fc_call *call);
} fc_verb;

struct fc_call {
    const fc_verb *verb;
    unsigned given;                 /* options, as bits */
    const char *values[FC_OPTIONS]; /* by number of the bit; NULL when it takes none */
    const char **arguments;
    size_t arguments_count;
    char home[FC_HOME_BYTES_MAX + 1];
    fc_session *session; /* NULL for a verb that needs no vault */
    int peer;            /* the client's connection when this runs in the owner, else -1 */
    veld_buf out;        /* becomes standard output when the verb is done */
    veld_error err;
    veld_json_errors errors;
    int exit_code; /* what a verb that did its work wants to end with; 0 unless it found something
                    */
};

/* ---- options.c ---- */
extern const fc_verb fc_verbs[];
extern const size_t fc_verbs_count;

void fc_call_init(fc_call *call);
void fc_call_release(fc_call *call);
/* fc_parse: the words behind the program's name. Without a verb (help or version only) `verb` stays
 * NULL. Expects: VELD_E_INVALID (the text says what is wrong, and what may have been meant). */
veld_status fc_parse(fc_call *call, int count, char *const *words) VELD_MUST_CHECK;
bool fc_given(const fc_call *call, fc_option option);
const char *fc_value(const fc_call *call, fc_option option);
/* fc_help: of the call's verb, or the list of verbs. */
veld_status fc_help(fc_call *call) VELD_MUST_CHECK;

/* ---- run.c ---- */
/* fc_run: run a parsed call's verb, print answer or error, return the exit code. */
int fc_run(fc_call *call, int count, char *const *words);
/* fc_finish: print what the call has to say and return its exit code. */
int fc_finish(fc_call *call, veld_status status);

/* ---- output.c ---- */
enum { FC_EXIT_PARTLY = 3 };
int fc_exit_code(veld_status status);
/* fc_say: add to the answer for people.  fc_note: a remark on standard error, unless --quiet. */
veld_status fc_say(fc_call *call, const char *format, ...) VELD_MUST_CHECK
    __attribute__((format(printf, 2, 3)));
void fc_note(const fc_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* fc_say_text: text of others, with what could steer a terminal taken out. */
veld_status fc_say_text(fc_call *call, veld_span text) VELD_MUST_CHECK;
/* fc_say_value: a JSON value as people read it. */
veld_status fc_say_value(fc_call *call, const veld_json_value *value) VELD_MUST_CHECK;
veld_status fc_say_canonical(fc_call *call, veld_span json) VELD_MUST_CHECK;
/* fc_json_end: finish the one value of the answer. */
veld_status fc_json_end(fc_call *call, veld_json_writer *writer) VELD_MUST_CHECK;
void fc_json_id(veld_json_writer *writer, const char *name, const veld_id *id);
void fc_json_hash(veld_json_writer *writer, const char *name, const veld_hash *hash);
void fc_json_text(veld_json_writer *writer, const char *name, veld_span text);
void fc_json_count(veld_json_writer *writer, const char *name, uint64_t count);
/* fc_write_all: all bytes to a descriptor; gives up when the call's client is gone. */
veld_status fc_write_all(int fd, int peer, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* fc_report: the error of a call: text to standard error, or JSON to standard output. */
void fc_report(fc_call *call, veld_status status);

/* ---- input.c ---- */
/* fc_read: a whole file, or standard input for "-". `max_bytes` is that of `out`.
 * Expects: VELD_E_NOT_FOUND, VELD_E_NOT_ALLOWED, VELD_E_LIMIT, VELD_E_IO, VELD_E_INTERRUPTED. */
veld_status fc_read(fc_call *call, const char *path, veld_buf *out) VELD_MUST_CHECK;
/* fc_confirm: a question that a person answers with ja; VELD_E_INTERRUPTED for any other answer and
 * VELD_E_NOT_ALLOWED when nobody can be asked. */
veld_status fc_confirm(fc_call *call, const char *question) VELD_MUST_CHECK;
/* fc_write_file: a new file; none is left after an error. Expects: VELD_E_EXISTS, VELD_E_IO, VELD_E_FULL.
 */
veld_status fc_write_file(const char *path, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* ---- pin.c ---- */
typedef struct fc_pin {
    veld_secret bytes;
    size_t len;
} fc_pin;

/* fc_pin_get: from --pin-file, --pin-command or the terminal; `twice` asks the terminal again.
 * Owns:    release `out`.
 * Expects: VELD_E_LOCKED (nobody can be asked, or the source gave nothing), VELD_E_INTERRUPTED. */
veld_status fc_pin_get(fc_call *call, bool twice, fc_pin *out) VELD_MUST_CHECK;
void fc_pin_release(fc_pin *pin);
veld_span fc_pin_span(const fc_pin *pin);

/* ---- session.c ---- */
#define FC_GROUP_SETTINGS "settings"
#define FC_SETTING_WORKER "worker"

typedef struct fc_known {
    veld_card card;
    struct fc_known *next;
} fc_known;

struct fc_session {
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

veld_status fc_session_open(fc_call *call, veld_span pin, fc_session *out) VELD_MUST_CHECK;
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
veld_status fc_case_find(fc_call *call, const char *word, veld_id *out) VELD_MUST_CHECK;
veld_status fc_case_open(fc_call *call, const char *word, veld_case **out) VELD_MUST_CHECK;
veld_status fc_record_find(fc_call *call, veld_case *opened, const char *word,
    const veld_state_record **out) VELD_MUST_CHECK;
/* fc_case_ids: of all cases, sorted. Owns: release `out`, an array of veld_id. */
veld_status fc_case_ids(fc_call *call, veld_buf *out, size_t *count) VELD_MUST_CHECK;

/* ---- channel.c: the local socket between a verb and the process that owns the vault ---- */
typedef struct fc_request {
    veld_buf bytes; /* the words, each with its end */
    char *words[FC_ARGUMENTS_MAX];
    int count;
    int fds[4]; /* standard input, output, error, working directory; -1 = none */
} fc_request;

/* fc_channel_connect: `*fd` is -1 when nobody listens there. */
veld_status fc_channel_connect(const char *home, int *fd, veld_error *err) VELD_MUST_CHECK;
/* fc_channel_listen: replaces the socket of an owner that died; only for who holds the store. */
veld_status fc_channel_listen(const char *home, int *fd, veld_error *err) VELD_MUST_CHECK;
void fc_channel_remove(const char *home);
veld_status fc_channel_send(int fd, int count, char *const *words, veld_error *err) VELD_MUST_CHECK;
/* fc_channel_receive: only from a process of the same user. Release `out` whatever it returns. */
veld_status fc_channel_receive(int fd, fc_request *out, veld_error *err) VELD_MUST_CHECK;
void fc_request_release(fc_request *request);
veld_status fc_channel_answer(int fd, int exit_code, veld_error *err) VELD_MUST_CHECK;
/* fc_channel_wait: the exit code. Expects: VELD_E_IO (the owner went away). */
veld_status fc_channel_wait(int fd, int *exit_code, veld_error *err) VELD_MUST_CHECK;

/* ---- owner.c ---- */
/* fc_owner_serve: answer verbs until lock, idle time or a signal; then wipe the keys. */
void fc_owner_serve(fc_session *session, const char *home, int listener, int idle_minutes);

/* ---- verbs ---- */
veld_status fc_verb_init(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_unlock(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_lock(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_status(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_new(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_list(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_case_show(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_put(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_set(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_delete(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_record_show(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_conflicts(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_log(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_diff(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_blame(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_export(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_verify(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_fsck(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card_add(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_card_list(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_bundle_make(fc_call *call) VELD_MUST_CHECK;
veld_status fc_verb_bundle_take(fc_call *call) VELD_MUST_CHECK;

/* ---- card.c ---- */
/* fc_own_card: append the bytes of this device's card. */
veld_status fc_own_card(fc_call *call, veld_buf *out) VELD_MUST_CHECK;

/* ---- show.c: pieces of answers for people that more verbs use ---- */
/* fc_say_record: one element of what veld_view_case writes. */
veld_status fc_say_record(fc_call *call, const veld_json_value *record) VELD_MUST_CHECK;
/* fc_json_origin: members device, number, worker, time, clock. */
void fc_json_origin(fc_call *call, veld_json_writer *writer, const veld_id *device, uint64_t number,
    const veld_change_time *time);
/* fc_say_origin: who and when, on one line, without its end. */
veld_status fc_say_origin(
    fc_call *call, const veld_id *device, const veld_change_time *time) VELD_MUST_CHECK;

#endif
