/* conflict resolve: a person chooses. A decision is an ordinary change of the office: it replaces
 * the sides that it names, says why in a `decision` record of the same change, and is signed there
 * by who decided. Where two have to agree the record comes first and the field is written with the
 * confirmation; until then it shows what protects. Whoever decides after somebody else did gets
 * told so, and sees what it is now. */
#include <stdlib.h>
#include <string.h>

#include "held.h"
#include "veldkit/hash.h"

static veld_status check_value(
    veld_cli_call *call, const veld_conflict *conflict, const veld_json_value *value)
{
    const veld_schema *schema = veld_schema_get(call->session->schemas, conflict->record->type);
    const veld_schema_field *field = veld_schema_field_get(schema, conflict->field);
    if (field == NULL || veld_json_is_null(value))
        return VELD_OK;
    return veld_schema_value_check(field, value, &call->err);
}

/* value=JSON, as canonical bytes. */
static veld_status typed_value(
    veld_cli_call *call, const veld_conflict *conflict, const char *text, veld_buf *out)
{
    veld_json_doc *doc = NULL;
    veld_status status;
    VELD_TRY(
        veld_json_parse(veld_span_text(text), VELD_JSON_STRICT, &doc, &call->errors, &call->err));
    VELD_TRY(check_value(call, conflict, veld_json_root(doc)));
    VELD_TRY(veld_json_canonical(veld_json_root(doc), out, &call->err));

done:
    veld_json_doc_free(doc);
    return status;
}

/* What can be taken: the conflict, and for a decision that takes an earlier one back its sides. */
typedef struct offer {
    const srv_conflict_case *of;
    const veld_conflict *conflict;
    const veld_decided *revised; /* may be NULL */
} offer;

static veld_status numbered_value(veld_cli_call *call, const offer *from, long side, veld_span *out)
{
    const veld_decision *revised = from->revised != NULL ? &from->revised->decision : NULL;
    size_t count = revised != NULL ? revised->sides_count : from->conflict->sides_count;
    const veld_entry *entry;
    if (side < 1 || (size_t)side > count)
        return veld_fail(&call->err, VELD_E_INVALID, "deze keuze heeft %zu kanten", count);
    if (revised == NULL) {
        *out = from->conflict->sides[side - 1].value;
        return VELD_OK;
    }
    entry = veld_state_entry_get(from->of->work.state, &revised->sides[side - 1]);
    if (entry == NULL)
        return veld_fail(&call->err, VELD_E_NOT_FOUND, "deze kant is hier niet meer; neem value=");
    *out = entry->value;
    return VELD_OK;
}

/* side=N | base | value=JSON */
static veld_status taken_value(
    veld_cli_call *call, const offer *from, veld_buf *typed, veld_span *out)
{
    const char *take = veld_cli_value(call, SRV_OPTION_TAKE);
    if (strcmp(take, "base") == 0 && from->revised == NULL) {
        *out = from->conflict->base;
        return VELD_OK;
    }
    if (strncmp(take, "value=", 6) == 0) {
        veld_status status = typed_value(call, from->conflict, take + 6, typed);
        *out = veld_buf_span(typed);
        return status;
    }
    char *end = NULL;
    long side = strncmp(take, "side=", 5) == 0 ? strtol(take + 5, &end, 10) : 0;
    if (end == NULL || end == take + 5 || *end != '\0')
        return veld_fail(&call->err, VELD_E_INVALID, "--take is side=NUMMER, base of value=JSON");
    return numbered_value(call, from, side, out);
}

int srv_by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* A long value stands in what is signed as its hash: who confirms it later finds it among the
 * sides, or nowhere. */
static veld_status check_length(
    veld_cli_call *call, const veld_conflict *conflict, const veld_decision *decision)
{
    bool stands = decision->persons < VELD_DECISION_PERSONS_CRITICAL ||
                  decision->value.len <= VELD_DECISION_VALUE_BYTES_MAX;
    for (size_t i = 0; i < conflict->sides_count && !stands; i++)
        stands = veld_span_equal(conflict->sides[i].value, decision->value);
    return stands
               ? VELD_OK
               : veld_fail(&call->err, VELD_E_INVALID,
                     "zo lang kan een tweede persoon het niet bevestigen: kies een kant, of laat "
                     "de tekst eerst op een tablet invullen");
}

/* What is decided about, and which sides were seen: all, or as many as a decision can name. */
static veld_status describe(
    veld_cli_call *call, const offer *from, veld_span value, veld_arena *arena, veld_decision *out)
{
    const veld_conflict *conflict = from->conflict;
    size_t count = conflict->sides_count;
    veld_write_id *sides;
    if (count > VELD_DECISION_SIDES_MAX)
        count = VELD_DECISION_SIDES_MAX;
    sides = veld_arena_get(arena, count, sizeof *sides);
    if (sides == NULL)
        return VELD_E_MEMORY;
    for (size_t i = 0; i < count; i++)
        sides[i] = conflict->sides[i].entry->id;
    qsort(sides, count, sizeof *sides, srv_by_write_id);
    *out = (veld_decision){.kind = VELD_DECISION_CHOICE,
        .case_id = conflict->case_id,
        .conflict = conflict->id,
        .record = conflict->record->id,
        .type = conflict->record->type,
        .field = conflict->field,
        .value = value,
        .sides = sides,
        .sides_count = count,
        .reason = veld_span_text(veld_cli_value(call, SRV_OPTION_REASON)),
        .persons = conflict->risk == VELD_RISK_TWO ? VELD_DECISION_PERSONS_CRITICAL : 1};
    if (from->revised != NULL)
        out->revises = from->revised->decision.id;
    return VELD_OK;
}

veld_status srv_choice_edit(veld_cli_call *call, const veld_decision *decision, veld_edit *out)
{
    *out = (veld_edit){.kind = VELD_EDIT_CHOOSE,
        .record = decision->record,
        .type = decision->type,
        .field = decision->field,
        .value = decision->value,
        .seen = decision->sides,
        .seen_count = decision->sides_count};
    if (!veld_span_equal(decision->field, veld_span_text(VELD_FIELD_REMOVED)))
        return VELD_OK;
    bool remove = veld_span_equal(decision->value, veld_span_text("true"));
    if (!remove && !veld_span_equal(decision->value, veld_span_text("false")))
        return veld_fail(&call->err, VELD_E_INVALID, "hier is de keuze true of false");
    out->kind = remove ? VELD_EDIT_REMOVE : VELD_EDIT_RESTORE;
    return VELD_OK;
}

/* What is made and does not count yet; of a proposal what would be so after it was confirmed. */
static veld_status say_held(veld_cli_call *call, size_t missing, const srv_held *held)
{
    veld_status status;
    if (held->held == VELD_HELD_NOT)
        return VELD_OK;
    VELD_TRY(veld_cli_say(call, "%s",
        missing > 0 ? "Let op: ook dan telt het nog niet. " : "Let op: dit telt nog NIET. "));
    if (held->guard != NULL) {
        VELD_TRY(veld_cli_say(call, "Het telt niet zolang "));
        VELD_TRY(srv_held_say_guard(call, held));
        VELD_TRY(veld_cli_say(call, "; is dat anders, dan telt het vanzelf."));
    } else {
        VELD_TRY(veld_cli_say(call, "%s", srv_held_why(held->held)));
    }
    VELD_TRY(veld_cli_say(call, "\nTot dan geldt: "));
    VELD_TRY(veld_label_say_canonical(call, held->schema, held->effective));
    status = veld_cli_say(call, ".\n%s",
        missing > 0 ? "" : "Of het telt zeggen status en conflict explain van deze zaak.\n");

done:
    return status;
}

static veld_status say_made(veld_cli_call *call, const veld_decision *decision, size_t missing)
{
    if (missing > 0)
        return veld_cli_say(call,
            "Voorgesteld. Pas als nog %zu %s (conflict confirm) geldt het; tot "
            "dan "
            "blijft staan wat beschermt.\n",
            missing, missing == 1 ? "ander bevestigt" : "anderen bevestigen");
    return veld_cli_say(call,
        "Gekozen%s. De tablets krijgen deze beslissing bij hun volgende uitwisseling.\n",
        decision->has_key ? " en ondertekend" : " namens het kantoor, zonder handtekening");
}

/* `missing`: so many persons have to agree before it has its effect. */
veld_status srv_say_decided(veld_cli_call *call, const veld_decision *decision,
    const veld_decision *choice, const veld_hash *change, size_t missing, const srv_held *held)
{
    veld_json_writer writer;
    if (!veld_cli_given(call, VELD_CLI_JSON)) {
        veld_status status = say_made(call, decision, missing);
        return status == VELD_OK ? say_held(call, missing, held) : status;
    }
    veld_json_writer_init(&writer, &call->out);
    veld_json_writer_object_begin(&writer);
    veld_cli_json_text(&writer, "by", choice->by);
    veld_cli_json_hash(&writer, "change", change);
    veld_cli_json_id(&writer, "conflict", &decision->conflict);
    veld_cli_json_id(&writer, "decision",
        decision->kind == VELD_DECISION_CHOICE ? &decision->id : &decision->decision);
    if (held->held != VELD_HELD_NOT) {
        veld_json_writer_name(&writer, "held");
        srv_held_json(&writer, held);
    }
    veld_cli_json_count(&writer, "needs", missing);
    veld_json_writer_name(&writer, "signed");
    veld_json_writer_boolean(&writer, decision->has_key);
    veld_json_writer_name(&writer, "value");
    if (choice->value.len > 0)
        veld_json_writer_canonical(&writer, choice->value);
    else
        veld_json_writer_null(&writer); /* a long text, known by its hash until all agreed */
    veld_json_writer_object_end(&writer);
    return veld_cli_json_end(call, &writer);
}

veld_status srv_save_decided(veld_cli_call *call, srv_conflict_case *of, const veld_edit *edits,
    size_t count, veld_hash *change)
{
    veld_status status;
    VELD_TRY(veld_case_save(of->opened, edits, count, change, &call->err));
    VELD_TRY(veld_sync_post_head(call->session->sync, veld_case_id(of->opened), &call->err));
    call->session->to_hand_in = true;

done:
    return status;
}

/* What is to be decided: an open conflict, or with --revise one that is settled. */
static veld_status find_offer(
    veld_cli_call *call, srv_conflict_case *of, veld_conflict *settled, offer *out)
{
    const veld_conflict *conflict = NULL;
    veld_status status;
    *out = (offer){.of = of};
    if (!veld_cli_given(call, SRV_OPTION_REVISE)) {
        status = srv_conflict_find(call, call->arguments[0], of, &conflict);
        out->conflict = conflict;
        return status;
    }
    VELD_TRY(srv_conflict_find_settled(call, call->arguments[0], of, &out->revised, settled));
    out->conflict = settled;

done:
    return status;
}

veld_status srv_verb_conflict_resolve(veld_cli_call *call)
{
    srv_conflict_case of = {0};
    veld_conflict settled = {0};
    offer from;
    veld_edit edits[1 + SRV_DECISION_EDITS_MAX];
    veld_decision decision = {0};
    size_t count = 0;
    veld_buf typed;
    veld_span value = {0};
    veld_hash change = {0};
    srv_held held;
    bool same = true;
    veld_status status;
    veld_buf_init(&typed, VELD_CHANGE_VALUE_BYTES_MAX);
    status = find_offer(call, &of, &settled, &from);
    if (status == VELD_E_NOT_FOUND && veld_cli_given(call, SRV_OPTION_EXPECT)) {
        bool told = false;
        veld_error first = call->err;
        status = srv_conflict_gone(call, call->arguments[0], &told);
        if (status == VELD_OK && !told) {
            call->err = first;
            status = VELD_E_NOT_FOUND;
        }
        goto done;
    }
    VELD_TRY(status);
    VELD_TRY(srv_conflict_expected(call, &of, from.conflict, true, &same));
    if (!same)
        goto done;
    VELD_TRY(taken_value(call, &from, &typed, &value));
    VELD_TRY(describe(call, &from, value, &of.arena, &decision));
    VELD_TRY(check_length(call, from.conflict, &decision));
    VELD_TRY(srv_choice_edit(call, &decision, &edits[SRV_DECISION_EDITS_MAX]));
    VELD_TRY(srv_decision_edits(call, &decision, &of.arena, edits, &count));
    size_t missing = 0;
    if (decision.persons < VELD_DECISION_PERSONS_CRITICAL)
        edits[count++] = edits[SRV_DECISION_EDITS_MAX];
    else
        missing = decision.persons - (decision.has_key ? 1 : 0);
    VELD_TRY(srv_save_decided(call, &of, edits, count, &change));
    VELD_TRY(srv_held_after(call, &of, &decision, missing == 0 ? &change : NULL, &held));
    status = srv_say_decided(call, &decision, &decision, &change, missing, &held);

done:
    veld_buf_wipe(&typed);
    srv_conflict_close(&of);
    return status;
}
