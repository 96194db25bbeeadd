/* A tablet that is locked and hears one thing: an order to wipe. It counts when it is the agency's,
 * for this device, in its turn, and when the office has all that was made here; nothing else that
 * comes does anything. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/blind.h"
#include "veldkit/frame.h"
#include "veldkit/limits.h"
#include "veldkit/locked.h"
#include "veldkit/quarantine.h"

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static veld_p256_private carrier;

/* The process that a locked vault leaves behind. */
typedef struct watcher {
    exchange_party *p;
    veld_buf pages, watch;
    veld_parcel parcel;
    veld_locked *locked;
} watcher;
static watcher bob;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 9);
    assert_ok(veld_p256_generate(&w.env.env, &carrier, NULL));
    bob = (watcher){.p = bert};
    return 0;
}

static void unlock(void)
{
    veld_locked_free(bob.locked);
    bob.locked = NULL;
    veld_buf_release(&bob.pages);
    veld_buf_release(&bob.watch);
}

static int close_world(void **state)
{
    (void)state;
    unlock();
    veld_p256_release(&carrier);
    exchange_world_close(&w);
    return 0;
}

static void lock_until(int64_t until_ms)
{
    unlock();
    veld_buf_init(&bob.pages, 64u << 20);
    veld_buf_init(&bob.watch, 64u << 20);
    exchange_party_restart(bert);
    assert_ok(veld_sync_pack(bert->sync, until_ms, &bob.pages, NULL));
    assert_ok(veld_locked_pack(bert->sync, &carrier.public_key, &bob.watch, NULL));
    bob.parcel = (veld_parcel){.relay_key = w.agency.relay_key,
        .watch = veld_buf_span(&bob.watch),
        .pages = veld_buf_span(&bob.pages)};
    assert_ok(veld_locked_new(bob.parcel.watch, &bob.locked, NULL));
}

static void lock(void)
{
    lock_until(INT64_MAX);
}

static void carry(veld_span request, veld_buf *answer)
{
    veld_relay_turn *turn = NULL;
    bool parked = false;
    const veld_relay_peer peer = {.device = bert->t.card.device,
        .may_fetch = !bert->is_revoked,
        .is_revoked = bert->is_revoked,
        .quota_bytes = 1u << 30};
    veld_buf_init(answer, VELD_EXCHANGE_BYTES_MAX);
    assert_ok(veld_relay_take(w.relay, &peer, request, &turn, NULL));
    assert_ok(veld_relay_answer(w.relay, turn, answer, &parked, NULL));
    if (parked) {
        w.env.now.monotonic_ms = veld_relay_turn_deadline_ms(turn);
        assert_ok(veld_relay_answer(w.relay, turn, answer, &parked, NULL));
    }
    veld_relay_turn_free(turn);
}

/* All pages; how many changes have a receipt. */
static size_t hand_in(veld_span pages)
{
    size_t total = 0;
    bool have = true;
    while (have) {
        veld_parcel_page page;
        veld_buf answer, receipts;
        size_t changes;
        assert_ok(veld_parcel_next(&pages, &page, &have, NULL));
        if (!have)
            break;
        carry(page.body, &answer);
        veld_buf_init(&receipts, 1u << 20);
        assert_ok(veld_parcel_receipt(
            &bob.parcel, &page, veld_buf_span(&answer), &receipts, &changes, NULL));
        total += changes;
        veld_buf_release(&answer);
        veld_buf_release(&receipts);
    }
    return total;
}

/* Until there is nothing new; true when the relay said that it is another one. */
static bool listen(void)
{
    bool more = true, any_lost = false;
    while (more) {
        bool lost = false;
        veld_buf request, answer;
        veld_buf_init(&request, VELD_FRAME_BYTES_MAX);
        assert_ok(veld_locked_request(bob.locked, "test 1", 0, &request, NULL));
        carry(veld_buf_span(&request), &answer);
        assert_ok(veld_locked_take(bob.locked, veld_buf_span(&answer), &more, &lost, NULL));
        any_lost = any_lost || lost;
        veld_buf_release(&request);
        veld_buf_release(&answer);
    }
    return any_lost;
}

static bool must_wipe(void)
{
    veld_order order;
    return veld_locked_must_wipe(bob.locked, true, &order);
}

static veld_status keep_state(void *context, const veld_order_state *state, veld_error *err)
{
    (void)err;
    veld_order_state *last = context;
    if (state->order.serial > last->order.serial)
        *last = *state;
    return VELD_OK;
}

static veld_order_state last_order(void)
{
    veld_order_state last = {0};
    assert_ok(veld_order_each(w.merger.t.store, &bert->t.card.device, &last, keep_state, NULL));
    return last;
}

static veld_id shared_case(veld_id *person)
{
    veld_id case_id = exchange_found(anna, person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    return case_id;
}

static void revoke(void)
{
    size_t cases;
    veld_directory_entry entry;
    assert_ok(veld_directory_find(w.merger.t.store, &bert->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, true, &cases, NULL));
    bert->is_revoked = true;
    exchange_until_quiet(&w.merger);
}

static void write_line(void)
{
    const veld_access_config config = {
        .env = bert->t.desk.env, .store = bert->t.store, .anchor = &bert->anchor};
    veld_access_log *log = NULL;
    assert_ok(veld_access_log_new(&config, &log, NULL));
    veld_access_begin(log, &(veld_access_scope){.event = "lock",
                               .user = "B. de Vries",
                               .kind = VELD_ACCESS_LOCK,
                               .basis = VELD_ACCESS_BASIS_HELD});
    assert_ok(veld_access_add(log, VELD_ACCESS_LOCK, NULL, NULL, NULL));
    assert_ok(veld_access_flush(log, NULL));
    veld_access_log_free(log);
}

static void confirm(veld_buf *page)
{
    const veld_signer signer = veld_signer_p256(&carrier);
    veld_buf_init(page, VELD_FRAME_BYTES_MAX);
    assert_ok(veld_locked_confirm(bob.locked, &signer, "test 1", page, NULL));
}

static void work_arrives_then_the_vault_may_go_and_the_office_hears_it(void **state)
{
    (void)state;
    veld_id person;
    veld_hash change;
    veld_buf page;
    veld_order order;
    veld_id case_id = shared_case(&person);
    veld_edit edit = test_edit_set(&person, "person", "name", "\"Mina, blind\"");
    bert->t.desk.office = &w.agency.seal_key;
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    exchange_save(bert, &case_id, &person, "\"Mina of Bert, again\"");
    assert_ok(veld_case_save_blind(&bert->t.desk, &case_id, &edit, 1, &change, NULL));
    write_line();
    lock();
    assert_false(listen());
    assert_false(must_wipe());
    revoke();
    listen();
    assert_false(must_wipe()); /* nothing of it is with the office */
    assert_int_equal(hand_in(bob.parcel.pages), 3);
    listen();
    assert_false(must_wipe()); /* the relay has it */
    exchange_until_quiet(&w.merger);
    listen();
    assert_true(veld_locked_must_wipe(bob.locked, false, &order));
    assert_int_equal(order.kind, VELD_ORDER_WIPE);
    assert_int_equal(last_order().confirmed_utc_ms, 0);
    confirm(&page);
    assert_int_equal(hand_in(veld_buf_span(&page)), 1);
    assert_int_equal(hand_in(veld_buf_span(&page)), 1); /* twice is once */
    exchange_until_quiet(&w.merger);
    assert_true(last_order().confirmed_utc_ms > 0);
    assert_int_equal(w.merger.events[VELD_SYNC_ORDER_CONFIRMED], 1);
    assert_int_equal(w.merger.events[VELD_SYNC_SET_ASIDE], 3);
    veld_buf_release(&page);
}

/* What was in time is taken in: a head says so, and nobody sets anything aside. */
static void a_head_settles_what_was_made_before_it(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    exchange_save(bert, &case_id, &person, "\"Mina 1\"");
    exchange_save(bert, &case_id, &person, "\"Mina 2\"");
    lock();
    assert_int_equal(hand_in(bob.parcel.pages), 2);
    exchange_all_quiet(&w);
    revoke();
    listen();
    assert_true(must_wipe());
}

/* One thing that the office does not have is enough to wait for. */
static void each_thing_alone_is_waited_for(void **state)
{
    (void)state;
    veld_id person;
    veld_hash change;
    veld_id case_id = shared_case(&person);
    const int kind = *(const int *)*state;
    veld_edit edit = test_edit_set(&person, "person", "name", "\"Mina, blind\"");
    bert->t.desk.office = &w.agency.seal_key;
    if (kind == 0)
        exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    else if (kind == 1)
        assert_ok(veld_case_save_blind(&bert->t.desk, &case_id, &edit, 1, &change, NULL));
    else
        write_line();
    lock();
    revoke();
    listen();
    assert_false(must_wipe());
    (void)hand_in(bob.parcel.pages);
    listen();
    assert_false(must_wipe());
    exchange_until_quiet(&w.merger);
    listen();
    assert_true(must_wipe());
}

static void what_could_not_be_sealed_in_time_is_not_destroyed(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    lock_until(-1);
    revoke();
    exchange_until_quiet(&w.merger);
    listen();
    assert_false(must_wipe());
}

static void what_is_being_typed_is_not_destroyed(void **state)
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
    lock();
    revoke();
    listen();
    assert_false(must_wipe());
}

/* ---- orders that are none ---- */
static void smuggle(veld_span bytes)
{
    exchange_smuggle(&w, VELD_FRAME_ORDER, &(veld_id){{0}}, &bert->t.card.device, bytes);
}

static void make_order(const veld_id *device, uint64_t serial, uint64_t previous,
    const veld_signer *signer, veld_buf *out)
{
    const veld_order order = {.device = *device,
        .serial = serial,
        .previous = previous,
        .kind = VELD_ORDER_WIPE,
        .reason = VELD_ORDER_LOST};
    veld_buf_init(out, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_order_make(&order, signer, out, NULL));
}

static bool is_done_after(
    const veld_id *device, uint64_t serial, uint64_t previous, const veld_signer *signer)
{
    veld_buf bytes;
    make_order(device, serial, previous, signer, &bytes);
    smuggle(veld_buf_span(&bytes));
    listen();
    veld_buf_release(&bytes);
    return must_wipe();
}

static void only_the_agency_orders_only_this_device_and_only_in_turn(void **state)
{
    (void)state;
    const veld_id *me = &bert->t.card.device;
    const veld_signer agency = w.merger.t.desk.signer, relay = veld_signer_p256(&w.relay_key);
    veld_id person;
    veld_id case_id = shared_case(&person);
    assert_ok(veld_sync_unassign(w.merger.sync, &case_id, me, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_all_quiet(&w);
    uint64_t last = last_order().order.serial;
    assert_true(last_order().confirmed_utc_ms > 0);
    lock();
    const veld_signer own = bert->t.desk.signer;
    assert_false(is_done_after(me, last + 1, last, &relay));
    assert_false(is_done_after(me, last + 2, last, &own));
    assert_false(is_done_after(me, last + 3, last, &anna->t.desk.signer));
    assert_false(is_done_after(&anna->t.card.device, last + 4, last, &agency));
    assert_false(is_done_after(&w.agency.id, last + 5, last, &agency));
    assert_false(is_done_after(me, last, 0, &agency));            /* the one that was done */
    assert_false(is_done_after(me, last - 1, 0, &agency));        /* one from before it */
    assert_false(is_done_after(me, last + 9, last + 8, &agency)); /* one is kept back */
    assert_true(is_done_after(me, last + 8, last, &agency));
}

/* With a serial that it may have had, and words that the office has what it has not. */
static void a_key_that_was_changed_wipes_nothing(void **state)
{
    (void)state;
    veld_id person;
    veld_buf bytes;
    veld_hash change;
    veld_case *opened;
    veld_p256_private before, fresh;
    const veld_id *me = &bert->t.card.device;
    const veld_p256_private *now = veld_store_signing_key(w.merger.t.store);
    before = (veld_p256_private){.public_key = now->public_key};
    assert_ok(veld_secret_copy(&before.scalar, veld_secret_span(&now->scalar)));
    assert_ok(veld_p256_generate(&w.env.env, &fresh, NULL));
    const veld_signer thief = veld_signer_p256(&before), office = veld_signer_p256(&fresh);
    veld_id case_id = shared_case(&person);
    exchange_change_key(&w, &fresh);
    exchange_party_restart(&w.merger);
    exchange_all_quiet(&w);
    veld_edit edit = test_edit_set(&person, "person", "name", "\"Mina of Bert\"");
    assert_ok(veld_case_open(&bert->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    veld_case_close(opened);
    lock();
    (void)hand_in(bob.parcel.pages);
    uint64_t last = last_order().order.serial, serial = w.agency.former[0].serial;
    assert_false(is_done_after(me, serial, last, &thief));
    assert_false(is_done_after(me, serial + 1, last, &office)); /* it waits for the change */
    const veld_aside aside = {.device = *me, .case_id = case_id, .change = change, .utc_ms = 5};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    for (int by_office = 0; by_office <= 1; by_office++) {
        veld_buf_clear(&bytes);
        assert_ok(veld_aside_make(&aside, by_office ? &office : &thief, &bytes, NULL));
        exchange_smuggle(&w, VELD_FRAME_ASIDE, &case_id, me, veld_buf_span(&bytes));
        listen();
        assert_int_equal(must_wipe(), by_office);
    }
    veld_buf_release(&bytes);
    veld_p256_release(&before);
    veld_p256_release(&fresh);
}

static void an_order_with_any_bit_changed_does_nothing(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_signer agency = w.merger.t.desk.signer;
    uint64_t last = last_order().order.serial;
    lock();
    make_order(&bert->t.card.device, last + 5, last, &agency, &bytes);
    for (size_t bit = 0; bit < bytes.len * 8; bit += 7) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        smuggle(veld_buf_span(&bytes));
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    listen();
    assert_false(must_wipe());
    smuggle(veld_buf_span(&bytes));
    listen();
    assert_true(must_wipe());
    veld_buf_release(&bytes);
}

static void an_order_that_was_heard_before_is_carried_out(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    assert_ok(veld_sync_post_order(
        w.merger.sync, &bert->t.card.device, VELD_ORDER_WIPE, NULL, VELD_ORDER_LOST, NULL, NULL));
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(bert);
    lock();
    assert_false(must_wipe());
    exchange_until_quiet(&w.merger);
    listen();
    assert_true(must_wipe());
}

/* The one before it took a case away: it is done with the rest, and the office need not wait. */
static void orders_before_the_wipe_are_done_with_it(void **state)
{
    (void)state;
    veld_id person;
    veld_buf page;
    veld_id case_id = shared_case(&person);
    lock();
    assert_ok(veld_sync_unassign(
        w.merger.sync, &case_id, &bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    revoke();
    listen();
    assert_true(must_wipe());
    confirm(&page);
    assert_int_equal(hand_in(veld_buf_span(&page)), 1);
    exchange_until_quiet(&w.merger);
    assert_int_equal(w.merger.events[VELD_SYNC_ORDER_CONFIRMED], 2);
    veld_buf_release(&page);
}

/* ---- the device's word ---- */
static void only_the_device_or_who_stands_in_for_it_confirms(void **state)
{
    (void)state;
    veld_buf stand_in, bytes;
    veld_confirmation read;
    const veld_verifier verifier = veld_verifier_p256();
    const veld_p256_public *key = &bert->t.card.sign_key;
    const veld_signer by = veld_signer_p256(&carrier), other = veld_signer_p256(&w.relay_key);
    veld_confirmation it = {.device = bert->t.card.device, .serial = 7, .utc_ms = 1};
    veld_buf_init(&stand_in, VELD_ORDER_BYTES_MAX);
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(
        veld_stand_in_make(&it.device, &carrier.public_key, &bert->t.desk.signer, &stand_in, NULL));
    it.stand_in = veld_buf_span(&stand_in);
    assert_ok(veld_confirmation_make(&it, &by, &bytes, NULL));
    assert_ok(veld_confirmation_verify(veld_buf_span(&bytes), &verifier, key, NULL));
    for (size_t bit = 0; bit < bytes.len * 8; bit += 5) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            veld_confirmation_verify(veld_buf_span(&bytes), &verifier, key, NULL), VELD_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < bytes.len; len += 7)
        assert_int_not_equal(
            veld_confirmation_read(veld_span_of(bytes.data, len), &read, NULL), VELD_OK);
    assert_int_equal(
        veld_confirmation_verify(veld_buf_span(&bytes), &verifier, &anna->t.card.sign_key, NULL),
        VELD_E_FORGED);
    veld_buf_clear(&bytes); /* by a key that the device did not name */
    assert_ok(veld_confirmation_make(&it, &other, &bytes, NULL));
    assert_int_equal(
        veld_confirmation_verify(veld_buf_span(&bytes), &verifier, key, NULL), VELD_E_FORGED);
    veld_buf_clear(&bytes); /* by the carrier key, without the word of the device */
    it.stand_in = (veld_span){0};
    assert_ok(veld_confirmation_make(&it, &by, &bytes, NULL));
    assert_int_equal(
        veld_confirmation_verify(veld_buf_span(&bytes), &verifier, key, NULL), VELD_E_FORGED);
    veld_buf_clear(&bytes); /* named by the device, but for another one */
    veld_buf_clear(&stand_in);
    assert_ok(veld_stand_in_make(
        &anna->t.card.device, &carrier.public_key, &bert->t.desk.signer, &stand_in, NULL));
    it.stand_in = veld_buf_span(&stand_in);
    assert_ok(veld_confirmation_make(&it, &by, &bytes, NULL));
    assert_int_equal(
        veld_confirmation_verify(veld_buf_span(&bytes), &verifier, key, NULL), VELD_E_FORGED);
    veld_buf_release(&stand_in);
    veld_buf_release(&bytes);
}

/* ---- the relay ---- */
static void a_locked_tablet_is_told_nothing_else(void **state)
{
    (void)state;
    veld_id person;
    veld_buf request, answer;
    bool have = true;
    size_t heads = 0;
    veld_frame_reader reader;
    veld_id case_id = shared_case(&person);
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    exchange_all_quiet(&w);
    lock();
    exchange_save(anna, &case_id, &person, "\"Mina of Anna\"");
    (void)exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_buf_init(&request, VELD_FRAME_BYTES_MAX);
    assert_ok(veld_locked_request(bob.locked, "test 1", 0, &request, NULL));
    carry(veld_buf_span(&request), &answer);
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    assert_ok(veld_frame_reader_add(&reader, veld_buf_span(&answer), NULL));
    while (have) {
        veld_frame frame;
        assert_ok(veld_frame_reader_next(&reader, &frame, &have, NULL));
        heads += have && frame.type == VELD_FRAME_HEAD;
        if (have)
            assert_true(frame.type == VELD_FRAME_VERSION || frame.type == VELD_FRAME_RECEIPT ||
                        frame.type == VELD_FRAME_GROWTH || frame.type == VELD_FRAME_CURSOR ||
                        frame.type == VELD_FRAME_HEAD || frame.type == VELD_FRAME_END);
    }
    assert_int_equal(heads, 1);
    veld_frame_reader_release(&reader);
    for (size_t len = 0; len < answer.len; len += 37) { /* cut: nothing was taken */
        bool more, lost;
        assert_int_not_equal(
            veld_locked_take(bob.locked, veld_span_of(answer.data, len), &more, &lost, NULL),
            VELD_OK);
    }
    veld_buf_release(&request);
    veld_buf_release(&answer);
}

static void a_relay_that_was_put_back_is_told_all_again(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    size_t before = w.journal.count;
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    lock();
    assert_int_equal(hand_in(bob.parcel.pages), 1);
    assert_false(listen());
    test_journal_cut(&w.journal, before);
    assert_true(listen());
    assert_int_equal(hand_in(bob.parcel.pages), 1);
    revoke();
    exchange_until_quiet(&w.merger);
    listen();
    assert_true(must_wipe());
}

static void a_watch_that_is_changed_is_refused_or_another(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = shared_case(&person);
    exchange_save(bert, &case_id, &person, "\"Mina of Bert\"");
    lock();
    for (size_t len = 0; len < bob.watch.len; len += 3) {
        veld_locked *read = NULL;
        assert_int_not_equal(
            veld_locked_new(veld_span_of(bob.watch.data, len), &read, NULL), VELD_OK);
        assert_null(read);
    }
    for (size_t bit = 0; bit < bob.watch.len * 8; bit += 11) {
        veld_locked *read = NULL;
        bob.watch.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (veld_locked_new(veld_buf_span(&bob.watch), &read, NULL) == VELD_OK)
            veld_locked_free(read);
        bob.watch.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    static int kinds[] = {0, 1, 2};
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
#define WITH(test, value)                                                                          \
    cmocka_unit_test_prestate_setup_teardown(test, open_world, close_world, value)
    const struct CMUnitTest tests[] = {
        IN_WORLD(work_arrives_then_the_vault_may_go_and_the_office_hears_it),
        IN_WORLD(a_head_settles_what_was_made_before_it),
        WITH(each_thing_alone_is_waited_for, &kinds[0]),
        WITH(each_thing_alone_is_waited_for, &kinds[1]),
        WITH(each_thing_alone_is_waited_for, &kinds[2]),
        IN_WORLD(what_could_not_be_sealed_in_time_is_not_destroyed),
        IN_WORLD(what_is_being_typed_is_not_destroyed),
        IN_WORLD(only_the_agency_orders_only_this_device_and_only_in_turn),
        IN_WORLD(a_key_that_was_changed_wipes_nothing),
        IN_WORLD(an_order_with_any_bit_changed_does_nothing),
        IN_WORLD(an_order_that_was_heard_before_is_carried_out),
        IN_WORLD(orders_before_the_wipe_are_done_with_it),
        IN_WORLD(only_the_device_or_who_stands_in_for_it_confirms),
        IN_WORLD(a_locked_tablet_is_told_nothing_else),
        IN_WORLD(a_relay_that_was_put_back_is_told_all_again),
        IN_WORLD(a_watch_that_is_changed_is_refused_or_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
