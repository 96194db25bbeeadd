/* What met, told from the graph: chains, ends, and who had seen what. Random histories hold that
 * nothing is told to have met that somebody had seen, and that nothing that met is left out. */
#include "veld_test.h"

#include <string.h>

#include "history.h"
#include "veldkit/crypto.h"
#include "veldkit/meeting.h"

enum { HISTORIES = 150, ARENA_BYTES_MAX = 64 << 20 };

/* Whether `change` has `past` before it, by the plainest walk. */
static bool has_seen(const veld_graph *graph, const veld_hash *change, const veld_hash *past)
{
    const veld_node *todo[4096];
    size_t count = 0;
    todo[count++] = veld_graph_get(graph, change);
    for (size_t at = 0; at < count; at++) {
        if (veld_hash_equal(&todo[at]->id, past))
            return true;
        for (size_t i = 0; i < todo[at]->parents_count; i++) {
            bool known = false;
            for (size_t j = 0; j < count; j++)
                known = known || todo[j] == todo[at]->parents[i];
            if (!known && count < 4096)
                todo[count++] = todo[at]->parents[i];
        }
    }
    return false;
}

static bool met(const veld_graph *graph, const veld_entry *a, const veld_entry *b)
{
    return !has_seen(graph, &a->origin->change, &b->origin->change) &&
           !has_seen(graph, &b->origin->change, &a->origin->change);
}

static bool is_told(const veld_meeting *list, size_t count, const veld_entry *entry)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < list[i].writes_count; j++) {
            if (list[i].writes[j] == entry)
                return true;
        }
    }
    return false;
}

static void check_meeting(const veld_graph *graph, const veld_meeting *m)
{
    assert_true(m->sides_count > 1 && m->writes_count >= m->sides_count);
    for (size_t i = 0; i < m->sightings_count; i++) {
        const veld_sighting *s = &m->sightings[i];
        assert_true(has_seen(graph, &s->change->id, &m->sides[s->side]->origin->change));
    }
    for (size_t i = 0; i < m->writes_count; i++) {
        bool any = false;
        for (size_t j = 0; j < m->writes_count; j++)
            any = any || (i != j && met(graph, m->writes[i], m->writes[j]));
        assert_true(any);
    }
}

/* Two visible writes that met and differ are two sides of one meeting. */
static void check_field(
    const veld_graph *graph, const veld_meeting *list, size_t count, const veld_state_field *field)
{
    for (const veld_entry *a = field->entries; a != NULL && !a->replaced; a = a->next) {
        for (const veld_entry *b = a->next; b != NULL && !b->replaced; b = b->next) {
            if (field->name.data[0] == '@' || veld_span_equal(a->value, b->value) ||
                !met(graph, a, b))
                continue;
            assert_true(is_told(list, count, a) && is_told(list, count, b));
        }
    }
}

static void what_met_is_told_and_nothing_else(void **state)
{
    veld_schema_set *schemas = *state;
    size_t told = 0;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        history h;
        replica all;
        veld_arena arena;
        const veld_meeting *list = NULL;
        size_t count, records_count;
        history_play_by(&h, seed, schemas);
        replica_new(&h, &all);
        for (size_t i = 0; i < h.count; i++)
            replica_take(&h, &all, i);
        veld_arena_init(&arena, ARENA_BYTES_MAX);
        assert_ok(veld_meeting_list(
            &h.world.env, all.state, all.graph, schemas, &arena, &list, &count, NULL, NULL));
        for (size_t i = 0; i < count; i++)
            check_meeting(all.graph, &list[i]);
        const veld_state_record *const *records = veld_state_records(all.state, &records_count);
        for (size_t i = 0; i < records_count; i++) {
            for (const veld_state_field *f = records[i]->fields; f != NULL; f = f->next)
                check_field(all.graph, list, count, f);
        }
        told += count;
        veld_arena_release(&arena);
        replica_free(&all);
        history_release(&h);
    }
    assert_true(told > HISTORIES);
}

static void every_failed_allocation_of_meetings_is_told(void **state)
{
    veld_schema_set *schemas = *state;
    history h;
    replica all;
    history_play_by(&h, 3, schemas);
    replica_new(&h, &all);
    for (size_t i = 0; i < h.count; i++)
        replica_take(&h, &all, i);
    for (uint64_t n = 1;; n++) {
        veld_arena arena;
        const veld_meeting *list = NULL;
        size_t count;
        veld_arena_init(&arena, ARENA_BYTES_MAX);
        test_fail_allocation(n, false);
        veld_status status = veld_meeting_list(
            &h.world.env, all.state, all.graph, schemas, &arena, &list, &count, NULL, NULL);
        test_fail_allocation(0, false);
        veld_arena_release(&arena);
        if (status == VELD_OK)
            break;
        assert_int_equal(status, VELD_E_MEMORY);
        assert_int_equal(count, 0);
    }
    replica_free(&all);
    history_release(&h);
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
        cmocka_unit_test_setup_teardown(what_met_is_told_and_nothing_else, begin, end),
        cmocka_unit_test_setup_teardown(every_failed_allocation_of_meetings_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
