/* verify and fsck of the office: is what is kept what devices and people signed and what was
 * stored; and of what was erased, does the stub hold and is nothing of it here? What is found wrong
 * is the answer, not a failure of the verb: it is listed in full, and the exit code says 8. */
#include <stdio.h>
#include <string.h>

#include "erase.h"
#include "veldkit/quarantine.h"

/* ---- findings ---- */
typedef struct telling {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
    veld_id about;            /* zero: the store as a whole */
    size_t count;
    veld_status status; /* of a finding that came where none can be returned */
    size_t cases, erased, signatures;
} telling;

static veld_status say(veld_cli_call *call, const char *id, const char *text)
{
    veld_status status = veld_cli_say(call, "  %s%s", id, id[0] != '\0' ? ": " : "");
    if (status == VELD_OK)
        status = veld_cli_say_words(call, text);
    return status == VELD_OK ? veld_cli_say(call, "\n") : status;
}

static veld_status tell(void *context, const veld_id *case_id, const char *text)
{
    telling *t = context;
    char id[VELD_ID_TEXT_SIZE] = "";
    t->count++;
    t->call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (!veld_id_is_zero(case_id))
        veld_id_format(case_id, id);
    if (t->writer == NULL)
        return say(t->call, id, text);
    veld_json_writer_object_begin(t->writer);
    if (id[0] != '\0')
        veld_cli_json_text(t->writer, "case", veld_span_text(id));
    veld_cli_json_words(t->writer, "text", text);
    veld_json_writer_object_end(t->writer);
    return VELD_OK;
}

static void tell_plain(void *context, const char *text)
{
    telling *t = context;
    veld_status status = tell(t, &t->about, text);
    if (t->status == VELD_OK)
        t->status = status;
}

/* ---- a stub ---- */
typedef struct looking {
    const veld_id *case_id;
    bool has_readable;
} looking;

/* Work that was set aside and can be read is content of the case. */
static veld_status look_aside(void *context, const veld_quarantined *one, veld_error *err)
{
    looking *l = context;
    (void)err;
    if (one->reason != VELD_QUARANTINE_ERASED && veld_id_equal(&one->case_id, l->case_id))
        l->has_readable = true;
    return VELD_OK;
}

static bool is_here(srv_session *session, const veld_id *case_id)
{
    veld_store_case *keys = NULL;
    bool here = veld_store_case_open(session->store, case_id, &keys, NULL) == VELD_OK;
    veld_store_case_close(keys);
    return here;
}

static bool is_erased(srv_session *session, const veld_id *case_id)
{
    veld_buf stub;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    bool erased = veld_erased_get(session->store, case_id, &stub, NULL) == VELD_OK;
    veld_buf_release(&stub);
    return erased;
}

veld_status srv_stub_check(
    srv_session *session, const veld_id *case_id, const srv_findings *findings, veld_error *err)
{
    veld_json_doc *doc = NULL;
    veld_error why = {0};
    veld_buf stub;
    looking l = {.case_id = case_id};
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    status = srv_stub_read(session, case_id, &stub, &doc, &why);
    if (status == VELD_E_FORGED || status == VELD_E_FORM || status == VELD_E_DAMAGED) {
        status =
            findings->found(findings->context, case_id, "the stub of an erased case is broken");
        goto done;
    }
    if (status != VELD_OK) {
        status = veld_fail(err, status, "%s", why.text);
        goto done;
    }
    veld_id anew = srv_stub_anew(doc);
    if (is_here(session, case_id))
        VELD_TRY(findings->found(findings->context, case_id, "an erased case has keys here"));
    if (!veld_id_is_zero(&anew) && !is_here(session, &anew) && !is_erased(session, &anew))
        VELD_TRY(findings->found(
            findings->context, case_id, "the case in which an erased one goes on is not here"));
    VELD_TRY(veld_quarantine_each(session->store, &l, look_aside, err));
    if (l.has_readable)
        status = findings->found(
            findings->context, case_id, "work of an erased case was set aside and can be read");

done:
    veld_json_doc_free(doc);
    veld_buf_release(&stub);
    return status;
}

/* ---- fsck ---- */
static veld_status check_stub(void *context, const veld_id *case_id, veld_error *err)
{
    telling *t = context;
    const srv_findings findings = {.context = t, .found = tell};
    t->erased++;
    return srv_stub_check(t->call->session, case_id, &findings, err);
}

static bool is_about_the_case(veld_status status)
{
    return status == VELD_E_DAMAGED || status == VELD_E_FORGED || status == VELD_E_FORM ||
           status == VELD_E_NOT_FOUND;
}

static veld_status check_case(telling *t, const veld_id *case_id)
{
    const veld_desk quiet = veld_desk_quiet(&t->call->session->desk);
    veld_case *opened = NULL;
    veld_proof proof = {0};
    t->about = *case_id;
    veld_status status = veld_case_open(&quiet, case_id, &opened, &t->call->err);
    if (status == VELD_OK)
        status = veld_case_verify(opened, &proof, tell_plain, t, &t->call->err);
    veld_case_close(opened);
    t->signatures += proof.signatures;
    t->about = (veld_id){0};
    if (is_about_the_case(status)) { /* this case is lost; go on with the others */
        char text[VELD_ERROR_TEXT_BYTES_MAX + 32];
        (void)snprintf(text, sizeof text, "the case cannot be read: %s", t->call->err.text);
        status = tell(t, case_id, text);
    }
    return status == VELD_OK ? t->status : status;
}

static veld_status check_all(telling *t, veld_store_report *report)
{
    srv_session *session = t->call->session;
    veld_places places = {0};
    veld_status status;
    VELD_TRY(veld_store_fsck(session->store, report, tell_plain, t, &t->call->err));
    VELD_TRY(t->status);
    VELD_TRY(veld_places_load(session->store, &places, &t->call->err));
    t->cases = places.count;
    for (size_t i = 0; i < places.count; i++)
        VELD_TRY(check_case(t, &places.items[i].case_id));
    status = veld_erased_each(session->store, t, check_stub, &t->call->err);

done:
    veld_places_release(&places);
    return status;
}

static veld_status begin(telling *t, veld_json_writer *writer)
{
    if (t->writer == NULL)
        return VELD_OK;
    veld_json_writer_init(writer, &t->call->out);
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "findings");
    veld_json_writer_array_begin(writer);
    return VELD_OK;
}

veld_status srv_verb_fsck(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    veld_store_report report = {0};
    telling t = {.call = call, .writer = veld_cli_given(call, VELD_CLI_JSON) ? &writer : NULL};
    veld_status status;
    VELD_TRY(begin(&t, &writer));
    VELD_TRY(check_all(&t, &report));
    if (t.writer != NULL) {
        veld_json_writer_array_end(&writer);
        veld_cli_json_count(&writer, "cases", t.cases);
        veld_cli_json_count(&writer, "changes", report.changes);
        veld_cli_json_count(&writer, "damaged", report.damaged);
        veld_cli_json_count(&writer, "erased", t.erased);
        veld_cli_json_count(&writer, "signatures", t.signatures);
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
        goto done;
    }
    status = veld_cli_say(call, "%zu %s, %llu %s, %zu %s van wissing: %s\n", t.cases,
        veld_cli_of(t.cases, "zaak", "zaken"), (unsigned long long)report.changes,
        veld_cli_of(report.changes, "wijziging", "wijzigingen"), t.erased,
        veld_cli_of(t.erased, "bewijs", "bewijzen"),
        t.count == 0 ? "alles klopt." : "dit klopt niet, zie hierboven.");

done:
    veld_json_writer_release(&writer);
    return status;
}

/* ---- verify ---- */
static veld_status say_erased(veld_cli_call *call, const veld_id *case_id, telling *t)
{
    veld_json_doc *doc = NULL;
    veld_span by = {0}, ground = {0}, when = {0};
    char anew_text[VELD_ID_TEXT_SIZE];
    veld_buf stub;
    veld_status status;
    veld_buf_init(&stub, VELD_JWS_TEXT_MAX);
    VELD_TRY(srv_stub_read(call->session, case_id, &stub, &doc, &call->err));
    const veld_json_value *root = veld_json_root(doc);
    veld_id anew = srv_stub_anew(doc);
    veld_id_format(&anew, anew_text);
    (void)(veld_json_text(veld_json_get(root, "by"), &by) &&
           veld_json_text(veld_json_get(root, "ground"), &ground) &&
           veld_json_text(veld_json_get(root, "time"), &when));
    if (t->writer != NULL) {
        if (!veld_id_is_zero(&anew))
            veld_cli_json_text(t->writer, "anew", veld_span_text(anew_text));
        veld_cli_json_text(t->writer, "by", by);
        veld_cli_json_id(t->writer, "case", case_id);
        veld_cli_json_text(t->writer, "ground", ground);
        veld_cli_json_text(t->writer, "time", when);
        goto done;
    }
    VELD_TRY(veld_cli_say(call, "Deze zaak is gewist op "));
    VELD_TRY(veld_cli_say_text(call, when));
    VELD_TRY(veld_cli_say(call, " door "));
    VELD_TRY(veld_cli_say_text(call, by));
    VELD_TRY(veld_cli_say(call, ": "));
    VELD_TRY(veld_cli_say_text(call, ground));
    status = veld_id_is_zero(&anew)
                 ? veld_cli_say(call, "\n")
                 : veld_cli_say(call, "\nWat bleef gaat verder als zaak %s\n", anew_text);

done:
    veld_json_doc_free(doc);
    veld_buf_release(&stub);
    return status;
}

static veld_status verify_erased(veld_cli_call *call, const veld_id *case_id, telling *t)
{
    const srv_findings findings = {.context = t, .found = tell};
    veld_status status;
    VELD_TRY(srv_stub_check(call->session, case_id, &findings, &call->err));
    if (t->writer != NULL)
        veld_json_writer_array_end(t->writer);
    status = say_erased(call, case_id, t);
    if (t->count > 0 && (status == VELD_E_FORGED || status == VELD_E_FORM ||
                            status == VELD_E_DAMAGED)) /* the finding says so */
        status = VELD_OK;

done:
    return status;
}

static veld_status verify_here(veld_cli_call *call, telling *t)
{
    veld_places places = {0};
    const veld_place *first = NULL;
    size_t count = 0;
    veld_status status;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    VELD_TRY(srv_part_find(call, &places, call->arguments[0], &first, &count));
    veld_id case_id = first->case_id;
    for (size_t i = 0; i < count; i++) {
        VELD_TRY(veld_access_add(
            call->session->access, VELD_ACCESS_READ, &first[i].case_id, NULL, &call->err));
        VELD_TRY(check_case(t, &first[i].case_id));
    }
    if (t->writer != NULL) {
        veld_json_writer_array_end(t->writer);
        veld_cli_json_id(t->writer, "case", &case_id);
        veld_cli_json_count(t->writer, "signatures", t->signatures);
        goto done;
    }
    status = veld_cli_say(call, "%zu %s. %s\n", t->signatures,
        veld_cli_of(t->signatures, "handtekening klopt", "handtekeningen kloppen"),
        t->count == 0 ? "Alles klopt." : "Dit klopt niet, zie hierboven.");

done:
    veld_places_release(&places);
    return status;
}

veld_status srv_verb_verify(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    veld_id case_id;
    telling t = {.call = call, .writer = veld_cli_given(call, VELD_CLI_JSON) ? &writer : NULL};
    veld_status status;
    VELD_TRY(begin(&t, &writer));
    if (veld_id_parse(veld_span_text(call->arguments[0]), &case_id) == VELD_OK &&
        is_erased(call->session, &case_id))
        status = verify_erased(call, &case_id, &t);
    else
        status = verify_here(call, &t);
    VELD_TRY(status);
    if (t.writer != NULL) {
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
    }

done:
    veld_json_writer_release(&writer);
    return status;
}
