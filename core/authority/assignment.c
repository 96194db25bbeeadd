/* Assignments, one value for each device with all its cases, so that what a device has is one row
 * to read, and one for each case with its devices. Both are written together. */
#include "veldkit/assignment.h"

#include <string.h>

#include "veldkit/cbor.h"
#include "veldkit/limits.h"

#define ASSIGNED "granted"
#define HOLDERS  "holders"

enum { FORMAT = 0, ITEMS = 4, LIST_MAX = 1 << 20 };

typedef struct assignments {
    veld_assignment *rows;
    size_t count;
} assignments;

/* ---- the two lists ---- */

static veld_status get(
    veld_store *store, const char *group, const veld_id *name, veld_buf *out, veld_error *err)
{
    veld_buf_init(out, VELD_STORE_BODY_BYTES_MAX);
    veld_status status = veld_store_get_value(store, group, veld_id_span(name), out, err);
    return status == VELD_E_NOT_FOUND ? VELD_OK : status;
}

static size_t open_list(veld_cbor_reader *reader)
{
    if (veld_cbor_array(reader, LIST_MAX) == 0)
        veld_cbor_reader_fail(reader, VELD_E_DAMAGED);
    if (veld_cbor_uint(reader) != FORMAT)
        veld_cbor_reader_fail(reader, VELD_E_NEWER);
    return veld_cbor_array(reader, LIST_MAX);
}

static void read_row(veld_cbor_reader *reader, const veld_id *device, veld_assignment *out)
{
    if (veld_cbor_array(reader, ITEMS) != ITEMS)
        veld_cbor_reader_fail(reader, VELD_E_DAMAGED);
    *out = (veld_assignment){.device = *device};
    veld_cbor_fixed(reader, out->case_id.bytes, sizeof out->case_id.bytes);
    out->purpose = (veld_grant_purpose)veld_cbor_uint(reader);
    out->lease_ms = veld_cbor_int(reader);
    out->lease_end_utc_ms = veld_cbor_int(reader);
}

/* With room for one more. */
static veld_status load(veld_store *store, const veld_id *device, assignments *out, veld_error *err)
{
    veld_buf body;
    *out = (assignments){0};
    veld_status status = get(store, ASSIGNED, device, &body, err);
    veld_cbor_reader reader = veld_cbor_read(veld_buf_span(&body));
    size_t count = status == VELD_OK && body.len > 0 ? open_list(&reader) : 0;
    if (status == VELD_OK) {
        out->rows = veld_allocate((count + 1) * sizeof *out->rows);
        if (out->rows == NULL)
            status = veld_fail(err, VELD_E_MEMORY, "no memory for %zu assignments", count);
    }
    for (size_t i = 0; status == VELD_OK && i < count; i++)
        read_row(&reader, device, &out->rows[i]);
    if (status == VELD_OK && body.len > 0)
        status = veld_cbor_reader_finish(&reader, err);
    out->count = status == VELD_OK ? count : 0;
    veld_buf_release(&body);
    return status;
}

static veld_status save(
    veld_store *store, const veld_id *device, const assignments *all, veld_error *err)
{
    veld_buf body;
    veld_buf_init(&body, VELD_STORE_BODY_BYTES_MAX);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_array(&writer, 2);
    veld_cbor_put_uint(&writer, FORMAT);
    veld_cbor_put_array(&writer, all->count);
    for (size_t i = 0; i < all->count; i++) {
        const veld_assignment *row = &all->rows[i];
        veld_cbor_put_array(&writer, ITEMS);
        veld_cbor_put_bytes(&writer, veld_id_span(&row->case_id));
        veld_cbor_put_uint(&writer, (uint64_t)row->purpose);
        veld_cbor_put_int(&writer, row->lease_ms);
        veld_cbor_put_int(&writer, row->lease_end_utc_ms);
    }
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status =
            veld_store_put_value(store, ASSIGNED, veld_id_span(device), veld_buf_span(&body), err);
    veld_buf_release(&body);
    return status;
}

/* The devices of a case are their ids one behind the other; one more is put at the end, or one is
 * taken out. */
static veld_status change_holders(veld_store *store, const veld_id *case_id, const veld_id *device,
    bool is_there, veld_error *err)
{
    veld_buf body;
    size_t at = 0;
    veld_status status = get(store, HOLDERS, case_id, &body, err);
    while (
        at + VELD_ID_BYTES <= body.len && memcmp(body.data + at, device->bytes, VELD_ID_BYTES) != 0)
        at += VELD_ID_BYTES;
    bool was_there = at + VELD_ID_BYTES <= body.len;
    if (status == VELD_OK && is_there && !was_there) {
        status = veld_buf_append_span(&body, veld_id_span(device));
    } else if (status == VELD_OK && !is_there && was_there) {
        memmove(body.data + at, body.data + at + VELD_ID_BYTES, body.len - at - VELD_ID_BYTES);
        body.len -= VELD_ID_BYTES;
    }
    if (status == VELD_OK && is_there != was_there)
        status =
            veld_store_put_value(store, HOLDERS, veld_id_span(case_id), veld_buf_span(&body), err);
    veld_buf_release(&body);
    return status;
}

/* ---- one assignment ---- */

static veld_assignment *find(const assignments *all, const veld_id *case_id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (veld_id_equal(&all->rows[i].case_id, case_id))
            return &all->rows[i];
    }
    return NULL;
}

static veld_status write_both(veld_store *store, const veld_id *case_id, const veld_id *device,
    const assignments *all, bool is_there, veld_error *err)
{
    bool own = !veld_store_in_transaction(store);
    veld_status status = own ? veld_store_begin(store, err) : VELD_OK;
    if (status != VELD_OK)
        return status;
    status = save(store, device, all, err);
    if (status == VELD_OK)
        status = change_holders(store, case_id, device, is_there, err);
    return own ? veld_store_end(store, status, err) : status;
}

veld_status veld_assignment_put(
    veld_store *store, const veld_assignment *assignment, veld_error *err)
{
    assignments all;
    veld_status status = load(store, &assignment->device, &all, err);
    if (status != VELD_OK)
        return status;
    veld_assignment *row = find(&all, &assignment->case_id);
    if (row == NULL)
        row = &all.rows[all.count++];
    *row = *assignment;
    status = write_both(store, &assignment->case_id, &assignment->device, &all, true, err);
    veld_release(all.rows);
    return status;
}

veld_status veld_assignment_get(veld_store *store, const veld_id *case_id, const veld_id *device,
    veld_assignment *out, veld_error *err)
{
    assignments all;
    veld_status status = load(store, device, &all, err);
    const veld_assignment *row = status == VELD_OK ? find(&all, case_id) : NULL;
    if (row != NULL)
        *out = *row;
    else if (status == VELD_OK)
        status = veld_fail(err, VELD_E_NOT_FOUND, "the case is not assigned to this device");
    veld_release(all.rows);
    return status;
}

veld_status veld_assignment_remove(
    veld_store *store, const veld_id *case_id, const veld_id *device, veld_error *err)
{
    assignments all;
    veld_status status = load(store, device, &all, err);
    veld_assignment *row = status == VELD_OK ? find(&all, case_id) : NULL;
    if (row != NULL) {
        size_t behind = all.count - (size_t)(row - all.rows) - 1;
        memmove(row, row + 1, behind * sizeof *row);
        all.count--;
        status = write_both(store, case_id, device, &all, false, err);
    }
    veld_release(all.rows);
    return status;
}

veld_status veld_assignments_of_device(
    veld_store *store, const veld_id *device, veld_assignment **out, size_t *count, veld_error *err)
{
    assignments all;
    veld_status status = load(store, device, &all, err);
    if (status != VELD_OK) {
        veld_release(all.rows);
        all = (assignments){0};
    }
    *out = all.rows;
    *count = all.count;
    return status;
}

veld_status veld_assignments_of_case(veld_store *store, const veld_id *case_id,
    veld_assignment **out, size_t *count, veld_error *err)
{
    veld_buf body;
    size_t found = 0;
    *out = NULL;
    *count = 0;
    veld_status status = get(store, HOLDERS, case_id, &body, err);
    veld_assignment *rows = veld_allocate((body.len / VELD_ID_BYTES + 1) * sizeof *rows);
    if (status == VELD_OK && rows == NULL)
        status = veld_fail(err, VELD_E_MEMORY, "no memory for the devices of a case");
    for (size_t at = 0; status == VELD_OK && at + VELD_ID_BYTES <= body.len; at += VELD_ID_BYTES) {
        veld_id device;
        memcpy(device.bytes, body.data + at, sizeof device.bytes);
        status = veld_assignment_get(store, case_id, &device, &rows[found], err);
        found += status == VELD_OK;
    }
    veld_buf_release(&body);
    if (status != VELD_OK) {
        veld_release(rows);
        return status;
    }
    *out = rows;
    *count = found;
    return VELD_OK;
}
