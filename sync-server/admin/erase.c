/* case erase: the end of a case, or of one compartment of it. What remains is a stub that the
 * agency signed: which case, who erased it, when, by what ground, which changes it had. Asking
 * again tells which tablets have confirmed, and when the last copy of a key in a backup is gone. */
#include <string.h>

#include "../srv.h"
#include "veldkit/context.h"
#include "veldkit/erase.h"
#include "veldkit/jws.h"
#include "veldkit/part.h"
#include "veldkit/time.h"

#define BACKUP_DAYS 30 /* as long as a backup of keys is kept */

enum { IDS_MAX = 10000, STUB_BYTES_MAX = VELD_JWS_BYTES_MAX };

/* ---- the stub ---- */
static const char *by_whom(const srv_session *session)
{
    return session->person != NULL ? session->person->user.name : SRV_OPERATOR;
}

static void json_time(veld_json_writer *writer, const char *name, int64_t utc_ms)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format((veld_instant){.utc_ms = utc_ms}, text);
    veld_cli_json_text(writer, name, veld_span_text(text));
}

/* Ids only: nobody reads the case while it is erased. */
static veld_status json_changes(
    srv_session *session, const veld_id *case_id, veld_json_writer *writer, veld_error *err)
{
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    char text[VELD_HASH_TEXT_SIZE];
    veld_case *opened = NULL;
    size_t count = 0;
    veld_status status;
    VELD_TRY(veld_case_open(&quiet, case_id, &opened, err));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    veld_json_writer_name(writer, "changes");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; order != NULL && i < count && i < IDS_MAX; i++) {
        veld_hash_format(&order[i]->id, text);
        veld_json_writer_text(writer, text);
    }
    veld_json_writer_array_end(writer);
    veld_cli_json_count(writer, "changesCount", count);

done:
    veld_case_close(opened);
    return status;
}

static veld_status make_stub(veld_cli_call *call, const veld_place *place, veld_buf *out)
{
    srv_session *session = call->session;
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    veld_json_writer writer;
    veld_hash key;
    char key_id[VELD_HASH_TEXT_SIZE];
    veld_buf payload;
    veld_status status;
    veld_buf_init(&payload, STUB_BYTES_MAX);
    veld_json_writer_init(&writer, &payload);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "agency", &session->agency.id);
    veld_cli_json_text(&writer, "by", veld_span_text(by_whom(session)));
    veld_cli_json_id(&writer, "case", &place->case_id);
    VELD_TRY(json_changes(session, &place->case_id, &writer, &call->err));
    veld_cli_json_text(
        &writer, "compartment", veld_span_text(veld_compartment_name(place->compartment)));
    veld_cli_json_text(&writer, "ground", veld_span_text(veld_cli_value(call, SRV_OPTION_REASON)));
    json_time(&writer, "keysGone", now_ms + BACKUP_DAYS * 86400000LL);
    json_time(&writer, "time", now_ms);
    veld_json_writer_object_end(&writer);
    VELD_TRY(veld_json_writer_finish(&writer, &call->err));
    VELD_TRY(veld_p256_fingerprint(&session->agency.merger_key, &key, &call->err));
    veld_hash_format(&key, key_id);
    status = veld_jws_sign(
        &session->desk.signer, VELD_JWS_ERASED, key_id, veld_buf_span(&payload), out, &call->err);

done:
    veld_json_writer_release(&writer);
    veld_buf_release(&payload);
    return status;
}

/* ---- erasing ---- */
static veld_status erase_one(veld_cli_call *call, const veld_place *place)
{
    srv_session *session = call->session;
    veld_buf stub;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    VELD_TRY(make_stub(call, place, &stub));
    /* The line is on the disk before anything is destroyed. */
    VELD_TRY(
        veld_access_add(session->access, VELD_ACCESS_ERASE, &place->case_id, NULL, &call->err));
    VELD_TRY(veld_access_flush(session->access, &call->err));
    status = veld_sync_erase(session->sync, &place->case_id, veld_buf_span(&stub), &call->err);

done:
    veld_buf_release(&stub);
    return status;
}

/* Its parts first: as long as the case is there they are found by it. */
static veld_status erase_all(
    veld_cli_call *call, const veld_places *places, const veld_place *main, bool whole)
{
    veld_status status = VELD_OK;
    for (size_t i = 0; whole && i < places->count && status == VELD_OK; i++) {
        const veld_place *part = &places->items[i];
        if (veld_id_equal(&part->dossier, &main->dossier) &&
            !veld_id_equal(&part->case_id, &main->case_id))
            status = erase_one(call, part);
    }
    return status == VELD_OK ? erase_one(call, main) : status;
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

static veld_status answer_json(
    veld_cli_call *call, const veld_id *case_id, veld_span stub, veld_span gone, uint64_t late)
{
    veld_json_writer writer;
    telling t = {.call = call, .writer = &writer, .case_id = *case_id};
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", case_id);
    veld_cli_json_text(&writer, "keysGone", gone);
    veld_cli_json_count(&writer, "late", late);
    veld_json_writer_name(&writer, "orders");
    veld_json_writer_array_begin(&writer);
    veld_status status = veld_order_each(call->session->store, NULL, &t, tell_order, &call->err);
    veld_json_writer_array_end(&writer);
    veld_cli_json_text(&writer, "stub", stub);
    veld_json_writer_object_end(&writer);
    veld_status ended = veld_cli_json_end(call, &writer);
    return status == VELD_OK ? ended : status;
}

static veld_status answer_text(
    veld_cli_call *call, const veld_id *case_id, veld_span gone, uint64_t late)
{
    telling t = {.call = call, .case_id = *case_id};
    veld_status status;
    VELD_TRY(veld_cli_say(call,
        "De zaak is gewist. Volledig als de laatste reservekopie van haar "
        "sleutels weg is: %.10s\n",
        (const char *)gone.data));
    VELD_TRY(veld_order_each(call->session->store, NULL, &t, tell_order, &call->err));
    if (late > 0)
        status = veld_cli_say(call, "Daarna kwamen nog %llu stukken binnen; die zijn geweigerd.\n",
            (unsigned long long)late);

done:
    return status;
}

static veld_status answer(veld_cli_call *call, const veld_id *case_id)
{
    const srv_session *session = call->session;
    const veld_agency *agency = &session->agency;
    veld_jws_header header;
    veld_json_doc *doc = NULL;
    veld_span gone = {0};
    uint64_t late = 0;
    veld_buf stub, payload;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    veld_buf_init(&payload, STUB_BYTES_MAX);
    VELD_TRY(veld_erased_get(session->store, case_id, &stub, &call->err));
    VELD_TRY(veld_jws_peek(veld_buf_span(&stub), &header, &call->err));
    VELD_TRY(veld_jws_verify(&session->desk.verifier, &agency->merger_key, VELD_JWS_ERASED,
        header.key_id, veld_buf_span(&stub), &payload, &call->err));
    VELD_TRY(veld_json_parse(veld_buf_span(&payload), VELD_JSON_CANONICAL, &doc, NULL, &call->err));
    if (!veld_json_text(veld_json_get(veld_json_root(doc), "keysGone"), &gone)) {
        status = veld_fail(&call->err, VELD_E_DAMAGED, "a stub without a date");
        goto done;
    }
    VELD_TRY(veld_erased_late(session->store, case_id, &late, &call->err));
    status = veld_cli_given(call, VELD_CLI_JSON)
                 ? answer_json(call, case_id, veld_buf_span(&stub), gone, late)
                 : answer_text(call, case_id, gone, late);

done:
    veld_json_doc_free(doc);
    veld_buf_release(&stub);
    veld_buf_release(&payload);
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
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_id case_id;
    veld_status status;
    if (is_erased(call, &case_id))
        return answer(call, &case_id);
    VELD_TRY(veld_places_load(session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    case_id = first->case_id;
    bool whole = !veld_cli_given(call, SRV_OPTION_COMPARTMENT) &&
                 first->compartment == VELD_COMPARTMENT_MAIN;
    if (whole)
        VELD_TRY(erase_all(call, &places, first, true));
    for (size_t i = 0; !whole && i < count; i++)
        VELD_TRY(erase_one(call, &first[i]));
    session->to_hand_in = true;
    status = answer(call, &case_id);

done:
    veld_places_release(&places);
    return status;
}
