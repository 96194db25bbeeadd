/* The doors of a vault: with a chip that keeps the key, changed at any point, and each with errors
 * of its own. The chip here is a stand-in that does what keystore.h asks of one. */
#include "veld_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store_world.h"
#include "veldkit/hash.h"

static store_world world;
static const veld_pin_params low_cost = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};

typedef struct test_chip {
    uint8_t number;  /* which chip it is */
    unsigned wrong;  /* counted */
    bool is_silent;  /* it does not answer */
    bool is_counted; /* what was sealed last */
} test_chip;

static veld_status seal(
    void *context, veld_span auth, bool counted, veld_span key, veld_buf *out, veld_error *err)
{
    test_chip *chip = context;
    if (chip->is_silent)
        return veld_fail(err, VELD_E_IO, "no answer");
    chip->is_counted = counted;
    assert_ok(veld_buf_append_byte(out, chip->number));
    assert_ok(veld_buf_append_span(out, auth));
    return veld_buf_append_span(out, key);
}

static veld_status unseal(
    void *context, veld_span auth, veld_span sealed, veld_secret *out, veld_error *err)
{
    test_chip *chip = context;
    if (chip->is_silent)
        return veld_fail(err, VELD_E_IO, "no answer");
    if (chip->wrong >= 3)
        return veld_fail(err, VELD_E_WAIT, "too many");
    if (sealed.len != 65 || sealed.data[0] != chip->number)
        return veld_fail(err, VELD_E_WRONG_DEVICE, "another chip");
    if (!veld_span_equal(veld_span_part(sealed, 1, 32), auth)) {
        chip->wrong++;
        return veld_fail(err, VELD_E_WRONG_PIN, "the PIN");
    }
    return veld_secret_copy(out, veld_span_part(sealed, 33, 32));
}

static veld_keystore_chip chip_of(test_chip *chip)
{
    return (veld_keystore_chip){.name = "test", .context = chip, .seal = seal, .unseal = unseal};
}

static veld_status open_door(veld_door door, test_chip *chip, const char *secret)
{
    veld_keystore keystore = {0};
    veld_vault *vault = NULL;
    const veld_keystore_chip used = chip_of(chip);
    veld_status status =
        veld_keystore_open(world.home, door, chip != NULL ? &used : NULL, &keystore, NULL);
    if (status == VELD_OK)
        status = veld_vault_door_open(
            &world.env.env, world.home, door, &keystore, veld_span_text(secret), &vault, NULL);
    if (status == VELD_OK) {
        veld_span hedge = veld_vault_hedge(world.vault); /* the same vault behind both doors */
        assert_true(veld_span_equal(veld_vault_hedge(vault), hedge));
    }
    veld_vault_close(vault);
    veld_keystore_close(&keystore);
    return status;
}

static veld_status make_door(veld_door door, test_chip *chip, const char *secret)
{
    veld_keystore keystore = {0};
    const veld_keystore_chip used = chip_of(chip);
    assert_ok(veld_keystore_new(
        &world.env.env, world.home, door, chip != NULL ? &used : NULL, &keystore, NULL));
    veld_status status = veld_vault_door_make(world.vault, &world.env.env, world.home, door,
        &keystore, veld_span_text(secret), &low_cost, NULL);
    veld_keystore_close(&keystore);
    return status;
}

static void a_changed_door_opens_with_the_new_secret_only(void **state)
{
    (void)state;
    assert_ok(make_door(VELD_DOOR_PIN, NULL, "tulp kwark zeef molen stoep"));
    assert_int_equal(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE), VELD_E_WRONG_PIN);
    assert_ok(open_door(VELD_DOOR_PIN, NULL, "tulp kwark zeef molen stoep"));
    assert_int_equal(access(world_path(&world, "keystore.next"), F_OK), -1);
    assert_int_equal(make_door(VELD_DOOR_PIN, NULL, "123456"), VELD_E_WEAK);
    assert_ok(open_door(VELD_DOOR_PIN, NULL, "tulp kwark zeef molen stoep"));
}

static void a_chip_takes_digits_counts_and_is_told_from_another(void **state)
{
    (void)state;
    test_chip chip = {.number = 1}, other = {.number = 2};
    assert_ok(make_door(VELD_DOOR_PIN, &chip, "402817"));
    assert_true(chip.is_counted);
    assert_ok(open_door(VELD_DOOR_PIN, &chip, "402817"));
    assert_int_equal(open_door(VELD_DOOR_PIN, NULL, "402817"), VELD_E_UNSUPPORTED);
    assert_int_equal(open_door(VELD_DOOR_PIN, &other, "402817"), VELD_E_WRONG_DEVICE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(open_door(VELD_DOOR_PIN, &chip, "402818"), VELD_E_WRONG_PIN);
    assert_int_equal(open_door(VELD_DOOR_PIN, &chip, "402817"), VELD_E_WAIT);
    chip.is_silent = true;
    assert_int_equal(open_door(VELD_DOOR_PIN, &chip, "402817"), VELD_E_IO);
    assert_int_equal(make_door(VELD_DOOR_PIN, &chip, "402818"), VELD_E_IO);
    chip = (test_chip){.number = 1};
    assert_ok(open_door(VELD_DOOR_PIN, &chip, "402817")); /* what failed changed nothing */
    assert_ok(make_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
}

static void the_two_doors_do_not_stand_in_for_each_other(void **state)
{
    (void)state;
    test_chip chip = {.number = 1};
    assert_int_equal(open_door(VELD_DOOR_RECOVERY, &chip, "x"), VELD_E_NOT_FOUND);
    assert_ok(make_door(VELD_DOOR_RECOVERY, &chip, "K7Q2-CODE-OF-THE-OFFICE"));
    assert_false(chip.is_counted); /* a random code cannot be guessed: nobody is kept waiting */
    assert_ok(open_door(VELD_DOOR_RECOVERY, &chip, "K7Q2-CODE-OF-THE-OFFICE"));
    assert_ok(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
    assert_int_equal(open_door(VELD_DOOR_RECOVERY, &chip, WORLD_PASSPHRASE), VELD_E_WRONG_PIN);
    world_copy(&world, "vault", "kept");
    world_copy(&world, "keystore", "kept.keystore");
    world_copy(&world, "recovery", "vault");
    world_copy(&world, "recovery.keystore", "keystore");
    assert_int_equal(open_door(VELD_DOOR_PIN, &chip, "K7Q2-CODE-OF-THE-OFFICE"), VELD_E_DAMAGED);
    world_copy(&world, "kept", "vault");
    world_copy(&world, "kept.keystore", "keystore");
    assert_ok(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
}

/* What a crash leaves: the new keystore beside the old, before and after the vault names it. */
static void between_two_keystores_the_one_that_is_named_opens(void **state)
{
    (void)state;
    const char *newer = "tulp kwark zeef molen stoep";
    world_copy(&world, "vault", "old.vault");
    world_copy(&world, "keystore", "old.keystore");
    assert_ok(make_door(VELD_DOOR_PIN, NULL, newer));
    world_copy(&world, "vault", "new.vault");
    world_copy(&world, "keystore", "keystore.next");
    world_copy(&world, "old.keystore", "keystore");
    world_copy(&world, "old.vault", "vault"); /* before: the new one has no name yet */
    assert_ok(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
    assert_int_equal(open_door(VELD_DOOR_PIN, NULL, newer), VELD_E_WRONG_PIN);
    world_copy(&world, "new.vault", "vault"); /* after */
    assert_int_equal(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE), VELD_E_WRONG_PIN);
    assert_ok(open_door(VELD_DOOR_PIN, NULL, newer));
    assert_int_equal(access(world_path(&world, "keystore.next"), F_OK), -1); /* settled */
    assert_ok(open_door(VELD_DOOR_PIN, NULL, newer));
    /* One that was left behind is no hindrance to the next change. */
    world_copy(&world, "old.keystore", "keystore.next");
    assert_ok(make_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
    assert_ok(open_door(VELD_DOOR_PIN, NULL, WORLD_PASSPHRASE));
}

static void every_changed_bit_of_a_chips_file_is_damage(void **state)
{
    (void)state;
    test_chip chip = {.number = 1};
    uint8_t bytes[512];
    veld_keystore_info info;
    assert_ok(make_door(VELD_DOOR_RECOVERY, &chip, "K7Q2-CODE-OF-THE-OFFICE"));
    FILE *file = fopen(world_path(&world, "recovery.keystore"), "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_ok(veld_keystore_info_read(veld_span_of(bytes, len), &info, NULL));
    assert_string_equal(info.kind, "test");
    for (size_t bit = 0; bit < len * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            veld_keystore_info_read(veld_span_of(bytes, len), &info, NULL), VELD_E_DAMAGED);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(
            veld_keystore_info_read(veld_span_of(bytes, cut), &info, NULL), VELD_E_DAMAGED);
}

static int set_up(void **state)
{
    (void)state;
    world_setup(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_teardown(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_changed_door_opens_with_the_new_secret_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_chip_takes_digits_counts_and_is_told_from_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            the_two_doors_do_not_stand_in_for_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            between_two_keystores_the_one_that_is_named_opens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            every_changed_bit_of_a_chips_file_is_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
