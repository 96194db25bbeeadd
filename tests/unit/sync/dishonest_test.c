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
    bool moves_cursor;
    uint64_t cursor_seq; /* to there */
    bool hides_places, hides_holdings, flips_proofs;
    uint64_t place_of_all; /* lied; 0: as they are */
    uint64_t gives;        /* an item of the journal too, with its proof; 0: none */
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

static void lie_of_place(const lie *by, veld_frame *frame, veld_buf *body)
{
    exchange_place place;
    assert_ok(exchange_read_place(frame->body, &place, NULL));
    if (by->place_of_all != 0)
        place.seq = by->place_of_all;
    if (by->flips_proofs)
        place.proof.hashes[place.proof.count - 1].bytes[31] ^= 1;
    assert_ok(exchange_put_place(&place, body, NULL));
    frame->body = veld_buf_span(body);
}

static bool pass_answer(lie *by, veld_frame *frame, veld_buf *body)
{
    exchange_cursor cursor;
    switch (frame->type) {
    case VELD_FRAME_VERSION:
    case VELD_FRAME_END:
        return false;
    case VELD_FRAME_CURSOR:
        assert_ok(exchange_read_cursor(frame->body, &cursor, NULL));
        if (by->moves_cursor)
            cursor.seq = by->cursor_seq;
        assert_ok(exchange_put_cursor(&cursor, body, NULL));
        frame->body = veld_buf_span(body);
        return true;
    case VELD_FRAME_HOLDINGS:
        return !by->hides_holdings;
    case VELD_FRAME_PLACE:
        lie_of_place(by, frame, body);
        return !by->hides_places;
    default:
        return true;
    }
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

static void add_given(const lie *by, veld_frame_writer *out)
{
    veld_buf body;
    exchange_place place = {.seq = by->gives};
    if (by->gives == 0)
        return;
    const test_journal_entry *entry = &w.journal.entries[by->gives - 1];
    veld_buf_init(&body, EXCHANGE_SMALL_BYTES_MAX);
    place.id = entry->item.id;
    assert_ok(veld_log_prove_entry(
        &w.journal.journal.log, by->gives - 1, w.journal.count, &place.proof, NULL));
    assert_ok(exchange_put_place(&place, &body, NULL));
    assert_ok(veld_frame_writer_add(out, VELD_FRAME_PLACE, veld_buf_span(&body), NULL));
    assert_ok(veld_frame_writer_add(out, entry->item.kind, veld_buf_span(&entry->bytes), NULL));
    veld_buf_release(&body);
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
    add_given(by, &answer);
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
    (void)exchange_share(&w, anna, bert, &person);
    const size_t entries = on_relay(VELD_FRAME_DIRECTORY);
    revoke(bert, true);
    w.merger.refusal = VELD_OK;
    refuse_long(&w.merger, VELD_E_FORM);
    assert_int_equal(w.merger.refusal, VELD_E_FORM); /* told */
    assert_true(veld_sync_refused(w.merger.sync) > 2);
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
    const veld_id case_id = exchange_share(&w, anna, bert, &person);
    const size_t entries = on_relay(VELD_FRAME_DIRECTORY);
    revoke(bert, false);
    exchange_save(anna, &case_id, &person, "\"Mina refused\"");
    refuse_long(&w.merger, VELD_E_NOT_ALLOWED);
    refuse_long(anna, VELD_E_FORM);
    assert_int_equal(exchange_unsent(anna), 1);
    assert_int_equal(veld_sync_refused(anna->sync), 1);
    exchange_all_quiet(&w);
    assert_int_equal(veld_sync_refused(anna->sync) + veld_sync_refused(w.merger.sync), 0);
    assert_int_equal(on_relay(VELD_FRAME_DIRECTORY), entries + 1);
    assert_int_equal(exchange_unsent(anna), 0);
}

/* The others go on meanwhile, and what was refused is not offered with each of them. */
static void a_refused_item_holds_nothing_up(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    const veld_id case_id = exchange_share(&w, anna, bert, &person);
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
    (void)exchange_share(&w, anna, bert, &person);
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

/* ---- places ---- */

static veld_status count_one(void *context, const veld_quarantined *one, veld_error *err)
{
    size_t *count = context;
    (void)one;
    (void)err;
    ++*count;
    return VELD_OK;
}

static size_t set_aside(void)
{
    size_t count = 0;
    assert_ok(veld_quarantine_each(w.merger.t.store, &count, count_one, NULL));
    return count;
}

static size_t changes_of(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

/* Bert is revoked, and the relay has late work of his: at the end of the journal. */
static veld_id late_case(void)
{
    veld_id person;
    const veld_id case_id = exchange_share(&w, anna, bert, &person);
    exchange_save(bert, &case_id, &person, "\"Mina late\"");
    revoke(bert, false);
    exchange_until_quiet(&w.merger);
    bert->is_revoked = true;
    exchange_until_quiet(bert);
    return case_id;
}

static void a_relay_that_goes_back_is_not_believed(void **state)
{
    (void)state;
    veld_sync_result result;
    const veld_id case_id = late_case();
    lie back = {.moves_cursor = true, .cursor_seq = 1};
    assert_int_equal(lied(&w.merger, &back, &result), VELD_E_FORGED);
    assert_int_equal(w.merger.events[VELD_SYNC_LOG_BROKEN], 1);
    lie beyond = {.moves_cursor = true, .cursor_seq = w.journal.count + 1};
    assert_int_equal(lied(&w.merger, &beyond, &result), VELD_E_FORGED);
    exchange_all_quiet(&w);
    assert_int_equal(set_aside(), 1);
    assert_int_equal(changes_of(&w.merger, &case_id), 1);
}

/* The answer that brings the place of the revocation pretends to be from before it: a cursor that
 * stands still, and late work in it whose place is lied about, not proved, or the true one. */
static void a_place_that_is_not_proved_is_late(void **state)
{
    (void)state;
    const lie lies[] = {{.hides_places = true}, {.flips_proofs = true}, {.place_of_all = 1},
        {.moves_cursor = true}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        veld_id person;
        veld_sync_result result;
        lie by = lies[i];
        const veld_id case_id = exchange_share(&w, anna, bert, &person);
        by.cursor_seq = w.journal.count;
        exchange_save(bert, &case_id, &person, "\"Mina late\"");
        revoke(bert, false);
        exchange_until_quiet(bert); /* the relay takes it before it says that it knows */
        if (by.moves_cursor) {      /* and gives it again, as of before */
            exchange_until_quiet(&w.merger);
            by.cursor_seq = w.journal.count;
            exchange_save(bert, &case_id, &person, "\"Mina later\"");
            exchange_until_quiet(bert);
            by.gives = w.journal.count;
        }
        assert_ok(lied(&w.merger, &by, &result));
        assert_int_equal(set_aside(), 1);
        exchange_all_quiet(&w);
        assert_int_equal(set_aside(), 1);
        assert_int_equal(changes_of(&w.merger, &case_id), by.moves_cursor ? 2 : 1);
        (void)close_world(state);
        (void)open_world(state);
    }
}

static void a_revocation_that_is_not_receipted_counts_at_once(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result;
    const veld_id case_id = exchange_share(&w, anna, bert, &person);
    lie refusing = {.refuses = true, .refusal = VELD_E_LIMIT};
    revoke(bert, false);
    assert_ok(lied(&w.merger, &refusing, &result));
    exchange_save(bert, &case_id, &person, "\"Mina late\"");
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assert_int_equal(set_aside(), 1);
    assert_int_equal(changes_of(&w.merger, &case_id), 1);
}

/* In a journal that begins anew late work lies before the place where the revocation was. */
static void no_place_counts_after_the_journal_began_anew(void **state)
{
    (void)state;
    veld_id person;
    veld_sync_result result = {.more = true};
    const veld_id case_id = exchange_share(&w, anna, bert, &person);
    revoke(bert, false);
    exchange_until_quiet(&w.merger);
    test_journal_cut(&w.journal, 0);
    exchange_save(bert, &case_id, &person, "\"Mina late\"");
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    exchange_until_quiet(bert);
    uint64_t late = 0;
    for (uint64_t i = 0; i < w.journal.count; i++)
        if (w.journal.entries[i].item.kind == VELD_FRAME_ENVELOPE &&
            veld_id_equal(&w.journal.entries[i].item.device, &bert->t.card.device))
            late = i + 1;
    assert_true(late > 0 && late < 20);
    lie hiding = {.hides_holdings = true};
    for (unsigned i = 0; result.more; i++) {
        assert_true(i < 20);
        assert_ok(lied(&w.merger, &hiding, &result));
    }
    lie giving = {.gives = late};
    assert_ok(lied(&w.merger, &giving, &result));
    assert_int_equal(set_aside(), 1);
    assert_int_equal(changes_of(&w.merger, &case_id), 1);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_refusal_makes_the_office_forget_nothing),
        WITH_WORLD(what_is_refused_is_offered_again_by_the_same_process),
        WITH_WORLD(a_refused_item_holds_nothing_up),
        WITH_WORLD(a_refused_confirmation_is_no_receipt),
        WITH_WORLD(a_relay_that_goes_back_is_not_believed),
        WITH_WORLD(a_place_that_is_not_proved_is_late),
        WITH_WORLD(a_revocation_that_is_not_receipted_counts_at_once),
        WITH_WORLD(no_place_counts_after_the_journal_began_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
