/* status: the first line says whether everything is safe at the agency; then what is here. */
#include <unistd.h>

#include "fc.h"
#include "veldkit/assert.h"

typedef struct counts {
    size_t cases;
    uint64_t changes, unsent;
} counts;

static veld_status count(fc_call *call, counts *out)
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

static veld_status status_json(fc_call *call, const counts *here)
{
    veld_json_writer writer;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    fc_json_count(&writer, "cases", here->cases);
    fc_json_count(&writer, "changes", here->changes);
    fc_json_id(&writer, "device", veld_store_device(call->session->store));
    fc_json_text(&writer, "keystore", veld_span_text("file"));
    veld_json_writer_name(&writer, "owner");
    if (call->session->owner)
        veld_json_writer_integer(&writer, (int64_t)getpid());
    else
        veld_json_writer_null(&writer);
    fc_json_text(&writer, "server", (veld_span){0});
    fc_json_count(&writer, "unsent", here->unsent);
    fc_json_text(&writer, "worker", veld_span_text(call->session->worker));
    veld_json_writer_object_end(&writer);
    return fc_json_end(call, &writer);
}

static veld_status status_text(fc_call *call, const counts *here)
{
    char device[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(veld_store_device(call->session->store), device);
    if (here->changes == 0)
        VELD_TRY(fc_say(call, "Er is nog niets opgeslagen.\n"));
    else
        VELD_TRY(
            fc_say(call, "Niet alles is veilig: %llu wijzigingen staan alleen op dit apparaat.\n",
                (unsigned long long)here->unsent));
    VELD_TRY(
        fc_say(call, "Deze kluis hoort bij geen organisatie: er is geen server.\n"
                     "De sleutel staat in een gewoon bestand: gebruik haar om te proberen.\n"));
    VELD_TRY(fc_say(call, "Zaken: %zu\nWijzigingen: %llu\nApparaat: %s\nNaam: ", here->cases,
        (unsigned long long)here->changes, device));
    VELD_TRY(fc_say_text(call, veld_span_text(call->session->worker)));
    if (call->session->owner)
        VELD_TRY(fc_say(call, "\nOpen in proces %ld\n", (long)getpid()));
    else
        VELD_TRY(fc_say(call, "\nOp slot\n"));

done:
    return status;
}

veld_status fc_verb_status(fc_call *call)
{
    counts here = {0};
    veld_status status = count(call, &here);
    if (status != VELD_OK)
        return status;
    return fc_given(call, FC_OPTION_JSON) ? status_json(call, &here) : status_text(call, &here);
}
