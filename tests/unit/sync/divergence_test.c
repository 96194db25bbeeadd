/* A tablet whose state is not the agency's, with the same changes: it says so, makes the case anew
 * from what is signed, and the agency hears of both. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/divergence.h"
#include "veldkit/limits.h"

static exchange_world w;
static exchange_party *anna, *bert;
static veld_id case_id, person;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 71);
    anna = &w.tablets[0];
    bert = &w.tablets[1];
    case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Mina B.\"");
    exchange_all_quiet(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static veld_status count_one(void *context, const veld_divergence *found, veld_error *err)
{
    (void)err;
    assert_true(veld_id_equal(&found->case_id, &case_id));
    ++*(size_t *)context;
    return VELD_OK;
}

static size_t known(exchange_party *p)
{
    size_t count = 0;
    assert_ok(veld_divergence_each(p->t.store, &count, count_one, NULL));
    return count;
}

/* The row of the last change says another value than was signed, under the names that were. */
static void spoil_row(exchange_party *p, const char *json)
{
    veld_case *opened;
    veld_arena arena;
    veld_change change;
    veld_buf row;
    size_t count;
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_buf_init(&row, VELD_STORE_BODY_BYTES_MAX);
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    const veld_node *const *heads = veld_graph_heads(veld_case_graph(opened), &count);
    assert_int_equal(count, 1);
    veld_hash id = heads[0]->id;
    assert_ok(veld_case_change(opened, &id, &arena, &change, NULL));
    change.writes[0].value = veld_span_text(json);
    assert_ok(veld_change_encode(&change, VELD_CHANGE_ROW, &row, NULL));
    assert_ok(veld_store_drop_changes(p->t.store, &id, 1, NULL));
    assert_ok(veld_store_put_change(
        p->t.store, veld_case_keys(opened), &id, veld_buf_span(&row), 0, NULL, NULL));
    veld_case_close(opened);
    veld_buf_release(&row);
    veld_arena_release(&arena);
}

/* The agency signs its head again, as after any change. */
static void sign_head(void)
{
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_until_quiet(&w.merger);
}

static size_t lines_of(exchange_party *p, const veld_id *device, veld_access_outcome outcome)
{
    size_t count, matching = 0;
    uint64_t all, damaged;
    veld_arena arena;
    veld_access_found *found;
    const veld_access_query query = {
        .device = *device, .kind = VELD_ACCESS_SYNC, .until_ms = INT64_MAX, .limit = 100};
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_access_find(p->t.store, &query, &arena, &found, &count, &all, &damaged, NULL));
    for (size_t i = 0; i < count; i++)
        matching += found[i].entry.outcome == outcome &&
                    veld_span_equal(found[i].entry.event, veld_span_text(VELD_DIVERGENCE_EVENT)) &&
                    veld_id_equal(&found[i].entry.case_id, &case_id);
    veld_arena_release(&arena);
    return matching;
}

static void equal_states_say_nothing(void **state)
{
    (void)state;
    sign_head();
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_DIVERGED] + anna->events[VELD_SYNC_DIVERGED], 0);
    assert_int_equal(known(bert) + known(&w.merger), 0);
}

static void a_wrong_row_is_found_fetched_again_and_told(void **state)
{
    (void)state;
    spoil_row(bert, "\"Een ander\"");
    veld_hash right = exchange_state(anna, &case_id);
    veld_hash wrong = exchange_state(bert, &case_id);
    assert_false(veld_hash_equal(&right, &wrong));
    sign_head();
    exchange_until_quiet(bert);
    assert_int_equal(bert->events[VELD_SYNC_DIVERGED], 2); /* found, and over */
    veld_hash again = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&right, &again));
    assert_int_equal(known(bert), 0);
    exchange_all_quiet(&w);
    assert_int_equal(w.merger.events[VELD_SYNC_DIVERGED], 2);
    assert_int_equal(known(&w.merger), 0);
    assert_int_equal(lines_of(&w.merger, &bert->t.card.device, VELD_ACCESS_FAILED), 1);
    assert_int_equal(lines_of(&w.merger, &bert->t.card.device, VELD_ACCESS_DONE), 1);
}

/* What this device wrote itself is never dropped: its number would be given twice. The difference
 * then stays, is said once, and work goes on. */
static void an_own_row_stays_and_the_difference_is_kept(void **state)
{
    (void)state;
    spoil_row(anna, "\"Een ander\"");
    sign_head();
    exchange_all_quiet(&w);
    assert_int_equal(anna->events[VELD_SYNC_DIVERGED], 1);
    assert_int_equal(known(anna), 1);
    assert_int_equal(known(&w.merger), 1);
    sign_head();
    exchange_all_quiet(&w);
    assert_int_equal(anna->events[VELD_SYNC_DIVERGED], 1);
    exchange_save(anna, &case_id, &person, "\"Mina C.\"");
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
}

/* Other changes than the agency holds say nothing about the state. */
static void unsent_work_is_no_difference(void **state)
{
    (void)state;
    exchange_save(bert, &case_id, &person, "\"Mina D.\"");
    sign_head();
    veld_sync_result result;
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    assert_int_equal(bert->events[VELD_SYNC_DIVERGED], 0);
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_DIVERGED], 0);
}

/* A row that nobody can read any more, as when a disk forgets. */
static void spoil_whole_row(exchange_party *p)
{
    size_t count;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    const veld_hash id = order[count - 1]->id;
    assert_ok(veld_store_drop_changes(p->t.store, &id, 1, NULL));
    assert_ok(veld_store_put_change(
        p->t.store, veld_case_keys(opened), &id, veld_span_text("geen wijziging"), 0, NULL, NULL));
    veld_case_close(opened);
    exchange_party_restart(p);
    assert_int_equal(veld_case_open(&p->t.desk, &case_id, &opened, NULL), VELD_E_DAMAGED);
}

/* Also while it compares with another server, and at the agency. */
static void a_case_that_cannot_be_read_stops_no_other(void **state)
{
    (void)state;
    exchange_party *const spoilt[] = {bert, &w.merger};
    for (size_t i = 0; i < 2; i++) {
        exchange_party *p = spoilt[i];
        veld_id nobody;
        const veld_id other = exchange_found(anna, &nobody);
        exchange_all_quiet(&w);
        exchange_assign(&w, &other, bert);
        exchange_all_quiet(&w);
        spoil_whole_row(p);
        for (int round = 0; round < 2; round++) {
            char json[32];
            (void)snprintf(json, sizeof json, "\"Sara %zu %d\"", i, round);
            exchange_save(anna, &case_id, &person, json);
            exchange_save(anna, &other, &nobody, json);
            exchange_all_quiet(&w);
            veld_hash theirs = exchange_state(anna, &other), here = exchange_state(p, &other);
            assert_true(veld_hash_equal(&theirs, &here));
            assert_true(p->events[VELD_SYNC_REFUSED] > 0);
            test_journal_cut(&w.journal, w.journal.count - 2);
        }
    }
}

static void a_case_that_cannot_be_read_can_be_withdrawn(void **state)
{
    (void)state;
    veld_case *opened;
    spoil_whole_row(bert);
    assert_ok(veld_sync_unassign(
        w.merger.sync, &case_id, &bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], 1);
    assert_int_equal(veld_case_open(&bert->t.desk, &case_id, &opened, NULL), VELD_E_NOT_FOUND);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    veld_hash theirs = exchange_state(anna, &case_id), here = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&theirs, &here));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_states_say_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_wrong_row_is_found_fetched_again_and_told, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_own_row_stays_and_the_difference_is_kept, open_world, close_world),
        cmocka_unit_test_setup_teardown(unsent_work_is_no_difference, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_case_that_cannot_be_read_stops_no_other, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_case_that_cannot_be_read_can_be_withdrawn, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
