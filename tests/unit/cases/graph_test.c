/* The graph and the state against names that were chosen to be taken for each other. */
#include "veld_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test_env.h"
#include "veldkit/graph.h"
#include "veldkit/state.h"

static veld_hash hash_of(uint8_t first, uint8_t last)
{
    veld_hash hash = {{0}};
    hash.bytes[0] = first;
    hash.bytes[VELD_HASH_BYTES - 1] = last;
    return hash;
}

static void parents_that_share_a_beginning_are_told_apart(void **state)
{
    (void)state;
    test_env world;
    veld_graph *graph;
    size_t count;
    test_env_init(&world, 1);
    assert_ok(veld_graph_new(&world.env, &graph, NULL));
    veld_parent parents[2] = {{.id = hash_of(1, 1)}, {.id = hash_of(1, 2)}};
    veld_change child = {
        .id = hash_of(9, 0), .core = hash_of(9, 0), .parents = parents, .parents_count = 2};
    veld_change parent = {.id = hash_of(1, 1), .core = hash_of(1, 1)};
    assert_ok(veld_graph_add(graph, &child, NULL, NULL));
    assert_ok(veld_graph_add(graph, &parent, NULL, NULL));
    assert_int_equal(veld_graph_incomplete_count(graph), 1);
    const veld_node *const *missing = veld_graph_missing(graph, &count);
    assert_int_equal(count, 1);
    assert_true(veld_hash_equal(&missing[0]->id, &parents[1].id));
    parent.id = parents[1].id;
    parent.core = parents[1].id;
    assert_ok(veld_graph_add(graph, &parent, NULL, NULL));
    assert_int_equal(veld_graph_incomplete_count(graph), 0);
    veld_graph_free(graph);
}

static void cores_that_share_a_beginning_are_two_changes(void **state)
{
    (void)state;
    test_env world;
    veld_state *joined;
    bool applied;
    test_env_init(&world, 1);
    assert_ok(veld_state_new(&world.env, &joined, NULL));
    for (uint8_t i = 1; i <= 2; i++) {
        veld_write write = {.type = veld_span_text("note"),
            .field = veld_span_text("text"),
            .value = veld_span_text("1"),
            .id = {{i}}};
        veld_change change = {.core = hash_of(7, i), .writes = &write, .writes_count = 1};
        assert_ok(veld_state_apply(joined, &change, &applied, NULL));
        assert_true(applied);
        assert_ok(veld_state_apply(joined, &change, &applied, NULL));
        assert_false(applied);
    }
    assert_int_equal(veld_state_change_count(joined), 2);
    veld_state_free(joined);
}

static void a_write_is_replaced_only_from_its_own_field(void **state)
{
    (void)state;
    test_env world;
    veld_state *joined;
    test_env_init(&world, 1);
    for (int order = 0; order < 2; order++) {
        assert_ok(veld_state_new(&world.env, &joined, NULL));
        veld_write value = {.type = veld_span_text("note"),
            .field = veld_span_text("text"),
            .value = veld_span_text("1"),
            .id = {{1}}};
        veld_write thief = {.type = veld_span_text("note"),
            .field = veld_span_text("kind"),
            .value = veld_span_text("2"),
            .id = {{2}},
            .replaces = &value.id,
            .replaces_count = 1};
        veld_change changes[2] = {
            {.core = hash_of(1, 0), .writes = &value, .writes_count = 1},
            {.core = hash_of(2, 0), .writes = &thief, .writes_count = 1},
        };
        assert_ok(veld_state_apply(joined, &changes[order], NULL, NULL));
        assert_ok(veld_state_apply(joined, &changes[1 - order], NULL, NULL));
        assert_false(veld_state_entry_get(joined, &value.id)->replaced);
        veld_state_free(joined);
    }
}

/* Fields of one record, and types under one id: as many as a hostile author can sign. Each change
 * brings its names in an order that is worst for a list. */
static void many_names_under_one_id_cost_little(void **state)
{
    (void)state;
    enum { NAMES = 60000, PER_CHANGE = 10000 };
    for (int types = 0; types < 2; types++) {
        test_env world;
        veld_state *joined;
        test_env_init(&world, 3);
        assert_ok(veld_state_new(&world.env, &joined, NULL));
        veld_write *writes = calloc(PER_CHANGE, sizeof *writes);
        char(*names)[8] = calloc(PER_CHANGE, sizeof *names);
        assert_true(writes != NULL && names != NULL);
        for (uint32_t n = 0; n < NAMES; n += PER_CHANGE) {
            for (uint32_t i = 0; i < PER_CHANGE; i++) {
                snprintf(names[i], sizeof names[i], "f%06u", (unsigned)(n + i));
                veld_span name = veld_span_text(names[i]);
                writes[i] = (veld_write){.type = types ? name : veld_span_text("note"),
                    .field = types ? veld_span_text("text") : name,
                    .value = veld_span_text("1")};
                uint32_t id = n + i + 1;
                memcpy(writes[i].id.bytes, &id, sizeof id);
            }
            veld_change change = {.core = hash_of((uint8_t)types, (uint8_t)(1 + n / PER_CHANGE)),
                .writes = writes,
                .writes_count = PER_CHANGE};
            assert_ok(veld_state_apply(joined, &change, NULL, NULL));
        }
        bool several;
        const veld_id zero = {{0}};
        const veld_state_record *record = veld_state_record_find(joined, &zero, &several);
        assert_int_equal(several, types);
        assert_int_equal(veld_state_record_count(joined), types ? NAMES : 1);
        size_t fields = 0;
        for (const veld_state_field *f = record->fields; f != NULL; f = f->next, fields++)
            assert_true(f->next == NULL || veld_span_compare(f->name, f->next->name) < 0);
        assert_int_equal(fields, types ? 1 : NAMES);
        veld_span last = veld_span_text("f059999");
        assert_true(types ? veld_state_record_get(joined, last, &zero) != NULL
                          : veld_state_field_get(record, last) != NULL);
        veld_state_free(joined);
        free(writes);
        free(names);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parents_that_share_a_beginning_are_told_apart),
        cmocka_unit_test(cores_that_share_a_beginning_are_two_changes),
        cmocka_unit_test(many_names_under_one_id_cost_little),
        cmocka_unit_test(a_write_is_replaced_only_from_its_own_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
