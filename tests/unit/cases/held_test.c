/* What is held back: lowering without knowing the danger, loosening without a decision, steps that
 * a transition log does not have, and guards. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "veldkit/conflict.h"

typedef struct known {
    const veld_write_id *ids;
    size_t count;
} known;

#define NOTHING    ((known){0})
#define ONE(write) ((known){.ids = &(write), .count = 1})

static veld_write_id step(
    fixture *f, const char *field, const char *value, known replaced, known basis)
{
    return fixture_act(f, &(act){.record = 1,
                              .type = "case",
                              .field = field,
                              .value = value,
                              .hybrid_ms = f->made,
                              .replaces = replaced.ids,
                              .replaces_count = replaced.count,
                              .basis = basis.ids,
                              .basis_count = basis.count});
}

static veld_write_id incident(fixture *f, uint8_t record, known basis)
{
    return fixture_act(f, &(act){.record = record,
                              .type = "incident",
                              .field = "occurredAt",
                              .value = "\"2026-03-02T20:30:00+01:00\"",
                              .basis = basis.ids,
                              .basis_count = basis.count});
}

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* A write together with a decision about its field. */
static veld_write_id decide(
    fixture *f, const char *type, const char *field, const char *value, known replaced, known basis)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", field);
    const act acts[] = {
        {.record = 1,
            .type = type,
            .field = field,
            .value = value,
            .hybrid_ms = f->made,
            .replaces = replaced.ids,
            .replaces_count = replaced.count,
            .basis = basis.ids,
            .basis_count = basis.count},
        {.record = (uint8_t)(100 + f->made),
            .type = "decision",
            .field = "record",
            .value = "\"00000000-0000-0000-0000-000000000001\""},
        {.record = (uint8_t)(100 + f->made), .type = "decision", .field = "field", .value = quoted},
    };
    return fixture_change(f, acts, 3);
}

static void shows(fixture *f, const char *field, const char *value, bool conflict, veld_held held)
{
    veld_reading r = fixture_read(f, 1, "case", field);
    if (!veld_span_equal(r.effective, veld_span_text(value)))
        fail_msg("%s shows %.*s, not %s", field, (int)r.effective.len,
            (const char *)r.effective.data, value);
    assert_int_equal(r.conflict, conflict);
    assert_int_equal(r.held, held != VELD_HELD_NOT);
    bool found = held == VELD_HELD_NOT;
    for (size_t i = 0; i < r.sides_count; i++)
        found = found || r.sides[i].held == held;
    assert_true(found);
}

/* ---- danger ---- */

static void who_did_not_know_of_the_incident_lowers_nothing(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    veld_write_id orange = step(f, "priorityCode", "\"orange\"", ONE(red), NOTHING);
    shows(f, "priorityCode", "\"orange\"", false, VELD_HELD_NOT);
    veld_write_id danger = incident(f, 2, NOTHING);
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_DANGER);
    veld_reading r = fixture_read(f, 1, "case", "priorityCode");
    assert_int_equal(r.dangers_count, 1);
    assert_true(veld_write_id_equal(&r.dangers[0]->id, &danger));
    /* Who knows it says the same once more: a side, and two people decide. */
    veld_write_id again = step(f, "priorityCode", "\"orange\"", ONE(orange), ONE(danger));
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_UNDECIDED);
    assert_int_equal(fixture_read(f, 1, "case", "priorityCode").sides_count, 2);
    decide(f, "case", "priorityCode", "\"orange\"", ONE(again), ONE(danger));
    shows(f, "priorityCode", "\"orange\"", false, VELD_HELD_NOT);
    incident(f, 3, NOTHING);
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_DANGER);
}

static void who_knew_the_incident_lowers(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    veld_write_id danger = incident(f, 2, ONE(red));
    step(f, "priorityCode", "\"yellow\"", ONE(red), ONE(danger));
    shows(f, "priorityCode", "\"yellow\"", false, VELD_HELD_NOT);
}

static void an_incident_by_who_knew_the_lowering_holds_nothing(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    veld_write_id yellow = step(f, "priorityCode", "\"yellow\"", ONE(red), NOTHING);
    incident(f, 2, ONE(yellow));
    shows(f, "priorityCode", "\"yellow\"", false, VELD_HELD_NOT);
}

static void one_act_knows_itself(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    const act acts[] = {
        {.record = 1,
            .type = "case",
            .field = "priorityCode",
            .value = "\"orange\"",
            .replaces = &red,
            .replaces_count = 1},
        {.record = 2,
            .type = "incident",
            .field = "occurredAt",
            .value = "\"2026-03-02T20:30:00+01:00\""},
    };
    fixture_change(f, acts, 2);
    shows(f, "priorityCode", "\"orange\"", false, VELD_HELD_NOT);
}

static void nobody_lowers_in_two_steps(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    veld_write_id orange = step(f, "priorityCode", "\"orange\"", ONE(red), NOTHING);
    veld_write_id danger = incident(f, 2, NOTHING);
    veld_write_id again = step(f, "priorityCode", "\"orange\"", ONE(orange), NOTHING);
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_DANGER);
    veld_write_id yellow = step(f, "priorityCode", "\"yellow\"", ONE(again), ONE(danger));
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_UNDECIDED);
    step(f, "priorityCode", "\"red\"", ONE(yellow), NOTHING);
    shows(f, "priorityCode", "\"red\"", true, VELD_HELD_UNDECIDED);
}

static void nobody_ends_a_choice_of_two_by_writing_once_more(void **state)
{
    fixture *f = *state;
    veld_write_id before = step(f, "structuralUnsafety", "true", NOTHING, NOTHING);
    veld_write_id sides[3];
    sides[0] = step(f, "structuralUnsafety", "false", ONE(before), NOTHING);
    sides[1] = step(f, "structuralUnsafety", "null", ONE(before), NOTHING);
    sides[2] = step(f, "structuralUnsafety", "null", (known){sides, 2}, NOTHING);
    shows(f, "structuralUnsafety", "false", true, VELD_HELD_UNDECIDED);
    assert_int_equal(fixture_read(f, 1, "case", "structuralUnsafety").sides_count, 3);
    /* More protection does not wait, and does not end it either. */
    sides[0] = step(f, "structuralUnsafety", "true", ONE(sides[2]), NOTHING);
    shows(f, "structuralUnsafety", "true", true, VELD_HELD_UNDECIDED);
    assert_int_equal(fixture_read(f, 1, "case", "structuralUnsafety").sides_count, 4);
    veld_write_id decided =
        decide(f, "case", "structuralUnsafety", "false", ONE(sides[0]), NOTHING);
    shows(f, "structuralUnsafety", "false", false, VELD_HELD_NOT);
    step(f, "structuralUnsafety", "true", ONE(decided), NOTHING); /* nothing is open any more */
    shows(f, "structuralUnsafety", "true", false, VELD_HELD_NOT);
}

static void what_is_written_once_shows_the_earliest_of_all_sides(void **state)
{
    fixture *f = *state;
    veld_write_id sides[2];
    for (size_t i = 0; i < 3; i++) {
        veld_write_id id = fixture_act(f, &(act){.record = 8,
                                              .type = "report",
                                              .field = "urgent",
                                              .value = i == 0 ? "false" : "true",
                                              .hybrid_ms = (int64_t)i,
                                              .replaces = sides,
                                              .replaces_count = i == 2 ? 2 : 0});
        if (i < 2)
            sides[i] = id;
    }
    qsort(sides, 2, sizeof *sides, by_write_id);
    veld_reading r = fixture_read(f, 8, "report", "urgent");
    assert_true(veld_span_equal(r.effective, veld_span_text("false")));
    assert_true(r.conflict && r.integrity && r.held);
    assert_int_equal(r.sides_count, 3);
}

static void a_removed_incident_is_no_danger(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    step(f, "priorityCode", "\"orange\"", ONE(red), NOTHING);
    veld_write_id danger = incident(f, 2, NOTHING);
    fixture_act(f, &(act){.record = 2,
                       .type = "incident",
                       .field = VELD_FIELD_REMOVED,
                       .value = "true",
                       .basis = &danger,
                       .basis_count = 1});
    shows(f, "priorityCode", "\"orange\"", false, VELD_HELD_NOT);
}

static void red_and_acute_danger_are_danger_for_others(void **state)
{
    fixture *f = *state;
    veld_write_id acute = step(f, "acuteDanger", "true", NOTHING, NOTHING);
    step(f, "acuteDanger", "false", ONE(acute), NOTHING);
    shows(f, "acuteDanger", "false", false, VELD_HELD_NOT);
    veld_write_id orange = step(f, "priorityCode", "\"orange\"", NOTHING, NOTHING);
    shows(f, "acuteDanger", "false", false, VELD_HELD_NOT);
    step(f, "priorityCode", "\"red\"", ONE(orange), NOTHING);
    shows(f, "acuteDanger", "true", true, VELD_HELD_DANGER);
}

static void the_incident_after_the_handover_keeps_it_with_the_agency(void **state)
{
    fixture *f = *state;
    veld_write_id ours = step(f, "responsibilityHolder", "\"veiligThuis\"", NOTHING, NOTHING);
    step(f, "responsibilityHolder", "\"localTeam\"", ONE(ours), NOTHING);
    shows(f, "responsibilityHolder", "\"veiligThuis\"", true, VELD_HELD_GUARD); /* who accepted? */
    fixture_act(f, &(act){.record = 7,
                       .type = "handover",
                       .field = "acceptedAt",
                       .value = "\"2026-03-02T20:30:00+01:00\""});
    shows(f, "responsibilityHolder", "\"localTeam\"", false, VELD_HELD_NOT);
    incident(f, 2, NOTHING);
    shows(f, "responsibilityHolder", "\"veiligThuis\"", true, VELD_HELD_DANGER);
}

/* ---- restriction ---- */

static void only_a_decision_loosens(void **state)
{
    fixture *f = *state;
    veld_write_id closed = step(f, "restricted", "true", NOTHING, NOTHING);
    veld_write_id open = step(f, "restricted", "false", ONE(closed), NOTHING);
    shows(f, "restricted", "true", true, VELD_HELD_RESTRICTION);
    decide(f, "case", "title", "\"x\"", NOTHING, NOTHING); /* about another field */
    shows(f, "restricted", "true", true, VELD_HELD_RESTRICTION);
    veld_write_id decided = decide(f, "case", "restricted", "false", ONE(open), NOTHING);
    shows(f, "restricted", "false", false, VELD_HELD_NOT);
    step(f, "restricted", "true", ONE(decided), NOTHING);
    shows(f, "restricted", "true", false, VELD_HELD_NOT);
}

/* The choice of two is written with the confirmation. */
static void what_two_people_decided_loosens_too(void **state)
{
    fixture *f = *state;
    veld_write_id closed = step(f, "restricted", "true", NOTHING, NOTHING);
    const act acts[] = {
        {.record = 1,
            .type = "case",
            .field = "restricted",
            .value = "false",
            .replaces = &closed,
            .replaces_count = 1},
        {.record = 7,
            .type = "confirmation",
            .field = "record",
            .value = "\"00000000-0000-0000-0000-000000000001\""},
        {.record = 7, .type = "confirmation", .field = "field", .value = "\"restricted\""},
    };
    fixture_change(f, acts, 3);
    shows(f, "restricted", "false", false, VELD_HELD_NOT);
}

/* ---- steps ---- */

static void a_step_that_the_log_has_counts(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"assessing\"", NOTHING, NOTHING);
    veld_write_id two = step(f, "phase", "\"decided\"", ONE(one), NOTHING);
    step(f, "phase", "\"closed\"", ONE(two), NOTHING);
    shows(f, "phase", "\"closed\"", false, VELD_HELD_NOT);
}

static void a_step_that_it_does_not_have_is_kept_and_not_shown(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"assessing\"", NOTHING, NOTHING);
    veld_write_id jump = step(f, "phase", "\"investigation\"", ONE(one), NOTHING);
    shows(f, "phase", "\"assessing\"", true, VELD_HELD_TRANSITION);
    assert_true(fixture_read(f, 1, "case", "phase").integrity);
    veld_write_id on = step(f, "phase", "\"closed\"", ONE(jump), NOTHING); /* no way round */
    shows(f, "phase", "\"assessing\"", true, VELD_HELD_TRANSITION);
    decide(f, "case", "phase", "\"investigation\"", ONE(on), NOTHING);
    shows(f, "phase", "\"investigation\"", false, VELD_HELD_NOT);
}

static void a_case_does_not_begin_closed(void **state)
{
    fixture *f = *state;
    step(f, "phase", "\"closed\"", NOTHING, NOTHING);
    shows(f, "phase", "null", true, VELD_HELD_TRANSITION);
}

static void a_log_is_not_cleared(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"assessing\"", NOTHING, NOTHING);
    step(f, "phase", "null", ONE(one), NOTHING);
    shows(f, "phase", "\"assessing\"", true, VELD_HELD_TRANSITION);
}

static void a_fork_shows_the_more_protective_state(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"decided\"", NOTHING, NOTHING);
    veld_write_id sides[2];
    sides[0] = step(f, "phase", "\"investigation\"", ONE(one), NOTHING);
    sides[1] = step(f, "phase", "\"closed\"", ONE(one), NOTHING);
    shows(f, "phase", "\"investigation\"", true, VELD_HELD_NOT);
    assert_true(fixture_read(f, 1, "case", "phase").integrity);
    decide(f, "case", "phase", "\"closed\"", (known){sides, 2}, NOTHING); /* one is taken */
    shows(f, "phase", "\"closed\"", false, VELD_HELD_NOT);
}

static void what_follows_something_unknown_cannot_be_judged(void **state)
{
    fixture *f = *state;
    veld_write_id unknown = {.bytes = {250}};
    step(f, "phase", "\"closed\"", ONE(unknown), NOTHING);
    shows(f, "phase", "\"closed\"", false, VELD_HELD_NOT);
}

/* ---- guards ---- */

static void a_case_with_acute_danger_is_not_closed(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"decided\"", NOTHING, NOTHING);
    veld_write_id closed = step(f, "phase", "\"closed\"", ONE(one), NOTHING);
    veld_write_id acute = step(f, "acuteDanger", "true", NOTHING, ONE(closed));
    shows(f, "phase", "\"decided\"", true, VELD_HELD_GUARD);
    assert_false(fixture_read(f, 1, "case", "phase").integrity);
    decide(
        f, "case", "phase", "\"closed\"", ONE(closed), ONE(acute)); /* a decision is no way round */
    shows(f, "phase", "\"decided\"", true, VELD_HELD_GUARD);
    step(f, "acuteDanger", "false", ONE(acute), NOTHING);
    shows(f, "phase", "\"closed\"", false, VELD_HELD_NOT);
}

static void a_case_with_an_open_critical_conflict_is_not_closed(void **state)
{
    fixture *f = *state;
    veld_write_id one = step(f, "phase", "\"decided\"", NOTHING, NOTHING);
    step(f, "phase", "\"closed\"", ONE(one), NOTHING);
    veld_write_id sides[2];
    for (size_t i = 0; i < 2; i++)
        sides[i] = fixture_act(f, &(act){.record = 9,
                                      .type = "safety-agreement",
                                      .field = "what",
                                      .value = i == 0 ? "\"a\"" : "\"b\""});
    shows(f, "phase", "\"decided\"", true, VELD_HELD_GUARD);
    act acts[] = {
        {.record = 9,
            .type = "safety-agreement",
            .field = "what",
            .value = "\"a\"",
            .replaces = sides,
            .replaces_count = 2},
        {.record = 50,
            .type = "decision",
            .field = "record",
            .value = "\"00000000-0000-0000-0000-000000000009\""},
        {.record = 50, .type = "decision", .field = "field", .value = "\"what\""},
    };
    veld_write_id third = fixture_change(f, acts, 1); /* who decides nothing ends nothing */
    shows(f, "phase", "\"decided\"", true, VELD_HELD_GUARD);
    acts[0].replaces = &third;
    acts[0].replaces_count = 1;
    fixture_change(f, acts, 3);
    shows(f, "phase", "\"closed\"", false, VELD_HELD_NOT);
}

/* ---- the list ---- */

static void what_is_held_back_waits_for_a_person(void **state)
{
    fixture *f = *state;
    veld_write_id red = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    step(f, "priorityCode", "\"orange\"", ONE(red), NOTHING);
    incident(f, 2, NOTHING);
    const veld_conflict *found = NULL;
    size_t count;
    veld_id case_id = fixture_id(99);
    assert_ok(veld_conflict_list(f->state, f->schemas, &case_id, &f->arena, &found, &count, NULL));
    assert_int_equal(count, 1);
    assert_int_equal(found->risk, VELD_RISK_TWO);
    assert_span(found->effective, "\"red\"");
    assert_span(found->base, "\"red\"");
    assert_int_equal(found->sides_count, 1);
    assert_int_equal(found->sides[0].held, VELD_HELD_DANGER);
    assert_int_equal(found->dangers_count, 1);
}

/* ---- what saving names ---- */

static void basis_is(fixture *f, const char *field, const char *value, known wanted)
{
    veld_outlook outlook = veld_outlook_of(f->state, f->schemas, &f->arena);
    const veld_state_record *record = fixture_record(f, 1, "case");
    const veld_schema *schema = veld_schema_get(f->schemas, veld_span_text("case"));
    const veld_write_id *ids;
    size_t count;
    assert_ok(veld_policy_basis(&outlook, veld_schema_field_get(schema, veld_span_text(field)),
        veld_state_field_get(record, veld_span_text(field)), veld_span_text(value), &ids, &count));
    assert_int_equal(count, wanted.count);
    for (size_t i = 0; i < count; i++)
        assert_true(veld_write_id_equal(&ids[i], &wanted.ids[i]));
}

static void a_lowering_names_all_danger_and_danger_what_it_may_hold(void **state)
{
    fixture *f = *state;
    veld_write_id ids[3];
    step(f, "title", "\"t\"", NOTHING, NOTHING);
    ids[0] = step(f, "priorityCode", "\"red\"", NOTHING, NOTHING);
    ids[1] = incident(f, 2, ONE(ids[0]));
    ids[2] = incident(f, 3, ONE(ids[0]));
    basis_is(f, "priorityCode", "\"red\"", ONE(ids[0]));
    basis_is(f, "priorityCode", "\"orange\"", (known){ids, 3});
    basis_is(f, "acuteDanger", "true", ONE(ids[0]));
    basis_is(f, "acuteDanger", "false", NOTHING); /* nothing was there to be lowered */
    basis_is(f, "title", "\"u\"", NOTHING);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(who_did_not_know_of_the_incident_lowers_nothing),
        CASE_TEST(who_knew_the_incident_lowers),
        CASE_TEST(an_incident_by_who_knew_the_lowering_holds_nothing),
        CASE_TEST(one_act_knows_itself),
        CASE_TEST(nobody_lowers_in_two_steps),
        CASE_TEST(nobody_ends_a_choice_of_two_by_writing_once_more),
        CASE_TEST(what_is_written_once_shows_the_earliest_of_all_sides),
        CASE_TEST(a_removed_incident_is_no_danger),
        CASE_TEST(red_and_acute_danger_are_danger_for_others),
        CASE_TEST(the_incident_after_the_handover_keeps_it_with_the_agency),
        CASE_TEST(only_a_decision_loosens),
        CASE_TEST(what_two_people_decided_loosens_too),
        CASE_TEST(a_step_that_the_log_has_counts),
        CASE_TEST(a_step_that_it_does_not_have_is_kept_and_not_shown),
        CASE_TEST(a_case_does_not_begin_closed),
        CASE_TEST(a_log_is_not_cleared),
        CASE_TEST(a_fork_shows_the_more_protective_state),
        CASE_TEST(what_follows_something_unknown_cannot_be_judged),
        CASE_TEST(a_case_with_acute_danger_is_not_closed),
        CASE_TEST(a_case_with_an_open_critical_conflict_is_not_closed),
        CASE_TEST(what_is_held_back_waits_for_a_person),
        CASE_TEST(a_lowering_names_all_danger_and_danger_what_it_may_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
