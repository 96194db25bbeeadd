/* device quarantine: what was handed in by who had no right to any more or for a case that is
 * erased, and what a person decides of it. The list shows whose it is and why it waits, and
 * nothing of its content. */
#include <string.h>

#include "quarantine.h"
#include "veldkit/commit.h"
#include "veldkit/envelope.h"
#include "veldkit/time.h"

static const char *reason_name(veld_quarantine_reason reason)
{
    switch (reason) {
    case VELD_QUARANTINE_REVOKED:
        return "revoked";
    case VELD_QUARANTINE_ERASED:
        return "erased";
    case VELD_QUARANTINE_FORMER: /* only on a tablet */
        break;
    }
    return "";
}

static const char *reason_text(veld_quarantine_reason reason)
{
    switch (reason) {
    case VELD_QUARANTINE_REVOKED:
        return "het apparaat was ingetrokken";
    case VELD_QUARANTINE_ERASED:
        return "de zaak is gewist";
    case VELD_QUARANTINE_FORMER: /* only on a tablet */
        break;
    }
    return "";
}

/* ---- list ---- */
typedef struct quarantine_list {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    size_t count;
} quarantine_list;

static veld_status say_waiting(veld_cli_call *call, const veld_quarantined *one)
{
    char change[VELD_HASH_TEXT_SIZE], device[VELD_ID_TEXT_SIZE], kase[VELD_ID_TEXT_SIZE];
    char when[VELD_INSTANT_TEXT_SIZE];
    veld_view_names names = srv_session_names(call->session);
    veld_span worker = names.worker(names.context, &one->device);
    veld_status status;
    veld_hash_format(&one->change, change);
    veld_id_format(&one->device, device);
    veld_id_format(&one->case_id, kase);
    veld_instant_format((veld_instant){.utc_ms = one->received_utc_ms}, when);
    VELD_TRY(veld_cli_say(call, "%s\n  van ", change));
    VELD_TRY(worker.len > 0 ? veld_cli_say_text(call, worker)
                            : veld_cli_say(call, "een onbekend apparaat"));
    status = veld_cli_say(call, ", apparaat %s, zaak %s\n  ontvangen %s; wacht omdat %s\n", device,
        kase, when, reason_text(one->reason));

done:
    return status;
}

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
        return say_waiting(list->call, one);
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

static veld_status find(veld_cli_call *call, const char *word, veld_hash *out)
{
    quarantine_search search = {.word = word};
    veld_status status;
    VELD_TRY(veld_quarantine_each(call->session->store, &search, look_at, &call->err));
    VELD_TRY(veld_cli_prefix_judge(search.word, "wijziging", search.matches, &call->err));
    *out = search.found;

done:
    return status;
}

/* ---- show ---- */
static veld_status name_change(void *context, veld_change *change, veld_error *err)
{
    veld_p256_public key;
    veld_desk *desk = context;
    veld_status status = veld_keyring_signer(&desk->keyring, &desk->verifier, change, &key, err);
    return status == VELD_OK ? veld_commit_ids(change, &key, err) : status;
}

/* The change, when it can be read: one of an erased case only if it was sealed to us. */
static veld_status read_change(srv_session *session, const veld_quarantined *one, veld_arena *arena,
    const veld_change **out, veld_error *err)
{
    veld_envelope_header header;
    const veld_change_namer namer = {.context = &session->desk, .name = name_change};
    veld_change *changes = NULL;
    veld_change *alone = NULL;
    const veld_p256_private *seal;
    veld_p256_public key;
    veld_status status = VELD_OK;
    *out = NULL;
    if (one->reason != VELD_QUARANTINE_ERASED) {
        alone = veld_arena_get(arena, 1, sizeof *alone);
        if (alone == NULL)
            return veld_fail(err, VELD_E_MEMORY, "no memory for a change");
        status = veld_change_decode(one->body, VELD_CHANGE_WIRE, arena, alone, err);
        *out = status == VELD_OK ? alone : NULL;
        return status;
    }
    if (one->body.len == 0)
        return VELD_OK;
    status = VELD_E_FORGED; /* it may be sealed to a key of before */
    for (size_t i = 0;
         status == VELD_E_FORGED && (seal = veld_store_seal_key_at(session->store, i)) != NULL; i++)
        status = veld_envelope_open_blind(seal, one->body, &namer, arena, &header, &changes, err);
    if (status == VELD_OK)
        status = veld_keyring_signer(
            &session->desk.keyring, &session->desk.verifier, &changes[0], &key, err);
    if (status == VELD_OK)
        status = veld_commit_verify(&changes[0], &key, &session->desk.verifier, err);
    if (status == VELD_OK)
        *out = &changes[0];
    return status == VELD_E_UNSUPPORTED || status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static void json_writes(veld_json_writer *writer, const veld_change *change)
{
    veld_json_writer_name(writer, "writes");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; change != NULL && i < change->writes_count; i++) {
        const veld_write *write = &change->writes[i];
        veld_json_writer_object_begin(writer);
        veld_cli_json_text(writer, "field", write->field);
        veld_cli_json_id(writer, "record", &write->record);
        veld_cli_json_text(writer, "type", write->type);
        veld_json_writer_name(writer, "value");
        veld_json_writer_canonical(writer, write->value);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
}

static veld_status say_writes(veld_cli_call *call, const veld_change *change)
{
    veld_status status = VELD_OK;
    if (change == NULL)
        return veld_cli_say(call, "Dit is niet te lezen: de sleutel van de gewiste zaak is "
                                  "vernietigd.\n");
    for (size_t i = 0; i < change->writes_count; i++) {
        const veld_write *write = &change->writes[i];
        VELD_TRY(veld_cli_say_text(call, write->type));
        VELD_TRY(veld_cli_say(call, " "));
        VELD_TRY(veld_cli_say_text(call, write->field));
        VELD_TRY(veld_cli_say(call, ": "));
        VELD_TRY(veld_cli_say_canonical(call, write->value));
        VELD_TRY(veld_cli_say(call, "\n"));
    }

done:
    return status;
}

static veld_status show(veld_cli_call *call)
{
    srv_session *session = call->session;
    const veld_change *change = NULL;
    veld_quarantined one = {0};
    srv_quarantine_past past = {0};
    veld_json_writer writer;
    veld_hash id;
    veld_arena arena;
    veld_buf body = {0};
    veld_status status;
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(find(call, call->arguments[1], &id));
    VELD_TRY(veld_quarantine_get(session->store, &id, &body, &one, &call->err));
    VELD_TRY(read_change(session, &one, &arena, &change, &call->err));
    VELD_TRY(srv_quarantine_past_get(session, &one, change, &past, &call->err));
    VELD_TRY(
        veld_access_add(session->access, VELD_ACCESS_READ, &one.case_id, &one.device, &call->err));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(say_writes(call, change));
        status = srv_quarantine_past_say(call, &past);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    srv_quarantine_past_json(&writer, &past);
    veld_cli_json_id(&writer, "case", &one.case_id);
    veld_cli_json_hash(&writer, "change", &one.change);
    veld_cli_json_id(&writer, "device", &one.device);
    veld_json_writer_name(&writer, "readable");
    veld_json_writer_boolean(&writer, change != NULL);
    veld_cli_json_text(&writer, "reason", veld_span_text(reason_name(one.reason)));
    json_writes(&writer, change);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_wipe(&body);
    veld_arena_release(&arena);
    return status;
}

/* ---- decide ---- */
static veld_status say_decided(
    veld_cli_call *call, const veld_quarantined *one, bool admit, const srv_quarantine_past *past)
{
    veld_json_writer writer;
    veld_status status;
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "%s",
            admit ? "De wijziging is opgenomen in de zaak.\n"
            : one->reason == VELD_QUARANTINE_ERASED
                ? "Wat voor de gewiste zaak binnenkwam is vernietigd.\n"
                : "De wijziging blijft bewaard en wordt niet opgenomen.\n"));
        status = admit ? srv_quarantine_past_say(call, past) : VELD_OK;
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_json_writer_name(&writer, "admitted");
    veld_json_writer_boolean(&writer, admit);
    if (admit)
        srv_quarantine_past_json(&writer, past);
    veld_cli_json_hash(&writer, "change", &one->change);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    return status;
}

static veld_status decide(veld_cli_call *call, bool admit)
{
    srv_session *session = call->session;
    veld_hash id;
    veld_buf body = {0};
    veld_arena arena;
    const veld_change *change = NULL;
    veld_quarantined one = {0};
    srv_quarantine_past past = {0};
    const char *reason = veld_cli_value(call, SRV_OPTION_REASON);
    veld_status status;
    if (reason == NULL)
        return veld_fail(&call->err, VELD_E_INVALID, "hierbij hoort --reason met waarom");
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(find(call, call->arguments[1], &id));
    VELD_TRY(veld_quarantine_get(session->store, &id, &body, &one, &call->err));
    if (admit && one.reason == VELD_QUARANTINE_ERASED) {
        status = veld_fail(&call->err, VELD_E_NOT_ALLOWED,
            "de zaak is gewist: hier komt niets meer bij; device quarantine show toont wat nog te "
            "lezen is, refuse vernietigt het");
        goto done;
    }
    if (admit) {
        VELD_TRY(read_change(session, &one, &arena, &change, &call->err));
        VELD_TRY(srv_quarantine_past_get(session, &one, change, &past, &call->err));
    }
    VELD_TRY(veld_sync_decide(session->sync, &id, admit, veld_span_text(reason), &call->err));
    session->to_hand_in = admit;
    status = say_decided(call, &one, admit, &past);

done:
    veld_buf_wipe(&body);
    veld_arena_release(&arena);
    return status;
}

veld_status srv_verb_device_quarantine(veld_cli_call *call)
{
    if (call->arguments_count == 0)
        return list_all(call);
    if (call->arguments_count == 2 && strcmp(call->arguments[0], "show") == 0)
        return show(call);
    bool admit = strcmp(call->arguments[0], "admit") == 0;
    if (call->arguments_count != 2 || (!admit && strcmp(call->arguments[0], "refuse") != 0))
        return veld_fail(&call->err, VELD_E_INVALID,
            "gebruik: device quarantine, device quarantine show WIJZIGING, of device quarantine "
            "admit|refuse WIJZIGING --reason TEKST");
    return decide(call, admit);
}
