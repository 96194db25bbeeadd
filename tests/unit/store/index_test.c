/* The index: order, search, what a snapshot covers, and what it must never hide. */
#include "veld_test.h"

#include <sqlite3.h>
#include <string.h>

#include "store_world.h"
#include "veldkit/index.h"

static store_world world;

typedef struct seen {
    veld_index_entry entries[8];
    size_t count;
} seen;

static veld_status note(void *context, const veld_index_entry *entry)
{
    seen *list = context;
    assert_true(list->count < 8);
    list->entries[list->count] = *entry;
    list->entries[list->count++].title = (veld_span){0};
    return VELD_OK;
}

static void put(
    veld_index *index, const veld_id *id, const char *title, int64_t updated, const char *text)
{
    veld_index_entry entry = {.case_id = *id,
        .title = veld_span_text(title),
        .records = 3,
        .updated_utc_ms = updated,
        .text = veld_span_text(text)};
    assert_ok(veld_index_put(index, &entry, NULL));
}

static size_t search(veld_index *index, const char *query, veld_id *first)
{
    seen list = {0};
    assert_ok(veld_index_search(index, veld_span_text(query), 8, note, &list, NULL));
    if (list.count > 0 && first != NULL)
        *first = list.entries[0].case_id;
    return list.count;
}

static void an_unsent_change(const veld_store_case *opened, uint64_t number)
{
    veld_hash id = world_hash(number);
    assert_ok(veld_store_put_change(
        world.store, opened, &id, veld_span_text("body"), VELD_STORE_UNSENT, NULL, NULL));
}

static void entries_are_listed_and_found(void **state)
{
    (void)state;
    veld_index *index = NULL;
    veld_id a = {{1}}, b = {{2}}, found;
    seen list = {0};
    assert_ok(veld_index_open(world.store, &index, NULL));
    put(index, &a, "Zomerlaan", 100, "caf\xc3\xa9 na de middag");
    put(index, &b, "achterhuis", 200, "buurvrouw belde");
    assert_ok(veld_index_list(index, VELD_INDEX_BY_UPDATE, note, &list, NULL));
    assert_int_equal(list.count, 2);
    assert_true(veld_id_equal(&list.entries[0].case_id, &b));
    list.count = 0;
    put(index, &a, "Zomerlaan", 300, "cafe\xcc\x81 na de middag");
    assert_ok(veld_index_list(index, VELD_INDEX_BY_UPDATE, note, &list, NULL));
    assert_int_equal(list.count, 2);
    assert_true(veld_id_equal(&list.entries[0].case_id, &a));
    assert_int_equal(list.entries[0].records, 3);
    list.count = 0;
    assert_ok(veld_index_list(index, VELD_INDEX_BY_TITLE, note, &list, NULL));
    assert_true(veld_id_equal(&list.entries[0].case_id, &b));

    assert_int_equal(search(index, "buurv", &found), 1);
    assert_true(veld_id_equal(&found, &b));
    assert_int_equal(search(index, "CAFE midd", &found), 1);
    assert_true(veld_id_equal(&found, &a));
    assert_int_equal(search(index, "cafe buurvrouw", NULL), 0);
    static const char *const wordless[] = {"", " ", "\"", "*", "() ^ - :"};
    for (size_t i = 0; i < sizeof wordless / sizeof wordless[0]; i++)
        assert_int_equal(search(index, wordless[i], NULL), 0);
    assert_int_equal(search(index, "\"buurvrouw\" OR", NULL), 0);
    assert_int_equal(search(index, "NEAR(buurvrouw", NULL), 0);
    assert_ok(veld_index_remove(index, &b, NULL));
    assert_ok(veld_index_remove(index, &b, NULL));
    assert_int_equal(search(index, "buurvrouw", NULL), 0);
    veld_index_close(index);
}

static void a_snapshot_spares_what_did_not_change(void **state)
{
    (void)state;
    veld_index *index = NULL;
    veld_id ids[2], found;
    size_t count;
    seen list = {0};
    veld_store_case *a = world_case(&world, &ids[0]), *b = world_case(&world, &ids[1]);
    an_unsent_change(a, 1);
    an_unsent_change(b, 2);
    assert_ok(veld_index_open(world.store, &index, NULL));
    veld_index_dirty(index, &count);
    assert_int_equal(count, 2);
    assert_int_equal(veld_index_save(index, world.store, NULL), VELD_E_STALE);
    put(index, &ids[0], "eerste", 1, "woorden");
    put(index, &ids[1], "tweede", 2, "woorden");
    veld_index_dirty(index, &count);
    assert_int_equal(count, 0);
    assert_ok(veld_index_save(index, world.store, NULL));
    veld_index_close(index);

    an_unsent_change(b, 3);
    veld_hash sent = world_hash(1);
    assert_ok(veld_store_mark_sent(world.store, &sent, 1, NULL));
    assert_ok(veld_index_open(world.store, &index, NULL));
    const veld_id *dirty = veld_index_dirty(index, &count);
    assert_int_equal(count, 1);
    assert_true(veld_id_equal(dirty, &ids[1]));
    assert_ok(veld_index_list(index, VELD_INDEX_BY_UPDATE, note, &list, NULL));
    assert_int_equal(list.count, 2);
    assert_int_equal(list.entries[0].unsent, 2); /* counted now, not when it was saved */
    assert_int_equal(list.entries[1].unsent, 0);
    assert_int_equal(search(index, "eerste", &found), 1);
    assert_true(veld_id_equal(&found, &ids[0]));
    put(index, &ids[1], "tweede opnieuw", 3, "anders");
    assert_int_equal(search(index, "woorden", NULL), 1);
    assert_ok(veld_index_save(index, world.store, NULL));
    veld_index_close(index);

    /* A summary alone, and a case without a change, count as changed too. */
    assert_ok(veld_store_put_summary(world.store, &ids[0], veld_span_text("s"), NULL));
    assert_ok(veld_index_open(world.store, &index, NULL));
    dirty = veld_index_dirty(index, &count);
    assert_int_equal(count, 1);
    assert_true(veld_id_equal(dirty, &ids[0]));
    veld_index_close(index);
    veld_store_case_close(a);
    veld_store_case_close(b);

    assert_ok(veld_store_erase_case(world.store, &ids[0], NULL));
    assert_ok(veld_index_open(world.store, &index, NULL));
    assert_int_equal(search(index, "eerste", NULL), 0);
    veld_index_dirty(index, &count);
    assert_int_equal(count, 1);
    veld_index_close(index);
}

static void a_damaged_snapshot_is_as_good_as_none(void **state)
{
    (void)state;
    static const char *const damages[] = {"UPDATE snapshot SET body = zeroblob(90) WHERE part = 1",
        "UPDATE snapshot SET body = zeroblob(74) WHERE part = 0",
        "UPDATE snapshot SET body = x'' WHERE part = 1", "DELETE FROM snapshot WHERE part = 1"};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        veld_index *index = NULL;
        sqlite3 *db = NULL;
        const veld_id *dirty;
        size_t count, all;
        assert_ok(veld_index_open(world.store, &index, NULL));
        while (dirty = veld_index_dirty(index, &count), count > 0) {
            veld_id id = dirty[0];
            put(index, &id, "titel", 1, "x");
        }
        assert_ok(veld_index_save(index, world.store, NULL));
        veld_index_close(index);
        veld_store_close(world.store);
        world.store = NULL;
        assert_int_equal(sqlite3_open(world_path(&world, "store.db"), &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, damages[i], NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        world_restart(&world);
        assert_ok(veld_index_open(world.store, &index, NULL));
        veld_index_dirty(index, &all);
        assert_true(all > 0);
        veld_index_close(index);
    }
}

static int set_up(void **state)
{
    (void)state;
    world_setup(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_teardown(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_listed_and_found),
        cmocka_unit_test(a_snapshot_spares_what_did_not_change),
        cmocka_unit_test(a_damaged_snapshot_is_as_good_as_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
