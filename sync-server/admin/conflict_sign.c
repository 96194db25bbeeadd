/* The record of a decision: what was decided as a statement, the person's signature over it, and
 * what the directory says of her key, so that the case carries its own proof. */
#include <string.h>

#include "conflict.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/sshsig.h"

typedef struct record_writer {
    veld_cli_call *call;
    const char *type;
    veld_arena *arena;
    veld_id record;
    veld_edit *out;
    size_t count;
} record_writer;

veld_status srv_record_text(veld_cli_call *call, const char *type, const veld_id *record,
    const char *name, veld_span text, veld_arena *arena, veld_edit *out)
{
    const veld_schema *schema = veld_schema_get(call->session->schemas, veld_span_text(type));
    veld_json_doc *doc = NULL;
    veld_buf json;
    veld_json_writer writer;
    veld_span value = {0};
    veld_status status;
    VELD_ASSERT(schema != NULL);
    veld_buf_init(&json, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    veld_json_writer_text_span(&writer, text);
    VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    VELD_TRY(veld_arena_copy(arena, veld_buf_span(&json), &value));
    VELD_TRY(veld_json_parse(value, VELD_JSON_CANONICAL, &doc, &call->errors, &call->err));
    VELD_TRY(veld_schema_value_check(
        veld_schema_field_get(schema, veld_span_text(name)), veld_json_root(doc), &call->err));
    *out = (veld_edit){.kind = VELD_EDIT_SET,
        .record = *record,
        .type = schema->type,
        .field = veld_span_text(name),
        .value = value};

done:
    veld_json_doc_free(doc);
    veld_buf_wipe(&json);
    return status;
}

static veld_status put_text(record_writer *to, const char *name, veld_span text)
{
    VELD_ASSERT(to->count < SRV_DECISION_EDITS_MAX);
    return srv_record_text(
        to->call, to->type, &to->record, name, text, to->arena, &to->out[to->count++]);
}

static veld_status put_id(record_writer *to, const char *name, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    return put_text(to, name, veld_span_text(text));
}

static veld_status put_signature(record_writer *to, veld_span statement)
{
    const srv_person *person = to->call->session->person;
    veld_signer signer = veld_signer_p256(&person->key);
    veld_signature signature;
    veld_buf text;
    veld_status status;
    veld_buf_init(&text, VELD_SIGNATURE_TEXT_MAX);
    VELD_TRY(
        veld_sshsig_sign(&signer, VELD_NAMESPACE_DECISION, statement, &signature, &to->call->err));
    VELD_TRY(veld_sshsig_write(
        &person->key.public_key, VELD_NAMESPACE_DECISION, &signature, &text, &to->call->err));
    VELD_TRY(put_text(to, "signature", veld_buf_span(&text)));
    veld_buf_clear(&text);
    VELD_TRY(veld_base64_encode(
        veld_span_of(person->user.signed_entry, person->user.signed_len), true, &text));
    status = put_text(to, "signer", veld_buf_span(&text));

done:
    veld_buf_release(&text);
    return status;
}

static veld_status put_choice(record_writer *to, const veld_decision *decision)
{
    veld_status status;
    VELD_TRY(put_id(to, "conflict", &decision->conflict));
    VELD_TRY(put_text(to, "decidedBy", decision->by));
    VELD_TRY(put_text(to, "field", decision->field));
    VELD_TRY(put_text(to, "reason", decision->reason));
    status = put_id(to, "record", &decision->record);

done:
    return status;
}

static veld_status put_confirmation(record_writer *to, const veld_decision *decision)
{
    veld_status status;
    VELD_TRY(put_id(to, "conflict", &decision->conflict));
    VELD_TRY(put_text(to, "confirmedBy", decision->by));
    VELD_TRY(put_text(to, "field", decision->field));
    VELD_TRY(put_id(to, "record", &decision->record));
    status = put_id(to, "decision", &decision->decision);

done:
    return status;
}

veld_status srv_decision_edits(veld_cli_call *call, veld_decision *decision, veld_arena *arena,
    veld_edit out[SRV_DECISION_EDITS_MAX], size_t *count)
{
    srv_session *session = call->session;
    const srv_person *person = session->person;
    bool choice = decision->kind == VELD_DECISION_CHOICE;
    record_writer to = {.call = call,
        .type = choice ? VELD_TYPE_DECISION : VELD_TYPE_CONFIRMATION,
        .arena = arena,
        .out = out};
    veld_buf statement;
    veld_status status;
    VELD_ASSERT(person != NULL);
    veld_buf_init(&statement, VELD_DECISION_BYTES_MAX);
    VELD_TRY(veld_id_new(&session->env, &to.record, &call->err));
    decision->id = to.record;
    decision->by = veld_span_text(person->user.name);
    decision->time.utc_ms = veld_env_now(&session->env).wall_utc_ms;
    decision->has_key = person->signs;
    if (person->signs)
        VELD_TRY(veld_p256_fingerprint(&person->key.public_key, &decision->key, &call->err));
    VELD_TRY(veld_decision_write(decision, &statement, &call->err));
    VELD_TRY(choice ? put_choice(&to, decision) : put_confirmation(&to, decision));
    VELD_TRY(put_text(&to, "statement", veld_buf_span(&statement)));
    if (person->signs)
        VELD_TRY(put_signature(&to, veld_buf_span(&statement)));
    *count = to.count;

done:
    veld_buf_wipe(&statement);
    return status;
}
