/* The stub: what the agency signs of a case that it erases. It names ids, people and grounds, and
 * nothing that stood in the case. */
#include <string.h>

#include "erase.h"
#include "veldkit/context.h"
#include "veldkit/jws.h"
#include "veldkit/quarantine.h"
#include "veldkit/time.h"

#define DAY_MS 86400000LL

enum { IDS_MAX = 10000, STUB_BYTES_MAX = VELD_JWS_BYTES_MAX };

/* ---- making ---- */
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

/* Without a part: where the case goes on, and the records that do not. */
static void json_left(veld_json_writer *writer, const srv_erasure *erasure)
{
    char text[VELD_ID_TEXT_SIZE];
    if (veld_id_is_zero(&erasure->anew))
        return;
    veld_json_writer_name(writer, "left");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < erasure->left_count; i++) {
        veld_id_format(&erasure->left[i], text);
        veld_json_writer_text(writer, text);
    }
    veld_json_writer_array_end(writer);
}

typedef struct counting {
    const veld_id *case_id;
    uint64_t count;
} counting;

static veld_status count_aside(void *context, const veld_quarantined *one, veld_error *err)
{
    counting *c = context;
    (void)err;
    c->count += veld_id_equal(&one->case_id, c->case_id) && one->verdict == VELD_QUARANTINE_WAITING;
    return VELD_OK;
}

static veld_status json_stub(
    veld_cli_call *call, const srv_erasure *erasure, veld_json_writer *writer)
{
    srv_session *session = call->session;
    const veld_place *place = erasure->place;
    int64_t now_ms = veld_env_now(&session->env).wall_utc_ms;
    counting aside = {.case_id = &place->case_id};
    veld_status status;
    VELD_TRY(veld_quarantine_each(session->store, &aside, count_aside, &call->err));
    veld_json_writer_object_begin(writer);
    veld_cli_json_id(writer, "agency", &session->agency.id);
    if (!veld_id_is_zero(&erasure->anew))
        veld_cli_json_id(writer, "anew", &erasure->anew);
    veld_cli_json_text(writer, "by", veld_span_text(by_whom(session)));
    veld_cli_json_id(writer, "case", &place->case_id);
    VELD_TRY(json_changes(session, &place->case_id, writer, &call->err));
    veld_cli_json_text(
        writer, "compartment", veld_span_text(veld_compartment_name(place->compartment)));
    veld_cli_json_id(writer, "dossier", &place->dossier);
    veld_cli_json_text(writer, "ground", veld_span_text(veld_cli_value(call, SRV_OPTION_REASON)));
    json_time(writer, "keysGone", now_ms + SRV_BACKUP_DAYS * DAY_MS);
    json_left(writer, erasure);
    veld_cli_json_count(writer, "quarantined", aside.count);
    json_time(writer, "time", now_ms);
    veld_json_writer_object_end(writer);
    status = veld_json_writer_finish(writer, &call->err);

done:
    return status;
}

veld_status srv_stub_make(veld_cli_call *call, const srv_erasure *erasure, veld_buf *out)
{
    srv_session *session = call->session;
    veld_json_writer writer;
    veld_hash key;
    char key_id[VELD_HASH_TEXT_SIZE];
    veld_buf payload;
    veld_status status;
    veld_buf_init(&payload, STUB_BYTES_MAX);
    veld_json_writer_init(&writer, &payload);
    VELD_TRY(json_stub(call, erasure, &writer));
    VELD_TRY(veld_p256_fingerprint(&session->agency.merger_key, &key, &call->err));
    veld_hash_format(&key, key_id);
    status = veld_jws_sign(
        &session->desk.signer, VELD_JWS_ERASED, key_id, veld_buf_span(&payload), out, &call->err);

done:
    veld_json_writer_release(&writer);
    veld_buf_release(&payload);
    return status;
}

/* ---- reading ---- */
static bool says_id(const veld_json_doc *doc, const char *name, veld_id *out)
{
    veld_span text = {0};
    return veld_json_text(veld_json_get(veld_json_root(doc), name), &text) &&
           veld_id_parse(text, out) == VELD_OK;
}

veld_status srv_stub_read(srv_session *session, const veld_id *case_id, veld_buf *stub,
    veld_json_doc **doc, veld_error *err)
{
    static const char *const texts[] = {"by", "compartment", "ground", "keysGone", "time"};
    veld_jws_header header;
    veld_buf payload;
    veld_id found;
    veld_span text;
    veld_status status;
    *doc = NULL;
    veld_buf_init(&payload, STUB_BYTES_MAX);
    VELD_TRY(veld_erased_get(session->store, case_id, stub, err));
    VELD_TRY(veld_jws_peek(veld_buf_span(stub), &header, err));
    VELD_TRY(veld_jws_verify(&session->desk.verifier, &session->agency.merger_key, VELD_JWS_ERASED,
        header.key_id, veld_buf_span(stub), &payload, err));
    VELD_TRY(veld_json_parse(veld_buf_span(&payload), VELD_JSON_CANONICAL, doc, NULL, err));
    bool whole = says_id(*doc, "case", &found) && veld_id_equal(&found, case_id);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        whole = whole && veld_json_text(veld_json_get(veld_json_root(*doc), texts[i]), &text);
    if (!whole)
        status = veld_fail(err, VELD_E_DAMAGED, "a stub of another case, or without what it says");

done:
    if (status != VELD_OK) {
        veld_json_doc_free(*doc);
        *doc = NULL;
    }
    veld_buf_release(&payload);
    return status;
}

veld_id srv_stub_anew(const veld_json_doc *doc)
{
    veld_id anew = {{0}};
    return says_id(doc, "anew", &anew) ? anew : (veld_id){{0}};
}
