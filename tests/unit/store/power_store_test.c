/* Saves of the store on a disk whose power fails at every I/O, and whose every I/O fails once: what
 * was acknowledged is there afterwards, what was not is whole or absent. */
#include "veld_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "power_vfs.h"
#include "store_world.h"

enum { SAVES = 14, IMAGES_PER_IO = 3 };

static store_world world;
static power_disk *disk, *found;
static char found_home[80];
static veld_id case_id;
static unsigned acknowledged, images, half_saved;
static uint64_t seed;

static void copy_file(const char *name)
{
    char to[160], bytes[512];
    int in = open(world_path(&world, name), O_RDONLY | O_CLOEXEC);
    snprintf(to, sizeof to, "%s/%s", found_home, name);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = in >= 0 ? read(in, bytes, sizeof bytes) : 0;
    assert_true(out >= 0 && got >= 0);
    assert_int_equal(write(out, bytes, (size_t)got), got);
    close(out);
    if (in >= 0)
        close(in);
}

static void setup(void)
{
    world_setup(&world); /* starts SQLite, too */
    veld_store_close(world.store);
    power_vfs_start();
    power_vfs_seed(1);
    disk = power_disk_new(world.home);
    veld_error err = {0};
    if (veld_store_create(&world.env.env, world.home, world.vault, &world.store, &err) != VELD_OK)
        fail_msg("%s", err.text);
    snprintf(found_home, sizeof found_home, "%s-found", world.home);
    assert_int_equal(mkdir(found_home, 0700), 0);
    found = power_disk_new(found_home);
    acknowledged = images = half_saved = 0;
}

static void teardown(void)
{
    static const char *const names[] = {"store.db", "owner", "continuity"};
    char path[160];
    world_teardown(&world);
    power_disk_free(disk);
    power_disk_free(found);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", found_home, names[i]);
        unlink(path);
    }
    rmdir(found_home);
}

/* One save as the cases room makes it. */
static veld_status save(const veld_store_case *opened, uint64_t number)
{
    static const char body[700] = "what was written";
    veld_hash hash = world_hash(number);
    veld_status status = veld_store_begin(world.store, NULL);
    if (status != VELD_OK)
        return status;
    (void)!veld_store_put_change(world.store, opened, &hash,
        veld_span_of(body, 100 + number * 41 % 600), VELD_STORE_UNSENT, NULL, NULL);
    (void)!veld_store_put_summary(world.store, &case_id, veld_span_text("summary"), NULL);
    return veld_store_commit(world.store, NULL);
}

static bool has(veld_store *store, uint64_t number)
{
    veld_hash id = world_hash(number);
    bool there = false;
    assert_ok(veld_store_has_change(store, &id, &there, NULL));
    return there;
}

static void look(void)
{
    veld_error err = {0};
    veld_store *store = NULL;
    veld_store_report report;
    images++;
    if (veld_store_open(&world.env.env, found_home, world.vault, &store, &err) != VELD_OK)
        fail_msg("image %u does not open: %s", images, err.text);
    assert_false(veld_store_was_renewed(store));
    for (unsigned i = 0; i < acknowledged; i++)
        assert_true(has(store, i));
    half_saved += has(store, acknowledged);
    assert_ok(veld_store_fsck(store, &report, NULL, NULL, NULL));
    assert_int_equal(report.damaged, 0);
    assert_int_equal(report.changes, report.unsent); /* change and outbox row are one */
    assert_in_range(report.changes, acknowledged, acknowledged + 1);
    veld_store_close(store);
}

static void each_io(void *context)
{
    (void)context;
    for (unsigned i = 0; i < IMAGES_PER_IO; i++) {
        power_disk_image(disk, seed++, found);
        copy_file("continuity");
        look();
    }
}

static void no_acknowledged_change_is_lost_with_the_power(void **state)
{
    (void)state;
    setup();
    copy_file("store.db");
    veld_store_case *opened = world_case(&world, &case_id);
    power_disk_watch(disk, each_io, NULL);
    for (; acknowledged < SAVES; acknowledged++)
        assert_ok(save(opened, acknowledged));
    veld_store_case_close(opened);
    veld_store_close(world.store); /* folds the log into the file */
    world.store = NULL;
    power_disk_watch(disk, NULL, NULL);
    printf(
        "%u images of power loss, %u with the change that was being saved\n", images, half_saved);
    assert_true(images > 100 && half_saved > 0);
    teardown();
}

/* Returns false when the save went well because the I/O that was to fail did not come. */
static bool save_with_fault(veld_store_case *opened, uint64_t nth, power_fault fault)
{
    uint64_t number = 1000 * (uint64_t)(fault + 1) + nth;
    power_disk_fail(disk, nth, fault);
    veld_status status = save(opened, number);
    power_disk_kill(disk);
    if (status != VELD_OK && status != VELD_E_IO && status != VELD_E_FULL)
        fail_msg("I/O %u: status %d", (unsigned)nth, (int)status);
    assert_ok(veld_store_reopen(world.store, NULL));
    for (unsigned i = 0; i < acknowledged; i++)
        assert_true(has(world.store, i));
    if (status == VELD_OK)
        assert_true(has(world.store, number));
    return status != VELD_OK;
}

static void every_failing_io_of_a_save_leaves_what_was_saved(void **state)
{
    (void)state;
    veld_store_report report;
    setup();
    veld_store_case *opened = world_case(&world, &case_id);
    for (; acknowledged < 5; acknowledged++)
        assert_ok(save(opened, acknowledged));
    for (int fault = POWER_ERROR; fault <= POWER_DEATH; fault++) {
        uint64_t nth = 1;
        while (save_with_fault(opened, nth, (power_fault)fault))
            nth++;
        assert_true(nth > 2);
    }
    assert_ok(veld_store_fsck(world.store, &report, NULL, NULL, NULL));
    assert_int_equal(report.damaged, 0);
    veld_store_case_close(opened);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_change_is_lost_with_the_power),
        cmocka_unit_test(every_failing_io_of_a_save_leaves_what_was_saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
