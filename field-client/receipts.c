/* receipts: how far each of the own changes came: received by the server, taken in by the agency or
 * kept by it for review. */
#include "fc.h"
#include "veldkit/sync.h"
#include "veldkit/time.h"

typedef struct receipts_list {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    size_t count;
} receipts_list;

static veld_status list_one(
    void *context, const veld_hash *change, const veld_handover *step, veld_error *err)
{
    receipts_list *list = context;
    char id[VELD_HASH_TEXT_SIZE];
    char received[VELD_INSTANT_TEXT_SIZE], taken_in[VELD_INSTANT_TEXT_SIZE];
    char review[VELD_INSTANT_TEXT_SIZE];
    (void)err;
    list->count++;
    veld_hash_format(change, id);
    veld_cli_time(list->call, step->received_utc_ms, received);
    veld_cli_time(list->call, step->taken_in_utc_ms, taken_in);
    veld_cli_time(list->call, step->aside_utc_ms, review);
    if (list->writer == NULL)
        return veld_cli_say(list->call, "%s\n  ontvangen %s, opgenomen %s%s%s\n", id,
            received[0] != '\0' ? received : "nog niet",
            taken_in[0] != '\0' ? taken_in : "nog niet",
            review[0] != '\0' ? ", bewaard voor beoordeling " : "", review);
    veld_json_writer_object_begin(list->writer);
    veld_cli_json_text(list->writer, "change", veld_span_text(id));
    veld_cli_json_text(list->writer, "received", veld_span_text(received));
    veld_cli_json_text(list->writer, "review", veld_span_text(review));
    veld_cli_json_text(list->writer, "takenIn", veld_span_text(taken_in));
    veld_json_writer_object_end(list->writer);
    return VELD_OK;
}

/* What no receipt is here for stands in the outbox only. */
static veld_status list_unsent(receipts_list *list)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_cli_call *call = list->call;
    veld_status status;
    VELD_TRY(veld_store_outbox(call->session->store, &cursor, &call->err));
    while (more) {
        veld_handover step;
        veld_store_unsent row;
        VELD_TRY(veld_store_outbox_next(cursor, &more, &row, &call->err));
        if (!more)
            break;
        VELD_TRY(veld_handover_get(call->session->store, &row.id, &step, &call->err));
        if (step.seq == 0)
            VELD_TRY(list_one(list, &row.id, &step, &call->err));
    }

done:
    veld_store_cursor_close(cursor);
    return status;
}

veld_status fc_verb_receipts(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    receipts_list list = {.call = call, .writer = json ? &writer : NULL};
    veld_status status;
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_handover_each(call->session->store, &list, list_one, &call->err));
    VELD_TRY(list_unsent(&list));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (list.count == 0) {
        status = veld_cli_say(call, "Er is op dit apparaat nog niets gemaakt.\n");
    }

done:
    veld_json_writer_release(&writer);
    return status;
}
