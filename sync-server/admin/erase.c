/* case erase: the end of a case, of one compartment of it, or of a part, by founding the rest anew.
 * What remains is a stub that the agency signed: which case, who erased it, when, by what ground,
 * which changes it had. Nothing is erased without --confirm: until then it is told what would go.
 * Asking again tells which tablets have confirmed, and when the last copy of a key in a backup is
 * gone. */
#include "erase.h"

#include <string.h>

#include "veldkit/assignment.h"

/* ---- which cases ---- */
static veld_status add(veld_cli_call *call, srv_aim *at, const veld_place *place)
{
    if (at->count == sizeof at->items / sizeof at->items[0])
        return veld_fail(&call->err, VELD_E_LIMIT,
            "dit dossier heeft te veel delen om ineens te "
            "wissen; wis ze met --compartment");
    at->items[at->count++] = place;
    return VELD_OK;
}

/* The case that was asked for last: as long as it is there its parts are found by it. */
static veld_status take_aim(veld_cli_call *call, srv_aim *at)
{
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &at->places, &call->err));
    VELD_TRY(srv_part_find(call, &at->places, call->arguments[0], &first, &count));
    bool whole = first->compartment == VELD_COMPARTMENT_MAIN &&
                 (!veld_cli_given(call, SRV_OPTION_COMPARTMENT) ||
                     veld_cli_given(call, SRV_OPTION_PART)); /* the dossier gets another number */
    for (size_t i = 0; whole && i < at->places.count; i++) {
        const veld_place *part = &at->places.items[i];
        if (veld_id_equal(&part->dossier, &first->dossier) &&
            !veld_id_equal(&part->case_id, &first->case_id))
            VELD_TRY(add(call, at, part));
    }
    for (size_t i = 0; i < count; i++)
        VELD_TRY(add(call, at, &first[i]));

done:
    return status;
}

/* ---- before it is confirmed ---- */
static veld_status tell_holders(
    veld_cli_call *call, const veld_id *case_id, veld_json_writer *writer)
{
    veld_assignment *rows = NULL;
    size_t count = 0;
    veld_status status =
        veld_assignments_of_case(call->session->store, case_id, &rows, &count, &call->err);
    for (size_t i = 0; i < count && status == VELD_OK; i++) {
        char device[VELD_ID_TEXT_SIZE];
        veld_id_format(&rows[i].device, device);
        if (writer != NULL)
            veld_json_writer_text(writer, device);
        else
            status = veld_cli_say(call, "    op apparaat %s\n", device);
    }
    veld_release(rows);
    return status;
}

static veld_status preview_text(veld_cli_call *call, const srv_aim *at)
{
    veld_status status;
    VELD_TRY(veld_cli_say(call, "Dit wordt gewist, overal, en komt niet terug:\n"));
    for (size_t i = 0; i < at->count; i++) {
        char id[VELD_ID_TEXT_SIZE];
        uint64_t changes = 0;
        veld_id_format(&at->items[i]->case_id, id);
        VELD_TRY(veld_store_count_changes(
            call->session->store, &at->items[i]->case_id, &changes, &call->err));
        VELD_TRY(veld_cli_say(call, "  %s (%s), %llu %s\n", id,
            veld_compartment_name(at->items[i]->compartment), (unsigned long long)changes,
            veld_cli_of(changes, "wijziging", "wijzigingen")));
        VELD_TRY(tell_holders(call, &at->items[i]->case_id, NULL));
    }
    if (veld_cli_given(call, SRV_OPTION_PART))
        VELD_TRY(
            veld_cli_say(call, "Wat er nu in staat, behalve de genoemde onderdelen, gaat verder "
                               "onder een nieuw nummer; wie wat schreef gaat niet mee.\n"));
    status = veld_cli_say(call,
        "Wat een tablet nog niet verzonden heeft is daarna niet meer te lezen. Een reservekopie "
        "van "
        "sleutels kan de zaak nog %d dagen openen.\nEr is nog niets gewist: geef --confirm om het "
        "te doen.\n",
        SRV_BACKUP_DAYS);

done:
    return status;
}

static veld_status preview_json(veld_cli_call *call, const srv_aim *at)
{
    veld_json_writer writer;
    veld_status status = VELD_OK;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "erased");
    veld_json_writer_boolean(&writer, false);
    veld_json_writer_name(&writer, "would");
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < at->count; i++) {
        uint64_t changes = 0;
        VELD_TRY(veld_store_count_changes(
            call->session->store, &at->items[i]->case_id, &changes, &call->err));
        veld_json_writer_object_begin(&writer);
        veld_cli_json_id(&writer, "case", &at->items[i]->case_id);
        veld_cli_json_count(&writer, "changes", changes);
        veld_cli_json_text(&writer, "compartment",
            veld_span_text(veld_compartment_name(at->items[i]->compartment)));
        veld_json_writer_name(&writer, "devices");
        veld_json_writer_array_begin(&writer);
        VELD_TRY(tell_holders(call, &at->items[i]->case_id, &writer));
        veld_json_writer_array_end(&writer);
        veld_json_writer_object_end(&writer);
    }
    veld_json_writer_array_end(&writer);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_json_writer_release(&writer);
    return status;
}

/* ---- erasing ---- */
static veld_status erase_one(veld_cli_call *call, const veld_place *place)
{
    srv_session *session = call->session;
    const srv_erasure erasure = {.place = place};
    veld_buf stub;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    VELD_TRY(srv_stub_make(call, &erasure, &stub));
    /* The line is on the disk before anything is destroyed. */
    VELD_TRY(
        veld_access_add(session->access, VELD_ACCESS_ERASE, &place->case_id, NULL, &call->err));
    VELD_TRY(veld_access_flush(session->access, &call->err));
    status = veld_sync_erase(session->sync, &place->case_id, veld_buf_span(&stub), &call->err);

done:
    veld_buf_release(&stub);
    return status;
}

/* ---- what became of it ---- */
typedef struct telling {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    veld_id case_id;
} telling;

static veld_status tell_order(void *context, const veld_order_state *state, veld_error *err)
{
    const telling *t = context;
    char device[VELD_ID_TEXT_SIZE];
    (void)err;
    if (state->order.kind != VELD_ORDER_ERASE || !veld_id_equal(&state->order.case_id, &t->case_id))
        return VELD_OK;
    veld_id_format(&state->order.device, device);
    if (t->writer == NULL)
        return veld_cli_say(t->call, "  apparaat %s: %s\n", device,
            state->confirmed_utc_ms != 0 ? "gewist" : "nog niet bevestigd");
    veld_json_writer_object_begin(t->writer);
    veld_json_writer_name(t->writer, "confirmed");
    veld_json_writer_boolean(t->writer, state->confirmed_utc_ms != 0);
    veld_cli_json_id(t->writer, "device", &state->order.device);
    veld_json_writer_object_end(t->writer);
    return VELD_OK;
}

/* What is kept of the case, read from its stub. */
typedef struct answer {
    veld_id case_id, anew;
    veld_span gone; /* text of a time */
    veld_span stub;
    uint64_t late;
} answer;

static veld_status answer_json(veld_cli_call *call, const answer *a)
{
    veld_json_writer writer;
    telling t = {.call = call, .writer = &writer, .case_id = a->case_id};
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    if (!veld_id_is_zero(&a->anew))
        veld_cli_json_id(&writer, "anew", &a->anew);
    veld_cli_json_id(&writer, "case", &a->case_id);
    veld_cli_json_text(&writer, "keysGone", a->gone);
    veld_cli_json_count(&writer, "late", a->late);
    veld_json_writer_name(&writer, "orders");
    veld_json_writer_array_begin(&writer);
    veld_status status = veld_order_each(call->session->store, NULL, &t, tell_order, &call->err);
    veld_json_writer_array_end(&writer);
    veld_cli_json_text(&writer, "stub", a->stub);
    veld_json_writer_object_end(&writer);
    veld_status ended = veld_cli_json_end(call, &writer);
    return status == VELD_OK ? ended : status;
}

static veld_status answer_text(veld_cli_call *call, const answer *a)
{
    telling t = {.call = call, .case_id = a->case_id};
    char anew[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_id_format(&a->anew, anew);
    VELD_TRY(veld_cli_say(call,
        "De zaak is gewist. Volledig als de laatste reservekopie van haar "
        "sleutels weg is: %.10s\n",
        (const char *)a->gone.data));
    if (!veld_id_is_zero(&a->anew))
        VELD_TRY(veld_cli_say(call, "Wat bleef gaat verder als zaak %s\n", anew));
    VELD_TRY(veld_order_each(call->session->store, NULL, &t, tell_order, &call->err));
    if (a->late > 0)
        status = veld_cli_say(call, "Daarna %s nog %llu %s binnen; zie device quarantine.\n",
            veld_cli_of(a->late, "kwam", "kwamen"), (unsigned long long)a->late,
            veld_cli_of(a->late, "stuk", "stukken"));

done:
    return status;
}

static veld_status tell_erased(veld_cli_call *call, const veld_id *case_id)
{
    srv_session *session = call->session;
    veld_json_doc *doc = NULL;
    answer a = {.case_id = *case_id};
    veld_buf stub;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    VELD_TRY(srv_stub_read(session, case_id, &stub, &doc, &call->err));
    a.stub = veld_buf_span(&stub);
    a.anew = srv_stub_anew(doc);
    (void)veld_json_text(veld_json_get(veld_json_root(doc), "keysGone"), &a.gone);
    VELD_TRY(veld_erased_late(session->store, case_id, &a.late, &call->err));
    status = veld_cli_given(call, VELD_CLI_JSON) ? answer_json(call, &a) : answer_text(call, &a);

done:
    veld_json_doc_free(doc);
    veld_buf_release(&stub);
    return status;
}

/* ---- the verb ---- */
static bool is_erased(veld_cli_call *call, veld_id *case_id)
{
    veld_buf stub;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    bool erased = veld_id_parse(veld_span_text(call->arguments[0]), case_id) == VELD_OK &&
                  veld_erased_get(call->session->store, case_id, &stub, NULL) == VELD_OK;
    veld_buf_release(&stub);
    return erased;
}

veld_status srv_verb_case_erase(veld_cli_call *call)
{
    srv_session *session = call->session;
    srv_aim at = {0};
    veld_id case_id;
    veld_status status;
    if (is_erased(call, &case_id))
        return tell_erased(call, &case_id);
    VELD_TRY(take_aim(call, &at));
    case_id = at.items[at.count - 1]->case_id;
    bool part = veld_cli_given(call, SRV_OPTION_PART);
    if (part)
        VELD_TRY(srv_erase_part(call, &at, &case_id));
    if (!veld_cli_given(call, SRV_OPTION_CONFIRM)) {
        call->exit_code = veld_cli_exit_code(VELD_E_CONFLICT);
        status =
            veld_cli_given(call, VELD_CLI_JSON) ? preview_json(call, &at) : preview_text(call, &at);
        goto done;
    }
    for (size_t i = 0; !part && i < at.count; i++)
        VELD_TRY(erase_one(call, at.items[i]));
    session->to_hand_in = true;
    status = tell_erased(call, &case_id);

done:
    veld_places_release(&at.places);
    return status;
}
