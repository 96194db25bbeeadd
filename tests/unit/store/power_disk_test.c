/* The tester is tested: settings of SQLite that are known to lose or damage must be caught by
 * images after power loss, and those that are known to hold must not be accused. */
#include "veld_test.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "power_vfs.h"

enum { COMMITS = 40, IMAGES_PER_IO = 4 };

typedef struct trial {
    power_disk *disk, *found;
    sqlite3 *db;
    unsigned acknowledged; /* commits that returned */
    uint64_t seed;
    unsigned images, damaged, lost, too_many;
} trial;

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

/* The number a query answers; -1 when it cannot. */
static int number_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    int out = -1;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        out = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return out;
}

/* Exclusive at once: the disk has no shared memory. */
static sqlite3 *open_alone(const char *path)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(run(db, "PRAGMA locking_mode = EXCLUSIVE"), SQLITE_OK);
    return db;
}

static void look(trial *t)
{
    sqlite3 *db = open_alone("/found/t.db");
    t->images++;
    int sound =
        number_of(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'");
    int rows = number_of(db, "SELECT count(*) FROM t");
    if (sound != 0 || rows < 0)
        t->damaged++;
    else if ((unsigned)rows < t->acknowledged)
        t->lost++;
    else if ((unsigned)rows > t->acknowledged + 1)
        t->too_many++;
    sqlite3_close(db);
}

static void each_io(void *context)
{
    trial *t = context;
    for (unsigned i = 0; i < IMAGES_PER_IO; i++) {
        power_disk_image(t->disk, t->seed++, t->found);
        look(t);
    }
}

/* The table stands and is durable before the trial: what is judged is the commits. */
static void try_settings(trial *t, const char *settings, bool lies)
{
    char sql[120];
    *t = (trial){.disk = power_disk_new("/trial"), .found = power_disk_new("/found"), .seed = 1};
    power_vfs_seed(1);
    assert_int_equal(sqlite3_open("/trial/t.db", &t->db), SQLITE_OK);
    assert_int_equal(run(t->db, settings), SQLITE_OK);
    assert_int_equal(run(t->db, "PRAGMA wal_autocheckpoint = 12; PRAGMA cache_size = 8;"
                                "CREATE TABLE t(n INTEGER PRIMARY KEY, body BLOB);"
                                "CREATE INDEX i ON t(body)"),
        SQLITE_OK);
    power_disk *before = power_disk_new("/before");
    power_disk_copy(t->disk, before);
    sqlite3_close(t->db);
    power_disk_copy(before, t->disk);
    power_disk_free(before);
    assert_int_equal(sqlite3_open("/trial/t.db", &t->db), SQLITE_OK);
    assert_int_equal(run(t->db, settings), SQLITE_OK);
    assert_int_equal(
        run(t->db, "PRAGMA wal_autocheckpoint = 12; PRAGMA cache_size = 8"), SQLITE_OK);
    power_disk_lie(t->disk, lies);
    power_disk_watch(t->disk, each_io, t);
    for (unsigned i = 0; i < COMMITS; i++) {
        snprintf(
            sql, sizeof sql, "INSERT INTO t VALUES(%u, randomblob(%u))", i, 200 + i * 37 % 900);
        assert_int_equal(run(t->db, sql), SQLITE_OK);
        t->acknowledged++;
    }
    power_disk_watch(t->disk, NULL, NULL);
    sqlite3_close(t->db);
    power_disk_free(t->disk);
    power_disk_free(t->found);
    printf("%-60s %u images: %u damaged, %u lost, %u invented\n", settings, t->images, t->damaged,
        t->lost, t->too_many);
    assert_true(t->images > 300);
    assert_int_equal(t->too_many, 0);
}

#define EXCLUSIVE "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = "

static void settings_that_hold_are_not_accused(void **state)
{
    (void)state;
    static const char *const good[] = {
        EXCLUSIVE "WAL; PRAGMA synchronous = FULL",
        EXCLUSIVE "DELETE; PRAGMA synchronous = EXTRA",
        EXCLUSIVE "TRUNCATE; PRAGMA synchronous = FULL",
        EXCLUSIVE "PERSIST; PRAGMA synchronous = FULL",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        trial t;
        try_settings(&t, good[i], false);
        assert_int_equal(t.damaged, 0);
        assert_int_equal(t.lost, 0);
    }
}

static void settings_that_lose_are_caught(void **state)
{
    (void)state;
    trial t;
    try_settings(&t, EXCLUSIVE "WAL; PRAGMA synchronous = NORMAL", false);
    assert_int_equal(t.damaged, 0);
    assert_true(t.lost > 50);
    try_settings(&t, "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL", false);
    assert_true(t.lost > 10); /* the removal of the journal is not synced */
}

static void settings_that_damage_are_caught(void **state)
{
    (void)state;
    trial t;
    try_settings(&t, EXCLUSIVE "WAL; PRAGMA synchronous = OFF", false);
    assert_true(t.damaged + t.lost > 100);
    assert_true(t.damaged > 0);
    try_settings(&t, EXCLUSIVE "WAL; PRAGMA synchronous = FULL", true);
    assert_true(t.damaged > 0);
    assert_true(t.lost > 50);
}

static void the_nth_io_fails_as_it_is_told(void **state)
{
    (void)state;
    for (int fault = POWER_ERROR; fault <= POWER_DEATH; fault++) {
        unsigned failed = 0;
        for (uint64_t nth = 1;; nth++) {
            sqlite3 *db = NULL;
            power_disk *disk = power_disk_new("/trial");
            assert_int_equal(sqlite3_open("/trial/t.db", &db), SQLITE_OK);
            assert_int_equal(run(db, EXCLUSIVE "WAL; CREATE TABLE t(n)"), SQLITE_OK);
            power_disk_fail(disk, nth, (power_fault)fault);
            int code = run(db, "INSERT INTO t VALUES(1)");
            assert_int_equal(power_disk_is_dead(disk), code != SQLITE_OK && fault == POWER_DEATH);
            power_disk_kill(disk);
            sqlite3_close(db);
            db = open_alone("/trial/t.db");
            assert_in_range(number_of(db, "SELECT count(*) FROM t"), code == SQLITE_OK, 1);
            sqlite3_close(db);
            power_disk_free(disk);
            failed += code != SQLITE_OK;
            if (code == SQLITE_OK)
                break;
        }
        assert_true(failed > 1);
    }
}

static void a_bit_that_turned_over_is_there(void **state)
{
    (void)state;
    sqlite3 *db = NULL;
    power_disk *disk = power_disk_new("/trial");
    assert_int_equal(sqlite3_open("/trial/t.db", &db), SQLITE_OK);
    assert_int_equal(run(db, "CREATE TABLE t(n); INSERT INTO t VALUES('kanarie')"), SQLITE_OK);
    sqlite3_close(db);
    assert_true(power_disk_find(disk, "kanarie", 7));
    assert_false(power_disk_find(disk, "merel", 5));
    unsigned seen = 0;
    for (uint64_t seed = 0; seed < 20000 && seen == 0; seed++) {
        power_disk *other = power_disk_new("/other");
        power_disk_copy(disk, other);
        power_disk_flip(other, seed);
        seen += !power_disk_find(other, "kanarie", 7);
        power_disk_free(other);
    }
    assert_int_equal(seen, 1);
    power_disk_free(disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_that_hold_are_not_accused),
        cmocka_unit_test(settings_that_lose_are_caught),
        cmocka_unit_test(settings_that_damage_are_caught),
        cmocka_unit_test(the_nth_io_fails_as_it_is_told),
        cmocka_unit_test(a_bit_that_turned_over_is_there),
    };
    sqlite3_initialize();
    power_vfs_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
