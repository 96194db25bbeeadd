/* case list, show and assign. */
#include <string.h>

#include "../srv.h"
#include "veldkit/assert.h"
#include "veldkit/assignment.h"
#include "veldkit/index.h"
#include "veldkit/summary.h"

/* ---- list ---- */
typedef struct list_context {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    size_t count;
} list_context;

static veld_status list_entry(void *context, const veld_index_entry *entry)
{
    list_context *list = context;
    char id[VELD_ID_TEXT_SIZE];
    veld_status status;
    list->count++;
    if (list->writer != NULL) {
        veld_json_writer_object_begin(list->writer);
        veld_cli_json_id(list->writer, "case", &entry->case_id);
        veld_cli_json_count(list->writer, "records", entry->records);
        veld_cli_json_text(list->writer, "title", entry->title);
        veld_json_writer_object_end(list->writer);
        return VELD_OK;
    }
    veld_id_format(&entry->case_id, id);
    VELD_TRY(veld_cli_say(list->call, "%s  ", id));
    VELD_TRY(entry->title.len > 0 ? veld_cli_say_text(list->call, entry->title)
                                  : veld_cli_say(list->call, "(zonder titel)"));
    VELD_TRY(veld_cli_say(list->call, "  (%llu %s)\n", (unsigned long long)entry->records,
        veld_cli_of(entry->records, "onderdeel", "onderdelen")));

done:
    return status;
}

veld_status srv_verb_case_list(veld_cli_call *call)
{
    veld_index *index = NULL;
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    list_context list = {.call = call, .writer = json ? &writer : NULL};
    veld_store *store = call->session->store;
    veld_status status;
    VELD_TRY(veld_index_open(store, &index, &call->err));
    VELD_TRY(veld_summary_index(store, index, &call->err));
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_index_list(index, VELD_INDEX_BY_TITLE, list_entry, &list, &call->err));
    if (json) {
        veld_json_writer_array_end(&writer);
        status = veld_cli_json_end(call, &writer);
    } else if (list.count == 0) {
        status = veld_cli_say(call, "Er zijn nog geen zaken.\n");
    }

done:
    veld_json_writer_release(&writer);
    veld_index_close(index);
    return status;
}

/* ---- show ---- */
static veld_status say_case(veld_cli_call *call, veld_span json)
{
    veld_json_doc *doc = NULL;
    veld_span id = {0}, state_id = {0}, compartment = veld_span_text("main");
    veld_status status;
    VELD_TRY(veld_json_parse(json, VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    const veld_json_value *root = veld_json_root(doc);
    bool whole = veld_json_text(veld_json_get(root, "case"), &id) &&
                 veld_json_text(veld_json_get(root, "stateId"), &state_id);
    VELD_ASSERT(whole);
    (void)veld_json_text(veld_json_get(root, "compartment"), &compartment);
    VELD_TRY(veld_cli_say(call, "Zaak %.*s (%.*s)\nStand %.*s\n", (int)id.len,
        (const char *)id.data, (int)compartment.len, (const char *)compartment.data,
        (int)state_id.len, (const char *)state_id.data));
    const veld_json_value *record = veld_json_first(veld_json_get(root, "records"));
    for (; record != NULL; record = veld_json_next(record)) {
        VELD_TRY(veld_cli_say(call, "\n"));
        VELD_TRY(veld_label_say_record(
            call, call->session->schemas, record, veld_json_get(root, "records")));
    }

done:
    veld_json_doc_free(doc);
    return status;
}

veld_status srv_verb_case_show(veld_cli_call *call)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_part part = {0};
    veld_buf json;
    veld_status status;
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    VELD_TRY(veld_part_open(&call->session->desk, first, count, &part, &call->err));
    VELD_TRY(veld_part_view(&part, call->session->schemas, &json, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = say_case(call, veld_buf_span(&json));
        goto done;
    }
    VELD_TRY(veld_buf_append_span(&call->out, veld_buf_span(&json)));
    VELD_TRY(veld_buf_append_byte(&call->out, '\n'));

done:
    veld_buf_wipe(&json);
    veld_part_close(&part);
    veld_places_release(&places);
    return status;
}

/* ---- assign ---- */
static veld_status say_assigned(
    veld_cli_call *call, const veld_place *place, const veld_directory_entry *to)
{
    veld_json_writer writer;
    const char *compartment = veld_compartment_name(place->compartment);
    veld_status status;
    bool is_emergency = veld_cli_given(call, SRV_OPTION_EMERGENCY);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "De zaak (%s) gaat naar het apparaat van ", compartment));
        VELD_TRY(veld_cli_say_text(call, veld_span_text(to->worker)));
        status = veld_cli_say(call, is_emergency ? ", alleen voor nood.\n" : ".\n");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", &place->dossier);
    if (place->compartment != VELD_COMPARTMENT_MAIN)
        veld_cli_json_text(&writer, "compartment", veld_span_text(compartment));
    veld_cli_json_id(&writer, "device", &to->device);
    if (is_emergency) {
        veld_json_writer_name(&writer, "emergency");
        veld_json_writer_boolean(&writer, true);
    }
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

/* For an emergency goes what any worker on the case may read, and to nobody who has it already. */
static veld_status check_emergency(
    veld_cli_call *call, const veld_place *place, const veld_directory_entry *to)
{
    veld_assignment there;
    if (!veld_cli_given(call, SRV_OPTION_EMERGENCY))
        return VELD_OK;
    if (place->compartment != VELD_COMPARTMENT_MAIN)
        return veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "voor nood gaan alleen de zaak zelf en adressen die niet geheim zijn mee");
    veld_status status =
        veld_assignment_get(call->session->store, &place->dossier, &to->device, &there, &call->err);
    if (status == VELD_OK && there.purpose != VELD_GRANT_BREAK_GLASS)
        return veld_fail(
            &call->err, VELD_E_EXISTS, "dit apparaat heeft de zaak al, niet alleen voor nood");
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* Hours from the option, or the default: a crisis may ask for more, nobody for ever. */
static veld_status read_lease(veld_cli_call *call, int64_t *lease_ms)
{
    enum { HOURS_MAX = 720, DIGITS_MAX = 3 };
    const char *text = veld_cli_value(call, SRV_OPTION_LEASE);
    int64_t hours = 0;
    *lease_ms = VELD_LEASE_DEFAULT_MS;
    if (text == NULL)
        return VELD_OK;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && i < DIGITS_MAX; i++)
        hours = hours * 10 + (text[i] - '0');
    if (digits == 0 || digits > DIGITS_MAX || text[digits] != '\0' || hours < 1 ||
        hours > HOURS_MAX)
        return veld_fail(&call->err, VELD_E_INVALID,
            "--lease is een heel aantal uren van 1 tot en met %d", (int)HOURS_MAX);
    *lease_ms = hours * 3600 * 1000;
    return VELD_OK;
}

/* The key for the device goes out with the merger's next exchange; the relay lets a device fetch
 * what it has a key of. */
veld_status srv_verb_case_assign(veld_cli_call *call)
{
    srv_session *session = call->session;
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    srv_terms terms = {.purpose = veld_cli_given(call, SRV_OPTION_EMERGENCY)
                                      ? VELD_GRANT_BREAK_GLASS
                                      : VELD_GRANT_ASSIGNED};
    veld_directory_entry entry;
    veld_status status;
    VELD_TRY(read_lease(call, &terms.lease_ms));
    VELD_TRY(veld_places_load(session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    VELD_TRY(srv_device_find(session, call->arguments[1], &entry, &call->err));
    if (entry.state != VELD_DEVICE_ACTIVE) {
        status = veld_fail(&call->err, VELD_E_NOT_ALLOWED, "dit apparaat is ingetrokken");
        goto done;
    }
    VELD_TRY(check_emergency(call, first, &entry));
    if (first->compartment == VELD_COMPARTMENT_MAIN && terms.purpose == VELD_GRANT_ASSIGNED)
        VELD_TRY(srv_pack_check(session, &places, &first->dossier, &entry, &call->err));
    VELD_TRY(srv_assign(
        session, &places, &first->dossier, first->compartment, &entry, terms, &call->err));
    session->to_hand_in = true;
    status = say_assigned(call, first, &entry);

done:
    veld_places_release(&places);
    return status;
}
