/* Big-endian layout and arithmetic that cannot wrap. */
#include "veld_test.h"

#include "veldkit/number.h"

static void layout_is_big_endian(void **state)
{
    (void)state;
    uint8_t bytes[8];
    veld_put_u64(bytes, 0x0102030405060708u);
    assert_memory_equal(bytes, "\1\2\3\4\5\6\7\10", 8);
    assert_true(veld_get_u64(bytes) == 0x0102030405060708u);
    assert_int_equal(veld_get_u32(bytes + 4), 0x05060708);
    assert_int_equal(veld_get_u16(bytes), 0x0102);
    veld_put_u64(bytes, UINT64_MAX);
    assert_true(veld_get_u64(bytes) == UINT64_MAX);
}

static void sums_and_products_that_do_not_fit_are_told(void **state)
{
    (void)state;
    size_t out = 7;
    assert_false(veld_size_add(SIZE_MAX, 1, &out));
    assert_false(veld_size_multiply(SIZE_MAX / 2, 3, &out));
    assert_int_equal(out, 7);
    assert_true(veld_size_add(SIZE_MAX, 0, &out) && out == SIZE_MAX);
    assert_true(veld_size_multiply(0, SIZE_MAX, &out) && out == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_big_endian),
        cmocka_unit_test(sums_and_products_that_do_not_fit_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
