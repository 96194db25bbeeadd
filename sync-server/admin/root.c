/* keys print, check and restore: the root and recovery keys, written down on paper by hand and
 * typed in again. They work on the folder that --root names, wherever that is, and need nothing of
 * the server but its statement, which says whose root key it is. */
#include "root.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "veldkit/crypto.h"
#include "veldkit/paper.h"

#define ROOT_KEY     "root.key"
#define RECOVERY_KEY "recovery.key"
#define STATEMENT    "statement"

enum { FINGERPRINT_SIZE = 2 * VELD_HASH_BYTES + 1 };

veld_status srv_root_folder(
    const veld_cli_call *call, char out[SRV_PATH_BYTES_MAX], veld_error *err)
{
    const char *named = veld_cli_value(call, SRV_OPTION_ROOT);
    if (named == NULL)
        return srv_path(call->folder, "root", out, err);
    if (strlen(named) >= SRV_PATH_BYTES_MAX)
        return veld_fail(err, VELD_E_LIMIT, "de naam van --root is te lang");
    (void)snprintf(out, SRV_PATH_BYTES_MAX, "%s", named);
    return VELD_OK;
}

/* The statement as the relay has it: the newest there is, and readable without any key. */
static veld_status read_statement(
    const char *dir, veld_buf *bytes, veld_agency *out, veld_error *err)
{
    const veld_verifier verifier = veld_verifier_p256();
    char relay[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(veld_crypto_init(err));
    VELD_TRY(srv_path(dir, "relay", relay, err));
    status = srv_read_file(relay, STATEMENT, bytes, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, status, "hier is geen organisatie; maak er een met init");
    VELD_TRY(status);
    status = veld_agency_read(veld_buf_span(bytes), &verifier, out, err);

done:
    return status;
}

static veld_status check_root(
    const veld_agency *agency, const veld_p256_private *key, veld_error *err)
{
    return veld_p256_public_equal(&agency->root_key, &key->public_key)
               ? VELD_OK
               : veld_fail(
                     err, VELD_E_INVALID, "dit is de wortelsleutel van een andere organisatie");
}

veld_status srv_root_open(veld_cli_call *call, veld_p256_private *out)
{
    char root[SRV_PATH_BYTES_MAX];
    veld_agency agency;
    veld_buf statement;
    veld_p256_private key = {0};
    veld_status status;
    veld_buf_init(&statement, SRV_FILE_BYTES_MAX);
    VELD_TRY(srv_root_folder(call, root, &call->err));
    VELD_TRY(read_statement(call->folder, &statement, &agency, &call->err));
    status = srv_read_key(root, ROOT_KEY, &key, &call->err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(&call->err, status,
            "de wortelsleutel is hier niet; zeg met --root in welke map zij staat, of herstel haar "
            "van papier met keys restore");
    VELD_TRY(status);
    VELD_TRY(check_root(&agency, &key, &call->err));
    *out = key;
    key = (veld_p256_private){0};

done:
    veld_p256_release(&key);
    veld_buf_release(&statement);
    return status;
}

/* ---- print ---- */
static veld_status fingerprint(
    const veld_p256_public *key, char out[FINGERPRINT_SIZE], veld_error *err)
{
    veld_hash hash;
    veld_status status = veld_p256_fingerprint(key, &hash, err);
    if (status == VELD_OK)
        veld_hex_encode(veld_hash_span(&hash), out, FINGERPRINT_SIZE);
    return status;
}

/* What is printed: one sheet for each key that is there. */
typedef struct sheets {
    veld_agency agency;
    char print[FINGERPRINT_SIZE]; /* of the root key */
    veld_buf root, recovery;      /* seven lines, or nothing */
} sheets;

static veld_status make_sheet(
    const char *root, const char *name, veld_paper_kind kind, veld_buf *out, veld_error *err)
{
    veld_p256_private key = {0};
    veld_status status;
    VELD_TRY(srv_read_key(root, name, &key, err));
    status = veld_paper_write(kind, &key, out, err);

done:
    veld_p256_release(&key);
    return status;
}

static void write_lines(veld_json_writer *writer, const char *name, const veld_buf *lines)
{
    size_t start = 0;
    veld_json_writer_name(writer, name);
    veld_json_writer_array_begin(writer);
    for (size_t at = 0; at < lines->len; at++) {
        if (lines->data[at] != '\n')
            continue;
        veld_json_writer_text_span(writer, veld_span_of(lines->data + start, at - start));
        start = at + 1;
    }
    veld_json_writer_array_end(writer);
}

static veld_status print_json(veld_cli_call *call, const sheets *made)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "agency", &made->agency.id);
    veld_cli_json_text(&writer, "fingerprint", veld_span_text(made->print));
    veld_cli_json_text(&writer, "name", veld_span_text(made->agency.name));
    write_lines(&writer, "recovery", &made->recovery);
    write_lines(&writer, "root", &made->root);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

static veld_status print_sheet(
    veld_cli_call *call, const sheets *made, const char *title, const veld_buf *lines)
{
    veld_status status;
    if (lines->len == 0)
        return VELD_OK;
    VELD_TRY(veld_cli_say(call, "%s van ", title));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(made->agency.name)));
    VELD_TRY(veld_cli_say(call, "\nVingerafdruk van de wortelsleutel: %s\n\n", made->print));
    VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(lines)));
    status = veld_cli_say(call, "\n");

done:
    return status;
}

static veld_status print(veld_cli_call *call, const sheets *made)
{
    veld_status status;
    if (veld_cli_given(call, VELD_CLI_JSON))
        return print_json(call, made);
    VELD_TRY(print_sheet(call, made, "Wortelsleutel", &made->root));
    VELD_TRY(print_sheet(call, made, "Herstelsleutel", &made->recovery));
    status = veld_cli_say(call,
        "Schrijf dit met de hand over, of druk het af op een printer die niets bewaart. Wie het\n"
        "papier heeft, heeft de sleutel: bewaar het in een kluis. Typ het daarna over in\n"
        "veldkit-server keys check, voor de map root wordt weggehaald.\n");

done:
    return status;
}

veld_status srv_verb_keys_print(veld_cli_call *call)
{
    char root[SRV_PATH_BYTES_MAX];
    sheets made = {0};
    veld_p256_private key = {0};
    veld_buf statement;
    veld_status status;
    veld_buf_init(&statement, SRV_FILE_BYTES_MAX);
    veld_buf_init(&made.root, VELD_PAPER_TEXT_MAX);
    veld_buf_init(&made.recovery, VELD_PAPER_TEXT_MAX);
    VELD_TRY(srv_root_folder(call, root, &call->err));
    VELD_TRY(read_statement(call->folder, &statement, &made.agency, &call->err));
    VELD_TRY(srv_root_open(call, &key));
    VELD_TRY(fingerprint(&key.public_key, made.print, &call->err));
    VELD_TRY(veld_paper_write(VELD_PAPER_ROOT, &key, &made.root, &call->err));
    status = make_sheet(root, RECOVERY_KEY, VELD_PAPER_RECOVERY, &made.recovery, &call->err);
    if (status == VELD_E_NOT_FOUND)
        status = VELD_OK;
    VELD_TRY(status);
    status = print(call, &made);

done:
    veld_p256_release(&key);
    veld_buf_release(&statement);
    veld_buf_wipe(&made.root);
    veld_buf_wipe(&made.recovery);
    return status;
}

/* ---- check and restore ---- */
static veld_status read_paper(
    veld_cli_call *call, veld_paper_kind *kind, veld_p256_private *out, veld_agency *agency)
{
    const char *path = veld_cli_value(call, SRV_OPTION_PAPER);
    veld_buf text, statement;
    veld_p256_private key = {0};
    veld_status status;
    veld_buf_init(&text, VELD_PAPER_TEXT_MAX);
    veld_buf_init(&statement, SRV_FILE_BYTES_MAX);
    VELD_TRY(read_statement(call->folder, &statement, agency, &call->err));
    if (path == NULL && isatty(STDIN_FILENO))
        veld_cli_note(call, "Typ de zeven regels van het papier over, en sluit af met Ctrl-D.\n");
    VELD_TRY(veld_cli_read(call, path != NULL ? path : "-", &text));
    VELD_TRY(veld_paper_read(veld_buf_span(&text), kind, &key, &call->err));
    if (*kind == VELD_PAPER_ROOT)
        VELD_TRY(check_root(agency, &key, &call->err));
    *out = key;
    key = (veld_p256_private){0};

done:
    veld_p256_release(&key);
    veld_buf_wipe(&text);
    veld_buf_release(&statement);
    return status;
}

static veld_status say_key(
    veld_cli_call *call, const veld_agency *agency, veld_paper_kind kind, const char *done)
{
    veld_json_writer writer;
    veld_status status;
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_cli_json_id(&writer, "agency", &agency->id);
        veld_cli_json_text(
            &writer, "key", veld_span_text(kind == VELD_PAPER_ROOT ? "root" : "recovery"));
        veld_json_writer_object_end(&writer);
        return veld_cli_json_end(call, &writer);
    }
    if (kind == VELD_PAPER_RECOVERY)
        return veld_cli_say(
            call, "%s een herstelsleutel. Van welke organisatie zegt het papier niet.\n", done);
    VELD_TRY(veld_cli_say(call, "%s de wortelsleutel van ", done));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(agency->name)));
    status = veld_cli_say(call, ".\n");

done:
    return status;
}

veld_status srv_verb_keys_check(veld_cli_call *call)
{
    veld_paper_kind kind = VELD_PAPER_ROOT;
    veld_p256_private key = {0};
    veld_agency agency;
    veld_status status = read_paper(call, &kind, &key, &agency);
    veld_p256_release(&key);
    if (status == VELD_OK)
        status = say_key(call, &agency, kind, "Het papier klopt: dit is");
    return status;
}

/* A key that is there already is not written over: it may be another one. */
static veld_status put_key(
    veld_cli_call *call, const char *root, veld_paper_kind kind, const veld_p256_private *key)
{
    const char *name = kind == VELD_PAPER_ROOT ? ROOT_KEY : RECOVERY_KEY;
    char path[SRV_PATH_BYTES_MAX];
    veld_status status;
    VELD_TRY(srv_path(root, name, path, &call->err));
    if (mkdir(root, 0700) != 0 && errno != EEXIST) {
        status = veld_fail_native(&call->err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX,
            errno, "de map van --root kan niet gemaakt worden");
        goto done;
    }
    if (access(path, F_OK) == 0) {
        status = veld_fail(
            &call->err, VELD_E_EXISTS, "in de map van --root staat deze sleutel al: %s", name);
        goto done;
    }
    status = srv_write_key(root, name, key, &call->err);

done:
    return status;
}

veld_status srv_verb_keys_restore(veld_cli_call *call)
{
    char root[SRV_PATH_BYTES_MAX];
    veld_paper_kind kind = VELD_PAPER_ROOT;
    veld_p256_private key = {0};
    veld_agency agency;
    veld_status status;
    VELD_TRY(srv_root_folder(call, root, &call->err));
    VELD_TRY(read_paper(call, &kind, &key, &agency));
    VELD_TRY(put_key(call, root, kind, &key));
    status = say_key(call, &agency, kind, "Teruggezet:");

done:
    veld_p256_release(&key);
    return status;
}
