/* Checkpoints that lie: whatever the bytes say, reading them and going on is refused or harmless.
 */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/cbor.h"
#include "veldkit/checkpoint.h"

/* What one checkpoint says; names are single bytes. */
typedef struct lie {
    int64_t wall_utc_ms;
    const char *value;
    bool replaced;
    bool waiting; /* on a field without any write */
    bool cycle;   /* two held changes, each with the other as parent */
} lie;

static void put_bytes(veld_cbor_writer *to, uint8_t name, size_t len)
{
    uint8_t bytes[VELD_HASH_BYTES] = {name};
    veld_cbor_put_bytes(to, veld_span_of(bytes, len));
}

static void put_held(veld_cbor_writer *to, uint8_t name, uint8_t parent)
{
    veld_cbor_put_array(to, 10);
    put_bytes(to, name, VELD_HASH_BYTES);
    put_bytes(to, name, VELD_HASH_BYTES);
    put_bytes(to, 1, VELD_ID_BYTES);
    put_bytes(to, 1, VELD_INCARNATION_BYTES);
    veld_cbor_put_uint(to, name);
    veld_cbor_put_boolean(to, false);
    veld_cbor_put_boolean(to, false);
    put_bytes(to, name, VELD_GIT_OID_BYTES);
    veld_cbor_put_int(to, 0);
    veld_cbor_put_array(to, 1);
    put_bytes(to, parent, VELD_HASH_BYTES);
}

static void put_place(veld_cbor_writer *to, const char *field)
{
    veld_cbor_put_text(to, veld_span_text("note"));
    put_bytes(to, 1, VELD_ID_BYTES);
    veld_cbor_put_text(to, veld_span_text(field));
}

static void write_lie(const lie *say, veld_buf *out)
{
    veld_cbor_writer to = veld_cbor_write(out);
    veld_cbor_put_array(&to, 5);
    veld_cbor_put_uint(&to, 0);
    veld_cbor_put_array(&to, 1);
    veld_cbor_put_array(&to, 12);
    put_bytes(&to, 5, VELD_HASH_BYTES);
    put_bytes(&to, 5, VELD_HASH_BYTES);
    put_bytes(&to, 1, VELD_ID_BYTES);
    put_bytes(&to, 1, VELD_INCARNATION_BYTES);
    veld_cbor_put_uint(&to, 1);
    veld_cbor_put_int(&to, say->wall_utc_ms);
    for (int i = 0; i < 6; i++)
        veld_cbor_put_uint(&to, 0);
    veld_cbor_put_array(&to, 1);
    veld_cbor_put_array(&to, 9);
    put_place(&to, "text");
    put_bytes(&to, 9, sizeof(veld_write_id));
    veld_cbor_put_bytes(&to, veld_span_text(say->value));
    veld_cbor_put_uint(&to, 0);
    veld_cbor_put_array(&to, 0);
    veld_cbor_put_array(&to, 0);
    veld_cbor_put_boolean(&to, say->replaced);
    veld_cbor_put_array(&to, say->waiting ? 1 : 0);
    if (say->waiting) {
        veld_cbor_put_array(&to, 4);
        put_bytes(&to, 8, sizeof(veld_write_id));
        put_place(&to, "kind");
    }
    veld_cbor_put_array(&to, say->cycle ? 2 : 0);
    if (say->cycle) {
        put_held(&to, 2, 3);
        put_held(&to, 3, 2);
    }
    assert_ok(veld_cbor_writer_finish(&to, NULL));
}

static veld_status read_lie(const lie *say, veld_state **state, veld_graph **graph)
{
    test_env world;
    veld_buf bytes;
    test_env_init(&world, 1);
    veld_buf_init(&bytes, 4096);
    write_lie(say, &bytes);
    veld_status status =
        veld_checkpoint_read(&world.env, veld_buf_span(&bytes), state, graph, NULL);
    veld_buf_wipe(&bytes);
    return status;
}

static void what_no_change_can_say_is_refused(void **state)
{
    (void)state;
    static const lie lies[] = {
        {.value = "{ }"},
        {.value = ""},
        {.value = "1.5"},
        {.value = "1", .wall_utc_ms = INT64_MAX},
        {.value = "1", .wall_utc_ms = INT64_MIN},
        {.value = "1", .replaced = true},
        {.value = "1", .waiting = true},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        veld_state *joined;
        veld_graph *graph;
        assert_int_equal(read_lie(&lies[i], &joined, &graph), VELD_E_FORM);
        assert_null(joined);
        assert_null(graph);
    }
}

static void a_cycle_has_an_order_too(void **state)
{
    (void)state;
    veld_state *joined;
    veld_graph *graph;
    size_t count;
    assert_ok(read_lie(&(lie){.value = "1", .cycle = true}, &joined, &graph));
    const veld_node *const *order = veld_graph_order(graph, &count);
    assert_int_equal(count, 2);
    assert_int_equal(order[0]->id.bytes[0], 2);
    assert_int_equal(order[1]->id.bytes[0], 3);
    veld_graph_heads(graph, &count);
    assert_int_equal(count, 0);
    veld_state_free(joined);
    veld_graph_free(graph);
}

/* The checkpoint gave the write to another change; the one that made it comes later. */
static void a_write_that_is_here_already_stays(void **state)
{
    (void)state;
    veld_state *joined;
    veld_graph *graph;
    assert_ok(read_lie(&(lie){.value = "1"}, &joined, &graph));
    veld_write write = {.record = {{1}},
        .type = veld_span_text("note"),
        .field = veld_span_text("text"),
        .value = veld_span_text("2"),
        .id = {{9}}};
    veld_change change = {.core = {{6}}, .id = {{6}}, .writes = &write, .writes_count = 1};
    assert_ok(veld_state_apply(joined, &change, NULL, NULL));
    const veld_entry *entry = veld_state_entry_get(joined, &write.id);
    assert_true(veld_span_equal(entry->value, veld_span_text("1")));
    assert_int_equal(entry->field->visible_count, 1);
    veld_state_free(joined);
    veld_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_change_can_say_is_refused),
        cmocka_unit_test(a_cycle_has_an_order_too),
        cmocka_unit_test(a_write_that_is_here_already_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
