/* The log of a device: what is opened and saved is told, in one transaction with the save; chains
 * that were tampered with are found. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_desk.h"
#include "veldkit/access_log.h"
#include "veldkit/founder.h"
#include "veldkit/limits.h"

static test_desk t;
static test_keys keys;
static veld_access_log *log_of_t;
static veld_id case_id;

static void open_log(void)
{
    const veld_access_config config = {
        .env = t.desk.env, .store = t.store, .anchor = NULL, .is_office = true};
    assert_ok(veld_access_log_new(&config, &log_of_t, NULL));
    t.desk.watch = veld_access_log_watch(log_of_t);
    veld_access_begin(log_of_t, &(veld_access_scope){.event = "test",
                                    .user = "A. de Vries",
                                    .kind = VELD_ACCESS_READ,
                                    .basis = VELD_ACCESS_BASIS_HELD});
}

static int setup(void **state)
{
    (void)state;
    memset(&keys, 0, sizeof keys);
    test_desk_open(&t, &keys, 5, "A. de Vries");
    open_log();
    veld_id record;
    veld_case *opened = NULL;
    assert_ok(veld_founder_new_id(t.desk.env, veld_store_device(t.store), &case_id, NULL));
    assert_ok(veld_id_new(t.desk.env, &record, NULL));
    veld_edit edit = test_edit_set(&record, "note", "text", "\"een\"");
    assert_ok(veld_case_found(&t.desk, &case_id, &edit, 1, &opened, NULL));
    veld_case_close(opened);
    assert_ok(veld_access_flush(log_of_t, NULL));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    veld_access_log_free(log_of_t);
    test_desk_close(&t);
    return 0;
}

static uint64_t count(void)
{
    uint64_t rows;
    assert_ok(veld_store_count_access(t.store, NULL, &rows, NULL));
    return rows;
}

static uint8_t last_kind(void)
{
    const veld_store_access_search last = {
        .by = VELD_STORE_ACCESS_LAST, .id = *veld_store_device(t.store)};
    veld_store_cursor *cursor = NULL;
    veld_store_access row;
    veld_access_entry entry;
    bool more;
    assert_ok(veld_store_walk_access(t.store, &last, &cursor, NULL));
    assert_ok(veld_store_access_next(cursor, &more, &row, NULL));
    assert_true(more);
    assert_ok(veld_access_decode(row.body, &entry, NULL));
    uint8_t kind = entry.kind;
    assert_int_equal(entry.number, row.number);
    veld_store_cursor_close(cursor);
    return kind;
}

static veld_access_proof check(const veld_access_checker *checker)
{
    veld_access_proof proof;
    assert_ok(veld_access_check(t.store, checker, &proof, NULL));
    return proof;
}

static veld_access_proof plain_check(void)
{
    return check(&(veld_access_checker){0});
}

static void save_one(veld_case *opened, veld_status expected)
{
    veld_id record;
    veld_hash change;
    assert_ok(veld_id_new(t.desk.env, &record, NULL));
    veld_edit edit = test_edit_set(&record, "note", "text", "\"twee\"");
    assert_int_equal(veld_case_save(opened, &edit, 1, &change, NULL), expected);
}

/* A save that cannot be logged leaves nothing either. */
static void save_none(void)
{
    uint64_t before, after;
    veld_case *opened = NULL;
    veld_desk quiet = veld_desk_quiet(&t.desk);
    assert_ok(veld_store_count_changes(t.store, NULL, &before, NULL));
    assert_ok(veld_case_open(&quiet, &case_id, &opened, NULL));
    veld_case_close(opened);
    veld_access_begin(log_of_t, &(veld_access_scope){.event = "Bad", .kind = VELD_ACCESS_READ});
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL));
    save_one(opened, VELD_E_INVALID);
    veld_case_close(opened);
    assert_ok(veld_store_count_changes(t.store, NULL, &after, NULL));
    assert_int_equal(before, after);
}

static void founding_is_logged_in_its_own_transaction(void **state)
{
    (void)state;
    assert_int_equal(count(), 1);
    assert_int_equal(last_kind(), VELD_ACCESS_CREATE);
    assert_int_equal(plain_check().faults, 0);
}

/* The next thing that a person does. */
static void begin_another(void)
{
    veld_access_begin(log_of_t,
        &(veld_access_scope){.event = "show", .user = "A. de Vries", .kind = VELD_ACCESS_READ});
}

static void open_and_close(void)
{
    veld_case *opened = NULL;
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL));
    veld_case_close(opened);
}

static void reading_waits_for_the_flush_and_saving_does_not(void **state)
{
    (void)state;
    veld_case *opened = NULL;
    open_and_close();
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 1); /* who founded a case in this scope has not read it as well */
    begin_another();
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL));
    assert_int_equal(count(), 1);
    save_one(opened, VELD_OK);
    assert_int_equal(count(), 2); /* one line: the reading is part of the save */
    assert_int_equal(last_kind(), VELD_ACCESS_WRITE);
    veld_case_close(opened);
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 2);
    open_and_close();
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 2); /* nor who saves in it */
    begin_another();
    open_and_close();
    assert_ok(veld_access_flush(log_of_t, NULL));
    open_and_close(); /* also when the first was stored already */
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 3); /* twice in one scope is one line */
    assert_int_equal(last_kind(), VELD_ACCESS_READ);
    assert_int_equal(plain_check().faults, 0);
}

static void what_was_rolled_back_is_written_again(void **state)
{
    (void)state;
    veld_case *opened = NULL;
    begin_another();
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL));
    assert_ok(veld_store_begin(t.store, NULL));
    assert_ok(veld_access_flush(log_of_t, NULL));
    veld_store_rollback(t.store);
    assert_int_equal(count(), 1);
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 2);
    veld_case_close(opened);
    assert_int_equal(plain_check().faults, 0);
}

static void what_cannot_be_logged_is_not_opened(void **state)
{
    (void)state;
    veld_case *opened = NULL;
    veld_access_scope scope = {
        .event = "export", .user = "no\ttext", .kind = VELD_ACCESS_EXPORT, .at_once = true};
    veld_access_begin(log_of_t, &scope);
    assert_int_equal(veld_case_open(&t.desk, &case_id, &opened, NULL), VELD_E_INVALID);
    assert_null(opened);
    save_none();
    scope.user = "A. de Vries";
    veld_access_begin(log_of_t, &scope);
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL));
    assert_int_equal(last_kind(), VELD_ACCESS_EXPORT);
    veld_case_close(opened);
    veld_desk quiet = veld_desk_quiet(&t.desk);
    assert_ok(veld_case_open(&quiet, &case_id, &opened, NULL));
    veld_case_close(opened);
    veld_access_end(log_of_t);
    assert_ok(veld_case_open(&t.desk, &case_id, &opened, NULL)); /* by the program for itself */
    veld_case_close(opened);
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_int_equal(count(), 2);
}

static void a_chain_goes_on_after_it_was_handed_over(void **state)
{
    (void)state;
    uint64_t number;
    veld_hash hash, kept;
    const veld_id *device = veld_store_device(t.store);
    assert_ok(veld_access_tail(t.store, device, &number, &hash, NULL));
    assert_ok(veld_store_trim_access(t.store, device, number, &hash, NULL));
    assert_int_equal(count(), 0);
    assert_ok(veld_access_tail(t.store, device, &number, &kept, NULL));
    assert_int_equal(number, 1);
    assert_true(veld_hash_equal(&kept, &hash));
    assert_ok(veld_access_add(log_of_t, VELD_ACCESS_LOGIN, NULL, NULL, NULL));
    assert_ok(veld_access_flush(log_of_t, NULL));
    assert_ok(veld_access_tail(t.store, device, &number, &hash, NULL));
    assert_int_equal(number, 2);
    assert_int_equal(plain_check().faults, 0);
}

/* ---- chains of others ---- */

typedef struct faults {
    veld_access_fault list[16];
    size_t count;
} faults;

static veld_status note_fault(void *context, const veld_access_fault *fault, veld_error *err)
{
    faults *f = context;
    (void)err;
    assert_true(f->count < 16);
    f->list[f->count++] = *fault;
    return VELD_OK;
}

typedef struct writer {
    veld_id device;
    uint8_t incarnation;
    uint64_t number;
    veld_hash previous;
} writer;

static void write_entry(writer *w, bool keep)
{
    bool is_new;
    veld_buf bytes;
    veld_access_entry entry = {.device = w->device,
        .incarnation = {w->incarnation},
        .number = ++w->number,
        .previous = w->previous,
        .time = {.hybrid_ms = (int64_t)w->number * 3600000, .quality = VELD_CLOCK_ANCHORED},
        .kind = w->number % 2 == 0 ? VELD_ACCESS_READ : VELD_ACCESS_WRITE,
        .basis = VELD_ACCESS_BASIS_HELD,
        .event = veld_span_text("case show"),
        .user = veld_span_text("B. Jansen"),
        .case_id = case_id};
    veld_buf_init(&bytes, VELD_ACCESS_ENTRY_BYTES_MAX);
    assert_ok(veld_id_new(t.desk.env, &entry.id, NULL));
    assert_ok(veld_access_encode(&entry, &bytes, NULL));
    assert_ok(veld_access_hash(veld_buf_span(&bytes), &w->previous, NULL));
    if (keep) {
        assert_ok(veld_access_keep(t.store, veld_buf_span(&bytes), &is_new, NULL));
        assert_true(is_new);
        assert_ok(veld_access_keep(t.store, veld_buf_span(&bytes), &is_new, NULL));
        assert_false(is_new);
    }
    veld_buf_release(&bytes);
}

static void gaps_forks_and_broken_links_are_found(void **state)
{
    (void)state;
    faults found = {0};
    const veld_access_checker checker = {.context = &found, .fault = note_fault};
    writer w = {.incarnation = 1};
    assert_ok(veld_id_new(t.desk.env, &w.device, NULL));
    for (int i = 0; i < 4; i++)
        write_entry(&w, true);
    assert_int_equal(check(&checker).faults, 0);
    write_entry(&w, false);
    write_entry(&w, false); /* 5 and 6 are kept back */
    write_entry(&w, true);
    assert_int_equal(check(&checker).faults, 1);
    assert_int_equal(found.list[0].kind, VELD_ACCESS_GAP);
    assert_int_equal(found.list[0].number, 5);
    assert_int_equal(found.list[0].until, 6);

    writer back = {.device = w.device, .incarnation = 2, .number = 6, .previous = {{9}}};
    write_entry(&back, true); /* 7 again, of a vault that was set back */
    found.count = 0;
    assert_int_equal(check(&checker).faults, 3);
    assert_int_equal(found.list[1].kind, VELD_ACCESS_FORK);
    assert_int_equal(found.list[2].kind, VELD_ACCESS_RESTORED);
    write_entry(&back, true);
    write_entry(&w, true); /* both branches go on */
    found.count = 0;
    check(&checker);
    assert_int_equal(found.list[3].kind, VELD_ACCESS_FORK);

    writer third = {.incarnation = 1};
    assert_ok(veld_id_new(t.desk.env, &third.device, NULL));
    write_entry(&third, true);
    third.previous.bytes[0] ^= 1;
    write_entry(&third, true);
    found.count = 0;
    check(&checker);
    bool told = false;
    for (size_t i = 0; i < found.count; i++)
        told = told || (found.list[i].kind == VELD_ACCESS_LINK && found.list[i].number == 2 &&
                           veld_id_equal(&found.list[i].device, &third.device));
    assert_true(told);
}

static size_t find(const veld_access_query *query, uint64_t *first, uint64_t *all)
{
    veld_arena arena;
    veld_access_found *found;
    size_t n;
    uint64_t damaged;
    veld_arena_init(&arena, 64u << 20);
    assert_ok(veld_access_find(t.store, query, &arena, &found, &n, all, &damaged, NULL));
    assert_int_equal(damaged, 0);
    for (size_t i = 1; i < n; i++)
        assert_true(found[i - 1].entry.time.hybrid_ms <= found[i].entry.time.hybrid_ms);
    *first = n > 0 ? found[0].entry.number : 0;
    veld_arena_release(&arena);
    return n;
}

static void a_question_gets_the_newest_that_fit(void **state)
{
    (void)state;
    writer w = {.incarnation = 1};
    uint64_t first, all;
    assert_ok(veld_id_new(t.desk.env, &w.device, NULL));
    for (int i = 0; i < 60; i++)
        write_entry(&w, true);
    veld_access_query q = {.device = w.device, .until_ms = INT64_MAX, .limit = 100};
    assert_int_equal(find(&q, &first, &all), 60);
    q.limit = 10;
    assert_int_equal(find(&q, &first, &all), 10);
    assert_int_equal(first, 51);
    assert_int_equal(all, 60);
    q = (veld_access_query){
        .cases = &case_id, .cases_count = 1, .until_ms = INT64_MAX, .limit = 100};
    assert_int_equal(find(&q, &first, &all), 61); /* and the founding */
    q.kind = VELD_ACCESS_READ;
    assert_int_equal(find(&q, &first, &all), 30);
    q = (veld_access_query){
        .user = "B. Jansen", .from_ms = 10 * 3600000, .until_ms = 20 * 3600000, .limit = 100};
    assert_int_equal(find(&q, &first, &all), 10);
    assert_int_equal(first, 10);
    q.user = NULL; /* by days */
    assert_int_equal(find(&q, &first, &all), 10);
    q.from_ms = INT64_MIN; /* over all */
    assert_int_equal(find(&q, &first, &all), 19);
    q.user = "niemand";
    assert_int_equal(find(&q, &first, &all), 0);
}

/* VELD_TEST_ACCESS_ENTRIES=1000000: how long questions take over a long log, told on standard
 * output; each is of processor time. */
static double told_s;

static void tell(const char *what)
{
    double now_s = (double)clock() / CLOCKS_PER_SEC;
    if (getenv("VELD_TEST_ACCESS_ENTRIES") != NULL)
        print_message("%-40s %10.3f s\n", what, now_s - told_s);
    told_s = (double)clock() / CLOCKS_PER_SEC;
}

static void write_long_log(writer *w, long entries)
{
    for (long i = 0; i < entries; i++) {
        if (i % 500 == 0) {
            if (i > 0)
                assert_ok(veld_store_commit(t.store, NULL));
            assert_ok(veld_store_begin(t.store, NULL));
            assert_ok(veld_id_new(t.desk.env, &case_id, NULL));
        }
        write_entry(w, true);
    }
    assert_ok(veld_store_commit(t.store, NULL));
}

static void a_long_log_is_searched_by_its_index(void **state)
{
    (void)state;
    const char *wanted = getenv("VELD_TEST_ACCESS_ENTRIES");
    long entries = wanted != NULL ? strtol(wanted, NULL, 10) : 500;
    writer w = {.incarnation = 1};
    uint64_t first, all;
    veld_id both[2] = {case_id};
    assert_ok(veld_id_new(t.desk.env, &w.device, NULL));
    tell("set-up");
    write_long_log(&w, entries);
    tell("keeping all, each handed in twice");
    both[1] = case_id;
    int last = (int)(entries % 500 == 0 ? 500 : entries % 500);
    veld_access_query q = {
        .cases = &both[1], .cases_count = 1, .until_ms = INT64_MAX, .limit = 1000};
    assert_int_equal(find(&q, &first, &all), last);
    tell("one case");
    q.cases = &both[0];
    assert_int_equal(find(&q, &first, &all), 1);
    q.cases_count = 2; /* all parts of a dossier in one question */
    assert_int_equal(find(&q, &first, &all), last + 1);
    tell("two cases");
    if (wanted != NULL) {
        q = (veld_access_query){.device = w.device, .until_ms = INT64_MAX, .limit = 100};
        assert_int_equal(find(&q, &first, &all), 100);
        tell("one device, which wrote all");
        q = (veld_access_query){.until_ms = 86400000, .limit = 1000};
        assert_int_equal(find(&q, &first, &all), 23);
        tell("one day");
        q = (veld_access_query){.until_ms = INT64_MAX, .limit = 1000, .kind = VELD_ACCESS_READ};
        assert_int_equal(find(&q, &first, &all), 1000);
        tell("one kind, over all");
        assert_int_equal(plain_check().faults, 0);
        tell("checking the chain");
    }
}

int main(void)
{
#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_DESK(founding_is_logged_in_its_own_transaction),
        WITH_DESK(reading_waits_for_the_flush_and_saving_does_not),
        WITH_DESK(what_was_rolled_back_is_written_again),
        WITH_DESK(what_cannot_be_logged_is_not_opened),
        WITH_DESK(a_chain_goes_on_after_it_was_handed_over),
        WITH_DESK(gaps_forks_and_broken_links_are_found),
        WITH_DESK(a_question_gets_the_newest_that_fit),
        WITH_DESK(a_long_log_is_searched_by_its_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
