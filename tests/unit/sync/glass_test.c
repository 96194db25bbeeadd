/* Breaking the glass: nothing of the case can be read before the act is on the disk, it ends by
 * itself, and what is forged, moved, over or withdrawn opens nothing. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>

#include "exchange_world.h"
#include "veldkit/access_log.h"
#include "veldkit/blind.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"
#include "veldkit/lease.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

#define REASON  "buren horen geschreeuw"
#define HOUR_MS (60LL * 60 * 1000)

static exchange_world w;
static exchange_party *const anna = &w.tablets[0]; /* has the case */
static exchange_party *const bert = &w.tablets[1]; /* has it for an emergency */
static veld_access_log *log_of_bert;
static veld_id case_id, person;

static int open_world(void **state)
{
    (void)state;
    exchange_world_open(&w, 3, 17);
    for (size_t i = 0; i < w.count; i++)
        w.tablets[i].t.desk.office = &w.agency.seal_key;
    const veld_access_config config = {
        .env = &bert->t.world.env, .store = bert->t.store, .anchor = &bert->anchor};
    assert_ok(veld_access_log_new(&config, &log_of_bert, NULL));
    case_id = exchange_found(anna, &person);
    exchange_all_quiet(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    veld_access_log_free(log_of_bert);
    exchange_world_close(&w);
    return 0;
}

static void restart_bert(void)
{
    veld_access_log_free(log_of_bert);
    exchange_party_restart(bert);
    bert->t.desk.office = &w.agency.seal_key;
    const veld_access_config config = {
        .env = &bert->t.world.env, .store = bert->t.store, .anchor = &bert->anchor};
    assert_ok(veld_access_log_new(&config, &log_of_bert, NULL));
}

/* For all: the server's time is the one that is believed. */
static void pass(int64_t ms)
{
    test_env_advance(&w.env, ms);
    test_env_advance(&w.merger.t.world, ms);
    for (size_t i = 0; i < w.count; i++)
        test_env_advance(&w.tablets[i].t.world, ms);
}

static void give(exchange_party *to, veld_grant_purpose purpose, int64_t lease_ms)
{
    veld_directory_entry entry;
    assert_ok(veld_directory_find(w.merger.t.store, &to->t.card.device, &entry, NULL));
    assert_ok(veld_sync_post_grant(w.merger.sync, &case_id, &entry, purpose, lease_ms, NULL));
    exchange_all_quiet(&w);
}

static void give_for_emergency(void)
{
    give(bert, VELD_GRANT_BREAK_GLASS, 72 * HOUR_MS);
}

static bool has_keys(exchange_party *p)
{
    veld_store_case *keys = NULL;
    veld_status status = veld_store_case_open(p->t.store, &case_id, &keys, NULL);
    veld_store_case_close(keys);
    return status == VELD_OK;
}

static veld_lease_state state_of(exchange_party *p)
{
    bool sure;
    int64_t utc_ms;
    veld_lease lease;
    veld_now now = veld_env_now(&p->t.world.env);
    assert_ok(veld_lease_time(p->t.store, &p->anchor, &now, &utc_ms, &sure, NULL));
    assert_ok(veld_lease_get(p->t.store, &case_id, &lease, NULL));
    return veld_lease_state_at(&lease, utc_ms, sure);
}

static veld_status break_glass(int64_t *until)
{
    int64_t at;
    const veld_glass glass = {.desk = &bert->t.desk,
        .agency = &w.agency,
        .log = log_of_bert,
        .worker = "Bert",
        .reason = REASON};
    veld_access_begin(log_of_bert, &(veld_access_scope){.event = "case open",
                                       .user = "Bert",
                                       .kind = VELD_ACCESS_EMERGENCY,
                                       .basis = VELD_ACCESS_BASIS_EMERGENCY,
                                       .reason = REASON});
    veld_status status = veld_glass_break(&glass, &case_id, until != NULL ? until : &at, NULL);
    veld_access_end(log_of_bert);
    return status;
}

static size_t lines_of_emergency(exchange_party *p)
{
    veld_arena arena;
    veld_access_found *found;
    size_t count = 0, said = 0;
    uint64_t all, damaged;
    const veld_access_query query = {.device = bert->t.card.device,
        .kind = VELD_ACCESS_EMERGENCY,
        .from_ms = INT64_MIN,
        .until_ms = INT64_MAX,
        .limit = 100};
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_access_find(p->t.store, &query, &arena, &found, &count, &all, &damaged, NULL));
    for (size_t i = 0; i < count; i++)
        said += veld_id_equal(&found[i].entry.case_id, &case_id) &&
                found[i].entry.basis == VELD_ACCESS_BASIS_EMERGENCY &&
                veld_span_equal(found[i].entry.reason, veld_span_text(REASON));
    veld_arena_release(&arena);
    assert_int_equal(said, count);
    return count;
}

/* How often the case says that it was opened in an emergency. */
static size_t records_of_emergency(exchange_party *p)
{
    size_t count, found = 0;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    const veld_state_record *const *records = veld_state_records(veld_case_state(opened), &count);
    for (size_t i = 0; i < count; i++)
        found += veld_span_equal(records[i]->type, veld_span_text(VELD_TYPE_EMERGENCY));
    veld_case_close(opened);
    return found;
}

static size_t count_held(const char *kind)
{
    char group[64], id[VELD_ID_TEXT_SIZE];
    bool more = true;
    size_t count = 0;
    veld_store_cursor *cursor;
    veld_id_format(&case_id, id);
    (void)snprintf(group, sizeof group, "glass.%s.%s", kind, id);
    assert_ok(veld_store_values(bert->t.store, group, &cursor, NULL));
    while (more) {
        veld_store_value value;
        assert_ok(veld_store_values_next(cursor, &more, &value, NULL));
        count += more;
    }
    veld_store_cursor_close(cursor);
    return count;
}

static bool is_same_state(exchange_party *one, exchange_party *other)
{
    veld_hash mine = exchange_state(one, &case_id), theirs = exchange_state(other, &case_id);
    return veld_hash_equal(&mine, &theirs);
}

/* ---- the way it goes ---- */

static void it_is_held_unread_until_somebody_breaks_the_glass(void **state)
{
    (void)state;
    int64_t until;
    veld_buf summary;
    give_for_emergency();
    assert_false(has_keys(bert));
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY);
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 0);
    veld_buf_init(&summary, 4096);
    assert_int_equal(
        veld_store_get_summary(bert->t.store, &case_id, &summary, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&summary);
    assert_int_equal(count_held("grants"), 1);
    /* what others write meanwhile comes too */
    exchange_save(anna, &case_id, &person, "\"Mina Bakker\"");
    exchange_all_quiet(&w);
    assert_ok(break_glass(&until));
    assert_int_equal(state_of(bert), VELD_LEASE_VALID);
    assert_true(is_same_state(anna, bert));
    assert_int_equal(lines_of_emergency(bert), 1);
    exchange_all_quiet(&w);
    assert_int_equal(records_of_emergency(anna), 1);
    assert_int_equal(records_of_emergency(&w.merger), 1);
    assert_int_equal(lines_of_emergency(&w.merger), 1);
    assert_true(is_same_state(anna, bert));
    /* once more is no second act and no longer time */
    int64_t again;
    pass(HOUR_MS);
    assert_ok(break_glass(&again));
    assert_int_equal(again, until);
    assert_int_equal(lines_of_emergency(bert), 0); /* the agency has the first */
}

static void it_ends_by_itself_and_is_sealed_again(void **state)
{
    (void)state;
    give_for_emergency();
    assert_ok(break_glass(NULL));
    exchange_save(bert, &case_id, &person, "\"Mina, gezien\"");
    pass(VELD_EMERGENCY_MS - 1000);
    assert_int_equal(state_of(bert), VELD_LEASE_VALID);
    pass(1000);
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
    /* unsent work keeps its keys, and a clock that goes back gives no time */
    assert_ok(veld_glass_close_over(&bert->t.desk, NULL, NULL));
    assert_true(has_keys(bert));
    bert->t.world.now.wall_utc_ms -= 2 * HOUR_MS;
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_ok(veld_glass_close_over(&bert->t.desk, NULL, NULL));
    assert_false(has_keys(bert));
    /* the next who needs it says why again, and sees all, own work too */
    assert_ok(break_glass(NULL));
    assert_true(is_same_state(anna, bert));
    exchange_all_quiet(&w);
    assert_int_equal(lines_of_emergency(&w.merger), 2);
    assert_int_equal(records_of_emergency(anna), 2);
}

/* The case begins on the tablet with a checkpoint: of what came before there are no changes. */
static void a_case_that_begins_at_a_checkpoint_is_sealed_again_too(void **state)
{
    (void)state;
    w.checkpoint_min = 2;
    exchange_party_restart(&w.merger);
    exchange_save(anna, &case_id, &person, "\"Mina B.\"");
    exchange_save(anna, &case_id, &person, "\"Mina Bakker\"");
    exchange_all_quiet(&w);
    give_for_emergency();
    for (int i = 0; i < 2; i++) {
        assert_ok(break_glass(NULL));
        exchange_all_quiet(&w);
        exchange_save(bert, &case_id, &person, i == 0 ? "\"Mina, gezien\"" : "\"Mina, weer\"");
        exchange_all_quiet(&w);
        assert_true(is_same_state(anna, bert));
        pass(VELD_EMERGENCY_MS);
        assert_ok(veld_glass_close_over(&bert->t.desk, NULL, NULL));
        assert_false(has_keys(bert));
        exchange_save(anna, &case_id, &person, i == 0 ? "\"Later\"" : "\"Nog later\"");
        exchange_all_quiet(&w);
    }
    assert_ok(break_glass(NULL));
    exchange_all_quiet(&w);
    assert_true(is_same_state(anna, bert));
}

static void it_is_renewed_for_who_may_still_open_it(void **state)
{
    (void)state;
    uint32_t epoch;
    const veld_id keep[] = {anna->t.card.device, bert->t.card.device};
    give_for_emergency();
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 2, &epoch, NULL));
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Onder de nieuwe sleutel\"");
    exchange_all_quiet(&w);
    assert_false(has_keys(bert));
    assert_int_equal(count_held("grants"), 2);
    give_for_emergency(); /* again: of each epoch the later grant */
    assert_int_equal(count_held("grants"), 2);
    assert_ok(break_glass(NULL));
    assert_true(is_same_state(anna, bert));
}

static void an_opened_case_goes_on(void **state)
{
    (void)state;
    uint32_t epoch;
    const veld_id keep[] = {anna->t.card.device, bert->t.card.device};
    give_for_emergency();
    assert_ok(break_glass(NULL));
    assert_ok(veld_sync_post_epoch(w.merger.sync, &case_id, keep, 2, &epoch, NULL));
    exchange_all_quiet(&w);
    exchange_save(anna, &case_id, &person, "\"Later\"");
    exchange_all_quiet(&w);
    assert_true(is_same_state(anna, bert));
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 0);
}

static void who_is_assigned_after_all_has_it(void **state)
{
    (void)state;
    give_for_emergency();
    exchange_save(anna, &case_id, &person, "\"Mina Bakker\"");
    exchange_all_quiet(&w);
    give(bert, VELD_GRANT_ASSIGNED, 0);
    assert_int_equal(state_of(bert), VELD_LEASE_VALID);
    assert_true(is_same_state(anna, bert));
    assert_int_equal(count_held("grants") + count_held("envelopes"), 0);
    assert_int_equal(break_glass(NULL), VELD_E_NOT_FOUND);
    assert_int_equal(lines_of_emergency(bert), 0);
}

/* ---- what opens nothing ---- */

static void one_that_is_over_opens_nothing(void **state)
{
    (void)state;
    give(bert, VELD_GRANT_BREAK_GLASS, HOUR_MS);
    int64_t until;
    assert_ok(break_glass(&until));
    pass(HOUR_MS + 1000); /* not the whole four hours */
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
    assert_int_equal(break_glass(NULL), VELD_E_LOCKED);
    assert_int_equal(lines_of_emergency(bert), 1);
    /* after a restart a clock from before is no way in */
    bert->t.world.now.wall_utc_ms -= 30 * 24 * HOUR_MS;
    bert->anchor.boot_now = (veld_id){{9}};
    assert_int_equal(break_glass(NULL), VELD_E_LOCKED);
}

static void who_was_withdrawn_has_nothing_left(void **state)
{
    (void)state;
    veld_buf old;
    veld_directory_entry entry;
    give_for_emergency();
    assert_ok(break_glass(NULL));
    exchange_save(bert, &case_id, &person, "\"Nog net\"");
    assert_ok(veld_directory_find(w.merger.t.store, &bert->t.card.device, &entry, NULL));
    /* a grant of before, said again by a relay afterwards */
    veld_lease lease;
    veld_store_case *keys;
    veld_span key;
    assert_ok(veld_lease_get(bert->t.store, &case_id, &lease, NULL));
    assert_ok(veld_store_case_open(w.merger.t.store, &case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    const veld_grant_terms terms = {.case_id = case_id,
        .epoch = 1,
        .recipient = bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = lease.end_utc_ms + 1,
        .serial = lease.serial};
    veld_buf_init(&old, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(
        &w.env.env, &terms, key, &bert->t.card.seal_key, &w.merger.t.desk.signer, &old, NULL));
    veld_store_case_close(keys);
    assert_ok(veld_sync_unassign(
        w.merger.sync, &case_id, &bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_all_quiet(&w);
    assert_false(has_keys(bert));
    assert_int_equal(count_held("grants") + count_held("envelopes"), 0);
    assert_int_equal(state_of(bert), VELD_LEASE_NONE);
    assert_int_equal(break_glass(NULL), VELD_E_NOT_FOUND);
    veld_hash theirs = exchange_state(&w.merger, &case_id);
    veld_hash hers = exchange_state(anna, &case_id); /* what he wrote came first */
    assert_true(veld_hash_equal(&theirs, &hers));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &bert->t.card.device, veld_buf_span(&old));
    exchange_until_quiet(bert);
    assert_int_equal(break_glass(NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&old);
}

/* Bits all over the grant, and grants for another device, of another signer, of another case. */
static void a_changed_or_moved_grant_is_not_held(void **state)
{
    (void)state;
    veld_buf grant;
    veld_span key;
    veld_store_case *keys;
    const exchange_party *carla = &w.tablets[2];
    veld_grant_terms terms = {.case_id = case_id,
        .epoch = 1,
        .recipient = bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = INT64_MAX,
        .serial = INT64_MAX};
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_store_case_open(w.merger.t.store, &case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    assert_ok(veld_grant_make(
        &w.env.env, &terms, key, &bert->t.card.seal_key, &w.merger.t.desk.signer, &grant, NULL));
    for (size_t bit = 0; bit < 8 * grant.len; bit += bit < 16 ? 1 : 97) {
        grant.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        exchange_smuggle(
            &w, VELD_FRAME_GRANT, &case_id, &bert->t.card.device, veld_buf_span(&grant));
        grant.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    exchange_until_quiet(bert);
    assert_int_equal(count_held("grants"), 0);
    terms.recipient = carla->t.card.device; /* another device's */
    veld_buf_clear(&grant);
    assert_ok(veld_grant_make(
        &w.env.env, &terms, key, &carla->t.card.seal_key, &w.merger.t.desk.signer, &grant, NULL));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &bert->t.card.device, veld_buf_span(&grant));
    terms.recipient = bert->t.card.device; /* a colleague's word, also the founder's */
    veld_buf_clear(&grant);
    assert_ok(veld_grant_make(
        &w.env.env, &terms, key, &bert->t.card.seal_key, &anna->t.desk.signer, &grant, NULL));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &bert->t.card.device, veld_buf_span(&grant));
    exchange_until_quiet(bert);
    assert_int_equal(count_held("grants"), 0);
    assert_false(has_keys(bert));
    assert_int_equal(state_of(bert), VELD_LEASE_NONE);
    assert_int_equal(break_glass(NULL), VELD_E_NOT_FOUND);
    veld_store_case_close(keys);
    veld_buf_release(&grant);
}

/* What the agency gave, as it lies in the journal. */
static void given_to_bert(veld_grant *grant, veld_buf *bytes)
{
    veld_buf_init(bytes, VELD_GRANT_BYTES_MAX);
    for (size_t i = 0; i < w.journal.count; i++) {
        const veld_buf *body = &w.journal.entries[i].bytes;
        if (w.journal.entries[i].item.kind != VELD_FRAME_GRANT ||
            veld_grant_read(veld_buf_span(body), grant, NULL) != VELD_OK ||
            grant->terms.purpose != VELD_GRANT_BREAK_GLASS)
            continue;
        veld_buf_clear(bytes);
        assert_ok(veld_buf_append_span(bytes, veld_buf_span(body)));
    }
    assert_ok(veld_grant_read(veld_buf_span(bytes), grant, NULL));
    assert_int_equal(grant->terms.purpose, VELD_GRANT_BREAK_GLASS);
}

static void replace(veld_buf *in, const uint8_t *from, const uint8_t *to, size_t len)
{
    bool found = false;
    for (size_t at = 0; at + len <= in->len && !found; at++) {
        found = memcmp(in->data + at, from, len) == 0;
        if (found)
            memcpy(in->data + at, to, len);
    }
    assert_true(found);
}

static veld_status told(exchange_party *to, const veld_buf *grant)
{
    to->refusal = VELD_OK;
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &to->t.card.device, veld_buf_span(grant));
    exchange_until_quiet(to);
    return to->refusal;
}

/* A right one, moved: to another case, device or epoch. Each has its own status, and none is held.
 */
static void an_emergency_grant_that_was_moved_opens_nothing(void **state)
{
    (void)state;
    veld_id nobody;
    veld_grant grant;
    veld_buf right, moved;
    exchange_party *const carla = &w.tablets[2];
    const veld_id other = exchange_found(anna, &nobody);
    exchange_all_quiet(&w);
    give_for_emergency();
    given_to_bert(&grant, &right);
    size_t held = count_held("grants");
    assert_int_equal(held, 1);
    veld_buf_init(&moved, VELD_GRANT_BYTES_MAX);
    /* as it is, to another device */
    assert_int_equal(told(carla, &right), VELD_E_NOT_ALLOWED);
    /* its words changed: case, recipient, epoch */
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    replace(&moved, case_id.bytes, other.bytes, sizeof other.bytes);
    assert_int_equal(told(bert, &moved), VELD_E_FORGED);
    veld_buf_clear(&moved);
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    replace(&moved, bert->t.card.device.bytes, carla->t.card.device.bytes, VELD_ID_BYTES);
    assert_int_equal(told(carla, &moved), VELD_E_FORGED);
    veld_buf_clear(&moved);
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    assert_int_equal(grant.terms.epoch, 1);
    const uint8_t now[] = {2, 1, 3, 0x50}, later[] = {2, 2, 3, 0x50}; /* epoch, then key check */
    replace(&moved, now, later, sizeof now);
    assert_int_equal(told(bert, &moved), VELD_E_FORGED);
    assert_int_equal(count_held("grants"), held);
    assert_false(has_keys(bert));
    assert_false(has_keys(carla));
    veld_buf_release(&right);
    veld_buf_release(&moved);
}

/* A key that is not the one of the case: the act stands, and nothing is read. */
static void a_wrong_key_opens_nothing(void **state)
{
    (void)state;
    static const uint8_t other[VELD_SEAL_KEY_BYTES] = {5};
    veld_buf grant;
    const veld_grant_terms terms = {.case_id = case_id,
        .epoch = 1,
        .recipient = bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = INT64_MAX,
        .serial = 1};
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(&w.env.env, &terms, veld_span_of(other, sizeof other),
        &w.tablets[2].t.card.seal_key, &w.merger.t.desk.signer, &grant, NULL));
    exchange_smuggle(&w, VELD_FRAME_GRANT, &case_id, &bert->t.card.device, veld_buf_span(&grant));
    exchange_until_quiet(bert);
    assert_int_equal(count_held("grants"), 1); /* sealed to another key: told when it is opened */
    assert_int_equal(break_glass(NULL), VELD_E_FORGED);
    assert_int_equal(lines_of_emergency(bert), 1);
    assert_false(has_keys(bert));
    veld_buf_release(&grant);
}

/* Memory that runs out at any step: nothing is opened without the act. */
static void no_key_is_used_before_the_act_is_durable(void **state)
{
    (void)state;
    give_for_emergency();
    for (uint64_t at = 1;; at += at) {
        (void)test_fail_allocation(at, false);
        veld_status status = break_glass(NULL);
        (void)test_fail_allocation(0, false);
        assert_int_equal(exchange_unsent(bert), 0);
        if (has_keys(bert))
            assert_int_equal(lines_of_emergency(bert), 1);
        if (status == VELD_OK)
            break;
        restart_bert();
    }
    assert_int_equal(lines_of_emergency(bert), 1);
    exchange_all_quiet(&w);
    assert_int_equal(records_of_emergency(anna), 1);
}

static size_t changes_of(exchange_party *p)
{
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

/* A relay that tells tablets of late work: in an emergency too it waits for the office, and what
 * the office took in of the same tablet is there. */
static void late_work_of_a_revoked_tablet_is_not_joined(void **state)
{
    (void)state;
    int64_t until;
    size_t cases;
    veld_directory_entry entry;
    exchange_party *cara = &w.tablets[2];
    give_for_emergency();
    exchange_assign(&w, &case_id, cara);
    exchange_all_quiet(&w);
    exchange_save(cara, &case_id, &person, "\"Mina in time\"");
    exchange_all_quiet(&w);
    assert_ok(veld_directory_find(w.merger.t.store, &cara->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(w.merger.sync, &entry, false, &cases, NULL));
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(bert);
    exchange_save(cara, &case_id, &person, "\"Mina late\"");
    exchange_until_quiet(cara); /* the relay takes her for one of the agency's */
    exchange_until_quiet(bert);
    assert_ok(break_glass(&until));
    assert_int_equal(changes_of(bert), 2);
    exchange_all_quiet(&w);
    assert_int_equal(changes_of(bert), 3); /* and what bert said of the emergency himself */
    assert_int_equal(records_of_emergency(bert), 1);
}

/* ---- clocks that lie ---- */

static int64_t server_time(void)
{
    return w.env.now.wall_utc_ms;
}

static int64_t kept_until(void)
{
    veld_emergency row;
    assert_int_not_equal(state_of(bert), VELD_LEASE_NONE); /* by which it is corrected */
    assert_ok(veld_emergency_get(bert->t.store, &case_id, &row, NULL));
    return row.until_utc_ms;
}

static void restart_tablet(uint8_t boot)
{
    bert->anchor.boot_now = (veld_id){{boot}};
}

/* After a restart without network the clock is all there is. Who sets it forward and breaks the
 * glass has four hours all the same, from when she did. */
static void a_clock_that_was_ahead_gives_no_longer_time(void **state)
{
    (void)state;
    give_for_emergency();
    restart_tablet(9);
    const int64_t ahead_ms = 60 * HOUR_MS, begun = server_time();
    bert->t.world.now.wall_utc_ms += ahead_ms;
    assert_ok(break_glass(NULL));
    assert_int_equal(state_of(bert), VELD_LEASE_VALID);
    pass(HOUR_MS);
    bert->t.world.now.wall_utc_ms -= ahead_ms;
    exchange_until_quiet(bert);
    assert_in_range(kept_until(), begun, begun + VELD_EMERGENCY_MS + 60 * 1000);
    assert_int_equal(state_of(bert), VELD_LEASE_VALID);
    pass(3 * HOUR_MS + 120 * 1000);
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
    exchange_all_quiet(&w);
    assert_ok(veld_glass_close_over(&bert->t.desk, NULL, NULL));
    assert_false(has_keys(bert));
}

/* Restarted again before the first contact, nobody knows when it was: four hours from contact. */
static void after_another_restart_time_counts_from_contact(void **state)
{
    (void)state;
    give_for_emergency();
    restart_tablet(9);
    bert->t.world.now.wall_utc_ms += 60 * HOUR_MS;
    assert_ok(break_glass(NULL));
    restart_tablet(10);
    bert->t.world.now.wall_utc_ms -= 60 * HOUR_MS;
    exchange_until_quiet(bert);
    const int64_t contact = server_time();
    assert_in_range(kept_until(), contact, contact + VELD_EMERGENCY_MS + 60 * 1000);
    pass(VELD_EMERGENCY_MS + 120 * 1000);
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
}

/* So little that it could be an honest clock, again and again: the monotonic clock runs on. */
static void a_clock_that_is_set_back_a_little_each_time_gives_no_longer_time(void **state)
{
    (void)state;
    const int64_t step_ms = 4 * 60 * 1000;
    give_for_emergency();
    restart_tablet(9);
    assert_ok(break_glass(NULL));
    for (int64_t gone = 0; gone <= VELD_EMERGENCY_MS + step_ms; gone += step_ms) {
        if (gone < VELD_EMERGENCY_MS - step_ms)
            assert_int_equal(state_of(bert), VELD_LEASE_VALID);
        pass(step_ms);
        bert->t.world.now.wall_utc_ms -= step_ms;
    }
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
}

/* ---- one that does not close ---- */

typedef struct told_trouble {
    size_t dropped, left;
    veld_id case_id; /* the last */
} told_trouble;

static void hear(void *context, const veld_id *about, bool is_dropped, const veld_error *why)
{
    told_trouble *heard = context;
    assert_true(why->text[0] != '\0');
    heard->dropped += is_dropped;
    heard->left += !is_dropped;
    heard->case_id = *about;
}

static told_trouble close_over(void)
{
    told_trouble heard = {0};
    const veld_glass_trouble trouble = {.context = &heard, .tell = hear};
    assert_ok(veld_glass_close_over(&bert->t.desk, &trouble, NULL));
    return heard;
}

/* A row of the case that nobody can read any more. */
static void spoil(exchange_party *p)
{
    size_t count;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    assert_true(count > 0);
    const veld_hash id = order[0]->id;
    assert_ok(veld_store_drop_changes(p->t.store, &id, 1, NULL));
    assert_ok(veld_store_put_change(
        p->t.store, veld_case_keys(opened), &id, veld_span_text("geen wijziging"), 0, NULL, NULL));
    veld_case_close(opened);
}

static uint64_t bytes_held(void)
{
    veld_buf value;
    veld_buf_init(&value, 8);
    assert_ok(
        veld_store_get_value(bert->t.store, "glass.bytes", veld_id_span(&case_id), &value, NULL));
    assert_int_equal(value.len, 8);
    uint64_t bytes = veld_get_u64(value.data);
    veld_buf_release(&value);
    return bytes;
}

static void one_that_cannot_be_sealed_again_ends_and_stops_no_other(void **state)
{
    (void)state;
    veld_id somebody;
    const veld_id spoiled = case_id, other = exchange_found(anna, &somebody);
    exchange_all_quiet(&w);
    give_for_emergency();
    assert_ok(break_glass(NULL));
    exchange_save(bert, &case_id, &person, "\"Mina, gezien\"");
    case_id = other;
    give_for_emergency();
    assert_ok(break_glass(NULL));
    case_id = spoiled;
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    spoil(bert);
    restart_bert();
    pass(VELD_EMERGENCY_MS);
    told_trouble heard = close_over();
    assert_int_equal(heard.dropped, 1);
    assert_int_equal(heard.left, 0);
    assert_true(veld_id_equal(&heard.case_id, &spoiled));
    assert_false(has_keys(bert));
    case_id = other;
    assert_false(has_keys(bert));
    case_id = spoiled;
    heard = close_over();
    assert_int_equal(heard.dropped + heard.left, 0);
    /* the relay brings it again, own work too, and no number of it is given twice */
    restart_bert();
    exchange_until_quiet(bert);
    assert_ok(break_glass(NULL));
    assert_true(is_same_state(anna, bert));
    exchange_save(bert, &case_id, &person, "\"Mina, weer gezien\"");
    exchange_all_quiet(&w);
    assert_int_equal(exchange_unsent(bert), 0);
    assert_true(is_same_state(anna, bert));
    assert_int_equal(anna->events[VELD_SYNC_FORK], 0);
}

/* Work that the agency does not have keeps the case here, unread. */
static void one_with_unsent_work_is_not_dropped(void **state)
{
    (void)state;
    give_for_emergency();
    assert_ok(break_glass(NULL));
    exchange_save(bert, &case_id, &person, "\"Mina, gezien\"");
    spoil(bert);
    restart_bert();
    pass(VELD_EMERGENCY_MS);
    const told_trouble heard = close_over();
    assert_int_equal(heard.dropped, 0);
    assert_true(has_keys(bert));
    assert_int_equal(state_of(bert), VELD_LEASE_EMERGENCY_OVER);
}

/* So much may lie unread; what is in the case already is no part of it. */
static void what_was_read_is_sealed_again_however_much_it_is(void **state)
{
    (void)state;
    uint8_t number[8] = {0};
    const veld_span bytes = veld_span_of(number, sizeof number);
    give_for_emergency();
    assert_ok(break_glass(NULL));
    veld_put_u64(number, VELD_GLASS_BYTES_MAX);
    assert_ok(
        veld_store_put_value(bert->t.store, "glass.bytes", veld_id_span(&case_id), bytes, NULL));
    exchange_save(anna, &case_id, &person, "\"Mina Bakker\"");
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 0);
    assert_true(is_same_state(anna, bert));
    pass(VELD_EMERGENCY_MS);
    assert_int_equal(close_over().dropped, 0);
    assert_false(has_keys(bert));
    assert_int_equal(bytes_held(), 0);
    /* what comes to a case that is not read counts, and there is an end to it */
    exchange_save(anna, &case_id, &person, "\"Mina de Wit\"");
    exchange_all_quiet(&w);
    const uint64_t one = bytes_held();
    assert_true(one > 0 && one < 4096);
    veld_put_u64(number, VELD_GLASS_BYTES_MAX);
    assert_ok(
        veld_store_put_value(bert->t.store, "glass.bytes", veld_id_span(&case_id), bytes, NULL));
    exchange_save(anna, &case_id, &person, "\"Mina Zwart\"");
    exchange_all_quiet(&w);
    assert_int_equal(bert->events[VELD_SYNC_REFUSED], 1);
    assert_int_equal(bert->refusal, VELD_E_LIMIT);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(it_is_held_unread_until_somebody_breaks_the_glass),
        WITH_WORLD(it_ends_by_itself_and_is_sealed_again),
        WITH_WORLD(a_case_that_begins_at_a_checkpoint_is_sealed_again_too),
        WITH_WORLD(it_is_renewed_for_who_may_still_open_it),
        WITH_WORLD(an_opened_case_goes_on),
        WITH_WORLD(who_is_assigned_after_all_has_it),
        WITH_WORLD(one_that_is_over_opens_nothing),
        WITH_WORLD(who_was_withdrawn_has_nothing_left),
        WITH_WORLD(a_changed_or_moved_grant_is_not_held),
        WITH_WORLD(an_emergency_grant_that_was_moved_opens_nothing),
        WITH_WORLD(a_wrong_key_opens_nothing),
        WITH_WORLD(no_key_is_used_before_the_act_is_durable),
        WITH_WORLD(late_work_of_a_revoked_tablet_is_not_joined),
        WITH_WORLD(a_clock_that_was_ahead_gives_no_longer_time),
        WITH_WORLD(after_another_restart_time_counts_from_contact),
        WITH_WORLD(a_clock_that_is_set_back_a_little_each_time_gives_no_longer_time),
        WITH_WORLD(one_that_cannot_be_sealed_again_ends_and_stops_no_other),
        WITH_WORLD(one_with_unsent_work_is_not_dropped),
        WITH_WORLD(what_was_read_is_sealed_again_however_much_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
