/* cli.h: what both programs' command lines have in common: a table of verbs and options, one call
 * of a verb, its answer as text or JSON, exit codes, passphrases, and the local socket over which a
 * verb runs in the process that holds the store open. A program brings its tables and its session;
 * this room knows neither what a verb does nor what it works on.
 *
 * Thread: one call at a time in a process. Source: design.md 7, ux.md 6. */
#ifndef VELDKIT_CLI_H
#define VELDKIT_CLI_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "veldkit/bytes.h"
#include "veldkit/id.h"
#include "veldkit/json.h"
#include "veldkit/status.h"
#include "veldkit/time.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VELD_CLI_OUTPUT_BYTES_MAX  (256u << 20)
#define VELD_CLI_REQUEST_BYTES_MAX (1u << 20) /* words of one command */
#define VELD_CLI_ARGUMENTS_MAX     4096u
#define VELD_CLI_FOLDER_BYTES_MAX  3000u
#define VELD_CLI_PREFIX_MIN        4u /* characters that may stand for an id */

/* ---- tables ---- */
/* Each option has one bit. These come first in every program; its own begin at VELD_CLI_OWN. */
enum {
    VELD_CLI_FOLDER = 1u << 0, /* where the program's files are; named by the program */
    VELD_CLI_PIN_FILE = 1u << 1,
    VELD_CLI_PIN_COMMAND = 1u << 2,
    VELD_CLI_JSON = 1u << 3,
    VELD_CLI_QUIET = 1u << 4,
    VELD_CLI_NO_INPUT = 1u << 5,
    VELD_CLI_HELP = 1u << 6,
    VELD_CLI_VERSION = 1u << 7,
    VELD_CLI_OWN = 1u << 8
};

enum { VELD_CLI_OPTIONS_COMMON = 8, VELD_CLI_OPTIONS_MAX = 64 };
enum {
    VELD_CLI_EXIT_PARTLY = 3,
    VELD_CLI_EXIT_READER_GONE = 141 /* as a shell shows it of a program that SIGPIPE ended */
};
enum { VELD_CLI_SECRETS_MAX = 2 }; /* secret files of one call */

typedef struct veld_cli_option {
    const char *name;
    const char *value; /* what it takes; NULL = nothing */
    const char *text;
} veld_cli_option;

/* What a verb needs before it runs. */
typedef enum veld_cli_place {
    VELD_CLI_PLACE_NOWHERE, /* it looks at no folder */
    VELD_CLI_PLACE_ALONE,   /* it makes the folder, or is the process that serves it */
    VELD_CLI_PLACE_BARE,    /* nothing; but when a process serves the folder it runs there */
    VELD_CLI_PLACE_VAULT    /* the session open: here, or in the process that serves the folder */
} veld_cli_place;

typedef struct veld_cli_call veld_cli_call;
typedef struct veld_cli_session veld_cli_session; /* each program says what is in it */

typedef struct veld_cli_verb {
    const char *name;     /* one or two words */
    const char *synopsis; /* what is typed behind it */
    const char *summary;
    const char *examples; /* one a line */
    const char *answer;   /* what --json prints */
    uint64_t options;     /* that it takes */
    uint64_t required;    /* of those, the ones it cannot do without */
    size_t arguments_min, arguments_max;
    veld_cli_place place;
    veld_status (*run)(veld_cli_call *call);
} veld_cli_verb;

typedef struct veld_cli_program {
    const char *name;
    const char *version;
    const char *help; /* what --help says before the verbs */
    const char *exit_codes;
    veld_cli_option folder;
    const veld_cli_option *options; /* its own, in the order of their bits from VELD_CLI_OWN */
    size_t options_count;
    uint64_t options_of_all; /* taken by every verb */
    unsigned secret_files;   /* options that name a file with a secret: opened by who calls, so that
                                a process that serves needs no right to read it */
    uint64_t texts; /* options whose value is about people: "-" stands for standard input, since the
                       words of a process are seen by others of the machine and kept by a shell */
    const veld_cli_verb *verbs;
    size_t verbs_count;
    /* The folder when no option names it; NULL when there is none: then --help alone works without.
     * Writes at most `size` bytes and returns the length as snprintf; 0 when it is not known. */
    int (*default_folder)(char *out, size_t size);
    /* Both may be NULL. `before` runs ahead of every verb that has a session and may refuse it;
     * `after` runs behind it whatever came of it. */
    veld_status (*before)(veld_cli_call *call);
    void (*after)(veld_cli_call *call);
    /* Runs a verb that has a session; NULL: as it is. An answer is given only when this says
     * VELD_OK. */
    veld_status (*around)(veld_cli_call *call);
} veld_cli_program;

/* veld_cli_in_words: append what the library says of somebody's input in the words of a screen;
 * what it says of anything else as it is.  Expects: as veld_buf_append. */
veld_status veld_cli_in_words(const char *text, veld_buf *out) VELD_MUST_CHECK;

/* ---- one call ---- */
struct veld_cli_call {
    const veld_cli_program *program;
    const veld_cli_verb *verb;
    uint64_t given;                           /* options, as bits */
    const char *values[VELD_CLI_OPTIONS_MAX]; /* by number of the bit; NULL when it takes none */
    const char **arguments;
    size_t arguments_count;
    char folder[VELD_CLI_FOLDER_BYTES_MAX + 1];
    veld_cli_session *session; /* NULL for a verb that needs none */
    int peer;                  /* the client's connection when this runs for another, else -1 */
    int listener;              /* where others wait meanwhile, else -1 */
    int secrets[VELD_CLI_SECRETS_MAX]; /* opened secret files in the order of their options' bits,
                                          borrowed; -1 = open it by its name */
    veld_buf text;                     /* what came for such an option */
    veld_buf out;                      /* becomes standard output when the verb is done */
    veld_error err;
    const char *heading; /* in place of the sentence of `heading_of`; NULL = none; static */
    veld_status heading_of;
    veld_json_errors errors;
    int exit_code; /* what a verb that did its work wants to end with; 0 unless it found something
                    */
    bool is_reader_gone; /* standard output has no reader any more */
};

/* veld_cli_init / _release: an empty call of `program`, which must outlive it. */
void veld_cli_init(veld_cli_call *call, const veld_cli_program *program);
void veld_cli_release(veld_cli_call *call);
/* veld_cli_parse: the words behind the program's name. Without a verb (help or version only) `verb`
 * stays NULL.
 * Owns:    the words must outlive the call.
 * Expects: VELD_E_INVALID (the text says what is wrong, and what may have been meant),
 *          VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_cli_parse(veld_cli_call *call, int count, char *const *words) VELD_MUST_CHECK;
/* veld_cli_folder_whole: from here on `folder` is a path from the root, without links: what this
 * call starts works from another folder, where a relative one would be somebody else's. One that
 * does not exist yet stays under its name.  Expects: VELD_E_IO, VELD_E_NOT_ALLOWED, VELD_E_LIMIT.
 */
veld_status veld_cli_folder_whole(veld_cli_call *call) VELD_MUST_CHECK;
bool veld_cli_given(const veld_cli_call *call, uint64_t option);
const char *veld_cli_value(const veld_cli_call *call, uint64_t option);
/* veld_cli_asks_help: --help, "help" as the first word, --version, or no verb at all. */
bool veld_cli_asks_help(const veld_cli_call *call);
/* veld_cli_help: of the call's verb, or the list of verbs.  Expects: VELD_E_MEMORY, VELD_E_LIMIT.
 */
veld_status veld_cli_help(veld_cli_call *call) VELD_MUST_CHECK;
/* veld_cli_process_ready: the first thing in main: standard streams that were closed are opened on
 * nothing, so that no file takes their place; signals of a write become its error; no core file.
 * Expects: VELD_E_IO, VELD_E_NOT_ALLOWED. */
veld_status veld_cli_process_ready(veld_error *err) VELD_MUST_CHECK;
/* veld_cli_run_verb: the verb of the call, with what the program does before and after it.
 * Expects: what these return. */
veld_status veld_cli_run_verb(veld_cli_call *call) VELD_MUST_CHECK;
/* veld_cli_finish: print what the call has to say and return its exit code. A reader who had enough
 * and went away ends it without a word, with VELD_CLI_EXIT_READER_GONE unless the verb has a code
 * of its own. */
int veld_cli_finish(veld_cli_call *call, veld_status status);
/* veld_cli_run_there: `*done` when a process serves `folder` and it ran the words.
 * Expects: VELD_E_IO, VELD_E_NOT_ALLOWED, VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_cli_run_there(veld_cli_call *call, const char *folder, int count,
    char *const *words, bool *done, int *exit_code) VELD_MUST_CHECK;

/* ---- what it says (output.c) ---- */
int veld_cli_exit_code(veld_status status);
/* veld_cli_status_text: what it means to the person at the screen, a sentence in plain Dutch. What
 * an error says itself is the detail behind it, for who has to find out why. */
const char *veld_cli_status_text(veld_status status);
/* veld_cli_head: an error of this status is said under `heading`, a sentence, where the status's
 * own would mislead. veld_cli_fail: the same, and veld_fail with a text. Both return `status`. */
veld_status veld_cli_head(veld_cli_call *call, veld_status status, const char *heading);
veld_status veld_cli_fail(
    veld_cli_call *call, veld_status status, const char *heading, const char *text) VELD_MUST_CHECK;
/* All that append expect VELD_E_MEMORY and VELD_E_LIMIT.
 * veld_cli_say: add to the answer for people; at most 1023 bytes.  veld_cli_note: a remark on
 * standard error, unless --quiet.  veld_cli_say_text: text of others, with what could steer a
 * terminal taken out.  veld_cli_say_value: a JSON value as people read it. */
veld_status veld_cli_say(veld_cli_call *call, const char *format, ...) VELD_MUST_CHECK
    __attribute__((format(printf, 2, 3)));
void veld_cli_note(const veld_cli_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
veld_status veld_cli_say_text(veld_cli_call *call, veld_span text) VELD_MUST_CHECK;
veld_status veld_cli_say_value(veld_cli_call *call, const veld_json_value *value) VELD_MUST_CHECK;
veld_status veld_cli_say_canonical(veld_cli_call *call, veld_span json) VELD_MUST_CHECK;
/* veld_cli_say_words, veld_cli_json_words: what the library says, as veld_cli_in_words has it. */
veld_status veld_cli_say_words(veld_cli_call *call, const char *text) VELD_MUST_CHECK;
void veld_cli_json_words(veld_json_writer *writer, const char *name, const char *text);
/* veld_cli_of: which of two words fits a number: of 1 the first. */
const char *veld_cli_of(uint64_t count, const char *one, const char *more);
/* veld_cli_time: a moment as the answer has it: RFC 3339 in UTC with --json, else as people read
 * it;
 * "" for 0: what has not been. */
void veld_cli_time(const veld_cli_call *call, int64_t utc_ms, char out[VELD_INSTANT_TEXT_SIZE]);
/* veld_cli_json_end: finish the one value of the answer. The others write one member. */
veld_status veld_cli_json_end(veld_cli_call *call, veld_json_writer *writer) VELD_MUST_CHECK;
void veld_cli_json_id(veld_json_writer *writer, const char *name, const veld_id *id);
void veld_cli_json_hash(veld_json_writer *writer, const char *name, const veld_hash *hash);
void veld_cli_json_text(veld_json_writer *writer, const char *name, veld_span text);
void veld_cli_json_count(veld_json_writer *writer, const char *name, uint64_t count);

/* ---- answers in another order than they are made (pieces.c) ---- */
enum { VELD_CLI_PIECE_KEYS = 3, VELD_CLI_PIECES_BYTES_MAX = 64 << 20 };

typedef struct veld_cli_pieces {
    veld_buf bytes, list;
} veld_cli_pieces;

/* veld_cli_pieces_init: nothing in it; release it, also after an error. */
void veld_cli_pieces_init(veld_cli_pieces *pieces);
void veld_cli_pieces_release(veld_cli_pieces *pieces);
/* veld_cli_piece_take: take what the answer has from `from` on out of it, as one piece: text for
 * people, or one whole JSON value. Expects: VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_cli_piece_take(veld_cli_call *call, veld_cli_pieces *pieces, size_t from,
    const int64_t key[VELD_CLI_PIECE_KEYS]) VELD_MUST_CHECK;
/* veld_cli_pieces_say: put all pieces in the answer, lowest keys first, equal ones in the order in
 * which they were taken; as JSON they are one array, which ends the answer. */
veld_status veld_cli_pieces_say(
    veld_cli_call *call, veld_cli_pieces *pieces, bool json) VELD_MUST_CHECK;

/* veld_cli_write_all: all bytes to a descriptor; gives up when the call's client is gone.
 * Expects: VELD_E_IO, VELD_E_FULL, VELD_E_INTERRUPTED. */
veld_status veld_cli_write_all(int fd, int peer, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* veld_cli_print: to the standard output of who asked, as far as that is this process's to do.
 * Expects: VELD_E_IO, VELD_E_FULL. */
veld_status veld_cli_print(veld_cli_call *call, veld_span bytes) VELD_MUST_CHECK;
/* veld_cli_report: the error of a call: text to standard error, or JSON to standard output. */
void veld_cli_report(veld_cli_call *call, veld_status status);

/* ---- what it reads (input.c) ---- */
/* veld_cli_read: a whole file, or standard input for "-"; the bound is the maximum of `out`.
 * Expects: VELD_E_NOT_FOUND, VELD_E_NOT_ALLOWED, VELD_E_LIMIT, VELD_E_IO, VELD_E_INTERRUPTED. */
veld_status veld_cli_read(veld_cli_call *call, const char *path, veld_buf *out) VELD_MUST_CHECK;
/* veld_cli_take_input: when the call names standard input, read all of it now, into memory that
 * takes its place: who holds keys then never waits for it.  Expects: as veld_cli_read. */
veld_status veld_cli_take_input(veld_cli_call *call) VELD_MUST_CHECK;
/* veld_cli_take_texts: the value "-" of an option of `texts` becomes what standard input has, less
 * the ends of lines behind it. Before the verb; only one can have it.
 * Expects: VELD_E_INVALID (two of them, nothing there, or no plain text), as veld_cli_read. */
veld_status veld_cli_take_texts(veld_cli_call *call) VELD_MUST_CHECK;
/* veld_cli_confirm: a question that a person answers with ja; VELD_E_INTERRUPTED for any other
 * answer and VELD_E_NOT_ALLOWED when nobody can be asked. */
veld_status veld_cli_confirm(veld_cli_call *call, const char *question) VELD_MUST_CHECK;
/* veld_cli_write_file: a new file, mode 0600; none is left after an error.
 * Expects: VELD_E_EXISTS, VELD_E_IO, VELD_E_FULL. */
veld_status veld_cli_write_file(const char *path, veld_span bytes, veld_error *err) VELD_MUST_CHECK;

/* ---- passphrases (ask.c) ---- */
typedef struct veld_cli_pin {
    veld_secret bytes;
    size_t len;
} veld_cli_pin;

/* veld_cli_pin_get: from --pin-file, --pin-command or the terminal; `twice` asks the terminal
 * again.  veld_cli_pin_new: one that is to be set: from this file, or twice from the terminal when
 * it is NULL.  veld_cli_pin_of: from the file that the secret option `option` names, which was
 * given.  veld_cli_pin_from_file: from a file that the program itself keeps.
 * Owns:    release `out`.
 * Expects: VELD_E_LOCKED (nobody can be asked, or the source gave nothing), VELD_E_INTERRUPTED,
 *          VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_cli_pin_get(veld_cli_call *call, bool twice, veld_cli_pin *out) VELD_MUST_CHECK;
veld_status veld_cli_pin_new(
    veld_cli_call *call, const char *path, veld_cli_pin *out) VELD_MUST_CHECK;
veld_status veld_cli_pin_of(
    veld_cli_call *call, uint64_t option, veld_cli_pin *out) VELD_MUST_CHECK;
veld_status veld_cli_pin_from_file(
    const char *path, veld_cli_pin *out, veld_error *err) VELD_MUST_CHECK;
void veld_cli_pin_release(veld_cli_pin *pin);
veld_span veld_cli_pin_span(const veld_cli_pin *pin);

/* ---- the local socket, FOLDER/socket, between a verb and who serves the folder (channel.c) ----
 */
typedef struct veld_cli_request {
    veld_buf bytes; /* the words, each with its end */
    char *words[VELD_CLI_ARGUMENTS_MAX];
    int count;
    int fds[4 + VELD_CLI_SECRETS_MAX]; /* standard input, output, error, working directory, then
                                          secret files in the order of their options; -1 = none */
} veld_cli_request;

/* All expect VELD_E_IO. veld_cli_channel_connect: `*fd` is -1 when nobody listens there; also
 * VELD_E_NOT_ALLOWED. */
veld_status veld_cli_channel_connect(const char *folder, int *fd, veld_error *err) VELD_MUST_CHECK;
/* veld_cli_channel_listen: replaces the socket of a process that died; only for who holds what the
 * folder keeps. */
veld_status veld_cli_channel_listen(const char *folder, int *fd, veld_error *err) VELD_MUST_CHECK;
void veld_cli_channel_remove(const char *folder);
/* veld_cli_channel_interrupt: let the process that serves the folder leave whatever it waits for on
 * behalf of a client: a signal, which it blocks but while it waits. Nothing when there is none. */
#define VELD_CLI_INTERRUPT_SIGNAL SIGUSR1
void veld_cli_channel_interrupt(const char *folder);
/* veld_cli_channel_send: `secrets` as in a call. */
veld_status veld_cli_channel_send(int fd, const int secrets[VELD_CLI_SECRETS_MAX], int count,
    char *const *words, veld_error *err) VELD_MUST_CHECK;
/* veld_cli_channel_receive: only from a process of the same user. Release `out` whatever it
 * returns.
 * Expects: also VELD_E_NOT_ALLOWED, VELD_E_FORM, VELD_E_LIMIT, VELD_E_MEMORY. */
veld_status veld_cli_channel_receive(
    int fd, veld_cli_request *out, veld_error *err) VELD_MUST_CHECK;
void veld_cli_request_release(veld_cli_request *request);
veld_status veld_cli_channel_answer(int fd, int exit_code, veld_error *err) VELD_MUST_CHECK;
/* veld_cli_channel_output: bytes for the client's standard output. The client takes them all before
 * it writes one, so that a reader who is slow, a pager, does not hold up the process that serves.
 */
veld_status veld_cli_channel_output(int fd, veld_span bytes, veld_error *err) VELD_MUST_CHECK;
/* veld_cli_channel_wait: what is to be printed is added to `output`; then the exit code.
 * Expects: also VELD_E_MEMORY, VELD_E_LIMIT. */
veld_status veld_cli_channel_wait(
    int fd, veld_buf *output, int *exit_code, veld_error *err) VELD_MUST_CHECK;

/* ---- running verbs for others (serve.c) ---- */
/* veld_cli_drop_streams: a process that serves has no streams and no folder of its own. */
void veld_cli_drop_streams(void);
/* veld_cli_serve_one: take one client from `listener` and run its words on `session`, with the
 * client's own streams and folder. Returns the connection on which veld_cli_answer is still to be
 * called, so that who serves can do something between; -1 when there is none. */
int veld_cli_serve_one(const veld_cli_program *program, veld_cli_session *session,
    const char *folder, int listener, veld_status *status, int *exit_code);
void veld_cli_answer(int peer, int exit_code);

/* ---- numbers that people type (prefix.c) ---- */
/* veld_cli_prefix_check: only the characters of an id, so that it may be shown in an error.
 * Expects: VELD_E_INVALID. */
veld_status veld_cli_prefix_check(const char *word, veld_error *err) VELD_MUST_CHECK;
bool veld_cli_prefix_fits(const veld_id *id, const char *prefix);
/* veld_cli_prefix_judge: of so many ids that begin or end so, one is meant. It never takes the
 * first of several.  Expects: VELD_E_NOT_FOUND, VELD_E_INVALID. */
veld_status veld_cli_prefix_judge(
    const char *word, const char *what, size_t matches, veld_error *err) VELD_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
