/* What each policy shows, with ties, equal values, cleared values and values that break a rule. */
#include "veld_test.h"

#include "fixture.h"
#include "veldkit/anchor.h"

static veld_write_id put(
    fixture *f, const char *type, const char *field, const char *value, int64_t ms)
{
    return fixture_act(
        f, &(act){.record = 1, .type = type, .field = field, .value = value, .hybrid_ms = ms});
}

static veld_write_id over(fixture *f, const char *type, const char *field, const char *value,
    int64_t ms, veld_write_id replaced)
{
    return fixture_act(f, &(act){.record = 1,
                              .type = type,
                              .field = field,
                              .value = value,
                              .hybrid_ms = ms,
                              .replaces = &replaced,
                              .replaces_count = 1});
}

static void the_last_writer_is_shown_without_asking(void **state)
{
    fixture *f = *state;
    put(f, "person", "name", "\"Anna\"", 20);
    put(f, "person", "name", "\"Bea\"", 10);
    veld_reading r = fixture_read(f, 1, "person", "name");
    assert_span(r.effective, "\"Anna\"");
    assert_false(r.conflict);
    assert_int_equal(r.sides_count, 2);
}

static void ties_go_by_count_then_by_change_id(void **state)
{
    fixture *f = *state;
    act one = {.record = 1,
        .type = "person",
        .field = "name",
        .value = "\"a\"",
        .hybrid_ms = 5,
        .hybrid_count = 2,
        .change = 9};
    fixture_act(f, &one);
    one.value = "\"b\"";
    one.change = 200;
    fixture_act(f, &one);
    one.value = "\"c\"";
    one.hybrid_count = 1;
    one.change = 250;
    fixture_act(f, &one);
    assert_span(fixture_read(f, 1, "person", "name").effective, "\"b\"");
    one.value = "\"d\"";
    one.hybrid_count = 3;
    one.change = 1;
    fixture_act(f, &one);
    assert_span(fixture_read(f, 1, "person", "name").effective, "\"d\"");
}

/* One clock of the year 9999 lifts the hybrid clock of everybody who follows. */
static void a_hybrid_clock_nobody_can_believe_orders_nothing(void **state)
{
    fixture *f = *state;
    act far = {.record = 1,
        .type = "person",
        .field = "name",
        .value = "\"ver\"",
        .hybrid_ms = VELD_CHANGE_TIME_MS_MAX,
        .wall_ms = VELD_CHANGE_TIME_MS_MAX,
        .server_ms = 1000000};
    act lifted = far;
    act later = far;
    fixture_act(f, &far);
    lifted.value = "\"opgetild\"";
    lifted.wall_ms = 1000000 + 500;
    fixture_act(f, &lifted);
    assert_span(fixture_read(f, 1, "person", "name").effective, "\"ver\"");
    later.value = "\"later\"";
    later.hybrid_ms = later.wall_ms = 1000000 + VELD_ANCHOR_AHEAD_MS + 1;
    later.server_ms = later.wall_ms;
    fixture_act(f, &later);
    assert_span(fixture_read(f, 1, "person", "name").effective, "\"later\"");
}

static void a_last_writer_may_clear(void **state)
{
    fixture *f = *state;
    put(f, "person", "language", "\"Pools\"", 10);
    put(f, "person", "language", "null", 20);
    veld_reading r = fixture_read(f, 1, "person", "language");
    assert_span(r.effective, "null");
    assert_false(r.conflict);
}

static void a_person_decides_between_different_values(void **state)
{
    fixture *f = *state;
    put(f, "note", "text", "\"twee\"", 30);
    veld_reading r = fixture_read(f, 1, "note", "text");
    assert_span(r.effective, "\"twee\"");
    assert_false(r.conflict);
    put(f, "note", "text", "\"een\"", 10);
    r = fixture_read(f, 1, "note", "text");
    assert_span(r.effective, "\"twee\"");
    assert_true(r.conflict);
    assert_false(r.integrity);
    assert_int_equal(r.sides_count, 2);
    assert_true(veld_write_id_compare(&r.sides[0].entry->id, &r.sides[1].entry->id) < 0);
}

static void equal_values_are_one(void **state)
{
    fixture *f = *state;
    put(f, "note", "text", "\"gelijk\"", 30);
    put(f, "note", "text", "\"gelijk\"", 10);
    assert_false(fixture_read(f, 1, "note", "text").conflict);
    put(f, "note", "text", "\"anders\"", 20);
    veld_reading r = fixture_read(f, 1, "note", "text");
    assert_true(r.conflict);
    assert_int_equal(r.sides_count, 3);
}

static void cleared_against_a_value_is_a_conflict(void **state)
{
    fixture *f = *state;
    veld_write_id first = put(f, "person", "birthDate", "\"1990-01-31\"", 1);
    over(f, "person", "birthDate", "null", 20, first);
    veld_reading r = fixture_read(f, 1, "person", "birthDate");
    assert_span(r.effective, "null");
    assert_false(r.conflict);
    over(f, "person", "birthDate", "\"1991-01-31\"", 10, first);
    r = fixture_read(f, 1, "person", "birthDate");
    assert_true(r.conflict);
    assert_span(r.effective, "null");
}

static void a_decision_that_names_all_sides_settles(void **state)
{
    fixture *f = *state;
    veld_write_id sides[2];
    sides[0] = put(f, "note", "text", "\"een\"", 10);
    sides[1] = put(f, "note", "text", "\"twee\"", 30);
    fixture_act(f, &(act){.record = 1,
                       .type = "note",
                       .field = "text",
                       .value = "\"een\"",
                       .hybrid_ms = 40,
                       .replaces = sides,
                       .replaces_count = 2});
    veld_reading r = fixture_read(f, 1, "note", "text");
    assert_false(r.conflict);
    assert_span(r.effective, "\"een\"");
    put(f, "note", "text", "\"drie\"", 5); /* a side that it did not name opens it again */
    assert_true(fixture_read(f, 1, "note", "text").conflict);
}

static void the_most_protective_value_wins_at_once_and_is_reviewed(void **state)
{
    fixture *f = *state;
    put(f, "case", "priorityCode", "\"orange\"", 30);
    put(f, "case", "priorityCode", "\"red\"", 10);
    veld_reading r = fixture_read(f, 1, "case", "priorityCode");
    assert_span(r.effective, "\"red\"");
    assert_true(r.conflict);
    assert_false(r.integrity);
    put(f, "case", "acuteDanger", "true", 10);
    put(f, "case", "acuteDanger", "null", 20);
    put(f, "case", "acuteDanger", "false", 30);
    assert_span(fixture_read(f, 1, "case", "acuteDanger").effective, "true");
    put(f, "case", "restricted", "true", 10);
    put(f, "case", "restricted", "true", 20);
    r = fixture_read(f, 1, "case", "restricted");
    assert_span(r.effective, "true");
    assert_false(r.conflict);
    put(f, "case", "restricted", "false", 30);
    r = fixture_read(f, 1, "case", "restricted");
    assert_span(r.effective, "true");
    assert_true(r.conflict);
}

static void what_is_not_known_to_be_safe_is_not_shown_as_safe(void **state)
{
    fixture *f = *state;
    put(f, "person", "phoneSafeToCall", "\"yes\"", 30);
    put(f, "person", "phoneSafeToCall", "null", 10);
    assert_span(fixture_read(f, 1, "person", "phoneSafeToCall").effective, "null");
    put(f, "person", "phoneSafeToCall", "\"onlyAtTimes\"", 5);
    assert_span(fixture_read(f, 1, "person", "phoneSafeToCall").effective, "\"onlyAtTimes\"");
}

static void meanwhile_the_more_protective_of_what_a_person_decides(void **state)
{
    fixture *f = *state;
    put(f, "safety-condition", "due", "\"2026-04-01\"", 10);
    put(f, "safety-condition", "due", "\"2026-05-01\"", 20);
    put(f, "safety-condition", "due", "null", 30);
    veld_reading r = fixture_read(f, 1, "safety-condition", "due");
    assert_span(r.effective, "\"2026-04-01\"");
    assert_true(r.conflict);
    assert_int_equal(r.sides_count, 3);
}

static void a_second_value_of_a_write_once_field_breaks_a_rule(void **state)
{
    fixture *f = *state;
    put(f, "note", "kind", "\"fact\"", 10);
    put(f, "note", "kind", "\"fact\"", 20);
    veld_reading r = fixture_read(f, 1, "note", "kind");
    assert_false(r.conflict);
    put(f, "note", "kind", "\"statement\"", 5);
    r = fixture_read(f, 1, "note", "kind");
    assert_true(r.conflict);
    assert_true(r.integrity);
    assert_span(r.effective, "\"statement\""); /* the earliest */
}

static void a_grow_only_set_shows_all_sorted(void **state)
{
    fixture *f = *state;
    put(f, "person", "roles", "\"victim\"", 10);
    put(f, "person", "roles", "\"child\"", 20);
    put(f, "person", "roles", "\"victim\"", 30);
    veld_reading r = fixture_read(f, 1, "person", "roles");
    assert_span(r.effective, "[\"child\",\"victim\"]");
    assert_false(r.conflict);
}

#define ID_A "\"00000000-0000-0000-0000-00000000000a\""
#define ID_B "\"00000000-0000-0000-0000-00000000000b\""

static void who_removes_from_a_set_removes_what_she_saw(void **state)
{
    fixture *f = *state;
    veld_write_id first = put(f, "visit", "present", ID_B, 10);
    put(f, "visit", "present", ID_A, 10);
    assert_span(fixture_read(f, 1, "visit", "present").effective, "[" ID_A "," ID_B "]");
    over(f, "visit", "present", "null", 20, first);
    assert_span(fixture_read(f, 1, "visit", "present").effective, "[" ID_A "]");
    put(f, "visit", "present", ID_B, 15); /* added elsewhere without knowing of the removal */
    veld_reading r = fixture_read(f, 1, "visit", "present");
    assert_span(r.effective, "[" ID_A "," ID_B "]");
    assert_false(r.conflict);
}

static void an_emptied_set_is_an_empty_array(void **state)
{
    fixture *f = *state;
    veld_write_id first = put(f, "visit", "present", ID_B, 10);
    over(f, "visit", "present", "null", 20, first);
    assert_span(fixture_read(f, 1, "visit", "present").effective, "[]");
}

static void a_clone_is_no_special_case(void **state)
{
    fixture *f = *state;
    act twin = {.record = 1,
        .type = "note",
        .field = "text",
        .value = "\"van de een\"",
        .device = 3,
        .hybrid_ms = 10};
    fixture_act(f, &twin);
    twin.value = "\"van de kloon\"";
    fixture_act(f, &twin);
    veld_reading r = fixture_read(f, 1, "note", "text");
    assert_true(r.conflict);
    assert_int_equal(r.sides_count, 2);
}

static void unknown_types_and_fields_are_shown_raw_and_ask(void **state)
{
    fixture *f = *state;
    put(f, "note", "mood", "{\"a\":[1,null]}", 10);
    veld_reading r = fixture_read(f, 1, "note", "mood");
    assert_span(r.effective, "{\"a\":[1,null]}");
    assert_false(r.conflict);
    put(f, "of-a-newer-program", "place", "1", 10);
    put(f, "of-a-newer-program", "place", "2", 20);
    r = fixture_read(f, 1, "of-a-newer-program", "place");
    assert_true(r.conflict);
    assert_false(r.integrity);
    assert_span(r.effective, "2");
}

static void a_value_against_the_schema_is_kept_and_told(void **state)
{
    fixture *f = *state;
    put(f, "person", "birthDate", "\"2023-02-30\"", 10);
    veld_reading r = fixture_read(f, 1, "person", "birthDate");
    assert_true(r.conflict);
    assert_true(r.integrity);
    assert_span(r.effective, "\"2023-02-30\"");
    put(f, "person", "roles", "7", 10);
    r = fixture_read(f, 1, "person", "roles");
    assert_true(r.integrity);
    assert_span(r.effective, "[7]");
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(the_last_writer_is_shown_without_asking),
        CASE_TEST(ties_go_by_count_then_by_change_id),
        CASE_TEST(a_hybrid_clock_nobody_can_believe_orders_nothing),
        CASE_TEST(a_last_writer_may_clear),
        CASE_TEST(a_person_decides_between_different_values),
        CASE_TEST(equal_values_are_one),
        CASE_TEST(cleared_against_a_value_is_a_conflict),
        CASE_TEST(a_decision_that_names_all_sides_settles),
        CASE_TEST(the_most_protective_value_wins_at_once_and_is_reviewed),
        CASE_TEST(what_is_not_known_to_be_safe_is_not_shown_as_safe),
        CASE_TEST(meanwhile_the_more_protective_of_what_a_person_decides),
        CASE_TEST(a_second_value_of_a_write_once_field_breaks_a_rule),
        CASE_TEST(a_grow_only_set_shows_all_sorted),
        CASE_TEST(who_removes_from_a_set_removes_what_she_saw),
        CASE_TEST(an_emptied_set_is_an_empty_array),
        CASE_TEST(a_clone_is_no_special_case),
        CASE_TEST(unknown_types_and_fields_are_shown_raw_and_ask),
        CASE_TEST(a_value_against_the_schema_is_kept_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
