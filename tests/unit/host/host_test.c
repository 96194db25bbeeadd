/* The real environment, as far as a test can hold it against something. */
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "veld_test.h"
#include "veldkit/host.h"

static void the_clocks_are_those_of_the_system(void **state)
{
    (void)state;
    const veld_env env = veld_host_env();
    int64_t before_ms = (int64_t)time(NULL) * 1000;
    veld_now now = veld_env_now(&env);
    veld_now later = veld_env_now(&env);
    assert_true(now.wall_utc_ms >= before_ms && now.wall_utc_ms < before_ms + 60000);
    assert_true(later.monotonic_ms >= now.monotonic_ms && now.monotonic_ms > 0);
}

static int32_t offset_in(const char *zone)
{
    assert_int_equal(setenv("TZ", zone, 1), 0);
    const veld_env env = veld_host_env();
    return veld_env_now(&env).offset_min;
}

static void the_offset_is_that_of_the_local_zone(void **state)
{
    (void)state;
    assert_int_equal(offset_in("UTC0"), 0);
    assert_int_equal(offset_in("XXX-1"), 60);
    assert_int_equal(offset_in("XXX+3:30"), -210);
    assert_int_equal(unsetenv("TZ"), 0);
}

static void random_bytes_fill_all_that_was_asked_for(void **state)
{
    (void)state;
    enum { BYTES = 70000 }; /* more than one call of the kernel gives without a pause */
    const veld_env env = veld_host_env();
    uint8_t *bytes = calloc(2, BYTES);
    assert_non_null(bytes);
    assert_ok(veld_env_random(&env, bytes, BYTES, NULL));
    assert_ok(veld_env_random(&env, bytes + BYTES, BYTES, NULL));
    assert_memory_not_equal(bytes, bytes + BYTES, 32);
    static const uint8_t zeros[32];
    for (size_t i = 0; i + 32 <= 2 * BYTES; i += 32)
        assert_memory_not_equal(bytes + i, zeros, 32);
    free(bytes);
    assert_ok(veld_env_random(&env, NULL, 0, NULL));
}

static void a_hardened_process_leaves_no_core(void **state)
{
    (void)state;
    struct rlimit limit = {1, 1};
    assert_ok(veld_host_harden(NULL));
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
    assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
    assert_ok(veld_host_harden(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clocks_are_those_of_the_system),
        cmocka_unit_test(the_offset_is_that_of_the_local_zone),
        cmocka_unit_test(random_bytes_fill_all_that_was_asked_for),
        cmocka_unit_test(a_hardened_process_leaves_no_core),
    };
    return cmocka_run_group_tests_name("host.host", tests, NULL, NULL);
}
