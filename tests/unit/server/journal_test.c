/* The relay's journal on SQLite: what was committed is there after a restart, what was not is not,
 * and a disk that fails leaves a journal that goes on when the disk does. */
#include "veld_test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../../sync-server/store/srv_journal.h"
#include "test_env.h"

typedef struct world {
    test_env env;
    char folder[64], path[96];
    srv_journal *journal;
    const veld_journal *face;
} world;

static void reopen(world *w)
{
    srv_journal_close(w->journal);
    w->journal = NULL;
    assert_ok(srv_journal_open(w->path, &w->journal, NULL));
    w->face = srv_journal_get(w->journal);
}

static int setup(void **state)
{
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    test_env_init(&w->env, 11);
    memcpy(w->folder, "/tmp/veldkit-journal-XXXXXX", sizeof "/tmp/veldkit-journal-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->path, sizeof w->path, "%s/journal.db", w->folder);
    assert_ok(srv_journal_create(&w->env.env, w->path, NULL));
    reopen(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    world *w = *state;
    char path[128];
    srv_journal_close(w->journal);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", w->path, ends[i]);
        unlink(path);
    }
    rmdir(w->folder);
    free(w);
    return 0;
}

static veld_id id_of(uint8_t number)
{
    veld_id id = {0};
    id.bytes[0] = number;
    return id;
}

static veld_status put(
    world *w, uint8_t name, veld_frame_type kind, uint8_t case_number, veld_span bytes)
{
    veld_journal_item item = {.kind = kind,
        .case_id = id_of(case_number),
        .device = id_of((uint8_t)(100 + name)),
        .carrier = id_of(200),
        .access = kind == VELD_FRAME_GRANT,
        .number = name,
        .count = 3,
        .priority = 2,
        .len = (uint32_t)bytes.len};
    item.id.bytes[0] = name;
    item.change_id.bytes[31] = name;
    item.incarnation[7] = name;
    return w->face->append(w->face->context, &item, bytes, NULL);
}

static void put_committed(world *w, uint8_t name, veld_frame_type kind, uint8_t case_number)
{
    assert_ok(w->face->begin(w->face->context, NULL));
    assert_ok(put(w, name, kind, case_number, veld_span_text("sealed bytes")));
    assert_ok(w->face->commit(w->face->context, NULL));
}

static void a_new_journal_is_empty_and_keeps_its_name(void **state)
{
    world *w = *state;
    veld_id name = w->face->id;
    assert_int_equal(w->face->size(w->face->context), 0);
    assert_false(veld_id_is_zero(&name));
    reopen(w);
    assert_true(veld_id_equal(&name, &w->face->id));
    assert_int_equal(srv_journal_create(&w->env.env, w->path, NULL), VELD_E_EXISTS);
}

static void committed_items_are_there_after_a_restart(void **state)
{
    world *w = *state;
    veld_journal_item item;
    veld_buf bytes;
    veld_buf_init(&bytes, 1000);
    put_committed(w, 1, VELD_FRAME_ENVELOPE, 7);
    put_committed(w, 2, VELD_FRAME_GRANT, 7);
    reopen(w);
    assert_int_equal(w->face->size(w->face->context), 2);
    assert_ok(w->face->load(w->face->context, 1, &item, &bytes, NULL));
    assert_true(veld_span_equal(veld_buf_span(&bytes), veld_span_text("sealed bytes")));
    assert_int_equal(item.seq, 1);
    assert_int_equal(item.kind, VELD_FRAME_ENVELOPE);
    assert_int_equal(item.case_id.bytes[0], 7);
    assert_int_equal(item.device.bytes[0], 101);
    assert_int_equal(item.carrier.bytes[0], 200);
    assert_int_equal(item.number, 1);
    assert_int_equal(item.count, 3);
    assert_int_equal(item.priority, 2);
    assert_int_equal(item.change_id.bytes[31], 1);
    assert_int_equal(item.incarnation[7], 1);
    assert_int_equal(item.len, 12);
    assert_false(item.access);
    veld_buf_release(&bytes);
}

static void what_is_rolled_back_never_was(void **state)
{
    world *w = *state;
    bool found = true;
    uint64_t seq = 0;
    veld_hash id = {0};
    id.bytes[0] = 1;
    assert_ok(w->face->begin(w->face->context, NULL));
    assert_ok(put(w, 1, VELD_FRAME_ENVELOPE, 7, veld_span_text("x")));
    assert_int_equal(w->face->size(w->face->context), 1);
    w->face->rollback(w->face->context);
    assert_int_equal(w->face->size(w->face->context), 0);
    assert_ok(w->face->find(w->face->context, &id, &found, &seq, NULL));
    assert_false(found);
    put_committed(w, 1, VELD_FRAME_ENVELOPE, 7);
    assert_ok(w->face->find(w->face->context, &id, &found, &seq, NULL));
    assert_true(found);
    assert_int_equal(seq, 1);
}

static void walks_give_items_in_order_and_by_case(void **state)
{
    world *w = *state;
    veld_journal_item item;
    veld_id seven = id_of(7), device = id_of(102), other = id_of(101), author = id_of(103);
    bool more = false, found = false;
    uint64_t seq = 0;
    put_committed(w, 1, VELD_FRAME_ENVELOPE, 8);
    put_committed(w, 2, VELD_FRAME_GRANT, 7);
    put_committed(w, 3, VELD_FRAME_ENVELOPE, 7);
    assert_ok(w->face->next(w->face->context, 0, &item, &more, NULL));
    assert_true(more);
    assert_int_equal(item.seq, 1);
    assert_ok(w->face->next_in_case(w->face->context, &seven, 0, &item, &more, NULL));
    assert_int_equal(item.seq, 2);
    assert_ok(w->face->next_in_case(w->face->context, &seven, 2, &item, &more, NULL));
    assert_int_equal(item.seq, 3);
    assert_ok(w->face->next(w->face->context, 3, &item, &more, NULL));
    assert_false(more);
    assert_ok(w->face->first_access(w->face->context, &seven, &device, &found, &seq, NULL));
    assert_true(found);
    assert_int_equal(seq, 2);
    assert_ok(w->face->first_access(w->face->context, &seven, &other, &found, &seq, NULL));
    assert_false(found);
    assert_ok(w->face->wrote(w->face->context, &seven, &author, &found, NULL));
    assert_true(found);
    assert_ok(w->face->wrote(w->face->context, &seven, &other, &found, NULL));
    assert_false(found);
}

static veld_status count_entry(void *context, uint64_t seq, veld_span bytes, veld_error *err)
{
    uint64_t *last = context;
    (void)err;
    assert_true(veld_span_equal(bytes, veld_span_text("sealed bytes")));
    *last = seq;
    return VELD_OK;
}

static veld_status take_seen(void *context, const veld_id *device, int64_t utc_ms, veld_error *err)
{
    int64_t *seen = context;
    (void)err;
    assert_int_equal(device->bytes[0], 9);
    *seen = utc_ms;
    return VELD_OK;
}

static void nodes_entries_and_visits_are_kept(void **state)
{
    world *w = *state;
    veld_hash hash = {0}, got;
    veld_id device = id_of(9);
    uint64_t last = 0;
    int64_t seen = 0;
    hash.bytes[3] = 5;
    assert_ok(w->face->begin(w->face->context, NULL));
    assert_ok(w->face->log.put(w->face->log.context, 2, 6, &hash, NULL));
    assert_ok(w->face->commit(w->face->context, NULL));
    put_committed(w, 1, VELD_FRAME_DIRECTORY, 0);
    put_committed(w, 2, VELD_FRAME_ENVELOPE, 7);
    assert_ok(srv_journal_seen(w->journal, &device, 100000, NULL));
    assert_ok(srv_journal_seen(w->journal, &device, 100001, NULL)); /* too soon to be noted */
    reopen(w);
    assert_ok(w->face->log.get(w->face->log.context, 2, 6, &got, NULL));
    assert_true(veld_hash_equal(&hash, &got));
    assert_int_equal(w->face->log.get(w->face->log.context, 2, 7, &got, NULL), VELD_E_DAMAGED);
    assert_ok(srv_journal_entries(w->journal, 0, &last, count_entry, NULL));
    assert_int_equal(last, 1);
    assert_ok(srv_journal_each_seen(w->journal, &seen, take_seen, NULL));
    assert_int_equal(seen, 100000);
}

/* A limit on the size of files is as good as a full disk: the write behind it fails. */
static void a_full_disk_loses_nothing_and_work_goes_on(void **state)
{
    static uint8_t large[200000];
    world *w = *state;
    struct rlimit before, small = {.rlim_cur = 65536};
    put_committed(w, 1, VELD_FRAME_ENVELOPE, 7);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_ok(w->face->begin(w->face->context, NULL));
    veld_status status = put(w, 2, VELD_FRAME_ENVELOPE, 7, veld_span_of(large, sizeof large));
    if (status == VELD_OK)
        status = w->face->commit(w->face->context, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_true(status == VELD_E_FULL || status == VELD_E_IO);
    w->face->rollback(w->face->context);
    assert_int_equal(w->face->size(w->face->context), 1);
    put_committed(w, 2, VELD_FRAME_ENVELOPE, 7);
    reopen(w);
    assert_int_equal(w->face->size(w->face->context), 2);
}

static void a_missing_or_foreign_file_is_refused(void **state)
{
    world *w = *state;
    srv_journal *other = NULL;
    assert_int_equal(
        srv_journal_open("/tmp/veldkit-no-such-folder/journal.db", &other, NULL), VELD_E_NOT_FOUND);
    assert_null(other);
    assert_int_equal(srv_journal_open(w->path, &other, NULL), VELD_E_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_journal_is_empty_and_keeps_its_name, setup, teardown),
        cmocka_unit_test_setup_teardown(committed_items_are_there_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_rolled_back_never_was, setup, teardown),
        cmocka_unit_test_setup_teardown(walks_give_items_in_order_and_by_case, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_entries_and_visits_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_full_disk_loses_nothing_and_work_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_or_foreign_file_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
