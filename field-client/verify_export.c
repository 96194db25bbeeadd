/* verify of an exported folder: the changes in git, and what lies beside them for who checks with
 * ssh-keygen alone. The invariant: what should lie there follows from the records on the branch,
 * whose bytes are signed; nothing in decisions/ is believed for lying there. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "findings.h"
#include "veldkit/audit.h"
#include "veldkit/context.h"
#include "veldkit/decision.h"
#include "veldkit/sshsig.h"

enum { SIGNERS_BYTES_MAX = 1 << 20, FILE_BYTES_MAX = 128 << 10, NAME_BYTES_MAX = 64 };

typedef struct export_check {
    veld_cli_call *call;
    fc_findings list;
    char folder[VELD_CLI_FOLDER_BYTES_MAX + NAME_BYTES_MAX]; /* DIR/decisions */
    bool has_agency;
    veld_agency agency;
    veld_buf signers; /* the lines that belong in decisions/allowed_signers */
    veld_buf ids;     /* veld_id of each signed decision and confirmation */
} export_check;

static veld_status audit_key(
    void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err)
{
    export_check *check = context;
    const veld_keyring *keyring = &check->call->session->desk.keyring;
    return back == 0 ? keyring->find(keyring->context, device, out, err)
                     : keyring->former(keyring->context, device, back, out, err);
}

static void audit_finding(void *context, const veld_audit_finding *finding)
{
    export_check *check = context;
    fc_findings_add(&check->list, finding->text);
}

/* ---- what a record says ---- */
enum { STATEMENT, SIGNATURE, SIGNER, TEXTS };
static const char *const names[TEXTS] = {"statement", "signature", "signer"};

/* One line of a record's file: {"field":..,"value":..,"write":..}. A field with two lines shows two
 * values; such a one says nothing. */
static veld_status take_line(veld_span line, veld_arena *arena, veld_span texts[TEXTS])
{
    veld_json_doc *doc = NULL;
    veld_span name = {0}, text = {0};
    veld_status status = veld_json_parse(line, VELD_JSON_CANONICAL, &doc, NULL, NULL);
    if (status != VELD_OK)
        return status == VELD_E_MEMORY ? status : VELD_OK;
    const veld_json_value *root = veld_json_root(doc);
    if (veld_json_text(veld_json_get(root, "field"), &name) &&
        veld_json_text(veld_json_get(root, "value"), &text)) {
        for (size_t i = 0; i < TEXTS && status == VELD_OK; i++) {
            if (!veld_span_equal(name, veld_span_text(names[i])))
                continue;
            if (texts[i].data != NULL)
                texts[i].len = 0;
            else
                status = veld_arena_copy(arena, text, &texts[i]);
        }
    }
    veld_json_doc_free(doc);
    return status;
}

static veld_status take_lines(veld_span rest, veld_arena *arena, veld_span texts[TEXTS])
{
    veld_status status = VELD_OK;
    while (status == VELD_OK && rest.len > 0) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
        status = take_line(veld_span_of(rest.data, len), arena, texts);
        size_t step = end == NULL ? len : len + 1;
        rest = veld_span_of(rest.data + step, rest.len - step);
    }
    return status;
}

/* ---- the files that belong to it ---- */
static veld_status check_file(
    export_check *check, const char *id, const char *end, veld_span expected)
{
    char name[NAME_BYTES_MAX], text[VELD_ERROR_TEXT_BYTES_MAX];
    veld_buf bytes;
    veld_error why = {0};
    veld_buf_init(&bytes, FILE_BYTES_MAX);
    (void)snprintf(name, sizeof name, "%s%s", id, end);
    veld_status status = veld_audit_read_file(check->folder, name, &bytes, &why);
    text[0] = '\0';
    if (status == VELD_E_NOT_FOUND)
        (void)snprintf(text, sizeof text, "the file decisions/%s is missing", name);
    else if (status != VELD_OK || !veld_span_equal(veld_buf_span(&bytes), expected))
        (void)snprintf(text, sizeof text, "the file decisions/%s is not what the change has", name);
    if (text[0] != '\0')
        fc_findings_add(&check->list, text);
    veld_buf_release(&bytes);
    return status == VELD_E_MEMORY ? status : VELD_OK;
}

/* Did who the directory's entry names sign it? Her line belongs in allowed_signers. */
static veld_status check_signature(
    export_check *check, const char *id, const veld_span texts[TEXTS], veld_error *err)
{
    const veld_verifier *verifier = &check->call->session->desk.verifier;
    char text[VELD_ERROR_TEXT_BYTES_MAX];
    veld_ssh_allowed line = {.name_space = VELD_NAMESPACE_DECISION};
    veld_user_entry signer = {0};
    veld_sshsig armored;
    veld_buf entry;
    veld_buf_init(&entry, FILE_BYTES_MAX);
    veld_status status = veld_base64_decode(texts[SIGNER], true, &entry);
    if (status == VELD_OK)
        status = veld_user_read(
            veld_buf_span(&entry), verifier, &check->agency.merger_key, &signer, err);
    if (status == VELD_OK)
        status = veld_sshsig_read(texts[SIGNATURE], &armored, err);
    if (status == VELD_OK)
        status = veld_sshsig_verify(verifier, &signer.key, VELD_NAMESPACE_DECISION,
            texts[STATEMENT], &armored.signature, err);
    if (status == VELD_OK) {
        line.key = signer.key;
        veld_id_format(&signer.user, line.principal);
        status = veld_ssh_allowed_write(&line, &check->signers, err);
    } else if (status != VELD_E_MEMORY && status != VELD_E_CRYPTO && status != VELD_E_NEWER) {
        (void)snprintf(text, sizeof text, "decision %s: the person's signature does not fit", id);
        fc_findings_add(&check->list, text);
        status = VELD_OK;
    }
    veld_buf_release(&entry);
    return status == VELD_E_NEWER ? VELD_OK : status;
}

static veld_status take_record(void *context, const veld_audit_file *file, veld_error *err)
{
    export_check *check = context;
    veld_span texts[TEXTS] = {{0}};
    char id[VELD_ID_TEXT_SIZE];
    veld_arena arena;
    veld_status status = VELD_OK;
    if (!veld_span_equal(file->type, veld_span_text(VELD_TYPE_DECISION)) &&
        !veld_span_equal(file->type, veld_span_text(VELD_TYPE_CONFIRMATION)))
        return VELD_OK;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_id_format(&file->id, id);
    VELD_TRY(take_lines(file->bytes, &arena, texts));
    if (texts[SIGNATURE].len == 0) /* the office's alone */
        goto done;
    VELD_TRY(veld_buf_append(&check->ids, &file->id, sizeof file->id));
    VELD_TRY(check_file(check, id, ".json", texts[STATEMENT]));
    VELD_TRY(check_file(check, id, ".sig", texts[SIGNATURE]));
    if (check->has_agency)
        status = check_signature(check, id, texts, err);

done:
    veld_arena_release(&arena);
    return status;
}

/* ---- what else lies there ---- */
static bool is_expected(const export_check *check, const char *name)
{
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "allowed_signers") == 0)
        return true;
    for (size_t at = 0; at < check->ids.len; at += sizeof(veld_id)) {
        veld_id id;
        char text[VELD_ID_TEXT_SIZE];
        memcpy(&id, check->ids.data + at, sizeof id);
        veld_id_format(&id, text);
        const char *end = name + sizeof text - 1;
        if (strncmp(name, text, sizeof text - 1) == 0 &&
            (strcmp(end, ".json") == 0 || strcmp(end, ".sig") == 0))
            return true;
    }
    return false;
}

static void check_others(export_check *check)
{
    char text[VELD_ERROR_TEXT_BYTES_MAX], name[NAME_BYTES_MAX];
    DIR *folder = opendir(check->folder);
    if (folder == NULL)
        return; /* what should be in it is missing, and that is told */
    for (const struct dirent *at = readdir(folder); at != NULL; at = readdir(folder)) {
        if (is_expected(check, at->d_name))
            continue;
        size_t len = 0; /* the name may be anything */
        for (; len + 1 < sizeof name && at->d_name[len] != '\0'; len++)
            name[len] = at->d_name[len] > ' ' && at->d_name[len] < 0x7f ? at->d_name[len] : '?';
        name[len] = '\0';
        (void)snprintf(text, sizeof text, "the file decisions/%s belongs to no change here", name);
        fc_findings_add(&check->list, text);
    }
    closedir(folder);
}

static veld_status check_signers(export_check *check)
{
    veld_buf bytes;
    veld_error why = {0};
    veld_buf_init(&bytes, SIGNERS_BYTES_MAX);
    veld_status status = veld_audit_read_file(check->folder, "allowed_signers", &bytes, &why);
    if (status == VELD_E_NOT_FOUND && check->ids.len > 0)
        fc_findings_add(&check->list, "the file decisions/allowed_signers is missing");
    else if (status != VELD_E_NOT_FOUND && check->has_agency &&
             !veld_audit_same_lines(veld_buf_span(&bytes), veld_buf_span(&check->signers)))
        fc_findings_add(&check->list,
            "the file decisions/allowed_signers does not name the keys of who decided");
    veld_buf_release(&bytes);
    return status == VELD_E_MEMORY ? status : VELD_OK;
}

/* ---- the whole ---- */
static veld_status look(export_check *check, const char *dir, veld_audit_summary *summary)
{
    veld_cli_call *call = check->call;
    fc_session *session = call->session;
    veld_audit_rules rules = {.context = check,
        .key = audit_key,
        .finding = audit_finding,
        .file = take_record,
        .verifier = session->desk.verifier};
    int len = snprintf(check->folder, sizeof check->folder, "%s/decisions", dir);
    veld_status status;
    if (len <= 0 || (size_t)len >= sizeof check->folder)
        return veld_fail(&call->err, VELD_E_LIMIT, "de naam van de map is te lang");
    status = veld_agency_get(session->store, &session->desk.verifier, &check->agency, &call->err);
    check->has_agency = status == VELD_OK;
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        return status;
    VELD_TRY(veld_audit_repository(dir, &rules, summary, &call->err));
    check_others(check);
    status = check_signers(check);

done:
    return status;
}

veld_status fc_verify_export(veld_cli_call *call, const char *dir)
{
    export_check check = {.call = call};
    veld_audit_summary summary = {0};
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&check.list.texts, FC_FINDINGS_BYTES_MAX);
    veld_buf_init(&check.signers, SIGNERS_BYTES_MAX);
    veld_buf_init(&check.ids, SIGNERS_BYTES_MAX);
    VELD_TRY(look(&check, dir, &summary));
    if (check.list.count > 0)
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "%zu %s gelezen.\n", summary.changes,
            veld_cli_of(summary.changes, "wijziging", "wijzigingen")));
        if (summary.apart > 0)
            VELD_TRY(veld_cli_say(call,
                "En %zu die apart staan: zij bouwen voort op iets dat hier niet is.\n",
                summary.apart));
        status = fc_findings_say(call, &check.list);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "apart", summary.apart);
    veld_cli_json_id(&writer, "case", &summary.case_id);
    veld_cli_json_count(&writer, "changes", summary.changes);
    fc_findings_json(&writer, &check.list);
    veld_cli_json_count(&writer, "heads", summary.heads);
    veld_cli_json_count(&writer, "incomplete", summary.incomplete);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_release(&check.list.texts);
    veld_buf_release(&check.signers);
    veld_buf_release(&check.ids);
    return status;
}
