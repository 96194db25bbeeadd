/* Decisions that a rule of the case holds back: which rule, in words, and what became of them. What
 * is noted is only where to look: whether it counts follows from the case. */
#include "held.h"

#include <string.h>

#include "veldkit/labels.h"

#define GROUP "decisions.held" /* by conflict: case, record, change, type and field */

enum { ROW_BYTES = 2 * VELD_ID_BYTES + VELD_HASH_BYTES, NOTES_BYTES_MAX = 1 << 20 };

/* ---- is it held back? ---- */
static const veld_state_field *field_of(veld_state *state, const veld_decision *of)
{
    const veld_state_record *record = veld_state_record_get(state, of->type, &of->record);
    return record == NULL ? NULL : veld_state_field_get(record, of->field);
}

static const veld_entry *written_by(const veld_state_field *field, const veld_hash *change)
{
    const veld_entry *e = field == NULL ? NULL : field->entries;
    while (e != NULL && (e->replaced || !veld_hash_equal(&e->origin->change, change)))
        e = e->next;
    return e;
}

veld_status srv_held_of(srv_session *session, veld_state *state, const veld_decision *of,
    const veld_hash *change, veld_arena *arena, srv_held *out, veld_error *err)
{
    veld_reading reading;
    veld_outlook outlook = veld_outlook_of(state, session->schemas, arena);
    const veld_state_field *field = field_of(state, of);
    *out = (srv_held){.type = of->type,
        .schema = veld_label_schema(session->schemas, of->type, of->field),
        .entry = written_by(field, change)};
    if (out->entry == NULL || veld_span_equal(of->field, veld_span_text(VELD_FIELD_REMOVED)))
        return VELD_OK;
    veld_status status = veld_policy_read(&outlook, field, &reading);
    for (size_t i = 0; status == VELD_OK && i < reading.sides_count; i++)
        if (reading.sides[i].entry == out->entry)
            out->held = reading.sides[i].held;
    out->effective = reading.effective;
    if (status == VELD_OK && out->held == VELD_HELD_GUARD)
        status = veld_policy_hindrance(&outlook, field, out->entry->value, &out->guard);
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "no memory to weigh a decision");
}

veld_status srv_held_before(srv_session *session, veld_state *state, const veld_decision *of,
    veld_arena *arena, srv_held *out, veld_error *err)
{
    veld_reading reading;
    veld_outlook outlook = veld_outlook_of(state, session->schemas, arena);
    const veld_state_field *field = field_of(state, of);
    *out = (srv_held){
        .type = of->type, .schema = veld_label_schema(session->schemas, of->type, of->field)};
    if (field == NULL || veld_span_equal(of->field, veld_span_text(VELD_FIELD_REMOVED)))
        return VELD_OK;
    veld_status status = veld_policy_hindrance(&outlook, field, of->value, &out->guard);
    if (status == VELD_OK)
        status = veld_policy_read(&outlook, field, &reading);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory to weigh a decision");
    out->held = out->guard != NULL ? VELD_HELD_GUARD : VELD_HELD_NOT;
    out->effective = reading.effective;
    return VELD_OK;
}

/* ---- in words ---- */
const char *srv_held_why(veld_held held)
{
    switch (held) {
    case VELD_HELD_NOT:
        break;
    case VELD_HELD_DANGER:
        return "Dit geeft minder bescherming, en wie het schreef kende niet al het gevaar dat "
               "anderen hadden opgeschreven. Het telt daarom pas als iemand die alles kent ervoor "
               "kiest.";
    case VELD_HELD_RESTRICTION:
        return "Dit geeft meer prijs dan daarvoor. Dat telt alleen na een beslissing van een "
               "medewerker.";
    case VELD_HELD_TRANSITION:
        return "Deze stap past niet op de stand die er was. Daarom moet iemand ernaar kijken.";
    case VELD_HELD_GUARD:
        return "Dit telt niet zolang iets anders in de zaak het verhindert.";
    case VELD_HELD_UNDECIDED:
        return "Hierover kiezen twee medewerkers samen. Wie er intussen iets bij schrijft, beslist "
               "dat niet alleen: het staat naast de andere invullingen.";
    }
    return "";
}

/* As the page of the rules for experts has it (proto/records/policy-page.mjs). */
static veld_status say_wanted(veld_cli_call *call, veld_span type, const veld_requirement *wanted)
{
    const veld_schema_field *field = veld_label_schema(call->session->schemas, type, wanted->field);
    bool is_set = field != NULL && veld_policy_is_set(field->policy);
    veld_status status;
    VELD_TRY(veld_cli_say(call, "“"));
    VELD_TRY(
        veld_cli_say_text(call, veld_label_field(call->session->schemas, type, wanted->field)));
    VELD_TRY(veld_cli_say(call, "” %s",
        wanted->shows_count == 0 ? "is ingevuld"
        : is_set                 ? "alles bevat van "
                                 : "op "));
    for (size_t i = 0; i < wanted->shows_count; i++) {
        VELD_TRY(veld_cli_say(call, "%s", i == 0 ? "" : is_set ? ", " : " of "));
        VELD_TRY(veld_label_say_canonical(call, field, wanted->shows[i]));
    }
    status = wanted->shows_count > 0 && !is_set ? veld_cli_say(call, " staat") : VELD_OK;

done:
    return status;
}

veld_status srv_held_say_guard(veld_cli_call *call, const srv_held *held)
{
    const veld_guard *guard = held->guard;
    veld_span type = guard->same ? held->type : guard->type;
    veld_status status;
    if (guard->conflicts)
        return veld_cli_say(call, "er een veiligheidskritische keuze openstaat");
    if (guard->only_if.field.len > 0) {
        VELD_TRY(say_wanted(call, held->type, &guard->only_if));
        VELD_TRY(veld_cli_say(call, " en "));
    }
    VELD_TRY(veld_cli_say(call, "%s", guard->needed ? "niet vaststaat dat " : ""));
    if (!guard->same) {
        VELD_TRY(veld_cli_say(call, "bij %s", guard->latest.len > 0 ? "de laatste " : ""));
        VELD_TRY(veld_cli_say_text(call, veld_label_type(call->session->schemas, type)));
        VELD_TRY(veld_cli_say(call, "%s", guard->by.len > 0 ? " die hierover gaat " : " "));
    }
    for (size_t i = 0; i < guard->wants_count; i++) {
        VELD_TRY(veld_cli_say(call, "%s", i > 0 ? ", en " : guard->needed ? "" : "het veld "));
        VELD_TRY(say_wanted(call, type, &guard->wants[i]));
    }
    status = VELD_OK;

done:
    return status;
}

static void json_guard(veld_json_writer *writer, const veld_guard *guard)
{
    veld_json_writer_object_begin(writer);
    veld_json_writer_name(writer, "conflicts");
    veld_json_writer_boolean(writer, guard->conflicts);
    veld_json_writer_name(writer, "needed");
    veld_json_writer_boolean(writer, guard->needed);
    veld_cli_json_text(writer, "type", guard->type);
    veld_json_writer_name(writer, "wants");
    veld_json_writer_array_begin(writer);
    for (size_t i = 0; i < guard->wants_count; i++) {
        veld_json_writer_object_begin(writer);
        veld_cli_json_text(writer, "field", guard->wants[i].field);
        veld_json_writer_name(writer, "shows");
        veld_json_writer_array_begin(writer);
        for (size_t k = 0; k < guard->wants[i].shows_count; k++)
            veld_json_writer_canonical(writer, guard->wants[i].shows[k]);
        veld_json_writer_array_end(writer);
        veld_json_writer_object_end(writer);
    }
    veld_json_writer_array_end(writer);
    veld_json_writer_object_end(writer);
}

void srv_held_json(veld_json_writer *writer, const srv_held *held)
{
    veld_json_writer_object_begin(writer);
    veld_cli_json_text(writer, "by", veld_span_text(veld_held_name(held->held)));
    veld_json_writer_name(writer, "effective");
    veld_json_writer_canonical(writer, held->effective);
    veld_json_writer_name(writer, "guard");
    if (held->guard != NULL)
        json_guard(writer, held->guard);
    else
        veld_json_writer_null(writer);
    veld_json_writer_object_end(writer);
}

/* ---- notes ---- */
veld_status srv_held_note(
    srv_session *session, const veld_decision *of, const veld_hash *change, veld_error *err)
{
    veld_buf row;
    veld_status status;
    veld_buf_init(&row, ROW_BYTES + 2 * (VELD_CHANGE_NAME_BYTES_MAX + 1));
    VELD_TRY(veld_buf_append_span(&row, veld_id_span(&of->case_id)));
    VELD_TRY(veld_buf_append_span(&row, veld_id_span(&of->record)));
    VELD_TRY(veld_buf_append_span(&row, veld_hash_span(change)));
    VELD_TRY(veld_buf_append_span(&row, of->type));
    VELD_TRY(veld_buf_append_byte(&row, 0));
    VELD_TRY(veld_buf_append_span(&row, of->field));
    status = veld_store_put_value(
        session->store, GROUP, veld_id_span(&of->conflict), veld_buf_span(&row), err);

done:
    veld_buf_release(&row);
    return status;
}

veld_status srv_held_after(veld_cli_call *call, srv_conflict_case *of, const veld_decision *said,
    const veld_hash *change, srv_held *out)
{
    srv_session *session = call->session;
    veld_state *state = veld_case_state(of->opened);
    if (change == NULL)
        return srv_held_before(session, state, said, &of->arena, out, &call->err);
    veld_status status = srv_held_of(session, state, said, change, &of->arena, out, &call->err);
    return status == VELD_OK && out->held != VELD_HELD_NOT
               ? srv_held_note(session, said, change, &call->err)
               : status;
}

static bool read_note(const veld_store_value *value, veld_decision *of, veld_hash *change)
{
    const uint8_t *at = value->body.data;
    *of = (veld_decision){0};
    if (value->name.len != VELD_ID_BYTES || value->body.len <= ROW_BYTES)
        return false;
    const size_t rest = value->body.len - ROW_BYTES;
    const uint8_t *names = at + ROW_BYTES, *end = memchr(names, 0, rest);
    if (end == NULL)
        return false;
    memcpy(of->conflict.bytes, value->name.data, VELD_ID_BYTES);
    memcpy(of->case_id.bytes, at, VELD_ID_BYTES);
    memcpy(of->record.bytes, at + VELD_ID_BYTES, VELD_ID_BYTES);
    memcpy(change->bytes, at + 2 * (size_t)VELD_ID_BYTES, VELD_HASH_BYTES);
    of->type = veld_span_of(names, (size_t)(end - names));
    of->field = veld_span_of(end + 1, rest - of->type.len - 1);
    return true;
}

/* Still held back, or by now not; `*is_over`: another write took its place, or the case is gone. */
static veld_status look_at(srv_session *session, const veld_decision *of, const veld_hash *change,
    bool *is_held, bool *is_over, veld_error *err)
{
    const veld_desk quiet = veld_desk_quiet(&session->desk);
    veld_case *opened = NULL;
    veld_arena arena;
    srv_held held = {0};
    veld_arena_init(&arena, SRV_ARENA_BYTES_MAX);
    veld_status status = veld_case_open(&quiet, &of->case_id, &opened, err);
    if (status == VELD_OK)
        status = srv_held_of(session, veld_case_state(opened), of, change, &arena, &held, err);
    *is_over = status == VELD_E_NOT_FOUND || (status == VELD_OK && held.entry == NULL);
    *is_held = status == VELD_OK && held.held != VELD_HELD_NOT;
    veld_case_close(opened);
    veld_arena_release(&arena);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

/* All notes, of one case or (NULL) of any; those that are over go, and with `is_seen` those that
 * count too. */
static veld_status walk(srv_session *session, const veld_id *case_id, bool is_seen,
    srv_held_counts *out, veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    veld_buf drop;
    bool more = true;
    veld_status status;
    *out = (srv_held_counts){0};
    veld_buf_init(&drop, NOTES_BYTES_MAX);
    VELD_TRY(veld_store_values(session->store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_decision of;
        veld_hash change;
        bool is_held = false, is_over = true;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || (read_note(&value, &of, &change) && case_id != NULL &&
                         !veld_id_equal(&of.case_id, case_id)))
            continue;
        if (of.type.len > 0)
            VELD_TRY(look_at(session, &of, &change, &is_held, &is_over, err));
        out->held += is_held;
        out->counts_now += !is_held && !is_over;
        if (is_over || (is_seen && !is_held))
            VELD_TRY(veld_buf_append_span(&drop, value.name));
    }
    veld_store_cursor_close(cursor);
    cursor = NULL;
    for (size_t at = 0; at < drop.len; at += VELD_ID_BYTES)
        VELD_TRY(veld_store_delete_value(
            session->store, GROUP, veld_span_of(drop.data + at, VELD_ID_BYTES), err));

done:
    veld_store_cursor_close(cursor);
    veld_buf_release(&drop);
    return status;
}

veld_status srv_held_count(srv_session *session, srv_held_counts *out, veld_error *err)
{
    return walk(session, NULL, false, out, err);
}

veld_status srv_held_seen(srv_session *session, const veld_id *case_id, veld_error *err)
{
    srv_held_counts counts;
    return walk(session, case_id, true, &counts, err);
}
