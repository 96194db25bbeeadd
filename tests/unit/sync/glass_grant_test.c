/* What is forged, moved, over or withdrawn is no way in. */
#include "veld_test.h"

#include <string.h>

#include "glass_world.h"
#include "veldkit/break_glass.h"
#include "veldkit/limits.h"

static void one_that_is_over_opens_nothing(void **state)
{
    glass_world *const g = *state;
    glass_give(g, g->bert, VELD_GRANT_BREAK_GLASS, HOUR_MS);
    int64_t until;
    assert_ok(glass_break(g, &until));
    glass_pass(g, HOUR_MS + 1000); /* not the whole four hours */
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
    assert_int_equal(glass_break(g, NULL), VELD_E_LOCKED);
    assert_int_equal(glass_lines(g, g->bert), 1);
    /* after a restart a clock from before is no way in */
    g->bert->t.world.now.wall_utc_ms -= 30 * 24 * HOUR_MS;
    g->bert->anchor.boot_now = (veld_id){{9}};
    assert_int_equal(glass_break(g, NULL), VELD_E_LOCKED);
}

static void who_was_withdrawn_has_nothing_left(void **state)
{
    glass_world *const g = *state;
    veld_buf old;
    veld_directory_entry entry;
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    exchange_save(g->bert, &g->case_id, &g->person, "\"Nog net\"");
    assert_ok(veld_directory_find(g->w.merger.t.store, &g->bert->t.card.device, &entry, NULL));
    /* a grant of before, said again by a relay afterwards */
    veld_lease lease;
    veld_store_case *keys;
    veld_span key;
    assert_ok(veld_lease_get(g->bert->t.store, &g->case_id, &lease, NULL));
    assert_ok(veld_store_case_open(g->w.merger.t.store, &g->case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    const veld_grant_terms terms = {.case_id = g->case_id,
        .epoch = 1,
        .recipient = g->bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = lease.end_utc_ms + 1,
        .serial = lease.serial};
    veld_buf_init(&old, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(&g->w.env.env, &terms, key, &g->bert->t.card.seal_key,
        &g->w.merger.t.desk.signer, &old, NULL));
    veld_store_case_close(keys);
    assert_ok(veld_sync_unassign(
        g->w.merger.sync, &g->case_id, &g->bert->t.card.device, VELD_ORDER_REASSIGNED, true, NULL));
    exchange_all_quiet(&g->w);
    assert_false(glass_has_keys(g, g->bert));
    assert_int_equal(glass_held(g, "grants") + glass_held(g, "envelopes"), 0);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_NONE);
    assert_int_equal(glass_break(g, NULL), VELD_E_NOT_FOUND);
    veld_hash theirs = exchange_state(&g->w.merger, &g->case_id);
    veld_hash hers = exchange_state(g->anna, &g->case_id); /* what he wrote came first */
    assert_true(veld_hash_equal(&theirs, &hers));
    exchange_smuggle(
        &g->w, VELD_FRAME_GRANT, &g->case_id, &g->bert->t.card.device, veld_buf_span(&old));
    exchange_until_quiet(g->bert);
    assert_int_equal(glass_break(g, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&old);
}

/* Bits all over the grant, and grants for another device, of another signer, of another case. */
static void a_changed_or_moved_grant_is_not_held(void **state)
{
    glass_world *const g = *state;
    veld_buf grant;
    veld_span key;
    veld_store_case *keys;
    veld_grant_terms terms = {.case_id = g->case_id,
        .epoch = 1,
        .recipient = g->bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = INT64_MAX,
        .serial = INT64_MAX};
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_store_case_open(g->w.merger.t.store, &g->case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    assert_ok(veld_grant_make(&g->w.env.env, &terms, key, &g->bert->t.card.seal_key,
        &g->w.merger.t.desk.signer, &grant, NULL));
    for (size_t bit = 0; bit < 8 * grant.len; bit += bit < 16 ? 1 : 97) {
        grant.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        exchange_smuggle(
            &g->w, VELD_FRAME_GRANT, &g->case_id, &g->bert->t.card.device, veld_buf_span(&grant));
        grant.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    exchange_until_quiet(g->bert);
    assert_int_equal(glass_held(g, "grants"), 0);
    terms.recipient = g->carla->t.card.device; /* another device's */
    veld_buf_clear(&grant);
    assert_ok(veld_grant_make(&g->w.env.env, &terms, key, &g->carla->t.card.seal_key,
        &g->w.merger.t.desk.signer, &grant, NULL));
    exchange_smuggle(
        &g->w, VELD_FRAME_GRANT, &g->case_id, &g->bert->t.card.device, veld_buf_span(&grant));
    terms.recipient = g->bert->t.card.device; /* a colleague's word, also the founder's */
    veld_buf_clear(&grant);
    assert_ok(veld_grant_make(&g->w.env.env, &terms, key, &g->bert->t.card.seal_key,
        &g->anna->t.desk.signer, &grant, NULL));
    exchange_smuggle(
        &g->w, VELD_FRAME_GRANT, &g->case_id, &g->bert->t.card.device, veld_buf_span(&grant));
    exchange_until_quiet(g->bert);
    assert_int_equal(glass_held(g, "grants"), 0);
    assert_false(glass_has_keys(g, g->bert));
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_NONE);
    assert_int_equal(glass_break(g, NULL), VELD_E_NOT_FOUND);
    veld_store_case_close(keys);
    veld_buf_release(&grant);
}

static void make_grant(glass_world *g, uint32_t epoch, uint64_t serial, veld_buf *out)
{
    veld_span key;
    veld_store_case *keys;
    const veld_grant_terms terms = {.case_id = g->case_id,
        .epoch = epoch,
        .recipient = g->bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = INT64_MAX,
        .serial = serial};
    veld_buf_init(out, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_store_case_open(g->w.merger.t.store, &g->case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, epoch, &key, NULL));
    assert_ok(veld_grant_make(&g->w.env.env, &terms, key, &g->bert->t.card.seal_key,
        &g->w.merger.t.desk.signer, out, NULL));
    veld_store_case_close(keys);
}

/* Of what was given together, the later part may come first. */
static void keys_of_all_epochs_are_held_in_whatever_order_they_come(void **state)
{
    glass_world *const g = *state;
    uint32_t epoch;
    veld_span key;
    veld_store_case *keys;
    veld_buf grants[3];
    const veld_id *device = &g->bert->t.card.device;
    const uint64_t serial = INT64_MAX - 9;
    assert_ok(veld_sync_post_epoch(
        g->w.merger.sync, &g->case_id, &g->anna->t.card.device, 1, &epoch, NULL));
    exchange_all_quiet(&g->w);
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Bakker\"");
    exchange_all_quiet(&g->w);
    make_grant(g, 2, serial + 2, &grants[0]);
    make_grant(g, 1, serial + 1, &grants[1]); /* given with that one */
    make_grant(g, 2, serial, &grants[2]);     /* and this one before both */
    for (size_t i = 0; i < 3; i++) {
        exchange_smuggle(&g->w, VELD_FRAME_GRANT, &g->case_id, device, veld_buf_span(&grants[i]));
        exchange_until_quiet(g->bert);
        veld_buf_release(&grants[i]);
    }
    assert_int_equal(glass_held(g, "grants"), 2);
    assert_ok(glass_break(g, NULL));
    assert_ok(veld_store_case_open(g->bert->t.store, &g->case_id, &keys, NULL));
    assert_ok(veld_store_case_key(keys, 1, &key, NULL));
    assert_ok(veld_store_case_key(keys, 2, &key, NULL));
    veld_store_case_close(keys);
}

/* What the agency gave, as it lies in the journal. */
static void given_to_bert(glass_world *g, veld_grant *grant, veld_buf *bytes)
{
    veld_buf_init(bytes, VELD_GRANT_BYTES_MAX);
    for (size_t i = 0; i < g->w.journal.count; i++) {
        const veld_buf *body = &g->w.journal.entries[i].bytes;
        if (g->w.journal.entries[i].item.kind != VELD_FRAME_GRANT ||
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

static veld_status told(glass_world *g, exchange_party *to, const veld_buf *grant)
{
    to->refusal = VELD_OK;
    exchange_smuggle(
        &g->w, VELD_FRAME_GRANT, &g->case_id, &to->t.card.device, veld_buf_span(grant));
    exchange_until_quiet(to);
    return to->refusal;
}

/* A right one, moved: to another case, device or epoch. Each has its own status, and none is held.
 */
static void an_emergency_grant_that_was_moved_opens_nothing(void **state)
{
    glass_world *const g = *state;
    veld_id nobody;
    veld_grant grant;
    veld_buf right, moved;
    const veld_id other = exchange_found(g->anna, &nobody);
    exchange_all_quiet(&g->w);
    glass_give_bert(g);
    given_to_bert(g, &grant, &right);
    size_t held = glass_held(g, "grants");
    assert_int_equal(held, 1);
    veld_buf_init(&moved, VELD_GRANT_BYTES_MAX);
    /* as it is, to another device */
    assert_int_equal(told(g, g->carla, &right), VELD_E_NOT_ALLOWED);
    /* its words changed: case, recipient, epoch */
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    replace(&moved, g->case_id.bytes, other.bytes, sizeof other.bytes);
    assert_int_equal(told(g, g->bert, &moved), VELD_E_FORGED);
    veld_buf_clear(&moved);
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    replace(&moved, g->bert->t.card.device.bytes, g->carla->t.card.device.bytes, VELD_ID_BYTES);
    assert_int_equal(told(g, g->carla, &moved), VELD_E_FORGED);
    veld_buf_clear(&moved);
    assert_ok(veld_buf_append_span(&moved, veld_buf_span(&right)));
    assert_int_equal(grant.terms.epoch, 1);
    const uint8_t now[] = {2, 1, 3, 0x50}, later[] = {2, 2, 3, 0x50}; /* epoch, then key check */
    replace(&moved, now, later, sizeof now);
    assert_int_equal(told(g, g->bert, &moved), VELD_E_FORGED);
    assert_int_equal(glass_held(g, "grants"), held);
    assert_false(glass_has_keys(g, g->bert));
    assert_false(glass_has_keys(g, g->carla));
    veld_buf_release(&right);
    veld_buf_release(&moved);
}

/* A key that is not the one of the case: the act stands, and nothing is read. */
static void a_wrong_key_opens_nothing(void **state)
{
    glass_world *const g = *state;
    static const uint8_t other[VELD_SEAL_KEY_BYTES] = {5};
    veld_buf grant;
    const veld_grant_terms terms = {.case_id = g->case_id,
        .epoch = 1,
        .recipient = g->bert->t.card.device,
        .purpose = VELD_GRANT_BREAK_GLASS,
        .lease_end_utc_ms = INT64_MAX,
        .serial = 1};
    veld_buf_init(&grant, VELD_GRANT_BYTES_MAX);
    assert_ok(veld_grant_make(&g->w.env.env, &terms, veld_span_of(other, sizeof other),
        &g->carla->t.card.seal_key, &g->w.merger.t.desk.signer, &grant, NULL));
    exchange_smuggle(
        &g->w, VELD_FRAME_GRANT, &g->case_id, &g->bert->t.card.device, veld_buf_span(&grant));
    exchange_until_quiet(g->bert);
    assert_int_equal(
        glass_held(g, "grants"), 1); /* sealed to another key: told when it is opened */
    assert_int_equal(glass_break(g, NULL), VELD_E_FORGED);
    assert_int_equal(glass_lines(g, g->bert), 1);
    assert_false(glass_has_keys(g, g->bert));
    veld_buf_release(&grant);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, glass_open, glass_close)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(one_that_is_over_opens_nothing),
        WITH_WORLD(who_was_withdrawn_has_nothing_left),
        WITH_WORLD(a_changed_or_moved_grant_is_not_held),
        WITH_WORLD(keys_of_all_epochs_are_held_in_whatever_order_they_come),
        WITH_WORLD(an_emergency_grant_that_was_moved_opens_nothing),
        WITH_WORLD(a_wrong_key_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
