/* A case of which the beginning was folded: it is the same case, goes on as before, takes late
 * changes, and says what it does not have. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exchange_world.h"
#include "veldkit/compact.h"
#include "veldkit/conflict.h"
#include "veldkit/limits.h"

enum { SAVES = 6 };

static exchange_world w;
static exchange_party *anna, *bert;
static veld_id case_id, person;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 83);
    anna = &w.tablets[0];
    bert = &w.tablets[1];
    case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    for (int i = 0; i < SAVES; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"Mina %d\"", i);
        exchange_save(i % 3 == 0 ? bert : anna, &case_id, &person, name);
        exchange_all_quiet(&w);
    }
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static size_t compact(exchange_party *p, int64_t keep_ms)
{
    size_t folded = 0;
    assert_ok(veld_compact_case(&p->t.desk, &case_id, keep_ms, 1, &folded, NULL));
    return folded;
}

static uint64_t rows(exchange_party *p)
{
    uint64_t count = 0;
    assert_ok(veld_store_count_changes(p->t.store, &case_id, &count, NULL));
    return count;
}

static void assert_all_equal(void)
{
    veld_hash office = exchange_state(&w.merger, &case_id);
    veld_hash one = exchange_state(anna, &case_id);
    veld_hash other = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&office, &one));
    assert_true(veld_hash_equal(&office, &other));
    assert_int_equal(anna->events[VELD_SYNC_DIVERGED] + bert->events[VELD_SYNC_DIVERGED], 0);
}

static void a_folded_case_is_the_same_case(void **state)
{
    (void)state;
    veld_hash before = exchange_state(anna, &case_id);
    assert_int_equal(rows(anna), SAVES + 1);
    assert_int_equal(compact(anna, 0), SAVES + 1);
    assert_int_equal(rows(anna), 0);
    veld_hash after = exchange_state(anna, &case_id);
    assert_true(veld_hash_equal(&before, &after));
    assert_int_equal(compact(anna, 0), 0);
    exchange_party_restart(anna);

    /* it goes on: the next number, the same parents, the same tree for everybody */
    exchange_save(anna, &case_id, &person, "\"Mina na\"");
    exchange_all_quiet(&w);
    exchange_save(bert, &case_id, &person, "\"Mina verder\"");
    exchange_all_quiet(&w);
    assert_all_equal();
    assert_int_equal(w.merger.events[VELD_SYNC_FORK], 0);
    assert_int_equal(exchange_unsent(anna), 0);

    /* and is folded again on top of what was */
    assert_int_equal(compact(anna, 0), 2);
    assert_all_equal();
}

static void what_is_young_or_unsent_stays(void **state)
{
    (void)state;
    assert_int_equal(compact(anna, INT64_C(365) * 24 * 3600 * 1000), 0);
    exchange_save(anna, &case_id, &person, "\"Mina nog hier\"");
    assert_int_equal(compact(anna, 0), SAVES + 1);
    assert_int_equal(rows(anna), 1);
    assert_int_equal(exchange_unsent(anna), 1);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
    assert_all_equal();
}

/* Bert writes on what he last saw while Anna's tablet forgets how it came to be. */
static void late_changes_join_what_was_folded(void **state)
{
    (void)state;
    exchange_save(bert, &case_id, &person, "\"Mina laat\"");
    exchange_save(anna, &case_id, &person, "\"Mina vroeg\"");
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    assert_int_equal(compact(anna, 0), SAVES + 2);
    exchange_all_quiet(&w);
    assert_all_equal();
}

static void save_birth(exchange_party *p, const char *json)
{
    veld_case *opened;
    veld_hash change;
    const veld_edit edit = test_edit_set(&person, "person", "birthDate", json);
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    veld_case_close(opened);
}

static void an_open_choice_keeps_where_it_came_from(void **state)
{
    (void)state;
    save_birth(anna, "\"2001-01-01\"");
    exchange_all_quiet(&w);
    save_birth(bert, "\"2001-01-02\"");
    save_birth(bert, "\"2001-01-03\"");
    save_birth(anna, "\"2001-01-04\"");
    save_birth(anna, "\"2001-01-05\"");
    exchange_all_quiet(&w);
    assert_true(compact(anna, 0) > 0);
    veld_case *folded, *whole;
    veld_arena arena;
    size_t one, other;
    const veld_conflict *of_folded, *of_whole;
    veld_arena_init(&arena, 8 << 20);
    assert_ok(veld_case_open(&anna->t.desk, &case_id, &folded, NULL));
    assert_ok(veld_case_open(&w.merger.t.desk, &case_id, &whole, NULL));
    assert_ok(veld_conflict_list(
        veld_case_state(folded), anna->t.schemas, &case_id, &arena, &of_folded, &one, NULL));
    assert_ok(veld_conflict_list(
        veld_case_state(whole), anna->t.schemas, &case_id, &arena, &of_whole, &other, NULL));
    assert_int_equal(one, other);
    assert_true(one > 0);
    for (size_t i = 0; i < one; i++)
        assert_true(veld_span_equal(of_folded[i].base, of_whole[i].base));
    veld_case_close(folded);
    veld_case_close(whole);
    veld_arena_release(&arena);
}

static void count_line(void *context, const char *text)
{
    (void)text;
    ++*(size_t *)context;
}

static void what_is_shown_says_where_it_begins(void **state)
{
    (void)state;
    veld_case *opened;
    veld_proof proof;
    size_t findings = 0;
    veld_state *past = NULL;
    assert_int_equal(compact(anna, 0), SAVES + 1);
    exchange_save(anna, &case_id, &person, "\"Mina na\"");
    assert_ok(veld_case_open(&anna->t.desk, &case_id, &opened, NULL));
    const veld_case_base *base = veld_case_get_base(opened);
    assert_non_null(base);
    assert_int_equal(base->changes, SAVES + 1);
    assert_false(base->from_agency);
    assert_ok(veld_case_verify(opened, &proof, count_line, &findings, NULL));
    assert_int_equal(proof.changes, 1);
    assert_int_equal(proof.trees, 1);
    assert_int_equal(proof.before, SAVES + 1);
    assert_int_equal(findings, 0);

    size_t count;
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    assert_int_equal(count, SAVES + 2);
    const veld_node *last = NULL;
    for (size_t i = 0; i < count; i++)
        last = order[i]->early ? last : order[i];
    assert_non_null(last);
    for (size_t i = 0; i < count; i++) {
        bool has_past = order[i] == last || order[i] == last->parents[0];
        veld_status status = veld_case_state_at(opened, &order[i]->id, &past, NULL);
        assert_int_equal(status, has_past ? VELD_OK : VELD_E_STALE);
        veld_state_free(past);
        past = NULL;
    }
    char dir[300];
    veld_exported exported = {.left_out = 1};
    snprintf(dir, sizeof dir, "%s/uit", anna->t.home);
    assert_ok(veld_case_export(opened, dir, &exported, NULL));
    assert_int_equal(exported.left_out, 0);
    veld_case_close(opened);
}

/* The relay is another one: what was folded is not offered, and nothing stops for it. */
static void another_server_is_given_what_is_here(void **state)
{
    (void)state;
    assert_int_equal(compact(anna, 0), SAVES + 1);
    exchange_save(anna, &case_id, &person, "\"Mina na\"");
    test_journal_release(&w.journal);
    test_journal_init(&w.journal, 2);
    exchange_all_quiet(&w);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
    assert_all_equal();
}

/* Every failed allocation leaves the case as it was. */
static void a_fold_that_fails_changes_nothing(void **state)
{
    (void)state;
    veld_hash before = exchange_state(anna, &case_id);
    for (uint64_t n = 1, step = 1;; n += step, step += n / 40) {
        size_t folded = 0;
        test_fail_allocation(n, false);
        veld_status status = veld_compact_case(&anna->t.desk, &case_id, 0, 1, &folded, NULL);
        test_fail_allocation(0, false);
        if (status == VELD_OK)
            break;
        veld_error err = {0};
        if (veld_store_in_transaction(anna->t.store))
            veld_store_rollback(anna->t.store);
        assert_ok(veld_store_reopen(anna->t.store, &err));
        assert_true(rows(anna) == SAVES + 1 || rows(anna) == 0);
        veld_hash after = exchange_state(anna, &case_id);
        assert_true(veld_hash_equal(&before, &after));
    }
    veld_hash after = exchange_state(anna, &case_id);
    assert_true(veld_hash_equal(&before, &after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_folded_case_is_the_same_case, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_young_or_unsent_stays, open_world, close_world),
        cmocka_unit_test_setup_teardown(late_changes_join_what_was_folded, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_open_choice_keeps_where_it_came_from, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_shown_says_where_it_begins, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            another_server_is_given_what_is_here, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_fold_that_fails_changes_nothing, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
