/* record put, set, delete and show. Each of the first three cuts one change at once: what a script
 * was told is saved is a signed change on the disk. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/dossier.h"
#include "veldkit/policy.h"

/* What a saving verb holds: an opened case and the edits that were made for it. */
typedef struct saving {
    veld_case *opened;
    veld_arena arena;
    veld_edits edits;
    veld_dossier_context context;
    const veld_state_record *record; /* NULL for a new one */
} saving;

static veld_status saving_open(veld_cli_call *call, saving *out)
{
    veld_status status;
    *out = (saving){0};
    veld_arena_init(&out->arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(fc_case_open(call, call->arguments[0], &out->opened));
    out->context = (veld_dossier_context){.schemas = call->session->schemas,
        .env = &call->session->env,
        .state = veld_case_state(out->opened),
        .arena = &out->arena,
        .errors = &call->errors};

done:
    return status;
}

static veld_status saving_open_record(veld_cli_call *call, saving *out)
{
    veld_status status = saving_open(call, out);
    if (status == VELD_OK)
        status = fc_record_find(call, out->opened, call->arguments[1], &out->record);
    return status;
}

static void saving_close(saving *open)
{
    veld_case_close(open->opened);
    veld_arena_release(&open->arena);
}

/* `record` is NULL where the answer does not name one. */
static veld_status save(veld_cli_call *call, saving *open, const veld_id *record)
{
    veld_hash change = {0};
    veld_json_writer writer;
    char id[VELD_HASH_TEXT_SIZE];
    veld_status status = VELD_OK;
    if (open->edits.count > 0)
        status =
            veld_case_save(open->opened, open->edits.items, open->edits.count, &change, &call->err);
    if (status != VELD_OK)
        return status;
    if (!veld_cli_given(call, VELD_CLI_JSON) && veld_hash_is_zero(&change))
        return veld_cli_say(call, "Er was niets te veranderen.\n");
    if (!veld_cli_given(call, VELD_CLI_JSON) && record != NULL) {
        veld_id_format(record, id);
        status = veld_cli_say(call, "Onderdeel %s\n", id);
    }
    if (status == VELD_OK && !veld_cli_given(call, VELD_CLI_JSON)) {
        veld_hash_format(&change, id);
        return veld_cli_say(call, "Opgeslagen op dit apparaat. Wijziging %s\n", id);
    }
    if (status != VELD_OK)
        return status;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_hash(&writer, "change", &change);
    if (record != NULL)
        veld_cli_json_id(&writer, "record", record);
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status fc_verb_record_put(veld_cli_call *call)
{
    saving open;
    veld_buf bytes;
    veld_id record = {0};
    veld_status status;
    veld_buf_init(&bytes, VELD_JSON_BYTES_MAX);
    VELD_TRY(saving_open(call, &open));
    VELD_TRY(veld_cli_read(call, veld_cli_value(call, FC_OPTION_FILE), &bytes));
    VELD_TRY(veld_dossier_check_record(&open.context, veld_span_text(call->arguments[1]),
        veld_buf_span(&bytes), &record, &open.edits, &call->err));
    VELD_TRY(save(call, &open, &record));

done:
    saving_close(&open);
    veld_buf_wipe(&bytes);
    return status;
}

veld_status fc_verb_record_set(veld_cli_call *call)
{
    saving open;
    veld_status status;
    size_t count = call->arguments_count - 2;
    VELD_TRY(saving_open_record(call, &open));
    veld_span *assignments = veld_arena_get(&open.arena, count, sizeof *assignments);
    if (assignments == NULL) {
        status = VELD_E_MEMORY;
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        assignments[i] = veld_span_text(call->arguments[2 + i]);
    VELD_TRY(veld_dossier_check_fields(
        &open.context, &open.record->id, assignments, count, &open.edits, &call->err));
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    return status;
}

veld_status fc_verb_record_delete(veld_cli_call *call)
{
    saving open;
    veld_status status;
    VELD_TRY(saving_open_record(call, &open));
    bool gone = veld_policy_removed(open.record); /* removing it again would say nothing new */
    const veld_edit removal = {
        .kind = VELD_EDIT_REMOVE, .record = open.record->id, .type = open.record->type};
    open.edits = (veld_edits){.items = &removal, .count = gone ? 0 : 1};
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    return status;
}

veld_status fc_verb_record_restore(veld_cli_call *call)
{
    saving open;
    veld_status status;
    VELD_TRY(saving_open_record(call, &open));
    const veld_edit restoring = {
        .kind = VELD_EDIT_RESTORE, .record = open.record->id, .type = open.record->type};
    open.edits = (veld_edits){.items = &restoring, .count = 1};
    VELD_TRY(save(call, &open, NULL));

done:
    saving_close(&open);
    return status;
}

veld_status fc_verb_record_show(veld_cli_call *call)
{
    saving open;
    veld_json_writer writer;
    veld_json_doc *doc = NULL;
    veld_buf json;
    veld_status status;
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(saving_open_record(call, &open));
    veld_json_writer_init(&writer, &json);
    status =
        veld_view_record(open.record, call->session->schemas, &open.arena, &writer, &call->err);
    if (status != VELD_OK) {
        veld_json_writer_release(&writer);
        goto done;
    }
    VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(&json)));
        VELD_TRY(veld_buf_append_byte(&call->out, '\n'));
        goto done;
    }
    VELD_TRY(veld_json_parse(veld_buf_span(&json), VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    VELD_TRY(fc_say_record(call, veld_json_root(doc)));

done:
    veld_json_doc_free(doc);
    veld_buf_wipe(&json);
    saving_close(&open);
    return status;
}
