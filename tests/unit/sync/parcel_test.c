/* Work packed for a process without keys: what comes through is known afterwards, what does not is
 * offered again, and what is no receipt of the relay has no effect. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/frame.h"
#include "veldkit/limits.h"
#include "veldkit/parcel.h"

static exchange_world w;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 1, 9);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static veld_parcel pack(exchange_party *p, veld_buf *pages)
{
    veld_buf_init(pages, 64u << 20);
    assert_ok(veld_sync_pack(p->sync, INT64_MAX, pages, NULL));
    return (veld_parcel){.relay_key = w.agency.relay_key, .pages = veld_buf_span(pages)};
}

/* What the relay answers to one page; it may hold nothing but a receipt. */
static void carry(exchange_party *p, const veld_parcel_page *page, veld_buf *answer)
{
    veld_relay_turn *turn = NULL;
    bool parked = true;
    const veld_relay_peer peer = {
        .device = p->t.card.device, .may_fetch = true, .quota_bytes = 1u << 30};
    veld_buf_init(answer, VELD_EXCHANGE_BYTES_MAX);
    assert_ok(veld_relay_take(w.relay, &peer, page->body, &turn, NULL));
    assert_ok(veld_relay_answer(w.relay, turn, answer, &parked, NULL));
    assert_false(parked);
    veld_relay_turn_free(turn);
}

static size_t carry_all(exchange_party *p, const veld_parcel *parcel, veld_buf *receipts)
{
    size_t total = 0;
    bool have = true;
    veld_span pages = parcel->pages;
    veld_buf_init(receipts, 1u << 20);
    while (have) {
        veld_parcel_page page;
        veld_buf answer;
        size_t changes;
        assert_ok(veld_parcel_next(&pages, &page, &have, NULL));
        if (!have)
            break;
        carry(p, &page, &answer);
        assert_ok(
            veld_parcel_receipt(parcel, &page, veld_buf_span(&answer), receipts, &changes, NULL));
        total += changes;
        veld_buf_release(&answer);
    }
    return total;
}

static size_t unpack(exchange_party *p, veld_span receipts)
{
    size_t changes = 99;
    assert_ok(veld_sync_unpack(&p->t.desk, &w.agency, receipts, &changes, NULL));
    return changes;
}

static void what_was_carried_is_not_sent_again(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf pages, receipts;
    veld_id person;
    veld_sync_result result;
    veld_id id = exchange_found(p, &person);
    exchange_save(p, &id, &person, "\"Mina B.\"");
    veld_parcel parcel = pack(p, &pages);
    assert_int_equal(carry_all(p, &parcel, &receipts), 2);
    exchange_party_restart(p);
    assert_int_equal(unpack(p, veld_buf_span(&receipts)), 2);
    assert_int_equal(unpack(p, veld_buf_span(&receipts)), 0); /* once more changes nothing */
    assert_ok(exchange_once(p, &exchange_no_fault, &result, NULL));
    assert_int_equal(result.sent, 0);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(p), 0);
    veld_hash here = exchange_state(p, &id), there = exchange_state(&w.merger, &id);
    assert_memory_equal(&here, &there, sizeof here);
    veld_buf_release(&pages);
    veld_buf_release(&receipts);
}

static void receipts_that_are_lost_cost_nothing_but_sending_again(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf pages, receipts;
    veld_id person;
    veld_id id = exchange_found(p, &person);
    veld_parcel parcel = pack(p, &pages);
    assert_int_equal(carry_all(p, &parcel, &receipts), 1);
    exchange_party_restart(p);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(p), 0);
    veld_hash here = exchange_state(p, &id), there = exchange_state(&w.merger, &id);
    assert_memory_equal(&here, &there, sizeof here);
    veld_buf_release(&pages);
    veld_buf_release(&receipts);
}

/* A receipt with any bit changed, of another relay, or cut, is none. */
static void what_is_no_receipt_has_no_effect(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf pages, receipts;
    veld_id person;
    (void)exchange_found(p, &person);
    veld_parcel parcel = pack(p, &pages);
    assert_int_equal(carry_all(p, &parcel, &receipts), 1);
    for (size_t bit = 0; bit < receipts.len * 8; bit += 13) {
        receipts.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(unpack(p, veld_buf_span(&receipts)), 0);
        receipts.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < receipts.len; len += 11)
        assert_int_equal(unpack(p, veld_span_of(receipts.data, len)), 0);
    assert_int_equal(unpack(p, veld_buf_span(&receipts)), 1);

    veld_span rest = parcel.pages;
    veld_parcel_page page;
    veld_buf answer, kept;
    size_t changes;
    bool have;
    assert_ok(veld_parcel_next(&rest, &page, &have, NULL));
    carry(p, &page, &answer);
    veld_buf_init(&kept, 1u << 20);
    parcel.relay_key = w.agency.merger_key;
    assert_int_equal(
        veld_parcel_receipt(&parcel, &page, veld_buf_span(&answer), &kept, &changes, NULL),
        VELD_E_FORGED);
    assert_int_equal(kept.len, 0);
    veld_buf_release(&answer);
    veld_buf_release(&kept);
    veld_buf_release(&pages);
    veld_buf_release(&receipts);
}

/* Others' changes wait at the relay: a page that is handed in does not fetch them. */
static void a_page_brings_nothing_back(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf pages, answer;
    veld_id person;
    veld_parcel_page page;
    bool have;
    veld_id id = exchange_found(p, &person);
    exchange_all_quiet(&w);
    exchange_save(&w.merger, &id, &person, "\"Van kantoor\"");
    exchange_until_quiet(&w.merger);
    exchange_save(p, &id, &person, "\"Van de tablet\"");
    veld_parcel parcel = pack(p, &pages);
    veld_span rest = parcel.pages;
    assert_ok(veld_parcel_next(&rest, &page, &have, NULL));
    assert_true(have);
    carry(p, &page, &answer);
    veld_frame_reader reader;
    veld_frame frame;
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    assert_ok(veld_frame_reader_add(&reader, veld_buf_span(&answer), NULL));
    for (have = true; have;) {
        assert_ok(veld_frame_reader_next(&reader, &frame, &have, NULL));
        if (have)
            assert_true(frame.type == VELD_FRAME_RECEIPT || frame.type == VELD_FRAME_CURSOR ||
                        frame.type == VELD_FRAME_VERSION || frame.type == VELD_FRAME_END);
    }
    veld_frame_reader_release(&reader);
    veld_buf_release(&answer);
    veld_buf_release(&pages);
    exchange_all_quiet(&w);
}

static void when_the_time_is_over_the_rest_stays(void **state)
{
    (void)state;
    exchange_party *p = &w.tablets[0];
    veld_buf pages;
    veld_id person;
    (void)exchange_found(p, &person);
    veld_buf_init(&pages, 1u << 20);
    assert_ok(veld_sync_pack(p->sync, -1, &pages, NULL));
    assert_int_equal(pages.len, 0);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(p), 0);
    veld_buf_release(&pages);
}

static void a_parcel_that_is_changed_is_refused_or_another(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_parcel read;
    uint8_t key[VELD_P256_PRIVATE_BYTES] = {1};
    const veld_parcel parcel = {.address = veld_span_text("https://vt.example:8443"),
        .carrier_key = veld_span_of(key, sizeof key)};
    veld_buf_init(&bytes, 4096);
    assert_ok(veld_parcel_write(&parcel, &bytes, NULL));
    assert_ok(veld_parcel_read(veld_buf_span(&bytes), &read, NULL));
    assert_true(veld_span_equal(read.address, parcel.address));
    for (size_t len = 0; len < bytes.len; len++)
        assert_int_not_equal(veld_parcel_read(veld_span_of(bytes.data, len), &read, NULL), VELD_OK);
    bytes.data[1] = 2;
    assert_int_equal(veld_parcel_read(veld_buf_span(&bytes), &read, NULL), VELD_E_NEWER);
    veld_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_was_carried_is_not_sent_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            receipts_that_are_lost_cost_nothing_but_sending_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_no_receipt_has_no_effect, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_page_brings_nothing_back, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            when_the_time_is_over_the_rest_stays, open_world, close_world),
        cmocka_unit_test(a_parcel_that_is_changed_is_refused_or_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
