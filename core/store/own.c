/* The rows that say who this device is: its two private keys, wrapped, and the continuity row. */
#include <string.h>

#include "inner.h"

static const char table[] = "own";
static const char signing_name[] = "signing-key";
static const char seal_name[] = "seal-key";

static veld_status put_key(veld_store *store, const char *name, veld_error *err)
{
    veld_p256_private key = {0};
    veld_row_id id;
    veld_span name_part = veld_span_text(name), scalar, values[2];
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, VELD_P256_PRIVATE_BYTES + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(veld_p256_generate(store->env, &key, err));
    VELD_TRY(store_row_id(store, table, &name_part, 1, &id, err));
    scalar = veld_secret_span(&key.scalar);
    VELD_TRY(store_seal(store, veld_vault_sealer(store->vault, VELD_SEALER_VAULT_WRAP), table,
        store_row_span(&id), &scalar, 1, &sealed, err));
    values[0] = store_row_span(&id);
    values[1] = veld_buf_span(&sealed);
    VELD_TRY(store_run(store, STORE_OWN_PUT, values, 2, err));
done:
    veld_buf_wipe(&sealed);
    veld_p256_release(&key);
    return status;
}

static veld_status get_key(
    veld_store *store, const char *name, veld_p256_private *out, veld_error *err)
{
    veld_row_id id;
    veld_span name_part = veld_span_text(name);
    veld_buf plain;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, VELD_P256_PRIVATE_BYTES);
    VELD_TRY(store_row_id(store, table, &name_part, 1, &id, err));
    status =
        store_get(store, STORE_OWN_GET, veld_vault_sealer(store->vault, VELD_SEALER_VAULT_WRAP),
            table, &id, VELD_P256_PRIVATE_BYTES, &plain, err);
    if (status == VELD_E_NOT_FOUND)
        status = veld_fail(err, VELD_E_WRONG_DEVICE, "the store belongs to another vault");
    if (status != VELD_OK)
        goto done;
    status = veld_p256_import(veld_buf_span(&plain), out, err);
    if (status == VELD_E_FORM)
        status = veld_fail(err, VELD_E_DAMAGED, "a private key of the device is damaged");
done:
    veld_buf_wipe(&plain);
    return status;
}

veld_status store_own_create(veld_store *store, veld_error *err)
{
    veld_status status = put_key(store, signing_name, err);
    if (status == VELD_OK)
        status = put_key(store, seal_name, err);
    if (status == VELD_OK)
        status = store_continuity_create(store, err);
    return status;
}

veld_status store_own_load(veld_store *store, veld_error *err)
{
    veld_p256_private signing = {0}, seal = {0};
    veld_status status = VELD_OK;
    if (store->signing_key.scalar.data != NULL)
        return VELD_OK; /* opened again: borrowers keep what they have */
    VELD_TRY(get_key(store, signing_name, &signing, err));
    VELD_TRY(get_key(store, seal_name, &seal, err));
    store->signing_key = signing;
    store->seal_key = seal;
    return VELD_OK;
done:
    veld_p256_release(&signing);
    veld_p256_release(&seal);
    return status;
}
