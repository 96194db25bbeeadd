/* What is handed in is right, or all that is wrong is told with its place and nothing comes out. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "veldkit/dossier.h"

#define CASE_RECORD "{\"type\":\"case\",\"fields\":{\"title\":\"T\"}}"
#define UUID        "00000000-0000-4000-8000-0000000000aa"

static veld_dossier_context context_of(fixture *f, veld_state *state, veld_json_errors *errors)
{
    return (veld_dossier_context){.schemas = f->schemas,
        .env = &f->world.env,
        .state = state,
        .arena = &f->arena,
        .errors = errors};
}

static veld_edits accept(fixture *f, const char *dossier)
{
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_edits edits;
    veld_dossier_context context = context_of(f, NULL, &errors);
    veld_status status = veld_dossier_check(&context, veld_span_text(dossier), &edits, NULL);
    for (size_t i = 0; i < errors.kept; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    assert_ok(status);
    assert_int_equal(errors.count, 0);
    return edits;
}

static void a_dossier_becomes_edits(void **state)
{
    fixture *f = *state;
    veld_edits edits = accept(f,
        "{\"records\":["
        "{\"type\":\"visit\",\"fields\":{\"present\":[\"#ma\",\"" UUID "\"],\"form\":\"phone\"}},"
        "{\"type\":\"person\",\"ref\":\"ma\",\"fields\":{\"name\":\"J\\u00f3\"}},"
        "{\"type\":\"person\",\"record\":\"" UUID "\",\"fields\":{\"name\":\"Bo\"}}," CASE_RECORD
        "]}");
    assert_int_equal(edits.count, 6);
    const veld_edit *e = edits.items;
    assert_int_equal(e[0].kind, VELD_EDIT_ADD);
    assert_span(e[0].field, "present");
    char id[VELD_ID_TEXT_SIZE], quoted[VELD_ID_TEXT_SIZE + 2];
    veld_id_format(&e[3].record, id);
    snprintf(quoted, sizeof quoted, "\"%s\"", id);
    assert_span(e[0].value, quoted);
    assert_span(e[1].value, "\"" UUID "\"");
    assert_int_equal(e[2].kind, VELD_EDIT_SET);
    assert_span(e[2].value, "\"phone\"");
    assert_span(e[3].type, "person");
    assert_span(e[3].value, "\"J\xC3\xB3\"");
    veld_id_format(&e[4].record, id);
    assert_string_equal(id, UUID);
    assert_true(veld_id_equal(&e[0].record, &e[2].record));
    assert_false(veld_id_equal(&e[0].record, &e[3].record));
}

typedef struct bad {
    const char *dossier;
    const char *pointers[8]; /* of all errors, in this order; NULL ends */
} bad;

#define IN(records)    "{\"records\":[" CASE_RECORD "," records "]}"
#define PERSON(fields) IN("{\"type\":\"person\",\"fields\":{" fields "}}")
#define F              "/records/1/fields"
static const bad bads[] = {
    {"", {""}},
    {"{\"records\":[1,]}", {"/records/1"}},
    {"[]", {""}},
    {"{}", {"/records"}},
    {"{\"records\":{}}", {"/records"}},
    {"{\"records\":[]}", {"/records"}},
    {"{\"records\":[" CASE_RECORD "],\"case\":1}", {"/case"}},
    {"{\"records\":[{\"type\":\"person\",\"fields\":{\"name\":\"A\"}}]}", {"/records"}},
    {IN(CASE_RECORD), {"/records/1"}},
    {"{\"records\":[{\"type\":\"case\",\"fields\":{\"municipality\":\"Velsen\"}}]}",
        {"/records/0/fields"}},
    {IN("7"), {"/records/1"}},
    {IN("{\"fields\":{}}"), {"/records/1/type", F}},
    {IN("{\"type\":\"persoon\",\"fields\":{\"name\":1}}"), {"/records/1/type"}},
    {IN("{\"type\":\"person\"}"), {F}},
    {IN("{\"type\":\"person\",\"fields\":[]}"), {F}},
    {IN("{\"type\":\"person\",\"velden\":{},\"fields\":{\"name\":\"A\"}}"), {"/records/1/velden"}},
    {IN("{\"type\":\"visit\",\"fields\":{}}"), {F}},
    {IN("{\"type\":\"person\",\"record\":\"AB\",\"fields\":{\"name\":\"A\"}}"),
        {"/records/1/record"}},
    {IN("{\"type\":\"person\",\"ref\":\"a b\",\"fields\":{\"name\":\"A\"}}"), {"/records/1/ref"}},
    {IN("{\"type\":\"person\",\"ref\":\"a\",\"record\":\"" UUID "\",\"fields\":{\"name\":\"A\"}},"
        "{\"type\":\"person\",\"ref\":\"a\",\"record\":\"" UUID "\",\"fields\":{\"name\":\"B\"}}"),
        {"/records/2/record", "/records/2/ref"}},
    {PERSON("\"name\":\"A\",\"name\":\"B\""), {F "/name"}},
    {PERSON("\"name\":1.5"), {F "/name"}},
    {PERSON("\"name\":null"), {F "/name"}},
    {PERSON("\"naam\":\"A\",\"birthDate\":\"2023-02-29\",\"phone\":\"1\",\"sex\":\"x\","
            "\"interpreter\":1"),
        {F "/naam", F "/birthDate", F "/phone", F "/sex", F "/interpreter", F}},
    {PERSON("\"name\":\"A\",\"roles\":\"child\""), {F "/roles"}},
    {PERSON("\"name\":\"A\",\"roles\":[\"child\",\"victim\",\"child\",\"vader\"]"),
        {F "/roles/2", F "/roles/3"}},
    {PERSON("\"name\":\"A\",\"a/b~c\":1"), {F "/a~1b~0c"}},
    {IN("{\"type\":\"visit\",\"ref\":\"v\",\"fields\":{\"present\":[\"#w\",\"#v\",\"" UUID
        "\",\"x\",3]}}"),
        {F "/present/0", F "/present/1", F "/present/2", F "/present/3", F "/present/4"}},
    {IN("{\"type\":\"note\",\"fields\":{\"text\":\"t\",\"visit\":\"#n\"},\"ref\":\"n\"}"),
        {F "/visit"}},
};

static void all_that_is_wrong_is_told(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        veld_json_errors errors;
        veld_error err = {0};
        veld_edits edits = {.count = 9};
        veld_json_errors_init(&errors);
        veld_dossier_context context = context_of(f, NULL, &errors);
        veld_status status =
            veld_dossier_check(&context, veld_span_text(bads[i].dossier), &edits, &err);
        size_t wanted = 0;
        while (wanted < 8 && bads[i].pointers[wanted] != NULL)
            wanted++;
        for (size_t e = 0; e < wanted && e < errors.kept; e++) {
            if (strcmp(errors.items[e].pointer, bads[i].pointers[e]) != 0)
                fail_msg("dossier %zu: %s at %s, not at %s", i, errors.items[e].text,
                    errors.items[e].pointer, bads[i].pointers[e]);
        }
        if (errors.count != wanted)
            fail_msg("dossier %zu: %zu errors", i, errors.count);
        assert_int_equal(status, errors.items[0].status);
        assert_int_equal(edits.count, 0);
        assert_int_equal(err.status, status);
        veld_json_errors_release(&errors);
    }
}

static void texts_of_errors_hold_no_values(void **state)
{
    fixture *f = *state;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_edits edits;
    veld_dossier_context context = context_of(f, NULL, &errors);
    assert_int_equal(veld_dossier_check(&context,
                         veld_span_text("{\"records\":[{\"type\":\"geheim\",\"ref\":\"ge heim\","
                                        "\"record\":\"geheim\",\"fields\":{}},"
                                        "{\"type\":\"person\",\"fields\":{\"name\":\"geheim\\n\","
                                        "\"sex\":\"geheim\",\"birthDate\":\"geheim\"}}]}"),
                         &edits, NULL),
        VELD_E_INVALID);
    assert_true(errors.count >= 6);
    for (size_t i = 0; i < errors.kept; i++)
        assert_null(strstr(errors.items[i].text, "heim"));
    veld_json_errors_release(&errors);
}

static void a_case_record_may_be_optional(void **state)
{
    fixture *f = *state;
    veld_edits edits;
    veld_dossier_context context = context_of(f, NULL, NULL);
    veld_span dossier =
        veld_span_text("{\"records\":[{\"type\":\"person\",\"fields\":{\"name\":\"A\"}}]}");
    assert_int_equal(veld_dossier_check(&context, dossier, &edits, NULL), VELD_E_INVALID);
    context.case_optional = true;
    assert_ok(veld_dossier_check(&context, dossier, &edits, NULL));
    assert_int_equal(edits.count, 1);
    dossier = veld_span_text("{\"records\":[" CASE_RECORD "," CASE_RECORD "]}");
    assert_int_equal(veld_dossier_check(&context, dossier, &edits, NULL), VELD_E_INVALID);
}

/* ---- one record, and its fields ---- */

static veld_status record_of(
    fixture *f, const char *type, const char *json, veld_id *id, veld_edits *edits)
{
    veld_dossier_context context = context_of(f, f->state, NULL);
    return veld_dossier_check_record(
        &context, veld_span_text(type), veld_span_text(json), id, edits, NULL);
}

static void one_record_is_checked_against_the_case(void **state)
{
    fixture *f = *state;
    veld_id id;
    veld_edits edits;
    fixture_act(f, &(act){.record = 1, .type = "person", .field = "name", .value = "\"A\""});
    assert_ok(record_of(f, "note",
        "{\"fields\":{\"text\":\"t\",\"about\":[\"00000000-0000-0000-0000-000000000001\"]}}", &id,
        &edits));
    assert_int_equal(edits.count, 2);
    assert_true(veld_id_equal(&edits.items[0].record, &id));
    assert_ok(
        record_of(f, "note", "{\"record\":\"" UUID "\",\"fields\":{\"text\":\"t\"}}", &id, &edits));
    assert_int_equal(id.bytes[15], 0xAA);
    assert_int_equal(record_of(f, "note",
                         "{\"record\":\"00000000-0000-0000-0000-000000000001\","
                         "\"fields\":{\"text\":\"t\"}}",
                         &id, &edits),
        VELD_E_EXISTS);
    assert_int_equal(record_of(f, "note",
                         "{\"fields\":{\"text\":\"t\",\"visit\":"
                         "\"00000000-0000-0000-0000-000000000001\"}}",
                         &id, &edits),
        VELD_E_INVALID);
    assert_int_equal(
        record_of(f, "note", "{\"fields\":{\"text\":\"t\",\"speaker\":\"" UUID "\"}}", &id, &edits),
        VELD_E_INVALID);
    assert_int_equal(
        record_of(f, "of-a-newer-program", "{\"fields\":{\"a\":1}}", &id, &edits), VELD_E_INVALID);
    assert_int_equal(record_of(f, "note", "{\"text\":\"t\"}", &id, &edits), VELD_E_INVALID);
    assert_ok(record_of(f, "case", "{\"fields\":{\"title\":\"t\"}}", &id, &edits));
    fixture_act(f, &(act){.record = 2, .type = "case", .field = "title", .value = "\"A\""});
    assert_int_equal(
        record_of(f, "case", "{\"fields\":{\"title\":\"t\"}}", &id, &edits), VELD_E_INVALID);
}

static veld_status fields_of(
    fixture *f, uint8_t record, const char *text, veld_edits *edits, veld_json_errors *errors)
{
    veld_id id = fixture_id(record);
    veld_span assignment = veld_span_text(text);
    veld_dossier_context context = context_of(f, f->state, errors);
    return veld_dossier_check_fields(&context, &id, &assignment, 1, edits, NULL);
}

static void a_field_is_set_or_cleared(void **state)
{
    fixture *f = *state;
    veld_edits edits;
    fixture_act(f, &(act){.record = 1, .type = "person", .field = "name", .value = "\"A\""});
    assert_ok(fields_of(f, 1, "name=\"B=C\"", &edits, NULL));
    assert_int_equal(edits.count, 1);
    assert_int_equal(edits.items[0].kind, VELD_EDIT_SET);
    assert_span(edits.items[0].value, "\"B=C\"");
    assert_ok(fields_of(f, 1, "language= null ", &edits, NULL));
    assert_span(edits.items[0].value, "null");
    assert_int_equal(fields_of(f, 1, "name=null", &edits, NULL), VELD_E_INVALID);
    assert_int_equal(fields_of(f, 9, "name=\"B\"", &edits, NULL), VELD_E_NOT_FOUND);
}

static void errors_of_assignments_name_the_field(void **state)
{
    fixture *f = *state;
    fixture_act(f, &(act){.record = 1, .type = "person", .field = "name", .value = "\"A\""});
    veld_json_errors errors;
    veld_edits edits;
    veld_json_errors_init(&errors);
    veld_id id = fixture_id(1);
    const veld_span texts[] = {veld_span_text("name=B"), veld_span_text("language=[1,{\"a\":}]"),
        veld_span_text("shoe=1"), veld_span_text("name"), veld_span_text("name=\"B\""),
        veld_span_text("roles=[\"child\",3]")};
    veld_dossier_context context = context_of(f, f->state, &errors);
    assert_int_equal(veld_dossier_check_fields(&context, &id, texts, 6, &edits, NULL), VELD_E_FORM);
    const char *const pointers[] = {"/name", "/language/1/a", "/shoe", "", "/name", "/roles/1"};
    assert_int_equal(errors.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(errors.items[i].pointer, pointers[i]);
    veld_json_errors_release(&errors);
}

static void a_set_is_given_as_a_whole(void **state)
{
    fixture *f = *state;
    veld_edits edits;
    act add = {.record = 1, .type = "visit", .field = "workers", .value = "\"Ans\""};
    fixture_act(f, &add);
    add.value = "\"Bo\"";
    fixture_act(f, &add);
    assert_ok(fields_of(f, 1, "workers=[\"Bo\",\"Ans\"]", &edits, NULL));
    assert_int_equal(edits.count, 0);
    assert_ok(fields_of(f, 1, "workers=[\"Bo\",\"Cas\"]", &edits, NULL));
    assert_int_equal(edits.count, 2);
    assert_int_equal(edits.items[0].kind, VELD_EDIT_ADD);
    assert_span(edits.items[0].value, "\"Cas\"");
    assert_int_equal(edits.items[1].kind, VELD_EDIT_TAKE_OUT);
    assert_span(edits.items[1].value, "\"Ans\"");
    assert_ok(fields_of(f, 1, "workers=null", &edits, NULL));
    assert_int_equal(edits.count, 2);
    add.field = "outcome";
    add.value = "\"spoken\"";
    fixture_act(f, &add);
    assert_ok(fields_of(f, 1, "outcome=[\"refused\"]", &edits, NULL));
    assert_int_equal(edits.count, 1);
    assert_int_equal(fields_of(f, 1, "outcome=null", &edits, NULL), VELD_E_INVALID);
}

static void write_once_means_once(void **state)
{
    fixture *f = *state;
    veld_edits edits;
    act first = {.record = 1, .type = "note", .field = "text", .value = "\"t\""};
    fixture_act(f, &first);
    assert_ok(fields_of(f, 1, "kind=\"fact\"", &edits, NULL));
    first.field = "kind";
    first.value = "\"fact\"";
    fixture_act(f, &first);
    assert_ok(fields_of(f, 1, "kind=\"fact\"", &edits, NULL));
    assert_int_equal(fields_of(f, 1, "kind=\"judgement\"", &edits, NULL), VELD_E_INVALID);
    assert_int_equal(fields_of(f, 1, "kind=null", &edits, NULL), VELD_E_INVALID);
    first.value = "\"judgement\"";
    fixture_act(f, &first);
    assert_ok(fields_of(f, 1, "kind=\"judgement\"", &edits, NULL)); /* a person chooses */
    assert_int_equal(fields_of(f, 1, "kind=\"statement\"", &edits, NULL), VELD_E_INVALID);
}

static void what_was_removed_is_not_edited_or_named(void **state)
{
    fixture *f = *state;
    veld_edits edits;
    veld_write_id seen =
        fixture_act(f, &(act){.record = 1, .type = "person", .field = "name", .value = "\"A\""});
    fixture_act(f, &(act){.record = 1,
                       .type = "person",
                       .field = VELD_FIELD_REMOVED,
                       .value = "true",
                       .basis = &seen,
                       .basis_count = 1});
    fixture_act(f, &(act){.record = 2, .type = "note", .field = "text", .value = "\"t\""});
    assert_int_equal(fields_of(f, 1, "name=\"B\"", &edits, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(
        fields_of(f, 2, "speaker=\"00000000-0000-0000-0000-000000000001\"", &edits, NULL),
        VELD_E_INVALID);
}

static void no_memory_is_told_at_every_step(void **state)
{
    fixture *f = *state;
    for (uint64_t n = 1;; n++) {
        veld_edits edits;
        veld_dossier_context context = context_of(f, NULL, NULL);
        test_fail_allocation(n, true);
        veld_status status = veld_dossier_check(
            &context, veld_span_text(PERSON("\"name\":\"A\",\"roles\":[\"child\"]")), &edits, NULL);
        test_fail_allocation(0, false);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
        assert_int_equal(edits.count, 0);
        veld_arena_release(&f->arena);
    }
    veld_allocator_set(NULL);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(a_dossier_becomes_edits),
        CASE_TEST(all_that_is_wrong_is_told),
        CASE_TEST(texts_of_errors_hold_no_values),
        CASE_TEST(a_case_record_may_be_optional),
        CASE_TEST(one_record_is_checked_against_the_case),
        CASE_TEST(a_field_is_set_or_cleared),
        CASE_TEST(errors_of_assignments_name_the_field),
        CASE_TEST(a_set_is_given_as_a_whole),
        CASE_TEST(write_once_means_once),
        CASE_TEST(what_was_removed_is_not_edited_or_named),
        CASE_TEST(no_memory_is_told_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
