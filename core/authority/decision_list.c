/* The decisions that lie in a case, each judged by itself: its record, statement, signature and the
 * entry of who signed have to agree, and what the change wrote on the field has to be what was
 * signed. Then it is counted how many different persons stand behind a choice. */
#include "veldkit/decision.h"

#include <stdlib.h>
#include <string.h>

#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/json.h"
#include "veldkit/limits.h"
#include "veldkit/sshsig.h"

typedef struct judge {
    const veld_id *case_id;
    const veld_agency *agency;
    const veld_verifier *verifier;
    veld_state *state;
    veld_arena *arena;
    veld_decided *list;
    size_t count;
} judge;

/* ---- one record ---- */
/* The text of a field that shows one value; empty when it has none, or several. */
static veld_span text_of(judge *j, const veld_state_record *record, const char *name)
{
    veld_json_doc *doc = NULL;
    veld_span text = {0}, kept = {0};
    const veld_state_field *field = veld_state_field_get(record, veld_span_text(name));
    if (field == NULL || field->visible_count != 1 ||
        veld_json_parse(field->entries->value, VELD_JSON_CANONICAL, &doc, NULL, NULL) != VELD_OK)
        return kept;
    if (!veld_json_text(veld_json_root(doc), &text) ||
        veld_arena_copy(j->arena, text, &kept) != VELD_OK)
        kept = (veld_span){0};
    veld_json_doc_free(doc);
    return kept;
}

static bool says_id(veld_span text, const veld_id *id)
{
    char expected[VELD_ID_TEXT_SIZE];
    veld_id_format(id, expected);
    return veld_span_equal(text, veld_span_text(expected));
}

/* What the record shows beside its statement is what the statement says. */
static bool record_agrees(judge *j, const veld_decided *of)
{
    const veld_decision *said = &of->decision;
    const veld_state_record *record = of->record;
    bool choice = veld_span_equal(record->type, veld_span_text(VELD_TYPE_DECISION));
    if (!veld_id_equal(&said->id, &record->id) || !veld_id_equal(&said->case_id, j->case_id) ||
        !says_id(text_of(j, record, "conflict"), &said->conflict) ||
        choice != (said->kind == VELD_DECISION_CHOICE))
        return false;
    if (!choice)
        return says_id(text_of(j, record, "decision"), &said->decision) &&
               veld_span_equal(text_of(j, record, "confirmedBy"), said->by);
    return says_id(text_of(j, record, "record"), &said->record) &&
           veld_span_equal(text_of(j, record, "field"), said->field) &&
           veld_span_equal(text_of(j, record, "reason"), said->reason) &&
           veld_span_equal(text_of(j, record, "decidedBy"), said->by);
}

static veld_status break_it(veld_decided *of, const char *why)
{
    of->verdict = VELD_DECISION_BROKEN;
    of->why = why;
    of->is_done = false;
    return VELD_OK;
}

/* An entry or signature that does not fit is a verdict; only what our side lacks is an error. */
static bool is_ours(veld_status status)
{
    return status == VELD_E_MEMORY || status == VELD_E_CRYPTO;
}

static veld_status judge_signature(judge *j, veld_decided *of, veld_error *err)
{
    veld_sshsig armored;
    veld_hash key;
    veld_buf entry;
    veld_span signer = text_of(j, of->record, "signer");
    veld_status status;
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    status = veld_base64_decode(signer, true, &entry);
    if (status == VELD_OK)
        status = veld_user_read(
            veld_buf_span(&entry), j->verifier, &j->agency->merger_key, &of->signer, err);
    if (status == VELD_E_NEWER)
        of->verdict = VELD_DECISION_UNKNOWN;
    else if (status != VELD_OK && !is_ours(status))
        (void)!break_it(of, "the directory's entry of who signed does not fit");
    if (status != VELD_OK)
        goto done;
    VELD_TRY(veld_p256_fingerprint(&of->signer.key, &key, err));
    status = veld_sshsig_read(of->signature, &armored, err);
    if (status == VELD_OK && (!of->decision.has_key || !veld_hash_equal(&key, &of->decision.key)))
        status = VELD_E_FORGED;
    if (status == VELD_OK && (strcmp(armored.name_space, VELD_NAMESPACE_DECISION) != 0 ||
                                 !veld_p256_public_equal(&armored.key, &of->signer.key)))
        status = VELD_E_FORGED;
    if (status == VELD_OK)
        status = veld_sshsig_verify(j->verifier, &of->signer.key, VELD_NAMESPACE_DECISION,
            of->statement, &armored.signature, err);
    if (status == VELD_OK && of->signer.state != VELD_USER_ACTIVE)
        (void)!break_it(of, "who signed was not active any more");
    else if (status == VELD_OK)
        of->verdict = VELD_DECISION_OF_PERSON;
    else if (!is_ours(status))
        (void)!break_it(of, "the person's signature does not fit");
done:
    veld_buf_release(&entry);
    return is_ours(status) ? status : VELD_OK;
}

static veld_status judge_record(judge *j, veld_decided *of, veld_error *err)
{
    veld_span statement = text_of(j, of->record, "statement");
    of->signature = text_of(j, of->record, "signature");
    of->decision.id = of->record->id;
    of->verdict = VELD_DECISION_OF_OFFICE;
    if (statement.len == 0) {
        (void)!veld_id_parse(text_of(j, of->record, "conflict"), &of->decision.conflict);
        return of->signature.len == 0 ? VELD_OK : break_it(of, "a signature without a statement");
    }
    veld_status status = veld_decision_read(statement, j->arena, &of->decision, err);
    if (is_ours(status))
        return status;
    if (status == VELD_E_NEWER) {
        of->verdict = VELD_DECISION_UNKNOWN;
        return VELD_OK;
    }
    if (status != VELD_OK) {
        of->decision = (veld_decision){.id = of->record->id};
        return break_it(of, "its statement has not its form");
    }
    of->has_statement = true;
    of->statement = statement;
    if (!record_agrees(j, of))
        return break_it(of, "its record says something else than was signed");
    if (of->signature.len == 0)
        return of->decision.has_key ? break_it(of, "the signature was left out") : VELD_OK;
    return j->agency != NULL ? judge_signature(j, of, err) : VELD_OK;
}

/* A choice without a person's signature counts for what its change is: the office's, or of some
 * device that has no say here. */
static veld_status judge_origin(judge *j, veld_decided *of, veld_error *err)
{
    veld_status status = judge_record(j, of, err);
    if (status != VELD_OK || of->verdict == VELD_DECISION_BROKEN)
        return status;
    if (j->agency == NULL)
        of->verdict = VELD_DECISION_UNKNOWN;
    else if (!veld_id_equal(&of->origin->device, &j->agency->id))
        return break_it(of, "it was not written by the office");
    return VELD_OK;
}

/* ---- all of a case ---- */
static bool is_decision(const veld_state_record *record)
{
    return veld_span_equal(record->type, veld_span_text(VELD_TYPE_DECISION)) ||
           veld_span_equal(record->type, veld_span_text(VELD_TYPE_CONFIRMATION));
}

/* The change that made the record: that of its first field which shows one. */
static const veld_origin *origin_of(const veld_state_record *record)
{
    for (const veld_state_field *f = record->fields; f != NULL; f = f->next)
        if (f->entries != NULL)
            return f->entries->origin;
    return NULL;
}

static int by_time(const void *a, const void *b)
{
    const veld_decided *left = a, *right = b;
    const veld_change_time *one = &left->origin->time, *other = &right->origin->time;
    if (one->hybrid_ms != other->hybrid_ms)
        return one->hybrid_ms < other->hybrid_ms ? -1 : 1;
    if (one->hybrid_count != other->hybrid_count)
        return one->hybrid_count < other->hybrid_count ? -1 : 1;
    int order = veld_hash_compare(&left->origin->core, &right->origin->core);
    return order != 0 ? order : veld_id_compare(&left->record->id, &right->record->id);
}

/* The known writes on the field that a choice is about. */
static const veld_entry *entries_of(const judge *j, const veld_decision *said)
{
    const veld_state_record *record = veld_state_record_get(j->state, said->type, &said->record);
    const veld_state_field *field =
        record != NULL ? veld_state_field_get(record, said->field) : NULL;
    return field != NULL ? field->entries : NULL;
}

static bool wrote(const judge *j, const veld_decided *choice, const veld_origin *by)
{
    for (const veld_entry *e = entries_of(j, &choice->decision); e != NULL; e = e->next)
        if (veld_hash_equal(&e->origin->core, &by->core))
            return true;
    return false;
}

/* What the change `by` wrote on the field is what the choice says. Writes that this replica does
 * not have any more say nothing. */
static bool effect_agrees(const judge *j, const veld_decided *choice, const veld_origin *by)
{
    const veld_decision *said = &choice->decision;
    for (const veld_entry *e = entries_of(j, said); e != NULL; e = e->next) {
        veld_hash hash;
        if (!veld_hash_equal(&e->origin->core, &by->core))
            continue;
        if (veld_sha256(e->value, &hash, NULL) != VELD_OK ||
            !veld_hash_equal(&hash, &said->value_hash))
            return false;
        for (size_t i = 0; i < e->replaces_count; i++) {
            size_t k = 0;
            while (k < said->sides_count && !veld_write_id_equal(&said->sides[k], &e->replaces[i]))
                k++;
            if (k == said->sides_count)
                return false;
        }
    }
    return true;
}

static bool confirms(judge *j, const veld_decided *confirmation, const veld_decided *choice,
    const veld_hash *statement)
{
    const veld_decision *said = &confirmation->decision;
    return confirmation->has_statement && said->kind == VELD_DECISION_CONFIRMATION &&
           confirmation->verdict == VELD_DECISION_OF_PERSON &&
           veld_id_equal(&said->decision, &choice->decision.id) &&
           veld_id_equal(&said->conflict, &choice->decision.conflict) &&
           veld_hash_equal(&said->statement, statement) &&
           says_id(text_of(j, confirmation->record, "record"), &choice->decision.record) &&
           veld_span_equal(text_of(j, confirmation->record, "field"), choice->decision.field);
}

/* Different persons behind a choice, in the order in which they signed. The one that makes them
 * enough writes the field. */
static veld_status count_persons(judge *j, veld_decided *choice, veld_error *err)
{
    veld_hash statement;
    veld_status status = veld_sha256(choice->statement, &statement, err);
    const veld_origin *enough =
        choice->decision.persons < VELD_DECISION_PERSONS_CRITICAL ? choice->origin : NULL;
    if (status != VELD_OK)
        return status;
    if (choice->verdict == VELD_DECISION_OF_PERSON)
        choice->people[choice->persons++] = choice->signer.user;
    for (size_t i = 0; i < j->count && choice->persons < VELD_DECISION_PERSONS_CRITICAL; i++) {
        const veld_decided *one = &j->list[i];
        if (!confirms(j, one, choice, &statement))
            continue;
        if (choice->persons > 0 && veld_id_equal(&choice->people[0], &one->signer.user))
            continue;
        choice->people[choice->persons++] = one->signer.user;
        if (choice->persons == VELD_DECISION_PERSONS_CRITICAL)
            enough = one->origin;
    }
    choice->is_done = choice->verdict != VELD_DECISION_BROKEN && enough != NULL;
    if (choice->verdict == VELD_DECISION_BROKEN)
        return VELD_OK;
    bool at_once = enough != NULL && veld_hash_equal(&enough->core, &choice->origin->core);
    if (!at_once && wrote(j, choice, choice->origin))
        return break_it(choice, "it changed the field before a second person agreed");
    if (enough != NULL && !effect_agrees(j, choice, enough))
        return break_it(choice, "what was written on the field is not what was signed");
    return VELD_OK;
}

veld_status veld_decision_list(veld_state *state, const veld_id *case_id, const veld_agency *agency,
    const veld_verifier *verifier, veld_arena *arena, const veld_decided **out, size_t *count,
    veld_error *err)
{
    veld_status status = VELD_OK;
    size_t records_count = 0, found = 0;
    const veld_state_record *const *records = veld_state_records(state, &records_count);
    judge j = {
        .case_id = case_id, .agency = agency, .verifier = verifier, .state = state, .arena = arena};
    *out = NULL;
    *count = 0;
    for (size_t i = 0; records != NULL && i < records_count; i++)
        found += is_decision(records[i]);
    j.list = veld_arena_get(arena, found, sizeof *j.list);
    if (records == NULL || j.list == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the decisions of a case");
    for (size_t i = 0; i < records_count; i++) {
        const veld_origin *origin = is_decision(records[i]) ? origin_of(records[i]) : NULL;
        if (origin == NULL)
            continue;
        veld_decided *of = &j.list[j.count++];
        *of = (veld_decided){.record = records[i], .origin = origin};
        VELD_TRY(judge_origin(&j, of, err));
    }
    if (j.count > 1)
        qsort(j.list, j.count, sizeof *j.list, by_time);
    for (size_t i = 0; i < j.count; i++) {
        veld_decided *of = &j.list[i];
        bool choice = veld_span_equal(of->record->type, veld_span_text(VELD_TYPE_DECISION));
        if (choice && of->has_statement)
            VELD_TRY(count_persons(&j, of, err));
        else if (choice)
            of->is_done = of->verdict != VELD_DECISION_BROKEN;
    }
    *out = j.list;
    *count = j.count;
done:
    return status;
}

static const veld_decided *newest(
    const veld_decided *list, size_t count, const veld_id *conflict, bool done)
{
    for (size_t i = count; i-- > 0;) {
        const veld_decided *of = &list[i];
        if (of->verdict == VELD_DECISION_BROKEN ||
            !veld_span_equal(of->record->type, veld_span_text(VELD_TYPE_DECISION)) ||
            !veld_id_equal(&of->decision.conflict, conflict))
            continue;
        if (of->is_done == done)
            return of;
        if (!done)
            return NULL; /* a later decision took the place of what waited */
    }
    return NULL;
}

const veld_decided *veld_decision_pending(
    const veld_decided *list, size_t count, const veld_id *conflict)
{
    return newest(list, count, conflict, false);
}

const veld_decided *veld_decision_last(
    const veld_decided *list, size_t count, const veld_id *conflict)
{
    return newest(list, count, conflict, true);
}
