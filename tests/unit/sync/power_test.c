/* Power that fails at every I/O of folding, of beginning with a checkpoint and of fetching the
 * past: what was acknowledged is there, the case is the same, and doing it again completes it. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "exchange_world.h"
#include "power_vfs.h"
#include "veldkit/compact.h"
#include "veldkit/past.h"

enum { SAVES = 4, FEWEST = 8, STEP = 2 };

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static power_disk *disk, *before;
static char folder[64], kept[72];
static veld_id case_id, person;

static int open_world(void **state)
{
    (void)state;
    static test_desk any; /* the store starts SQLite, and then the disk can stand behind it */
    static test_keys keys;
    test_desk_open(&any, &keys, 1, "Niemand");
    test_desk_close(&any);
    keys = (test_keys){0};
    snprintf(folder, sizeof folder, "/tmp/veld-power-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(kept, sizeof kept, "%s-kept", folder);
    setenv("TMPDIR", folder, 1);
    power_vfs_start();
    power_vfs_seed(7);
    before = power_disk_new(kept);
    disk = power_disk_new(folder);
    exchange_world_open(&w, 2, 71);
    w.checkpoint_min = 2;
    exchange_party_restart(&w.merger);
    case_id = exchange_found(anna, &person);
    for (int i = 0; i < SAVES; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"Mina %d\"", i);
        exchange_save(anna, &case_id, &person, name);
    }
    exchange_all_quiet(&w);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    power_disk_free(disk);
    power_disk_free(before);
    unsetenv("TMPDIR");
    rmdir(folder);
    return 0;
}

static void restart_all(void)
{
    exchange_party_restart(&w.merger);
    exchange_party_restart(anna);
    exchange_party_restart(bert);
}

static void count_line(void *context, const char *text)
{
    (void)text;
    ++*(size_t *)context;
}

/* Nothing is found wrong; returns of how many changes nothing can be said here. */
static size_t verify(exchange_party *p)
{
    veld_case *opened;
    veld_proof proof;
    size_t findings = 0;
    assert_ok(veld_case_open(&p->t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_verify(opened, &proof, count_line, &findings, NULL));
    assert_int_equal(findings, 0);
    veld_case_close(opened);
    return proof.before;
}

static void assert_same(exchange_party *p)
{
    veld_hash office = exchange_state(&w.merger, &case_id);
    veld_hash here = exchange_state(p, &case_id);
    assert_true(veld_hash_equal(&office, &here));
    assert_int_equal(p->events[VELD_SYNC_DIVERGED], 0);
}

static veld_status fold(void)
{
    size_t folded = 0;
    return veld_compact_case(&anna->t.desk, &case_id, 0, 1, &folded, NULL);
}

static veld_status exchange_of_anna(void)
{
    veld_sync_result result;
    return exchange_once(anna, &exchange_no_fault, &result, NULL);
}

static veld_status exchange_of_bert(void)
{
    veld_sync_result result;
    return exchange_once(bert, &exchange_no_fault, &result, NULL);
}

/* From one state of the disk again and again: `act` dies at its nth I/O and the power with it. */
static void cut_everywhere(veld_status (*act)(void), void (*settled)(void))
{
    unsigned cuts = 0;
    power_disk_copy(disk, before);
    for (uint64_t nth = 1;; nth += STEP, cuts++) {
        power_disk_copy(before, disk);
        restart_all();
        power_disk_fail(disk, nth, POWER_DEATH);
        veld_status status = act();
        bool is_dead = power_disk_is_dead(disk);
        power_disk_fail(disk, 0, POWER_DEATH);
        if (!is_dead) {
            assert_ok(status);
            break;
        }
        power_disk_crash(disk, nth);
        restart_all();
        settled();
    }
    printf("%u cuts\n", cuts);
    assert_true(cuts >= FEWEST);
    settled();
}

static void is_folded_once_more(void)
{
    size_t folded = 0;
    assert_same(anna);
    (void)verify(anna);
    assert_int_equal(exchange_unsent(anna), 0);
    assert_ok(veld_compact_case(&anna->t.desk, &case_id, 0, 1, &folded, NULL));
    assert_int_equal(verify(anna), SAVES + 1);
    assert_same(anna);
}

static void power_lost_while_folding_loses_nothing(void **state)
{
    (void)state;
    cut_everywhere(fold, is_folded_once_more);
}

static void bert_begins(void)
{
    exchange_until_quiet(bert);
    assert_int_equal(verify(bert), SAVES + 1);
    assert_same(bert);
}

static void power_lost_while_a_checkpoint_comes_brings_it_again(void **state)
{
    (void)state;
    exchange_assign(&w, &case_id, bert);
    exchange_until_quiet(&w.merger);
    cut_everywhere(exchange_of_bert, bert_begins);
}

static void the_past_is_here(void)
{
    exchange_until_quiet(anna);
    assert_int_equal(verify(anna), 0);
    assert_same(anna);
}

static void power_lost_while_the_past_comes_brings_it_again(void **state)
{
    (void)state;
    assert_ok(fold());
    assert_int_equal(verify(anna), SAVES + 1);
    assert_ok(veld_past_want(&anna->t.desk, &case_id, NULL));
    cut_everywhere(exchange_of_anna, the_past_is_here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            power_lost_while_folding_loses_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            power_lost_while_a_checkpoint_comes_brings_it_again, open_world, close_world),
        cmocka_unit_test_setup_teardown(
            power_lost_while_the_past_comes_brings_it_again, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
