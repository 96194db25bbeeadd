/* When a record is removed and when that asks: delete against edit, against delete, restore. */
#include "veld_test.h"

#include "fixture.h"

static veld_write_id edit(fixture *f, const char *field, const char *value)
{
    return fixture_act(
        f, &(act){.record = 1, .type = "safety-agreement", .field = field, .value = value});
}

static veld_write_id removal(fixture *f, const char *value, const veld_write_id *seen,
    size_t seen_count, const veld_write_id *replaces, size_t replaces_count)
{
    return fixture_act(f, &(act){.record = 1,
                              .type = "safety-agreement",
                              .field = VELD_FIELD_REMOVED,
                              .value = value,
                              .basis = seen,
                              .basis_count = seen_count,
                              .replaces = replaces,
                              .replaces_count = replaces_count});
}

static bool removed(const fixture *f)
{
    return veld_policy_removed(fixture_record(f, 1, "safety-agreement"));
}

static veld_reading read(fixture *f)
{
    veld_reading r = fixture_read(f, 1, "safety-agreement", VELD_FIELD_REMOVED);
    assert_int_equal(removed(f), veld_span_equal(r.effective, veld_span_text("true")));
    return r;
}

static void who_saw_everything_removes(void **state)
{
    fixture *f = *state;
    veld_write_id seen[2];
    seen[0] = edit(f, "what", "\"niet bellen\"");
    seen[1] = edit(f, "where", "\"thuis\"");
    assert_false(read(f).conflict);
    removal(f, "true", seen, 2, NULL, 0);
    assert_true(removed(f));
    assert_false(read(f).conflict);
}

static void an_edit_that_was_not_seen_keeps_the_record_and_asks(void **state)
{
    fixture *f = *state;
    veld_write_id seen = edit(f, "what", "\"niet bellen\"");
    veld_write_id other = edit(f, "when", "\"na zes uur\"");
    veld_write_id gone = removal(f, "true", &seen, 1, NULL, 0);
    assert_false(removed(f));
    veld_reading r = read(f);
    assert_true(r.conflict);
    assert_false(r.integrity);
    assert_int_equal(r.sides_count, 2);
    assert_true(veld_write_id_equal(&r.sides[0].entry->id, &other));
    assert_span(r.sides[0].value, "false");
    assert_true(veld_write_id_equal(&r.sides[1].entry->id, &gone));
    assert_span(r.sides[1].value, "true");

    veld_write_id all[] = {seen, other}; /* somebody who sees both decides */
    removal(f, "true", all, 2, &gone, 1);
    assert_true(removed(f));
}

static void an_edit_over_what_was_seen_keeps_the_record(void **state)
{
    fixture *f = *state;
    veld_write_id seen = edit(f, "what", "\"niet bellen\"");
    removal(f, "true", &seen, 1, NULL, 0);
    assert_true(removed(f));
    fixture_act(f, &(act){.record = 1,
                       .type = "safety-agreement",
                       .field = "what",
                       .value = "\"alleen bellen na zes uur\"",
                       .replaces = &seen,
                       .replaces_count = 1});
    assert_false(removed(f));
    assert_true(read(f).conflict);
}

static void two_who_remove_the_same_agree(void **state)
{
    fixture *f = *state;
    veld_write_id seen = edit(f, "what", "\"niet bellen\"");
    removal(f, "true", &seen, 1, NULL, 0);
    removal(f, "true", &seen, 1, NULL, 0);
    assert_true(removed(f));
    assert_false(read(f).conflict);
}

static void two_who_each_saw_a_part_do_not_add_up(void **state)
{
    fixture *f = *state;
    veld_write_id one = edit(f, "what", "\"niet bellen\"");
    veld_write_id two = edit(f, "where", "\"thuis\"");
    removal(f, "true", &one, 1, NULL, 0);
    removal(f, "true", &two, 1, NULL, 0);
    assert_false(removed(f));
    veld_reading r = read(f);
    assert_true(r.conflict);
    assert_int_equal(r.sides_count, 4);
}

static void a_restored_record_is_back(void **state)
{
    fixture *f = *state;
    veld_write_id seen = edit(f, "what", "\"niet bellen\"");
    veld_write_id gone = removal(f, "true", &seen, 1, NULL, 0);
    removal(f, "false", NULL, 0, &gone, 1);
    assert_false(removed(f));
    assert_false(read(f).conflict);
}

static void restored_against_removed_again_asks(void **state)
{
    fixture *f = *state;
    veld_write_id seen = edit(f, "what", "\"niet bellen\"");
    veld_write_id gone = removal(f, "true", &seen, 1, NULL, 0);
    removal(f, "false", NULL, 0, &gone, 1);
    removal(f, "true", &seen, 1, &gone, 1);
    assert_false(removed(f));
    veld_reading r = read(f);
    assert_true(r.conflict);
    assert_int_equal(r.sides_count, 2);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(who_saw_everything_removes),
        CASE_TEST(an_edit_that_was_not_seen_keeps_the_record_and_asks),
        CASE_TEST(an_edit_over_what_was_seen_keeps_the_record),
        CASE_TEST(two_who_remove_the_same_agree),
        CASE_TEST(two_who_each_saw_a_part_do_not_add_up),
        CASE_TEST(a_restored_record_is_back),
        CASE_TEST(restored_against_removed_again_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
