/* Stretching a PIN: floor and caps, the calibration by a clock that the test moves, and the key
 * that follows from PIN, keystore and device. */
#include <string.h>

#include "test_env.h"
#include "veld_test.h"
#include "veldkit/crypto.h"
#include "veldkit/limits.h"
#include "veldkit/pin.h"

static const veld_pin_params floor_params = {1, 46 * 1024, 1};
static const uint8_t salt[VELD_PIN_SALT_BYTES] = "0123456789abcde";

/* Computed with another implementation (@noble/hashes 1.8.0) for PIN 314159, this salt, the floor.
 */
#define ARGON2_WANTED "68d9d6c9ff577c2646516b2f64a94799b814c9ad410dca7445b424f577a018ef"

static void the_key_is_that_of_argon2id(void **state)
{
    (void)state;
    veld_secret key = {0};
    uint8_t wanted[32];
    assert_ok(veld_hex_decode(veld_span_text(ARGON2_WANTED), wanted, sizeof wanted));
    assert_ok(veld_pin_stretch(&floor_params, veld_span_text("314159"), salt, &key, NULL));
    assert_int_equal(key.len, VELD_PIN_KEY_BYTES);
    assert_memory_equal(key.data, wanted, sizeof wanted);
    veld_secret_release(&key);
}

static void parameters_below_the_floor_or_over_the_cap_are_refused(void **state)
{
    (void)state;
    static const struct {
        veld_pin_params params;
        veld_status wanted;
    } cases[] = {
        {{0, 46 * 1024, 1}, VELD_E_WEAK},
        {{1, 46 * 1024 - 1, 1}, VELD_E_WEAK},
        {{64, 19 * 1024, 1}, VELD_E_WEAK},
        {{1, 46 * 1024, 0}, VELD_E_WEAK},
        {{VELD_PIN_PASSES_MAX + 1, 46 * 1024, 1}, VELD_E_LIMIT},
        {{1, VELD_PIN_MEMORY_KIB_MAX + 1, 1}, VELD_E_LIMIT},
        {{1, UINT32_MAX, 1}, VELD_E_LIMIT},
        {{1, 46 * 1024, VELD_PIN_LANES_MAX + 1}, VELD_E_LIMIT},
        {{1, 46 * 1024, 1}, VELD_OK},
        {{VELD_PIN_PASSES_MAX, VELD_PIN_MEMORY_KIB_MAX, VELD_PIN_LANES_MAX}, VELD_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[VELD_PIN_PARAMS_BYTES];
        veld_pin_params read = {0};
        veld_secret key = {0};
        assert_int_equal(veld_pin_params_check(&cases[i].params, NULL), cases[i].wanted);
        veld_pin_params_write(&cases[i].params, bytes);
        assert_int_equal(veld_pin_params_read(bytes, &read, NULL), cases[i].wanted);
        if (cases[i].wanted == VELD_OK) {
            assert_memory_equal(&read, &cases[i].params, sizeof read);
            continue;
        }
        assert_int_equal(veld_pin_stretch(&cases[i].params, veld_span_text("1"), salt, &key, NULL),
            cases[i].wanted);
        assert_null(key.data);
    }
}

static void an_empty_or_endless_pin_is_refused(void **state)
{
    (void)state;
    static const uint8_t bytes[VELD_PIN_BYTES_MAX + 1];
    veld_secret key = {0};
    assert_int_equal(
        veld_pin_stretch(&floor_params, veld_span_of(bytes, 0), salt, &key, NULL), VELD_E_LIMIT);
    assert_int_equal(
        veld_pin_stretch(&floor_params, veld_span_of(bytes, sizeof bytes), salt, &key, NULL),
        VELD_E_LIMIT);
    assert_null(key.data);
}

/* A clock by which each run takes what the list says; the last entry goes on for ever. */
typedef struct slow_clock {
    const int64_t *runs_ms;
    size_t count;
    size_t calls;
    int64_t now_ms;
} slow_clock;

static void slow_now(void *context, veld_now *out)
{
    slow_clock *clock = context;
    if (clock->calls % 2 == 1) {
        size_t run = clock->calls / 2;
        clock->now_ms += clock->runs_ms[run < clock->count ? run : clock->count - 1];
    }
    clock->calls++;
    *out = (veld_now){.monotonic_ms = clock->now_ms};
}

static veld_pin_params calibrate(const int64_t *runs_ms, size_t count)
{
    slow_clock clock = {.runs_ms = runs_ms, .count = count};
    const veld_env env = {.context = &clock, .now = slow_now};
    veld_pin_params params = {0};
    assert_ok(veld_pin_calibrate(&env, &params, NULL));
    assert_ok(veld_pin_params_check(&params, NULL));
    return params;
}

static void calibration_aims_at_400_ms(void **state)
{
    (void)state;
    static const int64_t fast[] = {300, 150, 400}; /* the first run is the slow one */
    veld_pin_params params = calibrate(fast, 3);
    assert_int_equal(params.passes, 2); /* 400 / 150 = 2.67 passes: 2, over 1.33 times the memory */
    assert_in_range(params.memory_kib, 61 * 1024, 62 * 1024);
    static const int64_t enough[] = {450};
    params = calibrate(enough, 1);
    assert_memory_equal(&params, &floor_params, sizeof params);
    static const int64_t slow[] = {2500};
    params = calibrate(slow, 1);
    assert_memory_equal(&params, &floor_params, sizeof params);
    static const int64_t overshot[] = {200, 200, 800, 800, 400};
    params = calibrate(overshot, 5);
    assert_memory_equal(&params, &floor_params, sizeof params);
}

static void the_unlock_key_needs_pin_keystore_and_device(void **state)
{
    (void)state;
    uint8_t pin[32] = {1};
    uint8_t hardware[32] = {2};
    veld_id device = {{3}};
    veld_secret keys[4] = {{0}};
    const veld_span pin_key = {pin, sizeof pin};
    const veld_span hardware_key = {hardware, sizeof hardware};
    assert_ok(veld_unlock_key(pin_key, hardware_key, &device, &keys[0], NULL));
    pin[0] ^= 4;
    assert_ok(veld_unlock_key(pin_key, hardware_key, &device, &keys[1], NULL));
    pin[0] ^= 4;
    hardware[0] ^= 4;
    assert_ok(veld_unlock_key(pin_key, hardware_key, &device, &keys[2], NULL));
    hardware[0] ^= 4;
    device.bytes[0] ^= 4;
    assert_ok(veld_unlock_key(pin_key, hardware_key, &device, &keys[3], NULL));
    for (size_t a = 0; a < 4; a++)
        for (size_t b = 0; b < a; b++)
            assert_false(veld_span_equal(veld_secret_span(&keys[a]), veld_secret_span(&keys[b])));
    for (size_t a = 0; a < 4; a++)
        veld_secret_release(&keys[a]);
}

static int wake(void **state)
{
    (void)state;
    return veld_crypto_init(NULL) == VELD_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_key_is_that_of_argon2id),
        cmocka_unit_test(parameters_below_the_floor_or_over_the_cap_are_refused),
        cmocka_unit_test(an_empty_or_endless_pin_is_refused),
        cmocka_unit_test(calibration_aims_at_400_ms),
        cmocka_unit_test(the_unlock_key_needs_pin_keystore_and_device),
    };
    return cmocka_run_group_tests_name("crypto.pin", tests, wake, NULL);
}
