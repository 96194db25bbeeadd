/* Case keys, wrapped under the vault, and opened cases. The first key put for a case is marked as
 * the root of its rows at rest, so that a later epoch changes nothing about rows that are there.
 *
 * A row: case 16 | epoch u32 | key 32 | root flag u8, sealed by the wrap sealer. */
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "veldkit/limits.h"
#include "veldkit/number.h"

enum {
    AT_EPOCH = VELD_ID_BYTES,
    AT_KEY = AT_EPOCH + 4,
    AT_ROOT = AT_KEY + VELD_SEAL_KEY_BYTES,
    ROW_BYTES = AT_ROOT + 1
};

static const char table[] = "case_keys";

static const veld_sealer *wrap_sealer(const veld_store *store)
{
    return veld_vault_sealer(store->vault, VELD_SEALER_VAULT_WRAP);
}

static veld_status key_row(const veld_store *store, const veld_id *case_id, uint32_t epoch,
    veld_row_id *out, veld_error *err)
{
    uint8_t number[4];
    veld_put_u32(number, epoch);
    veld_span parts[] = {veld_id_span(case_id), veld_span_of(number, sizeof number)};
    return store_row_id(store, table, parts, 2, out, err);
}

static veld_status has_key(
    veld_store *store, const veld_row_id *kase, const veld_row_id *id, bool *out, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_status status = store_statement(store, STORE_CASE_KEY_HAS, &statement, err);
    if (status != VELD_OK)
        return status;
    if (sql_bind_span(statement, 1, store_row_span(kase)) != SQLITE_OK ||
        sql_bind_span(statement, 2, store_row_span(id)) != SQLITE_OK)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for a case key");
    else
        status = store_step(store, statement, out, err);
    store_statement_done(statement);
    return status;
}

static veld_status put_key(
    veld_store *store, const veld_id *case_id, uint32_t epoch, veld_span key, veld_error *err)
{
    veld_row_id kase = {{0}}, id;
    uint8_t number[4], root;
    uint64_t count = 0;
    bool there;
    veld_span kase_span = store_row_span(&kase);
    veld_buf sealed;
    veld_status status = VELD_OK;
    veld_buf_init(&sealed, ROW_BYTES + VELD_ROW_OVERHEAD_BYTES);
    VELD_TRY(store_case_row(store, case_id, &kase, err));
    VELD_TRY(key_row(store, case_id, epoch, &id, err));
    VELD_TRY(has_key(store, &kase, &id, &there, err));
    if (there) {
        status = veld_fail(err, VELD_E_EXISTS, "the case has a key of epoch %u", (unsigned)epoch);
        goto done;
    }
    VELD_TRY(store_count(store, STORE_CASE_KEYS_COUNT, &kase_span, &count, err));
    if (count >= VELD_STORE_EPOCHS_MAX) {
        status = veld_fail(err, VELD_E_LIMIT, "the case has too many keys");
        goto done;
    }
    root = count == 0;
    veld_put_u32(number, epoch);
    veld_span parts[] = {
        veld_id_span(case_id), veld_span_of(number, sizeof number), key, veld_span_of(&root, 1)};
    VELD_TRY(
        store_seal(store, wrap_sealer(store), table, store_row_span(&id), parts, 4, &sealed, err));
    veld_span values[] = {store_row_span(&id), kase_span, veld_buf_span(&sealed)};
    VELD_TRY(store_run(store, STORE_CASE_KEY_PUT, values, 3, err));
    if (root)
        VELD_TRY(store_case_put(store, case_id, &kase, (veld_span){0}, err));
done:
    veld_buf_wipe(&sealed);
    return status;
}

veld_status veld_store_put_case_key(
    veld_store *store, const veld_id *case_id, uint32_t epoch, veld_span key, veld_error *err)
{
    VELD_ASSERT(key.len == VELD_SEAL_KEY_BYTES);
    bool own = false;
    if (epoch == 0)
        return veld_fail(err, VELD_E_LIMIT, "epochs count from 1");
    veld_status status = store_write_begin(store, &own, err);
    if (status == VELD_OK)
        status = put_key(store, case_id, epoch, key, err);
    return store_write_end(store, own, status, err);
}

/* Take one opened row into the handle; the row sealer when it is the root. */
static veld_status take_key(
    veld_store_case *opened, veld_store *store, const uint8_t *row, veld_error *err)
{
    if (memcmp(row, opened->id.bytes, VELD_ID_BYTES) != 0 || row[AT_ROOT] > 1 ||
        (row[AT_ROOT] == 1 && opened->row != NULL))
        return veld_fail(err, VELD_E_DAMAGED, "a row of %s does not fit its case", table);
    store_case_key *keys = veld_resize(opened->keys, (opened->count + 1) * sizeof *opened->keys);
    if (keys == NULL)
        return veld_fail(err, VELD_E_MEMORY, "no memory for the keys of a case");
    opened->keys = keys;
    veld_span key = veld_span_of(row + AT_KEY, VELD_SEAL_KEY_BYTES);
    store_case_key *taken = &keys[opened->count];
    *taken = (store_case_key){.epoch = veld_get_u32(row + AT_EPOCH)};
    veld_status status = veld_secret_copy(&taken->key, key);
    if (status != VELD_OK)
        return veld_fail(err, status, "no memory for the keys of a case");
    opened->count++;
    if (row[AT_ROOT] != 1)
        return VELD_OK;
    return veld_sealer_new(
        VELD_SEALER_CASE_ROW, key, veld_vault_hedge(store->vault), store->env, &opened->row, err);
}

static veld_status load_keys(veld_store_case *opened, veld_store *store, veld_error *err)
{
    sqlite3_stmt *statement = NULL;
    veld_buf plain;
    bool row;
    veld_status status = VELD_OK;
    veld_buf_init(&plain, ROW_BYTES);
    VELD_TRY(store_statement(store, STORE_CASE_KEYS_GET, &statement, err));
    if (sql_bind_span(statement, 1, store_row_span(&opened->kase)) != SQLITE_OK) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the keys of a case");
        goto done;
    }
    for (;;) {
        VELD_TRY(store_step(store, statement, &row, err));
        if (!row)
            break;
        veld_wipe(plain.data, plain.len);
        veld_buf_clear(&plain);
        VELD_TRY(store_open(store, wrap_sealer(store), table, sql_column_span(statement, 0),
            sql_column_span(statement, 1), ROW_BYTES, &plain, err));
        VELD_TRY(take_key(opened, store, plain.data, err));
    }
    if (opened->count == 0)
        status = veld_fail(err, VELD_E_NOT_FOUND, "there is no key of this case here");
    else if (opened->row == NULL)
        status = veld_fail(err, VELD_E_DAMAGED, "the key of the case's rows is missing");
done:
    store_statement_done(statement);
    veld_buf_wipe(&plain);
    return status;
}

static int by_epoch(const void *a, const void *b)
{
    uint32_t first = ((const store_case_key *)a)->epoch;
    uint32_t second = ((const store_case_key *)b)->epoch;
    return first < second ? -1 : first > second;
}

veld_status veld_store_case_open(
    veld_store *store, const veld_id *case_id, veld_store_case **out, veld_error *err)
{
    veld_store_case *opened = NULL;
    veld_status status = VELD_OK;
    VELD_TRY(store_ready(store, err));
    opened = veld_allocate(sizeof *opened);
    if (opened == NULL) {
        status = veld_fail(err, VELD_E_MEMORY, "no memory to open a case");
        goto done;
    }
    opened->store = store;
    opened->id = *case_id;
    VELD_TRY(store_case_row(store, case_id, &opened->kase, err));
    VELD_TRY(load_keys(opened, store, err));
    qsort(opened->keys, opened->count, sizeof *opened->keys, by_epoch);
    *out = opened;
    opened = NULL;
done:
    veld_store_case_close(opened);
    return status;
}

void veld_store_case_close(veld_store_case *opened)
{
    if (opened == NULL)
        return;
    for (size_t i = 0; i < opened->count; i++) {
        veld_sealer_free(opened->keys[i].message);
        veld_secret_release(&opened->keys[i].key);
    }
    veld_release(opened->keys);
    veld_sealer_free(opened->row);
    veld_release(opened);
}

const veld_id *veld_store_case_id(const veld_store_case *opened)
{
    return &opened->id;
}

uint32_t veld_store_case_epoch(const veld_store_case *opened)
{
    return opened->keys[opened->count - 1].epoch;
}

static store_case_key *find_key(const veld_store_case *opened, uint32_t epoch)
{
    for (size_t i = opened->count; i > 0; i--) {
        if (opened->keys[i - 1].epoch == epoch)
            return &opened->keys[i - 1];
    }
    return NULL;
}

veld_status veld_store_case_key(
    const veld_store_case *opened, uint32_t epoch, veld_span *out, veld_error *err)
{
    const store_case_key *key = find_key(opened, epoch);
    if (key == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "no key of epoch %u", (unsigned)epoch);
    *out = veld_secret_span(&key->key);
    return VELD_OK;
}

veld_status veld_store_case_message_sealer(
    veld_store_case *opened, uint32_t epoch, const veld_sealer **out, veld_error *err)
{
    store_case_key *key = find_key(opened, epoch);
    veld_status status = VELD_OK;
    if (key == NULL)
        return veld_fail(err, VELD_E_NOT_FOUND, "no key of epoch %u", (unsigned)epoch);
    if (key->message == NULL)
        status = veld_sealer_new(VELD_SEALER_CASE_MESSAGE, veld_secret_span(&key->key),
            veld_vault_hedge(opened->store->vault), opened->store->env, &key->message, err);
    *out = key->message;
    return status;
}
