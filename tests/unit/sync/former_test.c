/* Who stole a key of the agency that was changed since signs with it what she likes, and writes
 * into it whatever place she likes; with a relay that gives it to whom she wants. Nothing of that
 * counts: no work is destroyed for it, no key is learnt, no case changes. And who slept through the
 * change misses nothing that the office said before it. */
#include "veld_test.h"

#include <string.h>

#include "exchange_world.h"
#include "veldkit/access.h"
#include "veldkit/access_log.h"
#include "veldkit/blind.h"
#include "veldkit/directory.h"
#include "veldkit/envelope.h"
#include "veldkit/hash.h"
#include "veldkit/head.h"
#include "veldkit/limits.h"
#include "veldkit/order.h"
#include "veldkit/quarantine.h"

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static veld_p256_private before, fresh; /* the merger's: the one that a thief has, and the next */
static test_desk folder;                /* the merger's, as the thief has it */

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 2, 8);
    const veld_p256_private *now = veld_store_signing_key(w.merger.t.store);
    before = (veld_p256_private){.public_key = now->public_key};
    assert_ok(veld_secret_copy(&before.scalar, veld_secret_span(&now->scalar)));
    assert_ok(veld_p256_generate(&w.env.env, &fresh, NULL));
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    veld_p256_release(&before);
    veld_p256_release(&fresh);
    return 0;
}

static void change_key(void)
{
    exchange_change_key(&w, &fresh);
    exchange_party_restart(&w.merger);
}

static bool has_case(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys = NULL;
    veld_status status = veld_store_case_open(p->t.store, case_id, &keys, NULL);
    veld_store_case_close(keys);
    return status == VELD_OK;
}

static uint32_t epoch_of(exchange_party *p, const veld_id *case_id)
{
    veld_store_case *keys;
    assert_ok(veld_store_case_open(p->t.store, case_id, &keys, NULL));
    uint32_t epoch = veld_store_case_epoch(keys);
    veld_store_case_close(keys);
    return epoch;
}

static size_t changes_of(exchange_party *p, const veld_id *case_id)
{
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

static void assert_same_state(const veld_id *case_id, exchange_party *one, exchange_party *other)
{
    veld_hash mine = exchange_state(one, case_id);
    veld_hash theirs = exchange_state(other, case_id);
    assert_true(veld_hash_equal(&mine, &theirs));
}

/* A case of Anna's that Bert has too; all know of the new key. */
static veld_id shared_case(veld_id *person)
{
    veld_id case_id = exchange_share(&w, anna, bert, person);
    change_key();
    exchange_all_quiet(&w);
    return case_id;
}

/* What Bert makes of an item that the relay gives him alone; its bytes are let go. */
static veld_status smuggle(veld_frame_type type, const veld_id *case_id, veld_buf *bytes)
{
    bert->refusal = VELD_OK;
    exchange_smuggle(&w, type, case_id, &bert->t.card.device, veld_buf_span(bytes));
    exchange_until_quiet(bert);
    veld_buf_release(bytes);
    return bert->refusal;
}

static veld_hash last_of(exchange_party *p, const veld_id *case_id)
{
    size_t count;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, case_id, &opened, NULL));
    const veld_node *const *heads = veld_graph_heads(veld_case_graph(opened), &count);
    assert_int_equal(count, 1);
    veld_hash id = heads[0]->id;
    veld_case_close(opened);
    return id;
}

/* ---- what a thief makes ---- */

static veld_buf make_head(const veld_id *case_id, const veld_hash *covers, const veld_signer *by)
{
    veld_buf bytes;
    const veld_head head = {.case_id = *case_id,
        .epoch = 1,
        .utc_ms = 1,
        .state_id = *covers,
        .held = *covers,
        .heads = covers,
        .heads_count = 1};
    veld_buf_init(&bytes, VELD_FRAME_BYTES_MAX);
    assert_ok(veld_head_make(&head, by, &bytes, NULL));
    return bytes;
}

static veld_buf make_aside(const veld_id *case_id, const veld_hash *change, const veld_signer *by)
{
    veld_buf bytes;
    const veld_aside aside = {
        .device = bert->t.card.device, .case_id = *case_id, .change = *change, .utc_ms = 5};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_aside_make(&aside, by, &bytes, NULL));
    return bytes;
}

static veld_buf make_kept(uint64_t number, const veld_hash *hash, const veld_signer *by)
{
    veld_buf bytes;
    const veld_access_kept kept = {
        .device = bert->t.card.device, .number = number, .hash = *hash, .utc_ms = 5};
    veld_buf_init(&bytes, VELD_ACCESS_BATCH_BYTES_MAX);
    assert_ok(veld_access_kept_make(&kept, by, &bytes, NULL));
    return bytes;
}

/* With a serial that the former key may have had. */
static veld_buf make_order(const veld_id *case_id, const veld_signer *by)
{
    veld_buf bytes;
    const veld_order order = {.device = bert->t.card.device,
        .serial = w.agency.former[0].serial,
        .kind = VELD_ORDER_WITHDRAW,
        .reason = VELD_ORDER_REASSIGNED,
        .case_id = *case_id};
    veld_buf_init(&bytes, VELD_ORDER_BYTES_MAX);
    assert_ok(veld_order_make(&order, by, &bytes, NULL));
    return bytes;
}

static veld_buf make_grant(const veld_id *case_id, uint32_t epoch, const exchange_party *to,
    veld_grant_purpose purpose, const veld_signer *by)
{
    static const uint8_t known[32] = {7}; /* to the thief */
    veld_buf bytes;
    const veld_grant_terms terms = {.case_id = *case_id,
        .epoch = epoch,
        .recipient = to->t.card.device,
        .purpose = purpose,
        .serial = w.agency.former[0].serial};
    veld_buf_init(&bytes, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(&w.env.env, &terms, veld_span_of(known, sizeof known),
        &to->t.card.seal_key, by, &bytes, NULL));
    return bytes;
}

/* An honest order comes, and what the office is to have first is withheld from it. */
static void no_work_is_destroyed_for_a_former_key(void **state)
{
    (void)state;
    veld_id person;
    const veld_signer thief = veld_signer_p256(&before), office = veld_signer_p256(&fresh);
    veld_id case_id = shared_case(&person);
    assert_ok(veld_sync_unassign(
        w.merger.sync, &case_id, &bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_until_quiet(&w.merger);
    exchange_save(bert, &case_id, &person, "\"Mina, who moved\"");
    veld_hash change = last_of(bert, &case_id);
    exchange_until_quiet(bert); /* the relay has it and keeps it back from the office */

    veld_buf head = make_head(&case_id, &change, &thief);
    assert_int_equal(smuggle(VELD_FRAME_HEAD, &case_id, &head), VELD_E_STALE);
    veld_buf aside = make_aside(&case_id, &change, &thief);
    assert_int_equal(smuggle(VELD_FRAME_ASIDE, &case_id, &aside), VELD_E_STALE);
    assert_int_equal(exchange_unsent(bert), 1);
    assert_true(has_case(bert, &case_id));
    assert_int_equal(bert->events[VELD_SYNC_TAKEN_IN], 0);
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], 0);

    /* the same words of the office do what they are for */
    aside = make_aside(&case_id, &change, &office);
    assert_int_equal(smuggle(VELD_FRAME_ASIDE, &case_id, &aside), VELD_OK);
    assert_false(has_case(bert, &case_id));
    assert_int_equal(bert->events[VELD_SYNC_ORDER_DONE], 1);
}

static void no_order_and_no_key_of_a_former_key_counts(void **state)
{
    (void)state;
    veld_id person;
    const veld_signer thief = veld_signer_p256(&before);
    veld_signer liar = thief; /* names the present key as its signer */
    liar.public_key = fresh.public_key;
    veld_id case_id = shared_case(&person);
    veld_buf bytes = make_order(&case_id, &thief);
    assert_int_equal(smuggle(VELD_FRAME_ORDER, &case_id, &bytes), VELD_E_STALE);
    assert_true(has_case(bert, &case_id));
    const veld_signer *signers[] = {&thief, &liar};
    for (size_t i = 0; i < 2; i++) {
        bytes = make_grant(&case_id, 2, bert, VELD_GRANT_ASSIGNED, signers[i]);
        assert_int_equal(smuggle(VELD_FRAME_GRANT, &case_id, &bytes), VELD_E_STALE);
        assert_int_equal(epoch_of(bert, &case_id), 1);
        /* the office would give such a key to all */
        bytes = make_grant(&case_id, 2, &w.merger, VELD_GRANT_AGENCY, signers[i]);
        w.merger.refusal = VELD_OK;
        exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &w.agency.id, veld_buf_span(&bytes));
        exchange_until_quiet(&w.merger);
        assert_int_equal(w.merger.refusal, VELD_E_STALE);
        assert_int_equal(epoch_of(&w.merger, &case_id), 1);
        veld_buf_release(&bytes);
    }
}

/* A line of the access log that the office never got is not forgotten. */
static void no_line_is_forgotten_for_a_former_key(void **state)
{
    (void)state;
    uint64_t last, left;
    veld_hash hash;
    veld_id person;
    veld_access_log *log = NULL;
    const veld_signer thief = veld_signer_p256(&before), office = veld_signer_p256(&fresh);
    veld_id case_id = shared_case(&person);
    const veld_access_config config = {
        .env = bert->t.desk.env, .store = bert->t.store, .anchor = &bert->anchor};
    assert_ok(veld_access_log_new(&config, &log, NULL));
    veld_access_begin(log, &(veld_access_scope){.event = "case show",
                               .user = "B. de Vries",
                               .kind = VELD_ACCESS_READ,
                               .basis = VELD_ACCESS_BASIS_HELD});
    assert_ok(veld_access_add(log, VELD_ACCESS_READ, &case_id, NULL, NULL));
    assert_ok(veld_access_flush(log, NULL));
    veld_access_log_free(log);
    exchange_until_quiet(bert); /* and the office never hears of it */
    const veld_id *device = &bert->t.card.device;
    assert_ok(veld_access_tail(bert->t.store, device, &last, &hash, NULL));
    for (int by_office = 0; by_office <= 1; by_office++) {
        veld_buf bytes = make_kept(last, &hash, by_office ? &office : &thief);
        (void)smuggle(VELD_FRAME_ACCESS, &(veld_id){{0}}, &bytes);
        assert_ok(veld_store_count_access(bert->t.store, device, &left, NULL));
        assert_int_equal(left == 0, by_office);
    }
}

/* ---- changes in the office's name ---- */

/* The merger's folder as it was, in other hands. */
static void steal_folder(void)
{
    veld_sync_free(w.merger.sync);
    w.merger.sync = NULL;
    test_desk_clone(&folder, &w.merger.t, 77);
    folder.desk.keyring = veld_directory_keyring(folder.store);
    folder.desk.office = &folder.card.seal_key;
    exchange_party_restart(&w.merger);
}

static veld_status keep_envelope(void *context, const veld_blind *blind, veld_error *err)
{
    (void)err;
    return veld_buf_append_span(context, blind->envelope);
}

/* As who has the case's key writes it, or as anybody can who knows the case's number. */
static veld_buf forge_change(const veld_id *case_id, const veld_id *person, bool is_blind)
{
    veld_buf bytes;
    veld_arena arena;
    veld_change change;
    veld_hash id;
    veld_case *opened;
    const veld_sealer *sealer;
    const veld_edit edit = test_edit_set(person, "person", "name", "\"nobody\"");
    veld_buf_init(&bytes, VELD_ENVELOPE_BYTES_MAX);
    if (is_blind) {
        assert_ok(veld_case_save_blind(&folder.desk, case_id, &edit, 1, &id, NULL));
        assert_ok(veld_blind_each(folder.store, &bytes, keep_envelope, NULL));
        return bytes;
    }
    veld_arena_init(&arena, VELD_CHANGE_MEMORY_MAX);
    assert_ok(veld_case_open(&folder.desk, case_id, &opened, NULL));
    assert_ok(veld_case_save(opened, &edit, 1, &id, NULL));
    assert_ok(veld_case_change(opened, &id, &arena, &change, NULL));
    assert_ok(veld_store_case_message_sealer(veld_case_keys(opened), 1, &sealer, NULL));
    assert_ok(veld_envelope_seal(sealer, 1, VELD_PRIORITY_TEXT, &change, 1, &bytes, NULL));
    veld_case_close(opened);
    veld_arena_release(&arena);
    return bytes;
}

static void no_case_changes_by_a_former_key(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = exchange_share(&w, anna, bert, &person);
    steal_folder();
    change_key();
    exchange_all_quiet(&w);
    for (int is_blind = 0; is_blind <= 1; is_blind++) {
        veld_buf bytes = forge_change(&case_id, &person, is_blind);
        exchange_smuggle(&w, VELD_FRAME_ENVELOPE, &case_id, &w.agency.id, veld_buf_span(&bytes));
        exchange_until_quiet(bert);
        assert_int_equal(changes_of(bert, &case_id), 1);
        w.merger.refusal = VELD_OK;
        exchange_until_quiet(&w.merger);
        assert_int_equal(w.merger.refusal, VELD_E_FORGED);
        assert_int_equal(changes_of(&w.merger, &case_id), 1);
        veld_buf_release(&bytes);
    }
    exchange_save(anna, &case_id, &person, "\"Mina M.\"");
    exchange_save(&w.merger, &case_id, &person, "\"Mina N.\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_all_quiet(&w); /* with new heads, which do not cover what was forged */
    assert_int_equal(changes_of(bert, &case_id), 3);
    assert_same_state(&case_id, bert, &w.merger);
    test_desk_close(&folder);
}

/* Until a tablet hears that the key was changed the relay can show it what it likes. */
static void what_was_joined_before_the_change_was_heard_is_named(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = exchange_share(&w, anna, bert, &person);
    exchange_save(&w.merger, &case_id, &person, "\"Mina K.\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &case_id, NULL));
    exchange_all_quiet(&w);
    steal_folder();
    veld_buf bytes = forge_change(&case_id, &person, false);
    exchange_smuggle(&w, VELD_FRAME_ENVELOPE, &case_id, &w.agency.id, veld_buf_span(&bytes));
    exchange_until_quiet(bert);
    assert_int_equal(changes_of(bert, &case_id), 3);
    assert_int_equal(exchange_doubtful(bert, &case_id), 0);
    change_key();
    exchange_all_quiet(&w);
    assert_int_equal(exchange_doubtful(bert, &case_id), 1);
    assert_int_equal(exchange_doubtful(anna, &case_id), 0);
    assert_int_equal(changes_of(&w.merger, &case_id), 2);
    veld_buf_release(&bytes);
    test_desk_close(&folder);
}

/* ---- who was away ---- */

static veld_status keep_state(void *context, const veld_order_state *state, veld_error *err)
{
    veld_order_state *last = context;
    (void)err;
    if (state->order.serial > last->order.serial)
        *last = *state;
    return VELD_OK;
}

static void assert_confirmed(void)
{
    veld_order_state order = {0};
    assert_ok(veld_order_each(w.merger.t.store, &bert->t.card.device, &order, keep_state, NULL));
    assert_true(order.confirmed_utc_ms > 0);
}

static void take_from_bert(const veld_id *case_id)
{
    assert_ok(veld_sync_unassign(
        w.merger.sync, case_id, &bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_until_quiet(&w.merger);
}

/* He is away while the office signs for what he handed in, takes that case back, gives him another
 * with changes of its own, and changes its key. */
static void who_slept_through_the_change_misses_nothing(void **state)
{
    (void)state;
    veld_id person, other;
    veld_sync_result result;
    veld_id case_id = exchange_found(bert, &person);
    veld_id given = exchange_found(anna, &other);
    exchange_all_quiet(&w);
    exchange_save(bert, &case_id, &person, "\"Mina M.\"");
    exchange_save(bert, &case_id, &person, "\"Mina N.\"");
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    exchange_until_quiet(&w.merger);
    for (int i = 0; i < 3; i++)
        exchange_save(&w.merger, &given, &other, i % 2 ? "\"of\"" : "\"by the office\"");
    assert_ok(veld_sync_post_head(w.merger.sync, &given, NULL));
    exchange_assign(&w, &given, bert);
    take_from_bert(&case_id);
    change_key();
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_false(has_case(bert, &case_id));
    assert_confirmed();
    assert_int_equal(changes_of(bert, &given), 4);
    assert_same_state(&given, bert, &w.merger);
    exchange_save(bert, &given, &other, "\"and by Bert\"");
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_same_state(&given, anna, &w.merger);
    assert_int_equal(w.merger.events[VELD_SYNC_REFUSED], 0);
}

static void an_order_that_was_heard_before_is_confirmed_after(void **state)
{
    (void)state;
    veld_id person;
    veld_id case_id = exchange_share(&w, anna, bert, &person);
    exchange_save(bert, &case_id, &person, "\"Mina M.\"");
    take_from_bert(&case_id);
    exchange_until_quiet(bert); /* he waits for the office's word on his change */
    assert_true(has_case(bert, &case_id));
    change_key();
    exchange_all_quiet(&w);
    assert_false(has_case(bert, &case_id));
    assert_confirmed();
    assert_int_equal(w.merger.events[VELD_SYNC_REFUSED], 0);
    assert_same_state(&case_id, anna, &w.merger);
}

/* The engine begins anew until it gets through; what it says then, it says of all. */
static void what_is_said_again_is_all_or_nothing(void **state)
{
    (void)state;
    veld_id person;
    veld_sync *sync = NULL;
    veld_id case_id = exchange_share(&w, anna, bert, &person);
    exchange_save(bert, &case_id, &person, "\"Mina M.\"");
    veld_sync_result result;
    assert_ok(exchange_once(bert, &exchange_no_fault, &result, NULL));
    exchange_until_quiet(&w.merger);
    exchange_change_key(&w, &fresh);
    const veld_sync_config config = {.desk = &w.merger.t.desk,
        .program = "test 1",
        .role = VELD_SYNC_MERGER,
        .agency = &w.agency,
        .anchor = &w.merger.anchor};
    for (uint64_t n = 1; sync == NULL; n = n < 40 ? n + 1 : n * 5 / 4) {
        (void)test_fail_allocation(n, true);
        veld_status status = veld_sync_new(&config, &sync, NULL);
        (void)test_fail_allocation(0, false);
        assert_true(status == VELD_OK || sync == NULL);
        assert_false(veld_store_in_transaction(w.merger.t.store));
    }
    veld_sync_free(sync);
    exchange_party_restart(&w.merger);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_same_state(&case_id, bert, &w.merger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            no_work_is_destroyed_for_a_former_key, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            no_order_and_no_key_of_a_former_key_counts, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            no_line_is_forgotten_for_a_former_key, open_world, close_world),
        cmocka_unit_test_setup_teardown(no_case_changes_by_a_former_key, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_was_joined_before_the_change_was_heard_is_named, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            who_slept_through_the_change_misses_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            an_order_that_was_heard_before_is_confirmed_after, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            what_is_said_again_is_all_or_nothing, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
