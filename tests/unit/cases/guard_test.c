/* What has to be filled in or shown elsewhere before a state counts: a ban's end, a handover that
 * is sent, the outcome of an assessment. */
#include "veld_test.h"

#include <stdio.h>

#include "fixture.h"
#include "veldkit/dossier.h"

#define HASH "\"0000000000000000000000000000000000000000000000000000000000000000\""
#define BAN  "\"00000000-0000-0000-0000-000000000001\""

static veld_write_id put(fixture *f, uint8_t record, const char *type, const char *field,
    const char *value, const veld_write_id *replaced)
{
    return fixture_act(f, &(act){.record = record,
                              .type = type,
                              .field = field,
                              .value = value,
                              .hybrid_ms = f->made,
                              .replaces = replaced,
                              .replaces_count = replaced != NULL});
}

static void shows(
    fixture *f, const char *type, const char *field, const char *value, veld_held held)
{
    veld_reading r = fixture_read(f, 1, type, field);
    if (!veld_span_equal(r.effective, veld_span_text(value)))
        fail_msg("%s shows %.*s, not %s", field, (int)r.effective.len,
            (const char *)r.effective.data, value);
    assert_int_equal(r.held, held != VELD_HELD_NOT);
    assert_true(held == VELD_HELD_NOT || r.sides[0].held == held);
}

/* The type that the guard which forbids a value asks about; "" when none does. */
static void waits_for(
    fixture *f, const char *type, const char *field, const char *value, const char *expected)
{
    const veld_guard *guard;
    veld_outlook outlook = veld_outlook_of(f->state, f->schemas, &f->arena);
    const veld_state_field *at =
        veld_state_field_get(fixture_record(f, 1, type), veld_span_text(field));
    assert_ok(veld_policy_hindrance(&outlook, at, veld_span_text(value), &guard));
    veld_span found = guard == NULL ? veld_span_text("") : guard->type;
    assert_true(veld_span_equal(found, veld_span_text(expected)));
}

/* ---- a home ban ---- */

static void decision(fixture *f, uint8_t record, const char *kind, const char *at, bool document)
{
    put(f, record, "home-ban-decision", "ban", BAN, NULL);
    put(f, record, "home-ban-decision", "kind", kind, NULL);
    put(f, record, "home-ban-decision", "decidedAt", at, NULL);
    if (document)
        put(f, record, "home-ban-decision", "documentHash", HASH, NULL);
}

static veld_write_id withdraw(fixture *f, const veld_write_id *from, bool decides)
{
    const act acts[] = {
        {.record = 1,
            .type = "home-ban",
            .field = "state",
            .value = "\"withdrawn\"",
            .hybrid_ms = f->made,
            .replaces = from,
            .replaces_count = 1},
        {.record = (uint8_t)(100 + f->made), .type = "decision", .field = "record", .value = BAN},
        {.record = (uint8_t)(100 + f->made),
            .type = "decision",
            .field = "field",
            .value = "\"state\""},
    };
    return fixture_change(f, acts, decides ? 3 : 1);
}

static void a_withdrawal_without_its_document_hides_no_ban(void **state)
{
    fixture *f = *state;
    veld_write_id active = put(f, 1, "home-ban", "state", "\"active\"", NULL);
    decision(f, 2, "\"withdraw\"", "\"2026-03-05T10:00:00+01:00\"", false);
    withdraw(f, &active, true);
    shows(f, "home-ban", "state", "\"active\"", VELD_HELD_GUARD);
    put(f, 2, "home-ban-decision", "documentHash", HASH, NULL);
    shows(f, "home-ban", "state", "\"withdrawn\"", VELD_HELD_NOT);
    /* The mayor extended it later: by word of mouth is enough for the ban to stay. */
    decision(f, 3, "\"extend\"", "\"2026-03-05T12:00:00+01:00\"", false);
    shows(f, "home-ban", "state", "\"active\"", VELD_HELD_GUARD);
}

static void a_decision_about_another_ban_says_nothing(void **state)
{
    fixture *f = *state;
    veld_write_id active = put(f, 1, "home-ban", "state", "\"active\"", NULL);
    decision(f, 2, "\"withdraw\"", "\"2026-03-05T10:00:00+01:00\"", true);
    withdraw(f, &active, true);
    shows(f, "home-ban", "state", "\"withdrawn\"", VELD_HELD_NOT);
    put(f, 4, "home-ban-decision", "ban", "\"00000000-0000-0000-0000-000000000009\"", NULL);
    put(f, 4, "home-ban-decision", "kind", "\"written\"", NULL); /* no danger of its own */
    put(f, 4, "home-ban-decision", "decidedAt", "\"2026-03-06T10:00:00+01:00\"", NULL);
    shows(f, "home-ban", "state", "\"withdrawn\"", VELD_HELD_NOT);
}

static void who_writes_that_a_ban_ended_early_proposes_it(void **state)
{
    fixture *f = *state;
    veld_write_id active = put(f, 1, "home-ban", "state", "\"active\"", NULL);
    decision(f, 2, "\"withdraw\"", "\"2026-03-05T10:00:00+01:00\"", true);
    veld_write_id proposed = withdraw(f, &active, false);
    shows(f, "home-ban", "state", "\"active\"", VELD_HELD_RESTRICTION);
    assert_true(fixture_read(f, 1, "home-ban", "state").conflict);
    withdraw(f, &proposed, true);
    shows(f, "home-ban", "state", "\"withdrawn\"", VELD_HELD_NOT);
}

/* ---- a handover ---- */

static void what_names_the_reporter_is_sent_with_consent_only(void **state)
{
    fixture *f = *state;
    veld_write_id ready = put(f, 1, "handover", "state", "\"prepared\"", NULL);
    put(f, 1, "handover", "state", "\"sent\"", &ready);
    shows(f, "handover", "state", "\"sent\"", VELD_HELD_NOT); /* nobody is named */
    put(f, 1, "handover", "namesReporter", "true", NULL);
    shows(f, "handover", "state", "\"prepared\"", VELD_HELD_GUARD);
    waits_for(f, "handover", "state", "\"sent\"", "reporter-consent");
    waits_for(f, "handover", "state", "\"prepared\"", "");
    waits_for(f, "handover", "state", "\"no such state\"", "");
    waits_for(f, "handover", "namesReporter", "true", ""); /* no log */
    put(f, 2, "reporter-consent", "given", "\"yes\"", NULL);
    put(f, 2, "reporter-consent", "toldAt", "\"2026-03-02T10:00:00+01:00\"", NULL);
    shows(f, "handover", "state", "\"sent\"", VELD_HELD_NOT);
    waits_for(f, "handover", "state", "\"sent\"", "");
    put(f, 3, "reporter-consent", "given", "\"no\"", NULL);
    put(f, 3, "reporter-consent", "toldAt", "\"2026-03-02T10:00:00+01:00\"", NULL);
    shows(f, "handover", "state", "\"prepared\"", VELD_HELD_GUARD); /* both at once: neither */
}

static void monitoring_begins_when_all_seven_parts_are_accepted(void **state)
{
    static const char *const parts[] = {"\"report\"", "\"reporterContact\"", "\"conclusion\"",
        "\"plan\"", "\"consequences\"", "\"planArrangements\"", "\"monitoringArrangements\""};
    fixture *f = *state;
    veld_write_id before = put(f, 1, "case", "phase", "\"handover\"", NULL);
    put(f, 1, "case", "phase", "\"monitoring\"", &before);
    put(f, 2, "handover", "kind", "\"afterService\"", NULL);
    put(f, 2, "handover", "acceptedAt", "\"2026-03-02T10:00:00+01:00\"", NULL);
    for (size_t i = 0; i < 7; i++) {
        shows(f, "case", "phase", "\"handover\"", VELD_HELD_GUARD);
        put(f, 2, "handover", "parts", parts[i], NULL);
    }
    shows(f, "case", "phase", "\"monitoring\"", VELD_HELD_NOT);
}

/* ---- an assessment ---- */

static const char *const exclusions[] = {"anonymityWanted", "acuteThreat", "uncertainFinding",
    "noHelpWanted", "visibleInjury", "unbornChild", "acutePsychiatry", "elderAbuse",
    "honourRelated", "byAdultChildren", "sexualAbuse", "stalking"};
enum { EXCLUSIONS = sizeof exclusions / sizeof *exclusions };

static void an_outcome_needs_all_answers_and_a_second_person(void **state)
{
    fixture *f = *state;
    put(f, 1, "assessment", "outcome", "\"localTeam\"", NULL);
    put(f, 1, "assessment", "finalisedAt", "\"2026-03-02T10:00:00+01:00\"", NULL);
    for (size_t i = 0; i < EXCLUSIONS; i++)
        put(f, 1, "assessment", exclusions[i], "\"no\"", NULL);
    shows(f, "assessment", "outcome", "null", VELD_HELD_GUARD);
    put(f, 1, "assessment", "secondPerson", "\"Carla\"", NULL);
    shows(f, "assessment", "outcome", "\"localTeam\"", VELD_HELD_NOT);
    /* What another knew is enough to keep it here; unknown is. */
    for (size_t i = 0; i < EXCLUSIONS; i++) {
        veld_write_id unknown = put(f, 1, "assessment", exclusions[i], "\"unknown\"", NULL);
        shows(f, "assessment", "outcome", "null", VELD_HELD_GUARD);
        const veld_state_field *field =
            veld_state_field_get(fixture_record(f, 1, "assessment"), veld_span_text(exclusions[i]));
        veld_write_id all[2];
        size_t count = 0;
        for (const veld_entry *e = field->entries; e != NULL && !e->replaced; e = e->next)
            all[count++] = e->id;
        assert_int_equal(count, 2);
        char quoted[64];
        snprintf(quoted, sizeof quoted, "\"%s\"", exclusions[i]);
        const act acts[] = {{.record = 1,
                                .type = "assessment",
                                .field = exclusions[i],
                                .value = "\"no\"",
                                .replaces = all,
                                .replaces_count = 2},
            {.record = (uint8_t)(100 + i), .type = "decision", .field = "record", .value = BAN},
            {.record = (uint8_t)(100 + i), .type = "decision", .field = "field", .value = quoted}};
        (void)unknown;
        fixture_change(f, acts, 3);
        shows(f, "assessment", "outcome", "\"localTeam\"", VELD_HELD_NOT);
    }
}

/* ---- saving ---- */

static veld_status save(fixture *f, const char *record)
{
    veld_edits edits;
    veld_id id;
    veld_dossier_context context = {
        .schemas = f->schemas, .env = &f->world.env, .state = f->state, .arena = &f->arena};
    return veld_dossier_check_record(
        &context, veld_span_text("assessment"), veld_span_text(record), &id, &edits, NULL);
}

static void saving_looks_at_what_is_saved_with_it(void **state)
{
    fixture *f = *state;
    char record[1024];
    put(f, 9, "case", "title", "\"T\"", NULL);
    int len = snprintf(record, sizeof record,
        "{\"fields\":{\"outcome\":\"youthCare\",\"instrument\":\"VB\",\"secondPerson\":\"Carla\","
        "\"finalisedAt\":\"2026-03-02T10:00:00+01:00\"");
    for (size_t i = 0; i < EXCLUSIONS; i++)
        len += snprintf(record + len, sizeof record - (size_t)len, ",\"%s\":\"no\"", exclusions[i]);
    snprintf(record + len, sizeof record - (size_t)len, "}}");
    assert_ok(save(f, record));
    for (char *at = record; at < record + len - 4; at++) {
        if (at[0] == '"' && at[1] == 'n' && at[2] == 'o' && at[3] == '"') {
            at[1] = 'N'; /* no such answer, so this one says nothing */
            assert_int_equal(save(f, record), VELD_E_INVALID);
            at[1] = 'n';
        }
    }
    assert_int_equal(save(f, "{\"fields\":{\"instrument\":\"VB\",\"outcome\":\"investigation\"}}"),
        VELD_E_INVALID);
}

#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE_TEST(a_withdrawal_without_its_document_hides_no_ban),
        CASE_TEST(a_decision_about_another_ban_says_nothing),
        CASE_TEST(who_writes_that_a_ban_ended_early_proposes_it),
        CASE_TEST(what_names_the_reporter_is_sent_with_consent_only),
        CASE_TEST(monitoring_begins_when_all_seven_parts_are_accepted),
        CASE_TEST(an_outcome_needs_all_answers_and_a_second_person),
        CASE_TEST(saving_looks_at_what_is_saved_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
