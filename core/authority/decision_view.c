/* The casework around a conflict: who has it, until when, since when it is open, and which decision
 * waits for a second person. All of it is read from the case, so tablets show the same. */
#include <string.h>

#include "veldkit/conflict.h"
#include "veldkit/context.h"
#include "veldkit/decision.h"
#include "veldkit/hash.h"
#include "veldkit/policy.h"

enum { HOUR_MS = 60 * 60 * 1000 };

static const veld_span null_value = {(const uint8_t *)"null", 4};

/* ---- which there are ---- */
veld_status veld_decision_conflict(veld_state *state, const veld_schema_set *schemas,
    const veld_decided *of, veld_arena *arena, veld_conflict *out, bool *found, veld_error *err)
{
    const veld_decision *said = &of->decision;
    const veld_state_record *record = veld_state_record_get(state, said->type, &said->record);
    const veld_state_field *field =
        record != NULL ? veld_state_field_get(record, said->field) : NULL;
    const veld_schema *schema = veld_schema_get(schemas, said->type);
    veld_outlook outlook = veld_outlook_of(state, schemas, arena);
    veld_reading reading = {0};
    veld_status status;
    *found = field != NULL;
    if (field == NULL)
        return VELD_OK;
    bool removal = veld_span_equal(said->field, veld_span_text(VELD_FIELD_REMOVED));
    if (removal)
        status = veld_policy_read_removed(record, arena, &reading);
    else
        status = veld_policy_read(&outlook, field, &reading);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for a conflict");
    veld_risk risk = removal ? veld_schema_removal_risk(schema)
                             : veld_schema_risk(veld_schema_field_get(schema, said->field));
    *out = (veld_conflict){.id = said->conflict,
        .case_id = said->case_id,
        .record = record,
        .field = field->name,
        .base = null_value,
        .effective = reading.effective,
        .integrity = reading.integrity,
        .risk = risk == VELD_RISK_AUTO ? VELD_RISK_PERSON : risk,
        .sides = reading.sides,
        .sides_count = reading.sides_count,
        .dangers = reading.dangers,
        .dangers_count = reading.dangers_count};
    return VELD_OK;
}

static bool is_listed(const veld_conflict *list, size_t count, const veld_id *id)
{
    for (size_t i = 0; i < count; i++)
        if (veld_id_equal(&list[i].id, id))
            return true;
    return false;
}

/* Somebody wrote over all that the decision would replace: it waits in vain. */
static bool is_moot(const veld_conflict *conflict, const veld_decision *said)
{
    for (size_t i = 0; i < conflict->sides_count; i++)
        for (size_t k = 0; k < said->sides_count; k++)
            if (veld_write_id_equal(&conflict->sides[i].entry->id, &said->sides[k]))
                return false;
    return true;
}

veld_status veld_decision_conflicts(veld_state *state, const veld_schema_set *schemas,
    const veld_decided *decided, size_t decided_count, veld_arena *arena,
    const veld_conflict **list, size_t *count, veld_error *err)
{
    veld_status status = VELD_OK;
    size_t most = *count + decided_count, filled = *count;
    veld_conflict *all = veld_arena_get(arena, most, sizeof *all);
    if (all == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the conflicts of a case");
    if (filled > 0)
        memcpy(all, *list, filled * sizeof *all);
    for (size_t i = 0; i < decided_count; i++) {
        const veld_id *id = &decided[i].decision.conflict;
        bool found = false;
        if (is_listed(all, filled, id) ||
            veld_decision_pending(decided, decided_count, id) != &decided[i])
            continue;
        VELD_TRY(
            veld_decision_conflict(state, schemas, &decided[i], arena, &all[filled], &found, err));
        filled += found && !is_moot(&all[filled], &decided[i].decision);
    }
    *list = all;
    *count = filled;
done:
    return status;
}

veld_status veld_decision_seen(const veld_conflict *conflict, const veld_decided *pending,
    char out[VELD_DECISION_SEEN_SIZE], veld_error *err)
{
    veld_sha256_stream stream = {0};
    veld_hash hash;
    veld_status status = veld_sha256_start(&stream, VELD_CONTEXT_HASH_SEEN, err);
    for (size_t i = 0; status == VELD_OK && i < conflict->sides_count; i++) {
        const veld_write_id *side = &conflict->sides[i].entry->id;
        status = veld_sha256_add(&stream, veld_span_of(side, sizeof *side), err);
    }
    for (size_t i = 0; status == VELD_OK && i < conflict->dangers_count; i++) {
        const veld_write_id *danger = &conflict->dangers[i]->id;
        status = veld_sha256_add(&stream, veld_span_of(danger, sizeof *danger), err);
    }
    if (status == VELD_OK && pending != NULL)
        status = veld_sha256_add(&stream, veld_id_span(&pending->record->id), err);
    if (status == VELD_OK)
        status = veld_sha256_finish(&stream, &hash, err);
    veld_sha256_abort(&stream);
    if (status == VELD_OK)
        veld_hex_encode(
            veld_span_of(hash.bytes, VELD_DECISION_SEEN_SIZE / 2), out, VELD_DECISION_SEEN_SIZE);
    return status;
}

/* ---- the casework ---- */
/* When it came about: with the second oldest side, or with the only one. */
static int64_t since_ms(const veld_conflict *conflict)
{
    int64_t first = INT64_MAX, second = INT64_MAX;
    for (size_t i = 0; i < conflict->sides_count; i++) {
        int64_t at = conflict->sides[i].entry->origin->time.hybrid_ms;
        if (at < first) {
            second = first;
            first = at;
        } else if (at < second) {
            second = at;
        }
    }
    return conflict->sides_count > 1 ? second : conflict->sides_count == 1 ? first : 0;
}

static veld_span shown(const veld_conflict_work *work, const veld_id *conflict, const char *name)
{
    const veld_state_record *record =
        veld_state_record_get(work->state, veld_span_text(VELD_TYPE_CONFLICT_WORK), conflict);
    const veld_state_field *field =
        record != NULL ? veld_state_field_get(record, veld_span_text(name)) : NULL;
    veld_outlook outlook = veld_outlook_of(work->state, work->schemas, work->arena);
    veld_reading reading;
    if (field == NULL || veld_policy_read(&outlook, field, &reading) != VELD_OK)
        return null_value;
    return reading.effective;
}

veld_conflict_casework veld_conflict_casework_of(
    const veld_conflict_work *work, const veld_conflict *conflict)
{
    veld_conflict_casework out = {.since_utc_ms = since_ms(conflict),
        .owner = shown(work, &conflict->id, "owner"),
        .deadline = shown(work, &conflict->id, "deadline"),
        .pending = veld_decision_pending(work->decided, work->decided_count, &conflict->id)};
    out.age_hours = (work->now_utc_ms - out.since_utc_ms) / HOUR_MS;
    if (out.age_hours < 0)
        out.age_hours = 0;
    return out;
}

void veld_conflict_rank(
    const veld_conflict_work *work, const veld_conflict *conflict, int64_t out[VELD_CONFLICT_RANKS])
{
    enum { DANGER, TWO, BROKEN, ELSE };
    const veld_conflict_casework of = veld_conflict_casework_of(work, conflict);
    veld_date day;
    bool two = conflict->risk == VELD_RISK_TWO;
    bool urgent = veld_schema_is_urgent(work->schemas, conflict->record->type, conflict->field);
    bool dangerous = conflict->dangers_count > 0 || (two && urgent);
    out[0] = dangerous ? DANGER : two ? TWO : conflict->integrity ? BROKEN : ELSE;
    veld_span text =
        of.deadline.len < 2 ? of.deadline : veld_span_of(of.deadline.data + 1, of.deadline.len - 2);
    out[1] = veld_date_parse(text, &day) == VELD_OK ? veld_date_to_days(day) : INT64_MAX;
    out[2] = of.since_utc_ms;
}

static void write_proposal(const veld_decided *of, veld_json_writer *writer)
{
    char id[VELD_ID_TEXT_SIZE], time[VELD_INSTANT_TEXT_SIZE];
    if (of == NULL) {
        veld_json_writer_null(writer);
        return;
    }
    const veld_decision *said = &of->decision;
    veld_id_format(&said->id, id);
    veld_instant_format(said->time, time);
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "by");
    veld_json_writer_text_span(writer, said->by);
    veld_json_writer_name(writer, "decision");
    veld_json_writer_text(writer, id);
    veld_json_writer_name(writer, "needs");
    veld_json_writer_integer(writer, (int64_t)said->persons - (int64_t)of->persons);
    veld_json_writer_name(writer, "reason");
    veld_json_writer_text_span(writer, said->reason);
    veld_json_writer_name(writer, "signed");
    veld_json_writer_boolean(writer, of->verdict == VELD_DECISION_OF_PERSON);
    veld_json_writer_name(writer, "time");
    veld_json_writer_text(writer, time);
    veld_json_writer_name(writer, "value");
    if (said->value.len > 0)
        veld_json_writer_canonical(writer, said->value);
    else
        veld_json_writer_null(writer);
    veld_json_writer_object_end(writer);
}

void veld_decision_view(void *context, const veld_conflict *conflict, veld_json_writer *writer)
{
    const veld_conflict_work *work = context;
    const veld_conflict_casework of = veld_conflict_casework_of(work, conflict);
    char time[VELD_INSTANT_TEXT_SIZE], seen[VELD_DECISION_SEEN_SIZE];
    veld_instant_format((veld_instant){.utc_ms = of.since_utc_ms}, time);
    veld_json_writer_name(writer, "age");
    veld_json_writer_integer(writer, of.age_hours);
    veld_json_writer_name(writer, "deadline");
    veld_json_writer_canonical(writer, of.deadline);
    veld_json_writer_name(writer, "expect");
    if (veld_decision_seen(conflict, of.pending, seen, NULL) == VELD_OK)
        veld_json_writer_text(writer, seen);
    else
        veld_json_writer_null(writer);
    veld_json_writer_name(writer, "owner");
    veld_json_writer_canonical(writer, of.owner);
    veld_json_writer_name(writer, "proposal");
    write_proposal(of.pending, writer);
    veld_json_writer_name(writer, "since");
    veld_json_writer_text(writer, time);
}
