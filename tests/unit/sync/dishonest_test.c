/* A relay that lies in what it does not sign: it costs time, and nothing is forgotten for it and
 * nothing is believed. */
#include "veld_test.h"

#include <string.h>

#include "exchange.h"
#include "exchange_world.h"
#include "veldkit/frame.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/quarantine.h"

enum { REFUSED_MAX = 200, HOUR_MS = 60 * 60 * 1000 };

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 23);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* ---- one exchange over a relay that lies ---- */

typedef struct lie {
    bool refuses; /* whatever is handed in, and keeps none of it */
    veld_status refusal;
    void (*cursor)(const struct lie *lie, exchange_cursor *cursor); /* may be NULL */
    uint64_t seq;
    veld_hash refused[REFUSED_MAX];
    size_t refused_count;
} lie;

/* What the relay does with the frames of one side; false: the frame is left out. */
typedef bool (*frame_rule)(lie *by, veld_frame *frame, veld_buf *body);

static void rewrite(lie *by, veld_span from, frame_rule rule, veld_frame_writer *out)
{
    enum { PIECE = 1 << 16 };
    bool have;
    veld_frame frame;
    veld_buf body;
    veld_frame_reader reader = {0};
    veld_buf_init(&body, VELD_FRAME_BYTES_MAX);
    assert_ok(veld_frame_reader_init(&reader, VELD_FRAME_STREAM, NULL));
    for (size_t at = 0; at < from.len; at += PIECE) {
        size_t len = from.len - at < PIECE ? from.len - at : PIECE;
        assert_ok(veld_frame_reader_add(&reader, veld_span_part(from, at, len), NULL));
        for (have = true; have;) {
            assert_ok(veld_frame_reader_next(&reader, &frame, &have, NULL));
            veld_buf_clear(&body);
            if (have && rule(by, &frame, &body))
                assert_ok(
                    veld_frame_writer_add(out, (veld_frame_type)frame.type, frame.body, NULL));
        }
    }
    veld_frame_reader_release(&reader);
    veld_buf_release(&body);
}

static bool pass_request(lie *by, veld_frame *frame, veld_buf *body)
{
    (void)body;
    if (frame->type == VELD_FRAME_VERSION || frame->type == VELD_FRAME_END)
        return false;
    if (!by->refuses || frame->type == VELD_FRAME_CURSOR || frame->type == VELD_FRAME_WANT)
        return true;
    assert_true(by->refused_count < REFUSED_MAX);
    assert_ok(veld_sha256(frame->body, &by->refused[by->refused_count++], NULL));
    return false;
}

static bool pass_answer(lie *by, veld_frame *frame, veld_buf *body)
{
    exchange_cursor cursor;
    if (frame->type == VELD_FRAME_VERSION || frame->type == VELD_FRAME_END)
        return false;
    if (frame->type == VELD_FRAME_CURSOR && by->cursor != NULL) {
        assert_ok(exchange_read_cursor(frame->body, &cursor, NULL));
        by->cursor(by, &cursor);
        assert_ok(exchange_put_cursor(&cursor, body, NULL));
        frame->body = veld_buf_span(body);
    }
    return true;
}

static void serve(exchange_party *p, veld_span request, veld_buf *answer)
{
    bool parked = false;
    veld_relay_turn *turn = NULL;
    const veld_relay_peer peer = {.device = p->t.card.device,
        .is_merger = p->is_merger,
        .may_fetch = !p->is_revoked,
        .is_revoked = p->is_revoked,
        .quota_bytes = 1u << 30};
    assert_ok(veld_relay_take(w.relay, &peer, request, &turn, NULL));
    assert_ok(veld_relay_answer(w.relay, turn, answer, &parked, NULL));
    if (parked) {
        w.env.now.monotonic_ms = veld_relay_turn_deadline_ms(turn);
        assert_ok(veld_relay_answer(w.relay, turn, answer, &parked, NULL));
    }
    veld_relay_turn_free(turn);
}

static void add_refusals(const lie *by, veld_frame_writer *out)
{
    veld_buf body;
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    for (size_t i = 0; i < by->refused_count; i++) {
        const exchange_refusal refusal = {.id = by->refused[i], .status = by->refusal};
        veld_buf_clear(&body);
        assert_ok(exchange_put_refusal(&refusal, &body, NULL));
        assert_ok(veld_frame_writer_add(out, VELD_FRAME_REFUSAL, veld_buf_span(&body), NULL));
    }
    veld_buf_release(&body);
}

static veld_status lied(exchange_party *p, lie *by, veld_sync_result *result)
{
    veld_buf bytes[4];
    veld_frame_writer request = {0}, answer = {0};
    for (size_t i = 0; i < 4; i++)
        veld_buf_init(&bytes[i], VELD_EXCHANGE_BYTES_MAX);
    by->refused_count = 0;
    assert_ok(veld_sync_begin(p->sync, 0, &bytes[0], NULL));
    assert_ok(veld_frame_writer_begin(&request, VELD_FRAME_STREAM, "x", &bytes[1], NULL));
    rewrite(by, veld_buf_span(&bytes[0]), pass_request, &request);
    assert_ok(veld_frame_writer_end(&request, NULL));
    serve(p, veld_buf_span(&bytes[1]), &bytes[2]);
    assert_ok(veld_frame_writer_begin(&answer, VELD_FRAME_STREAM, "x", &bytes[3], NULL));
    rewrite(by, veld_buf_span(&bytes[2]), pass_answer, &answer);
    add_refusals(by, &answer);
    assert_ok(veld_frame_writer_end(&answer, NULL));
    assert_ok(veld_sync_feed(p->sync, veld_buf_span(&bytes[3]), NULL));
    veld_status status = veld_sync_finish(p->sync, result, NULL);
    for (size_t i = 0; i < 4; i++)
        veld_buf_release(&bytes[i]);
    return status;
}

/* Refuses for days all that the party offers. */
static size_t refuse_long(exchange_party *p, veld_status refusal)
{
    size_t trips = 0;
    lie refusing = {.refuses = true, .refusal = refusal};
    for (unsigned day = 0; day < 3; day++) {
        veld_sync_result result = {.more = true};
        for (unsigned i = 0; result.more; i++, trips++) {
            assert_true(i < 5); /* what is refused is not offered at once again */
            assert_ok(lied(p, &refusing, &result));
        }
        test_env_advance(&p->t.world, 24 * HOUR_MS);
    }
    return trips;
}

static size_t on_relay(veld_frame_type kind)
{
    size_t count = 0;
    for (size_t i = 0; i < w.journal.count; i++)
        count += w.journal.entries[i].item.kind == kind;
    return count;
}

static void revoke(exchange_party *p, bool wipe)
{
    size_t cases;
    veld_directory_entry entry;
    assert_ok(veld_directory_find(w.merger.t.store, &p->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, wipe, &cases, NULL));
}

static veld_id shared_case(veld_id *person)
{
    veld_id case_id = exchange_found(anna, person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    return case_id;
}

static bool must_wipe(exchange_party *p)
{
    bool must;
    assert_ok(veld_sync_must_wipe(p->t.store, &must, NULL));
    return must;
}

/* ---- refusals ---- */

static void a_refusal_makes_the_office_forget_nothing(void **state)
{
    (void)state;
    veld_id person;
    (void)shared_case(&person);
    const size_t entries = on_relay(VELD_FRAME_DIRECTORY);
    revoke(bert, true);
    w.merger.refusal = VELD_OK;
    refuse_long(&w.merger, VELD_E_FORM);
    assert_int_equal(w.merger.refusal, VELD_E_FORM); /* told */
    assert_int_equal(on_relay(VELD_FRAME_DIRECTORY), entries);
    exchange_party_restart(&w.merger);
    exchange_until_quiet(&w.merger); /* another relay took its place */
    assert_int_equal(on_relay(VELD_FRAME_DIRECTORY), entries + 1);
    assert_true(on_relay(VELD_FRAME_ORDER) > 0);
    bert->is_revoked = true;
    exchange_all_quiet(&w);
    assert_true(must_wipe(bert));
}

static void what_is_refused_is_offered_again_by_the_same_process(void **state)
{
    (void)state;
    veld_id person;
    const veld_id case_id = shared_case(&person);
    const size_t entries = on_relay(VELD_FRAME_DIRECTORY);
    revoke(bert, false);
    exchange_save(anna, &case_id, &person, "\"Mina refused\"");
    refuse_long(&w.merger, VELD_E_NOT_ALLOWED);
    refuse_long(anna, VELD_E_FORM);
    assert_int_equal(exchange_unsent(anna), 1);
    exchange_all_quiet(&w);
    assert_int_equal(on_relay(VELD_FRAME_DIRECTORY), entries + 1);
    assert_int_equal(exchange_unsent(anna), 0);
}

/* The others go on meanwhile, and what was refused is not offered with each of them. */
static void a_refused_item_holds_nothing_up(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    const veld_id case_id = shared_case(&person);
    lie refusing = {.refuses = true, .refusal = VELD_E_FORM};
    exchange_save(anna, &case_id, &person, "\"Mina refused\"");
    assert_ok(lied(anna, &refusing, &result));
    assert_int_equal(refusing.refused_count, 1);
    assert_int_equal(result.refused, 1);
    exchange_save(anna, &case_id, &person, "\"Mina goes\"");
    assert_ok(exchange_once(anna, &exchange_no_fault, &result, NULL));
    assert_int_equal(result.sent, 1);
    assert_int_equal(result.refused, 0);
    test_env_advance(&anna->t.world, HOUR_MS);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(anna), 0);
}

static void a_refused_confirmation_is_no_receipt(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    (void)shared_case(&person);
    revoke(bert, true);
    exchange_until_quiet(&w.merger);
    bert->is_revoked = true;
    lie refusing = {.refuses = true, .refusal = VELD_E_FORM};
    for (unsigned i = 0; i < 6; i++)
        assert_ok(lied(bert, &refusing, &result));
    const size_t confirmed = on_relay(VELD_FRAME_CONFIRMATION);
    assert_false(must_wipe(bert));
    test_env_advance(&bert->t.world, 24 * HOUR_MS);
    exchange_all_quiet(&w);
    assert_true(on_relay(VELD_FRAME_CONFIRMATION) > confirmed);
    assert_true(must_wipe(bert));
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_refusal_makes_the_office_forget_nothing),
        WITH_WORLD(what_is_refused_is_offered_again_by_the_same_process),
        WITH_WORLD(a_refused_item_holds_nothing_up),
        WITH_WORLD(a_refused_confirmation_is_no_receipt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
