/* Reading is a function of the set of changes too: replicas that took the same random history in
 * other orders, with repetitions, show the same case and the same conflicts, byte by byte.
 * VELD_HISTORIES sets how many histories are played. */
#include "veld_test.h"

#include <stdlib.h>
#include <string.h>

#include "history.h"
#include "veldkit/crypto.h"
#include "veldkit/view.h"

static unsigned long histories(void)
{
    const char *text = getenv("VELD_HISTORIES");
    return text != NULL ? strtoul(text, NULL, 10) : 2000;
}

typedef struct counts {
    unsigned long conflicts;
    unsigned long removed;
} counts;

/* All that can be read of a replica, as one JSON array. */
static void read_all(replica *r, const veld_schema_set *schemas, veld_buf *out, counts *seen)
{
    static const veld_id case_id = {.bytes = {1}};
    const veld_place place = {.case_id = case_id, .dossier = case_id};
    const veld_view_part part = {.case_id = case_id, .state = r->state};
    veld_arena arena;
    veld_json_writer writer;
    veld_arena_init(&arena, 64 << 20);
    veld_json_writer_init(&writer, out);
    veld_json_writer_array_begin(&writer);
    assert_ok(veld_view_case(&place, &part, 1, veld_span_text(""), schemas, &arena, &writer, NULL));
    const veld_conflict *conflicts = NULL;
    size_t count;
    assert_ok(veld_conflict_list(r->state, schemas, &case_id, &arena, &conflicts, &count, NULL));
    for (size_t i = 0; i < count; i++)
        veld_view_conflict(&conflicts[i], &place, NULL, &writer);
    veld_json_writer_array_end(&writer);
    assert_ok(veld_json_writer_finish(&writer, NULL));
    seen->conflicts += count;
    veld_view_summary summary;
    assert_ok(veld_view_summarise(r->state, schemas, &arena, &summary, NULL));
    seen->removed += veld_state_record_count(r->state) - summary.records;
    veld_arena_release(&arena);
}

static void take_all(history *h, replica *r)
{
    size_t order[HISTORY_CHANGES_MAX];
    history_shuffle(h, order, h->count);
    for (size_t i = 0; i < h->count; i++) {
        replica_take(h, r, order[i]);
        replica_take(h, r, order[test_env_number(&h->world, i + 1)]);
    }
}

static void replicas_with_the_same_changes_show_the_same(void **state)
{
    veld_schema_set *schemas = *state;
    counts seen = {0};
    for (unsigned long seed = 1; seed <= histories(); seed++) {
        history h;
        veld_buf first, other;
        history_play(&h, seed);
        veld_buf_init(&first, 8 << 20);
        veld_buf_init(&other, 8 << 20);
        for (size_t i = 0; i < 2; i++) {
            replica late;
            replica_new(&h, &late);
            take_all(&h, &late);
            read_all(&late, schemas, i == 0 ? &first : &other, &seen);
            replica_free(&late);
        }
        if (!veld_span_equal(veld_buf_span(&first), veld_buf_span(&other)))
            fail_msg("seed %lu: two replicas show different cases", seed);
        veld_buf_release(&first);
        veld_buf_release(&other);
        history_release(&h);
    }
    print_message("%lu conflicts, %lu removed records\n", seen.conflicts, seen.removed);
    assert_true(seen.conflicts > histories() && seen.removed > 0);
}

static int begin(void **state)
{
    veld_schema_set *schemas = NULL;
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_schema_set_new(&schemas, NULL));
    *state = schemas;
    return 0;
}

static int end(void **state)
{
    veld_schema_set_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(replicas_with_the_same_changes_show_the_same, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
