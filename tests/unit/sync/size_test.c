/* What an exchange costs follows from what is new, not from how many cases there are nor from where
 * they lie in the journal. Counted, not timed: by how often memory is asked for, which every row
 * and every item that is looked at does, and by what the relay reads of its log. */
#include "veld_test.h"

#include <stdio.h>

#include "exchange_world.h"

enum { FEW = 4, MANY = 40, CASES = 6, ROUNDS = 10 };

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static veld_id cases[MANY], persons[MANY];
static veld_journal counted;
static size_t nodes; /* of the log that were read */

static veld_status count_node(
    void *context, unsigned level, uint64_t place, veld_hash *out, veld_error *err)
{
    nodes++;
    return w.journal.journal.log.get(context, level, place, out, err);
}

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 41);
    w.checkpoint_min = 1;
    exchange_party_restart(&w.merger);
    counted = w.journal.journal;
    counted.log.get = count_node;
    exchange_relay_restart(&w, &counted);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static void found(size_t from, size_t upto)
{
    for (size_t i = from; i < upto; i++)
        cases[i] = exchange_found(anna, &persons[i]);
    exchange_all_quiet(&w);
}

static void save(size_t which, size_t round)
{
    char name[32];
    snprintf(name, sizeof name, "\"Mina %zu\"", round);
    exchange_save(anna, &cases[which], &persons[which], name);
}

static uint64_t count_change(size_t which)
{
    save(which, 1);
    (void)test_fail_allocation(0, false);
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    return test_fail_allocation(0, false);
}

static uint64_t count_assignment(size_t which)
{
    (void)test_fail_allocation(0, false);
    exchange_assign(&w, &cases[which], bert);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(bert);
    return test_fail_allocation(0, false);
}

static void assert_no_more_than(uint64_t many, uint64_t few, unsigned percent)
{
    printf("%llu, %llu\n", (unsigned long long)few, (unsigned long long)many);
    assert_true(many * 100 <= few * percent);
}

static void one_case_costs_the_same_among_many(void **state)
{
    (void)state;
    found(0, FEW);
    uint64_t to_new = count_assignment(0); /* bert hears of anna and of the directory too */
    uint64_t change = count_change(1), given = count_assignment(1);
    assert_true(to_new > given);
    found(FEW, MANY);
    exchange_until_quiet(bert);
    assert_no_more_than(count_change(MANY - 1), change, 105);
    assert_no_more_than(count_assignment(MANY - 1), given, 105);
}

/* The relay came back from a copy: what it has is listed, and the merger looks what it lacks. */
static uint64_t count_comparing(bool is_interleaved)
{
    found(0, CASES);
    for (size_t i = 0; i < CASES * (size_t)ROUNDS; i++) {
        if (is_interleaved)
            save(i % CASES, i / CASES);
        else
            save(i / ROUNDS, i % ROUNDS);
        exchange_until_quiet(anna);
    }
    exchange_until_quiet(&w.merger);
    test_journal_cut(&w.journal, w.journal.count - 1);
    save(0, ROUNDS);
    exchange_until_quiet(anna);
    (void)test_fail_allocation(0, false);
    exchange_until_quiet(&w.merger);
    uint64_t count = test_fail_allocation(0, false);
    assert_int_equal(w.merger.events[VELD_SYNC_OTHER_SERVER], 1);
    return count;
}

static void comparing_opens_each_case_once(void **state)
{
    uint64_t side_by_side = count_comparing(false);
    close_world(state);
    open_world(state);
    assert_no_more_than(count_comparing(true), side_by_side, 105);
}

static size_t count_nodes(size_t items)
{
    for (size_t i = 0; i < items; i++)
        save(i, items);
    nodes = 0;
    exchange_until_quiet(anna);
    return nodes;
}

static void an_item_costs_the_relay_its_place_in_the_log(void **state)
{
    (void)state;
    found(0, MANY);
    size_t one = count_nodes(1), many = count_nodes(MANY);
    printf("%zu, %zu\n", one, many);
    assert_true(many - one <= 2 * MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            one_case_costs_the_same_among_many, open_world, close_world),
        cmocka_unit_test_setup_teardown(comparing_opens_each_case_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_item_costs_the_relay_its_place_in_the_log, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
