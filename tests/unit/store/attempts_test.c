/* The count of wrong attempts: it grows before the attempt, survives a restart and a clock that
 * goes back, and is forgiven only by the vault that opened. */
#include "veld_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_env.h"
#include "veldkit/attempts.h"
#include "veldkit/crypto.h"

static test_env world;
static char home[64], path[96];

static veld_status attempt(veld_status outcome)
{
    veld_attempt one;
    veld_status status = veld_attempts_begin(&world.env, home, &one, NULL);
    if (status == VELD_OK)
        veld_attempts_end(&world.env, &one, outcome);
    return status;
}

static void pass(int64_t ms)
{
    world.now.wall_utc_ms += ms;
    world.now.monotonic_ms += ms;
}

static void two_are_free_and_then_each_costs_more(void **state)
{
    (void)state;
    int64_t last = 0;
    assert_ok(attempt(VELD_E_WRONG_PIN));
    assert_ok(attempt(VELD_E_WRONG_PIN));
    for (uint32_t wrong = 2; wrong < 14; wrong++) {
        int64_t wait = veld_attempts_wait_ms(wrong);
        assert_true(wait >= last && wait <= 900000);
        last = wait;
        if (wait > 0) {
            assert_int_equal(attempt(VELD_E_WRONG_PIN), VELD_E_WAIT);
            pass(wait - 1);
            assert_int_equal(attempt(VELD_E_WRONG_PIN), VELD_E_WAIT);
            pass(1);
        }
        assert_ok(attempt(VELD_E_WRONG_PIN));
    }
    assert_int_equal(last, 900000);
    assert_int_equal(veld_attempts_wait_ms(UINT32_MAX), 900000);
}

static void the_right_one_starts_the_count_anew(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_ok(attempt(VELD_E_WRONG_PIN));
    assert_ok(attempt(VELD_OK));
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(VELD_E_WRONG_PIN));
    assert_int_equal(attempt(VELD_OK), VELD_E_WAIT);
}

static void what_was_no_attempt_does_not_count(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        assert_ok(attempt(VELD_E_DAMAGED));
    assert_ok(attempt(VELD_E_WRONG_PIN));
}

/* A process that is killed between two system calls has used up its attempt. */
static void who_dies_in_the_middle_has_tried(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        veld_attempt one;
        pid_t child = fork();
        if (child == 0)
            _exit(veld_attempts_begin(&world.env, home, &one, NULL) == VELD_OK ? 0 : 1);
        int result = -1;
        assert_int_equal(waitpid(child, &result, 0), child);
        assert_int_equal(result, 0);
    }
    assert_int_equal(attempt(VELD_OK), VELD_E_WAIT);
}

static void a_clock_that_is_put_back_gives_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_ok(attempt(VELD_E_WRONG_PIN));
    world.now.wall_utc_ms -= 400LL * 86400 * 1000;
    assert_int_equal(attempt(VELD_OK), VELD_E_WAIT);
    pass(veld_attempts_wait_ms(3));
    assert_ok(attempt(VELD_OK)); /* and does not lock out for 400 days */
}

static void a_torn_file_counts_as_some(void **state)
{
    (void)state;
    uint8_t file[64];
    assert_ok(attempt(VELD_E_WRONG_PIN));
    int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t len = read(fd, file, sizeof file);
    assert_int_equal(len, 56);
    for (ssize_t bit = 0; bit < len * 8; bit += 7) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(pwrite(fd, file, (size_t)len, 0), len);
        assert_int_equal(attempt(VELD_OK), VELD_E_WAIT);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (ssize_t cut = 1; cut < len; cut += 5) {
        assert_int_equal(ftruncate(fd, cut), 0);
        assert_int_equal(attempt(VELD_OK), VELD_E_WAIT);
    }
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    test_env_init(&world, 5);
    memcpy(home, "/tmp/veldkit-attempts-XXXXXX", sizeof "/tmp/veldkit-attempts-XXXXXX");
    snprintf(path, sizeof path, "%s/attempts", mkdtemp(home));
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_are_free_and_then_each_costs_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_right_one_starts_the_count_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_no_attempt_does_not_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_dies_in_the_middle_has_tried, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_clock_that_is_put_back_gives_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_torn_file_counts_as_some, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
