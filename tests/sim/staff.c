/* Persons at the office: who they are in the directory, and the record of what one of them decided,
 * with her signature over it. The stranger has a key and an entry that she signed herself. */
#include <stdio.h>
#include <string.h>

#include "sim.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/json.h"
#include "veldkit/sshsig.h"

static const char *const names[SIM_STAFF + 1] = {"Carla", "Dirk", "Esra", "niemand"};

veld_id sim_staff_id(unsigned person)
{
    return (veld_id){{0x57, 0xAF, 0xF0, (uint8_t)person}};
}

static veld_signer signer_of(const sim_world *w, unsigned person)
{
    const veld_p256_private *key = sim_staff_key(person);
    return w->plan.real_signatures ? veld_signer_p256(key) : sim_standin_signer(&key->public_key);
}

static veld_status make_entry(sim_world *w, unsigned person, veld_buf *out)
{
    veld_signer signer =
        person == SIM_STRANGER ? signer_of(w, SIM_STRANGER) : w->parties[SIM_MERGER].desk.signer;
    const veld_user_entry entry = {
        .user = sim_staff_id(person),
        .key = sim_staff_key(person)->public_key,
        .role = VELD_ROLE_CASE_MANAGER,
        .state = VELD_USER_ACTIVE,
        .position = w->plan.tablets + 1 + person,
    };
    return veld_user_make(&entry, &signer, out, NULL);
}

void sim_staff_enrol(sim_world *w)
{
    for (unsigned i = 0; i < SIM_STAFF && !w->has_failed; i++) {
        veld_buf bytes;
        const veld_id id = sim_staff_id(i);
        veld_buf_init(&bytes, VELD_DIRECTORY_BYTES_MAX);
        sim_must(w, make_entry(w, i, &bytes));
        sim_must(
            w, veld_sync_post_entry(w->parties[SIM_MERGER].sync, &id, veld_buf_span(&bytes), NULL));
        w->staff_entries[i] = bytes;
    }
}

/* ---- the record of a decision ---- */

typedef struct record_writer {
    veld_arena *arena;
    const veld_decision *said;
    veld_edit *out;
    size_t count;
} record_writer;

static veld_status put_text(record_writer *to, const char *field, veld_span text)
{
    veld_status status;
    veld_buf json;
    veld_json_writer writer;
    bool choice = to->said->kind == VELD_DECISION_CHOICE;
    veld_edit *edit = &to->out[to->count++];
    *edit = (veld_edit){.kind = VELD_EDIT_SET,
        .record = to->said->id,
        .type = veld_span_text(choice ? VELD_TYPE_DECISION : VELD_TYPE_CONFIRMATION),
        .field = veld_span_text(field)};
    veld_buf_init(&json, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    veld_json_writer_text_span(&writer, text);
    VELD_TRY(veld_json_writer_finish(&writer, NULL));
    status = veld_arena_copy(to->arena, veld_buf_span(&json), &edit->value);
done:
    veld_buf_release(&json);
    return status;
}

static veld_status put_id(record_writer *to, const char *field, const veld_id *id)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    return put_text(to, field, veld_span_text(text));
}

static veld_status put_said(record_writer *to)
{
    veld_status status;
    const veld_decision *said = to->said;
    bool choice = said->kind == VELD_DECISION_CHOICE;
    VELD_TRY(put_id(to, "conflict", &said->conflict));
    VELD_TRY(put_id(to, "record", &said->record));
    VELD_TRY(put_text(to, "field", said->field));
    VELD_TRY(put_text(to, choice ? "decidedBy" : "confirmedBy", said->by));
    status =
        choice ? put_text(to, "reason", said->reason) : put_id(to, "decision", &said->decision);
done:
    return status;
}

static veld_status put_signature(
    sim_world *w, unsigned person, record_writer *to, veld_span statement)
{
    veld_status status;
    veld_signature signature;
    veld_buf text, entry;
    const veld_signer signer = signer_of(w, person);
    veld_buf_init(&text, VELD_SIGNATURE_TEXT_MAX);
    veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
    VELD_TRY(veld_sshsig_sign(&signer, VELD_NAMESPACE_DECISION, statement, &signature, NULL));
    VELD_TRY(
        veld_sshsig_write(&signer.public_key, VELD_NAMESPACE_DECISION, &signature, &text, NULL));
    VELD_TRY(put_text(to, "signature", veld_buf_span(&text)));
    veld_buf_clear(&text);
    if (person == SIM_STRANGER)
        VELD_TRY(make_entry(w, person, &entry));
    else
        VELD_TRY(veld_buf_append_span(&entry, veld_buf_span(&w->staff_entries[person])));
    VELD_TRY(veld_base64_encode(veld_buf_span(&entry), true, &text));
    status = put_text(to, "signer", veld_buf_span(&text));
done:
    veld_buf_release(&entry);
    veld_buf_release(&text);
    return status;
}

veld_status sim_decision_edits(sim_world *w, unsigned person, veld_decision *said,
    veld_arena *arena, veld_edit out[SIM_DECISION_EDITS_MAX], size_t *count)
{
    veld_status status;
    veld_buf statement;
    const veld_env *env = &w->parties[SIM_MERGER].slot->env;
    record_writer to = {.arena = arena, .said = said, .out = out};
    veld_buf_init(&statement, VELD_DECISION_BYTES_MAX);
    VELD_TRY(veld_id_new(env, &said->id, NULL));
    said->by = veld_span_text(names[person]);
    said->time.utc_ms = veld_env_now(env).wall_utc_ms;
    said->has_key = true;
    VELD_TRY(veld_p256_fingerprint(&sim_staff_key(person)->public_key, &said->key, NULL));
    VELD_TRY(veld_decision_write(said, &statement, NULL));
    VELD_TRY(put_said(&to));
    VELD_TRY(put_text(&to, "statement", veld_buf_span(&statement)));
    status = put_signature(w, person, &to, veld_buf_span(&statement));
    *count = to.count;
done:
    veld_buf_release(&statement);
    return status;
}
