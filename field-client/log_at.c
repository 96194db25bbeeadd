/* log --at --device: what a colleague's tablet could have shown of a case at a moment: what it had
 * for certain, and what it may have had besides. */
#include "fc.h"
#include "veldkit/assert.h"
#include "veldkit/conflict.h"
#include "veldkit/known.h"
#include "veldkit/time.h"

/* A device that wrote in the case: by the worker's name, or the beginning or end of its number. */
static veld_status find_device(veld_cli_call *call, veld_case *opened, veld_id *out)
{
    const char *word = veld_cli_value(call, FC_OPTION_DEVICE);
    veld_view_names names = fc_view_names(call->session);
    size_t count, matches = 0;
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    for (size_t i = 0; order != NULL && i < count; i++) {
        const veld_id *device = &order[i]->chain.device;
        veld_span worker = names.worker(names.context, device);
        if (matches > 0 && veld_id_equal(out, device))
            continue;
        if (!veld_span_equal(worker, veld_span_text(word)) && !veld_cli_prefix_fits(device, word))
            continue;
        *out = *device;
        matches++;
    }
    if (matches == 1)
        return VELD_OK;
    return veld_fail(&call->err, matches == 0 ? VELD_E_NOT_FOUND : VELD_E_INVALID,
        matches == 0 ? "in deze zaak heeft geen apparaat met die naam of dat nummer geschreven"
                     : "meer apparaten in deze zaak passen daarbij; noem meer van het nummer");
}

/* The records that are shown, as an array. */
static veld_status json_records(
    veld_cli_call *call, veld_state *state, veld_arena *arena, veld_json_writer *writer)
{
    size_t count = 0;
    veld_status status = VELD_OK;
    veld_outlook outlook = veld_outlook_of(state, call->session->schemas, arena);
    const veld_state_record *const *records = veld_state_records(state, &count);
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; records != NULL && i < count && status == VELD_OK; i++) {
        if (!veld_policy_removed(records[i]))
            status = veld_view_record(&outlook, records[i], writer, &call->err);
    }
    veld_json_writer_array_end(writer);
    return records == NULL ? VELD_E_MEMORY : status;
}

/* ---- JSON ---- */
static veld_status json_state(veld_cli_call *call, const veld_place *place, veld_state *state,
    size_t changes, veld_json_writer *writer)
{
    veld_arena arena;
    veld_status status;
    size_t count = 0;
    const veld_conflict *conflicts = NULL;
    veld_view_names names = fc_view_names(call->session);
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    VELD_TRY(veld_conflict_list(
        state, call->session->schemas, &place->case_id, &arena, &conflicts, &count, &call->err));
    veld_json_writer_object_begin(writer);
    veld_cli_json_count(writer, "changes", changes);
    veld_json_writer_name(writer, "conflicts");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < count; i++)
        veld_view_conflict(&conflicts[i], place, &names, writer);
    veld_json_writer_array_end(writer);
    veld_json_writer_name(writer, "records");
    status = json_records(call, state, &arena, writer);
    veld_json_writer_object_end(writer);

done:
    veld_arena_release(&arena);
    return status;
}

static void json_place(veld_json_writer *writer, const char *name, const veld_node *node)
{
    veld_json_writer_name(writer, name);
    if (node == NULL) {
        veld_json_writer_null(writer);
        return;
    }
    veld_json_writer_object_begin(writer);
    veld_cli_json_hash(writer, "change", &node->id);
    veld_cli_json_count(writer, "number", node->number);
    veld_json_writer_object_end(writer);
}

static veld_status show_json(
    veld_cli_call *call, const veld_place *place, const veld_id *device, const veld_known *known)
{
    veld_json_writer writer;
    veld_status status;
    veld_view_names names = fc_view_names(call->session);
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "at", veld_span_text(veld_cli_value(call, FC_OPTION_AT)));
    veld_cli_json_id(&writer, "case", &place->case_id);
    veld_json_writer_name(&writer, "certain");
    VELD_TRY(json_state(call, place, known->certain, known->certain_count, &writer));
    veld_cli_json_id(&writer, "device", device);
    json_place(&writer, "last", known->last);
    json_place(&writer, "next", known->next);
    veld_json_writer_name(&writer, "possible");
    VELD_TRY(json_state(call, place, known->possible, known->possible_count, &writer));
    veld_cli_json_text(&writer, "worker", names.worker(names.context, device));
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_json_writer_release(&writer);
    return status;
}

/* ---- text ---- */
static veld_status say_state(veld_cli_call *call, veld_state *state)
{
    veld_arena arena;
    veld_buf json;
    veld_json_writer writer;
    veld_json_doc *doc = NULL;
    veld_status status;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    veld_buf_init(&json, VELD_CLI_OUTPUT_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    VELD_TRY(json_records(call, state, &arena, &writer));
    VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    VELD_TRY(veld_json_parse(veld_buf_span(&json), VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    const veld_json_value *record = veld_json_first(veld_json_root(doc));
    if (record == NULL)
        VELD_TRY(veld_cli_say(call, "  niets van deze zaak\n"));
    for (; record != NULL; record = veld_json_next(record))
        VELD_TRY(veld_label_say_record(call, call->session->schemas, record, veld_json_root(doc)));

done:
    veld_json_writer_release(&writer);
    veld_json_doc_free(doc);
    veld_buf_wipe(&json);
    veld_arena_release(&arena);
    return status;
}

static veld_status show_text(veld_cli_call *call, const veld_id *device, const veld_known *known)
{
    veld_status status;
    veld_view_names names = fc_view_names(call->session);
    size_t more = known->possible_count - known->certain_count;
    VELD_TRY(veld_cli_say(call, "Wat op %s te zien was bij ", veld_cli_value(call, FC_OPTION_AT)));
    VELD_TRY(veld_cli_say_text(call, names.worker(names.context, device)));
    VELD_TRY(
        veld_cli_say(call, "\n\nZeker (blijkt uit %zu keer opslaan):\n", known->certain_count));
    VELD_TRY(say_state(call, known->certain));
    if (more == 0) {
        VELD_TRY(veld_cli_say(call, "\nMeer kan het toen niet geweest zijn.\n"));
        goto done;
    }
    VELD_TRY(veld_cli_say(call,
        "\nHooguit (er bestond nog %zu keer opslaan door anderen; of dat toen al op dit apparaat "
        "was, is niet zeker):\n",
        more));
    VELD_TRY(say_state(call, known->possible));

done:
    return status;
}

veld_status fc_log_at(veld_cli_call *call, veld_case *opened)
{
    veld_known known = {0};
    veld_places places = {0};
    veld_id device = {0};
    int64_t at_ms = 0;
    veld_status status;
    if (!veld_cli_given(call, FC_OPTION_AT) || !veld_cli_given(call, FC_OPTION_DEVICE))
        return veld_fail(&call->err, VELD_E_INVALID, "--at en --device horen bij elkaar");
    if (veld_moment_parse(veld_span_text(veld_cli_value(call, FC_OPTION_AT)), &at_ms) != VELD_OK)
        return veld_fail(&call->err, VELD_E_INVALID,
            "--at is een tijdstip met seconden, als 2026-03-02T20:30:00+01:00 of \"2026-03-02 "
            "20:30:00\"");
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    const veld_place *place = veld_places_of(&places, veld_case_id(opened));
    VELD_ASSERT(place != NULL); /* it is open */
    VELD_TRY(find_device(call, opened, &device));
    status = veld_known_at(opened, &device, at_ms, &known, &call->err);
    if (status == VELD_E_STALE)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "deze zaak begint hier met een ijkpunt: wat toen bekend was is hier niet na te gaan");
    VELD_TRY(status);
    status = veld_cli_given(call, VELD_CLI_JSON) ? show_json(call, place, &device, &known)
                                                 : show_text(call, &device, &known);

done:
    veld_known_release(&known);
    veld_places_release(&places);
    return status;
}
