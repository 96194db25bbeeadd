/* The access log from tablets to the agency: all of it, in order, once; nothing is forgotten that
 * the agency does not have; what was kept back or copied is found. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/limits.h"

static exchange_world w;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 1);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static void write_lines(exchange_party *p, size_t count)
{
    const veld_access_config config = {
        .env = p->t.desk.env, .store = p->t.store, .anchor = &p->anchor};
    veld_access_log *log = NULL;
    assert_ok(veld_access_log_new(&config, &log, NULL));
    veld_access_begin(log, &(veld_access_scope){.event = "case show",
                               .user = "A. de Vries",
                               .kind = VELD_ACCESS_READ,
                               .basis = VELD_ACCESS_BASIS_HELD});
    for (size_t i = 0; i < count; i++) {
        veld_id case_id;
        assert_ok(veld_id_new(p->t.desk.env, &case_id, NULL));
        assert_ok(veld_access_add(log, VELD_ACCESS_READ, &case_id, NULL, NULL));
    }
    assert_ok(veld_access_flush(log, NULL));
    veld_access_log_free(log);
}

static uint64_t count(exchange_party *p, const veld_id *chain)
{
    uint64_t rows;
    assert_ok(veld_store_count_access(p->t.store, chain, &rows, NULL));
    return rows;
}

static const veld_id *device_of(exchange_party *p)
{
    return veld_store_device(p->t.store);
}

static veld_access_proof check(void)
{
    veld_access_proof proof;
    assert_ok(veld_access_check(w.merger.t.store, &(veld_access_checker){0}, &proof, NULL));
    return proof;
}

static void lines_are_kept_by_the_agency_and_forgotten_here(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    uint64_t number;
    veld_hash hash;
    write_lines(anna, 3);
    exchange_until_quiet(anna);
    assert_int_equal(anna->trips, 1);
    assert_int_equal(count(anna, NULL), 3); /* received is not kept */
    exchange_until_quiet(&w.merger);
    assert_int_equal(count(&w.merger, device_of(anna)), 3);
    exchange_until_quiet(anna);
    assert_int_equal(count(anna, NULL), 0);
    assert_ok(veld_access_tail(anna->t.store, device_of(anna), &number, &hash, NULL));
    assert_int_equal(number, 3);
    exchange_party_restart(anna);
    write_lines(anna, 2);
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 5);
    assert_int_equal(count(anna, NULL), 0);
    assert_int_equal(check().faults, 0);
    exchange_until_quiet(anna);
    assert_int_equal(anna->trips, 1); /* nothing more to say */
}

static void many_lines_go_in_several_batches(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    for (int i = 0; i < 6; i++)
        write_lines(anna, 200);
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 1200);
    assert_int_equal(count(anna, NULL), 0);
    assert_int_equal(check().faults, 0);
}

static void a_cut_line_loses_and_doubles_nothing(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    veld_sync_result result;
    for (size_t cut = 0; cut < 2000; cut += 397) {
        exchange_fault fault = {.cut_request = SIZE_MAX, .cut_answer = cut, .twice = cut % 2 == 0};
        write_lines(anna, 2);
        (void)!exchange_once(anna, &fault, &result, NULL);
        exchange_party_restart(anna);
        fault = (exchange_fault){.cut_request = cut, .cut_answer = SIZE_MAX};
        (void)!exchange_once(anna, &fault, &result, NULL);
    }
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 12);
    assert_int_equal(count(anna, NULL), 0);
    assert_int_equal(check().faults, 0);
}

static void another_server_gets_what_is_not_kept(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    write_lines(anna, 4);
    exchange_until_quiet(anna);
    test_journal_cut(&w.journal, before);
    write_lines(anna, 1);
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 5);
    assert_int_equal(count(anna, NULL), 0);
    assert_int_equal(check().faults, 0);
}

/* A batch had no room yet when the server turned out to be another one, which has not those before
 * it. */
static void another_server_gets_them_from_the_first_on(void **state)
{
    (void)state;
    enum { CASES = 60 }; /* their grants go before, and are more than a page */
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    write_lines(anna, 4);
    exchange_until_quiet(anna);
    write_lines(anna, 2);
    for (int i = 0; i < CASES; i++)
        exchange_found(anna, &person);
    exchange_bad_line(anna);
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 6);
    assert_int_equal(count(anna, NULL), 0);
    assert_int_equal(check().faults, 0);
}

static void what_a_relay_keeps_back_is_missed_and_not_forgotten(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    write_lines(anna, 2);
    exchange_until_quiet(anna);
    w.journal.entries[w.journal.count - 1].item.access = true; /* the merger is not given it */
    write_lines(anna, 2);
    exchange_all_quiet(&w);
    assert_int_equal(count(&w.merger, device_of(anna)), 2);
    assert_int_equal(count(anna, NULL), 4);
    assert_int_equal(check().faults, 1); /* the gap */
}

static void a_copied_vault_shows(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    write_lines(anna, 2);
    exchange_all_quiet(&w);
    exchange_party *copy = exchange_party_clone(&w, anna, 77);
    write_lines(anna, 2);
    write_lines(copy, 3);
    exchange_until_quiet(anna);
    exchange_until_quiet(copy);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    exchange_until_quiet(copy);
    assert_int_equal(count(&w.merger, device_of(anna)), 7); /* both branches are kept */
    assert_true(check().faults >= 2);
    assert_true(anna->events[VELD_SYNC_REFUSED] + copy->events[VELD_SYNC_REFUSED] > 0);
}

static void a_device_speaks_for_itself_only(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    write_lines(anna, 2);
    exchange_until_quiet(anna);
    exchange_until_quiet(bert);
    for (size_t i = 0; i < w.journal.count; i++)
        if (w.journal.entries[i].item.kind == VELD_FRAME_ACCESS)
            assert_true(veld_id_equal(&w.journal.entries[i].item.device, device_of(anna)));
    exchange_until_quiet(&w.merger);
    size_t down = bert->down;
    exchange_until_quiet(bert);
    assert_true(bert->down <= down + 64); /* the agency's word to anna is not for bert */
}

/* What the agency keeps is not handed in to another server, and is not waited for. */
static void a_server_that_forgot_lines_that_are_kept_hears_no_more_of_them(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    uint64_t unsent;
    size_t before = w.journal.count;
    write_lines(anna, 3);
    exchange_all_quiet(&w);
    assert_int_equal(count(anna, NULL), 0);
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_ok(veld_sync_unsent_access(anna->t.store, &unsent, NULL));
    assert_int_equal(unsent, 0);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(lines_are_kept_by_the_agency_and_forgotten_here),
        IN_WORLD(many_lines_go_in_several_batches),
        IN_WORLD(a_cut_line_loses_and_doubles_nothing),
        IN_WORLD(another_server_gets_what_is_not_kept),
        IN_WORLD(another_server_gets_them_from_the_first_on),
        IN_WORLD(what_a_relay_keeps_back_is_missed_and_not_forgotten),
        IN_WORLD(a_server_that_forgot_lines_that_are_kept_hears_no_more_of_them),
        IN_WORLD(a_copied_vault_shows),
        IN_WORLD(a_device_speaks_for_itself_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
