/* The store: what was put comes back after a restart, each kind of thing keeps its rules, and every
 * refusal has its own status. */
#include "veld_test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_world.h"
#include "veldkit/limits.h"

static store_world world;

static veld_hash put(const veld_store_case *opened, uint64_t number, const char *body)
{
    veld_hash id = world_hash(number);
    veld_error err = {0};
    if (veld_store_put_change(world.store, opened, &id, veld_span_text(body), VELD_STORE_UNSENT,
            NULL, &err) != VELD_OK)
        fail_msg("%s", err.text);
    return id;
}

static void sql(const char *script)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(world_path(&world, "store.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, script, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void changes_come_back_in_order(void **state)
{
    (void)state;
    veld_id first, second;
    veld_store_case *a = world_case(&world, &first), *b = world_case(&world, &second);
    veld_hash one = put(a, 1, "one");
    put(b, 2, "two");
    put(a, 3, "three");
    assert_int_equal(
        veld_store_put_change(world.store, a, &one, veld_span_text("again"), 0, NULL, NULL),
        VELD_E_EXISTS);
    veld_store_case_close(a);
    veld_store_case_close(b);
    world_restart(&world);

    veld_store_cursor *cursor = NULL;
    veld_store_change change;
    uint64_t count = 0, last = 0;
    bool more;
    assert_ok(veld_store_case_open(world.store, &first, &a, NULL));
    assert_ok(veld_store_changes(world.store, a, 0, &cursor, NULL));
    assert_ok(veld_store_changes_next(cursor, &more, &change, NULL));
    assert_true(more && veld_hash_equal(&change.id, &one));
    assert_true(veld_span_equal(change.body, veld_span_text("one")));
    last = change.seq;
    assert_ok(veld_store_changes_next(cursor, &more, &change, NULL));
    assert_true(more && change.seq > last);
    assert_true(veld_span_equal(change.body, veld_span_text("three")));
    assert_ok(veld_store_changes_next(cursor, &more, &change, NULL));
    assert_false(more);
    veld_store_cursor_close(cursor);
    assert_ok(veld_store_changes(world.store, a, last, &cursor, NULL));
    assert_ok(veld_store_changes_next(cursor, &more, &change, NULL));
    assert_true(more && veld_span_equal(change.body, veld_span_text("three")));
    veld_store_cursor_close(cursor);

    veld_buf body;
    veld_hash none = world_hash(99);
    bool there;
    veld_buf_init(&body, 100);
    assert_ok(veld_store_get_change(world.store, a, &one, &body, NULL));
    assert_true(veld_span_equal(veld_buf_span(&body), veld_span_text("one")));
    assert_int_equal(veld_store_get_change(world.store, a, &none, &body, NULL), VELD_E_NOT_FOUND);
    veld_buf_release(&body);
    assert_ok(veld_store_has_change(world.store, &one, &there, NULL));
    assert_true(there);
    assert_ok(veld_store_has_change(world.store, &none, &there, NULL));
    assert_false(there);
    assert_ok(veld_store_count_changes(world.store, &first, &count, NULL));
    assert_int_equal(count, 2);
    assert_ok(veld_store_count_changes(world.store, NULL, &count, NULL));
    assert_int_equal(count, 3);
    veld_store_case_close(a);
}

static void the_outbox_empties_as_changes_are_sent(void **state)
{
    (void)state;
    veld_store_cursor *cursor = NULL;
    veld_store_unsent unsent;
    bool more;
    uint64_t count;
    veld_id id;
    veld_store_case *opened = world_case(&world, &id);
    veld_hash sent[] = {put(opened, 11, "a"), put(opened, 12, "b"), world_hash(77)};
    put(opened, 13, "c");
    assert_ok(veld_store_count_unsent(world.store, &id, &count, NULL));
    assert_int_equal(count, 3);
    assert_ok(veld_store_mark_sent(world.store, sent, 3, NULL));
    assert_ok(veld_store_count_unsent(world.store, &id, &count, NULL));
    assert_int_equal(count, 1);
    bool seen = false;
    assert_ok(veld_store_outbox(world.store, &cursor, NULL));
    for (;;) {
        assert_ok(veld_store_outbox_next(cursor, &more, &unsent, NULL));
        if (!more)
            break;
        veld_hash wanted = world_hash(13);
        seen =
            seen || (veld_hash_equal(&unsent.id, &wanted) && veld_id_equal(&unsent.case_id, &id));
    }
    assert_true(seen);
    veld_store_cursor_close(cursor);
    veld_store_case_close(opened);
}

static void a_transaction_is_all_or_nothing(void **state)
{
    (void)state;
    veld_id id, stranger = {{9}};
    veld_hash hash = world_hash(21);
    bool there;
    veld_store_case *opened = world_case(&world, &id);
    uint64_t before = veld_store_last_seq(world.store);
    assert_ok(veld_store_begin(world.store, NULL));
    put(opened, 21, "x");
    assert_ok(veld_store_put_summary(world.store, &id, veld_span_text("sum"), NULL));
    veld_store_rollback(world.store);
    assert_ok(veld_store_has_change(world.store, &hash, &there, NULL));
    assert_false(there);
    assert_int_equal(veld_store_last_seq(world.store), before);

    assert_ok(veld_store_begin(world.store, NULL));
    put(opened, 21, "x");
    assert_int_equal(veld_store_put_summary(world.store, &stranger, veld_span_text("sum"), NULL),
        VELD_E_NOT_FOUND);
    assert_ok(veld_store_commit(world.store, NULL));
    assert_ok(veld_store_has_change(world.store, &hash, &there, NULL));
    assert_true(there);

    /* A part that failed for another reason takes the whole with it. */
    assert_ok(veld_store_begin(world.store, NULL));
    put(opened, 22, "y");
    world.env.random_fails = true;
    hash = world_hash(23);
    assert_int_equal(
        veld_store_put_change(world.store, opened, &hash, veld_span_text("z"), 0, NULL, NULL),
        VELD_E_CRYPTO);
    world.env.random_fails = false;
    assert_int_equal(veld_store_commit(world.store, NULL), VELD_E_CRYPTO);
    hash = world_hash(22);
    assert_ok(veld_store_has_change(world.store, &hash, &there, NULL));
    assert_false(there);
    veld_store_case_close(opened);
}

static void rows_stay_readable_when_epochs_come(void **state)
{
    (void)state;
    veld_id id;
    veld_store_case *opened = world_case(&world, &id);
    const veld_sealer *sealer = NULL;
    veld_span key;
    uint8_t second[32] = {2}, fourth[32] = {4};
    put(opened, 31, "old");
    assert_ok(
        veld_store_put_case_key(world.store, &id, 4, veld_span_of(fourth, sizeof fourth), NULL));
    assert_ok(
        veld_store_put_case_key(world.store, &id, 2, veld_span_of(second, sizeof second), NULL));
    assert_int_equal(
        veld_store_put_case_key(world.store, &id, 2, veld_span_of(fourth, sizeof fourth), NULL),
        VELD_E_EXISTS);
    assert_int_equal(veld_store_case_epoch(opened), 1);
    veld_store_case_close(opened);
    assert_ok(veld_store_case_open(world.store, &id, &opened, NULL));
    assert_int_equal(veld_store_case_epoch(opened), 4);
    assert_ok(veld_store_case_key(opened, 2, &key, NULL));
    assert_memory_equal(key.data, second, sizeof second);
    assert_int_equal(veld_store_case_key(opened, 3, &key, NULL), VELD_E_NOT_FOUND);
    assert_ok(veld_store_case_message_sealer(opened, 4, &sealer, NULL));
    assert_non_null(sealer);
    veld_buf body;
    veld_hash hash = world_hash(31);
    veld_buf_init(&body, 100);
    assert_ok(veld_store_get_change(world.store, opened, &hash, &body, NULL));
    veld_buf_release(&body);
    veld_store_case_close(opened);
    veld_id stranger = {{9}};
    assert_int_equal(veld_store_case_open(world.store, &stranger, &opened, NULL), VELD_E_NOT_FOUND);
}

static void an_erased_case_leaves_nothing(void **state)
{
    (void)state;
    veld_id id;
    uint64_t count;
    veld_store_report report;
    veld_git_oid oid = {{5}};
    veld_buf out;
    veld_buf_init(&out, 100);
    veld_store_case *opened = world_case(&world, &id);
    put(opened, 41, "x");
    veld_store_draft draft = {.id = {{41}}, .case_id = id, .body = veld_span_text("d")};
    assert_ok(veld_store_put_draft(world.store, &draft, NULL));
    assert_ok(veld_store_put_object(world.store, opened, &oid, 3, veld_span_text("blob"), NULL));
    veld_store_case_close(opened);
    assert_ok(veld_store_erase_case(world.store, &id, NULL));
    assert_int_equal(veld_store_erase_case(world.store, &id, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(veld_store_case_open(world.store, &id, &opened, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(veld_store_get_summary(world.store, &id, &out, NULL), VELD_E_NOT_FOUND);
    assert_int_equal(
        veld_store_get_draft(world.store, &draft.id, NULL, &out, NULL), VELD_E_NOT_FOUND);
    assert_ok(veld_store_count_unsent(world.store, &id, &count, NULL));
    assert_int_equal(count, 0);
    assert_ok(veld_store_fsck(world.store, &report, NULL, NULL, NULL));
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.objects, 0);
}

static void drafts_values_and_objects_keep_their_rules(void **state)
{
    (void)state;
    veld_id id, found;
    uint8_t type;
    bool more, there;
    veld_buf out;
    veld_store_cursor *cursor = NULL;
    veld_store_draft draft = {.id = {{1}}, .body = veld_span_text("half a sent")}, seen;
    veld_store_value value;
    veld_git_oid oid = {{7}};
    veld_store_case *opened = world_case(&world, &id);
    veld_buf_init(&out, 100);

    assert_ok(veld_store_put_draft(world.store, &draft, NULL));
    draft.body = veld_span_text("half a sentence");
    draft.case_id = id;
    assert_ok(veld_store_put_draft(world.store, &draft, NULL));
    assert_ok(veld_store_get_draft(world.store, &draft.id, &found, &out, NULL));
    assert_true(veld_id_equal(&found, &id) && veld_span_equal(veld_buf_span(&out), draft.body));
    assert_ok(veld_store_drafts(world.store, &id, &cursor, NULL));
    assert_ok(veld_store_drafts_next(cursor, &more, &seen, NULL));
    assert_true(more && veld_id_equal(&seen.id, &draft.id));
    assert_ok(veld_store_drafts_next(cursor, &more, &seen, NULL));
    assert_false(more);
    veld_store_cursor_close(cursor);
    assert_ok(veld_store_delete_draft(world.store, &draft.id, NULL));
    assert_int_equal(veld_store_delete_draft(world.store, &draft.id, NULL), VELD_E_NOT_FOUND);

    veld_buf_clear(&out);
    assert_ok(veld_store_put_value(
        world.store, "cards", veld_span_text("anna"), veld_span_text("1"), NULL));
    assert_ok(veld_store_put_value(
        world.store, "settings", veld_span_text("anna"), veld_span_text("2"), NULL));
    assert_ok(veld_store_get_value(world.store, "cards", veld_span_text("anna"), &out, NULL));
    assert_true(veld_span_equal(veld_buf_span(&out), veld_span_text("1")));
    assert_ok(veld_store_values(world.store, "cards", &cursor, NULL));
    assert_ok(veld_store_values_next(cursor, &more, &value, NULL));
    assert_true(more && veld_span_equal(value.name, veld_span_text("anna")));
    assert_ok(veld_store_values_next(cursor, &more, &value, NULL));
    assert_false(more);
    veld_store_cursor_close(cursor);
    assert_ok(veld_store_delete_value(world.store, "cards", veld_span_text("anna"), NULL));
    assert_int_equal(veld_store_get_value(world.store, "cards", veld_span_text("anna"), &out, NULL),
        VELD_E_NOT_FOUND);

    veld_buf_clear(&out);
    assert_ok(veld_store_put_object(world.store, opened, &oid, 3, veld_span_text("blob"), NULL));
    assert_ok(veld_store_get_object(world.store, opened, &oid, &type, &out, NULL));
    assert_true(type == 3 && veld_span_equal(veld_buf_span(&out), veld_span_text("blob")));
    assert_ok(veld_store_purge_objects(world.store, NULL, NULL));
    assert_ok(veld_store_has_object(world.store, opened, &oid, &there, NULL));
    assert_false(there);
    veld_buf_release(&out);
    veld_store_case_close(opened);
}

static void a_second_owner_is_told_who_has_it(void **state)
{
    (void)state;
    veld_store *second = NULL;
    veld_error err;
    char pid[32];
    assert_int_equal(
        veld_store_open(&world.env.env, world.home, world.vault, &second, &err), VELD_E_BUSY);
    snprintf(pid, sizeof pid, "process %d ", (int)getpid());
    assert_non_null(strstr(err.text, pid));
}

static void a_newer_or_foreign_file_is_refused(void **state)
{
    (void)state;
    veld_store *store = NULL;
    veld_store_close(world.store);
    world.store = NULL;
    sql("PRAGMA user_version = 99");
    assert_int_equal(
        veld_store_open(&world.env.env, world.home, world.vault, &store, NULL), VELD_E_NEWER);
    sql("PRAGMA user_version = 4; PRAGMA application_id = 1");
    assert_int_equal(
        veld_store_open(&world.env.env, world.home, world.vault, &store, NULL), VELD_E_DAMAGED);
    sql("PRAGMA application_id = 1447777108");
    assert_int_equal(
        veld_store_create(&world.env.env, world.home, world.vault, &store, NULL), VELD_E_EXISTS);
    assert_int_equal(veld_store_open(&world.env.env, "/nonexistent", world.vault, &store, NULL),
        VELD_E_NOT_FOUND);

    store_world other;
    world_setup(&other);
    assert_int_equal(veld_store_open(&world.env.env, world.home, other.vault, &store, NULL),
        VELD_E_WRONG_DEVICE);
    world_teardown(&other);
    assert_null(store);
    world_restart(&world);
    assert_false(veld_store_was_renewed(world.store));
}

static void a_restored_file_takes_a_new_incarnation(void **state)
{
    (void)state;
    veld_id id;
    uint8_t before[VELD_INCARNATION_BYTES];
    veld_store_case *opened = world_case(&world, &id);
    world_restart(&world);
    veld_store_case_close(opened);
    memcpy(before, veld_store_incarnation(world.store), sizeof before);
    assert_ok(
        veld_store_put_value(world.store, "t", veld_span_text("a"), veld_span_text("1"), NULL));
    veld_store_close(world.store);
    world.store = NULL;
    world_copy(&world, "store.db", "kept");
    world_restart(&world);
    assert_false(veld_store_was_renewed(world.store));
    assert_memory_equal(before, veld_store_incarnation(world.store), sizeof before);
    assert_ok(
        veld_store_put_value(world.store, "t", veld_span_text("a"), veld_span_text("2"), NULL));
    veld_store_close(world.store);
    world.store = NULL;
    world_copy(&world, "kept", "store.db");
    world_restart(&world);
    assert_true(veld_store_was_renewed(world.store));
    assert_memory_not_equal(before, veld_store_incarnation(world.store), sizeof before);
    world_restart(&world);
    assert_false(veld_store_was_renewed(world.store));
    veld_store_close(world.store);
    world.store = NULL;
    unlink(world_path(&world, "continuity"));
    world_restart(&world);
    assert_true(veld_store_was_renewed(world.store));
    memcpy(before, veld_store_incarnation(world.store), sizeof before);
    assert_ok(veld_store_renew(world.store, NULL));
    assert_memory_not_equal(before, veld_store_incarnation(world.store), sizeof before);
}

static void the_device_keeps_its_keys(void **state)
{
    (void)state;
    veld_p256_public signing = veld_store_signing_key(world.store)->public_key;
    veld_p256_public seal = veld_store_seal_key(world.store)->public_key;
    assert_false(veld_p256_public_equal(&signing, &seal));
    world_restart(&world);
    assert_true(veld_p256_public_equal(&signing, &veld_store_signing_key(world.store)->public_key));
    assert_true(veld_p256_public_equal(&seal, &veld_store_seal_key(world.store)->public_key));
}

static void count_finding(void *context, const char *text)
{
    assert_non_null(text);
    ++*(int *)context;
}

static void fsck_finds_what_was_changed_behind_our_back(void **state)
{
    (void)state;
    veld_store_report report;
    int findings = 0;
    veld_id id;
    veld_store_case *opened = world_case(&world, &id);
    put(opened, 51, "x");
    put(opened, 52, "y");
    veld_store_case_close(opened);
    assert_ok(veld_store_fsck(world.store, &report, count_finding, &findings, NULL));
    assert_int_equal(report.damaged, 0);
    assert_int_equal(findings, 0);
    veld_store_close(world.store);
    world.store = NULL;
    /* Two bodies that change places, and a row that belongs to nobody. */
    sql("CREATE TEMP TABLE t AS SELECT seq, body FROM changes ORDER BY seq DESC LIMIT 2;"
        "UPDATE changes SET body = (SELECT body FROM t WHERE t.seq <> changes.seq)"
        " WHERE seq IN (SELECT seq FROM t);"
        "INSERT INTO changes(seq, id, kase, body) VALUES(1000000, x'00', x'01', x'02');");
    world_restart(&world);
    assert_ok(veld_store_fsck(world.store, &report, count_finding, &findings, NULL));
    assert_int_equal(report.damaged, 3);
    assert_int_equal(findings, 3);
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
        cmocka_unit_test(changes_come_back_in_order),
        cmocka_unit_test(the_outbox_empties_as_changes_are_sent),
        cmocka_unit_test(a_transaction_is_all_or_nothing),
        cmocka_unit_test(rows_stay_readable_when_epochs_come),
        cmocka_unit_test(an_erased_case_leaves_nothing),
        cmocka_unit_test(drafts_values_and_objects_keep_their_rules),
        cmocka_unit_test(a_second_owner_is_told_who_has_it),
        cmocka_unit_test(a_newer_or_foreign_file_is_refused),
        cmocka_unit_test(a_restored_file_takes_a_new_incarnation),
        cmocka_unit_test(the_device_keeps_its_keys),
        cmocka_unit_test(fsck_finds_what_was_changed_behind_our_back),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
