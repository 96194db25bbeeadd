/* Who may give a case's key, and who may not: each way to lie has its own refusal. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/assignment.h"
#include "veldkit/envelope.h"
#include "veldkit/lease.h"
#include "veldkit/limits.h"

static exchange_world w;
static const uint8_t own_key[32] = {7, 7, 7};

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 3);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    return 0;
}

/* A case of Anna's that Bert has too. */
static veld_id shared_case(veld_id *person)
{
    veld_id case_id = exchange_found(&w.tablets[0], person);
    exchange_all_quiet(&w);
    exchange_assign(&w, &case_id, &w.tablets[1]);
    exchange_all_quiet(&w);
    return case_id;
}

static uint32_t epoch_of(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys;
    assert_ok(veld_store_case_open(p->t.store, case_id, &keys, NULL));
    uint32_t epoch = veld_store_case_epoch(keys);
    veld_store_case_close(keys);
    return epoch;
}

static bool has_case(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys;
    veld_status status = veld_store_case_open(p->t.store, case_id, &keys, NULL);
    if (status == VELD_OK)
        veld_store_case_close(keys);
    return status == VELD_OK;
}

static veld_buf make_grant(const veld_grant_terms *terms, const exchange_party *to,
    const veld_signer *signer, const uint8_t key[32])
{
    veld_buf grant;
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(
        &w.env.env, terms, veld_span_of(key, 32), &to->t.card.seal_key, signer, &grant, NULL));
    return grant;
}

/* What becomes of a grant that the relay gives to `to`. */
static veld_status smuggle_grant(const veld_id *case_id, exchange_party *to, veld_buf *grant)
{
    to->refusal = VELD_OK;
    exchange_smuggle(&w, VELD_FRAME_GRANT, case_id, &to->t.card.device, veld_buf_span(grant));
    exchange_until_quiet(to);
    veld_buf_release(grant);
    return to->refusal;
}

static void an_id_says_who_may_have_founded_it(void **state)
{
    (void)state;
    bool fits;
    veld_id case_id;
    const veld_id *anna = &w.tablets[0].t.card.device, *bert = &w.tablets[1].t.card.device;
    for (int i = 0; i < 100; i++) {
        assert_ok(veld_founder_new_id(&w.env.env, anna, &case_id, NULL));
        assert_int_equal(case_id.bytes[6] >> 4, 8); /* a UUID of version 8 */
        assert_int_equal(case_id.bytes[8] >> 6, 2);
        assert_ok(veld_founder_fits(&case_id, anna, &fits, NULL));
        assert_true(fits);
        assert_ok(veld_founder_fits(&case_id, bert, &fits, NULL));
        assert_false(fits);
        case_id.bytes[i % 16] ^= 1;
        assert_ok(veld_founder_fits(&case_id, anna, &fits, NULL));
        assert_false(fits);
    }
}

/* Bert hears of the id of a case before the office does and hands in a key for it first. */
static void a_first_key_by_another_does_not_keep_the_founders_away(void **state)
{
    (void)state;
    veld_id person;
    veld_sealer *sealer;
    veld_case *opened;
    veld_arena arena;
    veld_change change;
    veld_buf envelope;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    veld_id case_id = exchange_found(anna, &person);
    veld_id bait = exchange_found(bert, &person);
    const veld_grant_terms terms = {
        .case_id = case_id, .epoch = 1, .recipient = w.agency.id, .purpose = VELD_GRANT_AGENCY};
    veld_buf grant = make_grant(&terms, &w.merger, &bert->t.desk.signer, own_key);
    /* the first change of Bert's own case, as if it were of Anna's */
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    veld_buf_init(&envelope, VELD_ENVELOPE_BYTES_MAX);
    assert_ok(veld_case_open(&bert->t.desk, &bait, &opened, NULL));
    size_t count;
    const veld_node *const *heads = veld_graph_heads(veld_case_graph(opened), &count);
    assert_ok(veld_case_change(opened, &heads[0]->id, &arena, &change, NULL));
    change.case_id = case_id;
    assert_ok(veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_span_of(own_key, sizeof own_key),
        veld_span_of(own_key, sizeof own_key), &bert->t.world.env, &sealer, NULL));
    assert_ok(veld_envelope_seal(sealer, 1, VELD_PRIORITY_TEXT, &change, 1, &envelope, NULL));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &w.agency.id, veld_buf_span(&grant));
    exchange_smuggle(
        &w, VELD_FRAME_ENVELOPE, &case_id, &bert->t.card.device, veld_buf_span(&envelope));
    exchange_until_quiet(&w.merger);
    assert_false(has_case(&w.merger, &case_id));
    exchange_all_quiet(&w); /* now Anna hands it in */
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    assert_int_equal(exchange_unsent(anna), 0);
    veld_case_close(opened);
    veld_sealer_free(sealer);
    veld_arena_release(&arena);
    veld_buf_release(&envelope);
    veld_buf_release(&grant);
}

static void a_new_epoch_reaches_who_is_kept(void **state)
{
    (void)state;
    uint32_t epoch;
    veld_id person;
    veld_envelope_header header;
    exchange_party *anna = &w.tablets[0], *bert = &w.tablets[1];
    veld_id case_id = shared_case(&person);
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, &anna->t.card.device, 1, &epoch, NULL));
    assert_int_equal(epoch, 2);
    exchange_all_quiet(&w);
    assert_int_equal(epoch_of(&w.merger, &case_id), 2);
    assert_int_equal(epoch_of(anna, &case_id), 2);
    assert_int_equal(epoch_of(bert, &case_id), 1);
    exchange_save(anna, &case_id, &person, "\"Mina N.\"");
    exchange_until_quiet(anna);
    const test_journal_entry *last = &w.journal.entries[w.journal.count - 1];
    assert_ok(veld_envelope_read_header(veld_buf_span(&last->bytes), &header, NULL));
    assert_int_equal(header.epoch, 2);
    exchange_all_quiet(&w);
    veld_hash mine = exchange_state(anna, &case_id);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
    theirs = exchange_state(bert, &case_id);
    assert_false(veld_hash_equal(&mine, &theirs)); /* he got it and cannot read it */
    exchange_assign(&w, &case_id, bert);           /* until he is given it again */
    exchange_all_quiet(&w);
    theirs = exchange_state(bert, &case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

/* Signs with another key than it names. */
static veld_status sign_wrongly(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    veld_signer real = veld_signer_p256(context);
    return real.sign(real.context, digest, out, err);
}

static void an_epoch_that_is_not_the_agencys_is_refused(void **state)
{
    (void)state;
    veld_id person;
    veld_buf grant;
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = shared_case(&person), other = shared_case(&person);
    veld_signer agency = w.merger.t.desk.signer, relay = veld_signer_p256(&w.relay_key);
    veld_signer pretended = {
        .context = &w.relay_key, .sign = sign_wrongly, .public_key = agency.public_key};
    veld_grant_terms terms = {.case_id = case_id,
        .epoch = 2,
        .recipient = bert->t.card.device,
        .purpose = VELD_GRANT_ASSIGNED,
        .serial = INT64_MAX};
    grant = make_grant(&terms, bert, &relay, own_key);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_E_NOT_ALLOWED);
    grant = make_grant(&terms, bert, &w.tablets[0].t.desk.signer, own_key); /* the founder */
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_E_NOT_ALLOWED);
    grant = make_grant(&terms, bert, &pretended, own_key);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_E_FORGED);
    grant = make_grant(&terms, bert, &agency, own_key); /* moved to another case */
    for (size_t i = 0; i + VELD_ID_BYTES <= grant.len; i++) {
        if (memcmp(grant.data + i, case_id.bytes, VELD_ID_BYTES) == 0)
            memcpy(grant.data + i, other.bytes, VELD_ID_BYTES);
    }
    assert_int_equal(smuggle_grant(&other, bert, &grant), VELD_E_FORGED);
    terms.recipient = w.tablets[2].t.card.device; /* for somebody else */
    grant = make_grant(&terms, &w.tablets[2], &agency, own_key);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_OK);
    terms.recipient = bert->t.card.device;
    terms.epoch = 1; /* instead of the key that is there */
    grant = make_grant(&terms, bert, &agency, own_key);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_E_FORGED);
    assert_int_equal(epoch_of(bert, &case_id), 1);
    assert_int_equal(epoch_of(bert, &other), 1);
}

/* An old grant of the agency, said again, neither shortens nor lengthens what counts now. */
static void a_grant_said_again_changes_no_lease(void **state)
{
    (void)state;
    veld_id person;
    veld_lease before, after;
    exchange_party *bert = &w.tablets[1];
    veld_id case_id = shared_case(&person);
    const veld_grant_terms terms = {.case_id = case_id,
        .epoch = 1,
        .recipient = bert->t.card.device,
        .purpose = VELD_GRANT_ASSIGNED,
        .lease_end_utc_ms = INT64_MAX,
        .serial = 1};
    veld_span key;
    veld_store_case *keys;
    assert_ok(veld_store_case_open(w.merger.t.store, &case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    assert_ok(veld_lease_get(bert->t.store, &case_id, &before, NULL));
    assert_int_equal(before.purpose, VELD_GRANT_ASSIGNED);
    veld_buf grant = make_grant(&terms, bert, &w.merger.t.desk.signer, key.data);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_OK);
    assert_ok(veld_lease_get(bert->t.store, &case_id, &after, NULL));
    assert_memory_equal(&before, &after, sizeof before);
    assert_ok(veld_lease_withdraw(bert->t.store, &case_id, before.serial + 1, NULL));
    grant = make_grant(&terms, bert, &w.merger.t.desk.signer, key.data);
    assert_int_equal(smuggle_grant(&case_id, bert, &grant), VELD_E_STALE);
    veld_store_case_close(keys);
}

static void the_clock_cannot_lengthen_a_lease(void **state)
{
    (void)state;
    bool sure;
    int64_t utc_ms;
    veld_store *store = w.tablets[2].t.store;
    const int64_t start = 1772438400000, hour = 3600000;
    const veld_lease lease = {
        .serial = 1, .purpose = VELD_GRANT_ASSIGNED, .end_utc_ms = start + 72 * hour};
    veld_anchor anchor = {
        .server_utc_ms = start, .monotonic_ms = 5, .boot = {{1}}, .boot_now = {{1}}};
    veld_now now = {.wall_utc_ms = start - 400 * hour, .monotonic_ms = 5 + 71 * hour};
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&lease, utc_ms, sure), VELD_LEASE_VALID);
    now.monotonic_ms += 2 * hour; /* the wall clock still says a fortnight ago */
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&lease, utc_ms, sure), VELD_LEASE_OVER);
    anchor.boot_now.bytes[0] = 2; /* a restart does not make it younger */
    now.monotonic_ms = 1;
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&lease, utc_ms, sure), VELD_LEASE_OVER);
    const veld_lease longer = {
        .serial = 2, .purpose = VELD_GRANT_ASSIGNED, .end_utc_ms = start + 100 * hour};
    assert_int_equal(veld_lease_state_at(&longer, utc_ms, sure), VELD_LEASE_UNSURE);
    now.wall_utc_ms = start + 74 * hour;
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&longer, utc_ms, sure), VELD_LEASE_VALID);
    /* a clock that once was far ahead is forgotten when the server is heard again */
    now.wall_utc_ms = start + 9000 * hour;
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&longer, utc_ms, sure), VELD_LEASE_OVER);
    anchor.boot = anchor.boot_now;
    anchor.server_utc_ms = start + 80 * hour;
    anchor.monotonic_ms = 1;
    assert_ok(veld_lease_time(store, &anchor, &now, &utc_ms, &sure, NULL));
    assert_int_equal(veld_lease_state_at(&longer, utc_ms, sure), VELD_LEASE_VALID);
    assert_int_equal(utc_ms, start + 80 * hour);
}

static void assignments_are_kept_both_ways(void **state)
{
    (void)state;
    size_t count;
    veld_assignment one, *all;
    veld_store *store = w.merger.t.store;
    const veld_id device = {{0xD1}}, second = {{0xD2}};
    for (uint8_t i = 1; i <= 3; i++) {
        const veld_assignment row = {.case_id = {{0xCA, i}},
            .device = device,
            .purpose = VELD_GRANT_ASSIGNED,
            .lease_ms = i,
            .lease_end_utc_ms = 100 + i};
        assert_ok(veld_assignment_put(store, &row, NULL));
        assert_ok(veld_assignment_put(store, &row, NULL));
    }
    const veld_id two = {{0xCA, 2}};
    const veld_assignment other = {
        .case_id = two, .device = second, .purpose = VELD_GRANT_BREAK_GLASS};
    assert_ok(veld_assignment_put(store, &other, NULL));
    assert_ok(veld_assignments_of_device(store, &device, &all, &count, NULL));
    assert_int_equal(count, 3);
    assert_int_equal(all[2].lease_end_utc_ms, 103);
    veld_release(all);
    assert_ok(veld_assignments_of_case(store, &two, &all, &count, NULL));
    assert_int_equal(count, 2);
    assert_int_equal(all[1].purpose, VELD_GRANT_BREAK_GLASS);
    veld_release(all);
    assert_ok(veld_assignment_remove(store, &two, &device, NULL));
    assert_ok(veld_assignment_remove(store, &two, &device, NULL));
    assert_int_equal(veld_assignment_get(store, &two, &device, &one, NULL), VELD_E_NOT_FOUND);
    assert_ok(veld_assignments_of_case(store, &two, &all, &count, NULL));
    assert_int_equal(count, 1);
    veld_release(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_says_who_may_have_founded_it),
        cmocka_unit_test(a_first_key_by_another_does_not_keep_the_founders_away),
        cmocka_unit_test(a_new_epoch_reaches_who_is_kept),
        cmocka_unit_test(an_epoch_that_is_not_the_agencys_is_refused),
        cmocka_unit_test(a_grant_said_again_changes_no_lease),
        cmocka_unit_test(the_clock_cannot_lengthen_a_lease),
        cmocka_unit_test(assignments_are_kept_both_ways),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
