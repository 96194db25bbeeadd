/* Checkpoint plus tail equals the whole: whatever a replica held when it was made, with gaps and
 * clones, and in whatever order all changes come afterwards, those it held among them. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "veldkit/checkpoint.h"
#include "veldkit/conflict.h"
#include "veldkit/policy.h"

static unsigned long histories(void)
{
    const char *text = getenv("VELD_HISTORIES");
    return text != NULL ? strtoul(text, NULL, 10) : 2000;
}

static veld_schema_set *schemas;

static void write_checkpoint(replica *r, veld_buf *out)
{
    veld_buf_clear(out);
    assert_ok(veld_checkpoint_write(r->state, r->graph, schemas, out, NULL));
}

static void read_checkpoint(history *h, veld_span bytes, replica *out)
{
    memset(out, 0, sizeof *out);
    assert_ok(veld_checkpoint_read(&h->world.env, bytes, &out->state, &out->graph, NULL));
}

static void take_all(history *h, replica *r)
{
    size_t order[HISTORY_CHANGES_MAX];
    history_shuffle(h, order, h->count);
    for (size_t i = 0; i < h->count; i++)
        replica_take(h, r, order[i]);
}

static void assert_same_heads(replica *a, replica *b)
{
    size_t left_count, right_count;
    const veld_node *const *left = veld_graph_heads(a->graph, &left_count);
    const veld_node *const *right = veld_graph_heads(b->graph, &right_count);
    assert_int_equal(left_count, right_count);
    for (size_t i = 0; i < left_count; i++) {
        assert_true(veld_hash_equal(&left[i]->id, &right[i]->id));
        assert_memory_equal(&left[i]->git, &right[i]->git, sizeof left[i]->git);
    }
    assert_int_equal(veld_graph_incomplete_count(a->graph), veld_graph_incomplete_count(b->graph));
}

typedef struct texts {
    veld_buf whole, restored, first, second;
} texts;

static void check_history(history *h, texts *t, unsigned long seed)
{
    replica all, restored;
    replica *held = &h->replicas[test_env_number(&h->world, h->replicas_count)];
    write_checkpoint(held, &t->first);
    read_checkpoint(h, veld_buf_span(&t->first), &restored);
    write_checkpoint(&restored, &t->second);
    if (!veld_span_equal(veld_buf_span(&t->first), veld_buf_span(&t->second)))
        fail_msg("seed %lu: a checkpoint read and written again differs", seed);
    assert_same_heads(held, &restored);

    replica_new(h, &all);
    take_all(h, &all);
    take_all(h, &restored);
    veld_buf_clear(&t->whole);
    veld_buf_clear(&t->restored);
    replica_text(&all, &t->whole);
    replica_text(&restored, &t->restored);
    if (!veld_span_equal(veld_buf_span(&t->whole), veld_buf_span(&t->restored)))
        fail_msg("seed %lu: checkpoint and tail differ from the whole", seed);
    assert_same_heads(&all, &restored);
    assert_int_equal(veld_graph_count(all.graph), veld_graph_count(restored.graph));
    replica_free(&all);
    replica_free(&restored);
}

static void checkpoint_and_tail_equal_the_whole(void **state)
{
    (void)state;
    texts t;
    veld_buf_init(&t.whole, 1 << 20);
    veld_buf_init(&t.restored, 1 << 20);
    veld_buf_init(&t.first, 1 << 20);
    veld_buf_init(&t.second, 1 << 20);
    for (unsigned long seed = 1; seed <= histories(); seed++) {
        history h;
        history_play(&h, seed);
        check_history(&h, &t, seed);
        history_release(&h);
    }
    veld_buf_release(&t.whole);
    veld_buf_release(&t.restored);
    veld_buf_release(&t.first);
    veld_buf_release(&t.second);
}

/* ---- what is read ---- */

static bool is_null(veld_span value)
{
    return veld_span_equal(value, veld_span_text("null"));
}

static void read_one(veld_outlook *outlook, const veld_state_field *field, veld_reading *out)
{
    if (veld_span_equal(field->name, veld_span_text(VELD_FIELD_REMOVED)))
        assert_ok(veld_policy_read_removed(field->record, outlook->arena, out));
    else
        assert_ok(veld_policy_read(outlook, field, out));
}

/* Nothing that is shown differs. Only where a value came from may be unknown, when a change that
 * came later names a write from before the checkpoint. */
static void assert_same_readings(history *h, replica *whole, replica *restored, unsigned long seed)
{
    (void)h;
    veld_arena arena;
    size_t one, other;
    veld_arena_init(&arena, 64u << 20);
    const veld_state_record *const *left = veld_state_records(whole->state, &one);
    const veld_state_record *const *right = veld_state_records(restored->state, &other);
    veld_outlook a = veld_outlook_of(whole->state, schemas, &arena);
    veld_outlook b = veld_outlook_of(restored->state, schemas, &arena);
    assert_int_equal(one, other);
    for (size_t i = 0; i < one; i++) {
        const veld_state_field *f = left[i]->fields, *g = right[i]->fields;
        for (; f != NULL && g != NULL; f = f->next, g = g->next) {
            veld_reading x, y;
            read_one(&a, f, &x);
            read_one(&b, g, &y);
            if (!veld_span_equal(x.effective, y.effective) || x.conflict != y.conflict ||
                x.held != y.held || x.sides_count != y.sides_count)
                fail_msg("seed %lu: a field reads otherwise after a checkpoint", seed);
        }
    }
    const veld_conflict *waits, *waits_too;
    const veld_id id = {{1}};
    assert_ok(veld_conflict_list(whole->state, schemas, &id, &arena, &waits, &one, NULL));
    assert_ok(veld_conflict_list(restored->state, schemas, &id, &arena, &waits_too, &other, NULL));
    assert_int_equal(one, other);
    for (size_t i = 0; i < one; i++) {
        assert_true(veld_id_equal(&waits[i].id, &waits_too[i].id));
        if (!veld_span_equal(waits[i].base, waits_too[i].base) && !is_null(waits_too[i].base))
            fail_msg("seed %lu: another base after a checkpoint", seed);
    }
    veld_arena_release(&arena);
}

static void check_readings(history *h, veld_buf *bytes, unsigned long seed)
{
    replica all, restored;
    replica *held = &h->replicas[test_env_number(&h->world, h->replicas_count)];
    write_checkpoint(held, bytes);
    read_checkpoint(h, veld_buf_span(bytes), &restored);
    replica_new(h, &all);
    take_all(h, &all);
    take_all(h, &restored);
    assert_same_readings(h, &all, &restored, seed);
    replica_free(&all);
    replica_free(&restored);
}

static void what_is_shown_is_the_same_after_a_checkpoint(void **state)
{
    (void)state;
    veld_buf bytes;
    veld_buf_init(&bytes, 4 << 20);
    for (unsigned long seed = 1; seed <= histories() / 10; seed++) {
        history h;
        history_play_by(&h, seed, schemas);
        check_readings(&h, &bytes, seed);
        history_release(&h);
    }
    veld_buf_release(&bytes);
}

static void damaged_checkpoints_are_refused_or_whole(void **state)
{
    (void)state;
    history h;
    history_play(&h, 7);
    veld_buf bytes;
    veld_buf_init(&bytes, 1 << 20);
    write_checkpoint(&h.replicas[0], &bytes);
    for (size_t cut = 0; cut < bytes.len; cut += 7) {
        replica r = {0};
        veld_span part = veld_span_of(bytes.data, cut);
        assert_int_not_equal(
            veld_checkpoint_read(&h.world.env, part, &r.state, &r.graph, NULL), VELD_OK);
        assert_null(r.state);
    }
    for (size_t i = 0; i < bytes.len; i++) {
        replica r = {0};
        bytes.data[i] ^= (uint8_t)(1u << (i % 8));
        if (veld_checkpoint_read(&h.world.env, veld_buf_span(&bytes), &r.state, &r.graph, NULL) ==
            VELD_OK)
            replica_free(&r);
        bytes.data[i] ^= (uint8_t)(1u << (i % 8));
    }
    veld_buf_release(&bytes);
    history_release(&h);
}

static void every_failed_allocation_is_told(void **state)
{
    (void)state;
    history h;
    history_play(&h, 11);
    veld_buf bytes;
    veld_buf_init(&bytes, 1 << 20);
    write_checkpoint(&h.replicas[0], &bytes);
    for (uint64_t n = 1;; n++) {
        replica r = {0};
        veld_error err = {0};
        test_fail_allocation(n, false);
        veld_status status =
            veld_checkpoint_read(&h.world.env, veld_buf_span(&bytes), &r.state, &r.graph, &err);
        test_fail_allocation(0, false);
        if (status == VELD_OK) {
            replica_free(&r);
            break;
        }
        assert_int_equal(status, VELD_E_MEMORY);
        assert_null(r.state);
    }
    veld_buf_release(&bytes);
    history_release(&h);
}

static int begin(void **state)
{
    (void)state;
    assert_ok(veld_schema_set_new(&schemas, NULL));
    return 0;
}

static int end(void **state)
{
    (void)state;
    veld_schema_set_free(schemas);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checkpoint_and_tail_equal_the_whole),
        cmocka_unit_test(what_is_shown_is_the_same_after_a_checkpoint),
        cmocka_unit_test(damaged_checkpoints_are_refused_or_whole),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
