/* conflict confirm and assign: where a mistake is dangerous a second person agrees with a decision,
 * by a signature of her own over it; her change writes the field. And who has a conflict until
 * when. */
#include <stdlib.h>

#include "held.h"
#include "veldkit/hash.h"

static veld_status check_other(veld_cli_call *call, const veld_decided *pending)
{
    const srv_person *person = call->session->person;
    if (!person->signs)
        return veld_fail(
            &call->err, VELD_E_NOT_ALLOWED, "bevestigen kan alleen met een eigen pincode");
    for (size_t i = 0; i < pending->persons; i++)
        if (veld_id_equal(&pending->people[i], &person->user.entry.user))
            return veld_fail(
                &call->err, VELD_E_NOT_ALLOWED, "iemand anders dan wie koos moet bevestigen");
    return VELD_OK;
}

/* Something that the decision named still stands there; else it would have no effect. */
static bool is_in_time(const veld_conflict *conflict, const veld_decision *said)
{
    for (size_t i = 0; i < conflict->sides_count; i++)
        if (!conflict->sides[i].entry->replaced &&
            bsearch(&conflict->sides[i].entry->id, said->sides, said->sides_count,
                sizeof *said->sides, srv_by_write_id) != NULL)
            return true;
    return false;
}

/* The decision's value: its statement has it, or the hash of one of the sides. */
static veld_status decided_value(
    veld_cli_call *call, const srv_conflict_case *of, veld_decision *said)
{
    for (size_t i = 0; said->value.len == 0 && i < said->sides_count; i++) {
        const veld_entry *entry = veld_state_entry_get(of->work.state, &said->sides[i]);
        veld_hash hash;
        if (entry != NULL && veld_sha256(entry->value, &hash, NULL) == VELD_OK &&
            veld_hash_equal(&hash, &said->value_hash))
            said->value = entry->value;
    }
    return said->value.len > 0
               ? VELD_OK
               : veld_fail(&call->err, VELD_E_UNSUPPORTED,
                     "dit voorstel is te lang om later te bevestigen; kies een kant");
}

/* What she agreed with, and whose it was: another proposal may have come after the one she read. */
static veld_status say_agreed(veld_cli_call *call, const veld_decision *said)
{
    const veld_schema_field *field =
        veld_label_schema(call->session->schemas, said->type, said->field);
    veld_status status = VELD_OK;
    if (veld_cli_given(call, VELD_CLI_JSON))
        return VELD_OK;
    VELD_TRY(veld_cli_say(call, "Bevestigd: "));
    VELD_TRY(said->value.len > 0 ? veld_label_say_canonical(call, field, said->value)
                                 : veld_cli_say(call, "een lange tekst"));
    VELD_TRY(veld_cli_say(call, ", het voorstel van "));
    VELD_TRY(veld_cli_say_text(call, said->by));
    VELD_TRY(veld_cli_say(call, "\n  reden: "));
    VELD_TRY(veld_cli_say_text(call, said->reason));
    status = veld_cli_say(call, "\n");

done:
    return status;
}

static veld_status confirm(veld_cli_call *call, srv_conflict_case *of, const veld_decided *pending)
{
    veld_edit edits[1 + SRV_DECISION_EDITS_MAX];
    veld_decision said = pending->decision;
    veld_decision decision = {.kind = VELD_DECISION_CONFIRMATION,
        .case_id = said.case_id,
        .conflict = said.conflict,
        .record = said.record,
        .field = said.field,
        .decision = said.id};
    size_t count = 0, missing = said.persons - pending->persons - 1;
    veld_hash change = {0};
    srv_held held;
    veld_status status;
    VELD_TRY(veld_sha256(pending->statement, &decision.statement, &call->err));
    VELD_TRY(srv_decision_edits(call, &decision, &of->arena, edits, &count));
    if (missing == 0) {
        VELD_TRY(decided_value(call, of, &said));
        VELD_TRY(srv_choice_edit(call, &said, &edits[count++]));
    }
    VELD_TRY(srv_save_decided(call, of, edits, count, &change));
    VELD_TRY(srv_held_after(call, of, &said, missing == 0 ? &change : NULL, &held));
    VELD_TRY(say_agreed(call, &said));
    status = srv_say_decided(call, &decision, &said, &change, missing, &held);

done:
    return status;
}

veld_status srv_verb_conflict_confirm(veld_cli_call *call)
{
    srv_conflict_case of = {0};
    const veld_conflict *conflict = NULL;
    const veld_decided *pending = NULL;
    bool same = true;
    veld_status status;
    VELD_TRY(srv_conflict_find(call, call->arguments[0], &of, &conflict));
    pending = veld_decision_pending(of.decided, of.decided_count, &conflict->id);
    if (pending == NULL) {
        status = veld_fail(
            &call->err, VELD_E_NOT_FOUND, "hier wacht geen beslissing op een tweede persoon");
        goto done;
    }
    VELD_TRY(check_other(call, pending));
    VELD_TRY(srv_conflict_expected(call, &of, conflict, false, &same));
    if (!same)
        goto done;
    if (!is_in_time(conflict, &pending->decision)) {
        status = veld_fail(&call->err, VELD_E_STALE,
            "wat het voorstel vervangt staat er niet meer; beslis opnieuw");
        goto done;
    }
    status = confirm(call, &of, pending);

done:
    srv_conflict_close(&of);
    return status;
}

/* ---- assign ---- */
/* Who has it and until when, in a record with the conflict's id. */
veld_status srv_verb_conflict_assign(veld_cli_call *call)
{
    static const char *const names[] = {"owner", "deadline"};
    static const unsigned options[] = {SRV_OPTION_OWNER, SRV_OPTION_DEADLINE};
    srv_conflict_case of = {0};
    const veld_conflict *conflict = NULL;
    veld_edit edits[2];
    veld_hash change;
    size_t count = 0;
    veld_json_writer writer;
    veld_status status;
    VELD_TRY(srv_conflict_find(call, call->arguments[0], &of, &conflict));
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (veld_cli_given(call, options[i]))
            VELD_TRY(srv_record_text(call, VELD_TYPE_CONFLICT_WORK, &conflict->id, names[i],
                veld_span_text(veld_cli_value(call, options[i])), &of.arena, &edits[count++]));
    if (count == 0) {
        status = veld_fail(&call->err, VELD_E_INVALID, "geef --owner of --deadline");
        goto done;
    }
    veld_id id = conflict->id;
    VELD_TRY(srv_save_decided(call, &of, edits, count, &change));
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        status = veld_cli_say(call, "Genoteerd.\n");
        goto done;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_id(&writer, "conflict", &id);
    veld_json_writer_object_end(&writer);
    status = veld_cli_json_end(call, &writer);

done:
    srv_conflict_close(&of);
    return status;
}
