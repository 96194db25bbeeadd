/* A vault for tests. Stretching its passphrase was half of what such a test cost; that it is done
 * well is the matter of tests/unit/crypto and tests/unit/store, and here it is a hash. */
#include "test_desk.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "veld_test.h"
#include "veldkit/context.h"
#include "veldkit/crypto.h"
#include "veldkit/hash.h"
#include "veldkit/history.h"
#include "veldkit/pin.h"

static const char passphrase[] = "vier losse woorden zonder enige samenhang 7";

/* The linker puts it in the place of veld_pin_stretch; the name is the linker's. */
veld_status __wrap_veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err);

veld_status __wrap_veld_pin_stretch(const veld_pin_params *params, veld_span pin,
    const uint8_t salt[VELD_PIN_SALT_BYTES], veld_secret *out, veld_error *err)
{
    veld_hash key;
    const veld_span parts[] = {pin, veld_span_of(salt, VELD_PIN_SALT_BYTES)};
    veld_status status = veld_pin_params_check(params, err);
    if (status == VELD_OK)
        status = veld_hash_named(VELD_CONTEXT_HASH_SIGNER, parts, 2, &key, err);
    return status == VELD_OK ? veld_secret_copy(out, veld_hash_span(&key)) : status;
}

static veld_status find_key(
    void *context, const veld_id *device, veld_p256_public *out, veld_error *err)
{
    const test_keys *keys = context;
    for (size_t i = 0; i < keys->count; i++) {
        if (veld_id_equal(&keys->devices[i], device)) {
            *out = keys->keys[i];
            return VELD_OK;
        }
    }
    return veld_fail(err, VELD_E_NOT_FOUND, "device not known");
}

static void make_card(test_desk *t, const char *name)
{
    t->card = (veld_card){
        .device = *veld_store_device(t->store),
        .sign_key = veld_store_signing_key(t->store)->public_key,
        .seal_key = veld_store_seal_key(t->store)->public_key,
    };
    snprintf(t->card.name, sizeof t->card.name, "%s", name);
    veld_buf_init(&t->card_bytes, 4096);
    assert_ok(veld_card_make(&t->card, &t->desk.signer, &t->card_bytes, NULL));
}

static void make_home(test_desk *t)
{
    const char *folder = getenv("TMPDIR");
    snprintf(t->home, sizeof t->home, "%s/veld-desk-XXXXXX", folder != NULL ? folder : "/tmp");
    assert_non_null(mkdtemp(t->home));
}

void test_desk_open(test_desk *t, test_keys *keys, uint64_t seed, const char *name)
{
    memset(t, 0, sizeof *t);
    test_env_init(&t->world, seed);
    assert_ok(veld_crypto_init(NULL));
    assert_ok(veld_history_init(NULL));
    make_home(t);
    veld_pin_params floor = {.passes = 1, .memory_kib = 46 << 10, .lanes = 1};
    assert_ok(veld_keystore_file_create(&t->world.env, t->home, &t->keystore, NULL));
    assert_ok(veld_vault_create(
        &t->world.env, t->home, &t->keystore, veld_span_text(passphrase), &floor, &t->vault, NULL));
    assert_ok(veld_store_create(&t->world.env, t->home, t->vault, &t->store, NULL));
    assert_ok(veld_schema_set_new(&t->schemas, NULL));
    t->desk = (veld_desk){
        .env = &t->world.env,
        .store = t->store,
        .signer = veld_signer_p256(veld_store_signing_key(t->store)),
        .verifier = veld_verifier_p256(),
        .keyring = {.context = keys, .find = find_key},
        .schemas = t->schemas,
    };
    make_card(t, name);
    assert_true(keys->count < TEST_DESKS_MAX);
    keys->devices[keys->count] = t->card.device;
    keys->keys[keys->count++] = t->card.sign_key;
}

void test_desk_reopen(test_desk *t)
{
    veld_store_close(t->store);
    assert_ok(veld_store_open(&t->world.env, t->home, t->vault, &t->store, NULL));
    t->desk.store = t->store;
    t->desk.signer = veld_signer_p256(veld_store_signing_key(t->store));
}

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char path[600], bytes[4096];
    size_t got;
    snprintf(path, sizeof path, "%s/%s", from_dir, name);
    FILE *from = fopen(path, "rb");
    snprintf(path, sizeof path, "%s/%s", to_dir, name);
    FILE *to = fopen(path, "wb");
    assert_true(from != NULL && to != NULL);
    while ((got = fread(bytes, 1, sizeof bytes, from)) > 0)
        assert_int_equal(fwrite(bytes, 1, got, to), got);
    fclose(from);
    assert_int_equal(fclose(to), 0);
}

void test_desk_clone(test_desk *t, test_desk *from, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    test_env_init(&t->world, seed);
    make_home(t);
    veld_store_close(from->store);
    DIR *folder = opendir(from->home);
    assert_non_null(folder);
    for (struct dirent *file = readdir(folder); file != NULL; file = readdir(folder)) {
        if (file->d_name[0] != '.')
            copy_file(from->home, t->home, file->d_name);
    }
    closedir(folder);
    assert_ok(veld_store_open(&from->world.env, from->home, from->vault, &from->store, NULL));
    from->desk.store = from->store;
    from->desk.signer = veld_signer_p256(veld_store_signing_key(from->store));
    assert_ok(veld_keystore_file_open(t->home, &t->keystore, NULL));
    assert_ok(veld_vault_open(
        &t->world.env, t->home, &t->keystore, veld_span_text(passphrase), &t->vault, NULL));
    assert_ok(veld_store_open(&t->world.env, t->home, t->vault, &t->store, NULL));
    assert_ok(veld_schema_set_new(&t->schemas, NULL));
    t->card = from->card;
    t->desk = from->desk;
    t->desk.env = &t->world.env;
    t->desk.store = t->store;
    t->desk.signer = veld_signer_p256(veld_store_signing_key(t->store));
    t->desk.schemas = t->schemas;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

void test_desk_close(test_desk *t)
{
    veld_buf_release(&t->card_bytes);
    veld_schema_set_free(t->schemas);
    veld_store_close(t->store);
    veld_vault_close(t->vault);
    veld_keystore_close(&t->keystore);
    nftw(t->home, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

veld_edit test_edit_set(
    const veld_id *record, const char *type, const char *field, const char *json)
{
    return (veld_edit){
        .kind = VELD_EDIT_SET,
        .record = *record,
        .type = veld_span_text(type),
        .field = veld_span_text(field),
        .value = veld_span_text(json),
    };
}
