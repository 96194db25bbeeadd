#include "veld_test.h"

#include "store_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "veldkit/crypto.h"
#include "veldkit/number.h"

void world_setup(store_world *world)
{
    static const veld_pin_params floor = {.passes = 1, .memory_kib = 46 * 1024, .lanes = 1};
    *world = (store_world){0};
    static uint64_t worlds; /* no two alike */
    test_env_init(&world->env, 7 + worlds++);
    memcpy(world->home, "/tmp/veldkit-store-XXXXXX", sizeof "/tmp/veldkit-store-XXXXXX");
    assert_non_null(mkdtemp(world->home));
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_keystore_file_create(&world->env.env, world->home, &world->keystore, NULL));
    assert_ok(veld_vault_create(&world->env.env, world->home, &world->keystore,
        veld_span_text(WORLD_PASSPHRASE), &floor, &world->vault, NULL));
    veld_error err = {0};
    if (veld_store_create(&world->env.env, world->home, world->vault, &world->store, &err) !=
        VELD_OK)
        fail_msg("%s", err.text);
}

void world_teardown(store_world *world)
{
    veld_store_close(world->store);
    veld_vault_close(world->vault);
    veld_keystore_close(&world->keystore);
    DIR *folder = opendir(world->home);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] != '.')
            unlink(world_path(world, entry->d_name));
    }
    closedir(folder);
    rmdir(world->home);
}

void world_restart(store_world *world)
{
    veld_error err = {0};
    veld_store_close(world->store);
    world->store = NULL;
    if (veld_store_open(&world->env.env, world->home, world->vault, &world->store, &err) != VELD_OK)
        fail_msg("%s", err.text);
}

veld_store_case *world_case(store_world *world, veld_id *id)
{
    uint8_t key[VELD_SEAL_KEY_BYTES];
    veld_store_case *opened = NULL;
    assert_ok(veld_id_new(&world->env.env, id, NULL));
    assert_ok(veld_env_random(&world->env.env, key, sizeof key, NULL));
    veld_error err = {0};
    if (veld_store_put_case_key(world->store, id, 1, veld_span_of(key, sizeof key), &err) !=
        VELD_OK)
        fail_msg("%s", err.text);
    assert_ok(veld_store_case_open(world->store, id, &opened, NULL));
    return opened;
}

veld_hash world_hash(uint64_t number)
{
    veld_hash hash = {{0xC4}};
    veld_put_u64(hash.bytes + 24, number);
    return hash;
}

const char *world_path(const store_world *world, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", world->home, name);
    return path;
}

void world_copy(const store_world *world, const char *from, const char *to)
{
    char part[4096];
    ssize_t got;
    int in = open(world_path(world, from), O_RDONLY | O_CLOEXEC);
    int out = open(world_path(world, to), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    while ((got = read(in, part, sizeof part)) > 0)
        assert_int_equal(write(out, part, (size_t)got), got);
    close(in);
    close(out);
}
