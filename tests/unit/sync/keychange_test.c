/* The agency changes its keys while tablets are away: what they sealed to the old key opens, they
 * take the new ones over by themselves, and nothing is sealed to the old ones afterwards. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/directory.h"
#include "veldkit/limits.h"

static exchange_world w;
static veld_p256_private seal, relay_key;
static veld_agency agency; /* what the relay says from the change on */
static veld_buf statement;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 8);
    veld_buf_init(&statement, VELD_DIRECTORY_BYTES_MAX);
    assert_ok(veld_p256_generate(&w.env.env, &seal, NULL));
    assert_ok(veld_p256_generate(&w.env.env, &relay_key, NULL));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    veld_p256_release(&seal);
    veld_p256_release(&relay_key);
    veld_buf_release(&statement);
    return 0;
}

static void restart_relay(const veld_p256_private *key)
{
    veld_relay_free(w.relay);
    const veld_relay_config config = {.env = &w.env.env,
        .program = "relay 1",
        .journal = &w.journal.journal,
        .signer = veld_signer_p256(key),
        .verifier = veld_verifier_p256(),
        .merger_key = agency.merger_key,
        .agency = &agency,
        .statement = veld_buf_span(&statement)};
    assert_ok(veld_relay_new(&config, &w.relay, NULL));
}

static void sign_statement(uint64_t edition)
{
    const veld_signer root = veld_signer_p256(&w.root);
    agency.edition = edition;
    statement.len = 0;
    assert_ok(veld_agency_make(&agency, &root, &statement, NULL));
}

/* Seal key and relay key at once; the merger is stopped meanwhile, as it is for a change. */
static void change_keys(bool relay_is_lost)
{
    exchange_party *merger = &w.merger;
    const veld_verifier verifier = veld_verifier_p256();
    agency = w.agency;
    agency.seal_key = seal.public_key;
    agency.relay_key = relay_key.public_key;
    agency.former_count = relay_is_lost ? 0 : 1;
    agency.former[0] = (veld_agency_former){.kind = VELD_AGENCY_RELAY, .key = w.agency.relay_key};
    sign_statement(2);
    assert_ok(veld_store_begin(merger->t.store, NULL));
    assert_ok(veld_store_change_seal_key(merger->t.store, &seal, NULL));
    assert_ok(veld_agency_put(merger->t.store, &verifier, veld_buf_span(&statement), NULL));
    assert_ok(veld_sync_post_entry(merger->sync, &agency.id, veld_buf_span(&statement), NULL));
    assert_ok(veld_sync_rewrap_begin(merger->sync, NULL));
    assert_ok(veld_store_commit(merger->t.store, NULL));
    w.agency = agency;
    exchange_party_restart(merger);
    restart_relay(&relay_key);
}

static uint64_t edition_of(const exchange_party *p)
{
    veld_agency known;
    const veld_verifier verifier = veld_verifier_p256();
    assert_ok(veld_agency_get(p->t.store, &verifier, &known, NULL));
    return known.edition;
}

static void work_of_before_opens_and_later_work_uses_the_new_key(void **state)
{
    (void)state;
    size_t wrapped = 0;
    veld_id person;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    veld_id early = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_id late = exchange_found(anna, &person); /* and now she is away */
    veld_sync_result result;
    const exchange_fault lost = {.cut_request = 0, .cut_answer = 0};
    assert_int_not_equal(exchange_once(anna, &lost, &result, NULL), VELD_OK); /* sealed already */
    change_keys(false);
    assert_ok(veld_sync_rewrap(w.merger.sync, &wrapped, NULL));
    assert_int_equal(wrapped, 1);
    assert_ok(veld_sync_rewrap(w.merger.sync, &wrapped, NULL));
    assert_int_equal(wrapped, 0);
    exchange_until_quiet(&w.merger);

    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL));
    assert_true(result.has_new_keys);
    assert_int_equal(result.receipts, 1); /* by the relay's new key, which came along */
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0); /* the old seal key opened what is late */
    assert_int_equal(edition_of(anna), 2);
    assert_int_equal(edition_of(bert), 2);
    veld_hash mine = exchange_state(anna, &late), office = exchange_state(&w.merger, &late);
    assert_true(veld_hash_equal(&mine, &office));

    /* The key of before is gone for good: what is made now, and what was wrapped anew, opens. */
    assert_ok(veld_store_begin(w.merger.t.store, NULL));
    assert_ok(veld_store_forget_seal_keys(w.merger.t.store, NULL));
    assert_ok(veld_store_commit(w.merger.t.store, NULL));
    exchange_party_restart(&w.merger);
    assert_null(veld_store_seal_key_at(w.merger.t.store, 1));
    veld_id later = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    mine = exchange_state(anna, &later);
    office = exchange_state(&w.merger, &later);
    assert_true(veld_hash_equal(&mine, &office));
    exchange_save(anna, &early, &person, "\"Mina C.\"");
    exchange_all_quiet(&w);
    assert_int_equal(anna->events[VELD_SYNC_REFUSED] + w.merger.events[VELD_SYNC_REFUSED], 0);
}

/* Without its statement the answer of a relay with another key is worth nothing. */
static void a_key_that_the_root_did_not_sign_is_not_believed(void **state)
{
    (void)state;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    agency = w.agency;
    restart_relay(&relay_key); /* a thief's, with the statement of before */
    assert_int_equal(exchange_once(anna, &exchange_no_fault, &result, NULL), VELD_E_FORGED);
    const veld_signer thief = veld_signer_p256(&relay_key);
    agency.relay_key = relay_key.public_key;
    agency.edition = 2;
    statement.len = 0;
    assert_ok(veld_agency_make(&agency, &thief, &statement, NULL));
    restart_relay(&relay_key);
    assert_int_equal(exchange_once(anna, &exchange_no_fault, &result, NULL), VELD_E_FORGED);
    assert_int_equal(anna->events[VELD_SYNC_DIRECTORY_BROKEN], 1);
    assert_int_equal(edition_of(anna), 1);
}

/* A relay key that was lost counts no more from the statement on; one that was changed does. */
static void a_lost_relay_key_signs_nothing_any_more(void **state)
{
    (void)state;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    change_keys(true);
    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL));
    restart_relay(&w.relay_key); /* who has the old key goes on with it */
    assert_int_equal(exchange_once(anna, &exchange_no_fault, &result, NULL), VELD_E_FORGED);
    agency.former_count = 1;
    sign_statement(3);
    restart_relay(&w.relay_key);
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    assert_int_equal(edition_of(bert), 3);
}

/* The wrapping is stopped after each case in turn: it ends, and no case is left out. */
static void wrapping_that_was_stopped_goes_on(void **state)
{
    (void)state;
    enum { CASES = 70 };
    size_t wrapped = 0, all = 0;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    for (int i = 0; i < CASES; i++)
        (void)exchange_found(anna, &person);
    exchange_all_quiet(&w);
    change_keys(false);
    for (uint64_t n = 200; all < CASES; n = n * 3 / 2) {
        (void)test_fail_allocation(n, true);
        veld_status status = veld_sync_rewrap(w.merger.sync, &wrapped, NULL);
        (void)test_fail_allocation(0, false);
        all += wrapped;
        if (status != VELD_OK)
            exchange_party_restart(&w.merger);
    }
    assert_int_equal(all, CASES);
    assert_ok(veld_sync_rewrap(w.merger.sync, &wrapped, NULL));
    assert_int_equal(wrapped, 0);
}

/* Entries that were made while the relay was away come with a head each, in turn. */
static void many_entries_at_once_are_followed(void **state)
{
    (void)state;
    veld_buf entry;
    exchange_party *merger = &w.merger;
    exchange_until_quiet(&w.tablets[0]);
    for (uint8_t i = 1; i <= 12; i++) {
        veld_directory_entry it = {.device = {{i}},
            .sign_key = w.root.public_key,
            .seal_key = w.root.public_key,
            .state = VELD_DEVICE_ACTIVE};
        veld_buf_init(&entry, VELD_DIRECTORY_BYTES_MAX);
        assert_ok(veld_directory_next(merger->t.store, &it.position, NULL));
        assert_ok(veld_directory_make(&it, &merger->t.desk.signer, &entry, NULL));
        assert_ok(veld_sync_post_entry(merger->sync, &it.device, veld_buf_span(&entry), NULL));
        veld_buf_release(&entry);
    }
    exchange_all_quiet(&w);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(w.tablets[i].events[VELD_SYNC_DIRECTORY_BROKEN], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_entries_at_once_are_followed, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            work_of_before_opens_and_later_work_uses_the_new_key, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_key_that_the_root_did_not_sign_is_not_believed, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_lost_relay_key_signs_nothing_any_more, open_world, close_world),
        cmocka_unit_test_setup_teardown(wrapping_that_was_stopped_goes_on, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
