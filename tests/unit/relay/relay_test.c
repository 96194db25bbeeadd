/* The relay against peers that are newer, hostile or over their quota: by hand-made requests. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/cbor.h"
#include "veldkit/erase.h"
#include "veldkit/frame.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"

static exchange_world w;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 5);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* A request with a first cursor and one more frame. */
static veld_buf request_with(uint64_t type, veld_span body)
{
    veld_buf request, cursor;
    veld_frame_writer writer;
    const veld_hash none = {{0}};
    veld_buf_init(&request, 1 << 20);
    veld_buf_init(&cursor, 256);
    veld_cbor_writer c = veld_cbor_write(&cursor);
    veld_cbor_put_array(&c, 9); /* one more than this version knows */
    veld_cbor_put_bytes(&c, veld_span_of(none.bytes, 16));
    for (unsigned i = 0; i < 3; i++)
        veld_cbor_put_uint(&c, 0);
    veld_cbor_put_bytes(&c, veld_hash_span(&none));
    for (unsigned i = 0; i < 4; i++)
        veld_cbor_put_uint(&c, 0);
    assert_ok(veld_cbor_writer_finish(&c, NULL));
    assert_ok(veld_frame_writer_begin(&writer, VELD_FRAME_STREAM, "newer 9", &request, NULL));
    assert_ok(veld_frame_writer_add(&writer, VELD_FRAME_CURSOR, veld_buf_span(&cursor), NULL));
    assert_ok(veld_frame_writer_add(&writer, (veld_frame_type)type, body, NULL));
    assert_ok(veld_frame_writer_end(&writer, NULL));
    veld_buf_release(&cursor);
    return request;
}

static veld_relay_counts counts_of(const veld_buf *request, bool is_merger, uint64_t quota)
{
    veld_relay_turn *turn;
    const veld_relay_peer peer = {
        .device = w.tablets[0].t.card.device,
        .is_merger = is_merger,
        .may_fetch = true,
        .quota_bytes = quota,
    };
    assert_ok(veld_relay_take(w.relay, &peer, veld_buf_span(request), &turn, NULL));
    veld_relay_counts counts = veld_relay_turn_counts(turn);
    veld_relay_turn_free(turn);
    return counts;
}

static void unknown_frames_are_skipped(void **state)
{
    (void)state;
    veld_buf request = request_with(4711, veld_span_text("what is this"));
    veld_relay_counts counts = counts_of(&request, false, 1 << 20);
    assert_int_equal(counts.items + counts.refused, 0);
    veld_buf_release(&request);
}

static void a_newer_major_is_refused_by_name(void **state)
{
    (void)state;
    veld_error err;
    veld_relay_turn *turn;
    veld_buf request = request_with(4711, veld_span_text(""));
    const veld_relay_peer peer = {.device = {{1}}, .may_fetch = true};
    /* version frame: [0, h'83 major minor program']; the major is the fourth byte */
    assert_int_equal(request.data[3], 0x83);
    request.data[4] = 7;
    assert_int_equal(
        veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn, &err), VELD_E_NEWER);
    assert_non_null(strstr(err.text, "7."));
    assert_non_null(strstr(err.text, "0."));
    assert_null(turn);
    veld_buf_release(&request);
}

static void what_is_not_allowed_is_refused_alone(void **state)
{
    (void)state;
    size_t stored = w.journal.count;
    veld_buf request = request_with(VELD_FRAME_DIRECTORY, veld_span_text("entry"));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1);
    assert_int_equal(counts_of(&request, true, 4).refused, 1); /* over its quota */
    assert_int_equal(w.journal.count, stored);
    assert_int_equal(counts_of(&request, true, 5).stored, 1);
    assert_int_equal(counts_of(&request, true, 5).stored, 0); /* known */
    veld_buf_release(&request);
    request = request_with(VELD_FRAME_ENVELOPE, veld_span_text("VKE1 and nothing"));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1);
    veld_buf_release(&request);
    stored = w.journal.count;
    request = request_with(VELD_FRAME_DIRECTORY, veld_span_text("")); /* nothing is no entry */
    assert_int_equal(counts_of(&request, true, 1 << 20).refused, 1);
    assert_int_equal(w.journal.count, stored);
    veld_buf_release(&request);
}

/* What a request of a device that may hand in only brings of frames of a type. */
static size_t told(size_t tablet, veld_frame_type type)
{
    bool parked, have = true;
    size_t count = 0;
    veld_frame frame;
    veld_relay_turn *turn;
    veld_buf answer;
    veld_frame_reader reader = {0};
    veld_buf request = request_with(4711, veld_span_text(""));
    const veld_relay_peer peer = {.device = w.tablets[tablet].t.card.device};
    veld_buf_init(&answer, 1 << 20);
    assert_ok(veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn, NULL));
    test_env_advance(&w.env, 1);
    assert_ok(veld_relay_answer(w.relay, turn, &answer, &parked, NULL));
    assert_false(parked);
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    assert_ok(veld_frame_reader_add(&reader, veld_buf_span(&answer), NULL));
    while (have) {
        assert_ok(veld_frame_reader_next(&reader, &frame, &have, NULL));
        count += have && frame.type == type;
    }
    veld_frame_reader_release(&reader);
    veld_relay_turn_free(turn);
    veld_buf_release(&request);
    veld_buf_release(&answer);
    return count;
}

static void an_order_reaches_only_its_device(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_order order = {.device = w.tablets[1].t.card.device,
        .serial = 1,
        .kind = VELD_ORDER_WIPE,
        .reason = VELD_ORDER_LOST};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_order_make(&order, &w.tablets[0].t.desk.signer, &bytes, NULL));
    veld_buf request = request_with(VELD_FRAME_ORDER, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, true, 1 << 20).refused, 1); /* not the merger's */
    veld_buf_release(&request);
    veld_buf_clear(&bytes);
    assert_ok(veld_order_make(&order, &w.merger.t.desk.signer, &bytes, NULL));
    request = request_with(VELD_FRAME_ORDER, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1); /* by anybody */
    assert_int_equal(counts_of(&request, true, 1 << 20).stored, 1);
    assert_int_equal(told(0, VELD_FRAME_ORDER), 0);
    assert_int_equal(told(1, VELD_FRAME_ORDER), 1);
    veld_buf_release(&request);
    veld_buf_release(&bytes);
}

static void only_the_merger_makes_it_forget(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_id case_id = {{9}};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_forget_make(&case_id, 7, &w.tablets[0].t.desk.signer, &bytes, NULL));
    veld_buf request = request_with(VELD_FRAME_FORGET, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, true, 1 << 20).refused, 1); /* not the merger's */
    veld_buf_release(&request);
    veld_buf_clear(&bytes);
    assert_ok(veld_forget_make(&case_id, 7, &w.merger.t.desk.signer, &bytes, NULL));
    request = request_with(VELD_FRAME_FORGET, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1); /* by anybody */
    assert_int_equal(counts_of(&request, true, 1 << 20).stored, 1);
    assert_int_equal(counts_of(&request, true, 1 << 20).stored, 0); /* known */
    veld_buf_release(&request);
    for (size_t len = 0; len < bytes.len; len += 7) { /* cut */
        request = request_with(VELD_FRAME_FORGET, veld_span_of(bytes.data, len));
        assert_int_equal(counts_of(&request, true, 1 << 20).refused, 1);
        veld_buf_release(&request);
    }
    veld_buf_release(&bytes);
}

static void a_confirmation_comes_from_its_device(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_confirmation confirmation = {.device = w.tablets[1].t.card.device, .serial = 1};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_confirmation_make(&confirmation, &w.tablets[1].t.desk.signer, &bytes, NULL));
    veld_buf request = request_with(VELD_FRAME_CONFIRMATION, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1); /* tablet 0 brings it */
    veld_relay_turn *turn;
    const veld_relay_peer peer = {.device = confirmation.device, .quota_bytes = 1 << 20};
    assert_ok(veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn, NULL));
    assert_int_equal(veld_relay_turn_counts(turn).stored, 1);
    veld_relay_turn_free(turn);
    assert_int_equal(told(0, VELD_FRAME_CONFIRMATION), 0);
    veld_buf_release(&request);
    veld_buf_release(&bytes);
}

static void that_a_change_is_kept_is_told_to_its_device(void **state)
{
    (void)state;
    veld_buf bytes;
    const veld_aside aside = {.device = w.tablets[1].t.card.device, .change = {{7}}};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_aside_make(&aside, &w.merger.t.desk.signer, &bytes, NULL));
    veld_buf request = request_with(VELD_FRAME_ASIDE, veld_buf_span(&bytes));
    assert_int_equal(counts_of(&request, false, 1 << 20).refused, 1); /* a tablet brings it */
    assert_int_equal(counts_of(&request, true, 1 << 20).stored, 1);
    assert_int_equal(told(0, VELD_FRAME_ASIDE), 0);
    assert_int_equal(told(1, VELD_FRAME_ASIDE), 1);
    veld_buf_release(&request);
    veld_buf_release(&bytes);
}

static void who_waits_is_answered_when_something_comes(void **state)
{
    (void)state;
    bool parked;
    veld_id person;
    veld_relay_turn *turn;
    veld_buf request, answer;
    veld_sync_result result;
    exchange_party *merger = &w.merger;
    exchange_all_quiet(&w);
    veld_buf_init(&request, 1 << 20);
    veld_buf_init(&answer, 1 << 20);
    const veld_relay_peer peer = {.device = merger->t.card.device,
        .is_merger = true,
        .may_fetch = true,
        .quota_bytes = 1 << 20};
    assert_ok(veld_sync_begin(merger->sync, 20000, &request, NULL));
    assert_ok(veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn, NULL));
    assert_ok(veld_relay_answer(w.relay, turn, &answer, &parked, NULL));
    assert_true(parked);
    uint64_t generation = veld_relay_generation(w.relay);
    (void)exchange_found(&w.tablets[0], &person);
    exchange_until_quiet(&w.tablets[0]);
    assert_true(veld_relay_generation(w.relay) > generation);
    assert_ok(veld_relay_answer(w.relay, turn, &answer, &parked, NULL));
    assert_false(parked);
    assert_ok(veld_sync_feed(merger->sync, veld_buf_span(&answer), NULL));
    assert_ok(veld_sync_finish(merger->sync, &result, NULL));
    assert_int_equal(result.received, 1);
    veld_relay_turn_free(turn);
    veld_buf_release(&request);
    veld_buf_release(&answer);
}

static void an_enrolment_passes_through(void **state)
{
    (void)state;
    veld_hash id;
    veld_buf answer;
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    assert_ok(veld_relay_enrol_offer(w.relay, veld_span_text("request"), &id, NULL));
    assert_int_equal(veld_relay_enrol_answer(w.relay, &id, &answer, NULL), VELD_E_BUSY);
    test_env_advance(&w.env, VELD_ENROL_WAITING_MS + 1);
    assert_int_equal(veld_relay_enrol_answer(w.relay, &id, &answer, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&answer);
}

static void answer_enrolment_with(const veld_hash *id, const char *text)
{
    veld_buf body;
    veld_buf_init(&body, 256);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_bytes(&writer, veld_hash_span(id));
    veld_cbor_put_bytes(&writer, veld_span_text(text));
    assert_ok(veld_cbor_writer_finish(&writer, NULL));
    veld_buf request = request_with(VELD_FRAME_ENROL_ANSWER, veld_buf_span(&body));
    (void)counts_of(&request, true, 1 << 20);
    veld_buf_release(&request);
    veld_buf_release(&body);
}

static void answer_enrolment(const veld_hash *id)
{
    answer_enrolment_with(id, "answer");
}

/* All places taken by what is no request: the office says so of each, and they are free again. */
static void what_is_no_enrolment_keeps_no_place(void **state)
{
    (void)state;
    veld_hash id[VELD_ENROL_WAITING_MAX], late;
    veld_buf answer;
    char name[32];
    for (unsigned i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        (void)snprintf(name, sizeof name, "junk %u", i);
        assert_ok(veld_relay_enrol_offer(w.relay, veld_span_text(name), &id[i], NULL));
    }
    assert_int_equal(
        veld_relay_enrol_offer(w.relay, veld_span_text("a tablet"), &late, NULL), VELD_E_BUSY);
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    for (unsigned i = 0; i < VELD_ENROL_WAITING_MAX; i++) {
        answer_enrolment_with(&id[i], "");
        assert_int_equal(veld_relay_enrol_answer(w.relay, &id[i], &answer, NULL), VELD_E_NOT_FOUND);
    }
    assert_ok(veld_relay_enrol_offer(w.relay, veld_span_text("a tablet"), &late, NULL));
    assert_int_equal(veld_relay_enrol_answer(w.relay, &late, &answer, NULL), VELD_E_BUSY);
    veld_buf_release(&answer);
    test_env_advance(&w.env, VELD_ENROL_WAITING_MS + 1);
}

/* A classroom that is taken in at once: answers are kept as long as there is room. */
static void many_enrolments_at_once_do_not_wait_for_each_other(void **state)
{
    (void)state;
    veld_hash id[3 * VELD_ENROL_WAITING_MAX], late;
    veld_buf answer;
    char name[32];
    for (unsigned i = 0; i < 3 * VELD_ENROL_WAITING_MAX; i++) {
        (void)snprintf(name, sizeof name, "request %u", i);
        assert_ok(veld_relay_enrol_offer(w.relay, veld_span_text(name), &id[i], NULL));
        if (i >= VELD_ENROL_WAITING_MAX / 2)
            answer_enrolment(&id[i]);
        test_env_advance(&w.env, 1);
    }
    veld_buf_init(&answer, VELD_ENROL_ANSWER_BYTES_MAX);
    assert_int_equal(veld_relay_enrol_answer(w.relay, &id[0], &answer, NULL), VELD_E_BUSY);
    assert_ok(veld_relay_enrol_answer(w.relay, &id[3 * VELD_ENROL_WAITING_MAX - 1], &answer, NULL));
    veld_buf_release(&answer);
    /* who waits for the office gives way to nobody */
    for (unsigned i = 0; i < VELD_ENROL_WAITING_MAX / 2; i++) {
        (void)snprintf(name, sizeof name, "another %u", i);
        assert_ok(veld_relay_enrol_offer(w.relay, veld_span_text(name), &late, NULL));
    }
    assert_int_equal(
        veld_relay_enrol_offer(w.relay, veld_span_text("one more"), &late, NULL), VELD_E_BUSY);
    test_env_advance(&w.env, VELD_ENROL_WAITING_MS + 1);
}

/* A device that waits is told what it may hear when it is answered, not when it asked. */
static void who_waits_is_judged_anew_when_it_is_answered(void **state)
{
    (void)state;
    veld_relay_turn *turn[2];
    veld_buf answer[2];
    bool parked;
    veld_id person;
    exchange_party *const anna = &w.tablets[0], *const bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    veld_relay_peer peer = {
        .device = bert->t.card.device, .may_fetch = true, .quota_bytes = 1 << 20};
    for (size_t i = 0; i < 2; i++) {
        veld_buf request;
        veld_buf_init(&request, 1 << 20);
        veld_buf_init(&answer[i], VELD_EXCHANGE_BYTES_MAX);
        exchange_party_restart(bert);
        assert_ok(veld_sync_begin(bert->sync, 20000, &request, NULL));
        assert_ok(veld_relay_take(w.relay, &peer, veld_buf_span(&request), &turn[i], NULL));
        assert_ok(veld_relay_answer(w.relay, turn[i], &answer[i], &parked, NULL));
        assert_true(parked);
        veld_buf_release(&request);
    }
    exchange_save(anna, &case_id, &person, "\"Mina N.\"");
    exchange_until_quiet(anna);
    peer.may_fetch = false; /* revoked meanwhile */
    veld_relay_turn_judge(turn[1], &peer);
    assert_ok(veld_relay_answer(w.relay, turn[0], &answer[0], &parked, NULL));
    assert_false(parked);
    assert_ok(veld_relay_answer(w.relay, turn[1], &answer[1], &parked, NULL));
    assert_true(parked);
    for (size_t i = 0; i < 2; i++) {
        veld_relay_turn_free(turn[i]);
        veld_buf_release(&answer[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_frames_are_skipped),
        cmocka_unit_test(a_newer_major_is_refused_by_name),
        cmocka_unit_test(what_is_not_allowed_is_refused_alone),
        cmocka_unit_test(an_order_reaches_only_its_device),
        cmocka_unit_test(only_the_merger_makes_it_forget),
        cmocka_unit_test(a_confirmation_comes_from_its_device),
        cmocka_unit_test(that_a_change_is_kept_is_told_to_its_device),
        cmocka_unit_test(who_waits_is_answered_when_something_comes),
        cmocka_unit_test(who_waits_is_judged_anew_when_it_is_answered),
        cmocka_unit_test(an_enrolment_passes_through),
        cmocka_unit_test(what_is_no_enrolment_keeps_no_place),
        cmocka_unit_test(many_enrolments_at_once_do_not_wait_for_each_other),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
