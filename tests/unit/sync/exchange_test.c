/* One exchange after the other between tablets, relay and merger: what arrives, how often they have
 * to talk, how much they say, and what faults of the line and the server do not do. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange_world.h"
#include "veldkit/frame.h"
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

static void a_case_made_offline_reaches_a_colleague(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    assert_int_equal(exchange_unsent(anna), 1);
    exchange_until_quiet(anna);
    assert_int_equal(anna->trips, 1);
    assert_int_equal(anna->events[VELD_SYNC_RECEIVED], 1);
    assert_int_equal(exchange_unsent(anna), 1); /* received is not taken in */
    exchange_until_quiet(&w.merger);
    assert_int_equal(w.merger.trips, 2); /* fetches, then hands in its head */
    exchange_until_quiet(anna);
    assert_int_equal(anna->trips, 1);
    assert_int_equal(exchange_unsent(anna), 0);
    assert_int_equal(anna->events[VELD_SYNC_TAKEN_IN], 1);

    exchange_assign(&w, &case_id, bert);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(bert);
    assert_int_equal(bert->trips, 1);
    assert_int_equal(bert->events[VELD_SYNC_CASE_NEW], 1);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));

    /* one field, in both directions, and nothing at all */
    exchange_save(bert, &case_id, &person, "\"Mina B.\"");
    exchange_until_quiet(bert);
    assert_int_equal(bert->trips, 1);
    printf("one field: %zu bytes up, %zu down\n", bert->up, bert->down);
    assert_true(bert->up <= 1024);
    exchange_all_quiet(&w);
    mine = exchange_state(anna, &case_id);
    theirs = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    assert_int_equal(exchange_unsent(bert), 0);
    exchange_until_quiet(anna);
    assert_int_equal(anna->trips, 1);
    printf("nothing: %zu bytes up, %zu down\n", anna->up, anna->down);
}

static void a_cut_at_any_byte_loses_nothing(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    size_t stored = w.journal.count;
    veld_sync_result result;
    for (size_t cut = 0; cut < 900; cut += 37) {
        exchange_fault fault = {.cut_request = cut, .cut_answer = SIZE_MAX};
        assert_int_not_equal(exchange_once(anna, &fault, &result, NULL), VELD_OK);
    }
    assert_int_equal(w.journal.count, stored);
    for (size_t cut = 0; cut < 400; cut += 17) {
        exchange_fault fault = {.cut_request = SIZE_MAX, .cut_answer = cut, .twice = cut % 2};
        assert_int_not_equal(exchange_once(anna, &fault, &result, NULL), VELD_OK);
        assert_int_equal(exchange_unsent(anna), 1);
    }
    assert_int_equal(w.journal.count, stored + 2); /* one grant, one envelope, no copies */
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

static void a_restored_server_is_filled_again(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    size_t before = w.journal.count;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    exchange_save(bert, &case_id, &person, "\"Mina C.\"");
    exchange_all_quiet(&w);
    test_journal_cut(&w.journal, before);
    exchange_save(anna, &case_id, &person, "\"Mina D.\"");
    exchange_until_quiet(anna);
    assert_int_equal(anna->events[VELD_SYNC_OTHER_SERVER], 1);
    assert_true(anna->trips <= 3);
    exchange_until_quiet(&w.merger);
    assert_true(w.merger.trips <= 4);
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    theirs = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    assert_int_equal(exchange_unsent(anna), 0);
    assert_int_equal(exchange_unsent(bert), 0);
}

static void a_full_disk_of_the_relay_gives_no_receipt(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    (void)exchange_found(anna, &person);
    w.journal.commit_fails = true;
    assert_int_equal(exchange_once(anna, &exchange_no_fault, &result, NULL), VELD_E_FULL);
    size_t received = anna->events[VELD_SYNC_RECEIVED];
    int64_t now_ms = anna->t.world.now.monotonic_ms;
    assert_in_range(veld_sync_next_ms(anna->sync) - now_ms + 100, 500, 1000);
    exchange_all_quiet(&w);
    assert_int_equal(anna->events[VELD_SYNC_RECEIVED], received + 1);
    assert_int_equal(exchange_unsent(anna), 0);
}

static void a_new_process_sends_nothing_twice(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    (void)exchange_found(anna, &person);
    exchange_until_quiet(anna);
    size_t stored = w.journal.count;
    exchange_party_restart(anna);
    exchange_until_quiet(anna);
    assert_int_equal(w.journal.count, stored);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
}

/* Two lives of one device make different changes with one number: neither may pass for the other.
 */
static void changes_of_a_clone_are_all_taken_in(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_party *copy = exchange_party_clone(&w, anna, 77);
    exchange_save(anna, &case_id, &person, "\"Mina van Anna\"");
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger);
    exchange_save(copy, &case_id, &person, "\"Mina van de kopie\"");
    exchange_save(copy, &case_id, &person, "\"Mina van de kopie, later\"");
    assert_int_equal(exchange_unsent(copy), 2);
    test_journal_cut(&w.journal, w.journal.count - 3);
    exchange_all_quiet(&w);
    uint64_t all;
    assert_ok(veld_store_count_changes(w.merger.t.store, &case_id, &all, NULL));
    assert_int_equal(all, 4);
    veld_hash office = exchange_state(&w.merger, &case_id);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(copy, &case_id);
    assert_true(veld_hash_equal(&mine, &office) && veld_hash_equal(&theirs, &office));
    assert_int_equal(exchange_unsent(anna) + exchange_unsent(copy), 0);
}

/* How many changes of the case the party has; SIZE_MAX when it has no such case. */
static size_t changes_of(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened;
    if (veld_case_open(&p->t.desk, case_id, &opened, NULL) != VELD_OK)
        return SIZE_MAX;
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

/* The office fails at each place where it takes a new case in, and begins anew. A case with its key
 * and not its first change could be saved into as if the office had founded it, and who did would
 * never hear of what others add. */
static void a_new_case_is_taken_in_whole_or_not_at_all(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_until_quiet(anna);
    size_t here = SIZE_MAX;
    uint64_t nth = 0;
    while (here == SIZE_MAX) {
        veld_sync_result result;
        assert_true(++nth < 100);
        w.merger.t.world.random_fails_at = nth;
        (void)!exchange_once(&w.merger, &exchange_no_fault, &result, NULL);
        w.merger.t.world.random_fails_at = 0;
        exchange_party_restart(&w.merger);
        here = changes_of(&w.merger, &case_id);
        assert_int_not_equal(here, 0);
    }
    assert_true(nth > 3);
    exchange_until_quiet(&w.merger);
    exchange_save(&w.merger, &case_id, &person, "\"Mina V.\"");
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

/* A tablet fails at each place where it notes what was received, and the server comes back from a
 * copy that is older than that: what was received is lost there, and is handed in again. */
static void what_a_restored_server_lost_after_a_crash_is_handed_in_again(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_status status = VELD_E_CRYPTO;
    uint64_t nth = 0;
    while (status != VELD_OK) {
        char json[32];
        size_t before = w.journal.count;
        assert_true(++nth < 100);
        snprintf(json, sizeof json, "\"Mina %u\"", (unsigned)nth);
        exchange_save(anna, &case_id, &person, json);
        anna->t.world.random_fails_at = nth;
        status = exchange_once(anna, &exchange_no_fault, &result, NULL);
        anna->t.world.random_fails_at = 0;
        exchange_party_restart(anna);
        test_journal_cut(&w.journal, before);
        exchange_all_quiet(&w);
        veld_hash mine = exchange_state(anna, &case_id);
        veld_hash theirs = exchange_state(&w.merger, &case_id);
        assert_true(veld_hash_equal(&mine, &theirs));
        assert_int_equal(exchange_unsent(anna), 0);
    }
    assert_true(nth > 3);
}

/* The newest change of `from` comes to `to` by a way of its own, without those before it. */
static void carry_newest(exchange_party *from, exchange_party *to, const veld_id *case_id)
{
    veld_arena arena;
    veld_change change;
    veld_taken taken;
    size_t count;
    veld_case *at_from, *at_to;
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_case_open(&from->t.desk, case_id, &at_from, NULL));
    assert_ok(veld_case_open(&to->t.desk, case_id, &at_to, NULL));
    const veld_node *const *heads = veld_graph_heads(veld_case_graph(at_from), &count);
    assert_int_equal(count, 1);
    assert_ok(veld_case_change(at_from, &heads[0]->id, &arena, &change, NULL));
    assert_ok(veld_case_take(at_to, &change, 1, &taken, NULL));
    assert_int_equal(taken.added, 1);
    veld_case_close(at_from);
    veld_case_close(at_to);
    veld_arena_release(&arena);
}

/* The office has the last change of an envelope and not the one before it, as when a relay kept it
 * back. Comparing brings it, whichever of them the relay names. */
static void comparing_brings_what_is_missing_in_the_midst(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    exchange_save(&w.merger, &case_id, &person, "\"Mina van het kantoor\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_until_quiet(&w.merger);
    test_journal_cut(&w.journal, before);
    exchange_save(anna, &case_id, &person, "\"Mina twee\"");
    exchange_save(anna, &case_id, &person, "\"Mina drie\"");
    exchange_until_quiet(anna);
    carry_newest(anna, &w.merger, &case_id);
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    assert_int_equal(exchange_unsent(anna), 0);
}

/* Else it would wait for the next meeting, and a worker who sees her tablet end would leave. */
static void what_is_saved_while_comparing_goes_in_the_same_meeting(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    size_t before = w.journal.count;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    test_journal_cut(&w.journal, before);
    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL)); /* hears what it holds */
    veld_buf offer;
    veld_buf_init(&offer, VELD_EXCHANGE_BYTES_MAX);
    assert_ok(veld_sync_begin(anna->sync, 0, &offer, NULL)); /* the offer goes, and is lost */
    veld_sync_fail(anna->sync);
    veld_buf_release(&offer);
    exchange_save(anna, &case_id, &person, "\"Mina V.\"");
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

static size_t allocations_left; /* until one fails; 0: none does */

static bool fails_now(void)
{
    return allocations_left > 0 && --allocations_left == 0;
}

static void *take_failing(size_t bytes)
{
    return fails_now() ? NULL : malloc(bytes);
}

static void *resize_failing(void *block, size_t bytes)
{
    return fails_now() ? NULL : realloc(block, bytes);
}

/* A tablet has no memory at some place where it takes in what it asked for by name: it asks again.
 */
static void what_was_asked_for_and_not_taken_in_is_asked_for_again(void **state)
{
    (void)state;
    static const veld_allocator failing = {take_failing, resize_failing, free};
    veld_id person;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    exchange_world_close(&w); /* each comparison goes over all that is there: begin small */
    exchange_world_open(&w, 2, 2);
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    veld_status status = VELD_E_MEMORY;
    size_t place = 1;
    unsigned round = 0;
    veld_allocator_set(&failing);
    while (status != VELD_OK) {
        char json[32];
        size_t before = w.journal.count;
        assert_true(++round < 100);
        snprintf(json, sizeof json, "\"Mina %u\"", round);
        exchange_save(anna, &case_id, &person, "\"Mina van vroeger\"");
        exchange_all_quiet(&w);
        test_journal_cut(&w.journal, before);
        exchange_save(anna, &case_id, &person, json);
        exchange_until_quiet(anna);
        assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL)); /* hears what it holds */
        allocations_left = place += 1 + place / 3; /* the case grows too: a fixed stride may lose */
        status = exchange_once(bert, &exchange_no_fault, &result, NULL);
        allocations_left = 0;
        exchange_until_quiet(bert);
        veld_hash mine = exchange_state(anna, &case_id);
        veld_hash theirs = exchange_state(bert, &case_id);
        assert_true(veld_hash_equal(&mine, &theirs));
        exchange_all_quiet(&w);
    }
    veld_allocator_set(NULL);
    printf("%u places\n", round);
}

/* The first envelope of a case came spoilt, so that the office had its key alone; a later server
 * brings the change without the key. Who founded the case still hears what others add. */
static void a_founder_is_known_by_a_first_change_that_comes_late(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    veld_id case_id = exchange_found(anna, &person);
    exchange_until_quiet(anna);
    test_journal_entry *last = &w.journal.entries[w.journal.count - 1];
    assert_int_equal(last->item.kind, VELD_FRAME_ENVELOPE);
    last->bytes.data[last->bytes.len - 1] ^= 1;
    exchange_until_quiet(&w.merger);
    assert_int_equal(changes_of(&w.merger, &case_id), 0);
    test_journal_cut(&w.journal, before - 1);
    exchange_all_quiet(&w);
    exchange_save(&w.merger, &case_id, &person, "\"Mina van het kantoor\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(anna, &case_id), 2);
}

/* A request that was given up reaches the server after all, long after. */
static void arrive(exchange_party *p, veld_span request)
{
    bool parked = false;
    veld_relay_turn *turn = NULL;
    veld_buf answer;
    const veld_relay_peer peer = {
        .device = p->t.card.device,
        .is_merger = p->is_merger,
        .may_fetch = true,
        .quota_bytes = 1u << 30,
    };
    veld_buf_init(&answer, VELD_EXCHANGE_BYTES_MAX);
    assert_ok(veld_relay_take(w.relay, &peer, request, &turn, NULL));
    assert_ok(veld_relay_answer(w.relay, turn, &answer, &parked, NULL));
    veld_relay_turn_free(turn);
    veld_buf_release(&answer);
}

static void an_older_head_that_comes_late_hides_no_newer_one(void **state)
{
    (void)state;
    veld_id person;
    veld_buf late;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Mina een\"");
    exchange_until_quiet(anna);
    assert_ok(exchange_once(&w.merger, &exchange_no_fault, &result, NULL));
    veld_buf_init(&late, VELD_EXCHANGE_BYTES_MAX);
    assert_ok(veld_sync_begin(w.merger.sync, 0, &late, NULL)); /* with a head of the case */
    veld_sync_fail(w.merger.sync);
    exchange_save(anna, &case_id, &person, "\"Mina twee\"");
    exchange_until_quiet(anna);
    test_env_advance(&w.merger.t.world, 1000);
    exchange_save(&w.merger, &case_id, &person, "\"Mina van het kantoor\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_until_quiet(&w.merger);
    arrive(&w.merger, veld_buf_span(&late));
    exchange_until_quiet(anna);
    assert_int_equal(exchange_unsent(anna), 0);
    veld_buf_release(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_made_offline_reaches_a_colleague),
        cmocka_unit_test(a_cut_at_any_byte_loses_nothing),
        cmocka_unit_test(a_restored_server_is_filled_again),
        cmocka_unit_test(a_full_disk_of_the_relay_gives_no_receipt),
        cmocka_unit_test(a_new_process_sends_nothing_twice),
        cmocka_unit_test(changes_of_a_clone_are_all_taken_in),
        cmocka_unit_test(a_new_case_is_taken_in_whole_or_not_at_all),
        cmocka_unit_test(what_is_saved_while_comparing_goes_in_the_same_meeting),
        cmocka_unit_test(what_was_asked_for_and_not_taken_in_is_asked_for_again),
        cmocka_unit_test(a_founder_is_known_by_a_first_change_that_comes_late),
        cmocka_unit_test(an_older_head_that_comes_late_hides_no_newer_one),
        cmocka_unit_test(comparing_brings_what_is_missing_in_the_midst),
        cmocka_unit_test(what_a_restored_server_lost_after_a_crash_is_handed_in_again),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
