/* An answer is a page. What is asked for by name, what lies before a grant and what a relay lists
 * after it came back from a copy comes page by page, however small or large, and nothing of it is
 * passed over. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/case.h"
#include "veldkit/limits.h"

enum {
    CASES = 40,
    FEW = 15,
    NAME_CHARS = 3000,
    LONG_CHARS = 255000,
    LONG_COUNT = 24
}; /* together far more than the smallest page */

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static veld_id cases[CASES], persons[CASES];

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 41);
    exchange_all_quiet(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* A name that packing makes hardly shorter. */
static void save_name(exchange_party *p, unsigned nth, size_t chars)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    static uint32_t draw = 1;
    char *json = veld_allocate(chars + 3);
    assert_non_null(json);
    for (size_t i = 1; i <= chars; i++) {
        draw = draw * 1664525u + 1013904223u;
        json[i] = letters[(draw >> 16) % 64];
    }
    json[0] = json[chars + 1] = '"';
    json[chars + 2] = 0;
    exchange_save(p, &cases[nth], &persons[nth], json);
    veld_release(json);
}

static void found(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        cases[i] = exchange_found(anna, &persons[i]);
}

static void assert_same(exchange_party *a, exchange_party *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        veld_hash mine = exchange_state(a, &cases[i]);
        veld_hash theirs = exchange_state(b, &cases[i]);
        assert_true(veld_hash_equal(&mine, &theirs));
    }
}

static void more_than_a_page_comes_page_by_page(void **state)
{
    (void)state;
    found(FEW);
    exchange_all_quiet(&w);
    for (unsigned i = 0; i < FEW; i++)
        exchange_assign(&w, &cases[i], bert);
    exchange_all_quiet(&w);
    for (unsigned i = 0; i < FEW; i++)
        save_name(anna, i, NAME_CHARS);
    test_journal_cut(&w.journal, w.journal.count - 1);
    exchange_until_quiet(anna);
    exchange_bad_line(bert);
    exchange_all_quiet(&w);
    assert_same(anna, bert, FEW);
}

/* A founder's grant comes in another page than what she wrote. */
static void a_new_case_is_opened_though_its_parts_come_apart(void **state)
{
    (void)state;
    size_t before = w.journal.count;
    found(FEW);
    for (unsigned i = 0; i < FEW; i++)
        save_name(anna, i, NAME_CHARS);
    exchange_until_quiet(anna);
    test_journal_cut(&w.journal, before - 1);
    exchange_until_quiet(anna);
    exchange_bad_line(&w.merger);
    exchange_until_quiet(&w.merger);
    assert_same(anna, &w.merger, FEW);
}

/* As when somebody wrote for weeks without a line: what she wrote goes in one envelope, which is
 * larger than the largest page. */
static void what_is_larger_than_a_page_comes_with_its_grant(void **state)
{
    (void)state;
    size_t before = w.journal.count;
    cases[0] = exchange_found(anna, &persons[0]);
    for (unsigned i = 0; i < LONG_COUNT; i++)
        save_name(anna, 0, LONG_CHARS);
    exchange_all_quiet(&w);
    assert_true(w.journal.entries[before + 1].item.len > VELD_EXCHANGE_PAGE_BYTES_MAX);
    exchange_assign(&w, &cases[0], bert);
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &cases[0]);
    veld_hash theirs = exchange_state(bert, &cases[0]);
    assert_true(veld_hash_equal(&mine, &theirs));
}

/* The relay has listed its oldest things by then, and that one was none of the tablet's. */
static void a_case_that_is_given_while_comparing_comes_whole(void **state)
{
    (void)state;
    veld_sync_result result;
    size_t before = w.journal.count;
    found(CASES);
    save_name(anna, 0, 10); /* the office hands in no more than the first change by itself */
    exchange_all_quiet(&w);
    for (unsigned i = 1; i < CASES; i++)
        exchange_assign(&w, &cases[i], bert);
    exchange_all_quiet(&w);
    test_journal_cut(&w.journal, before);
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger);
    exchange_bad_line(bert);
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    assert_int_equal(bert->events[VELD_SYNC_OTHER_SERVER], 1);
    assert_true(result.more);
    exchange_assign(&w, &cases[0], bert);
    exchange_until_quiet(&w.merger);
    exchange_all_quiet(&w);
    assert_same(anna, bert, CASES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            more_than_a_page_comes_page_by_page, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_new_case_is_opened_though_its_parts_come_apart, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_larger_than_a_page_comes_with_its_grant, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_case_that_is_given_while_comparing_comes_whole, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
