/* The vault file and the keys that follow from it. VK itself is forgotten as soon as its keys are
 * derived. Whoever holds a veld_vault can read all; nothing here decides who that is. Must not know
 * SQLite. */
#include "veldkit/vault.h"

#include <string.h>

#include "door.h"
#include "file.h"
#include "veldkit/assert.h"
#include "veldkit/context.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    AT_FORMAT = 4,
    AT_DEVICE = 6,
    AT_KEYSTORE = AT_DEVICE + VELD_ID_BYTES,
    AT_PARAMS = AT_KEYSTORE + VELD_ID_BYTES,
    AT_SALT = AT_PARAMS + VELD_PIN_PARAMS_BYTES,
    AT_KEY_CHECK = AT_SALT + VELD_PIN_SALT_BYTES,
    AT_WRAPPED = AT_KEY_CHECK + VELD_KEY_CHECK_BYTES,
    WRAPPED_BYTES = VELD_SEAL_KEY_BYTES + VELD_ROW_OVERHEAD_BYTES,
    AT_HASH = AT_WRAPPED + WRAPPED_BYTES,
    DERIVED_BYTES = 32
};
_Static_assert(AT_HASH + VELD_HASH_BYTES == VELD_VAULT_BYTES, "the layout of vault.h");

static const veld_sealer_kind kinds[] = {VELD_SEALER_VAULT_ROW, VELD_SEALER_VAULT_LOG,
    VELD_SEALER_VAULT_WRAP, VELD_SEALER_VAULT_SNAPSHOT};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

struct veld_vault {
    veld_id device;
    veld_secret key; /* VK, for doors that are made later */
    veld_secret row_id;
    veld_secret hedge;
    veld_sealer *sealers[KINDS];
};

static bool is_of(veld_span file, veld_door door)
{
    return memcmp(file.data, store_door_of(door)->magic, AT_FORMAT) == 0;
}

veld_status veld_vault_info_read(veld_span file, veld_vault_info *out, veld_error *err)
{
    veld_hash hash;
    veld_vault_info info = {.door = VELD_DOOR_PIN};
    if (file.len >= AT_FORMAT && is_of(file, VELD_DOOR_RECOVERY))
        info.door = VELD_DOOR_RECOVERY;
    if (file.len < AT_DEVICE + VELD_HASH_BYTES || !is_of(file, info.door))
        return veld_fail(err, VELD_E_DAMAGED, "the vault file is damaged, or is no vault file");
    size_t covered = file.len - VELD_HASH_BYTES;
    veld_status status = veld_sha256(veld_span_of(file.data, covered), &hash, err);
    if (status != VELD_OK)
        return status;
    if (memcmp(hash.bytes, file.data + covered, sizeof hash.bytes) != 0)
        return veld_fail(err, VELD_E_DAMAGED, "the vault file is damaged");
    uint16_t format = veld_get_u16(file.data + AT_FORMAT);
    if (format > VELD_VAULT_FORMAT)
        return veld_fail(err, VELD_E_NEWER, "the vault has format %u, this program knows %u",
            (unsigned)format, (unsigned)VELD_VAULT_FORMAT);
    if (format != VELD_VAULT_FORMAT || file.len != VELD_VAULT_BYTES)
        return veld_fail(err, VELD_E_DAMAGED, "the vault file has a length that no format has");
    info.format = format;
    memcpy(info.device.bytes, file.data + AT_DEVICE, VELD_ID_BYTES);
    memcpy(info.keystore.bytes, file.data + AT_KEYSTORE, VELD_ID_BYTES);
    status = veld_pin_params_read(file.data + AT_PARAMS, &info.params, err);
    if (status == VELD_E_WEAK || status == VELD_E_LIMIT)
        return veld_fail(
            err, VELD_E_DAMAGED, "the vault file has parameters no program of ours writes");
    if (status == VELD_OK)
        *out = info;
    return status;
}

/* The keys of VK. `vault` is zeroed; on an error the caller closes it. */
static veld_status derive(veld_vault *vault, const veld_env *env, veld_span key, veld_error *err)
{
    veld_status status = VELD_OK;
    veld_span none = {0};
    VELD_TRY(veld_secret_copy(&vault->key, key));
    VELD_TRY(
        veld_key_derive(key, VELD_CONTEXT_VAULT_ROW_ID, none, DERIVED_BYTES, &vault->row_id, err));
    VELD_TRY(
        veld_key_derive(key, VELD_CONTEXT_VAULT_HEDGE, none, DERIVED_BYTES, &vault->hedge, err));
    for (size_t i = 0; i < KINDS; i++)
        VELD_TRY(veld_sealer_new(
            kinds[i], key, veld_secret_span(&vault->hedge), env, &vault->sealers[i], err));
done:
    return status;
}

/* KEK for the header in `file`, of which device id, keystore id, parameters and salt are read. With
 * `bind` the keystore makes its key now, for this PIN. */
static veld_status unlock_key(const uint8_t *file, const veld_keystore *keystore, bool bind,
    veld_span passphrase, veld_secret *out, veld_error *err)
{
    veld_secret hardware = {0}, stretched = {0}, auth = {0};
    veld_pin_params params;
    veld_id device;
    veld_status status = VELD_OK;
    memcpy(device.bytes, file + AT_DEVICE, VELD_ID_BYTES);
    VELD_TRY(veld_pin_params_read(file + AT_PARAMS, &params, err));
    VELD_TRY(veld_pin_stretch(&params, passphrase, file + AT_SALT, &stretched, err));
    VELD_TRY(veld_key_derive(veld_secret_span(&stretched), VELD_CONTEXT_KEYSTORE_AUTH,
        veld_id_span(&keystore->id), VELD_KEYSTORE_AUTH_BYTES, &auth, err));
    if (bind && keystore->bind != NULL)
        VELD_TRY(keystore->bind(keystore->context, veld_secret_span(&auth), err));
    VELD_TRY(veld_keystore_key(keystore, veld_secret_span(&auth), &hardware, err));
    VELD_TRY(veld_unlock_key(
        veld_secret_span(&stretched), veld_secret_span(&hardware), &device, out, err));
done:
    veld_secret_release(&auth);
    veld_secret_release(&stretched);
    veld_secret_release(&hardware);
    return status;
}

/* Wrap `key` under KEK into `file`, whose header is complete, and close it with the hash. */
static veld_status wrap(uint8_t *file, const veld_env *env, veld_span unlock, veld_span hedge,
    veld_span key, veld_error *err)
{
    veld_sealer *sealer = NULL;
    veld_buf wrapped;
    veld_hash hash;
    veld_span place = veld_span_of(file, AT_WRAPPED);
    veld_status status = VELD_OK;
    veld_buf_init(&wrapped, WRAPPED_BYTES);
    VELD_TRY(veld_sealer_new(VELD_SEALER_UNLOCK_WRAP, unlock, hedge, env, &sealer, err));
    VELD_TRY(veld_sealer_seal_row(sealer, &place, 1, key, &wrapped, err));
    VELD_ASSERT(wrapped.len == WRAPPED_BYTES);
    memcpy(file + AT_WRAPPED, wrapped.data, WRAPPED_BYTES);
    VELD_TRY(veld_sha256(veld_span_of(file, AT_HASH), &hash, err));
    memcpy(file + AT_HASH, hash.bytes, sizeof hash.bytes);
done:
    veld_buf_wipe(&wrapped);
    veld_sealer_free(sealer);
    return status;
}

/* The bytes of a door's file; the keystore is bound to the secret on the way. */
static veld_status make_file(const veld_vault *vault, const veld_env *env, veld_door door,
    const veld_keystore *keystore, veld_span passphrase, const veld_pin_params *params,
    uint8_t file[VELD_VAULT_BYTES], veld_error *err)
{
    veld_secret unlock = {0};
    veld_span key = veld_secret_span(&vault->key);
    veld_status status;
    if (door == VELD_DOOR_PIN) /* the office's code is random */
        VELD_TRY(veld_passphrase_check(keystore->strength, passphrase, err));
    VELD_TRY(veld_pin_params_check(params, err));
    memset(file, 0, VELD_VAULT_BYTES);
    memcpy(file, store_door_of(door)->magic, AT_FORMAT);
    veld_put_u16(file + AT_FORMAT, VELD_VAULT_FORMAT);
    memcpy(file + AT_DEVICE, vault->device.bytes, VELD_ID_BYTES);
    memcpy(file + AT_KEYSTORE, keystore->id.bytes, VELD_ID_BYTES);
    veld_pin_params_write(params, file + AT_PARAMS);
    VELD_TRY(veld_env_random(env, file + AT_SALT, VELD_PIN_SALT_BYTES, err));
    VELD_TRY(veld_key_check(key, VELD_CONTEXT_VAULT_KEY_CHECK, file + AT_KEY_CHECK, err));
    VELD_TRY(unlock_key(file, keystore, true, passphrase, &unlock, err));
    status = wrap(file, env, veld_secret_span(&unlock), veld_secret_span(&vault->hedge), key, err);
done:
    veld_secret_release(&unlock);
    return status;
}

veld_status veld_vault_create(const veld_env *env, const char *home, const veld_keystore *keystore,
    veld_span passphrase, const veld_pin_params *params, veld_vault **out, veld_error *err)
{
    VELD_ASSERT(params != NULL && out != NULL);
    uint8_t file[VELD_VAULT_BYTES];
    const char *name = store_door_of(VELD_DOOR_PIN)->vault;
    veld_secret key = {0};
    veld_vault *vault = veld_allocate(sizeof *vault);
    veld_status status = VELD_OK;
    if (vault == NULL || veld_secret_init(&key, VELD_SEAL_KEY_BYTES) != VELD_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the vault");
        goto done;
    }
    VELD_TRY(veld_id_new(env, &vault->device, err));
    VELD_TRY(veld_env_random(env, key.data, key.len, err));
    VELD_TRY(derive(vault, env, veld_secret_span(&key), err));
    VELD_TRY(make_file(vault, env, VELD_DOOR_PIN, keystore, passphrase, params, file, err));
    VELD_TRY(store_file_create(home, name, veld_span_of(file, sizeof file), err));
    *out = vault;
    vault = NULL;
done:
    veld_vault_close(vault);
    veld_secret_release(&key);
    return status;
}

/* Until the vault file is replaced the old keystore is the one that is named, and from then on the
 * new one, under whichever name it is found. */
veld_status veld_vault_door_make(const veld_vault *vault, const veld_env *env, const char *home,
    veld_door door, const veld_keystore *keystore, veld_span secret, const veld_pin_params *params,
    veld_error *err)
{
    VELD_ASSERT(params != NULL && keystore->bind != NULL);
    uint8_t file[VELD_VAULT_BYTES];
    veld_status status;
    VELD_TRY(make_file(vault, env, door, keystore, secret, params, file, err));
    VELD_TRY(
        store_file_replace(home, store_door_of(door)->vault, veld_span_of(file, sizeof file), err));
    status = keystore->settle(keystore->context, err);
done:
    return status;
}

/* Unwrap VK. The header was not damaged and is of this device: what does not open is the PIN. */
static veld_status unwrap(
    veld_span file, const veld_env *env, veld_span unlock, veld_buf *key, veld_error *err)
{
    veld_sealer *sealer = NULL;
    uint8_t check[VELD_KEY_CHECK_BYTES];
    veld_span place = veld_span_part(file, 0, AT_WRAPPED);
    veld_status status = VELD_OK;
    VELD_TRY(veld_sealer_new(VELD_SEALER_UNLOCK_WRAP, unlock, (veld_span){0}, env, &sealer, err));
    status = veld_sealer_open_row(
        sealer, &place, 1, veld_span_part(file, AT_WRAPPED, WRAPPED_BYTES), key, err);
    if (status == VELD_E_FORGED)
        status = veld_fail(err, VELD_E_WRONG_PIN, "the PIN or passphrase is not the right one");
    if (status != VELD_OK)
        goto done;
    VELD_TRY(veld_key_check(veld_buf_span(key), VELD_CONTEXT_VAULT_KEY_CHECK, check, err));
    if (memcmp(check, file.data + AT_KEY_CHECK, sizeof check) != 0)
        status = veld_fail(err, VELD_E_DAMAGED, "the vault's key is not the one its header names");
done:
    veld_sealer_free(sealer);
    return status;
}

veld_status veld_vault_open(const veld_env *env, const char *home, const veld_keystore *keystore,
    veld_span passphrase, veld_vault **out, veld_error *err)
{
    return veld_vault_door_open(env, home, VELD_DOOR_PIN, keystore, passphrase, out, err);
}

static veld_status read_door(
    const char *home, veld_door door, veld_buf *file, veld_vault_info *info, veld_error *err)
{
    veld_status status;
    VELD_TRY(store_file_read(home, store_door_of(door)->vault, file, err));
    VELD_TRY(veld_vault_info_read(veld_buf_span(file), info, err));
    if (info->door != door)
        status = veld_fail(err, VELD_E_DAMAGED, "the vault file is the one of another door");
done:
    return status;
}

veld_status veld_vault_door_open(const veld_env *env, const char *home, veld_door door,
    const veld_keystore *keystore, veld_span secret, veld_vault **out, veld_error *err)
{
    VELD_ASSERT(keystore != NULL && out != NULL);
    veld_buf file, key;
    veld_secret unlock = {0};
    veld_vault_info info;
    veld_vault *vault = NULL;
    veld_status status = VELD_OK;
    veld_buf_init(&file, VELD_VAULT_FILE_BYTES_MAX);
    veld_buf_init(&key, VELD_SEAL_KEY_BYTES);
    VELD_TRY(read_door(home, door, &file, &info, err));
    if (!veld_id_equal(&info.keystore, &keystore->id)) {
        status = veld_fail(err, VELD_E_WRONG_DEVICE, "the vault belongs to another device");
        goto done;
    }
    if (secret.len == 0 || secret.len > VELD_PIN_BYTES_MAX) {
        status = veld_fail(err, VELD_E_WRONG_PIN, "the PIN or passphrase is not the right one");
        goto done;
    }
    VELD_TRY(unlock_key(file.data, keystore, false, secret, &unlock, err));
    VELD_TRY(unwrap(veld_buf_span(&file), env, veld_secret_span(&unlock), &key, err));
    if (keystore->settle != NULL)
        VELD_TRY(keystore->settle(keystore->context, err));
    vault = veld_allocate(sizeof *vault);
    if (vault == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the vault");
        goto done;
    }
    vault->device = info.device;
    VELD_TRY(derive(vault, env, veld_buf_span(&key), err));
    *out = vault;
    vault = NULL;
done:
    veld_vault_close(vault);
    veld_secret_release(&unlock);
    veld_buf_wipe(&key);
    veld_buf_wipe(&file);
    return status;
}

void veld_vault_close(veld_vault *vault)
{
    if (vault == NULL)
        return;
    for (size_t i = 0; i < KINDS; i++)
        veld_sealer_free(vault->sealers[i]);
    veld_secret_release(&vault->hedge);
    veld_secret_release(&vault->row_id);
    veld_secret_release(&vault->key);
    veld_release(vault);
}

const veld_id *veld_vault_device(const veld_vault *vault)
{
    return &vault->device;
}

veld_span veld_vault_hedge(const veld_vault *vault)
{
    return veld_secret_span(&vault->hedge);
}

const veld_sealer *veld_vault_sealer(const veld_vault *vault, veld_sealer_kind kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i] == kind)
            return vault->sealers[i];
    }
    VELD_ASSERT(!"a vault has no sealer of this kind");
    return NULL;
}

veld_status veld_vault_row_id(const veld_vault *vault, const char *table, const veld_span *parts,
    size_t count, veld_row_id *out, veld_error *err)
{
    enum { PARTS_MAX = 4 };
    size_t len = strlen(table);
    VELD_ASSERT(len > 0 && len < 64 && count <= PARTS_MAX);
    uint8_t table_len = (uint8_t)len;
    veld_span all[PARTS_MAX + 2] = {veld_span_of(&table_len, 1), veld_span_text(table)};
    for (size_t i = 0; i < count; i++)
        all[i + 2] = parts[i];
    veld_hash mac;
    veld_status status =
        veld_hmac_sha256(veld_secret_span(&vault->row_id), all, count + 2, &mac, err);
    if (status == VELD_OK)
        memcpy(out->bytes, mac.bytes, sizeof out->bytes);
    return status;
}
