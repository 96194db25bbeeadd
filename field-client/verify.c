/* verify and fsck: is what is here what the devices signed and what was stored? What is found wrong
 * is the answer, not a failure of the verb: it is listed in full, and the exit code says 8. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "findings.h"
#include "veldkit/assert.h"
#include "veldkit/compact.h"
#include "veldkit/decision.h"
#include "veldkit/directory.h"
#include "veldkit/erase.h"

void fc_findings_add(void *context, const char *text)
{
    fc_findings *list = context;
    size_t before = list->texts.len;
    list->count++;
    if (veld_buf_append(&list->texts, &list->about, sizeof list->about) != VELD_OK ||
        veld_buf_append_text(&list->texts, text) != VELD_OK ||
        veld_buf_append_byte(&list->texts, 0) != VELD_OK) {
        list->texts.len = before;
        list->lost = true;
    }
}

void fc_findings_json(veld_json_writer *writer, const fc_findings *list)
{
    veld_json_writer_name(writer, "findings");
    veld_json_writer_array_begin(writer);
    for (size_t at = 0; at < list->texts.len;) {
        veld_id about;
        memcpy(&about, list->texts.data + at, sizeof about);
        const char *text = (const char *)list->texts.data + at + sizeof about;
        at += sizeof about + strlen(text) + 1;
        veld_json_writer_object_begin(writer);
        if (!veld_id_is_zero(&about))
            veld_cli_json_id(writer, "case", &about);
        veld_cli_json_words(writer, "text", text);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
}

static veld_status say_findings(veld_cli_call *call, const fc_findings *list)
{
    veld_status status = VELD_OK;
    for (size_t at = 0; at < list->texts.len && status == VELD_OK;) {
        const char *text = (const char *)list->texts.data + at + sizeof(veld_id);
        at += sizeof(veld_id) + strlen(text) + 1;
        status = veld_cli_say(call, "  ");
        if (status == VELD_OK)
            status = veld_cli_say_words(call, text);
        if (status == VELD_OK)
            status = veld_cli_say(call, "\n");
    }
    if (status == VELD_OK && list->lost)
        status = veld_cli_say(call, "  ... en meer\n");
    return status;
}

veld_status fc_findings_say(veld_cli_call *call, const fc_findings *list)
{
    veld_status status =
        veld_cli_say(call, "%s\n", list->count == 0 ? "Alles klopt." : "Dit klopt niet:");
    return status == VELD_OK ? say_findings(call, list) : status;
}

/* ---- verify CASE ---- */
/* How many decisions a person signed, how many are the office's alone; what is broken is a finding.
 */
typedef struct decisions {
    size_t persons, office, unknown;
} decisions;

static veld_status verify_decisions(
    veld_cli_call *call, veld_case *opened, decisions *out, fc_findings *list)
{
    fc_session *session = call->session;
    veld_agency agency;
    veld_arena arena;
    const veld_decided *decided = NULL;
    size_t count = 0;
    veld_status status =
        veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err);
    bool known = status == VELD_OK;
    veld_arena_init(&arena, FC_ARENA_BYTES_MAX);
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_decision_list(veld_case_state(opened), veld_case_id(opened),
        known ? &agency : NULL, &session->desk.verifier, &arena, &decided, &count, &call->err));
    for (size_t i = 0; i < count; i++) {
        char id[VELD_ID_TEXT_SIZE], text[VELD_ERROR_TEXT_BYTES_MAX + 1];
        veld_id_format(&decided[i].record->id, id);
        out->persons += decided[i].verdict == VELD_DECISION_OF_PERSON;
        out->office += decided[i].verdict == VELD_DECISION_OF_OFFICE;
        out->unknown += decided[i].verdict == VELD_DECISION_UNKNOWN;
        if (decided[i].verdict != VELD_DECISION_BROKEN)
            continue;
        (void)snprintf(text, sizeof text, "decision %s: %s", id, decided[i].why);
        fc_findings_add(list, text);
    }

done:
    veld_arena_release(&arena);
    return status;
}

static veld_status verify_base(veld_cli_call *call, veld_case *opened, fc_findings *list)
{
    bool fits = true;
    veld_agency agency;
    const fc_session *session = call->session;
    const veld_case_base *base = veld_case_get_base(opened);
    veld_status status = VELD_OK;
    if (base == NULL || !base->from_agency)
        return VELD_OK;
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &agency, &call->err));
    VELD_TRY(
        veld_base_verify(opened, &session->desk.verifier, &agency.merger_key, &fits, &call->err));
    if (!fits)
        fc_findings_add(
            list, "the checkpoint with which this case begins is not what the agency signed");

done:
    return status;
}

static veld_status verify_case(veld_cli_call *call, const veld_id *id)
{
    veld_case *opened = NULL;
    veld_proof proof = {0};
    decisions decided = {0};
    fc_findings list = {.about = *id};
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&list.texts, FC_FINDINGS_BYTES_MAX);
    VELD_TRY(veld_case_open(&call->session->desk, id, &opened, &call->err));
    fc_note_before(call, opened);
    VELD_TRY(verify_base(call, opened, &list));
    VELD_TRY(veld_case_verify(opened, &proof, fc_findings_add, &list, &call->err));
    VELD_TRY(verify_decisions(call, opened, &decided, &list));
    if (proof.findings > 0 || list.count > 0)
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "%zu %s: %zu %s en %zu %s kloppen.\n", proof.changes,
            veld_cli_of(proof.changes, "wijziging", "wijzigingen"), proof.signatures,
            veld_cli_of(proof.signatures, "handtekening", "handtekeningen"), proof.trees,
            veld_cli_of(proof.trees, "stand", "standen")));
        if (proof.partial > 0)
            VELD_TRY(veld_cli_say(call,
                "Van %zu daarvan is de stand niet na te rekenen: zo'n wijziging bouwt voort op "
                "iets dat hier niet is (geweigerd, apart gezet of nog niet ontvangen). Een "
                "export houdt haar apart van de rest.\n",
                proof.partial));
        if (decided.persons + decided.office > 0)
            VELD_TRY(veld_cli_say(call,
                "%zu %s door een persoon ondertekend, %zu alleen van het kantoor.\n",
                decided.persons, veld_cli_of(decided.persons, "beslissing", "beslissingen"),
                decided.office));
        status = fc_findings_say(call, &list);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    if (proof.before > 0)
        veld_cli_json_count(&writer, "before", proof.before);
    veld_cli_json_id(&writer, "case", id);
    veld_cli_json_count(&writer, "changes", proof.changes);
    if (decided.persons + decided.office + decided.unknown > 0) {
        veld_json_writer_name(&writer, "decisions");
        veld_json_writer_object_begin(&writer);
        veld_cli_json_count(&writer, "office", decided.office);
        veld_cli_json_count(&writer, "persons", decided.persons);
        veld_cli_json_count(&writer, "unknown", decided.unknown);
        veld_json_writer_object_end(&writer);
    }
    fc_findings_json(&writer, &list);
    veld_cli_json_count(&writer, "partial", proof.partial);
    veld_cli_json_count(&writer, "signatures", proof.signatures);
    veld_cli_json_count(&writer, "trees", proof.trees);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_case_close(opened);
    veld_buf_release(&list.texts);
    return status;
}

/* ---- verify a case that was erased by order ---- */
/* The order, checked. Expects: VELD_E_NOT_FOUND (not erased here), what is wrong with it. */
static veld_status read_erased(
    fc_session *session, const veld_id *case_id, veld_order *out, veld_error *err)
{
    veld_agency agency;
    veld_status status;
    VELD_TRY(veld_agency_get(session->store, &session->desk.verifier, &agency, err));
    status = veld_erased_order(
        session->store, case_id, &session->desk.verifier, &agency.merger_key, out, err);

done:
    return status;
}

/* What is wrong with an erased case here: its order, or that it is still here. */
static veld_status check_erased(fc_session *session, const veld_id *case_id, veld_order *order,
    fc_findings *list, veld_error *err)
{
    veld_error why = {0};
    veld_store_case *keys = NULL;
    veld_status status = read_erased(session, case_id, order, &why);
    list->about = *case_id;
    if (status == VELD_E_FORGED || status == VELD_E_FORM || status == VELD_E_DAMAGED) {
        fc_findings_add(list, "the order by which the case was erased is broken");
        status = VELD_OK;
    } else if (status != VELD_OK) {
        return veld_fail(err, status, "%s", why.text);
    }
    if (veld_store_case_open(session->store, case_id, &keys, NULL) == VELD_OK)
        fc_findings_add(list, "an erased case has keys here");
    veld_store_case_close(keys);
    return status;
}

static veld_status verify_erased(veld_cli_call *call, const veld_id *case_id)
{
    veld_order order = {0};
    fc_findings list = {0};
    veld_json_writer writer;
    char when[VELD_INSTANT_TEXT_SIZE];
    veld_status status;
    veld_buf_init(&list.texts, FC_FINDINGS_BYTES_MAX);
    VELD_TRY(check_erased(call->session, case_id, &order, &list, &call->err));
    veld_cli_time(call, order.utc_ms, when);
    if (list.count > 0)
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(
            call, "Deze zaak is gewist, in opdracht van de organisatie van %s.\n", when));
        status = fc_findings_say(call, &list);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "case", case_id);
    veld_cli_json_text(&writer, "erased", veld_span_text(when));
    fc_findings_json(&writer, &list);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_release(&list.texts);
    return status;
}

/* What looks like the number of a case and is one wins over a folder of that name. */
veld_status fc_verb_verify(veld_cli_call *call)
{
    veld_id id;
    const char *word = call->arguments[0];
    veld_status status = fc_case_find(call, word, &id);
    if (status == VELD_OK)
        return verify_case(call, &id);
    veld_order order;
    if (status == VELD_E_NOT_FOUND && veld_id_parse(veld_span_text(word), &id) == VELD_OK &&
        read_erased(call->session, &id, &order, NULL) != VELD_E_NOT_FOUND)
        return verify_erased(call, &id);
    if ((status == VELD_E_NOT_FOUND || status == VELD_E_INVALID) && access(word, F_OK) == 0)
        return fc_verify_export(call, word);
    if (status == VELD_E_INVALID && veld_cli_prefix_check(word, NULL) != VELD_OK)
        status = veld_fail(&call->err, VELD_E_NOT_FOUND,
            "er is geen map met de naam %.80s, en het is geen nummer van een zaak", word);
    return status;
}

/* ---- fsck ---- */
static veld_status fsck_cases(veld_cli_call *call, fc_findings *list, size_t *signatures)
{
    veld_buf ids = {0};
    size_t count = 0;
    const veld_desk quiet = veld_desk_quiet(&call->session->desk);
    veld_status status;
    VELD_TRY(fc_case_ids(call, &ids, &count));
    for (size_t i = 0; i < count; i++) {
        veld_case *opened = NULL;
        veld_proof proof = {0};
        memcpy(&list->about, ids.data + i * sizeof list->about, sizeof list->about);
        status = veld_case_open(&quiet, &list->about, &opened, &call->err);
        if (status == VELD_OK)
            status = veld_case_verify(opened, &proof, fc_findings_add, list, &call->err);
        if (status == VELD_OK)
            status = fc_fsck_own(call->session, opened, fc_findings_add, list, &call->err);
        veld_case_close(opened);
        *signatures += proof.signatures;
        if (status == VELD_E_DAMAGED || status == VELD_E_FORGED || status == VELD_E_FORM ||
            status == VELD_E_NOT_FOUND) {
            char text[VELD_ERROR_TEXT_BYTES_MAX + 32]; /* it is lost; go on with the others */
            (void)snprintf(text, sizeof text, "the case cannot be read: %s", call->err.text);
            fc_findings_add(list, text);
            status = VELD_OK;
        }
        if (status != VELD_OK)
            goto done;
    }

done:
    veld_buf_release(&ids);
    return status;
}

typedef struct erased_check {
    fc_session *session;
    fc_findings *list;
    size_t count;
} erased_check;

static veld_status fsck_erased(void *context, const veld_id *case_id, veld_error *err)
{
    erased_check *check = context;
    veld_order order;
    check->count++;
    return check_erased(check->session, case_id, &order, check->list, err);
}

veld_status fc_verb_fsck(veld_cli_call *call)
{
    veld_store_report report = {0};
    fc_findings list = {0};
    size_t signatures = 0;
    erased_check erased = {.session = call->session, .list = &list};
    veld_json_writer writer;
    veld_status status;
    veld_buf_init(&list.texts, FC_FINDINGS_BYTES_MAX);
    VELD_TRY(veld_store_fsck(call->session->store, &report, fc_findings_add, &list, &call->err));
    VELD_TRY(fsck_cases(call, &list, &signatures));
    VELD_TRY(veld_erased_each(call->session->store, &erased, fsck_erased, &call->err));
    if (list.count > 0 || report.damaged > 0)
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        VELD_TRY(veld_cli_say(call, "%llu %s, %llu %s: %zu %s.\n", (unsigned long long)report.cases,
            veld_cli_of(report.cases, "zaak", "zaken"), (unsigned long long)report.changes,
            veld_cli_of(report.changes, "wijziging", "wijzigingen"), signatures,
            veld_cli_of(signatures, "handtekening klopt", "handtekeningen kloppen")));
        if (erased.count > 0)
            VELD_TRY(veld_cli_say(call, "%zu %s gewist in opdracht van de organisatie.\n",
                erased.count, veld_cli_of(erased.count, "zaak is", "zaken zijn")));
        status = fc_findings_say(call, &list);
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_count(&writer, "cases", report.cases);
    veld_cli_json_count(&writer, "changes", report.changes);
    veld_cli_json_count(&writer, "damaged", report.damaged);
    veld_cli_json_count(&writer, "drafts", report.drafts);
    veld_cli_json_count(&writer, "erased", erased.count);
    fc_findings_json(&writer, &list);
    veld_cli_json_count(&writer, "signatures", signatures);
    veld_cli_json_count(&writer, "unsent", report.unsent);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    veld_buf_release(&list.texts);
    return status;
}
