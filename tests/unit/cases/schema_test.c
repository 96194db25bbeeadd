/* The embedded schemas pass the checker; the checker finds all that is wrong with bad ones. */
#include "veld_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/schema.h"

static void the_embedded_schemas_are_right(void **state)
{
    (void)state;
    veld_json_errors errors;
    veld_json_errors_init(&errors);
    veld_schema_set *set = NULL;
    size_t count;
    const veld_schema_source *files = veld_schema_embedded(&count);
    veld_status status = veld_schema_set_read(files, count, &set, &errors, NULL);
    for (size_t i = 0; i < errors.kept; i++)
        print_message("%s: %s\n", errors.items[i].pointer, errors.items[i].text);
    assert_ok(status);
    assert_int_equal(errors.count, 0);
    assert_true(count >= 9);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(files[i - 1].name, files[i].name) < 0);
    veld_schema_set_free(set);
    veld_json_errors_release(&errors);
}

/* A schema that is forgotten in the list would be shown raw and refused when saved. */
static void every_schema_file_is_embedded(void **state)
{
    (void)state;
    static const char ending[] = ".schema.json";
    const char *tree = getenv("VELD_SOURCE_DIR");
    char folder[1024];
    size_t embedded, found = 0;
    veld_schema_set *set = NULL;
    assert_non_null(tree);
    assert_true((size_t)snprintf(folder, sizeof folder, "%s/proto/records", tree) < sizeof folder);
    assert_ok(veld_schema_set_new(&set, NULL));
    (void)veld_schema_list(set, &embedded);
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *file = readdir(listing); file != NULL; file = readdir(listing)) {
        size_t len = strlen(file->d_name);
        if (len < sizeof ending || strcmp(file->d_name + len + 1 - sizeof ending, ending) != 0)
            continue;
        found++;
        if (veld_schema_get(set, veld_span_of(file->d_name, len + 1 - sizeof ending)) == NULL)
            fail_msg("%s is not in proto/EmbedRecords.cmake", file->d_name);
    }
    closedir(listing);
    assert_int_equal(found, embedded);
    veld_schema_set_free(set);
}

static void what_is_not_known_is_answered_with_what_may_be_meant(void **state)
{
    (void)state;
    char near[VELD_SCHEMA_NEAR_BYTES_MAX];
    veld_schema_set *set = NULL;
    veld_error reason;
    veld_json_doc *doc = NULL;
    assert_ok(veld_schema_set_new(&set, NULL));
    static const char *const types[][2] = {
        {"persoon", "person"},                /* by its label */
        {"agreement", "safety-agreement"},    /* by a part */
        {"vist", "visit"},                    /* a slip */
        {"Notitie", "legal-note, note"},      /* the label of both holds it */
        {"emergency-acces", ""}, {"zzz", ""}, /* the program's own; nothing */
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        veld_schema_near got = veld_schema_near_types(set, veld_span_text(types[i][0]), near);
        assert_string_equal(near, types[i][1]);
        assert_int_equal(got, near[0] == '\0' ? VELD_SCHEMA_NEAR_NONE : VELD_SCHEMA_NEAR_SOME);
    }
    const veld_schema *agreement = veld_schema_get(set, veld_span_text("safety-agreement"));
    assert_int_equal(
        veld_schema_near_fields(agreement, veld_span_text("x"), near), VELD_SCHEMA_NEAR_ALL);
    assert_string_equal(near, "who, what, where, when, supervisor, emergencyNumber");
    const veld_schema *person = veld_schema_get(set, veld_span_text("person"));
    assert_int_equal(veld_schema_near_fields(person, veld_span_text("geboortedatum"), near),
        VELD_SCHEMA_NEAR_SOME);
    assert_string_equal(near, "birthDate");
    const veld_schema_field *sex = veld_schema_field_get(person, veld_span_text("sex"));
    assert_ok(veld_json_parse(veld_span_text("\"vrouw\""), VELD_JSON_STRICT, &doc, NULL, NULL));
    assert_int_equal(veld_schema_value_check(sex, veld_json_root(doc), &reason), VELD_E_INVALID);
    assert_string_equal(reason.text, "one of these values expected: female, male, other, unknown");
    veld_json_doc_free(doc);
    veld_schema_set_free(set);
}

static void schemas_and_fields_are_found(void **state)
{
    (void)state;
    veld_schema_set *set = NULL;
    assert_ok(veld_schema_set_new(&set, NULL));
    size_t count;
    const veld_schema *list = veld_schema_list(set, &count);
    assert_true(count >= 9);
    assert_string_equal((const char *)list[0].type.data, "address");
    assert_int_equal(list[0].compartment, VELD_COMPARTMENT_ADDRESS);
    assert_int_equal(
        veld_schema_get(set, veld_span_text("case"))->compartment, VELD_COMPARTMENT_MAIN);
    assert_int_equal(
        veld_schema_get(set, veld_span_text("dossier"))->compartment, VELD_COMPARTMENT_ANY);
    const veld_schema *person = veld_schema_get(set, veld_span_text("person"));
    assert_non_null(person);
    assert_string_equal((const char *)person->title.data, "Persoon");
    const veld_schema_field *name = veld_schema_field_get(person, veld_span_text("name"));
    assert_non_null(name);
    assert_int_equal(name->kind, VELD_KIND_TEXT);
    assert_int_equal(name->policy, VELD_POLICY_LAST_WRITER);
    assert_true(name->required);
    assert_int_equal(name->max, 200);
    const veld_schema *note = veld_schema_get(set, veld_span_text("note"));
    const veld_schema_field *text = veld_schema_field_get(note, veld_span_text("text"));
    assert_non_null(text);
    assert_int_equal(text->policy, VELD_POLICY_MERGE_TEXT);
    assert_int_equal(text->merge_not_count, 4);
    const veld_schema_field *about = veld_schema_field_get(note, veld_span_text("about"));
    assert_non_null(about);
    assert_string_equal((const char *)about->to.data, "person");
    assert_true(veld_policy_is_set(about->policy));
    assert_null(veld_schema_get(set, veld_span_text("of-a-newer-program")));
    assert_null(veld_schema_field_get(person, veld_span_text("bsn")));
    assert_null(veld_schema_field_get(NULL, veld_span_text("name")));
    veld_schema_set_free(set);
}

typedef struct bad {
    const char *schema;
    const char *pointers[4]; /* of the errors, in this order; NULL ends */
} bad;

#define HEAD  "{\"type\":\"x\",\"version\":1,\"title\":\"X\",\"fields\":"
#define FIELD HEAD "{\"a\":{\"label\":\"A\","
#define CHOICE                                                                                     \
    FIELD "\"kind\":\"choice\",\"policy\":\"most-protective\",\"values\":[{\"value\":\"b\","       \
          "\"label\":"                                                                             \
          "\"B\"},{\"value\":\"c\",\"label\":\"C\"}],\"protective\":"
static const bad bads[] = {
    {"{", {"/x"}},
    {"[]", {"/x"}},
    {"{\"type\":\"x\",\"version\":1,\"version\":2}", {"/x/version"}},
    {HEAD "{}}", {"/x/fields"}},
    {HEAD "[]}", {"/x/fields"}},
    {"{\"type\":\"y\",\"version\":0,\"title\":\"\",\"fields\":{}}",
        {"/x/type", "/x/title", "/x/version", "/x/fields"}},
    {HEAD "{\"a\":7}}", {"/x/fields/a"}},
    {HEAD "{\"A b\":{\"label\":\"A\",\"kind\":\"boolean\",\"policy\":\"last-writer\"}}}",
        {"/x/fields/A b"}},
    {HEAD "{\"a\":{}}}", {"/x/fields/a/label", "/x/fields/a/kind", "/x/fields/a/policy"}},
    {FIELD "\"kind\":\"tekst\",\"policy\":\"lww\"}}}", {"/x/fields/a/kind", "/x/fields/a/policy"}},
    {FIELD "\"kind\":\"text\",\"policy\":\"last-writer\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"text\",\"min\":0,\"max\":9,\"policy\":\"last-writer\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"text\",\"min\":5,\"max\":4,\"policy\":\"last-writer\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"long-text\",\"min\":1,\"max\":99999,\"policy\":\"last-writer\"}}}",
        {"/x/fields/a"}},
    {FIELD "\"kind\":\"date\",\"min\":1,\"policy\":\"last-writer\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"grow-only\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"last-writer\",\"values\":[],\"to\":\"x\"}}}",
        {"/x/fields/a", "/x/fields/a"}},
    {FIELD "\"kind\":\"reference\",\"policy\":\"last-writer\"}}}", {"/x/fields/a/to"}},
    {FIELD "\"kind\":\"reference\",\"to\":\"y\",\"policy\":\"last-writer\"}}}", {"/x/fields/a/to"}},
    {FIELD "\"kind\":\"choice\",\"policy\":\"last-writer\"}}}", {"/x/fields/a"}},
    {FIELD "\"kind\":\"choice\",\"values\":[{\"value\":\"b\",\"label\":\"B\"},"
           "{\"value\":\"b\"}],\"policy\":\"last-writer\"}}}",
        {"/x/fields/a/values/1/label", "/x/fields/a/values/1"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"last-writer\",\"color\":1,\"required\":1}}}",
        {"/x/fields/a/color", "/x/fields/a/required"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"most-protective\"}}}", {"/x/fields/a/protective"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"most-restrictive\",\"protective\":\"yes\"}}}",
        {"/x/fields/a/protective"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"last-writer\",\"protective\":true}}}",
        {"/x/fields/a/protective"}},
    {FIELD "\"kind\":\"date\",\"policy\":\"person-decides\",\"protective\":\"higher\"}}}",
        {"/x/fields/a/protective"}},
    {FIELD "\"kind\":\"text\",\"min\":1,\"max\":9,\"policy\":\"most-protective\","
           "\"protective\":\"earlier\"}}}",
        {"/x/fields/a/protective"}},
    {CHOICE "[\"b\"]}}}", {"/x/fields/a/protective"}},
    {CHOICE "[\"b\",\"c\",\"b\"]}}}", {"/x/fields/a/protective"}},
    {CHOICE "[\"b\",[]]}}}", {"/x/fields/a/protective"}},
    {CHOICE "[\"b\",[\"c\",\"d\"]]}}}", {"/x/fields/a/protective"}},
    {CHOICE "[null,\"b\",[\"c\",null]]}}}", {"/x/fields/a/protective"}},
    {CHOICE "{\"b\":1}}}}", {"/x/fields/a/protective"}},
    {FIELD "\"kind\":\"boolean\",\"policy\":\"last-writer\",\"critical\":1,\"urgent\":\"\"}}}",
        {"/x/fields/a/critical", "/x/fields/a/urgent"}},
};

static void everything_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        veld_schema_source source = {"x", veld_span_text(bads[i].schema)};
        veld_schema_set *set = NULL;
        veld_json_errors errors;
        veld_error err = {0};
        veld_json_errors_init(&errors);
        assert_int_not_equal(veld_schema_set_read(&source, 1, &set, &errors, &err), VELD_OK);
        assert_null(set);
        assert_true(err.text[0] != 0);
        size_t wanted = 0;
        while (wanted < 4 && bads[i].pointers[wanted] != NULL)
            wanted++;
        for (size_t e = 0; e < wanted && e < errors.kept; e++) {
            if (strcmp(errors.items[e].pointer, bads[i].pointers[e]) != 0)
                fail_msg("schema %zu: %s at %s, not at %s", i, errors.items[e].text,
                    errors.items[e].pointer, bads[i].pointers[e]);
        }
        assert_int_equal(errors.count, wanted);
        veld_json_errors_release(&errors);
    }
}

static void one_type_has_one_schema(void **state)
{
    (void)state;
    size_t count;
    const veld_schema_source *files = veld_schema_embedded(&count);
    veld_schema_source twice[64];
    assert_true(count < 64);
    for (size_t i = 0; i < count; i++)
        twice[i] = files[i];
    twice[count] = files[2];
    veld_schema_set *set = NULL;
    assert_int_equal(veld_schema_set_read(twice, count + 1, &set, NULL, NULL), VELD_E_INVALID);
}

static veld_status check(const char *type, const char *field, const char *json)
{
    veld_schema_set *set = NULL;
    veld_json_doc *doc = NULL;
    assert_ok(veld_schema_set_new(&set, NULL));
    assert_ok(veld_json_parse(veld_span_text(json), VELD_JSON_STRICT, &doc, NULL, NULL));
    const veld_schema_field *found =
        veld_schema_field_get(veld_schema_get(set, veld_span_text(type)), veld_span_text(field));
    assert_non_null(found);
    veld_status status = veld_schema_value_check(found, veld_json_root(doc), NULL);
    veld_json_doc_free(doc);
    veld_schema_set_free(set);
    return status;
}

static void values_are_held_against_kind_and_bounds(void **state)
{
    (void)state;
    assert_ok(check("person", "name", "\"Z\""));
    assert_int_equal(check("person", "name", "\"\""), VELD_E_INVALID);
    assert_int_equal(check("person", "name", "\"  \""), VELD_E_INVALID);
    assert_int_equal(check("person", "name", "\"a\\nb\""), VELD_E_INVALID);
    assert_int_equal(check("person", "name", "\"a\\u0085b\""), VELD_E_INVALID);
    assert_int_equal(check("person", "name", "7"), VELD_E_INVALID);
    assert_int_equal(check("person", "name", "[\"a\"]"), VELD_E_INVALID);
    assert_ok(check("note", "text", "\"a\\n\\tb\""));
    assert_int_equal(check("note", "text", "\"a\\rb\""), VELD_E_INVALID);
    assert_ok(check("person", "birthDate", "\"2024-02-29\""));
    assert_int_equal(check("person", "birthDate", "\"2023-02-29\""), VELD_E_INVALID);
    assert_int_equal(check("person", "birthDate", "\"29-02-2024\""), VELD_E_INVALID);
    assert_ok(check("visit", "plannedAt", "\"2026-03-29T03:30:00+02:00\""));
    assert_int_equal(check("visit", "plannedAt", "\"2026-03-29T03:30:00\""), VELD_E_INVALID);
    assert_int_equal(check("visit", "plannedAt", "\"2026-02-30T03:30:00Z\""), VELD_E_INVALID);
    assert_ok(check("person", "sex", "\"other\""));
    assert_int_equal(check("person", "sex", "\"Other\""), VELD_E_INVALID);
    assert_ok(check("person", "interpreter", "true"));
    assert_int_equal(check("person", "interpreter", "\"true\""), VELD_E_INVALID);
    assert_ok(check("safety-plan", "version", "1"));
    assert_int_equal(check("safety-plan", "version", "0"), VELD_E_INVALID);
    assert_int_equal(check("safety-plan", "version", "10000"), VELD_E_INVALID);
    assert_int_equal(check("note", "visit", "\"morgen\""), VELD_E_INVALID);
    assert_int_equal(check("note", "visit", "null"), VELD_E_INVALID);
}

/* 200 characters of three bytes each are within 200 characters; 201 letters are not. */
static void bounds_count_characters_and_not_bytes(void **state)
{
    (void)state;
    char text[1024] = "\"";
    size_t at = 1;
    for (size_t i = 0; i < 200; i++, at += 3)
        memcpy(text + at, "\xE2\x82\xAC", 3);
    memcpy(text + at, "\"", 2);
    assert_ok(check("person", "name", text));
    memset(text + 1, 'a', 201);
    memcpy(text + 202, "\"", 2);
    assert_int_equal(check("person", "name", text), VELD_E_INVALID);
}

static int64_t protection(const char *order, const char *kind, const char *value)
{
    char text[512];
    int len = snprintf(text, sizeof text,
        FIELD "\"policy\":\"person-decides\",\"protective\":%s,%s}}}", order, kind);
    assert_true(len > 0 && (size_t)len < sizeof text);
    veld_schema_source source = {"x", veld_span_text(text)};
    veld_schema_set *set = NULL;
    assert_ok(veld_schema_set_read(&source, 1, &set, NULL, NULL));
    const veld_schema_field *field =
        veld_schema_field_get(veld_schema_get(set, veld_span_text("x")), veld_span_text("a"));
    int64_t found = veld_schema_protection(field, veld_span_text(value));
    veld_schema_set_free(set);
    return found;
}

#define THREE                                                                                      \
    "\"kind\":\"choice\",\"values\":[{\"value\":\"b\",\"label\":\"B\"},{\"value\":\"c\","          \
    "\"label\":"                                                                                   \
    "\"C\"},{\"value\":\"d\",\"label\":\"D\"}]"

/* Each line from least to most. */
static void what_protects_more_is_said_by_the_schema(void **state)
{
    (void)state;
    static const struct {
        const char *order, *kind, *values[5];
    } lines[] = {
        {"[\"d\",\"c\",\"b\"]", THREE, {"null", "\"x\"", "\"b\"", "\"c\"", "\"d\""}},
        {"[\"d\",[\"c\",null],\"b\"]", THREE, {"7", "\"b\"", "null", "\"d\""}},
        {"true", "\"kind\":\"boolean\"", {"null", "\"true\"", "false", "true"}},
        {"false", "\"kind\":\"boolean\"", {"null", "0", "true", "false"}},
        {"\"earlier\"", "\"kind\":\"date\"",
            {"null", "\"2026-02-30\"", "\"2026-03-02\"", "\"2026-02-28\"", "\"0000-01-01\""}},
        {"\"later\"", "\"kind\":\"instant\"",
            {"null", "\"2026-03-02\"", "\"2026-03-02T10:00:00+01:00\"",
                "\"2026-03-02T09:30:00Z\""}},
        {"\"higher\"", "\"kind\":\"integer\",\"min\":-9,\"max\":99",
            {"null", "\"9\"", "-9007199254740991", "3", "20"}},
        {"\"lower\"", "\"kind\":\"integer\",\"min\":-9,\"max\":99",
            {"null", "1.5", "9007199254740991", "3", "-3"}},
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        for (size_t v = 1; v < 5 && lines[i].values[v] != NULL; v++) {
            int64_t less = protection(lines[i].order, lines[i].kind, lines[i].values[v - 1]);
            int64_t more = protection(lines[i].order, lines[i].kind, lines[i].values[v]);
            if (less >= more)
                fail_msg("line %zu: %s does not protect more", i, lines[i].values[v]);
        }
    }
    const char *alike = "[[\"b\",\"d\"],\"c\"]";
    assert_true(protection(alike, THREE, "\"b\"") == protection(alike, THREE, "\"d\""));
}

static void risk_and_urgency_follow_from_the_schema(void **state)
{
    (void)state;
    veld_schema_set *set = NULL;
    assert_ok(veld_schema_set_new(&set, NULL));
    static const struct {
        const char *type, *field;
        veld_risk risk;
        bool urgent;
    } fields[] = {
        {"case", "priorityCode", VELD_RISK_TWO, true},
        {"case", "acuteDanger", VELD_RISK_TWO, true},
        {"case", "restricted", VELD_RISK_PERSON, false},
        {"case", "title", VELD_RISK_AUTO, false},
        {"person", "roles", VELD_RISK_AUTO, false},
        {"person", "birthDate", VELD_RISK_PERSON, false},
        {"incident", "weapon", VELD_RISK_PERSON, true},
        {"incident", "unknown", VELD_RISK_PERSON, true},
        {"unknown", "acuteDanger", VELD_RISK_PERSON, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        veld_span type = veld_span_text(fields[i].type);
        veld_span field = veld_span_text(fields[i].field);
        const veld_schema_field *found = veld_schema_field_get(veld_schema_get(set, type), field);
        assert_int_equal(veld_schema_risk(found), fields[i].risk);
        assert_int_equal(veld_schema_is_urgent(set, type, field), fields[i].urgent);
    }
    const veld_schema *agreement = veld_schema_get(set, veld_span_text("safety-agreement"));
    assert_int_equal(veld_schema_removal_risk(agreement), VELD_RISK_TWO);
    const veld_schema *note = veld_schema_get(set, veld_span_text("note"));
    assert_int_equal(veld_schema_removal_risk(note), VELD_RISK_PERSON);
    assert_int_equal(veld_schema_removal_risk(NULL), VELD_RISK_PERSON);
    veld_schema_set_free(set);
}

static void no_memory_is_told_at_every_step(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        veld_schema_set *set = NULL;
        test_fail_allocation(n, true);
        veld_status status = veld_schema_set_new(&set, NULL);
        test_fail_allocation(0, false);
        veld_schema_set_free(set);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
        assert_null(set);
    }
    veld_allocator_set(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_embedded_schemas_are_right),
        cmocka_unit_test(every_schema_file_is_embedded),
        cmocka_unit_test(what_is_not_known_is_answered_with_what_may_be_meant),
        cmocka_unit_test(schemas_and_fields_are_found),
        cmocka_unit_test(everything_wrong_is_told_with_its_place),
        cmocka_unit_test(one_type_has_one_schema),
        cmocka_unit_test(values_are_held_against_kind_and_bounds),
        cmocka_unit_test(bounds_count_characters_and_not_bytes),
        cmocka_unit_test(what_protects_more_is_said_by_the_schema),
        cmocka_unit_test(risk_and_urgency_follow_from_the_schema),
        cmocka_unit_test(no_memory_is_told_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
