/* device quarantine: what was handed in by who had no right to any more, and what a person decides
 * of it. Nothing of it is shown here but ids: what it says is seen when it is admitted. */
#include <string.h>

#include "../srv.h"
#include "veldkit/quarantine.h"
#include "veldkit/time.h"

static const char *reason_name(veld_quarantine_reason reason)
{
    switch (reason) {
    case VELD_QUARANTINE_REVOKED:
        return "revoked";
    }
    return "";
}

/* ---- list ---- */
typedef struct quarantine_list {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    size_t count;
} quarantine_list;

static veld_status list_one(void *context, const veld_quarantined *one, veld_error *err)
{
    quarantine_list *list = context;
    char change[VELD_HASH_TEXT_SIZE], device[VELD_ID_TEXT_SIZE], kase[VELD_ID_TEXT_SIZE];
    char when[VELD_INSTANT_TEXT_SIZE];
    (void)err;
    if (one->verdict != VELD_QUARANTINE_WAITING)
        return VELD_OK;
    list->count++;
    veld_hash_format(&one->change, change);
    veld_id_format(&one->device, device);
    veld_id_format(&one->case_id, kase);
    veld_instant_format((veld_instant){.utc_ms = one->received_utc_ms}, when);
    if (list->writer == NULL)
        return veld_cli_say(
            list->call, "%s\n  zaak %s, apparaat %s, ontvangen %s\n", change, kase, device, when);
    veld_json_writer_object_begin(list->writer);
    veld_cli_json_text(list->writer, "case", veld_span_text(kase));
    veld_cli_json_text(list->writer, "change", veld_span_text(change));
    veld_cli_json_text(list->writer, "device", veld_span_text(device));
    veld_cli_json_text(list->writer, "reason", veld_span_text(reason_name(one->reason)));
    veld_cli_json_text(list->writer, "received", veld_span_text(when));
    veld_json_writer_object_end(list->writer);
    return VELD_OK;
}

static veld_status list_all(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    quarantine_list list = {.call = call, .writer = json ? &writer : NULL};
    veld_status status;
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_quarantine_each(call->session->store, &list, list_one, &call->err));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (list.count == 0) {
        status = veld_cli_say(call, "Er wacht niets op een oordeel.\n");
    }

done:
    veld_json_writer_release(&writer);
    return status;
}

/* ---- admit, refuse ---- */
typedef struct quarantine_search {
    const char *word;
    size_t matches;
    veld_hash found;
} quarantine_search;

static veld_status look_at(void *context, const veld_quarantined *one, veld_error *err)
{
    quarantine_search *search = context;
    char text[VELD_HASH_TEXT_SIZE];
    (void)err;
    veld_hash_format(&one->change, text);
    if (strncmp(text, search->word, strlen(search->word)) == 0) {
        search->found = one->change;
        search->matches++;
    }
    return VELD_OK;
}

static veld_status decide(veld_cli_call *call, bool admit)
{
    quarantine_search search = {.word = call->arguments[1]};
    const char *reason = veld_cli_value(call, SRV_OPTION_REASON);
    char text[VELD_HASH_TEXT_SIZE];
    veld_status status;
    if (reason == NULL)
        return veld_fail(&call->err, VELD_E_INVALID, "hierbij hoort --reason met waarom");
    VELD_TRY(veld_quarantine_each(call->session->store, &search, look_at, &call->err));
    VELD_TRY(veld_cli_prefix_judge(search.word, "wijziging", search.matches, &call->err));
    VELD_TRY(veld_sync_decide(
        call->session->sync, &search.found, admit, veld_span_text(reason), &call->err));
    call->session->to_hand_in = admit;
    veld_hash_format(&search.found, text);
    if (veld_cli_given(call, VELD_CLI_JSON))
        status = veld_cli_say(
            call, "{\"admitted\":%s,\"change\":\"%s\"}\n", admit ? "true" : "false", text);
    else
        status =
            veld_cli_say(call, admit ? "De wijziging is opgenomen in de zaak.\n"
                                     : "De wijziging blijft bewaard en wordt niet opgenomen.\n");

done:
    return status;
}

veld_status srv_verb_device_quarantine(veld_cli_call *call)
{
    if (call->arguments_count == 0)
        return list_all(call);
    bool admit = strcmp(call->arguments[0], "admit") == 0;
    if (call->arguments_count != 2 || (!admit && strcmp(call->arguments[0], "refuse") != 0))
        return veld_fail(&call->err, VELD_E_INVALID,
            "gebruik: device quarantine, of device quarantine admit|refuse WIJZIGING --reason "
            "TEKST");
    return decide(call, admit);
}
