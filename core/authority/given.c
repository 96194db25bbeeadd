/* What the agency gave to devices, one value for each time: the answer to what a device could read
 * once. Nothing is taken out of it. */
#include <string.h>

#include "veldkit/assignment.h"
#include "veldkit/cbor.h"
#include "veldkit/number.h"

#define GROUP "given"

enum {
    SERIAL_BYTES = 8,
    NAME_BYTES = VELD_ID_BYTES + SERIAL_BYTES,
    ITEMS = 4,
    BODY_BYTES_MAX = 64
};

veld_status veld_given_put(veld_store *store, const veld_given *given, veld_error *err)
{
    uint8_t name[NAME_BYTES];
    veld_buf body;
    veld_buf_init(&body, BODY_BYTES_MAX);
    memcpy(name, given->device.bytes, VELD_ID_BYTES);
    veld_put_u64(name + VELD_ID_BYTES, given->serial);
    veld_cbor_writer writer = veld_cbor_write(&body);
    veld_cbor_put_array(&writer, ITEMS);
    veld_cbor_put_bytes(&writer, veld_id_span(&given->case_id));
    veld_cbor_put_uint(&writer, (uint64_t)given->purpose);
    veld_cbor_put_int(&writer, given->utc_ms);
    veld_cbor_put_int(&writer, given->lease_end_utc_ms);
    veld_status status = veld_cbor_writer_finish(&writer, err);
    if (status == VELD_OK)
        status = veld_store_put_value(
            store, GROUP, veld_span_of(name, sizeof name), veld_buf_span(&body), err);
    veld_buf_release(&body);
    return status;
}

static veld_status read_given(const veld_store_value *value, veld_given *out, veld_error *err)
{
    veld_cbor_reader reader = veld_cbor_read(value->body);
    *out = (veld_given){0};
    if (value->name.len != NAME_BYTES || veld_cbor_array(&reader, ITEMS) != ITEMS)
        return veld_fail(err, VELD_E_DAMAGED, "what was given to a device is not readable");
    memcpy(out->device.bytes, value->name.data, VELD_ID_BYTES);
    out->serial = veld_get_u64(value->name.data + VELD_ID_BYTES);
    veld_cbor_fixed(&reader, out->case_id.bytes, sizeof out->case_id.bytes);
    out->purpose = (veld_grant_purpose)veld_cbor_uint(&reader);
    out->utc_ms = veld_cbor_int(&reader);
    out->lease_end_utc_ms = veld_cbor_int(&reader);
    return veld_cbor_reader_finish(&reader, err);
}

veld_status veld_given_each(veld_store *store, const veld_id *device, void *context,
    veld_status (*each)(void *context, const veld_given *given, veld_error *err), veld_error *err)
{
    veld_store_cursor *cursor = NULL;
    bool more = true;
    veld_status status;
    VELD_TRY(veld_store_values(store, GROUP, &cursor, err));
    while (more) {
        veld_store_value value;
        veld_given given;
        VELD_TRY(veld_store_values_next(cursor, &more, &value, err));
        if (!more || value.name.len != NAME_BYTES ||
            memcmp(value.name.data, device->bytes, VELD_ID_BYTES) != 0)
            continue;
        VELD_TRY(read_given(&value, &given, err));
        VELD_TRY(each(context, &given, err));
    }
done:
    veld_store_cursor_close(cursor);
    return status;
}
