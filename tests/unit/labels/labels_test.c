/* What people read of a record comes from the schemas; what these do not know is said by its own
 * name. */
#include "veld_test.h"

#include "veldkit/labels.h"

static const veld_cli_program program = {.name = "test"};

typedef struct screen {
    veld_schema_set *schemas;
    veld_cli_call call;
} screen;

static int open_screen(void **state)
{
    static screen s;
    veld_cli_init(&s.call, &program);
    assert_ok(veld_schema_set_new(&s.schemas, NULL));
    *state = &s;
    return 0;
}

static int close_screen(void **state)
{
    screen *s = *state;
    veld_cli_release(&s->call);
    veld_schema_set_free(s->schemas);
    return 0;
}

static void reads(screen *s, const char *text)
{
    assert_ok(veld_buf_append_byte(&s->call.out, 0));
    assert_string_equal((const char *)s->call.out.data, text);
    veld_buf_clear(&s->call.out);
}

static void shows(
    screen *s, const char *type, const char *field, const char *json, const char *text)
{
    const veld_schema_field *known =
        veld_label_schema(s->schemas, veld_span_text(type), veld_span_text(field));
    assert_ok(veld_label_say_canonical(&s->call, known, veld_span_text(json)));
    reads(s, text);
}

static void values_are_said_as_people_say_them(void **state)
{
    screen *s = *state;
    shows(s, "case", "acuteDanger", "true", "ja");
    shows(s, "case", "acuteDanger", "null", "(leeg)");
    shows(s, "case", "openedAt", "\"2026-07-01T12:00:00Z\"", "2026-07-01 14:00:00");
    shows(s, "case", "openedAt", "\"gisteren\"", "gisteren");
    shows(s, "person", "sex", "\"female\"", "Vrouw");
    shows(s, "person", "sex", "\"martian\"", "martian");
    shows(s, "person", "roles", "[\"child\",\"victim\"]", "Kind, Slachtoffer");
    shows(s, "person", "roles", "[]", "(leeg)");
    shows(s, "person", "shoeSize", "[41,true]", "41, ja");
    shows(s, "ufo", "colour", "\"green\"", "green");
    shows(s, "person", "name", "\"A\\u001b[2J\"", "A?[2J");
}

static void a_record_is_said_with_its_labels_and_without_its_proof(void **state)
{
    static const char *const records =
        "[{\"conflicts\":[\"what\"],\"fields\":{\"what\":\"Oma haalt op\"},\"record\":\"r1\","
        "\"type\":\"safety-agreement\"},"
        "{\"conflicts\":[],\"fields\":{\"decidedBy\":\"carla\",\"field\":\"what\",\"record\":"
        "\"r1\",\"signature\":\"x\",\"signer\":\"y\",\"statement\":\"z\"},\"record\":\"r2\","
        "\"removed\":true,\"type\":\"decision\"},"
        "{\"conflicts\":[],\"fields\":{\"speed\":3},\"record\":\"r3\",\"type\":\"ufo\"}]";
    screen *s = *state;
    veld_json_doc *doc = NULL;
    assert_ok(veld_json_parse(veld_span_text(records), VELD_JSON_CANONICAL, &doc, NULL, NULL));
    const veld_json_value *one = veld_json_first(veld_json_root(doc));
    for (; one != NULL; one = veld_json_next(one))
        assert_ok(veld_label_say_record(&s->call, s->schemas, one, veld_json_root(doc)));
    veld_json_doc_free(doc);
    reads(s, "Veiligheidsafspraak  r1\n"
             "  Wat: Oma haalt op\n"
             "  Hier moet iemand kiezen: Wat\n"
             "Beslissing  r2  (weggehaald)\n"
             "  Gekozen door: carla\n"
             "  Veld: Wat\n"
             "  Onderdeel: r1\n"
             "ufo  r3\n"
             "  speed: 3\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            values_are_said_as_people_say_them, open_screen, close_screen),
        cmocka_unit_test_setup_teardown(
            a_record_is_said_with_its_labels_and_without_its_proof, open_screen, close_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
