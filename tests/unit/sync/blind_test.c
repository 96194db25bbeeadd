/* Blind work from one tablet to the agency: it arrives once and whole, comes to those who have the
 * case, founds what only its founder may found, and is kept until a head names it. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/blind.h"
#include "veldkit/founder.h"
#include "veldkit/part.h"

static exchange_world w;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 1);
    for (size_t i = 0; i < w.count; i++)
        w.tablets[i].t.desk.office = &w.agency.seal_key;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static veld_status count_one(void *context, const veld_blind *blind, veld_error *err)
{
    size_t *count = context;
    (void)err;
    assert_false(veld_hash_is_zero(&blind->change));
    ++*count;
    return VELD_OK;
}

static size_t waiting(exchange_party *p)
{
    size_t count = 0;
    assert_ok(veld_blind_each(p->t.store, &count, count_one, NULL));
    return count;
}

static veld_hash write_blind(exchange_party *p, const veld_id *case_id, const char *text)
{
    veld_id record;
    veld_hash change;
    assert_ok(veld_id_new(&p->t.world.env, &record, NULL));
    veld_edit edit = test_edit_set(&record, "note", "text", text);
    assert_ok(veld_case_save_blind(&p->t.desk, case_id, &edit, 1, &change, NULL));
    return change;
}

static veld_id own_id(exchange_party *p)
{
    veld_id id;
    assert_ok(veld_founder_new_id(&p->t.world.env, veld_store_device(p->t.store), &id, NULL));
    return id;
}

static bool has_case(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened = NULL;
    veld_status status = veld_case_open(&p->t.desk, case_id, &opened, NULL);
    veld_case_close(opened);
    return status == VELD_OK;
}

static bool has_change(exchange_party *p, const veld_id *case_id, const veld_hash *change)
{
    veld_case *opened;
    if (!has_case(p, case_id))
        return false;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    bool has = veld_graph_has(veld_case_graph(opened), change);
    veld_proof proof;
    assert_ok(veld_case_verify(opened, &proof, NULL, NULL, NULL));
    assert_int_equal(proof.findings, 0);
    veld_case_close(opened);
    return has;
}

static void it_is_joined_and_comes_to_who_has_the_case(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_hash change = write_blind(bert, &case_id, "\"onderweg\"");
    assert_int_equal(waiting(bert), 1);
    assert_false(has_case(bert, &case_id));
    exchange_all_quiet(&w);
    assert_int_equal(waiting(bert), 0);
    assert_false(has_case(bert, &case_id));
    assert_true(has_change(&w.merger, &case_id, &change));
    assert_true(has_change(anna, &case_id, &change));
    veld_hash one = exchange_state(anna, &case_id), other = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&one, &other));
    assert_int_equal(anna->events[VELD_SYNC_REFUSED], 0);
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 0);
    assert_int_equal(w.merger.events[VELD_SYNC_REFUSED], 0);
}

/* More than goes in a page, to a server that came back from a copy: each is offered once, and not
 * all of them again for as long as one of them waits. */
static void a_lot_is_offered_once(void **state)
{
    (void)state;
    enum { NOTES = 160, MUCH = 512 * NOTES * 3 / 2 };
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    for (unsigned i = 0; i < NOTES; i++)
        (void)write_blind(bert, &case_id, "\"onderweg\"");
    exchange_until_quiet(bert);
    test_journal_cut(&w.journal, before);
    exchange_bad_line(bert);
    exchange_until_quiet(bert);
    assert_true(bert->up < MUCH);
    exchange_all_quiet(&w);
    assert_int_equal(waiting(bert), 0);
}

static void each_is_named_by_every_head(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    (void)write_blind(bert, &case_id, "\"een\"");
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    exchange_save(anna, &case_id, &person, "\"Op alles\""); /* on top: it is no head any more */
    exchange_until_quiet(anna);
    (void)write_blind(bert, &case_id, "\"twee\"");
    exchange_all_quiet(&w);
    assert_int_equal(waiting(bert), 0);
}

static void a_case_is_founded_by_the_agency_for_its_founder_only(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id own = own_id(bert);
    veld_hash change = write_blind(bert, &own, "\"eigen\"");
    exchange_all_quiet(&w);
    assert_true(has_change(&w.merger, &own, &change));
    assert_false(has_case(bert, &own));
    assert_int_equal(waiting(bert), 0);
    /* One who wants to be first with a key for a case that another is founding. */
    veld_id person;
    veld_id case_id = exchange_found(anna, &person);
    veld_hash early = write_blind(bert, &case_id, "\"te vroeg\"");
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assert_false(has_case(&w.merger, &case_id));
    assert_int_equal(waiting(bert), 1); /* nothing is lost: it waits until the case is there */
    exchange_all_quiet(&w);
    assert_true(has_change(&w.merger, &case_id, &early));
    assert_true(has_change(anna, &case_id, &early));
    assert_int_equal(waiting(bert), 0);
    veld_hash one = exchange_state(anna, &case_id), other = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&one, &other));
}

static void a_cut_or_repeated_exchange_brings_it_once(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    veld_id own = own_id(bert);
    veld_hash change = write_blind(bert, &own, "\"eens\"");
    for (size_t cut = 0; cut < 900; cut += 61) {
        veld_sync_result result;
        const exchange_fault up = {.cut_request = cut, .cut_answer = SIZE_MAX};
        const exchange_fault down = {.cut_request = SIZE_MAX, .cut_answer = cut, .twice = true};
        (void)!exchange_once(bert, &up, &result, NULL);
        (void)!exchange_once(bert, &down, &result, NULL);
        assert_int_equal(waiting(bert), 1);
        if (cut % 122 == 0)
            exchange_party_restart(bert);
        bert->t.desk.office = &w.agency.seal_key;
    }
    exchange_all_quiet(&w);
    assert_int_equal(waiting(bert), 0);
    assert_true(has_change(&w.merger, &own, &change));
    veld_case *opened;
    assert_ok(veld_case_open(&w.merger.t.desk, &own, &opened, NULL));
    assert_int_equal(veld_graph_count(veld_case_graph(opened)), 1);
    veld_case_close(opened);
}

static void a_restored_server_gets_it_again(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    size_t stored = w.journal.count;
    veld_id own = own_id(bert);
    veld_hash change = write_blind(bert, &own, "\"weer\"");
    exchange_until_quiet(bert);
    assert_int_equal(waiting(bert), 1); /* received, not taken in */
    test_journal_cut(&w.journal, stored);
    exchange_all_quiet(&w);
    exchange_all_quiet(&w);
    assert_int_equal(waiting(bert), 0);
    assert_true(has_change(&w.merger, &own, &change));
}

/* The server comes back from a copy in which the change lies as it was handed in, sealed to the
 * agency, and not yet as the agency sealed it for those who have the case. */
static void what_only_the_agency_can_open_is_sealed_again_for_the_case(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_hash change = write_blind(bert, &case_id, "\"onderweg\"");
    exchange_until_quiet(bert);
    size_t before = w.journal.count;
    exchange_until_quiet(&w.merger);
    assert_true(w.journal.count > before);
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_true(has_change(anna, &case_id, &change));
}

static void saving_is_whole_or_not_there(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    veld_id own = own_id(bert), record = own_id(bert);
    veld_edit edit = test_edit_set(&record, "note", "text", "\"x\"");
    veld_hash change;
    for (uint64_t n = 1;; n += 3) {
        test_fail_allocation(n, true);
        veld_status status = veld_case_save_blind(&bert->t.desk, &own, &edit, 1, &change, NULL);
        test_fail_allocation(0, false);
        if (status == VELD_E_IO)
            assert_ok(veld_store_reopen(bert->t.store, NULL));
        if (waiting(bert) == 1) /* saved, or SQLite had no memory after the commit was durable */
            break;
        assert_int_not_equal(status, VELD_OK);
        assert_true(veld_hash_is_zero(&change));
        assert_true(status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO);
    }
    veld_allocator_set(NULL);
}

static void what_must_have_seen_something_is_refused(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    veld_id own = own_id(bert);
    veld_hash change;
    veld_edit edit = test_edit_set(&own, "note", "text", "\"x\"");
    assert_int_equal(
        veld_case_save_blind(&bert->t.desk, &own, &edit, 0, &change, NULL), VELD_E_INVALID);
    edit.kind = VELD_EDIT_REMOVE;
    assert_int_equal(
        veld_case_save_blind(&bert->t.desk, &own, &edit, 1, &change, NULL), VELD_E_UNSUPPORTED);
    edit.kind = VELD_EDIT_SET;
    veld_desk lone = bert->t.desk;
    lone.office = NULL;
    assert_int_equal(
        veld_case_save_blind(&lone, &own, &edit, 1, &change, NULL), VELD_E_NOT_ALLOWED);
    assert_int_equal(waiting(bert), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lot_is_offered_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            it_is_joined_and_comes_to_who_has_the_case, open_world, close_world),
        cmocka_unit_test_setup_teardown(each_is_named_by_every_head, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_case_is_founded_by_the_agency_for_its_founder_only, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_cut_or_repeated_exchange_brings_it_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_restored_server_gets_it_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_only_the_agency_can_open_is_sealed_again_for_the_case, open_world, close_world),
        cmocka_unit_test_setup_teardown(saving_is_whole_or_not_there, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_must_have_seen_something_is_refused, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
