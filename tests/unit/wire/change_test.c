/* Encoding, form and names of single changes. */
#include "veld_test.h"

#include <string.h>

#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "wire_world.h"

enum { HISTORIES = 200, CHAIN = 12, MEMORY_MAX = 1 << 20 };

static void check_round_trip(const veld_change *change, veld_change_form form)
{
    veld_buf bytes, again;
    veld_arena arena;
    veld_change back;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    veld_buf_init(&again, VELD_CHANGE_BYTES_MAX);
    veld_arena_init(&arena, MEMORY_MAX);
    assert_ok(veld_change_encode(change, form, &bytes, NULL));
    assert_ok(veld_change_decode(veld_buf_span(&bytes), form, &arena, &back, NULL));
    if (form == VELD_CHANGE_WIRE) {
        assert_true(veld_hash_is_zero(&back.id));
        back.id = change->id;
        back.git = change->git;
    }
    assert_true(wire_same(change, &back));
    assert_ok(veld_change_encode(&back, form, &again, NULL));
    assert_true(veld_span_equal(veld_buf_span(&bytes), veld_buf_span(&again)));
    veld_arena_release(&arena);
    veld_buf_wipe(&bytes);
    veld_buf_wipe(&again);
}

static void random_changes_come_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        wire_world w;
        wire_world_init(&w, seed);
        const veld_change *chain = wire_world_chain(&w, CHAIN);
        for (size_t i = 0; i < CHAIN; i++) {
            check_round_trip(&chain[i], VELD_CHANGE_WIRE);
            check_round_trip(&chain[i], VELD_CHANGE_ROW);
        }
        wire_world_release(&w);
    }
}

static void what_is_cut_or_changed_is_refused_or_another_change(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 7);
    const veld_change *change = wire_world_visit(&w);
    veld_buf bytes;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    assert_ok(veld_change_encode(change, VELD_CHANGE_WIRE, &bytes, NULL));
    for (size_t len = 0; len < bytes.len; len++) {
        veld_arena arena;
        veld_change back;
        veld_arena_init(&arena, MEMORY_MAX);
        assert_int_equal(veld_change_decode(
                             veld_span_of(bytes.data, len), VELD_CHANGE_WIRE, &arena, &back, NULL),
            VELD_E_FORM);
        veld_arena_release(&arena);
    }
    for (size_t bit = 0; bit < bytes.len * 8; bit++) {
        veld_arena arena;
        veld_change back;
        veld_arena_init(&arena, MEMORY_MAX);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_WIRE, &arena, &back, NULL) ==
            VELD_OK) {
            back.id = change->id;
            back.git = change->git;
            assert_false(wire_same(change, &back));
        }
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        veld_arena_release(&arena);
    }
    veld_buf_wipe(&bytes);
    wire_world_release(&w);
}

static void every_decided_field_changes_the_core(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 9);
    veld_change *change = wire_world_visit(&w);
    veld_hash core = change->core;
    veld_write_id write = change->writes[0].id;
#define DIFFERS(statement)                                                                         \
    do {                                                                                           \
        veld_change other = *change;                                                               \
        veld_write copy[2] = {change->writes[0], change->writes[1]};                               \
        other.writes = copy;                                                                       \
        statement;                                                                                 \
        assert_ok(veld_change_derive(&other, NULL));                                               \
        assert_false(veld_hash_equal(&core, &other.core));                                         \
        assert_false(veld_write_id_equal(&write, &other.writes[0].id));                            \
    } while (0)
    DIFFERS(other.number++);
    DIFFERS(other.case_id.bytes[15]++);
    DIFFERS(other.device.bytes[0]++);
    DIFFERS(other.incarnation[7]++);
    DIFFERS(other.time.wall_utc_ms++);
    DIFFERS(other.time.offset_min++);
    DIFFERS(other.time.monotonic_ms++);
    DIFFERS(other.time.server_utc_ms++);
    DIFFERS(other.time.hybrid_ms++);
    DIFFERS(other.time.hybrid_count++);
    DIFFERS(other.time.quality++);
    DIFFERS(other.commit_utc_s++);
    DIFFERS(other.log_size++);
    DIFFERS(other.log_root.bytes[31]++);
    DIFFERS(other.salt[0]++);
    DIFFERS(other.parents_count--);
    DIFFERS(other.writes_count--);
    DIFFERS(other.writes[0].value.len--);
    DIFFERS(other.writes[1].record.bytes[3]++);
#undef DIFFERS
    change->signature.bytes[0] ^= 1; /* not decided by content */
    assert_ok(veld_change_derive(change, NULL));
    assert_true(veld_hash_equal(&core, &change->core));
    wire_world_release(&w);
}

static void names_of_types_and_fields(void **state)
{
    (void)state;
    assert_true(veld_change_type_is_valid(veld_span_text("safety-condition")));
    assert_true(
        veld_change_type_is_valid(veld_span_text("a234567890123456789012345678901234567890")));
    assert_false(
        veld_change_type_is_valid(veld_span_text("a2345678901234567890123456789012345678901")));
    assert_false(veld_change_type_is_valid(veld_span_text("")));
    assert_false(veld_change_type_is_valid(veld_span_text("Note")));
    assert_false(veld_change_type_is_valid(veld_span_text("9note")));
    assert_false(veld_change_type_is_valid(veld_span_text("a/b")));
    assert_true(veld_change_field_is_valid(veld_span_text("startedAt")));
    assert_true(veld_change_field_is_valid(veld_span_text("@removed")));
    assert_false(veld_change_field_is_valid(veld_span_text("@other")));
    assert_false(veld_change_field_is_valid(veld_span_text("Started")));
    assert_false(veld_change_field_is_valid(veld_span_text("started-at")));
}

static void form_is_checked(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 10);
    veld_change *change = wire_world_one_field(&w);
    veld_write *write = change->writes;
    static const veld_write_id two[2] = {{{1}}, {{1}}};
    static const veld_write_id swapped[2] = {{{2}}, {{1}}};
    static const veld_parent parents[2] = {{{{2}}, {{0}}}, {{{1}}, {{0}}}};
#define REFUSED(expected, target, member, value_)                                                  \
    do {                                                                                           \
        __typeof__(*(target)) kept = *(target);                                                    \
        (target)->member = (value_);                                                               \
        veld_error err;                                                                            \
        assert_int_equal(veld_change_check_form(change, &err), (expected));                        \
        *(target) = kept;                                                                          \
    } while (0)
    assert_ok(veld_change_check_form(change, NULL));
    REFUSED(VELD_E_NEWER, change, format, 1);
    REFUSED(VELD_E_FORM, change, number, 0);
    REFUSED(VELD_E_FORM, change, number, UINT64_MAX);
    REFUSED(VELD_E_FORM, change, case_id, (veld_id){{0}});
    REFUSED(VELD_E_FORM, change, device, (veld_id){{0}});
    REFUSED(VELD_E_FORM, change, writes_count, 0);
    REFUSED(VELD_E_LIMIT, change, writes_count, VELD_CHANGE_WRITES_MAX + 1);
    REFUSED(VELD_E_LIMIT, change, parents_count, VELD_CHANGE_PARENTS_MAX + 1);
    REFUSED(VELD_E_FORM, change, time.wall_utc_ms, INT64_MIN);
    REFUSED(VELD_E_FORM, change, time.wall_utc_ms, INT64_MAX);
    REFUSED(VELD_E_FORM, change, time.monotonic_ms, -1);
    REFUSED(VELD_E_FORM, change, time.offset_min, 1440);
    REFUSED(VELD_E_FORM, change, time.quality, (veld_clock_quality)4);
    REFUSED(VELD_E_FORM, change, commit_utc_s, -1);
    REFUSED(VELD_E_FORM, change, commit_utc_s, change->time.wall_utc_ms / 1000 - 1);
    REFUSED(VELD_E_FORM, change, log_size, 0);
    REFUSED(VELD_E_FORM, write, record, (veld_id){{0}});
    REFUSED(VELD_E_FORM, write, type, veld_span_text("No"));
    REFUSED(VELD_E_FORM, write, field, veld_span_text("@no"));
    REFUSED(VELD_E_FORM, write, value, veld_span_text("{ }"));
    REFUSED(VELD_E_FORM, write, value, veld_span_text(""));
    REFUSED(VELD_E_LIMIT, write, value.len, VELD_CHANGE_VALUE_BYTES_MAX + 1);
    REFUSED(VELD_E_LIMIT, write, basis_count, VELD_CHANGE_REFERENCES_MAX + 1);
    veld_change unsorted = *change;
    unsorted.parents = parents;
    unsorted.parents_count = 2;
    assert_int_equal(veld_change_check_form(&unsorted, NULL), VELD_E_FORM);
    write->replaces_count = 2;
    REFUSED(VELD_E_FORM, write, replaces, two);
    REFUSED(VELD_E_FORM, write, replaces, swapped);
#undef REFUSED
    wire_world_release(&w);
}

/* The first and the last minute that a commit can name are in; a local year outside is not. */
static void a_wall_time_must_have_a_local_year_of_four_digits(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 12);
    veld_change *change = wire_world_one_field(&w);
    static const struct {
        int64_t wall_utc_ms;
        int32_t offset_min;
        veld_status expected;
    } cases[] = {
        {-INT64_C(62167219200000), 0, VELD_OK},
        {-INT64_C(62167219200000), -1, VELD_E_FORM},
        {-INT64_C(62167219200000), 1439, VELD_OK},
        {INT64_C(253402300799999), 0, VELD_OK},
        {INT64_C(253402300799999), 1, VELD_E_FORM},
        {INT64_C(253402300799999), -1439, VELD_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        change->time.wall_utc_ms = cases[i].wall_utc_ms;
        change->time.offset_min = cases[i].offset_min;
        change->commit_utc_s = INT64_C(253402300799);
        assert_int_equal(veld_change_check_form(change, NULL), cases[i].expected);
    }
    wire_world_release(&w);
}

/* A change whose map has one more key, as a later format may send it. */
static void unknown_content_is_newer_and_names_are_not_taken_from_outside(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 11);
    const veld_change *change = wire_world_one_field(&w);
    veld_buf bytes;
    veld_arena arena;
    veld_change back;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    veld_arena_init(&arena, MEMORY_MAX);
    assert_ok(veld_change_encode(change, VELD_CHANGE_WIRE, &bytes, NULL));
    bytes.data[0]++; /* the count of pairs, below 24 */
    assert_ok(veld_buf_append(&bytes, "\x18\x20\x00", 3));
    assert_int_equal(
        veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_WIRE, &arena, &back, NULL),
        VELD_E_NEWER);
    veld_buf_clear(&bytes);
    assert_ok(veld_change_encode(change, VELD_CHANGE_ROW, &bytes, NULL));
    assert_int_equal(
        veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_WIRE, &arena, &back, NULL),
        VELD_E_FORM);
    assert_int_equal(bytes.data[2], VELD_CHANGE_FORMAT);
    bytes.data[2] = VELD_CHANGE_FORMAT + 1;
    assert_int_equal(
        veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_ROW, &arena, &back, NULL),
        VELD_E_NEWER);
    veld_arena_release(&arena);
    veld_buf_wipe(&bytes);
    wire_world_release(&w);
}

static void when_it_came_is_kept_in_our_rows_only(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 13);
    veld_change change = *wire_world_one_field(&w);
    veld_buf bytes;
    veld_arena arena;
    veld_change back;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    veld_arena_init(&arena, MEMORY_MAX);
    change.arrived_utc_ms = 1772438400000;
    assert_ok(veld_change_encode(&change, VELD_CHANGE_ROW, &bytes, NULL));
    assert_ok(veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_ROW, &arena, &back, NULL));
    assert_int_equal(back.arrived_utc_ms, change.arrived_utc_ms);
    veld_buf_clear(&bytes);
    assert_ok(veld_change_encode(&change, VELD_CHANGE_WIRE, &bytes, NULL));
    assert_ok(veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_WIRE, &arena, &back, NULL));
    assert_int_equal(back.arrived_utc_ms, 0);
    bytes.data[0]++; /* the count of pairs, below 24 */
    assert_ok(veld_buf_append(&bytes, "\x0e\x01", 2));
    assert_int_equal(
        veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_WIRE, &arena, &back, NULL),
        VELD_E_FORM);
    veld_arena_release(&arena);
    veld_buf_wipe(&bytes);
    wire_world_release(&w);
}

static void a_small_arena_ends_decoding(void **state)
{
    (void)state;
    wire_world w;
    wire_world_init(&w, 12);
    const veld_change *change = wire_world_one_field(&w);
    veld_buf bytes;
    veld_arena arena;
    veld_change back;
    veld_buf_init(&bytes, VELD_CHANGE_BYTES_MAX);
    veld_arena_init(&arena, 64);
    assert_ok(veld_change_encode(change, VELD_CHANGE_ROW, &bytes, NULL));
    assert_int_equal(
        veld_change_decode(veld_buf_span(&bytes), VELD_CHANGE_ROW, &arena, &back, NULL),
        VELD_E_MEMORY);
    veld_arena_release(&arena);
    veld_buf_wipe(&bytes);
    wire_world_release(&w);
}

static int start(void **state)
{
    (void)state;
    return veld_crypto_init(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_changes_come_back),
        cmocka_unit_test(what_is_cut_or_changed_is_refused_or_another_change),
        cmocka_unit_test(every_decided_field_changes_the_core),
        cmocka_unit_test(names_of_types_and_fields),
        cmocka_unit_test(form_is_checked),
        cmocka_unit_test(a_wall_time_must_have_a_local_year_of_four_digits),
        cmocka_unit_test(unknown_content_is_newer_and_names_are_not_taken_from_outside),
        cmocka_unit_test(when_it_came_is_kept_in_our_rows_only),
        cmocka_unit_test(a_small_arena_ends_decoding),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
