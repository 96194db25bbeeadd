/* What waits for a person: ids, bases, order, and what does not count. */
#include "veld_test.h"

#include "fixture.h"
#include "veldkit/conflict.h"

static veld_write_id put(fixture *f, uint8_t record, const char *field, const char *value,
    const veld_write_id *replaces, size_t replaces_count)
{
    return fixture_act(f, &(act){.record = record,
                              .type = "note",
                              .field = field,
                              .value = value,
                              .replaces = replaces,
                              .replaces_count = replaces_count});
}

static const veld_conflict *list(fixture *f, size_t *count)
{
    const veld_conflict *found = NULL;
    veld_id case_id = fixture_id(99);
    assert_ok(veld_conflict_list(f->state, f->schemas, &case_id, &f->arena, &found, count, NULL));
    for (size_t i = 1; i < *count; i++)
        assert_true(veld_id_compare(&found[i - 1].id, &found[i].id) < 0);
    return found;
}

static const veld_conflict *only(fixture *f)
{
    size_t count;
    const veld_conflict *found = list(f, &count);
    assert_int_equal(count, 1);
    return found;
}

static void a_quiet_case_has_none(void **state)
{
    size_t count;
    list(*state, &count);
    assert_int_equal(count, 0);
    put(*state, 1, "text", "\"a\"", NULL, 0);
    list(*state, &count);
    assert_int_equal(count, 0);
}

static void the_base_is_what_both_sides_replaced(void **state)
{
    fixture *f = *state;
    veld_write_id base = put(f, 1, "text", "\"basis\"", NULL, 0);
    veld_write_id left = put(f, 1, "text", "\"links\"", &base, 1);
    put(f, 1, "text", "\"links verder\"", &left, 1);
    put(f, 1, "text", "\"rechts\"", &base, 1);
    const veld_conflict *c = only(f);
    assert_span(c->field, "text");
    assert_span(c->base, "\"basis\"");
    assert_span(c->effective, "\"rechts\"");
    assert_int_equal(c->sides_count, 2);
}

static void without_a_common_past_there_is_no_base(void **state)
{
    fixture *f = *state;
    put(f, 1, "text", "\"links\"", NULL, 0);
    put(f, 1, "text", "\"rechts\"", NULL, 0);
    assert_span(only(f)->base, "null");
}

static void a_past_that_is_not_here_is_no_base(void **state)
{
    fixture *f = *state;
    veld_write_id unknown = {.bytes = {200}};
    put(f, 1, "text", "\"links\"", &unknown, 1);
    put(f, 1, "text", "\"rechts\"", &unknown, 1);
    assert_span(only(f)->base, "null");
}

/* Two sides that both replaced two concurrent writes have two bases, and so none. */
static void crossing_pasts_give_no_base_unless_they_agree(void **state)
{
    fixture *f = *state;
    veld_write_id root = put(f, 1, "text", "\"wortel\"", NULL, 0);
    veld_write_id both[2];
    both[0] = put(f, 1, "text", "\"een\"", &root, 1);
    both[1] = put(f, 1, "text", "\"twee\"", &root, 1);
    put(f, 1, "text", "\"links\"", both, 2);
    put(f, 1, "text", "\"rechts\"", both, 2);
    assert_span(only(f)->base, "null");

    root = put(f, 2, "text", "\"wortel\"", NULL, 0);
    both[0] = put(f, 2, "text", "\"zelfde\"", &root, 1);
    both[1] = put(f, 2, "text", "\"zelfde\"", &root, 1);
    put(f, 2, "text", "\"links\"", both, 2);
    put(f, 2, "text", "\"rechts\"", both, 2);
    size_t count;
    const veld_conflict *found = list(f, &count);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++)
        assert_span(found[i].base, found[i].record->id.bytes[15] == 2 ? "\"zelfde\"" : "null");
}

static void the_id_follows_from_case_record_and_field(void **state)
{
    fixture *f = *state;
    put(f, 1, "text", "\"a\"", NULL, 0);
    const veld_state_record *record = fixture_record(f, 1, "note");
    veld_id case_id = fixture_id(99), other_case = fixture_id(98);
    veld_id one, again, other;
    assert_ok(veld_conflict_id(&case_id, record, veld_span_text("text"), &one, NULL));
    assert_ok(veld_conflict_id(&case_id, record, veld_span_text("text"), &again, NULL));
    assert_true(veld_id_equal(&one, &again));
    assert_int_equal(one.bytes[6] >> 4, 8);
    assert_int_equal(one.bytes[8] >> 6, 2);
    assert_ok(veld_conflict_id(&case_id, record, veld_span_text("kind"), &other, NULL));
    assert_false(veld_id_equal(&one, &other));
    assert_ok(veld_conflict_id(&other_case, record, veld_span_text("text"), &other, NULL));
    assert_false(veld_id_equal(&one, &other));
}

static void inside_a_removed_record_nothing_waits(void **state)
{
    fixture *f = *state;
    veld_write_id seen[2];
    seen[0] = put(f, 1, "text", "\"a\"", NULL, 0);
    seen[1] = put(f, 1, "text", "\"b\"", NULL, 0);
    act gone = {.record = 1,
        .type = "note",
        .field = VELD_FIELD_REMOVED,
        .value = "true",
        .basis = seen,
        .basis_count = 1};
    fixture_act(f, &gone);
    size_t count;
    list(f, &count);
    assert_int_equal(count, 2); /* the text, and whether it is removed */
    gone.basis_count = 2;
    fixture_act(f, &gone);
    list(f, &count);
    assert_int_equal(count, 0);
}

static void a_long_past_costs_no_more_than_its_length(void **state)
{
    fixture *f = *state;
    veld_write_id base = put(f, 1, "text", "\"basis\"", NULL, 0);
    veld_write_id last = base;
    for (int i = 0; i < 200; i++)
        last = put(f, 1, "text", "\"weer\"", &last, 1);
    put(f, 1, "text", "\"rechts\"", &base, 1);
    assert_span(only(f)->base, "\"basis\"");
}

static void notes_stand_under_its_id(void **state)
{
    fixture *f = *state;
    put(f, 1, "text", "\"a\"", NULL, 0);
    put(f, 1, "text", "\"b\"", NULL, 0);
    assert_span(only(f)->notes, "[]");
    veld_id id = only(f)->id;
    fixture_act(
        f, &(act){.id = &id, .type = "conflict-work", .field = "notes", .value = "\"Gebeld.\""});
    assert_span(only(f)->notes, "[\"Gebeld.\"]");
}

static void come_or_gone(fixture *f, uint8_t visit, const char *field, uint8_t device, int64_t ms)
{
    fixture_act(f, &(act){.record = visit,
                       .type = "visit",
                       .field = field,
                       .value = "\"2026-03-02T20:30:00+01:00\"",
                       .device = device,
                       .hybrid_ms = ms});
}

static void a_side_was_written_at_the_visit_of_its_device(void **state)
{
    fixture *f = *state;
    const act side = {.record = 1, .type = "note", .field = "text"};
    act first = side, second = side, third = side;
    first.device = 3;
    first.value = "\"a\"";
    first.hybrid_ms = 20;
    second.device = 3;
    second.value = "\"b\"";
    second.hybrid_ms = 40;
    third.device = 4;
    third.value = "\"c\"";
    third.hybrid_ms = 20;
    come_or_gone(f, 9, "arrivedAt", 3, 10);
    come_or_gone(f, 9, "leftAt", 3, 30);
    fixture_act(f, &first);
    fixture_act(f, &second);
    fixture_act(f, &third);
    const veld_conflict *c = only(f);
    assert_int_equal(c->sides_count, 3);
    for (size_t i = 0; i < 3; i++) {
        if (veld_span_equal(c->sides[i].value, veld_span_text("\"a\""))) {
            assert_non_null(c->visits[i]);
            assert_int_equal(c->visits[i]->id.bytes[15], 9);
        } else {
            assert_null(c->visits[i]);
        }
    }
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(a_quiet_case_has_none),
        CASE_TEST(the_base_is_what_both_sides_replaced),
        CASE_TEST(without_a_common_past_there_is_no_base),
        CASE_TEST(a_past_that_is_not_here_is_no_base),
        CASE_TEST(crossing_pasts_give_no_base_unless_they_agree),
        CASE_TEST(the_id_follows_from_case_record_and_field),
        CASE_TEST(inside_a_removed_record_nothing_waits),
        CASE_TEST(notes_stand_under_its_id),
        CASE_TEST(a_side_was_written_at_the_visit_of_its_device),
        CASE_TEST(a_long_past_costs_no_more_than_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
