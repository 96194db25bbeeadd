/* A case that a hostile colleague filled to every limit at once: heads, sides of one field, fields
 * of one record, a row and a value as large as may be, files of a tree, a basis as long as may be.
 * It is joined on every replica alike, in any order, and people go on working in it: saving,
 * choosing, proving, listing what waits, what met and what was known, through a checkpoint too. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "test_desk.h"
#include "veldkit/checkpoint.h"
#include "veldkit/commit.h"
#include "veldkit/conflict.h"
#include "veldkit/crypto.h"
#include "veldkit/founder.h"
#include "veldkit/known.h"
#include "veldkit/limits.h"
#include "veldkit/meeting.h"

enum {
    HEADS = VELD_CHANGE_PARENTS_MAX + 20,
    SIDES = VELD_CHANGE_REFERENCES_MAX + 100,
    FIELDS = VELD_CHANGE_WRITES_MAX,
    LARGE = 15, /* values of the largest size in one change: just below its own limit */
    CHANGES_MAX = HEADS + 8,
    NAME_BYTES = 16,
    CHECKPOINT_BYTES_MAX = 64 << 20
};

static test_keys keys;
static test_desk anna, bert, cees;

static int open_desks(void **state)
{
    (void)state;
    test_desk_open(&anna, &keys, 1, "Anna");
    test_desk_open(&bert, &keys, 2, "Bert");
    test_desk_open(&cees, &keys, 3, "Cees");
    return 0;
}

static int close_desks(void **state)
{
    (void)state;
    test_desk_close(&anna);
    test_desk_close(&bert);
    test_desk_close(&cees);
    return 0;
}

/* What the colleague made, and the memory of it. */
typedef struct flood {
    veld_id case_id, root, person;
    veld_change changes[CHANGES_MAX];
    size_t count;
    veld_arena arena;
} flood;

static veld_write on(const flood *f, const char *field, const char *value)
{
    return (veld_write){.record = f->person,
        .type = veld_span_text("person"),
        .field = veld_span_text(field),
        .value = veld_span_text(value)};
}

/* A change without a past, signed by anna's device: many of them are many heads. */
static veld_change *add(flood *f, veld_write *writes, size_t count)
{
    veld_change *change = &f->changes[f->count++];
    assert_true(f->count <= CHANGES_MAX);
    *change = (veld_change){.case_id = f->case_id,
        .device = *veld_store_device(anna.store),
        .incarnation = {7},
        .number = f->count,
        .writes = writes,
        .writes_count = count,
        .time = {.hybrid_ms = (int64_t)f->count}};
    assert_ok(veld_change_check_form(change, NULL));
    assert_ok(veld_change_derive(change, NULL));
    assert_ok(veld_commit_sign(change, &anna.desk.signer, NULL));
    return change;
}

static veld_write *get_writes(flood *f, size_t count)
{
    veld_write *writes = veld_arena_get(&f->arena, count, sizeof *writes);
    assert_non_null(writes);
    return writes;
}

static char *get_text(flood *f, size_t bytes)
{
    char *text = veld_arena_get(&f->arena, 1, bytes);
    assert_non_null(text);
    return text;
}

static void fill_sides(flood *f)
{
    veld_write *writes = get_writes(f, SIDES);
    for (size_t i = 0; i < SIDES; i++) {
        char *value = get_text(f, NAME_BYTES);
        snprintf(value, NAME_BYTES, "\"0%zu\"", i);
        writes[i] = on(f, "phone", value);
    }
    add(f, writes, SIDES);
}

static void fill_fields(flood *f)
{
    veld_write *writes = get_writes(f, FIELDS);
    for (size_t i = 0; i < FIELDS; i++) {
        char *field = get_text(f, NAME_BYTES);
        snprintf(field, NAME_BYTES, "veld%zu", i);
        writes[i] = on(f, field, "null");
    }
    add(f, writes, FIELDS);
}

static void fill_row(flood *f)
{
    char *value = get_text(f, VELD_CHANGE_VALUE_BYTES_MAX);
    veld_write *writes = get_writes(f, LARGE);
    memset(value, 'x', VELD_CHANGE_VALUE_BYTES_MAX);
    value[0] = value[VELD_CHANGE_VALUE_BYTES_MAX - 1] = '"';
    for (size_t i = 0; i < LARGE; i++) {
        writes[i] = on(f, "language", "");
        writes[i].value = veld_span_of(value, VELD_CHANGE_VALUE_BYTES_MAX);
    }
    add(f, writes, LARGE);
}

static int by_write_id(const void *a, const void *b)
{
    return veld_write_id_compare(a, b);
}

/* A removal that names as many writes as one may, seen or not. */
static void fill_basis(flood *f, const veld_change *known)
{
    veld_write_id *ids = veld_arena_get(&f->arena, VELD_CHANGE_REFERENCES_MAX, sizeof *ids);
    veld_write *write = get_writes(f, 1);
    assert_non_null(ids);
    for (size_t i = 0; i < VELD_CHANGE_REFERENCES_MAX; i++)
        ids[i] = known->writes[i].id;
    qsort(ids, VELD_CHANGE_REFERENCES_MAX, sizeof *ids, by_write_id);
    *write = on(f, VELD_FIELD_REMOVED, "true");
    write->basis = ids;
    write->basis_count = VELD_CHANGE_REFERENCES_MAX;
    add(f, write, 1);
}

static void fill(flood *f)
{
    veld_arena_init(&f->arena, 64 << 20);
    fill_sides(f);
    fill_basis(f, &f->changes[0]);
    fill_fields(f);
    fill_row(f);
    while (f->count < HEADS) {
        veld_write *write = get_writes(f, 1);
        *write = on(f, "sex", f->count % 2 ? "\"female\"" : "\"male\"");
        add(f, write, 1);
    }
}

/* Take in all, in the order of `step` places at a time round the list. */
static void take(flood *f, veld_case *opened, size_t step)
{
    for (size_t i = 0; i < f->count; i++) {
        veld_taken taken;
        assert_ok(veld_case_take(opened, &f->changes[i * step % f->count], 1, &taken, NULL));
        assert_int_equal(taken.added, 1);
    }
}

static veld_hash state_id(veld_case *opened)
{
    veld_hash id;
    assert_ok(veld_case_state_id(opened, &id, NULL));
    return id;
}

static void open_at(test_desk *t, const flood *f, veld_case *from, veld_case **out)
{
    veld_span key;
    veld_arena arena;
    veld_change first;
    veld_taken taken;
    size_t count;
    assert_ok(veld_store_case_key(veld_case_keys(from), 1, &key, NULL));
    assert_ok(veld_store_put_case_key(t->store, &f->case_id, 1, key, NULL));
    assert_ok(veld_case_open(&t->desk, &f->case_id, out, NULL));
    veld_arena_init(&arena, 1 << 20);
    const veld_node *const *order = veld_graph_order(veld_case_graph(from), &count);
    assert_ok(veld_case_change(from, &order[0]->id, &arena, &first, NULL));
    assert_ok(veld_case_take(*out, &first, 1, &taken, NULL));
    veld_arena_release(&arena);
}

/* A person chooses and writes; what one change cannot name goes with the next. */
static void go_on(const flood *f, veld_case *opened)
{
    static const char *const fields[] = {"phone", "sex", "language", "name", "veld7"};
    for (size_t i = 0; i < 3 * (sizeof fields / sizeof *fields); i++) {
        veld_hash change;
        veld_edit edit =
            test_edit_set(&f->person, "person", fields[i % 5], i % 2 ? "\"other\"" : "\"unknown\"");
        assert_ok(veld_case_save(opened, &edit, 1, &change, NULL));
        assert_false(veld_hash_is_zero(&change));
    }
}

/* Everything that reads a case. */
static void read_all(test_desk *t, const flood *f, veld_case *opened)
{
    veld_arena arena;
    veld_known known = {0};
    const veld_conflict *conflicts = NULL;
    const veld_meeting *meetings = NULL;
    size_t count = 0;
    veld_arena_init(&arena, 512u << 20);
    assert_ok(veld_conflict_list(
        veld_case_state(opened), t->schemas, &f->case_id, &arena, &conflicts, &count, NULL));
    assert_true(count > 0);
    assert_ok(veld_meeting_list(&t->world.env, veld_case_state(opened), veld_case_graph(opened),
        t->schemas, &arena, &meetings, &count, NULL, NULL));
    assert_ok(veld_known_at(
        opened, veld_store_device(anna.store), t->world.now.wall_utc_ms, &known, NULL));
    veld_known_release(&known);
    veld_arena_release(&arena);
}

static void check_checkpoint(test_desk *t, veld_case *opened)
{
    veld_buf first, second;
    veld_state *state = NULL;
    veld_graph *graph = NULL;
    veld_buf_init(&first, CHECKPOINT_BYTES_MAX);
    veld_buf_init(&second, CHECKPOINT_BYTES_MAX);
    assert_ok(veld_checkpoint_write(
        veld_case_state(opened), veld_case_graph(opened), t->schemas, &first, NULL));
    assert_ok(veld_checkpoint_read(&t->world.env, veld_buf_span(&first), &state, &graph, NULL));
    assert_ok(veld_checkpoint_write(state, graph, t->schemas, &second, NULL));
    assert_true(veld_span_equal(veld_buf_span(&first), veld_buf_span(&second)));
    veld_state_free(state);
    veld_graph_free(graph);
    veld_buf_wipe(&first);
    veld_buf_wipe(&second);
}

/* The colleague's changes name a tree that does not follow: findings, and nothing of ours. */
static void check_proof(veld_case *opened)
{
    veld_proof proof;
    assert_ok(veld_case_verify(opened, &proof, NULL, NULL, NULL));
    assert_int_equal(proof.signatures, proof.changes);
    assert_int_equal(proof.findings, HEADS);
}

static void a_case_that_is_full_is_worked_in(void **state)
{
    (void)state;
    static flood f;
    veld_case *first = NULL, *at_bert = NULL, *at_cees = NULL;
    assert_ok(
        veld_founder_new_id(&anna.world.env, veld_store_device(anna.store), &f.case_id, NULL));
    assert_ok(veld_id_new(&anna.world.env, &f.root, NULL));
    assert_ok(veld_id_new(&anna.world.env, &f.person, NULL));
    veld_edit edits[] = {
        test_edit_set(&f.root, "case", "title", "\"Gezin Test\""),
        test_edit_set(&f.person, "person", "name", "\"Mina\""),
    };
    assert_ok(veld_case_found(&anna.desk, &f.case_id, edits, 2, &first, NULL));
    fill(&f);
    open_at(&bert, &f, first, &at_bert);
    open_at(&cees, &f, first, &at_cees);
    take(&f, at_bert, 1);
    take(&f, at_cees, f.count - 1);
    veld_hash left = state_id(at_bert), right = state_id(at_cees);
    assert_true(veld_hash_equal(&left, &right));
    read_all(&bert, &f, at_bert);
    go_on(&f, at_bert);
    read_all(&bert, &f, at_bert);
    check_checkpoint(&bert, at_bert);
    check_proof(at_bert);
    left = state_id(at_bert);
    veld_case_close(at_bert);
    assert_ok(veld_case_open(&bert.desk, &f.case_id, &at_bert, NULL));
    right = state_id(at_bert);
    assert_true(veld_hash_equal(&left, &right));
    veld_case_close(at_bert);
    veld_case_close(at_cees);
    veld_case_close(first);
    veld_arena_release(&f.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_case_that_is_full_is_worked_in)};
    return cmocka_run_group_tests(tests, open_desks, close_desks);
}
