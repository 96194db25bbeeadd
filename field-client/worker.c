/* Several workers on one tablet: each has a vault of her own, HOME/NAME, and nothing in common with
 * the others: no key, no count of attempts, no process. Whose vault it is, is decided here, before
 * anything is opened; who wrote something is decided by the signing key inside. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/limits.h"

enum { WORKERS_MAX = 64, NAME_BYTES_MAX = VELD_CARD_NAME_BYTES_MAX };

typedef struct worker_list {
    char names[WORKERS_MAX][NAME_BYTES_MAX + 1];
    size_t count;
} worker_list;

/* Or was one, and is wiped. */
static bool is_vault(const char *folder, const char *name)
{
    static const char *const files[] = {"vault", "wiped"};
    char path[VELD_CLI_FOLDER_BYTES_MAX + NAME_BYTES_MAX + 16];
    bool is_there = false;
    for (size_t i = 0; i < sizeof files / sizeof files[0] && !is_there; i++) {
        int len = snprintf(path, sizeof path, "%s/%s/%s", folder, name, files[i]);
        is_there = len > 0 && (size_t)len < sizeof path && access(path, F_OK) == 0;
    }
    return is_there;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void list_workers(const char *home, worker_list *out)
{
    DIR *folder = opendir(home);
    out->count = 0;
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL && out->count < WORKERS_MAX;
         entry = readdir(folder)) {
        size_t len = strlen(entry->d_name);
        const char *end = len > 5 ? entry->d_name + len - 5 : "";
        if (entry->d_name[0] == '.' || len > NAME_BYTES_MAX || strcmp(end, ".init") == 0 ||
            !is_vault(home, entry->d_name))
            continue;
        memcpy(out->names[out->count++], entry->d_name, len + 1);
    }
    closedir(folder);
    qsort(out->names, out->count, sizeof out->names[0], by_name);
}

/* As a folder is called: small letters, and a dash for what would mean something else in a path. */
static veld_status folder_name(
    veld_cli_call *call, const char *worker, char out[NAME_BYTES_MAX + 1])
{
    size_t len = strlen(worker);
    if (len == 0 || len > NAME_BYTES_MAX)
        return veld_fail(
            &call->err, VELD_E_INVALID, "--worker heeft 1 tot %d bytes", NAME_BYTES_MAX);
    for (size_t i = 0; i <= len; i++) {
        unsigned char c = (unsigned char)worker[i];
        bool plain = c >= 0x80 || c == '-' || c == '_' || (c == '.' && i > 0) ||
                     (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        out[i] = (char)c;
        if (c >= 'A' && c <= 'Z')
            out[i] = (char)(c + 32);
        else if (!plain && c != '\0')
            out[i] = '-';
    }
    return VELD_OK;
}

static veld_status use(veld_cli_call *call, const char *name)
{
    size_t len = strlen(call->folder), more = strlen(name);
    if (len + more + 1 >= sizeof call->folder)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    call->folder[len] = '/';
    memcpy(call->folder + len + 1, name, more + 1);
    return VELD_OK;
}

/* Somebody who looks at a terminal picks by number. */
static veld_status pick(veld_cli_call *call, const worker_list *workers)
{
    char line[16] = "";
    for (size_t i = 0; i < workers->count; i++)
        fprintf(stderr, "%2zu  %s\n", i + 1, workers->names[i]);
    fprintf(stderr, "Wie ben je? Nummer: ");
    if (fgets(line, sizeof line, stdin) == NULL)
        return veld_fail(&call->err, VELD_E_INTERRUPTED, "niemand gekozen");
    unsigned long number = strtoul(line, NULL, 10);
    if (number < 1 || number > workers->count)
        return veld_fail(&call->err, VELD_E_INVALID, "dat nummer staat er niet bij");
    return use(call, workers->names[number - 1]);
}

static veld_status choose(veld_cli_call *call, const worker_list *workers)
{
    char names[VELD_ERROR_TEXT_BYTES_MAX] = "";
    size_t used = 0;
    if (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1 &&
        !veld_cli_given(call, VELD_CLI_NO_INPUT))
        return pick(call, workers);
    for (size_t i = 0; i < workers->count && used + 2 < sizeof names; i++) {
        int len = snprintf(
            names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", workers->names[i]);
        used += len > 0 ? (size_t)len : 0;
    }
    return veld_fail(&call->err, VELD_E_INVALID,
        "op deze tablet werken er meer; zeg wie met --worker: %.100s", names);
}

veld_status fc_worker_folder(veld_cli_call *call)
{
    const char *given = veld_cli_value(call, FC_OPTION_WORKER);
    worker_list *workers = NULL;
    char name[NAME_BYTES_MAX + 1];
    veld_status status = VELD_OK;
    bool alone = is_vault(call->folder, ".");
    if (call->verb->run == fc_verb_worker_list || (alone && given == NULL))
        return VELD_OK;
    if (alone)
        return veld_fail(&call->err, VELD_E_INVALID,
            "deze map is de kluis van één medewerker; neem voor meer een andere met --home");
    if (given != NULL) {
        VELD_TRY(folder_name(call, given, name));
        return use(call, name);
    }
    workers = veld_allocate(sizeof *workers);
    if (workers == NULL)
        return veld_fail(&call->err, VELD_E_MEMORY, "no memory for a list of workers");
    list_workers(call->folder, workers);
    if (workers->count > 0 && call->verb->run == fc_verb_init)
        status = veld_fail(&call->err, VELD_E_INVALID,
            "hier werken al anderen; zeg met --worker voor wie de nieuwe kluis is");
    else if (workers->count == 1)
        status = use(call, workers->names[0]);
    else if (workers->count > 1)
        status = choose(call, workers);

done:
    veld_release(workers);
    return status;
}

/* ---- worker list ---- */
static veld_status list_one(
    veld_cli_call *call, veld_json_writer *writer, const char *home, const char *name)
{
    char folder[VELD_CLI_FOLDER_BYTES_MAX + NAME_BYTES_MAX + 16];
    uint64_t unsent = 0;
    int fd = -1;
    (void)snprintf(folder, sizeof folder, "%s/%s", home, name);
    (void)fc_unsent_read(folder, &unsent);
    if (veld_cli_channel_connect(folder, &fd, NULL) != VELD_OK)
        fd = -1;
    const bool locked = fd == -1;
    if (fd != -1)
        close(fd);
    if (writer == NULL) {
        veld_status status = veld_cli_say_text(call, veld_span_text(name));
        return status != VELD_OK ? status
                                 : veld_cli_say(call, "  %s, %llu niet verzonden\n",
                                       locked ? "op slot" : "open", (unsigned long long)unsent);
    }
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "locked");
    veld_json_writer_boolean(writer, locked);
    veld_cli_json_count(writer, "unsent", unsent);
    veld_cli_json_text(writer, "worker", veld_span_text(name));
    veld_json_writer_object_end(writer);
    return VELD_OK;
}

veld_status fc_verb_worker_list(veld_cli_call *call)
{
    const bool json = veld_cli_given(call, VELD_CLI_JSON);
    worker_list *workers = veld_allocate(sizeof *workers);
    veld_json_writer writer = {0};
    veld_status status = VELD_OK;
    if (workers == NULL)
        return veld_fail(&call->err, VELD_E_MEMORY, "no memory for a list of workers");
    list_workers(call->folder, workers);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    for (size_t i = 0; i < workers->count; i++)
        VELD_TRY(list_one(call, json ? &writer : NULL, call->folder, workers->names[i]));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (workers->count == 0) {
        status = veld_cli_say(call, "Hier zijn geen medewerkers met een eigen kluis.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_release(workers);
    return status;
}
