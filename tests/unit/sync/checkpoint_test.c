/* A tablet that gets a case gets one checkpoint and what came after it: the same case, with less
 * to hear, and without the keys of its past. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "exchange_world.h"
#include "veldkit/checkpoint_item.h"
#include "veldkit/compact.h"
#include "veldkit/conflict.h"
#include "veldkit/frame.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"
#include "veldkit/past.h"

enum { SAVES = 7 };

static exchange_world w;
static exchange_party *anna, *bert, *cora;
static veld_id case_id, person;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 97);
    w.checkpoint_min = 2;
    exchange_party_restart(&w.merger);
    anna = &w.tablets[0];
    bert = &w.tablets[1];
    cora = &w.tablets[2];
    case_id = exchange_found(anna, &person);
    for (int i = 0; i < SAVES; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"Mina %d\"", i);
        exchange_save(anna, &case_id, &person, name);
        exchange_until_quiet(anna); /* in an envelope of its own */
    }
    exchange_all_quiet(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static uint64_t rows(exchange_party *p)
{
    uint64_t count = 0;
    assert_ok(veld_store_count_changes(p->t.store, &case_id, &count, NULL));
    return count;
}

static veld_case_base base_of(exchange_party *p)
{
    veld_case *opened;
    veld_case_base base = {0};
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    if (veld_case_get_base(opened) != NULL)
        base = *veld_case_get_base(opened);
    veld_case_close(opened);
    return base;
}

static void assert_same(exchange_party *p)
{
    veld_hash office = exchange_state(&w.merger, &case_id);
    veld_hash here = exchange_state(p, &case_id);
    assert_true(veld_hash_equal(&office, &here));
    assert_int_equal(p->events[VELD_SYNC_DIVERGED], 0);
}

static void assign(exchange_party *p)
{
    exchange_assign(&w, &case_id, p);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(p);
}

static void a_new_tablet_gets_a_checkpoint_and_the_tail(void **state)
{
    (void)state;
    assign(bert);
    assert_int_equal(bert->events[VELD_SYNC_CASE_NEW], 1);
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 0);
    assert_int_equal(rows(bert), 0);
    veld_case_base base = base_of(bert);
    assert_true(base.from_agency);
    assert_int_equal(base.changes, SAVES + 1);
    assert_same(bert);
    bool fits;
    veld_case *opened;
    veld_verifier verifier = veld_verifier_p256();
    assert_ok(veld_case_open(&bert->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_base_verify(opened, &verifier, &w.agency.merger_key, &fits, NULL));
    assert_true(fits);
    assert_ok(veld_base_verify(opened, &verifier, &w.agency.root_key, &fits, NULL));
    assert_false(fits);
    /* The agency's key was changed since: no finding, unless it was made after the change. */
    veld_agency later = w.agency;
    later.merger_key = w.agency.root_key;
    later.former[0] = (veld_agency_former){
        .kind = VELD_AGENCY_MERGER, .key = w.agency.merger_key, .position = 1000};
    later.former_count = 1;
    veld_agency_check check = {.agency = &later, .inner = verifier};
    verifier = veld_agency_verifier(&check);
    assert_ok(veld_base_verify(opened, &verifier, &later.merger_key, &fits, NULL));
    assert_true(fits);
    later.former[0].position = 0;
    assert_ok(veld_base_verify(opened, &verifier, &later.merger_key, &fits, NULL));
    assert_false(fits);
    veld_case_close(opened);

    /* work goes on in both directions, and no number is given twice */
    exchange_save(bert, &case_id, &person, "\"Mina van Bert\"");
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Mina van Anna\"");
    exchange_all_quiet(&w);
    assert_same(anna);
    assert_same(bert);
    assert_int_equal(rows(bert), 2);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_int_equal(w.merger.events[VELD_SYNC_FORK], 0);

    /* the next one gets the same checkpoint and these two */
    assign(cora);
    assert_int_equal(base_of(cora).changes, SAVES + 1);
    assert_int_equal(rows(cora), 2);
    assert_same(cora);
}

static void a_small_page_is_enough(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        veld_sync_fail(bert->sync);
    assign(bert);
    assert_true(base_of(bert).from_agency);
    assert_same(bert);
}

static void late_work_joins_what_began_later(void **state)
{
    (void)state;
    assign(bert);
    exchange_save(anna, &case_id, &person, "\"Mina laat\""); /* not handed in yet */
    exchange_save(bert, &case_id, &person, "\"Mina nu\"");
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assign(cora);
    exchange_all_quiet(&w);
    assert_same(anna);
    assert_same(bert);
    assert_same(cora);
}

/* Held: the first key is not given, and what comes late under it is sealed again. */
static void the_past_keeps_its_key(void **state)
{
    (void)state;
    veld_store_case *keys;
    veld_span key;
    const veld_id keep[] = {anna->t.card.device};
    exchange_save(anna, &case_id, &person, "\"Mina onder de oude sleutel\"");
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 1, NULL, NULL));
    exchange_until_quiet(&w.merger);
    assign(bert);
    assert_ok(veld_store_case_open(bert->t.store, &case_id, &keys, NULL));
    assert_int_equal(veld_store_case_key(keys, 1, &key, NULL), VELD_E_NOT_FOUND);
    assert_ok(veld_store_case_key(keys, 2, &key, NULL));
    veld_store_case_close(keys);
    assert_same(bert);

    exchange_all_quiet(&w); /* Anna seals with the first key: she has not heard of the second */
    exchange_all_quiet(&w);
    assert_same(anna);
    assert_same(bert);
    exchange_assign(&w, &case_id, bert); /* a new lease gives no older key */
    exchange_all_quiet(&w);
    assert_ok(veld_store_case_open(bert->t.store, &case_id, &keys, NULL));
    assert_int_equal(veld_store_case_key(keys, 1, &key, NULL), VELD_E_NOT_FOUND);
    veld_store_case_close(keys);
}

/* What a tablet has already stays as it is; what it lacks comes from the checkpoint. */
static void who_has_the_case_keeps_it(void **state)
{
    (void)state;
    assign(bert);
    assert_int_equal(rows(anna), SAVES + 1);
    assert_int_equal(base_of(anna).changes, 0);
    exchange_party_restart(bert);
    exchange_save(bert, &case_id, &person, "\"Mina\"");
    exchange_all_quiet(&w);
    assert_same(bert);
}

static void another_relay_asks_for_nothing_that_is_not_there(void **state)
{
    (void)state;
    assign(bert);
    test_journal_release(&w.journal);
    test_journal_init(&w.journal, 2);
    exchange_all_quiet(&w);
    exchange_all_quiet(&w);
    exchange_save(bert, &case_id, &person, "\"Mina erna\"");
    exchange_all_quiet(&w);
    assert_same(anna);
    assert_same(bert);
    assign(cora);
    exchange_all_quiet(&w);
    assert_same(cora);
}

/* A server that came back from a copy has the same name, and other things at the same places. */
static void a_place_in_a_lost_past_covers_nothing(void **state)
{
    (void)state;
    veld_id other;
    size_t before = w.journal.count;
    (void)exchange_found(cora, &other); /* so that the place is beyond what comes after the copy */
    exchange_all_quiet(&w);
    assign(bert);
    exchange_all_quiet(&w);
    test_journal_cut(&w.journal, before);
    exchange_save(anna, &case_id, &person, "\"Mina na het herstel\"");
    exchange_until_quiet(anna);
    exchange_all_quiet(&w);
    assign(cora);
    exchange_all_quiet(&w);
    assert_same(bert);
    assert_same(cora);
}

/* The grant gives no key for what the relay lists: only the checkpoint says what that was. */
static void a_grant_heard_while_comparing_brings_the_checkpoint(void **state)
{
    (void)state;
    const veld_id keep[] = {anna->t.card.device};
    size_t before = w.journal.count;
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 1, NULL, NULL));
    exchange_all_quiet(&w);
    test_journal_cut(&w.journal, before);
    exchange_assign(&w, &case_id, bert);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(bert);
    assert_int_equal(bert->events[VELD_SYNC_OTHER_SERVER], 1);
    exchange_all_quiet(&w);
    assert_same(bert);
}

/* What was handed in under a key that somebody never got is sealed anew, also when the server that
 * had it so is set back to before. */
static void what_is_held_under_an_older_key_is_sealed_anew(void **state)
{
    (void)state;
    const veld_id keep[] = {anna->t.card.device};
    exchange_save(anna, &case_id, &person, "\"Mina van onderweg\"");
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 1, NULL, NULL));
    exchange_until_quiet(&w.merger);
    assign(bert);
    exchange_until_quiet(anna);
    size_t before = w.journal.count;
    exchange_until_quiet(&w.merger);
    assert_true(w.journal.count > before);
    test_journal_cut(&w.journal, before);
    exchange_all_quiet(&w);
    assert_same(bert);
}

/* The first envelope of a case, under a key that nobody has. */
static void smuggle_unreadable(const veld_id *of)
{
    enum { EPOCH_AT = 4 + 2 + VELD_ID_BYTES };
    bool more = true;
    veld_buf bytes;
    veld_journal_item item = {0};
    const veld_journal *journal = &w.journal.journal;
    do {
        assert_ok(journal->next(journal->context, item.seq, &item, &more, NULL));
        assert_true(more);
    } while (item.kind != VELD_FRAME_ENVELOPE || !veld_id_equal(&item.case_id, of));
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    assert_ok(journal->load(journal->context, item.seq, NULL, &bytes, NULL));
    bytes.data[EPOCH_AT] = 9;
    exchange_smuggle(&w, VELD_FRAME_ENVELOPE, of, &item.device, veld_buf_span(&bytes));
    veld_buf_release(&bytes);
}

/* What cannot be opened yet at the office holds up its own case and no other. */
static void what_waits_of_another_case_is_in_nobodys_way(void **state)
{
    (void)state;
    veld_case *opened;
    veld_id whose, other = exchange_found(anna, &whose);
    for (int i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"Anders %d\"", i);
        exchange_save(anna, &other, &whose, name);
    }
    exchange_all_quiet(&w);
    smuggle_unreadable(&other);
    exchange_until_quiet(&w.merger);
    exchange_party_restart(&w.merger); /* and what waits is kept with its case */
    assign(bert);
    assert_true(base_of(bert).from_agency);
    assert_same(bert);

    exchange_assign(&w, &other, cora);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(cora);
    assert_ok(veld_case_open(&cora->t.desk, &other, &opened, NULL));
    assert_null(veld_case_get_base(opened));
    veld_case_close(opened);
}

/* An earlier program kept no case beside what waited: then it may be of any. */
static void what_an_earlier_program_left_may_be_of_any_case(void **state)
{
    (void)state;
    const veld_hash item = {{9}};
    assert_ok(veld_store_put_value(
        w.merger.t.store, "sync", veld_span_text("pending"), veld_hash_span(&item), NULL));
    exchange_party_restart(&w.merger);
    exchange_party_restart(&w.merger);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    assert_false(base_of(bert).from_agency);
    assert_same(bert);
}

static veld_past_state past_of(exchange_party *p)
{
    veld_past_state state;
    assert_ok(veld_past_get(p->t.store, &case_id, &state, NULL, NULL));
    return state;
}

/* Asked for, the past comes beside all else, page by page, and the case is whole again. */
static void the_past_is_fetched_when_it_is_asked_for(void **state)
{
    (void)state;
    veld_case *opened;
    veld_proof proof;
    assign(bert);
    exchange_save(bert, &case_id, &person, "\"Mina na het begin\"");
    assert_ok(veld_past_want(&bert->t.desk, &case_id, NULL));
    assert_int_equal(past_of(bert), VELD_PAST_WANTED);
    exchange_all_quiet(&w);
    assert_int_equal(past_of(bert), VELD_PAST_WHOLE);
    assert_int_equal(rows(bert), SAVES + 2);
    assert_int_equal(base_of(bert).changes, 0);
    assert_same(bert);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_ok(veld_case_open(&bert->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_verify(opened, &proof, NULL, NULL, NULL));
    assert_int_equal(proof.trees, SAVES + 2);
    assert_int_equal(proof.findings + proof.partial + proof.before, 0);
    veld_case_close(opened);

    /* and folded, and fetched, again */
    size_t folded;
    assert_ok(veld_compact_case(&bert->t.desk, &case_id, 0, 1, &folded, NULL));
    assert_int_equal(folded, SAVES + 2);
    assert_ok(veld_past_want(&bert->t.desk, &case_id, NULL));
    exchange_all_quiet(&w);
    assert_int_equal(rows(bert), SAVES + 2);
    assert_same(bert);
}

/* No key of that time was given: what cannot be read stays away, and nothing waits for it. */
static void a_past_without_its_key_stays_away(void **state)
{
    (void)state;
    const veld_id keep[] = {anna->t.card.device};
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 1, NULL, NULL));
    exchange_until_quiet(&w.merger);
    assign(bert);
    assert_ok(veld_past_want(&bert->t.desk, &case_id, NULL));
    exchange_all_quiet(&w);
    assert_int_equal(past_of(bert), VELD_PAST_PARTLY);
    assert_int_equal(rows(bert), 0);
    exchange_save(bert, &case_id, &person, "\"Mina verder\"");
    exchange_all_quiet(&w);
    assert_same(bert);
    assert_same(anna);
}

/* ---- the form ---- */

static void find_item(veld_buf *out)
{
    bool more = true;
    veld_journal_item item = {0};
    for (uint64_t seq = 0; more; seq = item.seq) {
        assert_ok(w.journal.journal.next(w.journal.journal.context, seq, &item, &more, NULL));
        if (!more || item.kind != VELD_FRAME_CHECKPOINT)
            continue;
        assert_ok(w.journal.journal.load(w.journal.journal.context, item.seq, NULL, out, NULL));
        return;
    }
    fail();
}

static veld_status prove(veld_span bytes, const veld_sealer *sealer)
{
    veld_checkpoint_item item;
    veld_buf plain;
    veld_verifier verifier = veld_verifier_p256();
    veld_buf_init(&plain, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_checkpoint_item_read(bytes, &item, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_verify(item.signed_part, &verifier, &w.agency.merger_key, NULL);
    if (status == VELD_OK)
        status = veld_checkpoint_item_open(&item, sealer, &plain, NULL);
    veld_buf_wipe(&plain);
    return status;
}

static void no_bit_of_it_can_change(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_store_case *keys;
    const veld_sealer *sealer;
    assign(bert);
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    find_item(&bytes);
    assert_ok(veld_store_case_open(bert->t.store, &case_id, &keys, NULL));
    assert_ok(veld_store_case_message_sealer(keys, 1, &sealer, NULL));
    assert_ok(prove(veld_buf_span(&bytes), sealer));
    for (size_t i = 0; i < bytes.len; i += i < 400 ? 1 : 37) {
        bytes.data[i] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(prove(veld_buf_span(&bytes), sealer), VELD_OK);
        bytes.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t cut = 0; cut < bytes.len; cut += 97)
        assert_int_not_equal(prove(veld_span_of(bytes.data, cut), sealer), VELD_OK);
    veld_store_case_close(keys);
    veld_buf_release(&bytes);
}

/* An older checkpoint of the case, which a relay may send at any time, changes nothing; nor does a
 * checkpoint that another than the agency signed. */
static void an_old_or_foreign_checkpoint_changes_nothing(void **state)
{
    (void)state;
    veld_buf bytes, forged;
    veld_store_case *keys;
    const veld_sealer *sealer;
    veld_checkpoint_item item;
    assign(bert);
    exchange_save(bert, &case_id, &person, "\"Mina nieuw\"");
    exchange_all_quiet(&w);
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    veld_buf_init(&forged, VELD_FRAME_BYTES_MAX);
    find_item(&bytes);
    exchange_smuggle(
        &w, VELD_FRAME_CHECKPOINT, &case_id, &bert->t.card.device, veld_buf_span(&bytes));
    exchange_until_quiet(bert);
    assert_int_equal(rows(bert), 1);
    assert_same(bert);

    assert_ok(veld_store_case_open(bert->t.store, &case_id, &keys, NULL));
    assert_ok(veld_store_case_message_sealer(keys, 1, &sealer, NULL));
    assert_ok(veld_checkpoint_item_read(veld_buf_span(&bytes), &item, NULL));
    veld_buf plain;
    veld_buf_init(&plain, VELD_STORE_BODY_BYTES_MAX);
    assert_ok(veld_checkpoint_item_open(&item, sealer, &plain, NULL));
    veld_signer other = cora->t.desk.signer;
    veld_checkpoint_head head = item.head;
    assert_ok(
        veld_checkpoint_item_make(&head, sealer, veld_buf_span(&plain), &other, &forged, NULL));
    assert_int_equal(prove(veld_buf_span(&forged), sealer), VELD_E_FORGED);
    veld_store_case_close(keys);
    veld_buf_wipe(&plain);
    veld_buf_release(&bytes);
    veld_buf_release(&forged);
}

/* A tablet folded what the checkpoint does not have, while the office wrote what is in nothing but
 * the checkpoint: the case was withdrawn, and given again before it was gone. */
static void a_base_that_has_more_gets_the_rest_one_by_one(void **state)
{
    (void)state;
    size_t folded = 0;
    veld_sync_result result;
    assert_ok(veld_sync_unassign(
        w.merger.sync, &case_id, &anna->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_until_quiet(&w.merger);
    exchange_save(&w.merger, &case_id, &person, "\"Mina van het kantoor\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_until_quiet(&w.merger);
    exchange_assign(&w, &case_id, bert);
    exchange_until_quiet(&w.merger);
    exchange_save(anna, &case_id, &person, "\"Mina 2\"");
    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL));
    exchange_until_quiet(&w.merger);
    exchange_save(anna, &case_id, &person, "\"Mina 3\""); /* so the case cannot go yet */
    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL));
    assert_ok(veld_compact_case(&anna->t.desk, &case_id, 0, 1, &folded, NULL));
    assert_true(folded > 2);
    exchange_assign(&w, &case_id, anna);
    exchange_until_quiet(&w.merger);
    exchange_all_quiet(&w);
    veld_hash office = exchange_state(&w.merger, &case_id);
    veld_hash mine = exchange_state(anna, &case_id);
    assert_true(veld_hash_equal(&office, &mine));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_new_tablet_gets_a_checkpoint_and_the_tail, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_small_page_is_enough, open_world, close_world),
        cmocka_unit_test_setup_teardown(late_work_joins_what_began_later, open_world, close_world),
        cmocka_unit_test_setup_teardown(the_past_keeps_its_key, open_world, close_world),
        cmocka_unit_test_setup_teardown(who_has_the_case_keeps_it, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            another_relay_asks_for_nothing_that_is_not_there, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_place_in_a_lost_past_covers_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_grant_heard_while_comparing_brings_the_checkpoint, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_held_under_an_older_key_is_sealed_anew, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_waits_of_another_case_is_in_nobodys_way, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_an_earlier_program_left_may_be_of_any_case, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            the_past_is_fetched_when_it_is_asked_for, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_past_without_its_key_stays_away, open_world, close_world),
        cmocka_unit_test_setup_teardown(no_bit_of_it_can_change, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_old_or_foreign_checkpoint_changes_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            a_base_that_has_more_gets_the_rest_one_by_one, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
