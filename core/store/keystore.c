/* The keystore interface, and the keystore that is a file. The file keeps a copied vault file from
 * opening elsewhere, and no more: who copies the folder has both. It says so by its strength.
 *
 *   "VKK1" | format u16 | id 16 | key 32 | SHA-256 of all before */
#include "veldkit/keystore.h"

#include <string.h>

#include "file.h"
#include "veldkit/assert.h"
#include "veldkit/hash.h"
#include "veldkit/number.h"
#include "veldkit/pin.h"

enum {
    FORMAT = 1,
    AT_ID = 6,
    AT_KEY = AT_ID + VELD_ID_BYTES,
    AT_CHECK = AT_KEY + VELD_PIN_HARDWARE_KEY_BYTES,
    FILE_BYTES = AT_CHECK + VELD_HASH_BYTES
};

static const char file_name[] = "keystore";

veld_status veld_keystore_key(const veld_keystore *keystore, veld_secret *out, veld_error *err)
{
    VELD_ASSERT(keystore != NULL && keystore->key != NULL);
    return keystore->key(keystore->context, out, err);
}

void veld_keystore_close(veld_keystore *keystore)
{
    if (keystore == NULL)
        return;
    if (keystore->close != NULL)
        keystore->close(keystore->context);
    *keystore = (veld_keystore){0};
}

static veld_status file_key(void *context, veld_secret *out, veld_error *err)
{
    veld_secret copy;
    veld_status status = veld_secret_copy(&copy, veld_secret_span(context));
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for the keystore's key");
    *out = copy;
    return VELD_OK;
}

static void file_close(void *context)
{
    veld_secret *key = context;
    veld_secret_release(key);
    veld_release(key);
}

static veld_status file_take(const uint8_t *bytes, veld_keystore *out, veld_error *err)
{
    veld_secret *key = veld_allocate(sizeof *key);
    if (key == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the keystore");
    veld_status status =
        veld_secret_copy(key, veld_span_of(bytes + AT_KEY, VELD_PIN_HARDWARE_KEY_BYTES));
    if (status != VELD_OK) {
        veld_release(key);
        return veld_fail(err, status, "no memory for the keystore's key");
    }
    *out = (veld_keystore){
        .context = key, .strength = VELD_KEYSTORE_WEAK, .key = file_key, .close = file_close};
    memcpy(out->id.bytes, bytes + AT_ID, VELD_ID_BYTES);
    return VELD_OK;
}

veld_status veld_keystore_file_create(
    const veld_env *env, const char *home, veld_keystore *out, veld_error *err)
{
    VELD_ASSERT(out != NULL);
    uint8_t bytes[FILE_BYTES] = {'V', 'K', 'K', '1'};
    veld_hash check;
    veld_keystore made = {0};
    veld_status status = VELD_OK;
    veld_put_u16(bytes + 4, FORMAT);
    VELD_TRY(veld_env_random(env, bytes + AT_ID, AT_CHECK - AT_ID, err));
    VELD_TRY(veld_sha256(veld_span_of(bytes, AT_CHECK), &check, err));
    memcpy(bytes + AT_CHECK, check.bytes, sizeof check.bytes);
    VELD_TRY(file_take(bytes, &made, err));
    VELD_TRY(store_file_create(home, file_name, veld_span_of(bytes, sizeof bytes), err));
    *out = made;
    made = (veld_keystore){0};
done:
    veld_keystore_close(&made);
    veld_wipe(bytes, sizeof bytes);
    return status;
}

veld_status veld_keystore_file_open(const char *home, veld_keystore *out, veld_error *err)
{
    VELD_ASSERT(out != NULL);
    veld_buf file;
    veld_hash check;
    veld_status status = VELD_OK;
    veld_buf_init(&file, 4096);
    VELD_TRY(store_file_read(home, file_name, &file, err));
    status = VELD_E_DAMAGED;
    if (file.len > VELD_HASH_BYTES + AT_ID && memcmp(file.data, "VKK1", 4) == 0) {
        size_t covered = file.len - VELD_HASH_BYTES;
        VELD_TRY(veld_sha256(veld_span_of(file.data, covered), &check, err));
        if (memcmp(check.bytes, file.data + covered, sizeof check.bytes) != 0)
            status = VELD_E_DAMAGED;
        else if (veld_get_u16(file.data + 4) != FORMAT)
            status = VELD_E_NEWER;
        else
            status = file.len == FILE_BYTES ? VELD_OK : VELD_E_DAMAGED;
    }
    if (status == VELD_E_NEWER)
        veld_fail(err, status, "the keystore file was written by a newer program");
    else if (status != VELD_OK)
        veld_fail(err, status, "the keystore file is damaged");
    else
        VELD_TRY(file_take(file.data, out, err));
done:
    veld_buf_wipe(&file);
    return status;
}
