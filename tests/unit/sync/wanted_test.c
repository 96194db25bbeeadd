/* What is asked for by name, after a server that came back from a copy: it comes in turn, as much
 * as goes in a page, and nothing of it is forgotten. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/case.h"
#include "veldkit/limits.h"

enum { CASES = 40, NAME_CHARS = 3000 }; /* together far more than the smallest page */

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

/* A name that nothing makes shorter. */
static void save_long(exchange_party *p, unsigned nth)
{
    char json[NAME_CHARS + 3];
    uint32_t draw = nth + 1;
    for (size_t i = 1; i <= NAME_CHARS; i++) {
        draw = draw * 1664525u + 1013904223u;
        json[i] = (char)('a' + (draw >> 16) % 26);
    }
    json[0] = json[NAME_CHARS + 1] = '"';
    json[NAME_CHARS + 2] = 0;
    exchange_save(p, &cases[nth], &persons[nth], json);
}

static void found_all(void)
{
    for (unsigned i = 0; i < CASES; i++)
        cases[i] = exchange_found(anna, &persons[i]);
}

/* Its line is bad: it asks for as little at once as may be. */
static void make_pages_small(exchange_party *p)
{
    veld_buf lost;
    veld_buf_init(&lost, VELD_EXCHANGE_BYTES_MAX);
    for (unsigned bytes = VELD_EXCHANGE_PAGE_BYTES_MAX; bytes > VELD_EXCHANGE_PAGE_BYTES_MIN;
         bytes /= 2) {
        veld_buf_clear(&lost);
        assert_ok(veld_sync_begin(p->sync, 0, &lost, NULL));
        veld_sync_fail(p->sync);
    }
    veld_buf_release(&lost);
}

static void assert_same(exchange_party *a, exchange_party *b)
{
    for (unsigned i = 0; i < CASES; i++) {
        veld_hash mine = exchange_state(a, &cases[i]);
        veld_hash theirs = exchange_state(b, &cases[i]);
        assert_true(veld_hash_equal(&mine, &theirs));
    }
}

static void more_than_a_page_comes_page_by_page(void **state)
{
    (void)state;
    found_all();
    exchange_all_quiet(&w);
    for (unsigned i = 0; i < CASES; i++)
        exchange_assign(&w, &cases[i], bert);
    exchange_all_quiet(&w);
    for (unsigned i = 0; i < CASES; i++)
        save_long(anna, i);
    test_journal_cut(&w.journal, w.journal.count - 1);
    exchange_until_quiet(anna);
    make_pages_small(bert);
    exchange_all_quiet(&w);
    assert_same(anna, bert);
}

/* A founder's grant comes in another page than what she wrote. */
static void a_new_case_is_opened_though_its_parts_come_apart(void **state)
{
    (void)state;
    size_t before = w.journal.count;
    found_all();
    for (unsigned i = 0; i < CASES; i++)
        save_long(anna, i);
    exchange_until_quiet(anna);
    test_journal_cut(&w.journal, before - 1);
    exchange_until_quiet(anna);
    make_pages_small(&w.merger);
    exchange_until_quiet(&w.merger);
    assert_same(anna, &w.merger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            more_than_a_page_comes_page_by_page, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_new_case_is_opened_though_its_parts_come_apart, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
