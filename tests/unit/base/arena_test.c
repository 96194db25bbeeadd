/* An arena hands out aligned zeroed memory up to its maximum and gives all of it back. */
#include "veld_test.h"

#include <string.h>

#include "test_env.h"
#include "veldkit/arena.h"

static void memory_is_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    veld_arena arena;
    veld_arena_init(&arena, 1 << 20);
    uint8_t *older = NULL;
    for (size_t size = 1; size < 9000; size = size * 2 + 1) {
        uint8_t *memory = veld_arena_get(&arena, size, 1);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xFF, size);
        assert_ptr_not_equal(memory, older);
        older = memory;
    }
    veld_arena_release(&arena);
}

static void the_maximum_holds(void **state)
{
    (void)state;
    veld_arena arena;
    veld_arena_init(&arena, 64);
    assert_non_null(veld_arena_get(&arena, 1, 32));
    assert_null(veld_arena_get(&arena, 1, 64));
    assert_null(veld_arena_get(&arena, SIZE_MAX, 2));
    assert_null(veld_arena_get(&arena, SIZE_MAX, 1));
    assert_non_null(veld_arena_get(&arena, 0, 8));
    veld_arena_release(&arena);
    assert_non_null(veld_arena_get(&arena, 1, 64));
    veld_arena_release(&arena);
}

static void copies_end_in_zero_and_failure_is_told(void **state)
{
    (void)state;
    veld_arena arena;
    veld_span copy;
    veld_arena_init(&arena, 1 << 20);
    assert_ok(veld_arena_copy(&arena, veld_span_text("abc"), &copy));
    assert_string_equal((const char *)copy.data, "abc");
    assert_int_equal(copy.len, 3);
    test_fail_allocation(1, true);
    assert_int_equal(veld_arena_copy(&arena, veld_span_of(&arena, sizeof arena), &copy), VELD_OK);
    assert_null(veld_arena_get(&arena, 1, 100000));
    test_fail_allocation(0, false);
    veld_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_aligned_zeroed_and_apart),
        cmocka_unit_test(the_maximum_holds),
        cmocka_unit_test(copies_end_in_zero_and_failure_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
