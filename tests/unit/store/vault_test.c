/* The vault: four answers that are not mixed up, and no changed bit that opens. */
#include "veld_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_world.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"

static store_world world;

static veld_status open_with(const char *passphrase, const veld_keystore *keystore)
{
    veld_vault *vault = NULL;
    veld_status status = veld_vault_open(
        &world.env.env, world.home, keystore, veld_span_text(passphrase), &vault, NULL);
    veld_vault_close(vault);
    return status;
}

static void read_file(const char *name, uint8_t *out, size_t bytes)
{
    int fd = open(world_path(&world, name), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, out, bytes), bytes);
    close(fd);
}

static void write_file(const char *name, const uint8_t *bytes, size_t len)
{
    int fd = open(world_path(&world, name), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void close_with_hash(uint8_t file[VELD_VAULT_BYTES])
{
    veld_hash hash;
    size_t covered = VELD_VAULT_BYTES - sizeof hash.bytes;
    assert_ok(veld_sha256(veld_span_of(file, covered), &hash, NULL));
    memcpy(file + covered, hash.bytes, sizeof hash.bytes);
}

static void the_right_passphrase_gives_the_same_keys(void **state)
{
    (void)state;
    veld_vault *vault = NULL;
    veld_row_id first, again;
    veld_span part = veld_span_text("x");
    struct stat file;
    assert_ok(veld_vault_open(&world.env.env, world.home, &world.keystore,
        veld_span_text(WORLD_PASSPHRASE), &vault, NULL));
    assert_true(veld_id_equal(veld_vault_device(vault), veld_vault_device(world.vault)));
    assert_true(veld_span_equal(veld_vault_hedge(vault), veld_vault_hedge(world.vault)));
    assert_ok(veld_vault_row_id(world.vault, "t", &part, 1, &first, NULL));
    assert_ok(veld_vault_row_id(vault, "t", &part, 1, &again, NULL));
    assert_memory_equal(&first, &again, sizeof first);
    assert_ok(veld_vault_row_id(vault, "tx", NULL, 0, &again, NULL));
    assert_memory_not_equal(&first, &again, sizeof first);
    veld_vault_close(vault);
    assert_int_equal(stat(world_path(&world, "vault"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(stat(world_path(&world, "keystore"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
}

static void four_reasons_have_four_answers(void **state)
{
    (void)state;
    uint8_t kept[VELD_VAULT_BYTES], file[VELD_VAULT_BYTES];
    read_file("vault", kept, sizeof kept);
    assert_int_equal(open_with("another passphrase", &world.keystore), VELD_E_WRONG_PIN);
    assert_int_equal(open_with("", &world.keystore), VELD_E_WRONG_PIN);

    veld_keystore other = world.keystore;
    other.id.bytes[3] ^= 1;
    assert_int_equal(open_with(WORLD_PASSPHRASE, &other), VELD_E_WRONG_DEVICE);

    memcpy(file, kept, sizeof file);
    veld_put_u16(file + 4, VELD_VAULT_FORMAT + 1);
    close_with_hash(file);
    write_file("vault", file, sizeof file);
    assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore), VELD_E_NEWER);

    write_file("vault", kept, sizeof kept - 1);
    assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore), VELD_E_DAMAGED);
    write_file("vault", kept, 0);
    assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore), VELD_E_DAMAGED);
    unlink(world_path(&world, "vault"));
    assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore), VELD_E_NOT_FOUND);
    int fd = open(world_path(&world, "vault"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(fd);
    write_file("vault", kept, sizeof kept);
    assert_ok(open_with(WORLD_PASSPHRASE, &world.keystore));
}

static void every_changed_bit_is_damage(void **state)
{
    (void)state;
    uint8_t file[VELD_VAULT_BYTES];
    veld_vault_info info;
    read_file("vault", file, sizeof file);
    assert_ok(veld_vault_info_read(veld_span_of(file, sizeof file), &info, NULL));
    for (size_t bit = 0; bit < sizeof file * 8; bit++) {
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(
            veld_vault_info_read(veld_span_of(file, sizeof file), &info, NULL), VELD_E_DAMAGED);
        file[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < sizeof file; len++)
        assert_int_equal(
            veld_vault_info_read(veld_span_of(file, len), &info, NULL), VELD_E_DAMAGED);
}

/* Whoever makes the hash fit again still has no vault that opens: one bit of each byte that the
 * stretching does not read, since each try costs a stretching. */
static void a_forged_header_does_not_open(void **state)
{
    (void)state;
    static const size_t at[] = {6, 21, 22, 50, 65, 66, 81, 82, 106, 153};
    uint8_t kept[VELD_VAULT_BYTES], file[VELD_VAULT_BYTES];
    read_file("vault", kept, sizeof kept);
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        memcpy(file, kept, sizeof file);
        file[at[i]] ^= 0x10;
        close_with_hash(file);
        write_file("vault", file, sizeof file);
        assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore),
            at[i] == 22 ? VELD_E_WRONG_DEVICE : VELD_E_WRONG_PIN);
    }
    memcpy(file, kept, sizeof file);
    veld_put_u32(file + 42, 1024); /* memory below the floor: nobody writes that */
    close_with_hash(file);
    write_file("vault", file, sizeof file);
    assert_int_equal(open_with(WORLD_PASSPHRASE, &world.keystore), VELD_E_DAMAGED);
    write_file("vault", kept, sizeof kept);
}

static void weak_secrets_and_second_vaults_are_refused(void **state)
{
    (void)state;
    static const veld_pin_params low = {.passes = 1, .memory_kib = 1024, .lanes = 1};
    static const veld_pin_params floor = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};
    veld_vault *vault = NULL;
    veld_keystore again = {0};
    assert_int_equal(veld_vault_create(&world.env.env, world.home, &world.keystore,
                         veld_span_text("402817"), &floor, &vault, NULL),
        VELD_E_WEAK);
    assert_int_equal(veld_vault_create(&world.env.env, world.home, &world.keystore,
                         veld_span_text(WORLD_PASSPHRASE), &low, &vault, NULL),
        VELD_E_WEAK);
    assert_int_equal(veld_vault_create(&world.env.env, world.home, &world.keystore,
                         veld_span_text(WORLD_PASSPHRASE), &floor, &vault, NULL),
        VELD_E_EXISTS);
    assert_null(vault);
    assert_int_equal(
        veld_keystore_file_create(&world.env.env, world.home, &again, NULL), VELD_E_EXISTS);
}

static void a_changed_keystore_file_is_damage(void **state)
{
    (void)state;
    uint8_t file[86];
    veld_keystore again = {0};
    read_file("keystore", file, sizeof file);
    for (size_t i = 0; i < sizeof file; i++) {
        file[i] ^= 0x04;
        write_file("keystore", file, sizeof file);
        assert_int_equal(veld_keystore_file_open(world.home, &again, NULL), VELD_E_DAMAGED);
        file[i] ^= 0x04;
    }
    write_file("keystore", file, sizeof file - 1);
    assert_int_equal(veld_keystore_file_open(world.home, &again, NULL), VELD_E_DAMAGED);
    write_file("keystore", file, sizeof file);
    assert_ok(veld_keystore_file_open(world.home, &again, NULL));
    assert_true(veld_id_equal(&again.id, &world.keystore.id));
    assert_int_equal(again.strength, VELD_KEYSTORE_WEAK);
    veld_keystore_close(&again);
    assert_int_equal(veld_keystore_file_open("/nonexistent", &again, NULL), VELD_E_NOT_FOUND);
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
        cmocka_unit_test(the_right_passphrase_gives_the_same_keys),
        cmocka_unit_test(four_reasons_have_four_answers),
        cmocka_unit_test(every_changed_bit_is_damage),
        cmocka_unit_test(a_forged_header_does_not_open),
        cmocka_unit_test(weak_secrets_and_second_vaults_are_refused),
        cmocka_unit_test(a_changed_keystore_file_is_damage),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
