/* Breaking the glass: nothing of the case can be read before the act is on the disk, and it ends by
 * itself. */
#include "veld_test.h"

#include "glass_world.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"

static void it_is_held_unread_until_somebody_breaks_the_glass(void **state)
{
    glass_world *const g = *state;
    int64_t until;
    veld_buf summary;
    glass_give_bert(g);
    assert_false(glass_has_keys(g, g->bert));
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY);
    assert_int_equal(g->bert->events[VELD_SYNC_REFUSED], 0);
    veld_buf_init(&summary, 4096);
    assert_int_equal(
        veld_store_get_summary(g->bert->t.store, &g->case_id, &summary, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&summary);
    assert_int_equal(glass_held(g, "grants"), 1);
    /* what others write meanwhile comes too */
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Bakker\"");
    exchange_all_quiet(&g->w);
    assert_ok(glass_break(g, &until));
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
    assert_true(glass_is_same(g, g->anna, g->bert));
    assert_int_equal(glass_lines(g, g->bert), 1);
    exchange_all_quiet(&g->w);
    assert_int_equal(glass_records(g, g->anna), 1);
    assert_int_equal(glass_records(g, &g->w.merger), 1);
    assert_int_equal(glass_lines(g, &g->w.merger), 1);
    assert_true(glass_is_same(g, g->anna, g->bert));
    /* once more is no second act and no longer time */
    int64_t again;
    glass_pass(g, HOUR_MS);
    assert_ok(glass_break(g, &again));
    assert_int_equal(again, until);
    assert_int_equal(glass_lines(g, g->bert), 0); /* the agency has the first */
}

static void it_ends_by_itself_and_is_sealed_again(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    exchange_save(g->bert, &g->case_id, &g->person, "\"Mina, gezien\"");
    glass_pass(g, VELD_EMERGENCY_MS - 1000);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
    glass_pass(g, 1000);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
    /* unsent work keeps its keys, and a clock that goes back gives no time */
    assert_ok(veld_glass_close_over(&g->bert->t.desk, NULL, NULL));
    assert_true(glass_has_keys(g, g->bert));
    g->bert->t.world.now.wall_utc_ms -= 2 * HOUR_MS;
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
    exchange_all_quiet(&g->w);
    assert_int_equal(exchange_unsent(g->bert), 0);
    assert_ok(veld_glass_close_over(&g->bert->t.desk, NULL, NULL));
    assert_false(glass_has_keys(g, g->bert));
    /* the next who needs it says why again, and sees all, own work too */
    assert_ok(glass_break(g, NULL));
    assert_true(glass_is_same(g, g->anna, g->bert));
    exchange_all_quiet(&g->w);
    assert_int_equal(glass_lines(g, &g->w.merger), 2);
    assert_int_equal(glass_records(g, g->anna), 2);
}

/* The case begins on the tablet with a checkpoint: of what came before there are no changes. */
static void a_case_that_begins_at_a_checkpoint_is_sealed_again_too(void **state)
{
    glass_world *const g = *state;
    g->w.checkpoint_min = 2;
    exchange_party_restart(&g->w.merger);
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina B.\"");
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Bakker\"");
    exchange_all_quiet(&g->w);
    glass_give_bert(g);
    for (int i = 0; i < 2; i++) {
        assert_ok(glass_break(g, NULL));
        exchange_all_quiet(&g->w);
        exchange_save(
            g->bert, &g->case_id, &g->person, i == 0 ? "\"Mina, gezien\"" : "\"Mina, weer\"");
        exchange_all_quiet(&g->w);
        assert_true(glass_is_same(g, g->anna, g->bert));
        glass_pass(g, VELD_EMERGENCY_MS);
        assert_ok(veld_glass_close_over(&g->bert->t.desk, NULL, NULL));
        assert_false(glass_has_keys(g, g->bert));
        exchange_save(g->anna, &g->case_id, &g->person, i == 0 ? "\"Later\"" : "\"Nog later\"");
        exchange_all_quiet(&g->w);
    }
    assert_ok(glass_break(g, NULL));
    exchange_all_quiet(&g->w);
    assert_true(glass_is_same(g, g->anna, g->bert));
}

static void it_is_renewed_for_who_may_still_open_it(void **state)
{
    glass_world *const g = *state;
    uint32_t epoch;
    const veld_id keep[] = {g->anna->t.card.device, g->bert->t.card.device};
    glass_give_bert(g);
    assert_ok(veld_sync_post_epoch(g->w.merger.sync, &g->case_id, keep, 2, &epoch, NULL));
    exchange_all_quiet(&g->w);
    exchange_save(g->anna, &g->case_id, &g->person, "\"Onder de nieuwe sleutel\"");
    exchange_all_quiet(&g->w);
    assert_false(glass_has_keys(g, g->bert));
    assert_int_equal(glass_held(g, "grants"), 2);
    glass_give_bert(g); /* again: of each epoch the later grant */
    assert_int_equal(glass_held(g, "grants"), 2);
    assert_ok(glass_break(g, NULL));
    assert_true(glass_is_same(g, g->anna, g->bert));
}

static void an_opened_case_goes_on(void **state)
{
    glass_world *const g = *state;
    uint32_t epoch;
    const veld_id keep[] = {g->anna->t.card.device, g->bert->t.card.device};
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    assert_ok(veld_sync_post_epoch(g->w.merger.sync, &g->case_id, keep, 2, &epoch, NULL));
    exchange_all_quiet(&g->w);
    exchange_save(g->anna, &g->case_id, &g->person, "\"Later\"");
    exchange_all_quiet(&g->w);
    assert_true(glass_is_same(g, g->anna, g->bert));
    assert_int_equal(g->bert->events[VELD_SYNC_REFUSED], 0);
}

static void who_is_assigned_after_all_has_it(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Bakker\"");
    exchange_all_quiet(&g->w);
    glass_give(g, g->bert, VELD_GRANT_ASSIGNED, 0);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
    assert_true(glass_is_same(g, g->anna, g->bert));
    assert_int_equal(glass_held(g, "grants") + glass_held(g, "envelopes"), 0);
    assert_int_equal(glass_break(g, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(glass_lines(g, g->bert), 0);
}

/* Memory that runs out at any step: nothing is opened without the act. */
static void no_key_is_used_before_the_act_is_durable(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    for (uint64_t at = 1;; at += at) {
        (void)test_fail_allocation(at, false);
        veld_status status = glass_break(g, NULL);
        (void)test_fail_allocation(0, false);
        assert_int_equal(exchange_unsent(g->bert), 0);
        if (glass_has_keys(g, g->bert))
            assert_int_equal(glass_lines(g, g->bert), 1);
        if (status == VELD_OK)
            break;
        glass_restart(g);
    }
    assert_int_equal(glass_lines(g, g->bert), 1);
    exchange_all_quiet(&g->w);
    assert_int_equal(glass_records(g, g->anna), 1);
}

static size_t changes_of(glass_world *g, exchange_party *p)
{
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &g->case_id, &opened, NULL));
    size_t count = veld_graph_count(veld_case_graph(opened));
    veld_case_close(opened);
    return count;
}

/* A relay that tells tablets of late work: in an emergency too it waits for the office, and what
 * the office took in of the same tablet is there. */
static void late_work_of_a_revoked_tablet_is_not_joined(void **state)
{
    glass_world *const g = *state;
    int64_t until;
    size_t cases;
    veld_directory_entry entry;
    glass_give_bert(g);
    exchange_assign(&g->w, &g->case_id, g->carla);
    exchange_all_quiet(&g->w);
    exchange_save(g->carla, &g->case_id, &g->person, "\"Mina in time\"");
    exchange_all_quiet(&g->w);
    assert_ok(veld_directory_find(g->w.merger.t.store, &g->carla->t.card.device, &entry, NULL));
    assert_ok(veld_sync_revoke(g->w.merger.sync, &entry, false, &cases, NULL));
    exchange_until_quiet(&g->w.merger);
    exchange_until_quiet(g->bert);
    exchange_save(g->carla, &g->case_id, &g->person, "\"Mina late\"");
    exchange_until_quiet(g->carla); /* the relay takes her for one of the agency's */
    exchange_until_quiet(g->bert);
    assert_ok(glass_break(g, &until));
    assert_int_equal(changes_of(g, g->bert), 2);
    exchange_all_quiet(&g->w);
    assert_int_equal(changes_of(g, g->bert), 3); /* and what bert said of the emergency himself */
    assert_int_equal(glass_records(g, g->bert), 1);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, glass_open, glass_close)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(it_is_held_unread_until_somebody_breaks_the_glass),
        WITH_WORLD(it_ends_by_itself_and_is_sealed_again),
        WITH_WORLD(a_case_that_begins_at_a_checkpoint_is_sealed_again_too),
        WITH_WORLD(it_is_renewed_for_who_may_still_open_it),
        WITH_WORLD(an_opened_case_goes_on),
        WITH_WORLD(who_is_assigned_after_all_has_it),
        WITH_WORLD(no_key_is_used_before_the_act_is_durable),
        WITH_WORLD(late_work_of_a_revoked_tablet_is_not_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
