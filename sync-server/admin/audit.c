/* audit query and verify: looking into the access log, and holding its chains against themselves.
 * That somebody looked is in the log too. */
#include <string.h>

#include "audit.h"
#include "veldkit/part.h"
#include "veldkit/time.h"

enum { SHOWN_MAX = 10000, CASES_MAX = 1000 }; /* lines: the newest; who wants all exports */

/* ---- one line ---- */
static void json_instant(veld_json_writer *writer, const char *name, const veld_change_time *time)
{
    char text[VELD_INSTANT_TEXT_SIZE];
    veld_instant_format(
        (veld_instant){.utc_ms = time->hybrid_ms, .offset_min = time->offset_min}, text);
    veld_cli_json_text(writer, name, veld_span_text(text));
}

static void json_some_id(veld_json_writer *writer, const char *name, const veld_id *id)
{
    if (veld_id_is_zero(id)) {
        veld_json_writer_name(writer, name);
        veld_json_writer_null(writer);
    } else {
        veld_cli_json_id(writer, name, id);
    }
}

veld_status srv_audit_json(
    const veld_access_entry *entry, veld_span bytes, veld_json_writer *writer)
{
    char action[2] = {veld_access_action(entry->kind), '\0'};
    veld_hash hash;
    veld_status status = veld_access_hash(bytes, &hash, NULL);
    if (status != VELD_OK)
        return status;
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "EventActionCode", veld_span_text(action));
    json_instant(writer, "EventDateTime", &entry->time);
    veld_cli_json_id(writer, "EventID", &entry->id);
    veld_cli_json_count(writer, "EventOutcomeIndicator", (uint64_t)entry->outcome);
    veld_cli_json_text(writer, "clock", veld_span_text(veld_view_clock(entry->time.quality)));
    veld_cli_json_text(writer, "compartment", entry->compartment);
    veld_cli_json_text(writer, "eventTypeCode", entry->event);
    veld_cli_json_hash(writer, "hash", &hash);
    veld_cli_json_text(writer, "kind", veld_span_text(veld_access_kind_name(entry->kind)));
    veld_cli_json_id(writer, "networkAccessPointID", &entry->device);
    veld_cli_json_count(writer, "number", entry->number);
    json_some_id(writer, "participantObjectID", &entry->case_id);
    veld_cli_json_hash(writer, "previous", &entry->previous);
    veld_cli_json_text(
        writer, "purposeOfUse", veld_span_text(veld_access_basis_name(entry->basis)));
    veld_cli_json_text(writer, "reason", entry->reason);
    json_some_id(writer, "subject", &entry->subject);
    veld_cli_json_text(writer, "userID", entry->user);
    veld_json_writer_object_end(writer);
    return VELD_OK;
}

static veld_status say_line(veld_cli_call *call, const veld_access_entry *entry)
{
    char when[VELD_MOMENT_TEXT_SIZE], id[VELD_ID_TEXT_SIZE];
    veld_status status;
    veld_moment_format(entry->time.hybrid_ms, when);
    VELD_TRY(veld_cli_say(call, "%s  %-9s ", when, veld_access_kind_name(entry->kind)));
    VELD_TRY(veld_cli_say_text(call, entry->user));
    VELD_TRY(veld_cli_say(call, ", "));
    VELD_TRY(veld_cli_say_text(call, entry->event));
    if (!veld_id_is_zero(&entry->case_id)) {
        veld_id_format(&entry->case_id, id);
        VELD_TRY(veld_cli_say(call, ", zaak %s", id));
    }
    if (entry->outcome != VELD_ACCESS_DONE)
        VELD_TRY(veld_cli_say(
            call, entry->outcome == VELD_ACCESS_REFUSED ? " (geweigerd)" : " (niet gelukt)"));
    if (entry->reason.len > 0) {
        VELD_TRY(veld_cli_say(call, ", reden: "));
        VELD_TRY(veld_cli_say_text(call, entry->reason));
    }
    status = veld_cli_say(call, "\n");

done:
    return status;
}

/* ---- the question ---- */
static veld_status read_time(veld_cli_call *call, uint64_t option, const char *name, int64_t *out)
{
    veld_date date;
    const char *text = veld_cli_value(call, option);
    if (text == NULL || veld_moment_parse(veld_span_text(text), out) == VELD_OK)
        return VELD_OK;
    if (veld_date_parse(veld_span_text(text), &date) == VELD_OK) {
        *out = veld_moment_of_day(date);
        return VELD_OK;
    }
    return veld_fail(&call->err, VELD_E_INVALID,
        "--%s is een tijd als 2026-11-22T14:00:00+01:00 of \"2026-11-22 14:00:00\", of een dag als "
        "2026-11-22",
        name);
}

static veld_status add_case(veld_buf *cases, const veld_id *id)
{
    for (size_t at = 0; at < cases->len; at += sizeof *id)
        if (memcmp(cases->data + at, id->bytes, sizeof *id) == 0)
            return VELD_OK;
    return veld_buf_append_span(cases, veld_id_span(id));
}

/* A case may be erased, and its lines are still asked for: then the whole number is needed. */
static veld_status add_word(
    veld_cli_call *call, const veld_places *places, const char *word, veld_buf *cases)
{
    const veld_place *first = NULL;
    size_t count = 0;
    veld_id id;
    veld_status status;
    bool whole = veld_id_parse(veld_span_text(word), &id) == VELD_OK;
    const veld_place *place = whole ? veld_places_of(places, &id) : NULL;
    if (whole && place == NULL)
        return add_case(cases, &id);
    VELD_TRY(srv_part_find(call, places, word, &first, &count));
    bool all = first->compartment == VELD_COMPARTMENT_MAIN &&
               !veld_cli_given(call, SRV_OPTION_COMPARTMENT);
    for (size_t i = 0; all && i < places->count; i++)
        if (veld_id_equal(&places->items[i].dossier, &first->dossier))
            VELD_TRY(add_case(cases, &places->items[i].case_id));
    for (size_t i = 0; !all && i < count; i++)
        VELD_TRY(add_case(cases, &first[i].case_id));

done:
    return status;
}

static veld_status read_cases(veld_cli_call *call, veld_buf *cases)
{
    const char *words = veld_cli_value(call, SRV_OPTION_CASE);
    veld_places places = {0};
    veld_status status = VELD_OK;
    veld_buf_init(cases, CASES_MAX * sizeof(veld_id));
    if (words == NULL)
        return VELD_OK;
    VELD_TRY(veld_places_load(call->session->store, &places, &call->err));
    while (status == VELD_OK && words != NULL) {
        char word[VELD_ID_TEXT_SIZE];
        const char *comma = strchr(words, ',');
        size_t len = comma != NULL ? (size_t)(comma - words) : strlen(words);
        if (len >= sizeof word) {
            status =
                veld_fail(&call->err, VELD_E_INVALID, "--case: dit is geen nummer van een zaak");
            goto done;
        }
        memcpy(word, words, len);
        word[len] = '\0';
        status = add_word(call, &places, word, cases);
        words = comma != NULL ? comma + 1 : NULL;
    }

done:
    veld_places_release(&places);
    return status;
}

static veld_status read_device(veld_cli_call *call, veld_id *out)
{
    veld_directory_entry entry;
    const char *word = veld_cli_value(call, SRV_OPTION_DEVICE);
    if (word == NULL || veld_id_parse(veld_span_text(word), out) == VELD_OK)
        return VELD_OK;
    veld_status status = srv_device_find(call->session, word, &entry, &call->err);
    if (status == VELD_OK)
        *out = entry.device;
    return status;
}

/* A name that is nobody's would be answered with no lines, as if she had done nothing. Who is gone
 * or works on a tablet only is known by her lines. */
static veld_status check_user(veld_cli_call *call, const char *name)
{
    const veld_access_query query = {
        .user = name, .from_ms = INT64_MIN, .until_ms = INT64_MAX, .limit = 1};
    srv_user user;
    veld_access_found *found = NULL;
    size_t count = 0;
    uint64_t all = 0, damaged = 0;
    veld_arena arena;
    veld_status status = VELD_OK;
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    if (name != NULL)
        status = srv_user_get(call->session, name, &user, &call->err);
    if (status != VELD_E_NOT_FOUND)
        goto done;
    VELD_TRY(veld_access_find(
        call->session->store, &query, &arena, &found, &count, &all, &damaged, &call->err));
    if (count == 0)
        status = veld_fail(
            &call->err, VELD_E_NOT_FOUND, "deze gebruiker is er niet; user list noemt ze alle");

done:
    veld_arena_release(&arena);
    return status;
}

veld_status srv_audit_question(veld_cli_call *call, veld_access_query *out, veld_buf *cases)
{
    const char *action = veld_cli_value(call, SRV_OPTION_ACTION);
    veld_status status;
    *out = (veld_access_query){.user = veld_cli_value(call, SRV_OPTION_USER),
        .from_ms = INT64_MIN,
        .until_ms = INT64_MAX,
        .limit = SHOWN_MAX};
    VELD_TRY(read_cases(call, cases));
    out->cases = cases->len > 0 ? (const veld_id *)(const void *)cases->data : NULL;
    out->cases_count = cases->len / sizeof(veld_id);
    VELD_TRY(read_device(call, &out->device));
    VELD_TRY(check_user(call, out->user));
    VELD_TRY(read_time(call, SRV_OPTION_FROM, "from", &out->from_ms));
    VELD_TRY(read_time(call, SRV_OPTION_TO, "to", &out->until_ms));
    out->kind = action != NULL ? veld_access_kind_find(action) : 0;
    if (action != NULL && out->kind == 0)
        status = veld_fail(&call->err, VELD_E_INVALID,
            "--action is read, write, create, search, export, print, transfer, emergency, login, "
            "lock, sync, assign, withdraw, erase of audit");

done:
    return status;
}

/* ---- query ---- */
static veld_status answer_json(veld_cli_call *call, const veld_access_found *found, size_t count)
{
    veld_json_writer writer;
    veld_status status = VELD_OK;
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_array_begin(&writer);
    for (size_t i = 0; i < count && status == VELD_OK; i++)
        status = srv_audit_json(&found[i].entry, found[i].bytes, &writer);
    veld_json_writer_array_end(&writer);
    veld_status ended = veld_cli_json_end(call, &writer);
    return status == VELD_OK ? ended : status;
}

veld_status srv_verb_audit_query(veld_cli_call *call)
{
    veld_access_query query;
    veld_access_found *found = NULL;
    size_t count = 0;
    uint64_t all = 0, damaged = 0;
    veld_arena arena;
    veld_buf cases = {0};
    veld_status status;
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    VELD_TRY(srv_audit_question(call, &query, &cases));
    VELD_TRY(veld_access_find(
        call->session->store, &query, &arena, &found, &count, &all, &damaged, &call->err));
    if (all > count)
        veld_cli_note(call,
            "veldkit-server: de nieuwste %zu van %llu regels; vraag minder, of "
            "gebruik audit export.\n",
            count, (unsigned long long)all);
    if (damaged > 0) {
        veld_cli_note(call, "veldkit-server: %llu %s niet te lezen; zie audit verify.\n",
            (unsigned long long)damaged, veld_cli_of(damaged, "regel is", "regels zijn"));
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    }
    if (veld_cli_given(call, VELD_CLI_JSON)) {
        status = answer_json(call, found, count);
        goto done;
    }
    for (size_t i = 0; i < count; i++)
        VELD_TRY(say_line(call, &found[i].entry));
    if (count == 0)
        status = veld_cli_say(call, "Geen regels.\n");

done:
    veld_buf_release(&cases);
    veld_arena_release(&arena);
    return status;
}

/* ---- verify ---- */
const char *srv_audit_fault_name(veld_access_fault_kind kind)
{
    static const char *const names[] = {"", "gap", "fork", "link", "restored", "damaged"};
    return names[(size_t)kind < sizeof names / sizeof names[0] ? kind : 0];
}

static const char *fault_text(veld_access_fault_kind kind)
{
    static const char *const texts[] = {"", "ontbreken", "bestaat twee keer",
        "sluit niet aan op de regel ervoor", "is van een kluis die werd teruggezet of gekopieerd",
        "is niet te lezen"};
    return texts[(size_t)kind < sizeof texts / sizeof texts[0] ? kind : 0];
}

typedef struct verifying {
    veld_cli_call *call;
    veld_json_writer *writer; /* NULL for text */
} verifying;

static veld_status tell_fault(void *context, const veld_access_fault *fault, veld_error *err)
{
    const verifying *v = context;
    char device[VELD_ID_TEXT_SIZE];
    (void)err;
    veld_id_format(&fault->device, device);
    if (v->writer == NULL)
        return fault->until > fault->number
                   ? veld_cli_say(v->call, "Apparaat %s: regels %llu tot en met %llu %s\n", device,
                         (unsigned long long)fault->number, (unsigned long long)fault->until,
                         fault_text(fault->kind))
                   : veld_cli_say(v->call, "Apparaat %s: regel %llu %s\n", device,
                         (unsigned long long)fault->number, fault_text(fault->kind));
    veld_json_writer_object_begin(v->writer);
    veld_cli_json_id(v->writer, "device", &fault->device);
    veld_cli_json_text(v->writer, "fault", veld_span_text(srv_audit_fault_name(fault->kind)));
    veld_cli_json_count(v->writer, "number", fault->number);
    veld_cli_json_count(v->writer, "until", fault->until);
    veld_json_writer_object_end(v->writer);
    return VELD_OK;
}

veld_status srv_verb_audit_verify(veld_cli_call *call)
{
    veld_json_writer writer = {0};
    bool json = veld_cli_given(call, VELD_CLI_JSON);
    verifying v = {.call = call, .writer = json ? &writer : NULL};
    const veld_access_checker checker = {.context = &v, .fault = tell_fault};
    veld_access_proof proof;
    veld_status status;
    if (json) {
        veld_json_writer_init(&writer, &call->out);
        veld_json_writer_object_begin(&writer);
        veld_json_writer_name(&writer, "faults");
        veld_json_writer_array_begin(&writer);
    }
    VELD_TRY(veld_access_check(call->session->store, &checker, &proof, &call->err));
    if (proof.faults > 0)
        call->exit_code = veld_cli_exit_code(VELD_E_DAMAGED);
    if (json) {
        veld_json_writer_array_end(&writer);
        veld_cli_json_count(&writer, "chains", proof.chains);
        veld_cli_json_count(&writer, "entries", proof.entries);
        veld_json_writer_object_end(&writer);
        status = veld_cli_json_end(call, &writer);
        goto done;
    }
    status = veld_cli_say(call, "%llu %s van %llu %s: %s\n", (unsigned long long)proof.entries,
        veld_cli_of(proof.entries, "regel", "regels"), (unsigned long long)proof.chains,
        veld_cli_of(proof.chains, "apparaat", "apparaten"),
        proof.faults == 0 ? "alles sluit aan." : "dit klopt niet, zie hierboven.");

done:
    veld_json_writer_release(&writer);
    return status;
}
