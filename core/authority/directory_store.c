/* The directory as a device keeps it. Rows are written after their signature was checked and are
 * read back as they are: the store is sealed, and a check costs milliseconds for each change whose
 * author is looked up. */
#include "veldkit/directory.h"

#include <string.h>

#include "veldkit/cbor.h"

#define GROUP "directory"

enum { ITEMS = 6, ROW_BYTES_MAX = 512 };

/* ---- devices ---- */

static veld_status encode(const veld_directory_entry *entry, veld_buf *out, veld_error *err)
{
    veld_cbor_writer writer = veld_cbor_write(out);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&entry->device));
    veld_cbor_put_bytes(&writer, veld_p256_public_span(&entry->sign_key));
    veld_cbor_put_bytes(&writer, veld_p256_public_span(&entry->seal_key));
    veld_cbor_put_text(&writer, veld_span_text(entry->worker));
    veld_cbor_put_uint(&writer, (uint64_t)entry->state);
    veld_cbor_put_uint(&writer, entry->position);
    return veld_cbor_writer_finish(&writer, err);
}

static veld_status decode(veld_span bytes, veld_directory_entry *out, veld_error *err)
{
    veld_directory_entry entry = {0};
    veld_cbor_reader reader = veld_cbor_read(bytes);
    if (veld_cbor_array(&reader, ITEMS) != ITEMS)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    veld_cbor_fixed(&reader, entry.device.bytes, sizeof entry.device.bytes);
    veld_cbor_fixed(&reader, entry.sign_key.bytes, sizeof entry.sign_key.bytes);
    veld_cbor_fixed(&reader, entry.seal_key.bytes, sizeof entry.seal_key.bytes);
    veld_span worker = veld_cbor_text(&reader);
    if (worker.len >= sizeof entry.worker)
        veld_cbor_reader_fail(&reader, VELD_E_DAMAGED);
    else if (worker.len > 0)
        memcpy(entry.worker, worker.data, worker.len);
    entry.state = (veld_device_state)veld_cbor_uint(&reader);
    entry.position = veld_cbor_uint(&reader);
    veld_status status = veld_cbor_reader_finish(&reader, err);
    if (status == VELD_OK)
        *out = entry;
    return status;
}

veld_status veld_directory_find(
    veld_store *store, const veld_id *device, veld_directory_entry *out, veld_error *err)
{
    veld_buf row;
    veld_buf_init(&row, ROW_BYTES_MAX);
    veld_status status = veld_store_get_value(store, GROUP, veld_id_span(device), &row, err);
    if (status == VELD_OK)
        status = decode(veld_buf_span(&row), out, err);
    veld_buf_release(&row);
    return status;
}

veld_status veld_directory_put(veld_store *store, const veld_verifier *verifier,
    const veld_p256_public *key, veld_span bytes, bool *changed, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_directory_entry entry;
    veld_directory_entry old = {0};
    veld_buf_init(&row, ROW_BYTES_MAX);
    if (changed != NULL)
        *changed = false;
    VELD_TRY(veld_directory_read(bytes, verifier, key, &entry, err));
    status = veld_directory_find(store, &entry.device, &old, err);
    if (status != VELD_OK && status != VELD_E_NOT_FOUND)
        goto done;
    status = VELD_OK;
    if (entry.position < old.position ||
        (entry.position == old.position && (entry.worker[0] == 0 || old.worker[0] != 0)))
        goto done;
    if (entry.worker[0] == 0)
        memcpy(entry.worker, old.worker, sizeof entry.worker);
    VELD_TRY(encode(&entry, &row, err));
    VELD_TRY(
        veld_store_put_value(store, GROUP, veld_id_span(&entry.device), veld_buf_span(&row), err));
    if (changed != NULL)
        *changed = true;
done:
    veld_buf_release(&row);
    return status;
}

veld_status veld_directory_put_name(
    veld_store *store, veld_span entry, const char *name, veld_error *err)
{
    veld_status status;
    veld_buf row;
    veld_directory_entry read, kept;
    const veld_verifier known = veld_verifier_kept();
    const veld_p256_public any = {{0}};
    veld_buf_init(&row, ROW_BYTES_MAX);
    VELD_TRY(veld_directory_read(entry, &known, &any, &read, err));
    VELD_TRY(veld_directory_find(store, &read.device, &kept, err));
    memset(kept.worker, 0, sizeof kept.worker);
    memcpy(kept.worker, name, strnlen(name, sizeof kept.worker - 1));
    VELD_TRY(encode(&kept, &row, err));
    status =
        veld_store_put_value(store, GROUP, veld_id_span(&kept.device), veld_buf_span(&row), err);
done:
    veld_buf_release(&row);
    return status;
}

veld_status veld_directory_each(veld_store *store, void *context,
    veld_status (*each)(void *context, const veld_directory_entry *entry, veld_error *err),
    veld_error *err)
{
    veld_status status;
    bool more = true;
    veld_store_cursor *cursor = NULL;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_directory_entry entry;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more)
            break;
        VELD_TRY(decode(value.body, &entry, err));
        VELD_TRY(each(context, &entry, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}

/* ---- keyring ---- */

static veld_status find_key(
    void *context, const veld_id *device, veld_p256_public *out, veld_error *err)
{
    veld_store *store = context;
    veld_agency agency;
    veld_directory_entry entry;
    const veld_verifier kept = veld_verifier_kept();
    if (veld_id_equal(device, veld_store_device(store))) {
        *out = veld_store_signing_key(store)->public_key;
        return VELD_OK;
    }
    veld_status status = veld_directory_find(store, device, &entry, err);
    if (status == VELD_OK)
        *out = entry.sign_key;
    if (status != VELD_E_NOT_FOUND)
        return status;
    status = veld_agency_get(store, &kept, &agency, err);
    if (status == VELD_OK && veld_id_equal(&agency.id, device))
        *out = agency.merger_key;
    else if (status == VELD_OK)
        status = veld_fail(err, VELD_E_NOT_FOUND, "the device is not in the directory");
    return status;
}

/* The office's device is that of the statement. */
static veld_status find_former(
    void *context, const veld_id *device, size_t back, veld_p256_public *out, veld_error *err)
{
    veld_agency agency;
    const veld_verifier kept = veld_verifier_kept();
    veld_status status = veld_agency_get(context, &kept, &agency, err);
    return status == VELD_OK ? veld_agency_former_key(&agency, device, back, out, err) : status;
}

veld_keyring veld_directory_keyring(veld_store *store)
{
    return (veld_keyring){.context = store, .find = find_key, .former = find_former};
}
