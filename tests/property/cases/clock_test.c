/* Clocks that are wrong by anything, on devices that save and hand over as they like: no write is
 * refused for its clock, the hybrid clock of a change is above those of its parents, and who saw a
 * value and wrote another is the one who is shown. */
#include "veld_test.h"

#include <string.h>

#include "test_desk.h"
#include "veldkit/policy.h"

enum { DESKS = 3, STEPS = 240, CHANGE_BYTES_MAX = 1 << 20 };

static test_keys keys;
static test_desk desks[DESKS];
static veld_anchor anchors[DESKS];
static veld_case *cases[DESKS];
static veld_id person;

static int open_desks(void **state)
{
    (void)state;
    static const char *const names[DESKS] = {"Anna", "Bert", "Cees"};
    for (size_t i = 0; i < DESKS; i++) {
        test_desk_open(&desks[i], &keys, 31 + i, names[i]);
        desks[i].desk.anchor = &anchors[i];
    }
    return 0;
}

static int close_desks(void **state)
{
    (void)state;
    for (size_t i = 0; i < DESKS; i++) {
        veld_case_close(cases[i]);
        test_desk_close(&desks[i]);
    }
    return 0;
}

/* The clock jumps anywhere between the years 1 and 9998; now and then a server time was seen. */
static void jump(test_env *dice, size_t desk)
{
    static const int64_t year_ms = INT64_C(31556952000);
    veld_now *now = &desks[desk].world.now;
    now->monotonic_ms += (int64_t)test_env_number(dice, 5000);
    if (test_env_number(dice, 3) == 0)
        now->wall_utc_ms = ((int64_t)test_env_number(dice, 9998) - 1969) * year_ms;
    if (test_env_number(dice, 5) == 0) {
        anchors[desk].server_utc_ms = INT64_C(1772438400000) + now->monotonic_ms;
        anchors[desk].monotonic_ms = now->monotonic_ms;
    }
}

static void check_above_parents(veld_case *opened, const veld_change *change)
{
    veld_arena arena;
    veld_arena_init(&arena, CHANGE_BYTES_MAX);
    for (size_t i = 0; i < change->parents_count; i++) {
        veld_change parent;
        assert_ok(veld_case_change(opened, &change->parents[i].id, &arena, &parent, NULL));
        assert_true(change->time.hybrid_ms > parent.time.hybrid_ms ||
                    (change->time.hybrid_ms == parent.time.hybrid_ms &&
                        change->time.hybrid_count > parent.time.hybrid_count));
    }
    veld_arena_release(&arena);
}

static void save(size_t desk, uint64_t value)
{
    char json[16];
    veld_hash id;
    veld_arena arena;
    veld_change change;
    veld_reading reading;
    snprintf(json, sizeof json, "\"naam %u\"", (unsigned)value);
    veld_edit edit = test_edit_set(&person, "person", "name", json);
    assert_ok(veld_case_save(cases[desk], &edit, 1, &id, NULL));
    veld_arena_init(&arena, CHANGE_BYTES_MAX);
    if (!veld_hash_is_zero(&id)) {
        assert_ok(veld_case_change(cases[desk], &id, &arena, &change, NULL));
        check_above_parents(cases[desk], &change);
    }
    const veld_state_record *record =
        veld_state_record_get(veld_case_state(cases[desk]), veld_span_text("person"), &person);
    veld_outlook outlook =
        veld_outlook_of(veld_case_state(cases[desk]), desks[desk].schemas, &arena);
    assert_ok(
        veld_policy_read(&outlook, veld_state_field_get(record, veld_span_text("name")), &reading));
    assert_true(veld_span_equal(reading.effective, veld_span_text(json)));
    veld_arena_release(&arena);
}

/* All that `from` has, to `to`: some of it for the second time. */
static void hand_over(size_t from, size_t to)
{
    size_t count;
    veld_taken taken;
    veld_arena arena;
    veld_arena_init(&arena, 64 << 20);
    const veld_node *const *order = veld_graph_order(veld_case_graph(cases[from]), &count);
    veld_change *changes = veld_arena_get(&arena, count, sizeof *changes);
    assert_non_null(changes);
    for (size_t i = 0; i < count; i++)
        assert_ok(veld_case_change(cases[from], &order[i]->id, &arena, &changes[i], NULL));
    assert_ok(veld_case_take(cases[to], changes, count, &taken, NULL));
    assert_int_equal(taken.added + taken.known, count);
    assert_int_equal(taken.other_tree, 0);
    veld_arena_release(&arena);
}

static void found(void)
{
    veld_id case_id, root;
    veld_span key;
    assert_ok(veld_founder_new_id(
        &desks[0].world.env, veld_store_device(desks[0].store), &case_id, NULL));
    assert_ok(veld_id_new(&desks[0].world.env, &root, NULL));
    assert_ok(veld_id_new(&desks[0].world.env, &person, NULL));
    veld_edit edits[] = {
        test_edit_set(&root, "case", "title", "\"Gezin Test\""),
        test_edit_set(&person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&desks[0].desk, &case_id, edits, 2, &cases[0], NULL));
    assert_ok(veld_store_case_key(veld_case_keys(cases[0]), 1, &key, NULL));
    for (size_t i = 1; i < DESKS; i++) {
        assert_ok(veld_store_put_case_key(desks[i].store, &case_id, 1, key, NULL));
        assert_ok(veld_case_open(&desks[i].desk, &case_id, &cases[i], NULL));
        hand_over(0, i);
    }
}

static void no_clock_refuses_a_write_or_orders_what_was_seen(void **state)
{
    (void)state;
    test_env dice;
    test_env_init(&dice, 9999);
    found();
    for (size_t step = 0; step < STEPS; step++) {
        size_t one = test_env_number(&dice, DESKS);
        jump(&dice, one);
        if (test_env_number(&dice, 4) == 0)
            hand_over(test_env_number(&dice, DESKS), one);
        else
            save(one, test_env_number(&dice, 1000));
    }
}

/* Somebody says that it is the last moment of all, and that it was counted to the end. */
static void the_end_of_all_time_stops_nobody(void **state)
{
    (void)state;
    desks[0].world.now.wall_utc_ms = VELD_CHANGE_TIME_MS_MAX - 2 * 24 * 3600 * 1000;
    anchors[0] = (veld_anchor){0};
    for (uint64_t i = 0; i < 3; i++)
        save(0, 2000 + i);
    for (size_t i = 1; i < DESKS; i++) {
        hand_over(0, i);
        save(i, 3000 + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_clock_refuses_a_write_or_orders_what_was_seen),
        cmocka_unit_test(the_end_of_all_time_stops_nobody),
    };
    return cmocka_run_group_tests(tests, open_desks, close_desks);
}
