/* status: the first line says whether everything is safe at the agency; then what is here. */
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

typedef struct counts {
    size_t cases;
    uint64_t changes, unsent;
} counts;

static veld_status count(veld_cli_call *call, counts *out)
{
    veld_buf ids = {0};
    veld_store *store = call->session->store;
    veld_status status;
    VELD_TRY(fc_case_ids(call, &ids, &out->cases));
    VELD_TRY(veld_store_count_changes(store, NULL, &out->changes, &call->err));
    VELD_TRY(veld_store_count_unsent(store, NULL, &out->unsent, &call->err));

done:
    veld_buf_release(&ids);
    return status;
}

static veld_status status_json(veld_cli_call *call, const counts *here)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "cases", here->cases);
    veld_cli_json_count(&writer, "changes", here->changes);
    veld_cli_json_id(&writer, "device", veld_store_device(call->session->store));
    veld_cli_json_text(&writer, "keystore", veld_span_text("file"));
    veld_json_writer_name(&writer, "owner");
    if (call->session->owner)
        veld_json_writer_integer(&writer, (int64_t)getpid());
    else
        veld_json_writer_null(&writer);
    veld_cli_json_text(&writer, "server", (veld_span){0});
    veld_cli_json_count(&writer, "unsent", here->unsent);
    veld_cli_json_text(&writer, "worker", veld_span_text(call->session->worker));
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

static veld_status status_text(veld_cli_call *call, const counts *here)
{
    char device[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(veld_store_device(call->session->store), device);
    if (here->changes == 0)
        VELD_TRY(veld_cli_say(call, "Er is nog niets opgeslagen.\n"));
    else
        VELD_TRY(
            veld_cli_say(call, "Niet alles is veilig: %llu wijziging%s alleen op dit apparaat.\n",
                (unsigned long long)here->unsent, here->unsent == 1 ? " staat" : "en staan"));
    VELD_TRY(veld_cli_say(call,
        "Deze kluis hoort bij geen organisatie: er is geen server.\n"
        "De sleutel staat in een gewoon bestand: gebruik haar om te proberen.\n"));
    VELD_TRY(veld_cli_say(call, "Zaken: %zu\nWijzigingen: %llu\nApparaat: %s\nNaam: ", here->cases,
        (unsigned long long)here->changes, device));
    VELD_TRY(veld_cli_say_text(call, veld_span_text(call->session->worker)));
    if (call->session->owner)
        VELD_TRY(veld_cli_say(call, "\nOpen in proces %ld\n", (long)getpid()));
    else
        VELD_TRY(veld_cli_say(call, "\nOp slot\n"));

done:
    return status;
}

veld_status fc_verb_status(veld_cli_call *call)
{
    counts here = {0};
    veld_status status = count(call, &here);
    if (status != VELD_OK)
        return status;
    return veld_cli_given(call, VELD_CLI_JSON) ? status_json(call, &here)
                                               : status_text(call, &here);
}
