/* A tablet that is revoked: what it hands in late waits for a person, and is never lost. Leases
 * that are renewed by contact. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/assignment.h"
#include "veldkit/lease.h"
#include "veldkit/limits.h"
#include "veldkit/quarantine.h"

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static exchange_party *const carla = &w.tablets[2];

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 4, 11);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

typedef struct waiting {
    veld_quarantined last;
    size_t count;
    const exchange_party *of; /* NULL: of anybody */
} waiting;

static veld_status count_one(void *context, const veld_quarantined *one, veld_error *err)
{
    (void)err;
    waiting *by = context;
    if (one->verdict != VELD_QUARANTINE_WAITING ||
        (by->of != NULL && !veld_id_equal(&one->device, &by->of->t.card.device)))
        return VELD_OK;
    by->last = *one;
    by->count++;
    return VELD_OK;
}

static waiting look_for(const exchange_party *of)
{
    waiting by = {.of = of};
    assert_ok(veld_quarantine_each(w.merger.t.store, &by, count_one, NULL));
    return by;
}

static waiting look(void)
{
    return look_for(NULL);
}

static bool is_same_state(const veld_id *case_id, exchange_party *one, exchange_party *other)
{
    veld_hash mine = exchange_state(one, case_id);
    veld_hash theirs = exchange_state(other, case_id);
    return veld_hash_equal(&mine, &theirs);
}

static size_t changes_of(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

static uint64_t rows_of(exchange_party *p, const veld_id *case_id)
{
    uint64_t rows;
    assert_ok(veld_store_count_changes(p->t.store, case_id, &rows, NULL));
    return rows;
}

static void a_lease_is_renewed_when_half_of_it_is_over(void **state)
{
    (void)state;
    size_t renewed;
    veld_id person;
    veld_lease lease;
    veld_directory_entry entry;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    assert_ok(veld_directory_find(w.merger.t.store, &bert->t.card.device, &entry, NULL));
    assert_ok(
        veld_sync_post_grant(w.merger.sync, &case_id, &entry, VELD_GRANT_ASSIGNED, 3600000, NULL));
    exchange_all_quiet(&w);
    assert_ok(veld_lease_get(bert->t.store, &case_id, &lease, NULL));
    int64_t first = lease.end_utc_ms;
    assert_true(first > 0);
    assert_ok(veld_sync_renew(w.merger.sync, &entry.device, &renewed, NULL));
    assert_int_equal(renewed, 0); /* nothing is sent that is not needed */
    test_env_advance(&w.merger.t.world, 2000000);
    assert_ok(veld_sync_renew(w.merger.sync, &entry.device, &renewed, NULL));
    assert_int_equal(renewed, 1);
    exchange_all_quiet(&w);
    assert_ok(veld_lease_get(bert->t.store, &case_id, &lease, NULL));
    assert_true(lease.end_utc_ms >= first + 2000000);
}

static void late_work_of_a_revoked_tablet_waits_for_a_person(void **state)
{
    (void)state;
    veld_id person;
    size_t cases, before = look().count;
    veld_directory_entry entry;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    exchange_save(bert, &case_id, &person, "\"Mina late\"");
    assert_ok(veld_directory_find(w.merger.t.store, &bert->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    assert_true(cases > 0);
    exchange_until_quiet(&w.merger);
    bert->is_revoked = true;
    size_t on_relay = w.journal.count;
    exchange_until_quiet(bert); /* hands in */
    assert_int_equal(rows_of(bert, &case_id), 2);
    test_journal_cut(&w.journal, on_relay); /* what only the relay had is not lost with it */
    exchange_until_quiet(bert);
    exchange_until_quiet(anna);
    exchange_until_quiet(&w.merger); /* the office has it, and says so */
    assert_int_equal(rows_of(bert, &case_id), 2);
    exchange_until_quiet(bert); /* destroys */
    assert_int_equal(rows_of(bert, &case_id), 0);
    exchange_until_quiet(anna);
    assert_int_equal(look().count, before + 1);
    waiting late = look();
    assert_int_equal(changes_of(&w.merger, &case_id), 1);
    assert_int_equal(changes_of(anna, &case_id), 1); /* the relay gave it to nobody else */
    /* found again: a person admits it, and all who have the case have it */
    veld_hash change = {{0}};
    if (late.last.reason == VELD_QUARANTINE_REVOKED)
        change = late.last.change;
    assert_false(veld_hash_is_zero(&change));
    assert_ok(veld_sync_decide(w.merger.sync, &change, true, veld_span_text("nagebeld"), NULL));
    exchange_all_quiet(&w);
    assert_int_equal(look().count, before);
    assert_int_equal(changes_of(anna, &case_id), 2);
    assert_true(is_same_state(&case_id, anna, &w.merger));
    assert_ok(veld_sync_decide(w.merger.sync, &change, true, veld_span_text("nagebeld"), NULL));
    assert_int_equal(
        veld_sync_decide(w.merger.sync, &change, false, veld_span_text("toch niet"), NULL),
        VELD_E_STALE);
}

/* What lay with the relay before the revocation did counts, whenever the office comes to fetch it:
 * other tablets may have it already. */
static void what_the_relay_had_before_the_revocation_is_in_time(void **state)
{
    (void)state;
    veld_id person;
    size_t cases, before = look().count;
    veld_directory_entry entry;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, carla);
    exchange_all_quiet(&w);
    exchange_save(carla, &case_id, &person, "\"Mina in time\"");
    exchange_until_quiet(carla);
    exchange_until_quiet(anna);
    assert_int_equal(changes_of(anna, &case_id), 2);
    assert_ok(veld_directory_find(w.merger.t.store, &carla->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    exchange_save(carla, &case_id, &person, "\"Mina late\"");
    exchange_until_quiet(&w.merger);
    carla->is_revoked = true;
    exchange_all_quiet(&w);
    assert_int_equal(look().count, before + 1);
    assert_int_equal(changes_of(&w.merger, &case_id), 2);
    assert_true(is_same_state(&case_id, anna, &w.merger));
}

/* A relay that shows late work to tablets: they know of the revocation, and wait for the office. */
static void a_tablet_judges_late_work_itself(void **state)
{
    (void)state;
    veld_id person;
    size_t cases;
    veld_directory_entry entry;
    exchange_party *dora = &w.tablets[3];
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, dora);
    exchange_all_quiet(&w);
    assert_ok(veld_directory_find(w.merger.t.store, &dora->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    exchange_save(dora, &case_id, &person, "\"Mina one\"");
    exchange_save(dora, &case_id, &person, "\"Mina two\"");
    exchange_until_quiet(dora); /* the relay takes her for one of the agency's */
    exchange_until_quiet(anna);
    assert_int_equal(changes_of(anna, &case_id), 1);
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(anna, &case_id), 1);
    waiting late = look_for(dora);
    assert_int_equal(late.count, 2);
    /* one is admitted, perhaps without the one before it: that one and no other is joined */
    veld_hash change = late.last.change;
    assert_ok(veld_sync_decide(w.merger.sync, &change, true, veld_span_text("nagebeld"), NULL));
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(&w.merger, &case_id), 2);
    assert_int_equal(changes_of(anna, &case_id), 2);
    assert_true(is_same_state(&case_id, anna, &w.merger));
    late = look_for(dora);
    change = late.last.change;
    assert_ok(veld_sync_decide(w.merger.sync, &change, true, veld_span_text("nagebeld"), NULL));
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(anna, &case_id), 3);
    assert_true(is_same_state(&case_id, anna, &w.merger));
}

static int another_world(void **state)
{
    (void)close_world(state);
    return open_world(state);
}

/* A relay shows a change to one tablet only, and the office hears of it when its author is revoked:
 * the tablet marks it as soon as it hears that too, until a person admits it. */
static void what_was_joined_before_the_revocation_was_heard_is_marked(void **state)
{
    (void)state;
    veld_id person;
    size_t cases;
    veld_directory_entry entry;
    veld_id case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, bert);
    exchange_all_quiet(&w);
    size_t before = w.journal.count;
    exchange_save(bert, &case_id, &person, "\"Mina for one\"");
    exchange_until_quiet(bert);
    exchange_until_quiet(anna);
    assert_int_equal(changes_of(anna, &case_id), 2);
    assert_int_equal(exchange_doubtful(anna, &case_id), 0);
    test_journal_cut(&w.journal, before);
    assert_ok(veld_directory_find(w.merger.t.store, &bert->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    exchange_until_quiet(&w.merger);
    bert->is_revoked = true;
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(&w.merger, &case_id), 1);
    assert_int_equal(exchange_doubtful(anna, &case_id), 1);
    waiting late = look_for(bert);
    assert_int_equal(late.count, 1);
    assert_ok(
        veld_sync_decide(w.merger.sync, &late.last.change, true, veld_span_text("nagebeld"), NULL));
    exchange_all_quiet(&w);
    assert_int_equal(exchange_doubtful(anna, &case_id), 0);
    assert_true(is_same_state(&case_id, anna, &w.merger));
}

/* Only the agency's word lets a tablet destroy what is its own, and only a word to that tablet. */
static void a_word_of_others_settles_nothing(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_handover step;
    const veld_hash change = {{0x77}};
    veld_aside aside = {.device = anna->t.card.device, .change = change, .utc_ms = 5};
    veld_signer relay = veld_signer_p256(&w.relay_key);
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_aside_make(&aside, &relay, &bytes, NULL));
    anna->refusal = VELD_OK;
    exchange_smuggle(
        &w, VELD_FRAME_ASIDE, &(veld_id){{0}}, &anna->t.card.device, veld_buf_span(&bytes));
    exchange_until_quiet(anna);
    assert_int_equal(anna->refusal, VELD_E_FORGED);
    veld_buf_clear(&bytes);
    aside.device = bert->t.card.device;
    assert_ok(veld_aside_make(&aside, &w.merger.t.desk.signer, &bytes, NULL));
    exchange_smuggle(
        &w, VELD_FRAME_ASIDE, &(veld_id){{0}}, &anna->t.card.device, veld_buf_span(&bytes));
    exchange_until_quiet(anna);
    assert_int_equal(anna->refusal, VELD_E_NOT_ALLOWED);
    assert_ok(veld_handover_get(anna->t.store, &change, &step, NULL));
    assert_int_equal(step.aside_utc_ms, 0);
    veld_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lease_is_renewed_when_half_of_it_is_over),
        cmocka_unit_test(late_work_of_a_revoked_tablet_waits_for_a_person),
        cmocka_unit_test(what_the_relay_had_before_the_revocation_is_in_time),
        cmocka_unit_test(a_tablet_judges_late_work_itself),
        cmocka_unit_test(a_word_of_others_settles_nothing),
        cmocka_unit_test_setup(
            what_was_joined_before_the_revocation_was_heard_is_marked, another_world),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
