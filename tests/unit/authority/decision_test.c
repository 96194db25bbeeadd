/* Decisions: a statement has one form; a person's signature counts for what was signed, by whom the
 * directory names and for what the change really did; two persons are two persons. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_desk.h"
#include "veldkit/context.h"
#include "veldkit/decision.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/sshsig.h"

/* An office with a case in which two values stand on one field, and persons with keys. */
typedef struct office {
    test_desk desk;
    veld_agency agency;
    veld_case *opened;
    veld_id case_id, note;
    veld_write_id sides[2];
    veld_p256_private carla, dirk, stranger;
} office;

static test_keys keys;

static void found(office *o)
{
    const veld_id note = {{7}};
    memset(&keys, 0, sizeof keys);
    test_desk_open(&o->desk, &keys, 21, "Kantoor");
    o->note = note;
    assert_ok(veld_founder_new_id(
        &o->desk.world.env, veld_store_device(o->desk.store), &o->case_id, NULL));
    veld_edit edits[] = {test_edit_set(&note, "note", "kind", "\"fact\""),
        test_edit_set(&note, "note", "text", "\"een\"")};
    assert_ok(veld_case_found(&o->desk.desk, &o->case_id, edits, 2, &o->opened, NULL));
    o->agency = (veld_agency){
        .id = *veld_store_device(o->desk.store), .merger_key = o->desk.desk.signer.public_key};
    assert_ok(veld_p256_generate(&o->desk.world.env, &o->carla, NULL));
    assert_ok(veld_p256_generate(&o->desk.world.env, &o->dirk, NULL));
    assert_ok(veld_p256_generate(&o->desk.world.env, &o->stranger, NULL));
}

static void shut(office *o)
{
    veld_case_close(o->opened);
    veld_p256_release(&o->carla);
    veld_p256_release(&o->dirk);
    veld_p256_release(&o->stranger);
    test_desk_close(&o->desk);
}

/* What stands on the field now. */
static veld_write_id visible(office *o)
{
    const veld_state_record *record =
        veld_state_record_get(veld_case_state(o->opened), veld_span_text("note"), &o->note);
    const veld_state_field *field = veld_state_field_get(record, veld_span_text("text"));
    return field->entries->id;
}

static veld_decision choice_of(office *o, const veld_write_id *sides, size_t count)
{
    return (veld_decision){.kind = VELD_DECISION_CHOICE,
        .id = {{9, 1}},
        .case_id = o->case_id,
        .conflict = {{5}},
        .by = veld_span_text("carla"),
        .time = {.utc_ms = 1772438400000},
        .record = o->note,
        .type = veld_span_text("note"),
        .field = veld_span_text("text"),
        .value = veld_span_text("\"twee\""),
        .sides = sides,
        .sides_count = count,
        .reason = veld_span_text("gebeld"),
        .persons = 1};
}

/* How a decision is signed; a test changes one thing. */
typedef struct manner {
    const veld_p256_private *key; /* NULL: nobody signs */
    const veld_p256_private *entry_of;
    const veld_p256_private *merger;
    veld_user_state state;
    veld_id user;
    const char *field; /* that the record says instead */
    const char *instead;
} manner;

static void json_text(veld_span text, veld_arena *arena, veld_span *out)
{
    veld_buf json;
    veld_json_writer writer;
    veld_buf_init(&json, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_json_writer_init(&writer, &json);
    veld_json_writer_text_span(&writer, text);
    assert_ok(veld_json_writer_finish(&writer, NULL));
    assert_ok(veld_arena_copy(arena, veld_buf_span(&json), out));
    veld_buf_release(&json);
}

static size_t put(veld_edit *out, size_t at, const veld_decision *decision, const manner *how,
    const char *field, veld_span text, veld_arena *arena)
{
    out[at] = (veld_edit){.kind = VELD_EDIT_SET,
        .record = decision->id,
        .type = veld_span_text(
            decision->kind == VELD_DECISION_CHOICE ? VELD_TYPE_DECISION : VELD_TYPE_CONFIRMATION),
        .field = veld_span_text(field)};
    if (how->field != NULL && strcmp(how->field, field) == 0)
        text = veld_span_text(how->instead);
    json_text(text, arena, &out[at].value);
    return at + 1;
}

static size_t put_id(veld_edit *out, size_t at, const veld_decision *decision, const manner *how,
    const char *field, const veld_id *id, veld_arena *arena)
{
    char text[VELD_ID_TEXT_SIZE];
    veld_id_format(id, text);
    return put(out, at, decision, how, field, veld_span_text(text), arena);
}

static size_t record_of(office *o, veld_decision *decision, const manner *how, veld_arena *arena,
    veld_edit *out, veld_hash *statement_hash)
{
    size_t at = 0;
    veld_buf statement, text;
    veld_buf_init(&statement, VELD_DECISION_BYTES_MAX);
    veld_buf_init(&text, 8192);
    decision->has_key = how->key != NULL;
    if (how->key != NULL)
        assert_ok(veld_p256_fingerprint(&how->key->public_key, &decision->key, NULL));
    assert_ok(veld_decision_write(decision, &statement, NULL));
    assert_ok(veld_sha256(veld_buf_span(&statement), statement_hash, NULL));
    at = put_id(out, at, decision, how, "conflict", &decision->conflict, arena);
    if (decision->kind == VELD_DECISION_CHOICE) {
        at = put_id(out, at, decision, how, "record", &decision->record, arena);
        at = put(out, at, decision, how, "field", decision->field, arena);
        at = put(out, at, decision, how, "reason", decision->reason, arena);
        at = put(out, at, decision, how, "decidedBy", decision->by, arena);
    } else {
        at = put_id(out, at, decision, how, "decision", &decision->decision, arena);
        at = put(out, at, decision, how, "confirmedBy", decision->by, arena);
        at = put_id(out, at, decision, how, "record", &o->note, arena);
        at = put(out, at, decision, how, "field", veld_span_text("text"), arena);
    }
    at = put(out, at, decision, how, "statement", veld_buf_span(&statement), arena);
    if (how->key != NULL) {
        veld_signer signer = veld_signer_p256(how->key);
        veld_signer merger =
            how->merger != NULL ? veld_signer_p256(how->merger) : o->desk.desk.signer;
        const veld_user_entry entry = {.user = how->user,
            .key = how->entry_of != NULL ? how->entry_of->public_key : how->key->public_key,
            .role = VELD_ROLE_CASE_MANAGER,
            .state = how->state != 0 ? how->state : VELD_USER_ACTIVE,
            .position = 4};
        veld_signature signature;
        veld_buf bytes;
        veld_buf_init(&bytes, VELD_DIRECTORY_BYTES_MAX);
        assert_ok(veld_sshsig_sign(
            &signer, VELD_NAMESPACE_DECISION, veld_buf_span(&statement), &signature, NULL));
        assert_ok(veld_sshsig_write(
            &how->key->public_key, VELD_NAMESPACE_DECISION, &signature, &text, NULL));
        at = put(out, at, decision, how, "signature", veld_buf_span(&text), arena);
        veld_buf_clear(&text);
        assert_ok(veld_user_make(&entry, &merger, &bytes, NULL));
        assert_ok(veld_base64_encode(veld_buf_span(&bytes), true, &text));
        at = put(out, at, decision, how, "signer", veld_buf_span(&text), arena);
        veld_buf_release(&bytes);
    }
    veld_buf_release(&statement);
    veld_buf_release(&text);
    return at;
}

/* Saves the record, with the write on the field when `value` is not NULL. */
static veld_hash decide(
    office *o, veld_decision *decision, const manner *how, const char *value, bool all)
{
    veld_arena arena;
    veld_edit edits[16];
    veld_hash change, statement;
    size_t count;
    veld_arena_init(&arena, 1 << 20);
    count = record_of(o, decision, how, &arena, edits, &statement);
    if (value != NULL)
        edits[count++] = (veld_edit){.kind = all ? VELD_EDIT_SET : VELD_EDIT_CHOOSE,
            .record = o->note,
            .type = veld_span_text("note"),
            .field = veld_span_text("text"),
            .value = veld_span_text(value),
            .seen = o->sides,
            .seen_count = 1};
    assert_ok(veld_case_save(o->opened, edits, count, &change, NULL));
    veld_arena_release(&arena);
    return statement;
}

static veld_decision_verdict verdict_of(
    office *o, const veld_id *id, const veld_agency *agency, size_t *persons, bool *done)
{
    veld_arena arena;
    const veld_decided *list;
    size_t count;
    veld_decision_verdict verdict = 0;
    veld_verifier verifier = veld_verifier_p256();
    veld_arena_init(&arena, 1 << 22);
    assert_ok(veld_decision_list(
        veld_case_state(o->opened), &o->case_id, agency, &verifier, &arena, &list, &count, NULL));
    for (size_t i = 0; i < count; i++)
        if (veld_id_equal(&list[i].record->id, id)) {
            verdict = list[i].verdict;
            assert_int_equal(verdict == VELD_DECISION_BROKEN, list[i].why != NULL);
            if (persons != NULL)
                *persons = list[i].persons;
            if (done != NULL)
                *done = list[i].is_done;
        }
    veld_arena_release(&arena);
    return verdict;
}

static void a_statement_has_one_form(void **state)
{
    (void)state;
    office o = {0};
    veld_buf bytes;
    veld_arena arena;
    veld_decision read;
    veld_signature signature;
    veld_verifier verifier = veld_verifier_p256();
    size_t accepted = 0;
    found(&o);
    veld_signer signer = veld_signer_p256(&o.carla);
    o.sides[0] = visible(&o);
    veld_decision said = choice_of(&o, o.sides, 1);
    said.has_key = true;
    assert_ok(veld_p256_fingerprint(&o.carla.public_key, &said.key, NULL));
    veld_arena_init(&arena, 64 << 20);
    veld_buf_init(&bytes, VELD_DECISION_BYTES_MAX);
    assert_ok(veld_decision_write(&said, &bytes, NULL));
    assert_ok(veld_decision_read(veld_buf_span(&bytes), &arena, &read, NULL));
    assert_true(veld_span_equal(read.value, said.value));
    assert_true(veld_span_equal(read.reason, said.reason));
    assert_int_equal(read.sides_count, 1);
    assert_true(veld_hash_equal(&read.key, &said.key));
    assert_ok(veld_sshsig_sign(
        &signer, VELD_NAMESPACE_DECISION, veld_buf_span(&bytes), &signature, NULL));
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        uint8_t mask = (uint8_t)(1u << bit % 8);
        bytes.data[bit / 8] ^= mask;
        veld_status status = veld_decision_read(veld_buf_span(&bytes), &arena, &read, NULL);
        if (status == VELD_OK && ++accepted % 8 == 0) /* another statement: not what was signed */
            assert_int_equal(veld_sshsig_verify(&verifier, &o.carla.public_key,
                                 VELD_NAMESPACE_DECISION, veld_buf_span(&bytes), &signature, NULL),
                VELD_E_FORGED);
        bytes.data[bit / 8] ^= mask;
    }
    assert_int_equal(
        veld_decision_read(veld_span_text("{\"format\":2}"), &arena, &read, NULL), VELD_E_NEWER);
    assert_int_equal(
        veld_decision_read(veld_span_text("{\"format\":1}"), &arena, &read, NULL), VELD_E_FORM);
    veld_buf_release(&bytes);
    veld_arena_release(&arena);
    shut(&o);
}

static void a_signature_counts_for_what_was_done(void **state)
{
    (void)state;
    office o = {0};
    const veld_id none = {{0}};
    size_t persons = 0;
    bool done = false;
    found(&o);
    const struct {
        manner how;
        const char *value;
        veld_decision_verdict expected;
    } cases[] = {
        {{.key = &o.carla, .user = {{1}}}, "\"twee\"", VELD_DECISION_OF_PERSON},
        {{.key = NULL}, "\"twee\"", VELD_DECISION_OF_OFFICE},
        {{.key = &o.carla}, "\"drie\"", VELD_DECISION_BROKEN},
        {{.key = NULL}, "\"drie\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .entry_of = &o.dirk}, "\"twee\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .merger = &o.stranger}, "\"twee\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .state = VELD_USER_DISABLED}, "\"twee\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .field = "reason", .instead = "anders"}, "\"twee\"",
            VELD_DECISION_BROKEN},
        {{.key = &o.carla, .field = "decidedBy", .instead = "dirk"}, "\"twee\"",
            VELD_DECISION_BROKEN},
        {{.key = &o.carla, .field = "signature", .instead = "x"}, "\"twee\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .field = "signer", .instead = "x"}, "\"twee\"", VELD_DECISION_BROKEN},
        {{.key = &o.carla, .field = "statement", .instead = "{}"}, "\"twee\"",
            VELD_DECISION_BROKEN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        o.sides[0] = visible(&o);
        veld_decision said = choice_of(&o, o.sides, 1);
        said.id.bytes[2] = (uint8_t)(i + 1);
        decide(&o, &said, &cases[i].how, cases[i].value, false);
        assert_int_equal(verdict_of(&o, &said.id, &o.agency, &persons, &done), cases[i].expected);
        assert_int_equal(done, cases[i].expected != VELD_DECISION_BROKEN);
        veld_agency elsewhere = o.agency;
        elsewhere.id = none; /* the change is not this office's */
        assert_int_equal(verdict_of(&o, &said.id, &elsewhere, NULL, NULL), VELD_DECISION_BROKEN);
        veld_edit back = test_edit_set(&o.note, "note", "text", "\"terug\"");
        veld_hash change;
        assert_ok(veld_case_save(o.opened, &back, 1, &change, NULL));
    }
    shut(&o);
}

static void what_was_not_named_is_not_replaced(void **state)
{
    (void)state;
    office o = {0};
    const manner how = {.key = &o.carla};
    found(&o);
    const veld_write_id unknown = {{3}};
    o.sides[0] = unknown; /* not what stands there */
    veld_decision said = choice_of(&o, o.sides, 1);
    decide(&o, &said, &how, "\"twee\"", true); /* replaces all the same */
    assert_int_equal(verdict_of(&o, &said.id, &o.agency, NULL, NULL), VELD_DECISION_BROKEN);
    said.id.bytes[2] = 1;
    veld_write_id before = visible(&o);
    decide(&o, &said, &how, "\"vier\"", false); /* CHOOSE finds nothing that it names */
    assert_true(veld_write_id_equal(&before, &(veld_write_id){{0}}) == false);
    veld_write_id after = visible(&o);
    assert_true(veld_write_id_equal(&before, &after));
    shut(&o);
}

static veld_decision agreement(office *o, const veld_decision *with, const veld_hash *statement)
{
    return (veld_decision){.kind = VELD_DECISION_CONFIRMATION,
        .id = {{11}},
        .case_id = o->case_id,
        .conflict = with->conflict,
        .by = veld_span_text("dirk"),
        .time = {.utc_ms = 1772438500000},
        .decision = with->id,
        .statement = *statement};
}

static void two_persons_are_two_persons(void **state)
{
    (void)state;
    office o = {0};
    size_t persons = 0;
    bool done = true;
    found(&o);
    const manner carla = {.key = &o.carla, .user = {{1}}};
    const manner again = {.key = &o.stranger, .user = {{1}}}; /* Carla with a new key */
    const manner dirk = {.key = &o.dirk, .user = {{2}}};
    o.sides[0] = visible(&o);
    veld_decision said = choice_of(&o, o.sides, 1);
    said.persons = VELD_DECISION_PERSONS_CRITICAL;
    veld_hash statement = decide(&o, &said, &carla, NULL, false);
    assert_int_equal(verdict_of(&o, &said.id, &o.agency, &persons, &done), VELD_DECISION_OF_PERSON);
    assert_int_equal(persons, 1);
    assert_false(done);
    veld_decision same = agreement(&o, &said, &statement);
    decide(&o, &same, &again, NULL, false);
    veld_hash other = statement;
    other.bytes[0] ^= 1;
    veld_decision wrong = agreement(&o, &said, &other);
    wrong.id.bytes[1] = 1;
    decide(&o, &wrong, &dirk, NULL, false);
    verdict_of(&o, &said.id, &o.agency, &persons, &done);
    assert_int_equal(persons, 1);
    assert_false(done);
    veld_decision right = agreement(&o, &said, &statement);
    right.id.bytes[1] = 2;
    decide(&o, &right, &dirk, "\"twee\"", false);
    assert_int_equal(verdict_of(&o, &said.id, &o.agency, &persons, &done), VELD_DECISION_OF_PERSON);
    assert_int_equal(persons, 2);
    assert_true(done);
    o.sides[0] = visible(&o);
    veld_decision early = choice_of(&o, o.sides, 1);
    early.id.bytes[2] = 8;
    early.persons = VELD_DECISION_PERSONS_CRITICAL;
    early.value = veld_span_text("\"drie\"");
    decide(&o, &early, &carla, "\"drie\"", false);
    assert_int_equal(verdict_of(&o, &early.id, &o.agency, NULL, &done), VELD_DECISION_BROKEN);
    shut(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_has_one_form),
        cmocka_unit_test(a_signature_counts_for_what_was_done),
        cmocka_unit_test(what_was_not_named_is_not_replaced),
        cmocka_unit_test(two_persons_are_two_persons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
