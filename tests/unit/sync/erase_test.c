/* Erasing a case: wherever it is cut, the case is whole or it is gone; the relay's log goes on;
 * what comes late is not taken. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/erase.h"
#include "veldkit/quarantine.h"

static exchange_world w;
static const char stub_text[] = "a stub";

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 1);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

static bool has_case(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys = NULL;
    veld_status status = veld_store_case_open(p->t.store, case_id, &keys, NULL);
    veld_store_case_close(keys);
    assert_true(status == VELD_OK || status == VELD_E_NOT_FOUND);
    return status == VELD_OK;
}

static bool has_stub(const veld_id *case_id)
{
    veld_buf stub;
    veld_buf_init(&stub, 4096);
    veld_status status = veld_erased_get(w.merger.t.store, case_id, &stub, NULL);
    veld_buf_release(&stub);
    return status == VELD_OK;
}

static veld_status erase(const veld_id *case_id)
{
    return veld_sync_erase(w.merger.sync, case_id, veld_span_text(stub_text), NULL);
}

static size_t remembered(const veld_id *case_id)
{
    size_t count = 0;
    for (size_t i = 0; i < w.journal.count; i++) {
        const veld_journal_item *item = &w.journal.entries[i].item;
        count += veld_id_equal(&item->case_id, case_id) && item->len > 0 &&
                 (item->kind == VELD_FRAME_ENVELOPE || item->kind == VELD_FRAME_GRANT ||
                     item->kind == VELD_FRAME_CHECKPOINT || item->kind == VELD_FRAME_HEAD);
    }
    return count;
}

typedef struct aside {
    veld_id case_id;
    size_t count, bytes;
    veld_hash last;
} aside;

static veld_status count_aside(void *context, const veld_quarantined *one, veld_error *err)
{
    aside *a = context;
    (void)err;
    if (veld_id_equal(&one->case_id, &a->case_id)) {
        assert_int_equal(one->reason, VELD_QUARANTINE_ERASED);
        a->count++;
        a->bytes += one->body.len;
        a->last = one->change;
    }
    return VELD_OK;
}

static aside look_aside(const veld_id *case_id)
{
    aside a = {.case_id = *case_id};
    assert_ok(veld_quarantine_each(w.merger.t.store, &a, count_aside, NULL));
    return a;
}

static size_t aside_of(const veld_id *case_id)
{
    return look_aside(case_id).count;
}

static void a_case_goes_everywhere_and_the_log_goes_on(void **state)
{
    (void)state;
    veld_id person, other_person;
    uint64_t late;
    exchange_party *anna = &w.tablets[0];
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    veld_id other = exchange_found(anna, &other_person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_assign(&w, &other, bert);
    exchange_all_quiet(&w);
    assert_true(has_case(bert, &case_id));
    exchange_save(bert, &case_id, &person, "\"Late\""); /* unsent when the case is erased */
    assert_ok(erase(&case_id));
    assert_int_equal(erase(&case_id), VELD_E_EXISTS);
    assert_false(has_case(&w.merger, &case_id));
    exchange_until_quiet(&w.merger);
    exchange_all_quiet(&w);
    assert_false(has_case(anna, &case_id));
    assert_false(has_case(bert, &case_id));
    assert_false(has_case(&w.merger, &case_id));
    assert_ok(veld_erased_late(w.merger.t.store, &case_id, &late, NULL));
    assert_int_equal(late, 1);
    assert_int_equal(aside_of(&case_id), 1);
    exchange_save(bert, &other, &other_person, "\"goes on\"");
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &other);
    veld_hash theirs = exchange_state(&w.merger, &other);
    assert_true(veld_hash_equal(&mine, &theirs));
    assert_int_equal(anna->events[VELD_SYNC_LOG_BROKEN], 0);
    exchange_party_restart(&w.merger);
    assert_false(has_case(&w.merger, &case_id));
}

static void the_relay_keeps_ids_and_no_bytes(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    assert_true(remembered(&case_id) > 0);
    assert_ok(erase(&case_id));
    exchange_until_quiet(&w.merger);
    assert_int_equal(remembered(&case_id), 0);
}

/* The bytes of an item of the case in the relay's journal; the first of that type. */
static veld_buf carried(const veld_id *case_id, veld_frame_type type)
{
    veld_buf out;
    veld_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < w.journal.count && out.len == 0; i++) {
        const veld_journal_item *item = &w.journal.entries[i].item;
        if (item->kind == type && veld_id_equal(&item->case_id, case_id))
            assert_ok(veld_buf_append_span(&out, veld_buf_span(&w.journal.entries[i].bytes)));
    }
    assert_true(out.len > 0);
    return out;
}

/* The whole state lies in a checkpoint, and its key in the grant of the tablet that founded it. */
static void a_relay_made_anew_gets_nothing_of_it(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    w.checkpoint_min = 2;
    exchange_party_restart(&w.merger);
    veld_id case_id = exchange_found(anna, &person);
    for (size_t i = 0; i < 4; i++)
        exchange_save(anna, &case_id, &person, i % 2 == 0 ? "\"Mina\"" : "\"Mies\"");
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, &w.tablets[1]);
    exchange_all_quiet(&w);
    veld_buf checkpoint = carried(&case_id, VELD_FRAME_CHECKPOINT);
    veld_buf grant = carried(&case_id, VELD_FRAME_GRANT);
    assert_ok(erase(&case_id));
    exchange_all_quiet(&w);
    assert_int_equal(remembered(&case_id), 0);
    test_journal_cut(&w.journal, 0);
    exchange_until_quiet(anna);
    assert_int_equal(remembered(&case_id), 0);
    exchange_all_quiet(&w);
    assert_int_equal(remembered(&case_id), 0);
    /* An older copy of it has them still: the office has it forget them again. */
    const veld_id *office = veld_store_device(w.merger.t.store);
    exchange_smuggle(&w, VELD_FRAME_CHECKPOINT, &case_id, office, veld_buf_span(&checkpoint));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, office, veld_buf_span(&grant));
    exchange_all_quiet(&w);
    assert_int_equal(remembered(&case_id), 0);
    veld_buf_release(&checkpoint);
    veld_buf_release(&grant);
}

static void a_cut_leaves_the_case_whole_or_erased(void **state)
{
    (void)state;
    exchange_party *anna = &w.tablets[0];
    size_t whole = 0, gone = 0;
    for (uint64_t nth = 1; gone < 3; nth++) {
        veld_id person;
        veld_id case_id = exchange_found(anna, &person);
        assert_true(nth < 60);
        exchange_all_quiet(&w);
        w.merger.t.world.random_fails_at = nth;
        veld_status status = erase(&case_id);
        w.merger.t.world.random_fails_at = 0;
        bool was_begun = has_stub(&case_id);
        exchange_party_restart(&w.merger); /* as after a kill */
        assert_int_equal(has_case(&w.merger, &case_id), !was_begun);
        assert_true(was_begun || status != VELD_OK);
        gone += was_begun;
        whole += !was_begun;
        exchange_all_quiet(&w);
        assert_int_equal(has_case(anna, &case_id), !was_begun);
    }
    assert_true(whole > 3);
}

static void what_a_relay_brings_again_is_not_late_and_gives_no_key(void **state)
{
    (void)state;
    veld_id person;
    uint64_t late;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    const veld_id *office = veld_store_device(w.merger.t.store);
    exchange_all_quiet(&w);
    veld_buf envelope = carried(&case_id, VELD_FRAME_ENVELOPE);
    veld_buf grant = carried(&case_id, VELD_FRAME_GRANT);
    assert_ok(erase(&case_id));
    exchange_all_quiet(&w);
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, office, veld_buf_span(&grant));
    exchange_smuggle(&w, VELD_FRAME_ENVELOPE, &case_id, office, veld_buf_span(&envelope));
    exchange_all_quiet(&w);
    assert_false(has_case(&w.merger, &case_id));
    assert_int_equal(aside_of(&case_id), 0);
    assert_ok(veld_erased_late(w.merger.t.store, &case_id, &late, NULL));
    assert_int_equal(late, 0);
    veld_buf_release(&envelope);
    veld_buf_release(&grant);
}

static void late_work_is_never_admitted_and_refusing_destroys_it(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Late\"");
    assert_ok(erase(&case_id));
    exchange_all_quiet(&w);
    aside kept = look_aside(&case_id);
    assert_int_equal(kept.count, 1);
    assert_true(kept.bytes > 0);
    const veld_span why = veld_span_text("looked at");
    assert_int_equal(
        veld_sync_decide(w.merger.sync, &kept.last, true, why, NULL), VELD_E_NOT_ALLOWED);
    assert_ok(veld_sync_decide(w.merger.sync, &kept.last, false, why, NULL));
    kept = look_aside(&case_id);
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.bytes, 0);
    assert_int_equal(remembered(&case_id), 0); /* the relay was told again */
    exchange_all_quiet(&w);
    assert_false(has_case(&w.merger, &case_id));
}

static void what_was_set_aside_before_goes_with_the_case(void **state)
{
    (void)state;
    veld_id person;
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    veld_buf envelope = carried(&case_id, VELD_FRAME_ENVELOPE);
    assert_ok(veld_quarantine_put_late(w.merger.t.store, veld_buf_span(&envelope), 1, NULL));
    assert_int_equal(aside_of(&case_id), 1);
    assert_ok(erase(&case_id));
    assert_int_equal(aside_of(&case_id), 0);
    veld_buf_release(&envelope);
}

static void a_device_keeps_the_order_as_its_proof(void **state)
{
    (void)state;
    veld_id person;
    veld_order order;
    const veld_verifier verifier = veld_verifier_p256();
    exchange_party *anna = &w.tablets[0];
    veld_id case_id = exchange_found(anna, &person), other = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    assert_ok(erase(&case_id));
    exchange_all_quiet(&w);
    veld_store *store = anna->t.store;
    const veld_p256_public *key = &w.agency.merger_key;
    assert_ok(veld_erased_order(store, &case_id, &verifier, key, &order, NULL));
    assert_true(veld_id_equal(&order.case_id, &case_id));
    assert_int_equal(
        veld_erased_order(store, &other, &verifier, key, &order, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(
        veld_erased_order(store, &case_id, &verifier, &anna->t.card.sign_key, &order, NULL),
        VELD_E_FORGED);
}

static void each_bit_of_the_word_to_the_relay_counts(void **state)
{
    (void)state;
    const veld_verifier verifier = veld_verifier_p256();
    const veld_desk *desk = &w.merger.t.desk;
    const veld_p256_public *key = &w.agency.merger_key;
    veld_id case_id, read;
    veld_buf bytes;
    veld_buf_init(&bytes, 1024);
    assert_ok(veld_id_new(desk->env, &case_id, NULL));
    assert_ok(veld_forget_make(&case_id, 7, &desk->signer, &bytes, NULL));
    assert_ok(veld_forget_read(veld_buf_span(&bytes), &verifier, key, &read, NULL));
    assert_true(veld_id_equal(&case_id, &read));
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(
            veld_forget_read(veld_buf_span(&bytes), &verifier, key, &read, NULL), VELD_OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    veld_buf_release(&bytes);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_case_goes_everywhere_and_the_log_goes_on),
        IN_WORLD(the_relay_keeps_ids_and_no_bytes),
        IN_WORLD(a_relay_made_anew_gets_nothing_of_it),
        IN_WORLD(a_cut_leaves_the_case_whole_or_erased),
        IN_WORLD(what_a_relay_brings_again_is_not_late_and_gives_no_key),
        IN_WORLD(late_work_is_never_admitted_and_refusing_destroys_it),
        IN_WORLD(what_was_set_aside_before_goes_with_the_case),
        IN_WORLD(a_device_keeps_the_order_as_its_proof),
        IN_WORLD(each_bit_of_the_word_to_the_relay_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
