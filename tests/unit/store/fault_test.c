/* What a machine does to a store: no memory at any allocation, a full disk, and a reader with the
 * folder in hand. */
#include "veld_test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_world.h"
#include "veldkit/index.h"

static store_world world;

static const char canary[] = "KANARIE-Lindelaan-17";

static bool has(uint64_t number)
{
    veld_hash id = world_hash(number);
    bool there = false;
    assert_ok(veld_store_has_change(world.store, &id, &there, NULL));
    return there;
}

static void nothing_is_damaged(void)
{
    veld_store_report report;
    assert_ok(veld_store_fsck(world.store, &report, NULL, NULL, NULL));
    assert_int_equal(report.damaged, 0);
}

/* One save as the cases room makes it: change, outbox and summary in one transaction. */
static veld_status save(const veld_store_case *opened, const veld_id *id, uint64_t number)
{
    veld_hash hash = world_hash(number);
    veld_status status = veld_store_begin(world.store, NULL);
    if (status != VELD_OK)
        return status;
    (void)!veld_store_put_change(world.store, opened, &hash, veld_span_text("what was written"),
        VELD_STORE_UNSENT, NULL, NULL);
    (void)!veld_store_put_summary(world.store, id, veld_span_text("summary"), NULL);
    return veld_store_commit(world.store, NULL);
}

static void a_save_without_memory_is_whole_or_not_there(void **state)
{
    for (int forever = 0; forever < 2; forever++) {
        veld_id id;
        world_setup(&world);
        veld_store_case *opened = world_case(&world, &id);
        assert_ok(save(opened, &id, 1));
        uint64_t failed_at = 1;
        for (;; failed_at++) {
            test_fail_allocation(failed_at, forever != 0);
            veld_status status = save(opened, &id, 1000 + failed_at);
            test_fail_allocation(0, false);
            if (veld_store_reopen(world.store, NULL) != VELD_OK)
                fail_msg("the store did not open again after allocation %u", (unsigned)failed_at);
            assert_int_equal(has(1000 + failed_at), status == VELD_OK);
            if (status == VELD_OK)
                break;
            assert_int_equal(status, VELD_E_MEMORY);
        }
        assert_true(failed_at > 10);
        assert_true(has(1));
        nothing_is_damaged();
        veld_store_case_close(opened);
        world_teardown(&world);
    }
    (void)state;
}

/* The first save of a process finds no memory any more from some point on: what it began is undone,
 * and when there is memory again the next save goes well, without opening the store anew. */
static void after_a_save_without_memory_the_next_one_goes_well(void **state)
{
    (void)state;
    veld_id id;
    world_setup(&world);
    veld_store_case *opened = world_case(&world, &id);
    veld_status status = VELD_E_MEMORY;
    uint64_t failed_at = 0;
    while (status != VELD_OK) {
        failed_at++;
        assert_ok(veld_store_reopen(world.store, NULL));
        test_fail_allocation(failed_at, true);
        status = save(opened, &id, 1000 + failed_at);
        test_fail_allocation(0, false);
        assert_int_equal(has(1000 + failed_at), status == VELD_OK);
        assert_ok(save(opened, &id, 5000 + failed_at));
    }
    assert_true(failed_at > 10);
    nothing_is_damaged();
    veld_store_case_close(opened);
    world_teardown(&world);
}

/* Enough for SQLite to move its log into the file in the midst of the commit. */
static veld_status save_much(const veld_store_case *opened, uint64_t number)
{
    enum { MUCH = 5 << 20 };
    static uint8_t body[MUCH];
    veld_hash hash = world_hash(number);
    return veld_store_put_change(
        world.store, opened, &hash, veld_span_of(body, sizeof body), VELD_STORE_UNSENT, NULL, NULL);
}

static void a_commit_that_is_durable_is_not_called_a_failure(void **state)
{
    (void)state;
    enum { LAST = 16 }; /* allocations before the end of a save */
    for (int forever = 0; forever < 2; forever++) {
        veld_id id;
        world_setup(&world);
        veld_store_case *opened = world_case(&world, &id);
        assert_ok(save_much(opened, 1));
        test_fail_allocation(1u << 30, false);
        assert_ok(save_much(opened, 2));
        uint64_t all = test_fail_allocation(0, false);
        uint64_t first = all > LAST ? all - LAST : 1;
        for (uint64_t nth = first; nth <= all; nth++) {
            test_fail_allocation(nth, forever != 0);
            veld_status status = save_much(opened, 1000 + nth);
            test_fail_allocation(0, false);
            assert_ok(veld_store_reopen(world.store, NULL));
            assert_int_equal(has(1000 + nth), status == VELD_OK);
        }
        nothing_is_damaged();
        veld_store_case_close(opened);
        world_teardown(&world);
    }
}

/* So much that the log needs another page of its index in the midst of the commit. */
static veld_status save_across(const veld_store_case *opened, uint64_t number, uint64_t failing)
{
    enum { MOST = 15 << 20, REST = 2000 << 10 };
    static uint8_t body[MOST];
    veld_hash one = world_hash(number), other = world_hash(number + 1);
    assert_ok(veld_store_begin(world.store, NULL));
    assert_ok(veld_store_put_change(
        world.store, opened, &one, veld_span_of(body, sizeof body), VELD_STORE_UNSENT, NULL, NULL));
    assert_ok(veld_store_put_change(
        world.store, opened, &other, veld_span_of(body, REST), VELD_STORE_UNSENT, NULL, NULL));
    (void)test_fail_allocation(failing, false);
    return veld_store_commit(world.store, NULL);
}

/* What the next process finds when this one is killed now. */
static bool has_after_kill(uint64_t number)
{
    char command[300], home[80];
    bool there = false;
    veld_store *copy = NULL;
    veld_hash id = world_hash(number);
    snprintf(home, sizeof home, "%s.killed", world.home);
    snprintf(command, sizeof command, "cp -a %s %s", world.home, home);
    assert_int_equal(system(command), 0);
    assert_ok(veld_store_open(&world.env.env, home, world.vault, &copy, NULL));
    assert_ok(veld_store_has_change(copy, &id, &there, NULL));
    veld_store_close(copy);
    snprintf(command, sizeof command, "rm -r %s", home);
    assert_int_equal(system(command), 0);
    return there;
}

static void what_a_kill_brings_back_was_not_called_a_failure(void **state)
{
    (void)state;
    enum { LAST = 4 }; /* allocations before the end of a commit */
    veld_id id;
    world_setup(&world);
    veld_store_case *opened = world_case(&world, &id);
    assert_ok(veld_store_reopen(world.store, NULL));
    assert_ok(save_across(opened, 1, 1u << 30));
    uint64_t all = test_fail_allocation(0, false);
    for (uint64_t nth = all - LAST; nth <= all; nth++) {
        assert_ok(veld_store_reopen(world.store, NULL)); /* its log begins anew */
        veld_status status = save_across(opened, 1000 + 2 * nth, nth);
        (void)test_fail_allocation(0, false);
        assert_int_equal(has_after_kill(1000 + 2 * nth), status == VELD_OK);
    }
    veld_store_case_close(opened);
    world_teardown(&world);
}

static void opening_without_memory_fails_cleanly(void **state)
{
    (void)state;
    veld_id id;
    world_setup(&world);
    veld_store_case *opened = world_case(&world, &id);
    assert_ok(save(opened, &id, 1));
    veld_store_case_close(opened);
    for (uint64_t failed_at = 1;; failed_at++) {
        veld_store_close(world.store);
        world.store = NULL;
        test_fail_allocation(failed_at, false);
        veld_status status =
            veld_store_open(&world.env.env, world.home, world.vault, &world.store, NULL);
        veld_index *index = NULL;
        if (status == VELD_OK)
            status = veld_index_open(world.store, &index, NULL);
        veld_index_close(index);
        test_fail_allocation(0, false);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
    }
    assert_true(has(1));
    nothing_is_damaged();
    world_teardown(&world);
}

static void a_full_disk_loses_nothing_that_was_saved(void **state)
{
    (void)state;
    static const char body[3000] = "long enough";
    veld_id id;
    uint64_t number = 1;
    veld_hash hash;
    veld_status status = VELD_OK;
    world_setup(&world);
    char small[80];
    snprintf(small, sizeof small, "%s-full", world.home);
    assert_int_equal(mkdir(small, 0700), 0);
    if (mount("tmpfs", small, "tmpfs", 0, "size=512k") != 0) {
        rmdir(small);
        world_teardown(&world);
        skip();
    }
    veld_store_close(world.store);
    world.store = NULL;
    assert_ok(veld_store_create(&world.env.env, small, world.vault, &world.store, NULL));
    veld_store_case *opened = world_case(&world, &id);
    for (; status == VELD_OK; number++) {
        hash = world_hash(number);
        status = veld_store_put_change(
            world.store, opened, &hash, veld_span_of(body, sizeof body), 0, NULL, NULL);
    }
    uint64_t failed = number - 1;
    assert_int_equal(status, VELD_E_FULL);
    assert_int_equal(
        veld_store_put_change(world.store, opened, &hash, veld_span_text("x"), 0, NULL, NULL),
        VELD_E_FULL);
    bool there;
    assert_int_equal(veld_store_has_change(world.store, &hash, &there, NULL), VELD_E_FULL);
    assert_int_equal(veld_store_begin(world.store, NULL), VELD_E_FULL);
    assert_int_equal(mount("tmpfs", small, "tmpfs", MS_REMOUNT, "size=2m"), 0); /* room again */
    assert_ok(veld_store_reopen(world.store, NULL));
    for (uint64_t i = 1; i < failed; i++)
        assert_true(has(i));
    assert_false(has(failed));
    nothing_is_damaged();
    hash = world_hash(failed);
    assert_ok(veld_store_put_change(
        world.store, opened, &hash, veld_span_of(body, sizeof body), 0, NULL, NULL));
    veld_store_case_close(opened);
    veld_store_close(world.store);
    world.store = NULL;
    assert_int_equal(umount(small), 0);
    rmdir(small);
    world_teardown(&world);
}

/* How many times do these bytes stand in the files of the folder? */
static size_t hits_of(veld_span wanted)
{
    size_t found = 0;
    DIR *folder = opendir(world.home);
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        int fd = open(world_path(&world, entry->d_name), O_RDONLY | O_CLOEXEC);
        off_t size = lseek(fd, 0, SEEK_END);
        uint8_t *bytes = malloc((size_t)size + 1);
        assert_int_equal(pread(fd, bytes, (size_t)size, 0), size);
        for (size_t at = 0; at + wanted.len <= (size_t)size; at++)
            found += memcmp(bytes + at, wanted.data, wanted.len) == 0;
        free(bytes);
        close(fd);
    }
    closedir(folder);
    return found;
}

static size_t hits(const char *text)
{
    return hits_of(veld_span_text(text));
}

static void no_file_of_the_folder_can_be_read(void **state)
{
    (void)state;
    veld_id id;
    char id_text[VELD_ID_TEXT_SIZE];
    veld_hash hash = {{0}};
    veld_git_oid oid = {{0}};
    veld_index *index = NULL;
    veld_span text = veld_span_text(canary);
    world_setup(&world);
    veld_store_case *opened = world_case(&world, &id);
    memcpy(hash.bytes, canary, sizeof canary - 1);
    memcpy(oid.bytes, canary, sizeof oid.bytes);
    veld_id_format(&id, id_text);
    assert_ok(
        veld_store_put_change(world.store, opened, &hash, text, VELD_STORE_UNSENT, NULL, NULL));
    assert_ok(veld_store_put_summary(world.store, &id, text, NULL));
    veld_store_draft draft = {.id = id, .case_id = id, .body = text};
    assert_ok(veld_store_put_draft(world.store, &draft, NULL));
    assert_ok(veld_store_put_value(world.store, "cards", text, text, NULL));
    assert_ok(veld_store_put_object(world.store, opened, &oid, 3, text, NULL));
    assert_ok(veld_index_open(world.store, &index, NULL));
    veld_index_entry entry = {.case_id = id, .title = text, .text = text};
    assert_ok(veld_index_put(index, &entry, NULL));
    assert_ok(veld_index_save(index, world.store, NULL));
    veld_index_close(index);
    veld_store_case_close(opened);
    for (int closed = 0; closed < 2; closed++) {
        assert_int_equal(hits(canary), 0);
        assert_int_equal(hits("Lindelaan"), 0);
        assert_int_equal(hits("lindelaan"), 0);
        assert_int_equal(hits(id_text), 0);
        assert_int_equal(hits_of(veld_id_span(&id)), 0);
        assert_int_equal(hits("cards"), 0);
        assert_true(hits("SQLite format 3") > 0); /* the search does see the file */
        veld_store_close(world.store);
        world.store = NULL;
    }
    world_teardown(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_save_without_memory_is_whole_or_not_there),
        cmocka_unit_test(after_a_save_without_memory_the_next_one_goes_well),
        cmocka_unit_test(a_commit_that_is_durable_is_not_called_a_failure),
        cmocka_unit_test(what_a_kill_brings_back_was_not_called_a_failure),
        cmocka_unit_test(opening_without_memory_fails_cleanly),
        cmocka_unit_test(a_full_disk_loses_nothing_that_was_saved),
        cmocka_unit_test(no_file_of_the_folder_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
