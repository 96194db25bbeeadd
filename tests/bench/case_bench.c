/* What a case costs: joining in memory, one change more in a long history, and a durable save
 * against a bare SQLite transaction of the same bytes, both with synchronous=FULL in one run. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_desk.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/host.h"

enum { LONG_HISTORY = 10000, WRITES = 20000, SAVES = 300, BODY_BYTES = 620 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

/* A signer that costs nothing, to see what all the rest costs. */
static veld_status sign_for_free(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    (void)context;
    (void)err;
    memcpy(out->bytes, digest->bytes, sizeof digest->bytes);
    memset(out->bytes + sizeof digest->bytes, 1, sizeof out->bytes - sizeof digest->bytes);
    return VELD_OK;
}

static void bench_join(void)
{
    test_env world;
    veld_arena arena;
    test_env_init(&world, 1);
    veld_arena_init(&arena, 64 << 20);
    veld_change *changes = veld_arena_get(&arena, WRITES, sizeof *changes);
    veld_write *writes = veld_arena_get(&arena, WRITES, sizeof *writes);
    veld_write_id *replaced = veld_arena_get(&arena, WRITES, sizeof *replaced);
    assert_true(changes != NULL && writes != NULL && replaced != NULL);
    for (size_t i = 0; i < WRITES; i++) {
        writes[i] = (veld_write){
            .type = veld_span_text("note"),
            .field = veld_span_text("text"),
            .value = veld_span_text("\"Moeder belt zelf de huisarts, wij bellen vrijdag terug\""),
        };
        writes[i].record.bytes[14] = (uint8_t)(i % 400 >> 8);
        writes[i].record.bytes[15] = (uint8_t)(i % 400);
        assert_ok(veld_env_random(&world.env, writes[i].id.bytes, 16, NULL));
        if (i >= 400) {
            replaced[i] = writes[i - 400].id;
            writes[i].replaces = &replaced[i];
            writes[i].replaces_count = 1;
        }
        changes[i] = (veld_change){.writes = &writes[i], .writes_count = 1, .number = i + 1};
        assert_ok(veld_env_random(&world.env, changes[i].core.bytes, 32, NULL));
    }
    double took[7];
    for (int run = 0; run < 7; run++) {
        veld_state *state;
        double start = now_ms();
        assert_ok(veld_state_new(&world.env, &state, NULL));
        for (size_t i = 0; i < WRITES; i++)
            assert_ok(veld_state_apply(state, &changes[i], NULL, NULL));
        took[run] = now_ms() - start;
        veld_state_free(state);
    }
    printf(
        "state of %d writes in memory            %8.1f ms   (goal 50)\n", WRITES, median(took, 7));
    veld_arena_release(&arena);
}

static veld_case *found(test_desk *t, veld_id *person)
{
    veld_id case_id, root;
    veld_case *opened;
    assert_ok(veld_founder_new_id(&t->world.env, veld_store_device(t->store), &case_id, NULL));
    assert_ok(veld_id_new(&t->world.env, &root, NULL));
    assert_ok(veld_id_new(&t->world.env, person, NULL));
    veld_edit edits[] = {
        test_edit_set(&root, "case", "title", "\"Gezin Meting\""),
        test_edit_set(person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&t->desk, &case_id, edits, 2, &opened, NULL));
    return opened;
}

static double save_once(veld_case *opened, const veld_id *person, unsigned i)
{
    char json[64];
    veld_hash change;
    snprintf(json, sizeof json, "\"Mina van der Meer-%u\"", i);
    veld_edit edit = test_edit_set(person, "person", "name", json);
    double start = now_ms();
    assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
    return now_ms() - start;
}

/* In memory-backed files, with a free signature: what is left is ours. */
static void bench_long_history(void)
{
    test_keys keys = {0};
    test_desk *t = calloc(1, sizeof *t);
    double took[SAVES];
    veld_id person;
    assert_non_null(t);
    setenv("TMPDIR", "/dev/shm", 1);
    test_desk_open(t, &keys, 1, "Anna");
    unsetenv("TMPDIR");
    t->desk.signer.sign = sign_for_free;
    veld_case *opened = found(t, &person);
    unsigned number = 0;
    for (int i = 0; i < SAVES; i++)
        took[i] = save_once(opened, &person, number++);
    double at_start = median(took, SAVES);
    while (number < LONG_HISTORY)
        save_once(opened, &person, number++);
    for (int i = 0; i < SAVES; i++)
        took[i] = save_once(opened, &person, number++);
    double at_end = median(took, SAVES);
    printf("one change into a case of %d changes    %8.3f ms   (goal 1; of few changes %.3f)\n",
        LONG_HISTORY, at_end, at_start);
    double start = now_ms();
    veld_id case_id = *veld_case_id(opened);
    veld_case_close(opened);
    assert_ok(veld_case_open(&t->desk, &case_id, &opened, NULL));
    printf("opening that case                          %8.1f ms\n", now_ms() - start);
    veld_case_close(opened);
    test_desk_close(t);
    free(t);
}

static void run_sql(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static double insert_once(sqlite3 *db, sqlite3_stmt *insert, const uint8_t *body)
{
    double start = now_ms();
    run_sql(db, "BEGIN IMMEDIATE");
    sqlite3_bind_blob(insert, 1, body, BODY_BYTES, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
    run_sql(db, "COMMIT");
    return now_ms() - start;
}

/* Three in turn, so that a change of the machine's pace meets all of them. */
static void bench_durable_save(void)
{
    test_keys keys = {0};
    test_desk *t = calloc(1, sizeof *t);
    static double bare[SAVES], unsigned_[SAVES], signed_[SAVES];
    static uint8_t body[BODY_BYTES];
    sqlite3 *db;
    sqlite3_stmt *insert;
    char path[300];
    veld_id person;
    assert_non_null(t);
    test_desk_open(t, &keys, 1, "Anna");
    /* An opened case keeps the signer it was opened with. */
    veld_case *real = found(t, &person);
    veld_id real_person = person;
    t->desk.signer.sign = sign_for_free;
    veld_case *free_of_charge = found(t, &person);
    snprintf(path, sizeof path, "%s/bare.db", t->home);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA locking_mode=EXCLUSIVE;"
                "CREATE TABLE row(seq INTEGER PRIMARY KEY, body BLOB NOT NULL)");
    assert_int_equal(
        sqlite3_prepare_v2(db, "INSERT INTO row(body) VALUES(?1)", -1, &insert, NULL), SQLITE_OK);
    assert_ok(veld_env_random(&t->world.env, body, sizeof body, NULL));
    for (unsigned i = 0; i < SAVES; i++) {
        bare[i] = insert_once(db, insert, body);
        unsigned_[i] = save_once(free_of_charge, &person, i);
        signed_[i] = save_once(real, &real_person, i);
    }
    veld_case_close(real);
    veld_case_close(free_of_charge);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    double base = median(bare, SAVES);
    printf("bare SQLite transaction of %d bytes       %8.3f ms\n", BODY_BYTES, base);
    printf("durable save without the signature         %8.3f ms   ratio %.2f (goal 1.6)\n",
        median(unsigned_, SAVES), median(unsigned_, SAVES) / base);
    printf("durable save with the signature            %8.3f ms   ratio %.2f (goal 3.5)\n",
        median(signed_, SAVES), median(signed_, SAVES) / base);
    test_desk_close(t);
    free(t);
}

int main(void)
{
    bench_join();
    bench_long_history();
    bench_durable_save();
    return 0;
}
