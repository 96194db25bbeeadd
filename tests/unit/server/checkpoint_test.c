/* The office gives a case to a tablet by a checkpoint, and the process of the merger or of the
 * relay dies meanwhile, with or without the power, at each I/O; or there is no memory. Afterwards
 * both are whole, nothing went twice, and the tablet gets one checkpoint and what came after it:
 * the same case. VELD_POWER_STRIDE=1 tries every I/O and every allocation; unset, a part of them.
 */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../../sync-server/store/srv_journal.h"
#include "exchange_world.h"
#include "power_vfs.h"
#include "veldkit/assignment.h"

enum { SAVES = 3, STRIDE = 4 };

/* Of one program: the disk that it has its files on, and what was on it before. */
typedef struct machine {
    char folder[64], kept_folder[72];
    power_disk *disk, *kept;
} machine;

static exchange_world w;
static exchange_party *const anna = &w.tablets[0];
static exchange_party *const bert = &w.tablets[1];
static machine office, post; /* the tablets lie on the office's disk, and do nothing meanwhile */
static char path[96];
static srv_journal *journal;
static veld_id case_id, person;
static uint64_t stride;

static void open_machine(machine *m)
{
    snprintf(m->folder, sizeof m->folder, "/tmp/veld-power-XXXXXX");
    assert_non_null(mkdtemp(m->folder));
    snprintf(m->kept_folder, sizeof m->kept_folder, "%s-kept", m->folder);
    m->kept = power_disk_new(m->kept_folder);
    m->disk = power_disk_new(m->folder);
}

static void close_machine(machine *m)
{
    power_disk_free(m->disk);
    power_disk_free(m->kept);
    rmdir(m->folder);
}

static void open_journal(void)
{
    assert_ok(srv_journal_open(path, &journal, NULL));
}

static void restart_relay(void)
{
    srv_journal_close(journal);
    open_journal();
    exchange_relay_restart(&w, srv_journal_get(journal));
}

static int open_world(void **state)
{
    (void)state;
    static test_desk any; /* the store starts SQLite, and then the disks can stand behind it */
    static test_keys keys;
    const char *word = getenv("VELD_POWER_STRIDE");
    stride = word == NULL ? STRIDE : strtoul(word, NULL, 10);
    keys = (test_keys){0};
    test_desk_open(&any, &keys, 1, "Niemand");
    power_vfs_start();
    power_vfs_seed(7);
    open_machine(&office);
    open_machine(&post);
    setenv("TMPDIR", office.folder, 1);
    snprintf(path, sizeof path, "%s/journal.db", post.folder);
    assert_ok(srv_journal_create(&any.world.env, path, NULL));
    test_desk_close(&any);
    open_journal();
    exchange_world_open_on(&w, 2, 73, srv_journal_get(journal));
    w.checkpoint_min = 2;
    exchange_party_restart(&w.merger);
    case_id = exchange_found(anna, &person);
    for (int i = 0; i < SAVES; i++) {
        char name[32];
        snprintf(name, sizeof name, "\"Mina %d\"", i);
        exchange_save(anna, &case_id, &person, name);
    }
    exchange_all_quiet(&w);
    power_disk_copy(office.disk, office.kept);
    power_disk_copy(post.disk, post.kept);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    exchange_world_close(&w);
    srv_journal_close(journal);
    close_machine(&office);
    close_machine(&post);
    unsetenv("TMPDIR");
    return 0;
}

static void restart_office(void)
{
    exchange_party_restart(&w.merger);
    exchange_party_restart(anna);
    exchange_party_restart(bert);
}

/* Both as they were before anything was given. */
static void begin_anew(void)
{
    power_disk_copy(office.kept, office.disk);
    power_disk_copy(post.kept, post.disk);
    restart_relay();
    restart_office();
}

/* ---- what is done ---- */

static veld_status give(void)
{
    veld_directory_entry entry;
    veld_store *store = w.merger.t.store;
    veld_status status = veld_directory_find(store, &bert->t.card.device, &entry, NULL);
    if (status == VELD_OK)
        status =
            veld_sync_post_grant(w.merger.sync, &case_id, &entry, VELD_GRANT_ASSIGNED, 0, NULL);
    return status;
}

static veld_status hand_in(void)
{
    veld_sync_result result;
    return exchange_once(&w.merger, &exchange_no_fault, &result, NULL);
}

static veld_status give_and_hand_in(void)
{
    veld_status status = give();
    return status == VELD_OK ? hand_in() : status;
}

/* ---- what has to be so afterwards ---- */

static void no_finding(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static void assert_office_is_whole(void)
{
    veld_case *opened;
    veld_proof proof;
    veld_store_report report;
    assert_ok(veld_store_fsck(w.merger.t.store, &report, no_finding, NULL, NULL));
    assert_int_equal(report.damaged, 0);
    assert_ok(veld_case_open(&w.merger.t.desk, &case_id, &opened, NULL));
    assert_ok(veld_case_verify(opened, &proof, no_finding, NULL, NULL));
    assert_int_equal(proof.changes, SAVES + 1);
    veld_case_close(opened);
}

static size_t count_items(veld_frame_type kind, const veld_id *device)
{
    size_t count = 0;
    bool more = true;
    veld_journal_item item = {0};
    for (uint64_t seq = 0; more; seq = item.seq) {
        assert_ok(w.kept->next(w.kept->context, seq, &item, &more, NULL));
        count += more && item.kind == kind && veld_id_equal(&item.case_id, &case_id) &&
                 (device == NULL || veld_id_equal(&item.device, device));
    }
    return count;
}

static void assert_same(exchange_party *p)
{
    veld_hash there = exchange_state(&w.merger, &case_id), here = exchange_state(p, &case_id);
    assert_true(veld_hash_equal(&there, &here));
    assert_int_equal(p->events[VELD_SYNC_DIVERGED] + p->events[VELD_SYNC_REFUSED], 0);
}

/* Who gave the case looks whether that was kept, and gives it again when it was not. */
static void settle(void)
{
    veld_case *opened;
    veld_assignment there;
    const veld_id *to = &bert->t.card.device;
    assert_office_is_whole();
    veld_status status = veld_assignment_get(w.merger.t.store, &case_id, to, &there, NULL);
    if (status == VELD_E_NOT_FOUND)
        status = give();
    assert_ok(status);
    exchange_until_quiet(&w.merger);
    exchange_until_quiet(anna);
    exchange_save(anna, &case_id, &person, "\"Mina daarna\"");
    exchange_until_quiet(anna);
    exchange_until_quiet(bert);
    exchange_until_quiet(&w.merger);
    assert_int_equal(count_items(VELD_FRAME_CHECKPOINT, NULL), 1);
    assert_int_equal(count_items(VELD_FRAME_GRANT, to), 1);
    assert_int_equal(count_items(VELD_FRAME_ENVELOPE, NULL), 2);
    assert_ok(veld_case_open(&bert->t.desk, &case_id, &opened, NULL));
    const veld_case_base *base = veld_case_get_base(opened);
    assert_non_null(base);
    assert_true(base->from_agency);
    assert_int_equal(base->changes, SAVES + 1);
    assert_int_equal(veld_graph_count(veld_case_graph(opened)), SAVES + 2);
    veld_case_close(opened);
    assert_same(anna);
    assert_same(bert);
}

/* ---- faults ---- */

static void restart(const machine *m)
{
    if (m == &post)
        restart_relay();
    else
        restart_office();
}

/* From one state of both again and again: the process on `m` dies at its nth I/O, and every other
 * time the power with it. */
static void die_everywhere(machine *m, veld_status (*act)(void))
{
    unsigned deaths = 0;
    for (uint64_t nth = 1;; nth += stride, deaths++) {
        begin_anew();
        power_disk_fail(m->disk, nth, POWER_DEATH);
        veld_status status = act();
        bool is_dead = power_disk_is_dead(m->disk);
        power_disk_fail(m->disk, 0, POWER_DEATH);
        if (!is_dead) {
            assert_ok(status);
            break;
        }
        if (deaths % 2 == 0)
            power_disk_crash(m->disk, nth);
        else
            power_disk_kill(m->disk);
        restart(m);
        settle();
    }
    printf("%u deaths\n", deaths);
    assert_true(deaths >= 4);
    settle();
}

static void the_office_dies_while_it_makes_one(void **state)
{
    (void)state;
    die_everywhere(&office, give);
}

static void the_office_dies_while_it_hands_one_in(void **state)
{
    (void)state;
    die_everywhere(&office, give_and_hand_in);
}

static void the_relay_dies_while_it_keeps_one(void **state)
{
    (void)state;
    die_everywhere(&post, give_and_hand_in);
}

/* Nobody dies: the same programs go on, when there is memory again. */
static void there_is_no_memory(void **state)
{
    (void)state;
    uint64_t step = stride, failures = 0;
    for (uint64_t nth = 1;; nth += step, failures++) {
        begin_anew();
        test_fail_allocation(nth, false);
        veld_status status = give_and_hand_in();
        test_fail_allocation(0, false);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
        assert_false(veld_store_in_transaction(w.merger.t.store));
        settle();
        step = stride == 1 ? 1 : stride + nth / 4;
    }
    printf("%u failures\n", (unsigned)failures);
    assert_true(failures >= 4);
    settle();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_office_dies_while_it_makes_one),
        cmocka_unit_test(the_office_dies_while_it_hands_one_in),
        cmocka_unit_test(the_relay_dies_while_it_keeps_one),
        cmocka_unit_test(there_is_no_memory),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
