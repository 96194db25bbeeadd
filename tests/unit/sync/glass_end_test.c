/* The four hours end, whatever the clock says and whatever became of the rows, and one that cannot
 * be closed stops no other. */
#include "veld_test.h"

#include "glass_world.h"
#include "veldkit/break_glass.h"
#include "veldkit/emergency.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

/* ---- clocks that lie ---- */

static int64_t server_time(glass_world *g)
{
    return g->w.env.now.wall_utc_ms;
}

static int64_t kept_until(glass_world *g)
{
    veld_emergency row;
    assert_int_not_equal(glass_state(g, g->bert), VELD_LEASE_NONE); /* by which it is corrected */
    assert_ok(veld_emergency_get(g->bert->t.store, &g->case_id, &row, NULL));
    return row.until_utc_ms;
}

static void restart_tablet(glass_world *g, uint8_t boot)
{
    g->bert->anchor.boot_now = (veld_id){{boot}};
}

/* After a restart without network the clock is all there is. Who sets it forward and breaks the
 * glass has four hours all the same, from when she did. */
static void a_clock_that_was_ahead_gives_no_longer_time(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    restart_tablet(g, 9);
    const int64_t ahead_ms = 60 * HOUR_MS, begun = server_time(g);
    g->bert->t.world.now.wall_utc_ms += ahead_ms;
    assert_ok(glass_break(g, NULL));
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
    glass_pass(g, HOUR_MS);
    g->bert->t.world.now.wall_utc_ms -= ahead_ms;
    exchange_until_quiet(g->bert);
    assert_in_range(kept_until(g), begun, begun + VELD_EMERGENCY_MS + 60 * 1000);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
    glass_pass(g, 3 * HOUR_MS + 120 * 1000);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
    exchange_all_quiet(&g->w);
    assert_ok(veld_glass_close_over(&g->bert->t.desk, NULL, NULL));
    assert_false(glass_has_keys(g, g->bert));
}

/* Restarted again before the first contact, nobody knows when it was: four hours from contact. */
static void after_another_restart_time_counts_from_contact(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    restart_tablet(g, 9);
    g->bert->t.world.now.wall_utc_ms += 60 * HOUR_MS;
    assert_ok(glass_break(g, NULL));
    restart_tablet(g, 10);
    g->bert->t.world.now.wall_utc_ms -= 60 * HOUR_MS;
    exchange_until_quiet(g->bert);
    const int64_t contact = server_time(g);
    assert_in_range(kept_until(g), contact, contact + VELD_EMERGENCY_MS + 60 * 1000);
    glass_pass(g, VELD_EMERGENCY_MS + 120 * 1000);
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
}

/* So little that it could be an honest clock, again and again: the monotonic clock runs on. */
static void a_clock_that_is_set_back_a_little_each_time_gives_no_longer_time(void **state)
{
    glass_world *const g = *state;
    const int64_t step_ms = 4 * 60 * 1000;
    glass_give_bert(g);
    restart_tablet(g, 9);
    assert_ok(glass_break(g, NULL));
    for (int64_t gone = 0; gone <= VELD_EMERGENCY_MS + step_ms; gone += step_ms) {
        if (gone < VELD_EMERGENCY_MS - step_ms)
            assert_int_equal(glass_state(g, g->bert), VELD_LEASE_VALID);
        glass_pass(g, step_ms);
        g->bert->t.world.now.wall_utc_ms -= step_ms;
    }
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
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

static told_trouble close_over(glass_world *g)
{
    told_trouble heard = {0};
    const veld_glass_trouble trouble = {.context = &heard, .tell = hear};
    assert_ok(veld_glass_close_over(&g->bert->t.desk, &trouble, NULL));
    return heard;
}

/* A row of the case that nobody can read any more. */
static void spoil(glass_world *g, exchange_party *p)
{
    size_t count;
    veld_case *opened;
    assert_ok(veld_case_open(&p->t.desk, &g->case_id, &opened, NULL));
    const veld_node *const *order = veld_graph_order(veld_case_graph(opened), &count);
    assert_true(count > 0);
    const veld_hash id = order[0]->id;
    assert_ok(veld_store_drop_changes(p->t.store, &id, 1, NULL));
    assert_ok(veld_store_put_change(
        p->t.store, veld_case_keys(opened), &id, veld_span_text("geen wijziging"), 0, NULL, NULL));
    veld_case_close(opened);
}

static uint64_t bytes_held(glass_world *g)
{
    veld_buf value;
    veld_buf_init(&value, 8);
    assert_ok(veld_store_get_value(
        g->bert->t.store, "glass.bytes", veld_id_span(&g->case_id), &value, NULL));
    assert_int_equal(value.len, 8);
    uint64_t bytes = veld_get_u64(value.data);
    veld_buf_release(&value);
    return bytes;
}

static void one_that_cannot_be_sealed_again_ends_and_stops_no_other(void **state)
{
    glass_world *const g = *state;
    veld_id somebody;
    const veld_id spoiled = g->case_id, other = exchange_found(g->anna, &somebody);
    exchange_all_quiet(&g->w);
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    exchange_save(g->bert, &g->case_id, &g->person, "\"Mina, gezien\"");
    g->case_id = other;
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    g->case_id = spoiled;
    exchange_all_quiet(&g->w);
    assert_int_equal(exchange_unsent(g->bert), 0);
    spoil(g, g->bert);
    glass_restart(g);
    glass_pass(g, VELD_EMERGENCY_MS);
    told_trouble heard = close_over(g);
    assert_int_equal(heard.dropped, 1);
    assert_int_equal(heard.left, 0);
    assert_true(veld_id_equal(&heard.case_id, &spoiled));
    assert_false(glass_has_keys(g, g->bert));
    g->case_id = other;
    assert_false(glass_has_keys(g, g->bert));
    g->case_id = spoiled;
    heard = close_over(g);
    assert_int_equal(heard.dropped + heard.left, 0);
    /* the relay brings it again, own work too, and no number of it is given twice */
    glass_restart(g);
    exchange_until_quiet(g->bert);
    assert_ok(glass_break(g, NULL));
    assert_true(glass_is_same(g, g->anna, g->bert));
    exchange_save(g->bert, &g->case_id, &g->person, "\"Mina, weer gezien\"");
    exchange_all_quiet(&g->w);
    assert_int_equal(exchange_unsent(g->bert), 0);
    assert_true(glass_is_same(g, g->anna, g->bert));
    assert_int_equal(g->anna->events[VELD_SYNC_FORK], 0);
}

/* Work that the agency does not have keeps the case here, unread. */
static void one_with_unsent_work_is_not_dropped(void **state)
{
    glass_world *const g = *state;
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    exchange_save(g->bert, &g->case_id, &g->person, "\"Mina, gezien\"");
    spoil(g, g->bert);
    glass_restart(g);
    glass_pass(g, VELD_EMERGENCY_MS);
    const told_trouble heard = close_over(g);
    assert_int_equal(heard.dropped, 0);
    assert_true(glass_has_keys(g, g->bert));
    assert_int_equal(glass_state(g, g->bert), VELD_LEASE_EMERGENCY_OVER);
}

/* So much may lie unread; what is in the case already is no part of it. */
static void what_was_read_is_sealed_again_however_much_it_is(void **state)
{
    glass_world *const g = *state;
    uint8_t number[8] = {0};
    const veld_span bytes = veld_span_of(number, sizeof number);
    glass_give_bert(g);
    assert_ok(glass_break(g, NULL));
    veld_put_u64(number, VELD_GLASS_BYTES_MAX);
    assert_ok(veld_store_put_value(
        g->bert->t.store, "glass.bytes", veld_id_span(&g->case_id), bytes, NULL));
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Bakker\"");
    exchange_all_quiet(&g->w);
    assert_int_equal(g->bert->events[VELD_SYNC_REFUSED], 0);
    assert_true(glass_is_same(g, g->anna, g->bert));
    glass_pass(g, VELD_EMERGENCY_MS);
    assert_int_equal(close_over(g).dropped, 0);
    assert_false(glass_has_keys(g, g->bert));
    assert_int_equal(bytes_held(g), 0);
    /* what comes to a case that is not read counts, and there is an end to it */
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina de Wit\"");
    exchange_all_quiet(&g->w);
    const uint64_t one = bytes_held(g);
    assert_true(one > 0 && one < 4096);
    veld_put_u64(number, VELD_GLASS_BYTES_MAX);
    assert_ok(veld_store_put_value(
        g->bert->t.store, "glass.bytes", veld_id_span(&g->case_id), bytes, NULL));
    exchange_save(g->anna, &g->case_id, &g->person, "\"Mina Zwart\"");
    exchange_all_quiet(&g->w);
    assert_int_equal(g->bert->events[VELD_SYNC_REFUSED], 1);
    assert_int_equal(g->bert->refusal, VELD_E_LIMIT);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, glass_open, glass_close)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_clock_that_was_ahead_gives_no_longer_time),
        WITH_WORLD(after_another_restart_time_counts_from_contact),
        WITH_WORLD(a_clock_that_is_set_back_a_little_each_time_gives_no_longer_time),
        WITH_WORLD(one_that_cannot_be_sealed_again_ends_and_stops_no_other),
        WITH_WORLD(one_with_unsent_work_is_not_dropped),
        WITH_WORLD(what_was_read_is_sealed_again_however_much_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
