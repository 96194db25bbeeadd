/* What a verb says, and how: the answer is gathered in memory and written when the verb is done, so
 * that a failure never leaves half an answer on standard output. Remarks and errors go to standard
 * error. Nothing is coloured, so NO_COLOR is always obeyed. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "veldkit/assert.h"
#include "veldkit/cli.h"

enum { WORDS_BYTES_MAX = 1024 };

/* What each status means to the person at the screen, and the exit code that scripts act on. */
typedef struct status_row {
    veld_status status;
    int exit_code;
    const char *text;
} status_row;

static const status_row status_rows[] = {
    {VELD_E_MEMORY, 1, "Er is te weinig werkgeheugen."},
    {VELD_E_LIMIT, 2, "Dit is groter of meer dan mag."},
    {VELD_E_FORM, 2, "Dit heeft niet de vorm die nodig is."},
    {VELD_E_INVALID, 2, "Dit klopt niet met de regels."},
    {VELD_E_NOT_FOUND, 10, "Dit is hier niet gevonden."},
    {VELD_E_EXISTS, 1, "Dit bestaat al."},
    {VELD_E_STALE, 1, "Dit kan nu niet, of niet meer."},
    {VELD_E_FORGED, 8, "Een handtekening of zegel klopt niet. Vertrouw deze gegevens niet."},
    {VELD_E_WRONG_PIN, 5, "De pincode of het wachtwoord klopt niet."},
    {VELD_E_WRONG_DEVICE, 6, "Deze kluis hoort bij een ander apparaat."},
    {VELD_E_NEWER, 1, "Dit is gemaakt met een nieuwere Veldkit. Werk dit apparaat eerst bij."},
    {VELD_E_DAMAGED, 8, "Deze gegevens zijn beschadigd of niet compleet."},
    {VELD_E_LOCKED, 5, "De kluis is op slot."},
    {VELD_E_BUSY, 1, "Een ander proces gebruikt deze kluis."},
    {VELD_E_IO, 1, "Lezen of schrijven lukt niet."},
    {VELD_E_FULL, 1, "De schijf is vol. Wat al opgeslagen was, is er nog; dit is niet opgeslagen."},
    {VELD_E_CRYPTO, 1, "De versleuteling werkt niet op dit apparaat."},
    {VELD_E_NOT_ALLOWED, 9, "Dit mag niet."},
    {VELD_E_NETWORK, 7, "De andere kant is niet bereikbaar."},
    {VELD_E_TIMEOUT, 7, "Het duurde te lang."},
    {VELD_E_UNSUPPORTED, 1, "Dat kan deze Veldkit niet."},
    {VELD_E_WEAK, 2,
        "Dit is te gemakkelijk te raden. Neem een pincode van minstens zes cijfers, of zonder chip "
        "een wachtwoord van zes willekeurige woorden."},
    {VELD_E_CONFLICT, 4, "Hier moet eerst iemand kiezen."},
    {VELD_E_INTERRUPTED, 130, "Gestopt."},
    {VELD_E_WAIT, 5, "Te vaak een verkeerde pincode of code. Wacht even."},
};

static const status_row *status_row_of(veld_status status)
{
    for (size_t i = 0; i < sizeof status_rows / sizeof status_rows[0]; i++)
        if (status_rows[i].status == status)
            return &status_rows[i];
    return NULL;
}

int veld_cli_exit_code(veld_status status)
{
    const status_row *row = status_row_of(status);
    if (status == VELD_OK)
        return 0;
    return row != NULL ? row->exit_code : 1;
}

const char *veld_cli_status_text(veld_status status)
{
    const status_row *row = status_row_of(status);
    return row != NULL ? row->text : "Er ging iets mis.";
}

veld_status veld_cli_head(veld_cli_call *call, veld_status status, const char *heading)
{
    call->heading = heading;
    call->heading_of = status;
    return status;
}

veld_status veld_cli_fail(
    veld_cli_call *call, veld_status status, const char *heading, const char *text)
{
    (void)veld_cli_head(call, status, heading);
    return veld_fail(&call->err, status, "%s", text);
}

/* ---- the answer ---- */
veld_status veld_cli_say(veld_cli_call *call, const char *format, ...)
{
    char line[1024];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    VELD_ASSERT(
        len >= 0 && (size_t)len < sizeof line); /* long texts go through veld_cli_say_text */
    return veld_buf_append(&call->out, line, (size_t)len);
}

void veld_cli_note(const veld_cli_call *call, const char *format, ...)
{
    char line[1024];
    va_list list;
    if (veld_cli_given(call, VELD_CLI_QUIET))
        return;
    va_start(list, format);
    int len = vsnprintf(line, sizeof line, format, list);
    va_end(list);
    VELD_ASSERT(len >= 0 && (size_t)len < sizeof line);
    /* A remark that does not arrive is no reason to fail. */
    (void)!veld_cli_write_all(STDERR_FILENO, call->peer, veld_span_of(line, (size_t)len), NULL);
}

/* Control characters, also the ones of two bytes (U+0080 to U+009F), become question marks. */
static void make_harmless(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((bytes[i] < 0x20 && bytes[i] != '\n' && bytes[i] != '\t') || bytes[i] == 0x7F)
            bytes[i] = '?';
        if (bytes[i] == 0xC2 && i + 1 < len && bytes[i + 1] < 0xA0) {
            bytes[i++] = '?';
            bytes[i] = '?';
        }
    }
}

veld_status veld_cli_say_text(veld_cli_call *call, veld_span text)
{
    size_t before = call->out.len;
    veld_status status = veld_buf_append_span(&call->out, text);
    if (status == VELD_OK && text.len > 0)
        make_harmless(call->out.data + before, text.len);
    return status;
}

veld_status veld_cli_say_value(veld_cli_call *call, const veld_json_value *value)
{
    veld_status status;
    veld_span text = {0};
    veld_buf json;
    if (veld_json_text(value, &text))
        return veld_cli_say_text(call, text);
    if (veld_json_is_null(value))
        return veld_cli_say(call, "(leeg)");
    if (veld_json_type_of(value) == VELD_JSON_TYPE_ARRAY) {
        const veld_json_value *element = veld_json_first(value);
        for (; element != NULL; element = veld_json_next(element)) {
            VELD_TRY(veld_cli_say_value(call, element));
            VELD_TRY(veld_cli_say(call, veld_json_next(element) != NULL ? ", " : ""));
        }
        return VELD_OK;
    }
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    status = veld_json_canonical(value, &json, &call->err);
    if (status == VELD_OK)
        status = veld_cli_say_text(call, veld_buf_span(&json));
    veld_buf_wipe(&json);

done:
    return status;
}

veld_status veld_cli_say_canonical(veld_cli_call *call, veld_span json)
{
    veld_json_doc *doc = NULL;
    veld_status status;
    VELD_TRY(veld_json_parse(json, VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    VELD_TRY(veld_cli_say_value(call, veld_json_root(doc)));

done:
    veld_json_doc_free(doc);
    return status;
}

const char *veld_cli_of(uint64_t count, const char *one, const char *more)
{
    return count == 1 ? one : more;
}

void veld_cli_time(const veld_cli_call *call, int64_t utc_ms, char out[VELD_INSTANT_TEXT_SIZE])
{
    out[0] = '\0';
    if (utc_ms > 0 && veld_cli_given(call, VELD_CLI_JSON))
        veld_instant_format((veld_instant){.utc_ms = utc_ms}, out);
    else if (utc_ms > 0)
        veld_moment_format(utc_ms, out);
}

/* ---- JSON ---- */
veld_status veld_cli_json_end(veld_cli_call *call, veld_json_writer *writer)
{
    veld_status status = veld_json_writer_finish(writer, &call->err);
    return status == VELD_OK ? veld_buf_append_byte(&call->out, '\n') : status;
}

void veld_cli_json_id(veld_json_writer *writer, const char *name, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    veld_json_writer_name(writer, name);
    veld_json_writer_text(writer, text);
}

void veld_cli_json_hash(veld_json_writer *writer, const char *name, const veld_hash *hash)
{
    char text[VELD_HASH_TEXT_SIZE];
    veld_hash_format(hash, text);
    veld_json_writer_name(writer, name);
    if (veld_hash_is_zero(hash))
        veld_json_writer_null(writer);
    else
        veld_json_writer_text(writer, text);
}

void veld_cli_json_text(veld_json_writer *writer, const char *name, veld_span text)
{
    veld_json_writer_name(writer, name);
    if (text.len == 0)
        veld_json_writer_null(writer);
    else
        veld_json_writer_text_span(writer, text);
}

void veld_cli_json_count(veld_json_writer *writer, const char *name, uint64_t count)
{
    VELD_ASSERT(count <= (uint64_t)VELD_JSON_INTEGER_MAX);
    veld_json_writer_name(writer, name);
    veld_json_writer_integer(writer, (int64_t)count);
}

/* ---- writing ---- */
veld_status veld_cli_write_all(int fd, int peer, veld_span bytes, veld_error *err)
{
    size_t done = 0;
    while (done < bytes.len) {
        /* The peer is watched for its end only: a client that was stopped must not hold us. */
        struct pollfd wait[2] = {{.fd = fd, .events = POLLOUT}, {.fd = peer}};
        int ready = poll(wait, 2, -1);
        if (ready < 0 && errno != EINTR)
            return veld_fail_native(
                err, VELD_E_IO, VELD_DOMAIN_POSIX, errno, "the output cannot be waited for");
        if (ready > 0 && wait[1].revents != 0)
            return veld_fail(err, VELD_E_INTERRUPTED, "the client is gone");
        if (ready <= 0)
            continue;
        size_t part = bytes.len - done < 4096 ? bytes.len - done : 4096;
        ssize_t written = write(fd, bytes.data + done, part);
        if (written > 0)
            done += (size_t)written;
        else if (errno != EINTR && errno != EAGAIN)
            return veld_fail_native(err, veld_status_from_errno(errno), VELD_DOMAIN_POSIX, errno,
                "the answer could not be written");
    }
    return VELD_OK;
}

veld_status veld_cli_print(veld_cli_call *call, veld_span bytes)
{
    if (call->peer != -1)
        return veld_cli_channel_output(call->peer, bytes, &call->err);
    veld_status status = veld_cli_write_all(STDOUT_FILENO, -1, bytes, &call->err);
    call->is_reader_gone =
        status != VELD_OK && call->err.domain == VELD_DOMAIN_POSIX && call->err.native == EPIPE;
    return status;
}

veld_status veld_cli_say_words(veld_cli_call *call, const char *text)
{
    size_t from = call->out.len;
    veld_status status = veld_cli_in_words(text, &call->out);
    if (status == VELD_OK)
        make_harmless(call->out.data + from, call->out.len - from);
    return status;
}

void veld_cli_json_words(veld_json_writer *writer, const char *name, const char *text)
{
    veld_buf words;
    veld_buf_init(&words, WORDS_BYTES_MAX);
    bool is_whole = veld_cli_in_words(text, &words) == VELD_OK;
    veld_cli_json_text(writer, name, is_whole ? veld_buf_span(&words) : veld_span_text(text));
    veld_buf_wipe(&words);
}

static void json_details(veld_json_writer *writer, const veld_cli_call *call)
{
    veld_cli_json_words(writer, "detail", call->err.text);
    if (call->errors.count == 0)
        return;
    veld_json_writer_name(writer, "errors");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < call->errors.kept; i++) {
        veld_json_writer_object_begin(writer);
        veld_json_writer_name(writer, "pointer");
        veld_json_writer_text(writer, call->errors.items[i].pointer);
        veld_cli_json_words(writer, "text", call->errors.items[i].text);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
    if (call->errors.count > call->errors.kept)
        veld_cli_json_count(writer, "errorsLeftOut", call->errors.count - call->errors.kept);
}

/* Details may repeat a name that was typed, and that need not be a text at all: then without. */
static veld_status report_json(
    veld_cli_call *call, veld_status status, const char *text, veld_buf *out)
{
    veld_status written = VELD_E_FORM;
    for (int details = 1; details >= 0 && written != VELD_OK; details--) {
        veld_json_writer writer;
        veld_json_writer_init(&writer, out);
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "error");
        veld_json_writer_object_begin(&writer);
        if (details)
            json_details(&writer, call);
        veld_cli_json_text(&writer, "status", veld_span_text(veld_status_name(status)));
        veld_cli_json_text(&writer, "text", veld_span_text(text));
        veld_json_writer_object_end(&writer);
        veld_json_writer_object_end(&writer);
        written = veld_json_writer_finish(&writer, NULL);
    }
    return written == VELD_OK ? veld_buf_append_byte(out, '\n') : written;
}

static veld_status append_words(
    veld_buf *out, const char *before, const char *what, const char *text, const char *behind)
{
    veld_status status = veld_buf_append_format(out, "%s%s: ", before, what);
    if (status == VELD_OK)
        status = veld_cli_in_words(text, out);
    return status == VELD_OK ? veld_buf_append_text(out, behind) : status;
}

static veld_status report_text(
    veld_cli_call *call, veld_status status, const char *text, veld_buf *out)
{
    veld_status written = veld_buf_append_format(out, "%s: %s\n", call->program->name, text);
    if (written == VELD_OK && call->err.text[0] != '\0')
        written = append_words(out, "  (", veld_status_name(status), call->err.text, ")\n");
    for (size_t i = 0; written == VELD_OK && i < call->errors.kept; i++) {
        const veld_json_error *error = &call->errors.items[i];
        const char *where = error->pointer[0] != '\0' ? error->pointer : "/";
        written = append_words(out, "  ", where, error->text, "\n");
    }
    if (written == VELD_OK && call->errors.count > call->errors.kept)
        written = veld_buf_append_format(
            out, "  ... en nog %zu fouten\n", call->errors.count - call->errors.kept);
    make_harmless(out->data, out->len);
    return written;
}

void veld_cli_report(veld_cli_call *call, veld_status status)
{
    const char *text = call->heading != NULL && call->heading_of == status
                           ? call->heading
                           : veld_cli_status_text(status);
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_buf report;
    veld_buf_init(&report, VELD_CLI_OUTPUT_BYTES_MAX);
    veld_status written =
        json ? report_json(call, status, text, &report) : report_text(call, status, text, &report);
    if (written == VELD_OK)
        written = json
                      ? veld_cli_print(call, veld_buf_span(&report))
                      : veld_cli_write_all(STDERR_FILENO, call->peer, veld_buf_span(&report), NULL);
    (void)written; /* there is nobody left to tell; the exit code says it */
    veld_buf_wipe(&report);
}
