/* One tablet sends what nobody can open, as much as it may: the work of others gets to the office
 * in as few exchanges as without it. Counted in exchanges and items, never in time. */
#include "veld_test.h"

#include <string.h>

#include "exchange.h"
#include "exchange_world.h"
#include "veldkit/frame.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum { JUNK_BYTES = 256, FEW_EXCHANGES = 40 };

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1]; /* the one that floods */
static uint64_t junk_made;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 31);
    junk_made = 0;
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* An envelope of Bert's, of the case; of a case that nobody knows when there is none. */
static void make_junk(const veld_id *case_id, uint8_t out[JUNK_BYTES])
{
    memset(out, 0, JUNK_BYTES);
    memcpy(out, "VKE1\0\1", 6);
    veld_put_u64(out + 6, 0x7000 + junk_made / 100); /* a hundred of each case */
    if (case_id != NULL)
        memcpy(out + 6, case_id->bytes, sizeof case_id->bytes);
    veld_put_u32(out + 22, case_id != NULL ? 77 : 1); /* an epoch of which there is no key */
    memcpy(out + 26, bert->t.card.device.bytes, VELD_ID_BYTES);
    veld_put_u64(out + 50, ++junk_made);
    out[59] = 1;
    out[60] = 2;
    veld_put_u32(out + 61, JUNK_BYTES);
    veld_put_u64(out + 65, junk_made);
}

static veld_status try_hand_in(
    exchange_party *as, bool may_fetch, size_t count, veld_relay_counts *out)
{
    uint8_t junk[JUNK_BYTES];
    veld_buf request, cursor;
    veld_frame_writer writer;
    veld_relay_turn *turn = NULL;
    const exchange_cursor place = {.flags = CURSOR_HAND_IN};
    const veld_relay_peer peer = {.device = as->t.card.device,
        .may_fetch = may_fetch,
        .is_revoked = !may_fetch,
        .quota_bytes = 1u << 30};
    veld_buf_init(&request, VELD_EXCHANGE_BYTES_MAX);
    veld_buf_init(&cursor, EXCHANGE_SMALL_BYTES_MAX);
    assert_ok(exchange_put_cursor(&place, &cursor, NULL));
    assert_ok(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, "test 1", &request, NULL));
    assert_ok(veld_frame_writer_add(&writer, VELD_FRAME_CURSOR, veld_buf_span(&cursor), NULL));
    for (size_t i = 0; i < count; i++) {
        make_junk(NULL, junk);
        assert_ok(veld_frame_writer_add(
            &writer, VELD_FRAME_ENVELOPE, veld_span_of(junk, sizeof junk), NULL));
    }
    assert_ok(veld_frame_writer_end(&writer, NULL));
    veld_status status = veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn, NULL);
    if (status == VELD_OK)
        *out = veld_relay_turn_counts(turn);
    veld_relay_turn_free(turn);
    veld_buf_release(&request);
    veld_buf_release(&cursor);
    return status;
}

static veld_relay_counts hand_in(exchange_party *as, bool may_fetch, size_t count)
{
    veld_relay_counts counts = {0};
    assert_ok(try_hand_in(as, may_fetch, count, &counts));
    return counts;
}

/* ---- at the relay ---- */

static void a_revoked_tablet_hands_in_little_in_a_day(void **state)
{
    (void)state;
    uint64_t before = w.journal.count;
    for (int i = 0; i < 4; i++)
        (void)hand_in(bert, false, 600);
    assert_int_equal(w.journal.count - before, VELD_QUOTA_ITEMS_REVOKED);
    exchange_relay_restart(&w, w.kept); /* the one thing that begins anew */
    assert_int_equal(hand_in(bert, false, VELD_QUOTA_ITEMS_REVOKED + 1).refused, 1);
    test_env_advance(&w.env, VELD_QUOTA_MS - 1);
    assert_int_equal(hand_in(bert, false, 1).stored, 0);
    test_env_advance(&w.env, 1);
    assert_int_equal(hand_in(bert, false, 1).stored, 1);
}

static void an_active_tablet_has_an_end_too_and_others_have_their_own(void **state)
{
    (void)state;
    size_t stored = 0;
    for (int i = 0; i < 3; i++)
        stored += hand_in(bert, true, VELD_QUOTA_ITEMS / 2 - 1).stored;
    assert_int_equal(stored, VELD_QUOTA_ITEMS);
    assert_int_equal(hand_in(anna, true, 3).stored, 3);
    /* Who is revoked then has her last word: little, and not nothing. */
    assert_int_equal(hand_in(bert, false, 3).stored, 3);
}

/* A certificate that is over, or of a CA of before, is one of a device that may hand in only. */
static void two_certificates_in_turn_hand_in_no_more_than_each(void **state)
{
    (void)state;
    size_t stored = 0;
    for (int i = 0; i < 4; i++) {
        stored += hand_in(bert, true, VELD_QUOTA_ITEMS / 2).stored;
        stored += hand_in(bert, false, VELD_QUOTA_ITEMS_REVOKED / 2).stored;
    }
    assert_int_equal(stored, VELD_QUOTA_ITEMS + VELD_QUOTA_ITEMS_REVOKED);
}

static void what_the_disk_did_not_take_is_not_counted(void **state)
{
    (void)state;
    veld_relay_counts counts;
    for (int i = 0; i < 3; i++) {
        w.journal.commit_fails = true;
        assert_int_equal(
            try_hand_in(bert, false, VELD_QUOTA_ITEMS_REVOKED / 2, &counts), VELD_E_FULL);
    }
    assert_int_equal(
        hand_in(bert, false, VELD_QUOTA_ITEMS_REVOKED).stored, VELD_QUOTA_ITEMS_REVOKED);
}

static void what_is_over_stays_on_the_tablet_and_goes_later(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    exchange_party *tablet = bert;
    assert_int_equal(hand_in(bert, false, VELD_QUOTA_ITEMS_REVOKED).refused, 0);
    tablet->is_revoked = true;
    veld_id case_id = exchange_found(tablet, &person);
    (void)case_id;
    assert_ok(exchange_once(tablet, &exchange_no_fault, &result, NULL));
    assert_true(tablet->events[VELD_SYNC_NO_ROOM] > 0);
    assert_int_equal(exchange_unsent(tablet), 1);
    test_env_advance(&w.env, VELD_QUOTA_MS);
    test_env_advance(&tablet->t.world, VELD_QUOTA_MS);
    tablet->events[VELD_SYNC_RECEIVED] = 0;
    exchange_until_quiet(tablet);
    assert_int_equal(tablet->events[VELD_SYNC_RECEIVED], 1);
}

/* ---- at the office ---- */

static void smuggle_junk(const veld_id *case_id, size_t count)
{
    veld_hash leaf;
    const veld_journal *journal = w.kept;
    assert_ok(journal->begin(journal->context, NULL));
    for (size_t i = 0; i < count; i++) {
        uint8_t junk[JUNK_BYTES];
        make_junk(case_id, junk);
        veld_journal_item item = {.kind = VELD_FRAME_ENVELOPE,
            .device = bert->t.card.device,
            .carrier = bert->t.card.device,
            .number = junk_made,
            .count = 1,
            .len = sizeof junk};
        memcpy(item.case_id.bytes, junk + 6, sizeof item.case_id.bytes);
        assert_ok(veld_sha256(veld_span_of(junk, sizeof junk), &item.id, NULL));
        assert_ok(veld_log_leaf((uint8_t)item.kind, &item.id, &leaf, NULL));
        uint64_t size = journal->size(journal->context);
        assert_ok(journal->append(journal->context, &item, veld_span_of(junk, sizeof junk), NULL));
        assert_ok(veld_log_append(&journal->log, size, &leaf, NULL));
    }
    assert_ok(journal->commit(journal->context, NULL));
}

static bool office_has(const veld_id *case_id)
{
    veld_case *opened = NULL;
    veld_status status = veld_case_open(&w.merger.t.desk, case_id, &opened, NULL);
    veld_case_close(opened);
    return status == VELD_OK;
}

static size_t exchanges_until_there(const veld_id *case_id)
{
    size_t count = 0;
    while (!office_has(case_id) && count < FEW_EXCHANGES) {
        veld_sync_result result;
        veld_error err = {0};
        if (exchange_once(&w.merger, &exchange_no_fault, &result, &err) != VELD_OK)
            fail_msg("exchange %zu: %s", count, err.text);
        count++;
    }
    return count;
}

static void honest_work_passes_more_junk_than_can_wait(void **state)
{
    (void)state;
    veld_id person;
    smuggle_junk(NULL, VELD_SYNC_PENDING_MAX + VELD_SYNC_PENDING_MAX / 4);
    veld_id first = exchange_found(anna, &person);
    exchange_until_quiet(anna);
    assert_in_range(exchanges_until_there(&first), 1, FEW_EXCHANGES - 1);
    assert_true(w.merger.events[VELD_SYNC_PARKED] > 0);
    /* And from then on at once, with little more to hear than what is new. */
    for (int i = 0; i < 3; i++) {
        veld_id next = exchange_found(anna, &person);
        exchange_until_quiet(anna);
        assert_int_equal(exchanges_until_there(&next), 1);
        exchange_until_quiet(&w.merger);
        assert_in_range(w.merger.down, 1, 32 << 10);
    }
    /* Also by an office that was started anew, before it asked for all that waits again. */
    exchange_party_restart(&w.merger);
    veld_id last = exchange_found(anna, &person);
    exchange_until_quiet(anna);
    assert_in_range(exchanges_until_there(&last), 1, 2);
}

/* What was parked of a case comes back with its key: held back until the rest was parked. */
static void what_was_parked_comes_back_with_its_key(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    smuggle_junk(NULL, VELD_SYNC_PENDING_MAX);
    exchange_until_quiet(&w.merger);
    veld_id case_id = exchange_found(anna, &person);
    exchange_until_quiet(anna);
    /* The envelope alone, and its grant a while later. */
    assert_true(w.journal.count >= 2);
    test_journal_entry *entries = w.journal.entries;
    size_t grant = w.journal.count;
    for (size_t i = 0; i < w.journal.count; i++) {
        if (entries[i].item.kind == VELD_FRAME_GRANT &&
            veld_id_equal(&entries[i].item.case_id, &case_id))
            grant = i;
    }
    assert_true(grant < w.journal.count);
    uint32_t len = entries[grant].item.len;
    entries[grant].item.len = 0; /* the relay keeps it back */
    exchange_until_quiet(&w.merger);
    assert_int_equal(w.merger.events[VELD_SYNC_PARKED], 1);
    assert_false(office_has(&case_id));
    exchange_party_restart(&w.merger);
    entries[grant].item.len = len;
    exchange_smuggle(
        &w, VELD_FRAME_GRANT, &case_id, &w.agency.id, veld_buf_span(&entries[grant].bytes));
    for (int i = 0; i < 3; i++)
        assert_ok(exchange_once(&w.merger, &exchange_no_fault, &result, NULL));
    assert_true(office_has(&case_id));
    veld_case *opened;
    assert_ok(veld_case_open(&w.merger.t.desk, &case_id, &opened, NULL));
    assert_int_equal(veld_graph_count(veld_case_graph(opened)), 1);
    veld_case_close(opened);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_revoked_tablet_hands_in_little_in_a_day, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_active_tablet_has_an_end_too_and_others_have_their_own, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            two_certificates_in_turn_hand_in_no_more_than_each, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_the_disk_did_not_take_is_not_counted, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_over_stays_on_the_tablet_and_goes_later, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            honest_work_passes_more_junk_than_can_wait, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_was_parked_comes_back_with_its_key, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
