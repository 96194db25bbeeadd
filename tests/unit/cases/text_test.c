/* Two people work on one note: what is merged by sentence, and what asks. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "fixture.h"

enum { LONG_BYTES = 8192, RANDOM_TEXTS = 400, SENTENCES = 10 };

static veld_write_id put(fixture *f, const char *text, int64_t ms, const veld_write_id *replaced)
{
    return fixture_act(f, &(act){.record = 1,
                              .type = "note",
                              .field = "text",
                              .value = text,
                              .hybrid_ms = ms,
                              .replaces = replaced,
                              .replaces_count = replaced == NULL ? 0 : 1});
}

static veld_reading read(fixture *f)
{
    return fixture_read(f, 1, "note", "text");
}

static void merges(
    fixture *f, const char *base, const char *left, const char *right, const char *wanted)
{
    veld_write_id from = put(f, base, 1, NULL);
    put(f, left, 2, &from);
    put(f, right, 3, &from);
    veld_reading r = read(f);
    if (!veld_span_equal(r.effective, veld_span_text(wanted)))
        fail_msg("%.*s\nis not %s", (int)r.effective.len, (const char *)r.effective.data, wanted);
    assert_false(r.conflict);
    assert_int_equal(r.sides_count, 2);
}

static void asks(fixture *f, const char *base, const char *left, const char *right)
{
    veld_write_id from = put(f, base, 1, NULL);
    put(f, left, 2, &from);
    put(f, right, 3, &from);
    veld_reading r = read(f);
    assert_true(r.conflict);
    assert_span(r.effective, right);
}

static void different_sentences_are_merged(void **state)
{
    merges(*state, "\"Moeder belde. Zij huilde. Kind slaapt.\"",
        "\"Moeder belde om tien uur. Zij huilde. Kind slaapt.\"",
        "\"Moeder belde. Zij huilde. Kind is wakker.\"",
        "\"Moeder belde om tien uur. Zij huilde. Kind is wakker.\"");
}

static void both_may_add_behind_the_end(void **state)
{
    merges(*state, "\"Gebeld.\"", "\"Gebeld. Geen gehoor.\"", "\"Gebeld.\\nSchool is dicht.\"",
        "\"Gebeld. Geen gehoor. School is dicht.\"");
}

static void what_both_did_alike_is_done_once(void **state)
{
    merges(*state, "\"A. B. C.\"", "\"A. C. D.\"", "\"Nul. A. C.\"", "\"Nul. A. C. D.\"");
}

static void a_sentence_that_one_left_out_is_gone(void **state)
{
    merges(*state, "\"A.\\nB.\\nC.\\nD.\"", "\"A.\\nC.\\nD.\"", "\"A.\\nB.\\nC.\\nD!\"",
        "\"A.\\nC.\\nD!\"");
}

static void one_sentence_changed_by_both_asks(void **state)
{
    asks(*state, "\"Hij komt om 9.30 uur.\"", "\"Hij komt om 9.30 uur niet.\"",
        "\"Hij komt om 10.00 uur.\"");
}

static void changes_side_by_side_ask(void **state)
{
    asks(*state, "\"A. B. C.\"", "\"A1. B. C.\"", "\"A. B1. C.\"");
}

static void both_adding_in_the_middle_asks(void **state)
{
    asks(*state, "\"A. B.\"", "\"A. L. B.\"", "\"A. R. B.\"");
}

static void leaving_out_against_changing_asks(void **state)
{
    asks(*state, "\"A. B. C.\"", "\"A. C.\"", "\"A. B, echt. C.\"");
}

static void three_different_texts_ask(void **state)
{
    fixture *f = *state;
    veld_write_id from = put(f, "\"A. B. C. D. E.\"", 1, NULL);
    put(f, "\"A1. B. C. D. E.\"", 2, &from);
    put(f, "\"A. B. C1. D. E.\"", 3, &from);
    assert_false(read(f).conflict);
    put(f, "\"A. B. C1. D. E.\"", 4, &from); /* the same as somebody else */
    assert_false(read(f).conflict);
    put(f, "\"A. B. C. D. E1.\"", 5, &from);
    assert_true(read(f).conflict);
}

static void without_one_base_it_asks(void **state)
{
    fixture *f = *state;
    put(f, "\"A. B.\"", 1, NULL);
    put(f, "\"A. C.\"", 2, NULL);
    assert_true(read(f).conflict);
}

static void cleared_and_broken_ask(void **state)
{
    fixture *f = *state;
    veld_write_id from = put(f, "\"A. B.\"", 1, NULL);
    veld_write_id left = put(f, "null", 2, &from);
    put(f, "\"A. B. C.\"", 3, &from);
    assert_true(read(f).conflict);
    put(f, "7", 4, &left);
    assert_true(read(f).integrity);
}

static void what_somebody_said_is_never_merged(void **state)
{
    fixture *f = *state;
    fixture_act(
        f, &(act){.record = 1, .type = "note", .field = "kind", .value = "\"ownStatement\""});
    asks(f, "\"A. B. C.\"", "\"A1. B. C.\"", "\"A. B. C1.\"");
}

static void a_judgement_is(void **state)
{
    fixture *f = *state;
    fixture_act(f, &(act){.record = 1, .type = "note", .field = "kind", .value = "\"judgement\""});
    merges(f, "\"A. B. C.\"", "\"A1. B. C.\"", "\"A. B. C1.\"", "\"A1. B. C1.\"");
}

static void the_next_save_replaces_both(void **state)
{
    fixture *f = *state;
    veld_write_id sides[2];
    veld_write_id from = put(f, "\"A. B. C.\"", 1, NULL);
    sides[0] = put(f, "\"A1. B. C.\"", 2, &from);
    sides[1] = put(f, "\"A. B. C1.\"", 3, &from);
    fixture_act(f, &(act){.record = 1,
                       .type = "note",
                       .field = "text",
                       .value = "\"A1. B. C1. D.\"",
                       .replaces = sides,
                       .replaces_count = 2});
    veld_reading r = read(f);
    assert_int_equal(r.sides_count, 1);
    assert_span(r.effective, "\"A1. B. C1. D.\"");
}

static void many_sentences_ask(void **state)
{
    char base[LONG_BYTES] = "\"", left[LONG_BYTES], right[LONG_BYTES];
    for (size_t i = 0; i < 257; i++)
        snprintf(base + strlen(base), sizeof base - strlen(base), "Zin %zu. ", i);
    snprintf(left, sizeof left, "%.7000sLinks.\"", base);
    snprintf(right, sizeof right, "%.7000sRechts.\"", base);
    snprintf(base + strlen(base), sizeof base - strlen(base), "\"");
    asks(*state, base, left, right);
}

/* ---- laws ---- */

typedef struct story {
    unsigned sentences[4 * SENTENCES];
    size_t count;
} story;

static void write_story(const story *s, char *out, size_t size)
{
    snprintf(out, size, "\"");
    for (size_t i = 0; i < s->count; i++)
        snprintf(out + strlen(out), size - strlen(out), "S%u. ", s->sentences[i]);
    snprintf(out + strlen(out), size - strlen(out), "\"");
}

/* Some sentences left out, some changed, some new; each number is written once. */
static story retell(test_env *world, const story *of, unsigned *next)
{
    story out = {0};
    for (size_t i = 0; i < of->count; i++) {
        uint64_t what = test_env_number(world, 14);
        if (what == 0)
            continue;
        if (what <= 2)
            out.sentences[out.count++] = (*next)++;
        if (what != 1)
            out.sentences[out.count++] = of->sentences[i];
    }
    for (uint64_t more = test_env_number(world, 3); more > 1; more--)
        out.sentences[out.count++] = (*next)++;
    return out;
}

static bool has(veld_span text, unsigned sentence)
{
    char words[16];
    int len = snprintf(words, sizeof words, "S%u.", sentence);
    for (size_t i = 0; i + (size_t)len <= text.len; i++) {
        if (memcmp(text.data + i, words, (size_t)len) == 0)
            return true;
    }
    return false;
}

static bool in_story(const story *s, unsigned sentence)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sentences[i] == sentence)
            return true;
    }
    return false;
}

/* Nothing disappears but what one of the two, who saw it, left out; nothing comes from nowhere. */
static void check_merge(const story *base, const story *one, const story *other, veld_span merged)
{
    for (size_t i = 0; i < one->count; i++) {
        unsigned sentence = one->sentences[i];
        bool wanted = in_story(other, sentence) || !in_story(base, sentence);
        assert_int_equal(has(merged, sentence), wanted);
    }
}

/* The texts of one case, in the given order of arrival. */
static size_t play(
    const char *const texts[3], bool turned, const int64_t ms[3], veld_span *out, veld_arena *arena)
{
    void *state;
    fixture_begin(&state);
    fixture *f = state;
    veld_write_id ids[3];
    ids[0] = put(f, texts[0], ms[0], NULL);
    for (size_t i = 1; i < 3; i++) {
        size_t which = turned ? 3 - i : i;
        f->made = (uint8_t)(10 + which); /* the same names, whoever comes first */
        f->writes = (uint8_t)(20 + which);
        ids[which] = put(f, texts[which], ms[which], &ids[0]);
    }
    veld_reading r = read(f);
    assert_ok(veld_arena_copy(arena, r.effective, out));
    size_t merged = r.sides_count == 2 && !r.conflict;
    fixture_end(&state);
    return merged;
}

static void no_sentence_is_lost_and_the_order_does_not_matter(void **state)
{
    (void)state;
    test_env world;
    veld_arena arena;
    size_t merged = 0;
    test_env_init(&world, 99);
    veld_arena_init(&arena, 64 << 20);
    for (size_t n = 0; n < RANDOM_TEXTS; n++) {
        story stories[3] = {0};
        char texts[3][512];
        unsigned next = 1;
        for (size_t i = 1 + test_env_number(&world, SENTENCES); i > 0; i--)
            stories[0].sentences[stories[0].count++] = next++;
        stories[1] = retell(&world, &stories[0], &next);
        stories[2] = retell(&world, &stories[0], &next);
        if (stories[1].count == 0 || stories[2].count == 0)
            continue;
        for (size_t i = 0; i < 3; i++)
            write_story(&stories[i], texts[i], sizeof texts[i]);
        const char *const list[3] = {texts[0], texts[1], texts[2]};
        const int64_t ms[3] = {
            1, (int64_t)test_env_number(&world, 9), (int64_t)test_env_number(&world, 9)};
        veld_span one, other;
        size_t joined = play(list, false, ms, &one, &arena);
        assert_int_equal(play(list, true, ms, &other, &arena), joined);
        assert_true(veld_span_equal(one, other));
        if (joined) {
            check_merge(&stories[0], &stories[1], &stories[2], one);
            check_merge(&stories[0], &stories[2], &stories[1], one);
            merged++;
        }
    }
    print_message("%zu of %d merged\n", merged, RANDOM_TEXTS);
    assert_true(merged > RANDOM_TEXTS / 10);
    veld_arena_release(&arena);
}

int main(void)
{
#define CASE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        CASE_TEST(different_sentences_are_merged),
        CASE_TEST(both_may_add_behind_the_end),
        CASE_TEST(what_both_did_alike_is_done_once),
        CASE_TEST(a_sentence_that_one_left_out_is_gone),
        CASE_TEST(one_sentence_changed_by_both_asks),
        CASE_TEST(changes_side_by_side_ask),
        CASE_TEST(both_adding_in_the_middle_asks),
        CASE_TEST(leaving_out_against_changing_asks),
        CASE_TEST(three_different_texts_ask),
        CASE_TEST(without_one_base_it_asks),
        CASE_TEST(cleared_and_broken_ask),
        CASE_TEST(what_somebody_said_is_never_merged),
        CASE_TEST(a_judgement_is),
        CASE_TEST(the_next_save_replaces_both),
        CASE_TEST(many_sentences_ask),
        cmocka_unit_test(no_sentence_is_lost_and_the_order_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
