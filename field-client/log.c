/* log: the changes of a case, newest first: an order in which no change comes before one that knew
 * it, the same on every device that holds the same changes. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/time.h"

static void json_write(veld_json_writer *writer, const veld_write *write, bool values)
{
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "field", write->field);
    veld_cli_json_id(writer, "record", &write->record);
    veld_cli_json_text(writer, "type", write->type);
    if (values) {
        veld_json_writer_name(writer, "value");
        veld_json_writer_canonical(writer, write->value);
    }
    veld_json_writer_object_end(writer);
}

static void json_change(veld_cli_call *call, veld_json_writer *writer, const veld_change *change)
{
    char text[VELD_HASH_TEXT_SIZE];
    veld_origin origin = fc_origin(change);
    veld_json_writer_object_begin(writer);
    veld_cli_json_hash(writer, "change", &change->id);
    fc_json_origin(call, writer, &origin);
    veld_json_writer_name(writer, "parents");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < change->parents_count; i++) {
        veld_hash_format(&change->parents[i].id, text);
        veld_json_writer_text(writer, text);
    }
    veld_json_writer_array_end(writer);
    veld_json_writer_name(writer, "writes");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < change->writes_count; i++)
        json_write(writer, &change->writes[i], veld_cli_given(call, FC_OPTION_VALUES));
    veld_json_writer_array_end(writer);
    veld_json_writer_object_end(writer);
}

static veld_status say_write(veld_cli_call *call, const veld_write *write)
{
    const veld_schema_set *schemas = call->session->schemas;
    veld_status status;
    VELD_TRY(veld_cli_say(call, "  "));
    VELD_TRY(veld_label_say_place(call, schemas, write->type, &write->record, write->field));
    if (veld_cli_given(call, FC_OPTION_VALUES) &&
        !veld_label_is_proof(schemas, write->type, write->field)) {
        VELD_TRY(veld_cli_say(call, " = "));
        VELD_TRY(veld_label_say_canonical(
            call, veld_label_schema(schemas, write->type, write->field), write->value));
    }
    VELD_TRY(veld_cli_say(call, "\n"));

done:
    return status;
}

static veld_status say_change(veld_cli_call *call, const veld_change *change)
{
    char id[VELD_HASH_TEXT_SIZE], when[VELD_MOMENT_TEXT_SIZE];
    veld_origin origin = fc_origin(change);
    int64_t received = fc_received(call->session, &origin);
    veld_status status;
    veld_hash_format(&change->id, id);
    VELD_TRY(veld_cli_say(call, "wijziging %s\n  ", id));
    VELD_TRY(fc_say_origin(call, &origin));
    veld_moment_format(received, when);
    VELD_TRY(veld_cli_say(call, received != 0 ? ", ontvangen %s\n" : "\n", when));
    for (size_t i = 0; i < change->writes_count; i++)
        VELD_TRY(say_write(call, &change->writes[i]));

done:
    return status;
}

static veld_status show_change(
    veld_cli_call *call, veld_case *opened, const veld_hash *id, veld_json_writer *writer)
{
    veld_arena arena;
    veld_change change;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_status status = veld_case_change(opened, id, &arena, &change, &call->err);
    if (status == VELD_OK && writer != NULL)
        json_change(call, writer, &change);
    else if (status == VELD_OK)
        status = say_change(call, &change);
    veld_arena_release(&arena);
    return status;
}

veld_status fc_verb_log(veld_cli_call *call)
{
    veld_case *opened = NULL;
    veld_json_writer writer = {0};
    size_t count = 0;
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    veld_status status;
    VELD_TRY(fc_case_open(call, call->arguments[0], &opened));
    if (veld_cli_given(call, FC_OPTION_AT) || veld_cli_given(call, FC_OPTION_DEVICE)) {
        status = fc_log_at(call, opened);
        goto done;
    }
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    if (order == NULL) {
        status = VELD_E_MEMORY;
        goto done;
    }
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    fc_note_before(call, opened);
    for (size_t i = count; i > 0; i--)
        if (!order[i - 1]->early)
            VELD_TRY(show_change(call, opened, &order[i - 1]->id, json ? &writer : NULL));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    veld_case_close(opened);
    return status;
}
