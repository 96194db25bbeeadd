/* The JSON that scripts rely on, byte by byte. */
#include "veld_test.h"

#include <string.h>

#include "fixture.h"
#include "veldkit/view.h"

#define R(n) "00000000-0000-0000-0000-0000000000" n

static void put(fixture *f, uint8_t record, const char *type, const char *field, const char *value)
{
    fixture_act(f, &(act){.record = record,
                       .type = type,
                       .field = field,
                       .value = value,
                       .device = record,
                       .hybrid_ms = f->made});
}

static void assert_case(fixture *f, const char *expected)
{
    veld_buf out;
    veld_json_writer writer;
    veld_place place = {.case_id = fixture_id(0x99), .dossier = fixture_id(0x99)};
    veld_view_part part = {.case_id = place.case_id, .state = f->state};
    veld_buf_init(&out, 1 << 20);
    veld_json_writer_init(&writer, &out);
    assert_ok(veld_view_case(
        &place, &part, 1, veld_span_text("abc"), f->schemas, &f->arena, &writer, NULL));
    assert_ok(veld_json_writer_finish(&writer, NULL));
    const char *text;
    assert_ok(veld_buf_text(&out, &text));
    assert_string_equal(text, expected);
    veld_buf_release(&out);
}

static void a_case_shows_its_records_by_type_and_id(void **state)
{
    fixture *f = *state;
    assert_case(f, "{\"case\":\"" R("99") "\",\"records\":[],\"stateId\":\"abc\"}");
    put(f, 4, "person", "name", "\"Bo\"");
    put(f, 2, "person", "name", "\"Al\"");
    put(f, 2, "person", "roles", "\"child\"");
    put(f, 2, "person", "language", "null");
    put(f, 7, "note", "text", "\"a\"");
    put(f, 7, "note", "text", "\"b\"");
    assert_case(f,
        "{\"case\":\"" R(
            "99") "\",\"records\":["
                  "{\"conflicts\":[\"text\"],\"fields\":{\"text\":\"b\"},\"record\":\"" R(
                      "07") "\",\"type\":\"note\"},"
                            "{\"conflicts\":[],\"fields\":{\"language\":null,\"name\":\"Al\","
                            "\"roles\":[\"child\"]},"
                            "\"record\":\"" R("02") "\",\"type\":\"person\"},"
                                                    "{\"conflicts\":[],\"fields\":{\"name\":\"Bo\"}"
                                                    ",\"record\":\"" R(
                                                        "04") "\",\"type\":\"person\"}"
                                                              "],\"stateId\":\"abc\"}");
}

static void a_removed_record_is_left_out_and_a_doubtful_one_is_not(void **state)
{
    fixture *f = *state;
    act name = {.record = 1, .type = "person", .field = "name", .value = "\"A\""};
    veld_write_id seen = fixture_act(f, &name);
    fixture_act(f, &(act){.record = 1,
                       .type = "person",
                       .field = VELD_FIELD_REMOVED,
                       .value = "true",
                       .basis = &seen,
                       .basis_count = 1});
    assert_case(f, "{\"case\":\"" R("99") "\",\"records\":[],\"stateId\":\"abc\"}");
    veld_view_summary summary;
    assert_ok(veld_view_summarise(f->state, f->schemas, &f->arena, &summary, NULL));
    assert_int_equal(summary.records, 0);
    put(f, 1, "person", "language", "\"Pools\"");
    assert_case(f,
        "{\"case\":\"" R("99") "\",\"records\":["
                               "{\"conflicts\":[\"@removed\"],\"fields\":{\"language\":\"Pools\","
                               "\"name\":\"A\"},"
                               "\"record\":\"" R(
                                   "01") "\",\"type\":\"person\"}],\"stateId\":\"abc\"}");
}

static void a_removed_record_that_is_asked_for_says_so(void **state)
{
    fixture *f = *state;
    act name = {.record = 1, .type = "person", .field = "name", .value = "\"A\""};
    veld_write_id seen = fixture_act(f, &name);
    fixture_act(f, &(act){.record = 1,
                       .type = "person",
                       .field = VELD_FIELD_REMOVED,
                       .value = "true",
                       .basis = &seen,
                       .basis_count = 1});
    veld_buf out;
    veld_json_writer writer;
    veld_buf_init(&out, 1 << 20);
    veld_json_writer_init(&writer, &out);
    veld_outlook outlook = veld_outlook_of(f->state, f->schemas, &f->arena);
    assert_ok(veld_view_record(&outlook, fixture_record(f, 1, "person"), &writer, NULL));
    assert_ok(veld_json_writer_finish(&writer, NULL));
    assert_span(
        veld_buf_span(&out), "{\"conflicts\":[],\"fields\":{\"name\":\"A\"},\"record\":\"" R(
                                 "01") "\",\"removed\":true,\"type\":\"person\"}");
    veld_buf_release(&out);
}

static veld_span worker(void *context, const veld_id *device)
{
    return device->bytes[15] == 5 ? veld_span_text(context) : (veld_span){0};
}

static void a_conflict_says_who_when_and_how_sure(void **state)
{
    fixture *f = *state;
    act side = {.record = 1, .type = "note", .field = "text", .value = "\"a\"", .device = 5};
    fixture_act(f, &side);
    side.value = "\"b\"";
    side.device = 6;
    side.hybrid_ms = 1;
    fixture_act(f, &side);
    const veld_conflict *conflicts = NULL;
    size_t count;
    veld_id case_id = fixture_id(0x99);
    assert_ok(
        veld_conflict_list(f->state, f->schemas, &case_id, &f->arena, &conflicts, &count, NULL));
    assert_int_equal(count, 1);
    veld_buf out;
    veld_json_writer writer;
    char name[] = "N. Smit";
    veld_view_names names = {.worker = worker, .context = name};
    veld_buf_init(&out, 1 << 20);
    veld_json_writer_init(&writer, &out);
    veld_place place = {
        .case_id = case_id, .dossier = fixture_id(0x98), .compartment = VELD_COMPARTMENT_ADDRESS};
    veld_view_conflict(&conflicts[0], &place, &names, &writer);
    assert_ok(veld_json_writer_finish(&writer, NULL));
    const char *text;
    assert_ok(veld_buf_text(&out, &text));
    char id[VELD_ID_TEXT_SIZE];
    veld_id_format(&conflicts[0].id, id);
    assert_non_null(strstr(text, id));
    static const char begins[] =
        "{\"base\":null,\"case\":\"" R("98") "\",\"compartment\":\"address\",\"conflict\":\"";
    assert_memory_equal(text, begins, sizeof begins - 1);
    assert_string_equal(strstr(text, ",\"effective\""),
        ",\"effective\":\"b\",\"field\":\"text\",\"integrity\":false,\"notes\":[],"
        "\"record\":\"" R(
            "01") "\",\"risk\":\"person\",\"sides\":["
                  "{\"clock\":\"anchored\",\"device\":\"" R(
                      "05") "\",\"received\":null,\"serverTime\":null,\"side\":1,\"skewed\":false,"
                            "\"time\":\"2026-03-"
                            "02T09:00:00.000+01:00\","
                            "\"value\":\"a\",\"worker\":\"N. Smit\"},"
                            "{\"clock\":\"anchored\",\"device\":\"" R(
                                "06") "\",\"received\":null,\"serverTime\":null,\"side\":2,"
                                      "\"skewed\":false,\"time\":"
                                      "\"2026-03-02T09:00:00.000+01:00\","
                                      "\"value\":\"b\",\"worker\":null}],\"type\":\"note\"}");
    veld_buf_release(&out);
}

static void a_list_knows_title_and_size(void **state)
{
    fixture *f = *state;
    veld_view_summary summary;
    assert_ok(veld_view_summarise(f->state, f->schemas, &f->arena, &summary, NULL));
    assert_span(summary.title, "null");
    assert_int_equal(summary.records, 0);
    put(f, 9, "case", "title", "\"later\"");
    put(f, 3, "case", "title", "\"Gezin\"");
    put(f, 1, "person", "name", "\"A\"");
    assert_ok(veld_view_summarise(f->state, f->schemas, &f->arena, &summary, NULL));
    assert_span(summary.title, "\"Gezin\"");
    assert_int_equal(summary.records, 3);
}

static void clocks_have_words(void **state)
{
    (void)state;
    assert_string_equal(veld_view_clock(VELD_CLOCK_STALE), "stale");
    assert_string_equal(veld_view_clock(VELD_CLOCK_UNANCHORED), "unanchored");
    assert_string_equal(veld_view_clock(VELD_CLOCK_SUSPECT), "suspect");
    assert_string_equal(veld_view_clock((veld_clock_quality)7), "unknown");
}

static void no_memory_is_told_at_every_step(void **state)
{
    fixture *f = *state;
    veld_id case_id = fixture_id(0x99);
    put(f, 3, "case", "title", "\"Gezin\"");
    put(f, 1, "person", "roles", "\"child\"");
    put(f, 1, "note", "text", "\"a\"");
    put(f, 1, "note", "text", "\"b\"");
    for (uint64_t n = 1;; n++) {
        veld_buf out;
        veld_json_writer writer;
        veld_view_summary summary;
        const veld_conflict *conflicts = NULL;
        size_t count = 0;
        veld_buf_init(&out, 1 << 20);
        veld_arena_release(&f->arena);
        test_fail_allocation(n, true);
        veld_json_writer_init(&writer, &out);
        veld_place place = {.case_id = case_id, .dossier = case_id};
        veld_view_part part = {.case_id = case_id, .state = f->state};
        veld_status status = veld_view_case(
            &place, &part, 1, veld_span_text(""), f->schemas, &f->arena, &writer, NULL);
        veld_status finished = veld_json_writer_finish(&writer, NULL);
        status = status == VELD_OK ? finished : status;
        if (status == VELD_OK)
            status = veld_view_summarise(f->state, f->schemas, &f->arena, &summary, NULL);
        if (status == VELD_OK)
            status = veld_conflict_list(
                f->state, f->schemas, &case_id, &f->arena, &conflicts, &count, NULL);
        test_fail_allocation(0, false);
        veld_buf_release(&out);
        if (status == VELD_OK)
            break;
        assert_true(status == VELD_E_MEMORY || status == VELD_E_CRYPTO);
        assert_int_equal(count, 0);
    }
    veld_allocator_set(NULL);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(a_case_shows_its_records_by_type_and_id),
        CASE_TEST(a_removed_record_is_left_out_and_a_doubtful_one_is_not),
        CASE_TEST(a_removed_record_that_is_asked_for_says_so),
        CASE_TEST(a_conflict_says_who_when_and_how_sure),
        CASE_TEST(a_list_knows_title_and_size),
        CASE_TEST(clocks_have_words),
        CASE_TEST(no_memory_is_told_at_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
