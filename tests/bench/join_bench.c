/* What joining costs at the size of an agency: a day's changes through the merger, a large state
 * with conflicts in memory, and the same files merged by stock git in the same run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test_desk.h"
#include "veld_test.h"
#include "veldkit/commit.h"
#include "veldkit/conflict.h"

enum {
    CASES = 1000,
    PER_CASE = 20, /* changes of one field */
    FIELDS = 100000,
    PER_RECORD = 100,
    CHANGED = 20000, /* by one of two, in turn */
    CONFLICTS = 100, /* by both */
    STEP = FIELDS / (CHANGED + CONFLICTS),
    RUNS = 5,
    ROW_BYTES_MAX = 1 << 20
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Of the processor, for what only computes: other work beside does not count. */
static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

static veld_status sign_for_free(
    void *context, const veld_hash *digest, veld_signature *out, veld_error *err)
{
    (void)context;
    (void)err;
    memcpy(out->bytes, digest->bytes, sizeof digest->bytes);
    memset(out->bytes + sizeof digest->bytes, 1, sizeof out->bytes - sizeof digest->bytes);
    return VELD_OK;
}

/* ---- through the merger ---- */

typedef struct day {
    test_keys keys;
    test_desk tablet, merger;
    veld_arena arena;
    veld_id cases[CASES];
    veld_change *changes[CASES]; /* PER_CASE behind the first, which the merger has */
} day;

/* The tablet's day: each case founded, handed to the merger, and written on. */
static void make_case(day *d, size_t i)
{
    veld_id root, person;
    veld_case *opened = NULL, *at_merger = NULL;
    veld_taken taken;
    veld_span key;
    veld_hash id;
    veld_change first;
    veld_env *env = &d->tablet.world.env;
    assert_ok(veld_founder_new_id(env, veld_store_device(d->tablet.store), &d->cases[i], NULL));
    assert_ok(veld_id_new(env, &root, NULL));
    assert_ok(veld_id_new(env, &person, NULL));
    veld_edit edits[] = {
        test_edit_set(&root, "case", "title", "\"Gezin Meting\""),
        test_edit_set(&person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&d->tablet.desk, &d->cases[i], edits, 2, &opened, NULL));
    size_t count;
    id = veld_graph_order(veld_case_graph(opened), &count)[0]->id;
    assert_ok(veld_case_change(opened, &id, &d->arena, &first, NULL));
    assert_ok(veld_store_case_key(veld_case_keys(opened), 1, &key, NULL));
    assert_ok(veld_store_put_case_key(d->merger.store, &d->cases[i], 1, key, NULL));
    assert_ok(veld_case_open(&d->merger.desk, &d->cases[i], &at_merger, NULL));
    assert_ok(veld_case_take(at_merger, &first, 1, &taken, NULL));
    veld_case_close(at_merger);
    d->changes[i] = veld_arena_get(&d->arena, PER_CASE, sizeof **d->changes);
    assert_non_null(d->changes[i]);
    for (unsigned n = 0; n < PER_CASE; n++) {
        char json[64];
        snprintf(json, sizeof json, "\"Mina van der Meer-%u\"", n);
        veld_edit edit = test_edit_set(&person, "person", "name", json);
        assert_ok(veld_case_save(opened, &edit, 1, &id, NULL));
        assert_ok(veld_case_change(opened, &id, &d->arena, &d->changes[i][n], NULL));
    }
    veld_case_close(opened);
}

/* What the merger does with them: open, signature, ids, tree, join, rows. Without signatures. */
static double take_all(day *d)
{
    double start = now_ms();
    for (size_t i = 0; i < CASES; i++) {
        veld_case *opened = NULL;
        veld_taken taken;
        assert_ok(veld_case_open(&d->merger.desk, &d->cases[i], &opened, NULL));
        assert_ok(veld_case_take(opened, d->changes[i], PER_CASE, &taken, NULL));
        assert_int_equal(taken.added, PER_CASE);
        assert_int_equal(taken.other_tree, 0);
        veld_case_close(opened);
    }
    return now_ms() - start;
}

/* The same without the names that git needs and without the tree: state, graph and sealed rows. */
static double core_all(day *d, test_desk *other)
{
    double start = now_ms();
    for (size_t i = 0; i < CASES; i++) {
        veld_case *opened = NULL;
        veld_buf row;
        veld_buf_init(&row, ROW_BYTES_MAX);
        assert_ok(veld_case_open(&other->desk, &d->cases[i], &opened, NULL));
        assert_ok(veld_store_begin(other->store, NULL));
        for (size_t n = 0; n < PER_CASE; n++) {
            const veld_change *change = &d->changes[i][n];
            veld_buf_clear(&row);
            assert_ok(veld_state_apply(veld_case_state(opened), change, NULL, NULL));
            assert_ok(veld_graph_add(veld_case_graph(opened), change, NULL, NULL));
            assert_ok(veld_change_encode(change, VELD_CHANGE_ROW, &row, NULL));
            assert_ok(veld_store_put_change(other->store, veld_case_keys(opened), &change->id,
                veld_buf_span(&row), 0, NULL, NULL));
        }
        assert_ok(veld_store_commit(other->store, NULL));
        veld_buf_wipe(&row);
        veld_case_close(opened);
    }
    return now_ms() - start;
}

static void copy_firsts(day *d, test_desk *other)
{
    for (size_t i = 0; i < CASES; i++) {
        veld_store_case *keys = NULL;
        veld_span key;
        assert_ok(veld_store_case_open(d->merger.store, &d->cases[i], &keys, NULL));
        assert_ok(veld_store_case_key(keys, 1, &key, NULL));
        assert_ok(veld_store_put_case_key(other->store, &d->cases[i], 1, key, NULL));
        veld_store_case_close(keys);
    }
}

static void bench_merger(void)
{
    day *d = calloc(1, sizeof *d);
    test_desk *other = calloc(1, sizeof *other);
    assert_true(d != NULL && other != NULL);
    setenv("TMPDIR", "/dev/shm", 1);
    test_desk_open(&d->tablet, &d->keys, 1, "Anna");
    test_desk_open(&d->merger, &d->keys, 2, "Kantoor");
    test_desk_open(other, &d->keys, 3, "Kern");
    unsetenv("TMPDIR");
    d->tablet.desk.signer.sign = sign_for_free;
    d->merger.desk.verifier = veld_verifier_kept();
    veld_arena_init(&d->arena, 512 << 20);
    for (size_t i = 0; i < CASES; i++)
        make_case(d, i);
    copy_firsts(d, other);
    double whole = take_all(d);
    double core = core_all(d, other);
    double changes = CASES * PER_CASE;
    printf("%d changes over %d cases: open, join, rows  %8.0f /s  (goal 5000)\n", CASES * PER_CASE,
        CASES, changes / core * 1e3);
    printf("... with object ids and tree check             %8.0f /s  (goal 1500)\n",
        changes / whole * 1e3);
    veld_arena_release(&d->arena);
    test_desk_close(&d->tablet);
    test_desk_close(&d->merger);
    test_desk_close(other);
    free(d);
    free(other);
}

/* ---- a large state ---- */

typedef struct large {
    test_env world;
    veld_arena arena;
    veld_change *changes;
    size_t count;
    veld_write_id *first; /* of each field */
} large;

static void number_field(size_t field, veld_write *write)
{
    static char names[PER_RECORD][16];
    size_t record = field / PER_RECORD + 1, place = field % PER_RECORD;
    snprintf(names[place], sizeof names[place], "veld%zu", place);
    write->type = veld_span_text("note");
    write->field = veld_span_text(names[place]);
    write->record.bytes[13] = (uint8_t)(record >> 16);
    write->record.bytes[14] = (uint8_t)(record >> 8);
    write->record.bytes[15] = (uint8_t)record;
}

static void add_change(large *l, size_t field, const char *value, veld_write_id *replaced)
{
    veld_write *write = veld_arena_get(&l->arena, 1, sizeof *write);
    veld_change *change = &l->changes[l->count++];
    assert_non_null(write);
    number_field(field, write);
    write->value = veld_span_text(value);
    write->replaces = replaced;
    write->replaces_count = replaced != NULL;
    assert_ok(veld_env_random(&l->world.env, write->id.bytes, sizeof write->id.bytes, NULL));
    *change = (veld_change){.writes = write, .writes_count = 1, .number = l->count};
    assert_ok(veld_env_random(&l->world.env, change->core.bytes, sizeof change->core.bytes, NULL));
    if (replaced == NULL)
        l->first[field] = write->id;
}

static void make_large(large *l)
{
    test_env_init(&l->world, 1);
    veld_arena_init(&l->arena, 512 << 20);
    l->changes = veld_arena_get(&l->arena, FIELDS + CHANGED + 2 * CONFLICTS, sizeof *l->changes);
    l->first = veld_arena_get(&l->arena, FIELDS, sizeof *l->first);
    assert_true(l->changes != NULL && l->first != NULL);
    for (size_t i = 0; i < FIELDS; i++)
        add_change(l, i, "\"zoals het was\"", NULL);
    for (size_t i = 0; i < CHANGED + CONFLICTS; i++) {
        size_t field = i * STEP;
        if (i < CONFLICTS || i % 2 == 0)
            add_change(l, field, "\"zoals Anna het zag\"", &l->first[field]);
        if (i < CONFLICTS || i % 2 == 1)
            add_change(l, field, "\"zoals Bert het zag\"", &l->first[field]);
    }
}

static void apply(veld_state *state, const large *l, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        assert_ok(veld_state_apply(state, &l->changes[i], NULL, NULL));
}

static void bench_large(void)
{
    static const veld_id case_id = {.bytes = {1}};
    large l = {0};
    double made[RUNS], joined[RUNS], listed[RUNS];
    veld_schema_set *schemas = NULL;
    assert_ok(veld_schema_set_new(&schemas, NULL));
    make_large(&l);
    for (int run = 0; run < RUNS; run++) {
        veld_state *state;
        veld_arena arena;
        const veld_conflict *conflicts = NULL;
        size_t count;
        double start = cpu_ms();
        veld_arena_init(&arena, 256 << 20);
        assert_ok(veld_state_new(&l.world.env, &state, NULL));
        apply(state, &l, 0, FIELDS);
        double base = cpu_ms();
        apply(state, &l, FIELDS, l.count);
        double done = cpu_ms();
        assert_ok(veld_conflict_list(state, schemas, &case_id, &arena, &conflicts, &count, NULL));
        made[run] = base - start;
        joined[run] = done - base;
        listed[run] = cpu_ms() - done;
        assert_int_equal(count, CONFLICTS);
        veld_arena_release(&arena);
        veld_state_free(state);
    }
    double make = median(made, RUNS), join = median(joined, RUNS), list = median(listed, RUNS);
    printf("state of %d fields in memory            %8.1f ms\n", FIELDS, make);
    printf("... %d of them changed by two people     %8.1f ms\n", CHANGED + CONFLICTS, join);
    printf("... its %d conflicts listed                %8.1f ms\n", CONFLICTS, list);
    printf("... together                               %8.1f ms  (goal 400)\n", make + join + list);
    veld_schema_set_free(schemas);
    veld_arena_release(&l.arena);
}

/* ---- the same files by git ---- */

/* `who` 0 is the base, 1 and 2 the two sides. */
static const char *line_of(size_t field, size_t who)
{
    size_t i = field / STEP;
    bool changed = field % STEP == 0 && i < CHANGED + CONFLICTS;
    if (who == 0 || !changed || (i >= CONFLICTS && i % 2 != who - 1))
        return "zoals het was";
    return who == 1 ? "zoals Anna het zag" : "zoals Bert het zag";
}

static void write_import(FILE *to, const char *branch, size_t who)
{
    fprintf(to, "commit refs/heads/%s\ncommitter a <a@a> 1772438400 +0000\ndata 1\nx\n", branch);
    if (who > 0)
        fprintf(to, "from refs/heads/base\n");
    for (size_t record = 0; record < FIELDS / PER_RECORD; record++) {
        size_t bytes = 0;
        for (int pass = 0; pass < 2; pass++) {
            if (pass == 1)
                fprintf(
                    to, "M 100644 inline note/%02zx/%zu\ndata %zu\n", record % 256, record, bytes);
            for (size_t i = 0; i < PER_RECORD; i++) {
                const char *line = line_of(record * PER_RECORD + i, who);
                if (pass == 1)
                    fprintf(to, "veld%02zu %s\n", i, line);
                bytes += strlen(line) + 8;
            }
        }
        fprintf(to, "\n");
    }
    fprintf(to, "\n");
}

static void bench_git(void)
{
    char dir[] = "/dev/shm/veld-git-XXXXXX", command[256];
    double took[RUNS];
    assert_non_null(mkdtemp(dir));
    snprintf(command, sizeof command, "git init -q --bare %s && git -C %s fast-import --quiet", dir,
        dir);
    FILE *to = popen(command, "w");
    assert_non_null(to);
    write_import(to, "base", 0);
    write_import(to, "anna", 1);
    write_import(to, "bert", 2);
    assert_int_equal(pclose(to), 0);
    /* Conflicts make it end with 1; that is what is wanted. */
    snprintf(command, sizeof command,
        "git -C %s merge-tree --write-tree anna bert >/dev/null 2>&1; test $? -eq 1", dir);
    for (int run = 0; run < RUNS; run++) {
        double start = now_ms();
        assert_int_equal(system(command), 0);
        took[run] = now_ms() - start;
    }
    printf("stock git merges the same files            %8.1f ms\n", median(took, RUNS));
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    bench_merger();
    bench_large();
    bench_git();
    return 0;
}
