/* blame: for every value that stands on a record now, who wrote it, when, and in which change. */
#include "fc.h"
#include "veldkit/assert.h"

static void json_entry(veld_cli_call *call, veld_json_writer *writer, const veld_entry *entry)
{
    const veld_origin *origin = entry->origin;
    veld_json_writer_object_begin(writer);
    veld_cli_json_hash(writer, "change", &origin->change);
    veld_cli_json_text(writer, "field", entry->field->name);
    fc_json_origin(call, writer, origin);
    veld_json_writer_name(writer, "value");
    veld_json_writer_canonical(writer, entry->value);
    veld_json_writer_object_end(writer);
}

static veld_status say_entry(veld_cli_call *call, const veld_entry *entry)
{
    char change[VELD_HASH_TEXT_SIZE];
    const veld_schema_set *schemas = call->session->schemas;
    const veld_span type = entry->field->record->type;
    veld_status status;
    veld_hash_format(&entry->origin->change, change);
    VELD_TRY(veld_cli_say(call, "%.12s  ", change));
    VELD_TRY(veld_cli_say_text(call, veld_label_field(schemas, type, entry->field->name)));
    VELD_TRY(veld_cli_say(call, ": "));
    VELD_TRY(veld_label_say_canonical(
        call, veld_label_schema(schemas, type, entry->field->name), entry->value));
    VELD_TRY(veld_cli_say(call, "  ("));
    VELD_TRY(fc_say_origin(call, entry->origin));
    VELD_TRY(veld_cli_say(call, ")\n"));

done:
    return status;
}

veld_status fc_verb_blame(veld_cli_call *call)
{
    veld_part part = {0};
    veld_case *in = NULL;
    const veld_state_record *record = NULL;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    VELD_TRY(fc_record_open(call, &part, &record, &in));
    fc_note_before(call, in);
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    const veld_state_field *field = record->fields;
    for (; field != NULL; field = field->next) {
        const veld_entry *entry = field->entries;
        for (; entry != NULL; entry = entry->next) {
            if (entry->replaced)
                continue;
            if (json)
                json_entry(call, &writer, entry);
            else
                VELD_TRY(say_entry(call, entry));
        }
    }
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    veld_part_close(&part);
    return status;
}
