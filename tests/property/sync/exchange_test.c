/* Random lives of an agency: tablets that save and exchange over a line that cuts, loses and
 * repeats, processes that start anew, a server that is restored from an older copy. After a quiet
 * phase all who have a case have the same state, nothing that was saved is lost, and every change
 * is taken in. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "exchange_world.h"

enum { STEPS = 60, CASES = 2 };

typedef struct life {
    exchange_world w;
    veld_id cases[CASES], persons[CASES];
    uint64_t saved;
    bool restored;
} life;

static exchange_party *any_party(life *l)
{
    return &l->w.tablets[test_env_number(&l->w.env, l->w.count)];
}

static void faulty_exchange(life *l, exchange_party *p)
{
    veld_sync_result result;
    exchange_fault fault = exchange_no_fault;
    switch (test_env_number(&l->w.env, 5)) {
    case 0:
        fault.cut_request = test_env_number(&l->w.env, 1500);
        break;
    case 1:
        fault.cut_answer = test_env_number(&l->w.env, 1500);
        break;
    case 2:
        fault.twice = true;
        break;
    default:
        break;
    }
    (void)!exchange_once(p, &fault, &result, NULL);
}

static void save_something(life *l, exchange_party *p)
{
    char json[32];
    size_t which = test_env_number(&l->w.env, CASES);
    veld_case *opened;
    if (veld_case_open(&p->t.desk, &l->cases[which], &opened, NULL) != VELD_OK)
        return;                                                    /* not assigned yet */
    bool is_begun = veld_graph_count(veld_case_graph(opened)) > 0; /* else its key came alone */
    veld_case_close(opened);
    if (!is_begun)
        return;
    snprintf(json, sizeof json, "\"Naam %llu\"", (unsigned long long)l->saved++);
    exchange_save(p, &l->cases[which], &l->persons[which], json);
}

static void step(life *l)
{
    switch (test_env_number(&l->w.env, 12)) {
    case 0:
    case 1:
    case 2:
    case 3:
        save_something(l, any_party(l));
        break;
    case 4:
        faulty_exchange(l, &l->w.merger);
        break;
    case 5:
        exchange_party_restart(any_party(l));
        break;
    case 6:
        if (test_env_number(&l->w.env, 4) == 0) {
            test_journal_cut(&l->w.journal, test_env_number(&l->w.env, l->w.journal.count + 1));
            l->restored = true;
        }
        break;
    default:
        faulty_exchange(l, any_party(l));
        break;
    }
}

static uint64_t changes_of(exchange_party *p, const veld_id *case_id)
{
    uint64_t count;
    assert_ok(veld_store_count_changes(p->t.store, case_id, &count, NULL));
    return count;
}

static void check_all(life *l)
{
    uint64_t all = 0;
    for (size_t c = 0; c < CASES; c++) {
        veld_hash office = exchange_state(&l->w.merger, &l->cases[c]);
        all += changes_of(&l->w.merger, &l->cases[c]);
        for (size_t i = 0; i < l->w.count; i++) {
            veld_hash mine = exchange_state(&l->w.tablets[i], &l->cases[c]);
            assert_true(veld_hash_equal(&mine, &office));
        }
    }
    assert_int_equal(all, l->saved + CASES);
    for (size_t i = 0; i < l->w.count; i++) {
        assert_int_equal(exchange_unsent(&l->w.tablets[i]), 0);
        assert_int_equal(l->w.tablets[i].events[VELD_SYNC_LOG_BROKEN], 0);
        exchange_until_quiet(&l->w.tablets[i]);
        assert_int_equal(l->w.tablets[i].trips, 1);
    }
}

static void one_life(uint64_t seed)
{
    static life l;
    l = (life){0};
    exchange_world_open(&l.w, 2 + seed % 2, seed);
    for (size_t c = 0; c < CASES; c++)
        l.cases[c] = exchange_found(&l.w.tablets[c], &l.persons[c]);
    exchange_all_quiet(&l.w);
    for (size_t c = 0; c < CASES; c++)
        for (size_t i = 0; i < l.w.count; i++)
            exchange_assign(&l.w, &l.cases[c], &l.w.tablets[i]);
    for (unsigned i = 0; i < STEPS; i++)
        step(&l);
    exchange_all_quiet(&l.w);
    check_all(&l);
    exchange_world_close(&l.w);
}

static void random_lives_end_well(void **state)
{
    (void)state;
    const char *wanted = getenv("VELD_SEED");
    if (wanted != NULL) {
        one_life(strtoull(wanted, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 12; seed++) {
        printf("seed %llu\n", (unsigned long long)seed);
        one_life(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_lives_end_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
