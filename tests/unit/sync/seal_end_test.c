/* What was sealed to a seal key that the agency changed, wherever it lies when the key might be
 * destroyed: with its tablet, at the relay, waiting at the office, kept for review. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/blind.h"
#include "veldkit/erase.h"
#include "veldkit/founder.h"
#include "veldkit/limits.h"
#include "veldkit/quarantine.h"
#include "veldkit/seal_end.h"

static exchange_world w;
static veld_p256_private seal;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 5);
    assert_ok(veld_p256_generate(&w.env.env, &seal, NULL));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    veld_p256_release(&seal);
    return 0;
}

/* As keys change seal does it, with the server stopped. */
static void change_seal(void)
{
    exchange_party *merger = &w.merger;
    const veld_verifier verifier = veld_verifier_p256();
    const veld_signer root = veld_signer_p256(&w.root);
    w.agency.edition = 2;
    w.agency.seal_key = seal.public_key;
    veld_buf_clear(&w.statement);
    assert_ok(veld_agency_make(&w.agency, &root, &w.statement, NULL));
    const veld_span statement = veld_buf_span(&w.statement);
    assert_ok(veld_store_begin(merger->t.store, NULL));
    assert_ok(veld_store_change_seal_key(merger->t.store, &seal, NULL));
    assert_ok(veld_agency_put(merger->t.store, &verifier, statement, NULL));
    assert_ok(veld_sync_post_entry(merger->sync, &w.agency.id, statement, NULL));
    assert_ok(veld_store_commit(merger->t.store, NULL));
    exchange_party_restart(merger);
    veld_relay_free(w.relay);
    const veld_relay_config config = {.env = &w.env.env,
        .program = "relay 1",
        .journal = &w.journal.journal,
        .signer = veld_signer_p256(&w.relay_key),
        .verifier = verifier,
        .merger_key = w.agency.merger_key,
        .agency = &w.agency,
        .statement = statement};
    assert_ok(veld_relay_new(&config, &w.relay, NULL));
}

static void forget_former(void)
{
    assert_ok(veld_store_begin(w.merger.t.store, NULL));
    assert_ok(veld_store_forget_seal_keys(w.merger.t.store, NULL));
    assert_ok(veld_store_commit(w.merger.t.store, NULL));
    exchange_party_restart(&w.merger);
}

static veld_hash write_blind(exchange_party *p, const veld_id *case_id)
{
    veld_id record;
    veld_hash change;
    assert_ok(veld_id_new(&p->t.world.env, &record, NULL));
    veld_edit edit = test_edit_set(&record, "note", "text", "\"verzegeld\"");
    p->t.desk.office = &w.agency.seal_key;
    assert_ok(veld_case_save_blind(&p->t.desk, case_id, &edit, 1, &change, NULL));
    return change;
}

static veld_id own_id(exchange_party *p)
{
    veld_id id;
    assert_ok(veld_founder_new_id(&p->t.world.env, veld_store_device(p->t.store), &id, NULL));
    return id;
}

static bool office_has(const veld_id *case_id, const veld_hash *change)
{
    veld_case *opened = NULL;
    bool has = false;
    if (veld_case_open(&w.merger.t.desk, case_id, &opened, NULL) == VELD_OK)
        has = veld_graph_has(veld_case_graph(opened), change);
    veld_case_close(opened);
    return has;
}

static size_t here(exchange_party *p)
{
    size_t count = 0;
    assert_ok(veld_seal_count_here(p->t.store, &w.agency, &count, NULL));
    return count;
}

static veld_seal_left left_now(void)
{
    veld_seal_left left;
    assert_ok(veld_seal_left_at(w.merger.sync, &w.journal.journal, &left, NULL));
    return left;
}

static void assert_left(size_t unread, size_t waiting, size_t quarantined)
{
    const veld_seal_left left = left_now();
    assert_false(left.is_behind);
    assert_int_equal(left.unread, unread);
    assert_int_equal(left.waiting, waiting);
    assert_int_equal(left.quarantined, quarantined);
}

/* The journal has it, the office has not read it: with the key it would be gone. */
static void what_lies_unread_at_the_relay_is_counted(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    exchange_all_quiet(&w);
    veld_id own = own_id(bert);
    veld_hash change = write_blind(bert, &own);
    change_seal();
    exchange_until_quiet(bert);
    assert_left(1, 0, 0);
    assert_int_equal(here(bert), 1);
    exchange_until_quiet(&w.merger);
    assert_left(0, 0, 0);
    assert_true(office_has(&own, &change));
    exchange_until_quiet(bert);
    assert_int_equal(here(bert), 0);  /* the agency signed for it */
    change = write_blind(bert, &own); /* to the key of now */
    exchange_until_quiet(bert);
    assert_int_equal(here(bert), 0);
    assert_left(0, 0, 0);
    forget_former();
    exchange_until_quiet(&w.merger);
    assert_true(office_has(&own, &change));
}

/* So it is lost: the test of the test. */
static void a_key_that_ends_too_early_loses_work(void **state)
{
    (void)state;
    exchange_party *bert = &w.tablets[1];
    exchange_all_quiet(&w);
    veld_id own = own_id(bert);
    veld_hash change = write_blind(bert, &own);
    change_seal();
    exchange_until_quiet(bert);
    assert_left(1, 0, 0);
    forget_former();
    exchange_until_quiet(&w.merger);
    assert_false(office_has(&own, &change));
}

/* For a case of which the office has nothing yet; also when so much waits that it is parked. */
static void what_waits_for_its_case_is_counted(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    exchange_all_quiet(&w);
    veld_id case_id = exchange_found(anna, &person);
    veld_hash change = write_blind(bert, &case_id);
    change_seal();
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assert_left(0, 1, 0);
    exchange_party_restart(&w.merger);
    assert_left(0, 1, 0);

    char group[sizeof "sync.parked." + VELD_ID_TEXT_SIZE] = "sync.parked.";
    veld_store *store = w.merger.t.store;
    veld_hash id = w.journal.entries[0].item.id;
    for (size_t i = 0; i < w.journal.count; i++)
        if (veld_id_equal(&w.journal.entries[i].item.case_id, &case_id))
            id = w.journal.entries[i].item.id;
    veld_id_format(&case_id, group + strlen(group));
    assert_ok(veld_store_put_value(store, "sync", veld_span_text("waiting"), (veld_span){0}, NULL));
    assert_ok(veld_store_put_value(store, group, veld_hash_span(&id), veld_hash_span(&id), NULL));
    exchange_party_restart(&w.merger);
    assert_left(0, 1, 0);
    exchange_all_quiet(&w); /* her case comes, and brings it */
    assert_left(0, 0, 0);
    assert_true(office_has(&case_id, &change));
    assert_int_equal(here(bert), 0);
}

static veld_status judge(void *context, const veld_quarantined *one, veld_error *err)
{
    (void)err;
    *(veld_hash *)context = one->change;
    return VELD_OK;
}

/* Of a case that was erased meanwhile it is kept as it came, until a person has read it. */
static void what_is_kept_for_review_is_counted_until_it_is_judged(void **state)
{
    (void)state;
    veld_id person;
    veld_hash late;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    (void)write_blind(bert, &case_id);
    assert_ok(veld_sync_erase(w.merger.sync, &case_id, veld_span_text("a stub"), NULL));
    change_seal();
    exchange_all_quiet(&w);
    assert_left(0, 0, 1);
    assert_int_equal(here(bert), 0); /* the agency signed that it keeps this */
    assert_ok(veld_quarantine_each(w.merger.t.store, &late, judge, NULL));
    assert_ok(veld_sync_decide(w.merger.sync, &late, false, veld_span_text("gelezen"), NULL));
    assert_left(0, 0, 0);
}

/* The place of the merger is one in another journal, or in one that grew otherwise since. */
static void of_a_journal_that_was_not_compared_nothing_is_said(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    (void)exchange_found(anna, &person);
    exchange_all_quiet(&w);
    change_seal();
    exchange_all_quiet(&w);
    assert_false(left_now().is_behind);
    test_journal_cut(&w.journal, w.journal.count - 1);
    assert_true(left_now().is_behind);
    (void)exchange_found(anna, &person);
    exchange_until_quiet(anna);
    assert_true(left_now().is_behind);
    exchange_all_quiet(&w);
    exchange_all_quiet(&w);
    assert_left(0, 0, 0);
}

/* Who may hand in anything makes no key stay by what nobody can open. */
static void what_no_key_opens_is_not_counted(void **state)
{
    (void)state;
    veld_id person, own;
    exchange_party *bert = &w.tablets[1];
    exchange_all_quiet(&w);
    veld_p256_public office = w.agency.seal_key;
    w.agency.seal_key = bert->t.card.seal_key; /* to himself */
    own = own_id(bert);
    (void)write_blind(bert, &own);
    w.agency.seal_key = office;
    change_seal();
    (void)exchange_found(bert, &person); /* under a key of its own */
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assert_left(0, 0, 0);
}

/* The key of a case that was founded before is handed in sealed to the key of now. */
static void a_founders_grant_is_sealed_again(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    exchange_party *anna = &w.tablets[0];
    const exchange_fault lost = {.cut_request = 0, .cut_answer = 0};
    exchange_all_quiet(&w);
    veld_id case_id = exchange_found(anna, &person);
    assert_int_not_equal(exchange_once(anna, &lost, &result, NULL), VELD_OK); /* it is posted */
    change_seal();
    forget_former();
    exchange_party_restart(anna); /* she heard of the new key in a process before this one */
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
    veld_hash mine = exchange_state(anna, &case_id), office = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &office));
}

/* Wherever memory ends, it says so, and counts the same afterwards. */
static void counting_is_whole_or_fails(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    exchange_all_quiet(&w);
    veld_id case_id = exchange_found(anna, &person), own = own_id(bert);
    (void)write_blind(bert, &case_id);
    change_seal();
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    w.agency.seal_key = w.merger.t.card.seal_key;
    (void)write_blind(bert, &own);
    w.agency.seal_key = seal.public_key;
    exchange_until_quiet(bert);
    for (uint64_t n = 1;; n += 1 + n / 16) {
        veld_seal_left left;
        test_fail_allocation(n, true);
        veld_status status = veld_seal_left_at(w.merger.sync, &w.journal.journal, &left, NULL);
        test_fail_allocation(0, false);
        if (status == VELD_OK) {
            assert_int_equal(left.unread + left.waiting, 2);
            break;
        }
        assert_true(status == VELD_E_MEMORY || status == VELD_E_CRYPTO || status == VELD_E_IO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_lies_unread_at_the_relay_is_counted, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_key_that_ends_too_early_loses_work, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_waits_for_its_case_is_counted, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_kept_for_review_is_counted_until_it_is_judged, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            of_a_journal_that_was_not_compared_nothing_is_said, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_no_key_opens_is_not_counted, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_founders_grant_is_sealed_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(counting_is_whole_or_fails, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
