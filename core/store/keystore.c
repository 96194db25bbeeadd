/* Keystores as files of a vault's folder: either the key itself, or what a chip made of it. The
 * kind `file` keeps a copied vault file from opening elsewhere, and no more: who copies the folder
 * has both. It says so by its strength.
 *
 *   "VKK1" | 1 u16 | id 16 | key 32 | SHA-256 of all before
 *   "VKK1" | 2 u16 | id 16 | name of the chip 16 | length u16 | sealed by the chip | SHA-256 ... */
#include "veldkit/keystore.h"

#include <string.h>

#include "door.h"
#include "file.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"
#include "veldkit/pin.h"
#include "veldkit/vault.h"

enum {
    FORMAT_FILE = 1,
    FORMAT_CHIP = 2,
    AT_FORMAT = 4,
    AT_ID = 6,
    AT_KEY = AT_ID + VELD_ID_BYTES,
    FILE_BYTES = AT_KEY + VELD_PIN_HARDWARE_KEY_BYTES + VELD_HASH_BYTES,
    AT_CHIP = AT_KEY,
    AT_LENGTH = AT_CHIP + VELD_KEYSTORE_CHIP_NAME_MAX,
    AT_SEALED = AT_LENGTH + 2,
    BYTES_MAX = AT_SEALED + VELD_KEYSTORE_SEALED_MAX + VELD_HASH_BYTES
};

static const store_door doors[] = {
    [VELD_DOOR_PIN] = {"vault", "keystore", "keystore.next", "VKV1"},
    [VELD_DOOR_RECOVERY] = {"recovery", "recovery.keystore", "recovery.keystore.next", "VKR1"},
};

const store_door *store_door_of(veld_door door)
{
    VELD_ASSERT(door == VELD_DOOR_PIN || door == VELD_DOOR_RECOVERY);
    return &doors[door];
}

/* What a keystore holds: a key, or what a chip made of one. */
typedef struct keeper {
    veld_env env; /* of one that is to be bound */
    char home[VELD_HOME_PATH_MAX + 1];
    veld_door door;
    veld_id id;
    bool has_chip;
    veld_keystore_chip chip;
    char chip_name[VELD_KEYSTORE_CHIP_NAME_MAX + 1];
    bool is_next;    /* its file has the name of a door that is being changed */
    veld_secret key; /* without a chip */
    veld_buf sealed; /* with one */
} keeper;

veld_status veld_keystore_key(
    const veld_keystore *keystore, veld_span auth, veld_secret *out, veld_error *err)
{
    VELD_ASSERT(keystore != NULL && keystore->key != NULL && auth.len == VELD_KEYSTORE_AUTH_BYTES);
    return keystore->key(keystore->context, auth, out, err);
}

void veld_keystore_close(veld_keystore *keystore)
{
    if (keystore == NULL)
        return;
    if (keystore->close != NULL)
        keystore->close(keystore->context);
    *keystore = (veld_keystore){0};
}

/* ---- the interface ---- */
static veld_status give_key(void *context, veld_span auth, veld_secret *out, veld_error *err)
{
    keeper *k = context;
    veld_secret copy = {0};
    veld_status status;
    if (k->has_chip && k->key.data == NULL)
        return k->chip.unseal(k->chip.context, auth, veld_buf_span(&k->sealed), out, err);
    status = veld_secret_copy(&copy, veld_secret_span(&k->key));
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for the keystore's key");
    *out = copy;
    return VELD_OK;
}

static void close_keeper(void *context)
{
    keeper *k = context;
    veld_secret_release(&k->key);
    veld_buf_wipe(&k->sealed);
    veld_release(k);
}

static veld_status write_file(const keeper *k, veld_buf *out, veld_error *err)
{
    uint8_t head[AT_SEALED] = {'V', 'K', 'K', '1'};
    size_t head_bytes = k->has_chip ? AT_SEALED : AT_KEY;
    veld_hash check;
    veld_status status;
    veld_put_u16(head + AT_FORMAT, k->has_chip ? FORMAT_CHIP : FORMAT_FILE);
    memcpy(head + AT_ID, k->id.bytes, VELD_ID_BYTES);
    memcpy(head + AT_CHIP, k->chip_name, VELD_KEYSTORE_CHIP_NAME_MAX);
    veld_put_u16(head + AT_LENGTH, (uint16_t)k->sealed.len);
    VELD_TRY(veld_buf_append(out, head, head_bytes));
    VELD_TRY(veld_buf_append_span(
        out, k->has_chip ? veld_buf_span(&k->sealed) : veld_secret_span(&k->key)));
    VELD_TRY(veld_sha256(veld_buf_span(out), &check, err));
    status = veld_buf_append(out, check.bytes, sizeof check.bytes);

done:
    return status == VELD_OK ? VELD_OK : veld_fail(err, status, "the keystore cannot be written");
}

/* The key is made here, not before: a chip seals it for the auth of this PIN. */
static veld_status bind_keeper(void *context, veld_span auth, veld_error *err)
{
    keeper *k = context;
    const store_door *door = store_door_of(k->door);
    uint8_t key[VELD_PIN_HARDWARE_KEY_BYTES];
    veld_buf file;
    veld_status status;
    veld_buf_init(&file, BYTES_MAX);
    VELD_TRY(veld_env_random(&k->env, key, sizeof key, err));
    if (k->has_chip)
        VELD_TRY(k->chip.seal(k->chip.context, auth, k->door == VELD_DOOR_PIN,
            veld_span_of(key, sizeof key), &k->sealed, err));
    /* Also with a chip, until this is closed: one that counted too many would not give it back. */
    if (veld_secret_copy(&k->key, veld_span_of(key, sizeof key)) != VELD_OK)
        VELD_TRY(veld_fail(err, VELD_E_MEMORY, "no memory for the keystore's key"));
    VELD_TRY(write_file(k, &file, err));
    k->is_next = store_file_exists(k->home, door->keystore);
    if (k->is_next)
        status = store_file_replace(k->home, door->keystore_next, veld_buf_span(&file), err);
    else
        status = store_file_create(k->home, door->keystore, veld_buf_span(&file), err);

done:
    veld_wipe(key, sizeof key);
    veld_buf_wipe(&file);
    return status;
}

static veld_status settle_keeper(void *context, veld_error *err)
{
    keeper *k = context;
    const store_door *door = store_door_of(k->door);
    if (!k->is_next)
        return VELD_OK;
    veld_status status = store_file_rename(k->home, door->keystore_next, door->keystore, err);
    k->is_next = k->is_next && status != VELD_OK;
    return status;
}

/* ---- making and opening ---- */
static veld_status new_keeper(
    const char *home, veld_door door, const veld_keystore_chip *chip, keeper **out, veld_error *err)
{
    size_t len = strlen(home);
    if (len == 0 || len > VELD_HOME_PATH_MAX)
        return veld_fail(err, VELD_E_LIMIT, "the path of the folder is empty or too long");
    keeper *k = veld_allocate(sizeof *k);
    if (k == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the keystore");
    memcpy(k->home, home, len);
    k->door = door;
    veld_buf_init(&k->sealed, VELD_KEYSTORE_SEALED_MAX);
    if (chip != NULL) {
        size_t name = strlen(chip->name);
        VELD_ASSERT(name > 0 && name <= VELD_KEYSTORE_CHIP_NAME_MAX);
        k->has_chip = true;
        k->chip = *chip;
        memcpy(k->chip_name, chip->name, name);
    }
    *out = k;
    return VELD_OK;
}

static void offer(keeper *k, veld_keystore *out)
{
    *out = (veld_keystore){.context = k,
        .id = k->id,
        .strength = k->has_chip ? VELD_KEYSTORE_HARDWARE : VELD_KEYSTORE_WEAK,
        .kind = k->has_chip ? k->chip_name : "file",
        .key = give_key,
        .settle = settle_keeper,
        .close = close_keeper};
}

veld_status veld_keystore_new(const veld_env *env, const char *home, veld_door door,
    const veld_keystore_chip *chip, veld_keystore *out, veld_error *err)
{
    VELD_ASSERT(out != NULL);
    keeper *k = NULL;
    veld_status status;
    VELD_TRY(new_keeper(home, door, chip, &k, err));
    k->env = *env;
    VELD_TRY(veld_id_new(env, &k->id, err));
    offer(k, out);
    out->bind = bind_keeper;

done:
    if (status != VELD_OK && k != NULL)
        close_keeper(k);
    return status;
}

veld_status veld_keystore_file_create(
    const veld_env *env, const char *home, veld_keystore *out, veld_error *err)
{
    veld_keystore made = {0};
    veld_status status;
    if (store_file_exists(home, doors[VELD_DOOR_PIN].keystore))
        return veld_fail(err, VELD_E_EXISTS, "there is a keystore already");
    VELD_TRY(veld_keystore_new(env, home, VELD_DOOR_PIN, NULL, &made, err));
    VELD_TRY(made.bind(made.context, (veld_span){0}, err));
    made.bind = NULL;
    *out = made;
    made = (veld_keystore){0};

done:
    veld_keystore_close(&made);
    return status;
}

/* What a keystore's file says. */
typedef struct keystore_form {
    veld_id id;
    bool has_chip;
    char chip[VELD_KEYSTORE_CHIP_NAME_MAX + 1];
    veld_span held; /* the key, or what is sealed; a view into the file */
} keystore_form;

static veld_status read_chip_form(veld_span file, size_t covered, keystore_form *out)
{
    if (covered < AT_SEALED || AT_SEALED + (size_t)veld_get_u16(file.data + AT_LENGTH) != covered)
        return VELD_E_DAMAGED;
    out->has_chip = true;
    memcpy(out->chip, file.data + AT_CHIP, VELD_KEYSTORE_CHIP_NAME_MAX);
    out->held = veld_span_part(file, AT_SEALED, covered - AT_SEALED);
    return out->chip[0] != '\0' ? VELD_OK : VELD_E_DAMAGED;
}

static veld_status read_form(veld_span file, keystore_form *out, veld_error *err)
{
    veld_hash check;
    veld_status status = VELD_E_DAMAGED;
    size_t covered = file.len - VELD_HASH_BYTES;
    *out = (keystore_form){0};
    if (file.len <= VELD_HASH_BYTES + AT_ID || memcmp(file.data, "VKK1", 4) != 0)
        return veld_fail(err, VELD_E_DAMAGED, "the keystore file is damaged");
    VELD_TRY(veld_sha256(veld_span_part(file, 0, covered), &check, err));
    uint16_t format = veld_get_u16(file.data + AT_FORMAT);
    if (memcmp(check.bytes, file.data + covered, sizeof check.bytes) != 0)
        return veld_fail(err, VELD_E_DAMAGED, "the keystore file is damaged");
    if (format > FORMAT_CHIP)
        return veld_fail(err, VELD_E_NEWER, "the keystore file was written by a newer program");
    status = VELD_E_DAMAGED;
    if (format == FORMAT_CHIP)
        status = read_chip_form(file, covered, out);
    if (format == FORMAT_FILE && file.len == FILE_BYTES) {
        status = VELD_OK;
        out->held = veld_span_part(file, AT_KEY, VELD_PIN_HARDWARE_KEY_BYTES);
    }
    memcpy(out->id.bytes, file.data + AT_ID, VELD_ID_BYTES);
    if (status != VELD_OK)
        veld_fail(err, status, "the keystore file is damaged");

done:
    return status;
}

/* Which keystore the door's vault file names; zero when it does not say. */
static veld_id wanted_keystore(const char *home, const store_door *door)
{
    veld_buf file;
    veld_vault_info info = {0};
    veld_id wanted = {{0}};
    veld_buf_init(&file, VELD_VAULT_FILE_BYTES_MAX);
    if (store_file_read(home, door->vault, &file, NULL) == VELD_OK &&
        veld_vault_info_read(veld_buf_span(&file), &info, NULL) == VELD_OK)
        wanted = info.keystore;
    veld_buf_wipe(&file);
    return wanted;
}

/* The file under the one name or the other: the one that the vault names, else the one that is
 * there, so that opening the vault can say what is wrong. `file` is initialised here. */
static veld_status find_file(const char *home, const store_door *door, bool *is_next,
    veld_buf *file, keystore_form *form, veld_error *err)
{
    veld_id wanted = wanted_keystore(home, door);
    veld_status status = VELD_E_NOT_FOUND;
    *is_next = false;
    veld_buf_init(file, BYTES_MAX);
    if (!veld_id_is_zero(&wanted) &&
        store_file_read(home, door->keystore_next, file, NULL) == VELD_OK &&
        read_form(veld_buf_span(file), form, NULL) == VELD_OK &&
        veld_id_equal(&form->id, &wanted)) {
        *is_next = true;
        return VELD_OK;
    }
    veld_buf_wipe(file);
    veld_buf_init(file, BYTES_MAX);
    VELD_TRY(store_file_read(home, door->keystore, file, err));
    status = read_form(veld_buf_span(file), form, err);

done:
    return status;
}

static void tell(const keystore_form *form, veld_keystore_info *out)
{
    *out = (veld_keystore_info){.id = form->id, .kind = "file"};
    if (form->has_chip)
        memcpy(out->kind, form->chip, sizeof out->kind);
}

veld_status veld_keystore_info_read(veld_span file, veld_keystore_info *out, veld_error *err)
{
    keystore_form form;
    veld_status status = read_form(file, &form, err);
    if (status == VELD_OK)
        tell(&form, out);
    return status;
}

veld_status veld_keystore_look(
    const char *home, veld_door door, veld_keystore_info *out, veld_error *err)
{
    veld_buf file;
    keystore_form form;
    bool is_next;
    veld_status status = find_file(home, store_door_of(door), &is_next, &file, &form, err);
    if (status == VELD_OK)
        tell(&form, out);
    veld_buf_wipe(&file);
    return status;
}

veld_status veld_keystore_open(const char *home, veld_door door, const veld_keystore_chip *chip,
    veld_keystore *out, veld_error *err)
{
    VELD_ASSERT(out != NULL);
    veld_buf file;
    keystore_form form;
    keeper *k = NULL;
    bool is_next;
    veld_status status;
    VELD_TRY(find_file(home, store_door_of(door), &is_next, &file, &form, err));
    if (form.has_chip && (chip == NULL || strcmp(chip->name, form.chip) != 0)) {
        status = veld_fail(err, VELD_E_UNSUPPORTED,
            "the key of this vault is in a chip (%s) that is not used here", form.chip);
        goto done;
    }
    VELD_TRY(new_keeper(home, door, form.has_chip ? chip : NULL, &k, err));
    VELD_ASSERT(k != NULL);
    k->id = form.id;
    k->is_next = is_next;
    status = form.has_chip ? veld_buf_append_span(&k->sealed, form.held)
                           : veld_secret_copy(&k->key, form.held);
    if (status != VELD_OK)
        veld_fail(err, status, "no memory for the keystore's key");
    else
        offer(k, out);

done:
    if (status != VELD_OK && k != NULL)
        close_keeper(k);
    veld_buf_wipe(&file);
    return status;
}

veld_status veld_keystore_file_open(const char *home, veld_keystore *out, veld_error *err)
{
    return veld_keystore_open(home, VELD_DOOR_PIN, NULL, out, err);
}
