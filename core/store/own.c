/* The rows that say who this device is: its two private keys, wrapped, seal keys of before, and the
 * continuity row. */
#include <stdio.h>
#include <string.h>

#include "inner.h"

static const char table[] = "own";
static const char signing_name[] = "signing-key";
static const char seal_name[] = "seal-key";
static const char former_name[] = "former-seal-key"; /* with its number */

static veld_status put_key(
    veld_store *store, const char *name, const veld_p256_private *key, veld_error *err)
{
    veld_row_id id;
    veld_span name_part = veld_span_text(name), scalar, values[2];
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, VELD_P256_PRIVATE_BYTES + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_row_id(store, table, &name_part, 1, &id, err));
    scalar = veld_secret_span(&key->scalar);
    VELD_TRY(store_seal(store, veld_vault_sealer(store->vault, VELD_SEALER_VAULT_WRAP), table,
        store_row_span(&id), &scalar, 1, &sealed, err));
    values[0] = store_row_span(&id);
    values[1] = veld_buf_span(&sealed);
    VELD_TRY(store_run(store, STORE_OWN_PUT, values, 2, err));
done:
    veld_buf_wipe(&sealed);
    return status;
}

static veld_status make_key(veld_store *store, const char *name, veld_error *err)
{
    veld_p256_private key = {0};
    veld_status status = veld_p256_generate(store->env, &key, err);
    if (status == VELD_OK)
        status = put_key(store, name, &key, err);
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
    veld_status status = make_key(store, signing_name, err);
    if (status == VELD_OK)
        status = make_key(store, seal_name, err);
    if (status == VELD_OK)
        status = store_continuity_create(store, err);
    return status;
}

/* ---- keys that were changed ---- */
typedef struct former_row {
    char text[sizeof former_name + 4];
} former_row;

static former_row name_former(size_t number)
{
    former_row row;
    (void)snprintf(row.text, sizeof row.text, "%s.%zu", former_name, number % 1000);
    return row;
}

/* From the oldest on, which has number 1, as long as there are any. */
static veld_status load_former(veld_store *store, veld_error *err)
{
    veld_status status = VELD_OK;
    while (status == VELD_OK && store->former_count < VELD_STORE_FORMER_MAX) {
        const former_row row = name_former(store->former_count + 1);
        status = get_key(store, row.text, &store->former[store->former_count], err);
        if (status == VELD_OK)
            store->former_count++;
    }
    return status == VELD_E_WRONG_DEVICE ? VELD_OK : status; /* no more rows */
}

const veld_p256_private *veld_store_seal_key_at(const veld_store *store, size_t index)
{
    if (index == 0)
        return &store->seal_key;
    return index <= store->former_count ? &store->former[store->former_count - index] : NULL;
}

static veld_status replace_key(veld_store *store, const char *name, veld_p256_private *held,
    const veld_p256_private *next, veld_error *err)
{
    veld_p256_private copy = {0};
    veld_status status = veld_p256_import(veld_secret_span(&next->scalar), &copy, err);
    if (status == VELD_OK)
        status = put_key(store, name, next, err);
    if (status != VELD_OK) {
        veld_p256_release(&copy);
        return status;
    }
    veld_p256_release(held);
    *held = copy;
    return VELD_OK;
}

veld_status veld_store_change_seal_key(
    veld_store *store, const veld_p256_private *next, veld_error *err)
{
    veld_p256_private old = {0};
    veld_status status;
    VELD_ASSERT(store->in_transaction);
    if (store->former_count == VELD_STORE_FORMER_MAX)
        return veld_fail(err, VELD_E_LIMIT, "more than %u former seal keys", VELD_STORE_FORMER_MAX);
    const former_row row = name_former(store->former_count + 1);
    VELD_TRY(veld_p256_import(veld_secret_span(&store->seal_key.scalar), &old, err));
    VELD_TRY(put_key(store, row.text, &old, err));
    VELD_TRY(replace_key(store, seal_name, &store->seal_key, next, err));
    store->former[store->former_count++] = old;
    return VELD_OK;

done:
    veld_p256_release(&old);
    return status;
}

veld_status veld_store_change_signing_key(
    veld_store *store, const veld_p256_private *next, veld_error *err)
{
    VELD_ASSERT(store->in_transaction);
    return replace_key(store, signing_name, &store->signing_key, next, err);
}

veld_status veld_store_forget_seal_keys(veld_store *store, veld_error *err)
{
    veld_status status = VELD_OK;
    VELD_ASSERT(store->in_transaction);
    while (store->former_count > 0) {
        veld_row_id id;
        const former_row row = name_former(store->former_count);
        const veld_span name = veld_span_text(row.text);
        VELD_TRY(store_row_id(store, table, &name, 1, &id, err));
        const veld_span value = store_row_span(&id);
        VELD_TRY(store_run(store, STORE_OWN_DELETE, &value, 1, err));
        veld_p256_release(&store->former[--store->former_count]);
    }

done:
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
    return load_former(store, err);
done:
    veld_p256_release(&signing);
    veld_p256_release(&seal);
    return status;
}
