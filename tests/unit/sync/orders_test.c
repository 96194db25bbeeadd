/* Orders from the office to a tablet: what is unsent is handed in, then the case is gone, then the
 * tablet says so; and nobody else's order does anything. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/blind.h"
#include "veldkit/lease.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static exchange_party *const carla = &w.tablets[2];

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 9);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* A case of Anna's that Bert has too. */
static veld_id shared_case(veld_id *person)
{
    veld_id case_id = exchange_found(anna, person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    return case_id;
}

static bool has_case(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys;
    veld_status status = veld_store_case_open(p->t.store, case_id, &keys, NULL);
    if (status == VELD_OK)
        veld_store_case_close(keys);
    return status == VELD_OK;
}

static void assert_same_state(const veld_id *case_id, exchange_party *one, exchange_party *other)
{
    veld_hash mine = exchange_state(one, case_id);
    veld_hash theirs = exchange_state(other, case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

static veld_status keep_state(void *context, const veld_order_state *state, veld_error *err)
{
    (void)err;
    veld_order_state *last = context;
    if (state->order.serial > last->order.serial)
        *last = *state;
    return VELD_OK;
}

static veld_order_state last_order(const exchange_party *to)
{
    veld_order_state last = {0};
    assert_ok(veld_order_each(w.merger.t.store, &to->t.card.device, &last, keep_state, NULL));
    return last;
}

static void withdraw(const veld_id *case_id, const exchange_party *from)
{
    assert_ok(veld_sync_unassign(
        w.merger.sync, case_id, &from->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_until_quiet(&w.merger);
}

static void what_is_unsent_is_handed_in_before_the_case_goes(void **state)
{
    (void)state;
    veld_id person;
    uint64_t rows;
    veld_id case_id = shared_case(&person);
    size_t done = bert->events[VELD_SYNC_ORDER_DONE];
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    withdraw(&case_id, bert);
    assert_int_equal(last_order(bert).confirmed_utc_ms, 0);
    exchange_until_quiet(bert); /* the relay has it */
    assert_true(has_case(bert, &case_id));
    exchange_until_quiet(&w.merger); /* the office has it */
    exchange_until_quiet(bert);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], done + 1);
    assert_false(has_case(bert, &case_id));
    assert_ok(veld_store_count_changes(bert->t.store, &case_id, &rows, NULL));
    assert_int_equal(rows, 0);
    exchange_all_quiet(&w);
    assert_true(last_order(bert).confirmed_utc_ms > 0);
    assert_int_equal(last_order(bert).last_number, 1);
    assert_int_equal(w.merger.events[VELD_SYNC_ORDER_CONFIRMED], 1);
    assert_same_state(&case_id, anna, &w.merger); /* with Bert's last change */
    /* what others do later does not reach him; given anew, all of it does */
    exchange_save(anna, &case_id, &person, "\"Mina of Anna\"");
    exchange_all_quiet(&w);
    assert_false(has_case(bert, &case_id));
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    assert_same_state(&case_id, anna, bert);
}

static void a_case_given_anew_before_the_order_was_heard_stays(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    size_t done = bert->events[VELD_SYNC_ORDER_DONE];
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    withdraw(&case_id, bert);
    withdraw(&case_id, bert); /* two orders, both older than the grant */
    exchange_assign(&w, &case_id, bert);
    exchange_until_quiet(&w.merger);
    exchange_all_quiet(&w);
    veld_lease lease;
    assert_ok(veld_lease_get(bert->t.store, &case_id, &lease, NULL));
    assert_true(lease.serial > last_order(bert).order.serial);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], done);
    assert_true(last_order(bert).confirmed_utc_ms > 0);
    exchange_save(anna, &case_id, &person, "\"Mina of Anna\"");
    exchange_all_quiet(&w);
    assert_same_state(&case_id, anna, bert);
    assert_same_state(&case_id, anna, &w.merger);
}

static void what_was_being_typed_is_handed_in_too(void **state)
{
    (void)state;
    veld_id person;
    veld_case *opened;
    veld_id case_id = shared_case(&person);
    const veld_id draft = {{0xDD}};
    veld_edit edit = test_edit_set(&person, "person", "name", "\"half a name\"");
    assert_ok(veld_case_open(&bert->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_put_draft(opened, &draft, &edit, 1, NULL));
    veld_case_close(opened);
    withdraw(&case_id, bert);
    exchange_all_quiet(&w);
    assert_false(has_case(bert, &case_id));
    assert_same_state(&case_id, anna, &w.merger);
    assert_ok(veld_case_open(&w.merger.t.desk, &case_id, &opened, NULL));
    assert_int_equal(veld_graph_count(veld_case_graph(opened)), 2);
    veld_case_close(opened);
}

/* An order that is said again is done once: what was given anew in between stays. */
static void an_order_counts_once(void **state)
{
    (void)state;
    veld_id person;
    veld_buf order;
    veld_id case_id = shared_case(&person);
    withdraw(&case_id, bert);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    assert_true(has_case(bert, &case_id));
    veld_buf_init(&order, VELD_ORDER_BYTES_MAX);
    for (size_t i = 0; i < w.journal.count; i++) {
        if (w.journal.entries[i].item.kind == VELD_FRAME_ORDER) {
            veld_buf_clear(&order);
            assert_ok(veld_buf_append_span(&order, veld_buf_span(&w.journal.entries[i].bytes)));
        }
    }
    exchange_smuggle(&w, VELD_FRAME_ORDER, &case_id, &bert->t.card.device, veld_buf_span(&order));
    exchange_all_quiet(&w);
    assert_true(has_case(bert, &case_id));
    veld_buf_release(&order);
}

/* An order for Bert, signed by who is given. */
static veld_status smuggle_order(const veld_id *case_id, const veld_id *device, uint64_t serial,
    uint64_t previous, const veld_signer *signer)
{
    veld_buf bytes;
    const veld_order order = {.device = *device,
        .serial = serial,
        .previous = previous,
        .kind = VELD_ORDER_WITHDRAW,
        .reason = VELD_ORDER_REASSIGNED,
        .case_id = *case_id};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_order_make(&order, signer, &bytes, NULL));
    bert->refusal = VELD_OK;
    exchange_smuggle(&w, VELD_FRAME_ORDER, case_id, &bert->t.card.device, veld_buf_span(&bytes));
    exchange_until_quiet(bert);
    veld_buf_release(&bytes);
    return bert->refusal;
}

static void only_the_agency_orders_and_only_this_device(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    uint64_t last = last_order(bert).order.serial;
    veld_signer relay = veld_signer_p256(&w.relay_key);
    assert_int_equal(
        smuggle_order(&case_id, &bert->t.card.device, last + 1, last, &relay), VELD_E_FORGED);
    assert_int_equal(
        smuggle_order(&case_id, &bert->t.card.device, last + 1, last, &anna->t.desk.signer),
        VELD_E_FORGED);
    assert_int_equal(
        smuggle_order(&case_id, &anna->t.card.device, last + 1, last, &w.merger.t.desk.signer),
        VELD_E_NOT_ALLOWED);
    assert_true(has_case(bert, &case_id));
}

/* A relay that keeps one order back keeps back those after it. */
static void an_order_waits_for_the_one_before(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    uint64_t last = last_order(bert).order.serial;
    veld_lease lease;
    veld_signer agency = w.merger.t.desk.signer;
    assert_ok(veld_lease_get(bert->t.store, &case_id, &lease, NULL));
    uint64_t next = lease.serial + 1; /* orders and grants are numbered together */
    assert_int_equal(
        smuggle_order(&case_id, &bert->t.card.device, next + 1, next, &agency), VELD_OK);
    assert_true(has_case(bert, &case_id));
    exchange_party_restart(bert);
    const veld_id none = {{9}};
    assert_int_equal(smuggle_order(&none, &bert->t.card.device, next, last, &agency), VELD_OK);
    assert_false(has_case(bert, &case_id));
}

static void a_restored_server_says_orders_again(void **state)
{
    (void)state;
    veld_id person;
    size_t before = w.journal.count;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Mina R.\"");
    exchange_until_quiet(anna);
    withdraw(&case_id, anna);
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_false(has_case(anna, &case_id));
    assert_true(last_order(anna).confirmed_utc_ms > 0);
}

static void write_line(exchange_party *p)
{
    const veld_access_config config = {
        .env = p->t.desk.env, .store = p->t.store, .anchor = &p->anchor};
    veld_access_log *log = NULL;
    assert_ok(veld_access_log_new(&config, &log, NULL));
    veld_access_begin(log, &(veld_access_scope){.event = "unlock",
                               .user = "C. de Vries",
                               .kind = VELD_ACCESS_LOGIN,
                               .basis = VELD_ACCESS_BASIS_HELD});
    assert_ok(veld_access_add(log, VELD_ACCESS_LOGIN, NULL, NULL, NULL));
    assert_ok(veld_access_flush(log, NULL));
    veld_access_log_free(log);
}

/* The relay has it, and is put back to before that; the office never saw it. */
static void what_only_the_relay_had_is_not_lost_with_it(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    size_t done = bert->events[VELD_SYNC_ORDER_DONE];
    size_t received = bert->events[VELD_SYNC_RECEIVED];
    withdraw(&case_id, bert);
    size_t before = w.journal.count;
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    exchange_until_quiet(bert);
    assert_int_equal(bert->events[VELD_SYNC_RECEIVED], received + 1);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], done);
    assert_true(has_case(bert, &case_id));
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], done + 1);
    assert_false(has_case(bert, &case_id));
    assert_same_state(&case_id, anna, &w.merger);
    veld_case *opened;
    assert_ok(veld_case_open(&w.merger.t.desk, &case_id, &opened, NULL));
    assert_int_equal(veld_graph_count(veld_case_graph(opened)), 2);
    veld_case_close(opened);
}

static void blind_work_and_lines_reach_the_office_before_the_vault_goes(void **state)
{
    (void)state;
    bool must;
    veld_id person;
    veld_hash change;
    veld_id case_id = shared_case(&person);
    exchange_all_quiet(&w);
    veld_edit edit = test_edit_set(&person, "person", "name", "\"Mina, blind\"");
    carla->t.desk.office = &w.agency.seal_key;
    assert_ok(veld_case_save_blind(&carla->t.desk, &case_id, &edit, 1, &change, NULL));
    write_line(carla);
    assert_ok(veld_sync_post_order(
        w.merger.sync, &carla->t.card.device, VELD_ORDER_WIPE, NULL, VELD_ORDER_LOST, NULL, NULL));
    exchange_until_quiet(&w.merger);
    size_t before = w.journal.count;
    exchange_until_quiet(carla);
    assert_ok(veld_sync_must_wipe(carla->t.store, &must, NULL));
    assert_false(must);
    test_journal_cut(&w.journal, before);
    exchange_until_quiet(carla);
    assert_ok(veld_sync_must_wipe(carla->t.store, &must, NULL));
    assert_false(must);
    exchange_all_quiet(&w);
    assert_ok(veld_sync_must_wipe(carla->t.store, &must, NULL));
    assert_true(must);
    assert_same_state(&case_id, anna, &w.merger);
}

static void all_is_destroyed_and_confirmed_before_the_vault_goes(void **state)
{
    (void)state;
    bool must;
    veld_id person, other;
    uint64_t unsent;
    veld_id first = shared_case(&person);
    veld_id second = exchange_found(bert, &other); /* never handed in */
    exchange_save(bert, &first, &person, "\"Mina W.\"");
    assert_ok(veld_sync_post_order(
        w.merger.sync, &bert->t.card.device, VELD_ORDER_WIPE, NULL, VELD_ORDER_LOST, NULL, NULL));
    exchange_until_quiet(&w.merger);
    veld_sync_result result;
    exchange_until_quiet(bert);
    assert_true(has_case(bert, &second)); /* the office does not have it yet */
    exchange_until_quiet(&w.merger);
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    assert_false(has_case(bert, &second));
    assert_ok(veld_sync_must_wipe(bert->t.store, &must, NULL));
    assert_false(must); /* the word that it is done is not with the relay yet */
    exchange_until_quiet(bert);
    assert_ok(veld_sync_must_wipe(bert->t.store, &must, NULL));
    assert_true(must);
    assert_false(has_case(bert, &first));
    assert_false(has_case(bert, &second));
    assert_ok(veld_store_count_unsent(bert->t.store, NULL, &unsent, NULL));
    assert_int_equal(unsent, 0);
    exchange_all_quiet(&w);
    assert_true(has_case(&w.merger, &second));
    assert_same_state(&first, anna, &w.merger);
    assert_true(last_order(bert).confirmed_utc_ms > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_unsent_is_handed_in_before_the_case_goes),
        cmocka_unit_test(what_was_being_typed_is_handed_in_too),
        cmocka_unit_test(a_case_given_anew_before_the_order_was_heard_stays),
        cmocka_unit_test(an_order_counts_once),
        cmocka_unit_test(only_the_agency_orders_and_only_this_device),
        cmocka_unit_test(an_order_waits_for_the_one_before),
        cmocka_unit_test(a_restored_server_says_orders_again),
        cmocka_unit_test(what_only_the_relay_had_is_not_lost_with_it),
        cmocka_unit_test(blind_work_and_lines_reach_the_office_before_the_vault_goes),
        cmocka_unit_test(all_is_destroyed_and_confirmed_before_the_vault_goes),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
